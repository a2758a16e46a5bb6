//! Findings and tracks as cards. Must not find out what is wrong.

use super::known::Known;
use crate::{
    catalog::Catalog,
    chat::{Block, Button, Card, ListItem, ListStyle, Span, Text, Tone, limits::cut},
    commands::{
        Asking,
        answer::{age::since, names::label, warnings::sentence},
    },
    hygiene::{
        check::{Finding, Severity, find_check, step_of},
        fix::{Way, is_settled_by_a_word},
        standing::Standing,
        track::Progress,
    },
    store::{Fix, FixState, RestKind},
};

/// What is left alone, in one list.
const ASIDE: usize = 12;

/// Buttons below such a list.
const WAKES: usize = 5;

/// Of a reason that somebody gave.
const REASON: usize = 200;

/// One finding with what can be done about it.
pub(super) fn finding(catalog: &Catalog, asking: &Asking<'_>, known: &Known, standing: &Standing) -> Card {
    let found = &standing.finding;
    let key = standing.key();
    let name = found.name(catalog);
    let title = Text::new().bold(&name).say(": ").say(lower(found.check.title));
    let open = standing.opened_at.and_then(|at| since(at, asking.now));
    let open = open.map_or_else(|| "New.".to_owned(), |span| format!("Open for {span}."));
    let what = format!("{} {}", name, sentence(&found.detail));
    let mut body = vec![Block::Paragraph(Text::plain(what).say(" ").say(found.check.why))];
    let how = Text::plain(found.check.fix);
    body.push(Block::Paragraph(match known.missing {
        None => how.say(" ").italic(open),
        Some(_) => how,
    }));
    let fix = known.fix_of(&key);
    if let Some(fix) = fix {
        body.push(Block::Paragraph(pull_text(fix)));
    }
    let mut buttons = Vec::new();
    match fix.and_then(|fix| fix.url.as_deref()) {
        Some(url) => buttons.push(Button::open("Pull request", url).primary()),
        None => buttons.extend(Way::of(catalog, found).map(|way| match way {
            Way::Form | Way::Describe(_) => way.button(&key).primary(),
            Way::File(_) | Way::Entry(_) => way.button(&key),
        })),
    }
    if let Some(entity) = found.entry().filter(|_| is_settled_by_a_word(found.check)) {
        buttons.push(Button::say("Still right", format!("hygiene right {entity}")));
    }
    if let Some(step) = step_of(found.check) {
        buttons.push(Button::say("It is there", format!("onboard found {}:{}", step.as_str(), found.entity)));
    }
    // Nobody owns a repository before it is described, nor a document before it can be read.
    if found.entry().is_some() {
        buttons.push(Button::say("Not ours", format!("hygiene notours {key}")));
    }
    buttons.push(Button::say("Snooze", format!("hygiene snooze {key}")));
    buttons.push(Button::say("Exempt", format!("hygiene exempt {key}")));
    Card { tone: tone(found), title, body, buttons, ..Card::default() }
}

fn tone(finding: &Finding) -> Tone {
    match finding.severity {
        Severity::Critical => Tone::Critical,
        Severity::High => Tone::Warning,
        Severity::Medium | Severity::Low => Tone::Neutral,
    }
}

/// "Pull request #12 is open: it mends this."
fn pull_text(fix: &Fix) -> Text {
    match (&fix.url, fix.number) {
        (Some(url), Some(number)) if fix.state == FixState::Open => {
            Text::plain("A fix is proposed: ").link(format!("#{number}"), url.as_str()).say(".")
        }
        _ => Text::plain("A fix is being proposed."),
    }
}

/// Those that are snoozed, exempt or handed over, each with its end, reason and author.
pub(super) fn aside(catalog: &Catalog, known: &Known, standings: &[&Standing]) -> Option<Card> {
    if standings.is_empty() {
        return None;
    }
    let item = |standing: &&Standing| {
        let found = &standing.finding;
        let text = Text::new().bold(found.name(catalog)).say(format!(": {}, ", lower(found.check.title)));
        ListItem::new(text.join(why(catalog, known, standing)))
    };
    let mut items: Vec<ListItem> = standings.iter().take(ASIDE).map(item).collect();
    if standings.len() > ASIDE {
        items.push(ListItem::new(format!("+ {} more", standings.len() - ASIDE).into()));
    }
    let resting = standings.iter().filter(|standing| standing.rest.is_some());
    let wakes = resting.take(WAKES).map(|standing| {
        let name = standing.finding.name(catalog);
        Button::say(cut(&format!("Wake {name}"), 60), format!("hygiene wake {}", standing.key()))
    });
    let body = vec![Block::List { style: ListStyle::Bullets, items }];
    Some(Card { title: Text::new().bold("Left alone"), body, buttons: wakes.collect(), ..Card::default() })
}

fn why(catalog: &Catalog, known: &Known, standing: &Standing) -> Text {
    if let Some(rest) = &standing.rest {
        let word = match rest.kind {
            RestKind::Snoozed => "snoozed",
            RestKind::Exempt => "exempt",
        };
        let reason = if rest.reason.is_empty() { String::new() } else { format!(": {}", cut(&rest.reason, REASON)) };
        let approved = match &rest.approved_by {
            Some(approver) if *approver != rest.asked_by => format!(", approved by {approver}"),
            Some(_) | None => String::new(),
        };
        let text = Text::plain(format!("{word} until ")).push(Span::Time(rest.until));
        return text.say(format!(" by {}{approved}{reason}", rest.asked_by));
    }
    let Some(hand_over) = known.hand_overs.get(&standing.key()) else { return Text::new() };
    let to = hand_over.to.as_ref().map_or_else(|| "those who settle it".to_owned(), |to| label(catalog, to));
    let text = Text::plain(format!("handed by {} to ", hand_over.asked_by)).bold(to).say(", who were asked ");
    text.push(Span::Time(hand_over.asked_at)).say(" and have not answered")
}

/// "Readiness: silver. Next is gold: 2 of 7 are not there yet (no documentation 2, in no system 1)."
pub(super) fn track(progress: &Progress<'_>) -> Text {
    let text = Text::new().bold(format!("{}: ", progress.track.name));
    let text = match (progress.level, &progress.next) {
        (Some(level), _) => text.bold(&level.name).say("."),
        (None, Some(next)) => text.say(format!("not yet {}.", next.level.name)),
        (None, None) => text,
    };
    let Some(next) = &progress.next else { return text.say(" There is no level above it.") };
    let title = |check: &str| find_check(check).map_or_else(|| check.to_owned(), |check| lower(check.title));
    let checks = next.checks.iter().map(|(check, number)| match next.things.len() {
        1 => title(check),
        _ => format!("{} ({number})", title(check)),
    });
    let checks = checks.collect::<Vec<_>>().join(", ");
    match (progress.things, next.things.len()) {
        (1, _) => text.say(format!(" What it lacks for {}: {checks}.", next.level.name)),
        (all, 1) => text.say(format!(" One of {all} keeps it from {}: {checks}.", next.level.name)),
        (all, some) => text.say(format!(" {some} of {all} keep it from {}: {checks}.", next.level.name)),
    }
}

/// As it stands in the middle of a sentence: "No owner" is "no owner", "API" stays.
pub(super) fn lower(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next();
    let is_word = letters.clone().next().is_none_or(|second| !second.is_uppercase());
    match first {
        Some(first) if is_word => first.to_lowercase().chain(letters).collect(),
        _ => title.to_owned(),
    }
}
