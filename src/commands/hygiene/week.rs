//! The hygiene week in chat: how far it is, what one's own team has still to look at, and the word on each entry.
//! Must not ask anybody: the worker does.

use std::sync::Arc;

use serde_json::json;

use super::{audit, facts, hand_over, refuse_stranger};
use crate::{
    app::App,
    catalog::{
        Catalog, EntityRef, Entry, Kind, RelationType,
        live::{Judged, Verdict},
    },
    chat::{Block, Button, Card, Reply, Response, Status, Text, limits::cut},
    commands::{
        Asking, access,
        answer::{
            failure,
            names::{asker, label},
            subject,
        },
    },
    hygiene::{
        check::Rules,
        standing::owner_of,
        week::{LASTS, Over, Share, ask, begins_on, counted_entries, progress, shares},
    },
    store::{StoreError, Week},
};

/// The act that begins a week.
const START: &str = "weekstart";

/// Teams that get a button.
const BUTTONS: usize = 5;

/// `hygiene week`, with `start`, `mine`, a team, or nothing behind it.
pub(super) async fn week(app: &App, catalog: &Catalog, asking: &Asking<'_>, typed: &str, page: usize) -> Reply {
    if typed.eq_ignore_ascii_case("start") {
        return start(app, catalog, asking).await;
    }
    let running = match app.store.load_week().await {
        Ok(running) => running,
        Err(error) => return failure::not_answered("hygiene", "Whether a hygiene week is held", asking, &error),
    };
    let Some(running) = running else { return none_running(app, catalog, asking) };
    let all = shares(catalog, &asking.live.coverage.judged, running.started_at);
    let of = |owner: &EntityRef| all.iter().find(|share| share.owner == *owner);
    if typed.eq_ignore_ascii_case("mine") {
        return mine(app, catalog, asking, &all, page);
    }
    if !typed.is_empty() {
        let subject = match subject::resolve_of(catalog, asking, "hygiene", typed, &[Kind::Group, Kind::User]) {
            Ok(subject) => subject,
            Err(reply) => return *reply,
        };
        let owner = &subject.entry.entity.entity_ref;
        let empty = Share { owner: owner.clone(), entries: Vec::new(), open: Vec::new() };
        let mut reply = page_of(app, catalog, asking, of(owner).unwrap_or(&empty), page);
        subject.own_up(&mut reply);
        return reply;
    }
    let mut reply = progress(catalog, &all, Over::NotYet);
    let ends = running.ends_at.format("%A, %-d %B");
    let said = format!("Begun by {}; it ends on {ends}.", running.started_by);
    reply.cards.push(Card { body: vec![Block::Paragraph(said.into())], ..Card::default() });
    reply
}

fn page_of(app: &App, catalog: &Catalog, asking: &Asking<'_>, share: &Share, page: usize) -> Reply {
    let rules = Rules::of(&app.settings.hygiene);
    ask(share, &facts(catalog, asking, &rules), &asking.live.coverage.judged, page)
}

/// What the asker and their teams have still to look at.
fn mine(app: &App, catalog: &Catalog, asking: &Asking<'_>, all: &[Share], page: usize) -> Reply {
    let teams = asking.person.as_ref().map(|person| catalog.related(person, RelationType::MemberOf)).unwrap_or_default();
    let is_mine = |share: &&Share| teams.contains(&share.owner) || asking.person.as_ref() == Some(&share.owner);
    let own: Vec<&Share> = all.iter().filter(is_mine).collect();
    match own.as_slice() {
        [] => {
            let lead = match &asking.person {
                Some(_) => "Neither you nor your teams own anything in the catalog, so nothing is asked of you.",
                None => "The catalog does not know which teams you are in. Say which one you mean: /hygiene week team-payments.",
            };
            Reply::new(Status::NotFound, "hygiene", lead.into())
        }
        [share] => page_of(app, catalog, asking, share, page),
        several => {
            let lead = format!("You answer for the entries of {} owners.", several.len());
            let mut reply = Reply::new(Status::Answered, "hygiene", lead.into());
            let button = |share: &&&Share| {
                let label = format!("{}: {} left", label(catalog, &share.owner), share.open.len());
                Button::say(cut(&label, 60), format!("hygiene week {}", share.owner))
            };
            reply.buttons = several.iter().take(BUTTONS).map(|share| button(&share)).collect();
            reply
        }
    }
}

