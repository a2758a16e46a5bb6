//! A message that Steward sends of itself, and why one may not leave.
//! Must not deliver: `outbox` does.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Platform, Reply};

/// A message to a place, as a job's payload carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub platform: Platform,
    /// Channel, conversation or person id on that platform.
    pub to: String,
    /// Shown to this account alone, where the platform can; else to all in the channel.
    pub only_to: Option<String>,
    /// The message in whose thread it stands, by the platform's number of it.
    #[serde(default)]
    pub thread: Option<String>,
    /// The message of ours in `to` whose place it takes. Of several that wait, only the last is sent.
    #[serde(default)]
    pub replaces: Option<String>,
    #[serde(default)]
    pub urgency: Urgency,
    /// By which it can be found again, where it may have left unseen.
    #[serde(default)]
    pub mark: Option<Mark>,
    pub reply: Reply,
}

/// A note on a message that people do not see: the same message bears the same, and no other does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// `steward_round`.
    pub kind: String,
    pub values: BTreeMap<String, String>,
}

/// Whether somebody waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// News for a team: in its turn, behind nobody who waits.
    #[default]
    Told,
    /// An answer.
    Asked,
}

/// A message that has left, so that another can take its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    pub channel: String,
    /// The platform's number of it, Slack's `ts`.
    pub ts: String,
}

impl Message {
    /// News for all in a channel, or for one person in their conversation with Steward.
    pub fn new(platform: Platform, to: impl Into<String>, reply: Reply) -> Self {
        Self { platform, to: to.into(), only_to: None, thread: None, replaces: None, urgency: Urgency::Told, mark: None, reply }
    }

    /// With a note by which it is found again.
    #[must_use]
    pub fn marked(self, mark: Mark) -> Self {
        Self { mark: Some(mark), ..self }
    }

    /// In the place of one that has left.
    pub fn replacing(platform: Platform, posted: Posted, reply: Reply) -> Self {
        Self { replaces: Some(posted.ts), urgency: Urgency::Asked, ..Self::new(platform, posted.channel, reply) }
    }

    /// For one pair of eyes, who has asked for it.
    #[must_use]
    pub fn only_to(mut self, account_id: impl Into<String>) -> Self {
        self.only_to = Some(account_id.into());
        self.asked()
    }

    #[must_use]
    pub fn in_thread(mut self, thread: Option<String>) -> Self {
        self.thread = thread;
        self
    }

    /// Somebody waits for it.
    #[must_use]
    pub fn asked(mut self) -> Self {
        self.urgency = Urgency::Asked;
        self
    }

    /// The same for all messages of which only the last counts.
    pub fn key(&self) -> Option<String> {
        let ts = self.replaces.as_ref()?;
        Some(format!("update:{}:{}:{ts}", self.platform.as_str(), self.to))
    }
}

/// Why a message did not leave.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// Trying again is of no use.
    #[error("{0} is not set up here")]
    NoDoor(&'static str),
    /// The platform refused it for good (unknown channel, revoked token).
    #[error("{platform} refused the message: {reason}")]
    Refused { platform: &'static str, reason: String },
    /// To be tried again, and not before.
    #[error("{platform} takes no more for {} s", retry_after.as_secs_f32().ceil())]
    Limited { platform: &'static str, retry_after: Duration },
    /// Worth another try.
    #[error("{platform} could not be reached: {reason}")]
    Unreachable { platform: &'static str, reason: String },
}
