//! First days in a team: who has joined, what newcomers have seen, and what they could not find.
//! Must not decide what a newcomer is shown, nor what an owner is told.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{
    AuditEntry, NewRoundMessage, Store, StoreError,
    action::{insert_audit, written_down},
    round::write_messages,
    sync::parse_ref,
};
use crate::{
    catalog::{
        EntityRef,
        live::{DayOne, Step},
    },
    chat::Account,
};

/// Memberships written in one statement.
const BATCH: usize = 1_000;

/// Open at a time; more is not a newcomer who looks for something.
const MOST_OPEN: i64 = 5_000;

/// Somebody in a team.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Membership {
    pub team: EntityRef,
    pub person: EntityRef,
}

/// Somebody in a team of whom nothing was known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMembership {
    pub of: Membership,
    /// `None`: they were there before Steward looked.
    pub joined_at: Option<DateTime<Utc>>,
}

/// Memberships that are known, and from where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownMembers {
    pub sources: BTreeSet<String>,
    pub memberships: BTreeSet<Membership>,
}

/// A step that somebody has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenStep {
    /// Reference, or platform and account.
    pub person: String,
    pub team: EntityRef,
    pub step: Step,
    pub entity: EntityRef,
}

/// The number by which something that was not found is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MissingId(pub i64);

/// Something that was not found, to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMissing {
    pub entity: EntityRef,
    pub step: Step,
    /// What the catalog has of it now.
    pub trace: String,
    pub person: Option<EntityRef>,
    pub name: String,
    pub account: Account,
}

/// Something that was not found and is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub id: MissingId,
    pub said: NewMissing,
    pub said_at: DateTime<Utc>,
    /// When its owner was asked; `None`: not yet.
    pub asked_at: Option<DateTime<Utc>>,
}

impl Store {
    /// What is known of who is in which team.
    pub async fn load_known_members(&self) -> Result<KnownMembers, StoreError> {
        let pool = self.pool()?;
        let sources = sqlx::query_scalar!("select source from onboard_sources").fetch_all(pool).await?;
        let rows = sqlx::query!("select team, person from onboard_members").fetch_all(pool).await?;
        let membership = |team: &str, person: &str| Membership { team: parse_ref(team), person: parse_ref(person) };
        let memberships = rows.iter().map(|row| membership(&row.team, &row.person)).collect();
        Ok(KnownMembers { sources: sources.into_iter().collect(), memberships })
    }

    /// Writes down memberships and where they are known from; what is there already stays as it is.
    pub async fn note_members(&self, new: &[NewMembership], sources: &[String]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for batch in new.chunks(BATCH) {
            let teams: Vec<String> = batch.iter().map(|new| new.of.team.to_string()).collect();
            let people: Vec<String> = batch.iter().map(|new| new.of.person.to_string()).collect();
            let joined: Vec<Option<DateTime<Utc>>> = batch.iter().map(|new| new.joined_at).collect();
            sqlx::query!(
                "insert into onboard_members (team, person, joined_at)
                 select * from unnest($1::text[], $2::text[], $3::timestamptz[]) on conflict do nothing",
                &teams,
                &people,
                &joined as &[Option<DateTime<Utc>>]
            )
            .execute(&mut *transaction)
            .await?;
        }
        sqlx::query!("insert into onboard_sources (source) select unnest($1::text[]) on conflict do nothing", sources)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Who has joined since, and was offered nothing yet; the earliest first.
    pub async fn load_joined(&self, since: DateTime<Utc>) -> Result<Vec<Membership>, StoreError> {
        let rows = sqlx::query!(
            "select team, person from onboard_members where joined_at >= $1 and offered_at is null order by joined_at, team, person",
            since
        );
        let rows = rows.fetch_all(self.pool()?).await?;
        Ok(rows.iter().map(|row| Membership { team: parse_ref(&row.team), person: parse_ref(&row.person) }).collect())
    }

    /// Offers somebody the first day: the message and the note that it was written, both or neither. False where another
    /// replica has done it.
    pub async fn offer_day_one(
        &self,
        of: &Membership,
        message: &NewRoundMessage,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let noted = sqlx::query!(
            "update onboard_members set offered_at = $3 where team = $1 and person = $2 and offered_at is null",
            of.team.as_str(),
            of.person.as_str(),
            now
        );
        if noted.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
        write_messages(pool, &mut transaction, std::slice::from_ref(message), now).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Ticks a step; the first time counts.
    pub async fn note_seen(&self, seen: &SeenStep, now: DateTime<Utc>) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into onboard_steps (person, team, step, entity, seen_at) values ($1, $2, $3, $4, $5) on conflict do nothing",
            seen.person,
            seen.team.as_str(),
            seen.step.as_str(),
            seen.entity.as_str(),
            now
        )
        .execute(self.pool()?)
        .await?;
        Ok(())
    }

