//! How long to wait after a fault, and when to give up. Must not know what was asked, nor wait for a limit.

use std::time::Duration;

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
    /// How long an announced second lasts.
    pub announced_second: Duration,
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
            announced_second: Duration::from_secs(1),
            request: Duration::from_secs(60),
        }
    }
}

impl Waits {
    /// Tries until it goes well, or the patience for one request is at its end. A fault that is final ends it at once.
    pub(super) async fn insist<T>(&self, attempt: impl AsyncFn() -> Result<T, Fault>) -> Result<T, GithubError> {
        let mut patience = Patience::new(self);
        loop {
            match attempt().await {
                Ok(done) => return Ok(done),
                Err(fault) => patience.bear(fault).await?,
            }
        }
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
    faults: u32,
    limits: u32,
}

impl<'a> Patience<'a> {
    pub(super) fn new(waits: &'a Waits) -> Self {
        Self { waits, faults: 0, limits: 0 }
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
        let wait = self.waits.first.saturating_mul(1 << (self.faults - 1).min(16)).min(self.waits.longest);
        let wait = with_jitter(wait);
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
