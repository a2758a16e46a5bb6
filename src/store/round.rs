//! The ledger of rounds: who was told what, once. The row comes before the message.
//! Must not decide who is told, nor send.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};

use super::{
    AuditEntry, Job, Store, StoreError,
    action::{enqueue, insert_audit, written_down},
    sync::parse_ref,
};
use crate::{
    catalog::EntityRef,
    chat::{Platform, Posted, Reply},
};

/// Messages that are due and have no job any more are looked for this often, a batch at a time.
const MOST_REQUEUED: i64 = 200;

/// One message of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RoundKey {
    /// Whose findings they are, and who of them hears it where that is one of several.
    pub team: String,
    /// The day of the round.
    pub round: String,
}

/// A message that shall be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoundMessage {
    pub key: RoundKey,
    pub platform: Platform,
    /// As the platform takes it.
    pub destination: String,
    /// Where it goes should that one refuse it.
    pub others: Vec<String>,
    /// A person asked for it now.
    pub any_hour: bool,
    /// Tellings one after the other, up to this one, in which nothing was new.
    pub calm: u32,
    pub reply: Reply,
    /// Of all that is open.
    pub keys: Vec<String>,
    /// Of what is spelt out; what teams below have left open for long is marked.
    pub shown: Vec<String>,
}

/// A message as the ledger has it.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundMessage {
    pub key: RoundKey,
    pub platform: Platform,
    pub destination: String,
    pub others: Vec<String>,
    pub any_hour: bool,
    pub message: Reply,
    /// Keys of what is spelt out.
    pub shown: Vec<String>,
    pub state: RoundState,
    /// Where it stands, once it does.
    pub posted: Option<Posted>,
    pub planned_at: DateTime<Utc>,
    pub attempted_at: Option<DateTime<Utc>>,
    /// Since then, by the database's clock.
    pub attempt_age_secs: Option<f64>,
    pub looked: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundState {
    Due,
    Sent,
    Lost,
}

impl RoundState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Sent => "sent",
            Self::Lost => "lost",
        }
    }

    fn parse(word: &str) -> Self {
        match word {
            "sent" => Self::Sent,
            "lost" => Self::Lost,
            _ => Self::Due,
        }
    }
}

/// How a message ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoundEnd {
    Sent(Option<Posted>),
    /// Why.
    Lost(String),
}

/// What was told in a round, for whoever plans the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub key: RoundKey,
    pub destination: String,
    /// All that was open.
    pub keys: Vec<String>,
    /// What of it was spelt out.
    pub shown: Vec<String>,
    pub calm: u32,
    pub state: RoundState,
    /// Why it is lost, where it is.
    pub reason: Option<String>,
    pub planned_at: DateTime<Utc>,
}

/// In whose hands a finding was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hand {
    pub key: String,
    pub state: HandState,
    /// `None`: the people who settle what nobody takes.
    pub to: Option<EntityRef>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandState {
    Asked,
    Accepted,
    Declined,
    Escalated,
}

/// Whether rounds are held yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoundStart {
    pub previewed_at: Option<DateTime<Utc>>,
    pub begun_at: Option<DateTime<Utc>>,
}

/// Before the key of what was told to the group above.
const UP: &str = "up:";

/// The key under which the group above is told of a finding.
pub fn up(key: &str) -> String {
    format!("{UP}{key}")
}

/// The finding's own key, where this is one under which the group above was told of it.
pub fn key_below(key: &str) -> Option<&str> {
    key.strip_prefix(UP)
}

impl Store {
    /// Writes down what shall be sent, with a job for each, in one transaction. What the ledger has already is left out;
    /// gives what it had not.
    pub async fn plan_round(&self, messages: &[NewRoundMessage], now: DateTime<Utc>) -> Result<Vec<RoundKey>, StoreError> {
        self.plan_asked_round(None, messages, now).await
    }

