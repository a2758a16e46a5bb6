//! What people do with runs: ask for one, agree, try again, call it off. Each with its audit line, in one transaction.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};

use super::{NewRun, RunId, RunState, Store, StoreError, journal::enqueue_show, journal::number, parse_state};
use crate::store::{
    AuditEntry, Job,
    action::{enqueue, insert_audit, written_down},
};

/// What somebody wants done with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunAct {
    Approve,
    Decline,
    /// Goes on from the step that failed, or whose end nobody knows.
    Retry,
    /// What nobody could tell has happened.
    MarkDone,
    Cancel,
    /// What was made is taken back.
    CleanUp,
    /// What was made stays.
    Keep,
}

/// Whether it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunChange {
    Done,
    /// The run is in a state in which this cannot be done.
    NotNow(RunState),
    NoSuchRun,
}

impl Store {
    /// Asks for a run: it begins at once, unless somebody has to agree or to enter secrets first.
    pub async fn start_run(&self, audit: AuditEntry, run: NewRun) -> Result<RunId, StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let state = match (&run.approvers, run.secrets.is_empty()) {
            (Some(_), _) => RunState::Approval,
            (None, false) => RunState::Secrets,
            (None, true) => RunState::Queued,
        };
        let id = sqlx::query_scalar!(
            "insert into runs (template, title, document, origin, parameters, user_entity, account, person, place, approvers,
                               secrets, state, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) returning id",
            run.template,
            run.title,
            run.document,
            Json(&run.origin) as _,
            run.parameters,
            run.user,
            Json(&audit.account) as _,
            audit.person.as_ref().map(crate::catalog::EntityRef::as_str),
            run.place.as_ref().map(Json) as _,
            run.approvers,
            Json(&run.secrets) as _,
            state.as_str(),
            audit.at
        )
        .fetch_one(&mut *transaction)
        .await?;
        let id = RunId(id);
        for (position, step) in run.steps.iter().enumerate() {
            sqlx::query!(
                "insert into run_steps (run_id, position, id, name, action) values ($1, $2, $3, $4, $5)",
                id.0,
                number(position),
                step.id,
                step.name,
                step.action
            )
            .execute(&mut *transaction)
            .await?;
        }
        let audit = AuditEntry { subject: format!("run {id} of {}", run.template), ..audit };
        let audit_id = insert_audit(&mut transaction, &audit).await?;
        written_down(&mut transaction, audit_id).await?;
        if state == RunState::Queued {
            enqueue(pool, &mut transaction, Job::Run(id), None).await?;
        }
        if state == RunState::Approval {
            enqueue(pool, &mut transaction, Job::AskApprovers(id), None).await?;
        }
        enqueue_show(self, &mut transaction, id).await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// Changes a run as somebody wants it; nothing is written where its state does not allow it.
    pub async fn change_run(&self, audit: AuditEntry, id: RunId, act: RunAct) -> Result<RunChange, StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let row =
            sqlx::query!(r#"select state, secrets <> '[]'::jsonb as "wants_secrets!" from runs where id = $1 for update"#, id.0);
        let Some(row) = row.fetch_optional(&mut *transaction).await? else { return Ok(RunChange::NoSuchRun) };
        let state = parse_state(&row.state)?;
        let next = match (act, state) {
            (RunAct::Approve, RunState::Approval)
            | (RunAct::Retry, RunState::Failed | RunState::Unknown | RunState::Cancelled)
            | (RunAct::MarkDone, RunState::Unknown) => {
                if row.wants_secrets {
                    RunState::Secrets
                } else {
                    RunState::Queued
                }
            }
            (RunAct::Decline, RunState::Approval)
            | (RunAct::Cancel, RunState::Approval | RunState::Secrets | RunState::Queued) => RunState::Cancelled,
            // It ends at its next step.
            (RunAct::Cancel, RunState::Running)
            | (RunAct::CleanUp | RunAct::Keep, RunState::Failed | RunState::Unknown | RunState::Cancelled) => state,
            (
                RunAct::Approve
                | RunAct::Decline
                | RunAct::Retry
                | RunAct::MarkDone
                | RunAct::Cancel
                | RunAct::CleanUp
                | RunAct::Keep,
                _,
            ) => return Ok(RunChange::NotNow(state)),
        };
        let by = audit.person.as_ref().map_or_else(|| audit.account.name.clone(), |person| person.as_str().to_owned());
        let now = audit.at;
        let audit_id = insert_audit(&mut transaction, &audit).await?;
        written_down(&mut transaction, audit_id).await?;
        match act {
            RunAct::Approve | RunAct::Decline => decide(&mut transaction, id, &by, now).await?,
            RunAct::Retry => wait_again(&mut transaction, id, "waiting").await?,
            RunAct::MarkDone => wait_again(&mut transaction, id, "marked").await?,
            RunAct::Cancel if state == RunState::Running => {
                sqlx::query!("update runs set cancel_requested_at = coalesce(cancel_requested_at, $2) where id = $1", id.0, now)
                    .execute(&mut *transaction)
                    .await?;
            }
            RunAct::Cancel => {}
            RunAct::CleanUp => {
                enqueue(pool, &mut transaction, Job::CleanUpRun(id), Some(audit_id)).await?;
            }
            RunAct::Keep => {
                sqlx::query!(
                    "update run_deeds set state = 'kept', settled_at = $2 where run_id = $1 and state in ('done', 'intended')",
                    id.0,
                    now
                )
                .execute(&mut *transaction)
                .await?;
            }
        }
        if next != state {
            let reason = match act {
                RunAct::Decline => Some(format!("declined by {by}")),
                RunAct::Cancel => Some(format!("called off by {by}")),
                RunAct::Approve | RunAct::Retry | RunAct::MarkDone | RunAct::CleanUp | RunAct::Keep => None,
            };
            let ended_at = (next == RunState::Cancelled).then_some(now);
            sqlx::query!(
                "update runs set state = $2, reason = $3, ended_at = $4, cancel_requested_at = null, takes = 0,
                     sealed = case when $2 = 'cancelled' then null else sealed end where id = $1",
                id.0,
                next.as_str(),
                reason,
                ended_at
            )
            .execute(&mut *transaction)
            .await?;
        }
        if next == RunState::Queued {
            enqueue(pool, &mut transaction, Job::Run(id), None).await?;
        }
        enqueue_show(self, &mut transaction, id).await?;
        transaction.commit().await?;
        Ok(RunChange::Done)
    }

    /// Keeps encrypted secrets, and lets the run begin. False where none are waited for: they were entered before.
    pub async fn seal_secrets(&self, id: RunId, sealed: &[u8]) -> Result<bool, StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let sealed = sqlx::query!(
            "update runs set sealed = $2, state = 'queued', takes = 0 where id = $1 and state = 'secrets'",
            id.0,
            sealed
        );
        if sealed.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
        enqueue(pool, &mut transaction, Job::Run(id), None).await?;
        enqueue_show(self, &mut transaction, id).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

async fn decide(connection: &mut PgConnection, id: RunId, by: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("update runs set decided_by = $2, decided_at = $3 where id = $1", id.0, by, now).execute(connection).await?;
    Ok(())
}

/// Steps that failed are done again; those whose end nobody knows become what a person says.
async fn wait_again(connection: &mut PgConnection, id: RunId, unknown: &str) -> Result<(), StoreError> {
    sqlx::query!(
        "update run_steps set state = case when state = 'unknown' then $2 else 'waiting' end,
             ended_at = case when state = 'unknown' and $2 = 'marked' then ended_at end
         where run_id = $1 and state in ('failed', 'unknown', 'running')",
        id.0,
        unknown
    )
    .execute(connection)
    .await?;
    Ok(())
}
