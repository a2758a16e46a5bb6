//! One page of a source: compared with what is stored, and written.
//! Must not remove a repository: a page never says what is gone.

use std::collections::HashSet;

use tokio::sync::mpsc;

use super::{
    Source, SourceSummary, SyncContext,
    expand::{AllGathered, Documents, expand, look_into},
    note::tell_authors,
    people,
};
use crate::{
    catalog::{
        Files, RepositoryRead, SourcePage, SweepError,
        diff::{FilesAfter, StoredFile, Tally, diff_repository, is_unchanged},
        wants::Gathered,
    },
    store::{PageWrite, SharedClock, StoreError, StoredSource, Wrote},
};

/// What the pages of one sync have in common.
pub(super) struct PageContext<'a> {
    pub(super) source: &'a Source,
    /// How the source chooses files now.
    pub(super) reading: &'a str,
    /// What was stored when the sync began.
    pub(super) stored: &'a StoredSource,
    pub(super) clock: SharedClock,
    pub(super) context: &'a SyncContext<'a>,
    pub(super) documents: Documents,
}

/// Repositories that name files to be read wait until so many are together: then those files cost a few requests for all of
/// them, where a page with one such repository would cost as many.
const EXPANDED_AT_ONCE: usize = 100;

/// Writes page after page. Returns which repositories were seen; ends early, and so ends the sweep, where the store fails.
pub(super) async fn write_pages(
    mut pages: mpsc::Receiver<SourcePage>,
    page_context: &PageContext<'_>,
    summary: &mut SourceSummary,
) -> Result<(HashSet<i64>, Wrote), StoreError> {
    let mut seen: HashSet<i64> = HashSet::new();
    let mut wrote = Wrote::Nothing;
    let mut waiting: Option<GatheredPage> = None;
    while let Some(mut page) = pages.recv().await {
        page_context.context.progress.page(page_context.source.id(), page.repositories.len(), page.total);
        seen.extend(page.repositories.iter().map(|read| read.repository.id));
        let gathered = if page_context.source.names_files() {
            gather_naming(&mut page, &mut waiting, page_context)
        } else {
            AllGathered::new()
        };
        if write_gathered(GatheredPage { page, gathered }, page_context, summary).await? == Wrote::Something {
            wrote = Wrote::Something;
        }
        if let Some(full) = waiting.take_if(|waiting| waiting.page.repositories.len() >= EXPANDED_AT_ONCE)
            && write_gathered(full, page_context, summary).await? == Wrote::Something
        {
            wrote = Wrote::Something;
        }
    }
    if let Some(last) = waiting
        && write_gathered(last, page_context, summary).await? == Wrote::Something
    {
        wrote = Wrote::Something;
    }
    Ok((seen, wrote))
}

/// A page whose files have been looked into.
struct GatheredPage {
    page: SourcePage,
    gathered: AllGathered,
}

/// Takes those off the page that name files to be read. Gives what came out of those that stay.
fn gather_naming(page: &mut SourcePage, waiting: &mut Option<GatheredPage>, page_context: &PageContext<'_>) -> AllGathered {
    let PageContext { context, documents, .. } = page_context;
    let (mut staying, mut leaving) = (AllGathered::new(), AllGathered::new());
    let named = |read: &mut RepositoryRead| {
        let mut gathered = Gathered::default();
        let is_leaving = look_into(read, *documents, context.custom_kinds, &mut gathered.parsed);
        if !gathered.parsed.is_empty() {
            if is_leaving { &mut leaving } else { &mut staying }.insert(read.repository.id, gathered);
        }
        is_leaving
    };
    let naming: Vec<RepositoryRead> = tokio::task::block_in_place(|| page.repositories.extract_if(.., named).collect());
    if naming.is_empty() {
        return staying;
    }
    // The oldest question counts for all: what was stored by a later one stays.
    let waiting = waiting.get_or_insert_with(|| GatheredPage {
        page: SourcePage { repositories: Vec::new(), total: page.total, asked_at: page.asked_at },
        gathered: AllGathered::new(),
    });
    waiting.page.repositories.extend(naming);
    waiting.gathered.extend(leaving);
    staying
}

/// Writes what differs on one page.
pub(super) async fn write_page(
    page: SourcePage,
    page_context: &PageContext<'_>,
    summary: &mut SourceSummary,
) -> Result<Wrote, StoreError> {
    write_gathered(GatheredPage { page, gathered: AllGathered::new() }, page_context, summary).await
}

async fn write_gathered(
    GatheredPage { mut page, gathered }: GatheredPage,
    page_context: &PageContext<'_>,
    summary: &mut SourceSummary,
) -> Result<Wrote, StoreError> {
    let PageContext { source, reading, stored, clock, context, documents } = page_context;
    let source_id = source.id();
    let SyncContext { elsewhere, custom_kinds, .. } = context;
    let repositories = &mut page.repositories;
    let gathered = expand(source, repositories, Some(stored), elsewhere, *documents, custom_kinds, gathered).await;
    let asked_at = clock.time_of(page.asked_at);
    summary.repositories += page.repositories.len() as u64;
    let mut differing: Vec<RepositoryRead> = Vec::new();
    for read in page.repositories {
        summary.files += match &read.files {
            Files::Read(files) => files.len(),
            Files::AsKnown => stored.get(&read.repository.id).map_or(0, |digest| digest.files.len()),
        } as u64;
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
    let nothing = Gathered::default();
    // A page of descriptors takes tens of milliseconds to parse, in which this thread could not answer.
    let mut changes: Vec<_> = tokio::task::block_in_place(|| {
        let plan = |read: &RepositoryRead| {
            let id = read.repository.id;
            let gathered = gathered.get(&id).unwrap_or(&nothing);
            diff_repository(stored.get(&id), claims.get(&id).map_or(&[], Vec::as_slice), read, gathered, custom_kinds)
        };
        differing.iter().map(plan).collect()
    });
    people::hold_back(&mut changes, stored, context.order.removals, context.clock.now(), summary);
    let page = PageWrite { source_id, changes: &changes, reading, asked_at, now: context.clock.now() };
    let applied = context.store.write_page(page).await?;
    summary.add(applied.tally);
    for change in &changes {
        summary.blame(&change.repository.full_name, change.problems.iter().cloned());
        // What was not read again is as bad as it was.
        if change.files_after == FilesAfter::AsBefore
            && let Some(digest) = stored.get(&change.repository.id)
        {
            summary.blame(&change.repository.full_name, digest.files.iter().filter_map(StoredFile::told_problem));
        }
    }
    tell_authors(&changes, page_context).await;
    let refused = applied.refused.into_iter();
    summary.errors.extend(refused.map(|(location, message)| SweepError { location, message: format!("not stored: {message}") }));
    Ok(Wrote::Something)
}
