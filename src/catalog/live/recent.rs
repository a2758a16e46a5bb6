//! What happened lately to repositories and entities, for those who ask what changed before it broke.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};

/// How far back "lately" goes.
pub const LATELY: TimeDelta = TimeDelta::hours(72);

/// The last 72 hours, newest first in each list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recent {
    /// By source and repository id; capped for each.
    pub of_repository: HashMap<(String, i64), Arc<[RecentEvent]>>,
    /// By entity reference: changes of its descriptor.
    pub of_entity: HashMap<String, Arc<[RecentEvent]>>,
    /// By entity reference: incidents that nobody closed yet, however old.
    pub open_incidents: HashMap<String, Arc<[RecentEvent]>>,
    /// By source: when its webhook was last heard; none: not in the last days.
    pub heard: HashMap<String, DateTime<Utc>>,
    /// By source and repository id: what came of asking a source of which no webhook tells.
    pub looked: HashMap<(String, i64), NewsRead>,
    /// When PostgreSQL last said so; `None`: never since the start.
    pub read_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentEvent {
    pub at: DateTime<Utc>,
    pub happened: Happened,
    pub title: String,
    pub url: Option<String>,
    /// Login or name of who did it.
    pub author: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    Deployed {
        environment: Option<String>,
        state: String,
    },
    WorkflowFailed,
    Merged,
    DescriptorChanged,
    /// An incident that nobody closed yet.
    IncidentOpened,
    IncidentClosed,
}

/// A source was asked what happened to a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewsRead {
    pub at: DateTime<Utc>,
    /// Why nothing came of it.
    pub fault: Option<String>,
}

/// A repository that can be asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewsOf {
    pub source: String,
    pub repository_id: i64,
    /// `acme/payments-api`.
    pub full_name: String,
}

/// For so long what was asked for counts as known.
pub const NEWS_KEEP: TimeDelta = TimeDelta::minutes(10);
/// After a failure it is tried again by whoever asks after this.
const NEWS_REST: TimeDelta = TimeDelta::seconds(30);

impl Recent {
    /// What came of the last question for a repository's news, while it still counts.
    pub fn news_read(&self, source: &str, repository_id: i64, now: DateTime<Utc>) -> Option<&NewsRead> {
        let read = self.looked.get(&(source.to_owned(), repository_id))?;
        let keep = if read.fault.is_some() { NEWS_REST } else { NEWS_KEEP };
        (now - read.at < keep).then_some(read)
    }

    /// What happened to a repository since `since`, newest first. What is kept may be older: a value stands while
    /// PostgreSQL is away.
    pub fn of_repository(&self, source: &str, repository_id: i64, since: DateTime<Utc>) -> impl Iterator<Item = &RecentEvent> {
        let events = self.of_repository.get(&(source.to_owned(), repository_id));
        events.into_iter().flat_map(|events| events.iter()).filter(move |event| event.at >= since)
    }

    pub fn of_entity(&self, entity_ref: &str, since: DateTime<Utc>) -> impl Iterator<Item = &RecentEvent> {
        self.of_entity.get(entity_ref).into_iter().flat_map(|events| events.iter()).filter(move |event| event.at >= since)
    }

    /// Incidents that are open, newest first.
    pub fn open_incidents(&self, entity_ref: &str) -> &[RecentEvent] {
        self.open_incidents.get(entity_ref).map_or(&[], |incidents| &incidents[..])
    }
}
