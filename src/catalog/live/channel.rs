//! Which team a conversation belongs to, so that a command without a name means that team there.

use std::collections::HashMap;

use crate::catalog::EntityRef;

/// Conversations that somebody gave a team, by platform (`slack`) and the platform's id of the conversation. What a
/// Group's own annotation says stands in the catalog and comes after these.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChannelTeams {
    pub teams: HashMap<(String, String), EntityRef>,
}

impl ChannelTeams {
    pub fn find(&self, platform: &str, channel_id: &str) -> Option<&EntityRef> {
        self.teams.get(&(platform.to_owned(), channel_id.to_owned()))
    }
}
