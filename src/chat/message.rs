//! A message that Steward sends of itself, and why one may not leave.
//! Must not deliver: `outbox` does.

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
    pub reply: Reply,
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
    /// Worth another try.
    #[error("{platform} could not be reached: {reason}")]
    Unreachable { platform: &'static str, reason: String },
}
