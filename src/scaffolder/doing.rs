//! One round of a step that touches something outside: what it may use, how it waits, and how it writes down each deed.
//! Must not know what any deed is.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use backon::{BackoffBuilder, ExponentialBuilder};
use secrecy::SecretString;
use serde_json::{Value as Json, json};

use super::Workbench;
use crate::{
    github::make::{MakeError, Maker},
    store::{Deed, DeedState, NewDeed, Run, RunFault, RunGrip, StepState, StoreError},
    template::{
        expression::read_repo_url,
        run::{hide_in_json, hide_secrets},
    },
};

/// Pauses between attempts at one call: with their growth some 40 s in all, longer than a new repository stays unseen.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const PAUSES: usize = 12;
/// Whoever calls a run off is heard after so long.
const LISTEN_EVERY: Duration = Duration::from_millis(500);

/// Why a run goes no further here, though no step has failed.
#[derive(Debug)]
pub(super) enum Stop {
    /// Another replica has the run.
    Taken,
    Store(StoreError),
    /// Somebody has called it off.
    Cancelled,
    OutOfTime,
    /// The workspace cannot be kept; what is told to people.
    Broken(String),
}

impl From<RunFault> for Stop {
    fn from(fault: RunFault) -> Self {
        match fault {
            RunFault::Taken => Self::Taken,
            RunFault::Store(error) => Self::Store(error),
        }
    }
}

/// Why a round did not come to its end.
#[derive(Debug)]
pub(super) enum Trouble {
    Stop(Stop),
    /// What is told to people.
    Failed(String),
    /// Nobody can tell whether it was done; what is told to people.
    Unknown(String),
}

impl<T: Into<Stop>> From<T> for Trouble {
    fn from(stop: T) -> Self {
        Self::Stop(stop.into())
    }
}

pub(super) fn failed<T>(reason: impl Into<String>) -> Result<T, Trouble> {
    Err(Trouble::Failed(reason.into()))
}

/// A round that is being done.
pub(super) struct Doing<'a> {
    pub(super) bench: &'a Workbench,
    pub(super) run: &'a Run,
    pub(super) grip: RunGrip,
    pub(super) at: usize,
    pub(super) round: usize,
    pub(super) input: &'a Json,
    /// Names and values, which nothing that is written down may hold.
    pub(super) secrets: &'a Json,
    /// The workspace.
    pub(super) folder: PathBuf,
    pub(super) log: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// A deed that was written down.
#[derive(Debug, Clone)]
pub(super) struct Intent {
    pub(super) deed: Deed,
    /// It was written down before this replica had the run: it may have been done.
    pub(super) is_inherited: bool,
}

impl Intent {
    /// What it gave, where it was done before.
    pub(super) fn done(&self) -> Option<&Json> {
        matches!(self.deed.state, DeedState::Done | DeedState::Kept).then_some(&self.deed.result)
    }
}

/// Where something is on GitHub, and who goes there.
#[derive(Debug, Clone)]
pub(super) struct There {
    pub(super) maker: Maker,
    pub(super) owner: String,
    pub(super) name: String,
}

impl There {
    /// `acme/shop`.
    pub(super) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }
}

