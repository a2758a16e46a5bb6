//! What the one replica that has a run writes of it: each step, and each deed before it is done.
//! Whoever has lost the run to another is refused.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, Postgres, Transaction, types::Json};

use super::{Deed, DeedState, Run, RunId, RunState, StepState, Store, StoreError, load, load_deeds};
use crate::store::{Job, action::enqueue};

/// A replica that is killed by something else leaves a run to the next; a run that so many have died of is what kills them.
const MOST_TAKES: i32 = 20;

/// The right to write of a run, until another replica takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunGrip {
    pub run: RunId,
    epoch: i64,
}

impl RunGrip {
    /// One higher with each replica that has taken the run.
    pub fn epoch(self) -> i64 {
        self.epoch
    }
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum RunFault {
    /// Another replica has the run: stop at once.
    #[error("another replica has taken the run over")]
    Taken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for RunFault {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq)]
pub struct StepEnd {
    pub position: usize,
    pub state: StepState,
    pub inputs: Vec<Value>,
    pub output: Value,
    pub log: Vec<String>,
    pub warnings: Vec<String>,
    pub error: Option<String>,
}

/// Something that is about to be done outside.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDeed {
    pub position: usize,
    pub round: usize,
    pub what: String,
    pub target: String,
    pub detail: Value,
}

impl Store {
    /// A transaction in which the run cannot be taken.
    async fn held(&self, grip: RunGrip) -> Result<Transaction<'static, Postgres>, RunFault> {
        let mut transaction = self.begin().await?;
        let held =
            sqlx::query_scalar!(r#"select 1 as "one!" from runs where id = $1 and epoch = $2 for share"#, grip.run.0, grip.epoch);
        held.fetch_optional(&mut *transaction).await?.map(|_| transaction).ok_or(RunFault::Taken)
    }

    /// Takes a run, from whoever had it; `None` where it is not to be gone on with. One that was taken too often without coming
    /// a step further has failed.
    pub async fn take_run(&self, id: RunId, now: DateTime<Utc>) -> Result<Option<(RunGrip, Run)>, StoreError> {
        let mut transaction = self.begin().await?;
        let taken = sqlx::query!(
            "update runs set epoch = epoch + 1, takes = takes + 1, state = 'running', began_at = coalesce(began_at, $2)
             where id = $1 and state in ('queued', 'running') returning epoch, takes",
            id.0,
            now
        );
        let Some(taken) = taken.fetch_optional(&mut *transaction).await? else { return Ok(None) };
        let is_given_up = taken.takes > MOST_TAKES;
        if is_given_up {
            let reason = format!(
                "stopped {MOST_TAKES} times in the middle of the same step, each time without a word: what ran it died or was \
                 lost. Look at the log of Steward before you retry"
            );
            give_up(&mut transaction, id, &reason, now).await?;
        }
        let run = if is_given_up { None } else { load(&mut transaction, id).await? };
        enqueue_show(self, &mut transaction, id).await?;
        transaction.commit().await?;
        Ok(run.map(|run| (RunGrip { run: id, epoch: taken.epoch }, run)))
    }

