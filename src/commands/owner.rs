//! `/owner NAME`: who answers for it and how to reach them. Works for every kind.
//! Must not wait for anything: a pure function of the snapshot.

mod around;
mod buttons;
mod changed;
mod links;

pub use changed::missing_news;
pub use links::titled_links;

use chrono::NaiveTime;

use super::{
    Asking,
    answer::{
        age::{age, count},
        names::{
            bare_name, channel_text, kind_word, label, labels_text, lead_text, members, own_channel, owner_text, people_text,
            person, short_ref, user_group,
        },
        on_call::{duty_text, find_duty, first_called, people_text as on_call_people},
        provenance,
        subject::{self, Subject},
        warnings,
    },
};
use crate::{
    catalog::{Catalog, Entity, EntityRef, Entry, Kind, RelationType},
    chat::{Arguments, Block, Card, Fact, ListItem, ListStyle, Reply, Span, Status, Text, Tone, limits::CARD_FIELDS},
    hygiene::week,
};

/// People shown of a team before "+ n".
const PEOPLE: usize = 8;

/// What a team owns, shown before "+ n more".
const OWNED: usize = 10;

/// The arguments of `commands/owner.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    pub name: String,
}

impl From<&Arguments> for Owner {
    fn from(arguments: &Arguments) -> Self {
        Self { name: arguments.find("name").unwrap_or_default().to_owned() }
    }
}

pub fn owner(catalog: &Catalog, asking: &Asking<'_>, args: &Owner) -> Reply {
    match subject::resolve(catalog, asking, "owner", &args.name) {
        Ok(subject) => describe(catalog, asking, &subject),
        Err(reply) => *reply,
    }
}

fn describe(catalog: &Catalog, asking: &Asking<'_>, subject: &Subject) -> Reply {
    let entry = &subject.entry;
    let entity = &entry.entity;
    let alarm = alarm(catalog, asking, entry);
    let tone = alarm.as_ref().map_or(Tone::Neutral, |alarm| alarm.tone);
    let mut body = Vec::new();
    if let Some(description) = &entity.description {
        body.push(Block::Paragraph(description.trim().into()));
    }
    let (lead, mut fields) = match entity.kind {
        Kind::Group => (group_lead(catalog, entity), group_fields(catalog, asking, entity)),
        Kind::User => (user_lead(catalog, entity), user_fields(catalog, entity)),
        Kind::System | Kind::Domain => (owned_lead(catalog, asking, entry), whole_fields(catalog, asking, entity)),
        Kind::Component | Kind::Api | Kind::Resource | Kind::Location | Kind::Template | Kind::Custom(_) => {
            (owned_lead(catalog, asking, entry), thing_fields(catalog, asking, entry))
        }
    };
    fields.truncate(CARD_FIELDS);
    body.extend(owned_things(catalog, asking, entity));
    body.extend(around::around(catalog, entity));
    body.extend(changed::changed(catalog, asking, entry));
    body.extend(links::links(asking, entity));
    if !subject.also.is_empty() {
        body.push(Block::Paragraph(also(entity, &subject.also)));
    }
    let title = Text::new().bold(entity.label()).say("  ").code(short_ref(&entity.entity_ref));
    let mut reply = Reply::new(Status::Answered, "owner", lead);
    reply.refs = vec![entity.entity_ref.to_string()];
    reply.refs.extend(subject.also.iter().map(|entry| entry.entity.entity_ref.to_string()));
    reply.cards.extend(alarm);
    reply.cards.push(Card {
        tone,
        title,
        fields,
        body,
        buttons: buttons::buttons(catalog, asking, entry),
        footer: confirmed(asking, entry),
    });
    reply.provenance = Some(provenance::of_file(catalog, asking, &entry.origin));
    subject.own_up(&mut reply);
    reply
}

/// "Confirmed 3 weeks ago by Ana Silva."; empty where nobody has.
fn confirmed(asking: &Asking<'_>, entry: &Entry) -> Text {
    let judged = asking.live.coverage.judged.get(&entry.entity.entity_ref);
    let Some((day, by)) = week::confirmed(entry, judged) else { return Text::new() };
    let at = judged.filter(|_| by.is_some()).map_or_else(|| day.and_time(NaiveTime::MIN).and_utc(), |judged| judged.at);
    let by = by.map_or_else(|| " in its descriptor".to_owned(), |by| format!(" by {by}"));
    Text::plain(format!("Confirmed as right {}{by}.", age(at, asking.now)))
}

