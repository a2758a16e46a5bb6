//! Chat accounts tied to GitHub logins: a small family that is loaded whole.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{
    Store, StoreError,
    action::{AuditEntry, LinkStep, enqueue, insert_audit},
    sync::{announce, next_version},
};
use crate::{
    catalog::people::Link,
    chat::{Account, Message},
};

/// A login that a chat account's owner has proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    pub account: Account,
    pub login: String,
    pub github_id: i64,
}

/// How a request to tie an account ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkOutcome {
    Linked(NewLink),
    /// Nothing was stored; the text goes into the audit line.
    Failed(String),
}

impl Store {
    /// Enqueues the next step, and the message that tells of this one, in one transaction.
    pub async fn go_on_linking(&self, audit_id: Option<i64>, step: LinkStep, message: Option<Message>) -> Result<(), StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        if let Some(message) = message {
            enqueue(pool, &mut transaction, super::Job::Deliver(message), None).await?;
        }
        enqueue(pool, &mut transaction, super::Job::Link(step), audit_id).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Writes the tie, the end of the action and the message that tells of it, in one transaction.
    pub async fn finish_link(
        &self,
        audit_id: Option<i64>,
        now: DateTime<Utc>,
        outcome: &LinkOutcome,
        message: Message,
    ) -> Result<(), StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let result = match outcome {
            LinkOutcome::Linked(NewLink { account, login, github_id }) => {
                let version = next_version(&mut transaction).await?;
                sqlx::query!(
                    "insert into account_links (platform, account, login, github_id, linked_at) values ($1, $2, $3, $4, $5)
                     on conflict (platform, account) do update set
                        login = excluded.login, github_id = excluded.github_id, linked_at = excluded.linked_at",
                    account.platform.as_str(),
                    account.id,
                    login,
                    github_id,
                    now
                )
                .execute(&mut *transaction)
                .await?;
                announce(&mut transaction, version).await?;
                format!("linked to {login}")
            }
            LinkOutcome::Failed(why) => why.clone(),
        };
        if let Some(audit_id) = audit_id {
            sqlx::query!("update audit set result = $2, ended_at = $3 where id = $1", audit_id, result, now)
                .execute(&mut *transaction)
                .await?;
        }
        enqueue(pool, &mut transaction, super::Job::Deliver(message), None).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Removes the tie of an account, with the audit line that says so. Gives whether there was one.
    pub async fn remove_link(&self, audit: AuditEntry) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let version = next_version(&mut transaction).await?;
        let (platform, account) = (audit.account.platform.as_str(), audit.account.id.as_str());
        let removed = sqlx::query!("delete from account_links where platform = $1 and account = $2", platform, account)
            .execute(&mut *transaction)
            .await?;
        let result = if removed.rows_affected() > 0 { "removed" } else { "there was none" };
        let audit_id = insert_audit(&mut transaction, &audit).await?;
        sqlx::query!("update audit set result = $2, ended_at = at where id = $1", audit_id, result)
            .execute(&mut *transaction)
            .await?;
        announce(&mut transaction, version).await?;
        transaction.commit().await?;
        Ok(removed.rows_affected() > 0)
    }
}

pub(super) async fn load_links(connection: &mut PgConnection) -> Result<Vec<Link>, StoreError> {
    let rows =
        sqlx::query!("select platform, account, login, github_id, linked_at from account_links order by platform, account");
    let rows = rows.fetch_all(connection).await?;
    let link = rows.into_iter().map(|row| Link {
        platform: row.platform,
        account: row.account,
        login: row.login,
        github_id: row.github_id,
        linked_at: row.linked_at,
    });
    Ok(link.collect())
}
