//! GitHub's webhooks: whether one is GitHub's, and what it asks to look at again. Must not act on it, and must not take
//! anything for true because it says so: <https://docs.github.com/en/webhooks/webhook-events-and-payloads>.
//!
//! octocrab's `WebhookEvent` refuses a payload for any field it does not expect; these structs read a few fields, each of
//! which may be missing, so that GitHub's next version or an Enterprise Server's last one is understood too.

use std::fmt;

use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;

use crate::catalog::{EventKind, RepositoryEvent, RepositoryKey};

/// The header with `sha256=` and 64 hex digits over the raw body.
pub const SIGNATURE_HEADER: &str = "x-hub-signature-256";
/// The header that names the event, `push`.
pub const EVENT_HEADER: &str = "x-github-event";
/// The header with the delivery's id, one for all repetitions.
pub const DELIVERY_HEADER: &str = "x-github-delivery";

/// The name of Steward's check runs, by which it knows its own.
pub const CHECK_NAME: &str = "Steward";

/// Repositories newly given to an App are looked at one by one up to here; more are cheaper in one sweep.
const MOST_LOOKS: usize = 100;
/// Letters kept of a title, address or name: enough for a line in chat.
const LONGEST_TEXT: usize = 500;

/// Checks that a body was signed with one secret.
#[derive(Clone)]
pub struct HookVerifier {
    keyed: Hmac<Sha256>,
}

impl HookVerifier {
    /// `None` for an empty secret, with which anybody could sign.
    pub fn new(secret: &SecretString) -> Option<Self> {
        // A secret read from a file often ends with a line break that GitHub was never given.
        let secret = secret.expose_secret().trim_end_matches(['\r', '\n']);
        if secret.trim().is_empty() {
            return None;
        }
        Some(Self { keyed: Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length") })
    }

    /// Compares in constant time.
    pub fn accepts(&self, signature: &HookSignature, body: &[u8]) -> bool {
        let mut mac = self.keyed.clone();
        mac.update(body);
        mac.verify_slice(&signature.0).is_ok()
    }
}

impl fmt::Debug for HookVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookVerifier(..)")
    }
}

/// A well-formed signature; whose it is, a [`HookVerifier`] knows.
#[derive(Debug)]
pub struct HookSignature([u8; 32]);

impl HookSignature {
    /// Reads the header's value.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(value.strip_prefix(b"sha256=")?, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

/// What a delivery says, as far as Steward cares.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Heard {
    pub action: Option<String>,
    /// Logins of the organisations or users it is about; empty where it names none.
    pub owners: Vec<String>,
    pub marks: Vec<Mark>,
    /// Kept as it is told: nothing else depends on it.
    pub happened: Option<RepositoryEvent>,
}

/// Something to be looked at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// The repository, whatever happened to it.
    Repository(RepositoryKey),
    /// One branch of it.
    Branch {
        repository: RepositoryKey,
        branch: String,
        is_default: bool,
    },
    /// All repositories of the owner.
    Everything,
    /// Teams and members.
    People,
    PullRequest {
        repository: RepositoryKey,
        number: i64,
    },
    /// A pull request that was merged, or closed without it.
    ClosedPull {
        repository_id: i64,
        number: i64,
    },
}

/// The events that lead to something, of all that GitHub may send.
const EVENTS: [&str; 15] = [
    "push",
    "repository",
    "organization",
    "team",
    "team_add",
    "membership",
    "member",
    "installation",
    "installation_repositories",
    "installation_target",
    "pull_request",
    "check_run",
    "deployment_status",
    "workflow_run",
    "ping",
];

/// The event by its own name, where Steward listens to it.
pub fn known_event(name: &str) -> Option<&'static str> {
    EVENTS.into_iter().find(|known| *known == name)
}

