//! The hygiene week: every owner says of each entry whether it is still right, and everybody sees how far that is.
//! Must not read or write anything.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};

use super::{
    check::{Facts, check_entry},
    fix::{VERIFIED, Way},
    round::counted,
    standing::owner_of,
};
use crate::{
    catalog::{
        Catalog, EntityRef, Entry, Kind,
        live::{Judged, Verdict},
    },
    chat::{Audience, Block, Button, Card, ListItem, ListStyle, Reply, Status, Text, Tone, limits::cut},
    settings::WeekSettings,
};

/// A week is held for so long, whenever it was begun.
pub const LASTS: TimeDelta = TimeDelta::days(7);

/// Entries in one message: each is a card with buttons.
pub const PAGE: usize = 5;

/// Teams with a bar of their own; the others are counted.
const MOST_TEAMS: usize = 25;

/// Letters of a bar.
const BAR: usize = 10;

/// Of a description that is shown.
const DESCRIPTION: usize = 150;

/// What a week asks of one owner.
#[derive(Debug, Clone)]
pub struct Share {
    pub owner: EntityRef,
    /// All that is theirs, by reference.
    pub entries: Vec<Arc<Entry>>,
    /// Of those, still to be looked at.
    pub open: Vec<Arc<Entry>>,
}

impl Share {
    fn done(&self) -> usize {
        self.entries.len() - self.open.len()
    }
}

/// The Monday on which the week of this quarter begins that the settings name.
pub fn begins_on(settings: &WeekSettings, today: NaiveDate) -> NaiveDate {
    let first = today.with_day(1).and_then(|day| day.with_month0(today.month0() / 3 * 3)).unwrap_or(today);
    let to_monday = u64::from((7 - first.weekday().num_days_from_monday()) % 7);
    let weeks = u64::from(settings.week_of_quarter.max(1) - 1);
    first.checked_add_days(Days::new(to_monday + weeks * 7)).unwrap_or(first)
}

/// The week that the calendar asks for today; `None`: none.
pub fn due(settings: &WeekSettings, today: NaiveDate) -> Option<NaiveDate> {
    let begins = begins_on(settings, today);
    (settings.held && (begins..begins + LASTS).contains(&today)).then_some(begins)
}

/// What somebody runs or keeps, by who answers for it.
pub fn shares(catalog: &Catalog, judged: &BTreeMap<EntityRef, Judged>, since: DateTime<Utc>) -> Vec<Share> {
    let mut shares: BTreeMap<EntityRef, Share> = BTreeMap::new();
    for entry in catalog.entries().iter().filter(|entry| is_asked_about(entry)) {
        let entity = &entry.entity.entity_ref;
        let Some(owner) = owner_of(catalog, entity) else { continue };
        let share = || Share { owner: owner.clone(), entries: Vec::new(), open: Vec::new() };
        let share = shares.entry(owner.clone()).or_insert_with(share);
        share.entries.push(Arc::clone(entry));
        if !is_answered(entry, &owner, judged.get(entity), since) {
            share.open.push(Arc::clone(entry));
        }
    }
    shares.into_values().collect()
}

fn is_asked_about(entry: &Entry) -> bool {
    matches!(entry.entity.kind, Kind::Component | Kind::Api | Kind::Resource | Kind::System | Kind::Domain | Kind::Template)
}

/// Whether its present owner has given their word since then, here or in the descriptor.
fn is_answered(entry: &Entry, owner: &EntityRef, judged: Option<&Judged>, since: DateTime<Utc>) -> bool {
    let said_here = judged.is_some_and(|judged| judged.at >= since && judged.owner.as_ref() == Some(owner));
    said_here || verified_on(entry).is_some_and(|day| day >= since.date_naive())
}

/// The day of `steward.dev/verified`.
pub fn verified_on(entry: &Entry) -> Option<NaiveDate> {
    entry.entity.annotation(VERIFIED).and_then(|day| day.trim().parse().ok())
}

