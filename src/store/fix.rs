//! Pull requests that mend findings: written down before they are made, and followed to their end.
//! Must not make them, nor decide what is wrong.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use super::{
    AuditEntry, Job, Store, StoreError,
    action::{enqueue, insert_audit},
    round::{RoundKey, up},
};
use crate::{
    catalog::EntityRef,
    chat::{Account, Place, Posted},
};

/// Nobody scrolls back further to see what became of a finding.
const FOLLOWED_FOR: TimeDelta = TimeDelta::days(90);

/// Messages that are drawn anew because of one fix: each of a team's members may have had one.
const MOST_FOLLOWING: i64 = 50;

/// The number by which a fix is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FixId(pub i64);

impl std::fmt::Display for FixId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// How far a fix is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FixState {
    /// It is about to be proposed, or was when a replica died.
    Intended,
    /// Its pull request is open.
    Open,
    Merged,
    /// Closed without being merged.
    Closed,
    Failed,
}

impl FixState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Open => "open",
            Self::Merged => "merged",
            Self::Closed => "closed",
            Self::Failed => "failed",
        }
    }

    fn parse(word: &str) -> Result<Self, StoreError> {
        let all = [Self::Intended, Self::Open, Self::Merged, Self::Closed, Self::Failed];
        let found = all.into_iter().find(|state| state.as_str() == word);
        found.ok_or_else(|| StoreError::Failed(anyhow::anyhow!("a fix is {word}, which this version does not know")))
    }
}

/// What becomes of one entity's descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedFile {
    /// Of the file, in its repository.
    pub path: String,
    pub entity: EntityRef,
    /// What is set, from the outside in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FixedValue>,
    /// A file that is written anew, whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contents: Option<String>,
    /// It is the first descriptor of its repository: its contents are made of what is set and what the repository shows.
    #[serde(default)]
    pub is_new: bool,
    /// Of a first descriptor, once it is written: what nobody said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<Reading>,
}

/// Something that a first descriptor says and nobody told, and where it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// "owner", "type".
    pub what: String,
    /// Empty where it is long, or many.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// "the dependency next in package.json".
    pub from: String,
    #[serde(default)]
    pub is_guess: bool,
}

impl Reading {
    pub fn new(what: &str, value: &str, from: String) -> Self {
        Self { what: what.to_owned(), value: value.to_owned(), from, is_guess: false }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedValue {
    pub path: Vec<String>,
    pub value: String,
}

/// A pull request that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFix {
    pub source: String,
    pub repository_id: i64,
    /// `acme/payments-api`.
    pub repository: String,
    pub branch: String,
    /// Of the findings that it mends.
    pub keys: Vec<String>,
    pub files: Vec<FixedFile>,
}

/// One as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    pub id: FixId,
    pub source: String,
    pub repository_id: i64,
    pub repository: String,
    pub branch: String,
    pub keys: Vec<String>,
    pub files: Vec<FixedFile>,
    pub account: Account,
    pub person: Option<EntityRef>,
    pub place: Option<Place>,
    /// The message that follows it.
    pub posted: Option<Posted>,
    pub state: FixState,
    /// Of the pull request.
    pub number: Option<i64>,
    pub url: Option<String>,
    /// Why it failed.
    pub reason: Option<String>,
    /// The change as lines, once it is known.
    pub patch: Option<String>,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// What was heard of a fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FixNews {
    Opened { number: i64, url: String },
    Merged,
    Closed,
    Failed { reason: String },
}

impl FixNews {
    fn state(&self) -> FixState {
        match self {
            Self::Opened { .. } => FixState::Open,
            Self::Merged => FixState::Merged,
            Self::Closed => FixState::Closed,
            Self::Failed { .. } => FixState::Failed,
        }
    }
}

