//! The immutable snapshot that answers come from: all entities, indexed both ways.
//! Must not know where it is kept; it is built from [`Parts`], whole, and never changed.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    Authority, Entity, EntityRef, Kind, RelationType,
    address::{is_address, name_file},
    filter::Facets,
    gone::GoneClaim,
    index::Index,
    lookup::LookupIndex,
    people::{Link, MappedPerson},
    person::PersonIndex,
};

/// Everything a snapshot is made of; what the store loads and what the disk keeps.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Parts {
    /// The store's version that this state has; 0 for a catalog without a store.
    pub version: i64,
    /// Every claim of every file: two files may claim one entity.
    pub claims: Vec<Arc<Entry>>,
    pub runbooks: Vec<Arc<Runbook>>,
    pub broken: Vec<Arc<BrokenFile>>,
    pub sources: BTreeMap<String, SourceState>,
    /// How many repositories are known, with and without a descriptor.
    pub repositories: usize,
    pub without_descriptor: usize,
    /// By source and number the repositories that a store knows, and whether each has a descriptor.
    #[serde(default)]
    pub described: BTreeMap<String, HashMap<i64, bool>>,
    /// The database this was read from; empty for a catalog without a store.
    pub database: String,
    /// Chat accounts whose owners have proved a GitHub login.
    #[serde(default)]
    pub links: Vec<Link>,
    /// What no source has any more, the latest first.
    #[serde(default)]
    pub gone: Vec<GoneClaim>,
    /// The mapping file and the organisation's own domains, as configured.
    #[serde(default)]
    pub mapping: Vec<MappedPerson>,
    #[serde(default)]
    pub verified_domains: Vec<String>,
    /// Pages of docs, where no store keeps them.
    #[serde(skip)]
    pub pages: Vec<Arc<Runbook>>,
}

/// An entity and where it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub entity: Entity,
    pub origin: Origin,
    /// Set while the file holds an error and this is the last good version.
    pub problem: Option<KeptBecause>,
}

/// The file an entity was read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The source's id in the configuration.
    pub source: Arc<str>,
    pub repository_id: i64,
    /// `acme/payments-api`.
    pub repository: Arc<str>,
    /// Address of the repository for people.
    pub repository_url: Option<Arc<str>>,
    pub archived: bool,
    /// The main language, as the code host counts it.
    #[serde(default)]
    pub language: Option<Arc<str>>,
    #[serde(default)]
    pub authority: Authority,
    pub path: Arc<str>,
    /// The head at which this version of the file was first seen.
    pub commit: Option<Arc<str>>,
    pub committed_at: Option<DateTime<Utc>>,
}

impl Origin {
    /// `acme/payments-api/catalog-info.yaml`, or the address of a file that is elsewhere.
    pub fn file(&self) -> String {
        name_file(&self.repository, &self.path)
    }

    /// `acme/payments-api@3f2c1ab`; without a commit only the repository.
    pub fn short(&self) -> String {
        match &self.commit {
            Some(commit) => format!("{}@{}", self.repository, commit.get(..7).unwrap_or(commit)),
            None => self.repository.to_string(),
        }
    }

    /// The file at its commit, for people: its own address where it is elsewhere, else by GitHub's scheme.
    pub fn url(&self) -> Option<String> {
        if is_address(&self.path) {
            return Some(self.path.to_string());
        }
        let (repository, commit) = (self.repository_url.as_ref()?, self.commit.as_ref()?);
        Some(format!("{repository}/blob/{commit}/{}", self.path))
    }
}

/// Why an older version is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptBecause {
    pub message: String,
    pub since: DateTime<Utc>,
}

/// A file that holds an error now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenFile {
    pub origin: Origin,
    /// With line and what to write instead.
    pub message: String,
    pub line: Option<usize>,
    /// Of its documents those that are invalid and of which no good version is kept, as many as are told.
    #[serde(default)]
    pub documents: Vec<Arc<BrokenDocument>>,
}

/// A document that is invalid, and of which the catalog has no last good version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenDocument {
    /// Its place in the file, from 0.
    pub doc_index: usize,
    /// With what to write instead.
    pub message: String,
    pub line: usize,
    /// What it would declare, where kind and name can be read.
    pub entity_ref: Option<EntityRef>,
    /// Whom it names as its owner.
    pub owner: Option<EntityRef>,
}

/// A runbook found at one of the fixed paths, or where an annotation says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runbook {
    pub origin: Origin,
    /// Markdown.
    pub text: String,
}

/// A page of a repository's documents as a search index reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub source: String,
    pub repository_id: i64,
    /// `acme/payments-api`.
    pub repository: String,
    pub path: String,
    pub commit: Option<String>,
    /// Markdown.
    pub text: String,
}

impl From<&Runbook> for Page {
    fn from(Runbook { origin, text }: &Runbook) -> Self {
        Self {
            source: origin.source.to_string(),
            repository_id: origin.repository_id,
            repository: origin.repository.to_string(),
            path: origin.path.to_string(),
            commit: origin.commit.as_deref().map(str::to_owned),
            text: text.clone(),
        }
    }
}

/// How a source fares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceState {
    /// When it was last read to the end.
    pub synced_at: Option<DateTime<Utc>>,
    /// Why the last sync did not reach its end.
    pub error: Option<String>,
    /// A removal that waits for an admin's word.
    #[serde(default)]
    pub held_back: Option<HeldBack>,
}

/// Repositories that a sweep no longer brought, too many to be removed without a person's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    pub gone: usize,
    pub of: usize,
    pub since: DateTime<Utc>,
    /// The first few by name.
    pub names: Vec<String>,
}

