//! Who wrote the latest commits of a repository. Must not judge what that means.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;

use super::{MakeError, Maker, within};
use crate::catalog::people::is_bot;

/// One page: who wrote before that says no more.
const MOST_COMMITS: usize = 100;

/// What GitHub calls an account that is no person's.
const BOT: &str = "Bot";

#[derive(Deserialize)]
struct Written {
    author: Option<Author>,
}

/// An empty object where GitHub does not know them, in older answers.
#[derive(Deserialize)]
struct Author {
    login: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl Maker {
    /// Logins of those who wrote the commits of the default branch since then, the latest first; `None` for one whose author
    /// has no account. Those of bots are left out.
    pub async fn load_authors(&self, repository: &str, since: DateTime<Utc>) -> Result<Vec<Option<String>>, MakeError> {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("since", &since.to_rfc3339_opts(SecondsFormat::Secs, true))
            .append_pair("per_page", &MOST_COMMITS.to_string())
            .finish();
        let commits: Vec<Written> = match self.read(&format!("{}?{query}", within(repository, &["commits"]))).await {
            // The repository is empty.
            Err(MakeError::Refused { status: 409, .. }) => return Ok(Vec::new()),
            read => read?,
        };
        let is_no_person = |author: &Author| author.kind.as_deref() == Some(BOT) || author.login.as_deref().is_some_and(is_bot);
        let people = commits.into_iter().filter(|commit| !commit.author.as_ref().is_some_and(is_no_person));
        Ok(people.map(|commit| commit.author.and_then(|author| author.login)).collect())
    }
}
