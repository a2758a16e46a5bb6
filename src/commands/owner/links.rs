//! Where the entity is looked at: its own links, and those that its annotations lead to by rule.

use crate::{
    catalog::{
        Entity,
        links::{LinkRules, TitledLink},
    },
    chat::{Block, Text},
    commands::Asking,
};

/// Links that are shown; some entries carry dozens.
const LINKS: usize = 8;

/// The author's own first, each address once.
pub fn titled_links(rules: &LinkRules, entity: &Entity) -> Vec<TitledLink> {
    let own = entity
        .links
        .iter()
        .map(|link| TitledLink { title: link.title.clone().unwrap_or_else(|| link.url.clone()), url: link.url.clone() });
    let mut all: Vec<TitledLink> = own.collect();
    for link in rules.links_of(entity) {
        let same = |known: &TitledLink| known.url.trim_end_matches('/') == link.url.trim_end_matches('/');
        if !all.iter().any(same) {
            all.push(link);
        }
    }
    all
}

/// As a line of a card.
pub(super) fn links(asking: &Asking<'_>, entity: &Entity) -> Option<Block> {
    let all = titled_links(&asking.links, entity);
    if all.is_empty() {
        return None;
    }
    let shown = all.iter().take(LINKS).map(|link| Text::new().link(link.title.as_str(), link.url.as_str()));
    let mut text = Text::plain("Links: ").join(Text::list(shown, " · "));
    if all.len() > LINKS {
        text = text.say(format!(" + {}", all.len() - LINKS));
    }
    Some(Block::Paragraph(text))
}
