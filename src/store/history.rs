//! What happened to an entity, line by line, as syncs wrote it down.
//! Must not tell what the lines mean: the command does.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Store, StoreError, sync::parse_ref};
use crate::catalog::{EntityRef, diff::ChangeKind};

/// Lines read for one entity; one that changes every day for three years stays within.
const MOST_LINES: i64 = 1_000;
/// References offered for the name of something gone.
const MOST_GONE: i64 = 10;

/// One declaration of an entity: a file of a repository, and the reference it gives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimKey {
    pub source: String,
    pub repository_id: i64,
    pub path: String,
    pub entity_ref: EntityRef,
}

/// One line of history, as written.
#[derive(Debug, Clone, PartialEq)]
pub struct PastChange {
    pub claim: ClaimKey,
    /// What the repository is called now, and its address.
    pub repository: String,
    pub repository_url: Option<String>,
    pub change: ChangeKind,
    /// `{field: {"from": …, "to": …}}`.
    pub fields: Value,
    pub commit: Option<String>,
    pub committed_at: Option<DateTime<Utc>>,
    pub author: Option<String>,
    pub seen_at: DateTime<Utc>,
}

/// An entity's past.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EntityPast {
    /// Newest first.
    pub changes: Vec<PastChange>,
    /// The latest stored version of each declaration, those that are gone included, and whether it still stands.
    pub documents: BTreeMap<ClaimKey, StoredDocument>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct StoredDocument {
    pub document: Value,
    pub removed_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Loads the past of an entity, and what it did under the names it had before in the same repository.
    pub async fn load_history(&self, entity_ref: &EntityRef) -> Result<EntityPast, StoreError> {
        let pool = self.pool()?;
        // A name that was given up may be another's elsewhere, so it is followed inside its repository only.
        let rows = sqlx::query!(
            r#"with claims as (
                   select source_id, repository_id, ref from entities where ref = $1
                   union
                   select source_id, repository_id, kind || ':' || namespace || '/' || former
                   from entities, unnest(former_names) as former where ref = $1)
               select h.ref as entity_ref, h.source_id, h.repository_id, h.path, h.change, h.fields, h.commit, h.committed_at,
                      h.author, h.seen_at, r.full_name as "full_name?", r.facts->>'url' as url
               from entity_history h left join repositories r using (source_id, repository_id)
               where h.ref = $1 or (h.source_id, h.repository_id, h.ref) in (select source_id, repository_id, ref from claims)
               order by h.id desc limit $2"#,
            entity_ref.as_str(),
            MOST_LINES
        );
        let mut past = EntityPast::default();
        for row in rows.fetch_all(pool).await? {
            let claim = ClaimKey {
                source: row.source_id,
                repository_id: row.repository_id,
                path: row.path,
                entity_ref: parse_ref(&row.entity_ref),
            };
            past.changes.push(PastChange {
                repository: row.full_name.unwrap_or_else(|| claim.repository_id.to_string()),
                repository_url: row.url,
                change: parse_change(&row.change),
                fields: row.fields,
                commit: row.commit,
                committed_at: row.committed_at,
                author: row.author,
                seen_at: row.seen_at,
                claim,
            });
        }
        let mut refs: Vec<&str> = past.changes.iter().map(|change| change.claim.entity_ref.as_str()).collect();
        refs.push(entity_ref.as_str());
        refs.sort_unstable();
        refs.dedup();
        let rows = sqlx::query!(
            r#"select source_id, repository_id, path, ref as entity_ref, document #- '{spec,definition}' as "document!", removed_at
               from entities where ref = any($1)"#,
            &refs as _
        );
        for row in rows.fetch_all(pool).await? {
            let claim = ClaimKey {
                source: row.source_id,
                repository_id: row.repository_id,
                path: row.path,
                entity_ref: parse_ref(&row.entity_ref),
            };
            past.documents.insert(claim, StoredDocument { document: row.document, removed_at: row.removed_at });
        }
        Ok(past)
    }

    /// References that history knows by this name, lower case, latest first; `typed` may be a whole reference.
    pub async fn find_past_refs(&self, typed: &str) -> Result<Vec<EntityRef>, StoreError> {
        let name = typed.rsplit(['/', ':']).next().unwrap_or(typed);
        let rows = sqlx::query_scalar!(
            r#"select ref as "entity_ref!" from entity_history where ref = $1 or split_part(ref, '/', 2) = $2
               group by ref order by (ref = $1) desc, max(id) desc limit $3"#,
            typed,
            name,
            MOST_GONE
        );
        Ok(rows.fetch_all(self.pool()?).await?.iter().map(|found| parse_ref(found)).collect())
    }
}

pub(super) fn parse_change(text: &str) -> ChangeKind {
    match text {
        "added" => ChangeKind::Added,
        "removed" => ChangeKind::Removed,
        "restored" => ChangeKind::Restored,
        _ => ChangeKind::Changed,
    }
}
