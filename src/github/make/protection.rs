//! Protection of a branch, by the API that every GitHub has. Must not decide what is protected.

use http::Method;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::{MakeError, Maker, within};

/// What is asked of changes to a branch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Protection {
    pub required_status_checks: Option<Json>,
    pub enforce_admins: bool,
    pub required_pull_request_reviews: Option<Json>,
    pub restrictions: Option<Json>,
    pub required_linear_history: bool,
    pub required_conversation_resolution: bool,
    pub block_creations: bool,
    /// Asked for apart.
    #[serde(skip)]
    pub required_signatures: bool,
}

impl Maker {
    /// Replaces whatever protection there was.
    pub async fn protect_branch(&self, repository: &str, branch: &str, protection: &Protection) -> Result<(), MakeError> {
        let place = within(repository, &["branches", branch, "protection"]);
        self.put(Method::PUT, &place, protection).await?;
        if protection.required_signatures {
            self.put(Method::POST, &format!("{place}/required_signatures"), &json!({})).await?;
        }
        Ok(())
    }
}

impl MakeError {
    /// GitHub sells protection of private repositories with its larger plans.
    pub fn wants_larger_plan(&self) -> bool {
        matches!(self, Self::Refused { status: 403, said } if said.contains("Upgrade to GitHub"))
    }
}
