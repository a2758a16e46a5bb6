//! Which deliveries were seen in this process, and what Slack was told, so that one that comes again is not worked on
//! again. Must not be relied on alone for what changes something: that is claimed in PostgreSQL.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use moka::{Expiry, policy::EvictionPolicy, sync::Cache};
use tokio::{sync::watch, time::timeout};

use super::{Acknowledgement, Carried};

/// Slack tells an event again at once, after a minute and after five.
const KEPT: Duration = Duration::from_secs(15 * 60);
/// Where what was told is kept as well: nobody waits longer for an answer to a command or a form.
const KEPT_WITH_ANSWER: Duration = Duration::from_secs(60);

/// About 100,000 events, or 4,000 answers.
const MOST_BYTES: u64 = 32 * 1024 * 1024;
const ENTRY_BYTES: u32 = 320;
const ANSWER_BYTES: u32 = 8 * 1024;

/// A repetition waits for the first this long at most; then it is told nothing.
const WAIT: Duration = Duration::from_secs(2);

/// A connection that was cut is known to be within this time.
const NEWS: Duration = Duration::from_millis(800);

/// What a repetition is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Nothing: what is to be seen is sent by itself.
    Nothing,
    /// The same: it is seen only where it is asked for.
    Same,
    /// The same, if the connection on which it was told is gone, for then it may not have arrived.
    IfLost,
}

/// Deliveries by their numbers: bounded in size, forgotten by age.
#[derive(Debug, Clone)]
pub struct Seen {
    flights: Cache<String, Arc<Flight>>,
}

/// One delivery, under way or done.
#[derive(Debug)]
pub struct Flight {
    repeat: Repeat,
    done: watch::Sender<bool>,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    acknowledgement: Option<Acknowledgement>,
    /// Of the delivery that has it to tell, the last of those that came: only that one may tell it otherwise.
    by: Option<Arc<Carried>>,
}

/// Whether a delivery was seen before.
#[derive(Debug)]
pub enum Taken {
    First(Arc<Flight>),
    Again(Arc<Flight>),
}

impl Default for Seen {
    fn default() -> Self {
        // Least recently used goes first: moka's own choice would turn away new ones in favour of those often asked for.
        let flights = Cache::builder()
            .max_capacity(MOST_BYTES)
            .weigher(|_: &String, flight: &Arc<Flight>| flight.weight())
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(ByAge);
        Self { flights: flights.build() }
    }
}

impl Seen {
    /// Takes a delivery on, unless somebody has.
    pub fn take(&self, delivery: &str, repeat: Repeat, by: Option<Arc<Carried>>) -> Taken {
        let flight = || {
            let told = Mutex::new(Told { acknowledgement: None, by });
            Arc::new(Flight { repeat, done: watch::Sender::new(false), told })
        };
        let entry = self.flights.entry_by_ref(delivery).or_insert_with(flight);
        let is_fresh = entry.is_fresh();
        let flight = entry.into_value();
        if is_fresh { Taken::First(flight) } else { Taken::Again(flight) }
    }

    /// The answer that did not leave, for the caller to send otherwise; `None` where a repetition has it.
    pub fn take_back(&self, delivery: &str, by: &Arc<Carried>) -> Option<Acknowledgement> {
        let flight = self.flights.get(delivery)?;
        let mut told = flight.told();
        if !told.by.as_ref().is_some_and(|holder| Arc::ptr_eq(holder, by)) {
            return None;
        }
        told.acknowledgement.take()
    }
}

impl Flight {
    pub fn done(&self, acknowledgement: &Acknowledgement) {
        if self.repeat != Repeat::Nothing {
            self.told().acknowledgement = Some(acknowledgement.clone());
        }
        self.done.send_replace(true);
    }

    /// What the same delivery is told when it comes again, over a connection.
    pub async fn again(&self, by: Option<Arc<Carried>>) -> Acknowledgement {
        let mut done = self.done.subscribe();
        let _ = timeout(WAIT, done.wait_for(|done| *done)).await;
        let before = self.told().by.clone();
        if let (Repeat::IfLost, Some(before)) = (self.repeat, before) {
            // What comes again over another connection can be quicker than the news that the first is gone.
            let _ = timeout(NEWS, before.gone.cancelled()).await;
        }
        let mut told = self.told();
        let again = match self.repeat {
            Repeat::Nothing => None,
            Repeat::Same => told.acknowledgement.clone(),
            Repeat::IfLost if is_lost(told.by.as_deref(), by.as_deref()) => {
                told.by = by;
                told.acknowledgement.clone()
            }
            Repeat::IfLost => None,
        };
        again.unwrap_or(Acknowledgement::Empty)
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn weight(&self) -> u32 {
        if self.repeat == Repeat::Nothing { ENTRY_BYTES } else { ANSWER_BYTES }
    }
}

/// Whether Slack did not hear what was told over a connection, as its telling it once more shows.
fn is_lost(before: Option<&Carried>, again: Option<&Carried>) -> bool {
    let (Some(before), Some(again)) = (before, again) else { return false };
    // An earlier telling that was read late shows nothing, nor can one be answered whose connection is gone.
    before.gone.is_cancelled() && !again.gone.is_cancelled() && again.attempt >= before.attempt
}

struct ByAge;

impl Expiry<String, Arc<Flight>> for ByAge {
    fn expire_after_create(&self, _: &String, flight: &Arc<Flight>, _: Instant) -> Option<Duration> {
        Some(if flight.repeat == Repeat::Nothing { KEPT } else { KEPT_WITH_ANSWER })
    }
}
