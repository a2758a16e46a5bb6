//! Which accounts and User references are one person, and by what evidence. An address nobody vouches for, an equal name and
//! the like are no evidence. Must not decide what a person may do.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::roster::annotation;
use crate::catalog::{Authority, EntityRef, Entry};

/// Where a person is known besides the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountKind {
    Github,
    Slack,
    Discord,
    Playground,
    Pagerduty,
    Hr,
    Email,
}

impl AccountKind {
    /// The platform of a chat account, as `/link` stores it.
    pub fn parse_platform(text: &str) -> Option<Self> {
        match text {
            "slack" => Some(Self::Slack),
            "discord" => Some(Self::Discord),
            "playground" => Some(Self::Playground),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Github => "GitHub",
            Self::Slack => "Slack",
            Self::Discord => "Discord",
            Self::Playground => "the playground",
            Self::Pagerduty => "PagerDuty",
            Self::Hr => "HR",
            Self::Email => "e-mail",
        }
    }

    fn normalise(self, id: &str) -> String {
        let id = id.trim();
        match self {
            Self::Slack => id.to_uppercase(),
            Self::Github => id.trim_start_matches('@').to_lowercase(),
            Self::Email | Self::Hr | Self::Playground => id.to_lowercase(),
            Self::Discord | Self::Pagerduty => id.to_owned(),
        }
    }

    /// Whether a person has one of it at most, so that two are a contradiction.
    fn is_single(self) -> bool {
        !matches!(self, Self::Email)
    }
}

/// Why an account is taken for a person's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Evidence {
    /// Their own entry names it.
    Entry {
        authority: Authority,
        source: Arc<str>,
    },
    /// The identity provider vouches for it.
    Saml,
    /// An address in a domain of the organisation's own.
    VerifiedEmail,
    Mapping,
    /// The person proved it with `/link`.
    Link {
        at: DateTime<Utc>,
    },
}

/// One entry of the mapping file: accounts that are one person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MappedPerson {
    /// A User of the catalog.
    pub user: Option<String>,
    pub github: Option<String>,
    pub slack: Option<String>,
    pub discord: Option<String>,
    pub pagerduty: Option<String>,
    pub hr: Option<String>,
    pub email: Option<String>,
}

/// The most entries of a mapping file.
const MOST_MAPPED: usize = 100_000;

/// Reads the mapping file; a fault names the line and what to write.
pub fn parse_mapping(text: &str) -> Result<Vec<MappedPerson>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let people: Option<Vec<MappedPerson>> = serde_yaml::from_str(text).map_err(|error| {
        format!("{error}; write a list, as in `- {{ github: ada, slack: U0123ABCD, email: ada@example.com }}`")
    })?;
    let people = people.unwrap_or_default();
    if people.len() > MOST_MAPPED {
        return Err(format!("it has {} entries; Steward reads up to {MOST_MAPPED}", people.len()));
    }
    Ok(people)
}

/// A chat account whose owner has proved a GitHub login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// `slack`, `discord`, `playground`.
    pub platform: String,
    pub account: String,
    pub login: String,
    /// GitHub's own number of the user.
    pub github_id: i64,
    pub linked_at: DateTime<Utc>,
}

/// An account with all evidence for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tie {
    pub kind: AccountKind,
    pub id: String,
    pub evidence: Vec<Evidence>,
}

/// All that is taken for one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Of several references the one of the strongest authority.
    pub primary: EntityRef,
    /// All of them, the primary one first.
    pub refs: Vec<EntityRef>,
    pub ties: Vec<Tie>,
    /// What does not go together; then none of it is used.
    pub contradiction: Option<String>,
}

/// Persons by reference and by account.
#[derive(Debug, Default)]
pub struct TieIndex {
    persons: Vec<Person>,
    by_ref: HashMap<EntityRef, usize>,
    by_account: HashMap<(AccountKind, Box<str>), usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Key {
    User(EntityRef),
    Account(AccountKind, String),
}

/// Keys and what ties them.
#[derive(Default)]
struct Web {
    keys: Vec<Key>,
    at: HashMap<Key, usize>,
    parents: Vec<usize>,
    edges: Vec<(usize, usize, Evidence)>,
}

impl Web {
    fn key(&mut self, key: Key) -> usize {
        if let Some(at) = self.at.get(&key) {
            return *at;
        }
        let at = self.keys.len();
        self.keys.push(key.clone());
        self.parents.push(at);
        self.at.insert(key, at);
        at
    }

