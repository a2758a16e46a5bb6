//! A build without the cargo feature `discord`: there is no client, and so nothing that it could do.

use chrono::{DateTime, Utc};

use crate::chat::{DeliveryError, Mark, Message, Posted};

/// Nobody can make one.
#[derive(Debug)]
pub enum DiscordClient {}

impl DiscordClient {
    pub async fn send(&self, _: &Message) -> Result<Option<Posted>, DeliveryError> {
        match *self {}
    }

    pub async fn find_marked(
        &self,
        _: &str,
        _: Option<&str>,
        _: &Mark,
        _: DateTime<Utc>,
    ) -> Result<Option<Posted>, DeliveryError> {
        match *self {}
    }
}
