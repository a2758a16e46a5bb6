//! Incidents and postmortems of an entry, as people attached them.

use chrono::{DateTime, Utc};

use crate::{
    chat::{Block, Card, ListItem, ListStyle, Text, limits::cut},
    commands::history::day,
    store::Incident,
};

/// Lines before "+ n": the changes come below.
const SHOWN: usize = 5;
/// Longest title that is repeated.
const TITLE: usize = 80;

/// Nothing where there were none.
pub(super) fn card(incidents: &[Incident], now: DateTime<Utc>) -> Option<Card> {
    if incidents.is_empty() {
        return None;
    }
    let items = incidents.iter().take(SHOWN).map(|incident| {
        let text = Text::plain(format!("{}: ", day(incident.attached_at, now)));
        let text = text.link(cut(&incident.title, TITLE), incident.url.as_str());
        ListItem::new(match (incident.is_postmortem, incident.is_open, incident.closed_at) {
            (true, ..) => text.say(", postmortem"),
            (false, true, _) => text.say(", open incident"),
            (false, false, Some(at)) => text.say(format!(", incident, over {}", day(at, now))),
            (false, false, None) => text.say(", incident, over"),
        })
    });
    let items = items.collect();
    let mut body = vec![Block::List { style: ListStyle::Bullets, items }];
    if incidents.len() > SHOWN {
        body.push(Block::Paragraph(format!("+ {} more", incidents.len() - SHOWN).into()));
    }
    Some(Card { title: Text::new().bold("Incidents"), body, ..Card::default() })
}
