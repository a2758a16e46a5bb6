//! One step: the answer of the command that knows it, ticked, with what comes next.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    key,
    list::{Seen, button_label, steps_of},
    person_key, read_key,
    trace::dashboards,
};
use crate::{
    app::App,
    catalog::{Catalog, EntityRef, Entry, live::Step},
    chat::{Arguments, Block, Button, Card, ListItem, ListStyle, Reply, Response, Status, Text},
    commands::{
        Asking, StoreHealth, access,
        answer::{names::label, provenance},
        owner::titled_links,
    },
    hygiene::standing::owner_of,
    store::{SeenStep, StoreError},
};

/// Links that are written out.
const LINKS: usize = 10;

pub(super) async fn see(app: &App, catalog: &Catalog, asking: &Asking<'_>, key: &str) -> Reply {
    let (step, entity) = match read_key(catalog, key) {
        Ok(found) => found,
        Err(reply) => return *reply,
    };
    let Some(entry) = catalog.find(&entity) else { return Reply::new(Status::NotFound, "onboard", "It is gone.".into()) };
    let mut reply = match answer(app, catalog, asking, step, entry).await {
        // What may not be seen is neither ticked nor lost.
        reply if matches!(reply.status, Status::Refused | Status::Error) => return reply,
        reply => reply,
    };
    // That there is none is an answer as well.
    reply.status = Status::Answered;
    reply.command = "onboard".to_owned();
    reply.cards.push(below(app, catalog, asking, step, entry).await);
    reply
}

/// The same as the command of this step answers.
async fn answer(app: &App, catalog: &Catalog, asking: &Asking<'_>, step: Step, entry: &Arc<Entry>) -> Reply {
    let (command, argument) = match step {
        Step::Owner => ("owner", "name"),
        Step::Runbook => ("runbook", "name"),
        Step::Docs => ("docs", "name"),
        Step::Dependencies => ("deps", "name"),
        Step::OnCall => ("oncall", "name"),
        // Its links are a part of the card.
        Step::Dashboard => ("owner", "name"),
    };
    let entity = &entry.entity.entity_ref;
    let Some(command) = app.commands.find(command) else {
        return Reply::new(Status::Error, "onboard", "This step has no command in this version.".into());
    };
    let wish = access::Wish { command, act: None, subject: entity.as_str() };
    if let Some(refusal) = access::refuse(app, catalog, asking, &wish).await {
        return refusal;
    }
    if step == Step::Dashboard {
        return dashboard(catalog, asking, entry);
    }
    let arguments = Arguments(BTreeMap::from([(argument.to_owned(), entity.to_string())]));
    // A command that asks for commands: the future would hold itself.
    match Box::pin(crate::commands::run(app, catalog, asking, command, &arguments)).await {
        Response::Reply(reply) => reply,
        Response::Form(_) | Response::Choices(_) => {
            Reply::new(Status::Error, "onboard", "This step cannot be shown in this version.".into())
        }
    }
}

fn dashboard(catalog: &Catalog, asking: &Asking<'_>, entry: &Entry) -> Reply {
    let name = entry.entity.label();
    let found = dashboards(&asking.links, entry);
    let all = titled_links(&asking.links, &entry.entity);
    let (lead, shown) = match (found.len(), all.len()) {
        (0, 0) => (Text::plain("No dashboard is known of ").bold(name).say(", nor any other link."), &all),
        (0, _) => (Text::plain("No link of ").bold(name).say(" is called a dashboard. These are its links:"), &all),
        (1, _) => (Text::plain("The dashboard of ").bold(name).say(":"), &found),
        (some, _) => (Text::plain(format!("The {some} dashboards of ")).bold(name).say(":"), &found),
    };
    let mut reply = Reply::new(Status::Answered, "onboard", lead);
    reply.refs.push(entry.entity.entity_ref.to_string());
    let items: Vec<ListItem> =
        shown.iter().take(LINKS).map(|link| ListItem::new(Text::new().link(link.title.as_str(), link.url.as_str()))).collect();
    if !items.is_empty() {
        reply.cards.push(Card { body: vec![Block::List { style: ListStyle::Bullets, items }], ..Card::default() });
    }
    reply.provenance = Some(provenance::of_file(catalog, asking, &entry.origin));
    reply
}

/// Ticks the step, and says what comes next.
async fn below(app: &App, catalog: &Catalog, asking: &Asking<'_>, step: Step, entry: &Entry) -> Card {
    let entity = &entry.entity.entity_ref;
    let mut buttons = Vec::new();
    let mut body = Vec::new();
    if let Some(team) = owner_of(catalog, entity) {
        let mut seen = Seen::load(app, asking).await;
        let this = SeenStep { person: person_key(asking), team: team.clone(), step, entity: entity.clone() };
        tick(app, asking, &this).await;
        seen.add(this);
        let steps = steps_of(app, catalog, asking, &team, &seen);
        let done = steps.iter().filter(|(step, _)| seen.has(&team, *step)).count();
        let said = Text::plain("Day one in ").bold(label(catalog, &team)).say(format!(": {done} of {} seen.", steps.len()));
        body.push(Block::Paragraph(said));
        let next = steps.iter().find(|(step, _)| !seen.has(&team, *step));
        let next = next.map(|(step, entry)| (button_label(*step, entry), key(*step, &entry.entity.entity_ref)));
        buttons.extend(next.map(|(label, key)| Button::say(format!("Next: {label}"), format!("onboard see {key}")).primary()));
        buttons.push(Button::say("The list", format!("onboard start {team}")));
    }
    buttons.push(lost_button(step, entity));
    Card { body, buttons, ..Card::default() }
}

fn lost_button(step: Step, entity: &EntityRef) -> Button {
    Button::say("I could not find it", format!("onboard lost {}", key(step, entity)))
}

/// A tick that is not kept is no reason to keep back the answer.
async fn tick(app: &App, asking: &Asking<'_>, seen: &SeenStep) {
    if asking.store != StoreHealth::Reachable {
        return;
    }
    match app.store.note_seen(seen, asking.now).await {
        Ok(()) | Err(StoreError::Away(_) | StoreError::Claimed) => {}
        Err(StoreError::Failed(fault)) => tracing::error!(fault = format!("{fault:#}"), "a step that was seen could not be kept"),
    }
}
