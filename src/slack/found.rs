//! Messages of ours that are found again by what only programs see of them: before one is sent a second time.
//! Must not decide whether one is.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::client::SlackClient;
use crate::chat::{DeliveryError, Mark, Platform, Posted};

/// Messages read at once; Slack recommends no more than 200.
const PAGE: usize = 200;
/// So many are looked through: a channel in which more was said within minutes is none that a team reads.
const MOST_PAGES: usize = 50;
/// A look that has to wait for its turn gives up after so long.
const LONGEST_LOOK: Duration = Duration::from_secs(60);
/// A page that fails is asked for again: a look that began anew each time would not come to its last page.
const TRIES: ExponentialBuilder = ExponentialBuilder::new().with_min_delay(Duration::from_millis(100)).with_max_times(4);
/// A look goes on from the one before, less so many seconds: what was being said at its end may not have been seen.
const OVERLAP_SECS: i64 = 60;
/// A look that went so much further back is not gone on from: what it knows is of no use any more.
const LONGEST_KNOWN: TimeDelta = TimeDelta::hours(1);
/// Channels of which it is remembered what was found there.
const MOST_LOOKS: usize = 500;
/// Channels listed at once, and in all.
const LIST_PAGE: usize = 1_000;
const MOST_LISTED: usize = 20;

/// <https://docs.slack.dev/messaging/message-metadata>
#[derive(Debug, Clone, Serialize)]
pub(super) struct Metadata<'a> {
    event_type: &'a str,
    event_payload: &'a BTreeMap<String, String>,
}

impl<'a> Metadata<'a> {
    pub fn of(mark: &'a Mark) -> Self {
        Self { event_type: &mark.kind, event_payload: &mark.values }
    }
}

/// What was found in channels lately.
#[derive(Debug, Default)]
pub(super) struct Looks(tokio::sync::Mutex<HashMap<String, Look>>);

/// What of ours was said in a channel.
#[derive(Debug, Clone)]
struct Look {
    began: Instant,
    /// What was said before is not known.
    since: DateTime<Utc>,
    /// The number of the last that anybody had said.
    last: Option<String>,
    /// By number.
    marked: BTreeMap<String, Noted>,
}

#[derive(Debug, Deserialize)]
struct History {
    #[serde(default)]
    messages: Vec<Said>,
    response_metadata: Option<More>,
}

#[derive(Debug, Deserialize)]
struct Said {
    ts: Option<String>,
    metadata: Option<Noted>,
}

#[derive(Debug, Clone, Deserialize)]
struct Noted {
    #[serde(default)]
    event_type: String,
    #[serde(default)]
    event_payload: serde_json::Value,
}

#[derive(Debug, Deserialize)]
struct More {
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    #[serde(default)]
    channels: Vec<Named>,
    response_metadata: Option<More>,
}

#[derive(Debug, Deserialize)]
struct Named {
    id: String,
    #[serde(default)]
    name: String,
}

#[derive(Debug, Deserialize)]
struct Opened {
    channel: Conversation,
}

#[derive(Debug, Deserialize)]
struct Conversation {
    id: String,
}

#[derive(Debug, Serialize)]
struct Open<'a> {
    users: &'a str,
}

impl SlackClient {
    /// The message of ours that bears this mark, said in a conversation since; `None` where there is none for certain.
    /// `known` is Slack's own id of the place, where one is known. What was read of the place no longer ago than `within` is
    /// not read again: of many that are looked for in one channel, one look serves all.
    pub async fn find_marked(
        &self,
        to: &str,
        known: Option<&str>,
        mark: &Mark,
        since: DateTime<Utc>,
        within: Duration,
    ) -> Result<Option<Posted>, DeliveryError> {
        let channel = match known {
            Some(known) => known.to_owned(),
            None => self.conversation(to).await?,
        };
        // One look at a time: whoever waits here most often finds that it has been had.
        let mut looks = self.looks.0.lock().await;
        let known = looks.get(&channel).filter(|look| look.since <= since);
        if known.is_none_or(|look| look.began.elapsed() > within) {
            let known = known.filter(|look| since - look.since < LONGEST_KNOWN).cloned();
            let look = self.look_at(&channel, since, known).await?;
            if looks.len() >= MOST_LOOKS {
                looks.clear();
            }
            looks.insert(channel.clone(), look);
        }
        let said = looks.get(&channel).and_then(|look| look.marked.iter().find(|(_, noted)| noted.is(mark)));
        Ok(said.map(|(ts, _)| Posted { channel, ts: ts.clone() }))
    }