    /// Ends a run that nobody can go on with, whoever has it; one that has ended stays as it is.
    pub async fn give_run_up(&self, id: RunId, reason: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        give_up(&mut transaction, id, reason, now).await?;
        enqueue_show(self, &mut transaction, id).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Whether somebody wants the run to end.
    pub async fn is_run_cancelling(&self, id: RunId) -> Result<bool, StoreError> {
        let asked = sqlx::query_scalar!(r#"select cancel_requested_at is not null as "asked!" from runs where id = $1"#, id.0);
        Ok(asked.fetch_optional(self.pool()?).await?.unwrap_or(true))
    }

    /// Notes that a step begins.
    pub async fn begin_step(&self, grip: RunGrip, position: usize, now: DateTime<Utc>) -> Result<(), RunFault> {
        let mut transaction = self.held(grip).await?;
        sqlx::query!(
            "update run_steps set state = 'running', began_at = coalesce(began_at, $3), ended_at = null, error = null
             where run_id = $1 and position = $2",
            grip.run.0,
            number(position),
            now
        )
        .execute(&mut *transaction)
        .await?;
        enqueue_show(self, &mut transaction, grip.run).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Writes down what is about to be done outside, before it is done. What was written before by this step for the same
    /// is given back as it stands.
    pub async fn intend(&self, grip: RunGrip, deed: NewDeed, now: DateTime<Utc>) -> Result<Deed, RunFault> {
        let mut transaction = self.held(grip).await?;
        // A deed that did not happen is intended anew; the time decides what may be adopted.
        let id = sqlx::query_scalar!(
            "insert into run_deeds (run_id, position, round, what, target, detail, intended_at)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (run_id, position, round, what, target) do update set
                 state = case when run_deeds.state in ('not-done', 'undone') then 'intended' else run_deeds.state end,
                 intended_at = case when run_deeds.state in ('not-done', 'undone') then excluded.intended_at
                                    else run_deeds.intended_at end
             returning id",
            grip.run.0,
            number(deed.position),
            number(deed.round),
            deed.what,
            deed.target,
            deed.detail,
            now
        )
        .fetch_one(&mut *transaction)
        .await?;
        let deeds = load_deeds(&mut transaction, grip.run).await?;
        transaction.commit().await?;
        let deed = deeds.into_iter().find(|deed| deed.id == id);
        deed.ok_or_else(|| StoreError::Failed(anyhow::anyhow!("a deed that was just written is not there")).into())
    }

    /// Notes what became of a deed.
    pub async fn settle(
        &self,
        grip: RunGrip,
        deed: i64,
        state: DeedState,
        result: &Value,
        now: DateTime<Utc>,
    ) -> Result<(), RunFault> {
        let mut transaction = self.held(grip).await?;
        sqlx::query!(
            "update run_deeds set state = $3, result = $4, settled_at = $5 where id = $2 and run_id = $1",
            grip.run.0,
            deed,
            state.as_str(),
            result,
            now
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Writes a step's end, and the workspace as it is then where it has changed.
    pub async fn end_step(
        &self,
        grip: RunGrip,
        end: &StepEnd,
        workspace: Option<&[u8]>,
        now: DateTime<Utc>,
    ) -> Result<(), RunFault> {
        let mut transaction = self.held(grip).await?;
        sqlx::query!(
            "update run_steps set state = $3, inputs = $4, output = $5, log = $6, warnings = $7, error = $8, ended_at = $9
             where run_id = $1 and position = $2",
            grip.run.0,
            number(end.position),
            end.state.as_str(),
            Json(&end.inputs) as _,
            end.output,
            Json(&end.log) as _,
            Json(&end.warnings) as _,
            end.error,
            now
        )
        .execute(&mut *transaction)
        .await?;
        // It came further, so whatever it died of before is behind it.
        sqlx::query!("update runs set takes = 1 where id = $1 and takes > 1", grip.run.0).execute(&mut *transaction).await?;
        if let Some(archive) = workspace {
            sqlx::query!(
                "insert into run_workspaces (run_id, position, archive) values ($1, $2, $3)
                 on conflict (run_id) do update set position = excluded.position, archive = excluded.archive",
                grip.run.0,
                number(end.position),
                archive
            )
            .execute(&mut *transaction)
            .await?;
        }
        enqueue_show(self, &mut transaction, grip.run).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The workspace as it was when it changed last.
    pub async fn load_workspace(&self, id: RunId) -> Result<Option<Vec<u8>>, StoreError> {
        let archive = sqlx::query_scalar!("select archive from run_workspaces where run_id = $1", id.0);
        Ok(archive.fetch_optional(self.pool()?).await?)
    }

    /// Writes a run's end. Its secrets go; its workspace goes too where it need not be gone on with.
    pub async fn end_run(
        &self,
        grip: RunGrip,
        state: RunState,
        reason: Option<&str>,
        output: Option<&Value>,
        now: DateTime<Utc>,
    ) -> Result<(), RunFault> {
        let mut transaction = self.held(grip).await?;
        let is_over = matches!(state, RunState::Done | RunState::Cancelled);
        // Whoever tries a failed run again is asked for its secrets again: none outlives its run's end.
        sqlx::query!(
            "update runs set state = $2, reason = $3, output = $4, ended_at = $5, sealed = null, cancel_requested_at = null
             where id = $1",
            grip.run.0,
            state.as_str(),
            reason,
            output,
            now
        )
        .execute(&mut *transaction)
        .await?;
        if is_over {
            sqlx::query!("delete from run_workspaces where run_id = $1", grip.run.0).execute(&mut *transaction).await?;
        }
        enqueue_show(self, &mut transaction, grip.run).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Notes that a deed of a run that has ended was taken back, or why it was not.
    pub async fn note_clean_up(
        &self,
        id: RunId,
        deed: i64,
        state: DeedState,
        result: &Value,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query!(
            "update run_deeds set state = $3, result = result || $4, settled_at = $5 where id = $2 and run_id = $1",
            id.0,
            deed,
            state.as_str(),
            result,
            now
        )
        .execute(&mut *transaction)
        .await?;
        enqueue_show(self, &mut transaction, id).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// The step that was being done is the one that failed; whoever had the run may write of it no more.
async fn give_up(connection: &mut PgConnection, id: RunId, reason: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let ended = sqlx::query!(
        "update runs set state = 'failed', reason = $2, ended_at = $3, sealed = null, cancel_requested_at = null, epoch = epoch + 1
         where id = $1 and state in ('queued', 'running')",
        id.0,
        reason,
        now
    );
    if ended.execute(&mut *connection).await?.rows_affected() > 0 {
        sqlx::query!(
            "update run_steps set state = 'failed', error = $2, ended_at = $3 where run_id = $1 and state = 'running'",
            id.0,
            reason,
            now
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Has the message that shows the run drawn anew.
pub(super) async fn enqueue_show(store: &Store, connection: &mut PgConnection, id: RunId) -> Result<(), StoreError> {
    enqueue(store.pool()?, connection, Job::ShowRun(id), None).await.map(|_| ())
}

pub(super) fn number(position: usize) -> i32 {
    i32::try_from(position).unwrap_or(i32::MAX)
}
