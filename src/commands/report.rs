//! `/report NAME`: a form of two pages that tells the owning team what is wrong with an entry.
//! Must not change the entry: the team does, where it is written.

use std::collections::BTreeMap;

use super::{
    Asking,
    answer::{
        failure,
        names::{asker_words, channel_of, label, owner_text, short_ref, written_channel},
        subject, warnings,
    },
};
use crate::{
    app::App,
    catalog::{Catalog, EntityRef, Entry, Found, Kind, Level, Sought},
    chat::{
        Arguments, Block, Button, Card, Channel, Choice, Fact, Field, FieldKind, Form, FormState, Message, Place, Platform,
        Reply, Response, Span, Status, Submission, Text, Value, limits::cut,
    },
    reach::address,
    store::{AuditEntry, Job},
};

const PAGES: usize = 2;

/// Longest note: with everything else the form's state stays under Slack's 3,000 bytes, whatever the script.
const NOTE_LETTERS: usize = 500;

/// How many groups a typed piece of a name offers.
const OFFERED: usize = 20;

const WHAT: &str = "what";
const RIGHT_OWNER: &str = "right_owner";
const NOTE: &str = "note";
const TELL: &str = "tell";

/// What can be wrong: the form's value, its words on the form, and in the report.
const FAULTS: [(&str, &str, &str); 6] = [
    ("owner", "The owner", "its owner is wrong"),
    ("lifecycle", "The lifecycle", "its lifecycle is wrong"),
    ("description", "The description or links", "its description or links are wrong"),
    ("runbook", "The runbook", "its runbook is wrong"),
    ("gone", "It should not exist", "it should not exist any more"),
    ("other", "Something else", "something is wrong"),
];

/// The arguments of `commands/report.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    pub name: String,
}

impl From<&Arguments> for Report {
    fn from(arguments: &Arguments) -> Self {
        Self { name: arguments.find("name").unwrap_or_default().to_owned() }
    }
}

/// Opens the form, or asks back which entry is meant.
pub fn report(catalog: &Catalog, asking: &Asking<'_>, args: &Report) -> Response {
    match subject::resolve(catalog, asking, "report", &args.name) {
        Ok(subject) => {
            let state = FormState { subject: subject.entry.entity.entity_ref.to_string(), values: BTreeMap::new() };
            Response::Form(Box::new(first_page(catalog, &subject.entry, state, BTreeMap::new())))
        }
        Err(reply) => Response::Reply(*reply),
    }
}

/// Goes on from a page that was sent: to itself with errors, to the next page, or to the end.
pub async fn submit(app: &App, catalog: &Catalog, asking: &Asking<'_>, place: Option<&Place>, sent: Submission) -> Response {
    let Some(entry) = find_subject(catalog, &sent.state) else {
        return Response::Reply(gone(&sent.state.subject));
    };
    let page = sent.page;
    let state = merged(sent);
    if page == 0 {
        let errors = first_page_errors(catalog, &entry, &state);
        let form = if errors.is_empty() {
            second_page(app, catalog, asking, &entry, state, BTreeMap::new())
        } else {
            first_page(catalog, &entry, state, errors)
        };
        return Response::Form(Box::new(form));
    }
    // Answers of the first page travel in the form, so they are checked again before anything is done.
    let errors = first_page_errors(catalog, &entry, &state);
    if !errors.is_empty() {
        return Response::Form(Box::new(first_page(catalog, &entry, state, errors)));
    }
    let errors = second_page_errors(&state);
    if !errors.is_empty() {
        return Response::Form(Box::new(second_page(app, catalog, asking, &entry, state, errors)));
    }
    Response::Reply(send(app, catalog, asking, place, &entry, &state).await)
}

/// Shows the page before, with what was answered on both.
pub fn back(catalog: &Catalog, sent: Submission) -> Response {
    match find_subject(catalog, &sent.state) {
        Some(entry) => Response::Form(Box::new(first_page(catalog, &entry, merged(sent), BTreeMap::new()))),
        None => Response::Reply(gone(&sent.state.subject)),
    }
}

