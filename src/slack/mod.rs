//! Slack: the only place that knows slack-morphism and Slack's wire formats. Must not answer anything itself.
//!
//! The same parsing and rendering serve every transport: what differs between HTTP and a socket is only how the
//! bytes arrive and how the acknowledgement leaves. slack-morphism has a type for every block that is used here, so
//! there is no raw JSON; only the envelopes it lacks (`mrkdwn: false`, `response_type` on a response URL) are
//! small structs of our own in `render`.

mod client;
mod found;
pub mod manifest;
mod pace;
pub mod parse;
mod places;
pub mod render;
mod response_url;
mod rest;
pub mod socket;
pub mod verify;

pub use client::{Identity, SlackClient};
pub use manifest::{BOT_SCOPES, Reached, SlashCommands, manifest};
pub use parse::{
    Incoming, LinksAt, Parsed, ReplyRoute, SharedLinks, ShownView, Unreadable, Way, parse_command, parse_command_json,
    parse_event, parse_interaction, parse_payload,
};
pub use places::{NoSocket, Switchboard};
pub use response_url::ResponseUrl;
pub use verify::{Refusal, Stamp, Verifier};

/// A modal view, ready to be opened; what is in it is Slack's business.
pub type View = slack_morphism::prelude::SlackView;
