//! "Who owns this?" about somebody's message: what it names, and the owner's card where that is certain.
//! Must not answer about the entity in a way of its own.

use crate::{
    catalog::{Catalog, Clue, Sighting, Sightings},
    chat::{Block, Button, Card, ListItem, ListStyle, Reply, Status, Text, limits::cut},
    commands::{
        Asking,
        answer::{names::bare_name, provenance, subject},
        owner::{self, Owner},
    },
};

/// Longest piece of a message that is repeated.
const WRITTEN: usize = 80;

/// Answers about the texts of a message, its blocks and attachments included.
pub fn inspect(catalog: &Catalog, asking: &Asking<'_>, texts: &[String]) -> Reply {
    if catalog.is_empty() {
        return subject::empty_catalog("owner");
    }
    let Sightings { certain, others, unknown } = catalog.sightings(texts);
    match certain {
        Some(certain) => about(catalog, asking, &certain, &others),
        None if others.is_empty() => nothing(catalog, asking, &unknown),
        None => which(catalog, asking, &others),
    }
}

/// The owner's card of the one that is meant, with why; others are a press away.
fn about(catalog: &Catalog, asking: &Asking<'_>, sighting: &Sighting, others: &[Sighting]) -> Reply {
    let name = sighting.entry.entity.entity_ref.to_string();
    let mut reply = owner::owner(catalog, asking, &Owner { name });
    let mut why = Text::plain("The message names it: ").join(why(sighting)).say(".");
    if !others.is_empty() {
        why = why.say(" It names these too:");
    }
    let buttons = others.iter().map(offer).collect();
    reply.cards.push(Card { body: vec![Block::Paragraph(why)], buttons, ..Card::default() });
    reply
}

fn which(catalog: &Catalog, asking: &Asking<'_>, sightings: &[Sighting]) -> Reply {
    let lead = match sightings {
        [_] => "The message may be about this:".to_owned(),
        several => format!("The message names {} things of the catalog. Which one is meant?", several.len()),
    };
    let mut reply = Reply::new(Status::Ambiguous, "owner", lead.into());
    reply.refs = sightings.iter().map(|sighting| sighting.entry.entity.entity_ref.to_string()).collect();
    let items = sightings.iter().map(|sighting| {
        let line = subject::line(catalog, &sighting.entry.entity);
        ListItem::new(line.line().say("Because of ").join(why(sighting)))
    });
    let body = vec![Block::List { style: ListStyle::Bullets, items: items.collect() }];
    reply.cards.push(Card { body, buttons: sightings.iter().map(offer).collect(), ..Card::default() });
    reply.provenance = Some(provenance::of_catalog(catalog, asking));
    reply
}

fn nothing(catalog: &Catalog, asking: &Asking<'_>, unknown: &[String]) -> Reply {
    let lead = match unknown {
        [] => Text::plain("Nothing in this message names anything in the catalog."),
        names => {
            let names = names.iter().map(|name| Text::new().code(cut(name, WRITTEN)));
            Text::plain("The message names ").join(Text::list(names, ", ")).say(", which the catalog does not know.")
        }
    };
    let mut reply = Reply::new(Status::NotFound, "owner", lead);
    let said = "Looked for: names, titles and aliases of entries; addresses of their repositories, dashboards and other links; \
                labels such as service=…; names of hosts and pods.";
    let body = vec![Block::Paragraph(said.into())];
    reply.cards.push(Card { body, ..Card::default() });
    for name in unknown {
        // A name that nothing fits is no better when it is searched for.
        let words = name.replace(['-', '_', '.', '/'], " ");
        if !catalog.search(asking.sought(&words)).is_empty() {
            reply.buttons.push(Button::say(cut(&format!("Search {words}"), WRITTEN), cut(&format!("find {words}"), WRITTEN)));
        }
    }
    reply.buttons.push(Button::say("How to search", "help find"));
    reply.provenance = Some(provenance::of_catalog(catalog, asking));
    reply
}

/// "the label `service=payments-api`".
fn why(sighting: &Sighting) -> Text {
    let written = Text::new().code(cut(&sighting.written, WRITTEN));
    let what = match sighting.clue {
        Clue::Reference => "the reference ",
        Clue::Label | Clue::Place => "the label ",
        Clue::Repository => "its repository ",
        Clue::Link => "an address that its entry links to, ",
        Clue::Tool => "what another tool calls it, ",
        Clue::Host => "the host or pod ",
        Clue::Name => "the name ",
        Clue::Derived => "the name in ",
        Clue::Team => "the team ",
        Clue::Word => "the word ",
    };
    Text::plain(what).join(written)
}

fn offer(sighting: &Sighting) -> Button {
    let entity_ref = &sighting.entry.entity.entity_ref;
    Button::say(cut(&bare_name(entity_ref), 75), format!("owner {entity_ref}"))
}