/// The last day on which its owners said that it is right, here or in the descriptor, and who said so, where that is known.
pub fn confirmed(entry: &Entry, judged: Option<&Judged>) -> Option<(NaiveDate, Option<String>)> {
    let here = judged.filter(|judged| judged.verdict == Verdict::Right);
    let here = here.map(|judged| (judged.at.date_naive(), Some(judged.by.clone())));
    let written = verified_on(entry).map(|day| (day, None));
    here.into_iter().chain(written).max_by_key(|(day, by)| (*day, by.is_some()))
}

/// How far all are, as one message that is drawn again and again.
pub fn progress(catalog: &Catalog, shares: &[Share], is_over: Over) -> Reply {
    let all: usize = shares.iter().map(|share| share.entries.len()).sum();
    let done: usize = shares.iter().map(Share::done).sum();
    let through = shares.iter().filter(|share| share.open.is_empty()).count();
    let teams = counted(shares.len(), "owner");
    let lead = match is_over {
        Over::NotYet => {
            Text::new().bold("Hygiene week").say(format!(": {}  {done} of {all} entries are looked at.", bar(done, all)))
        }
        Over::Yes => Text::new()
            .bold("The hygiene week is over")
            .say(format!(": {done} of {all} entries were looked at, and {through} of {teams} are through. Thank you.")),
    };
    let mut reply = Reply::new(Status::Answered, "hygiene", lead);
    reply.audience = Audience::Everyone;
    let mut order: Vec<&Share> = shares.iter().collect();
    // Those who are through first, so that the rest sees that it can be done.
    order.sort_by(|a, b| (b.done() * a.entries.len()).cmp(&(a.done() * b.entries.len())).then_with(|| a.owner.cmp(&b.owner)));
    let line = |share: &&Share| {
        let (done, all) = (share.done(), share.entries.len());
        let mark = if share.open.is_empty() { " ✓" } else { "" };
        let text = Text::new().code(bar(done, all)).say(" ").bold(label(catalog, &share.owner));
        ListItem::new(text.say(format!(": {done} of {all}{mark}")))
    };
    let items: Vec<ListItem> = order.iter().take(MOST_TEAMS).map(line).collect();
    let mut body = Vec::new();
    if !items.is_empty() {
        body.push(Block::List { style: ListStyle::Bullets, items });
    }
    if let Some(rest) = order.get(MOST_TEAMS..).filter(|rest| !rest.is_empty()) {
        let (done, all): (usize, usize) =
            (rest.iter().map(|share| share.done()).sum(), rest.iter().map(|share| share.entries.len()).sum());
        body.push(Block::Paragraph(format!("{} {} more: {done} of {all}.", bar(done, all), rest.len()).into()));
    }
    if !body.is_empty() {
        let tone = if done == all { Tone::Good } else { Tone::Neutral };
        reply.cards.push(Card { tone, body, ..Card::default() });
    }
    if matches!(is_over, Over::NotYet) {
        reply.buttons.push(Button::say("Mine", "hygiene week mine"));
    }
    reply
}

/// Whether a week has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    NotYet,
    Yes,
}

/// `▓▓▓░░░░░░░`.
fn bar(done: usize, all: usize) -> String {
    let full = (done * BAR).checked_div(all).unwrap_or(BAR);
    format!("{}{}", "▓".repeat(full), "░".repeat(BAR - full))
}

