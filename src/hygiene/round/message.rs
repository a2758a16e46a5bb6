//! What a team reads: short, by name, with why it matters and a button for each way to settle it.
//! Must not decide what is in it.

use std::collections::{BTreeMap, BTreeSet};

use super::{NOBODY, Scene, counted, route::Via};
use crate::{
    catalog::{Catalog, EntityRef},
    chat::{Audience, Block, Button, Card, Reply, Status, Text, Tone},
    hygiene::{
        check::Severity,
        fix::{Way, is_settled_by_a_word},
        standing::Standing,
    },
};

/// How many are spelt out, in words.
const NUMBERS: [&str; super::MOST_SPELT_OUT + 1] = ["none", "one", "two", "three", "four", "five"];

/// Entities named in the line of what was told before.
const NAMED: usize = 4;

/// What one message says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    /// By the ledger's name.
    pub team: &'a str,
    pub label: &'a str,
    /// With why, fix and buttons.
    pub spelt: &'a [&'a Standing],
    /// All of it, those that are spelt out among them.
    pub asked: &'a [&'a Standing],
    pub below: &'a [Below<'a>],
    pub via: Option<&'a Via>,
}

/// What a team below has left open for too long.
#[derive(Debug)]
pub(super) struct Below<'a> {
    pub standing: &'a Standing,
    pub team: EntityRef,
    /// In which it was told of it.
    pub rounds: usize,
}

/// What people call a team of the ledger.
pub(super) fn label(catalog: &Catalog, team: &str) -> String {
    let found = EntityRef::parse(team, None, "default").ok().and_then(|team| catalog.find(&team));
    found.map_or_else(|| team.to_owned(), |entry| entry.entity.label().to_owned())
}

pub(super) fn compose(scene: &Scene<'_>, said: &Said<'_>) -> Reply {
    let mut reply = Reply::new(Status::Answered, "hygiene", lead(scene, said));
    reply.audience = Audience::Everyone;
    reply.refs = said.asked.iter().filter_map(|standing| standing.finding.entry()).map(ToString::to_string).collect();
    reply.refs.dedup();
    reply.cards.extend(said.below.iter().map(|below| below_card(scene, below)));
    reply.cards.extend(said.spelt.iter().map(|standing| card(scene, standing)));
    reply.cards.extend(rest_card(scene, said));
    if said.asked.len() > said.spelt.len() || said.spelt.is_empty() && !said.asked.is_empty() {
        reply.buttons.push(Button::say("Show all", show_all(said)));
    }
    reply
}

/// Where all of it is shown; many repositories are quicker to read as a list of their own.
fn show_all(said: &Said<'_>) -> String {
    if is_of_repositories(said.asked) { "hygiene undescribed".to_owned() } else { format!("hygiene all {}", said.team) }
}

fn is_of_repositories(standings: &[&Standing]) -> bool {
    standings.iter().all(|standing| standing.finding.repository().is_some())
}

/// A repository that nobody has described is in no catalog yet.
fn in_catalog(standings: &[&Standing]) -> &'static str {
    if standings.iter().all(|standing| standing.finding.entry().is_some()) { " in the catalog" } else { "" }
}

/// One line that says it all: who is meant, how much it is, and the gravest of it by name.
fn lead(scene: &Scene<'_>, said: &Said<'_>) -> Text {
    let name = |standing: &Standing| standing.finding.name(scene.catalog);
    let is_nobody = said.team == NOBODY;
    let text = match said.via {
        _ if is_nobody => Text::plain("Nobody owns these"),
        Some(Via::CatchAll) => Text::plain("For ").bold(said.label).say(", for which no channel is known"),
        Some(Via::Lead(_)) => Text::plain("For ").bold(said.label).say(", which you lead"),
        Some(Via::Member(_)) => Text::plain("For ").bold(said.label).say(", which you are in"),
        Some(Via::Channel(_) | Via::Owner(_)) | None => Text::new().bold(said.label),
    };
    let Some(first) = said.spelt.first() else {
        if let Some(first) = said.below.first() {
            return lead_of_below(scene, said.below, first, text);
        }
        if said.asked.is_empty() {
            return Text::plain("Thank you, ").bold(said.label).say(": everything that was open in the catalog is settled.");
        }
        return text.say(format!(": {}{}, as before.", still_open(said.asked.len()), in_catalog(said.asked)));
    };
    let what = match (said.asked.len(), is_of_repositories(said.asked)) {
        (1, true) => "repository".to_owned(),
        (_, true) => "repositories".to_owned(),
        (1, false) => format!("thing{}", in_catalog(said.asked)),
        (_, false) => format!("things{}", in_catalog(said.asked)),
    };
    let many = match (said.asked.len(), said.spelt.len()) {
        (1, _) => format!("one {what} could use a hand: "),
        (all, spelt) if all == spelt => format!("{all} {what} could use a hand. The first: "),
        (all, 1) => format!("{all} {what} could use a hand; one of them is below: "),
        (all, spelt) => {
            let number = NUMBERS.get(spelt).map_or_else(|| spelt.to_string(), |word| (*word).to_owned());
            let which = if are_gravest(said) { format!("the {number} gravest") } else { format!("{number} of them") };
            format!("{all} {what} could use a hand; {which} are below. The first: ")
        }
    };
    text.say(format!(": {many}")).bold(name(first)).say(format!(", {}.", lower(first.finding.check.title)))
}

