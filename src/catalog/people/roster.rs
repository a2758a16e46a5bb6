//! Persons and teams as an organisation or an HR system lists them, written down as descriptors of one pseudo-repository,
//! so that difference, history and tombstones work on them as on files. Must not know where the list comes from.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::catalog::{Authority, Contents, FileRole, Files, Repository, RepositoryRead, SourceFile, number_of};

/// Backstage's longest name of an entity.
const LONGEST_NAME: usize = 63;
/// Hex digits that tell shortened or doubled names apart.
const TELLING_DIGITS: usize = 8;
/// Records a file holds on average at most; a file then stays well below what a descriptor may hold, and a change of one
/// person rewrites about a hundred kilobytes.
const RECORDS_A_FILE: usize = 400;

/// The marks that Steward puts on what it writes here and reads in the catalog.
pub mod annotation {
    pub const GITHUB_LOGIN: &str = "github.com/user-login";
    /// GitHub's own number of the person, which a login that changes hands does not keep.
    pub const GITHUB_ID: &str = "steward.dev/github-id";
    pub const GITHUB_TEAM: &str = "github.com/team-slug";
    pub const SLACK_ID: &str = "steward.dev/slack-id";
    pub const DISCORD_ID: &str = "steward.dev/discord-id";
    pub const PAGERDUTY_ID: &str = "pagerduty.com/user-id";
    /// The person's number or key in the HR system or identity provider.
    pub const HR_ID: &str = "steward.dev/hr-id";
    /// What the identity provider vouches for when the person signs in to the code host.
    pub const SAML_ID: &str = "steward.dev/saml-id";
    /// Comma-separated addresses that the code host has verified to be the organisation's.
    pub const VERIFIED_EMAILS: &str = "steward.dev/verified-emails";
    /// The person who leads this one, or the team.
    pub const MANAGER: &str = "steward.dev/manager";
    pub const JOB_TITLE: &str = "steward.dev/job-title";
    /// The day a person left; `yes` where nobody says which.
    pub const LEFT: &str = "steward.dev/left";
}

/// A team.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TeamRecord {
    /// What it is called where it comes from; made fit for a reference here.
    pub key: String,
    pub title: Option<String>,
    pub description: Option<String>,
    /// The key of the team above it.
    pub parent: Option<String>,
    pub url: Option<String>,
    pub annotations: BTreeMap<String, String>,
}

/// A person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonRecord {
    pub key: String,
    pub display_name: Option<String>,
    pub email: Option<String>,
    /// Keys of the teams they are in.
    pub teams: Vec<String>,
    /// The key of the person who leads them.
    pub manager: Option<String>,
    pub url: Option<String>,
    pub annotations: BTreeMap<String, String>,
}

/// All that one source knows of an organisation's people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roster {
    pub teams: Vec<TeamRecord>,
    pub people: Vec<PersonRecord>,
}

impl Roster {
    /// The roster as a repository's files: teams, and people spread over files by name, so that a change rewrites one.
    ///
    /// `name` is what answers call the place, `acme (teams and members)`; `url` where a person looks at it.
    pub fn into_repository(self, source: &str, name: String, url: Option<String>, authority: Authority) -> RepositoryRead {
        let people_names = names(self.people.iter().map(|person| person.key.as_str()));
        let team_names = names(self.teams.iter().map(|team| team.key.as_str()));
        let mut files = spread("teams", self.teams.iter().map(|team| team_document(team, &team_names)).collect());
        let people = self.people.iter().map(|person| person_document(person, &people_names, &team_names)).collect();
        files.extend(spread("members", people));
        let repository = Repository::without_git(number_of(&format!("people of {source}")), name, url, authority);
        RepositoryRead { repository, files: Files::Read(files) }
    }
}

