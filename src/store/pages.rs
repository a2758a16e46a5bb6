//! Pages of docs as a search index reads them: all at first, later those of repositories that changed.
//! Must not know the index.

use super::{Store, StoreError};
use crate::catalog::Page;

/// Pages read at a time: each may be a quarter of a megabyte.
const BATCH: i64 = 50;

impl Store {
    /// Loads the repositories of which something changed after a version.
    pub async fn load_repositories_changed_after(&self, version: i64) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = sqlx::query!(
            r#"select source_id as "source_id!", repository_id as "repository_id!" from (
                   select source_id, repository_id from repositories where version > $1
                   union select source_id, repository_id from files where version > $1 and role = 'doc') touched"#,
            version
        );
        let rows = rows.fetch_all(self.pool()?).await?;
        Ok(rows.into_iter().map(|row| (row.source_id, row.repository_id)).collect())
    }

    /// Loads the next pages of docs after a place, of these repositories or of all; none where there are no more.
    pub async fn load_pages(
        &self,
        after: &(String, i64, String),
        repositories: Option<&[(String, i64)]>,
    ) -> Result<Vec<Page>, StoreError> {
        let (sources, ids): (Vec<String>, Vec<i64>) = repositories.unwrap_or_default().iter().cloned().unzip();
        let rows = sqlx::query!(
            r#"select f.source_id, f.repository_id, r.full_name, f.path, f.commit, f.text as "text!"
               from files f join repositories r on r.source_id = f.source_id and r.repository_id = f.repository_id
               where f.role = 'doc' and f.text is not null and r.removed_at is null and (f.path ilike '%.md' or f.path like '%mkdocs.yml')
                 and (f.source_id, f.repository_id, f.path) > ($1, $2, $3)
                 and ($4 or (f.source_id, f.repository_id) in (select * from unnest($5::text[], $6::bigint[])))
               order by f.source_id, f.repository_id, f.path limit $7"#,
            after.0,
            after.1,
            after.2,
            repositories.is_none(),
            &sources,
            &ids,
            BATCH
        );
        let rows = rows.fetch_all(self.pool()?).await?;
        let pages = rows.into_iter().map(|row| Page {
            source: row.source_id,
            repository_id: row.repository_id,
            repository: row.full_name,
            path: row.path,
            commit: row.commit,
            text: row.text,
        });
        Ok(pages.collect())
    }
}
