//! Changes that somebody is to hear of: found once in the history, and told once.
//! Must not decide who hears what.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{NewRoundMessage, Store, StoreError, history::parse_change, round::write_messages, sync::parse_ref};
use crate::catalog::{EntityRef, diff::ChangeKind};

/// Lines of history that are looked through at once.
const MOST_LINES: i64 = 2_000;

/// What one owner is to hear of one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotice {
    /// Who hears it.
    pub team: EntityRef,
    pub entity: EntityRef,
    pub kind: NoticeKind,
    /// The owner on the other side of a change.
    pub other: Option<EntityRef>,
    /// What of theirs leans on it.
    pub through: Vec<EntityRef>,
    /// The line that told of it.
    pub history_id: i64,
    pub happened_at: DateTime<Utc>,
}

/// One that nobody was told yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub id: i64,
    pub team: EntityRef,
    pub entity: EntityRef,
    pub kind: NoticeKind,
    pub other: Option<EntityRef>,
    pub through: Vec<EntityRef>,
    pub happened_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeKind {
    /// It is theirs now.
    Gained,
    /// It is another's now.
    Lost,
    /// What they lean on is going away.
    Deprecated,
    /// What they lean on is gone.
    Removed,
}

impl NoticeKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gained => "gained",
            Self::Lost => "lost",
            Self::Deprecated => "deprecated",
            Self::Removed => "removed",
        }
    }

    fn parse(word: &str) -> Result<Self, StoreError> {
        let all = [Self::Gained, Self::Lost, Self::Deprecated, Self::Removed];
        let found = all.into_iter().find(|kind| kind.as_str() == word);
        found.ok_or_else(|| StoreError::Failed(anyhow::anyhow!("a change is {word}, which this version does not know")))
    }
}

/// A line of history that nobody has looked at yet.
#[derive(Debug, Clone, PartialEq)]
pub struct NewLine {
    pub id: i64,
    pub entity: EntityRef,
    pub source: String,
    pub change: ChangeKind,
    /// `{field: {"from": …, "to": …}}`.
    pub fields: Value,
    pub seen_at: DateTime<Utc>,
}

/// What stands in the history behind the point up to which it was looked through.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryTail {
    /// That point.
    pub after: i64,
    /// The point at which these lines end.
    pub upto: i64,
    /// The catalog's version that knows all of them.
    pub version: i64,
    /// Without additions: of what is new nobody has to hear.
    pub lines: Vec<NewLine>,
}

/// What leaves as one message to each of its readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldNotices {
    pub ids: Vec<i64>,
    pub messages: Vec<NewRoundMessage>,
}

impl Store {
    /// Loads what the history has that was not looked through yet.
    pub async fn load_history_tail(&self) -> Result<HistoryTail, StoreError> {
        let pool = self.pool()?;
        let after = sqlx::query_scalar!("select history_id from notice_cursor").fetch_one(pool).await?;
        let newest =
            sqlx::query_scalar!(r#"select coalesce(max(id), 0) as "newest!" from entity_history"#).fetch_one(pool).await?;
        let rows = sqlx::query!(
            "select id, ref as entity_ref, source_id, change, fields, seen_at from entity_history
             where id > $1 and id <= $2 and change <> 'added' order by id limit $3",
            after,
            newest,
            MOST_LINES
        );
        let lines: Vec<NewLine> = rows
            .fetch_all(pool)
            .await?
            .into_iter()
            .map(|row| NewLine {
                id: row.id,
                entity: parse_ref(&row.entity_ref),
                source: row.source_id,
                change: parse_change(&row.change),
                fields: row.fields,
                seen_at: row.seen_at,
            })
            .collect();
        let is_all = (lines.len() as i64) < MOST_LINES;
        let upto = lines.last().filter(|_| !is_all).map_or(newest, |line| line.id).max(after);
        let version = sqlx::query_scalar!("select version from catalog_clock").fetch_one(pool).await?;
        Ok(HistoryTail { after, upto, version, lines })
    }

    /// Writes down what was found in the history and moves on behind it, all or nothing; false where another replica did.
    pub async fn add_notices(&self, tail: &HistoryTail, notices: &[NewNotice]) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let moved = sqlx::query!("update notice_cursor set history_id = $2 where history_id = $1", tail.after, tail.upto);
        if moved.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
        // What was told so long ago is in the history still.
        sqlx::query!("delete from notices where told_in is not null and happened_at < clock_timestamp() - interval '90 days'")
            .execute(&mut *transaction)
            .await?;
        for notice in notices {
            let through: Vec<String> = notice.through.iter().map(ToString::to_string).collect();
            sqlx::query!(
                "insert into notices (team, entity, kind, other, through, history_id, happened_at)
                 values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
                notice.team.as_str(),
                notice.entity.as_str(),
                notice.kind.as_str(),
                notice.other.as_ref().map(EntityRef::as_str),
                &through,
                notice.history_id,
                notice.happened_at
            )
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Loads what nobody was told yet, the oldest first.
    pub async fn load_notices(&self) -> Result<Vec<Notice>, StoreError> {
        let rows = sqlx::query!(
            "select id, team, entity, kind, other, through, happened_at from notices where told_in is null order by id limit $1",
            MOST_LINES
        );
        let rows = rows.fetch_all(self.pool()?).await?;
        let notice = rows.into_iter().map(|row| {
            Ok(Notice {
                id: row.id,
                team: parse_ref(&row.team),
                entity: parse_ref(&row.entity),
                kind: NoticeKind::parse(&row.kind)?,
                other: row.other.as_deref().map(parse_ref),
                through: row.through.iter().map(|text| parse_ref(text)).collect(),
                happened_at: row.happened_at,
            })
        });
        notice.collect()
    }

    /// Notes that these came to nothing: it was taken back, or is no news any more.
    pub async fn drop_notices(&self, ids: &[i64]) -> Result<(), StoreError> {
        sqlx::query!("update notices set told_in = '' where id = any($1) and told_in is null", ids).execute(self.pool()?).await?;
        Ok(())
    }

    /// Writes down the messages that tell of these, and that they were told, all or nothing; false where another replica tells
    /// of one of them.
    pub async fn tell_notices(&self, told: &ToldNotices, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let Some(round) = told.messages.first().map(|message| message.key.round.as_str()) else { return Ok(false) };
        let pool = self.pool()?;
        let mut transaction = self.begin().await?;
        let noted = sqlx::query!("update notices set told_in = $2 where id = any($1) and told_in is null", &told.ids, round);
        if noted.execute(&mut *transaction).await?.rows_affected() != told.ids.len() as u64 {
            return Ok(false);
        }
        write_messages(pool, &mut transaction, &told.messages, now).await?;
        transaction.commit().await?;
        Ok(true)
    }
}
