//! The first day in a team: which things of its own a newcomer looks for, who is new, and what is said to whom.
//! Must not read or write anything; nor answer a step: commands do.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};

use super::{
    check::{find_check, is_production},
    fix::Way,
    standing::owner_of,
};
use crate::{
    catalog::{Catalog, EntityRef, Entry, Kind, RelationType, is_deprecated, live::Step},
    chat::{Audience, Block, Button, Card, Reply, Status, Text, limits::cut},
    reach::members_of,
    store::{KnownMembers, Membership, Missing, NewMembership},
};

/// More people than this do not begin at once: it is an import, and no day one of anybody.
const MOST_AT_ONCE: usize = 50;

/// A team that was not known and has more people than this was described just now; nobody joined it.
const MOST_IN_A_NEW_TEAM: usize = 2;

/// Spelt out in one message to an owner; the rest comes with the next.
pub const MOST_ASKED: usize = 5;

/// Of what the catalog has, in a message.
const TRACE_LETTERS: usize = 200;

/// Ids of the findings that newcomers make, by what they looked for.
pub fn check_of(step: Step) -> &'static str {
    match step {
        Step::Owner => "owner-not-found",
        Step::Runbook => "runbook-not-found",
        Step::Dashboard => "dashboard-not-found",
        Step::Docs => "docs-not-found",
        Step::Dependencies => "dependencies-not-found",
        Step::OnCall => "on-call-not-found",
    }
}

/// What a team runs, what most lean on first; what is on its way out only where there is nothing else.
pub fn services(catalog: &Catalog, team: &EntityRef) -> Vec<Arc<Entry>> {
    let owned = catalog.related(team, RelationType::OwnerOf);
    let is_meant = |entry: &&Arc<Entry>| matches!(entry.entity.kind, Kind::Component | Kind::Api | Kind::Resource);
    let mut owned: Vec<Arc<Entry>> = owned.iter().filter_map(|owned| catalog.find(owned)).filter(is_meant).cloned().collect();
    if owned.iter().any(|entry| !is_deprecated(&entry.entity)) {
        owned.retain(|entry| !is_deprecated(&entry.entity));
    }
    owned.sort_by_cached_key(|entry| {
        let entity = &entry.entity;
        let is_component = entity.kind == Kind::Component;
        let weight = (is_component, is_production(entity), catalog.dependents_count(&entity.entity_ref));
        (std::cmp::Reverse(weight), entity.entity_ref.clone())
    });
    owned
}

/// Of which service each step is: one that can answer it where there is one, each service in its turn; what somebody has
/// seen already stays where they saw it.
pub fn choose(
    services: &[Arc<Entry>],
    seen: &BTreeMap<Step, EntityRef>,
    has: impl Fn(Step, &Entry) -> bool,
) -> Vec<(Step, Arc<Entry>)> {
    let mut used: BTreeMap<&EntityRef, usize> = BTreeMap::new();
    let mut steps = Vec::new();
    for step in Step::ALL {
        let kept = seen.get(&step).and_then(|kept| services.iter().find(|entry| entry.entity.entity_ref == *kept));
        let able = || services.iter().filter(|entry| has(step, entry));
        let turn = |entry: &&Arc<Entry>| used.get(&entry.entity.entity_ref).copied().unwrap_or_default();
        let Some(entry) = kept.or_else(|| able().min_by_key(turn)).or_else(|| services.first()) else { break };
        *used.entry(&entry.entity.entity_ref).or_default() += 1;
        steps.push((step, Arc::clone(entry)));
    }
    steps
}

/// Who is in a team of whom that was not known, and all sources that memberships come from.
///
/// What comes with a source that is read for the first time has not happened just now.
pub fn joined(catalog: &Catalog, known: &KnownMembers, now: DateTime<Utc>) -> (Vec<NewMembership>, Vec<String>) {
    let is_of_people = |entry: &&Arc<Entry>| matches!(entry.entity.kind, Kind::Group | Kind::User);
    let of_people = || catalog.entries().iter().filter(is_of_people);
    let sources: BTreeSet<String> = of_people().map(|entry| entry.origin.source.to_string()).collect();
    let is_fresh = |entity: &EntityRef| catalog.find(entity).is_none_or(|entry| !known.sources.contains(&*entry.origin.source));
    let there: BTreeSet<(&EntityRef, &EntityRef)> =
        known.memberships.iter().map(|known| (&known.team, catalog.primary(&known.person))).collect();
    let known_teams: BTreeSet<&EntityRef> = known.memberships.iter().map(|known| &known.team).collect();
    let mut new = Vec::new();
    for group in of_people().filter(|entry| entry.entity.kind == Kind::Group) {
        let team = &group.entity.entity_ref;
        let members = members_of(catalog, team);
        let is_new_team = !known_teams.contains(team) && members.len() > MOST_IN_A_NEW_TEAM;
        for person in members.into_iter().filter(|person| !there.contains(&(team, person))) {
            let joined_at = (!is_new_team && !is_fresh(team) && !is_fresh(&person)).then_some(now);
            new.push(NewMembership { of: Membership { team: team.clone(), person }, joined_at });
        }
    }
    if new.iter().filter(|new| new.joined_at.is_some()).count() > MOST_AT_ONCE {
        new.iter_mut().for_each(|new| new.joined_at = None);
    }
    (new, sources.into_iter().collect())
}