/// Options for the right owner: groups by what was typed; the asker's own where nothing was.
pub fn complete(catalog: &Catalog, asking: &Asking<'_>, field: &str, typed: &str) -> Vec<Choice> {
    if field != RIGHT_OWNER {
        return Vec::new();
    }
    let kinds = [Kind::Group];
    let mut groups: Vec<_> = if typed.trim().is_empty() {
        let all = catalog.entries().iter().filter(|entry| entry.entity.kind == Kind::Group);
        let mut all: Vec<_> = all.cloned().collect();
        all.sort_by_key(|entry| {
            (asking.groups.binary_search(&entry.entity.entity_ref).is_err(), entry.entity.label().to_lowercase())
        });
        all
    } else {
        catalog.search(Sought { kinds: &kinds, ..asking.sought(typed) })
    };
    groups.truncate(OFFERED);
    let choice = |entry: std::sync::Arc<Entry>| Choice {
        value: entry.entity.entity_ref.to_string(),
        label: entry.entity.label().to_owned(),
        note: Some(short_ref(&entry.entity.entity_ref)),
    };
    groups.into_iter().map(choice).collect()
}

fn find_subject(catalog: &Catalog, state: &FormState) -> Option<std::sync::Arc<Entry>> {
    let subject = EntityRef::parse(&state.subject, None, "default").ok()?;
    catalog.find(&subject).cloned()
}

fn gone(subject: &str) -> Reply {
    let lead = format!("{} is not in the catalog any more. Nothing was sent.", cut(subject, 100));
    Reply::new(Status::NotFound, "report", lead.into())
}

/// The answers so far with those of the page that was sent.
fn merged(sent: Submission) -> FormState {
    let Submission { page, mut state, values, .. } = sent;
    let fields = if page == 0 { first_fields() } else { second_fields(&state) };
    state.take(&fields, values);
    state
}

fn answer<'s>(state: &'s FormState, field: &str) -> &'s str {
    state.values.get(field).map_or("", Value::as_text).trim()
}

fn wants(state: &FormState, choice: &str) -> bool {
    match state.values.get(TELL) {
        Some(Value::Many(chosen)) => chosen.iter().any(|chosen| chosen == choice),
        Some(Value::Text(chosen)) => chosen == choice,
        None => false,
    }
}

type Errors = BTreeMap<&'static str, String>;

fn first_page_errors(catalog: &Catalog, entry: &Entry, state: &FormState) -> Errors {
    let mut errors = Errors::new();
    let what = answer(state, WHAT);
    if !FAULTS.iter().any(|(value, ..)| *value == what) {
        errors.insert(WHAT, "Choose what is wrong.".to_owned());
    }
    let written = answer(state, RIGHT_OWNER);
    // Whoever knows that the owner is wrong need not know the right one.
    if !written.is_empty() {
        match right_owner(catalog, state) {
            None => {
                let said = format!("No team is called “{}”. Choose one from the list.", cut(written, 60));
                errors.insert(RIGHT_OWNER, said);
            }
            Some(chosen) if Some(&chosen) == entry.entity.owner() => {
                let said = format!("{} is the owner already. Choose another team.", label(catalog, &chosen));
                errors.insert(RIGHT_OWNER, said);
            }
            Some(_) => {}
        }
    }
    errors
}

fn second_page_errors(state: &FormState) -> Errors {
    let mut errors = Errors::new();
    let note = answer(state, NOTE);
    if note.chars().count() > NOTE_LETTERS {
        errors.insert(NOTE, format!("At most {NOTE_LETTERS} characters, please; these are {}.", note.chars().count()));
    }
    if note.is_empty() && answer(state, WHAT) == "other" {
        errors.insert(NOTE, "Say in a few words what is wrong.".to_owned());
    }
    errors
}

/// The group that was chosen, or typed where the platform has no typeahead.
fn right_owner(catalog: &Catalog, state: &FormState) -> Option<EntityRef> {
    let written = answer(state, RIGHT_OWNER);
    let chosen = EntityRef::parse(written, Some("group"), "default").ok().and_then(|chosen| catalog.find(&chosen));
    if let Some(entry) = chosen.filter(|entry| entry.entity.kind == Kind::Group) {
        return Some(entry.entity.entity_ref.clone());
    }
    // A name, title or display name in full is as good as a choice, where only one team bears it.
    let kinds = [Kind::Group];
    match catalog.look_up(Sought { kinds: &kinds, ..Sought::any(written, &[]) }) {
        Found::One { entry, level: Level::Exact | Level::Alias, .. } => Some(entry.entity.entity_ref.clone()),
        Found::One { .. } | Found::Several { .. } | Found::None { .. } => None,
    }
}

