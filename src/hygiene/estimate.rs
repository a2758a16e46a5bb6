//! How many entries may be wrong: what owners said of them where they did lately, else whether their owner can be right at all.
//! Must not look at anything but what is handed in.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::check::{Finding, step_of};
use crate::catalog::{
    Catalog, EntityRef, Kind,
    live::{Estimate, Judged, Verdict},
};

/// A word counts for so long: a quarter, and what a hygiene week may be late.
const LATELY: TimeDelta = TimeDelta::days(120);

/// Findings with which an entry names nobody who answers for it.
const WRONG_OWNER: [&str; 4] = ["owner-missing", "owner-unknown", "owner-left", "owner-empty"];

pub fn estimate(catalog: &Catalog, findings: &[Finding], judged: &BTreeMap<EntityRef, Judged>, now: DateTime<Utc>) -> Estimate {
    let of = |is_meant: &dyn Fn(&Finding) -> bool| -> BTreeSet<&EntityRef> {
        findings.iter().filter(|finding| is_meant(finding)).map(|finding| &finding.entity).collect()
    };
    let ownerless = of(&|finding| WRONG_OWNER.contains(&finding.check.id));
    let in_vain = of(&|finding| step_of(finding.check).is_some());
    let mut counted = Estimate::default();
    let kinds = [Kind::Component, Kind::Api, Kind::Resource, Kind::System, Kind::Domain];
    for entry in catalog.entries().iter().filter(|entry| kinds.contains(&entry.entity.kind)) {
        let entity = &entry.entity.entity_ref;
        match judged.get(entity).filter(|judged| now - judged.at <= LATELY) {
            Some(word) => {
                let is_wrong = word.verdict == Verdict::NotOurs || in_vain.contains(entity) || ownerless.contains(entity);
                counted.judged += 1;
                counted.judged_wrong += usize::from(is_wrong);
            }
            None => {
                counted.others += 1;
                counted.others_wrong += usize::from(ownerless.contains(entity));
            }
        }
    }
    counted
}
