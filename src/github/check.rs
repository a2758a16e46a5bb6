//! What `steward doctor` asks about a GitHub source. Must not wait: a doctor says what is wrong now.

use serde::{Deserialize, Serialize};

use super::{
    GithubSource,
    app::Installed,
    client::{Answer, JSON, Tally, Urgency},
    error::{Fault, GithubError},
};

/// The query that tells whether the owner is in sight.
const CHECK: &str = include_str!("check.graphql");
/// Below this share of its rate limit a token is shared with something greedy.
const LOW_BUDGET_PERCENT: u64 = 10;

const TOKEN: &str = "GitHub token";
const APP: &str = "GitHub App";
const PERMISSIONS: &str = "GitHub App's permissions";
const RATE_LIMIT: &str = "GitHub rate limit";
const OWNER: &str = "GitHub organisation";

/// What an App needs, as GitHub names it, and the level.
const NEEDED: [(&str, &str); 2] = [("contents", "read"), ("metadata", "read")];
/// What some of Steward's parts need besides, and which.
const USEFUL: [(&str, &str, &str); 3] = [
    ("checks", "write", "no check runs on pull requests"),
    ("pull_requests", "read", "no look at pull requests"),
    ("members", "read", "no teams and members from GitHub"),
];

/// One line of the doctor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at, `GitHub token`.
    pub name: String,
    /// What was found, good or bad, one sentence without a full stop.
    pub found: Result<String, String>,
    /// How to put it right, where it is wrong.
    pub fix: Option<String>,
}

impl Check {
    fn good(name: &str, found: String) -> Self {
        Self { name: name.to_owned(), found: Ok(found), fix: None }
    }

    fn bad(name: &str, error: &GithubError) -> Self {
        Self { name: name.to_owned(), found: Err(error.to_string()), fix: error.advice() }
    }
}

#[derive(Deserialize)]
struct RateLimits {
    resources: Resources,
}

#[derive(Deserialize)]
struct Resources {
    core: RateLimit,
    graphql: Option<RateLimit>,
}

#[derive(Deserialize)]
struct RateLimit {
    limit: u64,
    remaining: u64,
}

#[derive(Serialize)]
struct CheckVariables<'a> {
    owner: &'a str,
}

#[derive(Deserialize)]
struct Envelope {
    data: Option<Data>,
    errors: Option<Vec<Said>>,
}

#[derive(Deserialize)]
struct Said {
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    repository_owner: Option<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    login: String,
    repositories: Connection,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection {
    total_count: u64,
}

impl GithubSource {
    /// Looks at address, token or App, rate limit and organisation with a handful of requests; never fails itself.
    pub async fn check(&self) -> Vec<Check> {
        let tally = Tally::of(Urgency::Person);
        let installation = self.client.installation();
        let mut checks = match installation {
            None => Vec::new(),
            Some(installation) => match installation.find(&self.client, &tally).await {
                Ok(installed) => app(&installed),
                Err(fault) => return vec![Check::bad(APP, &at_once(fault))],
            },
        };
        match self.client.rest(&tally, "/rate_limit", JSON).await {
            Ok(answer) => {
                if installation.is_none() {
                    checks.push(token(&answer));
                }
                checks.extend(rate_limits(&answer));
            }
            // An Enterprise Server whose limits are turned off; its answer to the query tells of the token.
            Err(Fault::Final(GithubError::Rejected { status: 404, said })) if said.contains("not enabled") => {
                checks.push(Check::good(RATE_LIMIT, "turned off on this server".to_owned()));
            }
            Err(fault) => {
                checks.push(Check::bad(TOKEN, &at_once(self.client.not_github(fault))));
                return checks;
            }
        }
        checks.push(match self.load_owner(&tally).await {
            Ok(owner) => {
                let found = format!("{} is in sight with {} repositories", owner.login, owner.repositories.total_count);
                Check::good(OWNER, found)
            }
            Err(error) => Check::bad(OWNER, &error),
        });
        checks
    }

