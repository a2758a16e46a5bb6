//! A snapshot made from the one before is the one that would be made from nothing.

use std::sync::Arc;

use chrono::Duration;
use proptest::prelude::*;
use steward::{
    catalog::{Authority, Catalog, EntityRef, GoneBecause, GoneClaim, Parts, RelationType, Sought, people::Link},
    store::Change,
};

use crate::world::{Thing, World, now};

const REPOSITORIES: usize = 5;
const AUTHORITIES: [Authority; 3] = [Authority::Descriptor, Authority::Organisation, Authority::Migration];
const LABELS: [Option<&str>; 3] = [None, Some("Payments & Ledger"), Some("pay-things")];
const THINGS: [(&str, &str); 10] = [
    ("Component", "payments-api"),
    ("Component", "payments-tests"),
    ("Component", "search/frontend"),
    ("Component", "ledger"),
    ("API", "payments-api"),
    ("System", "ledger"),
    ("Group", "team-a"),
    ("Group", "team-b"),
    ("User", "ana.silva"),
    ("User", "ben"),
];
const RELATIONS: [RelationType; 8] = [
    RelationType::OwnedBy,
    RelationType::OwnerOf,
    RelationType::DependsOn,
    RelationType::DependencyOf,
    RelationType::PartOf,
    RelationType::HasPart,
    RelationType::MemberOf,
    RelationType::HasMember,
];

/// What one repository claims after a change.
#[derive(Debug, Clone, Copy)]
struct Claimed {
    thing: usize,
    label: usize,
    owner: usize,
    leans_on: usize,
    login: usize,
}

#[derive(Debug, Clone)]
enum Step {
    Becomes {
        repository: usize,
        claimed: Vec<Claimed>,
        has_runbook: bool,
    },
    /// Who is behind a chat account, and who is gone, changes without any claim.
    Links(usize),
    Gone(usize),
    /// Everything is loaded again.
    AllAgain,
}

fn step() -> impl Strategy<Value = Step> {
    let claimed = (0..THINGS.len(), 0..LABELS.len(), 6..THINGS.len(), 0..4_usize, 0..3_usize);
    let claimed = claimed.prop_map(|(thing, label, owner, leans_on, login)| Claimed { thing, label, owner, leans_on, login });
    let becomes = (0..REPOSITORIES, prop::collection::vec(claimed, 0..6), any::<bool>());
    prop_oneof![
        12 => becomes.prop_map(|(repository, claimed, has_runbook)| Step::Becomes { repository, claimed, has_runbook }),
        1 => (0..3_usize).prop_map(Step::Links),
        1 => (6..THINGS.len()).prop_map(Step::Gone),
        1 => Just(Step::AllAgain),
    ]
}

fn reference((kind, name): (&str, &str)) -> EntityRef {
    EntityRef::parse(name, Some(kind), "default").unwrap()
}

fn repository(at: usize) -> String {
    format!("acme/Repo-{at}")
}

fn describe(thing: &mut Thing, at: usize, claimed: Claimed) {
    let (kind, _) = THINGS[claimed.thing];
    let target = |(kind, name): (&str, &str)| format!("{kind}:{name}").to_lowercase();
    thing.repository(&repository(at)).authority(AUTHORITIES[at % AUTHORITIES.len()]);
    if let Some(label) = LABELS[claimed.label] {
        thing.title(label);
    }
    match kind {
        "User" => {
            let login = format!("login-{}", claimed.login);
            thing.annotate("github.com/user-login", &login).member_of(THINGS[6 + claimed.owner % 2].1);
        }
        "Group" => {
            thing.spec("type", "team");
        }
        _ => {
            let (owner, leans_on) = (target(THINGS[claimed.owner]), target(THINGS[claimed.leans_on]));
            thing.owner(&owner).depends_on(&leans_on);
        }
    }
}

/// The repository's id, and what it holds now.
fn held_by(at: usize, claimed: &[Claimed], has_runbook: bool) -> (i64, Parts) {
    let mut world = World::new();
    for claimed in claimed {
        let (kind, name) = THINGS[claimed.thing];
        describe(world.add(kind, name), at, *claimed);
    }
    // Something that is read and thrown away, for the repository's number.
    world.runbook(&repository(at), "docs/runbook.md", "# Restart");
    let mut parts = world.catalog().parts().clone();
    let id = parts.runbooks[0].origin.repository_id;
    if !has_runbook {
        parts.runbooks.clear();
    }
    // A file holds each reference once.
    parts.claims.dedup_by(|a, b| a.entity.entity_ref == b.entity.entity_ref);
    (id, parts)
}

