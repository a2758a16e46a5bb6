//! The catalog as rows: what a replica loads whole at first and in parts later, and the copy on disk.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use sqlx::types::Json;

use super::{Store, StoreError, sync::parse_ref};
use crate::catalog::{
    BrokenDocument, BrokenFile, Entity, Entry, GoneClaim, HeldBack, KeptBecause, Origin, Parts, Relation, Repository, Runbook,
    SourceState, people::Link,
};

/// The snapshot's file; the number rises when its format changes, and an older one is not read.
const SNAPSHOT_FILE: &str = "snapshot.1";
/// When each source was last read: small and rewritten at each sync, so it has a file of its own.
const SOURCES_FILE: &str = "sources.json";

/// Everything that belongs to the repositories which changed after some version.
#[derive(Debug, Default)]
pub struct Change {
    pub database: String,
    pub version: i64,
    /// Source and repository id of each; whatever a reader holds of them is replaced.
    pub repositories: Vec<(String, i64)>,
    pub claims: Vec<Arc<Entry>>,
    pub runbooks: Vec<Arc<Runbook>>,
    pub broken: Vec<Arc<BrokenFile>>,
    /// When each source was last read with a change, and what waits for a word.
    pub sources: BTreeMap<String, (Option<DateTime<Utc>>, Option<HeldBack>)>,
    /// Of the changed repositories those that are there, and whether they have a descriptor.
    pub described: BTreeMap<String, HashMap<i64, bool>>,
    /// All of them, whatever changed.
    pub links: Vec<Link>,
    pub gone: Vec<GoneClaim>,
}

impl Change {
    /// Puts the change into what is known; a change of another database replaces everything.
    pub fn apply(self, known: &Parts) -> Parts {
        let touched: std::collections::HashSet<(&str, i64)> =
            self.repositories.iter().map(|(source, id)| (source.as_str(), *id)).collect();
        let is_same_database = known.database == self.database && known.version <= self.version;
        let stays = |origin: &Origin| is_same_database && !touched.contains(&(&*origin.source, origin.repository_id));
        let mut sources = if is_same_database { known.sources.clone() } else { BTreeMap::new() };
        for (source, (synced_at, held_back)) in self.sources {
            let state = sources.entry(source).or_default();
            state.synced_at = state.synced_at.max(synced_at);
            state.held_back = held_back;
        }
        let claims = known.claims.iter().filter(|entry| stays(&entry.origin)).cloned().chain(self.claims);
        let runbooks = known.runbooks.iter().filter(|runbook| stays(&runbook.origin)).cloned().chain(self.runbooks);
        let broken = known.broken.iter().filter(|broken| stays(&broken.origin)).cloned().chain(self.broken);
        let mut described = if is_same_database { known.described.clone() } else { BTreeMap::new() };
        for (source, id) in &self.repositories {
            if let Some(repositories) = described.get_mut(source) {
                repositories.remove(id);
            }
        }
        for (source, repositories) in self.described {
            described.entry(source).or_default().extend(repositories);
        }
        let each = || described.values().flat_map(HashMap::values);
        let (repositories, without_descriptor) = (each().count(), each().filter(|is_described| !**is_described).count());
        Parts {
            version: self.version,
            claims: claims.collect(),
            runbooks: runbooks.collect(),
            broken: broken.collect(),
            sources,
            repositories,
            without_descriptor,
            described,
            database: self.database,
            links: self.links,
            gone: self.gone,
            mapping: known.mapping.clone(),
            verified_domains: known.verified_domains.clone(),
            pages: Vec::new(),
        }
    }
}

#[derive(Debug, Deserialize)]
struct ProblemColumn {
    message: String,
    line: Option<usize>,
    /// None in what an older version wrote.
    #[serde(default)]
    documents: Vec<Arc<BrokenDocument>>,
}

