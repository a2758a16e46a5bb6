//! What happened to a repository besides changes of its files: deployed, run, merged.
//! Must not know who told of it.

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// One thing that happened; a later state of the same thing replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryEvent {
    pub repository_id: i64,
    pub kind: EventKind,
    /// The source's own number of the deployment, run or pull request.
    pub outside_id: i64,
    pub at: DateTime<Utc>,
    /// One line.
    pub title: String,
    pub url: Option<String>,
    /// Login.
    pub author: Option<String>,
    /// `success`, `failure` and the like; none for a merge.
    pub state: Option<String>,
    /// Deployments only.
    pub environment: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    Deployment,
    Workflow,
    Merge,
}

impl EventKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Workflow => "workflow",
            Self::Merge => "merge",
        }
    }
}
