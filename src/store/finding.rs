//! What is wrong with entries, from when to when, and why some of it is left alone.
//! Must not decide what is wrong, nor whom it is told.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{
    AuditEntry, Store, StoreError,
    action::{insert_audit, written_down},
    sync::parse_ref,
};
use crate::catalog::EntityRef;

/// Findings written in one statement.
const BATCH: usize = 1_000;

/// Something that is wrong now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenFinding {
    /// `CHECK:ENTITY`.
    pub key: String,
    pub check_id: String,
    pub entity: EntityRef,
    /// Who answers for it; `None`: nobody.
    pub team: Option<EntityRef>,
    pub severity: &'static str,
    pub detail: String,
}

/// What came of writing down what is wrong now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FindingTally {
    pub opened: u64,
    pub closed: u64,
}

/// A time during which something was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingSpell {
    pub key: String,
    pub check_id: String,
    pub entity: EntityRef,
    pub team: Option<EntityRef>,
    pub opened_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
}

/// Why a finding is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestKind {
    /// Later.
    Snoozed,
    /// It is as it should be.
    Exempt,
}

impl RestKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Snoozed => "snoozed",
            Self::Exempt => "exempt",
        }
    }

    fn parse(word: &str) -> Self {
        match word {
            "exempt" => Self::Exempt,
            _ => Self::Snoozed,
        }
    }
}

/// A finding that is left alone until a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingRest {
    pub key: String,
    pub kind: RestKind,
    pub until: DateTime<Utc>,
    /// In the words of who asked for it; may be empty for a snooze.
    pub reason: String,
    /// Names.
    pub asked_by: String,
    pub approved_by: Option<String>,
    pub at: DateTime<Utc>,
}

impl Store {
    /// Writes down all that is wrong now: what was not there opens, what is no longer there closes. What is given is the
    /// whole; all or nothing. Replicas that do it at once agree with the last.
    pub async fn write_findings(&self, seen: &[SeenFinding], now: DateTime<Utc>) -> Result<FindingTally, StoreError> {
        let mut transaction = self.begin().await?;
        // One at a time: two would close what the other has just opened.
        sqlx::query!("lock table findings in share row exclusive mode").execute(&mut *transaction).await?;
        let keys: Vec<String> = seen.iter().map(|finding| finding.key.clone()).collect();
        let closed = sqlx::query!("update findings set closed_at = $2 where closed_at is null and key <> all($1)", &keys, now)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        let mut opened = 0;
        for batch in seen.chunks(BATCH) {
            let text = |of: fn(&SeenFinding) -> &str| batch.iter().map(|finding| of(finding).to_owned()).collect::<Vec<_>>();
            let teams: Vec<Option<String>> =
                batch.iter().map(|finding| finding.team.as_ref().map(|team| team.as_str().to_owned())).collect();
            let written = sqlx::query_scalar!(
                r#"insert into findings (key, check_id, entity, team, severity, detail, opened_at)
                   select key, check_id, entity, team, severity, detail, $7
                   from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
                        as seen (key, check_id, entity, team, severity, detail)
                   on conflict (key) where closed_at is null
                   do update set team = excluded.team, severity = excluded.severity, detail = excluded.detail
                   where (findings.team, findings.severity, findings.detail)
                         is distinct from (excluded.team, excluded.severity, excluded.detail)
                   returning (xmax = 0) as "is_new!""#,
                &text(|finding| &finding.key),
                &text(|finding| &finding.check_id),
                &text(|finding| finding.entity.as_str()),
                &teams as &[Option<String>],
                &text(|finding| finding.severity),
                &text(|finding| &finding.detail),
                now
            );
            let written = written.fetch_all(&mut *transaction).await?;
            opened += written.into_iter().filter(|is_new| *is_new).count() as u64;
        }
        transaction.commit().await?;
        Ok(FindingTally { opened, closed })
    }

    /// Loads since when each open finding is open, by its key.
    pub async fn load_open_findings(&self) -> Result<BTreeMap<String, DateTime<Utc>>, StoreError> {
        let rows = sqlx::query!("select key, opened_at from findings where closed_at is null").fetch_all(self.pool()?).await?;
        Ok(rows.into_iter().map(|row| (row.key, row.opened_at)).collect())
    }

    /// Loads all that was open at `since` or has been since, the oldest first.
    pub async fn load_finding_spells(&self, since: DateTime<Utc>) -> Result<Vec<FindingSpell>, StoreError> {
        let rows = sqlx::query!(
            "select key, check_id, entity, team, opened_at, closed_at from findings
             where closed_at is null or closed_at >= $1 order by opened_at, id",
            since
        );
        let rows = rows.fetch_all(self.pool()?).await?;
        let spells = rows.into_iter().map(|row| FindingSpell {
            key: row.key,
            check_id: row.check_id,
            entity: parse_ref(&row.entity),
            team: row.team.as_deref().map(parse_ref),
            opened_at: row.opened_at,
            closed_at: row.closed_at,
        });
        Ok(spells.collect())
    }

    /// Loads what is left alone at this time, by the findings' keys.
    pub async fn load_rests(&self, now: DateTime<Utc>) -> Result<BTreeMap<String, FindingRest>, StoreError> {
        let rows =
            sqlx::query!("select key, kind, until, reason, asked_by, approved_by, at from finding_rests where until > $1", now);
        let rows = rows.fetch_all(self.pool()?).await?;
        let rest = rows.into_iter().map(|row| FindingRest {
            kind: RestKind::parse(&row.kind),
            key: row.key,
            until: row.until,
            reason: row.reason,
            asked_by: row.asked_by,
            approved_by: row.approved_by,
            at: row.at,
        });
        Ok(rest.map(|rest| (rest.key.clone(), rest)).collect())
    }

    /// Leaves findings alone, with an audit line; what was said of them before no longer counts.
    pub async fn rest_findings(&self, audit: &AuditEntry, rests: &[FindingRest]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let audit_id = insert_audit(&mut transaction, audit).await?;
        for rest in rests {
            sqlx::query!(
                "insert into finding_rests (key, kind, until, reason, asked_by, approved_by, at)
                 values ($1, $2, $3, $4, $5, $6, $7)
                 on conflict (key) do update set kind = excluded.kind, until = excluded.until, reason = excluded.reason,
                     asked_by = excluded.asked_by, approved_by = excluded.approved_by, at = excluded.at",
                rest.key,
                rest.kind.as_str(),
                rest.until,
                rest.reason,
                rest.asked_by,
                rest.approved_by,
                rest.at
            )
            .execute(&mut *transaction)
            .await?;
        }
        written_down(&mut transaction, audit_id).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Has a finding count again, with an audit line. False where it was not left alone.
    pub async fn wake_finding(&self, audit: &AuditEntry, key: &str) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let gone = sqlx::query!("delete from finding_rests where key = $1", key).execute(&mut *transaction).await?;
        if gone.rows_affected() == 0 {
            return Ok(false);
        }
        let audit_id = insert_audit(&mut transaction, audit).await?;
        written_down(&mut transaction, audit_id).await?;
        transaction.commit().await?;
        Ok(true)
    }
}
