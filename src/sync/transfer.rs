//! What one source no longer has may have gone to another that is read here: that one is asked before anything is removed, so
//! that an entity whose repository changes its organisation never stops answering.
//! Must not remove anything.

use super::{
    Source, SourceSummary, SyncContext,
    look::{Seen, write_seen},
};
use crate::{
    catalog::{RepositoryKey, SweepError},
    store::StoreError,
};

/// Sources that are asked whether they have what another lost; each costs a request.
const ASKED: usize = 20;
/// Repositories they are asked for: five requests each. More are no transfer one by one, and wait for an admin's word as a rule.
const ASKED_FOR: usize = 500;

/// Lets other sources take over what they have by now. Returns what is gone for all that is known.
///
/// Where one cannot be asked, what it may have is not in the answer: it stays until that one answers, and the summary says so.
pub(super) async fn hand_over(
    from: &Source,
    gone: Vec<i64>,
    context: &SyncContext<'_>,
    summary: &mut SourceSummary,
) -> Result<Vec<i64>, StoreError> {
    let others = context.sources.iter().filter(|other| other.id() != from.id() && from.may_lose_to(other));
    let others: Vec<&Source> = others.take(ASKED).collect();
    if others.is_empty() || gone.is_empty() {
        return Ok(gone);
    }
    let asked_for = &gone[..gone.len().min(ASKED_FOR)];
    let mut keys = context.store.load_keys(from.id(), asked_for).await?;
    keys.retain(|key| key.node_id.is_some());
    // Its former name says nothing elsewhere.
    keys.iter_mut().for_each(|key| key.full_name = None);
    let mut kept: Vec<i64> = Vec::new();
    for other in others {
        if keys.is_empty() {
            break;
        }
        let (taken, fault) = ask(other, &keys, context).await?;
        if !taken.is_empty() {
            tracing::info!(from = from.id(), to = other.id(), repositories = taken.len(), "repositories were transferred");
        }
        keys.retain(|key| !taken.contains(&key.id));
        summary.repositories_removed += taken.len();
        kept.extend(taken);
        if let Some(error) = fault.filter(|_| !keys.is_empty()) {
            let (number, other, why) = (keys.len(), other.id(), error.message);
            let message = format!("{number} repositories may have gone to {other}, which cannot be asked, so they stay: {why}");
            summary.errors.push(SweepError { location: from.id().to_owned(), message });
            kept.extend(keys.iter().map(|key| key.id));
        }
    }
    Ok(gone.into_iter().filter(|id| !kept.contains(id)).collect())
}

/// Which of these the source has taken over, and what it could not tell.
async fn ask(
    other: &Source,
    keys: &[RepositoryKey],
    context: &SyncContext<'_>,
) -> Result<(Vec<i64>, Option<SweepError>), StoreError> {
    let for_one_look = other.for_one_look();
    let other = for_one_look.as_ref().unwrap_or(other);
    let clock = context.store.read_clock().await?;
    let looked = match other.look(keys).await {
        Ok(looked) => looked,
        Err(error) => return Ok((Vec::new(), Some(error))),
    };
    let fault = looked.errors.into_iter().next();
    if looked.found.is_empty() {
        return Ok((Vec::new(), fault));
    }
    let seen = Seen { repositories: looked.found, asked_at: looked.asked_at, clock };
    // Its own sync tells of these repositories; this one is about what the other lost.
    let taken = write_seen(other, seen, context, &mut SourceSummary::new(other.id())).await?;
    Ok((taken, fault))
}
