//! What is known of entries besides the catalog: of the links that they and their documents name, of the documents there are,
//! of the repositories that nobody has described, and what people have said.
//! Must not know how it was found out.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{DayOne, Estimate, Judged, NotFound};
use crate::catalog::{EntityRef, Repository};

/// All links as they were asked for last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkHealth {
    pub named: usize,
    /// Of those, asked for at least once.
    pub checked: usize,
    pub dead_number: usize,
    /// By address; some thousands at most.
    pub dead: Vec<DeadLink>,
}

/// A link at which nothing has answered several times over a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLink {
    pub url: String,
    /// What came of asking.
    pub fault: String,
    pub since: Option<DateTime<Utc>>,
    pub places: Vec<NamedIn>,
}

/// Where a link is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NamedIn {
    /// The entity, or the one that the document tells about.
    pub entity: EntityRef,
    /// The document; `None`: the descriptor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// A repository without a descriptor, and the source that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undescribed {
    pub source: String,
    pub repository: Repository,
    /// Other repositories that ship a package of its name.
    pub consumers: i64,
}

/// What coverage is counted from, besides the catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// `None`: links are not looked at, or not known yet.
    pub links: Option<LinkHealth>,
    /// Repositories that have pages of docs, `source` and id; `None`: not known.
    pub documented: Option<HashSet<(String, i64)>>,
    /// Repositories whose documents, as entities name them, were read at their head, `source` and id; `None`: not known.
    pub documents_read: Option<HashSet<(String, i64)>>,
    /// Repositories without a descriptor that somebody may work on, the one pushed to last first; `None`: not known yet.
    pub undescribed: Option<Vec<Arc<Undescribed>>>,
    /// What newcomers could not find and nobody has answered.
    pub not_found: BTreeMap<EntityRef, Vec<NotFound>>,
    /// The last word of owners on their entries.
    pub judged: BTreeMap<EntityRef, Judged>,
    /// `None`: not known yet.
    pub day_one: Option<DayOne>,
    /// `None`: not known yet.
    pub estimate: Option<Estimate>,
}

impl Coverage {
    /// The dead links that one entity or its documents name.
    pub fn dead_links_of<'a>(&'a self, entity_ref: &'a EntityRef) -> impl Iterator<Item = &'a DeadLink> {
        let dead = self.links.iter().flat_map(|links| &links.dead);
        dead.filter(move |link| link.places.iter().any(|place| place.entity == *entity_ref))
    }

    /// Whether entries are judged the same by another's word: all by which single entries are judged is the same.
    pub fn judges_entries_as(&self, other: &Self) -> bool {
        let Self { links, documents_read, documented: _, undescribed: _, not_found, judged, day_one: _, estimate: _ } = self;
        (links, documents_read, not_found, judged) == (&other.links, &other.documents_read, &other.not_found, &other.judged)
    }
}
