//! Where messages leave. It delivers only; sending is enqueued by a verb of the store and done by `worker`.

use crate::{
    chat::{DeliveryError, Message, Platform},
    playground::Board,
    slack::SlackClient,
};

/// The doors that are set up.
#[derive(Debug, Default)]
pub struct Outbox {
    pub slack: Option<SlackClient>,
    pub playground: Option<Board>,
}

impl Outbox {
    /// Hands one message to its platform.
    pub async fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
        let absent = || DeliveryError::NoDoor(message.platform.as_str());
        match message.platform {
            Platform::Slack => {
                let client = self.slack.as_ref().ok_or_else(absent)?;
                client.post(&message.to, message.only_to.as_deref(), &message.reply).await
            }
            Platform::Playground => {
                let board = self.playground.as_ref().ok_or_else(absent)?;
                board.post(&message.to, &message.reply);
                Ok(())
            }
            Platform::Discord | Platform::Terminal => Err(absent()),
        }
    }
}