/// What nobody may miss, on a card of its own before all facts.
fn alarm(catalog: &Catalog, asking: &Asking<'_>, entry: &Entry) -> Option<Card> {
    let (tone, warnings) = warnings::warnings(catalog, entry);
    let mut body = changed::open_incidents(asking, &entry.entity);
    let tone = if body.is_empty() { tone } else { Tone::Critical };
    body.extend(warnings);
    body.extend(provenance::warnings(catalog, asking, &entry.origin));
    let tone = if tone == Tone::Neutral { Tone::Warning } else { tone };
    (!body.is_empty()).then(|| Card { tone, body, ..Card::default() })
}

/// "Payments API is owned by Team Payments: #team-payments, on call Ana Silva."; the lead where nobody is known to be.
fn owned_lead(catalog: &Catalog, asking: &Asking<'_>, entry: &Entry) -> Text {
    let lead = Text::new().bold(entry.entity.label());
    let known = entry.entity.owner().and_then(|owner| Some((owner, catalog.find(owner)?)));
    let Some((owner, found)) = known else { return no_owner_lead(catalog, entry, lead) };
    let lead = lead.say(" is owned by ").join(owner_text(catalog, owner));
    let person = on_call_now(catalog, asking, &entry.entity).map(|person| Text::plain("on call ").join(person));
    let person = person.or_else(|| lead_text(catalog, &found.entity).map(|lead| Text::plain("lead ").join(lead)));
    let reach = [channel_text(catalog, owner), person];
    let reach: Vec<Text> = reach.into_iter().flatten().collect();
    if reach.is_empty() {
        return match found.entity.kind {
            Kind::Group => lead.say(". No channel is known for them."),
            _ => lead.say("."),
        };
    }
    lead.say(": ").join(Text::list(reach, ", ")).say(".")
}

/// "reviews has no known owner. Ask Catalog in #team-catalog."
fn no_owner_lead(catalog: &Catalog, entry: &Entry, lead: Text) -> Text {
    let lead = lead.say(" has no known owner.");
    let Some((instead, _)) = warnings::stand_in(catalog, entry) else { return lead };
    let lead = lead.say(" Ask ").join(owner_text(catalog, &instead));
    match channel_text(catalog, &instead) {
        Some(channel) => lead.say(" in ").join(channel).say("."),
        None => lead.say("."),
    }
}

pub(super) fn group_lead(catalog: &Catalog, group: &Entity) -> Text {
    let lead = Text::new().bold(group.label());
    match channel_text(catalog, &group.entity_ref) {
        Some(channel) => lead.say(": reach them in ").join(channel).say("."),
        None => match &group.email {
            Some(email) => lead.say(": no channel is known; write to ").link(email.as_str(), format!("mailto:{email}")).say("."),
            None => lead.say(": no channel is known for them."),
        },
    }
}

fn user_lead(catalog: &Catalog, user: &Entity) -> Text {
    let lead = Text::new().bold(user.label());
    let known = person(user);
    if known.slack_id.is_some() || known.discord_id.is_some() {
        lead.say(": write to ").push(Span::Person(known)).say(" directly.")
    } else {
        match &user.email {
            Some(email) => lead.say(": write to ").link(email.as_str(), format!("mailto:{email}")).say("."),
            None => match catalog.related(&user.entity_ref, RelationType::MemberOf).first() {
                Some(team) => match channel_text(catalog, team) {
                    Some(channel) => lead.say(format!(" is in {}: ask in ", label(catalog, team))).join(channel).say("."),
                    None => lead.say(format!(" is in {}. No channel or address is known.", label(catalog, team))),
                },
                None => lead.say(" is in no team, and no account or address is known."),
            },
        }
    }
}

/// Who is called first, where somebody is.
fn on_call_now(catalog: &Catalog, asking: &Asking<'_>, entity: &Entity) -> Option<Text> {
    let duty = find_duty(catalog, asking, entity)?;
    let shift = duty.shift.filter(|shift| !shift.now.is_empty())?;
    Some(on_call_people(catalog, first_called(shift)))
}

