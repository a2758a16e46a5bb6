//! What a platform team wants to know of a month: shares of what went well. Must not count: the store and the worker do.

use std::collections::{BTreeMap, BTreeSet};

/// Different things counted between two writes; what they are is of our own making, but names of sources are not.
const MOST_THINGS: usize = 100;

/// What was counted since the last time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// Good and bad of each thing.
    pub outcomes: BTreeMap<String, (u64, u64)>,
    /// `slack:U0123ABCD`.
    pub accounts: BTreeSet<String>,
}

impl Counted {
    /// Adds to what was counted of one thing.
    pub fn add(&mut self, what: &str, good: u64, bad: u64) {
        if let Some(counts) = self.outcomes.get_mut(what) {
            *counts = (counts.0 + good, counts.1 + bad);
        } else if self.outcomes.len() < MOST_THINGS {
            self.outcomes.insert(what.to_owned(), (good, bad));
        }
    }
}

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    pub part: u64,
    pub all: u64,
}

impl Share {
    /// Between 0 and 1; `None` of nothing.
    pub fn ratio(self) -> Option<f64> {
        (self.all > 0).then(|| self.part as f64 / self.all as f64)
    }

    pub fn of(part: usize, all: usize) -> Self {
        Self { part: part as u64, all: all as u64 }
    }
}

/// Figures of the last 30 days but where it says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measures {
    /// Syncs that read their source to its end.
    pub syncs: Share,
    /// What each provider was asked for and gave: `source:github`, `on-call`, `slack`.
    pub providers: BTreeMap<String, Share>,
    /// Commands that the rules of access did not allow, of all commands.
    pub refused: Share,
    /// Accounts that asked anything in the last 7 days.
    pub active_week: u64,
    /// Runs of templates that came to their end, of those that ended.
    pub runs: Share,
    /// Steps of runs that failed, of those that were done.
    pub failed_actions: Share,
    /// Repositories of the last 90 days that a run has made, of all that are new.
    pub adoption: Share,
    /// Repositories that runs have made of a version of their template that is no longer the present one.
    pub drift: Share,
}
