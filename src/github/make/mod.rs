//! What runs of templates make on GitHub: repositories and what belongs to them, branches, pull requests, labels, webhooks.
//! One attempt each. Must not decide what is made, nor whether it is tried again: an error says whether it happened.

mod access;
mod archive;
mod fill;
mod history;
mod hook;
mod issue;
mod protection;
mod pull;
mod repository;

use std::sync::Arc;

use http::Method;
use secrecy::SecretString;
use serde::{Serialize, de::DeserializeOwned};

pub use access::{Oidc, WorkflowAccess};
pub use archive::MOST_ARCHIVE_BYTES;
pub use fill::{Commit, Contents, Head, NewCommit, TreeEntry};
pub use hook::{Dispatched, NewHook};
pub use protection::Protection;
pub use pull::{NewPull, Pull};
pub use repository::{Made, MergeSettings, NewRepository, OwnerKind, Visibility};

use super::{
    Auth, Connection,
    client::{Answer, Client, JSON, Tally, Urgency},
    error::{Fault, GithubError},
    waits::Allowance,
};

/// One call waits no longer for its turn: the step that it is part of ends within some minutes.
const LONGEST_TURN: std::time::Duration = std::time::Duration::from_secs(120);

/// Makes things on one GitHub as one identity.
#[derive(Debug, Clone)]
pub struct Maker {
    client: Arc<Client>,
}

/// Why a deed did not come to a good end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MakeError {
    /// It did not happen, and would not the next time either.
    #[error("GitHub refused: {said}")]
    Refused { status: u16, said: String },
    /// It did not happen; later it may.
    #[error("GitHub did not do it now: {said}")]
    NotNow { said: String, wait: Option<std::time::Duration> },
    /// Nobody said whether it happened.
    #[error("GitHub may or may not have done it: {said}")]
    Unsure { said: String },
}

impl MakeError {
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { status: 404 | 410, .. })
    }

    /// Of a deed that has the same effect however often it is done.
    fn harmless(self) -> Self {
        match self {
            Self::Unsure { said } => Self::NotNow { said, wait: None },
            other => other,
        }
    }
}

impl Connection {
    /// `token` is that of whoever asked; without it Steward acts as itself.
    pub fn maker(&self, token: Option<&SecretString>) -> Result<Maker, GithubError> {
        let client = match token {
            None => Arc::clone(&self.client),
            Some(token) => Arc::new(Client::new(&self.client.address, &Auth::Token(token.clone()), self.waits)?),
        };
        Ok(Maker { client })
    }
}

impl Maker {
    async fn send(&self, method: Method, path: &str, body: &impl Serialize) -> Result<Answer, MakeError> {
        // Whatever creates waits for its quota, behind which nobody who only reads shall wait.
        let tally = Tally { urgency: Urgency::Webhook, allowance: Some(Arc::new(Allowance::new(LONGEST_TURN))) };
        self.client.send(&tally, &method, path, Some(body), JSON).await.map_err(MakeError::from)
    }

    /// Of a deed that has the same effect however often it is done.
    async fn put(&self, method: Method, path: &str, body: &impl Serialize) -> Result<Answer, MakeError> {
        self.send(method, path, body).await.map_err(MakeError::harmless)
    }

    async fn delete(&self, path: &str) -> Result<bool, MakeError> {
        let tally = Tally { urgency: Urgency::Webhook, allowance: Some(Arc::new(Allowance::new(LONGEST_TURN))) };
        match self.client.send(&tally, &Method::DELETE, path, None::<&()>, JSON).await.map_err(MakeError::from) {
            Ok(_) => Ok(true),
            Err(error) if error.is_missing() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn ask(&self, path: &str, accept: &'static str) -> Result<Answer, MakeError> {
        let tally = Tally { urgency: Urgency::Person, allowance: Some(Arc::new(Allowance::new(LONGEST_TURN))) };
        self.client.rest(&tally, path, accept).await.map_err(MakeError::from)
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, MakeError> {
        understand(&self.ask(path, JSON).await?)
    }

    /// `None` where it is not there, or not for this identity.
    async fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, MakeError> {
        match self.read(path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// An answer that says yes and cannot be read leaves open what was done.
fn understand<T: DeserializeOwned>(answer: &Answer) -> Result<T, MakeError> {
    serde_json::from_slice(&answer.body)
        .map_err(|error| MakeError::Unsure { said: format!("GitHub's answer cannot be read: {error}") })
}

impl From<Fault> for MakeError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Limited { wait_secs, said } => Self::NotNow { said, wait: wait_secs.map(std::time::Duration::from_secs) },
            // What may have been done and must not be done twice is final.
            Fault::TooHeavy(said) | Fault::Transient(said) => Self::NotNow { said, wait: None },
            Fault::Final(error) => error.into(),
        }
    }
}

impl From<GithubError> for MakeError {
    fn from(error: GithubError) -> Self {
        let said = match error.advice() {
            Some(advice) => format!("{error}. {advice}"),
            None => error.to_string(),
        };
        match error {
            GithubError::Rejected { status, said } => Self::Refused { status, said },
            GithubError::Unsure { said } => Self::Unsure { said },
            GithubError::LimitTooLong { .. } | GithubError::Crowded { .. } | GithubError::Unavailable { .. } => {
                Self::NotNow { said, wait: None }
            }
            GithubError::BadToken | GithubError::BadApp { .. } => Self::Refused { status: 401, said },
            GithubError::Forbidden { said: words } => Self::Refused { status: 403, said: words },
            GithubError::Config { .. }
            | GithubError::NotInstalled { .. }
            | GithubError::Suspended { .. }
            | GithubError::OrgForbidden { .. }
            | GithubError::UnknownOwner { .. }
            | GithubError::NotGithub { .. }
            | GithubError::Client { .. }
            | GithubError::Stopped => Self::Refused { status: 403, said },
        }
    }
}

/// A REST path, with whatever its parts hold escaped.
fn path(segments: &[&str]) -> String {
    let mut url = url::Url::parse("http://github").expect("a fixed address");
    url.path_segments_mut().expect("http addresses have segments").extend(segments);
    url.path().to_owned()
}

/// The path of something in a repository named `acme/shop`; a part with slashes, a branch, is several segments.
fn within(repository: &str, segments: &[&str]) -> String {
    let parts: Vec<&str> = ["repos"].into_iter().chain(repository.split('/')).chain(segments.iter().copied()).collect();
    path(&parts)
}
