//! What is said of something that was in the catalog and is gone: when and why it went, whose it was, where its past is.
//! Must not read the store: the snapshot knows enough.

use std::sync::Arc;

use super::{
    age::day,
    names::{label, owner_text, short_ref},
    provenance,
    subject::choices_card,
};
use crate::{
    catalog::{Catalog, EntityRef, Entry, GoneBecause, GoneClaim},
    chat::{Block, Button, Card, ListItem, ListStyle, Reply, Status, Text},
    commands::{Asking, whois},
};

/// Others of the same name or repository that are told beside the first.
const OTHERS: usize = 5;

/// The reply to whoever asks for it: what became of it first, what there is instead after that.
///
/// `gone` holds at least one; `nearest` are those that are there and sound like it.
pub fn reply(
    catalog: &Catalog,
    asking: &Asking<'_>,
    command: &str,
    gone: &[&GoneClaim],
    nearest: &[Arc<Entry>],
) -> Option<Reply> {
    let (first, others) = gone.split_first()?;
    let mut reply = if is_people(first) {
        whois::of_gone(catalog, asking, command, first)
    } else {
        // Nothing that is there was found, so no reference is claimed.
        let mut reply = Reply::new(Status::NotFound, command, text(catalog, asking, first));
        reply.buttons.push(Button::say("Its history", format!("history {}", first.entity_ref)).primary());
        let owner = first.owner.as_ref().map(|owner| catalog.primary(owner)).filter(|owner| catalog.find(owner).is_some());
        reply.buttons.extend(owner.map(|owner| Button::say(label(catalog, owner), format!("owner {owner}"))));
        reply.provenance = Some(provenance::of_catalog(catalog, asking));
        reply
    };
    if !others.is_empty() {
        let shown = others.iter().take(OTHERS);
        let line = |gone: &&GoneClaim| {
            ListItem::new(Text::new().code(short_ref(&gone.entity_ref)).say(": ").join(text(catalog, asking, gone)))
        };
        let body = vec![Block::List { style: ListStyle::Bullets, items: shown.clone().map(line).collect() }];
        let buttons = shown.map(|gone| Button::say(short_ref(&gone.entity_ref), format!("history {}", gone.entity_ref)));
        reply.cards.push(Card { title: Text::plain("Gone as well"), body, buttons: buttons.collect(), ..Card::default() });
    }
    if !nearest.is_empty() {
        let title = if nearest.len() == 1 { "The nearest name that is there" } else { "The nearest names that are there" };
        reply.cards.push(Card { title: Text::plain(title), ..choices_card(catalog, command, nearest) });
    }
    Some(reply)
}

fn is_people(gone: &GoneClaim) -> bool {
    matches!(gone.entity_ref.kind(), "group" | "user")
}

/// "payments-old was removed on 3 March: its repository, acme/payments-old, is gone. It was owned by Team X."
pub fn text(catalog: &Catalog, asking: &Asking<'_>, gone: &GoneClaim) -> Text {
    if is_people(gone) {
        return whois::gone_text(gone);
    }
    let text = Text::new().bold(&gone.label).say(format!(" was removed on {}: ", day(gone.since, asking.now)));
    let text = match &gone.because {
        GoneBecause::RepositoryGone => text.say(format!("its repository, {}, is gone.", gone.repository)),
        GoneBecause::NotDeclared => text.say(format!("{} no longer declares it.", gone.repository)),
        GoneBecause::FilteredOut(filter) => {
            text.say(format!("its repository, {}, is left out by the filter `{filter}` of {}.", gone.repository, gone.source))
        }
    };
    match &gone.owner {
        Some(owner) => text.say(" It was owned by ").join(last_owner(catalog, owner)).say("."),
        None => text,
    }
}

/// An owner as text; one that is gone as well is named and marked.
fn last_owner(catalog: &Catalog, owner: &EntityRef) -> Text {
    match catalog.gone(owner) {
        Some(gone) => Text::new().bold(&gone.label).say(", which is gone too"),
        None => owner_text(catalog, owner),
    }
}
