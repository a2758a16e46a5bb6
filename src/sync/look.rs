//! A second look at single repositories, because something was heard of them: compare with the source, store what differs.
//! Must not trust what was heard; the source alone knows.

use std::time::Instant;

use chrono::TimeDelta;

use super::{
    Source, SyncContext,
    page::{PageContext, write_page},
    removal::{FEW_REPOSITORIES, LARGEST_REMOVAL, Removals},
    summary::SourceSummary,
    transfer::hand_over,
};
use crate::{
    catalog::{RepositoryKey, RepositoryRead, SourcePage},
    requests::count_requests,
    store::{Removal, RemovalLimit, SharedClock, StoreError, TakeOver},
};

/// Removals within this while count together.
const LATELY: TimeDelta = TimeDelta::hours(1);

/// Looks at the repositories and stores what changed; what the source no longer has becomes a tombstone.
///
/// What cannot be read now is in the summary's errors, and nothing of it is lost. It has failed where it is worth another try:
/// the source did not answer, or not without a long wait.
pub async fn look_at(source: &Source, keys: &[RepositoryKey], context: &SyncContext<'_>) -> Result<SourceSummary, StoreError> {
    let (looked, api_requests) = count_requests(Box::pin(look_whole(source, keys, context))).await;
    looked.map(|summary| SourceSummary { api_requests, ..summary })
}

async fn look_whole(source: &Source, keys: &[RepositoryKey], context: &SyncContext<'_>) -> Result<SourceSummary, StoreError> {
    let for_one_look = source.for_one_look();
    let source = for_one_look.as_ref().unwrap_or(source);
    let mut summary = SourceSummary::new(source.id());
    source.prepare(context.store).await?;
    let clock = context.store.read_clock().await?;
    let looked = match source.look(keys).await {
        Ok(looked) => looked,
        Err(error) => {
            summary.errors.push(error);
            summary.failed = true;
            return Ok(summary);
        }
    };
    summary.errors.extend(looked.errors);
    let written =
        write_seen(source, Seen { repositories: looked.found, asked_at: looked.asked_at, clock }, context, &mut summary);
    written.await?;
    let stored = context.store.load_repositories(source.id(), &looked.gone, source.documents().1).await?;
    let is_living = |id: &i64| stored.get(id).is_some_and(|digest| !digest.removed);
    let gone: Vec<i64> = looked.gone.into_iter().filter(is_living).collect();
    let told = summary.errors.len();
    let gone = hand_over(source, gone, context, &mut summary).await?;
    // Somebody could not be asked; the job asks again.
    summary.failed |= summary.errors.len() > told;
    if !gone.is_empty() {
        let removal = Removal {
            source_id: source.id(),
            repository_ids: &gone,
            asked_at: clock.time_of(looked.asked_at),
            now: context.clock.now(),
            limit: limit(source, context),
        };
        let removed = context.store.remove_repositories(removal).await?;
        summary.add(removed.tally);
        summary.repositories_removed += removed.repositories;
    }
    summary.failed |= source.is_cut_short();
    Ok(summary)
}

/// Repositories that a look brought.
pub(super) struct Seen {
    pub(super) repositories: Vec<RepositoryRead>,
    pub(super) asked_at: Instant,
    pub(super) clock: SharedClock,
}

/// Stores what a look brought; what was another source's until now is taken over from there as it is. Returns the numbers of
/// those.
pub(super) async fn write_seen(
    source: &Source,
    seen: Seen,
    context: &SyncContext<'_>,
    summary: &mut SourceSummary,
) -> Result<Vec<i64>, StoreError> {
    let Seen { repositories, asked_at, clock } = seen;
    let ids: Vec<i64> = repositories.iter().map(|read| read.repository.id).collect();
    let (documents, files) = source.documents();
    let mut stored = context.store.load_repositories(source.id(), &ids, files).await?;
    let is_new = |id: &i64| stored.get(id).is_none_or(|digest| digest.removed);
    let new = repositories.iter().map(|read| &read.repository).filter(|repository| is_new(&repository.id));
    let new: Vec<(i64, String)> = new.filter_map(|repository| Some((repository.id, repository.node_id.clone()?))).collect();
    let mut taken_over = Vec::new();
    if !new.is_empty() && context.sources.len() > 1 {
        let take_over = TakeOver { to: source.id(), repositories: &new, now: context.clock.now() };
        taken_over = context.store.take_over(take_over).await?;
        if !taken_over.is_empty() {
            stored = context.store.load_repositories(source.id(), &ids, files).await?;
        }
    }
    let reading = source.reading();
    let page_context = PageContext { source, reading: &reading, stored: &stored, clock, context, documents };
    write_page(SourcePage { repositories, total: None, asked_at }, &page_context, summary).await?;
    Ok(taken_over)
}

/// How much may go without a sweep's word: a code host that loses sight of an organisation tells of its repositories one by
/// one. Past this the next sweep sees that they are gone, and holds them back for an admin.
fn limit(source: &Source, context: &SyncContext<'_>) -> Option<RemovalLimit> {
    let since = context.clock.now() - LATELY;
    let limit = RemovalLimit { since, few: FEW_REPOSITORIES, share: LARGEST_REMOVAL };
    (source.order(context.order).removals != Removals::Meant).then_some(limit)
}
