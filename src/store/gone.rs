//! What is gone, for the snapshot: a line of each entity that was removed and can still be taken back.

use sqlx::{PgConnection, types::Json};

use super::{StoreError, sync::parse_ref};
use crate::catalog::{GoneBecause, GoneClaim, Relation, RelationType, Repository};

/// Persons and teams that are remembered after they went; the latest are kept where there are more.
const MOST_PEOPLE: i64 = 5_000;
/// The same of all other things: they are read with every change, and each takes some 300 bytes of every replica.
const MOST_THINGS: i64 = 1_000;

/// Entities whose last claim was removed, the latest first.
pub(super) async fn load_gone(connection: &mut PgConnection) -> Result<Vec<GoneClaim>, StoreError> {
    let rows = sqlx::query!(
        r#"with gone as (
               select distinct on (e.ref) e.ref, e.source_id, e.removed_at, e.relations, r.facts,
                      r.removed_at is not null as repository_gone, e.kind in ('user', 'group') as people,
                      coalesce(e.document #>> '{metadata,title}', e.document #>> '{spec,profile,displayName}', e.name) as label
               from entities e join repositories r using (source_id, repository_id)
               where e.removed_at is not null
                 and not exists (select from entities living where living.ref = e.ref and living.removed_at is null)
               order by e.ref, e.removed_at desc),
           ranked as (select *, row_number() over (partition by people order by removed_at desc, ref) as number from gone)
           select ref as entity_ref, source_id, removed_at as "removed_at!", facts as "facts: Json<Repository>", label as "label!",
                  relations as "relations: Json<Vec<Relation>>", repository_gone as "repository_gone!"
           from ranked where number <= case when people then $1::bigint else $2::bigint end
           order by removed_at desc, ref"#,
        MOST_PEOPLE,
        MOST_THINGS
    );
    let rows = rows.fetch_all(connection).await?;
    let gone = rows.into_iter().map(|row| {
        let Json(Repository { authority, full_name, excluded, .. }) = row.facts;
        let owner = row.relations.0.into_iter().find(|relation| relation.relation_type == RelationType::OwnedBy);
        GoneClaim {
            entity_ref: parse_ref(&row.entity_ref),
            authority,
            source: row.source_id.into(),
            label: row.label,
            since: row.removed_at,
            owner: owner.map(|relation| relation.target),
            repository: full_name.into(),
            because: match excluded {
                _ if row.repository_gone => GoneBecause::RepositoryGone,
                Some(filter) => GoneBecause::FilteredOut(filter),
                None => GoneBecause::NotDeclared,
            },
        }
    });
    Ok(gone.collect())
}