/// Reads a payload. An event that Steward does not listen to says nothing.
pub fn parse_delivery(event: &str, body: &[u8]) -> Result<Heard, serde_json::Error> {
    if known_event(event).is_none() {
        return Ok(Heard::default());
    }
    let payload: Payload = serde_json::from_slice(body)?;
    let mut heard = Heard { owners: payload.owners(), ..Heard::default() };
    match event {
        "push" => heard.marks.extend(payload.push()),
        "repository" => heard.marks.extend(payload.key().map(Mark::Repository)),
        "organization" => {
            heard.marks.push(Mark::People);
            if matches!(payload.action(), "renamed" | "deleted") {
                heard.marks.push(Mark::Everything);
            }
        }
        "team" | "team_add" | "membership" | "member" => heard.marks.push(Mark::People),
        "installation" | "installation_target" => heard.marks.push(Mark::Everything),
        "installation_repositories" => heard.marks = payload.installed(),
        "pull_request" => (heard.marks, heard.happened) = payload.pull_request(),
        "check_run" => heard.marks = payload.check_run(),
        "deployment_status" => heard.happened = payload.deployment(),
        "workflow_run" => heard.happened = payload.workflow(),
        // `ping` says that the hook is set up.
        _ => {}
    }
    heard.action = payload.action.map(clean);
    Ok(heard)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Payload {
    action: Option<String>,
    #[serde(rename = "ref")]
    git_ref: Option<String>,
    organization: Option<Account>,
    repository: Option<Repository>,
    installation: Option<Installation>,
    account: Option<Account>,
    // Another shape for each event.
    changes: Option<Value>,
    repositories_added: Option<Vec<Repository>>,
    repositories_removed: Option<Vec<Repository>>,
    pull_request: Option<PullRequest>,
    check_run: Option<CheckRun>,
    deployment: Option<Deployment>,
    deployment_status: Option<DeploymentStatus>,
    workflow_run: Option<WorkflowRun>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Account {
    login: Option<String>,
    // What a push calls an owner's login on old Enterprise Servers.
    name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Repository {
    id: Option<i64>,
    node_id: Option<String>,
    full_name: Option<String>,
    default_branch: Option<String>,
    owner: Option<Account>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Installation {
    account: Option<Account>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PullRequest {
    number: Option<i64>,
    title: Option<String>,
    html_url: Option<String>,
    merged: Option<bool>,
    merged_at: Option<DateTime<Utc>>,
    user: Option<Account>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CheckRun {
    name: Option<String>,
    pull_requests: Option<Vec<PullRequest>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Deployment {
    id: Option<i64>,
    #[serde(rename = "ref")]
    git_ref: Option<String>,
    environment: Option<String>,
    description: Option<String>,
    creator: Option<Account>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DeploymentStatus {
    state: Option<String>,
    environment: Option<String>,
    created_at: Option<DateTime<Utc>>,
    environment_url: Option<String>,
    log_url: Option<String>,
    target_url: Option<String>,
    creator: Option<Account>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WorkflowRun {
    id: Option<i64>,
    name: Option<String>,
    display_title: Option<String>,
    html_url: Option<String>,
    head_branch: Option<String>,
    conclusion: Option<String>,
    updated_at: Option<DateTime<Utc>>,
    actor: Option<Account>,
}

impl Payload {
    fn action(&self) -> &str {
        self.action.as_deref().unwrap_or_default()
    }

    /// Everybody it may be about: a transfer is about two, a renaming about one by two names.
    fn owners(&self) -> Vec<String> {
        let installed = self.installation.as_ref().and_then(|installation| installation.account.as_ref());
        let repository = self.repository.as_ref();
        let accounts =
            [self.organization.as_ref(), repository.and_then(|it| it.owner.as_ref()), installed, self.account.as_ref()];
        let mut owners: Vec<String> = accounts.into_iter().flatten().filter_map(Account::login).collect();
        let full_name = repository.and_then(|it| it.full_name.as_deref());
        owners.extend(full_name.and_then(|name| name.split_once('/')).map(|(owner, _)| owner.to_owned()));
        let before = ["/owner/from/organization/login", "/owner/from/user/login", "/login/from"];
        let changes = self.changes.as_ref();
        owners.extend(before.iter().filter_map(|at| changes?.pointer(at)?.as_str().map(str::to_owned)));
        let mut known: Vec<String> = Vec::new();
        for owner in owners {
            if !known.iter().any(|other| other.eq_ignore_ascii_case(&owner)) {
                known.push(owner);
            }
        }
        known
    }

    fn key(&self) -> Option<RepositoryKey> {
        self.repository.as_ref()?.key()
    }

    fn push(&self) -> Option<Mark> {
        let repository = self.repository.as_ref()?;
        let branch = self.git_ref.as_deref().unwrap_or_default().strip_prefix("refs/heads/")?;
        let is_default = repository.default_branch.as_deref().is_none_or(|default| default == branch);
        Some(Mark::Branch { repository: repository.key()?, branch: branch.to_owned(), is_default })
    }

    fn installed(&self) -> Vec<Mark> {
        let (added, removed) = (self.repositories_added.as_deref(), self.repositories_removed.as_deref());
        let added = added.unwrap_or_default();
        if !removed.unwrap_or_default().is_empty() || added.is_empty() || added.len() > MOST_LOOKS {
            return vec![Mark::Everything];
        }
        let mut keys: Vec<RepositoryKey> = added.iter().filter_map(Repository::key).collect();
        // Enqueueing locks each job's key: in one order, two deliveries cannot wait for one another.
        keys.sort_by_key(|key| key.id);
        keys.dedup_by_key(|key| key.id);
        keys.into_iter().map(Mark::Repository).collect()
    }

    fn pull_request(&self) -> (Vec<Mark>, Option<RepositoryEvent>) {
        let (Some(repository), Some(pull)) = (self.key(), &self.pull_request) else { return (Vec::new(), None) };
        match self.action() {
            "opened" | "synchronize" | "reopened" => {
                (pull.number.map(|number| Mark::PullRequest { repository, number }).into_iter().collect(), None)
            }
            "closed" => {
                let closed = pull.number.map(|number| Mark::ClosedPull { repository_id: repository.id, number });
                let is_merged = pull.merged == Some(true);
                (closed.into_iter().collect(), self.merge(repository.id, pull).filter(|_| is_merged))
            }
            _ => (Vec::new(), None),
        }
    }

    fn merge(&self, repository_id: i64, pull: &PullRequest) -> Option<RepositoryEvent> {
        let number = pull.number?;
        Some(RepositoryEvent {
            repository_id,
            kind: EventKind::Merge,
            outside_id: number,
            at: pull.merged_at?,
            title: line(pull.title.as_deref()).unwrap_or_else(|| format!("#{number}")),
            url: line(pull.html_url.as_deref()),
            author: pull.user.as_ref().and_then(Account::login),
            state: None,
            environment: None,
        })
    }

    /// Somebody pressed "Re-run" beside a check of ours.
    fn check_run(&self) -> Vec<Mark> {
        let (Some(repository), Some(run)) = (self.key(), &self.check_run) else { return Vec::new() };
        if self.action() != "rerequested" || run.name.as_deref() != Some(CHECK_NAME) {
            return Vec::new();
        }
        let pulls = run.pull_requests.iter().flatten().filter_map(|pull| pull.number);
        pulls.take(MOST_LOOKS).map(|number| Mark::PullRequest { repository: repository.clone(), number }).collect()
    }

    fn deployment(&self) -> Option<RepositoryEvent> {
        let (deployment, status) = (self.deployment.as_ref()?, self.deployment_status.as_ref()?);
        let environment = line(status.environment.as_deref()).or_else(|| line(deployment.environment.as_deref()));
        let title = line(deployment.description.as_deref()).or_else(|| line(deployment.git_ref.as_deref()));
        let urls = [&status.log_url, &status.target_url, &status.environment_url];
        Some(RepositoryEvent {
            repository_id: self.key()?.id,
            kind: EventKind::Deployment,
            outside_id: deployment.id?,
            at: status.created_at?,
            title: title.unwrap_or_else(|| "Deployment".to_owned()),
            url: urls.into_iter().find_map(|url| line(url.as_deref())),
            author: deployment.creator.as_ref().or(status.creator.as_ref()).and_then(Account::login),
            state: line(status.state.as_deref()),
            environment,
        })
    }

    /// Only what ran to its end on the default branch: the rest is somebody's work in progress.
    fn workflow(&self) -> Option<RepositoryEvent> {
        let (repository, run) = (self.repository.as_ref()?, self.workflow_run.as_ref()?);
        if self.action() != "completed" || run.head_branch.is_none() || run.head_branch != repository.default_branch {
            return None;
        }
        let title = [&run.display_title, &run.name].into_iter().find_map(|text| line(text.as_deref()));
        Some(RepositoryEvent {
            repository_id: repository.id?,
            kind: EventKind::Workflow,
            outside_id: run.id?,
            at: run.updated_at?,
            title: title.unwrap_or_else(|| "Workflow run".to_owned()),
            url: line(run.html_url.as_deref()),
            author: run.actor.as_ref().and_then(Account::login),
            state: line(run.conclusion.as_deref()),
            environment: None,
        })
    }
}

impl Account {
    fn login(&self) -> Option<String> {
        line(self.login.as_deref()).or_else(|| line(self.name.as_deref()))
    }
}

impl Repository {
    fn key(&self) -> Option<RepositoryKey> {
        let text = |text: &Option<String>| text.clone().map(clean);
        Some(RepositoryKey { id: self.id?, node_id: text(&self.node_id), full_name: text(&self.full_name) })
    }
}

/// The first line with something in it, as PostgreSQL can store it.
pub(super) fn line(text: Option<&str>) -> Option<String> {
    let line = text?.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(clean(line.to_owned()))
}

/// PostgreSQL stores no NUL, and nobody reads a name of a megabyte.
fn clean(text: String) -> String {
    if text.len() <= LONGEST_TEXT && !text.contains('\0') {
        return text;
    }
    text.chars().filter(|letter| *letter != '\0').take(LONGEST_TEXT).collect()
}
