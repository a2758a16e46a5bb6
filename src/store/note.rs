//! Notes to authors: what they were told, so that nobody is told twice nor too often.
//! Must not decide what is worth a note nor how one is sent.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use super::{
    Store, StoreError,
    action::{Job, enqueue},
    sync::parse_ref,
};
use crate::catalog::{EntityRef, Repository};

/// Notes of one source in an hour: more come from a change of rules or of a generator, not from so many people's slips.
const MOST_IN_AN_HOUR: i64 = 20;
/// After this the same mistake may be told of again.
const KEPT: TimeDelta = TimeDelta::days(90);
/// Old rows that go with a new one.
const PRUNED_AT_ONCE: i64 = 100;

/// What an author is told, as a job's payload carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorNote {
    pub source: String,
    pub repository_id: i64,
    /// `acme/payments-api`.
    pub repository: String,
    /// For people, `https://github.com/acme/payments-api`.
    pub url: Option<String>,
    /// The commit since which it is so.
    pub commit: Option<String>,
    /// The commit's author: login where known, else a name.
    pub author: Option<String>,
    pub about: NoteAbout,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteAbout {
    /// Descriptors that cannot be read.
    Broken(Vec<BrokenPlace>),
    /// An entity that another file declares too.
    Claimed(ClaimedTwice),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenPlace {
    pub path: String,
    pub line: Option<usize>,
    /// What is wrong, and what to write instead.
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedTwice {
    pub entity_ref: String,
    /// The reader's own file.
    pub path: String,
    pub other_repository: String,
    pub other_path: String,
    pub other_url: Option<String>,
    pub standing: Standing,
}

/// Whose declaration answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Yours,
    Theirs,
}

/// A note with what it is about, file and mistake, by which it is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteDraft {
    pub note: AuthorNote,
    /// Paths and subjects.
    pub marks: Vec<(String, String)>,
}

/// One living claim to an entity, with who made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimant {
    pub entity_ref: EntityRef,
    pub source: String,
    pub path: String,
    pub repository: Repository,
    pub commit: Option<String>,
    pub author: Option<String>,
}

impl Store {
    /// Whether a source has been read to its end once: before that, everything in it is new and nothing is news.
    pub async fn has_been_synced(&self, source_id: &str) -> Result<bool, StoreError> {
        let synced = sqlx::query_scalar!(r#"select synced_at is not null as "synced!" from sources where id = $1"#, source_id);
        Ok(synced.fetch_optional(self.pool()?).await?.unwrap_or(false))
    }

    /// All that claim these entities, the one that answers first. People and teams that the code host knows are no rivals.
    pub async fn load_claimants(&self, refs: &[String]) -> Result<Vec<Claimant>, StoreError> {
        let rows = sqlx::query!(
            r#"select e.ref as entity_ref, e.source_id, e.path, r.facts as "facts: Json<Repository>", e.commit,
                      (select h.author from entity_history h where h.ref = e.ref and h.source_id = e.source_id
                       and h.repository_id = e.repository_id and h.path = e.path order by h.id desc limit 1) as author
               from entities e join repositories r using (source_id, repository_id)
               where e.ref = any($1) and e.removed_at is null and r.removed_at is null
               order by e.ref, e.repository_id, e.path"#,
            refs
        );
        let claimants = rows.fetch_all(self.pool()?).await?.into_iter().map(|row| Claimant {
            entity_ref: parse_ref(&row.entity_ref),
            source: row.source_id,
            path: row.path,
            repository: row.facts.0,
            commit: row.commit,
            author: row.author,
        });
        Ok(claimants
            .filter(|claimant| claimant.repository.authority.is_descriptor() && claimant.repository.excluded.is_none())
            .collect())
    }

    /// Enqueues what was not told before, up to the hour's limit; what is past it is not told at all. Gives how many.
    pub async fn record_notes(&self, drafts: Vec<NoteDraft>, now: DateTime<Utc>) -> Result<usize, StoreError> {
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let mut told = 0;
        for NoteDraft { note, marks } in drafts {
            let lately = sqlx::query_scalar!(
                r#"select count(*) as "count!" from author_notes where source_id = $1 and told_at > $2"#,
                note.source,
                now - TimeDelta::hours(1)
            );
            if lately.fetch_one(&mut *transaction).await? >= MOST_IN_AN_HOUR {
                tracing::info!(
                    source = note.source,
                    repository = note.repository,
                    "an author is not told of a mistake: the hour's notes are used up"
                );
                continue;
            }
            let (paths, subjects): (Vec<String>, Vec<String>) = marks.into_iter().unzip();
            let fresh = sqlx::query!(
                "insert into author_notes (source_id, repository_id, path, subject, told_at)
                 select $1, $2, path, subject, $5 from unnest($3::text[], $4::text[]) as new (path, subject)
                 on conflict do nothing",
                note.source,
                note.repository_id,
                &paths,
                &subjects,
                now
            )
            .execute(&mut *transaction)
            .await?;
            if fresh.rows_affected() > 0 {
                enqueue(pool, &mut transaction, Job::TellAuthor(note), None).await?;
                told += 1;
            }
        }
        sqlx::query!(
            "delete from author_notes where (source_id, repository_id, path, subject) in (
                 select source_id, repository_id, path, subject from author_notes where told_at < $1
                 limit $2 for update skip locked)",
            now - KEPT,
            PRUNED_AT_ONCE
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(told)
    }
}