    fn account(&mut self, kind: AccountKind, id: &str) -> Option<usize> {
        let id = kind.normalise(id);
        (!id.is_empty()).then(|| self.key(Key::Account(kind, id)))
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.parents[at] != at {
            self.parents[at] = self.parents[self.parents[at]];
            at = self.parents[at];
        }
        at
    }

    fn tie(&mut self, a: usize, b: usize, evidence: Evidence) {
        let (root_a, root_b) = (self.root(a), self.root(b));
        self.parents[root_a.max(root_b)] = root_a.min(root_b);
        self.edges.push((a, b, evidence));
    }
}

impl TieIndex {
    /// `claims` are those to Users, one an authority and reference.
    pub fn build<'c>(
        claims: impl Iterator<Item = &'c Arc<Entry>> + Clone,
        verified_domains: &[String],
        mapping: &[MappedPerson],
        links: &[Link],
    ) -> Self {
        let mut web = Web::default();
        let mut authority: HashMap<EntityRef, Authority> = HashMap::new();
        let known = Known::of(claims.clone(), verified_domains);
        for entry in claims {
            let entity = &entry.entity;
            let strongest = authority.entry(entity.entity_ref.clone()).or_insert(entry.origin.authority);
            *strongest = (*strongest).min(entry.origin.authority);
            add_claim(&mut web, entry, &known);
        }
        for mapped in mapping {
            add_mapped(&mut web, mapped);
        }
        for link in links {
            let Some(kind) = AccountKind::parse_platform(&link.platform) else { continue };
            let today = known.github_ids.get(&AccountKind::Github.normalise(&link.login));
            if today.is_some_and(|id| *id != link.github_id) {
                continue;
            }
            if let (Some(chat), Some(login)) = (web.account(kind, &link.account), web.account(AccountKind::Github, &link.login)) {
                web.tie(chat, login, Evidence::Link { at: link.linked_at });
            }
        }
        Self::of_web(web, &authority)
    }

