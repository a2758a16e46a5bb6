//! How a quarter went, for a team or for all. Must not count: hygiene does.

use crate::{
    app::App,
    catalog::Catalog,
    chat::{Button, Reply, Status, Text},
    commands::{
        Asking,
        answer::{failure, names::label, subject, trend},
    },
};

/// Of a team or, with nothing typed, of all.
pub(super) async fn show(app: &App, catalog: &Catalog, asking: &Asking<'_>, typed: &str) -> Reply {
    let subject = match typed {
        "" => None,
        typed => match subject::resolve(catalog, asking, "hygiene", typed) {
            Ok(subject) => Some(subject),
            Err(reply) => return *reply,
        },
    };
    let entity = subject.as_ref().map(|subject| &subject.entry.entity);
    // Of what is owned its owner has a course.
    let owner = entity.map(|entity| entity.owner().map_or(&entity.entity_ref, |owner| catalog.primary(owner)));
    let card = match trend::card(app, catalog, asking, owner).await {
        Ok(card) => card,
        Err(error) => return failure::not_answered("hygiene", "How it went", asking, &error),
    };
    let of = owner.map_or_else(|| "all teams".to_owned(), |owner| label(catalog, owner));
    let mut reply = Reply::new(Status::Answered, "hygiene", Text::plain("The last quarter of ").bold(of).say("."));
    reply.refs.extend(owner.map(ToString::to_string));
    reply.cards.push(card);
    let line = owner.map_or_else(|| "hygiene everyone".to_owned(), |owner| format!("hygiene {owner}"));
    reply.buttons.push(Button::say("What is open", line).primary());
    if let Some(subject) = subject {
        subject.own_up(&mut reply);
    }
    reply
}
