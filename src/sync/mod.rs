//! From sources to the store: sweep, diff, write, one page after another, while the next page is on its way.
//! Must not know how a source is read nor how a row is written.

mod elsewhere;
mod expand;
mod look;
mod note;
mod page;
mod people;
mod pull_request;
mod removal;
mod source;
mod summary;
mod transfer;
mod url;

use std::{collections::HashSet, time::Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;

pub use elsewhere::{Elsewhere, FileElsewhere};
pub use look::look_at;
pub use pull_request::{check_pull_request, quote_code};
pub use removal::Removals;
pub use source::{ORGANISATION_PACE, Source};
pub use summary::{Progress, SourceSummary, SyncSummary, Uncovered};
pub use url::{ADDED, UrlSource, normalise};

use expand::{AllGathered, Documents, expand};
use page::{PageContext, write_page, write_pages};
use removal::{Missing, remove_missing};

use crate::{
    catalog::{
        HeldBack, Known, Parts, RepositoryKey, Scope, SourcePage, SourceState, SweepError, SweepMark, SweepReport,
        address::is_address,
        diff::{StoredDigest, StoredFile, Tally, diff_repository},
        kinds::CustomKinds,
    },
    requests::count_requests,
    store::{Store, StoreError, StoredSource, SyncEnd, SyncState, Wrote},
};

/// Pages that may wait between source and store: the source reads on while a page is written, and memory stays bounded.
const PAGES_AHEAD: usize = 2;
/// Everything is read again once a day, whatever the source says is new: it repairs what was missed in ways nobody foresaw.
const EVERYTHING_EVERY: TimeDelta = TimeDelta::hours(24);
/// One that did not bring all that the source counts is tried again at once, then after this while, doubled each time.
const CUT_SHORT_AGAIN_AFTER: TimeDelta = TimeDelta::minutes(1);
/// A sweep over everything that changed nothing is remembered only when the last one is this old: it need not write each time.
const NOTE_SWEEP_AFTER: TimeDelta = TimeDelta::hours(12);
/// A repository of which some file could not be read is asked for again after this while…
const ASK_AGAIN_AFTER: TimeDelta = TimeDelta::minutes(30);
/// …so many of them at a time, which is one request.
const ASK_AGAIN_AT_ONCE: usize = 50;

/// What a sync needs besides its source.
#[derive(Debug, Clone, Copy)]
pub struct SyncContext<'a> {
    pub store: &'a Store,
    /// All that are read: what one of them lost another may have.
    pub sources: &'a [Source],
    pub clock: &'a crate::app::Clock,
    pub custom_kinds: &'a CustomKinds,
    pub elsewhere: &'a Elsewhere,
    pub order: SyncOrder,
    pub progress: &'a Progress,
}

/// How much is read, and what may be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncOrder {
    pub scope: Scope,
    pub removals: Removals,
}

impl SyncOrder {
    /// By itself: what is new, and nothing large removed.
    pub const USUAL: Self = Self { scope: Scope::WhatIsNew, removals: Removals::HoldBackLarge };
    /// Because something was heard of the source as a whole.
    pub const EVERYTHING: Self = Self { scope: Scope::Everything, removals: Removals::HoldBackLarge };
    /// By a person who knows: everything, and removals carried out.
    pub const FULL: Self = Self { scope: Scope::Everything, removals: Removals::Confirmed };
}

/// Reads what is new of a source, or all of it, and stores what changed.
///
/// A failed, partial or empty sweep removes nothing. Errors of the source are in the summary; only a store that
/// cannot be written to is an error here, and what was committed until then stays.
pub async fn sync_source(source: &Source, context: &SyncContext<'_>) -> Result<SourceSummary, StoreError> {
    let (synced, api_requests) = count_requests(Box::pin(sync_whole(source, context))).await;
    synced.map(|summary| SourceSummary { api_requests, ..summary })
}

