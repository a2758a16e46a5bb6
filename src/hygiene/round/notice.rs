//! What has changed for an owner: it is theirs now, or another's, or what they lean on is going or gone. Found in the
//! history, told once, under the rules of rounds. Must not read the history, nor send.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::Value;

use super::{
    MOST_SPELT_OUT, Occasion, Scene, counted,
    gate::Gate,
    ledger::key_of_word,
    message::{label, name_of},
    route::{Place, Via},
};
use crate::{
    catalog::{Catalog, EntityRef, RelationType, diff::ChangeKind, is_deprecated, says_deprecated},
    chat::{Audience, Block, Button, Card, ListItem, ListStyle, Reply, Status, Text},
    hygiene::standing::{is_answering, owner_of},
    store::{NewLine, NewNotice, NewRoundMessage, Notice, NoticeKind, ToldNotices},
};

/// A sync writes page after page: what comes of it is told together, once nothing more has come for so long…
const SETTLED_AFTER: TimeDelta = TimeDelta::seconds(60);
/// …or the first of it is so old.
const SETTLED_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// What could not be told for so long is no news any more.
const NEWS_FOR: TimeDelta = TimeDelta::days(14);

/// Where one source lost more than this at once, somebody has tidied up, or it has failed in a way that looks like it: the
/// rounds tell of what names something that is gone.
const MOST_REMOVED: usize = 25;

/// What the ledger calls a message of changes.
const CHANGES: &str = "changes";

/// Of the things of an owner that lean on something, so many are named.
const NAMED: usize = 4;

/// What was found in some lines of history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    pub notices: Vec<NewNotice>,
    /// Removals that are told to nobody, since there are too many.
    pub passed_over: usize,
}

/// What owners are to hear of changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    pub told: Vec<ToldNotices>,
    /// Numbers of what came to nothing.
    pub dropped: Vec<i64>,
    shown: Vec<Change>,
}

/// One message of it, for who looks at what would be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub team: String,
    pub destination: String,
    /// A sentence for each change.
    pub says: Vec<String>,
}

impl Changes {
    pub fn shown(self) -> Vec<Change> {
        self.shown
    }
}

/// Finds in lines of history what somebody is to hear, the catalog being as it is after them.
pub fn find_notices(catalog: &Catalog, lines: &[NewLine]) -> Found {
    let mut found = Found::default();
    let mut owners: BTreeMap<&EntityRef, Vec<&NewLine>> = BTreeMap::new();
    let mut removed: BTreeMap<&str, Vec<&NewLine>> = BTreeMap::new();
    for line in lines {
        match line.change {
            ChangeKind::Added => {}
            ChangeKind::Changed | ChangeKind::Restored => {
                if line.fields.get("owner").is_some() {
                    owners.entry(&line.entity).or_default().push(line);
                }
                found.notices.extend(of_deprecated(catalog, line));
            }
            ChangeKind::Removed => removed.entry(&line.source).or_default().push(line),
        }
    }
    for (entity, lines) in owners {
        found.notices.extend(of_new_owner(catalog, entity, &lines));
    }
    for lines in removed.into_values() {
        if lines.len() > MOST_REMOVED {
            found.passed_over += lines.len();
            continue;
        }
        found.notices.extend(lines.iter().flat_map(|line| of_removed(catalog, line)));
    }
    found
}

/// From the first of these lines to the last: what changed hands twice has changed once.
fn of_new_owner(catalog: &Catalog, entity: &EntityRef, lines: &[&NewLine]) -> Vec<NewNotice> {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Vec::new() };
    let said = |line: &NewLine, end: &str| {
        let written = line.fields.get("owner")?.get(end)?.as_str()?;
        let owner = EntityRef::parse(written.trim(), Some("group"), entity.namespace()).ok()?;
        Some(current(catalog, &owner))
    };
    let (before, after) = (said(first, "from"), said(last, "to"));
    let Some(entry) = catalog.find(entity) else { return Vec::new() };
    let is_so = entry.entity.owner().map(|owner| current(catalog, owner)) == after;
    // Another file may say otherwise, and be believed.
    if before == after || !is_so {
        return Vec::new();
    }
    let notice = |team: &EntityRef, kind: NoticeKind, other: &Option<EntityRef>| NewNotice {
        team: team.clone(),
        entity: entity.clone(),
        kind,
        other: other.clone(),
        through: Vec::new(),
        history_id: last.id,
        happened_at: last.seen_at,
    };
    let lost = before.iter().map(|team| notice(team, NoticeKind::Lost, &after));
    let gained = after.iter().map(|team| notice(team, NoticeKind::Gained, &before));
    lost.chain(gained).filter(|notice| is_answering(catalog, &notice.team)).collect()
}

