//! What people have said of entries: what they looked for and did not find, and that it is not theirs.

use super::Facts;
use crate::{
    catalog::{
        Entry,
        live::{Step, Verdict},
    },
    hygiene::standing::owner_of,
};

pub(super) fn owner_denied(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let entity = &entry.entity.entity_ref;
    let word = facts.coverage.judged.get(entity).filter(|word| word.verdict == Verdict::NotOurs)?;
    // Whoever owns it since has said nothing yet.
    let is_same = word.owner == owner_of(facts.catalog, entity);
    is_same.then(|| format!("is not theirs, said {} on {}", word.by, word.at.format("%-d %B")))
}

pub(super) fn owner(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    not_found(entry, facts, Step::Owner)
}

pub(super) fn runbook(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    not_found(entry, facts, Step::Runbook)
}

pub(super) fn dashboard(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    not_found(entry, facts, Step::Dashboard)
}

pub(super) fn docs(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    not_found(entry, facts, Step::Docs)
}

pub(super) fn dependencies(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    not_found(entry, facts, Step::Dependencies)
}

pub(super) fn on_call(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    not_found(entry, facts, Step::OnCall)
}

fn not_found(entry: &Entry, facts: &Facts<'_>, step: Step) -> Option<String> {
    let said = facts.coverage.not_found.get(&entry.entity.entity_ref)?;
    let said = said.iter().find(|said| said.step == step)?;
    Some(format!("has been looked at by {}, who could not find {} on {}", said.by, step.what(), said.at.format("%-d %B")))
}
