//! Answers to what nobody waits for in a request: a message in a thread, a person's home page, previews of addresses; and
//! the address of a socket. Must not decide what is told.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use slack_morphism::{
    errors::SlackClientError,
    prelude::{SlackApiViewsPublishRequest, SlackUserId},
};
use url::Url;

use super::{
    client::SlackClient,
    parse::LinksAt,
    render::{Unfurl, render_home, render_unfurl},
};
use crate::{
    chat::{DeliveryError, Reply},
    error::UserError,
};

/// `{"url": {"blocks": […]}}`; slack-morphism's own type wants every field of a preview.
#[derive(Serialize)]
struct Unfurls<'a> {
    #[serde(flatten)]
    at: At<'a>,
    unfurls: std::collections::BTreeMap<&'a str, Unfurl>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum At<'a> {
    Message { channel: &'a str, ts: &'a str },
    Composer { unfurl_id: &'a str, source: &'a str },
}

impl SlackClient {
    /// Replaces the page that Slack keeps for a person.
    pub async fn publish_home(&self, user: &str, reply: &Reply) -> Result<(), DeliveryError> {
        let request = SlackApiViewsPublishRequest::new(SlackUserId(user.to_owned()), render_home(reply));
        self.have("views.publish", &request).await
    }

    /// Puts previews below the addresses that they are of.
    pub async fn unfurl(&self, at: &LinksAt, previews: &[(String, Reply)]) -> Result<(), DeliveryError> {
        let at = match at {
            LinksAt::Message { channel_id, ts } => At::Message { channel: channel_id, ts },
            LinksAt::Composer { unfurl_id, source } => At::Composer { unfurl_id, source },
        };
        let unfurls = previews.iter().map(|(url, reply)| (url.as_str(), render_unfurl(reply)));
        self.have("chat.unfurl", &Unfurls { at, unfurls: unfurls.collect() }).await
    }
}

impl SlackClient {
    /// What the bot may, if Slack tells: it names the granted scopes where one is lacking, so a read is asked for whose
    /// scope no manifest of ours has. slack-morphism does not give the header that tells them always.
    pub async fn scopes(&self) -> Option<Vec<String>> {
        #[derive(Deserialize)]
        struct Emoji {}
        match self.ask("emoji.list").await {
            Err(Asked::Lacking { granted }) => Some(granted),
            Ok(Emoji {}) | Err(Asked::TooOften(_) | Asked::Refused(_)) => None,
        }
    }
}

/// Asks Slack where to connect, as the app and not as the bot.
#[derive(Debug)]
pub struct Switchboard {
    client: SlackClient,
}

/// Why there is no address to connect to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSocket {
    /// Somebody has to change the app or its token.
    #[error("{0}")]
    Refused(String),
    /// Worth another try, not before this time where Slack said one.
    #[error("{reason}")]
    Away { reason: String, not_before: Option<Duration> },
}

#[derive(Deserialize)]
struct Opened {
    url: String,
}

impl Switchboard {
    /// `api_url` as for [`SlackClient::connect`]; `app_token` is `xapp-…`.
    pub fn new(api_url: &str, app_token: &SecretString) -> Result<Self, UserError> {
        Ok(Self { client: SlackClient::connect(api_url, app_token)? })
    }

    /// An address that is good for one connection, now.
    pub async fn open(&self) -> Result<Url, NoSocket> {
        let Opened { url } = self.client.ask("apps.connections.open").await.map_err(|error| match error {
            Asked::Refused(DeliveryError::Refused { reason, .. }) => NoSocket::Refused(advise(&reason)),
            Asked::Refused(error) => NoSocket::Away { reason: error.to_string(), not_before: None },
            Asked::Lacking { .. } => NoSocket::Refused(advise("missing_scope")),
            Asked::TooOften(not_before) => NoSocket::Away { reason: "Slack limits the rate".to_owned(), not_before },
        })?;
        match Url::parse(&url) {
            Ok(url) if url.scheme() == "wss" || (url.scheme() == "ws" && self.client.allows_http()) => Ok(url),
            Ok(_) | Err(_) => Err(NoSocket::Away { reason: "Slack named no secure address".to_owned(), not_before: None }),
        }
    }
}

/// How a call that answers something went wrong.
#[derive(Debug)]
pub(super) enum Asked {
    TooOften(Option<Duration>),
    /// The bot may not; what it may.
    Lacking {
        granted: Vec<String>,
    },
    Refused(DeliveryError),
}

impl Asked {
    pub fn of(error: &SlackClientError, otherwise: DeliveryError) -> Self {
        match error {
            SlackClientError::RateLimitError(limit) => Self::TooOften(limit.retry_after),
            SlackClientError::ApiError(api) if api.code == "missing_scope" => {
                let provided = api.http_response_body.as_deref().and_then(provided);
                provided.map_or(Self::Refused(otherwise), |granted| Self::Lacking { granted })
            }
            SlackClientError::ApiError(_)
            | SlackClientError::HttpError(_)
            | SlackClientError::HttpProtocolError(_)
            | SlackClientError::EndOfStream(_)
            | SlackClientError::SystemError(_)
            | SlackClientError::ProtocolError(_)
            | SlackClientError::SocketModeProtocolError(_) => Self::Refused(otherwise),
        }
    }
}

/// `"provided": "commands,chat:write"`.
fn provided(body: &str) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Missing {
        provided: String,
    }
    let Missing { provided } = serde_json::from_str(body).ok()?;
    Some(provided.split(',').map(|scope| scope.trim().to_owned()).collect())
}

/// Slack's code with what to do about it.
pub(super) fn advise(code: &str) -> String {
    let then = match code.split(' ').next().unwrap_or_default() {
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" => {
            "slack.app_token is not good any more: make one under Basic Information, App-Level Tokens, with connections:write"
        }
        "not_allowed_token_type" => "slack.app_token must be an app-level token, xapp-…, not the bot's",
        "missing_scope" | "no_permission" => "the app-level token lacks connections:write: make one that has it",
        "link_disabled" | "socket_mode_not_enabled" => "Socket Mode is switched off in the app's settings: switch it on",
        _ => return code.to_owned(),
    };
    format!("{code}: {then}")
}
