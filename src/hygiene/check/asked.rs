//! What people have looked for and not found, for as long as nobody has answered them.

use super::Facts;
use crate::catalog::{Entry, live::Step};

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
