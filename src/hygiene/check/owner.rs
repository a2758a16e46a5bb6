//! Who answers: owners, teams, their people.

use super::{Facts, is_thing};
use crate::{
    catalog::{EntityRef, Entry, Kind, Owner, RelationType, left as left_on},
    reach::channel_of,
};

pub(super) fn missing(entry: &Entry, _: &Facts<'_>) -> Option<String> {
    let entity = &entry.entity;
    (is_thing(entity) && entity.kind != Kind::Template && entity.owner().is_none()).then(|| "names no owner".to_owned())
}

pub(super) fn unknown(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let Owner::Unknown(owner) = facts.catalog.owner_of(&entry.entity) else { return None };
    let is_there = facts.catalog.find(facts.catalog.primary(owner)).is_some();
    Some(match facts.catalog.gone(owner) {
        _ if is_there => format!("is owned by {owner}, which is neither a team nor a person"),
        Some(_) => format!("is owned by {owner}, which is gone"),
        None => format!("is owned by {owner}, which is not in the catalog"),
    })
}

pub(super) fn left(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let Owner::Left(owner) = facts.catalog.owner_of(&entry.entity) else { return None };
    let day = left_on(&owner.entity)?;
    let day = if day.is_empty() { String::new() } else { format!(" since {day}") };
    Some(format!("is owned by {}, who is gone{day}", owner.entity.label()))
}

pub(super) fn empty(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let Owner::Empty(owner) = facts.catalog.owner_of(&entry.entity) else { return None };
    Some(format!("is owned by {}, in which nobody is", owner.entity.label()))
}

pub(super) fn team_empty(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let group = is_team(entry)?;
    // The findings of what it owns say it already.
    let owns = || facts.catalog.dependents_count(group) > 0 || !facts.catalog.related(group, RelationType::OwnerOf).is_empty();
    (facts.catalog.has_nobody(group) && !owns()).then(|| "has nobody in it".to_owned())
}

pub(super) fn team_without_channel(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let group = is_team(entry)?;
    let owns = !facts.catalog.related(group, RelationType::OwnerOf).is_empty();
    (owns && channel_of(facts.catalog, group).is_none()).then(|| "owns things and names no channel".to_owned())
}

pub(super) fn members_differ(entry: &Entry, facts: &Facts<'_>) -> Option<String> {
    let group = is_team(entry)?;
    let differences = facts.catalog.differences(group).len();
    (differences > 0).then(|| match differences {
        1 => "is told otherwise in one more place".to_owned(),
        more => format!("is told otherwise in {more} ways"),
    })
}

fn is_team(entry: &Entry) -> Option<&EntityRef> {
    (entry.entity.kind == Kind::Group).then_some(&entry.entity.entity_ref)
}
