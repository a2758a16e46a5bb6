//! Documents that entities name by annotations, runbooks and docs: what is still to be read, and what was read.
//! Must not touch files that a sync reads; they are told apart by [`is_document`].

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::{PgConnection, types::Json};

use super::{
    Store, StoreError,
    sync::{announce, next_version, parse_role, to_hash},
    write::role_name,
};
use crate::catalog::{
    FileRole, RUNBOOK_PATHS, Repository,
    diff::{Hash, StoredFile},
    wants::is_document,
};

/// A repository of which some file could not be read is asked again after this.
const RETRY_FAULTY: TimeDelta = TimeDelta::hours(1);

/// A repository whose documents are to be read.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentTarget {
    /// As it was stored last, its head among it.
    pub repository: Repository,
    /// Files with entities that name documents, each with the annotations.
    pub named: Vec<(String, Value)>,
    /// Documents that are stored.
    pub known: Vec<StoredFile>,
    /// The latest change to its entities; what is read now answers to that.
    pub claims_version: i64,
}

/// What was read of one repository.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentsRead<'a> {
    pub target: &'a DocumentTarget,
    /// Those that differ from what is stored.
    pub changed: Vec<DocumentWrite>,
    pub removed: Vec<String>,
    /// What kept some of them from being read.
    pub fault: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentWrite {
    pub path: String,
    pub role: FileRole,
    pub content_hash: Hash,
    pub text: String,
}

