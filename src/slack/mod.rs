//! Slack: the only place that knows slack-morphism and Slack's wire formats. Must not answer anything itself.

use crate::chat::{DeliveryError, Reply};

/// Slack's Web API, as the bot.
#[derive(Debug)]
pub struct SlackClient {}

impl SlackClient {
    pub async fn post(&self, _to: &str, _only_to: Option<&str>, _reply: &Reply) -> Result<(), DeliveryError> {
        Ok(())
    }
}