/// A row as it is stored.
struct Row {
    id: i64,
    source_id: String,
    repository_id: i64,
    repository: String,
    branch: String,
    keys: Vec<String>,
    changes: Json<Vec<FixedFile>>,
    account: Json<Account>,
    person: Option<String>,
    place: Option<Json<Place>>,
    posted: Option<Json<Posted>>,
    state: String,
    number: Option<i64>,
    url: Option<String>,
    reason: Option<String>,
    patch: Option<String>,
    created_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl Row {
    fn read(self) -> Result<Fix, StoreError> {
        Ok(Fix {
            id: FixId(self.id),
            source: self.source_id,
            repository_id: self.repository_id,
            repository: self.repository,
            branch: self.branch,
            keys: self.keys,
            files: self.changes.0,
            account: self.account.0,
            person: self.person.and_then(|person| EntityRef::parse(&person, Some("user"), "default").ok()),
            place: self.place.map(|place| place.0),
            posted: self.posted.map(|posted| posted.0),
            state: FixState::parse(&self.state)?,
            number: self.number,
            url: self.url,
            reason: self.reason,
            patch: self.patch,
            created_at: self.created_at,
            ended_at: self.ended_at,
        })
    }
}

impl Store {
    /// Writes down what is to be proposed, the audit line and a job for each, all or nothing.
    pub async fn start_fixes(&self, audit: &AuditEntry, place: Option<&Place>, new: &[NewFix]) -> Result<Vec<FixId>, StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let audit_id = insert_audit(&mut transaction, audit).await?;
        let mut ids = Vec::new();
        for fix in new {
            let id = sqlx::query_scalar!(
                "insert into fixes (source_id, repository_id, repository, branch, keys, changes, account, person, place, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id",
                fix.source,
                fix.repository_id,
                fix.repository,
                fix.branch,
                &fix.keys,
                Json(&fix.files) as _,
                Json(&audit.account) as _,
                audit.person.as_ref().map(EntityRef::as_str),
                place.map(Json) as _,
                audit.at
            )
            .fetch_one(&mut *transaction)
            .await?;
            let job_id = enqueue(pool, &mut transaction, Job::ProposeFix(FixId(id)), Some(audit_id)).await?;
            sqlx::query!("update audit set job_id = $2 where id = $1", audit_id, job_id).execute(&mut *transaction).await?;
            ids.push(FixId(id));
        }
        transaction.commit().await?;
        Ok(ids)
    }

    pub async fn load_fix(&self, id: FixId) -> Result<Option<Fix>, StoreError> {
        let row = sqlx::query_as!(
            Row,
            r#"select id, source_id, repository_id, repository, branch, keys, changes as "changes: Json<Vec<FixedFile>>",
                      account as "account: Json<Account>", person, place as "place: Json<Place>",
                      posted as "posted: Json<Posted>", state, number, url, reason, patch, created_at, ended_at
               from fixes where id = $1"#,
            id.0
        );
        row.fetch_optional(self.pool()?).await?.map(Row::read).transpose()
    }

