//! When a request may leave: GitHub's limits as its answers tell them, its documented quotas, and who goes first.
//! Must not send anything, nor give up for a caller except where a wait would be longer than is ever meant.
//!
//! One budget for each connection. A limit closes the gate of its resource for all alike; when it opens, one request tries it
//! and the others follow, the more urgent first. Sweeps are slowed down while little is left, so that people are served.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use http::HeaderMap;
use tokio::{sync::Notify, time::Instant};

use super::{
    app::parse_date,
    client::{Tally, Urgency},
    error::GithubError,
    quota::{Cost, Quotas},
    waits::{Allowance, Waits, with_jitter},
};

/// GitHub allows a hundred requests at once, REST and GraphQL together; some are left for the tools of others.
const MOST_AT_ONCE: usize = 90;
/// What sweeps and background work leave free of them.
const FREE_FOR_URGENT: usize = 20;
/// Below this share of what GitHub gives, sweeps are spread over the time until the next is given.
const SWEEP_RESERVE: f64 = 0.1;
/// The same for what may take its time.
const BACKGROUND_RESERVE: f64 = 0.5;
/// A limit that is said to last longer is a slip of whatever said it.
const LONGEST_CLOSING_SECS: u64 = 24 * 3_600;

/// What GitHub counts apart. <https://docs.github.com/en/rest/rate-limit/rate-limit>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Resource {
    Graphql,
    Core,
    Search,
    /// Lists of packages.
    Sbom,
    /// What is asked as an App itself, not as its installation.
    App,
    /// Where a redirect leads out of GitHub's API.
    Elsewhere,
}

impl Resource {
    /// By the path of a REST request.
    pub(super) fn of_path(path: &str) -> Self {
        if path.contains("/dependency-graph/sbom") {
            Self::Sbom
        } else if path.starts_with("/search/") {
            Self::Search
        } else {
            Self::Core
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Graphql, Self::Core, Self::Search, Self::Sbom].into_iter().find(|resource| resource.as_str() == name)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Graphql => "graphql",
            Self::Core => "core",
            Self::Search => "search",
            Self::Sbom => "dependency_sbom",
            Self::App => "app",
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// What may be sent over one connection, and when.
#[derive(Debug)]
pub(super) struct Budget {
    waits: Waits,
    state: Mutex<State>,
    /// Told whenever somebody who waits may have become the next.
    changed: Notify,
    quotas: Quotas,
}

#[derive(Debug, Default)]
struct State {
    limits: HashMap<Resource, Limit>,
    /// Where an answer showed that a request counts elsewhere than one would think.
    counted_on: HashMap<Resource, Resource>,
    waiting: BTreeSet<(Resource, Urgency, u64)>,
    last_ticket: u64,
    in_flight: usize,
    /// An Enterprise Server may have its limits turned off; it tells of none then.
    is_unlimited: bool,
    /// Whose connection it is, for the metrics.
    sources: Vec<String>,
}

/// One resource's gate.
#[derive(Debug, Default)]
struct Limit {
    told: Option<Told>,
    closed_until: Option<Instant>,
    /// One request tries whether it is open again.
    is_tried: bool,
    /// Grows with each closing, so that answers to requests sent before one are known.
    epoch: u64,
    /// Closings in a row that did not say how long.
    unannounced: u32,
    in_flight: u64,
    /// The next request that may wait is not sent earlier.
    paced_until: Option<Instant>,
}

/// What the last answer said.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Told {
    limit: u64,
    remaining: u64,
    resets_at: Instant,
}

/// The right to send one request; given back when dropped.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    budget: &'a Budget,
    resource: Resource,
    epoch: u64,
    is_trial: bool,
}

