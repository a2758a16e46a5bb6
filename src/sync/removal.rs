//! What a complete sweep no longer brought: removed, or held back until a person has confirmed it.
//! Must not remove because something is merely absent: the count must be whole, or the source must say so of each.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{Source, SourceSummary, SyncContext, transfer::hand_over};
use crate::{
    catalog::{HeldBack, RepositoryKey, SweepError, SweepReport},
    store::{Removal, StoreError, StoredSource, Wrote},
};

/// A sweep that would remove more than this share of a source's repositories is held back…
pub(super) const LARGEST_REMOVAL: f64 = 0.2;
/// …unless it is these few: in a small organisation one repository is a large share.
pub(super) const FEW_REPOSITORIES: usize = 3;
/// Absent repositories that are asked about one by one where a sweep did not account for all: one request.
const ASKED_ABOUT: usize = 100;
/// Names that a held back removal is told with.
const NAMED: usize = 10;

/// Whether an admin has confirmed that large removals are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removals {
    HoldBackLarge,
    /// The number that the admin saw; more than that waits again.
    ConfirmedUpTo(usize),
    /// By an admin on the server; an answer without any repository still has to be held back once before.
    Confirmed,
    /// By people who name each repository themselves: nothing is held back.
    Meant,
}

/// What a sweep over everything brought, against what is stored.
pub(super) struct Missing<'a> {
    pub(super) seen: &'a HashSet<i64>,
    pub(super) stored: &'a StoredSource,
    pub(super) report: &'a SweepReport,
    /// A removal was held back already, so an admin may have seen it.
    pub(super) held_before: bool,
    /// When the sweep began, in the database's time.
    pub(super) asked_at: DateTime<Utc>,
}

/// What became of the missing ones.
pub(super) struct Outcome {
    pub(super) wrote: Wrote,
    waiting: Waiting,
}

enum Waiting {
    Nothing,
    /// Not known in this sweep: what waited before still does.
    AsBefore,
    These {
        gone: usize,
        of: usize,
        names: Vec<String>,
    },
}

impl Outcome {
    /// What waits for a word after this; since when it has waited stays.
    pub(super) fn held_back(self, before: Option<&HeldBack>, now: DateTime<Utc>) -> Option<HeldBack> {
        match self.waiting {
            Waiting::Nothing => None,
            Waiting::AsBefore => before.cloned(),
            Waiting::These { gone, of, names } => {
                Some(HeldBack { gone, of, since: before.map_or(now, |held| held.since), names })
            }
        }
    }
}

/// Removes what is gone for certain, and holds back what is too much of it.
pub(super) async fn remove_missing(
    source: &Source,
    missing: Missing<'_>,
    context: &SyncContext<'_>,
    summary: &mut SourceSummary,
) -> Result<Outcome, StoreError> {
    let Missing { seen, stored, report, held_before, asked_at } = missing;
    let living: Vec<i64> = stored.iter().filter(|(_, digest)| !digest.removed).map(|(id, _)| *id).collect();
    let mut gone: Vec<i64> = living.iter().copied().filter(|id| !seen.contains(id)).collect();
    let nothing = Outcome { wrote: Wrote::Nothing, waiting: Waiting::Nothing };
    let is_whole = report.expected.is_none_or(|expected| seen.len() as u64 >= expected);
    if !is_whole {
        let message = format!("brought {} of {} repositories", seen.len(), report.expected.unwrap_or_default());
        // Where the source said which ones it could not give, that is told already.
        if report.errors.is_empty() {
            summary.errors.push(SweepError { location: source.id().to_owned(), message });
            summary.failed = true;
        }
    }
    if gone.is_empty() {
        return Ok(nothing);
    }
    if !is_whole || (!report.errors.is_empty() && report.expected.is_none()) {
        if gone.len() > ASKED_ABOUT {
            return Ok(Outcome { waiting: Waiting::AsBefore, ..nothing });
        }
        gone = confirm(source, &gone, context).await?;
    }
    let gone = hand_over(source, gone, context, summary).await?;
    if gone.is_empty() {
        return Ok(nothing);
    }
    let share = gone.len() as f64 / living.len() as f64;
    let is_large = seen.is_empty() || (gone.len() > FEW_REPOSITORIES && share > LARGEST_REMOVAL);
    let is_confirmed = match context.order.removals {
        Removals::HoldBackLarge => false,
        Removals::ConfirmedUpTo(number) => gone.len() <= number,
        // A GitHub that has lost an organisation, or a token that lost sight of it, looks just so.
        Removals::Confirmed => !seen.is_empty() || held_before,
        Removals::Meant => true,
    };
    if is_large && !is_confirmed {
        let (number, of) = (gone.len(), living.len());
        let message = format!(
            "{number} of {of} repositories are gone ({:.0} %): nothing was removed; if that is right, an admin confirms it with \
             /catalog, or run `steward sync --full`",
            share * 100.0
        );
        summary.errors.push(SweepError { location: source.id().to_owned(), message });
        let mut gone = gone;
        gone.sort_unstable();
        gone.truncate(NAMED);
        let keys = context.store.load_keys(source.id(), &gone).await?;
        let names = keys.into_iter().filter_map(|key| key.full_name).collect();
        return Ok(Outcome { waiting: Waiting::These { gone: number, of, names }, ..nothing });
    }
    let removal = Removal { source_id: source.id(), repository_ids: &gone, asked_at, now: context.clock.now(), limit: None };
    let removed = context.store.remove_repositories(removal).await?;
    summary.add(removed.tally);
    summary.repositories_removed += removed.repositories;
    Ok(Outcome { wrote: if removed.repositories > 0 { Wrote::Something } else { Wrote::Nothing }, waiting: Waiting::Nothing })
}

/// Those of which the source itself says that it does not have them.
async fn confirm(source: &Source, gone: &[i64], context: &SyncContext<'_>) -> Result<Vec<i64>, StoreError> {
    let keys: Vec<RepositoryKey> = context.store.load_keys(source.id(), gone).await?;
    let looked = source.look(&keys).await;
    Ok(looked.map(|looked| looked.gone).unwrap_or_default())
}