/// Who is on call now and next, with the schedule's own address.
fn on_call_field(catalog: &Catalog, asking: &Asking<'_>, entity: &Entity) -> Option<Fact> {
    let duty = find_duty(catalog, asking, entity)?;
    Some(Fact::new("On call", duty_text(catalog, asking, &duty)))
}

/// Facts of a Component, API, Resource and the like: how to reach somebody, and the runbook, come first.
fn thing_fields(catalog: &Catalog, asking: &Asking<'_>, entry: &Entry) -> Vec<Fact> {
    let entity = &entry.entity;
    let mut fields = owner_fields(catalog, asking, entity);
    let at = fields.iter().position(|fact| fact.name == "Lead").unwrap_or(fields.len());
    fields.splice(at..at, super::runbook::place_text(catalog, entry).map(|place| Fact::new("Runbook", place)));
    fields.push(Fact::new("Type", kind_and_lifecycle(entity).into()));
    let systems = catalog.related(&entity.entity_ref, RelationType::PartOf);
    if let Some(system) = systems.first() {
        let domains = catalog.related(system, RelationType::PartOf);
        let domain = domains.first().map(|domain| format!(" (in {})", label(catalog, domain))).unwrap_or_default();
        fields.push(Fact::new("Part of", format!("{}{domain}", label(catalog, system)).into()));
    }
    fields
}

fn kind_and_lifecycle(entity: &Entity) -> String {
    let kind = kind_word(entity);
    match &entity.lifecycle {
        Some(lifecycle) => format!("{kind}, {lifecycle}"),
        None => kind,
    }
}

/// Facts of the owner: how to reach them comes first.
fn owner_fields(catalog: &Catalog, asking: &Asking<'_>, entity: &Entity) -> Vec<Fact> {
    let on_call = on_call_field(catalog, asking, entity);
    let Some(owner) = entity.owner() else { return on_call.into_iter().collect() };
    let mut fields = vec![Fact::new("Owner", owner_text(catalog, owner))];
    if let Some(found) = catalog.find(owner).filter(|found| found.entity.kind == Kind::Group) {
        fields.extend(team_fields(catalog, &found.entity));
    }
    let at = fields.iter().position(|fact| !matches!(fact.name.as_str(), "Owner" | "Channel" | "User group"));
    let at = at.unwrap_or(fields.len());
    fields.splice(at..at, on_call);
    fields
}

/// Channel, lead, the team above and its people.
pub(super) fn team_fields(catalog: &Catalog, group: &Entity) -> Vec<Fact> {
    let mut fields = Vec::new();
    if let Some(channel) = channel_text(catalog, &group.entity_ref) {
        fields.push(Fact::new("Channel", channel));
    }
    if let Some(user_group) = user_group(group) {
        fields.push(Fact::new("User group", user_group));
    }
    if let Some(lead) = lead_text(catalog, group) {
        fields.push(Fact::new("Lead", lead));
    }
    if let Some(parent) = catalog.related(&group.entity_ref, RelationType::ChildOf).first() {
        fields.push(Fact::new("Belongs to", label(catalog, parent).into()));
    }
    let (people, unknown) = members(catalog, &group.entity_ref);
    if !people.is_empty() {
        let text = people_text(people, PEOPLE);
        let text = if unknown > 0 { text.say(format!(" and {unknown} not in the catalog")) } else { text };
        fields.push(Fact::new("People", text));
    }
    fields
}

fn group_fields(catalog: &Catalog, asking: &Asking<'_>, group: &Entity) -> Vec<Fact> {
    let mut fields = team_fields(catalog, group);
    let at = fields.iter().position(|fact| !matches!(fact.name.as_str(), "Channel" | "User group")).unwrap_or(fields.len());
    fields.splice(at..at, on_call_field(catalog, asking, group));
    let children = catalog.related(&group.entity_ref, RelationType::ParentOf);
    if !children.is_empty() {
        fields.push(Fact::new("Teams in it", labels_text(catalog, &children, PEOPLE)));
    }
    let channel = own_channel(group);
    // A channel has its own fact already; the address is for those who have no chat.
    if let (Some(email), Some(_)) = (&group.email, channel) {
        fields.push(Fact::new("E-mail", Text::new().link(email.as_str(), format!("mailto:{email}"))));
    }
    fields.push(Fact::new("Owns", owned_counts(catalog, &group.entity_ref).into()));
    fields
}

