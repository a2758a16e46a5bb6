//! Claims: what a platform delivers more than once is worked on once, by one replica.
//! Must not know what an act is.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::{Store, StoreError};
use crate::chat::Platform;

/// Platforms deliver again for an hour at most; the rest is for a clock that is wrong.
const CLAIMS_KEPT: TimeDelta = TimeDelta::days(3);
/// Old rows that go with each new one: more than come, so that they never pile up.
const PRUNED_AT_ONCE: i64 = 10;

/// What is claimed. An answer and the act that it tells of are claimed apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimOf {
    /// Something is changed.
    Act,
    /// Something is told where all can see it.
    Answer,
}

impl Store {
    /// Claims the answer to a delivery. False: somebody has it already.
    pub async fn claim_answer(&self, platform: Platform, delivery: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut connection = self.pool()?.acquire().await?;
        claim(&mut connection, ClaimOf::Answer, platform, delivery, now).await
    }
}

/// In the caller's transaction, so that a claim without its act is never left behind.
pub(super) async fn claim(
    connection: &mut PgConnection,
    of: ClaimOf,
    platform: Platform,
    delivery: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let of = match of {
        ClaimOf::Act => "act",
        ClaimOf::Answer => "answer",
    };
    // One statement, so that an answer waits for the database once. Locked rows are another claim's to delete.
    let claimed = sqlx::query!(
        "with old as (
             delete from chat_claims where claim in (
                 select claim from chat_claims where claimed_at < $3 order by claimed_at limit $4 for update skip locked))
         insert into chat_claims (claim, claimed_at) values ($1, $2) on conflict do nothing",
        format!("{of} {} {delivery}", platform.as_str()),
        now,
        now - CLAIMS_KEPT,
        PRUNED_AT_ONCE
    );
    Ok(claimed.execute(connection).await?.rows_affected() > 0)
}