fn field(mut field: Field, state: &FormState, errors: &Errors) -> Field {
    field.value = state.values.get(&field.name).cloned();
    field.error = errors.get(field.name.as_str()).cloned();
    field
}

fn form(page: usize, intro: Text, fields: Vec<Field>, submit: &str, state: FormState) -> Form {
    Form {
        id: "report".to_owned(),
        title: "Report a wrong entry".to_owned(),
        page,
        pages: PAGES,
        intro,
        fields,
        submit: submit.to_owned(),
        state,
    }
}

fn first_page(catalog: &Catalog, entry: &Entry, state: FormState, errors: Errors) -> Form {
    let entity = &entry.entity;
    let intro = Text::plain("What is wrong with ").bold(entity.label()).say(" ").code(short_ref(&entity.entity_ref)).say("?");
    let intro = match entity.owner() {
        Some(owner) => intro.say(" Its entry says that it is owned by ").join(owner_text(catalog, owner)).say("."),
        None => intro,
    };
    let fields = first_fields().into_iter().map(|each| field(each, &state, &errors)).collect();
    form(0, intro, fields, "Next", state)
}

fn first_fields() -> Vec<Field> {
    let choices = FAULTS.iter().map(|(value, words, _)| Choice::new(*value, *words)).collect();
    let lookup = FieldKind::Lookup { kinds: vec!["group".to_owned()], placeholder: Some("Type a team's name".to_owned()) };
    vec![
        Field::new(WHAT, "What is wrong", FieldKind::Radio { choices }),
        Field::new(RIGHT_OWNER, "Who owns it, if you know", lookup).optional(),
    ]
}

fn second_page(app: &App, catalog: &Catalog, asking: &Asking<'_>, entry: &Entry, state: FormState, errors: Errors) -> Form {
    let to = match recipient(app, catalog, asking.account.platform, entry) {
        Some(Recipient { who, channel }) => Text::plain(format!("This goes to {who} in ")).push(Span::Channel(channel)).say(": "),
        None => Text::plain("No channel is known here for whoever answers for it, so this is kept in the audit log alone: "),
    };
    let intro = to.join(summary(catalog, asking, entry, &state));
    let fields = second_fields(&state).into_iter().map(|each| field(each, &state, &errors)).collect();
    form(1, intro, fields, "Send", state)
}

fn second_fields(state: &FormState) -> Vec<Field> {
    let note = FieldKind::Paragraph { placeholder: Some("What should it say?".to_owned()), max: Some(NOTE_LETTERS) };
    let tell = vec![Choice::new("here", "In this channel"), Choice::new("direct", "In a direct message")];
    let note = Field::new(NOTE, "A note to the team", note);
    let note = if answer(state, WHAT) == "other" { note } else { note.optional() };
    let tell = Field::new(TELL, "Where the team may tell you that it is settled", FieldKind::Checkboxes { choices: tell });
    vec![note, tell.optional()]
}

/// "Ana Silva says of Payments API: its owner is wrong; it is owned by Team Ledger."
fn summary(catalog: &Catalog, asking: &Asking<'_>, entry: &Entry, state: &FormState) -> Text {
    let what = answer(state, WHAT);
    let words = FAULTS.iter().find(|(value, ..)| *value == what).map_or("something is wrong", |(_, _, words)| words);
    let said = asker_words(catalog, asking).say(" says of ").bold(entry.entity.label());
    let said = said.say(" ").code(short_ref(&entry.entity.entity_ref)).say(format!(": {words}"));
    match right_owner(catalog, state) {
        Some(owner) => said.say("; the right one is ").join(owner_text(catalog, &owner)).say("."),
        None => said.say("."),
    }
}

/// Who hears of a report, and where.
struct Recipient {
    who: String,
    channel: Channel,
}

/// Who can be written to on this platform: the owning team; where it cannot, whoever owns what the entry belongs to;
/// at last the channel that hears what no team can be told.
fn recipient(app: &App, catalog: &Catalog, platform: Platform, entry: &Entry) -> Option<Recipient> {
    let own = Some(entry.entity.owner().unwrap_or(&entry.entity.entity_ref).clone());
    let stand_in = || warnings::stand_in(catalog, entry).map(|(owner, _)| owner);
    let teams = own.into_iter().chain(std::iter::once_with(stand_in).flatten());
    let mut channels = teams.filter_map(|team| {
        let (channel, of) = channel_of(catalog, &team)?;
        Some(Recipient { who: label(catalog, &of), channel })
    });
    let reached = |recipient: &Recipient| address(platform, &recipient.channel).is_some();
    channels.find(reached).or_else(|| {
        let channel = written_channel(app.settings.hygiene.catch_all.as_deref()?)?;
        Some(Recipient { who: "those who look after the catalog".to_owned(), channel }).filter(reached)
    })
}

