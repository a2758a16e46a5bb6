//! Keeps the search index and the counts of what is asked for current. Must not hold up answers, nor fail for a fault of the
//! index: it is built again.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::block_in_place;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::Worker;
use crate::{
    app::taste,
    catalog::Catalog,
    search::{Documents, SearchError, WantedDocuments},
    store::{StoreError, save_asked_to_disk},
};

/// A change is found by search within this and what indexing takes.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// After a fault of the disk or of the database.
const RETRY: Duration = Duration::from_secs(5);
/// What is asked for often changes the order of answers at this pace, and is as old on disk.
const COUNT_EVERY: Duration = Duration::from_secs(30);

impl Worker {
    /// Keeps the index current until told to stop.
    pub async fn keep_indexed(&self, stop: &CancellationToken) {
        let mut indexed: Option<Arc<Catalog>> = None;
        let mut counted = Instant::now();
        let mut pause = LOOK_EVERY;
        loop {
            tokio::select! {
                () = stop.cancelled() => return self.count_asks(),
                () = tokio::time::sleep(pause) => {}
            }
            pause = LOOK_EVERY;
            if counted.elapsed() >= COUNT_EVERY {
                counted = Instant::now();
                self.count_asks();
            }
            let catalog = self.app.catalog.load();
            let is_current = self.app.search.is_ready() && indexed.as_ref().is_some_and(|indexed| is_same(indexed, &catalog));
            if is_current || catalog.is_empty() {
                continue;
            }
            match self.index(&catalog).await {
                Ok(Documents::Complete) => indexed = Some(catalog),
                Ok(Documents::Missing) => pause = RETRY,
                Err(fault) => {
                    error!(
                        fault = format!("{:#}", anyhow::Error::from(fault)),
                        "the search index is thrown away and built again"
                    );
                    block_in_place(|| self.app.search.discard());
                    indexed = None;
                    pause = RETRY;
                }
            }
        }
    }

    /// Brings the index up to this catalog.
    async fn index(&self, catalog: &Arc<Catalog>) -> Result<Documents, SearchError> {
        let search = &self.app.search;
        let (was_ready, began) = (search.is_ready(), Instant::now());
        let wanted = block_in_place(|| search.begin(catalog))?;
        if !was_ready {
            // Entities can be found while the documents are still being read.
            block_in_place(|| search.commit(catalog, Documents::Missing))?;
        }
        let documents = match self.index_documents(wanted).await? {
            Ok(pages) => {
                let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                info!(version = catalog.version(), entities = catalog.entries().len(), pages, took_ms, "search is current");
                Documents::Complete
            }
            Err(fault) => {
                warn!(fault = format!("{:#}", anyhow::Error::from(fault)), "pages of docs could not be read for search");
                Documents::Missing
            }
        };
        block_in_place(|| search.commit(catalog, documents))?;
        metrics::gauge!("steward_search_index_seconds").set(began.elapsed().as_secs_f64());
        Ok(documents)
    }

    /// Hands the index the pages it wants; how many they were, or why the store could not give them.
    async fn index_documents(&self, wanted: WantedDocuments) -> Result<Result<usize, StoreError>, SearchError> {
        let (store, search) = (&self.app.store, &self.app.search);
        let changed = match wanted {
            WantedDocuments::All => None,
            WantedDocuments::After(version) => match store.load_repositories_changed_after(version).await {
                Ok(changed) if changed.is_empty() => return Ok(Ok(0)),
                Ok(changed) => Some(changed),
                Err(fault) => return Ok(Err(fault)),
            },
        };
        let mut dropped: HashSet<(String, i64)> = HashSet::new();
        if let Some(changed) = &changed {
            search.drop_documents(changed);
            dropped.extend(changed.iter().cloned());
        }
        let (mut after, mut number) = ((String::new(), 0, String::new()), 0);
        loop {
            let pages = match store.load_pages(&after, changed.as_deref()).await {
                Ok(pages) => pages,
                Err(fault) => return Ok(Err(fault)),
            };
            let Some(last) = pages.last() else { return Ok(Ok(number)) };
            after = (last.source.clone(), last.repository_id, last.path.clone());
            number += pages.len();
            // An earlier try may have left some of them.
            let fresh: Vec<(String, i64)> = pages.iter().map(|page| (page.source.clone(), page.repository_id)).collect();
            let fresh: Vec<(String, i64)> = fresh.into_iter().filter(|key| dropped.insert(key.clone())).collect();
            search.drop_documents(&fresh);
            block_in_place(|| search.add_documents(&pages))?;
        }
    }

    /// Takes over what was asked for lately into the order of answers, and keeps it on disk.
    fn count_asks(&self) {
        let app = &self.app;
        let asked = app.live.asks.load(app.clock.now());
        let taste = taste(&app.settings.search.weights, &asked);
        if *app.live.load().taste == taste {
            return;
        }
        app.live.set_taste(taste);
        if let Err(fault) = save_asked_to_disk(&app.settings.data_dir, &asked) {
            warn!(error = %fault, "what is asked for often could not be kept on disk");
        }
    }
}

fn is_same(indexed: &Arc<Catalog>, catalog: &Arc<Catalog>) -> bool {
    Arc::ptr_eq(indexed, catalog)
        || (catalog.version() > 0
            && indexed.version() == catalog.version()
            && indexed.parts().database == catalog.parts().database)
}
