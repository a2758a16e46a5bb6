//! What a sync is told of what is stored, and how it ends.

use std::{collections::HashMap, time::Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::{PgConnection, types::Json};

use super::{Store, StoreError};
use crate::catalog::{
    EntityRef, FileRole, HeldBack, Relation, RepositoryKey, SweepMark,
    diff::{FileProblem, Hash, StoredClaim, StoredDigest, StoredFile},
    wants::is_document,
};

/// What is stored of a source, enough to see what did not change.
pub type StoredSource = HashMap<i64, StoredDigest>;

/// Which of the stored files a sync compares with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredFiles {
    All,
    /// Without those that a job of their own reads; see [`crate::catalog::wants::is_document`].
    WithoutDocuments,
}

/// How far a source was read by earlier syncs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SyncState {
    /// The last sweep over everything.
    pub swept_at: Option<DateTime<Utc>>,
    pub mark: Option<SweepMark>,
    pub held_back: Option<HeldBack>,
}

/// The database's clock beside the process's own: replicas compare times by the one clock they share.
#[derive(Debug, Clone, Copy)]
pub struct SharedClock {
    read: DateTime<Utc>,
    at: Instant,
}

impl SharedClock {
    /// A moment of this process in the database's time.
    pub fn time_of(&self, moment: Instant) -> DateTime<Utc> {
        let since =
            |later: Instant, earlier: Instant| TimeDelta::from_std(later.saturating_duration_since(earlier)).unwrap_or_default();
        self.read + since(moment, self.at) - since(self.at, moment)
    }
}

/// Held while one sync of a source runs; another, in any process, waits.
#[derive(Debug)]
pub struct SourceLock {
    /// Its end, however it comes, gives the lock back.
    _transaction: sqlx::Transaction<'static, sqlx::Postgres>,
}

impl Store {
    /// Waits for the right to sync a source: two at once would write the same changes twice.
    pub async fn lock_source(&self, source_id: &str) -> Result<SourceLock, StoreError> {
        let mut transaction = self.begin().await?;
        // Another's sync may take an hour, and so may this one, which says nothing here meanwhile.
        let unlimited = "set local statement_timeout = 0; set local lock_timeout = 0; \
                         set local idle_in_transaction_session_timeout = 0";
        sqlx::raw_sql(unlimited).execute(&mut *transaction).await?;
        sqlx::query!("select pg_advisory_xact_lock(hashtextextended('steward-sync:' || $1, 0))", source_id)
            .execute(&mut *transaction)
            .await?;
        Ok(SourceLock { _transaction: transaction })
    }

    /// Reads the database's clock.
    pub async fn read_clock(&self) -> Result<SharedClock, StoreError> {
        let read = sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(self.pool()?).await?;
        // The database read its clock before this moment, so times of ours come out early, never late: what is asked after
        // another question was asked and answered never looks older than it.
        Ok(SharedClock { read, at: Instant::now() })
    }

    /// How far the source was read.
    pub async fn load_sync_state(&self, source_id: &str) -> Result<SyncState, StoreError> {
        let row = sqlx::query!(
            r#"select swept_at, mark as "mark: Json<SweepMark>", held_back as "held_back: Json<HeldBack>"
               from sources where id = $1"#,
            source_id
        );
        let state = row.fetch_optional(self.pool()?).await?.map(|row| SyncState {
            swept_at: row.swept_at,
            mark: row.mark.map(|mark| mark.0),
            held_back: row.held_back.map(|held| held.0),
        });
        Ok(state.unwrap_or_default())
    }

    /// By what the source can be asked for these repositories again.
    pub async fn load_keys(&self, source_id: &str, repository_ids: &[i64]) -> Result<Vec<RepositoryKey>, StoreError> {
        let rows = sqlx::query!(
            r#"select repository_id, full_name, facts->>'node_id' as node_id from repositories
               where source_id = $1 and repository_id = any($2) order by repository_id"#,
            source_id,
            repository_ids
        );
        let rows = rows.fetch_all(self.pool()?).await?.into_iter();
        Ok(rows
            .map(|row| RepositoryKey { id: row.repository_id, node_id: row.node_id, full_name: Some(row.full_name) })
            .collect())
    }

