//! Who is on call, in words: for the card, `/oncall` and whoever wants to page.
//! Must not ask a provider: `Asking` brings what was read last.

use chrono::TimeDelta;

use super::{
    age::age,
    names::{label, person},
};
use crate::{
    catalog::{
        Catalog, Entity,
        live::{HTTP, Named, OnCallPerson, PAGERDUTY, Says, ScheduleKey, Shift},
    },
    chat::{Span, Text},
    commands::Asking,
};

/// Answers older than this say so: the schedule is asked for every minute.
const OLD: TimeDelta = TimeDelta::minutes(5);
/// People of one step, or of the next shift, before "+ n".
const PEOPLE: usize = 3;

/// The schedule of an entity with its last answer.
#[derive(Debug, Clone)]
pub struct Duty<'a> {
    pub named: Named,
    /// None: it was not read yet.
    pub shift: Option<&'a Shift>,
}

/// The nearest schedule: the entity's own, its system's, its owner's.
pub fn find_duty<'a>(catalog: &Catalog, asking: &'a Asking<'_>, entity: &Entity) -> Option<Duty<'a>> {
    let on_call = &asking.live.on_call;
    let named = on_call.schedule_of(catalog, entity)?;
    let shift = on_call.find(&named.key);
    Some(Duty { named, shift })
}

/// Somebody as the catalog knows them, else as the provider does.
pub fn person_text(catalog: &Catalog, on_call: &OnCallPerson) -> Text {
    match on_call.user.as_ref().and_then(|user| catalog.find(user)) {
        Some(entry) => Text(vec![Span::Person(person(&entry.entity))]),
        None => Text::plain(on_call.name.as_str()),
    }
}

/// "Ana Silva, Ben Okafor + 2".
pub fn people_text<'p>(catalog: &Catalog, people: impl Iterator<Item = &'p OnCallPerson>) -> Text {
    let people: Vec<&OnCallPerson> = people.collect();
    let shown = people.iter().take(PEOPLE).map(|person| person_text(catalog, person));
    let text = Text::list(shown, ", ");
    if people.len() > PEOPLE { text.say(format!(" + {}", people.len() - PEOPLE)) } else { text }
}

/// Those who are called first.
pub fn first_called(shift: &Shift) -> impl Iterator<Item = &OnCallPerson> {
    let first = shift.now.first().map_or(1, |person| person.level);
    shift.now.iter().take_while(move |person| person.level == first)
}

/// "Ana Silva until 18:00, next Ben Okafor; then escalates to Kim Lee. As of 3 h ago: …".
pub fn duty_text(catalog: &Catalog, asking: &Asking<'_>, duty: &Duty<'_>) -> Text {
    let Some(shift) = duty.shift else { return "not known yet; it is being asked".into() };
    if shift.now.is_empty() && (shift.fault.is_some() || shift.read_at.is_none()) {
        let why = shift.fault.as_deref().unwrap_or("it was never read");
        return Text::plain(format!("not known: {why}"));
    }
    let mut text = if shift.now.is_empty() { "nobody".into() } else { people_text(catalog, first_called(shift)) };
    if let Some(until) = shift.until.filter(|_| !shift.now.is_empty()) {
        text = text.say(" until ").push(Span::Time(until));
    }
    let over = shift.until.is_some_and(|until| until <= asking.now);
    if let Some(next) = next_text(catalog, shift) {
        text = text.say(if over { ", then " } else { ", next " }).join(next);
    }
    if let Some(escalation) = escalation_text(catalog, shift) {
        text = text.say("; escalates to ").join(escalation);
    }
    let text = match duty.named.says {
        Says::Own => text,
        Says::System | Says::Owner => text.say(format!(" (schedule of {})", label(catalog, &duty.named.by))),
    };
    match age_text(asking, shift) {
        Some(old) => text.say(". ").join(old),
        None => text,
    }
}

/// "Ben Okafor from 18:00".
pub fn next_text(catalog: &Catalog, shift: &Shift) -> Option<Text> {
    let text = (!shift.next.is_empty()).then(|| people_text(catalog, shift.next.iter()))?;
    let from = shift.next_from.filter(|from| shift.until != Some(*from));
    Some(match from {
        Some(from) => text.say(" from ").push(Span::Time(from)),
        None => text,
    })
}

/// Who is called when the first do not answer.
pub fn escalation_text(catalog: &Catalog, shift: &Shift) -> Option<Text> {
    let called = first_called(shift).count();
    (shift.now.len() > called).then(|| people_text(catalog, shift.now[called..].iter()))
}

/// "As of 3 h ago; PagerDuty: it cannot be reached": said where the answer is old, or the last try failed.
pub fn age_text(asking: &Asking<'_>, shift: &Shift) -> Option<Text> {
    let read_at = shift.read_at?;
    let is_old = asking.now - read_at > OLD;
    if !is_old {
        return None;
    }
    let text = Text::plain(format!("As of {}", age(read_at, asking.now)));
    Some(match &shift.fault {
        Some(fault) => text.say(format!("; since then: {fault}")),
        None => text,
    })
}

/// "PagerDuty", or what the generic provider is called in the configuration.
pub fn provider_word(key: &ScheduleKey) -> &'static str {
    match key.provider.as_str() {
        PAGERDUTY => "PagerDuty",
        HTTP => "the on-call provider",
        _ => "a provider",
    }
}
