//! Whose something may be, where its entry is doubted: guesses with their evidence, the best first.
//! Pure. Must not call a guess anything else, nor ask anybody.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::fix::owners::CodeOwner;
use crate::catalog::{
    Catalog, EntityRef, Entry, Kind, RelationType, left,
    live::{Happened, Recent, RecentEvent},
    people::{AccountKind, annotation, is_bot},
};

/// More guesses are no help.
const MOST: usize = 3;

/// A system, then its domain, then that one's; more levels are a mistake in the data.
const MOST_LEVELS: usize = 3;

/// Fewer are no habit of a team's.
const FEWEST_CHANGES: usize = 2;

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

/// Where something is declared, or is to be.
#[derive(Debug, Clone, Copy)]
pub struct Home<'a> {
    pub source: &'a str,
    pub repository_id: i64,
    /// `acme/payments-api`.
    pub repository: &'a str,
}

/// Those who may own it, the best guess first.
pub fn guess(catalog: &Catalog, entry: &Entry, clues: &Clues<'_>) -> Vec<Guess> {
    let mut guesses = Vec::new();
    let origin = &entry.origin;
    let home = Home { source: &origin.source, repository_id: origin.repository_id, repository: &origin.repository };
    guesses.extend(by_code_owners(catalog, home, clues.code_owners));
    guesses.extend(by_whole(catalog, entry));
    guesses.extend(by_merges(catalog, home, clues));
    guesses.extend(by_neighbours(catalog, entry));
    guesses.extend(by_parent(catalog, entry));
    let mut seen: BTreeSet<EntityRef> = clues.not.iter().cloned().collect();
    seen.extend(entry.entity.owner().cloned());
    guesses.retain(|guess| answers(catalog, &guess.owner) && seen.insert(guess.owner.clone()));
    guesses.truncate(MOST);
    guesses
}

/// The team that may own a repository of which nothing is declared: one that CODEOWNERS names, the first first.
pub fn guess_by_code_owners(catalog: &Catalog, home: Home<'_>, code_owners: &[CodeOwner]) -> Option<Guess> {
    by_code_owners(catalog, home, code_owners).into_iter().find(|guess| is_team(catalog, &guess.owner))
}

/// The same of the logins of its latest commits' authors, each as often as they wrote one; `None`: GitHub does not know whose
/// a commit is.
pub fn guess_by_commits(catalog: &Catalog, authors: &[Option<String>]) -> Option<Guess> {
    let (owner, wrote) = most(catalog, authors.iter().map(Option::as_deref))?;
    let evidence = match authors.len() {
        all if all == wrote => format!("wrote all of the last {all} commits"),
        all => format!("wrote {wrote} of the last {all} commits"),
    };
    Some(Guess { owner, evidence })
}

/// The same of what was merged there lately.
pub fn guess_by_merges(catalog: &Catalog, home: Home<'_>, recent: &Recent) -> Option<Guess> {
    let authors: Vec<Option<&str>> = merges(home, recent).map(|event| event.author.as_deref()).collect();
    let authors: Vec<Option<&str>> = authors.into_iter().filter(|login| login.is_none_or(|login| !is_bot(login))).collect();
    let (owner, made) = most(catalog, authors.iter().copied())?;
    let evidence = match authors.len() {
        all if all == made => format!("made all {all} changes that were merged there lately"),
        all => format!("made {made} of the {all} changes that were merged there lately"),
    };
    Some(Guess { owner, evidence })
}

fn is_team(catalog: &Catalog, owner: &EntityRef) -> bool {
    answers(catalog, owner) && catalog.find(owner).is_some_and(|entry| entry.entity.kind == Kind::Group)
}

