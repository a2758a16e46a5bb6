//! What an entity leans on and what leans on it, with whom to tell.

use crate::{
    catalog::{Catalog, Direction, Entity, EntityRef, Kind},
    chat::{Block, Text},
    commands::answer::names::{label, short_ref},
};

/// Named on each side before "+ n".
const NAMED: usize = 5;

/// "Depends on Ledger (Team Ledger), Redis (Team Payments) + 2", and the other way.
pub(super) fn around(catalog: &Catalog, entity: &Entity) -> Option<Block> {
    let (down, up) = match entity.kind {
        Kind::Component | Kind::Resource | Kind::Custom(_) => ("Depends on", "Used by"),
        Kind::Api => ("Provided by", "Used by"),
        Kind::System | Kind::Domain | Kind::Group | Kind::User | Kind::Location | Kind::Template => return None,
    };
    let line = |word: &str, direction| {
        let refs = catalog.neighbours(&entity.entity_ref, direction);
        let named = refs.iter().take(NAMED).map(|(found, _)| with_owner(catalog, entity, found));
        let text = Text::new().bold(format!("{word}:")).say(" ");
        match refs.len() {
            0 => text.say("nothing known"),
            many if many > NAMED => text.join(Text::list(named, ", ")).say(format!(" + {}", many - NAMED)),
            _ => text.join(Text::list(named, ", ")),
        }
    };
    Some(Block::Paragraph(line(down, Direction::Down).line().join(line(up, Direction::Up))))
}

/// The owner is left out where it is the same as that of the entity which is asked about.
fn with_owner(catalog: &Catalog, of: &Entity, found: &EntityRef) -> Text {
    let Some(entry) = catalog.find(found) else { return Text::plain(format!("{} (not in the catalog)", short_ref(found))) };
    let name = Text::plain(entry.entity.label());
    match entry.entity.owner() {
        Some(owner) if Some(owner) == of.owner() => name,
        Some(owner) if catalog.find(owner).is_some() => name.say(format!(" ({})", label(catalog, owner))),
        Some(_) | None => name.say(" (no known owner)"),
    }
}