impl Store {
    /// Loads repositories whose head, or whose entities, are not those that documents were read for; those never asked
    /// first. Of `ids` alone, where they are given.
    pub async fn load_document_targets(
        &self,
        source_id: &str,
        ids: Option<&[i64]>,
        now: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<DocumentTarget>, StoreError> {
        // One moment for all: an entity that changes in between would be taken for asked about.
        let mut transaction = self.begin().await?;
        sqlx::query!("set transaction isolation level repeatable read, read only").execute(&mut *transaction).await?;
        let rows = sqlx::query!(
            r#"with naming as (
                   select repository_id from entities
                   where source_id = $1 and removed_at is null and ($2::bigint[] is null or repository_id = any($2))
                     and document->'metadata'->'annotations' ?| array['steward.dev/runbook', 'backstage.io/techdocs-ref']
                   union
                   select repository_id from document_reads
                   where source_id = $1 and ($2::bigint[] is null or repository_id = any($2)))
               select r.repository_id, r.facts as "facts: Json<Repository>", e.version as "claims_version!"
               from naming join repositories r on r.source_id = $1 and r.repository_id = naming.repository_id
               left join document_reads d on d.source_id = r.source_id and d.repository_id = r.repository_id
               cross join lateral (select coalesce(max(version), 0) as version from entities e
                   where e.source_id = r.source_id and e.repository_id = r.repository_id) e
               where r.removed_at is null
                 and (d.head is distinct from coalesce(r.facts->'head'->>'sha', '-') or d.claims_version <> e.version
                      or (d.fault is not null and d.asked_at <= $3))
               order by d.asked_at nulls first, r.repository_id limit $4"#,
            source_id,
            ids,
            now - RETRY_FAULTY,
            limit
        );
        let rows = rows.fetch_all(&mut *transaction).await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.repository_id).collect();
        let mut named = load_named(&mut transaction, source_id, &ids).await?;
        let mut known = load_known(&mut transaction, source_id, &ids).await?;
        transaction.commit().await?;
        let targets = rows.into_iter().map(|row| DocumentTarget {
            repository: row.facts.0,
            named: named.remove(&row.repository_id).unwrap_or_default(),
            known: known.remove(&row.repository_id).unwrap_or_default(),
            claims_version: row.claims_version,
        });
        Ok(targets.collect())
    }

    /// Writes what was read of some repositories in one transaction; one that is gone by now is passed over.
    pub async fn write_documents(
        &self,
        source_id: &str,
        reads: &[DocumentsRead<'_>],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let is_news = reads.iter().any(|read| !read.changed.is_empty() || !read.removed.is_empty());
        // First, as every writer does, so that none waits for another in a circle.
        let version = if is_news { Some(next_version(&mut transaction).await?) } else { None };
        for read in reads {
            write_read(&mut transaction, source_id, read, version, now).await?;
        }
        if let Some(version) = version {
            announce(&mut transaction, version).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

async fn load_named(
    connection: &mut PgConnection,
    source_id: &str,
    ids: &[i64],
) -> Result<HashMap<i64, Vec<(String, Value)>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select repository_id, path, document->'metadata'->'annotations' as "annotations!" from entities
           where source_id = $1 and repository_id = any($2) and removed_at is null
             and document->'metadata'->'annotations' ?| array['steward.dev/runbook', 'backstage.io/techdocs-ref']
           order by repository_id, path, ref"#,
        source_id,
        ids
    );
    let mut named: HashMap<i64, Vec<(String, Value)>> = HashMap::new();
    for row in rows.fetch_all(connection).await? {
        named.entry(row.repository_id).or_default().push((row.path, row.annotations));
    }
    Ok(named)
}

async fn load_known(
    connection: &mut PgConnection,
    source_id: &str,
    ids: &[i64],
) -> Result<HashMap<i64, Vec<StoredFile>>, sqlx::Error> {
    let rows = sqlx::query!(
        "select repository_id, path, role, content_hash from files
         where source_id = $1 and repository_id = any($2) and role in ('doc', 'runbook') order by repository_id, path",
        source_id,
        ids
    );
    let mut known: HashMap<i64, Vec<StoredFile>> = HashMap::new();
    for row in rows.fetch_all(connection).await? {
        let role = parse_role(&row.role);
        if is_document(role, &row.path) {
            let file = StoredFile { path: row.path, role, content_hash: to_hash(&row.content_hash), problem: None };
            known.entry(row.repository_id).or_default().push(file);
        }
    }
    Ok(known)
}

async fn write_read(
    connection: &mut PgConnection,
    source_id: &str,
    read: &DocumentsRead<'_>,
    version: Option<i64>,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let DocumentsRead { target, changed, removed, fault } = read;
    let (id, head) = (target.repository.id, target.repository.head.as_ref());
    let is_there = sqlx::query_scalar!(
        r#"select true as "there!" from repositories where source_id = $1 and repository_id = $2 and removed_at is null for update"#,
        source_id,
        id
    );
    if is_there.fetch_optional(&mut *connection).await?.is_none() {
        return Ok(());
    }
    if target.named.is_empty() {
        sqlx::query!("delete from document_reads where source_id = $1 and repository_id = $2", source_id, id)
            .execute(&mut *connection)
            .await?;
    } else {
        sqlx::query!(
            "insert into document_reads (source_id, repository_id, head, claims_version, asked_at, fault)
             values ($1, $2, $3, $4, $5, $6)
             on conflict (source_id, repository_id) do update set head = excluded.head,
                claims_version = excluded.claims_version, asked_at = excluded.asked_at, fault = excluded.fault",
            source_id,
            id,
            head.map_or("-", |head| &head.sha),
            target.claims_version,
            now,
            fault.as_deref()
        )
        .execute(&mut *connection)
        .await?;
    }
    let Some(version) = version else { return Ok(()) };
    for DocumentWrite { path, role, content_hash, text } in changed {
        // What a sync has stored there since is its own.
        sqlx::query!(
            "insert into files (source_id, repository_id, path, role, content_hash, commit, committed_at, text, version)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             on conflict (source_id, repository_id, path) do update set
                role = excluded.role, content_hash = excluded.content_hash, commit = excluded.commit,
                committed_at = excluded.committed_at, text = excluded.text, version = excluded.version, problem = null
             where files.role = 'doc' or (files.role = 'runbook' and not files.path = any($10))",
            source_id,
            id,
            path,
            role_name(*role),
            &content_hash[..],
            head.map(|head| head.sha.as_str()),
            head.and_then(|head| head.committed_at),
            text,
            version,
            &RUNBOOK_PATHS as _
        )
        .execute(&mut *connection)
        .await?;
    }
    if !removed.is_empty() {
        sqlx::query!(
            "delete from files where source_id = $1 and repository_id = $2 and path = any($3) and role in ('doc', 'runbook')",
            source_id,
            id,
            removed
        )
        .execute(&mut *connection)
        .await?;
        // Of what is deleted no row is left to carry the version.
        sqlx::query!("update repositories set version = $3 where source_id = $1 and repository_id = $2", source_id, id, version)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
