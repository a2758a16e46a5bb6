//! The playground: the chat model drawn as a web page, in memory, with no account anywhere.
//! Must not answer anything itself, nor know HTTP: it turns fields into requests and replies into HTML.

mod board;
pub mod complete;
pub mod form;
pub mod page;
pub mod parse;
pub mod render;

pub use board::{Board, Feed, Posted};

/// The style sheet, served as it is.
pub const STYLE: &str = include_str!("style.css");

/// The page's only script; without it lines, buttons and forms still work, one page load each.
pub const SCRIPT: &str = include_str!("script.js");

/// The product's mark, also the tab's icon.
pub const MARK: &str = include_str!("mark.svg");

/// A team's channel never begins so: its name has a `#`, or is an id.
const CONVERSATION: &str = "dm-";

/// The conversation of one account with Steward: what is posted there is seen by that account alone.
pub fn channel_of(account_id: &str) -> String {
    format!("{CONVERSATION}{account_id}")
}

/// The account whose conversation a channel is, as answers write the channel: with a `#` before it or without.
fn conversation_with(channel: &str) -> Option<&str> {
    channel.trim_start_matches('#').strip_prefix(CONVERSATION)
}

/// Whether a channel is one person's; all others are shared, and shown to everybody with their name.
fn is_conversation(channel: &str) -> bool {
    channel.starts_with(CONVERSATION)
}
