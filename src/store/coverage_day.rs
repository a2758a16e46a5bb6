//! How coverage stood day by day. Must not count anything.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Store, StoreError, sync::parse_ref};
use crate::catalog::EntityRef;

/// Two years, so that one can be compared with the year before.
const KEPT_DAYS: i64 = 800;

/// What one owner's components had on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverageDay {
    pub day: NaiveDate,
    /// `None`: nobody who is there.
    pub owner: Option<EntityRef>,
    pub components: i32,
    pub with_runbook: i32,
    pub with_docs: i32,
    /// Findings that are open.
    pub open: i32,
}

impl Store {
    /// Whether a day's figures are still to be written.
    pub async fn lacks_coverage_day(&self, day: NaiveDate) -> Result<bool, StoreError> {
        let there = sqlx::query_scalar!(r#"select exists (select from coverage_days where day = $1) as "there!""#, day);
        Ok(!there.fetch_one(self.pool()?).await?)
    }

    /// Writes figures of a day; those that are there already stay, so that any replica may do it. Very old ones go.
    pub async fn write_coverage_day(&self, figures: &[CoverageDay], now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let column = |of: fn(&CoverageDay) -> i32| figures.iter().map(of).collect::<Vec<i32>>();
        let days: Vec<NaiveDate> = figures.iter().map(|figure| figure.day).collect();
        let owners: Vec<String> = figures
            .iter()
            .map(|figure| figure.owner.as_ref().map_or_else(String::new, |owner| owner.as_str().to_owned()))
            .collect();
        sqlx::query!(
            "insert into coverage_days (day, owner, components, with_runbook, with_docs, open)
             select * from unnest($1::date[], $2::text[], $3::int[], $4::int[], $5::int[], $6::int[])
             on conflict do nothing",
            &days,
            &owners,
            &column(|figure| figure.components),
            &column(|figure| figure.with_runbook),
            &column(|figure| figure.with_docs),
            &column(|figure| figure.open)
        )
        .execute(&mut *transaction)
        .await?;
        let oldest = (now - chrono::TimeDelta::days(KEPT_DAYS)).date_naive();
        sqlx::query!("delete from coverage_days where day < $1", oldest).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Loads what was written since a day, in the order of days.
    pub async fn load_coverage_days(&self, since: NaiveDate) -> Result<Vec<CoverageDay>, StoreError> {
        let rows = sqlx::query!(
            "select day, owner, components, with_runbook, with_docs, open from coverage_days where day >= $1 order by day, owner",
            since
        );
        let rows = rows.fetch_all(self.pool()?).await?;
        let day = rows.into_iter().map(|row| CoverageDay {
            day: row.day,
            owner: Some(row.owner).filter(|owner| !owner.is_empty()).map(|owner| parse_ref(&owner)),
            components: row.components,
            with_runbook: row.with_runbook,
            with_docs: row.with_docs,
            open: row.open,
        });
        Ok(day.collect())
    }
}
