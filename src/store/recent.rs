//! What happened lately, read whole at first and then only where something was written.
//! Must not decide what is shown.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{Store, StoreError};
use crate::catalog::live::{Happened, LATELY, NEWS_KEEP, NewsRead, Recent, RecentEvent};

/// Of one repository or entity: more than any card shows.
const OF_ONE: i64 = 10;
/// In all: a few megabytes, and one query of a tenth of a second.
const IN_ALL: i64 = 50_000;
/// Rows become visible after they were written, when their transaction ends; so each look goes back a little.
const OVERLAP: TimeDelta = TimeDelta::seconds(30);
/// What is too old goes by a whole reading, this often.
const WHOLE_EVERY: TimeDelta = TimeDelta::minutes(10);
/// Where a reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecentCursor {
    /// By the database's clock.
    written: DateTime<Utc>,
    /// By the application's.
    seen: DateTime<Utc>,
    whole_at: DateTime<Utc>,
}

type Key = (String, i64);

impl Store {
    /// Brings what is known up to `now`; `None` where nothing was written since. `sources` are asked whether a webhook
    /// tells of them.
    ///
    /// Without a cursor, and now and then, everything is read; else only the repositories and entities that were written.
    pub async fn load_recent(
        &self,
        known: &Recent,
        cursor: Option<RecentCursor>,
        sources: &[String],
        now: DateTime<Utc>,
    ) -> Result<(Option<Recent>, RecentCursor), StoreError> {
        let written = sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(self.pool()?).await?;
        let heard = self.load_heard(sources).await?;
        let mut looked = self.load_news_reads(now - NEWS_KEEP).await?;
        // What could not be asked is nobody else's to know.
        for (key, read) in
            known.looked.iter().filter(|((source, id), read)| read.fault.is_some() && known.news_read(source, *id, now).is_some())
        {
            looked.entry(key.clone()).or_insert_with(|| read.clone());
        }
        let Some(cursor) = cursor.filter(|cursor| now - cursor.whole_at < WHOLE_EVERY && now >= cursor.whole_at) else {
            let mut recent = Recent { heard, looked, read_at: Some(now), ..Recent::default() };
            recent.of_repository = group(self.load_events(now, None).await?);
            recent.of_entity = group(self.load_descriptor_changes(now, None).await?);
            recent.open_incidents = group(self.load_incident_events(None).await?);
            return Ok((Some(recent), RecentCursor { written, seen: now, whole_at: now }));
        };
        let since = cursor.written - OVERLAP;
        let repositories = self.load_written_repositories(since).await?;
        // History is only added to.
        let changed = sqlx::query_scalar!("select distinct ref from entity_history where seen_at > $1", cursor.seen - OVERLAP);
        let changed = changed.fetch_all(self.pool()?).await?;
        let attached = sqlx::query_scalar!("select distinct ref from incidents where written_at > $1", since);
        let attached = attached.fetch_all(self.pool()?).await?;
        let cursor = RecentCursor { written, seen: now, ..cursor };
        if repositories.is_empty() && changed.is_empty() && attached.is_empty() && heard == known.heard && looked == known.looked
        {
            return Ok((None, cursor));
        }
        let mut recent = Recent { heard, looked, read_at: Some(now), ..known.clone() };
        if !repositories.is_empty() {
            let mut fresh = group(self.load_events(now, Some(&repositories)).await?);
            for key in repositories {
                match fresh.remove(&key) {
                    Some(events) => drop(recent.of_repository.insert(key, events)),
                    None => drop(recent.of_repository.remove(&key)),
                }
            }
        }
        if !changed.is_empty() {
            recent.of_entity.extend(group(self.load_descriptor_changes(now, Some(&changed)).await?));
        }
        if !attached.is_empty() {
            let mut fresh = group(self.load_incident_events(Some(&attached)).await?);
            for entity in attached {
                match fresh.remove(&entity) {
                    Some(events) => drop(recent.open_incidents.insert(entity, events)),
                    None => drop(recent.open_incidents.remove(&entity)),
                }
            }
        }
        Ok((Some(recent), cursor))
    }

