//! The page that a platform keeps for each person: their teams, their services and what is wrong with them, and what to ask.
//! Must not wait for anything: a pure function of the snapshot.

use std::sync::Arc;

use crate::{
    catalog::{Catalog, EntityRef, Entry, Kind, RelationType},
    chat::{Block, Button, Card, CommandSet, ListItem, ListStyle, Reply, Status, Text, Tone},
    commands::{
        Asking, Standing,
        answer::{
            age::count,
            names::{asker, bare_name, channel_text, kind_word, label, lead_text},
            provenance, subject, warnings,
        },
        runbook, tasks,
    },
    store::RunLine,
};

/// Each is a card of up to three blocks on Slack, whose home is kept at about forty.
const SERVICES: usize = 8;
const TEAMS: usize = 4;

/// Problems told of one service; its card has all of them.
const PROBLEMS: usize = 2;

/// What the person sees.
///
/// `runs` are all that are known, the latest first; none where they cannot be read now.
pub fn home(catalog: &Catalog, commands: &CommandSet, asking: &Asking<'_>, runs: Option<&[RunLine]>) -> Reply {
    if catalog.is_empty() {
        return subject::empty_catalog("");
    }
    let Some(person) = asking.person.as_ref().filter(|_| asking.standing > Standing::Guest) else {
        return of_guest(catalog, asking);
    };
    let teams = own_teams(catalog, person);
    let mut services = owned(catalog, asking, person, &teams);
    let lead = Text::plain("Hello ").bold(asker(catalog, asking).name).say(match (teams.len(), services.len()) {
        (0, 0) => ". You are in no team that the catalog knows, and own nothing in it.".to_owned(),
        (_, 0) => ". Your teams own nothing in the catalog.".to_owned(),
        (_, number) => format!(". You and your teams own {}.", count(number, "thing")),
    });
    let mut reply = Reply::new(Status::Answered, "", lead);
    reply.cards.extend(provenance_card(asking));
    reply.cards.extend(teams_card(catalog, &teams));
    let more = services.len().saturating_sub(SERVICES);
    let troubled = services.iter().filter(|entry| !problems(catalog, entry).1.is_empty()).count();
    // What is wrong comes first; a sort keeps the order of weight.
    services.sort_by_key(|entry| problems(catalog, entry).1.is_empty());
    services.truncate(SERVICES);
    if !services.is_empty() {
        let title = Text::new().bold("What you own");
        let said = match troubled {
            0 => "Nothing is known to be wrong with it.".to_owned(),
            1 => "Something is wrong with 1 entry.".to_owned(),
            number => format!("Something is wrong with {number} entries."),
        };
        reply.cards.push(Card { title, body: vec![Block::Paragraph(said.into())], ..Card::default() });
    }
    reply.refs = services.iter().map(|entry| entry.entity.entity_ref.to_string()).collect();
    reply.cards.extend(services.iter().map(|entry| service_card(catalog, commands, entry)));
    if more > 0 {
        let owner = teams.first().unwrap_or(person);
        let buttons = vec![Button::say("Show them", format!("whois {owner}"))];
        reply.cards.push(Card { body: vec![Block::Paragraph(format!("+ {more} more").into())], buttons, ..Card::default() });
    }
    reply.cards.push(runs_card(catalog, asking, runs));
    close(catalog, asking, reply)
}

/// Somebody whom the catalog does not know: how to be known, and what works without.
fn of_guest(catalog: &Catalog, asking: &Asking<'_>) -> Reply {
    let lead = Text::plain("Hello ").bold(asking.account.name.as_str()).say(". The catalog does not know yet who you are.");
    let mut reply = Reply::new(Status::Answered, "", lead);
    let said = "Tie your account to your GitHub login with /link: then your teams and what they own stand here. \
                Everything can be asked without.";
    let buttons = vec![Button::say("Tie my account", "link").primary()];
    reply.cards.extend(provenance_card(asking));
    reply.cards.push(Card { body: vec![Block::Paragraph(said.into())], buttons, ..Card::default() });
    close(catalog, asking, reply)
}

/// How to ask, and how fresh it all is.
fn close(catalog: &Catalog, asking: &Asking<'_>, mut reply: Reply) -> Reply {
    let title = Text::new().bold("Ask here, in a thread, or by a command");
    let items = ["who owns payments-api?", "what breaks if kafka goes down?", "runbook for checkout"];
    let items = items.into_iter().map(|text| ListItem::new(Text::new().italic(text))).collect();
    let said = Text::plain("Search with ").code("/find WORDS").say(", or use “Who owns this?” in the menu of any message.");
    let body = vec![Block::List { style: ListStyle::Bullets, items }, Block::Paragraph(said)];
    reply.cards.push(Card { title, body, ..Card::default() });
    reply.buttons.push(Button::say("All commands", "help"));
    reply.buttons.push(Button::say("State of the catalog", "catalog"));
    reply.provenance = Some(provenance::of_catalog(catalog, asking));
    reply
}

