//! Who is on call, as the providers said last.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A provider's own name for what somebody is on call for: a PagerDuty service, a schedule of the generic provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScheduleKey {
    /// `pagerduty` or `http`.
    pub provider: String,
    /// What the entity's annotation holds.
    pub id: String,
}

/// Everything that was read, with its age; kept on disk over a restart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OnCall {
    pub shifts: BTreeMap<ScheduleKey, Shift>,
}

/// One schedule as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// By order of escalation; empty: nobody is.
    pub now: Vec<OnCallPerson>,
    /// When the present ones are relieved.
    pub until: Option<DateTime<Utc>>,
    pub next: Vec<OnCallPerson>,
    /// Where the schedule stands.
    pub url: Option<String>,
    /// When the provider last answered.
    pub read_at: DateTime<Utc>,
    /// Why the last try failed; what stands above is then older.
    pub fault: Option<String>,
}

/// A person as the provider knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnCallPerson {
    pub name: String,
    /// Ties them to a User of the catalog.
    pub email: Option<String>,
    /// The provider's own number of them.
    pub outside_id: Option<String>,
    pub url: Option<String>,
}