enum Turn {
    Go { epoch: u64, is_trial: bool },
    At(Instant, &'static str),
    AfterOthers,
    Never { wait: Duration },
}

impl Budget {
    pub(super) fn new(waits: Waits) -> Self {
        Self { waits, state: Mutex::default(), changed: Notify::new(), quotas: Quotas::new(waits.quota_minute) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }

    /// What one piece of work of the queue may wait.
    pub(super) fn allowance(&self) -> Arc<Allowance> {
        Arc::new(Allowance::new(self.waits.longest_look))
    }

    /// A source that speaks over this connection.
    pub(super) fn name(&self, source: &str) {
        self.state().sources.push(source.to_owned());
    }

    /// Waits until a request may be sent. `Err` where that would take longer than Steward ever waits, or this work may.
    pub(super) async fn admit(&self, resource: Resource, tally: &Tally, cost: Cost) -> Result<Permit<'_>, GithubError> {
        let admitted = self.queue(resource, tally.urgency, cost, tally.allowance.as_deref());
        let Some(allowance) = &tally.allowance else { return admitted.await };
        let started = Instant::now();
        let admitted = allowance.bound(admitted).await.flatten();
        allowance.spend(started.elapsed());
        admitted
    }

    async fn queue(
        &self,
        resource: Resource,
        urgency: Urgency,
        cost: Cost,
        allowance: Option<&Allowance>,
    ) -> Result<Permit<'_>, GithubError> {
        let longest = allowance.map_or(self.waits.longest_limit, |allowance| allowance.left().min(self.waits.longest_limit));
        let mut queued = Queued::new(self, resource, urgency, longest);
        let mut is_counted = false;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let turn = queued.turn(cost);
            if !matches!(turn, Turn::Go { .. }) && !std::mem::replace(&mut is_counted, true) {
                let why = if let Turn::At(_, why) = turn { why } else { "queue" };
                metrics::counter!("steward_github_budget_waits_total", "resource" => resource.as_str(), "reason" => why)
                    .increment(1);
            }
            match turn {
                Turn::Go { epoch, is_trial } => {
                    return Ok(Permit { budget: self, resource: queued.resource, epoch, is_trial });
                }
                Turn::At(at, _) => tokio::select! {
                    () = tokio::time::sleep_until(at) => {}
                    () = changed => {}
                },
                Turn::AfterOthers => changed.await,
                Turn::Never { wait } => {
                    let second = self.waits.announced_second.as_secs_f64().max(f64::MIN_POSITIVE);
                    let wait_secs = (wait.as_secs_f64() / second).ceil() as u64;
                    let longest = allowance.map_or(self.waits.longest_limit, |allowance| {
                        allowance.exceed();
                        allowance.whole
                    });
                    return Err(GithubError::LimitTooLong { wait_secs, longest_secs: longest.as_secs() });
                }
            }
        }
    }
}

/// A place in the queue; left when dropped.
struct Queued<'a> {
    budget: &'a Budget,
    resource: Resource,
    urgency: Urgency,
    ticket: u64,
    /// No wait for a limit is longer.
    longest: Duration,
    /// Quotas that this request has been counted on already.
    paid: usize,
}

impl<'a> Queued<'a> {
    fn new(budget: &'a Budget, asked: Resource, urgency: Urgency, longest: Duration) -> Self {
        let mut state = budget.state();
        let resource = state.counted_on.get(&asked).copied().unwrap_or(asked);
        state.last_ticket += 1;
        let ticket = state.last_ticket;
        state.waiting.insert((resource, urgency, ticket));
        drop(state);
        Self { budget, resource, urgency, ticket, longest, paid: 0 }
    }