/// When there is one, and how it is switched on.
fn none_running(app: &App, catalog: &Catalog, asking: &Asking<'_>) -> Reply {
    let settings = &app.settings.hygiene.week;
    let today = asking.now.with_timezone(&app.settings.hygiene.schedule.time_zone).date_naive();
    let begins = begins_on(settings, today);
    let lead = match (settings.held, begins > today) {
        (true, true) => format!("No hygiene week is held now. The next begins on {}.", begins.format("%A, %-d %B")),
        (true, false) => "No hygiene week is held now. That of this quarter is over.".to_owned(),
        (false, _) => {
            "No hygiene week is held now, and none is planned: hygiene.week.held in steward.yaml has one every quarter."
                .to_owned()
        }
    };
    let mut reply = Reply::new(Status::Answered, "hygiene", lead.into());
    let said = "In a hygiene week every owner is asked once whether each of their entries is still right, and one message in \
                a channel shows how far all are.";
    let mut buttons = Vec::new();
    if super::may(app, catalog, asking, START) {
        let question = "Every owner of something in the catalog is asked once, at their hours. Begin?";
        buttons.push(Button::say("Begin one now", "hygiene week start").primary().confirm(question));
    }
    reply.cards.push(Card { body: vec![Block::Paragraph(said.into())], buttons, ..Card::default() });
    reply
}

async fn start(app: &App, catalog: &Catalog, asking: &Asking<'_>) -> Reply {
    let Some(command) = app.commands.find("hygiene") else {
        return Reply::new(Status::Error, "hygiene", "This version has no /hygiene.".into());
    };
    let wish = access::Wish { command, act: Some(START), subject: "" };
    if let Some(refusal) = access::refuse(app, catalog, asking, &wish).await {
        return refusal;
    }
    let today = asking.now.with_timezone(&app.settings.hygiene.schedule.time_zone).date_naive();
    let name = asker(catalog, asking).name;
    let new = Week { week: today, started_at: asking.now, ends_at: asking.now + LASTS, started_by: name, said: None };
    let audit = audit(asking, "week", "start", json!({ "week": today.to_string() }));
    let lead = match app.store.start_week(Some(&audit), &new).await {
        Ok(true) => {
            let where_to = app.settings.hygiene.week.channel.as_ref().or(app.settings.hygiene.catch_all.as_ref());
            let shown = match where_to {
                Some(channel) => format!("{channel} shows how far all are."),
                None => {
                    "Nobody is shown how far all are, but by /hygiene week: hygiene.week.channel names no channel.".to_owned()
                }
            };
            format!("The hygiene week has begun: each owner is asked once, as soon as their hours allow. {shown}")
        }
        Ok(false) => "A hygiene week is held already, or was begun today. Nothing was changed.".to_owned(),
        Err(error) => return failure::not_recorded("hygiene", "No week was begun.", asking, &error),
    };
    let mut reply = Reply::new(Status::Answered, "hygiene", lead.into());
    reply.buttons.push(Button::say("How far it is", "hygiene week"));
    reply
}

/// An entry by what was typed.
fn find(catalog: &Catalog, asking: &Asking<'_>, typed: &str) -> Result<Arc<Entry>, Box<Reply>> {
    if typed.is_empty() {
        let lead = "Say which entry: the buttons of a hygiene week do, and so does /hygiene right payments-api.";
        return Err(Box::new(Reply::new(Status::NotFound, "hygiene", lead.into())));
    }
    subject::resolve(catalog, asking, "hygiene", typed).map(|subject| subject.entry)
}

/// "Still right".
pub(super) async fn right(app: &App, catalog: &Catalog, asking: &Asking<'_>, typed: &str) -> Reply {
    let entry = match find(catalog, asking, typed) {
        Ok(entry) => entry,
        Err(reply) => return *reply,
    };
    let entity = entry.entity.entity_ref.clone();
    if let Some(refusal) = refuse_stranger(catalog, asking, &entity, "confirm it") {
        return refusal;
    }
    if let Err(error) = judge(app, catalog, asking, "right", &entity, std::slice::from_ref(&entity), Verdict::Right).await {
        return failure::not_recorded("hygiene", "Nothing was confirmed.", asking, &error);
    }
    let me = asker(catalog, asking).name;
    let lead = Text::plain("✓ ").bold(entry.entity.label()).say(format!(" is right as it stands, says {me}. Thank you."));
    let mut reply = Reply::new(Status::Answered, "hygiene", lead);
    reply.refs.push(entity.to_string());
    if let (Ok(Some(_)), Some(owner)) = (app.store.load_week().await, owner_of(catalog, &entity)) {
        reply.buttons.push(Button::say("What is left", format!("hygiene week {owner}")));
    }
    reply
}