/// A name as it is now: a team that was renamed is the same team, and a person the same under each of their names.
fn current(catalog: &Catalog, owner: &EntityRef) -> EntityRef {
    let owner = catalog.primary(owner);
    if catalog.find(owner).is_some() {
        return owner.clone();
    }
    successor(catalog, owner).unwrap_or_else(|| owner.clone())
}

/// What bore this name before.
fn successor(catalog: &Catalog, gone: &EntityRef) -> Option<EntityRef> {
    let is_it = |entity: &crate::catalog::Entity| {
        let now = &entity.entity_ref;
        now.kind() == gone.kind()
            && now.namespace() == gone.namespace()
            && entity.former_names.iter().any(|former| former == gone.name())
    };
    catalog.entries().iter().find(|entry| is_it(&entry.entity)).map(|entry| entry.entity.entity_ref.clone())
}

fn is_leant_on(entity: &EntityRef) -> bool {
    matches!(entity.kind(), "component" | "api")
}

fn of_deprecated(catalog: &Catalog, line: &NewLine) -> Vec<NewNotice> {
    let lifecycle = line.fields.get("lifecycle");
    let said = |end: &str| lifecycle.and_then(|change| change.get(end)).and_then(Value::as_str).is_some_and(says_deprecated);
    let is_new = is_leant_on(&line.entity) && said("to") && !said("from");
    let Some(entry) = catalog.find(&line.entity).filter(|entry| is_new && is_deprecated(&entry.entity)) else {
        return Vec::new();
    };
    let owner = owner_of(catalog, &entry.entity.entity_ref);
    dependents(catalog, line, NoticeKind::Deprecated, owner)
}

fn of_removed(catalog: &Catalog, line: &NewLine) -> Vec<NewNotice> {
    let is_gone = catalog.find(&line.entity).is_none() && successor(catalog, &line.entity).is_none();
    if !is_leant_on(&line.entity) || !is_gone {
        return Vec::new();
    }
    let owner = catalog.gone(&line.entity).and_then(|gone| gone.owner.clone());
    dependents(catalog, line, NoticeKind::Removed, owner)
}

/// One for each owner of what leans on it, but whose it is: they know.
fn dependents(catalog: &Catalog, line: &NewLine, kind: NoticeKind, owner: Option<EntityRef>) -> Vec<NewNotice> {
    let leaning = [RelationType::DependencyOf, RelationType::ApiConsumedBy];
    let mut through: BTreeMap<EntityRef, Vec<EntityRef>> = BTreeMap::new();
    for dependent in leaning.into_iter().flat_map(|relation| catalog.related(&line.entity, relation)) {
        let Some(team) = owner_of(catalog, &dependent).filter(|team| Some(team) != owner.as_ref()) else { continue };
        let theirs = through.entry(team).or_default();
        if !theirs.contains(&dependent) {
            theirs.push(dependent);
        }
    }
    let notice = |(team, through)| NewNotice {
        team,
        entity: line.entity.clone(),
        kind,
        other: owner.clone(),
        through,
        history_id: line.id,
        happened_at: line.seen_at,
    };
    through.into_iter().map(notice).collect()
}

