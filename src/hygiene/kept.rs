//! What is wrong, kept from one catalog to the next: after a change only what it can concern is looked at again.
//! Must not know when something changes.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::check::{Facts, Finding, check_all, check_around, check_beside};
use crate::catalog::{Catalog, EntityRef, Runbook};

/// Findings of one catalog, by what they are of.
#[derive(Debug)]
pub struct Kept {
    catalog: Arc<Catalog>,
    by_entity: BTreeMap<EntityRef, Vec<Finding>>,
    /// Of what the catalog has no entry: few, so that all are looked at each time.
    beside: Vec<Finding>,
}

impl Kept {
    /// Looks at everything. `facts` are of this catalog.
    pub fn of(catalog: Arc<Catalog>, facts: &Facts<'_>) -> Self {
        let (of_entries, beside) = check_all(facts).into_iter().partition(|finding| finding.entry().is_some());
        let mut kept = Self { catalog, by_entity: BTreeMap::new(), beside };
        kept.add(of_entries);
        kept
    }

    /// Brings them up to another catalog, of which `facts` are, and to what is known of repositories by now.
    pub fn follow(&mut self, catalog: Arc<Catalog>, facts: &Facts<'_>) {
        self.beside = check_beside(facts);
        if Arc::ptr_eq(&self.catalog, &catalog) {
            return;
        }
        let changed = changed_between(&self.catalog, &catalog);
        let (around, found) = check_around(&changed, facts);
        for entity in &around {
            self.by_entity.remove(entity);
        }
        self.add(found);
        self.catalog = catalog;
    }

    pub fn is_of(&self, catalog: &Arc<Catalog>) -> bool {
        Arc::ptr_eq(&self.catalog, catalog)
    }

    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.by_entity.values().flatten().chain(&self.beside)
    }

    fn add(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            self.by_entity.entry(finding.entity.clone()).or_default().push(finding);
        }
    }
}

/// What is new, gone or another; what is declared by others than before; what shares a repository whose runbooks are others.
fn changed_between(former: &Catalog, current: &Catalog) -> Vec<EntityRef> {
    let mut changed = BTreeSet::new();
    let (mut old, mut new) = (former.entries().iter().peekable(), current.entries().iter().peekable());
    // Both are sorted by reference, and what did not change is mostly the same in memory.
    loop {
        let (before, after) = (old.peek(), new.peek());
        let order = match (before, after) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(before), Some(after)) => before.entity.entity_ref.cmp(&after.entity.entity_ref),
        };
        let before = if order == Ordering::Greater { None } else { old.next() };
        let after = if order == Ordering::Less { None } else { new.next() };
        let same = match (before, after) {
            (Some(before), Some(after)) => Arc::ptr_eq(before, after) || before == after,
            _ => false,
        };
        if !same && let Some(entry) = before.or(after) {
            changed.insert(entry.entity.entity_ref.clone());
        }
    }
    let contested = former.conflicts().chain(current.conflicts());
    changed.extend(contested.filter(|entity| former.rivals(entity) != current.rivals(entity)).cloned());
    let disputed = former.disputed().chain(current.disputed());
    changed.extend(disputed.filter(|entity| former.differences(entity) != current.differences(entity)).cloned());
    let repositories = repositories_with_other_runbooks(former, current);
    if !repositories.is_empty() {
        let concerned = current.entries().iter().filter(|entry| repositories.contains(&entry.origin.repository_id));
        changed.extend(concerned.map(|entry| entry.entity.entity_ref.clone()));
    }
    changed.into_iter().collect()
}

fn repositories_with_other_runbooks(former: &Catalog, current: &Catalog) -> BTreeSet<i64> {
    let all = |catalog: &Catalog| -> BTreeSet<*const Runbook> { catalog.parts().runbooks.iter().map(Arc::as_ptr).collect() };
    let (before, after) = (all(former), all(current));
    if before == after {
        return BTreeSet::new();
    }
    let other = |catalog: &Catalog, known: &BTreeSet<*const Runbook>| -> Vec<i64> {
        let runbooks = catalog.parts().runbooks.iter().filter(|runbook| !known.contains(&Arc::as_ptr(runbook)));
        runbooks.map(|runbook| runbook.origin.repository_id).collect()
    };
    other(former, &after).into_iter().chain(other(current, &before)).collect()
}
