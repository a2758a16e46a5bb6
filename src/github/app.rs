//! A GitHub App in place of a token: signs in with its key and holds a short-lived token of one installation.
//! Must not know what is asked with that token.

use std::{
    collections::BTreeMap,
    fmt,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use chrono::{DateTime, Utc};
use http::{HeaderValue, Method, header};
use ring::{rand::SystemRandom, signature};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use tokio::{sync::Mutex, time::Instant};

use super::{
    client::{Answer, Client, Tally},
    error::{Fault, GithubError},
};

/// A token so close to its end is not used any more: a request may take a while.
const LONGEST_MARGIN: Duration = Duration::from_secs(5 * 60);
/// The App's own tokens begin in the past, as GitHub advises, for clocks that differ…
const ISSUED_AGO_SECS: i64 = 60;
/// …and end within the ten minutes that GitHub allows.
const VALID_SECS: i64 = 9 * 60;
/// Clocks that differ by less need no correction.
const TOLERATED_DRIFT_SECS: i64 = 30;

/// One installation of one App, and the token at hand.
pub(super) struct Installation {
    app_id: String,
    key: signature::RsaKeyPair,
    /// Whose installation it is.
    pub(super) owner: String,
    given_id: Option<u64>,
    now: fn() -> DateTime<Utc>,
    /// How far GitHub's clock is ahead of ours.
    ahead_secs: AtomicI64,
    /// Locked while a token is fetched, so that one fetch serves all who wait for it.
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    id: Option<u64>,
    token: Option<InstallationToken>,
}

struct InstallationToken {
    authorization: HeaderValue,
    /// Not used from then on.
    until: Instant,
}

/// What GitHub tells of an installation.
#[derive(Debug, Deserialize)]
pub(super) struct Installed {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) app_slug: Option<String>,
    #[serde(default)]
    pub(super) account: Option<Account>,
    #[serde(default)]
    pub(super) permissions: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) repository_selection: Option<String>,
    #[serde(default)]
    pub(super) suspended_at: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Account {
    /// An enterprise has none.
    #[serde(default)]
    pub(super) login: Option<String>,
}

#[derive(Deserialize)]
struct AccessToken {
    token: SecretString,
    expires_at: DateTime<Utc>,
}