    /// Whether it is this request's turn; takes it if so.
    fn turn(&mut self, cost: Cost) -> Turn {
        let now = Instant::now();
        let Self { budget, resource, urgency, ticket, longest, ref mut paid } = *self;
        let mut state = budget.state();
        let State { limits, waiting, in_flight, is_unlimited, .. } = &mut *state;
        let limit = limits.entry(resource).or_default();
        if let Some(until) = limit.closed_until
            && until > now
        {
            return closed(until, now, longest);
        }
        let first = waiting.range((resource, Urgency::Person, 0)..).next();
        let is_first = first == Some(&(resource, urgency, ticket));
        let is_trial = limit.closed_until.is_some();
        if !is_first || (is_trial && limit.is_tried) || *in_flight >= most_at_once(urgency) {
            return Turn::AfterOthers;
        }
        if let Some(told) = limit.told.filter(|told| told.resets_at > now) {
            if told.remaining <= limit.in_flight {
                // The answers that are on their way tell whether anything is left.
                return if limit.in_flight > 0 { Turn::AfterOthers } else { closed(told.resets_at, now, longest) };
            }
            if let Some(gap) = told.gap(urgency, now) {
                let due = limit.paced_until.map_or(now, |at| at.min(told.resets_at));
                if due > now {
                    return Turn::At(due, "pace");
                }
                limit.paced_until = Some(now + gap);
            }
        }
        if !*is_unlimited && let Some(wait) = budget.quotas.pay(resource, cost, paid) {
            return Turn::At(now + wait, "quota");
        }
        limit.is_tried |= is_trial;
        limit.in_flight += 1;
        *in_flight += 1;
        Turn::Go { epoch: limit.epoch, is_trial }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.budget.state().waiting.remove(&(self.resource, self.urgency, self.ticket));
        self.budget.changed.notify_waiters();
    }
}

fn closed(until: Instant, now: Instant, longest: Duration) -> Turn {
    let wait = until - now;
    if wait > longest { Turn::Never { wait } } else { Turn::At(until, "closed") }
}

fn most_at_once(urgency: Urgency) -> usize {
    match urgency {
        Urgency::Person | Urgency::Webhook => MOST_AT_ONCE,
        Urgency::Sweep | Urgency::Background => MOST_AT_ONCE - FREE_FOR_URGENT,
    }
}

impl Told {
    /// How far apart requests are sent that can wait; `None` where enough is left.
    fn gap(&self, urgency: Urgency, now: Instant) -> Option<Duration> {
        let reserve = match urgency {
            Urgency::Person | Urgency::Webhook => return None,
            Urgency::Sweep => SWEEP_RESERVE,
            Urgency::Background => BACKGROUND_RESERVE,
        };
        if self.remaining as f64 >= self.limit as f64 * reserve {
            return None;
        }
        // Half of what is left stays for the urgent.
        let share = u32::try_from(self.remaining / 2).unwrap_or(u32::MAX).max(1);
        Some((self.resets_at - now) / share)
    }
}

