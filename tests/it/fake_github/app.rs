//! A GitHub App as GitHub keeps it: its key, its installations and the tokens it gave out. Knows no repository.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use axum::{http::Method, response::Response};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use chrono::{SecondsFormat, TimeDelta, Utc};
use ring::signature::{self, KeyPair};
use rustls::pki_types::{PrivatePkcs1KeyDer, pem::PemObject};
use serde_json::{Value as Json, json};

use super::serve::{message, respond};

/// The App's id, and its key, which opens nothing anywhere.
pub const APP_ID: &str = "314159";
pub const APP_KEY: &str = include_str!("../../../fixtures/github-app/app.private-key.pem");

pub struct FakeApp {
    pub installations: Vec<Installation>,
    /// What GitHub says a token lasts.
    pub lifetime: Duration,
    /// How far GitHub's clock is ahead of ours.
    pub ahead_secs: i64,
    /// So many of the coming requests of the App itself fail with a 502.
    pub fail_next: usize,
    /// Each token is good for so many requests alone.
    pub uses: Option<usize>,
    /// So many of the coming requests with a good token are refused all the same.
    pub refuse_next: usize,
    tokens: Vec<Token>,
    /// Tokens given out so far, and requests with one that was not good any more.
    pub issued: usize,
    pub refused: usize,
}

pub struct Installation {
    pub id: u64,
    pub login: String,
    pub is_user: bool,
    pub is_suspended: bool,
    pub permissions: BTreeMap<&'static str, &'static str>,
}

struct Token {
    text: String,
    installation: u64,
    until: Instant,
    used: usize,
}

/// What a request's token is.
pub enum Given {
    Unknown,
    Suspended,
    Good,
}

impl Default for FakeApp {
    fn default() -> Self {
        Self {
            installations: Vec::new(),
            lifetime: Duration::from_secs(3_600),
            ahead_secs: 0,
            fail_next: 0,
            uses: None,
            refuse_next: 0,
            tokens: Vec::new(),
            issued: 0,
            refused: 0,
        }
    }
}

impl FakeApp {
    pub fn install(&mut self, id: u64, login: &str) {
        let permissions =
            [("metadata", "read"), ("contents", "read"), ("checks", "write"), ("members", "read"), ("pull_requests", "write")];
        let (login, permissions) = (login.to_owned(), permissions.into());
        self.installations.push(Installation { id, login, is_user: false, is_suspended: false, permissions });
    }

    /// No token given so far is good any more.
    pub fn revoke_tokens(&mut self) {
        self.tokens.clear();
    }

    pub fn look_up(&mut self, given: &str) -> Given {
        let uses = self.uses.unwrap_or(usize::MAX);
        let is_good = |token: &&mut Token| token.text == given && token.until > Instant::now() && token.used < uses;
        let Some(token) = self.tokens.iter_mut().find(is_good).filter(|_| self.refuse_next == 0) else {
            self.refuse_next = self.refuse_next.saturating_sub(1);
            self.refused += 1;
            return Given::Unknown;
        };
        token.used += 1;
        match self.installations.iter().find(|it| it.id == token.installation) {
            None => Given::Unknown,
            Some(Installation { is_suspended: true, .. }) => Given::Suspended,
            Some(_) => Given::Good,
        }
    }

    /// The paths that an App asks as itself; `None` for all others.
    pub fn answer(&mut self, method: &Method, path: &str, given: &str) -> Option<Response> {
        let segments: Vec<_> = path.trim_matches('/').split('/').collect();
        let found = match (method, &segments[..]) {
            (&Method::GET, ["app"]) => None,
            (&Method::GET, [kind @ ("orgs" | "users"), login, "installation"]) => {
                let is_meant = |it: &&Installation| it.login.eq_ignore_ascii_case(login) && it.is_user == (*kind == "users");
                Some(self.installations.iter().find(is_meant))
            }
            (&Method::GET, ["app", "installations", id]) | (&Method::POST, ["app", "installations", id, "access_tokens"]) => {
                Some(self.installations.iter().find(|it| it.id.to_string() == *id))
            }
            _ => return None,
        };
        if self.fail_next > 0 {
            self.fail_next -= 1;
            return Some(message(502, "Bad Gateway"));
        }
        if let Err(why) = self.check_jwt(given) {
            return Some(message(401, why));
        }
        let Some(found) = found else {
            return Some(respond(200, &json!({ "id": APP_ID.parse::<u64>().ok(), "slug": "steward-acme", "name": "Steward" })));
        };
        let Some(installation) = found else { return Some(message(404, "Not Found")) };
        if method == Method::GET {
            return Some(respond(200, &installation.json()));
        }
        if installation.is_suspended {
            return Some(message(403, "This installation has been suspended"));
        }
        self.issued += 1;
        let text = format!("ghs_fake{}", self.issued);
        let now = Utc::now() + TimeDelta::seconds(self.ahead_secs);
        let expires_at = now + TimeDelta::from_std(self.lifetime).expect("short");
        let body = json!({
            "token": text, "expires_at": expires_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            "permissions": installation.permissions, "repository_selection": "all",
        });
        self.tokens.push(Token { text, installation: installation.id, until: Instant::now() + self.lifetime, used: 0 });
        Some(respond(201, &body))
    }

    fn check_jwt(&self, given: &str) -> Result<(), &'static str> {
        let undecodable = "A JSON web token could not be decoded";
        let (signed, signature) = given.rsplit_once('.').ok_or(undecodable)?;
        let (header, claims) = signed.split_once('.').ok_or(undecodable)?;
        let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| undecodable);
        let json = |part: &str| serde_json::from_slice::<Json>(&decode(part)?).map_err(|_| undecodable);
        let (header, claims) = (json(header)?, json(claims)?);
        if header["alg"] != "RS256" || claims["iss"] != APP_ID {
            return Err("Integration not found");
        }
        let key = PrivatePkcs1KeyDer::from_pem_slice(APP_KEY.as_bytes()).expect("the fixture is a key");
        let key = signature::RsaKeyPair::from_der(key.secret_pkcs1_der()).expect("the fixture is a key");
        signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref())
            .verify(signed.as_bytes(), &decode(signature)?)
            .map_err(|_| undecodable)?;
        let now = Utc::now().timestamp() + self.ahead_secs;
        let (Some(iat), Some(exp)) = (claims["iat"].as_i64(), claims["exp"].as_i64()) else { return Err(undecodable) };
        if iat > now {
            return Err("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued");
        }
        if exp <= now {
            return Err(
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
            );
        }
        if exp > now + 600 {
            return Err("'Expiration time' claim ('exp') is too far in the future");
        }
        Ok(())
    }
}

impl Installation {
    fn json(&self) -> Json {
        let kind = if self.is_user { "User" } else { "Organization" };
        json!({
            "id": self.id, "app_id": APP_ID.parse::<u64>().ok(), "app_slug": "steward-acme", "target_type": kind,
            "account": { "login": self.login, "type": kind }, "repository_selection": "all", "permissions": self.permissions,
            "suspended_at": self.is_suspended.then_some("2026-11-20T09:00:00Z"),
        })
    }
}
