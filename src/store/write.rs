//! What a sync writes: one transaction a page, one savepoint a repository.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{Acquire, PgConnection, types::Json};

use super::{
    Store, StoreError,
    sync::{announce, next_version},
};
use crate::catalog::{
    FileRole,
    diff::{FilesAfter, RepositoryChange, Tally},
};

/// One page's plan, ready to be written.
#[derive(Debug)]
pub struct PageWrite<'a> {
    pub source_id: &'a str,
    pub changes: &'a [RepositoryChange],
    /// How the source chooses files now.
    pub reading: &'a str,
    /// When the page was asked for, in the database's time: what came of a later question stays.
    pub asked_at: DateTime<Utc>,
    pub now: DateTime<Utc>,
}

/// What became of a page.
#[derive(Debug, Default)]
pub struct Applied {
    pub tally: Tally,
    /// Repositories whose savepoint was rolled back: name, and why. The others are written.
    pub refused: Vec<(String, String)>,
}

impl Store {
    /// Writes a page in one transaction; a repository that the database refuses is rolled back alone.
    pub async fn write_page(&self, page: PageWrite<'_>) -> Result<Applied, StoreError> {
        let mut applied = Applied::default();
        let mut transaction = self.begin().await?;
        let version = next_version(&mut transaction).await?;
        sqlx::query!("insert into sources (id, version) values ($1, $2) on conflict (id) do nothing", page.source_id, version)
            .execute(&mut *transaction)
            .await?;
        for change in page.changes {
            let mut savepoint = transaction.begin().await?;
            match write_repository(&mut savepoint, &page, change, version).await {
                Ok(Written::Now) => {
                    savepoint.commit().await?;
                    applied.tally += change.tally;
                }
                Ok(Written::ByALaterQuestion) => savepoint.rollback().await?,
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

/// Whether a repository's change was written.
enum Written {
    Now,
    /// Somebody asked later and stored what they heard before this came.
    ByALaterQuestion,
}

async fn write_repository(
    connection: &mut PgConnection,
    page: &PageWrite<'_>,
    change: &RepositoryChange,
    version: i64,
) -> Result<Written, sqlx::Error> {
    let repository = &change.repository;
    let (source_id, id) = (page.source_id, repository.id);
    // What is filtered out has no files read: it must not look as if its head were known.
    let head = repository.head.as_ref().filter(|_| repository.excluded.is_none()).map(|head| head.sha.as_str());
    let (is_whole, is_as_before) = match change.files_after {
        FilesAfter::Whole => (true, false),
        FilesAfter::Partly => (false, false),
        FilesAfter::AsBefore => (false, true),
    };
    let written = sqlx::query!(
        "insert into repositories (source_id, repository_id, full_name, facts, facts_hash, head, reading, read_at, version)
         values ($1, $2, $3, $4, $5, case when $6 then $8 end, case when $6 then $9 end, $10, $11)
         on conflict (source_id, repository_id) do update set
            full_name = excluded.full_name, facts = excluded.facts, facts_hash = excluded.facts_hash,
            head = case when $7 then repositories.head else excluded.head end,
            reading = case when $7 then repositories.reading else excluded.reading end,
            read_at = excluded.read_at, removed_at = null, kept_until = null, version = excluded.version
         where repositories.read_at is null or repositories.read_at <= excluded.read_at",
        source_id,
        id,
        repository.full_name,
        Json(repository) as _,
        &change.facts_hash[..],
        is_whole,
        is_as_before,
        head,
        page.reading,
        page.asked_at,
        version
    )
    .execute(&mut *connection)
    .await?;
    if written.rows_affected() == 0 {
        return Ok(Written::ByALaterQuestion);
    }
    write_files(connection, page, change, version).await?;
    write_claims(connection, page, change, version).await?;
    write_history(connection, page, change).await?;
    Ok(Written::Now)
}

async fn write_files(
    connection: &mut PgConnection,
    page: &PageWrite<'_>,
    change: &RepositoryChange,
    version: i64,
) -> Result<(), sqlx::Error> {
    let head = change.repository.head.as_ref();
    for file in &change.files {
        let problem: Option<Value> = file.problem.as_ref().map(|problem| {
            let (message, line, documents) = (&problem.message, problem.line, &problem.documents);
            json!({ "message": message, "line": line, "documents": documents, "since": page.now })
        });
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

pub(super) fn role_name(role: FileRole) -> &'static str {
    match role {
        FileRole::Descriptor => "descriptor",
        FileRole::Runbook => "runbook",
        FileRole::Doc => "doc",
        FileRole::Attachment => "attachment",
    }
}
