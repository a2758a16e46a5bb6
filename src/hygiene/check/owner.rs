//! Who answers: owners, teams, their people.

use std::collections::BTreeSet;

use super::{Facts, is_thing};
use crate::catalog::{Catalog, EntityRef, Entry, Kind, RelationType, left as left_on};

/// Annotations of a group that say where it is reached.
const CHANNELS: [&str; 3] = ["steward.dev/channel", "slack.com/channel", "steward.dev/discord-channel"];

/// Levels of groups above a team; more is a circle.
const MOST_LEVELS: usize = 10;

pub(super) fn missing(entry: &Entry, _: &Facts<'_>) -> Option<String> {
    let entity = &entry.entity;
    (is_thing(entity) && entity.kind != Kind::Template && entity.owner().is_none()).then(|| "names no owner".to_owned())
}

pub(super) fn unknown(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let owner = entry.entity.owner()?;
    let catalog = facts.catalog;
    catalog.find(catalog.primary(owner)).is_none().then(|| match catalog.gone(owner) {
        Some(_) => format!("is owned by {owner}, which is gone"),
        None => format!("is owned by {owner}, which is not in the catalog"),
    })
}

pub(super) fn left(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let owner = owner_of(entry, facts, Kind::User)?;
    let day = left_on(&owner.entity)?;
    let day = if day.is_empty() { String::new() } else { format!(" since {day}") };
    Some(format!("is owned by {}, who is gone{day}", owner.entity.label()))
}

pub(super) fn empty(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let owner = owner_of(entry, facts, Kind::Group)?;
    has_nobody(facts.catalog, &owner.entity.entity_ref)
        .then(|| format!("is owned by {}, in which nobody is", owner.entity.label()))
}

pub(super) fn team_empty(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let group = is_team(entry)?;
    // The findings of what it owns say it already.
    let owns = || facts.catalog.dependents_count(group) > 0 || !facts.catalog.related(group, RelationType::OwnerOf).is_empty();
    (has_nobody(facts.catalog, group) && !owns()).then(|| "has nobody in it".to_owned())
}

pub(super) fn team_without_channel(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let group = is_team(entry)?;
    let owns = !facts.catalog.related(group, RelationType::OwnerOf).is_empty();
    (owns && !has_channel(facts.catalog, group)).then(|| "owns things and names no channel".to_owned())
}

pub(super) fn members_differ(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let group = is_team(entry)?;
    let differences = facts.catalog.differences(group).len();
    (differences > 0).then(|| match differences {
        1 => "is told otherwise in one more place".to_owned(),
        more => format!("is told otherwise in {more} ways"),
    })
}

fn owner_of<'a>(entry: &Entry, facts: &Facts<'a>, kind: Kind) -> Option<&'a Entry> {
    let owner = entry.entity.owner()?;
    let found = facts.catalog.find(facts.catalog.primary(owner))?;
    (found.entity.kind == kind).then_some(&**found)
}

fn is_team(entry: &Entry) -> Option<&EntityRef> {
    (entry.entity.kind == Kind::Group).then_some(&entry.entity.entity_ref)
}

/// Whether a group has no known member who is there, and no group below it.
fn has_nobody(catalog: &Catalog, group: &EntityRef) -> bool {
    let is_there = |user: &EntityRef| catalog.find(user).is_some_and(|user| left_on(&user.entity).is_none());
    !catalog.related(group, RelationType::HasMember).iter().any(is_there)
        && catalog.related(group, RelationType::ParentOf).is_empty()
}

/// A channel of its own, or of a group above it.
fn has_channel(catalog: &Catalog, group: &EntityRef) -> bool {
    let mut level = BTreeSet::from([group.clone()]);
    for _ in 0..MOST_LEVELS {
        let own = |group: &EntityRef| {
            catalog.find(group).is_some_and(|entry| CHANNELS.iter().any(|key| entry.entity.annotation(key).is_some()))
        };
        if level.iter().any(own) {
            return true;
        }
        level = level.iter().flat_map(|group| catalog.related(group, RelationType::ChildOf)).collect();
    }
    false
}
