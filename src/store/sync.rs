//! What a sync reads and writes: one transaction a page, one savepoint a repository.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{Acquire, PgConnection, types::Json};

use super::{Store, StoreError};
use crate::catalog::{
    EntityRef, FileRole, Relation,
    diff::{FileProblem, Hash, RepositoryChange, StoredClaim, StoredDigest, StoredFile, Tally},
};

/// What is stored of a source, enough to see what did not change.
pub type StoredSource = HashMap<i64, StoredDigest>;

/// One page's plan, ready to be written.
#[derive(Debug)]
pub struct PageWrite<'a> {
    pub source_id: &'a str,
    pub changes: &'a [RepositoryChange],
    pub now: DateTime<Utc>,
}

/// What became of a page.
#[derive(Debug, Default)]
pub struct Applied {
    pub tally: Tally,
    /// Repositories whose savepoint was rolled back: name, and why. The others are written.
    pub refused: Vec<(String, String)>,
}

/// Repositories that a complete sweep no longer brought.
#[derive(Debug)]
pub struct Removal<'a> {
    pub source_id: &'a str,
    pub repository_ids: &'a [i64],
    pub now: DateTime<Utc>,
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
        let mut transaction = self.pool()?.begin().await?;
        sqlx::query!("select pg_advisory_xact_lock(hashtextextended('steward-sync:' || $1, 0))", source_id)
            .execute(&mut *transaction)
            .await?;
        Ok(SourceLock { _transaction: transaction })
    }

    /// Loads the digest of every repository of a source, tombstones included.
    pub async fn load_source(&self, source_id: &str) -> Result<StoredSource, StoreError> {
        self.load_digests(source_id, None).await
    }

    /// The same of some repositories alone.
    pub async fn load_repositories(&self, source_id: &str, repository_ids: &[i64]) -> Result<StoredSource, StoreError> {
        self.load_digests(source_id, Some(repository_ids)).await
    }

    async fn load_digests(&self, source_id: &str, ids: Option<&[i64]>) -> Result<StoredSource, StoreError> {
        let pool = self.pool()?;
        let repositories = sqlx::query!(
            r#"select repository_id, facts_hash, removed_at is not null as "removed!", head, reading,
                      (select count(*) from entities e where e.source_id = r.source_id
                       and e.repository_id = r.repository_id and e.removed_at is null) as "claims!"
               from repositories r where source_id = $1 and ($2::bigint[] is null or repository_id = any($2))"#,
            source_id,
            ids
        );
        let mut source = StoredSource::new();
        for row in repositories.fetch_all(pool).await? {
            let digest = StoredDigest {
                facts_hash: to_hash(&row.facts_hash),
                removed: row.removed,
                head: row.head,
                reading: row.reading,
                claims: u64::try_from(row.claims).unwrap_or_default(),
                files: Vec::new(),
            };
            source.insert(row.repository_id, digest);
        }
        let files = sqlx::query!(
            r#"select repository_id, path, role, content_hash, problem as "problem: Json<FileProblem>"
               from files where source_id = $1 and ($2::bigint[] is null or repository_id = any($2))
               order by repository_id, path"#,
            source_id,
            ids
        );
        for row in files.fetch_all(pool).await? {
            let role = parse_role(&row.role);
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

    /// Writes a page in one transaction; a repository that the database refuses is rolled back alone.
    pub async fn write_page(&self, page: PageWrite<'_>) -> Result<Applied, StoreError> {
        let mut applied = Applied::default();
        let mut transaction = self.pool()?.begin().await?;
        let version = next_version(&mut transaction).await?;
        sqlx::query!("insert into sources (id, version) values ($1, $2) on conflict (id) do nothing", page.source_id, version)
            .execute(&mut *transaction)
            .await?;
        for change in page.changes {
            let mut savepoint = transaction.begin().await?;
            match write_repository(&mut savepoint, &page, change, version).await {
                Ok(()) => {
                    savepoint.commit().await?;
                    applied.tally += change.tally;
                }
                Err(error) => {
                    // A lost connection is the page's fault, not the repository's.
                    if let StoreError::Away(why) = StoreError::from(error).and_log(&change.repository.full_name, &mut applied) {
                        return Err(StoreError::Away(why));
                    }
                    savepoint.rollback().await?;
                }
            }
        }
        announce(&mut transaction, version).await?;
        transaction.commit().await?;
        Ok(applied)
    }

    /// Turns repositories, and what they claimed, into tombstones.
    pub async fn remove_repositories(&self, removal: Removal<'_>) -> Result<Tally, StoreError> {
        let mut transaction = self.pool()?.begin().await?;
        let version = next_version(&mut transaction).await?;
        sqlx::query!(
            "update repositories set removed_at = $3, version = $4
             where source_id = $1 and repository_id = any($2) and removed_at is null",
            removal.source_id,
            removal.repository_ids,
            removal.now,
            version
        )
        .execute(&mut *transaction)
        .await?;
        let removed = sqlx::query!(
            "with gone as (
                update entities set removed_at = $3, version = $4
                where source_id = $1 and repository_id = any($2) and removed_at is null
                returning ref, source_id, repository_id, path
             )
             insert into entity_history (ref, source_id, repository_id, path, change, fields, seen_at)
             select ref, source_id, repository_id, path, 'removed', '{}', $3 from gone",
            removal.source_id,
            removal.repository_ids,
            removal.now,
            version
        )
        .execute(&mut *transaction)
        .await?;
        announce(&mut transaction, version).await?;
        transaction.commit().await?;
        Ok(Tally { removed: removed.rows_affected(), ..Tally::default() })
    }

    /// Remembers and announces that a source was read to its end.
    ///
    /// A sync that changed nothing writes no row: replicas hear the announcement and keep the time on disk.
    pub async fn finish_sync(&self, source_id: &str, at: DateTime<Utc>, wrote: Wrote) -> Result<(), StoreError> {
        let mut transaction = self.pool()?.begin().await?;
        if wrote == Wrote::Something {
            let version = next_version(&mut transaction).await?;
            sqlx::query!("update sources set synced_at = $2, version = $3 where id = $1", source_id, at, version)
                .execute(&mut *transaction)
                .await?;
        }
        let announcement = json!({ "source": source_id, "at": at }).to_string();
        sqlx::query!("select pg_notify($1, $2)", super::follow::SYNCED, announcement).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// Whether a sync changed the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrote {
    Something,
    Nothing,
}

impl StoreError {
    /// Keeps a refusal for the summary and hands the error on.
    fn and_log(self, repository: &str, applied: &mut Applied) -> Self {
        if let Self::Failed(error) = &self {
            applied.refused.push((repository.to_owned(), format!("{error:#}")));
        }
        self
    }
}

async fn write_repository(
    connection: &mut PgConnection,
    page: &PageWrite<'_>,
    change: &RepositoryChange,
    version: i64,
) -> Result<(), sqlx::Error> {
    let repository = &change.repository;
    let (source_id, id) = (page.source_id, repository.id);
    sqlx::query!(
        "insert into repositories (source_id, repository_id, full_name, facts, facts_hash, version)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (source_id, repository_id) do update set
            full_name = excluded.full_name, facts = excluded.facts, facts_hash = excluded.facts_hash,
            removed_at = null, version = excluded.version",
        source_id,
        id,
        repository.full_name,
        Json(repository) as _,
        &change.facts_hash[..],
        version
    )
    .execute(&mut *connection)
    .await?;
    write_files(connection, page, change, version).await?;
    write_claims(connection, page, change, version).await?;
    write_history(connection, page, change).await
}

async fn write_files(
    connection: &mut PgConnection,
    page: &PageWrite<'_>,
    change: &RepositoryChange,
    version: i64,
) -> Result<(), sqlx::Error> {
    let head = change.repository.head.as_ref();
    for file in &change.files {
        let problem: Option<Value> =
            file.problem.as_ref().map(|problem| json!({ "message": problem.message, "line": problem.line, "since": page.now }));
        sqlx::query!(
            "insert into files (source_id, repository_id, path, role, content_hash, commit, committed_at, text, problem, version)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             on conflict (source_id, repository_id, path) do update set
                role = excluded.role, content_hash = excluded.content_hash, commit = excluded.commit,
                committed_at = excluded.committed_at, text = excluded.text, version = excluded.version,
                problem = case when files.problem is null or excluded.problem is null then excluded.problem
                          else jsonb_set(excluded.problem, '{since}', files.problem->'since') end",
            page.source_id,
            change.repository.id,
            file.path,
            role_name(file.role),
            &file.content_hash[..],
            head.map(|head| head.sha.as_str()),
            head.and_then(|head| head.committed_at),
            file.text,
            problem,
            version
        )
        .execute(&mut *connection)
        .await?;
    }
    if !change.removed_files.is_empty() {
        sqlx::query!(
            "delete from files where source_id = $1 and repository_id = $2 and path = any($3)",
            page.source_id,
            change.repository.id,
            &change.removed_files
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn write_claims(
    connection: &mut PgConnection,
    page: &PageWrite<'_>,
    change: &RepositoryChange,
    version: i64,
) -> Result<(), sqlx::Error> {
    let (source_id, id) = (page.source_id, change.repository.id);
    let head = change.repository.head.as_ref();
    if !change.claims.is_empty() {
        let paths: Vec<&str> = change.claims.iter().map(|claim| claim.path.as_str()).collect();
        let refs: Vec<&str> = change.claims.iter().map(|claim| claim.entity_ref.as_str()).collect();
        let kinds: Vec<&str> = change.claims.iter().map(|claim| claim.entity_ref.kind()).collect();
        let namespaces: Vec<&str> = change.claims.iter().map(|claim| claim.entity_ref.namespace()).collect();
        let names: Vec<&str> = change.claims.iter().map(|claim| claim.entity_ref.name()).collect();
        let documents: Vec<Value> = change.claims.iter().map(|claim| claim.document.clone()).collect();
        let relations: Vec<Value> = change.claims.iter().map(|claim| json!(claim.relations)).collect();
        // An array in an array would have to be of one length.
        let former_names: Vec<Value> = change.claims.iter().map(|claim| json!(claim.former_names)).collect();
        let hashes: Vec<&[u8]> = change.claims.iter().map(|claim| &claim.content_hash[..]).collect();
        sqlx::query!(
            "insert into entities (source_id, repository_id, path, ref, kind, namespace, name, document, relations,
                                   content_hash, former_names, commit, committed_at, version)
             select $1, $2, path, ref, kind, namespace, name, document, relations, content_hash,
                    array(select jsonb_array_elements_text(former_names)), $11, $12, $13
             from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::jsonb[], $10::bytea[],
                         $14::jsonb[])
                  as new (path, ref, kind, namespace, name, document, relations, content_hash, former_names)
             on conflict (source_id, repository_id, path, ref) do update set
                document = excluded.document, relations = excluded.relations, content_hash = excluded.content_hash,
                commit = excluded.commit, committed_at = excluded.committed_at,
                former_names = case when excluded.former_names = '{}' then entities.former_names
                               else excluded.former_names end,
                kept_because = null, removed_at = null, version = excluded.version",
            source_id,
            id,
            &paths as _,
            &refs as _,
            &kinds as _,
            &namespaces as _,
            &names as _,
            &documents as _,
            &relations as _,
            &hashes as _,
            head.map(|head| head.sha.as_str()),
            head.and_then(|head| head.committed_at),
            version,
            &former_names as _
        )
        .execute(&mut *connection)
        .await?;
    }
    for kept in &change.kept {
        sqlx::query!(
            "update entities set version = $5, kept_because =
                jsonb_build_object('message', $6::text, 'since', coalesce(kept_because->'since', to_jsonb($7::timestamptz)))
             where source_id = $1 and repository_id = $2 and path = $3 and ref = $4",
            source_id,
            id,
            kept.path,
            kept.entity_ref.as_str(),
            version,
            kept.message,
            page.now
        )
        .execute(&mut *connection)
        .await?;
    }
    for (path, entity_ref) in &change.removed_claims {
        sqlx::query!(
            "update entities set removed_at = $5, kept_because = null, version = $6
             where source_id = $1 and repository_id = $2 and path = $3 and ref = $4",
            source_id,
            id,
            path,
            entity_ref.as_str(),
            page.now,
            version
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn write_history(
    connection: &mut PgConnection,
    page: &PageWrite<'_>,
    change: &RepositoryChange,
) -> Result<(), sqlx::Error> {
    if change.history.is_empty() {
        return Ok(());
    }
    let head = change.repository.head.as_ref();
    let refs: Vec<&str> = change.history.iter().map(|line| line.entity_ref.as_str()).collect();
    let paths: Vec<&str> = change.history.iter().map(|line| line.path.as_str()).collect();
    let kinds: Vec<&str> = change.history.iter().map(|line| line.change.as_str()).collect();
    let fields: Vec<Value> = change.history.iter().map(|line| line.fields.clone()).collect();
    sqlx::query!(
        "insert into entity_history (ref, source_id, repository_id, path, change, fields, commit, committed_at, author, seen_at)
         select ref, $1, $2, path, change, fields, $7, $8, $9, $10
         from unnest($3::text[], $4::text[], $5::text[], $6::jsonb[]) as new (ref, path, change, fields)",
        page.source_id,
        change.repository.id,
        &refs as _,
        &paths as _,
        &kinds as _,
        &fields as _,
        head.map(|head| head.sha.as_str()),
        head.and_then(|head| head.committed_at),
        head.and_then(|head| head.author.as_deref()),
        page.now
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// Takes the next version under the row lock that makes versions commit in order.
pub(super) async fn next_version(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!("update catalog_clock set version = version + 1 returning version").fetch_one(connection).await
}

pub(super) async fn announce(connection: &mut PgConnection, version: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_notify($1, $2)", super::follow::CHANGED, version.to_string()).execute(connection).await?;
    Ok(())
}

fn role_name(role: FileRole) -> &'static str {
    match role {
        FileRole::Descriptor => "descriptor",
        FileRole::Runbook => "runbook",
        FileRole::Doc => "doc",
        FileRole::Attachment => "attachment",
    }
}

fn parse_role(name: &str) -> FileRole {
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

fn to_hash(bytes: &[u8]) -> Hash {
    bytes.try_into().unwrap_or([0; 32])
}
