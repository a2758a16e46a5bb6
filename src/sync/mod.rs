//! From sources to the store: sweep, diff, write, one page after another, while the next page is on its way.
//! Must not know how a source is read nor how a row is written.

mod look;
mod note;
mod pull_request;
mod source;
mod summary;

use std::collections::HashSet;

use tokio::sync::mpsc;

pub use look::look_at;
pub use pull_request::{check_pull_request, quote_code};
pub use source::Source;
pub use summary::{Progress, Requests, SourceSummary, SyncSummary};

use crate::{
    catalog::{
        Known, Parts, RepositoryRead, SourcePage, SourceState, SweepError,
        diff::{StoredFile, Tally, diff_repository, is_unchanged},
        kinds::CustomKinds,
    },
    store::{PageWrite, Removal, Store, StoreError, StoredSource, Wrote},
};

/// Pages that may wait between source and store: the source reads on while a page is written, and memory stays bounded.
const PAGES_AHEAD: usize = 2;
/// A sweep that would remove more than this share of a source's repositories is held back…
const LARGEST_REMOVAL: f64 = 0.2;
/// …unless it is these few: in a small organisation one repository is a large share.
const FEW_REPOSITORIES: usize = 3;

/// Whether an admin has confirmed that large removals are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removals {
    HoldBackLarge,
    Confirmed,
}

/// What a sync needs besides its source.
#[derive(Debug)]
pub struct SyncContext<'a> {
    pub store: &'a Store,
    pub clock: &'a crate::app::Clock,
    pub custom_kinds: &'a CustomKinds,
    pub removals: Removals,
    pub progress: &'a Progress,
}

/// Reads one source to its end and stores what changed.
///
/// A failed, partial or empty sweep removes nothing. Errors of the source are in the summary; only a store that
/// cannot be written to is an error here, and what was committed until then stays.
pub async fn sync_source(source: &Source, context: &SyncContext<'_>) -> Result<SourceSummary, StoreError> {
    let started = std::time::Instant::now();
    let mut summary = SourceSummary::new(source.id());
    let _lock = context.store.lock_source(source.id()).await?;
    let stored = context.store.load_source(source.id()).await?;
    let known = Known::default();
    let (sender, receiver) = mpsc::channel::<SourcePage>(PAGES_AHEAD);
    let writing = write_pages(source.id(), receiver, &stored, context, &mut summary);
    let (swept, written) = tokio::join!(source.sweep(&known, sender), writing);
    let (seen, mut wrote) = written?;
    let is_whole = match swept {
        Ok(report) => {
            summary.api_requests = Requests { graphql: report.graphql_requests, rest: report.rest_requests };
            let told = (seen.len() + report.errors.len()) as u64;
            let is_cut_short = report.expected.is_some_and(|expected| told < expected);
            let is_whole = report.errors.is_empty() && !is_cut_short;
            if is_cut_short {
                let message = format!("brought {} of {} repositories", seen.len(), report.expected.unwrap_or_default());
                summary.errors.push(SweepError { location: source.id().to_owned(), message });
                summary.failed = true;
            }
            summary.errors.extend(report.errors);
            is_whole
        }
        Err(error) => {
            summary.errors.push(error);
            summary.failed = true;
            false
        }
    };
    if is_whole && remove_missing(source.id(), &seen, &stored, context, &mut summary).await? == Wrote::Something {
        wrote = Wrote::Something;
    }
    if !summary.failed {
        context.store.finish_sync(source.id(), context.clock.now(), wrote).await?;
        summary.synced_at = Some(context.clock.now());
    }
    summary.seconds = started.elapsed().as_secs_f64();
    context.progress.done(source.id());
    Ok(summary)
}

/// Writes page after page. Returns which repositories were seen; ends early, and so ends the sweep, where the store fails.
async fn write_pages(
    source_id: &str,
    mut pages: mpsc::Receiver<SourcePage>,
    stored: &StoredSource,
    context: &SyncContext<'_>,
    summary: &mut SourceSummary,
) -> Result<(HashSet<i64>, Wrote), StoreError> {
    let mut seen: HashSet<i64> = HashSet::new();
    let mut wrote = Wrote::Nothing;
    while let Some(page) = pages.recv().await {
        context.progress.page(source_id, page.repositories.len(), page.total);
        seen.extend(page.repositories.iter().map(|read| read.repository.id));
        if write_page(source_id, page, stored, context, summary).await? == Wrote::Something {
            wrote = Wrote::Something;
        }
    }
    Ok((seen, wrote))
}

