//! One request to GitHub, as whoever Steward is there. Must not retry, and must not know what a sweep is.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use secrecy::ExposeSecret;
use serde::Serialize;
use url::Url;

use super::{
    AppKey, Auth,
    app::{Installation, bearer},
    budget::{Budget, Permit, Resource},
    error::{Fault, GithubError},
    quota::Cost,
    verdict::{fault, graphql_limit, said},
    waits::{Allowance, Waits},
    wire::{Letter, Lost, MAX_ANSWER_BYTES, MAX_LIST_BYTES, Received, Wire},
};
use crate::requests::Requests;

/// A renamed repository is one redirect, its organisation's new name another.
const MAX_REDIRECTS: usize = 3;
/// A connection to one GitHub as one identity.
#[derive(Debug)]
pub(super) struct Client {
    wire: Wire,
    identity: Identity,
    pub(super) budget: Budget,
    /// As it was configured, for messages.
    pub(super) address: String,
    origin: url::Origin,
    graphql_path: String,
    rest_prefix: String,
}

#[derive(Debug)]
pub(super) enum Identity {
    Token(HeaderValue),
    App(Box<Installation>),
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

/// What a request is sent for.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) urgency: Urgency,
    /// How long it may wait in all; without one, as long as GitHub asks.
    pub(super) allowance: Option<Arc<Allowance>>,
}

impl Tally {
    pub(super) fn of(urgency: Urgency) -> Self {
        Self { urgency, ..Self::default() }
    }

    /// Of what the queue has done, and tries again later.
    pub(super) fn of_job(allowance: Arc<Allowance>) -> Self {
        Self { urgency: Urgency::Webhook, allowance: Some(allowance) }
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

/// What is asked, apart from its body.
struct Call<'a> {
    tally: &'a Tally,
    resource: Resource,
    cost: Cost,
    method: &'a Method,
    accept: &'static str,
}

impl Client {
    /// Needs a running tokio runtime.
    pub(super) fn new(api_url: &str, auth: &Auth, waits: Waits) -> Result<Self, GithubError> {
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
        Ok(Self {
            identity: Identity::new(auth)?,
            wire: Wire::new(&url, waits.request)?,
            budget: Budget::new(waits),
            address: api_url.to_owned(),
            origin: url.origin(),
            graphql_path,
            rest_prefix,
        })
    }

    /// The App that this connection signs in as, if it is one.
    pub(super) fn installation(&self) -> Option<&Installation> {
        match &self.identity {
            Identity::Token(_) => None,
            Identity::App(installation) => Some(installation),
        }
    }

    /// Sends a query. Faults inside of a 200 are the caller's to find, limits excepted.
    pub(super) async fn graphql(&self, tally: &Tally, query: &str, variables: impl Serialize) -> Result<Answer, Fault> {
        let call = Call { tally, resource: Resource::Graphql, cost: Cost::Read, method: &Method::POST, accept: JSON };
        let request = GraphqlRequest { query, variables };
        let sent = self.call(&call, &self.graphql_path, Some(&request)).await;
        sent.map_err(|fault| self.not_github(fault.into()))
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
        let call = Call { tally, resource: Resource::of_path(path), cost: Cost::of_method(method), method, accept };
        let sent = self.call(&call, &format!("{}{path}", self.rest_prefix), body).await;
        sent.map_err(|fault| fault.after(method))
    }

