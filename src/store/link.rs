//! Chat accounts tied to GitHub logins, and the persons and teams that are gone: small families that are loaded whole.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};

use super::{
    Store, StoreError,
    action::{AuditEntry, enqueue},
    sync::{announce, next_version, parse_ref},
};
use crate::{
    catalog::{
        Repository,
        people::{GoneClaim, Link},
    },
    chat::{Account, Message},
};

/// Persons and teams that are remembered after they went; the latest are kept where there are more.
const MOST_GONE: i64 = 5_000;

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
    /// Writes the tie, the end of the action and the message that tells of it, in one transaction.
    pub async fn finish_link(
        &self,
        audit_id: Option<i64>,
        now: DateTime<Utc>,
        outcome: &LinkOutcome,
        message: Message,
    ) -> Result<(), StoreError> {
        let pool = self.pool()?;
        let mut transaction = pool.begin().await?;
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
        let mut transaction = self.pool()?.begin().await?;
        let version = next_version(&mut transaction).await?;
        let (platform, account) = (audit.account.platform.as_str(), audit.account.id.as_str());
        let removed = sqlx::query!("delete from account_links where platform = $1 and account = $2", platform, account)
            .execute(&mut *transaction)
            .await?;
        let result = if removed.rows_affected() > 0 { "removed" } else { "there was none" };
        sqlx::query!(
            "insert into audit (at, platform, account, person, command, subject, detail, result, ended_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $1)",
            audit.at,
            platform,
            account,
            audit.person.as_ref().map(crate::catalog::EntityRef::as_str),
            audit.command,
            audit.subject,
            audit.detail,
            result
        )
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

/// Persons and teams whose last claim was removed, the latest first.
pub(super) async fn load_gone(connection: &mut PgConnection) -> Result<Vec<GoneClaim>, StoreError> {
    let rows = sqlx::query!(
        r#"select distinct on (e.ref) e.ref as entity_ref, e.source_id, e.removed_at as "removed_at!",
                  r.facts as "facts: Json<Repository>",
                  coalesce(e.document #>> '{metadata,title}', e.document #>> '{spec,profile,displayName}', e.name) as "label!"
           from entities e join repositories r using (source_id, repository_id)
           where e.removed_at is not null and e.kind in ('user', 'group')
             and not exists (select from entities living where living.ref = e.ref and living.removed_at is null)
           order by e.ref, e.removed_at desc limit $1"#,
        MOST_GONE
    );
    let rows = rows.fetch_all(connection).await?;
    let gone = rows.into_iter().map(|row| GoneClaim {
        entity_ref: parse_ref(&row.entity_ref),
        authority: row.facts.0.authority,
        source: row.source_id.into(),
        label: row.label,
        since: row.removed_at,
    });
    Ok(gone.collect())
}
