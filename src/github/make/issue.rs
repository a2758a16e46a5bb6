//! Labels and assignees, of issues and pull requests alike. Setting them again changes nothing.

use http::Method;
use serde_json::json;

use super::{MakeError, Maker, within};

impl Maker {
    pub async fn add_labels(&self, repository: &str, number: i64, labels: &[String]) -> Result<(), MakeError> {
        let place = within(repository, &["issues", &number.to_string(), "labels"]);
        self.put(Method::POST, &place, &json!({ "labels": labels })).await.map(drop)
    }

    pub async fn assign(&self, repository: &str, number: i64, users: &[String]) -> Result<(), MakeError> {
        let place = within(repository, &["issues", &number.to_string(), "assignees"]);
        self.put(Method::POST, &place, &json!({ "assignees": users })).await.map(drop)
    }
}