    async fn load_owner(&self, tally: &Tally) -> Result<Owner, GithubError> {
        let answer = self.client.graphql(tally, CHECK, CheckVariables { owner: &self.org }).await.map_err(at_once)?;
        let unreadable = |error: serde_json::Error| GithubError::NotGithub {
            address: self.client.address.clone(),
            said: format!("the answer is not GraphQL's: {error}"),
        };
        let Envelope { data, errors } = serde_json::from_slice(&answer.body).map_err(unreadable)?;
        if let Some(owner) = data.and_then(|data| data.repository_owner) {
            return Ok(owner);
        }
        match errors.unwrap_or_default().into_iter().next() {
            Some(Said { message }) if !message.contains("Could not resolve") => Err(GithubError::Forbidden { said: message }),
            Some(_) | None => Err(GithubError::UnknownOwner { owner: self.org.clone() }),
        }
    }
}

/// Which App it is, where it is installed, and what it may not do there.
fn app(installed: &Installed) -> Vec<Check> {
    let Installed { id, app_slug, account, permissions, repository_selection, suspended_at: _ } = installed;
    let slug = app_slug.as_deref().unwrap_or("the App");
    let login = account.as_ref().and_then(|account| account.login.as_deref()).unwrap_or("an enterprise");
    let seen = match repository_selection.as_deref() {
        Some("selected") => "selected repositories only",
        Some(_) | None => "all repositories",
    };
    let mut checks = vec![Check::good(APP, format!("{slug} is installed on {login} for {seen} (installation {id})"))];
    let lacks = |name: &str, level: &str| {
        let given = permissions.get(name).map(String::as_str);
        !(given == Some(level) || matches!(given, Some("write" | "admin")))
    };
    let needed = NEEDED.iter().filter(|(name, level)| lacks(name, level));
    let needed: Vec<_> = needed.map(|(name, level)| format!("{name} ({level})")).collect();
    let useful = USEFUL.iter().filter(|(name, level, _)| lacks(name, level));
    let useful: Vec<_> = useful.map(|(name, level, without)| format!("{name} ({level}): {without}")).collect();
    checks.push(if !needed.is_empty() {
        Check {
            name: PERMISSIONS.to_owned(),
            found: Err(format!("the App lacks {}", needed.join(", "))),
            fix: Some("Give it on the App's page on GitHub, and accept it in the organisation's settings.".to_owned()),
        }
    } else if !useful.is_empty() {
        Check::good(PERMISSIONS, format!("enough to read the catalog; without {}", useful.join("; without ")))
    } else {
        Check::good(PERMISSIONS, "all that Steward uses".to_owned())
    });
    checks
}

/// Classic tokens name their scopes in a header; fine-grained ones and those of Apps do not.
fn token(answer: &Answer) -> Check {
    let Some(scopes) = answer.headers.get("x-oauth-scopes").and_then(|value| value.to_str().ok()) else {
        return Check::good(TOKEN, "accepted (fine-grained, or of an App)".to_owned());
    };
    let scopes: Vec<_> = scopes.split(',').map(str::trim).filter(|scope| !scope.is_empty()).collect();
    if scopes.contains(&"repo") {
        return Check::good(TOKEN, format!("accepted, scopes {}", scopes.join(", ")));
    }
    let has = if scopes.is_empty() { "no scope".to_owned() } else { format!("only {}", scopes.join(", ")) };
    Check {
        name: TOKEN.to_owned(),
        found: Err(format!("accepted, but it has {has}: private repositories stay out of sight")),
        fix: Some("Add the scope `repo` to the token, or use a fine-grained one with Contents and Metadata.".to_owned()),
    }
}

fn rate_limits(answer: &Answer) -> Vec<Check> {
    let Ok(RateLimits { resources }) = serde_json::from_slice(&answer.body) else {
        return vec![Check::good(RATE_LIMIT, "not told".to_owned())];
    };
    let Resources { core, graphql } = resources;
    let line = |which: &str, RateLimit { limit, remaining }: RateLimit| {
        let left = format!("{remaining} of {limit} {which} left this hour");
        if remaining * 100 >= limit * LOW_BUDGET_PERCENT {
            return Check::good(RATE_LIMIT, left);
        }
        Check {
            name: RATE_LIMIT.to_owned(),
            found: Err(left),
            fix: Some("Give Steward a token of its own; something else uses this one up.".to_owned()),
        }
    };
    let core = line("REST requests", core);
    let graphql = graphql.map(|limit| line("GraphQL points", limit));
    std::iter::once(core).chain(graphql).collect()
}

/// A fault as the end of it, since the doctor does not try again.
pub(super) fn at_once(fault: Fault) -> GithubError {
    match fault {
        Fault::Final(error) => error,
        Fault::Limited { wait_secs: Some(wait_secs), said: _ } => GithubError::LimitTooLong { wait_secs, longest_secs: 0 },
        Fault::TooHeavy(last) | Fault::Transient(last) | Fault::Limited { wait_secs: None, said: last } => {
            GithubError::Unavailable { attempts: 1, last }
        }
    }
}