impl Permit<'_> {
    /// Learns from a good answer, or one that is bad for other reasons than a limit.
    pub(super) fn observe(&mut self, is_good: bool, headers: &HeaderMap) {
        let now = Instant::now();
        let mut state = self.budget.state();
        let told = parse_told(headers, now, self.budget.waits.announced_second);
        if is_good && !matches!(self.resource, Resource::App | Resource::Elsewhere) {
            state.is_unlimited = told.is_none() && number(headers, "x-ratelimit-limit").is_none();
        }
        let named = headers.get("x-ratelimit-resource").and_then(|value| value.to_str().ok()).and_then(Resource::named);
        let counted_on = match self.resource {
            resource @ (Resource::App | Resource::Elsewhere) => resource,
            resource => named.unwrap_or(resource),
        };
        if counted_on != self.resource {
            state.counted_on.insert(self.resource, counted_on);
        }
        let limit = state.limits.entry(self.resource).or_default();
        if is_good && limit.epoch == self.epoch {
            (limit.closed_until, limit.unannounced) = (None, 0);
        }
        let Some(told) = told else { return };
        let limit = state.limits.entry(counted_on).or_default();
        let Told { limit: given, remaining, resets_at } = limit.note(told, now);
        if remaining == 0 && limit.closed_until < Some(resets_at) {
            limit.epoch += 1;
            limit.closed_until = Some(resets_at);
        }
        for source in &state.sources {
            let labels = [("resource", counted_on.as_str().to_owned()), ("source", source.clone())];
            metrics::gauge!("steward_github_budget_remaining", &labels).set(remaining as f64);
            metrics::gauge!("steward_github_budget_limit", &labels).set(given as f64);
        }
    }

    /// Closes the gate for as long as GitHub asks, or longer each time where it does not say. Gives the wait.
    pub(super) fn close(&mut self, wait_secs: Option<u64>, said: &str) -> Duration {
        let now = Instant::now();
        let Waits { announced_second, unannounced, longest_limit, .. } = self.budget.waits;
        let mut state = self.budget.state();
        let limit = state.limits.entry(self.resource).or_default();
        // Others were on their way when it closed; they tell nothing new.
        let is_first = limit.epoch == self.epoch;
        let wait = match wait_secs {
            Some(secs) => {
                let secs = u32::try_from(secs.min(LONGEST_CLOSING_SECS)).expect("a day's seconds are few");
                announced_second.saturating_mul(secs)
            }
            None => {
                limit.unannounced += u32::from(is_first);
                let doublings = limit.unannounced.saturating_sub(1).min(16);
                with_jitter(unannounced.saturating_mul(1 << doublings).min(longest_limit * 3 / 4))
            }
        };
        if is_first {
            limit.epoch += 1;
            tracing::warn!(resource = self.resource.as_str(), wait_ms = wait.as_millis(), said, "GitHub limits requests");
            metrics::counter!("steward_github_limited_total", "resource" => self.resource.as_str()).increment(1);
        }
        if is_first || wait_secs.is_some() {
            limit.closed_until = limit.closed_until.max(Some(now + wait));
        }
        wait
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.budget.state();
        state.in_flight -= 1;
        let limit = state.limits.entry(self.resource).or_default();
        limit.in_flight -= 1;
        if self.is_trial {
            limit.is_tried = false;
        }
        drop(state);
        self.budget.changed.notify_waiters();
    }
}

impl Limit {
    /// Takes what an answer told, though answers may arrive in another order than they were given in; gives what holds.
    fn note(&mut self, told: Told, now: Instant) -> Told {
        // Whole seconds were told, so the same reset may look like another.
        const SAME: Duration = Duration::from_secs(2);
        let remaining = match self.told {
            Some(old) if old.resets_at > told.resets_at + SAME && old.resets_at > now => return old,
            Some(old) if old.resets_at + SAME > told.resets_at && old.resets_at > now => old.remaining.min(told.remaining),
            Some(_) | None => told.remaining,
        };
        *self.told.insert(Told { remaining, ..told })
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

fn parse_told(headers: &HeaderMap, now: Instant, second: Duration) -> Option<Told> {
    let limit = u64::try_from(number(headers, "x-ratelimit-limit")?).ok()?;
    let remaining = u64::try_from(number(headers, "x-ratelimit-remaining")?.max(0)).ok()?;
    let secs = secs_until_reset(headers)?.min(LONGEST_CLOSING_SECS);
    let wait = second.saturating_mul(u32::try_from(secs).expect("a day's seconds are few"));
    Some(Told { limit, remaining, resets_at: now + wait })
}

/// For how many seconds GitHub asks to be left alone: `retry-after`, else until the reset of a limit that is used up.
pub(super) fn announced_wait(headers: &HeaderMap) -> Option<u64> {
    if let Some(secs) = number(headers, "retry-after") {
        return u64::try_from(secs).ok();
    }
    if number(headers, "x-ratelimit-remaining")? > 0 {
        return None;
    }
    secs_until_reset(headers)
}

/// Measured against GitHub's own `date`, so that a wrong clock here does not matter.
fn secs_until_reset(headers: &HeaderMap) -> Option<u64> {
    let reset = number(headers, "x-ratelimit-reset")?;
    // One second more: both are whole seconds.
    u64::try_from((reset - parse_date(headers)?.timestamp()).max(0) + 1).ok()
}
