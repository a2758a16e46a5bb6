//! What goes on without a person asking: following the store, the sync schedule, and the queue's jobs.
//! Must not decide what a job does: floor 3 and the doors do the work.

mod beside;
mod checked_link;
mod coverage_day;
mod custom;
mod deliver;
mod describe;
mod document;
mod fix;
mod heard;
mod jobs;
mod link;
mod location;
mod measure;
mod news;
mod note;
mod notice;
mod on_call;
mod onboard;
mod package;
mod pull_request;
mod queue;
mod round;
mod run;
mod search;
mod shown_round;
mod template;
mod undescribed;
mod week;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use self::beside::past;
use crate::{
    app::{App, Outcome},
    catalog::{Catalog, SourceState},
    store::{Database, Followed, StoreError, follow, save_parts_to_disk, save_sources_to_disk},
    sync::{Elsewhere, Progress, Source, SourceSummary, SyncContext, SyncOrder, SyncSummary, Uncovered, sync_source},
};

/// Between attempts to reach a database that is away: short, because an engineer may be waiting for fresh answers.
const RECONNECT: Duration = Duration::from_millis(500);
/// How long a removal can be taken back; history stays for ever.
pub(crate) const TOMBSTONES_KEPT: TimeDelta = TimeDelta::days(30);
/// What is new is asked for this often where no webhook tells of it.
const LOOK_FOR_NEWS: Duration = Duration::from_secs(60);
/// Old tombstones are looked for this often.
const FORGET_EVERY: Duration = Duration::from_secs(6 * 60 * 60);
/// The snapshot is copied to disk at most this often while changes stream in: a copy of 20,000 entities is megabytes.
const SAVE_EVERY: Duration = Duration::from_secs(3);
/// After a sync that failed, until the next try.
const RETRY_SYNC: Duration = Duration::from_secs(30);

/// The application and what its jobs work on.
#[derive(Debug)]
pub struct Worker {
    pub app: Arc<App>,
    pub sources: Vec<Source>,
    elsewhere: Arc<Elsewhere>,
    saved: Mutex<Saved>,
    watching: on_call::Watching,
    rounds: round::Rounds,
    members_noted: onboard::Noted,
    /// Database and version of the catalog whose templates were read last.
    templates_of: Mutex<Option<(String, i64)>>,
    undescribed_read: Mutex<Option<undescribed::UndescribedRead>>,
}

/// The copy on disk, as far as this process wrote it.
#[derive(Debug, Default)]
struct Saved {
    at: Option<Instant>,
    /// Database and version.
    what: Option<(String, i64)>,
}

impl Saved {
    fn is_due(&self) -> bool {
        self.at.is_none_or(|at| at.elapsed() >= SAVE_EVERY)
    }
}

impl Worker {
    pub fn new(app: Arc<App>, sources: Vec<Source>) -> Self {
        Self {
            app,
            sources,
            elsewhere: Arc::default(),
            saved: Mutex::default(),
            watching: Default::default(),
            rounds: Default::default(),
            members_noted: Default::default(),
            templates_of: Mutex::default(),
            undescribed_read: Mutex::default(),
        }
    }

    /// Reads addresses by this; without it only those that anybody may read.
    #[must_use]
    pub fn with_elsewhere(self, elsewhere: Arc<Elsewhere>) -> Self {
        Self { elsewhere, ..self }
    }

    /// Looks whether a message has arrived after all, and sends it again, so soon: before a fake platform, which says what it
    /// has at once.
    #[must_use]
    pub fn resending_after(mut self, time: Duration) -> Self {
        self.rounds.resend_after = time;
        self
    }

