//! An organisation's teams, members and identities, as a roster. Must not know what is stored of them; whatever cannot be
//! read whole is an error, so that nobody is taken for gone who was only not given.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Instant,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    Connection,
    budget::announced_wait,
    client::{Client, Tally},
    error::{Fault, GithubError},
    waits::{Patience, Waits},
};
use crate::catalog::{
    Authority, SourcePage, SweepReport,
    people::{PersonRecord, Roster, TeamRecord, annotation},
};

const TEAMS: &str = include_str!("org.graphql");
const TEAM_MEMBERS: &str = include_str!("org_team.graphql");
const MEMBERS: &str = include_str!("org_members.graphql");
const IDENTITIES: &str = include_str!("org_saml.graphql");
/// The line of the members' query that some GitHubs refuse.
const VERIFIED_FIELD: &str = "        organizationVerifiedDomainEmails(login: $org)\n";

/// GitHub's own limit for a page.
const LARGEST_PAGE: usize = 100;
/// A page of teams so small that asking for less is of no use.
const SMALLEST_PAGE: usize = 5;
/// Pages of one list: 200,000 people or teams. A cursor that goes round in circles ends here.
const MAX_PAGES: usize = 2_000;

/// What is read of an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrgWanted {
    pub teams: bool,
    pub users: bool,
}

/// One organisation's people on one GitHub.
#[derive(Debug, Clone)]
pub struct OrgSource {
    id: String,
    org: String,
    client: Arc<Client>,
    waits: Waits,
    wanted: OrgWanted,
}

impl OrgSource {
    /// `id` is the source's own name in Steward, `acme-people`. Sends nothing.
    pub fn new(id: String, org: String, connection: Connection, wanted: OrgWanted) -> Self {
        let Connection { client, waits, .. } = connection;
        Self { id, org, client, waits, wanted }
    }

    /// The source's name in Steward.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Reads teams and members whole and sends them as one repository.
    pub async fn sweep(&self, pages: mpsc::Sender<SourcePage>) -> Result<SweepReport, GithubError> {
        let asked_at = Instant::now();
        let tally = Tally::default();
        let (teams, members) = tokio::try_join!(self.load_teams(&tally), self.load_members(&tally))?;
        let identities = if self.wanted.users { self.load_identities(&tally).await } else { HashMap::new() };
        tracing::debug!(teams = teams.len(), members = members.len(), identities = identities.len(), "read an organisation");
        let roster = self.roster(teams, members, identities);
        let url = self.client.address.contains("api.github.com").then(|| format!("https://github.com/orgs/{}/people", self.org));
        let read = roster.into_repository(&self.id, format!("{} (teams and members)", self.org), url, Authority::Organisation);
        let page = SourcePage { repositories: vec![read], total: Some(1), asked_at };
        pages.send(page).await.map_err(|_| GithubError::Stopped)?;
        Ok(SweepReport { expected: Some(1), ..SweepReport::default() })
    }

    async fn load_teams(&self, tally: &Tally) -> Result<Vec<Team>, GithubError> {
        if !self.wanted.teams {
            return Ok(Vec::new());
        }
        let mut teams: Vec<Team> = Vec::new();
        let mut after: Option<String> = None;
        let mut first = LARGEST_PAGE;
        for _ in 0..MAX_PAGES {
            let variables = |first: usize| json!({ "org": self.org, "first": first, "members": LARGEST_PAGE, "after": after });
            let page: Page<Team> = self.ask(tally, TEAMS, &mut first, variables, &["teams"]).await?;
            let (nodes, next) = page.take(after.as_deref())?;
            teams.extend(nodes);
            match next {
                Some(cursor) => after = Some(cursor),
                None => break,
            }
        }
        for team in &mut teams {
            let mut next = team.members.page_info.next();
            let mut pages = 0;
            while let Some(after) = next {
                let slug = team.slug.clone();
                let variables = |first: usize| json!({ "org": self.org, "slug": slug, "first": first, "after": after });
                let mut first = LARGEST_PAGE;
                let page: Page<Login> = self.ask(tally, TEAM_MEMBERS, &mut first, variables, &["team", "members"]).await?;
                let (nodes, following) = page.take(Some(&after))?;
                team.members.nodes.get_or_insert_default().extend(nodes.into_iter().map(Some));
                pages += 1;
                next = following.filter(|_| pages < MAX_PAGES);
            }
        }
        Ok(teams)
    }

