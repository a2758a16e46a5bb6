//! Slack's Web API, as the bot, at Slack's pace. Must not decide what is sent, and must not retry: the queue does,
//! where it matters.

use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

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
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};
use tracing::Span;
use url::Url;

use super::{
    found::{Looks, Metadata},
    pace::Pace,
    parse::ShownView,
    places::Asked,
    render::{SlackMessage, render_bare, render_post},
    response_url::ResponseUrl,
    rest::Rests,
};
use crate::{
    chat::{DeliveryError, Mark, Message, Platform, Posted, Reply, Urgency},
    error::UserError,
};

/// Slack answers in well under a second; a call that hangs must not hold a job.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A trigger is good for 3 seconds from the press; after this there is no point in waiting.
const TRIGGER_TIMEOUT: Duration = Duration::from_millis(2_500);

/// Calls under way at once: a slow Slack must not use up our sockets.
const PARALLEL_CALLS: usize = 32;

/// A call whose turn is no further off waits for it; any other comes back later.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Slack's own word for a response URL that has been used up.
const USED_URL: &str = "used_url";

/// Where a message for one person cannot be shown in the channel: they or the bot are not in it. They are written to directly.
const NOT_THERE: [&str; 5] =
    ["channel_not_found", "not_in_channel", "user_not_in_channel", "is_archived", "messages_tab_disabled"];

/// The bot of one workspace, or of one Enterprise Grid organisation.
pub struct SlackClient {
    api: Api<SlackClientHyperHttpsConnector>,
    token: SlackApiToken,
    /// Response URLs come from signed requests, but only a test's API address may make them plain http.
    allows_http: bool,
    calls: Semaphore,
    pace: Pace,
    pub(super) rests: Rests,
    pub(super) looks: Looks,
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

/// The number of a message that was posted.
#[derive(Debug, Deserialize)]
struct Placed {
    channel: Option<String>,
    ts: Option<String>,
}

#[derive(Serialize)]
struct Post<'a> {
    channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    /// The message whose place this takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(flatten)]
    message: &'a SlackMessage,
}

/// One call: what for the limits is the same.
#[derive(Clone, Copy)]
struct Call<'a> {
    method: &'a str,
    channel: Option<&'a str>,
    urgency: Urgency,
    limit: Duration,
}

