//! What of the catalog somebody's message names: an alert, a pull request's address, a pod, a label.
//! Exact and specific names alone: who is guessed wrongly is woken for nothing. Must not look names up forgivingly.

mod name;
mod text;

use std::{collections::HashMap, sync::Arc};

use url::Url;

use super::{Catalog, Entity, EntityRef, Kind, Level, snapshot::Entry};
use text::{Found, Says, Word};

/// Entities that are told of; more are a list nobody reads at night.
const MOST: usize = 5;

/// Words of a title that are tried together.
const TITLE_WORDS: usize = 4;

/// What was looked at and is unknown, as far as it is told.
const UNKNOWN: usize = 3;

/// How something is named; the stronger first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clue {
    /// `component:default/payments-api`.
    Reference,
    /// `service=payments-api`.
    Label,
    /// An address in its repository, or `acme/payments-api`.
    Repository,
    /// An address that is on its entry.
    Link,
    /// What another tool calls it by its annotation.
    Tool,
    /// A host's or pod's name.
    Host,
    /// `job`, `instance` and the like.
    Place,
    /// Its name of several words, its title or alias, or one that is marked as a name.
    Name,
    /// The beginning of an alert's or metric's name; a part of an address.
    Derived,
    /// The team that a label names.
    Team,
    /// A single word that may be meant otherwise.
    Word,
}

/// Something of the catalog in a text.
#[derive(Debug, Clone)]
pub struct Sighting {
    pub entry: Arc<Entry>,
    pub clue: Clue,
    /// The piece of the text, `service=payments-api`.
    pub written: String,
}

/// All that was seen.
#[derive(Debug, Clone, Default)]
pub struct Sightings {
    /// The one that is meant, where no other can be.
    pub certain: Option<Sighting>,
    /// Others that are named, the likeliest first; all of them where none is certain.
    pub others: Vec<Sighting>,
    /// What was named as a service and is not in the catalog.
    pub unknown: Vec<String>,
}

/// Annotations that tie an entity to something other than a name of its own.
const NOT_TOOLS: [&str; 4] = ["backstage.io/", "steward.dev/", "github.com/", "slack.com/"];

/// Values of annotations that are too short to be told from words.
const SHORTEST_VALUE: usize = 5;

/// Names that are everyday words of alerts and of talk: in running text they name nothing.
const EVERYDAY: [&str; 96] = [
    "the",
    "api",
    "prod",
    "production",
    "staging",
    "dev",
    "test",
    "app",
    "service",
    "services",
    "server",
    "client",
    "web",
    "site",
    "data",
    "database",
    "db",
    "cache",
    "queue",
    "job",
    "jobs",
    "worker",
    "team",
    "platform",
    "system",
    "core",
    "main",
    "master",
    "common",
    "shared",
    "internal",
    "public",
    "admin",
    "user",
    "users",
    "account",
    "accounts",
    "login",
    "auth",
    "sso",
    "error",
    "errors",
    "alert",
    "alerts",
    "warning",
    "critical",
    "info",
    "debug",
    "logs",
    "log",
    "metrics",
    "monitoring",
    "dashboard",
    "status",
    "health",
    "search",
    "find",
    "order",
    "orders",
    "stock",
    "books",
    "cart",
    "checkout",
    "catalog",
    "product",
    "products",
    "price",
    "pricing",
    "money",
    "commerce",
    "flags",
    "edge",
    "gateway",
    "proxy",
    "network",
    "host",
    "cluster",
    "node",
    "pod",
    "container",
    "image",
    "images",
    "mail",
    "email",
    "message",
    "messages",
    "notification",
    "notifications",
    "report",
    "reports",
    "release",
    "build",
    "deploy",
    "identity",
    "mobile",
    "android",
];

impl Catalog {
    /// Finds what these texts name.
    pub fn sightings(&self, texts: &[String]) -> Sightings {
        let found = text::read(texts);
        let mut seen = Seen { catalog: self, best: HashMap::new(), order: Vec::new(), unknown: Vec::new() };
        seen.read_labels(&found);
        found.addresses.iter().for_each(|url| seen.read_address(url));
        seen.read_words(&found.words);
        seen.read_annotations(&found);
        seen.settle()
    }
}