fn label(catalog: &Catalog, entity: &EntityRef) -> String {
    catalog.find(entity).map_or_else(|| entity.to_string(), |entry| entry.entity.label().to_owned())
}

/// What somebody reads who has joined a team.
pub fn welcome(catalog: &Catalog, of: &Membership) -> Reply {
    let team = label(catalog, &of.team);
    let lead = Text::plain("Welcome to ").bold(&team).say(", ").bold(label(catalog, &of.person));
    let lead =
        lead.say(". Six short steps show you who answers for what it runs, and where its runbooks, dashboards and docs are.");
    let mut reply = Reply::new(Status::Answered, "onboard", lead);
    reply.refs.push(of.team.to_string());
    let said = "Each step is a button that shows the answer. Nobody but you sees how far you are, and this is not sent again; \
                /onboard shows it at any time.";
    let buttons = vec![Button::say("Start", format!("onboard start {}", of.team)).primary()];
    reply.cards.push(Card { body: vec![Block::Paragraph(said.into())], buttons, ..Card::default() });
    reply
}

/// What those read who answer for what was not found.
pub fn ask(catalog: &Catalog, owner: Option<&EntityRef>, missing: &[&Missing]) -> Option<Reply> {
    let first = missing.first()?;
    let mut names: Vec<&str> = missing.iter().map(|missing| missing.said.name.as_str()).collect();
    names.dedup();
    let who = match names.as_slice() {
        [one] => (*one).to_owned(),
        several => format!("{} people", several.len()),
    };
    let thing = |missing: &Missing| (missing.said.step.what(), label(catalog, &missing.said.entity));
    let (what, name) = thing(first);
    let lead = match owner {
        Some(owner) => Text::new().bold(label(catalog, owner)).say(format!(": {who} ")),
        None => Text::plain(format!("{who} ")),
    };
    let lead = match missing.len() {
        1 => lead.say(format!("looked for {what} of ")).bold(name).say(" and could not find it."),
        some => lead.say(format!("looked for {some} things and could not find them. The first: {what} of ")).bold(name).say("."),
    };
    let mut reply = Reply::new(Status::Answered, "onboard", lead);
    reply.audience = Audience::Everyone;
    reply.refs = missing.iter().map(|missing| missing.said.entity.to_string()).collect();
    reply.refs.dedup();
    reply.cards = missing.iter().filter_map(|missing| ask_card(catalog, missing, owner)).collect();
    Some(reply)
}

fn ask_card(catalog: &Catalog, missing: &Missing, owner: Option<&EntityRef>) -> Option<Card> {
    let said = &missing.said;
    let check = find_check(check_of(said.step))?;
    let (name, key) = (label(catalog, &said.entity), format!("{}:{}", check.id, said.entity));
    let has = match said.trace.as_str() {
        "" => "The catalog has none.".to_owned(),
        trace => format!("The catalog has this: {}.", cut(trace, TRACE_LETTERS)),
    };
    let mut body = vec![Block::Paragraph(Text::plain(format!("{has} {}", check.fix)))];
    if owner.is_none() {
        body.push(Block::Paragraph("Nobody owns it, so it comes to you.".into()));
    }
    let mut buttons = vec![Button::say("It is there", format!("onboard found {}:{}", said.step.as_str(), said.entity)).primary()];
    let way = catalog.find(&said.entity).and_then(|entry| Way::of_entry(entry, check)).filter(|way| *way == Way::Form);
    buttons.extend(way.map(|way| way.button(&key)));
    buttons.push(Button::say("Not ours", format!("hygiene notours {key}")));
    buttons.push(Button::say("Snooze", format!("hygiene snooze {key}")));
    let footer = Text::plain(format!("Asked by {} · {}", said.name, said.entity));
    let title = Text::plain(format!("{}: {name}", check.title));
    Some(Card { title, body, buttons, footer, ..Card::default() })
}

/// What whoever could not find something reads once it is answered; `by` is who said so, where it was not seen in the catalog.
pub fn answered(catalog: &Catalog, missing: &Missing, by: Option<&str>) -> Reply {
    let said = &missing.said;
    let name = label(catalog, &said.entity);
    let what = said.step.what();
    let lead = match by {
        Some(by) => Text::plain(format!("{by} says that {what} of ")).bold(name).say(" can be found now."),
        None => Text::plain(format!("There is something new where you could not find {what} of ")).bold(name).say("."),
    };
    let mut reply = Reply::new(Status::Answered, "onboard", lead);
    reply.refs.push(said.entity.to_string());
    reply.buttons.push(Button::say("Look", format!("onboard see {}:{}", said.step.as_str(), said.entity)).primary());
    reply
}

/// Who is asked for what was not found.
pub fn asked_of(catalog: &Catalog, missing: &Missing) -> Option<EntityRef> {
    owner_of(catalog, &missing.said.entity)
}
