//! One HTTP exchange with GitHub, over TLS or in the plain. Must not know what an answer means, nor who asks.
//!
//! octocrab carries the request; its own retries stay off (they would repeat requests that create things), its cache and its
//! sign-in too.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper_util::{
    client::legacy::{Client as HyperClient, Error as HyperError},
    rt::TokioExecutor,
};
use octocrab::{
    AuthState, Octocrab, OctocrabBuilder,
    service::middleware::{base_uri::BaseUriLayer, extra_headers::ExtraHeadersLayer},
};
use serde::Serialize;
use url::Url;

use super::error::GithubError;
use crate::error::chain;

/// To connect; the address is either near or wrong.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A page is half a megabyte as a rule. GraphQL gives up to 512 kB of a file: where many are that long, ask for fewer at once.
pub(super) const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// A list of 50,000 packages has about 25 MiB, and cannot be asked for in parts.
pub(super) const MAX_LIST_BYTES: usize = 32 * 1024 * 1024;

/// The way to one origin.
#[derive(Debug)]
pub(super) struct Wire {
    crab: Octocrab,
    timeout: Duration,
}

/// What is sent.
#[derive(Debug)]
pub(super) struct Letter<'a, B> {
    pub(super) method: &'a Method,
    /// A path of the origin, or a whole address elsewhere.
    pub(super) address: &'a str,
    pub(super) accept: &'static str,
    pub(super) authorization: Option<&'a HeaderValue>,
    pub(super) body: Option<&'a B>,
    /// A longer answer is given up.
    pub(super) most_bytes: usize,
}

/// A whole answer, whatever it says.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Why there is no whole answer.
#[derive(Debug)]
pub(super) enum Lost {
    /// Nothing reached GitHub, so nothing was done.
    NotSent(String),
    BrokenOff(String),
    /// It took too long, or became too long.
    TooMuch(String),
    /// The request could not be written.
    Impossible(GithubError),
}

impl Wire {
    /// Needs a running tokio runtime, since octocrab starts a task of its own.
    pub(super) fn new(api_url: &Url, timeout: Duration) -> Result<Self, GithubError> {
        // Only the origin: octocrab would put a path in front of addresses that already have it.
        let origin = api_url.origin().ascii_serialization();
        let origin: Uri =
            origin.parse().map_err(|error| GithubError::Config { key: "api_url", why: format!("{api_url}: {error}") })?;
        let crab = if api_url.scheme() == "http" { plain(origin) } else { encrypted(origin)? };
        Ok(Self { crab, timeout })
    }

    pub(super) async fn exchange<B: Serialize>(&self, letter: Letter<'_, B>) -> Result<Received, Lost> {
        let Letter { method, address, accept, authorization, body, most_bytes } = letter;
        let mut request = Request::builder().method(method).uri(address).header(header::ACCEPT, accept);
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = self.crab.build_request(request, body);
        let request = request.map_err(|source| Lost::Impossible(GithubError::Client { source }))?;
        let whole = async {
            let (parts, body) = self.crab.send(request).await.map_err(|error| lost(&error))?.into_parts();
            let body = Limited::new(body, most_bytes).collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    return Lost::TooMuch(format!("the answer is longer than {most_bytes} bytes"));
                }
                Lost::BrokenOff(format!("the answer broke off: {}", chain(error.as_ref())))
            })?;
            Ok(Received { status: parts.status, headers: parts.headers, body: Vec::from(body.to_bytes()) })
        };
        let timed = tokio::time::timeout(self.timeout, whole).await;
        timed.unwrap_or_else(|_| Err(Lost::TooMuch(format!("no answer within {} s", self.timeout.as_secs()))))
    }
}

fn lost(error: &octocrab::Error) -> Lost {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<HyperError>().is_some_and(HyperError::is_connect) {
            return Lost::NotSent(chain(error));
        }
        cause = error.source();
    }
    Lost::BrokenOff(chain(error))
}

fn encrypted(origin: Uri) -> Result<Octocrab, GithubError> {
    Octocrab::builder()
        .base_uri(origin)
        .map_err(|source| GithubError::Client { source })?
        .set_connect_timeout(Some(CONNECT_TIMEOUT))
        .build()
        .map_err(|source| GithubError::Client { source })
}

/// Without TLS, so that a plain-http address needs no certificate authorities on the machine.
fn plain(origin: Uri) -> Octocrab {
    let agent = HeaderValue::from_static("steward");
    let mut connector = hyper_util::client::legacy::connect::HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let crab = OctocrabBuilder::new_empty()
        .with_service(HyperClient::builder(TokioExecutor::new()).build(connector))
        .with_layer(&ExtraHeadersLayer::new(Arc::new(vec![(header::USER_AGENT, agent)])))
        .with_layer(&BaseUriLayer::new(origin))
        .with_auth(AuthState::None)
        .build();
    match crab {
        Ok(crab) => crab,
        Err(never) => match never {},
    }
}