async fn write_page(
    source_id: &str,
    page: SourcePage,
    stored: &StoredSource,
    context: &SyncContext<'_>,
    summary: &mut SourceSummary,
) -> Result<Wrote, StoreError> {
    summary.repositories += page.repositories.len() as u64;
    let mut differing: Vec<RepositoryRead> = Vec::new();
    for read in page.repositories {
        summary.files += read.files.read().len() as u64;
        match stored.get(&read.repository.id) {
            Some(digest) if is_unchanged(digest, &read) => {
                summary.add(Tally { unchanged: digest.claims, ..Tally::default() });
                summary.blame(&read.repository.full_name, digest.files.iter().filter_map(StoredFile::told_problem));
            }
            Some(_) | None => differing.push(read),
        }
    }
    if differing.is_empty() {
        return Ok(Wrote::Nothing);
    }
    let known: Vec<i64> = differing.iter().map(|read| read.repository.id).filter(|id| stored.contains_key(id)).collect();
    let claims = if known.is_empty() { Default::default() } else { context.store.load_claims(source_id, &known).await? };
    // A page of descriptors takes tens of milliseconds to parse, in which this thread could not answer.
    let changes: Vec<_> = tokio::task::block_in_place(|| {
        let plan = |read: &RepositoryRead| {
            let id = read.repository.id;
            diff_repository(stored.get(&id), claims.get(&id).map_or(&[], Vec::as_slice), read, context.custom_kinds)
        };
        differing.iter().map(plan).collect()
    });
    let page = PageWrite { source_id, changes: &changes, now: context.clock.now() };
    let applied = context.store.write_page(page).await?;
    summary.add(applied.tally);
    for change in &changes {
        summary.blame(&change.repository.full_name, change.problems.iter().cloned());
    }
    note::tell_authors(source_id, stored, &changes, context).await;
    let refused = applied.refused.into_iter();
    summary.errors.extend(refused.map(|(location, message)| SweepError { location, message: format!("not stored: {message}") }));
    Ok(Wrote::Something)
}

async fn remove_missing(
    source_id: &str,
    seen: &HashSet<i64>,
    stored: &StoredSource,
    context: &SyncContext<'_>,
    summary: &mut SourceSummary,
) -> Result<Wrote, StoreError> {
    let living = stored.iter().filter(|(_, digest)| !digest.removed);
    let missing: Vec<i64> = living.clone().map(|(id, _)| *id).filter(|id| !seen.contains(id)).collect();
    if missing.is_empty() {
        return Ok(Wrote::Nothing);
    }
    let share = missing.len() as f64 / living.count() as f64;
    let is_large = seen.is_empty() || (missing.len() > FEW_REPOSITORIES && share > LARGEST_REMOVAL);
    if is_large && context.removals == Removals::HoldBackLarge {
        summary.held_back = true;
        let message = format!(
            "{} of {} repositories are gone ({:.0} %): nothing was removed; if that is right, run `steward sync --full`",
            missing.len(),
            stored.values().filter(|digest| !digest.removed).count(),
            share * 100.0
        );
        summary.errors.push(SweepError { location: source_id.to_owned(), message });
        return Ok(Wrote::Nothing);
    }
    let removal = Removal { source_id, repository_ids: &missing, now: context.clock.now() };
    summary.add(context.store.remove_repositories(removal).await?);
    Ok(Wrote::Something)
}

/// Reads a source into a catalog without a store: for `steward ask --source` and for tests of answers.
pub async fn read_without_store(
    source: &Source,
    custom_kinds: &CustomKinds,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Parts, SweepError> {
    let (sender, mut receiver) = mpsc::channel::<SourcePage>(PAGES_AHEAD);
    let known = Known::default();
    let mut parts = Parts::default();
    let reading = async {
        while let Some(page) = receiver.recv().await {
            for read in page.repositories {
                parts.add_repository(source.id(), diff_repository(None, &[], &read, custom_kinds));
            }
        }
    };
    let (swept, ()) = tokio::join!(source.sweep(&known, sender), reading);
    swept?;
    let state = SourceState { synced_at: Some(now), error: None };
    parts.sources.insert(source.id().to_owned(), state);
    Ok(parts)
}
