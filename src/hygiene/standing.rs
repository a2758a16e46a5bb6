//! Findings as they stand: who answers for each, since when it is open, and whether it is left alone.
//! Must not decide whom to tell, nor when.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::check::{Finding, Severity};
use crate::{
    catalog::{Catalog, EntityRef, Kind},
    store::{FindingRest, SeenFinding},
};

/// The check of what its owner has denied.
const OWNER_DENIED: &str = "owner-denied";

/// One finding, with what was said of it.
#[derive(Debug, Clone)]
pub struct Standing {
    pub finding: Finding,
    /// Who answers for it: a group or a person that is there; `None`: nobody.
    pub owner: Option<EntityRef>,
    /// `None`: it was first seen just now.
    pub opened_at: Option<DateTime<Utc>>,
    /// Why it is left alone, where it is.
    pub rest: Option<FindingRest>,
}

impl Standing {
    pub fn key(&self) -> String {
        self.finding.key()
    }

    pub fn is_critical(&self) -> bool {
        self.finding.severity == Severity::Critical
    }
}

/// Puts beside each finding what is known of it, the gravest first, among equals the oldest.
pub fn stand(
    catalog: &Catalog,
    findings: Vec<Finding>,
    opened: &BTreeMap<String, DateTime<Utc>>,
    rests: &BTreeMap<String, FindingRest>,
) -> Vec<Standing> {
    let with_all = |finding: Finding| {
        let key = finding.key();
        let owner = asked_of(catalog, &finding);
        Standing { owner, opened_at: opened.get(&key).copied(), rest: rests.get(&key).cloned(), finding }
    };
    let mut standing: Vec<Standing> = findings.into_iter().map(with_all).collect();
    standing.sort_by(|one, other| {
        let gravest = other.finding.severity.cmp(&one.finding.severity);
        let oldest = || (one.opened_at.is_none(), one.opened_at).cmp(&(other.opened_at.is_none(), other.opened_at));
        gravest.then_with(oldest)
    });
    standing
}

/// As the store writes down what is wrong now.
pub fn seen(catalog: &Catalog, finding: &Finding) -> SeenFinding {
    SeenFinding {
        key: finding.key(),
        check_id: finding.check.id.to_owned(),
        entity: finding.entity.clone(),
        team: owner_of_finding(catalog, finding),
        severity: finding.severity.as_str(),
        detail: finding.detail.clone(),
    }
}

/// Who answers for what is wrong with an entry: a group for itself, else its owner, where there is one and they are there.
pub fn owner_of(catalog: &Catalog, entity: &EntityRef) -> Option<EntityRef> {
    let entry = catalog.find(entity)?;
    if entry.entity.kind == Kind::Group {
        return Some(entity.clone());
    }
    catalog.owner_of(&entry.entity).answers().map(|owner| owner.entity.entity_ref.clone())
}

/// Who answers for what a finding is about. A document that never was an entry is theirs whom it names, where they are there.
pub fn owner_of_finding(catalog: &Catalog, finding: &Finding) -> Option<EntityRef> {
    match finding.document() {
        Some(of) => {
            let owner = catalog.as_owner(of.document.owner.as_ref()?);
            owner.answers().map(|owner| owner.entity.entity_ref.clone())
        }
        None => owner_of(catalog, &finding.entity),
    }
}

/// Who is asked to mend a finding: whoever answers for it, but not those who have said that it is not theirs.
pub fn asked_of(catalog: &Catalog, finding: &Finding) -> Option<EntityRef> {
    owner_of_finding(catalog, finding).filter(|_| finding.check.id != OWNER_DENIED)
}

/// Whether somebody is there who can be asked.
pub fn is_answering(catalog: &Catalog, owner: &EntityRef) -> bool {
    catalog.as_owner(owner).answers().is_some()
}