    fn of_web(mut web: Web, authority: &HashMap<EntityRef, Authority>) -> Self {
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for at in 0..web.keys.len() {
            let root = web.root(at);
            members.entry(root).or_default().push(at);
        }
        let mut evidence: HashMap<usize, BTreeSet<Evidence>> = HashMap::new();
        let mut neighbours: HashMap<usize, BTreeSet<usize>> = HashMap::new();
        for (a, b, why) in &web.edges {
            for (at, other) in [(a, b), (b, a)] {
                evidence.entry(*at).or_default().insert(why.clone());
                neighbours.entry(*at).or_default().insert(*other);
            }
        }
        let mut index = Self::default();
        for keys in members.into_values() {
            let mut refs: Vec<EntityRef> = Vec::new();
            let mut ties: Vec<Tie> = Vec::new();
            for at in &keys {
                match &web.keys[*at] {
                    // A mapping may name a User that the catalog does not have.
                    Key::User(user) if authority.contains_key(user) => refs.push(user.clone()),
                    Key::User(_) => {}
                    Key::Account(kind, id) => {
                        let evidence = evidence.get(at).into_iter().flatten().cloned().collect();
                        ties.push(Tie { kind: *kind, id: id.clone(), evidence });
                    }
                }
            }
            if refs.is_empty() {
                continue;
            }
            refs.sort_by_key(|user| (authority[user], user.namespace() != "default", user.clone()));
            ties.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)));
            match contradiction(&ties, &refs, authority) {
                None => index.add(Person { primary: refs[0].clone(), refs, ties, contradiction: None }, |_| true),
                Some(why) => {
                    for user in refs {
                        let own = web.at[&Key::User(user.clone())];
                        let is_own = |tie: &Tie| {
                            let at = web.at[&Key::Account(tie.kind, tie.id.clone())];
                            neighbours.get(&at).is_some_and(|others| others.contains(&own))
                        };
                        let mine: Vec<Tie> = ties.iter().filter(|tie| is_own(tie)).cloned().collect();
                        // An account counts for access only where nothing but this one entry claims it, and the entry has one.
                        let is_sole = |tie: &Tie| {
                            let at = web.at[&Key::Account(tie.kind, tie.id.clone())];
                            neighbours.get(&at).is_some_and(|others| others.len() == 1)
                                && mine.iter().filter(|other| other.kind == tie.kind).count() == 1
                        };
                        let refs = vec![user.clone()];
                        let counted: BTreeSet<(AccountKind, String)> =
                            mine.iter().filter(|tie| is_sole(tie)).map(|tie| (tie.kind, tie.id.clone())).collect();
                        let person = Person { primary: user, refs, ties: mine, contradiction: Some(why.clone()) };
                        index.add(person, |tie| counted.contains(&(tie.kind, tie.id.clone())));
                    }
                }
            }
        }
        index
    }

    fn add(&mut self, person: Person, counts: impl Fn(&Tie) -> bool) {
        let at = self.persons.len();
        for user in &person.refs {
            self.by_ref.insert(user.clone(), at);
        }
        for tie in person.ties.iter().filter(|tie| counts(tie)) {
            self.by_account.insert((tie.kind, tie.id.as_str().into()), at);
        }
        self.persons.push(person);
    }

    pub fn person(&self, user: &EntityRef) -> Option<&Person> {
        self.by_ref.get(user).map(|at| &self.persons[*at])
    }

    pub fn find_account(&self, kind: AccountKind, id: &str) -> Option<&Person> {
        let key = (kind, kind.normalise(id).into_boxed_str());
        self.by_account.get(&key).map(|at| &self.persons[*at])
    }

    /// Whether somebody is known under more than one reference.
    pub fn has_aliases(&self) -> bool {
        self.persons.len() < self.by_ref.len()
    }

    pub fn persons(&self) -> &[Person] {
        &self.persons
    }
}

/// What must be known of all claims before one is looked at.
#[derive(Default)]
struct Known {
    /// Domains whose addresses are the organisation's own: as configured, and as the code host has verified.
    domains: BTreeSet<String>,
    /// What the HR system calls its people.
    hr_ids: BTreeSet<String>,
    /// GitHub's number of each login: a login that was given up may be somebody else's today.
    github_ids: HashMap<String, i64>,
}

impl Known {
    fn of<'c>(claims: impl Iterator<Item = &'c Arc<Entry>>, configured: &[String]) -> Self {
        let domains = configured.iter().map(|domain| domain.trim().trim_start_matches('@').to_lowercase()).collect();
        let mut known = Self { domains, ..Self::default() };
        for entry in claims {
            let entity = &entry.entity;
            match entry.origin.authority {
                Authority::Organisation => {
                    let emails = entity.annotation(annotation::VERIFIED_EMAILS).unwrap_or_default().split(',');
                    known.domains.extend(emails.filter_map(domain_of));
                    let id = entity.annotation(annotation::GITHUB_ID).and_then(|id| id.parse().ok());
                    if let (Some(login), Some(id)) = (entity.annotation(annotation::GITHUB_LOGIN), id) {
                        known.github_ids.insert(AccountKind::Github.normalise(login), id);
                    }
                }
                Authority::People => {
                    known.hr_ids.extend(entity.annotation(annotation::HR_ID).map(|id| AccountKind::Hr.normalise(id)));
                }
                Authority::Descriptor | Authority::Migration => {}
            }
        }
        known.domains.remove("");
        known
    }
}

fn domain_of(email: &str) -> Option<String> {
    email.rsplit_once('@').map(|(_, domain)| domain.trim().to_lowercase())
}

