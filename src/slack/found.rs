//! Messages of ours that are found again by what only programs see of them: before one is sent a second time.
//! Must not decide whether one is.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::client::SlackClient;
use crate::chat::{DeliveryError, Mark, Platform, Posted};

/// Messages read at once; Slack recommends no more than 200.
const PAGE: usize = 200;
/// So many are looked through: a channel in which more was said within minutes is none that a team reads.
const MOST_PAGES: usize = 50;
/// A look that has to wait for its turn gives up after so long.
const LONGEST_LOOK: Duration = Duration::from_secs(60);
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
#[derive(Debug)]
struct Look {
    began: Instant,
    since: DateTime<Utc>,
    marked: Vec<(Noted, String)>,
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

#[derive(Debug, Deserialize)]
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
        if looks.get(&channel).is_none_or(|look| look.began.elapsed() > within || look.since > since) {
            let look = self.look_at(&channel, since).await?;
            if looks.len() >= MOST_LOOKS {
                looks.clear();
            }
            looks.insert(channel.clone(), look);
        }
        let said = looks.get(&channel).and_then(|look| look.marked.iter().find(|(noted, _)| noted.is(mark)));
        Ok(said.map(|(_, ts)| Posted { channel, ts: ts.clone() }))
    }

    /// Reads what of ours was said in a channel since, in as many turns as Slack's pace makes of it.
    async fn look_at(&self, channel: &str, since: DateTime<Utc>) -> Result<Look, DeliveryError> {
        let mut look = Look { began: Instant::now(), since, marked: Vec::new() };
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut arguments = vec![
                ("channel", channel.to_owned()),
                ("include_all_metadata", "true".to_owned()),
                ("oldest", format!("{}.{:06}", since.timestamp(), since.timestamp_subsec_micros())),
                ("limit", PAGE.to_string()),
            ];
            arguments.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let history: History = loop {
                match self.read("conversations.history", &arguments).await {
                    // From the first page again it would never come to the last.
                    Err(DeliveryError::Limited { retry_after, .. }) if look.began.elapsed() + retry_after < LONGEST_LOOK => {
                        tokio::time::sleep(retry_after).await;
                    }
                    read => break read?,
                }
            };
            let noted = history.messages.into_iter().filter_map(|said| Some((said.metadata?, said.ts?)));
            look.marked.extend(noted);
            cursor = next(history.response_metadata);
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
