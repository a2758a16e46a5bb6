//! Runs of Software Templates as they are kept: what was asked, how far it is, what was done outside.
//! Must not run anything, nor know what an action is.

mod act;
mod draft;
mod journal;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::types::Json;

use super::{Store, StoreError};
use crate::{
    catalog::EntityRef,
    chat::{Account, Place, Posted},
};

pub use act::{RunAct, RunChange};
pub use draft::DraftId;
pub use journal::{NewDeed, RunFault, RunGrip, StepEnd};

/// A list shows the latest; older ones are asked for by their number.
const LISTED: i64 = 200;

/// The number by which people call a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub i64);

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A set of words, each stored as one word.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$note:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$note])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word)
            }
        }
    };
}

words! {
    /// How far a run is.
    RunState {
        /// Somebody has to agree.
        Approval = "approval",
        /// Whoever asked has to enter secrets.
        Secrets = "secrets",
        Queued = "queued",
        Running = "running",
        Failed = "failed",
        /// Nobody can tell whether a deed happened; a person decides.
        Unknown = "unknown",
        Done = "done",
        Cancelled = "cancelled",
    }
}

words! {
    StepState {
        Waiting = "waiting",
        Running = "running",
        Done = "done",
        /// Its `if` is not true.
        Skipped = "skipped",
        /// It is done, and a person should read what it said.
        Warned = "warned",
        Failed = "failed",
        Unknown = "unknown",
        /// A person said that it happened.
        Marked = "marked",
    }
}

words! {
    /// How it stands with something that is done outside.
    DeedState {
        /// It is about to be done, or was when a replica died.
        Intended = "intended",
        Done = "done",
        NotDone = "not-done",
        /// Taken back.
        Undone = "undone",
        /// A person keeps it after a failure.
        Kept = "kept",
    }
}

/// Where a template was read, and what lies beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOrigin {
    /// The source's id in the configuration.
    pub source: String,
    pub repository_id: i64,
    /// `acme/software-templates`.
    pub repository: String,
    /// Of the descriptor in it.
    pub path: String,
    /// The repository's head when the run was asked for; none in a folder without git.
    pub commit: Option<String>,
}

/// A secret that is to be entered on a web page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedSecret {
    pub name: String,
    pub title: String,
}

/// What a run is asked with.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// `template:default/typescript-service`.
    pub template: String,
    pub title: String,
    /// The whole template.
    pub document: Value,
    pub origin: RunOrigin,
    pub parameters: Value,
    /// `{ref, entity}` of who asked, as expressions see it.
    pub user: Value,
    pub place: Option<Place>,
    pub approvers: Option<String>,
    pub secrets: Vec<WantedSecret>,
    pub steps: Vec<NewStep>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStep {
    pub id: String,
    pub name: String,
    pub action: String,
}

/// One as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub id: RunId,
    /// Told to what it makes.
    pub marker: String,
    pub template: String,
    pub title: String,
    pub document: Value,
    pub origin: RunOrigin,
    pub parameters: Value,
    pub user: Value,
    pub account: Account,
    pub person: Option<EntityRef>,
    pub place: Option<Place>,
    pub approvers: Option<String>,
    /// Who agreed or declined.
    pub decided_by: Option<String>,
    pub secrets: Vec<WantedSecret>,
    /// The secrets, encrypted; gone at the run's end.
    pub sealed: Option<Vec<u8>>,
    pub state: RunState,
    /// Why it is not done.
    pub reason: Option<String>,
    pub output: Option<Value>,
    pub is_cancelling: bool,
    /// The message that shows its progress.
    pub posted: Option<Posted>,
    pub created_at: DateTime<Utc>,
    pub began_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// In the template's order.
    pub steps: Vec<RunStep>,
    /// In the order in which they were intended.
    pub deeds: Vec<Deed>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RunStep {
    /// From 0.
    pub position: usize,
    pub id: String,
    pub name: String,
    pub action: String,
    pub state: StepState,
    /// Of each round, secrets out of sight.
    pub inputs: Vec<Value>,
    pub output: Value,
    pub log: Vec<String>,
    pub warnings: Vec<String>,
    pub error: Option<String>,
    pub began_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// Something that is done outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Deed {
    pub id: i64,
    /// The step's.
    pub position: usize,
    /// Of a step that is repeated, from 0.
    pub round: usize,
    /// `repository`, `push`, `pull-request`.
    pub what: String,
    /// `acme/shop`.
    pub target: String,
    pub detail: Value,
    pub state: DeedState,
    /// What is known of it since: an address, a number.
    pub result: Value,
    pub intended_at: DateTime<Utc>,
}

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunLine {
    pub id: RunId,
    pub template: String,
    pub title: String,
    pub account: Account,
    pub person: Option<EntityRef>,
    pub state: RunState,
    pub reason: Option<String>,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub steps: usize,
    /// Those that are behind it, whatever became of them.
    pub steps_ended: usize,
}

