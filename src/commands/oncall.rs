//! `/oncall NAME`: who is on call now and next, until when, and how old the answer is.
//! Must not ask a provider: a pure function of what was read last.

use super::{
    Asking,
    answer::{
        age::age,
        names::{channel_text, label},
        on_call::{Duty, age_text, duty_text, escalation_text, find_duty, first_called, next_text, people_text, provider_word},
        provenance,
        subject::{self, Subject},
    },
};
use crate::{
    catalog::{
        Catalog, Entity, EntityRef, Entry, Kind, RelationType,
        live::{Named, Says, ScheduleKey, Shift},
    },
    chat::{Arguments, Block, Button, Card, Fact, ListItem, ListStyle, Reply, Span, Status, Text, Tone},
};

/// Schedules of a team or system that are shown before "+ n".
const SCHEDULES: usize = 10;
/// Things of a team or system that are looked at.
const THINGS: usize = 500;

/// The arguments of `commands/oncall.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnCallOf {
    /// `None`: the team of the conversation.
    pub name: Option<String>,
}

impl From<&Arguments> for OnCallOf {
    fn from(arguments: &Arguments) -> Self {
        Self { name: arguments.find("name").map(str::to_owned) }
    }
}

pub fn oncall(catalog: &Catalog, asking: &Asking<'_>, args: &OnCallOf) -> Reply {
    let typed = match (&args.name, channel_team(asking)) {
        (Some(name), _) => name.clone(),
        (None, Some(team)) => team.to_string(),
        (None, None) => {
            let lead = "No team is known for this conversation. Write a name, as in /oncall payments-api.";
            return Reply::new(Status::NotFound, "oncall", lead.into());
        }
    };
    let subject = match subject::resolve(catalog, asking, "oncall", &typed) {
        Ok(subject) => subject,
        Err(reply) => return *reply,
    };
    let entity = &subject.entry.entity;
    let mut reply = match find_duty(catalog, asking, entity) {
        Some(duty) => one(catalog, asking, &subject, &duty),
        None => match below(catalog, asking, entity).as_slice() {
            [] => none(catalog, asking, &subject.entry),
            several => many(catalog, asking, entity, several),
        },
    };
    reply.refs = vec![entity.entity_ref.to_string()];
    reply.cards.extend(stale_card(asking));
    reply.provenance = Some(provenance::of_file(catalog, asking, &subject.entry.origin));
    subject.own_up(&mut reply);
    reply
}

fn channel_team<'a>(asking: &'a Asking<'_>) -> Option<&'a EntityRef> {
    let place = asking.place?;
    asking.live.channels.find(asking.account.platform.as_str(), &place.channel_id)
}

/// "Ana Silva is on call for Payments API until 18:00."
fn one(catalog: &Catalog, asking: &Asking<'_>, subject: &Subject, duty: &Duty<'_>) -> Reply {
    let entity = &subject.entry.entity;
    let key = &duty.named.key;
    let Some(shift) = duty.shift.filter(|shift| shift.read_at.is_some() && (shift.fault.is_none() || !shift.now.is_empty()))
    else {
        return unknown(catalog, entity, duty);
    };
    let lead = if shift.now.is_empty() {
        Text::plain("Nobody is on call for ").bold(entity.label())
    } else {
        let people = people_text(catalog, first_called(shift));
        let verb = if first_called(shift).count() == 1 { " is on call for " } else { " are on call for " };
        people.say(verb).bold(entity.label())
    };
    let lead = match shift.until {
        Some(until) if !shift.now.is_empty() => lead.say(" until ").push(Span::Time(until)).say("."),
        _ => lead.say("."),
    };
    let mut reply = Reply::new(Status::Answered, "oncall", lead);
    let mut body = Vec::new();
    if let Some(old) = age_text(asking, shift) {
        body.push(Block::Warning(old.say(". Somebody else may have taken over.")));
    }
    let tone = if body.is_empty() { Tone::Neutral } else { Tone::Warning };
    let footer = shift
        .read_at
        .map_or_else(Text::new, |at| Text::plain(format!("{} answered {}", provider_word(key), age(at, asking.now))));
    let fields = facts(catalog, entity, duty, shift);
    reply.cards.push(Card { tone, fields, body, footer, ..Card::default() });
    reply.buttons = buttons(asking, entity, key, Some(shift));
    reply
}