/// What the person has run lately.
fn runs_card(catalog: &Catalog, asking: &Asking<'_>, runs: Option<&[RunLine]>) -> Card {
    let title = Text::new().bold("My runs");
    let said = |said: &str, title: Text| {
        let buttons = vec![Button::say("Start something new", "new")];
        Card { title, body: vec![Block::Paragraph(said.into())], buttons, ..Card::default() }
    };
    let Some(runs) = runs else {
        let away = "They are kept in PostgreSQL, which cannot be reached now.";
        return Card { title, body: vec![Block::Paragraph(away.into())], ..Card::default() };
    };
    let latest = tasks::latest(catalog, asking, runs);
    if latest.is_empty() {
        return said("You have started nothing from a template yet.", title);
    }
    let items = latest.iter().map(|run| ListItem::new(tasks::line_text(catalog, run))).collect();
    let body = vec![Block::List { style: ListStyle::Bullets, items }];
    let mut buttons: Vec<Button> =
        latest.iter().map(|run| Button::say(format!("Run {}", run.id), format!("tasks {}", run.id))).collect();
    buttons.push(Button::say("Start something new", "new"));
    Card { title, body, buttons, ..Card::default() }
}

fn provenance_card(asking: &Asking<'_>) -> Option<Card> {
    let body = provenance::away_warning(asking);
    (!body.is_empty()).then(|| Card { tone: Tone::Warning, body, ..Card::default() })
}

/// The teams a person is in themselves; those above them own too much to be theirs.
fn own_teams(catalog: &Catalog, person: &EntityRef) -> Vec<EntityRef> {
    let mut teams = catalog.related(person, RelationType::MemberOf);
    teams.retain(|team| catalog.find(team).is_some());
    teams
}

/// What the person and their teams own, weightiest first.
fn owned(catalog: &Catalog, asking: &Asking<'_>, person: &EntityRef, teams: &[EntityRef]) -> Vec<Arc<Entry>> {
    let owners = teams.iter().chain([person]);
    let mut refs: Vec<EntityRef> = owners.flat_map(|owner| catalog.related(owner, RelationType::OwnerOf)).collect();
    refs.sort();
    refs.dedup();
    let mut entries: Vec<&Arc<Entry>> = refs.iter().filter_map(|entity_ref| catalog.find(entity_ref)).collect();
    entries.retain(|entry| matches!(entry.entity.kind, Kind::Component | Kind::Api | Kind::Resource | Kind::System));
    catalog.sort_by_weight(&mut entries, asking.sought(""));
    entries.into_iter().cloned().collect()
}

fn teams_card(catalog: &Catalog, teams: &[EntityRef]) -> Option<Card> {
    if teams.is_empty() {
        return None;
    }
    let items = teams.iter().take(TEAMS).map(|team| {
        let mut text = Text::new().bold(label(catalog, team));
        if let Some(channel) = channel_text(catalog, team) {
            text = text.say(" in ").join(channel);
        }
        if let Some(lead) = catalog.find(team).and_then(|entry| lead_text(catalog, &entry.entity)) {
            text = text.say(", lead ").join(lead);
        }
        ListItem::new(text)
    });
    let mut body = vec![Block::List { style: ListStyle::Bullets, items: items.collect() }];
    if teams.len() > TEAMS {
        body.push(Block::Paragraph(format!("+ {} more", teams.len() - TEAMS).into()));
    }
    let buttons = teams.iter().take(TEAMS).map(|team| Button::say(label(catalog, team), format!("whois {team}")));
    Some(Card { title: Text::new().bold("Your teams"), body, buttons: buttons.collect(), ..Card::default() })
}

fn service_card(catalog: &Catalog, commands: &CommandSet, entry: &Entry) -> Card {
    let (entity, full) = (&entry.entity, &entry.entity.entity_ref);
    let kind = kind_word(entity);
    let facts = entity.lifecycle.as_ref().map_or(kind.clone(), |lifecycle| format!("{kind}, {lifecycle}"));
    let title = Text::new().bold(entity.label());
    let title = if entity.label() == bare_name(full) { title } else { title.say(" ").code(bare_name(full)) };
    let (tone, mut body) = problems(catalog, entry);
    let more = body.len().saturating_sub(PROBLEMS);
    body.truncate(PROBLEMS);
    if more > 0 {
        body.push(Block::Paragraph(format!("+ {more} more").into()));
    }
    let mut buttons = vec![Button::say("Owner", format!("owner {full}"))];
    if runbook::exists(catalog, entry) {
        buttons.push(Button::say("Runbook", format!("runbook {full}")));
    }
    if entity.kind != Kind::System {
        buttons.push(Button::say("Dependencies", format!("deps {full}")));
    }
    if commands.find("oncall").is_some() {
        buttons.push(Button::say("On call", format!("oncall {full}")));
    }
    Card { tone, title: title.say(format!(": {facts}")), body, buttons, ..Card::default() }
}

/// What is wrong with an entry today.
fn problems(catalog: &Catalog, entry: &Entry) -> (Tone, Vec<Block>) {
    warnings::warnings(catalog, entry)
}