    /// Keeps the snapshot current until told to stop. Outages are waited out; answers go on from memory.
    pub async fn keep_current(&self, database: &Database, stop: &CancellationToken) {
        report_catalog(&self.app.catalog.load());
        let mut was_away = false;
        while !stop.is_cancelled() {
            let followed = tokio::select! {
                () = stop.cancelled() => return self.save().await,
                followed = self.follow_once(database) => followed,
            };
            let Err(fault) = followed;
            if !was_away {
                let fault = format!("{:#}", anyhow::Error::from(fault));
                warn!(fault, "the database cannot be used; answers come from memory");
            }
            was_away = self.app.store.check(self.app.clock.now()).await.is_err();
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(RECONNECT) => {}
            }
        }
    }

    /// Connects, catches up and follows; ends only with a fault.
    async fn follow_once(&self, database: &Database) -> Result<std::convert::Infallible, StoreError> {
        self.app.store.open(database, self.app.settings.database.max_connections).await?;
        let mut follow = follow(&self.app.store).await?;
        loop {
            self.follow_changes().await?;
            self.follow_beside().await?;
            if self.saved.lock().expect("nothing panics while it holds this lock").is_due() {
                self.save().await;
            }
            self.app.store.check(self.app.clock.now()).await?;
            match follow.next().await? {
                Followed::LookAgain => {}
                Followed::Synced(synced) => self.note_synced(&synced.source, synced.at, None),
            }
        }
    }

    /// Loads what changed into a new snapshot and keeps a copy on disk.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        self.follow_changes().await?;
        self.read_undescribed().await.or_else(|fault| past(fault, "repositories without a descriptor"))?;
        self.save().await;
        Ok(())
    }

    /// Loads what changed into a new snapshot.
    async fn follow_changes(&self) -> Result<(), StoreError> {
        let known = self.app.catalog.load();
        let began = Instant::now();
        let Some(change) = self.app.store.load_change(known.parts()).await? else { return Ok(()) };
        let load_ms = began.elapsed().as_millis();
        // Indexing takes milliseconds, at first far more, in which this thread could not answer.
        let catalog = tokio::task::block_in_place(|| known.with_parts(change.apply(known.parts())));
        let build_ms = began.elapsed().as_millis() - load_ms;
        info!(version = catalog.version(), entities = catalog.entries().len(), load_ms, build_ms, "catalog is current");
        // What was heard of syncs in the meantime is newer than what was loaded.
        self.app.catalog.update(|current| {
            let is_same_database = current.parts().database == catalog.parts().database;
            if is_same_database && current.version() > catalog.version() {
                return current.clone();
            }
            let mut sources = catalog.parts().sources.clone();
            for (id, state) in &mut sources {
                if let Some(heard) = current.source(id).filter(|heard| heard.synced_at > state.synced_at) {
                    let held_back = state.held_back.take();
                    *state = SourceState { held_back, ..heard.clone() };
                }
            }
            catalog.with_sources(sources)
        });
        report_catalog(&self.app.catalog.load());
        Ok(())
    }

    /// Keeps a copy of the snapshot on disk, unless the one there is of the same version.
    async fn save(&self) {
        let catalog = self.app.catalog.load();
        let this = (catalog.parts().database.clone(), catalog.version());
        {
            let mut saved = self.saved.lock().expect("nothing panics while it holds this lock");
            saved.at = Some(Instant::now());
            if saved.what.as_ref() == Some(&this) {
                return;
            }
            saved.what = Some(this);
        }
        let data_dir = self.app.settings.data_dir.clone();
        let saved = tokio::task::spawn_blocking(move || save_parts_to_disk(&data_dir, catalog.parts())).await;
        if let Ok(Err(fault)) = saved {
            warn!(error = %fault, "the snapshot could not be kept on disk; a restart without the database would know less");
            self.saved.lock().expect("nothing panics while it holds this lock").what = None;
        }
    }

    fn note_synced(&self, source: &str, at: DateTime<Utc>, fault: Option<String>) {
        self.app.catalog.update(|catalog| {
            let mut sources = catalog.parts().sources.clone();
            let state = sources.entry(source.to_owned()).or_default();
            match &fault {
                None => {
                    *state =
                        SourceState { synced_at: Some(at).max(state.synced_at), error: None, held_back: state.held_back.take() }
                }
                Some(fault) => state.error = Some(fault.clone()),
            }
            catalog.with_sources(sources)
        });
        if fault.is_none() {
            let gauge = metrics::gauge!("steward_source_synced_timestamp_seconds", "source" => source.to_owned());
            gauge.set(at.timestamp() as f64);
        }
        if let Err(fault) = save_sources_to_disk(&self.app.settings.data_dir, &self.app.catalog.load().parts().sources) {
            warn!(error = %fault, "the time of the sync could not be kept on disk");
        }
    }

    /// Syncs every source at its own pace until told to stop.
    pub async fn keep_synced(&self, progress: &Progress, stop: &CancellationToken) {
        let loops = self.sources.iter().map(|source| async move {
            // People watch the first sync; the later ones are a line in the log.
            let mut shown = progress;
            loop {
                let synced = match self.is_idle(source).await {
                    Ok(true) => Ok(None),
                    Ok(false) => self.sync(source, SyncOrder::USUAL, shown).await.map(Some),
                    Err(error) => Err(error),
                };
                let pause = match synced {
                    Ok(None) => self.every(source.id()),
                    Ok(Some(summary)) if !summary.failed => {
                        shown = &Progress::Silent;
                        self.pause_after_sync(source).await
                    }
                    Ok(Some(_)) => RETRY_SYNC.min(self.every(source.id())),
                    // Away or just starting: whoever follows it has said so.
                    Err(StoreError::Away(_) | StoreError::Claimed) => RECONNECT,
                    Err(StoreError::Failed(fault)) => {
                        error!(source = source.id(), fault = format!("{fault:#}"), "a sync could not be stored");
                        RETRY_SYNC
                    }
                };
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = self.wait_for_turn(source.id(), pause) => {}
                }
            }
        });
        let forgetting = async {
            loop {
                self.forget_removed().await;
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(FORGET_EVERY) => {}
                }
            }
        };
        tokio::join!(
            futures_util::future::join_all(loops),
            forgetting,
            self.keep_following_fixes(stop),
            self.keep_onboarding(stop)
        );
    }

    /// Asking what is new is one request, so it is done often where no webhook tells of changes.
    async fn pause_after_sync(&self, source: &Source) -> Duration {
        let every = self.every(source.id());
        if !source.tells_what_is_new() || every <= LOOK_FOR_NEWS {
            return every;
        }
        let heard = self.app.store.last_delivery_at(source.id()).await.ok().flatten();
        let silence = heard.and_then(|at| (self.app.clock.now() - at).to_std().ok());
        if silence.is_some_and(|silence| silence < every) { every } else { LOOK_FOR_NEWS }
    }

    /// Waits for the pause, and on while another replica has done this source's work.
    async fn wait_for_turn(&self, source_id: &str, pause: Duration) {
        let heard = || self.app.catalog.load().source(source_id).and_then(|state| state.synced_at);
        let mut known = heard();
        loop {
            tokio::time::sleep(pause).await;
            let now_heard = heard();
            if now_heard == known {
                return;
            }
            known = now_heard;
        }
    }

    /// Tombstones that can no longer be taken back go.
    async fn forget_removed(&self) {
        match self.app.store.forget_removed(self.app.clock.now() - TOMBSTONES_KEPT).await {
            Ok(0) | Err(StoreError::Away(_) | StoreError::Claimed) => {}
            Ok(rows) => info!(rows, "forgot what was removed 30 days ago"),
            Err(StoreError::Failed(fault)) => error!(fault = format!("{fault:#}"), "old tombstones could not be deleted"),
        }
    }

    fn every(&self, source_id: &str) -> Duration {
        if let Some(pace) = self.sources.iter().find(|source| source.id() == source_id).and_then(Source::own_pace) {
            return pace;
        }
        let sources = self.app.settings.sources.iter();
        let found = sources.filter(|source| source.id() == source_id).map(|source| source.schedule().every).next();
        found.unwrap_or_else(|| crate::settings::ScheduleSettings::default().every)
    }

    fn sync_context<'a>(&'a self, order: SyncOrder, progress: &'a Progress) -> SyncContext<'a> {
        let App { store, clock, custom_kinds, .. } = &*self.app;
        let (sources, elsewhere) = (&self.sources, &self.elsewhere);
        SyncContext { store, sources, clock, custom_kinds, elsewhere, order, progress }
    }

    /// Syncs one source and tells of it in log and metrics.
    async fn sync(&self, source: &Source, order: SyncOrder, progress: &Progress) -> Result<SourceSummary, StoreError> {
        let app = &self.app;
        let summary = sync_source(source, &self.sync_context(order, progress)).await?;
        self.want_packages(source).await;
        self.want_documents(source, None).await;
        let outcome = if summary.failed { Outcome::Bad } else { Outcome::Good };
        app.live.tally.count("sync", outcome);
        app.live.tally.count(&format!("source:{}", source.id()), outcome);
        let result = if summary.failed { "failed" } else { "done" };
        metrics::counter!("steward_syncs_total", "source" => source.id().to_owned(), "result" => result).increment(1);
        let requests = summary.api_requests.graphql + summary.api_requests.rest;
        metrics::counter!("steward_source_requests_total", "source" => source.id().to_owned()).increment(requests);
        if summary.failed {
            let fault = summary.errors.first().map(|error| error.message.clone()).unwrap_or_default();
            warn!(source = source.id(), fault, "the source could not be read to its end; nothing was removed");
            self.note_synced(source.id(), app.clock.now(), Some(fault));
        } else {
            // First what was read, then that it was: an answer never claims to be fresher than it is.
            self.catch_up().await?;
            self.note_synced(source.id(), app.clock.now(), None);
            info!(
                source = source.id(),
                repositories = summary.repositories,
                added = summary.added,
                changed = summary.changed,
                removed = summary.removed,
                seconds = summary.seconds,
                "synced"
            );
        }
        Ok(summary)
    }

    /// Syncs all sources once.
    pub async fn sync_all(&self, order: SyncOrder, progress: &Progress) -> Result<SyncSummary, StoreError> {
        let mut all = SyncSummary::default();
        for source in &self.sources {
            if self.is_idle(source).await? {
                continue;
            }
            let summary = self.sync(source, order, progress).await?;
            all.held_back |= summary.held_back;
            all.sources.push(summary);
        }
        all.uncovered = Uncovered::of(&self.app.catalog.load());
        Ok(all)
    }

    /// Whether a source has nothing to read and never had; one that lost its last address goes on being synced, or it would
    /// count as old for ever.
    async fn is_idle(&self, source: &Source) -> Result<bool, StoreError> {
        Ok(source.is_idle(&self.app.store).await? && !self.app.catalog.load().parts().sources.contains_key(source.id()))
    }

    /// Syncs one source, if there is one of that name.
    async fn sync_one(&self, source_id: &str, order: SyncOrder) -> Result<SyncSummary, StoreError> {
        let mut all = SyncSummary::default();
        for source in self.sources.iter().filter(|source| source.id() == source_id) {
            let summary = self.sync(source, order, &Progress::Silent).await?;
            all.held_back |= summary.held_back;
            all.sources.push(summary);
        }
        Ok(all)
    }
}

/// The catalog's size and faults as metrics.
fn report_catalog(catalog: &Catalog) {
    let gauge = |name: &'static str, value: usize| metrics::gauge!(name).set(value as f64);
    gauge("steward_catalog_entities", catalog.entries().len());
    gauge("steward_catalog_repositories", catalog.parts().repositories);
    gauge("steward_catalog_repositories_without_descriptor", catalog.parts().without_descriptor);
    gauge("steward_catalog_broken_files", catalog.broken().len());
    gauge("steward_catalog_conflicts", catalog.conflicts().count());
}
