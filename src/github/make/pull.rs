//! Pull requests: opened, found, changed, closed. Must not make their branches.

use chrono::{DateTime, Utc};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{MakeError, Maker, understand, within};

/// A pull request to be opened, inside of one repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewPull<'a> {
    pub title: &'a str,
    pub body: &'a str,
    /// The branch that is proposed.
    pub head: &'a str,
    /// The branch it is to be merged into.
    pub base: &'a str,
    pub draft: bool,
}

/// A pull request that is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Pull {
    pub number: i64,
    pub html_url: String,
    pub state: String,
    #[serde(default)]
    pub body: Option<String>,
    /// Lists of pull requests say it, too.
    #[serde(default)]
    pub merged_at: Option<DateTime<Utc>>,
}

impl Pull {
    pub fn is_open(&self) -> bool {
        self.state == "open"
    }
}

impl Maker {
    /// The open one from a branch, if there is one; `base` may be left open.
    pub async fn find_pull(&self, repository: &str, head: &str) -> Result<Option<Pull>, MakeError> {
        self.find_pull_of(repository, head, "open").await
    }

    /// The latest one from a branch, whatever has become of it.
    pub async fn find_any_pull(&self, repository: &str, head: &str) -> Result<Option<Pull>, MakeError> {
        self.find_pull_of(repository, head, "all").await
    }

    /// `None` where there is none, or none for this identity.
    pub async fn load_pull(&self, repository: &str, number: i64) -> Result<Option<Pull>, MakeError> {
        self.find(&within(repository, &["pulls", &number.to_string()])).await
    }

    async fn find_pull_of(&self, repository: &str, head: &str, state: &str) -> Result<Option<Pull>, MakeError> {
        let owner = repository.split('/').next().unwrap_or_default();
        let query = [("head", format!("{owner}:{head}")), ("state", state.to_owned())];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let place = format!("{}?{query}", within(repository, &["pulls"]));
        Ok(self.read::<Vec<Pull>>(&place).await?.into_iter().next())
    }

    /// Refused with 422 where there is one from this branch already.
    pub async fn open_pull(&self, repository: &str, new: &NewPull<'_>) -> Result<Pull, MakeError> {
        understand(&self.send(Method::POST, &within(repository, &["pulls"]), new).await?)
    }

    pub async fn change_pull(&self, repository: &str, number: i64, title: &str, body: &str) -> Result<(), MakeError> {
        let place = within(repository, &["pulls", &number.to_string()]);
        self.put(Method::PATCH, &place, &json!({ "title": title, "body": body })).await.map(drop)
    }

    pub async fn close_pull(&self, repository: &str, number: i64) -> Result<(), MakeError> {
        let place = within(repository, &["pulls", &number.to_string()]);
        self.put(Method::PATCH, &place, &json!({ "state": "closed" })).await.map(drop)
    }

    /// Asking somebody again who has been asked changes nothing.
    pub async fn ask_reviewers(
        &self,
        repository: &str,
        number: i64,
        users: &[String],
        teams: &[String],
    ) -> Result<(), MakeError> {
        let place = within(repository, &["pulls", &number.to_string(), "requested_reviewers"]);
        self.put(Method::POST, &place, &json!({ "reviewers": users, "team_reviewers": teams })).await.map(drop)
    }
}
