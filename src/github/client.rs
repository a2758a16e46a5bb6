//! One request to GitHub and what its answer means. Must not retry, and must not know what a sweep is.
//!
//! octocrab carries the request; its own retries stay off (they would repeat requests that create things), its cache too.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper_util::{client::legacy::Client as HyperClient, rt::TokioExecutor};
use octocrab::{
    AuthState, Octocrab, OctocrabBuilder,
    service::middleware::{auth_header::AuthHeaderLayer, base_uri::BaseUriLayer, extra_headers::ExtraHeadersLayer},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::Url;

use super::error::{Fault, GithubError, chain};

/// To connect; the address is either near or wrong.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A page is half a megabyte as a rule. GraphQL gives up to 512 kB of a file: where many are that long, ask for fewer at once.
/// A list of 50,000 packages has about 25 MiB.
const MAX_ANSWER_BYTES: usize = 32 * 1024 * 1024;
/// Of what GitHub says about a fault, enough to understand it.
const MAX_SAID_CHARS: usize = 300;

/// A connection to one GitHub with one token.
#[derive(Debug)]
pub(super) struct Client {
    crab: Octocrab,
    /// As it was configured, for messages.
    pub(super) address: String,
    graphql_path: String,
    rest_prefix: String,
    timeout: Duration,
}

/// GitHub's own media type, for whatever has no better one.
pub(super) const JSON: &str = "application/vnd.github+json";

/// Who waits for an answer; the more urgent are served first where the budget is short.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Urgency {
    /// Somebody in a chat, or a scaffolder's run.
    Person,
    /// A change that GitHub told of.
    Webhook,
    #[default]
    Sweep,
    /// What may take its time, the lists of packages.
    Background,
}

/// One piece of work's urgency, and how many requests it has sent, whatever their answers.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) urgency: Urgency,
    pub(super) graphql: AtomicU64,
    pub(super) rest: AtomicU64,
}

impl Tally {
    pub(super) fn of(urgency: Urgency) -> Self {
        Self { urgency, ..Self::default() }
    }
}

/// A whole answer that says yes: 200, 201, 202 or 204; or 302, which is not followed: the token goes nowhere else.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

#[derive(Serialize)]
struct GraphqlRequest<'a, V> {
    query: &'a str,
    variables: V,
}

impl Client {
    /// Needs a running tokio runtime, since octocrab starts a task of its own.
    pub(super) fn new(api_url: &str, token: &SecretString, timeout: Duration) -> Result<Self, GithubError> {
        let wrong = |why: String| GithubError::Config { key: "api_url", why };
        let url = Url::parse(api_url).map_err(|error| wrong(format!("{api_url} is not a URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong(format!("{api_url} is neither http nor https")));
        }
        let rest_prefix = url.path().trim_end_matches('/').to_owned();
        let graphql_path = match rest_prefix.strip_suffix("/v3") {
            Some(enterprise) => format!("{enterprise}/graphql"),
            None => format!("{rest_prefix}/graphql"),
        };
        // Only the origin: octocrab would put a path in front of addresses that already have it.
        let origin: Uri = url.origin().ascii_serialization().parse().map_err(|error| wrong(format!("{api_url}: {error}")))?;
        let crab = if url.scheme() == "http" { plain(origin, token)? } else { encrypted(origin, token)? };
        Ok(Self { crab, address: api_url.to_owned(), graphql_path, rest_prefix, timeout })
    }

    /// Sends a query. Faults inside of a 200 are the caller's to find; the path's own 404 is no GitHub's.
    pub(super) async fn graphql(&self, tally: &Tally, query: &str, variables: impl Serialize) -> Result<Answer, Fault> {
        tally.graphql.fetch_add(1, Ordering::Relaxed);
        let request = GraphqlRequest { query, variables };
        let sent = self.exchange(&Method::POST, &self.graphql_path, Some(&request), JSON).await;
        sent.map_err(|fault| self.not_github(fault))
    }

    /// Reads a REST path, `/repos/acme/shop`, in the given media type.
    pub(super) async fn rest(&self, tally: &Tally, path: &str, accept: &'static str) -> Result<Answer, Fault> {
        self.send(tally, &Method::GET, path, None::<&()>, accept).await
    }

    /// Asks REST for anything: one attempt. What GitHub will not do (404, 409, 422 …) is [`GithubError::Rejected`] with its status.
    ///
    /// Where a request may have been done though no good answer came, and doing it again could create something twice, the
    /// fault is final: [`GithubError::Unsure`].
    pub(super) async fn send(
        &self,
        tally: &Tally,
        method: &Method,
        path: &str,
        body: Option<&impl Serialize>,
        accept: &'static str,
    ) -> Result<Answer, Fault> {
        tally.rest.fetch_add(1, Ordering::Relaxed);
        let sent = self.exchange(method, &format!("{}{path}", self.rest_prefix), body, accept).await;
        sent.map_err(|fault| match fault {
            Fault::TooHeavy(said) | Fault::Transient(said) if !method.is_idempotent() => {
                Fault::Final(GithubError::Unsure { said })
            }
            Fault::TooHeavy(_) | Fault::Transient(_) | Fault::Limited { .. } | Fault::Final(_) => fault,
        })
    }

    /// A path that every GitHub has was not found: this is none.
    pub(super) fn not_github(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Final(GithubError::Rejected { status: 404, said }) => {
                Fault::Final(GithubError::NotGithub { address: self.address.clone(), said })
            }
            Fault::TooHeavy(_) | Fault::Transient(_) | Fault::Limited { .. } | Fault::Final(_) => fault,
        }
    }

    async fn exchange(
        &self,
        method: &Method,
        path: &str,
        body: Option<&impl Serialize>,
        accept: &'static str,
    ) -> Result<Answer, Fault> {
        let request = Request::builder().method(method).uri(path).header(header::ACCEPT, accept);
        let request = self.crab.build_request(request, body).map_err(|source| Fault::Final(GithubError::Client { source }))?;
        let whole = async {
            let (parts, body) = self.crab.execute(request).await.map_err(|error| Fault::Transient(chain(&error)))?.into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    return Fault::TooHeavy(format!("the answer is longer than {MAX_ANSWER_BYTES} bytes"));
                }
                Fault::Transient(format!("the answer broke off: {}", chain(error.as_ref())))
            })?;
            Ok((parts, Vec::from(body.to_bytes())))
        };
        let Ok(whole) = tokio::time::timeout(self.timeout, whole).await else {
            return Err(Fault::TooHeavy(format!("no answer within {} s", self.timeout.as_secs())));
        };
        let (parts, body) = whole?;
        match parts.status {
            status @ (StatusCode::OK
            | StatusCode::CREATED
            | StatusCode::ACCEPTED
            | StatusCode::NO_CONTENT
            | StatusCode::FOUND) => {
                Ok(Answer { status, headers: parts.headers, body })
            }
            status => Err(self.fault(status, &parts.headers, &body)),
        }
    }

    /// What a status that says no means. <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>
    fn fault(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
        let said = format!("{}: {}", status.as_u16(), said(body));
        match status {
            StatusCode::UNAUTHORIZED => Fault::Final(GithubError::BadToken),
            StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {
                let wait_secs = announced_wait(headers);
                if wait_secs.is_some() || said.contains("rate limit") {
                    return Fault::Limited { wait_secs, said };
                }
                // GitHub names its limits; a 429 that does not comes from something on the way.
                if status == StatusCode::TOO_MANY_REQUESTS {
                    return Fault::Transient(said);
                }
                Fault::Final(GithubError::Forbidden { said })
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Fault::TooHeavy(said),
            _ if status.is_server_error() => Fault::Transient(said),
            _ if status.is_client_error() => Fault::Final(GithubError::Rejected { status: status.as_u16(), said }),
            _ => Fault::Final(GithubError::NotGithub { address: self.address.clone(), said }),
        }
    }
}

