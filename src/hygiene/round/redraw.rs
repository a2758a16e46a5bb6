//! A message of a round as it stands later: what was proposed since, and what is mended by now.
//! Must not know how the message was made, nor send it.

use std::collections::BTreeMap;

use crate::{
    chat::{Block, Button, Card, Does, Reply, Span, Text, Tone},
    store::{Fix, FixState},
};

/// How the button begins that every finding has which is spelt out; its key follows.
const SNOOZE: &str = "hygiene snooze ";

/// How those begin that lead to a pull request.
const PROPOSES: [&str; 2] = ["hygiene fix ", "hygiene describe "];

/// What was told, with the last pull request of each finding, by its key.
pub fn redraw(told: &Reply, fixes: &BTreeMap<String, Fix>) -> Reply {
    let mut reply = told.clone();
    for card in &mut reply.cards {
        if let Some(fix) = key_of(card).and_then(|key| fixes.get(key)) {
            follow(card, fix);
        }
    }
    reply
}

/// The finding that a card is about.
fn key_of(card: &Card) -> Option<&str> {
    card.buttons.iter().find_map(|button| line(button)?.strip_prefix(SNOOZE))
}

fn proposes(button: &Button) -> bool {
    line(button).is_some_and(|line| PROPOSES.iter().any(|begin| line.starts_with(begin)))
}

fn line(button: &Button) -> Option<&str> {
    match &button.does {
        Does::Say(line) => Some(line),
        Does::Open(_) => None,
    }
}

fn follow(card: &mut Card, fix: &Fix) {
    let pull = match (&fix.url, fix.number) {
        (Some(url), Some(number)) => Text::new().link(format!("{}#{number}", fix.repository), url.as_str()),
        _ => Text::new().code(&fix.repository),
    };
    let said = match fix.state {
        FixState::Intended => Text::plain("A fix is being proposed to ").join(pull).say("."),
        FixState::Open => Text::plain("A fix is proposed: ").join(pull).say(". It waits for review."),
        FixState::Merged => Text::plain("Merged: ").join(pull).say("."),
        FixState::Closed => Text::plain("A fix was closed without being merged: ").join(pull).say("."),
        FixState::Failed => Text::plain("A fix could not be proposed to ").join(pull).say("."),
    };
    match fix.state {
        FixState::Merged => {
            card.tone = Tone::Good;
            card.title = Text::new().push(Span::Strike(card.title.to_plain()));
            card.body = vec![Block::Paragraph(said)];
            card.buttons.clear();
        }
        FixState::Open | FixState::Intended => {
            card.body.push(Block::Paragraph(said));
            card.buttons.retain(|button| !proposes(button));
            if let Some(url) = &fix.url {
                card.buttons.insert(0, Button::open("Pull request", url).primary());
            }
        }
        FixState::Closed | FixState::Failed => card.body.push(Block::Paragraph(said)),
    }
}