/// Where all that a group reads is what teams below it have left open.
fn lead_of_below(scene: &Scene<'_>, below: &[Below<'_>], first: &Below<'_>, text: Text) -> Text {
    let team = label(scene.catalog, first.team.as_str());
    let name = first.standing.finding.name(scene.catalog);
    let fewest = below.iter().map(|below| below.rounds).min().unwrap_or(first.rounds);
    if below.len() == 1 {
        return text.say(": ").bold(name).say(format!(" of {team} has been open for {}.", counted(first.rounds, "round")));
    }
    let teams = below.iter().map(|below| &below.team).collect::<BTreeSet<_>>().len();
    let whose = if teams == 1 { team.clone() } else { counted(teams, "team") };
    let said = format!(
        ": {} critical things of {whose} have been open for {} or more. The first: ",
        below.len(),
        counted(fewest, "round")
    );
    let text = text.say(said).bold(name);
    text.say(if teams == 1 { ".".to_owned() } else { format!(" of {team}.") })
}

/// Whether nothing that is left out is graver than what is spelt out, and some of it is less grave.
fn are_gravest(said: &Said<'_>) -> bool {
    let severity = |standing: &&Standing| standing.finding.severity;
    let spelt: Vec<Severity> = said.spelt.iter().map(severity).collect();
    let rest: Vec<Severity> = said.asked.iter().filter(|standing| !is_spelt(said, standing)).map(severity).collect();
    rest.iter().max() <= spelt.iter().min() && rest.iter().min() < spelt.iter().max()
}

fn is_spelt(said: &Said<'_>, standing: &Standing) -> bool {
    said.spelt.iter().any(|spelt| std::ptr::eq(*spelt, standing))
}

/// One finding with why it matters, how it is mended, and the ways to settle it.
fn card(scene: &Scene<'_>, standing: &Standing) -> Card {
    let finding = &standing.finding;
    let name = finding.name(scene.catalog);
    let why = Text::new().bold(name.as_str()).say(format!(" {}. {}", finding.detail, finding.check.why));
    let key = standing.key();
    let way = Way::of(scene.catalog, finding).map(|way| way.button(&key).primary());
    let still_right = finding.entry().filter(|_| is_settled_by_a_word(finding.check));
    let still_right = still_right.map(|entity| Button::say("Still right", format!("hygiene right {entity}")));
    // What is no entry has no owner who could be wrong.
    let not_ours = finding.entry().map(|_| Button::say("Not ours", format!("hygiene notours {key}")));
    let snooze = Button::say("Snooze", format!("hygiene snooze {key}"));
    Card {
        tone: if standing.is_critical() { Tone::Critical } else { Tone::Neutral },
        title: Text::plain(format!("{}: {name}", finding.check.title)),
        body: vec![Block::Paragraph(why), Block::Paragraph(Text::plain(finding.check.fix))],
        buttons: way.into_iter().chain(still_right).chain(not_ours).chain([snooze]).collect(),
        footer: Text::plain(footer(standing)),
        ..Card::default()
    }
}

fn footer(standing: &Standing) -> String {
    let severity = match standing.finding.severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
    };
    let since = standing.opened_at.map(|at| format!(" · open since {}", at.format("%-d %B"))).unwrap_or_default();
    match standing.finding.entry() {
        Some(entity) => format!("{severity}{since} · {entity}"),
        None => format!("{severity}{since}"),
    }
}

/// Labelled as what it is: somebody else's, and why it comes here.
fn below_card(scene: &Scene<'_>, below: &Below<'_>) -> Card {
    let team = label(scene.catalog, below.team.as_str());
    let mut card = card(scene, below.standing);
    let told = counted(below.rounds, "round");
    let why = Text::plain("This belongs to ")
        .bold(team)
        .say(format!(", who have heard of it for {told}. It is in production, so it comes to you as well, this once."));
    card.body.insert(0, Block::Paragraph(why));
    card
}

/// What was told before, as one line.
fn rest_card(scene: &Scene<'_>, said: &Said<'_>) -> Option<Card> {
    let rest: Vec<&&Standing> = said.asked.iter().filter(|standing| !is_spelt(said, standing)).collect();
    if rest.is_empty() {
        return None;
    }
    let mut titles: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut order = Vec::new();
    for standing in rest.iter().take(NAMED) {
        let title = standing.finding.check.title;
        if !order.contains(&title) {
            order.push(title);
        }
        titles.entry(title).or_default().push(standing.finding.name(scene.catalog));
    }
    let named = order.iter().map(|title| format!("{} ({})", lower(title), titles[title].join(", ")));
    let named = named.collect::<Vec<_>>().join("; ");
    let more = rest.len().saturating_sub(NAMED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let line = match said.spelt.is_empty() {
        true => upper(&format!("{named}{more}.")),
        false => match rest.len() {
            1 => format!("One other thing is open: {named}."),
            some => format!("{some} other things are open: {named}{more}."),
        },
    };
    let line = Text::plain(line);
    Some(Card { body: vec![Block::Paragraph(line)], ..Card::default() })
}

fn still_open(number: usize) -> String {
    if number == 1 { "one thing is open".to_owned() } else { format!("{number} things are open") }
}

pub(super) fn name_of(catalog: &Catalog, entity: &EntityRef) -> String {
    catalog.find(entity).map_or_else(|| entity.to_string(), |entry| entry.entity.label().to_owned())
}

/// A headline within a sentence.
fn lower(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn upper(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
