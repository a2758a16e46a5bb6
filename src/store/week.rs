//! What owners say of their entries, and the weeks in which all of them are asked.
//! Must not decide whom to ask, nor how far a team is.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    AuditEntry, Job, RoundKey, Store, StoreError,
    action::{enqueue, insert_audit, written_down},
    sync::parse_ref,
};
use crate::{
    catalog::{
        EntityRef,
        live::{Judged, Verdict},
    },
    chat::{Message, Platform, Posted, Reply},
};

/// Words written in one statement.
const BATCH: usize = 1_000;

/// A week that is held.
#[derive(Debug, Clone, PartialEq)]
pub struct Week {
    /// The day it is named after.
    pub week: NaiveDate,
    pub started_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    /// A name.
    pub started_by: String,
    /// How its progress was shown last; `None`: not yet.
    pub said: Option<Reply>,
}

impl Store {
    /// Writes down the word of owners on some entries, with an audit line.
    pub async fn judge_entries(&self, audit: &AuditEntry, words: &[(EntityRef, Judged)]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for batch in words.chunks(BATCH) {
            let entities: Vec<String> = batch.iter().map(|(entity, _)| entity.to_string()).collect();
            let verdicts: Vec<String> = batch.iter().map(|(_, word)| word.verdict.as_str().to_owned()).collect();
            let owners: Vec<Option<String>> =
                batch.iter().map(|(_, word)| word.owner.as_ref().map(ToString::to_string)).collect();
            let names: Vec<String> = batch.iter().map(|(_, word)| word.by.clone()).collect();
            sqlx::query!(
                r#"insert into entry_words (entity, verdict, owner, at, by)
                   select entity, verdict, owner, $5, by
                   from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as said (entity, verdict, owner, by)
                   on conflict (entity) do update
                   set verdict = excluded.verdict, owner = excluded.owner, at = excluded.at, by = excluded.by"#,
                &entities,
                &verdicts,
                &owners as &[Option<String>],
                &names,
                audit.at
            )
            .execute(&mut *transaction)
            .await?;
        }
        let audit_id = insert_audit(&mut transaction, audit).await?;
        written_down(&mut transaction, audit_id).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The last word on each entry.
    pub async fn load_judged(&self) -> Result<BTreeMap<EntityRef, Judged>, StoreError> {
        let rows = sqlx::query!("select entity, verdict, owner, at, by from entry_words").fetch_all(self.pool()?).await?;
        let judged = rows.into_iter().map(|row| {
            let verdict = if row.verdict == Verdict::Right.as_str() { Verdict::Right } else { Verdict::NotOurs };
            let judged = Judged { verdict, owner: row.owner.as_deref().map(parse_ref), at: row.at, by: row.by };
            (parse_ref(&row.entity), judged)
        });
        Ok(judged.collect())
    }

    /// Begins a week, with an audit line where somebody in chat did. False where it was held, or another is.
    pub async fn start_week(&self, audit: Option<&AuditEntry>, new: &Week) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        // One at a time: two would ask of the same entries.
        sqlx::query!("lock table hygiene_weeks in share row exclusive mode").execute(&mut *transaction).await?;
        let started = sqlx::query!(
            "insert into hygiene_weeks (week, started_at, ends_at, started_by)
             select $1, $2, $3, $4 where not exists (select from hygiene_weeks where ended_at is null)
             on conflict do nothing",
            new.week,
            new.started_at,
            new.ends_at,
            new.started_by
        );
        if started.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
        if let Some(audit) = audit {
            let audit_id = insert_audit(&mut transaction, audit).await?;
            written_down(&mut transaction, audit_id).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// The week that is held now.
    pub async fn load_week(&self) -> Result<Option<Week>, StoreError> {
        let row = sqlx::query!("select week, started_at, ends_at, started_by, said from hygiene_weeks where ended_at is null");
        let Some(row) = row.fetch_optional(self.pool()?).await? else { return Ok(None) };
        let said = row.said.map(serde_json::from_value).transpose().map_err(|error| StoreError::Failed(error.into()))?;
        let (week, started_at, ends_at, started_by) = (row.week, row.started_at, row.ends_at, row.started_by);
        Ok(Some(Week { week, started_at, ends_at, started_by, said }))
    }

    /// Notes how a week's progress is shown, and has the message say so, both or neither.
    pub async fn show_week(&self, week: NaiveDate, said: &Reply, message: Option<Message>) -> Result<(), StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let shown = serde_json::to_value(said).expect("a reply is JSON");
        sqlx::query!("update hygiene_weeks set said = $2 where week = $1", week, shown).execute(&mut *transaction).await?;
        if let Some(message) = message {
            enqueue(pool, &mut transaction, Job::Deliver(message), None).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    pub async fn end_week(&self, week: NaiveDate, now: DateTime<Utc>) -> Result<(), StoreError> {
        sqlx::query!("update hygiene_weeks set ended_at = $2 where week = $1 and ended_at is null", week, now)
            .execute(self.pool()?)
            .await?;
        Ok(())
    }

    /// Where a message of the ledger stands, once it has left.
    pub async fn find_posted(&self, key: &RoundKey) -> Result<Option<(Platform, Posted)>, StoreError> {
        let row = sqlx::query!(
            "select platform, posted from hygiene_messages where team = $1 and round = $2 and posted is not null",
            key.team,
            key.round
        );
        let Some(row) = row.fetch_optional(self.pool()?).await? else { return Ok(None) };
        let failed = |error: serde_json::Error| StoreError::Failed(error.into());
        let platform = serde_json::from_value(row.platform.into()).map_err(failed)?;
        let Some(posted) = row.posted else { return Ok(None) };
        Ok(Some((platform, serde_json::from_value(posted).map_err(failed)?)))
    }
}