/// Plans what is told of changes: those of one owner as one message, when their hours allow it.
pub fn plan_changes(scene: &Scene<'_>, occasion: Occasion<'_>) -> Changes {
    let mut changes = Changes::default();
    let mut gate = Gate::new(scene, occasion);
    let mut by_team: BTreeMap<&EntityRef, Vec<&Notice>> = BTreeMap::new();
    for notice in scene.notices {
        by_team.entry(&notice.team).or_default().push(notice);
    }
    for (team, notices) in by_team {
        if !occasion.concerns(Some(team)) {
            continue;
        }
        let (told, dropped) = sort_out(scene, team, &notices);
        changes.dropped.extend(dropped);
        if told.is_empty() || (occasion == Occasion::Due && !is_settled(scene, &told)) {
            continue;
        }
        // What has to wait stays where it is.
        let Ok((places, others)) = gate.allow(Some(team)) else { continue };
        let messages = compose(scene, &gate, team, &told, &places, &others);
        let destinations: Vec<&str> = places.iter().map(|place| place.to.as_str()).collect();
        changes.shown.push(Change {
            team: team.to_string(),
            destination: destinations.join(", "),
            says: told.iter().map(|told| sentence(scene.catalog, told).to_plain()).collect(),
        });
        let ids = told.iter().flat_map(|told| told.ids.iter().copied()).collect();
        changes.told.push(ToldNotices { ids, messages });
    }
    changes
}

fn is_settled(scene: &Scene<'_>, told: &[Told<'_>]) -> bool {
    let ages = || told.iter().map(|told| scene.now - told.notice.happened_at);
    ages().min().is_some_and(|newest| newest >= SETTLED_AFTER) || ages().max().is_some_and(|oldest| oldest >= SETTLED_WITHIN)
}

/// One change as it is told: the first word on it, checked against how it stands now.
struct Told<'a> {
    notice: &'a Notice,
    /// Of all that it stands for.
    ids: Vec<i64>,
    /// The owner on the other side, as it is now.
    other: Option<EntityRef>,
}

/// What is still so, by entity; and the numbers of what came to nothing.
fn sort_out<'a>(scene: &Scene<'_>, team: &EntityRef, notices: &[&'a Notice]) -> (Vec<Told<'a>>, Vec<i64>) {
    let catalog = scene.catalog;
    let mut alike: BTreeMap<(&EntityRef, bool), Vec<&'a Notice>> = BTreeMap::new();
    for notice in notices {
        let is_of_owner = matches!(notice.kind, NoticeKind::Gained | NoticeKind::Lost);
        alike.entry((&notice.entity, is_of_owner)).or_default().push(notice);
    }
    let (mut told, mut dropped) = (Vec::new(), Vec::new());
    for ((entity, is_of_owner), notices) in alike {
        let ids: Vec<i64> = notices.iter().map(|notice| notice.id).collect();
        // Of the owner the first word counts, since nobody has heard what was before it; else the last.
        let Some(notice) = (if is_of_owner { notices.first() } else { notices.last() }).copied() else { continue };
        let entry = catalog.find(entity);
        let owner = owner_of(catalog, entity);
        let is_so = match notice.kind {
            NoticeKind::Gained => owner.as_ref() == Some(team),
            NoticeKind::Lost => entry.is_some() && owner.as_ref() != Some(team),
            NoticeKind::Deprecated => entry.is_some_and(|entry| is_deprecated(&entry.entity)),
            NoticeKind::Removed => entry.is_none(),
        };
        if !is_so || !is_answering(catalog, team) || scene.now - notice.happened_at > NEWS_FOR {
            dropped.extend(ids);
            continue;
        }
        let other = if notice.kind == NoticeKind::Lost { owner } else { notice.other.clone() };
        told.push(Told { notice, ids, other });
    }
    told.sort_by_key(|told| (told.notice.kind, told.notice.id));
    (told, dropped)
}

