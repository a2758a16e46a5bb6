//! What searches can be narrowed down to and counted by: `kind:api owner:team-checkout`.
//! Must not know how it is written in chat, beyond the words themselves.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Serialize};

use super::{Catalog, EntityRef, Entry, RelationType, lookup::words};

/// How many values are offered instead of one that nothing has.
const OFFERED: usize = 5;

/// What entities are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Facet {
    Kind,
    Type,
    Owner,
    Lifecycle,
    System,
    Domain,
    Tag,
    Language,
    Repo,
}

impl Facet {
    pub const ALL: [Self; 9] =
        [Self::Kind, Self::Type, Self::Owner, Self::Lifecycle, Self::System, Self::Domain, Self::Tag, Self::Language, Self::Repo];

    pub fn key(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Type => "type",
            Self::Owner => "owner",
            Self::Lifecycle => "lifecycle",
            Self::System => "system",
            Self::Domain => "domain",
            Self::Tag => "tag",
            Self::Language => "language",
            Self::Repo => "repo",
        }
    }

    /// Reads its name, also in the plural and as people call it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_lowercase();
        let text = match text.as_str() {
            "team" | "teams" => "owner",
            "lang" => "language",
            "repository" | "repositories" => "repo",
            "label" => return None,
            other => other.strip_suffix('s').unwrap_or(other),
        };
        Self::ALL.into_iter().find(|facet| facet.key() == text)
    }
}

/// One word of a search that narrows it down: any of the values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    pub facet: Facet,
    pub values: Vec<String>,
}

/// A value that no entity has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownValue {
    pub facet: Facet,
    pub typed: String,
    /// The likeliest, best first.
    pub nearest: Vec<String>,
}

/// What an entity has of a facet; lower case, references without what goes without saying.
pub fn values(catalog: &Catalog, entry: &Entry, facet: Facet) -> Vec<String> {
    let entity = &entry.entity;
    let one = |text: Option<&str>| text.map(str::to_lowercase).into_iter().collect::<Vec<_>>();
    match facet {
        Facet::Kind => vec![entity.kind.as_str().to_lowercase()],
        Facet::Type => one(entity.spec_type.as_deref()),
        Facet::Lifecycle => one(entity.lifecycle.as_deref()),
        Facet::Owner => entity.targets(RelationType::OwnedBy).map(short).collect(),
        Facet::System => of_kind(entity.targets(RelationType::PartOf), "system"),
        Facet::Domain => {
            let parts: Vec<&EntityRef> = entity.targets(RelationType::PartOf).collect();
            let mut all: HashSet<String> = of_kind(parts.iter().copied(), "domain").into_iter().collect();
            for system in parts.iter().filter(|part| part.kind() == "system").filter_map(|system| catalog.find(system)) {
                all.extend(of_kind(system.entity.targets(RelationType::PartOf), "domain"));
            }
            let mut all: Vec<String> = all.into_iter().collect();
            all.sort();
            all
        }
        Facet::Repo => vec![entry.origin.repository.to_lowercase()],
        Facet::Tag => entity.tags.iter().map(|tag| tag.to_lowercase()).collect(),
        Facet::Language => one(entry.origin.language.as_deref().or(entity.labels.get("language").map(String::as_str))),
    }
}

fn of_kind<'e>(refs: impl Iterator<Item = &'e EntityRef>, kind: &str) -> Vec<String> {
    refs.filter(|target| target.kind() == kind).map(short).collect()
}

fn by_count(counts: impl IntoIterator<Item = (String, usize)>) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

/// `team-checkout` of `group:default/team-checkout`, `data/team` elsewhere.
fn short(entity_ref: &EntityRef) -> String {
    match entity_ref.namespace() {
        "default" => entity_ref.name().to_owned(),
        namespace => format!("{namespace}/{}", entity_ref.name()),
    }
}

/// What a snapshot's entities have of each facet, made when it is first asked for: counting all of them for each search is slow.
#[derive(Debug, Default)]
pub struct Facets([OnceLock<FacetValues>; Facet::ALL.len()]);

#[derive(Debug)]
struct FacetValues {
    /// The most frequent first.
    counts: Vec<(String, usize)>,
    /// The places of those that have a value, ascending.
    places: BTreeMap<String, Vec<u32>>,
}

impl Catalog {
    /// Every value of a facet in the whole catalog with how many have it; the most frequent first.
    pub fn all_values(&self, facet: Facet) -> &[(String, usize)] {
        &self.facet(facet).counts
    }

    /// Whether any entity has this value, in lower case.
    pub fn has_value(&self, facet: Facet, value: &str) -> bool {
        self.facet(facet).places.contains_key(value)
    }

    /// Those that pass all filters, in the order of their references.
    pub fn passing(&self, filters: &[Filter]) -> Vec<Arc<Entry>> {
        match self.passing_places(filters) {
            None => self.entries().to_vec(),
            Some(places) => places.into_iter().map(|at| Arc::clone(&self.entries()[at as usize])).collect(),
        }
    }