impl Store {
    /// Loads what changed after what the reader knows; all of it where the reader knows another database, `None` where
    /// nothing changed.
    pub async fn load_change(&self, known: &Parts) -> Result<Option<Change>, StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query!("set transaction isolation level repeatable read, read only").execute(&mut *transaction).await?;
        let clock = sqlx::query!(r#"select identity::text as "identity!", version from catalog_clock"#)
            .fetch_one(&mut *transaction)
            .await?;
        // A copy on disk that an older version wrote does not tell repositories apart.
        let tells_apart = known.described.values().map(HashMap::len).sum::<usize>() == known.repositories;
        let is_known = clock.identity == known.database && known.version <= clock.version && tells_apart;
        if is_known && known.version == clock.version {
            return Ok(None);
        }
        let after = if is_known { known.version } else { -1 };
        let mut change = Change { database: clock.identity, version: clock.version, ..Change::default() };
        let sources = sqlx::query!(r#"select id, synced_at, held_back as "held_back: Json<HeldBack>" from sources"#);
        for row in sources.fetch_all(&mut *transaction).await? {
            change.sources.insert(row.id, (row.synced_at, row.held_back.map(|held| held.0)));
        }
        let touched = sqlx::query!(
            // The upper bound is always met: it tells a planner that has no statistics yet that few rows are meant.
            r#"with touched as (
                   select source_id, repository_id from repositories where version > $1 and version <= $2
                   union select source_id, repository_id from files where version > $1 and version <= $2
                   union select source_id, repository_id from entities where version > $1 and version <= $2)
               select r.source_id, r.repository_id, r.facts as "facts: Json<Repository>", r.removed_at,
                      exists (select from files f where f.source_id = r.source_id and f.repository_id = r.repository_id
                              and f.role = 'descriptor') as "described!"
               from touched join repositories r using (source_id, repository_id)"#,
            after,
            clock.version
        )
        .fetch_all(&mut *transaction)
        .await?;
        let mut origins: BTreeMap<(String, i64), Origin> = BTreeMap::new();
        for row in touched {
            let key = (row.source_id, row.repository_id);
            change.repositories.push(key.clone());
            if row.removed_at.is_none() {
                change.described.entry(key.0.clone()).or_default().insert(key.1, row.described);
                origins.insert(key.clone(), origin(&key, &row.facts.0));
            }
        }
        let sources: Vec<String> = origins.keys().map(|(source, _)| source.clone()).collect();
        let ids: Vec<i64> = origins.keys().map(|(_, id)| *id).collect();
        let claims = sqlx::query!(
            r#"select source_id, repository_id, path, ref as entity_ref, document #- '{spec,definition}' as "document!",
                      relations as "relations: Json<Vec<Relation>>", former_names,
                      kept_because as "kept_because: Json<KeptBecause>", commit, committed_at
               from entities join unnest($1::text[], $2::bigint[]) as wanted (source_id, repository_id)
                    using (source_id, repository_id)
               where removed_at is null"#,
            &sources,
            &ids
        )
        .fetch_all(&mut *transaction)
        .await?;
        for row in claims {
            let Some(base) = origins.get(&(row.source_id, row.repository_id)) else { continue };
            let mut entity = Entity::from_document(parse_ref(&row.entity_ref), &row.document, row.relations.0);
            entity.former_names = row.former_names;
            let origin = at(base, &row.path, row.commit, row.committed_at);
            change.claims.push(Arc::new(Entry { entity, origin, problem: row.kept_because.map(|kept| kept.0) }));
        }
        let files = sqlx::query!(
            r#"select source_id, repository_id, path, case when role = 'runbook' then text end as text, problem as "problem: Json<ProblemColumn>", commit, committed_at
               from files join unnest($1::text[], $2::bigint[]) as wanted (source_id, repository_id)
                    using (source_id, repository_id)
               where (text is not null and role = 'runbook') or problem is not null
               order by source_id, repository_id, path"#,
            &sources,
            &ids
        )
        .fetch_all(&mut *transaction)
        .await?;
        for row in files {
            let Some(base) = origins.get(&(row.source_id, row.repository_id)) else { continue };
            let origin = at(base, &row.path, row.commit, row.committed_at);
            if let Some(Json(problem)) = row.problem {
                let broken = BrokenFile {
                    origin: origin.clone(),
                    message: problem.message,
                    line: problem.line,
                    documents: problem.documents,
                };
                change.broken.push(Arc::new(broken));
            }
            if let Some(text) = row.text {
                change.runbooks.push(Arc::new(Runbook { origin, text }));
            }
        }
        change.links = super::link::load_links(&mut transaction).await?;
        change.gone = super::gone::load_gone(&mut transaction).await?;
        transaction.commit().await?;
        Ok(Some(change))
    }
}

fn origin((source, id): &(String, i64), repository: &Repository) -> Origin {
    Origin {
        source: source.as_str().into(),
        repository_id: *id,
        repository: repository.full_name.as_str().into(),
        repository_url: repository.url.as_deref().map(Into::into),
        archived: repository.archived,
        language: repository.language.as_deref().map(Into::into),
        authority: repository.authority,
        path: "".into(),
        commit: None,
        committed_at: None,
    }
}

fn at(base: &Origin, path: &str, commit: Option<String>, committed_at: Option<DateTime<Utc>>) -> Origin {
    Origin { path: path.into(), commit: commit.map(Into::into), committed_at, ..base.clone() }
}

/// Reads the copy on disk. `None` where there is none or it is of another format or damaged.
pub fn load_parts_from_disk(data_dir: &Path) -> Option<Parts> {
    let bytes = std::fs::read(data_dir.join(SNAPSHOT_FILE)).ok()?;
    let mut parts: Parts = rmp_serde::from_slice(&bytes).ok()?;
    let sources = std::fs::read(data_dir.join(SOURCES_FILE)).ok();
    let sources: BTreeMap<String, SourceState> =
        sources.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    for (id, state) in sources {
        if let Some(known) = parts.sources.get_mut(&id)
            && known.synced_at < state.synced_at
        {
            *known = state;
        }
    }
    Some(parts)
}

/// Writes the copy on disk.
pub fn save_parts_to_disk(data_dir: &Path, parts: &Parts) -> io::Result<()> {
    replace_file(data_dir, SNAPSHOT_FILE, |file| rmp_serde::encode::write_named(file, parts).map_err(io::Error::other))
}

/// Writes when each source was last read.
pub fn save_sources_to_disk(data_dir: &Path, sources: &BTreeMap<String, SourceState>) -> io::Result<()> {
    replace_file(data_dir, SOURCES_FILE, |file| serde_json::to_writer(file, sources).map_err(io::Error::other))
}

/// Writes beside and renames: a crash in between leaves the former file.
pub(super) fn replace_file(
    data_dir: &Path,
    name: &str,
    write: impl FnOnce(&mut io::BufWriter<std::fs::File>) -> io::Result<()>,
) -> io::Result<()> {
    std::fs::create_dir_all(data_dir)?;
    // Two writers at once must not write into one another's file.
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let temporary = data_dir.join(format!("{name}.{}-{number}", std::process::id()));
    let mut file = io::BufWriter::new(std::fs::File::create(&temporary)?);
    write(&mut file)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    std::fs::rename(&temporary, data_dir.join(name))
}
