//! People from a SCIM 2.0 service (<https://www.rfc-editor.org/rfc/rfc7644>). Must not write anything there.

use std::{collections::HashMap, time::Duration};

use reqwest::{Client, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::DeserializeOwned};

use super::{Listed, Listing, PeopleError, title_of};
use crate::{
    catalog::people::TeamRecord,
    requests::Requests,
    web::{build_client, read_at_most},
};

/// Identity providers give 100 or 200 at most, whatever is asked for.
const PAGE: usize = 100;
/// 200,000 persons or groups; a service that goes round in circles ends here.
const MAX_PAGES: usize = 2_000;
/// A hundred persons with everything some providers add to them.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Faults in a row before giving up.
const MAX_ATTEMPTS: u32 = 6;
/// One page and its whole answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// A limit that asks for more than this ends the sweep; the next one tries again.
const LONGEST_WAIT_SECS: u64 = 300;

/// Where the service is.
#[derive(Debug, Clone)]
pub struct ScimConfig {
    /// Up to and without `/Users`.
    pub url: String,
    pub token: SecretString,
    pub waits: ScimWaits,
}

/// Waits between attempts. `Default` is for production; tests run it faster.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScimWaits {
    /// After a first fault; doubles with each further one.
    pub first: Duration,
    /// How long an announced second lasts.
    pub announced_second: Duration,
}

impl Default for ScimWaits {
    fn default() -> Self {
        Self { first: Duration::from_millis(500), announced_second: Duration::from_secs(1) }
    }
}

#[derive(Debug)]
pub(super) struct ScimClient {
    http: Client,
    config: ScimConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "T: Deserialize<'de>"))]
struct ListResponse<T> {
    #[serde(default)]
    total_results: usize,
    #[serde(default, rename = "Resources", alias = "resources")]
    resources: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: String,
    user_name: Option<String>,
    display_name: Option<String>,
    name: Option<Name>,
    title: Option<String>,
    #[serde(default = "yes")]
    active: bool,
    #[serde(default)]
    emails: Vec<Email>,
    external_id: Option<String>,
    #[serde(rename = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", default)]
    enterprise: Enterprise,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Name {
    formatted: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
}

#[derive(Deserialize)]
struct Email {
    value: Option<String>,
    #[serde(default)]
    primary: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Enterprise {
    employee_number: Option<String>,
    manager: Option<Reference>,
}

#[derive(Deserialize)]
struct Reference {
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    id: String,
    display_name: Option<String>,
    #[serde(default)]
    members: Vec<Reference>,
}

/// One attempt that did not succeed.
enum Fault {
    Final(String),
    Passing { said: String, wait_secs: Option<u64> },
}

impl ScimClient {
    pub(super) fn new(config: ScimConfig) -> Result<Self, PeopleError> {
        let bad = |why: String| PeopleError::Scim { url: config.url.clone(), why };
        let parsed = url::Url::parse(&config.url).map_err(|error| bad(format!("it is no address: {error}")))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(bad("it is neither http nor https".to_owned()));
        }
        let text = config.token.expose_secret().trim();
        let mut token = header::HeaderValue::try_from(format!("Bearer {text}"))
            .map_err(|_| PeopleError::BadToken("it has characters no token has".to_owned()))?;
        token.set_sensitive(true);
        let headers = header::HeaderMap::from_iter([
            (header::AUTHORIZATION, token),
            (header::ACCEPT, header::HeaderValue::from_static("application/scim+json, application/json")),
        ]);
        let http = build_client(REQUEST_TIMEOUT, |client| client.default_headers(headers)).map_err(bad)?;
        Ok(Self { http, config })
    }

    /// All persons with the groups they are in.
    pub(super) async fn read(&self) -> Result<Listed, PeopleError> {
        let users: Vec<User> = self.load_all("Users").await?;
        if users.is_empty() {
            return Err(self.error("it lists nobody".to_owned()));
        }
        let groups: Vec<Group> = self.load_all("Groups").await?;
        let mut teams_of: HashMap<String, Vec<String>> = HashMap::new();
        let mut parents: HashMap<String, String> = HashMap::new();
        let names: HashMap<String, String> = groups
            .iter()
            .map(|group| (group.id.clone(), group.display_name.clone().unwrap_or_else(|| group.id.clone())))
            .collect();
        for group in &groups {
            let name = &names[&group.id];
            for member in group.members.iter().filter_map(|member| member.value.as_ref()) {
                // A group may hold groups.
                match names.get(member) {
                    Some(child) if child != name => drop(parents.insert(child.clone(), name.clone())),
                    Some(_) => {}
                    None => teams_of.entry(member.clone()).or_default().push(name.clone()),
                }
            }
        }
        let mut all: Vec<&String> = names.values().collect();
        all.sort();
        all.dedup();
        let team = |name: &String| TeamRecord {
            key: name.clone(),
            title: title_of(name),
            parent: parents.get(name).cloned(),
            ..TeamRecord::default()
        };
        let teams = all.into_iter().map(team).collect();
        // Managers are named by the service's own key, which no person should have to read.
        let shown: HashMap<String, String> =
            users.iter().map(|user| (user.id.clone(), user.number().unwrap_or_else(|| user.id.clone()))).collect();
        let people = users.into_iter().map(|user| {
            let teams = teams_of.remove(&user.id).unwrap_or_default();
            listing(user, teams, &shown)
        });
        Ok(Listed { people: people.collect(), teams, errors: Vec::new() })
    }

