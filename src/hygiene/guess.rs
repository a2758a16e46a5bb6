//! Whose something may be, where its entry is doubted: guesses with their evidence, the best first.
//! Pure. Must not call a guess anything else, nor ask anybody.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::fix::owners::CodeOwner;
use crate::catalog::{
    Catalog, EntityRef, Entry, Kind, RelationType, left,
    live::{Happened, Recent},
    people::{AccountKind, annotation},
};

/// More guesses are no help.
const MOST: usize = 3;

/// A system, then its domain, then that one's; more levels are a mistake in the data.
const MOST_LEVELS: usize = 3;

/// Somebody who may own it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// A group, or a person where they are in none.
    pub owner: EntityRef,
    /// Why them, as half a sentence: "own the system Checkout, which it belongs to".
    pub evidence: String,
}

/// What a guess is made from, besides the catalog.
#[derive(Debug, Clone, Copy)]
pub struct Clues<'a> {
    pub recent: &'a Recent,
    /// Of its file, where that was read.
    pub code_owners: &'a [CodeOwner],
    /// Who says that it is not theirs.
    pub not: &'a [EntityRef],
    pub now: DateTime<Utc>,
}

/// Those who may own it, the best guess first.
pub fn guess(catalog: &Catalog, entry: &Entry, clues: &Clues<'_>) -> Vec<Guess> {
    let mut guesses = Vec::new();
    guesses.extend(by_code_owners(catalog, entry, clues));
    guesses.extend(by_whole(catalog, entry));
    guesses.extend(by_merges(catalog, entry, clues));
    guesses.extend(by_neighbours(catalog, entry));
    guesses.extend(by_parent(catalog, entry));
    let mut seen: BTreeSet<EntityRef> = clues.not.iter().cloned().collect();
    seen.extend(entry.entity.owner().cloned());
    guesses.retain(|guess| answers(catalog, &guess.owner) && seen.insert(guess.owner.clone()));
    guesses.truncate(MOST);
    guesses
}

/// Whether somebody is there who could say yes.
fn answers(catalog: &Catalog, owner: &EntityRef) -> bool {
    let is_there = |user: &EntityRef| catalog.find(user).is_some_and(|user| left(&user.entity).is_none());
    match catalog.find(owner) {
        Some(entry) if entry.entity.kind == Kind::Group => {
            catalog.related(owner, RelationType::HasMember).iter().any(is_there)
                || !catalog.related(owner, RelationType::ParentOf).is_empty()
        }
        Some(entry) => entry.entity.kind == Kind::User && is_there(owner),
        None => false,
    }
}

fn by_code_owners(catalog: &Catalog, entry: &Entry, clues: &Clues<'_>) -> Vec<Guess> {
    let owner_of = |owner: &CodeOwner| match owner {
        CodeOwner::Team(_, slug) => {
            let mut groups = catalog.entries().iter().filter(|group| group.entity.kind == Kind::Group);
            let named = groups.clone().find(|group| group.entity.annotation(annotation::GITHUB_TEAM) == Some(slug.as_str()));
            named
                .or_else(|| groups.find(|group| group.entity.name.eq_ignore_ascii_case(slug)))
                .map(|group| group.entity.entity_ref.clone())
        }
        CodeOwner::Person(login) => team_of(catalog, catalog.find_person_by_account(AccountKind::Github, login)?),
        CodeOwner::Email(email) => team_of(catalog, catalog.find_person_by_account(AccountKind::Email, email)?),
    };
    let evidence = format!("named in CODEOWNERS of {}", entry.origin.repository);
    clues.code_owners.iter().filter_map(owner_of).map(|owner| Guess { owner, evidence: evidence.clone() }).collect()
}

/// The owner of the system, or of the domain above it.
fn by_whole(catalog: &Catalog, entry: &Entry) -> Option<Guess> {
    let mut part_of = catalog.related(&entry.entity.entity_ref, RelationType::PartOf);
    for _ in 0..MOST_LEVELS {
        let whole = catalog.find(part_of.first()?)?.clone();
        if let Some(owner) = whole.entity.owner().filter(|owner| answers(catalog, owner)) {
            let kind = whole.entity.kind.as_str().to_lowercase();
            let evidence = format!("owner of the {kind} {}, which it belongs to", whole.entity.label());
            return Some(Guess { owner: owner.clone(), evidence });
        }
        part_of = catalog.related(&whole.entity.entity_ref, RelationType::PartOf);
    }
    None
}

/// The teams of those who merged into its repository lately.
fn by_merges(catalog: &Catalog, entry: &Entry, clues: &Clues<'_>) -> Vec<Guess> {
    let origin = &entry.origin;
    let events = clues.recent.of_repository(&origin.source, origin.repository_id, DateTime::<Utc>::MIN_UTC);
    let merges = events.filter(|event| event.happened == Happened::Merged);
    let by = merges.filter_map(|event| {
        let person = catalog.find_person_by_account(AccountKind::Github, event.author.as_deref()?)?;
        let days = (clues.now - event.at).num_days().max(0);
        let when = if days == 0 { "today".to_owned() } else { format!("{days} days ago") };
        let label = catalog.find(person).map_or_else(|| person.to_string(), |person| person.entity.label().to_owned());
        let evidence = format!("{label}, who is in it, changed {} {when}", origin.repository);
        Some(Guess { owner: team_of(catalog, person)?, evidence })
    });
    by.collect()
}

/// Who owns other things that are declared in the same repository.
fn by_neighbours(catalog: &Catalog, entry: &Entry) -> Vec<Guess> {
    let origin = &entry.origin;
    // Without a number it is a place that many things come from.
    let is_beside = |other: &&std::sync::Arc<Entry>| {
        other.origin.source == origin.source
            && other.origin.repository_id == origin.repository_id
            && other.entity.entity_ref != entry.entity.entity_ref
    };
    let beside = catalog.entries().iter().filter(is_beside);
    let owned = beside.filter_map(|other| {
        let evidence = format!("owner of {}, which is declared in the same repository", other.entity.label());
        Some(Guess { owner: other.entity.owner()?.clone(), evidence })
    });
    owned.collect()
}

fn by_parent(catalog: &Catalog, entry: &Entry) -> Option<Guess> {
    let owner = entry.entity.owner()?;
    let parent = catalog.related(owner, RelationType::ChildOf).into_iter().next()?;
    let label = catalog.find(owner).map_or_else(|| owner.to_string(), |owner| owner.entity.label().to_owned());
    Some(Guess { owner: parent, evidence: format!("the group above {label}") })
}

/// The one team that somebody is in; themselves, where they are in none or in several.
fn team_of(catalog: &Catalog, person: &EntityRef) -> Option<EntityRef> {
    let person = catalog.primary(person);
    let there = catalog.find(person).filter(|user| left(&user.entity).is_none())?;
    match catalog.related(person, RelationType::MemberOf).as_slice() {
        [team] => Some(team.clone()),
        _ => Some(there.entity.entity_ref.clone()),
    }
}
