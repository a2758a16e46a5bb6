//! Not ours: whose a finding may be, the question to them, and their answer. What comes back goes to people who settle it.
//! Must not present a guess as more than that.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Answer, Open, audit, draw, find_open, mend, mend_form::pick, refuse_stranger};
use crate::{
    app::App,
    catalog::{Catalog, EntityRef, Kind},
    chat::{
        Block, Button, Card, Field, FieldKind, Form, FormState, Platform, Reply, Response, Status, Submission, Text, Value,
        limits::cut,
    },
    commands::{
        Asking, Standing,
        access::is_of,
        admins,
        answer::{
            failure,
            names::{asker, label},
        },
        tasks::places_of_approvers,
    },
    hygiene::{
        fix::Blank,
        guess::{Clues, Guess, guess},
        standing::owner_of,
    },
    store::{HandOver, HandOverId, HandOverState, NewHandOver},
};

const NOTE: &str = "note";
const NOTE_LETTERS: usize = 300;

/// The form that names who it may be instead.
pub(super) fn open(app: &App, catalog: &Catalog, asking: &Asking<'_>, key: &str) -> Response {
    let found = match find_open(app, catalog, asking, key) {
        Ok(found) => found,
        Err(reply) => return Response::Reply(*reply),
    };
    if let Some(refusal) = refuse_stranger(catalog, asking, &found.finding.entity, "hand it over") {
        return Response::Reply(refusal);
    }
    let guesses = guesses(catalog, asking, &found);
    let mut state = FormState { subject: format!("notours {}", found.key()), ..FormState::default() };
    if let Some(best) = guesses.first() {
        state.values.insert(Blank::Owner.as_str().to_owned(), Value::Text(best.owner.to_string()));
    }
    Response::Form(Box::new(form(catalog, &found, &guesses, state, BTreeMap::new())))
}

fn guesses(catalog: &Catalog, asking: &Asking<'_>, found: &Open) -> Vec<Guess> {
    // Whoever says that it is not theirs is not asked.
    let mut not: Vec<EntityRef> = owner_of(catalog, &found.finding.entity).into_iter().collect();
    not.extend(asking.person.clone());
    let clues = Clues { recent: &asking.live.recent, code_owners: &[], not: &not, now: asking.now };
    guess(catalog, &found.entry, &clues)
}

fn form(catalog: &Catalog, found: &Open, guesses: &[Guess], state: FormState, errors: BTreeMap<&'static str, String>) -> Form {
    let name = label(catalog, &found.finding.entity);
    let intro = Text::new().bold(&name).say(format!(": {}. ", draw::lower(found.finding.check.title)));
    let intro = match guesses {
        [] => intro
            .say("Whose it may be cannot be guessed from what is known. Left empty, the code owners of its repository are asked, or else those who settle such things."),
        guesses => {
            let said =
                guesses.iter().map(|guess| Text::new().bold(label(catalog, &guess.owner)).say(format!(" ({})", guess.evidence)));
            intro
                .say("A guess: it may be of ")
                .join(Text::list(said, ", or of "))
                .say(". Whoever is named is asked, and may say no.")
        }
    };
    let lookup = FieldKind::Lookup {
        kinds: vec!["group".to_owned(), "user".to_owned()],
        placeholder: Some("Type a team's name".to_owned()),
    };
    let note = FieldKind::Line { placeholder: None, max: Some(NOTE_LETTERS) };
    let fields = vec![
        Field::new(Blank::Owner.as_str(), "Whose it may be", lookup).optional(),
        Field::new(NOTE, "What makes you think so", note).optional(),
    ];
    let fields = fields.into_iter().map(|field| Field {
        value: state.values.get(&field.name).cloned(),
        error: errors.get(field.name.as_str()).cloned(),
        ..field
    });
    Form {
        id: "hygiene".to_owned(),
        title: "Not ours".to_owned(),
        page: 0,
        pages: 1,
        intro,
        fields: fields.collect(),
        submit: "Ask them".to_owned(),
        state,
    }
}

