//! The store: PostgreSQL through sqlx, here and nowhere else. Transactions never leave it.

use chrono::{DateTime, Utc};

use crate::{
    catalog::EntityRef,
    chat::{Account, Message, Place},
};

/// The database, which may be away.
#[derive(Debug, Default)]
pub struct Store {}

/// Who asked to change what.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    pub at: DateTime<Utc>,
    pub account: Account,
    pub person: Option<EntityRef>,
    pub command: String,
    pub subject: String,
    pub detail: serde_json::Value,
}

/// Work that an act asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Job {
    SyncSources { requested_by: Account, place: Option<Place> },
    Deliver(Message),
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing was written; worth another try.
    #[error("the database cannot be reached: {0}")]
    Away(String),
    #[error("the database refused")]
    Failed(#[source] anyhow::Error),
}

impl Store {
    /// Writes the audit line and enqueues the job in one transaction.
    pub async fn record_action(&self, _audit: AuditEntry, _job: Option<Job>) -> Result<(), StoreError> {
        Err(StoreError::Away("no connection yet".to_owned()))
    }

    /// Since when the database has been unreachable; `None` while it is there.
    pub fn away_since(&self) -> Option<DateTime<Utc>> {
        None
    }
}
