//! Where an entry stands: its file, its repository, what it names and what it belongs to.

use super::{Facts, is_production, is_service};
use crate::catalog::{Entry, Kind, Relation, RelationType, is_deprecated};

/// References that are named in a finding; the others are counted.
const MOST_NAMED: usize = 3;

pub(super) fn conflict(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let rivals = facts.catalog.rivals(&entry.entity.entity_ref);
    let first = rivals.first()?;
    Some(format!("is declared by {} as well", first.origin.file()))
}

pub(super) fn archived(entry: &Entry, _: &Facts<'_>) -> Option<String> {
    (entry.origin.archived && is_production(&entry.entity))
        .then(|| format!("is in production, and {} is archived", entry.origin.repository))
}

pub(super) fn unknown_reference(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    // An owner that is not there is a finding of its own.
    let named = entry.entity.relations.iter().filter(|relation| relation.relation_type != RelationType::OwnedBy);
    let unknown: Vec<&str> = named
        .map(|relation| &relation.target)
        .filter(|target| facts.catalog.find(facts.catalog.primary(target)).is_none())
        .map(crate::catalog::EntityRef::as_str)
        .collect();
    if unknown.is_empty() {
        return None;
    }
    let more = unknown.len().saturating_sub(MOST_NAMED);
    let named = unknown.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!("names {named}{more}, which the catalog does not have"))
}

pub(super) fn leans_on_deprecated(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    if is_deprecated(&entry.entity) {
        return None;
    }
    let leans = [RelationType::DependsOn, RelationType::ConsumesApi];
    let targets = entry.entity.relations.iter().filter(|relation| leans.contains(&relation.relation_type));
    let mut found = targets.filter_map(|relation| facts.catalog.find(&relation.target));
    let deprecated = found.find(|target| is_deprecated(&target.entity))?;
    Some(format!("leans on {}, which is {}", deprecated.entity.label(), deprecated.entity.lifecycle.as_deref()?))
}

pub(super) fn system_missing(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let entity = &entry.entity;
    let wants = is_service(entity) || entity.kind == Kind::Api;
    // Where nobody uses systems, nobody misses one.
    let uses_systems = || facts.catalog.has_kind(&Kind::System);
    (wants && entity.targets(RelationType::PartOf).next().is_none() && uses_systems()).then(|| "is in no system".to_owned())
}

pub(super) fn orphan(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let entity = &entry.entity;
    // A component may well run for itself.
    let wants = matches!(entity.kind, Kind::Resource | Kind::Api);
    let is_tied = |relation: &Relation| !matches!(relation.relation_type, RelationType::OwnedBy | RelationType::DependsOn);
    let is_alone = || !entity.relations.iter().any(is_tied) && facts.catalog.named_by(&entity.entity_ref).next().is_none();
    (wants && is_alone()).then(|| "is in no system, and nothing uses it".to_owned())
}

pub(super) fn dead_link(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let mut dead = facts.coverage.dead_links_of(&entry.entity.entity_ref);
    let first = dead.next()?;
    let more = dead.count();
    let more = if more > 0 { format!(", and at {more} more") } else { String::new() };
    Some(format!("names {}, at which nothing answers{more}", first.url))
}