    async fn load_members(&self, tally: &Tally) -> Result<Vec<Member>, GithubError> {
        if !self.wanted.users {
            return Ok(Vec::new());
        }
        let without_addresses = MEMBERS.replace(VERIFIED_FIELD, "");
        let mut query = MEMBERS;
        let mut members: Vec<Member> = Vec::new();
        let mut seen: HashSet<String> = HashSet::new();
        let mut after: Option<String> = None;
        let mut first = LARGEST_PAGE;
        let mut last_total = 0;
        for _ in 0..MAX_PAGES {
            let variables = |first: usize| json!({ "org": self.org, "first": first, "after": after });
            let asked = self.ask::<Page<Member>>(tally, query, &mut first, variables, &["membersWithRole"]).await;
            let page = match asked {
                Ok(page) => page,
                // Not every token may see verified addresses, and older Enterprise Servers have no such field.
                Err(error) if query == MEMBERS && is_about_addresses(&error) => {
                    tracing::info!(org = self.org, %error, "verified addresses are not in sight; members are read without them");
                    query = &without_addresses;
                    continue;
                }
                Err(error) => return Err(error),
            };
            last_total = page.total_count;
            let (nodes, next) = page.take(after.as_deref())?;
            members.extend(nodes.into_iter().filter(|member| seen.insert(member.login.to_lowercase())));
            match next {
                Some(cursor) => after = Some(cursor),
                None => break,
            }
        }
        if (members.len() as u64) < last_total {
            let last = format!("GitHub counts {last_total} members of {} and gave {}", self.org, members.len());
            return Err(GithubError::Unavailable { attempts: 1, last });
        }
        Ok(members)
    }

    /// Identities by login, lower case. Few tokens may see them; without them people are tied by other evidence.
    async fn load_identities(&self, tally: &Tally) -> HashMap<String, Identity> {
        let mut identities = HashMap::new();
        let mut after: Option<String> = None;
        let mut first = LARGEST_PAGE;
        for _ in 0..MAX_PAGES {
            let variables = |first: usize| json!({ "org": self.org, "first": first, "after": after });
            let path = ["samlIdentityProvider", "externalIdentities"];
            let page = match self.ask::<Option<Page<Identity>>>(tally, IDENTITIES, &mut first, variables, &path).await {
                Ok(Some(page)) => page,
                Ok(None) => return identities,
                Err(error) => {
                    tracing::info!(org = self.org, %error, "SAML identities are not in sight; people are tied without them");
                    return identities;
                }
            };
            let Ok((nodes, next)) = page.take(after.as_deref()) else { return identities };
            for identity in nodes {
                if let Some(user) = &identity.user {
                    identities.insert(user.login.to_lowercase(), identity);
                }
            }
            match next {
                Some(cursor) => after = Some(cursor),
                None => break,
            }
        }
        identities
    }

    /// One answer's part at `path` below the organisation; asks again after faults, for less where it was too much.
    async fn ask<T: DeserializeOwned>(
        &self,
        tally: &Tally,
        query: &str,
        first: &mut usize,
        variables: impl Fn(usize) -> Value,
        path: &[&str],
    ) -> Result<T, GithubError> {
        let mut patience = Patience::new(&self.waits);
        loop {
            let fault = match self.client.graphql(tally, query, variables(*first)).await {
                Ok(answer) => match read_answer(&answer.body, &self.org, path, announced_wait(&answer.headers)) {
                    Ok(part) => return Ok(part),
                    Err(fault) => fault,
                },
                Err(fault) => fault,
            };
            if matches!(fault, Fault::TooHeavy(_)) {
                *first = (*first / 2).max(SMALLEST_PAGE);
            }
            patience.bear(fault).await?;
        }
    }

