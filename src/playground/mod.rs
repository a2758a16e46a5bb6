//! The playground: the chat model drawn as a web page, in memory, with no account anywhere.
//! Must not answer anything itself.

use crate::chat::Reply;

/// Messages that were posted to playground channels.
#[derive(Debug, Default)]
pub struct Board {}

impl Board {
    pub fn post(&self, _channel: &str, _reply: &Reply) {}
}