/// The team whose people made more than half of what those made whom the catalog knows, and how much that is.
///
/// Who is in several teams counts for each. So everybody's group may come to more than the team, which is why the smallest
/// one is taken; where two are alike it is nobody.
fn most<'a>(catalog: &Catalog, authors: impl Iterator<Item = Option<&'a str>>) -> Option<(EntityRef, usize)> {
    let mut known = 0;
    let mut made: BTreeMap<EntityRef, usize> = BTreeMap::new();
    for login in authors.flatten() {
        let Some(person) = catalog.find_person_by_account(AccountKind::Github, login) else { continue };
        let person = catalog.primary(person);
        if catalog.find(person).is_none_or(|entry| left(&entry.entity).is_some()) {
            continue;
        }
        known += 1;
        for team in catalog.related(person, RelationType::MemberOf) {
            *made.entry(team).or_default() += 1;
        }
    }
    let is_most = |(team, count): &(EntityRef, usize)| *count >= FEWEST_CHANGES && *count * 2 > known && is_team(catalog, team);
    let mut teams: Vec<(EntityRef, usize)> = made.into_iter().filter(is_most).collect();
    let rank =
        |(team, count): &(EntityRef, usize)| (catalog.related(team, RelationType::HasMember).len(), std::cmp::Reverse(*count));
    teams.sort_by_key(rank);
    match teams.as_slice() {
        [first, second, ..] if rank(first) == rank(second) => None,
        [first, ..] => Some(first.clone()),
        [] => None,
    }
}

fn merges<'a>(home: Home<'a>, recent: &'a Recent) -> impl Iterator<Item = &'a RecentEvent> {
    let events = recent.of_repository(home.source, home.repository_id, DateTime::<Utc>::MIN_UTC);
    events.filter(|event| event.happened == Happened::Merged)
}

/// Whether somebody is there who could say yes.
fn answers(catalog: &Catalog, owner: &EntityRef) -> bool {
    match catalog.find(owner) {
        Some(entry) if entry.entity.kind == Kind::Group => !catalog.has_nobody(owner),
        Some(entry) => entry.entity.kind == Kind::User && left(&entry.entity).is_none(),
        None => false,
    }
}

fn by_code_owners(catalog: &Catalog, home: Home<'_>, code_owners: &[CodeOwner]) -> Vec<Guess> {
    let of_person = |person: &EntityRef| {
        let owner = team_of(catalog, person)?;
        let label = catalog.find(person).map_or_else(|| person.to_string(), |person| person.entity.label().to_owned());
        let is_themselves = owner == *catalog.primary(person);
        Some((owner, (!is_themselves).then_some(label)))
    };
    let owner_of = |owner: &CodeOwner| match owner {
        CodeOwner::Team(_, slug) => {
            let mut groups = catalog.entries().iter().filter(|group| group.entity.kind == Kind::Group);
            let named = groups.clone().find(|group| group.entity.annotation(annotation::GITHUB_TEAM) == Some(slug.as_str()));
            named
                .or_else(|| groups.find(|group| group.entity.name.eq_ignore_ascii_case(slug)))
                .map(|group| (group.entity.entity_ref.clone(), None))
        }
        CodeOwner::Person(login) => of_person(catalog.find_person_by_account(AccountKind::Github, login)?),
        CodeOwner::Email(email) => of_person(catalog.find_person_by_account(AccountKind::Email, email)?),
    };
    let guess = |(owner, through): (EntityRef, Option<String>)| {
        let named = format!("named in CODEOWNERS of {}", home.repository);
        let evidence = match through {
            Some(person) => format!("{person}, who is in it, is {named}"),
            None => named,
        };
        Guess { owner, evidence }
    };
    code_owners.iter().filter_map(owner_of).map(guess).collect()
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
fn by_merges(catalog: &Catalog, home: Home<'_>, clues: &Clues<'_>) -> Vec<Guess> {
    let by = merges(home, clues.recent).filter_map(|event| {
        let person = catalog.find_person_by_account(AccountKind::Github, event.author.as_deref()?)?;
        let days = (clues.now - event.at).num_days().max(0);
        let when = if days == 0 { "today".to_owned() } else { format!("{days} days ago") };
        let label = catalog.find(person).map_or_else(|| person.to_string(), |person| person.entity.label().to_owned());
        let evidence = format!("{label}, who is in it, changed {} {when}", home.repository);
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
