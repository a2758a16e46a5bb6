//! Webhooks of a repository, and workflows that are started.

use http::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{MakeError, Maker, understand, within};

/// Webhooks of one repository that are looked through; GitHub allows twenty for each event.
const MOST_HOOKS: usize = 100;

/// A webhook to be made.
#[derive(Debug, Clone)]
pub struct NewHook<'a> {
    pub url: &'a str,
    pub secret: Option<&'a SecretString>,
    pub events: &'a [String],
    pub is_active: bool,
    /// `json` or `form`.
    pub content_type: &'a str,
    pub is_insecure: bool,
}

/// A workflow that was started, as far as GitHub tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Dispatched {
    pub workflow_run_id: Option<i64>,
    pub run_url: Option<String>,
    pub html_url: Option<String>,
}

#[derive(Deserialize)]
struct Hook {
    id: i64,
    #[serde(default)]
    config: HookConfig,
}

#[derive(Default, Deserialize)]
struct HookConfig {
    url: Option<String>,
}

impl Maker {
    /// The webhook that delivers to an address.
    pub async fn find_hook(&self, repository: &str, url: &str) -> Result<Option<i64>, MakeError> {
        let place = format!("{}?per_page={MOST_HOOKS}", within(repository, &["hooks"]));
        let hooks: Vec<Hook> = self.read(&place).await?;
        Ok(hooks.into_iter().find(|hook| hook.config.url.as_deref() == Some(url)).map(|hook| hook.id))
    }

    pub async fn create_hook(&self, repository: &str, new: &NewHook<'_>) -> Result<i64, MakeError> {
        let mut config = json!({
            "url": new.url, "content_type": new.content_type, "insecure_ssl": if new.is_insecure { "1" } else { "0" },
        });
        if let Some(secret) = new.secret {
            config["secret"] = json!(secret.expose_secret());
        }
        let body = json!({ "name": "web", "active": new.is_active, "events": new.events, "config": config });
        let made: Hook = understand(&self.send(Method::POST, &within(repository, &["hooks"]), &body).await?)?;
        Ok(made.id)
    }

    /// False where it was gone already.
    pub async fn delete_hook(&self, repository: &str, id: i64) -> Result<bool, MakeError> {
        self.delete(&within(repository, &["hooks", &id.to_string()])).await
    }

    /// Starts a workflow. Nothing shows afterwards whether it was this that started it.
    pub async fn dispatch(
        &self,
        repository: &str,
        workflow: &str,
        reference: &str,
        inputs: &Json,
        wants_details: bool,
    ) -> Result<Dispatched, MakeError> {
        let place = within(repository, &["actions", "workflows", workflow, "dispatches"]);
        let mut body = json!({ "ref": reference });
        if inputs.as_object().is_some_and(|inputs| !inputs.is_empty()) {
            body["inputs"] = inputs.clone();
        }
        if wants_details {
            body["return_run_details"] = json!(true);
        }
        let answer = self.send(Method::POST, &place, &body).await?;
        if answer.status == StatusCode::NO_CONTENT {
            return Ok(Dispatched::default());
        }
        Ok(serde_json::from_slice(&answer.body).unwrap_or_default())
    }
}
