//! What was in the catalog and is there no more: a line of each, so that a question for it is not answered by a neighbour.
//! Must not hold what can be read from history: a tombstone is small, and there may be many.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Authority, Catalog, EntityRef};

/// An entity that no source has any more; it is remembered as long as its removal can be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoneClaim {
    pub entity_ref: EntityRef,
    pub authority: Authority,
    pub source: Arc<str>,
    pub label: String,
    pub since: DateTime<Utc>,
    /// Whose it was at last.
    #[serde(default)]
    pub owner: Option<EntityRef>,
    /// `acme/payments-old`.
    #[serde(default = "nowhere")]
    pub repository: Arc<str>,
    #[serde(default)]
    pub because: GoneBecause,
}

/// How an entity went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoneBecause {
    /// Its repository is there and no longer declares it.
    #[default]
    NotDeclared,
    /// Its repository went, and it with that.
    RepositoryGone,
    /// This filter of the source keeps its repository out of answers.
    FilteredOut(String),
}

fn nowhere() -> Arc<str> {
    "".into()
}

impl Catalog {
    /// Everything that is gone, the latest first. What has come back from elsewhere is not.
    pub fn all_gone(&self) -> impl Iterator<Item = &GoneClaim> {
        self.parts().gone.iter().filter(|gone| self.find(&gone.entity_ref).is_none())
    }

    /// The one that bore this reference.
    pub fn gone(&self, entity_ref: &EntityRef) -> Option<&GoneClaim> {
        self.all_gone().find(|gone| gone.entity_ref == *entity_ref)
    }
}
