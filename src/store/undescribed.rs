//! Repositories that hold no descriptor, and what is known of them.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{Store, StoreError};
use crate::catalog::{Repository, live::Undescribed};

/// More are not told apart; an organisation's own that are pushed to are fewer.
const MOST: i64 = 10_000;

impl Store {
    /// Loads those that somebody works on: pushed to since then, neither archived nor forks nor kept out by a filter; those
    /// that were pushed to last first.
    pub async fn load_undescribed(&self, since: DateTime<Utc>) -> Result<Vec<Undescribed>, StoreError> {
        let rows = sqlx::query!(
            r#"select r.source_id, r.facts as "facts: Json<Repository>", (
                   select count(distinct (p.source_id, p.repository_id)) from packages p
                   where p.tail_key = lower(split_part(r.full_name, '/', 2)) and p.repository_id <> r.repository_id
               ) as "consumers!"
               from repositories r
               where r.removed_at is null and r.facts->>'excluded' is null and r.facts->'head'->>'sha' is not null
                 and not (r.facts->>'archived')::boolean and not (r.facts->>'fork')::boolean
                 and (r.facts->>'pushed_at')::timestamptz >= $1
                 and not exists (select from files f where f.source_id = r.source_id and f.repository_id = r.repository_id
                                 and f.role = 'descriptor')
               order by (r.facts->>'pushed_at')::timestamptz desc, r.full_name, r.source_id limit $2"#,
            since,
            MOST
        );
        let rows = rows.fetch_all(self.pool()?).await?.into_iter();
        let read = rows.map(|row| Undescribed { source: row.source_id, repository: row.facts.0, consumers: row.consumers });
        Ok(read.collect())
    }

    /// What is known of a repository.
    pub async fn load_repository(&self, source: &str, repository_id: i64) -> Result<Option<Repository>, StoreError> {
        let facts = sqlx::query_scalar!(
            r#"select facts as "facts: Json<Repository>" from repositories
               where source_id = $1 and repository_id = $2 and removed_at is null"#,
            source,
            repository_id
        );
        Ok(facts.fetch_optional(self.pool()?).await?.map(|facts| facts.0))
    }
}