async fn sync_whole(source: &Source, context: &SyncContext<'_>) -> Result<SourceSummary, StoreError> {
    let started = Instant::now();
    let mut summary = SourceSummary::new(source.id());
    let context = &SyncContext { order: source.order(context.order), ..*context };
    let _lock = context.store.lock_source(source.id()).await?;
    source.prepare(context.store).await?;
    let before = context.store.load_sync_state(source.id()).await?;
    let (documents, files) = source.documents();
    let stored = context.store.load_source(source.id(), files).await?;
    let clock = context.store.read_clock().await?;
    let reading = source.reading();
    let known = known(&stored, &before, &reading, context);
    let page_context = PageContext { source, reading: &reading, stored: &stored, clock, context, documents };
    let (sender, receiver) = mpsc::channel::<SourcePage>(PAGES_AHEAD);
    let writing = write_pages(receiver, &page_context, &mut summary);
    let (swept, written) = tokio::join!(Box::pin(source.sweep(&known, sender)), Box::pin(writing));
    let (seen, mut wrote) = written?;
    let mut after = before.clone();
    match swept {
        Ok(report) => {
            if report.scope == Scope::Everything {
                let held_before = before.held_back.is_some();
                let asked_at = clock.time_of(started);
                let missing = Missing { seen: &seen, stored: &stored, report: &report, held_before, asked_at };
                let outcome = remove_missing(source, missing, context, &mut summary).await?;
                if outcome.wrote == Wrote::Something {
                    wrote = Wrote::Something;
                }
                after.held_back = outcome.held_back(before.held_back.as_ref(), context.clock.now());
                if let Some(held) = summary.people_held_back.take() {
                    let since = before.held_back.as_ref().map_or(held.since, |before| before.since);
                    after.held_back = Some(HeldBack { since, ..held });
                }
            } else {
                add_untouched(&mut summary, &seen, &stored);
            }
            summary.errors.extend(report.errors.iter().cloned());
            if let Some(mark) = before.mark.as_ref().filter(|mark| report.scope == Scope::WhatIsNew && mark.cut_short > 0) {
                summary.errors.push(still_cut_short(source.id(), mark, &before, context.clock.now()));
            }
            summary.sort_errors();
            if !summary.failed {
                after.mark = next_mark(&report, &before, &stored, &seen, summary.repositories_removed);
                note_sweep(&mut after, &report, wrote, context.clock.now());
            }
        }
        Err(error) => {
            summary.sort_errors();
            // Before all else that is wrong: it is what the sync failed of.
            summary.errors.insert(0, error);
            summary.failed = true;
        }
    }
    if !summary.failed {
        if ask_again(source, &stored, &seen, &page_context, &mut summary).await? == Wrote::Something {
            wrote = Wrote::Something;
        }
        let end = SyncEnd { source_id: source.id(), at: context.clock.now(), wrote, before: &before, after: &after };
        context.store.finish_sync(end).await?;
        summary.synced_at = Some(context.clock.now());
    }
    summary.held_back |= after.held_back.is_some();
    summary.seconds = started.elapsed().as_secs_f64();
    context.progress.done(source.id());
    Ok(summary)
}

/// What the source need not be asked for again.
fn known(stored: &StoredSource, state: &SyncState, reading: &str, context: &SyncContext<'_>) -> Known {
    let living = stored.iter().filter(|(_, digest)| !digest.removed);
    let is_read_so = |digest: &StoredDigest| digest.reading.as_deref() == Some(reading);
    let is_due = state.swept_at.is_none_or(|at| context.clock.now() - at >= EVERYTHING_EVERY);
    // Files elsewhere, and files that were missed there, change without a push.
    let leans_elsewhere =
        |digest: &StoredDigest| digest.files.iter().any(|file| file.problem.is_some() || is_address(&file.path));
    let heads = living.clone().map(|(id, digest)| {
        let is_current = is_read_so(digest) && !digest.excluded && !(is_due && leans_elsewhere(digest));
        (*id, digest.head.clone().filter(|_| is_current))
    });
    let heads = heads.collect();
    // A repository that was never read whole is asked for again by itself; one that was read otherwise tells of new settings.
    let is_set_up_anew = living.clone().any(|(_, digest)| digest.reading.is_some() && !is_read_so(digest));
    let is_cut_short = state
        .swept_at
        .zip(state.mark.as_ref())
        .is_some_and(|(at, mark)| mark.cut_short > 0 && context.clock.now() - at >= pause_after_cut(mark.cut_short));
    let must_be_whole = is_due || is_set_up_anew || is_cut_short || state.mark.is_none();
    let scope = if must_be_whole { Scope::Everything } else { context.order.scope };
    Known { scope, mark: state.mark.clone(), heads }
}

/// How long to wait with reading everything again after so many sweeps that were cut short.
fn pause_after_cut(times: u32) -> TimeDelta {
    match times {
        0 | 1 => TimeDelta::zero(),
        _ => (CUT_SHORT_AGAIN_AFTER * (1 << (times - 2).min(16))).min(EVERYTHING_EVERY),
    }
}

/// What an answer to "what is new" leaves out is as it was.
fn add_untouched(summary: &mut SourceSummary, seen: &HashSet<i64>, stored: &StoredSource) {
    for (_, digest) in stored.iter().filter(|(id, digest)| !digest.removed && !seen.contains(id)) {
        summary.repositories += 1;
        summary.files += digest.files.len() as u64;
        summary.add(Tally { unchanged: digest.claims, ..Tally::default() });
        summary.blame(&digest.full_name, digest.files.iter().filter_map(StoredFile::told_problem));
    }
}