    fn roster(&self, teams: Vec<Team>, members: Vec<Member>, mut identities: HashMap<String, Identity>) -> Roster {
        let mut teams_of: HashMap<String, Vec<String>> = HashMap::new();
        for team in &teams {
            for login in team.members.nodes.iter().flatten().flatten() {
                teams_of.entry(login.login.to_lowercase()).or_default().push(team.slug.clone());
            }
        }
        let team = |team: Team| {
            let mut annotations = BTreeMap::new();
            annotations.insert(annotation::GITHUB_TEAM.to_owned(), format!("{}/{}", self.org, team.slug));
            TeamRecord {
                title: Some(team.name),
                description: team.description,
                parent: team.parent_team.map(|parent| parent.slug),
                url: team.url,
                key: team.slug,
                annotations,
            }
        };
        let teams: Vec<TeamRecord> = teams.into_iter().map(team).collect();
        let mut known: HashSet<String> = HashSet::new();
        let mut people = Vec::with_capacity(members.len());
        for member in members {
            let key = member.login.to_lowercase();
            known.insert(key.clone());
            let teams = teams_of.remove(&key).unwrap_or_default();
            people.push(person(member, teams, identities.remove(&key)));
        }
        // Without the list of members, those who are in teams are known by their logins.
        let mut others: Vec<(String, Vec<String>)> = teams_of.into_iter().collect();
        others.sort();
        for (login, teams) in others {
            let member = Member { database_id: None, login, name: None, url: None, verified_emails: Vec::new() };
            people.push(person(member, teams, None));
        }
        Roster { teams, people }
    }
}

fn person(member: Member, teams: Vec<String>, identity: Option<Identity>) -> PersonRecord {
    let mut annotations = BTreeMap::new();
    annotations.insert(annotation::GITHUB_LOGIN.to_owned(), member.login.clone());
    if let Some(id) = member.database_id {
        annotations.insert(annotation::GITHUB_ID.to_owned(), id.to_string());
    }
    let verified: Vec<String> = member.verified_emails.iter().map(|email| email.to_lowercase()).collect();
    if !verified.is_empty() {
        annotations.insert(annotation::VERIFIED_EMAILS.to_owned(), verified.join(","));
    }
    let ids = identity.map(Identity::ids).unwrap_or_default();
    if !ids.is_empty() {
        annotations.insert(annotation::SAML_ID.to_owned(), ids.join(","));
    }
    // What people put into their profiles is nobody's word but their own, so it is not even asked for.
    let email = verified.into_iter().next().or_else(|| ids.into_iter().find(|id| id.contains('@')));
    PersonRecord {
        key: member.login.to_lowercase(),
        display_name: member.name.filter(|name| !name.trim().is_empty()),
        email,
        teams,
        manager: None,
        url: member.url,
        annotations,
    }
}

