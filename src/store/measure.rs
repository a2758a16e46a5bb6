//! Outcomes and active accounts by day, and the shares that a platform team asks for. Must not count anything itself but rows.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Store, StoreError};
use crate::catalog::live::{Counted, Measures, Share};

/// What most figures are of.
const MONTH: TimeDelta = TimeDelta::days(30);
/// Of whom the active ones are.
const WEEK: TimeDelta = TimeDelta::days(7);
/// A repository is new for so long; few are made in a month.
const NEW: TimeDelta = TimeDelta::days(90);
/// What is older is in no figure.
const KEPT: TimeDelta = TimeDelta::days(40);

impl Store {
    /// Adds what was counted to today; what is too old goes.
    pub async fn add_counted(&self, counted: &Counted, now: DateTime<Utc>) -> Result<(), StoreError> {
        let today = now.date_naive();
        // In one order, so that two replicas do not wait for one another for ever.
        let what: Vec<String> = counted.outcomes.keys().cloned().collect();
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let good: Vec<i64> = counted.outcomes.values().map(|(good, _)| number(*good)).collect();
        let bad: Vec<i64> = counted.outcomes.values().map(|(_, bad)| number(*bad)).collect();
        let accounts: Vec<String> = counted.accounts.iter().cloned().collect();
        let mut transaction = self.begin().await?;
        sqlx::query!(
            "insert into outcome_days (day, what, good, bad)
             select $1, what, good, bad from unnest($2::text[], $3::bigint[], $4::bigint[]) as new (what, good, bad)
             on conflict (day, what) do update
             set good = outcome_days.good + excluded.good, bad = outcome_days.bad + excluded.bad",
            today,
            &what,
            &good,
            &bad
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "insert into active_days (day, account) select $1, account from unnest($2::text[]) as new (account)
             on conflict do nothing",
            today,
            &accounts
        )
        .execute(&mut *transaction)
        .await?;
        let oldest = (now - KEPT).date_naive();
        sqlx::query!("delete from outcome_days where day < $1", oldest).execute(&mut *transaction).await?;
        sqlx::query!("delete from active_days where day < $1", oldest).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The shares. A skeleton's changes are not seen in the drift, only those of the template itself.
    pub async fn load_measures(&self, now: DateTime<Utc>) -> Result<Measures, StoreError> {
        let pool = self.pool()?;
        let month = now - MONTH;
        let outcomes = sqlx::query!(
            r#"select what, sum(good)::bigint as "good!", sum(bad)::bigint as "bad!" from outcome_days
               where day > $1 group by what"#,
            month.date_naive()
        );
        let mut by_thing: BTreeMap<String, (u64, u64)> =
            outcomes.fetch_all(pool).await?.into_iter().map(|row| (row.what, (whole(row.good), whole(row.bad)))).collect();
        let mut share_of =
            |what: &str| by_thing.remove(what).map_or(Share::default(), |(good, bad)| Share { part: good, all: good + bad });
        let (syncs, answers) = (share_of("sync"), share_of("answer"));
        let refused = Share { part: answers.all - answers.part, all: answers.all };
        let providers = by_thing.into_iter().map(|(what, (good, bad))| (what, Share { part: good, all: good + bad })).collect();
        let active = sqlx::query_scalar!(
            r#"select count(distinct account) as "active!" from active_days where day > $1"#,
            (now - WEEK).date_naive()
        );
        let active_week = whole(active.fetch_one(pool).await?);
        let runs = sqlx::query!(
            r#"select count(*) filter (where state = 'done') as "done!", count(*) as "ended!" from runs
               where state in ('done', 'failed', 'unknown') and coalesce(ended_at, began_at) >= $1"#,
            month
        );
        let runs = runs.fetch_one(pool).await?;
        let steps = sqlx::query!(
            r#"select count(*) filter (where state in ('failed', 'unknown')) as "failed!", count(*) as "all!" from run_steps
               where state in ('done', 'warned', 'marked', 'failed', 'unknown') and coalesce(ended_at, began_at) >= $1"#,
            month
        );
        let steps = steps.fetch_one(pool).await?;
        let new = sqlx::query!(
            r#"select count(*) as "all!", count(*) filter (where exists (
                   select from run_deeds where what = 'repository' and run_deeds.state = 'done'
                   and lower(target) = lower(full_name)
               )) as "made!"
               from repositories where removed_at is null and (facts->>'created_at')::timestamptz >= $1
               and not (facts->>'fork')::boolean"#,
            now - NEW
        );
        let new = new.fetch_one(pool).await?;
        // Of a template that is gone nothing can be newer.
        let made = sqlx::query!(
            r#"select count(*) as "all!", count(*) filter (where runs.document <> entities.document) as "behind!"
               from runs join entities on entities.kind = 'template' and entities.ref = runs.template
               where state = 'done' and exists (
                   select from run_deeds where run_id = runs.id and what = 'repository' and run_deeds.state = 'done'
               )"#
        );
        let made = made.fetch_one(pool).await?;
        Ok(Measures {
            syncs,
            providers,
            refused,
            active_week,
            runs: Share { part: whole(runs.done), all: whole(runs.ended) },
            failed_actions: Share { part: whole(steps.failed), all: whole(steps.all) },
            adoption: Share { part: whole(new.made), all: whole(new.all) },
            drift: Share { part: whole(made.behind), all: whole(made.all) },
        })
    }
}

fn whole(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