/// From where the next sweep goes on. What could not be read now would be passed over for ever, so then the mark stays,
/// unless everything was asked for: that comes again by itself.
fn next_mark(
    report: &SweepReport,
    before: &SyncState,
    stored: &StoredSource,
    seen: &HashSet<i64>,
    removed: usize,
) -> Option<SweepMark> {
    if report.scope == Scope::WhatIsNew && !report.errors.is_empty() {
        return before.mark.clone();
    }
    let mut mark = report.mark.clone()?;
    if let (Scope::Everything, Some(expected)) = (report.scope, report.expected) {
        let kept = stored.iter().filter(|(id, digest)| !digest.removed && !seen.contains(id)).count() - removed;
        mark.not_given = expected as i64 - (seen.len() + kept) as i64;
        let is_cut_short = (seen.len() as u64) < expected;
        mark.cut_short = if is_cut_short { before.mark.as_ref().map_or(0, |mark| mark.cut_short) + 1 } else { 0 };
    } else if let Some(before) = &before.mark {
        mark.cut_short = before.cut_short;
    }
    Some(mark)
}

/// What a sweep could not bring stays said until one brings it.
fn still_cut_short(source_id: &str, mark: &SweepMark, before: &SyncState, now: DateTime<Utc>) -> SweepError {
    let since = before.swept_at.map_or(TimeDelta::zero(), |at| now - at);
    let minutes = (pause_after_cut(mark.cut_short) - since).num_minutes().max(1);
    let message = format!(
        "some repositories that the source counts could not be read lately; all of them are asked for again in {minutes} min, \
         or now by `steward sync --full`"
    );
    SweepError { location: source_id.to_owned(), message }
}

fn note_sweep(after: &mut SyncState, report: &SweepReport, wrote: Wrote, now: DateTime<Utc>) {
    let is_old = after.swept_at.is_none_or(|at| now - at >= NOTE_SWEEP_AFTER);
    let is_cut_short = after.mark.as_ref().is_some_and(|mark| mark.cut_short > 0);
    if report.scope == Scope::Everything && (wrote == Wrote::Something || is_old || is_cut_short) {
        after.swept_at = Some(now);
    }
}

/// Asks again for repositories of which some file could not be read a while ago.
async fn ask_again(
    source: &Source,
    stored: &StoredSource,
    seen: &HashSet<i64>,
    page_context: &PageContext<'_>,
    summary: &mut SourceSummary,
) -> Result<Wrote, StoreError> {
    let started = Instant::now();
    let asked_at = page_context.clock.time_of(started);
    let is_due = |digest: &StoredDigest| digest.read_at.is_none_or(|at| asked_at - at >= ASK_AGAIN_AFTER);
    let unfinished = stored.iter().filter(|(id, digest)| {
        !digest.removed
            && !digest.excluded
            && digest.reading.is_none()
            && !digest.files.is_empty()
            && !seen.contains(id)
            && is_due(digest)
    });
    let ids: Vec<i64> = unfinished.map(|(id, _)| *id).take(ASK_AGAIN_AT_ONCE).collect();
    if ids.is_empty() {
        return Ok(Wrote::Nothing);
    }
    let keys: Vec<RepositoryKey> = page_context.context.store.load_keys(source.id(), &ids).await?;
    // Nothing is lost where this fails: they are asked for again next time.
    let Ok(looked) = source.look(&keys).await else { return Ok(Wrote::Nothing) };
    let page = SourcePage { repositories: looked.found, total: None, asked_at: looked.asked_at };
    // They are in the summary already.
    let mut again = SourceSummary::new(source.id());
    let wrote = write_page(page, page_context, &mut again).await?;
    summary.changed += again.changed + again.added;
    page_context.context.store.touch_repositories(source.id(), &ids, asked_at).await?;
    Ok(wrote)
}

/// Reads a source into a catalog without a store: for `steward ask --source` and for tests of answers.
pub async fn read_without_store(
    source: &Source,
    custom_kinds: &CustomKinds,
    elsewhere: &Elsewhere,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Parts, SweepError> {
    let (sender, mut receiver) = mpsc::channel::<SourcePage>(PAGES_AHEAD);
    let known = Known::default();
    let mut parts = Parts::default();
    let reading = async {
        while let Some(mut page) = receiver.recv().await {
            let repositories = &mut page.repositories;
            let documents = Documents::Now;
            let mut gathered = expand(source, repositories, None, elsewhere, documents, custom_kinds, AllGathered::new()).await;
            for read in page.repositories {
                let gathered = gathered.remove(&read.repository.id).unwrap_or_default();
                parts.add_repository(source.id(), diff_repository(None, &[], &read, &gathered, custom_kinds));
            }
        }
    };
    let (swept, ()) = tokio::join!(source.sweep(&known, sender), reading);
    swept?;
    let state = SourceState { synced_at: Some(now), ..SourceState::default() };
    parts.sources.insert(source.id().to_owned(), state);
    Ok(parts)
}