    /// To the hour: an answer tells no finer, and each new time would make a new value.
    async fn load_heard(&self, sources: &[String]) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
        let rows = sqlx::query!(
            r#"select source as "source!", date_trunc('hour', (select max(arrived_at) from webhook_deliveries
                   where source_id = source), 'UTC') as last
               from unnest($1::text[]) as source"#,
            sources
        );
        let rows = rows.fetch_all(self.pool()?).await?;
        Ok(rows.into_iter().filter_map(|row| Some((row.source, row.last?))).collect())
    }

    async fn load_news_reads(&self, since: DateTime<Utc>) -> Result<HashMap<Key, NewsRead>, StoreError> {
        let rows =
            sqlx::query!("select source_id, repository_id, read_at from news_reads where read_at > $1 limit $2", since, IN_ALL);
        let rows = rows.fetch_all(self.pool()?).await?;
        let read = |at| NewsRead { at, fault: None };
        Ok(rows.into_iter().map(|row| ((row.source_id, row.repository_id), read(row.read_at))).collect())
    }

    async fn load_written_repositories(&self, since: DateTime<Utc>) -> Result<Vec<Key>, StoreError> {
        let rows = sqlx::query!(
            "select distinct source_id, repository_id from repository_events where written_at > $1 limit $2",
            since,
            IN_ALL
        );
        let rows = rows.fetch_all(self.pool()?).await?;
        Ok(rows.into_iter().map(|row| (row.source_id, row.repository_id)).collect())
    }

    /// Newest first; of these repositories alone where some are given.
    async fn load_events(&self, now: DateTime<Utc>, of: Option<&[Key]>) -> Result<Vec<(Key, RecentEvent)>, StoreError> {
        let sources: Option<Vec<String>> = of.map(|of| of.iter().map(|(source, _)| source.clone()).collect());
        let repositories: Option<Vec<i64>> = of.map(|of| of.iter().map(|(_, repository)| *repository).collect());
        // Runs that went well are no news, nor are deployments that an other one replaced.
        let rows = sqlx::query!(
            r#"select source_id as "source_id!", repository_id as "repository_id!", kind as "kind!", at as "at!",
                      title as "title!", url, author, state, environment
               from (select *, row_number() over (partition by source_id, repository_id order by at desc) as place
                     from repository_events
                     where at > $1
                     and (kind <> 'workflow' or state in ('failure', 'timed_out', 'startup_failure'))
                     and (kind <> 'deployment' or state is distinct from 'inactive')
                     and ($2::text[] is null or (source_id, repository_id) in (select * from unnest($2::text[], $3::bigint[])))
                    ) as ranked
               where place <= $4 order by at desc limit $5"#,
            now - LATELY,
            sources.as_deref(),
            repositories.as_deref(),
            OF_ONE,
            IN_ALL
        );
        let rows = rows.fetch_all(self.pool()?).await?;
        let events = rows.into_iter().map(|row| {
            let happened = match row.kind.as_str() {
                "deployment" => {
                    Happened::Deployed { environment: row.environment, state: row.state.unwrap_or_else(|| "unknown".to_owned()) }
                }
                "workflow" => Happened::WorkflowFailed,
                _ => Happened::Merged,
            };
            let event = RecentEvent { at: row.at, happened, title: row.title, url: row.url, author: row.author };
            ((row.source_id, row.repository_id), event)
        });
        Ok(events.collect())
    }

    /// A first reading of an entity is no change of it.
    async fn load_descriptor_changes(
        &self,
        now: DateTime<Utc>,
        of: Option<&[String]>,
    ) -> Result<Vec<(String, RecentEvent)>, StoreError> {
        let rows = sqlx::query!(
            r#"select h.ref as "entity!", h.fields as "fields!", h.commit, h.author, h.at as "at!", r.facts as "facts?"
               from (select *, case when committed_at > $1 then committed_at else seen_at end as at,
                            row_number() over (partition by ref order by id desc) as place
                     from entity_history
                     where seen_at > $1 and change in ('changed', 'restored')
                     and ($2::text[] is null or ref = any($2::text[]))) as h
               left join repositories r on r.source_id = h.source_id and r.repository_id = h.repository_id
               where place <= $3 order by h.at desc limit $4"#,
            now - LATELY,
            of,
            OF_ONE,
            IN_ALL
        );
        let rows = rows.fetch_all(self.pool()?).await?;
        let events = rows.into_iter().map(|row| {
            let url = row.facts.as_ref().and_then(|facts| facts["url"].as_str()).zip(row.commit.as_deref());
            let event = RecentEvent {
                at: row.at,
                happened: Happened::DescriptorChanged,
                title: changed_fields(&row.fields),
                url: url.map(|(repository, commit)| format!("{repository}/commit/{commit}")),
                author: row.author,
            };
            (row.entity, event)
        });
        Ok(events.collect())
    }

    async fn load_incident_events(&self, of: Option<&[String]>) -> Result<Vec<(String, RecentEvent)>, StoreError> {
        let rows = sqlx::query!(
            r#"select ref as "entity!", url, title, attached_at, attached_by from incidents
             where state = 'open' and kind = 'incident' and ($1::text[] is null or ref = any($1::text[]))
             order by attached_at desc limit $2"#,
            of,
            IN_ALL
        );
        let rows = rows.fetch_all(self.pool()?).await?;
        let events = rows.into_iter().map(|row| {
            let happened = Happened::IncidentOpened;
            let (title, url) = (row.title, Some(row.url));
            (row.entity, RecentEvent { at: row.attached_at, happened, title, url, author: Some(row.attached_by) })
        });
        Ok(events.collect())
    }
}

/// "owner, lifecycle".
fn changed_fields(fields: &Value) -> String {
    let names: Vec<&str> = fields.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    if names.is_empty() { "details".to_owned() } else { names.join(", ") }
}

/// By key, in the order in which they came.
fn group<K: std::hash::Hash + Eq>(events: Vec<(K, RecentEvent)>) -> HashMap<K, std::sync::Arc<[RecentEvent]>> {
    let mut grouped: HashMap<K, Vec<RecentEvent>> = HashMap::new();
    for (key, event) in events {
        grouped.entry(key).or_default().push(event);
    }
    grouped.into_iter().map(|(key, events)| (key, events.into())).collect()
}