impl<'a> Call<'a> {
    fn asked(method: &'a str) -> Self {
        Self { method, channel: None, urgency: Urgency::Asked, limit: CALL_TIMEOUT }
    }
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
            pace: Pace::new(NonZeroU32::MIN),
            rests: Rests::default(),
            looks: Looks::default(),
        })
    }

    /// The same, so many times as fast as Slack allows: before a fake one, whose days pass in seconds.
    #[must_use]
    pub fn hurried(self, times: NonZeroU32) -> Self {
        Self { pace: Pace::new(times), ..self }
    }

    /// Sends a message: posts it, shows it to one person alone, or puts it in the place of an earlier one. What is shown
    /// to one person alone has no number by which it could be replaced.
    pub async fn send(&self, message: &Message) -> Result<Option<Posted>, DeliveryError> {
        let Message { platform: _, to, only_to, thread, replaces, urgency, mark, reply } = message;
        if let Some(ts) = replaces {
            let call = Call { urgency: *urgency, ..Call::asked("chat.update") };
            let post = Post { channel: to, user: None, ts: Some(ts), metadata: None, message: &render_bare(reply) };
            let placed: Placed = self.call(call, &post).await?;
            return Ok(placed.posted());
        }
        let Some(person) = only_to.as_deref().filter(|person| !is_conversation(to, person)) else {
            let drawn = SlackMessage { thread_ts: thread.clone(), ..render_post(reply) };
            return self.post_message(to, *urgency, mark.as_ref(), &drawn).await;
        };
        let call = Call { urgency: *urgency, ..Call::asked("chat.postEphemeral") };
        let drawn = SlackMessage { thread_ts: thread.clone(), ..render_bare(reply) };
        let post = Post { channel: to, user: Some(person), ts: None, metadata: None, message: &drawn };
        match self.call::<_, Accepted>(call, &post).await {
            Ok(_) => Ok(None),
            Err(DeliveryError::Refused { reason, .. }) if NOT_THERE.contains(&reason.as_str()) => {
                self.post_message(person, *urgency, None, &render_post(reply)).await
            }
            Err(error) => Err(error),
        }
    }

    async fn post_message(
        &self,
        channel: &str,
        urgency: Urgency,
        mark: Option<&Mark>,
        message: &SlackMessage,
    ) -> Result<Option<Posted>, DeliveryError> {
        let call = Call { channel: Some(channel), urgency, ..Call::asked("chat.postMessage") };
        let metadata = mark.map(Metadata::of);
        let placed: Placed = self.call(call, &Post { channel, user: None, ts: None, metadata, message }).await?;
        Ok(placed.posted())
    }

    /// Posts an answer to a channel, conversation or person; with `only_to`, shown to that account alone.
    pub async fn post(&self, to: &str, only_to: Option<&str>, reply: &Reply) -> Result<Option<Posted>, DeliveryError> {
        let message = Message::new(Platform::Slack, to, reply.clone()).asked();
        self.send(&Message { only_to: only_to.map(str::to_owned), ..message }).await
    }

    /// Opens a modal view.
    pub async fn open_view(&self, trigger_id: &str, view: SlackView) -> Result<(), DeliveryError> {
        let request = SlackApiViewsOpenRequest::new(trigger_id.to_owned().into(), view);
        let call = Call { limit: TRIGGER_TIMEOUT, ..Call::asked("views.open") };
        self.call::<_, Accepted>(call, &request).await.map(|_| ())
    }

    /// Replaces the view that is shown, unless it has changed meanwhile.
    pub async fn update_view(&self, shown: &ShownView, view: SlackView) -> Result<(), DeliveryError> {
        let request =
            SlackApiViewsUpdateRequest::new(view).with_view_id(SlackViewId(shown.id.clone())).opt_hash(shown.hash.clone());
        self.call::<_, Accepted>(Call::asked("views.update"), &request).await.map(|_| ())
    }

    /// Answers by the address that came with a command or a press. No token goes along: the address is the right.
    pub async fn answer(
        &self,
        response_url: &ResponseUrl,
        message: &(impl Serialize + Send + Sync),
    ) -> Result<(), DeliveryError> {
        let response_url = response_url.spend().ok_or_else(|| refused(USED_URL))?;
        if response_url.scheme() != "https" && !self.allows_http {
            return Err(refused("the response URL is not https"));
        }
        let span = Span::none();
        let context =
            SlackClientApiCallContext { rate_control_params: None, token: None, tracing_span: &span, is_sensitive_url: true };
        let sent = self.api.http_api.connector.http_post_uri::<_, Taken>(response_url.clone(), message, context);
        // Slack counts these by the address: a refusal holds up no other.
        self.within(CALL_TIMEOUT, sent).await.map(|Taken {}| ()).map_err(|fault| fault.delivery(Pace::rest_of))
    }

    /// Whether the token is good, and whose it is.
    pub async fn auth_test(&self) -> Result<Identity, DeliveryError> {
        let session = self.api.open_session(&self.token);
        let empty = serde_json::Map::new();
        let asked = self.within(CALL_TIMEOUT, session.http_session_api.http_post("auth.test", &empty, None)).await;
        asked.map_err(|fault| fault.delivery(|rest| self.pace.hold("auth.test", rest)))
    }

    /// A method that takes nothing and answers something.
    pub(super) async fn ask<T: DeserializeOwned + Send>(&self, method: &str) -> Result<T, Asked> {
        let session = self.api.open_session(&self.token);
        let empty = serde_json::Map::new();
        let asked = session.http_session_api.http_post::<_, T>(method, &empty, None);
        match timeout(CALL_TIMEOUT, asked).await {
            Ok(answer) => answer.map_err(|error| Asked::of(&error, fault(&error).delivery(Pace::rest_of))),
            Err(_) => Err(Asked::Refused(unreachable(format!("no answer within {} s", CALL_TIMEOUT.as_secs())))),
        }
    }

    /// Whether addresses without TLS are fine: only where the API's own is one.
    pub(super) fn allows_http(&self) -> bool {
        self.allows_http
    }

    /// Calls a method of which somebody waits for nothing but that it was done.
    pub(super) async fn have<Q: Serialize + Sync + Send>(&self, method: &str, request: &Q) -> Result<(), DeliveryError> {
        self.call::<_, Accepted>(Call::asked(method), request).await.map(|_| ())
    }

    /// A method that only reads, with its arguments in the address.
    pub(super) async fn read<A>(&self, method: &str, arguments: &[(&str, String)]) -> Result<A, DeliveryError>
    where
        A: for<'de> Deserialize<'de> + Send,
    {
        if let Err(wait) = self.pace.admit(method, None, Urgency::Told) {
            return Err(limited(wait));
        }
        let session = self.api.open_session(&self.token);
        let arguments: Vec<(&str, Option<&String>)> = arguments.iter().map(|(name, value)| (*name, Some(value))).collect();
        let answer = self.within(CALL_TIMEOUT, session.http_session_api.http_get(method, &arguments, None)).await;
        answer.map_err(|fault| fault.delivery(|rest| self.pace.hold(method, rest)))
    }

    /// A method that answers something and does nothing twice.
    pub(super) async fn have_back<Q, A>(&self, method: &str, request: &Q) -> Result<A, DeliveryError>
    where
        Q: Serialize + Sync + Send,
        A: for<'de> Deserialize<'de> + Send,
    {
        self.call(Call { urgency: Urgency::Told, ..Call::asked(method) }, request).await
    }

    async fn call<Q, A>(&self, call: Call<'_>, request: &Q) -> Result<A, DeliveryError>
    where
        Q: Serialize + Sync + Send,
        A: for<'de> Deserialize<'de> + Send,
    {
        let Call { method, channel, urgency, limit } = call;
        if let Err(wait) = self.pace.admit(method, channel, urgency) {
            if wait > PATIENCE.min(limit) {
                return Err(limited(wait));
            }
            sleep(wait).await;
            self.pace.admit(method, channel, urgency).map_err(limited)?;
        }
        let session = self.api.open_session(&self.token);
        let sent = session.http_session_api.http_post::<_, A>(method, request, None);
        let answer = self.within(limit, sent).await;
        answer.map_err(|fault| fault.delivery(|rest| self.pace.hold(method, rest)))
    }

    async fn within<T>(&self, limit: Duration, call: impl Future<Output = ClientResult<T>>) -> Result<T, Fault> {
        let limited = timeout(limit, async {
            let _permit = self.calls.acquire().await.expect("the semaphore is never closed");
            call.await
        });
        match limited.await {
            Ok(result) => result.map_err(|error| fault(&error)),
            Err(_) => Err(Fault::Other(unreachable(format!("no answer within {} ms", limit.as_millis())))),
        }
    }
}

