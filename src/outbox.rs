//! Where messages leave. It delivers only; sending is enqueued by a verb of the store and done by `worker`.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{
    chat::{DeliveryError, Message, Platform, Posted},
    discord::DiscordClient,
    playground::Board,
    slack::SlackClient,
};

/// The doors that are set up.
#[derive(Debug, Default)]
pub struct Outbox {
    pub slack: Option<SlackClient>,
    pub discord: Option<DiscordClient>,
    pub playground: Option<Board>,
}

impl Outbox {
    /// Those by which a message can leave.
    pub fn platforms(&self) -> Vec<Platform> {
        let slack = self.slack.as_ref().map(|_| Platform::Slack);
        let discord = self.discord.as_ref().map(|_| Platform::Discord);
        let playground = self.playground.as_ref().map(|_| Platform::Playground);
        slack.into_iter().chain(discord).chain(playground).collect()
    }

    /// Hands one message to its platform, at the platform's pace; where it can be replaced later, says by which number.
    pub async fn deliver(&self, message: &Message) -> Result<Option<Posted>, DeliveryError> {
        let absent = || DeliveryError::NoDoor(message.platform.as_str());
        match message.platform {
            Platform::Slack => {
                let client = self.slack.as_ref().ok_or_else(absent)?;
                client.send(message).await
            }
            Platform::Playground => {
                let board = self.playground.as_ref().ok_or_else(absent)?;
                let ts = match &message.mark {
                    Some(mark) => board.post_once(&message.to, &message.reply, mark),
                    None => board.post(&message.to, &message.reply, message.replaces.as_deref()),
                };
                Ok(Some(Posted { channel: message.to.clone(), ts }))
            }
            Platform::Discord => {
                let client = self.discord.as_ref().ok_or_else(absent)?;
                client.send(message).await
            }
            Platform::Terminal => Err(absent()),
        }
    }

    /// Until when whoever would be written to directly wants to be left alone; channels are read when there is time.
    pub async fn rests_until(&self, message: &Message, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let is_person = message.to.starts_with(['U', 'W']);
        match message.platform {
            Platform::Slack if is_person => self.slack.as_ref()?.rests_until(&message.to, now).await,
            Platform::Slack | Platform::Discord | Platform::Playground | Platform::Terminal => None,
        }
    }

    /// Looks for a message that may have left: one with this mark, said since, where `message` goes. `known` is the platform's
    /// id of that place, where one is known; what was read there within this time need not be read again.
    pub async fn find_marked(
        &self,
        message: &Message,
        known: Option<&str>,
        since: DateTime<Utc>,
        within: Duration,
    ) -> Result<Option<Posted>, DeliveryError> {
        let absent = || DeliveryError::NoDoor(message.platform.as_str());
        let Some(mark) = &message.mark else { return Ok(None) };
        match message.platform {
            Platform::Slack => {
                let client = self.slack.as_ref().ok_or_else(absent)?;
                client.find_marked(&message.to, known, mark, since, within).await
            }
            Platform::Playground => {
                let board = self.playground.as_ref().ok_or_else(absent)?;
                Ok(board.find_marked(mark).map(|ts| Posted { channel: message.to.clone(), ts }))
            }
            Platform::Discord => {
                let client = self.discord.as_ref().ok_or_else(absent)?;
                client.find_marked(&message.to, known, mark, since).await
            }
            Platform::Terminal => Err(absent()),
        }
    }
}