    /// Every page of a list; one that ends before its own count is an error.
    async fn load_all<T: DeserializeOwned>(&self, list: &str) -> Result<Vec<T>, PeopleError> {
        let mut all: Vec<T> = Vec::new();
        for _ in 0..MAX_PAGES {
            let url = format!("{}/{list}?startIndex={}&count={PAGE}", self.config.url.trim_end_matches('/'), all.len() + 1);
            let page: ListResponse<T> = self.load(&url).await?;
            let is_empty = page.resources.is_empty();
            all.extend(page.resources);
            if all.len() >= page.total_results {
                return Ok(all);
            }
            if is_empty {
                let (total, brought) = (page.total_results, all.len());
                return Err(self.error(format!("{list} counts {total} and brought {brought}; nothing was changed")));
            }
        }
        Err(self.error(format!("{list} has more than {} entries", MAX_PAGES * PAGE)))
    }

    async fn load<T: DeserializeOwned>(&self, url: &str) -> Result<T, PeopleError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (said, wait_secs) = match self.ask(url).await {
                Ok(bytes) => match serde_json::from_slice(&bytes) {
                    Ok(page) => return Ok(page),
                    Err(error) => (format!("the answer cannot be read: {error}"), None),
                },
                Err(Fault::Final(why)) => return Err(self.error(why)),
                Err(Fault::Passing { said, wait_secs }) => (said, wait_secs),
            };
            if attempt == MAX_ATTEMPTS || wait_secs.is_some_and(|secs| secs > LONGEST_WAIT_SECS) {
                return Err(self.error(format!("{said} (attempt {attempt})")));
            }
            let wait = match wait_secs {
                Some(secs) => self.config.waits.announced_second.saturating_mul(u32::try_from(secs).unwrap_or(u32::MAX)),
                None => self.config.waits.first.saturating_mul(1 << attempt.min(10)),
            };
            tracing::warn!(attempt, wait_ms = wait.as_millis(), fault = said, "SCIM did not answer well, trying again");
            tokio::time::sleep(wait).await;
        }
    }

    async fn ask(&self, url: &str) -> Result<Vec<u8>, Fault> {
        let passing = |error: reqwest::Error| Fault::Passing { said: error.without_url().to_string(), wait_secs: None };
        Requests::REST.note();
        let response = self.http.get(url).send().await.map_err(passing)?;
        let status = response.status();
        let announced = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Err(Fault::Passing { said: format!("it answers {status}"), wait_secs: announced });
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(Fault::Final(format!(
                "it refuses the token ({status}); set scim.token to one that may read Users and Groups"
            )));
        }
        if !status.is_success() {
            return Err(Fault::Final(format!("it answers {status}; write scim.url up to and without /Users")));
        }
        let bytes = read_at_most(response, MAX_ANSWER_BYTES).await.map_err(passing)?;
        bytes.ok_or_else(|| Fault::Final(format!("an answer is longer than {MAX_ANSWER_BYTES} bytes")))
    }

    fn error(&self, why: String) -> PeopleError {
        PeopleError::Scim { url: self.config.url.clone(), why }
    }
}

impl User {
    /// What people know the person's record by.
    fn number(&self) -> Option<String> {
        self.enterprise.employee_number.clone().or_else(|| self.external_id.clone()).filter(|number| !number.trim().is_empty())
    }
}

fn listing(user: User, teams: Vec<String>, shown: &HashMap<String, String>) -> Listing {
    let id = user.number().unwrap_or_else(|| user.id.clone());
    let name = user.display_name.clone().or_else(|| {
        let name = user.name.as_ref()?;
        name.formatted.clone().or_else(|| Some(format!("{} {}", name.given_name.as_deref()?, name.family_name.as_deref()?)))
    });
    let primary = user.emails.iter().find(|email| email.primary).or(user.emails.first()).and_then(|email| email.value.clone());
    let email = primary.or_else(|| user.user_name.clone().filter(|name| name.contains('@')));
    let manager = user.enterprise.manager.and_then(|manager| manager.value);
    Listing {
        id: Some(id),
        name,
        email,
        title: user.title,
        teams,
        manager: manager.map(|id| shown.get(&id).cloned().unwrap_or(id)),
        left: (!user.active).then(|| "yes".to_owned()),
        ..Listing::default()
    }
}
