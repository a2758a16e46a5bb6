//! How a quarter went, and how rounds begin: for whoever looks after more than one finding.
//! Must not plan a round, nor count: hygiene does.

use serde_json::json;

use super::audit;
use crate::{
    app::App,
    catalog::Catalog,
    chat::{Button, Reply, Status, Text},
    commands::{
        Asking,
        answer::{failure, subject, trend},
    },
    hygiene::round,
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
    let of = owner.map_or_else(|| "all teams".to_owned(), |owner| crate::commands::answer::names::label(catalog, owner));
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

pub(super) async fn preview(app: &App, asking: &Asking<'_>) -> Reply {
    match round::show_preview(app).await {
        Ok(reply) => reply,
        Err(error) => failure::not_answered("hygiene", "What teams were told", asking, &error),
    }
}

pub(super) async fn begin(app: &App, asking: &Asking<'_>) -> Reply {
    match round::begin(app, &audit(asking, "begin", "rounds", json!({}))).await {
        Ok(true) => {
            let lead = "Rounds are held from now on. The first messages leave as soon as each team's hours allow.";
            Reply::new(Status::Answered, "hygiene", lead.into())
        }
        Ok(false) => Reply::new(Status::Answered, "hygiene", "Rounds are held already. Nothing was changed.".into()),
        Err(error) => failure::not_recorded("hygiene", "Rounds were not begun.", asking, &error),
    }
}
