//! Repositories: made, looked up, changed, deleted. Must not fill them.

use chrono::{DateTime, Utc};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::{MakeError, Maker, path, understand, within};

/// Who owns repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerKind {
    Organisation,
    User,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    Private,
    Public,
    Internal,
}

/// What a repository shall be. What is `None` is left to GitHub.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NewRepository {
    pub name: String,
    pub visibility: Visibility,
    /// Begins with a commit; GitHub's Git Data API does not work on an empty one.
    pub auto_init: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_projects: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_wiki: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_issues: Option<bool>,
    #[serde(flatten)]
    pub merges: MergeSettings,
    /// Of an organisation only.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub custom_properties: Map<String, Json>,
}

/// How pull requests are merged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MergeSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_branch_on_merge: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_merge_commit: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_squash_merge: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_rebase_merge: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_auto_merge: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub squash_merge_commit_title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub squash_merge_commit_message: Option<String>,
    /// Not taken at creation by every GitHub: set afterwards.
    #[serde(skip)]
    pub allow_update_branch: Option<bool>,
}

/// A repository as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    pub id: i64,
    /// `acme/shop`.
    pub full_name: String,
    pub html_url: String,
    #[serde(default)]
    pub clone_url: Option<String>,
    #[serde(default = "main")]
    pub default_branch: String,
    #[serde(default)]
    pub private: bool,
    pub created_at: Option<DateTime<Utc>>,
}

fn main() -> String {
    "main".to_owned()
}

#[derive(Deserialize)]
struct Account {
    #[serde(rename = "type")]
    kind: String,
}

impl Maker {
    /// `None` where there is no such owner.
    pub async fn find_owner(&self, login: &str) -> Result<Option<OwnerKind>, MakeError> {
        let found: Option<Account> = self.find(&path(&["users", login])).await?;
        Ok(found.map(|account| if account.kind == "Organization" { OwnerKind::Organisation } else { OwnerKind::User }))
    }

    /// `None` also for a while after it was made, and where this identity may not see it.
    pub async fn find_repository(&self, owner: &str, name: &str) -> Result<Option<Made>, MakeError> {
        self.find(&path(&["repos", owner, name])).await
    }

    /// The same where it must be there: refused with 404 otherwise.
    pub async fn find_visible(&self, owner: &str, name: &str) -> Result<Made, MakeError> {
        self.read(&path(&["repos", owner, name])).await
    }

    /// Refused with 422 where the name is taken.
    pub async fn create_repository(&self, owner: &str, kind: OwnerKind, new: &NewRepository) -> Result<Made, MakeError> {
        let mut body = serde_json::to_value(new).expect("plain values");
        body["private"] = json!(new.visibility != Visibility::Public);
        let place = match kind {
            OwnerKind::Organisation => path(&["orgs", owner, "repos"]),
            OwnerKind::User => {
                for of_organisations in ["visibility", "custom_properties"] {
                    body.as_object_mut().expect("it is an object").remove(of_organisations);
                }
                path(&["user", "repos"])
            }
        };
        understand(&self.send(Method::POST, &place, &body).await?)
    }

    /// Changes facts of a repository; setting them again changes nothing.
    pub async fn change_repository(&self, repository: &str, changes: &Json) -> Result<Made, MakeError> {
        understand(&self.put(Method::PATCH, &within(repository, &[]), changes).await?).map_err(MakeError::harmless)
    }

    pub async fn set_topics(&self, repository: &str, topics: &[String]) -> Result<(), MakeError> {
        let names: Vec<String> = topics.iter().map(|topic| topic.to_lowercase()).collect();
        self.put(Method::PUT, &within(repository, &["topics"]), &json!({ "names": names })).await.map(drop)
    }

    /// False where it was gone already.
    pub async fn delete_repository(&self, repository: &str) -> Result<bool, MakeError> {
        self.delete(&within(repository, &[])).await
    }
}

impl MakeError {
    /// The name is taken: by somebody else, or by a deed of which no answer came.
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Refused { status: 422, said } if said.contains("already exists"))
    }
}