    /// What somebody has seen, of all teams.
    pub async fn load_seen(&self, person: &str) -> Result<Vec<SeenStep>, StoreError> {
        let rows = sqlx::query!("select team, step, entity from onboard_steps where person = $1 order by seen_at", person);
        let rows = rows.fetch_all(self.pool()?).await?;
        let seen = rows.into_iter().filter_map(|row| {
            let step = Step::parse(&row.step)?;
            Some(SeenStep { person: person.to_owned(), team: parse_ref(&row.team), step, entity: parse_ref(&row.entity) })
        });
        Ok(seen.collect())
    }

    /// Writes down that something was not found, with an audit line. `None` where that is known and not answered yet.
    pub async fn say_missing(&self, audit: &AuditEntry, new: &NewMissing) -> Result<Option<MissingId>, StoreError> {
        let mut transaction = self.begin().await?;
        let account = serde_json::to_value(&new.account).expect("texts are JSON");
        let id = sqlx::query_scalar!(
            "insert into onboard_not_found (entity, step, trace, person, name, account, said_at)
             values ($1, $2, $3, $4, $5, $6, $7) on conflict (entity, step) where closed_at is null do nothing returning id",
            new.entity.as_str(),
            new.step.as_str(),
            new.trace,
            new.person.as_ref().map(EntityRef::as_str),
            new.name,
            account,
            audit.at
        );
        let Some(id) = id.fetch_optional(&mut *transaction).await? else { return Ok(None) };
        let audit_id = insert_audit(&mut transaction, audit).await?;
        written_down(&mut transaction, audit_id).await?;
        transaction.commit().await?;
        Ok(Some(MissingId(id)))
    }

    /// All that was not found and is not answered, the oldest first.
    pub async fn load_missing(&self) -> Result<Vec<Missing>, StoreError> {
        let rows = sqlx::query!(
            "select id, entity, step, trace, person, name, account, said_at, asked_at from onboard_not_found
             where closed_at is null order by said_at, id limit $1",
            MOST_OPEN
        );
        let mut open = Vec::new();
        for row in rows.fetch_all(self.pool()?).await? {
            let Some(step) = Step::parse(&row.step) else { continue };
            let account = serde_json::from_value(row.account).map_err(|error| StoreError::Failed(error.into()))?;
            let person = row.person.as_deref().map(parse_ref);
            let said = NewMissing { entity: parse_ref(&row.entity), step, trace: row.trace, person, name: row.name, account };
            open.push(Missing { id: MissingId(row.id), said, said_at: row.said_at, asked_at: row.asked_at });
        }
        Ok(open)
    }

    /// Asks an owner for what was not found: the messages and the note that they were written, both or neither. False where
    /// one of these was asked for or answered meanwhile.
    pub async fn ask_for_missing(
        &self,
        ids: &[MissingId],
        messages: &[NewRoundMessage],
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let numbers: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let noted = sqlx::query!(
            "update onboard_not_found set asked_at = $2 where id = any($1) and asked_at is null and closed_at is null",
            &numbers,
            now
        );
        if noted.execute(&mut *transaction).await?.rows_affected() != numbers.len() as u64 {
            return Ok(false);
        }
        write_messages(pool, &mut transaction, messages, now).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Closes what was not found, by somebody's word or, without one, because it is there; who looked for it hears it by
    /// `message`. False where it was closed before.
    pub async fn close_missing(
        &self,
        id: MissingId,
        by: Option<(&AuditEntry, &str)>,
        message: Option<&NewRoundMessage>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let closed = sqlx::query!(
            "update onboard_not_found set closed_at = $2, closed_by = $3 where id = $1 and closed_at is null",
            id.0,
            now,
            by.map(|(_, name)| name)
        );
        if closed.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
        if let Some((audit, _)) = by {
            let audit_id = insert_audit(&mut transaction, audit).await?;
            written_down(&mut transaction, audit_id).await?;
        }
        write_messages(pool, &mut transaction, message.map_or(&[], std::slice::from_ref), now).await?;
        transaction.commit().await?;
        Ok(true)
    }

    pub async fn count_day_one(&self) -> Result<DayOne, StoreError> {
        let row = sqlx::query!(
            r#"select (select count(distinct person) from onboard_steps) as "newcomers!",
                      (select count(*) from onboard_steps) as "seen!",
                      (select count(*) from onboard_not_found) as "missing!",
                      (select count(*) from onboard_not_found where closed_at is null) as "open!""#
        );
        let row = row.fetch_one(self.pool()?).await?;
        let number = |count: i64| usize::try_from(count).unwrap_or_default();
        Ok(DayOne {
            newcomers: number(row.newcomers),
            steps_seen: number(row.seen),
            not_found: number(row.missing),
            still_open: number(row.open),
        })
    }
}
