//! Slack's Web API, as the bot. Must not decide what is sent, and must not retry: the queue does, where it matters.

use std::{fmt, sync::Arc, time::Duration};

use hyper_util::client::legacy::connect::HttpConnector;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use slack_morphism::{
    ClientResult, SlackClient as Api, SlackClientApiCallContext, SlackClientHttpConnector,
    api::{SlackApiViewsOpenRequest, SlackApiViewsUpdateRequest},
    errors::SlackClientError,
    hyper_tokio::{SlackClientHyperConnector, SlackClientHyperHttpsConnector, SlackHyperHttpsConnector},
    prelude::{SlackApiToken, SlackApiTokenValue, SlackView, SlackViewId},
};
use tokio::{sync::Semaphore, time::timeout};
use tracing::Span;
use url::Url;

use super::{
    parse::ShownView,
    places::Asked,
    render::{SlackMessage, render_post},
};
use crate::{
    chat::{DeliveryError, Platform, Reply},
    error::UserError,
};

/// Slack answers in well under a second; a call that hangs must not hold a job.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A trigger is good for 3 seconds from the press; after this there is no point in waiting.
const TRIGGER_TIMEOUT: Duration = Duration::from_millis(2_500);

/// Calls under way at once: a slow Slack must not use up our sockets.
const PARALLEL_CALLS: usize = 32;

/// The bot of one workspace, or of one Enterprise Grid organisation.
pub struct SlackClient {
    api: Api<SlackClientHyperHttpsConnector>,
    token: SlackApiToken,
    /// Response URLs come from signed requests, but only a test's API address may make them plain http.
    allows_http: bool,
    calls: Semaphore,
}

impl fmt::Debug for SlackClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlackClient").field("allows_http", &self.allows_http).finish_non_exhaustive()
    }
}

/// Who the bot is, as `auth.test` says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Identity {
    pub url: String,
    pub team: String,
    pub team_id: Option<String>,
    pub user: String,
    pub user_id: String,
    pub bot_id: Option<String>,
}

/// Slack's word that a call did what it should. Nothing else of the answers is read: slack-morphism's own answer types
/// refuse a null team, after the form has long been opened.
#[derive(Debug, Deserialize)]
struct Accepted {
    /// slack-morphism has turned `false` into an error; its being there tells Slack's answer from a proxy's page.
    #[serde(rename = "ok")]
    _ok: bool,
}

/// Response URLs answer `ok`, with or without JSON around it.
#[derive(Debug, Deserialize)]
struct Taken {}

#[derive(Serialize)]
struct Post<'a> {
    channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(flatten)]
    message: &'a SlackMessage,
}

impl SlackClient {
    /// `api_url` without a slash at the end: `https://slack.com/api`, or a plain http one in tests.
    pub fn connect(api_url: &str, bot_token: &SecretString) -> Result<Self, UserError> {
        let api_url = api_url.trim_end_matches('/');
        let parsed = Url::parse(api_url).map_err(|_| {
            UserError::new(format!("slack.api_url is no address: {api_url}.")).next("Leave it out to use https://slack.com/api.")
        })?;
        let allows_http = parsed.scheme() == "http";
        let connector = if allows_http { plain_connector() } else { tls_connector()? };
        Ok(Self {
            api: Api::new(connector.with_slack_api_url(api_url)),
            token: SlackApiToken::new(SlackApiTokenValue(bot_token.expose_secret().trim().to_owned())),
            allows_http,
            calls: Semaphore::new(PARALLEL_CALLS),
        })
    }

    /// Posts to a channel, conversation or person; with `only_to`, shown to that account alone (which must be in the
    /// channel, and so must the bot).
    pub async fn post(&self, to: &str, only_to: Option<&str>, reply: &Reply) -> Result<(), DeliveryError> {
        let message = render_post(reply);
        let method = if only_to.is_some() { "chat.postEphemeral" } else { "chat.postMessage" };
        self.call(method, &Post { channel: to, user: only_to, message: &message }, CALL_TIMEOUT).await
    }

    /// Opens a modal view.
    pub async fn open_view(&self, trigger_id: &str, view: SlackView) -> Result<(), DeliveryError> {
        let request = SlackApiViewsOpenRequest::new(trigger_id.to_owned().into(), view);
        self.call("views.open", &request, TRIGGER_TIMEOUT).await
    }

    /// Replaces the view that is shown, unless it has changed meanwhile.
    pub async fn update_view(&self, shown: &ShownView, view: SlackView) -> Result<(), DeliveryError> {
        let request =
            SlackApiViewsUpdateRequest::new(view).with_view_id(SlackViewId(shown.id.clone())).opt_hash(shown.hash.clone());
        self.call("views.update", &request, CALL_TIMEOUT).await
    }