    /// Remembers that these were asked about, though nothing new was heard.
    pub async fn touch_repositories(
        &self,
        source_id: &str,
        repository_ids: &[i64],
        asked_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update repositories set read_at = $3 where source_id = $1 and repository_id = any($2) and read_at < $3",
            source_id,
            repository_ids,
            asked_at
        )
        .execute(self.pool()?)
        .await?;
        Ok(())
    }

    /// Loads the digest of every repository of a source, tombstones included.
    pub async fn load_source(&self, source_id: &str, files: StoredFiles) -> Result<StoredSource, StoreError> {
        self.load_digests(source_id, None, files).await
    }

    /// The same of some repositories alone.
    pub async fn load_repositories(
        &self,
        source_id: &str,
        repository_ids: &[i64],
        files: StoredFiles,
    ) -> Result<StoredSource, StoreError> {
        self.load_digests(source_id, Some(repository_ids), files).await
    }

    async fn load_digests(&self, source_id: &str, ids: Option<&[i64]>, files: StoredFiles) -> Result<StoredSource, StoreError> {
        let pool = self.pool()?;
        let repositories = sqlx::query!(
            r#"select repository_id, full_name, facts_hash, removed_at is not null as "removed!", head, reading,
                      facts ? 'excluded' as "excluded!", read_at,
                      (select count(*) from entities e where e.source_id = r.source_id
                       and e.repository_id = r.repository_id and e.removed_at is null) as "claims!"
               from repositories r where source_id = $1 and ($2::bigint[] is null or repository_id = any($2))"#,
            source_id,
            ids
        );
        let mut source = StoredSource::new();
        for row in repositories.fetch_all(pool).await? {
            let digest = StoredDigest {
                full_name: row.full_name,
                facts_hash: to_hash(&row.facts_hash),
                removed: row.removed,
                head: row.head,
                reading: row.reading,
                excluded: row.excluded,
                read_at: row.read_at,
                claims: u64::try_from(row.claims).unwrap_or_default(),
                files: Vec::new(),
            };
            source.insert(row.repository_id, digest);
        }
        let rows = sqlx::query!(
            r#"select repository_id, path, role, content_hash, problem as "problem: Json<FileProblem>"
               from files where source_id = $1 and ($2::bigint[] is null or repository_id = any($2))
                 and (role <> 'doc' or $3)
               order by repository_id, path"#,
            source_id,
            ids,
            files == StoredFiles::All
        );
        for row in rows.fetch_all(pool).await? {
            let role = parse_role(&row.role);
            if files == StoredFiles::WithoutDocuments && is_document(role, &row.path) {
                continue;
            }
            let problem = row.problem.map(|problem| problem.0);
            let file = StoredFile { path: row.path, role, content_hash: to_hash(&row.content_hash), problem };
            if let Some(digest) = source.get_mut(&row.repository_id) {
                digest.files.push(file);
            }
        }
        Ok(source)
    }

    /// Loads the claims of some repositories, removed ones included.
    pub async fn load_claims(
        &self,
        source_id: &str,
        repository_ids: &[i64],
    ) -> Result<HashMap<i64, Vec<StoredClaim>>, StoreError> {
        let rows = sqlx::query!(
            r#"select repository_id, path, ref as entity_ref, content_hash, document,
                      relations as "relations: Json<Vec<Relation>>", former_names,
                      kept_because is not null as "kept!", removed_at is not null as "removed!"
               from entities where source_id = $1 and repository_id = any($2)"#,
            source_id,
            repository_ids
        );
        let mut claims: HashMap<i64, Vec<StoredClaim>> = HashMap::new();
        for row in rows.fetch_all(self.pool()?).await? {
            claims.entry(row.repository_id).or_default().push(StoredClaim {
                path: row.path,
                entity_ref: parse_ref(&row.entity_ref),
                content_hash: to_hash(&row.content_hash),
                document: row.document,
                relations: row.relations.0,
                former_names: row.former_names,
                kept: row.kept,
                removed: row.removed,
            });
        }
        Ok(claims)
    }

    /// Remembers how far a source was read, and announces that it was.
    ///
    /// A sync that changed nothing writes no row: replicas hear the announcement and keep the time on disk.
    pub async fn finish_sync(&self, end: SyncEnd<'_>) -> Result<(), StoreError> {
        let SyncEnd { source_id, at, wrote, before, after } = end;
        let mut transaction = self.begin().await?;
        if wrote == Wrote::Something || before != after {
            let version = next_version(&mut transaction).await?;
            sqlx::query!(
                "insert into sources (id, synced_at, version, swept_at, mark, held_back) values ($1, $2, $3, $4, $5, $6)
                 on conflict (id) do update set synced_at = excluded.synced_at, version = excluded.version,
                    swept_at = excluded.swept_at, mark = excluded.mark, held_back = excluded.held_back",
                source_id,
                at,
                version,
                after.swept_at,
                after.mark.as_ref().map(Json) as _,
                after.held_back.as_ref().map(Json) as _
            )
            .execute(&mut *transaction)
            .await?;
            announce(&mut transaction, version).await?;
        }
        let announcement = json!({ "source": source_id, "at": at }).to_string();
        sqlx::query!("select pg_notify($1, $2)", super::follow::SYNCED, announcement).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// How a sync ended.
#[derive(Debug)]
pub struct SyncEnd<'a> {
    pub source_id: &'a str,
    pub at: DateTime<Utc>,
    pub wrote: Wrote,
    pub before: &'a SyncState,
    pub after: &'a SyncState,
}

/// Whether a sync changed the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrote {
    Something,
    Nothing,
}

/// Takes the next version under the row lock that makes versions commit in order.
pub(super) async fn next_version(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!("update catalog_clock set version = version + 1 returning version").fetch_one(connection).await
}

pub(super) async fn announce(connection: &mut PgConnection, version: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_notify($1, $2)", super::follow::CHANGED, version.to_string()).execute(connection).await?;
    Ok(())
}

pub(super) fn parse_role(name: &str) -> FileRole {
    match name {
        "runbook" => FileRole::Runbook,
        "doc" => FileRole::Doc,
        "attachment" => FileRole::Attachment,
        _ => FileRole::Descriptor,
    }
}

pub(super) fn parse_ref(text: &str) -> EntityRef {
    EntityRef::parse(text, None, "default").expect("only full references are stored")
}

pub(super) fn to_hash(bytes: &[u8]) -> Hash {
    bytes.try_into().unwrap_or([0; 32])
}
