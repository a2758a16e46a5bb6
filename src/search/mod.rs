//! The index that finds entities and passages of documents by words: one a replica, under `data_dir`, built in the
//! background and thrown away when it is damaged. Must not answer: it names what may fit, the catalog ranks and answers.

mod fields;
mod passage;
mod query;
mod write;

use std::{
    path::{Path, PathBuf},
    sync::Mutex,
};

use arc_swap::ArcSwapOption;
use serde::{Deserialize, Serialize};
use tantivy::{Index, IndexReader, ReloadPolicy, directory::MmapDirectory};
use tracing::warn;

use fields::{FORMAT, Fields};
pub use passage::Passage;
pub use query::{Found, Wanted};
use write::Writing;
pub use write::{Documents, WantedDocuments};

use crate::catalog::Catalog;

/// The folder of the index below `data_dir`.
const FOLDER: &str = "search";

/// The index. Reading never waits for writing.
#[derive(Debug, Default)]
pub struct SearchIndex {
    /// `None`: it lives in memory.
    folder: Option<PathBuf>,
    open: ArcSwapOption<Open>,
    writing: Mutex<Option<Writing>>,
}

/// What is searched.
struct Open {
    fields: Fields,
    reader: IndexReader,
}

/// Of which catalog an index is, kept with each commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    format: u32,
    database: String,
    version: i64,
    /// Documents of the store are in it up to this version; `None`: not all of them.
    documents: Option<i64>,
}

impl State {
    fn of(catalog: &Catalog, documents: Option<i64>) -> Self {
        Self { format: FORMAT, database: catalog.parts().database.clone(), version: catalog.version(), documents }
    }
}

/// Why the index could not be used; it is built again.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error("the search index failed")]
    Index(#[from] tantivy::TantivyError),
    #[error("the folder of the search index cannot be used")]
    Folder(#[from] std::io::Error),
}

impl SearchIndex {
    /// The index under this data folder; nothing is read before [`SearchIndex::open_existing`].
    pub fn at(data_dir: &Path) -> Self {
        Self { folder: Some(data_dir.join(FOLDER)), ..Self::default() }
    }

    /// An index that is gone with the process.
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// Opens what an earlier process left, to search in only. One that is damaged or of another format counts as none.
    pub fn open_existing(&self) {
        let Some(folder) = self.folder.as_ref().filter(|folder| folder.exists()) else { return };
        match open_folder(folder) {
            Ok(Some((index, _))) => match Open::new(&index) {
                Ok(open) => self.open.store(Some(open.into())),
                Err(fault) => warn!(%fault, "the search index cannot be read and is built again"),
            },
            Ok(None) => {}
            Err(fault) => warn!(%fault, "the search index cannot be read and is built again"),
        }
    }

    /// Whether searches are answered by it.
    pub fn is_ready(&self) -> bool {
        self.open.load().is_some()
    }

    /// Throws the index away: what was found to be damaged is not used again.
    pub fn discard(&self) {
        self.open.store(None);
        *self.lock() = None;
        if let Some(folder) = &self.folder
            && let Err(fault) = std::fs::remove_dir_all(folder)
            && folder.exists()
        {
            warn!(%fault, "the damaged search index could not be removed");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Writing>> {
        // Whoever panicked while writing left an index that is compared with the catalog anyway.
        self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").finish_non_exhaustive()
    }
}

impl Open {
    fn new(index: &Index) -> Result<Self, SearchError> {
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { fields: Fields::new(), reader })
    }
}

/// The index in a folder with what it is of; `None` where it is of another format or never was finished.
fn open_folder(folder: &Path) -> Result<Option<(Index, State)>, SearchError> {
    let directory = MmapDirectory::open(folder).map_err(tantivy::TantivyError::from)?;
    if !Index::exists(&directory).map_err(tantivy::TantivyError::from)? {
        return Ok(None);
    }
    let index = Index::open(directory)?;
    let payload = index.load_metas()?.payload.unwrap_or_default();
    let state: State = serde_json::from_str(&payload).unwrap_or_default();
    let is_usable = state.format == FORMAT && index.schema() == Fields::new().schema;
    Ok(is_usable.then_some((index, state)))
}
