//! The audit log as it is read: who asked to change what, when, with what result; and attempts that were denied.
//! Must not judge who may read it: the command does.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{AuditEntry, Store, StoreError};
use crate::catalog::EntityRef;

/// The result of an attempt that access rules denied.
pub const DENIED: &str = "denied";

/// The same attempt of the same account is written once in this time: pressing again is no news, and must not fill a disk.
const DENIED_ONCE_IN: TimeDelta = TimeDelta::minutes(10);

/// Denied attempts of one account that are written in an hour: the rest says nothing new either.
const MOST_DENIED: i64 = 30;

/// One line of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditLine {
    pub at: DateTime<Utc>,
    pub platform: String,
    /// The platform's id of who asked.
    pub account: String,
    /// Reference of the User that the account was tied to then.
    pub person: Option<String>,
    pub command: String,
    pub subject: String,
    pub detail: Value,
    /// `None` while the work has not ended.
    pub result: Option<String>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// Which lines are wanted; any of these is enough. All empty: every line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Users who asked, by reference.
    pub persons: Vec<String>,
    /// Platforms' ids of who asked.
    pub accounts: Vec<String>,
    /// References of what it was about.
    pub subjects: Vec<String>,
    /// A piece of the subject: an address, a source, a repository.
    pub text: Option<String>,
}

/// A page of the log, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuditPage {
    pub lines: Vec<AuditLine>,
    /// Lines that fit, on all pages.
    pub total: i64,
}

impl Store {
    /// Loads one page of what fits.
    pub async fn load_audit(&self, filter: &AuditFilter, limit: i64, offset: i64) -> Result<AuditPage, StoreError> {
        let AuditFilter { persons, accounts, subjects, text } = filter;
        let is_open = persons.is_empty() && accounts.is_empty() && subjects.is_empty() && text.is_none();
        let rows = sqlx::query!(
            r#"select at, platform, account, person, command, subject, detail, result, ended_at, count(*) over () as "total!"
               from audit
               where $1 or person = any($2) or account = any($3) or subject = any($4)
                  or strpos(lower(subject), lower($5::text)) > 0
               order by at desc, id desc limit $6 offset $7"#,
            is_open,
            persons,
            accounts,
            subjects,
            text.as_deref(),
            limit,
            offset
        );
        let rows = rows.fetch_all(self.pool()?).await?;
        let total = rows.first().map_or(0, |row| row.total);
        let lines = rows.into_iter().map(|row| AuditLine {
            at: row.at,
            platform: row.platform,
            account: row.account,
            person: row.person,
            command: row.command,
            subject: row.subject,
            detail: row.detail,
            result: row.result,
            ended_at: row.ended_at,
        });
        Ok(AuditPage { lines: lines.collect(), total })
    }

    /// Writes down that somebody was denied something, unless the same was written minutes ago, or very much was.
    pub async fn record_refusal(&self, audit: AuditEntry) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into audit (at, platform, account, person, command, subject, detail, result, ended_at)
             select $1::timestamptz, $2::text, $3::text, $4::text, $5::text, $6::text, $7::jsonb, $8::text, $1
             where not exists (select from audit where platform = $2 and account = $3 and at > $9 and command = $5
                               and subject = $6 and result = $8)
               and (select count(*) from audit where platform = $2 and account = $3 and at > $10 and result = $8) < $11",
            audit.at,
            audit.account.platform.as_str(),
            audit.account.id,
            audit.person.as_ref().map(EntityRef::as_str),
            audit.command,
            audit.subject,
            audit.detail,
            DENIED,
            audit.at - DENIED_ONCE_IN,
            audit.at - TimeDelta::hours(1),
            MOST_DENIED
        )
        .execute(self.pool()?)
        .await?;
        Ok(())
    }
}