    /// Where those that pass all filters stand among [`Catalog::entries`], ascending; `None`: there is no filter.
    pub fn passing_places(&self, filters: &[Filter]) -> Option<Vec<u32>> {
        let mut left: Option<Vec<u32>> = None;
        for Filter { facet, values } in filters {
            let places = &self.facet(*facet).places;
            let mut having: Vec<u32> = values.iter().filter_map(|value| places.get(value)).flatten().copied().collect();
            having.sort_unstable();
            having.dedup();
            left = Some(match left {
                None => having,
                Some(left) => left.into_iter().filter(|at| having.binary_search(at).is_ok()).collect(),
            });
        }
        left
    }

    fn facet(&self, facet: Facet) -> &FacetValues {
        self.facets().0[facet as usize].get_or_init(|| {
            let mut places: BTreeMap<String, Vec<u32>> = BTreeMap::new();
            for (at, entry) in (0_u32..).zip(self.entries()) {
                for value in values(self, entry, facet) {
                    places.entry(value).or_default().push(at);
                }
            }
            FacetValues { counts: by_count(places.iter().map(|(value, places)| (value.clone(), places.len()))), places }
        })
    }

    /// Every value of a facet with how many of these have it, the most frequent first; and how many have none.
    pub fn facet_counts<'e>(&self, entries: impl Iterator<Item = &'e Arc<Entry>>, facet: Facet) -> (Vec<(String, usize)>, usize) {
        let mut is_counted = vec![false; self.entries().len()];
        for at in entries.filter_map(|entry| self.place_of(&entry.entity.entity_ref)) {
            is_counted[at as usize] = true;
        }
        let mut has_none = is_counted.clone();
        let mut counts: Vec<(String, usize)> = Vec::new();
        for (value, places) in &self.facet(facet).places {
            let mut number = 0;
            for at in places.iter().map(|at| *at as usize).filter(|at| is_counted[*at]) {
                number += 1;
                has_none[at] = false;
            }
            if number > 0 {
                counts.push((value.clone(), number));
            }
        }
        (by_count(counts), has_none.into_iter().filter(|none| *none).count())
    }

    /// What people call a value: a team's or system's label.
    pub fn facet_label(&self, facet: Facet, value: &str) -> Option<&str> {
        let kinds: &[&str] = match facet {
            Facet::Owner => &["group", "user"],
            Facet::System => &["system"],
            Facet::Domain => &["domain"],
            Facet::Kind | Facet::Type | Facet::Lifecycle | Facet::Tag | Facet::Language | Facet::Repo => &[],
        };
        let (namespace, name) = value.split_once('/').unwrap_or(("default", value));
        let found = kinds.iter().find_map(|kind| self.find(&EntityRef::new(kind, namespace, name)))?;
        Some(found.entity.label())
    }

    /// The filter that is meant by what was typed after the colon, with commas between alternatives.
    pub fn filter(&self, facet: Facet, typed: &str) -> Result<Filter, UnknownValue> {
        let counts = self.all_values(facet);
        let mut found = Vec::new();
        for one in typed.split(',').map(str::trim).filter(|one| !one.is_empty()) {
            let known = self.known_values(facet, counts, one);
            if known.is_empty() {
                let nearest = self.nearest_values(facet, counts, one);
                return Err(UnknownValue { facet, typed: one.to_owned(), nearest });
            }
            found.extend(known);
        }
        Ok(Filter { facet, values: found })
    }

    /// By value, by full reference, or by what people call it.
    fn known_values(&self, facet: Facet, counts: &[(String, usize)], typed: &str) -> Vec<String> {
        let lower = typed.to_lowercase();
        let bare = lower.split_once(':').map_or(lower.as_str(), |(_, rest)| rest);
        let bare = bare.strip_prefix("default/").unwrap_or(bare);
        let same = |value: &&(String, usize)| value.0 == bare || words::key(&value.0) == words::key(bare);
        let exact: Vec<String> = counts.iter().filter(same).map(|(value, _)| value.clone()).collect();
        if !exact.is_empty() {
            return exact;
        }
        let called = |value: &str| self.facet_label(facet, value).is_some_and(|label| words::key(label) == words::key(bare));
        let team = format!("team-{bare}");
        let is_last = |value: &str| facet == Facet::Repo && value.rsplit('/').next() == Some(bare);
        counts
            .iter()
            .map(|(value, _)| value)
            .filter(|value| called(value) || **value == team || is_last(value))
            .cloned()
            .collect()
    }

    fn nearest_values(&self, facet: Facet, counts: &[(String, usize)], typed: &str) -> Vec<String> {
        let key = words::key(typed);
        let mut scored: Vec<(f64, &str)> = Vec::new();
        for (value, _) in counts {
            let label = self.facet_label(facet, value).map(words::key).unwrap_or_default();
            let like = [words::key(value), label].iter().fold(0.0_f64, |best, candidate| {
                let holds = if !key.is_empty() && candidate.contains(&key) { 0.95 } else { 0.0 };
                best.max(strsim::jaro_winkler(&words::telling(&key), &words::telling(candidate))).max(holds)
            });
            scored.push((like, value));
        }
        scored.retain(|(like, _)| *like >= 0.75);
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        scored.into_iter().take(OFFERED).map(|(_, value)| value.to_owned()).collect()
    }
}
