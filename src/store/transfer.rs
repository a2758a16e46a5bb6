//! A repository that one source hands to another: rows change their source and nothing else, so that nothing is removed or new.
//! Must not decide which source has it now.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{
    Store, StoreError,
    sync::{announce, next_version},
};

/// Repositories that a source has been seen to have now.
#[derive(Debug)]
pub struct TakeOver<'a> {
    pub to: &'a str,
    /// The source's number, and GitHub's GraphQL id, which together are one and the same repository wherever it is.
    pub repositories: &'a [(i64, String)],
    pub now: DateTime<Utc>,
}

impl Store {
    /// Gives a source all that another one has stored of these repositories. Returns which ones were another's until now; one
    /// that the source has by itself already stays as it is in both.
    pub async fn take_over(&self, take_over: TakeOver<'_>) -> Result<Vec<i64>, StoreError> {
        let TakeOver { to, repositories, now } = take_over;
        let (ids, node_ids): (Vec<i64>, Vec<String>) = repositories.iter().cloned().unzip();
        let mut transaction = self.begin().await?;
        let version = next_version(&mut transaction).await?;
        let found = sqlx::query!(
            r#"select distinct on (r.repository_id) r.source_id, r.repository_id
               from repositories r join unnest($2::bigint[], $3::text[]) as wanted (repository_id, node_id) using (repository_id)
               where r.source_id <> $1 and r.removed_at is null and r.facts->>'node_id' = wanted.node_id
                 and not exists (select from repositories own where own.source_id = $1
                                 and own.repository_id = r.repository_id and own.removed_at is null)
               order by r.repository_id, r.read_at desc"#,
            to,
            &ids,
            &node_ids
        )
        .fetch_all(&mut *transaction)
        .await?;
        if found.is_empty() {
            // Rolled back: nothing has changed, so nothing is announced.
            return Ok(Vec::new());
        }
        sqlx::query!("insert into sources (id, version) values ($1, $2) on conflict (id) do nothing", to, version)
            .execute(&mut *transaction)
            .await?;
        for row in &found {
            clear(&mut transaction, to, row.repository_id).await?;
            let hand = Hand { from: &row.source_id, to, repository_id: row.repository_id, version, now };
            hand.over(&mut transaction).await?;
        }
        announce(&mut transaction, version).await?;
        transaction.commit().await?;
        Ok(found.into_iter().map(|row| row.repository_id).collect())
    }
}

/// Forgets what the source had of it before: it was there once, and went.
async fn clear(connection: &mut PgConnection, source_id: &str, repository_id: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from entities where source_id = $1 and repository_id = $2", source_id, repository_id)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("delete from files where source_id = $1 and repository_id = $2", source_id, repository_id)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("delete from package_reads where source_id = $1 and repository_id = $2", source_id, repository_id)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("delete from repository_events where source_id = $1 and repository_id = $2", source_id, repository_id)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("delete from author_notes where source_id = $1 and repository_id = $2", source_id, repository_id)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

struct Hand<'a> {
    from: &'a str,
    to: &'a str,
    repository_id: i64,
    version: i64,
    now: DateTime<Utc>,
}

impl Hand<'_> {
    async fn over(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let Self { from, to, repository_id, version, now } = *self;
        sqlx::query!(
            "insert into repositories (source_id, repository_id, full_name, facts, facts_hash, head, reading, read_at, version)
             select $2, repository_id, full_name, facts, facts_hash, head, reading, read_at, $4
             from repositories where source_id = $1 and repository_id = $3
             on conflict (source_id, repository_id) do update set
                full_name = excluded.full_name, facts = excluded.facts, facts_hash = excluded.facts_hash, head = excluded.head,
                reading = excluded.reading, read_at = excluded.read_at, removed_at = null, kept_until = null,
                version = excluded.version",
            from,
            to,
            repository_id,
            version
        )
        .execute(&mut *connection)
        .await?;
        sqlx::query!(
            "update files set source_id = $2, version = $4 where source_id = $1 and repository_id = $3",
            from,
            to,
            repository_id,
            version
        )
        .execute(&mut *connection)
        .await?;
        sqlx::query!(
            "update entities set source_id = $2, version = $4 where source_id = $1 and repository_id = $3",
            from,
            to,
            repository_id,
            version
        )
        .execute(&mut *connection)
        .await?;
        // Its lines are found by reference; a transfer is rare enough to look at all of them.
        sqlx::query!(
            "update entity_history set source_id = $2 where source_id = $1 and repository_id = $3",
            from,
            to,
            repository_id
        )
        .execute(&mut *connection)
        .await?;
        sqlx::query!(
            "insert into package_reads (source_id, repository_id, head, asked_at, outcome, note, read_head, read_at)
             select $2, repository_id, head, asked_at, outcome, note, read_head, read_at
             from package_reads where source_id = $1 and repository_id = $3",
            from,
            to,
            repository_id
        )
        .execute(&mut *connection)
        .await?;
        sqlx::query!("update packages set source_id = $2 where source_id = $1 and repository_id = $3", from, to, repository_id)
            .execute(&mut *connection)
            .await?;
        sqlx::query!("delete from package_reads where source_id = $1 and repository_id = $2", from, repository_id)
            .execute(&mut *connection)
            .await?;
        sqlx::query!(
            "update repository_events set source_id = $2 where source_id = $1 and repository_id = $3",
            from,
            to,
            repository_id
        )
        .execute(&mut *connection)
        .await?;
        sqlx::query!(
            "update author_notes set source_id = $2 where source_id = $1 and repository_id = $3",
            from,
            to,
            repository_id
        )
        .execute(&mut *connection)
        .await?;
        // What is left is how replicas learn that it is no longer there.
        sqlx::query!(
            "update repositories set removed_at = $3, version = $4 where source_id = $1 and repository_id = $2",
            from,
            repository_id,
            now,
            version
        )
        .execute(&mut *connection)
        .await?;
        Ok(())
    }
}
