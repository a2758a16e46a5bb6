//! Keeps a replica's snapshot current: LISTEN for speed, the version cursor for truth.
//! Must not build snapshots; it hands changes on.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use sqlx::postgres::PgListener;

use super::{Store, StoreError};

/// Announces a new version; the payload is the number.
pub(super) const CHANGED: &str = "steward_changed";
/// Announces that a source was read to its end, whether or not anything changed.
pub(super) const SYNCED: &str = "steward_synced";
/// Announces that a conversation was given a team, or lost it.
pub(super) const CHANNELS: &str = "steward_channels";
/// A lost announcement costs at most this.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What is heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// There may be changes: compare the version, and what stands beside the catalog.
    LookAgain,
    Synced(Synced),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Synced {
    pub source: String,
    pub at: DateTime<Utc>,
}

/// One subscription; it ends with an error when the database goes away.
#[derive(Debug)]
pub struct Follow {
    listener: PgListener,
}

/// Subscribes. Load once after this and nothing is missed.
pub async fn follow(store: &Store) -> Result<Follow, StoreError> {
    let mut listener = PgListener::connect_with(store.pool()?).await?;
    listener.listen_all([CHANGED, SYNCED, CHANNELS]).await?;
    Ok(Follow { listener })
}

impl Follow {
    /// Waits for the next news, a few seconds at most.
    pub async fn next(&mut self) -> Result<Followed, StoreError> {
        let Ok(heard) = tokio::time::timeout(LOOK_AGAIN, self.listener.try_recv()).await else {
            return Ok(Followed::LookAgain);
        };
        let Some(notification) = heard? else { return Err(StoreError::Away("the connection was lost".to_owned())) };
        let synced = (notification.channel() == SYNCED).then(|| serde_json::from_str(notification.payload()).ok()).flatten();
        Ok(synced.map_or(Followed::LookAgain, Followed::Synced))
    }
}