fn add_claim(web: &mut Web, entry: &Entry, known: &Known) {
    let entity = &entry.entity;
    let authority = entry.origin.authority;
    let user = web.key(Key::User(entity.entity_ref.clone()));
    let written = |source: &Arc<str>| Evidence::Entry { authority, source: Arc::clone(source) };
    let accounts = [
        (AccountKind::Github, annotation::GITHUB_LOGIN),
        (AccountKind::Slack, annotation::SLACK_ID),
        (AccountKind::Discord, annotation::DISCORD_ID),
        (AccountKind::Pagerduty, annotation::PAGERDUTY_ID),
    ];
    for (kind, key) in accounts {
        if let Some(account) = entity.annotation(key).and_then(|id| web.account(kind, id)) {
            web.tie(user, account, written(&entry.origin.source));
        }
    }
    let email = entity.email.as_deref();
    match authority {
        Authority::People => {
            if let Some(account) = entity.annotation(annotation::HR_ID).and_then(|id| web.account(AccountKind::Hr, id)) {
                web.tie(user, account, written(&entry.origin.source));
            }
            if let Some(email) = email {
                let is_verified = domain_of(email).is_some_and(|domain| known.domains.contains(&domain));
                let evidence = if is_verified { Evidence::VerifiedEmail } else { written(&entry.origin.source) };
                if let Some(account) = web.account(AccountKind::Email, email) {
                    web.tie(user, account, evidence);
                }
            }
        }
        Authority::Descriptor | Authority::Migration => {
            let verified = email.filter(|email| domain_of(email).is_some_and(|domain| known.domains.contains(&domain)));
            if let Some(account) = verified.and_then(|email| web.account(AccountKind::Email, email)) {
                web.tie(user, account, Evidence::VerifiedEmail);
            }
        }
        Authority::Organisation => {
            let listed = |key: &str| -> Vec<String> {
                let texts = entity.annotation(key).into_iter().flat_map(|list| list.split(','));
                texts.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect()
            };
            for email in listed(annotation::VERIFIED_EMAILS) {
                if let Some(account) = web.account(AccountKind::Email, &email) {
                    web.tie(user, account, Evidence::VerifiedEmail);
                }
            }
            for id in listed(annotation::SAML_ID) {
                let kind =
                    if known.hr_ids.contains(&AccountKind::Hr.normalise(&id)) { AccountKind::Hr } else { AccountKind::Email };
                // What is neither is a name of the identity provider's own, which ties to nothing.
                if kind == AccountKind::Email && !id.contains('@') {
                    continue;
                }
                if let Some(account) = web.account(kind, &id) {
                    web.tie(user, account, Evidence::Saml);
                }
            }
        }
    }
}

fn add_mapped(web: &mut Web, mapped: &MappedPerson) {
    let MappedPerson { user, github, slack, discord, pagerduty, hr, email } = mapped;
    let accounts = [
        (AccountKind::Github, github),
        (AccountKind::Slack, slack),
        (AccountKind::Discord, discord),
        (AccountKind::Pagerduty, pagerduty),
        (AccountKind::Hr, hr),
        (AccountKind::Email, email),
    ];
    let user = user.as_deref().and_then(|user| EntityRef::parse(user, Some("user"), "default").ok());
    let mut keys: Vec<usize> = user.map(|user| web.key(Key::User(user))).into_iter().collect();
    keys.extend(accounts.into_iter().filter_map(|(kind, id)| web.account(kind, id.as_deref()?)));
    for key in keys.iter().skip(1) {
        web.tie(keys[0], *key, Evidence::Mapping);
    }
}

/// Two accounts where a person has one, or two people of the HR system.
fn contradiction(ties: &[Tie], refs: &[EntityRef], authority: &HashMap<EntityRef, Authority>) -> Option<String> {
    let mut clashes = Vec::new();
    for pair in ties.windows(2).filter(|pair| pair[0].kind == pair[1].kind && pair[0].kind.is_single()) {
        clashes.push(format!("{} {} and {}", pair[0].kind.as_str(), pair[0].id, pair[1].id));
    }
    let listed: Vec<&str> = refs.iter().filter(|user| authority[*user] == Authority::People).map(EntityRef::as_str).collect();
    if listed.len() > 1 && clashes.is_empty() {
        clashes.push(listed.join(" and "));
    }
    (!clashes.is_empty()).then(|| clashes.join("; "))
}