    /// Reads what of ours was said in a channel since, in as many turns as Slack's pace makes of it; of what is `known`
    /// already, the end alone.
    async fn look_at(&self, channel: &str, since: DateTime<Utc>, known: Option<Look>) -> Result<Look, DeliveryError> {
        let began = Instant::now();
        let seen_to = known.as_ref().and_then(Look::seen_to);
        let oldest = seen_to.unwrap_or_else(|| format!("{}.{:06}", since.timestamp(), since.timestamp_subsec_micros()));
        let mut look = match known {
            Some(known) => Look { began, ..known },
            None => Look { began, since, last: None, marked: BTreeMap::new() },
        };
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut arguments = vec![
                ("channel", channel.to_owned()),
                ("include_all_metadata", "true".to_owned()),
                ("oldest", oldest.clone()),
                ("limit", PAGE.to_string()),
            ];
            arguments.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let page = || self.read::<History>("conversations.history", &arguments);
            let tries = page.retry(TRIES).sleep(tokio::time::sleep).adjust(|fault, pause| match fault {
                DeliveryError::Limited { retry_after, .. } => {
                    Some(*retry_after).filter(|rest| began.elapsed() + *rest < LONGEST_LOOK)
                }
                DeliveryError::Unreachable { .. } => pause,
                DeliveryError::Refused { .. } | DeliveryError::NoDoor(_) => None,
            });
            let History { messages, response_metadata } = tries.await?;
            for Said { ts, metadata } in messages {
                let Some(ts) = ts else { continue };
                look.last = look.last.max(Some(ts.clone()));
                look.marked.extend(metadata.map(|noted| (ts, noted)));
            }
            cursor = next(response_metadata);
            if cursor.is_none() {
                return Ok(look);
            }
        }
        Err(refused("too much was said in the channel to look through".to_owned()))
    }

    /// Slack's id of a destination: histories are not read by name.
    async fn conversation(&self, to: &str) -> Result<String, DeliveryError> {
        if to.starts_with(['U', 'W']) {
            let Opened { channel } = self.have_back("conversations.open", &Open { users: to }).await?;
            return Ok(channel.id);
        }
        let Some(name) = to.strip_prefix('#') else { return Ok(to.to_owned()) };
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_LISTED {
            let mut arguments = vec![
                ("types", "public_channel,private_channel".to_owned()),
                ("exclude_archived", "true".to_owned()),
                ("limit", LIST_PAGE.to_string()),
            ];
            arguments.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let listed: Listed = self.read("conversations.list", &arguments).await?;
            if let Some(channel) = listed.channels.into_iter().find(|channel| channel.name == name) {
                return Ok(channel.id);
            }
            cursor = next(listed.response_metadata);
            if cursor.is_none() {
                return Err(refused(format!("no channel is called #{name}")));
            }
        }
        Err(refused(format!("#{name} is not among the first {} channels", MOST_LISTED * LIST_PAGE)))
    }
}

impl Look {
    /// From where on it is to be gone on with, as Slack takes it. Its numbers are times by its own clock.
    fn seen_to(&self) -> Option<String> {
        let (seconds, _) = self.last.as_ref()?.split_once('.')?;
        Some(format!("{}.000000", seconds.parse::<i64>().ok()? - OVERLAP_SECS))
    }
}

impl Noted {
    fn is(&self, mark: &Mark) -> bool {
        let has = |(name, value): (&String, &String)| self.event_payload.get(name).and_then(|held| held.as_str()) == Some(value);
        self.event_type == mark.kind && mark.values.iter().all(has)
    }
}

/// An empty cursor is none.
fn next(more: Option<More>) -> Option<String> {
    more?.next_cursor.filter(|cursor| !cursor.is_empty())
}

fn refused(reason: String) -> DeliveryError {
    DeliveryError::Refused { platform: Platform::Slack.as_str(), reason }
}
