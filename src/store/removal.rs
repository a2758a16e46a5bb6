//! Removal as a tombstone: made, taken back, and forgotten after a while.

use chrono::{DateTime, Utc};

use sqlx::PgConnection;

use super::{
    Store, StoreError,
    sync::{announce, next_version},
};
use crate::catalog::diff::Tally;

/// Repositories that a complete sweep no longer brought.
#[derive(Debug)]
pub struct Removal<'a> {
    pub source_id: &'a str,
    pub repository_ids: &'a [i64],
    /// When the source was asked, in the database's time: what was seen by a later question stays.
    pub asked_at: DateTime<Utc>,
    pub now: DateTime<Utc>,
    /// Nothing is removed where it would be more than this.
    pub limit: Option<RemovalLimit>,
}

/// How much may go without a sweep's word.
#[derive(Debug, Clone, Copy)]
pub struct RemovalLimit {
    /// What was removed after this counts too.
    pub since: DateTime<Utc>,
    /// So many repositories are always allowed.
    pub few: usize,
    /// Beyond these, so large a share of the source's.
    pub share: f64,
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Removed {
    pub repositories: usize,
    /// Their entities.
    pub tally: Tally,
}

impl Store {
    /// Turns repositories, and what they claimed, into tombstones; those that an admin took back stay.
    pub async fn remove_repositories(&self, removal: Removal<'_>) -> Result<Removed, StoreError> {
        let mut transaction = self.begin().await?;
        // The row lock that this takes lets one removal at a time count what went before it.
        let version = next_version(&mut transaction).await?;
        if let Some(limit) = removal.limit
            && is_beyond(&mut transaction, &removal, limit).await?
        {
            return Ok(Removed::default());
        }
        let gone = sqlx::query_scalar!(
            "update repositories set removed_at = $3, version = $4
             where source_id = $1 and repository_id = any($2) and removed_at is null
               and (read_at is null or read_at <= $5) and (kept_until is null or kept_until < $3)
             returning repository_id",
            removal.source_id,
            removal.repository_ids,
            removal.now,
            version,
            removal.asked_at
        )
        .fetch_all(&mut *transaction)
        .await?;
        if gone.is_empty() {
            // Rolled back: nothing has changed, so nothing is announced.
            return Ok(Removed::default());
        }
        let removed = sqlx::query!(
            "with gone as (
                update entities set removed_at = $3, version = $4
                where source_id = $1 and repository_id = any($2) and removed_at is null
                returning ref, source_id, repository_id, path
             )
             insert into entity_history (ref, source_id, repository_id, path, change, fields, seen_at)
             select ref, source_id, repository_id, path, 'removed', '{}', $3 from gone",
            removal.source_id,
            &gone,
            removal.now,
            version
        )
        .execute(&mut *transaction)
        .await?;
        announce(&mut transaction, version).await?;
        transaction.commit().await?;
        let tally = Tally { removed: removed.rows_affected(), ..Tally::default() };
        Ok(Removed { repositories: gone.len(), tally })
    }

    /// The repositories that were removed and are not forgotten yet, the latest first, so many at most.
    pub async fn load_tombstones(&self, most: i64) -> Result<Vec<Tombstone>, StoreError> {
        let rows = sqlx::query!(
            r#"select source_id, repository_id, full_name, removed_at as "removed_at!",
                      (select count(*) from entities e where e.source_id = r.source_id
                       and e.repository_id = r.repository_id and e.removed_at = r.removed_at) as "entities!"
               from repositories r where removed_at is not null
                 -- What another source took over is not gone.
                 and not exists (select from repositories living where living.repository_id = r.repository_id
                                 and living.removed_at is null and living.facts->>'node_id' = r.facts->>'node_id')
               order by removed_at desc, full_name limit $1"#,
            most
        );
        let rows = rows.fetch_all(self.pool()?).await?;
        let tombstone = rows.into_iter().map(|row| Tombstone {
            source_id: row.source_id,
            repository_id: row.repository_id,
            full_name: row.full_name,
            removed_at: row.removed_at,
            entities: u64::try_from(row.entities).unwrap_or_default(),
        });
        Ok(tombstone.collect())
    }

    /// Takes a removal back: the repository and what it took with it answer again, and sweeps that do not see it leave it
    /// alone until `kept_until`. `None` where it is not removed.
    pub async fn restore_repository(&self, restore: Restore<'_>) -> Result<Option<Tally>, StoreError> {
        let mut transaction = self.begin().await?;
        let version = next_version(&mut transaction).await?;
        let found = sqlx::query!(
            r#"select source_id, repository_id, removed_at as "removed_at!" from repositories
               where full_name = $1 and removed_at is not null order by removed_at desc limit 1"#,
            restore.full_name
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(found) = found else { return Ok(None) };
        sqlx::query!(
            "update repositories set removed_at = null, kept_until = $3, version = $4 where source_id = $1 and repository_id = $2",
            found.source_id,
            found.repository_id,
            restore.kept_until,
            version
        )
        .execute(&mut *transaction)
        .await?;
        let restored = sqlx::query!(
            "with back as (
                update entities set removed_at = null, version = $4
                where source_id = $1 and repository_id = $2 and removed_at = $3
                returning ref, source_id, repository_id, path
             )
             insert into entity_history (ref, source_id, repository_id, path, change, fields, seen_at)
             select ref, source_id, repository_id, path, 'restored', '{}', $5 from back",
            found.source_id,
            found.repository_id,
            found.removed_at,
            version,
            restore.now
        )
        .execute(&mut *transaction)
        .await?;
        announce(&mut transaction, version).await?;
        transaction.commit().await?;
        Ok(Some(Tally { added: restored.rows_affected(), ..Tally::default() }))
    }

    /// Forgets what was removed before `before`; history stays.
    pub async fn forget_removed(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let claims = sqlx::query!("delete from entities where removed_at < $1", before).execute(&mut *transaction).await?;
        sqlx::query!(
            "delete from files f using repositories r
             where r.source_id = f.source_id and r.repository_id = f.repository_id and r.removed_at < $1",
            before
        )
        .execute(&mut *transaction)
        .await?;
        let repositories = sqlx::query!(
            "delete from repositories r where removed_at < $1 and not exists (
                select from entities e where e.source_id = r.source_id and e.repository_id = r.repository_id)",
            before
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(claims.rows_affected() + repositories.rows_affected())
    }
}

async fn is_beyond(connection: &mut PgConnection, removal: &Removal<'_>, limit: RemovalLimit) -> Result<bool, sqlx::Error> {
    let row = sqlx::query!(
        r#"select count(*) filter (where removed_at is null) as "living!",
                  count(*) filter (where removed_at > $2) as "gone!"
           from repositories where source_id = $1"#,
        removal.source_id,
        limit.since
    );
    let row = row.fetch_one(connection).await?;
    let (living, gone) = (usize::try_from(row.living).unwrap_or_default(), usize::try_from(row.gone).unwrap_or_default());
    let gone_then = gone + removal.repository_ids.len();
    Ok(gone_then > limit.few && gone_then as f64 > (living + gone) as f64 * limit.share)
}

/// A repository that is gone, and could be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    pub source_id: String,
    pub repository_id: i64,
    pub full_name: String,
    pub removed_at: DateTime<Utc>,
    /// Entities that went with it.
    pub entities: u64,
}

/// A removal to be taken back.
#[derive(Debug)]
pub struct Restore<'a> {
    pub full_name: &'a str,
    pub kept_until: DateTime<Utc>,
    pub now: DateTime<Utc>,
}