pub(super) async fn submit(app: &App, catalog: &Catalog, asking: &Asking<'_>, sent: Submission) -> Response {
    let mut state = sent.state;
    let key = state.subject.split_once(' ').map(|(_, key)| key.to_owned()).unwrap_or_default();
    let found = match find_open(app, catalog, asking, &key) {
        Ok(found) => found,
        Err(reply) => return Response::Reply(*reply),
    };
    if let Some(refusal) = refuse_stranger(catalog, asking, &found.finding.entity, "hand it over") {
        return Response::Reply(refusal);
    }
    state.values.extend(sent.values);
    let answer = |name: &str| state.values.get(name).map_or("", Value::as_text).trim().to_owned();
    let (owner, note) = (answer(Blank::Owner.as_str()), answer(NOTE));
    let guesses = guesses(catalog, asking, &found);
    let from = owner_of(catalog, &found.finding.entity);
    let to = match owner.as_str() {
        "" => Ok(None),
        written => pick(catalog, written, &[Kind::Group, Kind::User]).map(Some),
    };
    let to = match to {
        Ok(to) if to.is_some() && to == from => {
            Err("They own it already, as its entry has it. Choose somebody else, or leave it empty.".to_owned())
        }
        other => other,
    };
    let to = match to {
        Ok(to) => to,
        Err(said) => {
            let errors = BTreeMap::from([(Blank::Owner.as_str(), said)]);
            return Response::Form(Box::new(form(catalog, &found, &guesses, state, errors)));
        }
    };
    let guessed = guesses.iter().find(|guess| Some(&guess.owner) == to.as_ref()).map(|guess| guess.evidence.clone());
    let asked_by = asker(catalog, asking).name;
    let added = (!note.is_empty()).then(|| format!("{asked_by} says: {}", cut(&note, NOTE_LETTERS)));
    let evidence: Vec<String> = guessed.into_iter().chain(added).collect();
    let new = NewHandOver { key: found.key(), from, to, evidence: evidence.join("; "), asked_by };
    Response::Reply(hand_over(app, catalog, asking, &found, &new).await)
}

async fn hand_over(app: &App, catalog: &Catalog, asking: &Asking<'_>, found: &Open, new: &NewHandOver) -> Reply {
    let detail = json!({ "key": new.key, "from": new.from, "to": new.to, "evidence": new.evidence });
    let audit = audit(asking, "notours", found.finding.entity.as_str(), detail);
    let name = label(catalog, &found.finding.entity);
    let lead = match app.store.hand_over(&audit, new).await {
        Ok(Some(_)) => match &new.to {
            Some(to) => {
                let said = Text::plain("Thank you. ").bold(label(catalog, to)).say(" are asked whether ").bold(name);
                said.say(" is theirs. Meanwhile you are not asked about it.")
            }
            None => {
                let said = Text::plain("Thank you. The code owners of its repository are asked whose ").bold(name);
                said.say(" is, or else those who settle such things. Meanwhile you are not asked about it.")
            }
        },
        Ok(None) => Text::plain("Somebody has handed this on already, and it is not answered yet: ").bold(name).say("."),
        Err(error) => return failure::not_recorded("hygiene", "Nobody was asked.", asking, &error),
    };
    let mut reply = Reply::new(Status::Answered, "hygiene", lead);
    reply.refs.push(found.finding.entity.to_string());
    reply
}

/// What those read who are asked.
pub fn asking_message(catalog: &Catalog, hand_over: &HandOver) -> Option<Reply> {
    let (check, entity) = super::parse_key(&hand_over.key)?;
    let entry = catalog.find(&entity)?;
    let name = entry.entity.label();
    let from = hand_over.from.as_ref().map(|from| format!(", for {},", label(catalog, from))).unwrap_or_default();
    let lead = match (&hand_over.to, hand_over.state) {
        (Some(to), _) => {
            let said = Text::plain("Does ").bold(name).say(" belong to ").bold(label(catalog, to)).say("? ");
            said.say(format!("{}{from} says that it is not theirs, and that it may be yours.", hand_over.asked_by))
        }
        (None, _) => {
            let said = Text::plain("Whose is ").bold(name).say("? ");
            said.say(format!("{}{from} says that it is not theirs, and nobody has taken it.", hand_over.asked_by))
        }
    };
    let mut reply = Reply::new(Status::Answered, "hygiene", lead);
    reply.refs.push(entity.to_string());
    reply.audience = crate::chat::Audience::Everyone;
    let mut body = Vec::new();
    if !hand_over.evidence.is_empty() {
        let word = if hand_over.to.is_some() { "A guess, from this: " } else { "What is known: " };
        body.push(Block::Paragraph(Text::plain(format!("{word}{}.", hand_over.evidence.trim_end_matches('.')))));
    }
    let open = format!("Open there: {}. {}", draw::lower(check.title), check.why);
    body.push(Block::Paragraph(open.into()));
    let number = hand_over.id.0;
    let (yes, no) = match hand_over.to {
        Some(_) => ("It is ours", Some("Not us either")),
        None => ("Settle it", None),
    };
    let mut buttons = vec![Button::say(yes, format!("hygiene accept {number}")).primary()];
    buttons.extend(no.map(|no| Button::say(no, format!("hygiene decline {number}"))));
    buttons.push(Button::say("The entry", format!("owner {entity}")));
    reply.cards.push(Card { body, buttons, ..Card::default() });
    Some(reply)
}

/// Where those are reached who are asked.
pub fn places_of_hand_over(app: &App, catalog: &Catalog, platform: Platform, hand_over: &HandOver) -> Vec<String> {
    let who = match &hand_over.to {
        Some(to) => to.to_string(),
        None => settlers(app).iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
    };
    places_of_approvers(app, catalog, platform, &who)
}