fn facts(catalog: &Catalog, entity: &Entity, duty: &Duty<'_>, shift: &Shift) -> Vec<Fact> {
    let mut facts = Vec::new();
    if !shift.now.is_empty() {
        facts.push(Fact::new("Now", people_text(catalog, first_called(shift))));
    }
    if let Some(escalation) = escalation_text(catalog, shift) {
        facts.push(Fact::new("Then", escalation));
    }
    if let Some(until) = shift.until {
        facts.push(Fact::new("Until", Text::new().push(Span::Time(until))));
    }
    facts.push(Fact::new("Next", next_text(catalog, shift).unwrap_or_else(|| "not known".into())));
    let written = first_called(shift).filter_map(|person| {
        let email = person.email.as_deref()?;
        Some(Text::new().link(email, format!("mailto:{email}")))
    });
    let written: Vec<Text> = written.take(2).collect();
    if !written.is_empty() {
        facts.push(Fact::new("Write to", Text::list(written, ", ")));
    }
    let team = if entity.kind == Kind::Group { Some(&entity.entity_ref) } else { entity.owner() };
    if let Some(channel) = team.and_then(|team| channel_text(catalog, team)) {
        facts.push(Fact::new("Channel", channel));
    }
    facts.push(Fact::new("Schedule", schedule_text(catalog, duty, shift)));
    facts
}

/// "Payments (PagerDuty), named by the team Payments".
fn schedule_text(catalog: &Catalog, duty: &Duty<'_>, shift: &Shift) -> Text {
    let key = &duty.named.key;
    // Integration keys may send events, so a schedule without a title is named by its provider alone.
    let title = shift.title.as_deref().unwrap_or(provider_word(key));
    let text = match &shift.url {
        Some(url) => Text::new().link(title, url.as_str()),
        None => Text::plain(title),
    };
    match duty.named.says {
        Says::Own => text.say(", named by itself"),
        Says::System => text.say(format!(", named by its system {}", label(catalog, &duty.named.by))),
        Says::Owner => text.say(format!(", named by its owner {}", label(catalog, &duty.named.by))),
    }
}

