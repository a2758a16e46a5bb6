//! Who may use a repository, and what its workflows know. Setting it again changes nothing.

use base64::prelude::{BASE64_STANDARD, Engine};
use crypto_box::{PublicKey, aead::OsRng};
use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{MakeError, Maker, path, within};

/// How workflows identify themselves elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Oidc {
    pub use_default: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include_claim_keys: Vec<String>,
}

/// Who else may use the workflows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkflowAccess {
    None,
    Organization,
    User,
}

#[derive(Deserialize)]
struct RepositoryKey {
    key_id: String,
    key: String,
}

impl Maker {
    /// `access` as GitHub names it: pull, triage, push, maintain, admin, or a role of the organisation's own.
    pub async fn add_collaborator(&self, repository: &str, user: &str, access: &str) -> Result<(), MakeError> {
        let place = within(repository, &["collaborators", user]);
        self.put(Method::PUT, &place, &json!({ "permission": access })).await.map(drop)
    }

    pub async fn add_team(&self, repository: &str, team: &str, access: &str) -> Result<(), MakeError> {
        let (owner, name) = repository.split_once('/').unwrap_or((repository, ""));
        let place = path(&["orgs", owner, "teams", team, "repos", owner, name]);
        self.put(Method::PUT, &place, &json!({ "permission": access })).await.map(drop)
    }

    pub async fn set_variable(&self, repository: &str, name: &str, value: &str) -> Result<(), MakeError> {
        let place = within(repository, &["actions", "variables"]);
        let body = json!({ "name": name, "value": value });
        match self.put(Method::POST, &place, &body).await {
            Err(MakeError::Refused { status: 409, .. }) => {
                let place = within(repository, &["actions", "variables", name]);
                self.put(Method::PATCH, &place, &body).await.map(drop)
            }
            other => other.map(drop),
        }
    }

    /// Sealed for the repository's own key: nobody else can read it.
    pub async fn set_secret(&self, repository: &str, name: &str, value: &SecretString) -> Result<(), MakeError> {
        let known: RepositoryKey = self.read(&within(repository, &["actions", "secrets", "public-key"])).await?;
        let sealed = seal(&known.key, value)
            .ok_or_else(|| MakeError::Refused { status: 422, said: "GitHub's key for secrets cannot be used".to_owned() })?;
        let place = within(repository, &["actions", "secrets", name]);
        self.put(Method::PUT, &place, &json!({ "encrypted_value": sealed, "key_id": known.key_id })).await.map(drop)
    }

    pub async fn set_oidc(&self, repository: &str, oidc: &Oidc) -> Result<(), MakeError> {
        self.put(Method::PUT, &within(repository, &["actions", "oidc", "customization", "sub"]), oidc).await.map(drop)
    }

    pub async fn set_workflow_access(&self, repository: &str, access: WorkflowAccess) -> Result<(), MakeError> {
        let place = within(repository, &["actions", "permissions", "access"]);
        self.put(Method::PUT, &place, &json!({ "access_level": access })).await.map(drop)
    }

    pub async fn subscribe(&self, repository: &str) -> Result<(), MakeError> {
        let place = within(repository, &["subscription"]);
        self.put(Method::PUT, &place, &json!({ "subscribed": true, "ignored": false })).await.map(drop)
    }
}

fn seal(key: &str, value: &SecretString) -> Option<String> {
    let key: [u8; 32] = BASE64_STANDARD.decode(key).ok()?.try_into().ok()?;
    let sealed = PublicKey::from(key).seal(&mut OsRng, value.expose_secret().as_bytes()).ok()?;
    Some(BASE64_STANDARD.encode(sealed))
}
