//! Forms that somebody is filling in, where the platform's own forms carry too little. Must not know what is in one.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{Store, StoreError};
use crate::chat::Account;

/// A form that nobody touches for longer is begun anew.
const KEPT: TimeDelta = TimeDelta::days(2);

/// The number of a form that is being filled in; of use to the account that opened it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SittingId(pub i64);

/// A form as it was kept last.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptSitting {
    pub sitting: Value,
    /// Goes up with each change.
    pub revision: i32,
}

impl Store {
    /// Keeps a form that was opened, and forgets those that nobody came back for.
    pub async fn open_sitting(&self, account: &Account, sitting: &Value, now: DateTime<Utc>) -> Result<SittingId, StoreError> {
        let id = sqlx::query_scalar!(
            "with old as (delete from form_sittings where touched_at < $4)
             insert into form_sittings (account, sitting, touched_at) values ($1, $2, $3) returning id",
            key(account),
            sitting,
            now,
            now - KEPT
        );
        Ok(SittingId(id.fetch_one(self.pool()?).await?))
    }

    /// Loads what this account has open; `None` where it is gone, or another's.
    pub async fn load_sitting(&self, id: SittingId, account: &Account) -> Result<Option<KeptSitting>, StoreError> {
        let kept = sqlx::query_as!(
            KeptSitting,
            "select sitting, revision from form_sittings where id = $1 and account = $2",
            id.0,
            key(account)
        );
        Ok(kept.fetch_optional(self.pool()?).await?)
    }

    /// Keeps a change of what was loaded at `revision`; false where it has changed meanwhile, or is gone.
    pub async fn save_sitting(
        &self,
        id: SittingId,
        revision: i32,
        sitting: &Value,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let saved = sqlx::query!(
            "update form_sittings set sitting = $3, revision = revision + 1, touched_at = $4 where id = $1 and revision = $2",
            id.0,
            revision,
            sitting,
            now
        );
        Ok(saved.execute(self.pool()?).await?.rows_affected() == 1)
    }

    /// Forgets a form that is done with.
    pub async fn close_sitting(&self, id: SittingId) -> Result<(), StoreError> {
        sqlx::query!("delete from form_sittings where id = $1", id.0).execute(self.pool()?).await?;
        Ok(())
    }
}

fn key(account: &Account) -> String {
    format!("{} {}", account.platform.as_str(), account.id)
}
