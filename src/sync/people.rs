//! Lists of people that suddenly lack many: a sweep brings them as one repository, so the rule for repositories does not see
//! it. Must not write.

use std::collections::HashSet;

use super::{
    SourceSummary,
    removal::{FEW_REPOSITORIES, LARGEST_REMOVAL, Removals},
};
use crate::{
    catalog::{EntityRef, SweepError, diff::RepositoryChange},
    store::StoredSource,
};

/// Leaves out changes that would remove too large a share of an organisation's people and teams, and says so.
pub(super) fn hold_back(
    changes: &mut Vec<RepositoryChange>,
    stored: &StoredSource,
    removals: Removals,
    summary: &mut SourceSummary,
) {
    if removals == Removals::Confirmed {
        return;
    }
    changes.retain(|change| {
        if change.repository.authority.is_descriptor() {
            return true;
        }
        let known = stored.get(&change.repository.id).map_or(0, |digest| digest.claims);
        let there: HashSet<&EntityRef> = change.claims.iter().map(|claim| &claim.entity_ref).collect();
        let gone = change.removed_claims.iter().filter(|(_, entity_ref)| !there.contains(entity_ref)).count();
        let is_large = gone > FEW_REPOSITORIES && gone as f64 > known as f64 * LARGEST_REMOVAL;
        if is_large {
            let name = &change.repository.full_name;
            let message = format!(
                "{gone} of {known} people and teams are gone ({:.0} %): nothing was changed; if that is right, run `steward sync --full`",
                gone as f64 * 100.0 / known as f64
            );
            summary.errors.push(SweepError { location: name.clone(), message });
            summary.held_back = true;
        }
        !is_large
    });
}
