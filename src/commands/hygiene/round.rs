//! What a round would say, and the word that lets rounds go. Must not plan them: hygiene does.

use crate::{
    app::App,
    chat::{Button, Reply, Status},
    commands::{Asking, answer::failure},
    hygiene::round,
    store::AuditEntry,
};

pub(super) async fn preview(app: &App, asking: &Asking<'_>) -> Reply {
    match round::show_preview(app).await {
        Ok(reply) => reply,
        Err(error) => failure::not_answered("hygiene", "What teams were told", asking, &error),
    }
}

pub(super) async fn begin(app: &App, asking: &Asking<'_>) -> Reply {
    let audit = AuditEntry {
        at: asking.now,
        account: asking.account.clone(),
        person: asking.person.clone(),
        command: "hygiene".to_owned(),
        subject: "rounds".to_owned(),
        detail: serde_json::json!({ "act": "begin" }),
        delivery: asking.delivery.clone(),
    };
    let lead = match round::begin(app, &audit).await {
        Ok(true) => {
            "Rounds are held from now on: each team hears within minutes, or as soon as its hours allow; where its own round \
             begins within a day, then."
        }
        Ok(false) => "Rounds are held already. Nothing was changed.",
        Err(error) => return failure::not_recorded("hygiene", "Rounds were not let go.", asking, &error),
    };
    let mut reply = Reply::new(Status::Answered, "hygiene", lead.into());
    reply.buttons.push(Button::say("What a round would say now", "hygiene preview"));
    reply
}
