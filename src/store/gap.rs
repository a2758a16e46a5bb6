//! Names that people asked for and that nothing is called, counted. Nothing here says who asked.
//! Must not decide what counts as a name: the command does.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Store, StoreError};

/// Names kept; past it those asked for least go.
const MOST_KEPT: i64 = 5_000;
/// What nobody has asked for since is forgotten.
const KEPT: TimeDelta = TimeDelta::days(90);

/// A name without an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    pub name: String,
    pub asked: i64,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

impl Store {
    /// Adds what was counted since the last time.
    pub async fn add_gaps(&self, counted: &HashMap<String, u32>, now: DateTime<Utc>) -> Result<(), StoreError> {
        // In one order, so that two replicas that add the same names do not wait for one another for ever.
        let mut sorted: Vec<(&String, &u32)> = counted.iter().collect();
        sorted.sort();
        let names: Vec<String> = sorted.iter().map(|(name, _)| (*name).clone()).collect();
        let asked: Vec<i64> = sorted.iter().map(|(_, asked)| i64::from(**asked)).collect();
        let mut transaction = self.begin().await?;
        sqlx::query!(
            "insert into gaps (name, asked, first_at, last_at)
             select name, asked, $3, $3 from unnest($1::text[], $2::bigint[]) as new (name, asked)
             on conflict (name) do update set asked = gaps.asked + excluded.asked, last_at = excluded.last_at",
            &names,
            &asked,
            now
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "delete from gaps where last_at < $1
             or name in (select name from gaps order by asked desc, last_at desc, name offset $2)",
            now - KEPT,
            MOST_KEPT
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The names asked for most, at most `limit`.
    pub async fn load_gaps(&self, limit: i64) -> Result<Vec<Gap>, StoreError> {
        let rows = sqlx::query!(
            "select name, asked, first_at, last_at from gaps order by asked desc, last_at desc, name limit $1",
            limit
        );
        let rows = rows.fetch_all(self.pool()?).await?.into_iter();
        Ok(rows.map(|row| Gap { name: row.name, asked: row.asked, first_at: row.first_at, last_at: row.last_at }).collect())
    }
}