/// "All still right", for what one owner has not looked at.
pub(super) async fn all_right(app: &App, catalog: &Catalog, asking: &Asking<'_>, typed: &str) -> Reply {
    let owner = match find(catalog, asking, typed) {
        Ok(entry) => entry.entity.entity_ref.clone(),
        Err(reply) => return *reply,
    };
    if !(access::is_of(catalog, asking, &owner) || asking.standing == super::Standing::Admin) {
        let lead = format!("Only people of {} and admins may confirm it. Nothing was changed.", label(catalog, &owner));
        return Reply::new(Status::Refused, "hygiene", lead.into());
    }
    let since = match app.store.load_week().await {
        Ok(Some(week)) => week.started_at,
        // Without a week all of it is confirmed as of now.
        Ok(None) => asking.now,
        Err(error) => return failure::not_answered("hygiene", "Whether a hygiene week is held", asking, &error),
    };
    let all = shares(catalog, &asking.live.coverage.judged, since);
    let open: Vec<EntityRef> = all
        .iter()
        .filter(|share| share.owner == owner)
        .flat_map(|share| &share.open)
        .map(|entry| entry.entity.entity_ref.clone())
        .collect();
    let name = label(catalog, &owner);
    let mut reply = Reply::new(Status::Answered, "hygiene", Text::new());
    reply.refs.push(owner.to_string());
    if open.is_empty() {
        reply.lead = Text::plain("✓ Nothing of ").bold(name).say(" is left to look at.");
        return reply;
    }
    if let Err(error) = judge(app, catalog, asking, "allright", &owner, &open, Verdict::Right).await {
        return failure::not_recorded("hygiene", "Nothing was confirmed.", asking, &error);
    }
    let me = asker(catalog, asking).name;
    let said = format!("✓ {} of ", counted_entries(open.len()));
    reply.lead = Text::plain(said).bold(name).say(format!(" are right as they stand, says {me}. Thank you."));
    reply
}

/// "Not ours", where nothing else is open: that is written down, and then asked whose it is.
pub(super) async fn disown(app: &App, catalog: &Catalog, asking: &Asking<'_>, typed: &str) -> Response {
    let entry = match find(catalog, asking, typed) {
        Ok(entry) => entry,
        Err(reply) => return Response::Reply(*reply),
    };
    let entity = entry.entity.entity_ref.clone();
    if let Some(refusal) = refuse_stranger(catalog, asking, &entity, "hand it over") {
        return Response::Reply(refusal);
    }
    if let Err(error) = judge(app, catalog, asking, "disown", &entity, std::slice::from_ref(&entity), Verdict::NotOurs).await {
        return Response::Reply(failure::not_recorded("hygiene", "Nothing was written down.", asking, &error));
    }
    let asking = Asking { live: app.live.load(), ..asking.clone() };
    match hand_over::open(app, catalog, &asking, &format!("owner-denied:{entity}")) {
        Response::Form(mut form) => {
            let noted = Text::plain("It is noted that this is not yours; ").code(format!("/hygiene right {}", entity.name()));
            form.intro = noted.say(" takes that back. ").join(form.intro);
            Response::Form(form)
        }
        other => other,
    }
}

/// Writes down the asker's word on some entries.
async fn judge(
    app: &App,
    catalog: &Catalog,
    asking: &Asking<'_>,
    act: &str,
    subject: &EntityRef,
    entities: &[EntityRef],
    verdict: Verdict,
) -> Result<(), StoreError> {
    let by = asker(catalog, asking).name;
    let word = |entity: &EntityRef| {
        let judged = Judged { verdict, owner: owner_of(catalog, entity), at: asking.now, by: by.clone() };
        (entity.clone(), judged)
    };
    let words: Vec<(EntityRef, Judged)> = entities.iter().map(word).collect();
    let detail = json!({ "verdict": verdict.as_str(), "entries": entities.len() });
    app.store.judge_entries(&audit(asking, act, subject.as_str(), detail), &words).await?;
    app.live.change_coverage(|coverage| coverage.judged.extend(words.iter().cloned()));
    Ok(())
}