impl Catalog {
    /// What an address of a repository is about: of several things that it describes the one that is nearest.
    pub fn at_address(&self, url: &Url) -> Option<Arc<Entry>> {
        let segments: Vec<&str> = url.path_segments().into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let mut described = repository_of(self, url, &segments);
        described.sort_by_key(|entry| (class(&entry.entity), entry.entity.entity_ref.clone()));
        described.into_iter().next()
    }
}

struct Seen<'c> {
    catalog: &'c Catalog,
    best: HashMap<EntityRef, Sighting>,
    /// In the order in which they were first seen.
    order: Vec<EntityRef>,
    unknown: Vec<String>,
}

impl Seen<'_> {
    fn note(&mut self, entries: &[Arc<Entry>], clue: Clue, written: &str) {
        for entry in entries {
            let entity_ref = &entry.entity.entity_ref;
            if !self.order.contains(entity_ref) {
                self.order.push(entity_ref.clone());
            }
            let sighting = Sighting { entry: Arc::clone(entry), clue, written: written.to_owned() };
            let known = self.best.entry(entity_ref.clone()).or_insert_with(|| sighting.clone());
            if clue < known.clue {
                *known = sighting;
            }
        }
    }

    fn read_labels(&mut self, found: &Found) {
        for (says, key, value) in &found.labels {
            let written = format!("{key}={value}");
            match says {
                Says::Service => {
                    let names = named_as_workload(self.catalog, value, Wanted::Things);
                    if names.is_empty() && !value.contains(' ') && self.unknown.len() < UNKNOWN {
                        self.unknown.push(value.clone());
                    }
                    self.note(&names, Clue::Label, &written);
                }
                Says::Place => {
                    let names = named_as_workload(self.catalog, value.split(':').next().unwrap_or(value), Wanted::Things);
                    self.note(&names, Clue::Place, &written);
                }
                Says::Repository => {
                    let names = in_repository(self.catalog, value, None);
                    let names = if names.is_empty() { named(self.catalog, value, Wanted::Things) } else { names };
                    self.note(&names, Clue::Repository, &written);
                }
                Says::Team => {
                    let mut names = named(self.catalog, value, Wanted::Teams);
                    if names.is_empty() {
                        names = named(self.catalog, &format!("team-{value}"), Wanted::Teams);
                    }
                    self.note(&names, Clue::Team, &written);
                }
            }
        }
    }

    fn read_address(&mut self, url: &Url) {
        let shown = shown_address(url);
        let segments: Vec<&str> = url.path_segments().into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let described = repository_of(self.catalog, url, &segments);
        if !described.is_empty() {
            self.note(&described, Clue::Repository, &shown);
            return;
        }
        let linked = linked(self.catalog, url);
        self.note(&linked, Clue::Link, &shown);
        for (key, value) in url.query_pairs() {
            match text::says(&key.to_lowercase()) {
                Some(Says::Service) => {
                    let names = named_as_workload(self.catalog, &value, Wanted::Things);
                    self.note(&names, Clue::Label, &format!("{key}={value}"));
                }
                Some(Says::Place | Says::Repository | Says::Team) | None => {}
            }
        }
        if let Some(host) = url.host_str() {
            self.read_host(host);
        }
        for segment in segments {
            let names = named_as_workload(self.catalog, segment, Wanted::Things);
            // A word such as "search" or "api" is a part of half of all addresses.
            let is_everyday = EVERYDAY.contains(&segment.to_lowercase().as_str());
            self.note(if is_everyday { &[] } else { &names }, Clue::Derived, &shown);
        }
    }

    fn read_host(&mut self, host: &str) {
        for candidate in name::of_host(host) {
            let (_, names) = self.catalog.named(&candidate);
            let names = things(names, Wanted::Things);
            let is_specific = candidate.contains(['-', '.']) || !EVERYDAY.contains(&candidate.to_lowercase().as_str());
            if !names.is_empty() && is_specific {
                self.note(&names, Clue::Host, host);
                return;
            }
        }
    }

    fn read_words(&mut self, words: &[Word]) {
        for (at, word) in words.iter().enumerate() {
            self.read_word(word);
            // "Payments API", "fraud scoring".
            for length in 2..=TITLE_WORDS {
                let Some(run) = words.get(at..at + length) else { break };
                if run[..length - 1].iter().any(|word| !word.goes_on) {
                    break;
                }
                let title = run.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
                let names = named(self.catalog, &title, Wanted::Things);
                self.note(&names, Clue::Name, &title);
            }
        }
    }

    fn read_word(&mut self, word: &Word) {
        let text = word.text.as_str();
        if let Ok(entity_ref) = EntityRef::parse(text, None, "default")
            && let Some(entry) = self.catalog.find(&entity_ref).filter(|entry| Wanted::Any.has(&entry.entity))
        {
            return self.note(&[Arc::clone(entry)], Clue::Reference, text);
        }
        // An image's tag, a number behind a repository, a port.
        let bare = text.split(['#', '@', ':']).next().unwrap_or(text);
        if let Some(path) = text.split(['#', '@', ':']).find(|part| part.contains('/')) {
            // `git@github.com:acme/payments-api.git` too.
            let names = in_repository(self.catalog, path, None);
            if !names.is_empty() {
                return self.note(&names, Clue::Repository, text);
            }
            let last = path.rsplit('/').next().unwrap_or(path);
            let names = if last.contains('-') { named_as_workload(self.catalog, last, Wanted::Things) } else { Vec::new() };
            return self.note(&names, Clue::Derived, text);
        }
        let names = named(self.catalog, bare, Wanted::Any);
        if !names.is_empty() {
            let is_specific = bare.contains(['-', '.', '_']);
            let clue = if is_specific || word.marked { Clue::Name } else { Clue::Word };
            // Of words that are used every day an alias says nothing, and a name only where it is marked as one.
            if !is_specific && !word.marked && is_everyday(bare, self.catalog) {
                return;
            }
            let groups: Vec<Arc<Entry>> = names.iter().filter(|entry| entry.entity.kind == Kind::Group).cloned().collect();
            self.note(&groups, Clue::Team.max(clue), text);
            return self.note(&things(names, Wanted::Things), clue, text);
        }
        if bare.contains('.') && !bare.starts_with(|letter: char| letter.is_ascii_digit()) {
            return self.read_host(bare);
        }
        if bare.contains('-') {
            let names = named_as_workload(self.catalog, bare, Wanted::Things);
            return self.note(&names, Clue::Host, text);
        }
        if name::is_alert(bare) {
            let names = name::of_alert(bare).into_iter().map(|name| named(self.catalog, &name, Wanted::Things));
            let names = names.into_iter().find(|names| !names.is_empty()).unwrap_or_default();
            self.note(&names, Clue::Derived, text);
        }
    }

    /// What other tools call it: an id of PagerDuty, an application of Argo CD, a project of Sentry.
    fn read_annotations(&mut self, found: &Found) {
        let mut pieces: Vec<&str> = found.words.iter().map(|word| word.text.as_str()).collect();
        pieces.extend(found.labels.iter().map(|(_, _, value)| value.as_str()));
        pieces.extend(found.addresses.iter().flat_map(|url| url.path_segments().into_iter().flatten()));
        let pieces: std::collections::HashSet<&str> =
            pieces.into_iter().filter(|piece| piece.len() >= SHORTEST_VALUE && is_distinct(piece)).collect();
        let mut seen: Vec<(Arc<Entry>, String)> = Vec::new();
        for entry in self.catalog.entries().iter().filter(|entry| Wanted::Things.has(&entry.entity)) {
            let tools = entry.entity.annotations.iter().filter(|(key, _)| !NOT_TOOLS.iter().any(|own| key.starts_with(own)));
            for (_, value) in tools {
                // `organisation/project` of Sentry stands in its addresses without the organisation.
                let last = value.rsplit('/').next().unwrap_or(value);
                if let Some(piece) = [value.as_str(), last].into_iter().find(|value| pieces.contains(value)) {
                    seen.push((Arc::clone(entry), piece.to_owned()));
                    break;
                }
            }
        }
        for (entry, piece) in seen {
            // Of several entities with one value the one that bears it as its name has been seen already.
            let is_name = self.catalog.named(&piece).0 == Level::Exact;
            if !is_name {
                self.note(&[entry], Clue::Tool, &piece);
            }
        }
    }

    fn settle(mut self) -> Sightings {
        let place = |entity_ref: &EntityRef| self.order.iter().position(|known| known == entity_ref);
        let mut seen: Vec<Sighting> = self.best.drain().map(|(_, sighting)| sighting).collect();
        seen.sort_by_key(|sighting| (sighting.clue, class(&sighting.entry.entity), place(&sighting.entry.entity.entity_ref)));
        // Single words count only where nothing better was seen.
        if seen.first().is_some_and(|best| best.clue < Clue::Word) {
            seen.retain(|sighting| sighting.clue < Clue::Word);
        }
        let mut certain = None;
        if let Some(best) = seen.first() {
            let (clue, class_of_best) = (best.clue, class(&best.entry.entity));
            let name = best.entry.entity.entity_ref.name();
            let rivals = seen.iter().skip(1).filter(|other| {
                let same_name = other.entry.entity.entity_ref.name() == name;
                // A system of the same name, or an API that the same repository describes, is not meant instead.
                let is_lesser = class(&other.entry.entity) > class_of_best && (same_name || clue == Clue::Repository);
                other.clue == clue && !is_lesser
            });
            if rivals.count() == 0 && clue < Clue::Word {
                certain = Some(seen.remove(0));
            }
        }
        seen.truncate(MOST);
        self.unknown.dedup();
        Sightings { certain, others: seen, unknown: self.unknown }
    }
}