/// Who settles what nobody takes.
fn settlers(app: &App) -> Vec<EntityRef> {
    let written = app.settings.hygiene.settle.iter();
    let written: Vec<EntityRef> = written.filter_map(|one| EntityRef::parse(one, Some("group"), "default").ok()).collect();
    if written.is_empty() { admins(app) } else { written }
}

/// Somebody who was asked says yes or no.
pub(super) async fn answer(app: &App, catalog: &Catalog, asking: &Asking<'_>, answer: Answer, id: HandOverId) -> Response {
    let hand_over = match app.store.load_hand_over(id).await {
        Ok(Some(hand_over)) => hand_over,
        Ok(None) => {
            let lead = format!("There is no hand-over {}.", id.0);
            return Response::Reply(Reply::new(Status::NotFound, "hygiene", lead.into()));
        }
        Err(error) => return Response::Reply(failure::not_answered("hygiene", "Whom a finding was handed to", asking, &error)),
    };
    if let Some(refusal) = refuse_answer(app, catalog, asking, &hand_over) {
        return Response::Reply(refusal);
    }
    if !hand_over.state.is_open() {
        // Who took it and closed the form comes back to it.
        return match (answer, hand_over.state) {
            (Answer::Accept, HandOverState::Accepted) => {
                mend::adopt(app, catalog, asking, &hand_over.key, hand_over.to.as_ref()).await
            }
            _ => Response::Reply(answered_before(&hand_over)),
        };
    }
    let found = match find_open(app, catalog, asking, &hand_over.key) {
        Ok(found) => found,
        Err(reply) => return Response::Reply(*reply),
    };
    let me = asker(catalog, asking).name;
    let (word, state) = match answer {
        Answer::Accept => ("accept", HandOverState::Accepted),
        Answer::Decline => ("decline", HandOverState::Declined),
    };
    let back = NewHandOver {
        key: hand_over.key.clone(),
        from: hand_over.from.clone(),
        to: None,
        evidence: came_back(catalog, &hand_over, &me),
        asked_by: hand_over.asked_by.clone(),
    };
    let then = (answer == Answer::Decline && hand_over.to.is_some()).then_some(&back);
    let audit = audit(asking, word, found.finding.entity.as_str(), json!({ "key": hand_over.key, "hand_over": id }));
    match app.store.answer_hand_over(&audit, id, state, &me, then).await {
        Ok(true) => {}
        Ok(false) => return Response::Reply(answered_before(&hand_over)),
        Err(error) => return Response::Reply(failure::not_recorded("hygiene", "Nothing was written down.", asking, &error)),
    }
    match answer {
        Answer::Accept => mend::adopt(app, catalog, asking, &hand_over.key, hand_over.to.as_ref()).await,
        Answer::Decline => {
            let name = label(catalog, &found.finding.entity);
            let lead = Text::plain("Thank you. ").bold(name).say(" goes to those who settle what nobody takes.");
            let mut reply = Reply::new(Status::Answered, "hygiene", lead);
            reply.refs.push(found.finding.entity.to_string());
            Response::Reply(reply)
        }
    }
}

fn came_back(catalog: &Catalog, hand_over: &HandOver, by: &str) -> String {
    let to = hand_over.to.as_ref().map(|to| label(catalog, to)).unwrap_or_default();
    let said = format!("{to} were asked, and {by} says that it is not theirs either");
    match hand_over.evidence.as_str() {
        "" => said,
        evidence => format!("{said}; they were guessed because: {evidence}"),
    }
}

fn refuse_answer(app: &App, catalog: &Catalog, asking: &Asking<'_>, hand_over: &HandOver) -> Option<Reply> {
    let (is_one, who) = match &hand_over.to {
        Some(to) => (is_of(catalog, asking, to), label(catalog, to)),
        None => {
            let settlers = settlers(app);
            let names = settlers.iter().map(|one| label(catalog, one)).collect::<Vec<_>>().join(", ");
            (settlers.iter().any(|one| is_of(catalog, asking, one)), names)
        }
    };
    if is_one || asking.standing == Standing::Admin {
        return None;
    }
    let lead = format!("{who} were asked; only they and admins may answer. Nothing was changed.");
    Some(Reply::new(Status::Refused, "hygiene", lead.into()))
}

fn answered_before(hand_over: &HandOver) -> Reply {
    let by = hand_over.answered_by.as_deref().unwrap_or("Somebody");
    let lead = match hand_over.state {
        HandOverState::Accepted => format!("{by} has taken it already."),
        HandOverState::Declined => format!("{by} has declined it already."),
        HandOverState::Asked | HandOverState::Escalated => "Somebody was quicker: it is answered.".to_owned(),
    };
    let mut reply = Reply::new(Status::Answered, "hygiene", lead.into());
    reply.buttons.push(Button::say("How it stands", "hygiene"));
    reply
}