impl Placed {
    fn posted(self) -> Option<Posted> {
        Some(Posted { channel: self.channel?, ts: self.ts? })
    }
}

/// Whether `to` is the person's conversation with the bot, in which nobody else reads.
fn is_conversation(to: &str, person: &str) -> bool {
    to == person || to.starts_with('D')
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
const PASSING: [&str; 5] = ["internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"];

/// Codes for too many calls, should they come without the status that says so.
const LIMITING: [&str; 3] = ["ratelimited", "rate_limited", "message_limit_exceeded"];

/// Why a call failed.
enum Fault {
    /// Slack wants no more for so long, if it said how long.
    Limited(Option<Duration>),
    Other(DeliveryError),
}

impl Fault {
    fn delivery(self, hold: impl FnOnce(Option<Duration>) -> Duration) -> DeliveryError {
        match self {
            Self::Limited(rest) => limited(hold(rest)),
            Self::Other(error) => error,
        }
    }
}

/// The library's own words hold whole answers and addresses, which are secrets: only codes are passed on.
fn fault(error: &SlackClientError) -> Fault {
    Fault::Other(match error {
        SlackClientError::ApiError(api) if LIMITING.contains(&api.code.as_str()) => return Fault::Limited(None),
        SlackClientError::RateLimitError(limit) => return Fault::Limited(limit.retry_after),
        SlackClientError::HttpError(http) if http.status_code.as_u16() == 429 => return Fault::Limited(None),
        SlackClientError::ApiError(api) if PASSING.contains(&api.code.as_str()) => unreachable(api.code.clone()),
        SlackClientError::ApiError(api) => refused(match api.http_response_body.as_deref().and_then(needed_scope) {
            Some(scope) => format!("{} (the app lacks the scope {scope})", api.code),
            None => api.code.clone(),
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
    })
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

fn limited(retry_after: Duration) -> DeliveryError {
    DeliveryError::Limited { platform: Platform::Slack.as_str(), retry_after }
}

fn unreachable(reason: impl Into<String>) -> DeliveryError {
    DeliveryError::Unreachable { platform: Platform::Slack.as_str(), reason: reason.into() }
}
