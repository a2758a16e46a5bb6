//! What an entry says of itself, and what it leaves out.

use chrono::NaiveDate;

use super::{Facts, is_production, is_service, is_thing};
use crate::{
    catalog::{
        Entry, Kind, RUNBOOK_PATHS,
        address::{is_address, is_glob, join_path},
        descriptor::{DOCS_ANNOTATION, RUNBOOK_ANNOTATION},
        is_deprecated,
        wants::is_folder,
    },
    hygiene::week::confirmed,
};

pub(super) fn on_call_missing(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let entity = &entry.entity;
    // Where no provider is set up there is no schedule to name.
    let wants = is_service(entity) && is_production(entity) && !facts.on_call.providers.is_empty();
    (wants && facts.on_call.schedule_of(facts.catalog, entity).is_none())
        .then(|| "is in production and names no on-call schedule".to_owned())
}

pub(super) fn runbook_missing(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let entity = &entry.entity;
    if !is_service(entity) || !is_production(entity) {
        return None;
    }
    match runbook_named(entry) {
        Some(named) => is_absent(entry, named, facts)
            .then(|| format!("names {named} as its runbook, which is not in {}", entry.origin.repository)),
        None => facts
            .catalog
            .runbooks(entry.origin.repository_id)
            .is_empty()
            .then(|| "is in production and has no runbook".to_owned()),
    }
}

fn runbook_named(entry: &Entry) -> Option<&str> {
    entry.entity.annotation(RUNBOOK_ANNOTATION).map(str::trim).filter(|named| !named.is_empty())
}

fn is_elsewhere(named: &str) -> bool {
    named.contains("://")
}

/// Whether a runbook that is named was looked for and is not there, nor another in its place, as `/runbook` would show it.
fn is_absent(entry: &Entry, named: &str, facts: &Facts<'_>) -> bool {
    let origin = &entry.origin;
    let read = facts.coverage.documents_read.as_ref();
    let is_read = || read.is_some_and(|read| read.contains(&(origin.source.to_string(), origin.repository_id)));
    // These are opened by people, and not read.
    let is_looked_for = !is_elsewhere(named) && !is_glob(named) && !named.contains('#') && !is_address(&origin.path);
    let usual = || {
        let paths = RUNBOOK_PATHS.iter().flat_map(|path| paths_of(entry, path));
        paths.into_iter().any(|path| is_there(entry, &path, facts))
    };
    let is_named_there = || {
        let mut paths = paths_of(entry, named);
        paths.any(|path| is_there(entry, &path, facts) || is_folder(named) && is_there(entry, &format!("{path}/"), facts))
    };
    is_looked_for && is_read() && !is_named_there() && !usual()
}

/// From the root, and from the descriptor's folder.
fn paths_of(entry: &Entry, path: &str) -> impl Iterator<Item = String> {
    let folder = entry.origin.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    [join_path("", path), join_path(folder, path)].into_iter().flatten()
}

/// Of a path that ends in a slash anything below it.
fn is_there(entry: &Entry, path: &str, facts: &Facts<'_>) -> bool {
    let mut files = facts.catalog.runbooks(entry.origin.repository_id).iter();
    files.any(|file| *file.origin.path == *path || path.ends_with('/') && file.origin.path.starts_with(path))
}

pub(super) fn runbook_old(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    if !is_service(&entry.entity) || is_deprecated(&entry.entity) {
        return None;
    }
    let files = facts.catalog.runbooks(entry.origin.repository_id);
    let named = runbook_named(entry);
    if named.is_some_and(is_elsewhere) {
        return None;
    }
    let of_path = |path: String| files.iter().find(|file| *file.origin.path == path);
    let named = named.and_then(|named| paths_of(entry, named).find_map(of_path));
    let runbook = named.or(files.first())?;
    let touched = runbook.origin.committed_at?.date_naive();
    let at = touched.max(confirmed_on(entry, facts).unwrap_or_default());
    let age = facts.now.date_naive() - at;
    let days = age.num_days();
    (age > facts.rules.runbook_age).then(|| format!("has a runbook that nobody has touched for {days} days"))
}

pub(super) fn lifecycle_missing(entry: &Entry, _: &Facts<'_>) -> Option<String> {
    let wants = matches!(entry.entity.kind, Kind::Component | Kind::Api);
    let is_there = || entry.entity.lifecycle.as_deref().is_some_and(|lifecycle| !lifecycle.trim().is_empty());
    (wants && !is_there()).then(|| "says nothing of its lifecycle".to_owned())
}

pub(super) fn lifecycle_unknown(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let lifecycle = entry.entity.lifecycle.as_deref()?.trim();
    let known = &facts.rules.lifecycles;
    let is_known = known.is_empty() || known.contains(&lifecycle.to_lowercase()) || is_deprecated(&entry.entity);
    (!lifecycle.is_empty() && !is_known).then(|| format!("has the lifecycle “{lifecycle}”, which is none of the agreed ones"))
}

pub(super) fn type_unknown(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let known = &facts.rules.types;
    let written = entry.entity.spec_type.as_deref()?.trim();
    let wants = entry.entity.kind == Kind::Component && !known.is_empty();
    (wants && !known.contains(&written.to_lowercase()))
        .then(|| format!("has the type “{written}”, which is none of the agreed ones"))
}

pub(super) fn name_rule(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let rule = facts.rules.name.as_ref()?;
    let wants = matches!(entry.entity.kind, Kind::Component | Kind::Api | Kind::Resource | Kind::System);
    (wants && !rule.is_match(&entry.entity.name)).then(|| format!("is called “{}”", entry.entity.name))
}

pub(super) fn description_missing(entry: &Entry, _: &Facts<'_>) -> Option<String> {
    let is_there = || entry.entity.description.as_deref().is_some_and(|description| !description.trim().is_empty());
    (is_thing(&entry.entity) && !is_there()).then(|| "has no description".to_owned())
}

pub(super) fn docs_missing(entry: &Entry, _: &Facts<'_>) -> Option<String> {
    let entity = &entry.entity;
    let wants = is_service(entity) && !is_deprecated(entity);
    (wants && entity.annotation(DOCS_ANNOTATION).is_none()).then(|| "has no documentation".to_owned())
}

pub(super) fn definition_missing(entry: &Entry, _: &Facts<'_>) -> Option<String> {
    let entity = &entry.entity;
    (entity.definition_is_blank && !is_deprecated(entity)).then(|| "has a definition that says nothing".to_owned())
}

/// The day on which its owners last said that it is right.
fn confirmed_on(entry: &Entry, facts: &Facts<'_>) -> Option<NaiveDate> {
    confirmed(entry, facts.coverage.judged.get(&entry.entity.entity_ref)).map(|(day, _)| day)
}

pub(super) fn untouched(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    if !is_thing(&entry.entity) || is_deprecated(&entry.entity) {
        return None;
    }
    let touched = entry.origin.committed_at?.date_naive().max(confirmed_on(entry, facts).unwrap_or_default());
    let days = (facts.now.date_naive() - touched).num_days();
    (days > facts.rules.untouched.num_days()).then(|| format!("was last touched {days} days ago"))
}