/// The snapshot. Cheap to clone; shared by all readers.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    parts: Arc<Parts>,
    index: Arc<Index>,
}

impl Catalog {
    /// Builds the snapshot with all its indexes.
    ///
    /// Of several claims to one reference the lowest repository id owns it, then the first path.
    pub fn build(parts: Parts) -> Self {
        Self::default().with_parts(parts)
    }

    /// The snapshot of other parts, as [`Catalog::build`] makes it; what was made of entries that did not change is kept, so
    /// that one change among many entities costs little.
    #[must_use]
    pub fn with_parts(&self, mut parts: Parts) -> Self {
        parts.claims.sort_by(|a, b| {
            let by_rank = || {
                let rank = a.origin.repository_id.cmp(&b.origin.repository_id);
                rank.then_with(|| a.origin.path.cmp(&b.origin.path))
            };
            a.entity.entity_ref.cmp(&b.entity.entity_ref).then_with(by_rank)
        });
        parts.runbooks.sort_by_key(|runbook| runbook.origin.repository_id);
        let index = Index::carry(&self.index, &self.parts, &parts);
        Self { parts: Arc::new(parts), index: Arc::new(index) }
    }

    /// The same entities with other source states; indexes are shared.
    #[must_use]
    pub fn with_sources(&self, sources: BTreeMap<String, SourceState>) -> Self {
        let parts = Parts { sources, ..Parts::clone(&self.parts) };
        Self { parts: Arc::new(parts), index: Arc::clone(&self.index) }
    }

    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    pub fn version(&self) -> i64 {
        self.parts.version
    }

    pub fn is_empty(&self) -> bool {
        self.index.entries.is_empty()
    }

    /// All entities, sorted by reference.
    pub fn entries(&self) -> &[Arc<Entry>] {
        &self.index.entries
    }

    pub fn find(&self, entity_ref: &EntityRef) -> Option<&Arc<Entry>> {
        self.index.find(entity_ref)
    }

    /// Claims that lost against the owner of the reference, in the order in which they would take over.
    pub fn rivals(&self, entity_ref: &EntityRef) -> &[Arc<Entry>] {
        self.index.rivals.get(entity_ref).map_or(&[], Vec::as_slice)
    }

    /// References that more than one file claims.
    pub fn conflicts(&self) -> impl Iterator<Item = &EntityRef> {
        self.index.rivals.keys()
    }

    /// Entities that only another catalog, which is moved from, declares.
    pub fn only_elsewhere(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.index.entries.iter().filter(|entry| entry.origin.authority == Authority::Migration)
    }

    pub fn broken(&self) -> &[Arc<BrokenFile>] {
        &self.parts.broken
    }

    pub fn source(&self, id: &str) -> Option<&SourceState> {
        self.parts.sources.get(id)
    }

    /// Where edges of this type lead, whichever end declared them; sorted, without duplicates.
    ///
    /// Targets need not exist.
    pub fn related(&self, entity_ref: &EntityRef, relation_type: RelationType) -> Vec<EntityRef> {
        let entity_ref = match relation_type {
            // Whoever is known under several references is in teams under the first.
            RelationType::MemberOf => self.people().primary(entity_ref),
            _ => entity_ref,
        };
        let own = self.find(entity_ref).into_iter().flat_map(|entry| &entry.entity.relations);
        let both = own.chain(self.index.incoming(entity_ref)).filter(|relation| relation.relation_type == relation_type);
        let mut targets: Vec<EntityRef> = both.map(|relation| relation.target.clone()).collect();
        targets.sort();
        targets.dedup();
        targets
    }

    /// Who names it in an edge, whichever: an entry once for each edge.
    pub fn named_by(&self, entity_ref: &EntityRef) -> impl Iterator<Item = EntityRef> {
        self.index.incoming(entity_ref).iter().map(|relation| relation.target.clone())
    }

    /// Whether there is an entity of this kind.
    pub fn has_kind(&self, kind: &Kind) -> bool {
        let begins = format!("{}:", kind.as_str().to_lowercase());
        let at = self.entries().partition_point(|entry| entry.entity.entity_ref.as_str() < begins.as_str());
        self.entries().get(at).is_some_and(|entry| entry.entity.entity_ref.as_str().starts_with(&begins))
    }

    /// How many edges of these types point at it, as a measure of weight.
    pub fn dependents_count(&self, entity_ref: &EntityRef) -> usize {
        self.index.count_dependents(entity_ref)
    }

    /// The runbooks found in the repository of this entity; the best path first.
    pub fn runbooks(&self, repository_id: i64) -> &[Arc<Runbook>] {
        let runbooks = self.parts.runbooks.as_slice();
        let id = |runbook: &Arc<Runbook>| runbook.origin.repository_id;
        let from = runbooks.partition_point(|runbook| id(runbook) < repository_id);
        let of_it = runbooks[from..].partition_point(|runbook| id(runbook) == repository_id);
        &runbooks[from..from + of_it]
    }

    pub fn lookup(&self) -> &LookupIndex {
        &self.index.lookup
    }

    pub(super) fn facets(&self) -> &Facets {
        &self.index.facets
    }

    /// Where it stands among [`Catalog::entries`].
    pub(super) fn place_of(&self, entity_ref: &EntityRef) -> Option<u32> {
        self.index.place_of(entity_ref)
    }

    pub(super) fn people(&self) -> &PersonIndex {
        self.index.people()
    }
}