    /// Answers by the address that came with a command or a press. No token goes along: the address is the right.
    pub async fn answer(&self, response_url: &Url, message: &(impl Serialize + Send + Sync)) -> Result<(), DeliveryError> {
        if response_url.scheme() != "https" && !self.allows_http {
            return Err(refused("the response URL is not https"));
        }
        let span = Span::none();
        let context =
            SlackClientApiCallContext { rate_control_params: None, token: None, tracing_span: &span, is_sensitive_url: true };
        let sent = self.api.http_api.connector.http_post_uri::<_, Taken>(response_url.clone(), message, context);
        self.within(CALL_TIMEOUT, sent).await.map(|Taken {}| ())
    }

    /// Whether the token is good, and whose it is.
    pub async fn auth_test(&self) -> Result<Identity, DeliveryError> {
        let session = self.api.open_session(&self.token);
        let empty = serde_json::Map::new();
        self.within(CALL_TIMEOUT, session.http_session_api.http_post("auth.test", &empty, None)).await
    }

    /// A method that takes nothing and answers something.
    pub(super) async fn ask<T: DeserializeOwned + Send>(&self, method: &str) -> Result<T, Asked> {
        let session = self.api.open_session(&self.token);
        let empty = serde_json::Map::new();
        let asked = session.http_session_api.http_post::<_, T>(method, &empty, None);
        match timeout(CALL_TIMEOUT, asked).await {
            Ok(answer) => answer.map_err(|error| Asked::of(&error, delivery_error(&error))),
            Err(_) => Err(Asked::Refused(unreachable(format!("no answer within {} s", CALL_TIMEOUT.as_secs())))),
        }
    }

    /// Whether addresses without TLS are fine: only where the API's own is one.
    pub(super) fn allows_http(&self) -> bool {
        self.allows_http
    }

    pub(super) async fn call<T: Serialize + Sync + Send>(&self, method: &str, request: &T, limit: Duration) -> Result<(), DeliveryError> {
        let session = self.api.open_session(&self.token);
        let sent = session.http_session_api.http_post::<_, Accepted>(method, request, None);
        self.within(limit, sent).await.map(|_| ())
    }

    async fn within<T>(&self, limit: Duration, call: impl Future<Output = ClientResult<T>>) -> Result<T, DeliveryError> {
        let limited = timeout(limit, async {
            let _permit = self.calls.acquire().await.expect("the semaphore is never closed");
            call.await
        });
        match limited.await {
            Ok(result) => result.map_err(|error| delivery_error(&error)),
            Err(_) => Err(unreachable(format!("no answer within {} ms", limit.as_millis()))),
        }
    }
}

/// Accepts http only because it never finds a certificate it trusts: for a fake Slack on this machine.
fn plain_connector() -> SlackClientHyperHttpsConnector {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring supports the protocol versions that rustls calls safe")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    SlackClientHyperConnector::with_connector(SlackHyperHttpsConnector::from((http, tls)))
}

fn tls_connector() -> Result<SlackClientHyperHttpsConnector, UserError> {
    SlackClientHyperConnector::new().map_err(|error| {
        UserError::new(format!("No certificates were found to check Slack's with: {error}."))
            .next("Install the system's CA certificates (Debian: apt install ca-certificates).")
    })
}

/// Codes that Slack uses for its own trouble: worth another try.
const PASSING: [&str; 7] = [
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "ratelimited",
    "rate_limited",
    "team_added_to_org",
];

/// The library's own words hold whole answers and addresses, which are secrets: only codes are passed on.
fn delivery_error(error: &SlackClientError) -> DeliveryError {
    match error {
        SlackClientError::ApiError(api) if PASSING.contains(&api.code.as_str()) => unreachable(api.code.clone()),
        SlackClientError::ApiError(api) => refused(match api.http_response_body.as_deref().and_then(needed_scope) {
            Some(scope) => format!("{} (the app lacks the scope {scope})", api.code),
            None => api.code.clone(),
        }),
        SlackClientError::RateLimitError(limit) => unreachable(match limit.retry_after {
            Some(after) => format!("rate limited for {} s", after.as_secs()),
            None => "rate limited".to_owned(),
        }),
        SlackClientError::HttpError(http) if http.status_code.is_client_error() => {
            refused(format!("HTTP {}", http.status_code.as_u16()))
        }
        SlackClientError::HttpError(http) => unreachable(format!("HTTP {}", http.status_code.as_u16())),
        SlackClientError::HttpProtocolError(_) => unreachable("the connection failed"),
        SlackClientError::EndOfStream(_) => unreachable("the answer ended early"),
        SlackClientError::SystemError(_) => unreachable("the call could not be made"),
        SlackClientError::ProtocolError(_) => unreachable("the answer could not be read"),
        SlackClientError::SocketModeProtocolError(_) => unreachable("the socket failed"),
    }
}

fn needed_scope(body: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Missing {
        needed: Option<String>,
    }
    serde_json::from_str::<Missing>(body).ok()?.needed
}

fn refused(reason: impl Into<String>) -> DeliveryError {
    DeliveryError::Refused { platform: Platform::Slack.as_str(), reason: reason.into() }
}

fn unreachable(reason: impl Into<String>) -> DeliveryError {
    DeliveryError::Unreachable { platform: Platform::Slack.as_str(), reason: reason.into() }
}
