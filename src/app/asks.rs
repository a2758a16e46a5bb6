//! What is asked for and opened, and which searches led to it: counts in memory, written to disk now and then.
//! Must not write anything while an answer waits, nor keep who asked for longer than a search is followed.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard},
};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    catalog::{EntityRef, Taste, Weights},
    settings::WeightSettings,
};

/// Different entities that are counted; those asked for least make room.
const MOST_ENTITIES: usize = 20_000;
/// Searches that are followed at a time.
const MOST_SEARCHES: usize = 1_000;
/// Who opens something later than this came to it in another way.
const FOLLOWED: TimeDelta = TimeDelta::minutes(10);
/// Counts lose half of their weight in this time, so that what mattered last year does not stay on top.
const HALF_LIFE: TimeDelta = TimeDelta::days(30);

/// How often entities were asked for; older asks count less.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Asked {
    /// When the counts were last lowered.
    pub at: Option<DateTime<Utc>>,
    pub counts: HashMap<EntityRef, f64>,
}

impl Asked {
    fn age(&mut self, now: DateTime<Utc>) {
        let passed = self.at.map_or(TimeDelta::zero(), |at| now - at);
        if self.at.is_some() && passed < TimeDelta::hours(1) {
            return;
        }
        let kept = 0.5_f64.powf(passed.num_minutes().max(0) as f64 / HALF_LIFE.num_minutes() as f64);
        self.counts.values_mut().for_each(|count| *count *= kept);
        self.counts.retain(|_, count| *count > 0.05);
        self.at = Some(now);
    }
}

/// What the formula of the order is given.
pub fn taste(settings: &WeightSettings, asked: &Asked) -> Taste {
    let WeightSettings { matching, kind, lifecycle, dependents, asked: by_asks, own, side } = *settings;
    Taste { weights: Weights { matching, kind, lifecycle, dependents, asked: by_asks, own, side }, asked: asked.counts.clone() }
}

/// The counts of this process.
#[derive(Debug, Default)]
pub struct AskCounter {
    asked: Mutex<Asked>,
    searches: Mutex<VecDeque<Search>>,
}

/// What a search showed to somebody.
#[derive(Debug)]
struct Search {
    account: String,
    at: DateTime<Utc>,
    shown: Vec<String>,
}

impl AskCounter {
    /// Counts one more ask for an entity.
    pub fn count(&self, entity_ref: EntityRef) {
        let mut asked = lock(&self.asked);
        if asked.counts.len() >= MOST_ENTITIES && !asked.counts.contains_key(&entity_ref) {
            let rare = asked.counts.iter().min_by(|a, b| a.1.total_cmp(b.1)).map(|(rare, _)| rare.clone());
            rare.and_then(|rare| asked.counts.remove(&rare));
        }
        *asked.counts.entry(entity_ref).or_insert(0.0) += 1.0;
    }

    /// Notes what a search showed, to know whether it was opened.
    pub fn searched(&self, account: String, shown: Vec<String>, now: DateTime<Utc>) {
        let mut searches = lock(&self.searches);
        searches.retain(|search| search.account != account && now - search.at < FOLLOWED);
        if searches.len() >= MOST_SEARCHES {
            searches.pop_front();
        }
        searches.push_back(Search { account, at: now, shown });
    }

    /// The place, from 1, at which the account's last search showed what is opened now; each search is opened once.
    pub fn opened(&self, account: &str, entity_ref: &str, now: DateTime<Utc>) -> Option<usize> {
        let mut searches = lock(&self.searches);
        let at = searches.iter().position(|search| search.account == account && now - search.at < FOLLOWED)?;
        let place = searches[at].shown.iter().position(|shown| shown == entity_ref)? + 1;
        searches.remove(at);
        Some(place)
    }

    /// The counts as they are now.
    pub fn load(&self, now: DateTime<Utc>) -> Asked {
        let mut asked = lock(&self.asked);
        asked.age(now);
        asked.clone()
    }

    /// Takes over what an earlier process counted.
    pub fn restore(&self, asked: Asked) {
        *lock(&self.asked) = asked;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it holds this lock")
}