    /// Asks REST as somebody else than usual: an App as itself.
    pub(super) async fn send_as(
        &self,
        tally: &Tally,
        method: &Method,
        path: &str,
        authorization: &HeaderValue,
    ) -> Result<Answer, Fault> {
        let call = Call { tally, resource: Resource::App, cost: Cost::Read, method, accept: JSON };
        let permit = self.budget.admit(call.resource, tally, call.cost).await.map_err(Fault::Final)?;
        let address = format!("{}{path}", self.rest_prefix);
        // A token too many is none the worse, so this may be asked again whatever came of it.
        self.attempt(permit, &call, &address, Some(authorization), None::<&()>).await.map_err(Miss::into)
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

    /// An answer that has not the form GitHub's have.
    pub(super) fn unreadable(&self, said: impl std::fmt::Display) -> Fault {
        let said = format!("the answer cannot be read: {said}");
        Fault::Final(GithubError::NotGithub { address: self.address.clone(), said })
    }

    /// Follows redirects: inside of this GitHub with the authorisation, elsewhere without.
    async fn call(&self, call: &Call<'_>, path: &str, body: Option<&impl Serialize>) -> Result<Answer, Miss> {
        let mut answer = self.call_here(call, path, body).await?;
        for _ in 0..MAX_REDIRECTS {
            if !answer.status.is_redirection() {
                return Ok(answer);
            }
            let Some(next) = self.redirect(call.method, path, &answer) else { break };
            if next.origin() == self.origin {
                answer = self.call_here(call, &next[url::Position::BeforePath..], body).await?;
            } else {
                let away = Call { resource: Resource::Elsewhere, ..*call };
                let permit = self.budget.admit(away.resource, away.tally, away.cost).await?;
                answer = self.attempt(permit, &away, next.as_str(), None, None::<&()>).await?;
            }
        }
        if !answer.status.is_redirection() {
            return Ok(answer);
        }
        let said = format!("{}: it leads elsewhere", answer.status.as_u16());
        Err(GithubError::Rejected { status: answer.status.as_u16(), said }.into())
    }

    fn redirect(&self, method: &Method, path: &str, answer: &Answer) -> Option<Url> {
        let is_repeated = match answer.status {
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => method == Method::GET,
            _ => false,
        };
        let location = answer.headers.get(header::LOCATION)?.to_str().ok()?;
        let base = Url::parse(&format!("{}{path}", self.origin.ascii_serialization())).ok()?;
        let next = base.join(location).ok()?;
        let is_safe = next.origin() == self.origin || (method == Method::GET && matches!(next.scheme(), "http" | "https"));
        (is_repeated && is_safe).then_some(next)
    }

    async fn call_here(&self, call: &Call<'_>, path: &str, body: Option<&impl Serialize>) -> Result<Answer, Miss> {
        let mut is_repeated = false;
        loop {
            let permit = self.budget.admit(call.resource, call.tally, call.cost).await?;
            // Only now, since the wait may have been longer than a token lasts.
            let installation = match &self.identity {
                Identity::Token(token) => return self.attempt(permit, call, path, Some(token), body).await,
                Identity::App(installation) => installation,
            };
            let authorization = installation.authorization(self, call.tally);
            let token = match &call.tally.allowance {
                // Somebody else may be fetching it, and wait for long.
                Some(allowance) => allowance.bound(authorization).await??,
                None => authorization.await?,
            };
            match self.attempt(permit, call, path, Some(&token), body).await {
                Err(Miss::Told(Fault::Final(GithubError::BadToken))) => {
                    installation.forget(&token).await;
                    // It was revoked before its time; or GitHub's servers do not all know a fresh one yet, which passes.
                    if is_repeated {
                        return Err(Miss::NotSent(installation.refused_token()));
                    }
                    is_repeated = true;
                }
                attempted => return attempted,
            }
        }
    }

    async fn attempt(
        &self,
        mut permit: Permit<'_>,
        call: &Call<'_>,
        address: &str,
        authorization: Option<&HeaderValue>,
        body: Option<&impl Serialize>,
    ) -> Result<Answer, Miss> {
        if call.resource == Resource::Graphql { Requests::GRAPHQL } else { Requests::REST }.note();
        let most_bytes = if call.tally.urgency == Urgency::Background { MAX_LIST_BYTES } else { MAX_ANSWER_BYTES };
        let letter = Letter { method: call.method, address, accept: call.accept, authorization, body, most_bytes };
        let Received { status, headers, body } = self.wire.exchange(letter).await?;
        if let Identity::App(installation) = &self.identity
            && call.resource != Resource::Elsewhere
        {
            installation.note_date(&headers);
        }
        let fault = match status {
            StatusCode::OK if call.resource == Resource::Graphql => graphql_limit(&headers, &body),
            StatusCode::OK | StatusCode::CREATED | StatusCode::ACCEPTED | StatusCode::NO_CONTENT => None,
            status if status.is_redirection() => None,
            // What GitHub's own refusals mean is not what others' do.
            status if call.resource == Resource::Elsewhere && status.is_client_error() => {
                let said = format!("{}: {}", status.as_u16(), said(&body));
                Some(Fault::Final(GithubError::Rejected { status: status.as_u16(), said }))
            }
            status => Some(fault(&self.address, status, &headers, &body)),
        };
        permit.observe(fault.is_none(), &headers);
        match fault {
            None => Ok(Answer { status, headers, body }),
            Some(fault) => {
                if let Fault::Limited { wait_secs, said } = &fault {
                    permit.close(*wait_secs, said);
                }
                Err(Miss::Told(fault))
            }
        }
    }
}

/// Why an attempt brought no answer.
#[derive(Debug)]
enum Miss {
    /// Nothing reached GitHub.
    NotSent(String),
    /// Whether it was done is not known.
    Lost(Fault),
    /// GitHub said so.
    Told(Fault),
}

impl Miss {
    /// As the fault of a request with this method: one that may have been done must not be repeated where that could double it.
    fn after(self, method: &Method) -> Fault {
        match self {
            Self::Lost(Fault::TooHeavy(said) | Fault::Transient(said))
            | Self::Told(Fault::TooHeavy(said) | Fault::Transient(said))
                if !method.is_idempotent() =>
            {
                Fault::Final(GithubError::Unsure { said })
            }
            Self::NotSent(_) | Self::Lost(_) | Self::Told(_) => self.into(),
        }
    }
}

impl From<Miss> for Fault {
    fn from(miss: Miss) -> Self {
        match miss {
            Miss::NotSent(said) => Self::Transient(said),
            Miss::Lost(fault) | Miss::Told(fault) => fault,
        }
    }
}

impl From<Lost> for Miss {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::NotSent(said) => Self::NotSent(said),
            Lost::BrokenOff(said) => Self::Lost(Fault::Transient(said)),
            Lost::TooMuch(said) => Self::Lost(Fault::TooHeavy(said)),
            Lost::Impossible(error) => error.into(),
        }
    }
}

impl From<GithubError> for Miss {
    fn from(error: GithubError) -> Self {
        Self::Told(Fault::Final(error))
    }
}

impl From<Fault> for Miss {
    fn from(fault: Fault) -> Self {
        // Of the way to a token: the request itself was not sent.
        match fault {
            Fault::TooHeavy(said) | Fault::Transient(said) => Self::NotSent(said),
            Fault::Limited { .. } | Fault::Final(_) => Self::Told(fault),
        }
    }
}

impl Identity {
    fn new(auth: &Auth) -> Result<Self, GithubError> {
        match auth {
            Auth::Token(token) => {
                let text = token.expose_secret();
                let is_token = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
                bearer(text).filter(|_| is_token).map(Self::Token).ok_or_else(|| GithubError::Config {
                    key: "auth.token",
                    why: "it is empty or has characters no token has; was it pasted with a line break?".to_owned(),
                })
            }
            Auth::App(AppKey { id, private_key, owner, installation_id, now }) => {
                let installation = Installation::new(id.clone(), private_key, owner.clone(), *installation_id, *now)?;
                Ok(Self::App(Box::new(installation)))
            }
        }
    }
}
