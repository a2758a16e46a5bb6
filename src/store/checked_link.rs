//! Links that entities and documents name, and whether anything answers there.
//! Must not ask for them.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{Store, StoreError};
use crate::catalog::live::{DeadLink, LinkHealth, NamedIn};

/// Links written in one statement.
const BATCH: usize = 1_000;
/// Dead ones that are kept in memory; whoever has more has to begin somewhere.
const MOST_DEAD: i64 = 2_000;

/// A link and who names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedLink {
    pub url: String,
    pub places: Vec<NamedIn>,
}

/// A link that is due, with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkTarget {
    pub url: String,
    pub failures: i32,
    pub failed_since: Option<DateTime<Utc>>,
}

/// What came of asking for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkChecked {
    pub url: String,
    pub failures: i32,
    pub failed_since: Option<DateTime<Utc>>,
    pub fault: Option<String>,
    pub is_dead: bool,
    pub next_at: DateTime<Utc>,
}

impl Store {
    /// When links were collected last.
    pub async fn links_collected_at(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let at = sqlx::query_scalar!("select collected_at from link_collections");
        Ok(at.fetch_optional(self.pool()?).await?)
    }

    /// Takes over what is named now; what no longer is goes, with what was known of it.
    pub async fn write_links(&self, links: &[NamedLink], now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for batch in links.chunks(BATCH) {
            let urls: Vec<String> = batch.iter().map(|link| link.url.clone()).collect();
            let places: Vec<serde_json::Value> =
                batch.iter().map(|link| serde_json::to_value(&link.places).expect("plain values become JSON")).collect();
            sqlx::query!(
                "insert into checked_links (url, places, named_at, next_at)
                 select url, places, $3, $3 from unnest($1::text[], $2::jsonb[]) as named (url, places)
                 on conflict (url) do update set places = excluded.places, named_at = excluded.named_at",
                &urls,
                &places,
                now
            )
            .execute(&mut *transaction)
            .await?;
        }
        sqlx::query!("delete from checked_links where named_at < $1", now).execute(&mut *transaction).await?;
        sqlx::query!(
            "insert into link_collections (collected_at) values ($1)
             on conflict (is_only) do update set collected_at = excluded.collected_at",
            now
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Loads links that are due, of every host some, so that one with thousands holds up no other.
    pub async fn load_due_links(&self, now: DateTime<Utc>, of_host: i64, limit: i64) -> Result<Vec<LinkTarget>, StoreError> {
        let rows = sqlx::query_as!(
            LinkTarget,
            "select url, failures, failed_since from (
                 select url, failures, failed_since, next_at,
                        row_number() over (partition by split_part(url, '/', 3) order by next_at, url) as nth
                 from checked_links where next_at <= $1) due
             where nth <= $2 order by nth, next_at, url limit $3",
            now,
            of_host,
            limit
        );
        Ok(rows.fetch_all(self.pool()?).await?)
    }

    /// Writes what came of asking for one; nothing where nobody names it any more.
    pub async fn write_checked_link(&self, link: &LinkChecked, now: DateTime<Utc>) -> Result<(), StoreError> {
        sqlx::query!(
            "update checked_links set failures = $2, failed_since = $3, fault = $4, is_dead = $5, next_at = $6, checked_at = $7
             where url = $1",
            link.url,
            link.failures,
            link.failed_since,
            link.fault.as_deref(),
            link.is_dead,
            link.next_at,
            now
        )
        .execute(self.pool()?)
        .await?;
        Ok(())
    }

    /// Whether any link is due.
    pub async fn has_due_links(&self, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let due = sqlx::query_scalar!(r#"select exists (select from checked_links where next_at <= $1) as "due!""#, now);
        Ok(due.fetch_one(self.pool()?).await?)
    }

    /// Loads what is known of all links.
    pub async fn load_link_health(&self) -> Result<LinkHealth, StoreError> {
        let pool = self.pool()?;
        let counts = sqlx::query!(
            r#"select count(*) as "all!", count(checked_at) as "checked!", count(*) filter (where is_dead) as "dead!"
               from checked_links"#
        );
        let counts = counts.fetch_one(pool).await?;
        let rows = sqlx::query!(
            r#"select url, places as "places: Json<Vec<NamedIn>>", fault, failed_since from checked_links
               where is_dead order by url limit $1"#,
            MOST_DEAD
        );
        let dead = rows.fetch_all(pool).await?.into_iter().map(|row| DeadLink {
            url: row.url,
            fault: row.fault.unwrap_or_default(),
            since: row.failed_since,
            places: row.places.0,
        });
        let number = |count: i64| usize::try_from(count).unwrap_or(0);
        Ok(LinkHealth {
            named: number(counts.all),
            checked: number(counts.checked),
            dead_number: number(counts.dead),
            dead: dead.collect(),
        })
    }

    /// Loads which repositories have pages of docs.
    pub async fn load_documented(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = sqlx::query!(
            "select distinct source_id, repository_id from files where role = 'doc' and text is not null and path ilike '%.md'"
        );
        Ok(rows.fetch_all(self.pool()?).await?.into_iter().map(|row| (row.source_id, row.repository_id)).collect())
    }

    /// Loads of which repositories the documents that entities name were read at the head, all that are there.
    pub async fn load_documents_read(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = sqlx::query!(
            "select d.source_id, d.repository_id from document_reads d
             join repositories r on r.source_id = d.source_id and r.repository_id = d.repository_id
             where d.fault is null and d.head <> '' and d.head = coalesce(r.facts->'head'->>'sha', '-')"
        );
        Ok(rows.fetch_all(self.pool()?).await?.into_iter().map(|row| (row.source_id, row.repository_id)).collect())
    }
}
