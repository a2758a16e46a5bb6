//! Repositories that hold no descriptor, and what is known of them.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{Store, StoreError};
use crate::catalog::Repository;

/// A repository without a descriptor, and the source that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undescribed {
    pub source: String,
    pub repository: Repository,
    /// Other repositories that ship a package of its name.
    pub consumers: i64,
}

/// A library of which fewer of the organisation's own repositories hang needs no entry of its own.
const LIBRARY_CONSUMERS: i64 = 3;

/// Last words of a library's name, and its topics.
const LIBRARY_WORDS: [&str; 8] = ["lib", "library", "sdk", "client", "common", "commons", "package", "utils"];

impl Undescribed {
    /// Whether it should be described: a library only where many lean on it.
    pub fn wants_descriptor(&self) -> bool {
        let Repository { full_name, topics, .. } = &self.repository;
        let last = full_name.rsplit(['/', '-', '_', '.']).next().unwrap_or_default().to_lowercase();
        let is_library = LIBRARY_WORDS.iter().any(|word| last == *word || topics.iter().any(|topic| topic == word));
        !is_library || self.consumers > LIBRARY_CONSUMERS
    }
}

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
                 and not exists (select from files f where f.source_id = r.source_id and f.repository_id = r.repository_id
                                 and f.role = 'descriptor')"#
        );
        let rows = rows.fetch_all(self.pool()?).await?.into_iter();
        let all = rows.map(|row| Undescribed { source: row.source_id, repository: row.facts.0, consumers: row.consumers });
        let is_active = |of: &Undescribed| {
            let Repository { archived, fork, pushed_at, .. } = &of.repository;
            !archived && !fork && pushed_at.is_some_and(|at| at >= since)
        };
        let mut active: Vec<Undescribed> = all.filter(is_active).collect();
        active.sort_by(|one, other| {
            let latest = other.repository.pushed_at.cmp(&one.repository.pushed_at);
            latest.then_with(|| one.repository.full_name.cmp(&other.repository.full_name))
        });
        Ok(active)
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