fn next(known: &Parts, step: &Step) -> Parts {
    let mut change =
        Change { version: known.version + 1, links: known.links.clone(), gone: known.gone.clone(), ..Change::default() };
    match step {
        Step::Becomes { repository, claimed, has_runbook } => {
            let (id, held) = held_by(*repository, claimed, *has_runbook);
            change.repositories.push(("acme".to_owned(), id));
            (change.claims, change.runbooks) = (held.claims, held.runbooks);
        }
        Step::Links(login) => {
            let link = Link {
                platform: "slack".to_owned(),
                account: "U1".to_owned(),
                login: format!("login-{login}"),
                github_id: 1,
                linked_at: now(),
            };
            change.links = vec![link];
        }
        Step::Gone(thing) => {
            let gone = GoneClaim {
                entity_ref: reference(THINGS[*thing]),
                authority: Authority::Organisation,
                source: "acme".into(),
                label: "Gone".to_owned(),
                since: now() - Duration::days(3),
                owner: None,
                repository: "acme/gone".into(),
                because: GoneBecause::RepositoryGone,
            };
            change.gone = vec![gone];
        }
        Step::AllAgain => {
            let again = |claim: &Arc<steward::catalog::Entry>| Arc::new(steward::catalog::Entry::clone(claim));
            change.claims = known.claims.iter().rev().map(again).collect();
            change.runbooks.clone_from(&known.runbooks);
            change.database = "another".to_owned();
        }
    }
    Parts { database: String::new(), ..change.apply(known) }
}

/// Everything that can be asked of a snapshot.
fn all_answers(catalog: &Catalog) -> String {
    let mut told = format!("{:#?}\n{:#?}\n", catalog.entries(), catalog.lookup());
    let mut conflicts: Vec<&EntityRef> = catalog.conflicts().collect();
    conflicts.sort();
    let mut disputed: Vec<&EntityRef> = catalog.disputed().collect();
    disputed.sort();
    let mut gone: Vec<String> = catalog.all_gone().map(|gone| format!("{gone:?}")).collect();
    gone.sort();
    told += &format!("{conflicts:?}\n{disputed:?}\n{gone:?}\n{:?}\n", catalog.persons());
    told += &format!("{:?}\n", catalog.find_person_by_slack_id("U1"));
    for entity_ref in THINGS.map(reference) {
        let found = catalog.find(&entity_ref).map(|entry| &entry.origin);
        let related = RELATIONS.map(|relation_type| catalog.related(&entity_ref, relation_type));
        told += &format!("{entity_ref}: {found:?} {related:?} {}\n", catalog.dependents_count(&entity_ref));
        told += &format!("{:?} {:?}\n", catalog.rivals(&entity_ref), catalog.voices(&entity_ref));
        told += &format!("{:?} {:?}\n", catalog.differences(&entity_ref), catalog.groups_of(&entity_ref));
    }
    for at in 0..REPOSITORIES {
        let (id, _) = held_by(at, &[], false);
        told += &format!("{:?}\n", catalog.runbooks(id));
    }
    for typed in ["payments-api", "paymentsapi", "pay", "ledger", "api payments", "paymnets-api", "acme/repo-1", "things", "qq"] {
        told += &format!("{typed}: {:?}\n", catalog.look_up(Sought::any(typed, &[])));
        let found = catalog.search(Sought::any(typed, &[]));
        told += &format!("{:?}\n", found.iter().map(|entry| &entry.entity.entity_ref).collect::<Vec<_>>());
    }
    told
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_snapshot_made_from_the_one_before_is_as_one_made_from_nothing(steps in prop::collection::vec(step(), 1..14)) {
        let mut catalog = Catalog::build(Parts::default());
        for step in steps {
            let parts = next(catalog.parts(), &step);
            catalog = catalog.with_parts(parts.clone());
            prop_assert_eq!(all_answers(&catalog), all_answers(&Catalog::build(parts)));
        }
    }
}

#[test]
fn an_owner_that_is_called_differently_is_found_by_its_new_label() {
    let mut world = World::new();
    world.component("ledger").owner("team-a");
    world.group("team-a").title("Payments");
    let before = world.catalog();
    let mut renamed = World::new();
    renamed.group("team-a").title("Settlement");
    let mut parts = before.parts().clone();
    parts.claims.retain(|claim| claim.entity.name != "team-a");
    parts.claims.extend(renamed.catalog().parts().claims.iter().cloned());
    let after = before.with_parts(parts);
    let found = |catalog: &Catalog, typed: &str| catalog.search(Sought::any(typed, &[])).len();
    assert_eq!((found(&before, "payments"), found(&before, "settlement")), (2, 0));
    assert_eq!((found(&after, "payments"), found(&after, "settlement")), (0, 2));
}