/// A page of what one owner has still to look at; with nothing left, the thanks.
pub fn ask(share: &Share, facts: &Facts<'_>, judged: &BTreeMap<EntityRef, Judged>, page: usize) -> Reply {
    let name = label(facts.catalog, &share.owner);
    let pages = share.open.len().div_ceil(PAGE).max(1);
    let page = page.clamp(1, pages);
    let lead = Text::new().bold(&name);
    let lead = match (share.open.len(), share.done()) {
        (0, 0) => lead.say(": nothing is yours in the catalog, so there is nothing to look at."),
        (0, _) => lead.say(format!(": ✓ all of your {} are looked at. Thank you.", counted_entries(share.entries.len()))),
        (1, _) => lead.say(": it is hygiene week. Is this entry still right?"),
        (open, 0) => lead.say(format!(": it is hygiene week. Is each of your {open} entries still right?")),
        (open, done) => lead.say(format!(": {done} of {} are looked at. Are the other {open} still right?", share.entries.len())),
    };
    let lead = if pages > 1 { lead.say(format!(" Page {page} of {pages}.")) } else { lead };
    let mut reply = Reply::new(Status::Answered, "hygiene", lead);
    reply.audience = Audience::Everyone;
    reply.refs = vec![share.owner.to_string()];
    let here = share.open.iter().skip((page - 1) * PAGE).take(PAGE);
    reply.cards = here.map(|entry| card(entry, facts, judged.get(&entry.entity.entity_ref))).collect();
    if share.open.len() > 1 {
        let question = format!("All {} entries of {name}, also those on other pages, are right as they stand?", share.open.len());
        let label = format!("All {} still right", share.open.len());
        reply.buttons.push(Button::say(label, format!("hygiene allright {}", share.owner)).confirm(question));
    }
    if page > 1 {
        reply.buttons.push(Button::say("Back", format!("hygiene week {} page {}", share.owner, page - 1)));
    }
    if page < pages {
        reply.buttons.push(Button::say("Show more", format!("hygiene week {} page {}", share.owner, page + 1)));
    }
    reply
}

/// What the catalog says of an entry, in short, with what its owners may answer.
fn card(entry: &Entry, facts: &Facts<'_>, judged: Option<&Judged>) -> Card {
    let entity = &entry.entity;
    let full = &entity.entity_ref;
    let mut said = Vec::new();
    said.push(entity.spec_type.clone().unwrap_or_else(|| entity.kind.as_str().to_lowercase()));
    said.extend(entity.lifecycle.as_ref().map(|lifecycle| format!("in {lifecycle}")));
    let part_of = facts.catalog.related(full, crate::catalog::RelationType::PartOf);
    said.extend(part_of.first().map(|whole| format!("part of {}", label(facts.catalog, whole))));
    let mut text = Text::plain(said.join(", ")).say(".");
    if let Some(description) = entity.description.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        text = text.say(" ").say(cut(description, DESCRIPTION));
    }
    let findings = check_entry(entry, facts);
    let mut body = vec![Block::Paragraph(text)];
    if !findings.is_empty() {
        let titles: Vec<&str> = findings.iter().take(PAGE).map(|finding| finding.check.title).collect();
        body.push(Block::Paragraph(Text::new().italic(format!("Open there: {}.", titles.join("; ").to_lowercase()))));
    }
    let mut buttons = vec![
        Button::say("Still right", format!("hygiene right {full}")).primary(),
        Button::say("Not ours", format!("hygiene disown {full}")),
    ];
    let ways = || findings.iter().filter_map(|finding| Some((finding, Way::of(facts.catalog, finding)?)));
    match (ways().find(|(_, way)| *way == Way::Form), entry.origin.url()) {
        (Some((finding, form)), _) => buttons.push(form.button(&finding.key())),
        (None, Some(url)) => buttons.push(Button::open("The file", url)),
        (None, None) => {}
    }
    let confirmed = confirmed(entry, judged).map_or_else(
        || "Nobody has confirmed it yet".to_owned(),
        |(day, by)| format!("Confirmed on {}{}", day.format("%-d %B %Y"), by.map(|by| format!(" by {by}")).unwrap_or_default()),
    );
    let footer = Text::plain(format!("{confirmed} · {full}"));
    Card { title: Text::new().bold(entity.label()), body, buttons, footer, ..Card::default() }
}

/// "1 entry", "3 entries".
pub fn counted_entries(number: usize) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{number} entries") }
}

fn label(catalog: &Catalog, entity: &EntityRef) -> String {
    catalog.find(entity).map_or_else(|| entity.to_string(), |entry| entry.entity.label().to_owned())
}