/// For how many seconds GitHub asks to be left alone: `retry-after`, else until the reset of a limit that is used up.
///
/// The reset is measured against GitHub's own `date`, so that a wrong clock here does not matter.
pub(super) fn announced_wait(headers: &HeaderMap) -> Option<u64> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    if let Some(secs) = number("retry-after") {
        return u64::try_from(secs).ok();
    }
    if number("x-ratelimit-remaining")? > 0 {
        return None;
    }
    let reset = number("x-ratelimit-reset")?;
    let date = chrono::DateTime::parse_from_rfc2822(headers.get(header::DATE)?.to_str().ok()?).ok()?;
    // One second more: both are whole seconds.
    u64::try_from((reset - date.timestamp()).max(0) + 1).ok()
}

/// GitHub's own words about a fault, shortened.
fn said(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Said {
        message: String,
    }
    let text = match serde_json::from_slice::<Said>(body) {
        Ok(Said { message }) => message,
        Err(_) => String::from_utf8_lossy(&body[..body.len().min(4 * MAX_SAID_CHARS)]).into_owned(),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() { "no reason given".to_owned() } else { line.chars().take(MAX_SAID_CHARS).collect() }
}

fn encrypted(origin: Uri, token: &SecretString) -> Result<Octocrab, GithubError> {
    authorization(token)?; // octocrab panics on a token that cannot be a header
    Octocrab::builder()
        .base_uri(origin)
        .map_err(|source| GithubError::Client { source })?
        .personal_token(token.clone())
        .set_connect_timeout(Some(CONNECT_TIMEOUT))
        .build()
        .map_err(|source| GithubError::Client { source })
}

/// Without TLS, so that a plain-http address needs no certificate authorities on the machine.
fn plain(origin: Uri, token: &SecretString) -> Result<Octocrab, GithubError> {
    let authorization = authorization(token)?;
    let agent = HeaderValue::from_static("steward");
    let mut connector = hyper_util::client::legacy::connect::HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let crab = OctocrabBuilder::new_empty()
        .with_service(HyperClient::builder(TokioExecutor::new()).build(connector))
        .with_layer(&ExtraHeadersLayer::new(Arc::new(vec![(header::USER_AGENT, agent)])))
        .with_layer(&BaseUriLayer::new(origin.clone()))
        .with_layer(&AuthHeaderLayer::new(Some(authorization), origin.clone(), origin))
        .with_auth(AuthState::None)
        .build();
    match crab {
        Ok(crab) => Ok(crab),
        Err(never) => match never {},
    }
}

fn authorization(token: &SecretString) -> Result<HeaderValue, GithubError> {
    let why = "it is empty or has characters no token has; was it pasted with a line break?";
    let wrong = || GithubError::Config { key: "auth.token", why: why.to_owned() };
    let text = token.expose_secret();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong());
    }
    let mut value = HeaderValue::try_from(format!("Bearer {text}")).map_err(|_| wrong())?;
    value.set_sensitive(true);
    Ok(value)
}
