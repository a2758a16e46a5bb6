//! How long to wait after a fault, and when to give up. Must not know what was asked, nor wait for a limit.

use std::{
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::error::{Fault, GithubError};

/// Waits between attempts. `Default` is for production; tests run it faster.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waits {
    /// After a first fault; doubles with each further one.
    pub first: Duration,
    /// No doubling goes past this.
    pub longest: Duration,
    /// A rate limit that does not say how long: GitHub asks for at least a minute.
    pub unannounced: Duration,
    /// A rate limit that asks for more than this ends the sweep. The primary limit resets within the hour.
    pub longest_limit: Duration,
    /// All the waiting of one look at single repositories, for limits and after faults. The queue has few places, so a look
    /// that cannot be had soon leaves its own, and is tried again later from there.
    pub longest_look: Duration,
    /// How long an announced second lasts.
    pub announced_second: Duration,
    /// How long the minute lasts in which GitHub allows so many creations and points; the hour is sixty of them.
    pub quota_minute: Duration,
    /// One request and its whole answer. GitHub itself gives up after 10 s.
    pub request: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(250),
            longest: Duration::from_secs(30),
            unannounced: Duration::from_secs(60),
            longest_limit: Duration::from_secs(61 * 60),
            longest_look: Duration::from_secs(20),
            announced_second: Duration::from_secs(1),
            quota_minute: Duration::from_secs(60),
            request: Duration::from_secs(60),
        }
    }
}

/// What one piece of work may still spend on waiting; the time its answers take is not counted.
#[derive(Debug)]
pub(super) struct Allowance {
    pub(super) whole: Duration,
    left: Mutex<Duration>,
    is_exceeded: AtomicBool,
}

impl Allowance {
    pub(super) fn new(whole: Duration) -> Self {
        Self { whole, left: Mutex::new(whole), is_exceeded: AtomicBool::new(false) }
    }

    pub(super) fn left(&self) -> Duration {
        *self.lock()
    }

    pub(super) fn spend(&self, waited: Duration) {
        let mut left = self.lock();
        *left = left.saturating_sub(waited);
    }

    /// Something was given up, since it would have taken more waiting.
    pub(super) fn exceed(&self) {
        self.is_exceeded.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_exceeded(&self) -> bool {
        self.is_exceeded.load(Ordering::Relaxed)
    }

    /// Gives up what has not come when nothing is left.
    pub(super) async fn bound<T>(&self, work: impl Future<Output = T>) -> Result<T, GithubError> {
        tokio::time::timeout(self.left(), work).await.map_err(|_| {
            self.exceed();
            GithubError::Crowded { waited_secs: self.whole.as_secs() }
        })
    }

    fn lock(&self) -> MutexGuard<'_, Duration> {
        self.left.lock().expect("nothing panics while it holds this lock")
    }
}

/// Faults of one request before giving up: with the default waits about two and a half minutes of outage.
const MAX_FAULTS: u32 = 12;
/// Limits that one request may meet: each is waited out, so this is hours; who never gets through should say so.
const MAX_LIMITS: u32 = 60;

/// Counts the faults of one request, and waits after each. Limits are counted apart: the budget waits for them, together with
/// all others, before the next attempt leaves.
#[derive(Debug)]
pub(super) struct Patience<'a> {
    waits: &'a Waits,
    allowance: Option<&'a Allowance>,
    longest: Duration,
    faults: u32,
    limits: u32,
}

impl<'a> Patience<'a> {
    pub(super) fn new(waits: &'a Waits) -> Self {
        Self { waits, allowance: None, longest: waits.longest, faults: 0, limits: 0 }
    }

    /// The same, with no more waiting than is allowed.
    pub(super) fn within(self, allowance: Option<&'a Allowance>) -> Self {
        Self { allowance, ..self }
    }

    /// The same with short waits: about 20 s of outage with the default ones.
    pub(super) fn hurried(self) -> Self {
        Self { longest: (self.waits.first * 8).min(self.waits.longest), ..self }
    }

    /// Waits as long as the fault asks for, or says that it is over.
    pub(super) async fn bear(&mut self, fault: Fault) -> Result<(), GithubError> {
        let said = match fault {
            Fault::Final(error) => return Err(error),
            Fault::TooHeavy(said) | Fault::Transient(said) => said,
            Fault::Limited { wait_secs, said } => return self.bear_limit(wait_secs, said),
        };
        self.faults += 1;
        if self.faults >= MAX_FAULTS {
            return Err(GithubError::Unavailable { attempts: self.faults, last: said });
        }
        // Doubles with each fault.
        let wait = self.waits.first.saturating_mul(1 << (self.faults - 1).min(16)).min(self.longest);
        let wait = with_jitter(wait);
        if let Some(allowance) = self.allowance {
            if wait > allowance.left() {
                allowance.exceed();
                return Err(GithubError::Unavailable { attempts: self.faults, last: said });
            }
            allowance.spend(wait);
        }
        tracing::warn!(
            attempt = self.faults,
            wait_ms = wait.as_millis(),
            fault = said,
            "GitHub did not answer well, trying again"
        );
        tokio::time::sleep(wait).await;
        Ok(())
    }

    fn bear_limit(&mut self, wait_secs: Option<u64>, said: String) -> Result<(), GithubError> {
        self.limits += 1;
        if self.limits >= MAX_LIMITS {
            return Err(GithubError::Unavailable { attempts: self.limits, last: said });
        }
        let secs = u32::try_from(wait_secs.unwrap_or_default()).unwrap_or(u32::MAX);
        if self.waits.announced_second.saturating_mul(secs) > self.waits.longest_limit {
            let longest_secs = self.waits.longest_limit.as_secs();
            return Err(GithubError::LimitTooLong { wait_secs: secs.into(), longest_secs });
        }
        Ok(())
    }
}

/// Up to a quarter more by chance, so that replicas do not come back together.
pub(super) fn with_jitter(wait: Duration) -> Duration {
    wait + wait.mul_f64(rand::random::<f64>() / 4.0)
}
