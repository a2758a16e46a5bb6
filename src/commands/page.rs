//! `/page NAME`: says who would be woken and asks what is wrong; sent, it is written down and a job wakes them.
//! Must not wake anybody itself, nor without having said whom.

use std::collections::BTreeMap;

use super::{
    Asking, StoreHealth,
    answer::{
        failure,
        names::{asker, short_ref},
        on_call::{duty_text, find_duty, first_called, people_text, provider_word},
        subject,
    },
};
use crate::{
    app::App,
    catalog::{Catalog, Entity, EntityRef},
    chat::{Arguments, Button, Field, FieldKind, Form, FormState, Reply, Response, Status, Submission, Text, Value, limits::cut},
    error::UserError,
    store::{AuditEntry, Job, PageOnCall},
};

const WHAT: &str = "what";
const NOTE: &str = "note";
/// When the form was opened: travels in its state and makes all its submits one page.
const OPENED: &str = "opened";
/// What a telephone reads out.
const WHAT_LETTERS: usize = 150;
const NOTE_LETTERS: usize = 500;
/// PagerDuty's keys end at 255 characters.
const KEY_LETTERS: usize = 20;

/// The arguments of `commands/page.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageCall {
    pub name: String,
}

impl From<&Arguments> for PageCall {
    fn from(arguments: &Arguments) -> Self {
        Self { name: arguments.find("name").unwrap_or_default().to_owned() }
    }
}

/// Opens the form, or says why nobody can be woken.
pub fn page(catalog: &Catalog, asking: &Asking<'_>, args: &PageCall) -> Response {
    let subject = match subject::resolve(catalog, asking, "page", &args.name) {
        // Nobody is woken on a guess.
        Ok(subject) if subject.is_guess() => return Response::Reply(guess(&subject.entry.entity)),
        Ok(subject) => subject,
        Err(reply) => return Response::Reply(*reply),
    };
    let entity = &subject.entry.entity;
    if let Some(refusal) = refuse(catalog, asking, entity) {
        return Response::Reply(refusal);
    }
    let values = BTreeMap::from([(OPENED.to_owned(), Value::Text(asking.now.timestamp_millis().to_string()))]);
    let state = FormState { subject: entity.entity_ref.to_string(), values };
    Response::Form(Box::new(form(catalog, asking, entity, state, BTreeMap::new())))
}

/// Checks again what may have changed since the form was opened, and has it done.
pub async fn submit(app: &App, catalog: &Catalog, asking: &Asking<'_>, sent: Submission) -> Response {
    let found = EntityRef::parse(&sent.state.subject, None, "default").ok().and_then(|subject| catalog.find(&subject).cloned());
    let Some(entry) = found else {
        let lead = format!("{} is not in the catalog any more. Nobody was woken.", cut(&sent.state.subject, 100));
        return Response::Reply(Reply::new(Status::NotFound, "page", lead.into()));
    };
    let entity = &entry.entity;
    if let Some(refusal) = refuse(catalog, asking, entity) {
        return Response::Reply(refusal);
    }
    let mut state = sent.state;
    state.values.extend(sent.values);
    let answer = |name: &str| state.values.get(name).map_or("", Value::as_text).trim().to_owned();
    let (what, note, opened) = (answer(WHAT), answer(NOTE), answer(OPENED));
    let mut errors = BTreeMap::new();
    if what.is_empty() {
        errors.insert(WHAT, "Say in a few words what is wrong: it is what they read first.".to_owned());
    } else if what.chars().count() > WHAT_LETTERS {
        errors.insert(WHAT, format!("At most {WHAT_LETTERS} characters, please."));
    }
    if note.chars().count() > NOTE_LETTERS {
        errors.insert(NOTE, format!("At most {NOTE_LETTERS} characters, please."));
    }
    if !errors.is_empty() {
        return Response::Form(Box::new(form(catalog, asking, entity, state, errors)));
    }
    Response::Reply(send(app, catalog, asking, entity, Said { what, note, opened }).await)
}

/// Why nobody can be woken, where that is so; said before anything is typed.
fn refuse(catalog: &Catalog, asking: &Asking<'_>, entity: &Entity) -> Option<Reply> {
    let refused = |said: UserError| {
        let mut reply = Reply { status: Status::Refused, ..Reply::fault("page", &said) };
        reply.refs = vec![entity.entity_ref.to_string()];
        reply.buttons.push(Button::say("How to reach them", format!("owner {}", entity.entity_ref)).primary());
        Some(reply)
    };
    let kept = "Nobody was woken.";
    let Some(duty) = find_duty(catalog, asking, entity) else {
        let what = format!("Nobody can be paged for {}: it has no on-call schedule.", entity.label());
        return refused(UserError::new(what).kept(kept).next("/oncall says which annotation to set."));
    };
    let provider = asking.live.on_call.provider(&duty.named.key.provider);
    if let Some(why) = provider.and_then(|provider| provider.cannot_page.as_deref()) {
        return refused(UserError::new(format!("Paging from chat is not set up: {why}.")).kept(kept));
    }
    match asking.store {
        StoreHealth::Reachable => None,
        StoreHealth::AwaySince(_) => {
            let what = "PostgreSQL cannot be reached, and a page is written down there first, so that nobody is woken twice.";
            refused(UserError::new(what).kept(kept).next(format!("Page them in {} yourself.", provider_word(&duty.named.key))))
        }
        StoreHealth::Absent => refused(UserError::new("`steward ask` only reads.").kept(kept).next("Page from chat.")),
    }
}

