//! What happened lately to repositories and entities, for those who ask what changed before it broke.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

/// The last 72 hours, newest first in each list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recent {
    /// By source and repository id.
    pub of_repository: HashMap<(String, i64), Vec<RecentEvent>>,
    /// By entity reference: incidents and postmortems that people attached.
    pub of_entity: HashMap<String, Vec<RecentEvent>>,
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
