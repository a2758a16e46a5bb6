//! What went well and what did not, and who asked, counted in memory until it is written down by day.
//! Must not hold what was asked.

use std::sync::{Mutex, MutexGuard};

use crate::catalog::live::Counted;

/// Accounts counted between two writes; more are a flood.
const MOST_ACCOUNTS: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Good,
    Bad,
}

impl Outcome {
    pub fn of<T, E>(result: &Result<T, E>) -> Self {
        if result.is_ok() { Self::Good } else { Self::Bad }
    }
}

/// The counts of this process.
#[derive(Debug, Default)]
pub struct Tally {
    counted: Mutex<Counted>,
}

impl Tally {
    /// Counts one more outcome.
    pub fn count(&self, what: &str, outcome: Outcome) {
        match outcome {
            Outcome::Good => self.add(what, 1, 0),
            Outcome::Bad => self.add(what, 0, 1),
        }
    }

    /// Counts several at once.
    pub fn add(&self, what: &str, good: u64, bad: u64) {
        self.lock().add(what, good, bad);
    }

    /// Notes that somebody asked something.
    pub fn note_account(&self, account: String) {
        let accounts = &mut self.lock().accounts;
        if accounts.len() < MOST_ACCOUNTS {
            accounts.insert(account);
        }
    }

    /// Takes what was counted since the last time.
    pub fn take(&self) -> Counted {
        std::mem::take(&mut *self.lock())
    }

    /// Puts back what could not be written down.
    pub fn put_back(&self, unwritten: Counted) {
        let mut counted = self.lock();
        for (what, (good, bad)) in unwritten.outcomes {
            counted.add(&what, good, bad);
        }
        counted.accounts.extend(unwritten.accounts);
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().expect("nothing panics while it holds this lock")
    }
}