fn guess(entity: &Entity) -> Reply {
    let lead = Text::plain("Nothing is called so; the nearest name is ").bold(entity.label()).say(". Nobody was woken.");
    let mut reply = Reply::new(Status::NotFound, "page", lead);
    reply.buttons.push(Button::say(format!("Page for {}", entity.label()), format!("page {}", entity.entity_ref)));
    reply
}

fn form(
    catalog: &Catalog,
    asking: &Asking<'_>,
    entity: &Entity,
    state: FormState,
    errors: BTreeMap<&'static str, String>,
) -> Form {
    let mut intro = Text::plain("This wakes ").join(woken(catalog, asking, entity)).say(" for ").bold(entity.label());
    if let Some(duty) = find_duty(catalog, asking, entity) {
        intro = intro.say(format!(" through {}. On call: ", provider_word(&duty.named.key)));
        intro = intro.join(duty_text(catalog, asking, &duty)).say(".");
    }
    let line = FieldKind::Line { placeholder: Some("Payments fail since 03:10".to_owned()), max: Some(WHAT_LETTERS) };
    let note = FieldKind::Paragraph { placeholder: None, max: Some(NOTE_LETTERS) };
    let fields = vec![
        Field::new(WHAT, "What is wrong", line).help("They read this first."),
        Field::new(NOTE, "What you know already", note).optional(),
    ];
    let fields = fields.into_iter().map(|field| Field {
        value: state.values.get(&field.name).cloned(),
        error: errors.get(field.name.as_str()).cloned(),
        ..field
    });
    Form {
        id: "page".to_owned(),
        title: "Page on-call".to_owned(),
        page: 0,
        pages: 1,
        intro,
        fields: fields.collect(),
        submit: "Wake them".to_owned(),
        state,
    }
}

/// Those who are called first; where that is not known, whoever is on call.
fn woken(catalog: &Catalog, asking: &Asking<'_>, entity: &Entity) -> Text {
    let duty = find_duty(catalog, asking, entity);
    let shift = duty.and_then(|duty| duty.shift.filter(|shift| !shift.now.is_empty()));
    match shift {
        Some(shift) => people_text(catalog, first_called(shift)),
        None => "whoever is on call".into(),
    }
}

/// What the form brought.
struct Said {
    what: String,
    note: String,
    opened: String,
}

async fn send(app: &App, catalog: &Catalog, asking: &Asking<'_>, entity: &Entity, said: Said) -> Reply {
    let Said { what, note, opened } = said;
    let Some(duty) = find_duty(catalog, asking, entity) else { return Reply::new(Status::Refused, "page", Text::new()) };
    let woken = woken(catalog, asking, entity);
    let requested_by = asker(catalog, asking).name;
    let audit = AuditEntry {
        at: asking.now,
        account: asking.account.clone(),
        delivery: asking.delivery.clone(),
        person: asking.person.clone(),
        command: "page".to_owned(),
        subject: entity.entity_ref.to_string(),
        detail: serde_json::json!({
            "provider": duty.named.key.provider,
            "said_to_wake": woken.to_plain(),
            "what": what,
            "note": note,
        }),
    };
    let details = format!(
        "{note}{}Paged from chat by {requested_by} for {}.",
        if note.is_empty() { "" } else { "\n\n" },
        short_ref(&entity.entity_ref)
    );
    let work = PageOnCall {
        schedule: duty.named.key.clone(),
        entity: entity.entity_ref.to_string(),
        label: entity.label().to_owned(),
        title: format!("{}: {what}", entity.label()),
        details,
        requested_by: requested_by.clone(),
        // One form is one page, however often it is sent or the job is tried.
        key: format!("steward-{}-{}-{}", entity.entity_ref, asking.account.id, cut(&opened, KEY_LETTERS)),
        account: asking.account.clone(),
        place: asking.place.cloned(),
    };
    match app.store.record_action(audit, Some(Job::Page(work))).await {
        Ok(()) => {
            let lead =
                Text::plain("Waking ").join(woken).say(" for ").bold(entity.label()).say(". You will be told what came of it.");
            let mut reply = Reply::new(Status::Answered, "page", lead);
            reply.refs = vec![entity.entity_ref.to_string()];
            reply
        }
        Err(error) => failure::not_recorded("page", "Nobody was woken.", asking, &error),
    }
}
