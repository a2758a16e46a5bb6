//! Lists of people, or another catalog, that suddenly lack many: a sweep brings them as one repository, so the rule for
//! repositories does not see it. Must not write.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{
    SourceSummary,
    removal::{FEW_REPOSITORIES, LARGEST_REMOVAL, Removals},
};
use crate::{
    catalog::{Authority, EntityRef, HeldBack, SweepError, diff::RepositoryChange},
    store::StoredSource,
};

/// People that a held back removal is told with.
const NAMED: usize = 10;

/// Leaves out changes that would remove too large a share of an organisation's people and teams, and says so.
pub(super) fn hold_back(
    changes: &mut Vec<RepositoryChange>,
    stored: &StoredSource,
    removals: Removals,
    now: DateTime<Utc>,
    summary: &mut SourceSummary,
) {
    changes.retain(|change| {
        if change.repository.authority.is_descriptor() {
            return true;
        }
        let known = stored.get(&change.repository.id).map_or(0, |digest| digest.claims);
        let there: HashSet<&EntityRef> = change.claims.iter().map(|claim| &claim.entity_ref).collect();
        let gone: Vec<&EntityRef> =
            change.removed_claims.iter().map(|(_, entity_ref)| entity_ref).filter(|gone| !there.contains(gone)).collect();
        let is_large = gone.len() > FEW_REPOSITORIES && gone.len() as f64 > known as f64 * LARGEST_REMOVAL;
        let is_meant = match removals {
            Removals::HoldBackLarge => false,
            Removals::ConfirmedUpTo(number) => gone.len() <= number,
            Removals::Confirmed | Removals::Meant => true,
        };
        if !is_large || is_meant {
            return true;
        }
        let what = match change.repository.authority {
            Authority::People | Authority::Organisation => "people and teams",
            Authority::Descriptor | Authority::Migration => "entities",
        };
        let message = format!(
            "{} of {known} {what} are gone ({:.0} %): nothing was changed; if that is right, an admin confirms it in \
             /catalog, or run `steward sync --full`",
            gone.len(),
            gone.len() as f64 * 100.0 / known as f64
        );
        summary.errors.push(SweepError { location: change.repository.full_name.clone(), message });
        summary.held_back = true;
        let names = gone.iter().take(NAMED).map(ToString::to_string).collect();
        let of = usize::try_from(known).unwrap_or(usize::MAX);
        summary.people_held_back = Some(HeldBack { gone: gone.len(), of, since: now, names });
        false
    });
}
