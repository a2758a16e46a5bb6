//! Addresses of single descriptors that were added from chat.

use chrono::{DateTime, Utc};

use super::{Store, StoreError};

impl Store {
    /// The addresses of a source, in order.
    pub async fn load_locations(&self, source_id: &str) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query_scalar!("select url from locations where source_id = $1 order by url", source_id);
        Ok(rows.fetch_all(self.pool()?).await?)
    }

    /// Adds an address; one that is there stays as it is.
    pub async fn add_location(&self, source_id: &str, url: &str, by: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into locations (source_id, url, added_by, added_at) values ($1, $2, $3, $4) on conflict do nothing",
            source_id,
            url,
            by,
            at
        )
        .execute(self.pool()?)
        .await?;
        Ok(())
    }

    /// Takes an address away, whichever source has it; gives those sources.
    pub async fn remove_location(&self, url: &str) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query_scalar!("delete from locations where url = $1 returning source_id", url);
        Ok(rows.fetch_all(self.pool()?).await?)
    }
}