fn user_fields(catalog: &Catalog, user: &Entity) -> Vec<Fact> {
    let groups = catalog.related(&user.entity_ref, RelationType::MemberOf);
    let teams = if groups.is_empty() { "none".into() } else { labels_text(catalog, &groups, PEOPLE) };
    let mut fields = vec![Fact::new("Teams", teams)];
    if let Some(channel) = groups.first().and_then(|group| channel_text(catalog, group)) {
        fields.push(Fact::new("Their team's channel", channel));
    }
    if let Some(email) = &user.email {
        fields.push(Fact::new("E-mail", Text::new().link(email.as_str(), format!("mailto:{email}"))));
    }
    fields.push(Fact::new("Owns", owned_counts(catalog, &user.entity_ref).into()));
    fields
}

/// Facts of a System or Domain.
fn whole_fields(catalog: &Catalog, asking: &Asking<'_>, entity: &Entity) -> Vec<Fact> {
    let mut fields = owner_fields(catalog, asking, entity);
    if let Some(above) = catalog.related(&entity.entity_ref, RelationType::PartOf).first() {
        fields.push(Fact::new("Part of", label(catalog, above).into()));
    }
    let parts = catalog.related(&entity.entity_ref, RelationType::HasPart);
    fields.push(Fact::new("Made of", by_kind(catalog, &parts).into()));
    fields
}

fn owned_counts(catalog: &Catalog, owner: &EntityRef) -> String {
    by_kind(catalog, &catalog.related(owner, RelationType::OwnerOf))
}

/// "4 components, 2 APIs"; "nothing" where there is nothing.
fn by_kind(catalog: &Catalog, refs: &[EntityRef]) -> String {
    let mut counts: Vec<(Kind, usize)> = Vec::new();
    for entry in refs.iter().filter_map(|entity_ref| catalog.find(entity_ref)) {
        match counts.iter_mut().find(|(kind, _)| *kind == entry.entity.kind) {
            Some((_, number)) => *number += 1,
            None => counts.push((entry.entity.kind.clone(), 1)),
        }
    }
    counts.sort();
    let words = counts.into_iter().map(|(kind, number)| match kind {
        Kind::Api => count(number, "API"),
        kind => count(number, &kind.as_str().to_lowercase()),
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

/// What a team or person owns, or a system is made of, weightiest first.
pub(super) fn owned_things(catalog: &Catalog, asking: &Asking<'_>, entity: &Entity) -> Vec<Block> {
    let relation = match entity.kind {
        Kind::Group | Kind::User => RelationType::OwnerOf,
        Kind::System | Kind::Domain => RelationType::HasPart,
        _ => return Vec::new(),
    };
    let mut things: Vec<&std::sync::Arc<Entry>> = Vec::new();
    let refs = catalog.related(&entity.entity_ref, relation);
    things.extend(refs.iter().filter_map(|entity_ref| catalog.find(entity_ref)));
    if things.is_empty() {
        return Vec::new();
    }
    catalog.sort_by_weight(&mut things, asking.sought(""));
    let more = things.len().saturating_sub(OWNED);
    let items: Vec<ListItem> = things
        .iter()
        .take(OWNED)
        .map(|entry| {
            let name = Text::new().bold(entry.entity.label());
            // A label that is the name says enough beside the kind.
            let name = if entry.entity.label() == bare_name(&entry.entity.entity_ref) {
                name
            } else {
                name.say(" ").code(short_ref(&entry.entity.entity_ref))
            };
            ListItem::new(name.say(format!(": {}", kind_and_lifecycle(&entry.entity))))
        })
        .collect();
    let more = (more > 0).then(|| Block::Paragraph(format!("+ {more} more").into()));
    [Block::List { style: ListStyle::Bullets, items }].into_iter().chain(more).collect()
}

/// A name may be shared by several kinds, a repository by several things.
fn also(entity: &Entity, others: &[std::sync::Arc<Entry>]) -> Text {
    let names = others.iter().map(|entry| Text::new().code(short_ref(&entry.entity.entity_ref)));
    let same_name = others.iter().any(|other| other.entity.entity_ref.name() == entity.entity_ref.name());
    let what = if same_name { "Of the same name: " } else { "In the same repository: " };
    Text::plain(what).join(Text::list(names, ", ")).say(".")
}