/// A list's page as GitHub gives it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "T: Deserialize<'de>"))]
struct Page<T> {
    #[serde(default)]
    total_count: u64,
    page_info: PageInfo,
    nodes: Option<Vec<Option<T>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl PageInfo {
    fn next(&self) -> Option<String> {
        self.end_cursor.clone().filter(|_| self.has_next_page)
    }
}

impl<T> Page<T> {
    /// What is on it, and the cursor of the page after it.
    fn take(self, after: Option<&str>) -> Result<(Vec<T>, Option<String>), GithubError> {
        let next = self.page_info.next();
        if self.page_info.has_next_page && (next.is_none() || next.as_deref() == after) {
            let last = "a page names no page after it, though there is one".to_owned();
            return Err(GithubError::Unavailable { attempts: 1, last });
        }
        Ok((self.nodes.into_iter().flatten().flatten().collect(), next))
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Team {
    slug: String,
    name: String,
    description: Option<String>,
    url: Option<String>,
    parent_team: Option<Slug>,
    members: Page<Login>,
}

#[derive(Debug, Deserialize)]
struct Slug {
    slug: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct Login {
    login: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    database_id: Option<i64>,
    login: String,
    name: Option<String>,
    url: Option<String>,
    #[serde(default, rename = "organizationVerifiedDomainEmails")]
    verified_emails: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    user: Option<Login>,
    saml_identity: Option<Vouched>,
    scim_identity: Option<Vouched>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vouched {
    #[serde(default)]
    name_id: Option<String>,
    username: Option<String>,
    emails: Option<Vec<Address>>,
}

#[derive(Debug, Deserialize)]
struct Address {
    value: String,
}

impl Identity {
    /// All that the identity provider calls the person, lower case, each once, in order of weight.
    fn ids(self) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        for vouched in [self.saml_identity, self.scim_identity].into_iter().flatten() {
            let emails = vouched.emails.unwrap_or_default().into_iter().map(|email| email.value);
            for id in vouched.name_id.into_iter().chain(vouched.username).chain(emails) {
                let id = id.trim().to_lowercase();
                // The list is written with commas.
                if !id.is_empty() && !id.contains(',') && !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        ids
    }
}

#[derive(Deserialize)]
struct Envelope {
    data: Option<Value>,
    #[serde(default)]
    errors: Option<Vec<Said>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    message: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    extensions: Option<Extensions>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Extensions {
    code: Option<String>,
}

impl Said {
    /// GitHub names its resource limits by type, its timeouts only by their text.
    fn is_overload(&self) -> bool {
        matches!(self.kind.as_deref(), Some("RESOURCE_LIMITS_EXCEEDED" | "MAX_NODE_LIMIT_EXCEEDED" | "TIMEOUT"))
            || ["Something went wrong while executing your query", "imeout", "timed out", "respond to your request in time"]
                .iter()
                .any(|text| self.message.contains(text))
    }
}

/// The part of an answer at `path` below the organisation. Any error in it makes the whole answer one: half a list would look
/// like people who have left.
fn read_answer<T: DeserializeOwned>(body: &[u8], org: &str, path: &[&str], wait_secs: Option<u64>) -> Result<T, Fault> {
    let Envelope { data, errors } = serde_json::from_slice(body)
        .map_err(|error| Fault::Transient(format!("the answer is not whole: {error} ({} bytes)", body.len())))?;
    if let Some(error) = errors.into_iter().flatten().next() {
        let said = error.message.clone();
        let is_limit = matches!(error.kind.as_deref(), Some("RATE_LIMITED" | "RATE_LIMIT")) || said.contains("rate limit");
        return Err(match error.kind.as_deref() {
            _ if is_limit => Fault::Limited { wait_secs, said },
            _ if error.is_overload() => Fault::TooHeavy(said),
            Some("NOT_FOUND") => Fault::Final(GithubError::UnknownOwner { owner: org.to_owned() }),
            Some("FORBIDDEN" | "INSUFFICIENT_SCOPES") => Fault::Final(GithubError::OrgForbidden { said }),
            _ if error.extensions.is_some_and(|extensions| extensions.code.is_some()) => {
                Fault::Final(GithubError::Rejected { status: 200, said })
            }
            Some(_) | None => Fault::Transient(said),
        });
    }
    let mut part = data.ok_or_else(|| Fault::Transient("the answer holds nothing".to_owned()))?;
    let organisation = part["organization"].take();
    if organisation.is_null() {
        return Err(Fault::Final(GithubError::UnknownOwner { owner: org.to_owned() }));
    }
    let mut part = organisation;
    for key in path {
        part = part[*key].take();
    }
    serde_json::from_value(part).map_err(|error| Fault::Transient(format!("the answer cannot be read: {error}")))
}

/// A refusal that may be for that field's sake: one more request tells.
fn is_about_addresses(error: &GithubError) -> bool {
    matches!(error, GithubError::OrgForbidden { .. } | GithubError::Rejected { .. })
}
