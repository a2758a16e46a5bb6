//! Webhook deliveries: which were taken, and what they told of.
//! Must not know whether one was GitHub's; the door does.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Store, StoreError,
    action::{Job, enqueue},
};
use crate::catalog::RepositoryEvent;

/// GitHub redelivers for 3 days; after that an id cannot come again.
const DELIVERIES_KEPT: TimeDelta = TimeDelta::days(7);
/// "What changed lately" looks back no further.
const EVENTS_KEPT: TimeDelta = TimeDelta::days(14);
/// Old rows that go with each new one: more than come, so that they never pile up, and few, because GitHub waits.
const PRUNED_AT_ONCE: i64 = 100;

/// A verified delivery.
#[derive(Debug)]
pub struct Delivery<'a> {
    /// The sender's id of it, one for all repetitions.
    pub id: &'a str,
    pub event: &'a str,
    pub action: Option<&'a str>,
    pub at: DateTime<Utc>,
    /// What it means to each source it concerns.
    pub concerns: Vec<Concern>,
}

/// What a delivery leads to in one source.
#[derive(Debug, Default)]
pub struct Concern {
    pub source: String,
    pub jobs: Vec<Job>,
    pub happened: Option<RepositoryEvent>,
}

/// Whether a delivery had an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    FirstTime,
    SeenBefore,
}

impl Store {
    /// Claims a delivery's id and enqueues its jobs in one transaction: both or neither.
    pub async fn record_delivery(&self, delivery: Delivery<'_>) -> Result<Recorded, StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let mut recorded = Recorded::SeenBefore;
        for Concern { source, jobs, happened } in delivery.concerns {
            let claimed = sqlx::query!(
                "insert into webhook_deliveries (source_id, delivery_id, event, action, arrived_at)
                 values ($1, $2, $3, $4, $5) on conflict do nothing",
                source,
                delivery.id,
                delivery.event,
                delivery.action,
                delivery.at
            )
            .execute(&mut *transaction)
            .await?;
            if claimed.rows_affected() == 0 {
                continue;
            }
            recorded = Recorded::FirstTime;
            if let Some(event) = happened {
                write_event(&mut transaction, &source, &event).await?;
                prune_events(&mut transaction, delivery.at).await?;
            }
            for job in jobs {
                enqueue(pool, &mut transaction, job, None).await?;
            }
        }
        if recorded == Recorded::FirstTime {
            // Locked rows are another delivery's to delete.
            sqlx::query!(
                "delete from webhook_deliveries where (source_id, delivery_id) in (
                     select source_id, delivery_id from webhook_deliveries where arrived_at < $1
                     order by arrived_at limit $2 for update skip locked)",
                delivery.at - DELIVERIES_KEPT,
                PRUNED_AT_ONCE
            )
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(recorded)
    }

    /// When the last verified delivery for a source arrived; `None` where none did in the last days.
    pub async fn last_delivery_at(&self, source_id: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let last = sqlx::query_scalar!("select max(arrived_at) from webhook_deliveries where source_id = $1", source_id);
        Ok(last.fetch_one(self.pool()?).await?)
    }
}

/// A later state replaces an earlier one, in whatever order they arrive.
pub(super) async fn write_event(
    connection: &mut sqlx::PgConnection,
    source_id: &str,
    event: &RepositoryEvent,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into repository_events (source_id, repository_id, kind, outside_id, at, title, url, author, state, environment)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (source_id, repository_id, kind, outside_id) do update set
            at = excluded.at, title = excluded.title, url = excluded.url, author = excluded.author,
            state = excluded.state, environment = excluded.environment
         where excluded.at >= repository_events.at",
        source_id,
        event.repository_id,
        event.kind.as_str(),
        event.outside_id,
        event.at,
        event.title,
        event.url,
        event.author,
        event.state,
        event.environment
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Some of those that are too old go.
pub(super) async fn prune_events(connection: &mut sqlx::PgConnection, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from repository_events where (source_id, repository_id, kind, outside_id) in (
             select source_id, repository_id, kind, outside_id from repository_events where at < $1
             order by at limit $2 for update skip locked)",
        now - EVENTS_KEPT,
        PRUNED_AT_ONCE
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}
