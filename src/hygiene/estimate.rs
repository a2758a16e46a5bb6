//! How many entries may be wrong: what owners said of them where they did lately, else whether their owner can be right at all.
//! Must not look at anything but what is handed in.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    check::{Finding, step_of},
    standing::Standing,
};
use crate::{
    catalog::{
        Catalog, EntityRef, Kind,
        live::{Estimate, Judged, Verdict},
    },
    store::{Hand, HandState},
};

/// A word counts for so long: a quarter, and what a hygiene week may be late.
const LATELY: TimeDelta = TimeDelta::days(120);

/// Findings with which an entry names nobody who answers for it.
const WRONG_OWNER: [&str; 4] = ["owner-missing", "owner-unknown", "owner-left", "owner-empty"];

/// `hands`: in whose hands open findings were put.
pub fn estimate(
    catalog: &Catalog,
    standing: &[Standing],
    hands: &[Hand],
    judged: &BTreeMap<EntityRef, Judged>,
    now: DateTime<Utc>,
) -> Estimate {
    let of = |is_meant: &dyn Fn(&Finding) -> bool| -> BTreeSet<&EntityRef> {
        let findings = standing.iter().map(|standing| &standing.finding);
        findings.filter(|finding| is_meant(finding)).map(|finding| &finding.entity).collect()
    };
    let given_away: BTreeSet<&str> =
        hands.iter().filter(|hand| hand.state != HandState::Declined).map(|hand| hand.key.as_str()).collect();
    let ownerless = of(&|finding| WRONG_OWNER.contains(&finding.check.id));
    let in_vain = of(&|finding| step_of(finding.check).is_some());
    let denied = of(&|finding| !given_away.is_empty() && given_away.contains(finding.key().as_str()));
    let mut counted = Estimate::default();
    let kinds = [Kind::Component, Kind::Api, Kind::Resource, Kind::System, Kind::Domain];
    for entry in catalog.entries().iter().filter(|entry| kinds.contains(&entry.entity.kind)) {
        let entity = &entry.entity.entity_ref;
        let word = judged.get(entity).filter(|judged| now - judged.at <= LATELY);
        let is_denied = denied.contains(entity) || word.is_some_and(|word| word.verdict == Verdict::NotOurs);
        let is_ownerless = ownerless.contains(entity);
        if word.is_some() || is_denied {
            counted.judged += 1;
            counted.judged_wrong += usize::from(is_denied || is_ownerless || in_vain.contains(entity));
        } else {
            counted.others += 1;
            counted.others_wrong += usize::from(is_ownerless);
        }
    }
    counted
}