/// The nearest text that Backstage takes as the name of an entity, lower case; the same for the same text.
pub fn entity_name(key: &str) -> String {
    let lower = key.trim().to_lowercase();
    let mut name = String::with_capacity(lower.len());
    for letter in lower.chars() {
        let fits = letter.is_ascii_alphanumeric() || (matches!(letter, '-' | '_' | '.') && !name.is_empty());
        if fits {
            name.push(letter);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_end_matches(['-', '_', '.']);
    if name.is_empty() {
        return format!("x-{}", telling(key));
    }
    if name.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    let kept = name[..LONGEST_NAME - TELLING_DIGITS - 1].trim_end_matches(['-', '_', '.']);
    format!("{kept}-{}", telling(key))
}

fn telling(key: &str) -> String {
    hex::encode(&Sha256::digest(key.as_bytes())[..TELLING_DIGITS / 2])
}

/// Each key's name. Where two keys would have one name, those that had to be changed for it carry a mark of their own.
fn names<'k>(keys: impl Iterator<Item = &'k str>) -> HashMap<String, String> {
    let mut by_name: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for key in keys {
        by_name.entry(entity_name(key)).or_default().push(key);
    }
    let mut names = HashMap::new();
    for (name, keys) in by_name {
        for key in &keys {
            let is_itself = key.trim().to_lowercase() == name;
            let told = if keys.len() == 1 || is_itself {
                name.clone()
            } else {
                let kept = name.get(..LONGEST_NAME - TELLING_DIGITS - 1).unwrap_or(&name).trim_end_matches(['-', '_', '.']);
                format!("{kept}-{}", telling(key))
            };
            names.insert((*key).to_owned(), told);
        }
    }
    names
}

/// Documents over files, each document always in the same file while the whole does not double or halve.
fn spread(stem: &str, mut documents: Vec<(String, Value)>) -> Vec<SourceFile> {
    if documents.is_empty() {
        return Vec::new();
    }
    documents.sort_by(|(a, _), (b, _)| a.cmp(b));
    documents.dedup_by(|(a, _), (b, _)| a == b);
    let count = documents.len().div_ceil(RECORDS_A_FILE).next_power_of_two();
    let mut texts = vec![String::new(); count];
    for (name, document) in documents {
        let digest = Sha256::digest(name.as_bytes());
        let at = u32::from_be_bytes(digest[..4].try_into().expect("a digest is longer")) as usize % count;
        texts[at].push_str("---\n");
        texts[at].push_str(&document.to_string());
        texts[at].push('\n');
    }
    let file = |(at, text): (usize, String)| {
        let path = if count == 1 { format!("{stem}.yaml") } else { format!("{stem}-{:04}.yaml", at + 1) };
        SourceFile { path, role: FileRole::Descriptor, contents: Contents::Bytes(text.into_bytes()) }
    };
    texts.into_iter().enumerate().map(file).collect()
}

fn team_document(team: &TeamRecord, teams: &HashMap<String, String>) -> (String, Value) {
    let name = teams.get(&team.key).cloned().unwrap_or_else(|| entity_name(&team.key));
    let mut metadata = metadata(&name, &team.annotations, team.url.as_deref());
    put(&mut metadata, "description", team.description.as_deref());
    put(&mut metadata, "title", team.title.as_deref());
    let mut spec = Map::from_iter([("type".to_owned(), json!("team")), ("children".to_owned(), json!([]))]);
    let parent = team.parent.as_ref().map(|parent| teams.get(parent).cloned().unwrap_or_else(|| entity_name(parent)));
    put(&mut spec, "parent", parent.as_deref());
    let document = json!({ "apiVersion": "backstage.io/v1alpha1", "kind": "Group", "metadata": metadata, "spec": spec });
    (name, document)
}

fn person_document(person: &PersonRecord, people: &HashMap<String, String>, teams: &HashMap<String, String>) -> (String, Value) {
    let name = people.get(&person.key).cloned().unwrap_or_else(|| entity_name(&person.key));
    let mut metadata = metadata(&name, &person.annotations, person.url.as_deref());
    if let Some(manager) = &person.manager {
        let manager = people.get(manager).cloned().unwrap_or_else(|| entity_name(manager));
        metadata["annotations"][annotation::MANAGER] = json!(format!("user:default/{manager}"));
    }
    let mut profile = Map::new();
    put(&mut profile, "displayName", person.display_name.as_deref());
    put(&mut profile, "email", person.email.as_deref());
    let mut member_of: Vec<String> =
        person.teams.iter().map(|team| teams.get(team).cloned().unwrap_or_else(|| entity_name(team))).collect();
    member_of.sort();
    member_of.dedup();
    let spec = json!({ "profile": profile, "memberOf": member_of });
    let document = json!({ "apiVersion": "backstage.io/v1alpha1", "kind": "User", "metadata": metadata, "spec": spec });
    (name, document)
}

fn metadata(name: &str, annotations: &BTreeMap<String, String>, url: Option<&str>) -> Map<String, Value> {
    let annotations: Map<String, Value> = annotations
        .iter()
        .map(|(key, value)| (key.clone(), printable(value)))
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| (key, Value::String(value)))
        .collect();
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), json!(name));
    metadata.insert("annotations".to_owned(), Value::Object(annotations));
    if let Some(url) = url.filter(|url| url::Url::parse(url).is_ok()) {
        metadata.insert("links".to_owned(), json!([{ "url": url, "title": "GitHub" }]));
    }
    metadata
}

fn put(map: &mut Map<String, Value>, key: &str, text: Option<&str>) {
    let text = text.map(printable).filter(|text| !text.is_empty());
    if let Some(text) = text {
        map.insert(key.to_owned(), Value::String(text));
    }
}

/// On one line, without what YAML does not take.
fn printable(text: &str) -> String {
    let plain: String =
        text.chars().map(|letter| if letter.is_control() || letter == '\u{feff}' { ' ' } else { letter }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
