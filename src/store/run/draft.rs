//! Answers of a form that are too long to travel in it, until the form is sent.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{Store, StoreError};
use crate::chat::Account;

/// A form that stays open longer is begun anew.
const KEPT: TimeDelta = TimeDelta::days(2);

/// The number of kept answers; of use to the account that gave them alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DraftId(pub i64);

impl Store {
    /// Keeps answers, and forgets those that nobody came back for.
    pub async fn save_draft(
        &self,
        account: &Account,
        template: &str,
        answers: &Value,
        now: DateTime<Utc>,
    ) -> Result<DraftId, StoreError> {
        let id = sqlx::query_scalar!(
            "with old as (delete from run_drafts where created_at < $5)
             insert into run_drafts (account, template, answers, created_at) values ($1, $2, $3, $4) returning id",
            key(account),
            template,
            answers,
            now,
            now - KEPT
        );
        Ok(DraftId(id.fetch_one(self.pool()?).await?))
    }

    /// Loads what this account has answered; `None` where it is gone, or another's.
    pub async fn load_draft(&self, id: DraftId, account: &Account) -> Result<Option<Value>, StoreError> {
        let answers = sqlx::query_scalar!("select answers from run_drafts where id = $1 and account = $2", id.0, key(account));
        Ok(answers.fetch_optional(self.pool()?).await?)
    }
}

fn key(account: &Account) -> String {
    format!("{} {}", account.platform.as_str(), account.id)
}
