//! GitHub's device flow: a person proves a login without this server being reachable from outside
//! (<https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps#device-flow>).
//! Must not keep the token, nor know whom it is for.

use std::time::Duration;

use reqwest::{Client, header};
use serde::Deserialize;
use url::Url;

use crate::web::{build_client, read_at_most};

/// One question; a person waits.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Its answers are a line of JSON; a user's profile a page.
const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// GitHub asks for so much longer pauses after `slow_down`.
const SLOW_DOWN_SECS: u64 = 5;

/// One GitHub's device flow for one App.
#[derive(Debug)]
pub struct DeviceFlow {
    http: Client,
    /// `https://github.com`
    web_url: String,
    api_url: String,
    client_id: String,
}

/// What a person enters, and what is asked with until they have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DeviceCode {
    pub device_code: String,
    pub user_code: String,
    pub verification_uri: String,
    pub expires_in: u64,
    #[serde(default = "usual_interval")]
    pub interval: u64,
}

fn usual_interval() -> u64 {
    5
}

/// How far the person is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// Ask again after so many seconds.
    Pending {
        interval_secs: u64,
    },
    /// They have entered the code; this is who they are.
    Proved {
        login: String,
        github_id: i64,
    },
    Expired,
    Denied,
}

#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Worth another try.
    #[error("GitHub could not be asked: {0}")]
    Passing(String),
    #[error("the GitHub App does not offer the device flow; enable it in the App's settings")]
    Disabled,
    #[error("GitHub does not know the client id; check auth.client_id or auth.app.id in steward.yaml")]
    UnknownClient,
    #[error("GitHub refused: {0}")]
    Refused(String),
}

#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    error: Option<String>,
    interval: Option<u64>,
}

#[derive(Deserialize)]
struct User {
    login: String,
    id: i64,
}

impl DeviceFlow {
    /// `api_url` as of the source; checks the values, sends nothing.
    pub fn new(api_url: &str, client_id: &str) -> Result<Self, DeviceError> {
        let refused = |why: String| DeviceError::Refused(why);
        let url = Url::parse(api_url).map_err(|error| refused(format!("{api_url} is no address: {error}")))?;
        let web_url = match url.host_str() {
            Some("api.github.com") => "https://github.com".to_owned(),
            _ => url.origin().ascii_serialization(),
        };
        let http = build_client(REQUEST_TIMEOUT, |client| client).map_err(refused)?;
        Ok(Self { http, web_url, api_url: api_url.trim_end_matches('/').to_owned(), client_id: client_id.to_owned() })
    }

    /// Asks for a code. The token it leads to may see nothing beyond who its owner is.
    pub async fn begin(&self) -> Result<DeviceCode, DeviceError> {
        let body = self.post("/login/device/code", &[("client_id", self.client_id.as_str())]).await?;
        if let Ok(code) = serde_json::from_slice::<DeviceCode>(&body) {
            return Ok(code);
        }
        let answer: Answer = read(&body)?;
        Err(refusal(answer.error))
    }

    /// Asks whether the person has entered the code, and who they are if so.
    pub async fn ask(&self, device_code: &str, interval_secs: u64) -> Result<Proof, DeviceError> {
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        let fields = [("client_id", self.client_id.as_str()), ("device_code", device_code), ("grant_type", grant)];
        let answer: Answer = read(&self.post("/login/oauth/access_token", &fields).await?)?;
        if let Some(token) = answer.access_token {
            let User { login, id } = self.load_user(&token).await?;
            return Ok(Proof::Proved { login, github_id: id });
        }
        match answer.error.as_deref() {
            Some("authorization_pending") => Ok(Proof::Pending { interval_secs }),
            Some("slow_down") => Ok(Proof::Pending { interval_secs: answer.interval.unwrap_or(interval_secs + SLOW_DOWN_SECS) }),
            Some("expired_token") => Ok(Proof::Expired),
            Some("access_denied") => Ok(Proof::Denied),
            _ => Err(refusal(answer.error)),
        }
    }

    async fn load_user(&self, token: &str) -> Result<User, DeviceError> {
        let refused = |_| DeviceError::Refused("it gave a token that cannot be sent".to_owned());
        let mut authorization = header::HeaderValue::try_from(format!("Bearer {token}")).map_err(refused)?;
        authorization.set_sensitive(true);
        let request = self.http.get(format!("{}/user", self.api_url)).header(header::AUTHORIZATION, authorization);
        let body = self.send(request.header(header::ACCEPT, "application/vnd.github+json")).await?;
        serde_json::from_slice(&body).map_err(|error| DeviceError::Refused(format!("its user cannot be read: {error}")))
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Vec<u8>, DeviceError> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.http.post(format!("{}{path}", self.web_url)).header(header::ACCEPT, "application/json");
        self.send(request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, DeviceError> {
        let passing = |error: reqwest::Error| DeviceError::Passing(error.without_url().to_string());
        let response = request.send().await.map_err(passing)?;
        let status = response.status();
        if status.is_server_error() || status.as_u16() == 429 {
            return Err(DeviceError::Passing(format!("it answers {status}")));
        }
        if status.as_u16() == 404 {
            return Err(DeviceError::UnknownClient);
        }
        let bytes = read_at_most(response, MAX_ANSWER_BYTES).await.map_err(passing)?;
        bytes.ok_or_else(|| DeviceError::Refused("its answer is too long".to_owned()))
    }
}

fn read(body: &[u8]) -> Result<Answer, DeviceError> {
    serde_json::from_slice(body).map_err(|error| DeviceError::Passing(format!("its answer cannot be read: {error}")))
}

fn refusal(error: Option<String>) -> DeviceError {
    match error.as_deref() {
        Some("device_flow_disabled") => DeviceError::Disabled,
        Some("incorrect_client_credentials" | "Not Found") => DeviceError::UnknownClient,
        Some(other) => DeviceError::Refused(other.to_owned()),
        None => DeviceError::Refused("it gave neither a code nor a reason".to_owned()),
    }
}
