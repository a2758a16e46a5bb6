//! What is gone from the sources: a large removal that waits for an admin's word, and removals that can be taken back.
//! Must not remove or restore by itself: it records the wish, a job does the work.

use crate::{
    app::App,
    catalog::{Catalog, HeldBack},
    chat::{Block, Button, Card, Reply, Status, Text, Tone},
    commands::{
        Asking, Standing,
        answer::{
            age::{age, count},
            failure,
        },
    },
    store::{AuditEntry, ConfirmedRemoval, Job, RestoreRepository, SyncSources},
};

/// Removed repositories in one message; each is a card.
const SHOWN: usize = 20;

/// A card for each source with a removal that waits; admins get the button.
pub(super) fn held_back_cards(catalog: &Catalog, asking: &Asking<'_>) -> Vec<Card> {
    let held = catalog.parts().sources.iter().filter_map(|(id, state)| Some((id, state.held_back.as_ref()?)));
    held.map(|(source, held)| held_back_card(source, held, asking)).collect()
}

fn held_back_card(source: &str, held: &HeldBack, asking: &Asking<'_>) -> Card {
    let HeldBack { gone, of, since, names } = held;
    let what = what(held);
    let mut said = Text::new()
        .say(format!("Since {} ", age(*since, asking.now)))
        .bold(source)
        .say(format!(" no longer shows {gone} of its {of} {what}. They still answer; nothing was removed."));
    if !names.is_empty() {
        let more = gone.saturating_sub(names.len());
        let more = if more > 0 { format!(" + {more} more") } else { String::new() };
        said = said.say(format!(" They are: {}{more}.", names.join(", ")));
    }
    let question = format!("Remove these {gone} {what} and what they declare? You can take it back for 30 days.");
    let button = Button::say(format!("Remove {gone}"), format!("catalog remove {source}")).confirm(question);
    let advice = "If that is wrong, look at what the token or the App may see; the next sync clears this by itself.";
    Card {
        tone: Tone::Warning,
        title: Text::new().bold("A large removal waits for an admin's word"),
        body: vec![Block::Paragraph(said), Block::Paragraph(advice.into())],
        buttons: if asking.standing == Standing::Admin { vec![button] } else { Vec::new() },
        ..Card::default()
    }
}

/// References are of people and teams, whose whole list is one repository.
fn what(held: &HeldBack) -> &'static str {
    let all = |is_such: fn(&String) -> bool| !held.names.is_empty() && held.names.iter().all(is_such);
    if all(|name| name.starts_with("user:") || name.starts_with("group:")) {
        "people and teams"
    } else if all(|name| name.contains(':')) {
        "entities"
    } else {
        "repositories"
    }
}

/// Records that what was held back shall be removed. The caller has checked that an admin asks.
pub async fn confirm(app: &App, catalog: &Catalog, asking: &Asking<'_>, source: &str) -> Reply {
    let Some(held) = catalog.source(source).and_then(|state| state.held_back.as_ref()) else {
        let said = match source {
            "" => "Name the source whose removal you confirm, as in /catalog remove acme.".to_owned(),
            source => format!("Nothing of {source} waits to be removed; it may have come back. Nothing was changed."),
        };
        return Reply::new(Status::NotFound, "catalog", said.into());
    };
    let work = SyncSources {
        requested_by: asking.account.clone(),
        place: asking.place.cloned(),
        confirmed: Some(ConfirmedRemoval { source: source.to_owned(), up_to: held.gone }),
    };
    let entry = entry(asking, "catalog remove", source, serde_json::json!({ "gone": held.gone, "of": held.of }));
    match app.store.record_action(entry, Some(Job::SyncSources(work))).await {
        Ok(()) => {
            let said = format!(
                "{source} is read once more, then up to {} {} that are still gone are removed. You will be told.",
                held.gone,
                what(held)
            );
            Reply::new(Status::Answered, "catalog", said.into())
        }
        Err(error) => failure::not_recorded("catalog", "Nothing was removed.", asking, &error),
    }
}

/// What was removed in the last 30 days, each with a button that takes it back.
pub async fn removed(app: &App, asking: &Asking<'_>) -> Reply {
    let mut tombstones = match app.store.load_tombstones(SHOWN as i64 + 1).await {
        Ok(tombstones) => tombstones,
        Err(error) => return failure::not_answered("catalog", "What was removed", asking, &error),
    };
    if tombstones.is_empty() {
        return Reply::new(Status::Answered, "catalog", "Nothing was removed in the last 30 days.".into());
    }
    let lead = if tombstones.len() > SHOWN {
        tombstones.truncate(SHOWN);
        format!("The latest {SHOWN} repositories of those removed in the last 30 days:")
    } else {
        format!("Removed in the last 30 days: {}.", count_repositories(tombstones.len()))
    };
    let mut reply = Reply::new(Status::Answered, "catalog", lead.into());
    reply.cards.extend(tombstones.iter().map(|tombstone| {
        let entities = if tombstone.entities == 1 { "1 entity" } else { &format!("{} entities", tombstone.entities) };
        let (source, since) = (&tombstone.source_id, age(tombstone.removed_at, asking.now));
        let said = format!("Removed from {source} {since}, with {entities}.");
        let question =
            format!("Let {} answer again? It then stays for 30 days, even if its source does not show it.", tombstone.full_name);
        let line = format!("catalog restore {}", tombstone.full_name);
        Card {
            title: Text::new().bold(&tombstone.full_name),
            body: vec![Block::Paragraph(said.into())],
            buttons: vec![Button::say("Restore", line).confirm(question)],
            ..Card::default()
        }
    }));
    reply
}

fn count_repositories(number: usize) -> String {
    if number == 1 { count(number, "repository") } else { format!("{number} repositories") }
}

/// Records that a removed repository shall answer again. The caller has checked that an admin asks.
pub async fn restore(app: &App, asking: &Asking<'_>, repository: &str) -> Reply {
    if repository.is_empty() {
        let said = "Name the repository, as in /catalog restore acme/payments-api; /catalog removed lists them.";
        return Reply::new(Status::NotFound, "catalog", said.into());
    }
    let work = RestoreRepository {
        full_name: repository.to_owned(),
        requested_by: asking.account.clone(),
        place: asking.place.cloned(),
    };
    let entry = entry(asking, "catalog restore", repository, serde_json::json!({}));
    match app.store.record_action(entry, Some(Job::Restore(work))).await {
        Ok(()) => {
            let said = format!("{repository} is being restored. You will be told.");
            Reply::new(Status::Answered, "catalog", said.into())
        }
        Err(error) => failure::not_recorded("catalog", "Nothing was restored.", asking, &error),
    }
}

fn entry(asking: &Asking<'_>, command: &str, subject: &str, detail: serde_json::Value) -> AuditEntry {
    AuditEntry {
        at: asking.now,
        delivery: asking.delivery.clone(),
        account: asking.account.clone(),
        person: asking.person.clone(),
        command: command.to_owned(),
        subject: subject.to_owned(),
        detail,
    }
}