/// A schedule is named, and what it says is not known.
fn unknown(catalog: &Catalog, entity: &Entity, duty: &Duty<'_>) -> Reply {
    let key = &duty.named.key;
    let why = match duty.shift.and_then(|shift| shift.fault.as_deref()) {
        Some(fault) => format!("{} said: {fault}", capital(provider_word(key))),
        None => "It is being asked now; try again in a minute".to_owned(),
    };
    let lead = Text::plain("Who is on call for ").bold(entity.label()).say(format!(" is not known. {why}."));
    let mut reply = Reply::new(Status::Answered, "oncall", lead);
    let team = if entity.kind == Kind::Group { Some(&entity.entity_ref) } else { entity.owner() };
    if let Some(channel) = team.and_then(|team| channel_text(catalog, team)) {
        let fields = vec![Fact::new("Channel", channel)];
        reply.cards.push(Card { tone: Tone::Warning, fields, ..Card::default() });
    }
    reply.buttons.push(Button::say("Owner", format!("owner {}", entity.entity_ref)));
    reply
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Schedules of what belongs to a team or system, each once, with the things that are under it.
fn below(catalog: &Catalog, asking: &Asking<'_>, entity: &Entity) -> Vec<(ScheduleKey, Vec<EntityRef>)> {
    let relation = match entity.kind {
        Kind::Group => RelationType::OwnerOf,
        Kind::System | Kind::Domain => RelationType::HasPart,
        _ => return Vec::new(),
    };
    let mut found: Vec<(ScheduleKey, Vec<EntityRef>)> = Vec::new();
    for part in catalog.related(&entity.entity_ref, relation).into_iter().take(THINGS) {
        let Some(key) = catalog.find(&part).and_then(|entry| asking.live.on_call.own_schedule(&entry.entity)) else { continue };
        match found.iter_mut().find(|(known, _)| *known == key) {
            Some((_, parts)) => parts.push(part),
            None => found.push((key, vec![part])),
        }
    }
    found
}

fn many(catalog: &Catalog, asking: &Asking<'_>, entity: &Entity, found: &[(ScheduleKey, Vec<EntityRef>)]) -> Reply {
    let schedules = if found.len() == 1 { "1 schedule" } else { &format!("{} schedules", found.len()) };
    let what = if entity.kind == Kind::Group { "it owns" } else { "it is made of" };
    let lead = Text::new().bold(entity.label()).say(format!(" names no schedule itself; what {what} has {schedules}."));
    let mut reply = Reply::new(Status::Answered, "oncall", lead);
    let items = found.iter().take(SCHEDULES).filter_map(|(key, parts)| {
        let named = Named { key: key.clone(), by: parts.first()?.clone(), says: Says::Own };
        let duty = Duty { shift: asking.live.on_call.find(key), named };
        let names = parts.iter().take(3).map(|part| Text::new().bold(label(catalog, part)));
        let names = Text::list(names, ", ");
        let names = if parts.len() > 3 { names.say(format!(" + {}", parts.len() - 3)) } else { names };
        Some(ListItem::new(names.say(": ").join(duty_text(catalog, asking, &duty))))
    });
    let items = items.collect();
    let mut body = vec![Block::List { style: ListStyle::Bullets, items }];
    if found.len() > SCHEDULES {
        body.push(Block::Paragraph(format!("+ {} more", found.len() - SCHEDULES).into()));
    }
    reply.cards.push(Card { body, ..Card::default() });
    reply.buttons.push(Button::say("Owner", format!("owner {}", entity.entity_ref)));
    reply
}

/// Says what is to be written, and where.
fn none(catalog: &Catalog, asking: &Asking<'_>, entry: &Entry) -> Reply {
    let entity = &entry.entity;
    let lead = Text::plain("No on-call schedule is known for ").bold(entity.label()).say(".");
    let mut reply = Reply::new(Status::NotFound, "oncall", lead);
    let providers = &asking.live.on_call.providers;
    let annotations = providers.iter().flat_map(|provider| &provider.annotations);
    let annotations: Vec<Text> = annotations.map(|annotation| Text::new().code(annotation.as_str())).collect();
    let said = if annotations.is_empty() {
        Text::plain("No on-call provider is set up: whoever runs Steward names one under ")
            .code("on_call")
            .say(" in steward.yaml.")
    } else {
        let places = match entity.kind {
            Kind::Group => "in the entry of the team",
            Kind::User => "in the entry of a team or component; persons have none",
            _ => "in its own entry, in that of its system, or in that of the team that owns it",
        };
        Text::plain("Set the annotation ").join(Text::list(annotations, " or ")).say(format!(" {places}."))
    };
    let mut body = vec![Block::Paragraph(said)];
    let team = if entity.kind == Kind::Group { Some(&entity.entity_ref) } else { entity.owner() };
    if let Some((team, channel)) = team.and_then(|team| Some((team, channel_text(catalog, team)?))) {
        body.push(Block::Paragraph(Text::plain(format!("Until then ask {} in ", label(catalog, team))).join(channel).say(".")));
    }
    reply.cards.push(Card { body, ..Card::default() });
    reply.buttons.push(Button::say("Owner", format!("owner {}", entity.entity_ref)));
    reply.buttons.extend(entry.origin.url().map(|url| Button::open("The entry", url)));
    reply
}

fn buttons(asking: &Asking<'_>, entity: &Entity, key: &ScheduleKey, shift: Option<&Shift>) -> Vec<Button> {
    let full = &entity.entity_ref;
    let mut buttons = Vec::new();
    if asking.live.on_call.provider(&key.provider).is_some_and(|provider| provider.cannot_page.is_none()) {
        buttons.push(Button::say("Page on-call", format!("page {full}")));
    }
    buttons.push(Button::say("Owner", format!("owner {full}")));
    buttons.push(Button::say("Refresh", format!("oncall {full}")));
    buttons.extend(shift.and_then(|shift| shift.url.clone()).map(|url| Button::open("Schedule", url)));
    buttons
}

/// The catalog's own age is small print here; that PostgreSQL is away matters less than who is called.
fn stale_card(asking: &Asking<'_>) -> Option<Card> {
    let body = provenance::away_warning(asking);
    (!body.is_empty()).then(|| Card { tone: Tone::Warning, body, ..Card::default() })
}
