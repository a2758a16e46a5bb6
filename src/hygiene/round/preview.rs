//! What a round would say, for those who look after the catalog: shown before anything is sent.
//! Must not send.

use super::{Change, Occasion, Planned, Round, Scene, counted, message::label, route};
use crate::{
    catalog::EntityRef,
    chat::{Block, Button, Card, ListItem, ListStyle, Reply, Status, Text},
    hygiene::{
        check::find_check,
        round::{Withheld, ledger::key},
    },
    store::{NewRoundMessage, RoundKey},
};

/// Teams shown in one preview; the others are counted.
const MOST_TEAMS: usize = 25;

/// The ledger's name of the round that is shown and not held.
const FIRST: &str = "first";

/// A round as a reply; where rounds are not held yet, with the button that lets them go.
pub fn preview(scene: &Scene<'_>, round: &Round) -> Reply {
    let teams = round.by_team();
    let messages = counted(round.messages.len(), "message");
    let is_first = scene.begun_at.is_none();
    let lead = match (teams.len(), is_first) {
        (0, true) => "The first round would say nothing: nothing is open that a team can be told. Nothing was sent.".to_owned(),
        (0, false) => "A round now would say nothing. Nothing was sent.".to_owned(),
        (some, true) => {
            format!(
                "The first round would be {messages} to {}. Nothing was sent yet: it waits for your word.",
                counted(some, "team")
            )
        }
        (some, false) => format!("A round now would be {messages} to {}. Nothing was sent.", counted(some, "team")),
    };
    let mut reply = Reply::new(Status::Answered, "hygiene", Text::plain(lead));
    let line = |(planned, to): &(&Planned, String)| ListItem::new(team_line(scene, planned, to));
    let items: Vec<ListItem> = teams.iter().take(MOST_TEAMS).map(line).collect();
    let mut body = Vec::new();
    if !items.is_empty() {
        body.push(Block::List { style: ListStyle::Bullets, items });
    }
    if teams.len() > MOST_TEAMS {
        body.push(Block::Paragraph(Text::plain(format!("And {} more.", teams.len() - MOST_TEAMS))));
    }
    if !body.is_empty() {
        reply.cards.push(Card { title: Text::plain("Who would hear what"), body, ..Card::default() });
    }
    reply.cards.extend(changes_card(scene, &round.changes));
    reply.cards.extend(withheld_card(scene, &round.withheld));
    if is_first {
        let question = format!("{messages} leave as soon as each team's hours allow. From then on a round is held by itself.");
        reply.buttons.push(Button::say("Let it go", "hygiene begin").primary().confirm(question));
    }
    reply.buttons.push(Button::say("Look again", "hygiene preview"));
    reply
}

fn team_line(scene: &Scene<'_>, planned: &Planned, to: &str) -> Text {
    let gravest = planned.findings.first().map(|first| {
        let name = EntityRef::parse(&first.entity, None, "default").ok();
        let name = name.map_or_else(|| first.entity.clone(), |name| label(scene.catalog, name.as_str()));
        let name = first.called.clone().unwrap_or(name);
        let title = find_check(first.check).map_or(first.check.to_owned(), |check| check.title.to_lowercase());
        format!(", first {name}: {title}")
    });
    let found = counted(planned.findings.len(), "finding");
    Text::new().bold(label(scene.catalog, &planned.team)).say(format!(" in {to}: {found}{}", gravest.unwrap_or_default()))
}

fn changes_card(scene: &Scene<'_>, changes: &[Change]) -> Option<Card> {
    let line = |change: &Change| {
        let who = Text::new().bold(label(scene.catalog, &change.team)).say(format!(" in {}: ", change.destination));
        ListItem::new(who.say(change.says.join(" ")))
    };
    let items: Vec<ListItem> = changes.iter().take(MOST_TEAMS).map(line).collect();
    (!items.is_empty()).then(|| Card {
        title: Text::plain("Who would hear of changes, when their hours allow"),
        body: vec![Block::List { style: ListStyle::Bullets, items }],
        ..Card::default()
    })
}

fn withheld_card(scene: &Scene<'_>, withheld: &[Withheld]) -> Option<Card> {
    let line = |withheld: &Withheld| {
        ListItem::new(Text::new().bold(label(scene.catalog, &withheld.team)).say(format!(": {}", withheld.reason)))
    };
    let items: Vec<ListItem> = withheld.iter().take(MOST_TEAMS).map(line).collect();
    (!items.is_empty()).then(|| Card {
        title: Text::plain("Who would hear nothing"),
        body: vec![Block::List { style: ListStyle::Bullets, items }],
        ..Card::default()
    })
}

/// The preview of the first round, to each admin that can be reached; nothing else is sent before one of them lets it go.
pub fn preview_messages(scene: &Scene<'_>, admins: &[String], round: &Round, occasion: Occasion<'_>) -> Vec<NewRoundMessage> {
    let Some(platform) = scene.platform else { return Vec::new() };
    let reply = preview(scene, round);
    let mut messages: Vec<NewRoundMessage> = Vec::new();
    for admin in admins.iter().filter_map(|admin| EntityRef::parse(admin, None, "default").ok()) {
        let places = route::route(scene.catalog, scene.settings, platform, &admin);
        for place in places.first.into_iter().filter(|place| place.via != route::Via::CatchAll) {
            if messages.iter().any(|known| known.destination == place.to) {
                continue;
            }
            let hearer = place.via.hearer().map(EntityRef::as_str);
            let RoundKey { team, round: _ } = key(&format!("preview for {admin}"), hearer, round.day);
            messages.push(NewRoundMessage {
                key: RoundKey { team, round: FIRST.to_owned() },
                platform,
                destination: place.to,
                others: Vec::new(),
                any_hour: occasion != Occasion::Due,
                calm: 0,
                reply: reply.clone(),
                keys: Vec::new(),
                shown: Vec::new(),
            });
        }
    }
    messages
}
