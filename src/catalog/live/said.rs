//! What people have said of entries, beside what stands in them: what newcomers could not find, and what owners confirmed.
//! Must not know where it is kept.

use chrono::{DateTime, Utc};

use crate::catalog::EntityRef;

/// One thing to find on the first day in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    Owner,
    Runbook,
    Dashboard,
    Docs,
    Dependencies,
    OnCall,
}

impl Step {
    /// In the order in which a newcomer meets them.
    pub const ALL: [Self; 6] = [Self::Owner, Self::Runbook, Self::Dashboard, Self::Docs, Self::Dependencies, Self::OnCall];

    /// As lines and the store write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Runbook => "runbook",
            Self::Dashboard => "dashboard",
            Self::Docs => "docs",
            Self::Dependencies => "deps",
            Self::OnCall => "oncall",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str().eq_ignore_ascii_case(word))
    }

    /// What is looked for, as it stands in a sentence: "the runbook of Payments API".
    pub fn what(self) -> &'static str {
        match self {
            Self::Owner => "the owner",
            Self::Runbook => "the runbook",
            Self::Dashboard => "the dashboard",
            Self::Docs => "the documentation",
            Self::Dependencies => "the dependencies",
            Self::OnCall => "the on-call schedule",
        }
    }
}

/// Something that a newcomer could not find, and that nobody has answered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    pub step: Step,
    /// A name.
    pub by: String,
    pub at: DateTime<Utc>,
}

/// What owners say of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it should be.
    Right,
    /// It is somebody else's.
    NotOurs,
}

impl Verdict {
    /// As the store writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::NotOurs => "not ours",
        }
    }
}

/// The last word of its owners on an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    pub verdict: Verdict,
    /// Who answered for it then.
    pub owner: Option<EntityRef>,
    pub at: DateTime<Utc>,
    /// A name.
    pub by: String,
}

/// How many entries may be wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Entries on which owners have given their word lately.
    pub judged: usize,
    /// Of those, not right: somebody else's, or somebody looked there in vain.
    pub judged_wrong: usize,
    /// All others.
    pub others: usize,
    /// Of those, whose owner cannot be.
    pub others_wrong: usize,
}

impl Estimate {
    /// From 0 to 1; `None` where there is no entry.
    pub fn share(&self) -> Option<f64> {
        let all = self.judged + self.others;
        (all > 0).then(|| (self.judged_wrong + self.others_wrong) as f64 / all as f64)
    }
}

/// How first days go, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DayOne {
    /// People who have seen at least one step.
    pub newcomers: usize,
    pub steps_seen: usize,
    /// All that was ever not found.
    pub not_found: usize,
    /// Of those, not answered yet.
    pub still_open: usize,
}