async fn send(
    app: &App,
    catalog: &Catalog,
    asking: &Asking<'_>,
    place: Option<&Place>,
    entry: &Entry,
    state: &FormState,
) -> Reply {
    let audit = AuditEntry {
        at: asking.now,
        delivery: asking.delivery.clone(),
        account: asking.account.clone(),
        person: asking.person.clone(),
        command: "report".to_owned(),
        subject: entry.entity.entity_ref.to_string(),
        detail: serde_json::json!({
            "what": answer(state, WHAT),
            "right_owner": right_owner(catalog, state),
            "note": answer(state, NOTE),
            "tell": { "here": wants(state, "here"), "direct": wants(state, "direct") },
        }),
    };
    let to = recipient(app, catalog, asking.account.platform, entry);
    let message = to.as_ref().and_then(|recipient| {
        let to = address(asking.account.platform, &recipient.channel)?;
        let reply = message(catalog, asking, place, entry, state);
        Some(Message::new(asking.account.platform, to, reply))
    });
    match app.store.record_action(audit, message.map(Job::Deliver)).await {
        Ok(()) => confirmation(entry, to),
        Err(error) => failure::not_recorded("report", "Your report was not sent.", asking, &error),
    }
}

/// What the team reads.
fn message(catalog: &Catalog, asking: &Asking<'_>, place: Option<&Place>, entry: &Entry, state: &FormState) -> Reply {
    let full = &entry.entity.entity_ref;
    let mut reply = Reply::new(Status::Answered, "report", summary(catalog, asking, entry, state));
    reply.refs = vec![full.to_string()];
    reply.audience = crate::chat::Audience::Everyone;
    let mut body = Vec::new();
    let note = answer(state, NOTE);
    if !note.is_empty() {
        body.push(Block::Quote(note.into()));
    }
    let mut tell = Vec::new();
    if let Some(place) = place.filter(|_| wants(state, "here")) {
        let name = place.channel_name.as_deref().unwrap_or(&place.channel_id).trim_start_matches('#');
        let slack_id = (asking.account.platform == Platform::Slack).then(|| place.channel_id.clone());
        let discord_id = (asking.account.platform == Platform::Discord).then(|| place.channel_id.clone());
        tell.push(Text(vec![
            Span::Plain("in ".to_owned()),
            Span::Channel(Channel { name: format!("#{name}"), slack_id, discord_id }),
        ]));
    }
    if wants(state, "direct") {
        tell.push("in a direct message".into());
    }
    if !tell.is_empty() {
        let said = asker_words(catalog, asking).say(" would like to hear ").join(Text::list(tell, " and "));
        body.push(Block::Paragraph(said.say(" when it is settled.")));
    }
    let place = format!("{}/{}", entry.origin.repository, entry.origin.path);
    let place = match entry.origin.url() {
        Some(url) => Text::new().link(place, url),
        None => Text::new().code(place),
    };
    let fields = vec![Fact::new("Written in", place)];
    reply.cards.push(Card { fields, body, buttons: vec![Button::say("The entry", format!("owner {full}"))], ..Card::default() });
    reply
}

fn confirmation(entry: &Entry, to: Option<Recipient>) -> Reply {
    let name = entry.entity.label();
    let lead = match to {
        Some(Recipient { who, channel }) => {
            let said = format!("Thank you. Your report about {name} is on its way to {who} in ");
            Text::plain(said).push(Span::Channel(channel)).say(".")
        }
        None => Text::plain(format!(
            "Thank you. Your report about {name} is in the audit log. No channel is known here for whoever answers for it, so nobody was told: please tell them yourself."
        )),
    };
    let mut reply = Reply::new(Status::Answered, "report", lead);
    reply.refs = vec![entry.entity.entity_ref.to_string()];
    reply.buttons.push(Button::say("Owner", format!("owner {}", entry.entity.entity_ref)));
    reply
}