impl Store {
    /// Loads a run with its steps and deeds.
    pub async fn load_run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        // One moment for all three tables.
        let mut transaction = self.begin().await?;
        sqlx::query!("set transaction isolation level repeatable read, read only").execute(&mut *transaction).await?;
        let run = load(&mut transaction, id).await?;
        transaction.commit().await?;
        Ok(run)
    }

    /// Loads the latest runs, the latest first.
    pub async fn load_runs(&self) -> Result<Vec<RunLine>, StoreError> {
        let rows = sqlx::query!(
            r#"select id, template, title, account as "account: Json<Account>", person, state, reason, created_at, ended_at,
                      (select count(*) from run_steps where run_id = runs.id) as "steps!",
                      (select count(*) from run_steps where run_id = runs.id and ended_at is not null) as "steps_ended!"
               from runs order by id desc limit $1"#,
            LISTED
        );
        let lines = rows.fetch_all(self.pool()?).await?.into_iter().map(|row| {
            Ok(RunLine {
                id: RunId(row.id),
                template: row.template,
                title: row.title,
                account: row.account.0,
                person: parse_person(row.person),
                state: parse_state(&row.state)?,
                reason: row.reason,
                created_at: row.created_at,
                ended_at: row.ended_at,
                steps: usize::try_from(row.steps).unwrap_or_default(),
                steps_ended: usize::try_from(row.steps_ended).unwrap_or_default(),
            })
        });
        lines.collect()
    }

    /// Notes the message that shows a run's progress.
    pub async fn note_run_posted(&self, id: RunId, posted: &Posted) -> Result<(), StoreError> {
        sqlx::query!("update runs set posted = $2 where id = $1", id.0, Json(posted) as _).execute(self.pool()?).await?;
        Ok(())
    }
}

async fn load(connection: &mut sqlx::PgConnection, id: RunId) -> Result<Option<Run>, StoreError> {
    let row = sqlx::query!(
        r#"select marker::text as "marker!", template, title, document, origin as "origin: Json<RunOrigin>", parameters, user_entity,
                  account as "account: Json<Account>", person, place as "place: Json<Place>", approvers, decided_by,
                  secrets as "secrets: Json<Vec<WantedSecret>>", sealed, state, reason, output,
                  cancel_requested_at is not null as "is_cancelling!", posted as "posted: Json<Posted>", created_at, began_at, ended_at
           from runs where id = $1"#,
        id.0
    );
    let Some(row) = row.fetch_optional(&mut *connection).await? else { return Ok(None) };
    let (steps, deeds) = (load_steps(connection, id).await?, load_deeds(connection, id).await?);
    Ok(Some(Run {
        id,
        marker: row.marker,
        template: row.template,
        title: row.title,
        document: row.document,
        origin: row.origin.0,
        parameters: row.parameters,
        user: row.user_entity,
        account: row.account.0,
        person: parse_person(row.person),
        place: row.place.map(|place| place.0),
        approvers: row.approvers,
        decided_by: row.decided_by,
        secrets: row.secrets.0,
        sealed: row.sealed,
        state: parse_state(&row.state)?,
        reason: row.reason,
        output: row.output,
        is_cancelling: row.is_cancelling,
        posted: row.posted.map(|posted| posted.0),
        created_at: row.created_at,
        began_at: row.began_at,
        ended_at: row.ended_at,
        steps,
        deeds,
    }))
}

async fn load_steps(connection: &mut sqlx::PgConnection, id: RunId) -> Result<Vec<RunStep>, StoreError> {
    let rows = sqlx::query!(
        r#"select position, id, name, action, state, inputs as "inputs: Json<Vec<Value>>", output, log as "log: Json<Vec<String>>",
                  warnings as "warnings: Json<Vec<String>>", error, began_at, ended_at
           from run_steps where run_id = $1 order by position"#,
        id.0
    );
    let steps = rows.fetch_all(connection).await?.into_iter().map(|row| {
        Ok(RunStep {
            position: usize::try_from(row.position).unwrap_or_default(),
            id: row.id,
            name: row.name,
            action: row.action,
            state: StepState::parse(&row.state).ok_or_else(|| unreadable(&row.state))?,
            inputs: row.inputs.0,
            output: row.output,
            log: row.log.0,
            warnings: row.warnings.0,
            error: row.error,
            began_at: row.began_at,
            ended_at: row.ended_at,
        })
    });
    steps.collect()
}

async fn load_deeds(connection: &mut sqlx::PgConnection, id: RunId) -> Result<Vec<Deed>, StoreError> {
    let rows = sqlx::query!(
        "select id, position, round, what, target, detail, state, result, intended_at from run_deeds where run_id = $1 order by id",
        id.0
    );
    let deeds = rows.fetch_all(connection).await?.into_iter().map(|row| {
        Ok(Deed {
            id: row.id,
            position: usize::try_from(row.position).unwrap_or_default(),
            round: usize::try_from(row.round).unwrap_or_default(),
            what: row.what,
            target: row.target,
            detail: row.detail,
            state: DeedState::parse(&row.state).ok_or_else(|| unreadable(&row.state))?,
            result: row.result,
            intended_at: row.intended_at,
        })
    });
    deeds.collect()
}

fn parse_state(word: &str) -> Result<RunState, StoreError> {
    RunState::parse(word).ok_or_else(|| unreadable(word))
}

/// The table's checks allow no other word, unless a later version has written it.
fn unreadable(word: &str) -> StoreError {
    StoreError::Failed(anyhow::anyhow!("a run is in the state {word}, which this version does not know"))
}

fn parse_person(written: Option<String>) -> Option<EntityRef> {
    EntityRef::parse(&written?, Some("user"), "default").ok()
}