/// What runs comes before what it is part of.
fn class(entity: &Entity) -> u8 {
    match entity.kind {
        Kind::Component => 0,
        Kind::Resource => 1,
        Kind::Api => 2,
        Kind::System => 3,
        Kind::Domain => 4,
        Kind::Group => 5,
        Kind::User | Kind::Location | Kind::Template | Kind::Custom(_) => 6,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// What can break.
    Things,
    Teams,
    /// Both.
    Any,
}

impl Wanted {
    fn has(self, entity: &Entity) -> bool {
        match entity.kind {
            Kind::Component | Kind::Api | Kind::Resource | Kind::System | Kind::Domain | Kind::Custom(_) => self != Self::Teams,
            Kind::Group => self != Self::Things,
            Kind::User | Kind::Location | Kind::Template => false,
        }
    }
}

fn things(mut entries: Vec<Arc<Entry>>, wanted: Wanted) -> Vec<Arc<Entry>> {
    entries.retain(|entry| wanted.has(&entry.entity));
    entries
}

fn named(catalog: &Catalog, name: &str, wanted: Wanted) -> Vec<Arc<Entry>> {
    things(catalog.named(name).1, wanted)
}

fn named_as_workload(catalog: &Catalog, name: &str, wanted: Wanted) -> Vec<Arc<Entry>> {
    let candidates = if name.contains('.') { name::of_host(name) } else { name::of_workload(name) };
    let names = candidates.into_iter().map(|candidate| named(catalog, &candidate, wanted));
    names.into_iter().find(|names| !names.is_empty()).unwrap_or_default()
}

/// A word of everyday talk, or a single word that is only an alias or a title.
fn is_everyday(word: &str, catalog: &Catalog) -> bool {
    EVERYDAY.contains(&word.to_lowercase().as_str()) || catalog.named(word).0 != Level::Exact
}

/// Whether it cannot be taken for a word: digits, capitals or joints.
fn is_distinct(piece: &str) -> bool {
    piece.contains(|letter: char| letter.is_ascii_digit() || matches!(letter, '-' | '_' | '.'))
}

/// What a repository describes; of several things those nearest to the file that is named.
fn in_repository(catalog: &Catalog, name: &str, file: Option<&str>) -> Vec<Arc<Entry>> {
    let name = name.trim_start_matches("https://").trim_end_matches(".git");
    let mut parts = name.rsplit('/').filter(|part| !part.is_empty());
    let (Some(last), Some(owner)) = (parts.next(), parts.next()) else { return Vec::new() };
    let mut described = things(catalog.described_in(&format!("{owner}/{last}")), Wanted::Things);
    if let Some(file) = file {
        let folder = |entry: &Entry| entry.origin.path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        let depth =
            |entry: &Entry| Some(folder(entry)).filter(|folder| file.starts_with(folder.as_str())).map(|folder| folder.len());
        let nearest = described.iter().filter_map(|entry| depth(entry)).max();
        if nearest.is_some() {
            described.retain(|entry| depth(entry) == nearest);
        }
    }
    let running = described.iter().filter(|entry| entry.entity.kind == Kind::Component).count();
    if running > 0 {
        described.retain(|entry| entry.entity.kind == Kind::Component);
    }
    // The one that bears the repository's name is what the repository is for.
    if described.iter().any(|entry| entry.entity.entity_ref.name() == last.to_lowercase()) {
        described.retain(|entry| entry.entity.entity_ref.name() == last.to_lowercase());
    }
    described
}

/// The entities of a repository's address: its page, a file, a pull request; by web, API or raw contents.
fn repository_of(catalog: &Catalog, url: &Url, segments: &[&str]) -> Vec<Arc<Entry>> {
    let host = url.host_str().unwrap_or_default();
    let segments = match segments {
        ["repos", rest @ ..] if host.starts_with("api.") => rest,
        ["api", "v3", "repos", rest @ ..] | ["raw", rest @ ..] => rest,
        rest => rest,
    };
    let [owner, repository, rest @ ..] = segments else { return Vec::new() };
    let file = match rest {
        ["blob" | "tree" | "raw" | "edit" | "blame", _, path @ ..] => Some(path.join("/")),
        ["contents", path @ ..] => Some(path.join("/")),
        _ if host == "raw.githubusercontent.com" => rest.get(1..).map(|path| path.join("/")),
        _ => None,
    };
    let mut described = in_repository(catalog, &format!("{owner}/{repository}"), file.as_deref());
    described.retain(|entry| is_host_of(entry, host));
    described
}

/// Whether the repository of an entity is on this host, as far as that is known.
fn is_host_of(entry: &Entry, host: &str) -> bool {
    let Some(url) = entry.origin.repository_url.as_deref().and_then(|url| Url::parse(url).ok()) else { return true };
    let own = url.host_str().unwrap_or_default();
    let is_raw = |host: &str| host == "raw.githubusercontent.com" || host == "api.github.com";
    own == host
        || host.strip_prefix("www.") == Some(own)
        || (own == "github.com" && is_raw(host))
        || host.ends_with(&format!(".{own}"))
}

/// Entities whose links lead to this address or above it; the deepest alone.
fn linked(catalog: &Catalog, url: &Url) -> Vec<Arc<Entry>> {
    let depth = |link: &str| -> Option<usize> {
        let link = Url::parse(link).ok()?;
        let (own, path) = (link.path().trim_end_matches('/'), url.path().trim_end_matches('/'));
        let is_above = link.host_str() == url.host_str()
            && (path == own || path.strip_prefix(own).is_some_and(|rest| rest.starts_with('/')));
        let same_query = link.query().is_none_or(|query| {
            url::form_urlencoded::parse(query.as_bytes()).all(|pair| url.query_pairs().any(|other| other == pair))
        });
        // The first page of a tool that all use leads to nobody.
        (is_above && same_query && !own.is_empty()).then(|| own.len() + link.query().map_or(0, str::len))
    };
    let mut found: Vec<(usize, Arc<Entry>)> = Vec::new();
    for entry in catalog.entries().iter().filter(|entry| Wanted::Any.has(&entry.entity)) {
        if let Some(depth) = entry.entity.links.iter().filter_map(|link| depth(&link.url)).max() {
            found.push((depth, Arc::clone(entry)));
        }
    }
    let deepest = found.iter().map(|(depth, _)| *depth).max();
    found.into_iter().filter(|(depth, _)| Some(*depth) == deepest).map(|(_, entry)| entry).collect()
}

/// An address without its scheme and query.
fn shown_address(url: &Url) -> String {
    format!("{}{}", url.host_str().unwrap_or_default(), url.path().trim_end_matches('/'))
}
