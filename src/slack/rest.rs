//! Whether a person wants to be left alone now, as they told Slack. Must not decide whether they are.
//! <https://docs.slack.dev/reference/methods/dnd.info>

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::client::SlackClient;
use crate::chat::DeliveryError;

/// People set this once and leave it.
const KNOWN_FOR: Duration = Duration::from_secs(60 * 60);

/// A round asks of hundreds of people; what has to wait longer goes on without.
const LONGEST_TURN: Duration = Duration::from_secs(60);

/// People remembered; beyond that all are asked for again.
const MOST_KNOWN: usize = 10_000;

/// The hours for which somebody is not to be disturbed, in seconds as Slack counts them.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Hours {
    dnd_enabled: bool,
    /// Past while they run.
    next_dnd_start_ts: i64,
    next_dnd_end_ts: i64,
    /// Of others than the bot only where Slack says so.
    snooze_enabled: bool,
    snooze_endtime: i64,
}

impl Hours {
    fn until(&self, now: i64) -> Option<i64> {
        let hours = (self.dnd_enabled && self.next_dnd_start_ts <= now).then_some(self.next_dnd_end_ts);
        let snooze = self.snooze_enabled.then_some(self.snooze_endtime);
        hours.max(snooze).filter(|until| *until > now)
    }
}

/// What Slack said lately, by person.
#[derive(Debug, Default)]
pub(super) struct Rests(Mutex<HashMap<String, (Instant, Hours)>>);

impl Rests {
    fn find(&self, person: &str) -> Option<Hours> {
        let known = self.0.lock().expect("nothing panics while it holds this lock");
        known.get(person).filter(|(at, _)| at.elapsed() < KNOWN_FOR).map(|(_, hours)| *hours)
    }

    fn note(&self, person: &str, hours: Hours) {
        let mut known = self.0.lock().expect("nothing panics while it holds this lock");
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(person.to_owned(), (Instant::now(), hours));
    }
}

impl SlackClient {
    /// Until when a person wants to be left alone; `None` where they do not, and where that cannot be found out.
    pub async fn rests_until(&self, person: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let hours = match self.rests.find(person) {
            Some(hours) => hours,
            None => {
                let asked = self.read::<Hours>("dnd.info", &[("user", person.to_owned())]).await;
                match asked {
                    Ok(hours) => self.rests.note(person, hours),
                    // An app that may not ask is not asked to each time.
                    Err(DeliveryError::Refused { reason, .. }) => {
                        tracing::debug!(reason, "Slack does not say whether somebody wants to be left alone");
                        self.rests.note(person, Hours::default());
                    }
                    // Whoever asks for many at once waits for their turn, unless Slack wants no such question for long.
                    Err(DeliveryError::Limited { retry_after, .. }) if retry_after <= LONGEST_TURN => {
                        return Some(now + TimeDelta::from_std(retry_after).unwrap_or_default());
                    }
                    Err(_) => return None,
                }
                self.rests.find(person)?
            }
        };
        DateTime::from_timestamp(hours.until(now.timestamp())?, 0)
    }
}
