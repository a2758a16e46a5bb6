//! What the sources say differently of people and teams, and accounts that contradict one another, counted.
//! Must not say what they are: `/whois` does.

use crate::{
    catalog::{Catalog, EntityRef},
    chat::{Block, Button, Card, ListItem, ListStyle, Text, Tone},
    commands::answer::names::short_ref,
};

/// People and teams that are named before "+ n".
const NAMED: usize = 5;

/// `None` where all sources agree.
pub(super) fn people_card(catalog: &Catalog) -> Option<Card> {
    let disputed: Vec<&EntityRef> = catalog.disputed().collect();
    let contradicting: Vec<&EntityRef> =
        catalog.persons().iter().filter(|person| person.contradiction.is_some()).map(|person| &person.primary).collect();
    if disputed.is_empty() && contradicting.is_empty() {
        return None;
    }
    let item = |what: &str, refs: &[&EntityRef]| {
        let names = refs.iter().take(NAMED).map(|entity_ref| Text::new().code(short_ref(entity_ref)));
        let text = Text::plain(format!("{} {what}: ", refs.len())).join(Text::list(names, ", "));
        let more = refs.len().saturating_sub(NAMED);
        (!refs.is_empty()).then(|| ListItem::new(if more > 0 { text.say(format!(" + {more}")) } else { text }))
    };
    let items = [
        item("of which the sources say different things", &disputed),
        item("whose accounts contradict one another, so that they give no right", &contradicting),
    ];
    let items: Vec<ListItem> = items.into_iter().flatten().collect();
    let first = contradicting.first().or(disputed.first());
    let buttons = first.map(|entity_ref| Button::say("Show one", format!("whois {entity_ref}"))).into_iter().collect();
    let body = vec![Block::List { style: ListStyle::Bullets, items }];
    let tone = if contradicting.is_empty() { Tone::Neutral } else { Tone::Warning };
    Some(Card { tone, title: Text::new().bold("People and teams"), body, buttons, ..Card::default() })
}