fn compose(
    scene: &Scene<'_>,
    gate: &Gate<'_>,
    team: &EntityRef,
    told: &[Told<'_>],
    places: &[Place],
    others: &[String],
) -> Vec<NewRoundMessage> {
    let last = told.iter().flat_map(|told| told.ids.iter().copied()).max().unwrap_or_default();
    let message = |place: &Place| NewRoundMessage {
        key: key_of_word(team.as_str(), CHANGES, place.via.hearer().map(EntityRef::as_str), format!("change {last}")),
        platform: gate.platform(),
        destination: place.to.clone(),
        others: others.to_vec(),
        any_hour: false,
        calm: 0,
        reply: reply(scene.catalog, team, told, &place.via),
        keys: Vec::new(),
        shown: Vec::new(),
    };
    places.iter().map(message).collect()
}

fn reply(catalog: &Catalog, team: &EntityRef, told: &[Told<'_>], via: &Via) -> Reply {
    let name = label(catalog, team.as_str());
    let whom = match via {
        Via::CatchAll => Text::plain("For ").bold(name).say(", which no channel is known of: "),
        Via::Lead(_) => Text::plain("For ").bold(name).say(", which you lead: "),
        Via::Member(_) => Text::plain("For ").bold(name).say(", which you are in: "),
        Via::Channel(_) | Via::Owner(_) => Text::new().bold(name).say(": "),
    };
    let lead = match told {
        [one] => whom.join(sentence(catalog, one)),
        several => whom.say(format!("{} have changed in the catalog.", counted(several.len(), "thing"))),
    };
    let mut reply = Reply::new(Status::Answered, "hygiene", lead);
    reply.audience = Audience::Everyone;
    reply.refs = told.iter().map(|told| told.notice.entity.to_string()).collect();
    reply.refs.dedup();
    let (spelt, rest) = told.split_at(told.len().min(MOST_SPELT_OUT));
    match spelt {
        [one] => reply.buttons = buttons(one),
        several => reply.cards.extend(several.iter().map(|told| Card {
            body: vec![Block::Paragraph(sentence(catalog, told))],
            buttons: buttons(told),
            ..Card::default()
        })),
    }
    if !rest.is_empty() {
        let items = rest.iter().map(|told| ListItem::new(sentence(catalog, told))).collect();
        reply.cards.push(Card { body: vec![Block::List { style: ListStyle::Bullets, items }], ..Card::default() });
    }
    reply
}

/// "**Payments API** is yours now; it was Ledger's before."
fn sentence(catalog: &Catalog, told: &Told<'_>) -> Text {
    let notice = told.notice;
    let other = told.other.as_ref().map(|other| label(catalog, other.as_str()));
    // What is gone is still called what it was called.
    let gone = catalog.gone(&notice.entity).map(|gone| gone.label.clone());
    let text = Text::new().bold(gone.unwrap_or_else(|| name_of(catalog, &notice.entity)));
    match (notice.kind, other) {
        (NoticeKind::Gained, Some(other)) => text.say(format!(" is yours now; before, it was {other}'s.")),
        (NoticeKind::Gained, None) => text.say(" is yours now; nobody was named as its owner before."),
        (NoticeKind::Lost, Some(other)) => text.say(format!(" is {other}'s now, and not yours any more.")),
        (NoticeKind::Lost, None) => text.say(" is not yours any more, and nobody answers for it now."),
        (NoticeKind::Deprecated, _) => text.say(format!(" is deprecated. {}", leaning(catalog, notice))),
        (NoticeKind::Removed, _) => text.say(format!(" is not in the catalog any more. {}", leaning(catalog, notice))),
    }
}

/// "Of yours, Cart and Checkout lean on it."
fn leaning(catalog: &Catalog, notice: &Notice) -> String {
    let named: Vec<String> = notice.through.iter().take(NAMED).map(|entity| name_of(catalog, entity)).collect();
    let more = notice.through.len().saturating_sub(NAMED);
    let named = match (named.as_slice(), more) {
        ([all @ .., last], 0) if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        (names, 0) => names.join(", "),
        (names, more) => format!("{} and {more} more", names.join(", ")),
    };
    let lean = if notice.through.len() == 1 { "leans" } else { "lean" };
    format!("Of yours, {named} {lean} on it.")
}

fn buttons(told: &Told<'_>) -> Vec<Button> {
    let entity = &told.notice.entity;
    match told.notice.kind {
        NoticeKind::Gained => vec![
            Button::say("What is open there", format!("hygiene {entity}")),
            Button::say("That is wrong", format!("report {entity}")),
        ],
        NoticeKind::Lost => vec![Button::say("That is wrong", format!("report {entity}"))],
        NoticeKind::Deprecated => vec![Button::say("Who owns it", format!("owner {entity}"))],
        NoticeKind::Removed => vec![Button::say("What happened", format!("history {entity}"))],
    }
}