impl fmt::Debug for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Installation").field("app_id", &self.app_id).field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl Installation {
    /// `private_key` is the text of the PEM file that GitHub gave. Sends nothing.
    pub(super) fn new(
        app_id: String,
        private_key: &SecretString,
        owner: String,
        installation_id: Option<u64>,
        now: fn() -> DateTime<Utc>,
    ) -> Result<Self, GithubError> {
        if app_id.trim().is_empty() {
            let why = "it is empty; write the App's id or client id".to_owned();
            return Err(GithubError::Config { key: "auth.app.id", why });
        }
        Ok(Self {
            app_id: app_id.trim().to_owned(),
            key: parse_key(private_key)?,
            owner,
            given_id: installation_id,
            now,
            ahead_secs: AtomicI64::new(0),
            held: Mutex::default(),
        })
    }

    /// The token to send now; fetched where there is none that lasts.
    pub(super) async fn authorization(&self, client: &Client, tally: &Tally) -> Result<HeaderValue, Fault> {
        let mut held = self.held.lock().await;
        if let Some(token) = &held.token
            && Instant::now() < token.until
        {
            return Ok(token.authorization.clone());
        }
        held.token = None;
        let id = match self.given_id.or(held.id) {
            Some(id) => id,
            None => self.find(client, tally).await?.id,
        };
        held.id = Some(id);
        let path = format!("/app/installations/{id}/access_tokens");
        match self.ask(client, tally, &Method::POST, &path).await {
            Ok(answer) => {
                let token = parse_token(&answer).map_err(|said| client.unreadable(said))?;
                let authorization = token.authorization.clone();
                held.token = Some(token);
                Ok(authorization)
            }
            Err(fault) => {
                // It may have been removed, and installed anew under another id.
                held.id = None;
                Err(self.absent_or(fault))
            }
        }
    }

    /// GitHub refused this token: the next request fetches another.
    pub(super) async fn forget(&self, authorization: &HeaderValue) {
        let mut held = self.held.lock().await;
        if held.token.as_ref().is_some_and(|token| token.authorization == *authorization) {
            held.token = None;
        }
    }

    /// Asks GitHub what this installation may do.
    pub(super) async fn find(&self, client: &Client, tally: &Tally) -> Result<Installed, Fault> {
        let answer = match self.given_id {
            Some(id) => self.ask(client, tally, &Method::GET, &format!("/app/installations/{id}")).await,
            None => {
                let owner = &self.owner;
                match self.ask(client, tally, &Method::GET, &format!("/orgs/{owner}/installation")).await {
                    Err(Fault::Final(GithubError::Rejected { status: 404, .. })) => {
                        self.ask(client, tally, &Method::GET, &format!("/users/{owner}/installation")).await
                    }
                    asked => asked,
                }
            }
        };
        let answer = answer.map_err(|fault| self.absent_or(fault))?;
        let installed: Installed = serde_json::from_slice(&answer.body).map_err(|error| client.unreadable(error.to_string()))?;
        match &installed.suspended_at {
            Some(at) => Err(Fault::Final(GithubError::Suspended { said: format!("since {at}") })),
            None => Ok(installed),
        }
    }

    /// The key is good where GitHub has given a token for it.
    pub(super) fn refused_token(&self) -> String {
        format!(
            "it refuses a token that it gave to the GitHub App just now ({}); was the App taken off {}?",
            self.app_id, self.owner
        )
    }

    fn absent_or(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Final(GithubError::Rejected { status: 404, .. }) => {
                let (app, owner) = (self.app_id.clone(), self.owner.clone());
                Fault::Final(GithubError::NotInstalled { app, owner })
            }
            Fault::Final(GithubError::BadToken) => Fault::Final(GithubError::BadApp { app: self.app_id.clone() }),
            Fault::TooHeavy(_) | Fault::Transient(_) | Fault::Limited { .. } | Fault::Final(_) => fault,
        }
    }

    /// Asks as the App itself, once more where GitHub's refusal told that our clock is wrong.
    async fn ask(&self, client: &Client, tally: &Tally, method: &Method, path: &str) -> Result<Answer, Fault> {
        let ahead_secs = self.ahead_secs.load(Ordering::Relaxed);
        let asked = client.send_as(tally, method, path, &self.signed()?).await;
        match asked {
            Err(Fault::Final(GithubError::BadToken)) if self.ahead_secs.load(Ordering::Relaxed) != ahead_secs => {
                client.send_as(tally, method, path, &self.signed()?).await
            }
            asked => asked,
        }
    }

    /// Learns from an answer's `date` what time it is for GitHub.
    pub(super) fn note_date(&self, headers: &http::HeaderMap) {
        let Some(date) = parse_date(headers) else { return };
        let ahead_secs = (date - (self.now)()).num_seconds();
        let ahead_secs = if ahead_secs.abs() > TOLERATED_DRIFT_SECS { ahead_secs } else { 0 };
        // A second more or less is the way it took.
        if (ahead_secs - self.ahead_secs.load(Ordering::Relaxed)).abs() > 1 {
            self.ahead_secs.store(ahead_secs, Ordering::Relaxed);
        }
    }

    /// A token of the App itself: a JWT signed with its key.
    /// <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>
    fn signed(&self) -> Result<HeaderValue, Fault> {
        let now = (self.now)().timestamp() + self.ahead_secs.load(Ordering::Relaxed);
        let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({ "iat": now - ISSUED_AGO_SECS, "exp": now + VALID_SECS, "iss": self.app_id });
        let text = format!("{}.{}", part(json!({ "alg": "RS256", "typ": "JWT" })), part(claims));
        let mut signed = vec![0; self.key.public().modulus_len()];
        let unsigned = |_| Fault::Final(wrong_key("it cannot sign"));
        self.key.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signed).map_err(unsigned)?;
        Ok(bearer(&format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signed))).expect("base64 and full stops make a header"))
    }
}

/// GitHub's own clock, as an answer shows it.
pub(super) fn parse_date(headers: &http::HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get(header::DATE)?.to_str().ok()?;
    DateTime::parse_from_rfc2822(text).ok().map(|date| date.to_utc())
}

/// A token as a header, where it can be one.
pub(super) fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The token's time is measured between GitHub's own dates, so that a wrong clock here does not matter.
fn parse_token(answer: &Answer) -> Result<InstallationToken, String> {
    let AccessToken { token, expires_at } = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    let lasts = match parse_date(&answer.headers) {
        Some(date) => (expires_at - date).to_std().unwrap_or_default(),
        None => LONGEST_MARGIN,
    };
    let margin = LONGEST_MARGIN.min(lasts / 4);
    let authorization = bearer(token.expose_secret()).ok_or("the token has characters that no token has")?;
    Ok(InstallationToken { authorization, until: Instant::now() + (lasts - margin) })
}

fn wrong_key(why: &str) -> GithubError {
    GithubError::Config { key: "auth.app.private_key_file", why: why.to_owned() }
}

/// GitHub gives PKCS#1 (`RSA PRIVATE KEY`); openssl makes PKCS#8 (`PRIVATE KEY`) of it.
fn parse_key(text: &SecretString) -> Result<signature::RsaKeyPair, GithubError> {
    let text = text.expose_secret();
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(wrong_key("the key is encrypted; store it as GitHub gave it, readable by Steward alone"));
    }
    let der = PrivateKeyDer::from_pem_slice(text.as_bytes());
    let der = der.map_err(|_| wrong_key("it holds no private key; use the .pem file that GitHub gave for the App"))?;
    let key = match &der {
        PrivateKeyDer::Pkcs1(der) => signature::RsaKeyPair::from_der(der.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(der) => signature::RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        _ => return Err(wrong_key("it is no RSA key; GitHub gives Apps RSA keys only")),
    };
    key.map_err(|error| wrong_key(&format!("the key cannot be used: {error}; make a new one on the App's page on GitHub")))
}
