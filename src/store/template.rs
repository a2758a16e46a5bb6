//! Templates as they are stored: whole documents, and the texts that tell their lines.
//! Must not know what makes a template one that can be run.

use serde_json::Value;

use super::{Store, StoreError, sync::parse_ref};
use crate::catalog::{EntityRef, Origin};

/// A declaration of a template.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTemplate {
    pub entity_ref: EntityRef,
    pub source: String,
    pub repository_id: i64,
    pub path: String,
    /// The last good version, whole.
    pub document: Value,
    /// The file that it was read from, where that has not changed for the worse since.
    pub text: Option<String>,
}

impl Store {
    /// Loads every declaration of a template that stands.
    pub async fn load_templates(&self) -> Result<Vec<StoredTemplate>, StoreError> {
        let rows = sqlx::query!(
            r#"select e.ref as "entity_ref!", e.source_id as "source_id!", e.repository_id as "repository_id!", e.path as "path!",
                      e.document as "document!", case when e.kept_because is null then f.text end as text
               from entities e left join files f using (source_id, repository_id, path)
               where e.removed_at is null and e.kind = 'template'"#
        );
        let templates = rows.fetch_all(self.pool()?).await?.into_iter().map(|row| StoredTemplate {
            entity_ref: parse_ref(&row.entity_ref),
            source: row.source_id,
            repository_id: row.repository_id,
            path: row.path,
            document: row.document,
            text: row.text,
        });
        Ok(templates.collect())
    }

    /// Loads an entity whole, as it was read there; `None` where it has gone meanwhile.
    pub async fn load_entity_document(&self, entity_ref: &EntityRef, origin: &Origin) -> Result<Option<Value>, StoreError> {
        let document = sqlx::query_scalar!(
            r#"select document from entities
               where source_id = $1 and repository_id = $2 and path = $3 and ref = $4 and removed_at is null"#,
            &*origin.source,
            origin.repository_id,
            &*origin.path,
            entity_ref.as_str()
        );
        Ok(document.fetch_optional(self.pool()?).await?)
    }

    /// Loads the head of a repository as it was seen last; `None` where it has none, or is not known.
    pub async fn load_head(&self, source: &str, repository_id: i64) -> Result<Option<String>, StoreError> {
        let head = sqlx::query_scalar!(
            "select facts->'head'->>'sha' from repositories where source_id = $1 and repository_id = $2",
            source,
            repository_id
        );
        Ok(head.fetch_optional(self.pool()?).await?.flatten())
    }
}