    /// Loads those that are not at their end, the oldest first.
    pub async fn load_open_fixes(&self) -> Result<Vec<Fix>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            r#"select id, source_id, repository_id, repository, branch, keys, changes as "changes: Json<Vec<FixedFile>>",
                      account as "account: Json<Account>", person, place as "place: Json<Place>",
                      posted as "posted: Json<Posted>", state, number, url, reason, patch, created_at, ended_at
               from fixes where state in ('intended', 'open') order by id"#
        );
        rows.fetch_all(self.pool()?).await?.into_iter().map(Row::read).collect()
    }

    /// The fix behind a pull request, while it is open.
    pub async fn find_fix_of_pull(&self, source: &str, repository_id: i64, number: i64) -> Result<Option<FixId>, StoreError> {
        let id = sqlx::query_scalar!(
            "select id from fixes where source_id = $1 and repository_id = $2 and number = $3 and state = 'open'",
            source,
            repository_id,
            number
        );
        Ok(id.fetch_optional(self.pool()?).await?.map(FixId))
    }

    /// Notes what was heard and has the messages that tell of it drawn anew; false where it is at its end, or nothing is new.
    pub async fn note_fix(&self, id: FixId, news: &FixNews, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let (number, url, reason) = match news {
            FixNews::Opened { number, url } => (Some(*number), Some(url.as_str()), None),
            FixNews::Failed { reason } => (None, None, Some(reason.as_str())),
            FixNews::Merged | FixNews::Closed => (None, None, None),
        };
        let state = news.state();
        let ended_at = (state != FixState::Open).then_some(now);
        let changed = sqlx::query_scalar!(
            "update fixes set state = $2, number = coalesce($3, number), url = coalesce($4, url), reason = $5, ended_at = $6
             where id = $1 and state in ('intended', 'open') and state <> $2 returning keys",
            id.0,
            state.as_str(),
            number,
            url,
            reason,
            ended_at
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(keys) = changed else { return Ok(false) };
        enqueue(pool, &mut transaction, Job::ShowFix(id), None).await?;
        let keys: Vec<String> = keys.iter().flat_map(|key| [key.clone(), up(key)]).collect();
        let rounds = sqlx::query!(
            "select team, round from hygiene_messages where shown && $1 and planned_at > $2 and state <> 'lost'
             order by planned_at desc limit $3",
            &keys,
            now - FOLLOWED_FOR,
            MOST_FOLLOWING
        );
        for row in rounds.fetch_all(&mut *transaction).await? {
            let message = RoundKey { team: row.team, round: row.round };
            enqueue(pool, &mut transaction, Job::ShowRound(message), None).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// The last pull request for each of these findings that was asked for since, by the finding's key.
    pub async fn load_latest_fixes(&self, keys: &[String], since: DateTime<Utc>) -> Result<BTreeMap<String, Fix>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            r#"select id, source_id, repository_id, repository, branch, keys, changes as "changes: Json<Vec<FixedFile>>",
                      account as "account: Json<Account>", person, place as "place: Json<Place>",
                      posted as "posted: Json<Posted>", state, number, url, reason, patch, created_at, ended_at
               from fixes where keys && $1 and created_at >= $2 order by id"#,
            keys,
            since
        );
        let mut latest = BTreeMap::new();
        for row in rows.fetch_all(self.pool()?).await? {
            let fix = row.read()?;
            for key in fix.keys.iter().filter(|key| keys.contains(key)) {
                latest.insert(key.clone(), fix.clone());
            }
        }
        Ok(latest)
    }

    /// Keeps the change as lines.
    pub async fn note_fix_patch(&self, id: FixId, patch: &str) -> Result<(), StoreError> {
        sqlx::query!("update fixes set patch = $2 where id = $1", id.0, patch).execute(self.pool()?).await?;
        Ok(())
    }

    /// Keeps what becomes of its files, once that is known: another try proposes the same.
    pub async fn note_fix_files(&self, id: FixId, files: &[FixedFile]) -> Result<(), StoreError> {
        sqlx::query!("update fixes set changes = $2 where id = $1", id.0, Json(files) as _).execute(self.pool()?).await?;
        Ok(())
    }

    /// Loads the last one of a repository, whatever became of it.
    pub async fn load_last_fix(&self, source: &str, repository_id: i64) -> Result<Option<Fix>, StoreError> {
        let row = sqlx::query_as!(
            Row,
            r#"select id, source_id, repository_id, repository, branch, keys, changes as "changes: Json<Vec<FixedFile>>",
                      account as "account: Json<Account>", person, place as "place: Json<Place>",
                      posted as "posted: Json<Posted>", state, number, url, reason, patch, created_at, ended_at
               from fixes where source_id = $1 and repository_id = $2 order by id desc limit 1"#,
            source,
            repository_id
        );
        row.fetch_optional(self.pool()?).await?.map(Row::read).transpose()
    }

    /// Notes the message that follows it.
    pub async fn note_fix_posted(&self, id: FixId, posted: &Posted) -> Result<(), StoreError> {
        sqlx::query!("update fixes set posted = $2 where id = $1", id.0, Json(posted) as _).execute(self.pool()?).await?;
        Ok(())
    }
}