impl<'a> Doing<'a> {
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.input[key].as_str().filter(|text| !text.is_empty())
    }

    pub(super) fn is(&self, key: &str) -> Option<bool> {
        self.input[key].as_bool()
    }

    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        self.input[key].as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
    }

    pub(super) fn say(&mut self, line: impl Into<String>) {
        self.log.push(line.into());
    }

    pub(super) fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.bench.app.clock.now()
    }

    /// Host, owner and name of what `repoUrl` names.
    pub(super) fn named(&self) -> Result<(String, String, String), Trouble> {
        let written = self.text("repoUrl").unwrap_or_default();
        let parts = read_repo_url(written).map_err(|error| Trouble::Failed(error.message))?;
        let part = |name: &str| parts.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        match (part("owner"), part("repo")) {
            (Some(owner), Some(name)) => Ok((part("host").unwrap_or_default(), owner, name)),
            _ => failed(format!("{written} does not say where: write github.com?owner=OWNER&repo=NAME")),
        }
    }

    /// What `repoUrl` names, and the identity that acts there.
    pub(super) fn there(&self) -> Result<There, Trouble> {
        let (host, owner, name) = self.named()?;
        let Some(github) = self.bench.find_github(&host, &owner) else {
            return failed(format!("no source of type github in steward.yaml is on {host}; Steward acts through those alone"));
        };
        let token = self.text("token").map(|token| SecretString::from(token.to_owned()));
        let maker = github.connection().maker(token.as_ref()).map_err(|error| Trouble::Failed(error.to_string()))?;
        Ok(There { maker, owner, name })
    }

    /// Whether the step was begun when another replica lost the run, and not begun anew by a person's word.
    pub(super) fn is_taken_over(&self) -> bool {
        self.run.steps.get(self.at).is_some_and(|step| step.state != StepState::Waiting)
    }

    /// Writes a deed down before it is done.
    pub(super) async fn intend(&self, what: &str, target: &str, detail: Json) -> Result<Intent, Trouble> {
        let (mut target, mut detail) = (target.to_owned(), detail);
        hide_secrets(&mut target, self.secrets);
        hide_in_json(&mut detail, self.secrets);
        let new = NewDeed { position: self.at, round: self.round, what: what.to_owned(), target, detail };
        let deed = self.bench.app.store.intend(self.grip, new, self.now()).await?;
        let known = self.run.deeds.iter().find(|known| known.id == deed.id);
        let is_inherited = known.is_some_and(|known| known.state == DeedState::Intended);
        Ok(Intent { deed, is_inherited })
    }

    pub(super) async fn settle(&self, intent: &Intent, state: DeedState, result: &Json) -> Result<(), Trouble> {
        let mut result = result.clone();
        hide_in_json(&mut result, self.secrets);
        Ok(self.bench.app.store.settle(self.grip, intent.deed.id, state, &result, self.now()).await?)
    }

    pub(super) async fn done(&self, intent: &Intent, result: &Json) -> Result<(), Trouble> {
        self.settle(intent, DeedState::Done, result).await
    }

    /// Notes that a deed surely did not happen, and gives the reason on.
    pub(super) async fn not_done<T>(&self, intent: &Intent, reason: impl Into<String>) -> Result<T, Trouble> {
        let reason = reason.into();
        self.settle(intent, DeedState::NotDone, &json!({ "reason": reason })).await?;
        failed(reason)
    }

    /// Waits; ends early where the run is called off.
    pub(super) async fn pause(&self, pause: Duration) -> Result<(), Trouble> {
        Ok(pause_run(self.bench, self.grip, pause).await?)
    }

    /// Does what may be done again, until it is done or refused.
    pub(super) async fn again<T, F>(&self, call: impl Fn() -> F) -> Result<Result<T, MakeError>, Trouble>
    where
        F: Future<Output = Result<T, MakeError>>,
    {
        self.insist(false, call).await
    }

    /// The same on a repository that may be new: for a while GitHub says that it is not there.
    pub(super) async fn again_on_new<T, F>(&self, call: impl Fn() -> F) -> Result<Result<T, MakeError>, Trouble>
    where
        F: Future<Output = Result<T, MakeError>>,
    {
        self.insist(true, call).await
    }

    async fn insist<T, F>(&self, is_new: bool, call: impl Fn() -> F) -> Result<Result<T, MakeError>, Trouble>
    where
        F: Future<Output = Result<T, MakeError>>,
    {
        let mut pauses = pauses();
        loop {
            let error = match call().await {
                Ok(done) => return Ok(Ok(done)),
                Err(error) => error,
            };
            let wait = match &error {
                MakeError::NotNow { wait, .. } => wait.unwrap_or_default(),
                MakeError::Refused { .. } if is_new && error.is_missing() => Duration::ZERO,
                MakeError::Refused { .. } | MakeError::Unsure { .. } => return Ok(Err(error)),
            };
            let Some(pause) = pauses.next() else { return Ok(Err(error)) };
            self.pause(pause.max(wait)).await?;
        }
    }
}

/// Growing, each a little longer by chance, so that runs that failed together do not come back together.
pub(super) fn pauses() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_max_times(PAUSES)
        .with_jitter()
        .build()
}

/// Waits; ends early where the run is called off.
pub(super) async fn pause_run(bench: &Workbench, grip: RunGrip, pause: Duration) -> Result<(), Stop> {
    let until = Instant::now() + pause;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        tokio::time::sleep(left.min(LISTEN_EVERY)).await;
        if pause >= LISTEN_EVERY && bench.app.store.is_run_cancelling(grip.run).await.map_err(Stop::Store)? {
            return Err(Stop::Cancelled);
        }
        if until <= Instant::now() {
            return Ok(());
        }
    }
}
