//! What repositories were found to have gone through, where nobody had told: the same rows that webhooks write.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Store, StoreError,
    delivery::{prune_events, write_event},
};
use crate::catalog::RepositoryEvent;

/// Older rows say nothing: the news are asked for anew long before.
const KEPT: TimeDelta = TimeDelta::days(1);

impl Store {
    /// Writes what some repositories of a source were found to have gone through, each with its number; all or nothing.
    pub async fn write_news(
        &self,
        source: &str,
        news: &[(i64, Vec<RepositoryEvent>)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for (repository, events) in news {
            for event in events {
                write_event(&mut transaction, source, event).await?;
            }
            sqlx::query!(
                "insert into news_reads (source_id, repository_id, read_at) values ($1, $2, $3)
                 on conflict (source_id, repository_id) do update set read_at = excluded.read_at",
                source,
                repository,
                now
            )
            .execute(&mut *transaction)
            .await?;
        }
        prune_events(&mut transaction, now).await?;
        sqlx::query!("delete from news_reads where read_at < $1", now - KEPT).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }
}