    /// The same where a person may have asked for it: their act is written down where anything leaves.
    pub async fn plan_asked_round(
        &self,
        audit: Option<&AuditEntry>,
        messages: &[NewRoundMessage],
        now: DateTime<Utc>,
    ) -> Result<Vec<RoundKey>, StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let planned = write_messages(pool, &mut transaction, messages, now).await?;
        if let Some(audit) = audit.filter(|_| !planned.is_empty()) {
            let audit_id = insert_audit(&mut transaction, audit).await?;
            written_down(&mut transaction, audit_id).await?;
        }
        transaction.commit().await?;
        Ok(planned)
    }

    pub async fn load_round_message(&self, key: &RoundKey) -> Result<Option<RoundMessage>, StoreError> {
        let row = sqlx::query!(
            r#"select platform, destination, others, any_hour, message, shown, state, posted, planned_at, attempted_at, looked,
                      extract(epoch from clock_timestamp() - attempted_at)::float8 as age
               from hygiene_messages where team = $1 and round = $2"#,
            key.team,
            key.round
        );
        let Some(row) = row.fetch_optional(self.pool()?).await? else { return Ok(None) };
        let message = serde_json::from_value(row.message).map_err(|error| StoreError::Failed(error.into()))?;
        let platform = serde_json::from_value(row.platform.into()).map_err(|error| StoreError::Failed(error.into()))?;
        Ok(Some(RoundMessage {
            key: key.clone(),
            platform,
            destination: row.destination,
            others: row.others,
            any_hour: row.any_hour,
            message,
            shown: row.shown,
            state: RoundState::parse(&row.state),
            posted: row.posted.and_then(|posted| serde_json::from_value(posted).ok()),
            planned_at: row.planned_at,
            attempted_at: row.attempted_at,
            attempt_age_secs: row.age,
            looked: row.looked.unsigned_abs(),
        }))
    }

    /// Notes that a message is about to leave, unless another has noted it since it was loaded. It may have left from now on,
    /// whatever becomes of this process.
    pub async fn attempt_round_message(&self, loaded: &RoundMessage) -> Result<bool, StoreError> {
        let noted = sqlx::query!(
            "update hygiene_messages set attempted_at = clock_timestamp()
             where team = $1 and round = $2 and state = 'due' and attempted_at is not distinct from $3",
            loaded.key.team,
            loaded.key.round,
            loaded.attempted_at
        );
        Ok(noted.execute(self.pool()?).await?.rows_affected() > 0)
    }

    /// Notes that a message has certainly not left, and where it goes next.
    pub async fn take_back_attempt(&self, key: &RoundKey, destination: &str, others: &[String]) -> Result<(), StoreError> {
        sqlx::query!(
            "update hygiene_messages set attempted_at = null, looked = 0, destination = $3, others = $4
             where team = $1 and round = $2 and state = 'due'",
            key.team,
            key.round,
            destination,
            others
        )
        .execute(self.pool()?)
        .await?;
        Ok(())
    }

    /// Has another text sent in the place of one that has not left.
    pub async fn change_round_message(&self, key: &RoundKey, reply: &Reply) -> Result<(), StoreError> {
        let message = serde_json::to_value(reply).expect("a reply is JSON");
        sqlx::query!(
            "update hygiene_messages set message = $3 where team = $1 and round = $2 and state = 'due'",
            key.team,
            key.round,
            message
        )
        .execute(self.pool()?)
        .await?;
        Ok(())
    }

    /// Notes that nobody could look whether a message has left.
    pub async fn note_vain_look(&self, key: &RoundKey) -> Result<(), StoreError> {
        sqlx::query!("update hygiene_messages set looked = looked + 1 where team = $1 and round = $2", key.team, key.round)
            .execute(self.pool()?)
            .await?;
        Ok(())
    }

    pub async fn end_round_message(&self, key: &RoundKey, end: &RoundEnd, now: DateTime<Utc>) -> Result<(), StoreError> {
        let (state, posted, reason, sent_at) = match end {
            RoundEnd::Sent(posted) => (RoundState::Sent, posted.as_ref(), None, Some(now)),
            RoundEnd::Lost(reason) => (RoundState::Lost, None, Some(reason.as_str()), None),
        };
        let posted = posted.map(|posted| serde_json::to_value(posted).expect("texts are JSON"));
        sqlx::query!(
            "update hygiene_messages set state = $3, posted = $4, reason = $5, sent_at = $6
             where team = $1 and round = $2 and state = 'due'",
            key.team,
            key.round,
            state.as_str(),
            posted,
            reason,
            sent_at
        )
        .execute(self.pool()?)
        .await?;
        Ok(())
    }

    /// The platform's id of a place to which a message has gone before.
    pub async fn find_posted_channel(&self, platform: Platform, destination: &str) -> Result<Option<String>, StoreError> {
        let found = sqlx::query_scalar!(
            "select posted ->> 'channel' from hygiene_messages
             where platform = $1 and destination = $2 and posted is not null order by sent_at desc limit 1",
            platform.as_str(),
            destination
        );
        Ok(found.fetch_optional(self.pool()?).await?.flatten())
    }

    /// What was told since, the oldest first.
    pub async fn load_told(&self, since: DateTime<Utc>) -> Result<Vec<Told>, StoreError> {
        let rows = sqlx::query!(
            "select team, round, destination, keys, shown, calm, state, reason, planned_at from hygiene_messages
             where planned_at >= $1 order by planned_at, team",
            since
        );
        let rows = rows.fetch_all(self.pool()?).await?;
        let told = rows.into_iter().map(|row| Told {
            key: RoundKey { team: row.team, round: row.round },
            destination: row.destination,
            keys: row.keys,
            shown: row.shown,
            calm: row.calm.unsigned_abs(),
            state: RoundState::parse(&row.state),
            reason: row.reason,
            planned_at: row.planned_at,
        });
        Ok(told.collect())
    }

    /// Has messages that are due and wait for nothing be worked on again: a queue that was lost takes no message with it.
    pub async fn requeue_round_messages(&self, before: DateTime<Utc>) -> Result<usize, StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let rows = sqlx::query!(
            "select team, round from hygiene_messages as due
             where state = 'due' and planned_at < $1
               and (attempted_at is null or attempted_at < clock_timestamp() - interval '5 minutes')
             order by planned_at limit $2",
            before,
            MOST_REQUEUED
        );
        let rows = rows.fetch_all(&mut *transaction).await?;
        let mut requeued = 0;
        for row in rows {
            let key = RoundKey { team: row.team, round: row.round };
            // Not checked by the compiler: the queue brings its own migrations.
            let waits: bool = sqlx::query_scalar("select exists (select from graphile_worker._private_jobs where key = $1)")
                .bind(format!("round:{}:{}", key.team, key.round))
                .fetch_one(&mut *transaction)
                .await?;
            if !waits {
                enqueue(pool, &mut transaction, Job::SendRound(key), None).await?;
                requeued += 1;
            }
        }
        transaction.commit().await?;
        Ok(requeued)
    }

    /// How many messages are still to be sent.
    pub async fn count_due(&self, keys: &[RoundKey]) -> Result<i64, StoreError> {
        let teams: Vec<String> = keys.iter().map(|key| key.team.clone()).collect();
        let rounds: Vec<String> = keys.iter().map(|key| key.round.clone()).collect();
        let due = sqlx::query_scalar!(
            r#"select count(*) as "due!" from hygiene_messages
               join unnest($1::text[], $2::text[]) as asked (team, round) using (team, round) where state = 'due'"#,
            &teams,
            &rounds
        );
        Ok(due.fetch_one(self.pool()?).await?)
    }

    /// In whose hands findings are, the last word on each.
    pub async fn load_hands(&self) -> Result<Vec<Hand>, StoreError> {
        let rows = sqlx::query!(
            "select distinct on (key) key, state, to_owner from finding_hand_overs order by key, asked_at desc, id desc"
        );
        let rows = rows.fetch_all(self.pool()?).await?;
        let hands = rows.into_iter().map(|row| Hand {
            key: row.key,
            state: match row.state.as_str() {
                "accepted" => HandState::Accepted,
                "declined" => HandState::Declined,
                "escalated" => HandState::Escalated,
                _ => HandState::Asked,
            },
            to: row.to_owner.as_deref().map(parse_ref),
        });
        Ok(hands.collect())
    }

    /// Findings that an open pull request mends.
    pub async fn load_keys_in_fixes(&self) -> Result<BTreeSet<String>, StoreError> {
        let keys = sqlx::query_scalar!(
            r#"select distinct key as "key!" from fixes, unnest(keys) as key where state in ('intended', 'open')"#
        );
        Ok(keys.fetch_all(self.pool()?).await?.into_iter().collect())
    }

    /// What has an open incident.
    pub async fn load_in_incidents(&self) -> Result<BTreeSet<EntityRef>, StoreError> {
        let refs = sqlx::query_scalar!("select distinct ref from incidents where state = 'open' and kind = 'incident'");
        Ok(refs.fetch_all(self.pool()?).await?.iter().map(|text| parse_ref(text)).collect())
    }

    pub async fn load_round_start(&self) -> Result<RoundStart, StoreError> {
        let row = sqlx::query!("select previewed_at, begun_at from hygiene_start").fetch_optional(self.pool()?).await?;
        Ok(row.map_or(RoundStart::default(), |row| RoundStart { previewed_at: Some(row.previewed_at), begun_at: row.begun_at }))
    }

    /// Notes that the admins are shown the first round.
    pub async fn note_preview(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        sqlx::query!("insert into hygiene_start (previewed_at) values ($1) on conflict do nothing", now)
            .execute(self.pool()?)
            .await?;
        Ok(())
    }

    /// Lets rounds go from now on. False where they did already.
    pub async fn begin_rounds(&self, audit: &AuditEntry) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let begun = sqlx::query!(
            "insert into hygiene_start (previewed_at, begun_at, begun_by) values ($1, $1, $2)
             on conflict (only_one) do update set begun_at = excluded.begun_at, begun_by = excluded.begun_by
             where hygiene_start.begun_at is null",
            audit.at,
            audit.account.name
        );
        if begun.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let audit_id = insert_audit(&mut transaction, audit).await?;
        written_down(&mut transaction, audit_id).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// Writes messages and their jobs; gives those that the ledger had not.
pub(super) async fn write_messages(
    pool: &PgPool,
    connection: &mut PgConnection,
    messages: &[NewRoundMessage],
    now: DateTime<Utc>,
) -> Result<Vec<RoundKey>, StoreError> {
    let mut planned = Vec::new();
    for new in messages {
        let message = serde_json::to_value(&new.reply).expect("a reply is JSON");
        let written = sqlx::query!(
            "insert into hygiene_messages
                (team, round, platform, destination, others, any_hour, calm, message, keys, shown, planned_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (team, round) do nothing",
            new.key.team,
            new.key.round,
            new.platform.as_str(),
            new.destination,
            &new.others,
            new.any_hour,
            new.calm as i32,
            message,
            &new.keys,
            &new.shown,
            now
        );
        if written.execute(&mut *connection).await?.rows_affected() == 0 {
            continue;
        }
        enqueue(pool, connection, Job::SendRound(new.key.clone()), None).await?;
        planned.push(new.key.clone());
    }
    Ok(planned)
}
