//! "I could not find it", and the answer of whoever has it. Must not write to the owner: the worker does, at their hours.

use serde_json::json;

use super::{key, person_key, read_key, trace::trace};
use crate::{
    app::App,
    catalog::{
        Catalog, EntityRef,
        live::{NotFound, Step},
    },
    chat::{Button, Reply, Status, Text},
    commands::{
        Asking, Standing,
        access::is_of,
        answer::{
            failure,
            names::{asker, label},
        },
    },
    hygiene::{
        onboard::{answered, asked_of},
        round::{Asides, Word, look_at},
        standing::owner_of,
    },
    store::{AuditEntry, Missing, NewMissing, NewRoundMessage, SeenStep, StoreError},
};

fn audit(asking: &Asking<'_>, act: &str, step: Step, entity: &EntityRef) -> AuditEntry {
    AuditEntry {
        at: asking.now,
        delivery: asking.delivery.clone(),
        account: asking.account.clone(),
        person: asking.person.clone(),
        command: format!("onboard {act}"),
        subject: entity.to_string(),
        detail: json!({ "step": step.as_str() }),
    }
}

/// Writes down that the asker could not find it.
pub(super) async fn lost(app: &App, catalog: &Catalog, asking: &Asking<'_>, typed: &str) -> Reply {
    let (step, entity) = match read_key(catalog, typed) {
        Ok(found) => found,
        Err(reply) => return *reply,
    };
    let Some(entry) = catalog.find(&entity) else { return Reply::new(Status::NotFound, "onboard", "It is gone.".into()) };
    let new = NewMissing {
        entity: entity.clone(),
        step,
        trace: trace(catalog, &asking.live, &app.links, step, entry),
        person: asking.person.clone(),
        name: asker(catalog, asking).name,
        account: asking.account.clone(),
    };
    let owner = owner_of(catalog, &entity);
    let who = owner.as_ref().map_or_else(|| "those who look after what nobody owns".to_owned(), |owner| label(catalog, owner));
    let (what, name) = (step.what(), entry.entity.label());
    let lead = match app.store.say_missing(&audit(asking, "lost", step, &entity), &new).await {
        Ok(Some(_)) => {
            let missing = NotFound { step, by: new.name.clone(), at: asking.now };
            app.live.change_coverage(|coverage| {
                let known = coverage.not_found.entry(entity.clone()).or_default();
                if known.iter().all(|known| known.step != step) {
                    known.push(missing.clone());
                }
            });
            let said = Text::plain("Thank you. ").bold(who).say(format!(" are asked for {what} of ")).bold(name);
            said.say(", once, at an hour at which they may be written to. You hear from me when it is there.")
        }
        Ok(None) => {
            let said = Text::plain("Somebody has looked for it before you: ").bold(who);
            said.say(format!(" are asked for {what} of ")).bold(name).say(" already.")
        }
        Err(error) => return failure::not_recorded("onboard", "Nobody was asked.", asking, &error),
    };
    if let Some(team) = &owner {
        let seen = SeenStep { person: person_key(asking), team: team.clone(), step, entity: entity.clone() };
        if let Err(StoreError::Failed(fault)) = app.store.note_seen(&seen, asking.now).await {
            tracing::error!(fault = format!("{fault:#}"), "a step that was seen could not be kept");
        }
    }
    let mut reply = Reply::new(Status::Answered, "onboard", lead);
    reply.refs.push(entity.to_string());
    let list = owner.as_ref().map_or_else(|| "onboard".to_owned(), |team| format!("onboard start {team}"));
    reply.buttons.push(Button::say("The list", list).primary());
    reply.buttons.push(Button::say("What is open there", format!("hygiene {entity}")));
    reply
}

/// Whoever answers for it, or whoever looked for it, says that it is there.
pub(super) async fn found(app: &App, catalog: &Catalog, asking: &Asking<'_>, typed: &str) -> Reply {
    let (step, entity) = match read_key(catalog, typed) {
        Ok(found) => found,
        Err(reply) => return *reply,
    };
    let open = match app.store.load_missing().await {
        Ok(open) => open,
        Err(error) => return failure::not_answered("onboard", "What was not found", asking, &error),
    };
    let (what, name) = (step.what(), label(catalog, &entity));
    let Some(missing) = open.into_iter().find(|missing| missing.said.step == step && missing.said.entity == entity) else {
        let lead = format!("✓ Not open any more: {what} of {name}. Somebody has answered it, or it is there.");
        return Reply::new(Status::Answered, "onboard", lead.into());
    };
    let owner = owner_of(catalog, &entity);
    let is_owner = owner.as_ref().is_none_or(|owner| is_of(catalog, asking, owner));
    let is_sayer = missing.said.person.is_some() && missing.said.person == asking.person;
    if !(is_owner || is_sayer || asking.standing == Standing::Admin) {
        let who = owner.as_ref().map(|owner| label(catalog, owner)).unwrap_or_default();
        let lead = format!("Only people of {who}, whoever looked for it, and admins may answer that. Nothing was changed.");
        return Reply::new(Status::Refused, "onboard", lead.into());
    }
    let me = asker(catalog, asking).name;
    let message = if is_sayer { Ok(None) } else { answer_message(app, catalog, &missing, &me).await };
    let audit = audit(asking, "found", step, &entity);
    let closed = match message {
        Ok(message) => app.store.close_missing(missing.id, Some((&audit, &me)), message.as_ref(), asking.now).await,
        Err(error) => Err(error),
    };
    let lead = match closed {
        Ok(is_first) => {
            app.live.change_coverage(|coverage| {
                if let Some(known) = coverage.not_found.get_mut(&entity) {
                    known.retain(|known| known.step != step);
                }
            });
            match (is_first, is_sayer) {
                (false, _) => Text::plain("Somebody was quicker: it is answered."),
                (true, true) => Text::plain("Thank you. Nobody is asked for it any more."),
                (true, false) => {
                    let said = Text::plain("Thank you. ").bold(missing.said.name.as_str());
                    said.say(format!(" hears that {what} of ")).bold(name).say(" can be found.")
                }
            }
        }
        Err(error) => return failure::not_recorded("onboard", "Nothing was closed.", asking, &error),
    };
    let mut reply = Reply::new(Status::Answered, "onboard", lead);
    reply.refs.push(entity.to_string());
    reply.buttons.push(Button::say("What they will see", format!("onboard see {}", key(step, &entity))));
    reply
}

/// What whoever looked for it is told, at an hour that is theirs.
async fn answer_message(
    app: &App,
    catalog: &Catalog,
    missing: &Missing,
    by: &str,
) -> Result<Option<NewRoundMessage>, StoreError> {
    let look = look_at(app, app.catalog.load(), Vec::new()).await?;
    let scene = look.scene(app);
    let (Some(asides), Some(person)) = (Asides::new(&scene), &missing.said.person) else { return Ok(None) };
    let Some(team) = asked_of(catalog, missing) else { return Ok(None) };
    let once = missing.id.0.to_string();
    let word = Word { about: "answers", once: &once, reply: answered(catalog, missing, Some(by)) };
    Ok(asides.answer(&team, catalog.primary(person), &word))
}
