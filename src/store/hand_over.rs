//! Findings that somebody said are another's: whom was asked instead, and what they said.
//! Must not guess who it is.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    AuditEntry, Job, Store, StoreError,
    action::{enqueue, insert_audit, written_down},
};
use crate::catalog::EntityRef;

/// The number by which a hand-over is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HandOverId(pub i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOverState {
    /// Those who were named have not answered yet.
    Asked,
    Accepted,
    Declined,
    /// It came back, and people who settle such things look at it.
    Escalated,
}

impl HandOverState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Escalated => "escalated",
        }
    }

    /// Whether somebody is still expected to answer.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Asked | Self::Escalated)
    }

    fn parse(word: &str) -> Result<Self, StoreError> {
        let all = [Self::Asked, Self::Accepted, Self::Declined, Self::Escalated];
        let found = all.into_iter().find(|state| state.as_str() == word);
        found.ok_or_else(|| StoreError::Failed(anyhow::anyhow!("a hand-over is {word}, which this version does not know")))
    }
}

/// One that is to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHandOver {
    /// Of the finding.
    pub key: String,
    pub from: Option<EntityRef>,
    /// `None`: those who settle what nobody takes.
    pub to: Option<EntityRef>,
    /// Why them, in words.
    pub evidence: String,
    /// A name.
    pub asked_by: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    pub id: HandOverId,
    pub key: String,
    pub from: Option<EntityRef>,
    pub to: Option<EntityRef>,
    pub evidence: String,
    pub state: HandOverState,
    pub asked_by: String,
    pub asked_at: DateTime<Utc>,
    pub answered_by: Option<String>,
    pub answered_at: Option<DateTime<Utc>>,
}

struct Row {
    id: i64,
    key: String,
    from_owner: Option<String>,
    to_owner: Option<String>,
    evidence: String,
    state: String,
    asked_by: String,
    asked_at: DateTime<Utc>,
    answered_by: Option<String>,
    answered_at: Option<DateTime<Utc>>,
}

impl Row {
    fn read(self) -> Result<HandOver, StoreError> {
        let owner = |written: Option<String>| EntityRef::parse(&written?, Some("group"), "default").ok();
        Ok(HandOver {
            id: HandOverId(self.id),
            key: self.key,
            from: owner(self.from_owner),
            to: owner(self.to_owner),
            evidence: self.evidence,
            state: HandOverState::parse(&self.state)?,
            asked_by: self.asked_by,
            asked_at: self.asked_at,
            answered_by: self.answered_by,
            answered_at: self.answered_at,
        })
    }
}

impl Store {
    /// Writes down whom a finding is handed to, with an audit line, and has them asked. `None` where it is in other hands
    /// already.
    pub async fn hand_over(&self, audit: &AuditEntry, new: &NewHandOver) -> Result<Option<HandOverId>, StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let Some(id) = insert(&mut transaction, new, audit.at).await? else { return Ok(None) };
        let audit_id = insert_audit(&mut transaction, audit).await?;
        let job_id = enqueue(pool, &mut transaction, Job::AskHandOver(id), Some(audit_id)).await?;
        sqlx::query!("update audit set job_id = $2 where id = $1", audit_id, job_id).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Some(id))
    }

    /// Writes down what those who were asked said; where it is no, it goes to `then`. False where somebody has answered.
    pub async fn answer_hand_over(
        &self,
        audit: &AuditEntry,
        id: HandOverId,
        answer: HandOverState,
        by: &str,
        then: Option<&NewHandOver>,
    ) -> Result<bool, StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let changed = sqlx::query!(
            "update finding_hand_overs set state = $2, answered_by = $3, answered_at = $4
             where id = $1 and state in ('asked', 'escalated')",
            id.0,
            answer.as_str(),
            by,
            audit.at
        )
        .execute(&mut *transaction)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(false);
        }
        let audit_id = insert_audit(&mut transaction, audit).await?;
        written_down(&mut transaction, audit_id).await?;
        if let Some(then) = then
            && let Some(next) = insert(&mut transaction, then, audit.at).await?
        {
            enqueue(pool, &mut transaction, Job::AskHandOver(next), None).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Names whom to ask where nobody could be guessed before; false where somebody has said no, or has answered.
    pub async fn redirect_hand_over(&self, id: HandOverId, to: &EntityRef, evidence: &str) -> Result<bool, StoreError> {
        let changed = sqlx::query!(
            "update finding_hand_overs set to_owner = $2, state = 'asked',
                 evidence = case when evidence = '' then $3 else $3 || '. ' || evidence end
             where id = $1 and state = 'escalated' and to_owner is null
               and not exists (select from finding_hand_overs before
                               where before.key = finding_hand_overs.key and before.id < $1 and before.state = 'declined')",
            id.0,
            to.as_str(),
            evidence
        )
        .execute(self.pool()?)
        .await?;
        Ok(changed.rows_affected() > 0)
    }

    pub async fn load_hand_over(&self, id: HandOverId) -> Result<Option<HandOver>, StoreError> {
        let row = sqlx::query_as!(
            Row,
            "select id, key, from_owner, to_owner, evidence, state, asked_by, asked_at, answered_by, answered_at
             from finding_hand_overs where id = $1",
            id.0
        );
        row.fetch_optional(self.pool()?).await?.map(Row::read).transpose()
    }

    /// Loads those that somebody is expected to answer, by the findings' keys.
    pub async fn load_hand_overs(&self) -> Result<BTreeMap<String, HandOver>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            "select id, key, from_owner, to_owner, evidence, state, asked_by, asked_at, answered_by, answered_at
             from finding_hand_overs where state in ('asked', 'escalated')"
        );
        let rows = rows.fetch_all(self.pool()?).await?.into_iter().map(Row::read);
        rows.map(|read| read.map(|hand_over| (hand_over.key.clone(), hand_over))).collect()
    }
}

/// `None` where the finding is in other hands already.
async fn insert(
    connection: &mut sqlx::PgConnection,
    new: &NewHandOver,
    now: DateTime<Utc>,
) -> Result<Option<HandOverId>, StoreError> {
    let state = if new.to.is_some() { HandOverState::Asked } else { HandOverState::Escalated };
    let id = sqlx::query_scalar!(
        "insert into finding_hand_overs (key, from_owner, to_owner, evidence, state, asked_by, asked_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (key) where state in ('asked', 'escalated') do nothing returning id",
        new.key,
        new.from.as_ref().map(EntityRef::as_str),
        new.to.as_ref().map(EntityRef::as_str),
        new.evidence,
        state.as_str(),
        new.asked_by,
        now
    );
    Ok(id.fetch_optional(connection).await?.map(HandOverId))
}
