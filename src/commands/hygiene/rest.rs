//! Findings that are left alone: snoozed for a while, or exempt because they are as they should be. Both end by themselves.
//! Must not decide what is wrong.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, Months, NaiveDate, NaiveTime, Utc};
use serde_json::json;

use super::{audit, draw, find_finding, may, name_of, parse_key, refuse_stranger, refuse_stranger_to};
use crate::{
    app::App,
    catalog::Catalog,
    chat::{
        Block, Button, Card, Choice, Field, FieldKind, Form, FormState, Message, Reply, Response, Status, Submission, Text,
        Value, limits::cut,
    },
    commands::{
        Asking, admins,
        answer::{age::day, failure, names::asker},
        tasks::places_of_approvers,
    },
    hygiene::{
        check::{Finding, Subject},
        round::NOBODY,
        standing::owner_of_finding,
    },
    store::{FindingRest, Job, RestKind},
};

const SPAN: &str = "span";
const UNTIL: &str = "until";
const REASON: &str = "reason";

/// Nothing is left alone for longer: what was right then is looked at again.
const LONGEST_MONTHS: Months = Months::new(12);

const REASON_LETTERS: usize = 300;

/// Of a reason that travels in a button's line.
const REASON_CARRIED: usize = 120;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    Snooze,
    Exempt,
}

impl Rest {
    fn word(self) -> &'static str {
        match self {
            Self::Snooze => "snooze",
            Self::Exempt => "exempt",
        }
    }

    fn kind(self) -> RestKind {
        match self {
            Self::Snooze => RestKind::Snoozed,
            Self::Exempt => RestKind::Exempt,
        }
    }
}

/// What a line asks for: a key, and behind it what somebody else proposed: a day, their name, their reason.
struct Asked<'t> {
    key: &'t str,
    until: &'t str,
    by: &'t str,
    reason: &'t str,
}

impl<'t> Asked<'t> {
    fn read(typed: &'t str) -> Self {
        let mut parts = typed.splitn(4, ' ');
        let mut next = || parts.next().unwrap_or_default();
        Self { key: next(), until: next(), by: next(), reason: next() }
    }
}

pub(super) fn open(app: &App, catalog: &Catalog, asking: &Asking<'_>, rest: Rest, typed: &str) -> Response {
    let asked = Asked::read(typed);
    let found = match find_finding(app, catalog, asking, asked.key) {
        Ok(found) => found,
        Err(reply) => return Response::Reply(*reply),
    };
    if let Some(refusal) = refuse_stranger_to(catalog, asking, &found, "leave it alone") {
        return Response::Reply(refusal);
    }
    let mut values = BTreeMap::new();
    let text = |text: &str| Value::Text(text.to_owned());
    if asked.until.parse::<NaiveDate>().is_ok() {
        values.insert(UNTIL.to_owned(), text(asked.until));
        values.insert("by".to_owned(), text(asked.by));
        values.insert(REASON.to_owned(), text(asked.reason));
    }
    let state = FormState { subject: format!("{} {}", rest.word(), asked.key), values };
    Response::Form(Box::new(form(app, catalog, asking, rest, &found, state, BTreeMap::new())))
}

type Errors = BTreeMap<&'static str, String>;

fn form(
    app: &App,
    catalog: &Catalog,
    asking: &Asking<'_>,
    rest: Rest,
    found: &Finding,
    state: FormState,
    errors: Errors,
) -> Form {
    let name = found.name(catalog);
    let what = draw::lower(found.check.title);
    let reason = FieldKind::Line { placeholder: None, max: Some(REASON_LETTERS) };
    let (intro, fields, title, submit) = match rest {
        Rest::Snooze => {
            let intro =
                Text::new().bold(&name).say(format!(": {what}. Until then nobody is asked about it; it comes back by itself."));
            let choices =
                vec![Choice::new("week", "1 week"), Choice::new("month", "1 month"), Choice::new("date", "Until the day below")];
            let fields = vec![
                Field::new(SPAN, "For how long", FieldKind::Radio { choices }),
                Field::new(UNTIL, "Until", FieldKind::Date).optional().help("Only for a day of your own, at most a year ahead."),
                Field::new(REASON, "Why", reason).optional().help("Whoever looks at it meanwhile reads this."),
            ];
            (intro, fields, "Snooze a finding", "Snooze")
        }
        Rest::Exempt => {
            let intro =
                Text::new().bold(&name).say(format!(": {what}. Exempt says that this is as it should be, for a year at most. "));
            let intro = match may(app, catalog, asking, "approve") {
                true => intro.say("You may grant it yourself."),
                false => intro.say("An admin has to agree; they are asked when you send this."),
            };
            let fields = vec![
                Field::new(REASON, "Why it is right as it is", reason),
                Field::new(UNTIL, "Until", FieldKind::Date).help("Then it is looked at again."),
            ];
            (intro, fields, "Exempt a finding", "Exempt")
        }
    };
    let fields = fields.into_iter().map(|field| Field {
        value: state.values.get(&field.name).cloned().or_else(|| preset(&field.name, rest, asking.now)),
        error: errors.get(field.name.as_str()).cloned(),
        ..field
    });
    Form {
        id: "hygiene".to_owned(),
        title: title.to_owned(),
        page: 0,
        pages: 1,
        intro,
        fields: fields.collect(),
        submit: submit.to_owned(),
        state,
    }
}

fn preset(field: &str, rest: Rest, now: DateTime<Utc>) -> Option<Value> {
    match (field, rest) {
        (SPAN, Rest::Snooze) => Some(Value::Text("week".to_owned())),
        (UNTIL, Rest::Exempt) => {
            let day = now.date_naive().checked_add_months(LONGEST_MONTHS)?;
            Some(Value::Text(day.to_string()))
        }
        _ => None,
    }
}

pub(super) async fn submit(app: &App, catalog: &Catalog, asking: &Asking<'_>, rest: Rest, sent: Submission) -> Response {
    let mut state = sent.state;
    let key = state.subject.split_once(' ').map(|(_, key)| key.to_owned()).unwrap_or_default();
    let found = match find_finding(app, catalog, asking, &key) {
        Ok(found) => found,
        Err(reply) => return Response::Reply(*reply),
    };
    if let Some(refusal) = refuse_stranger_to(catalog, asking, &found, "leave it alone") {
        return Response::Reply(refusal);
    }
    state.values.extend(sent.values);
    let answer = |name: &str| state.values.get(name).map_or("", Value::as_text).trim().to_owned();
    let reason = answer(REASON).split_whitespace().collect::<Vec<_>>().join(" ");
    let mut errors = Errors::new();
    let until = match until(rest, &answer(SPAN), &answer(UNTIL), asking.now) {
        Ok(until) => Some(until),
        Err(said) => {
            errors.insert(UNTIL, said);
            None
        }
    };
    if reason.chars().count() > REASON_LETTERS {
        errors.insert(REASON, format!("At most {REASON_LETTERS} characters, please."));
    }
    if rest == Rest::Exempt && reason.is_empty() {
        errors.insert(REASON, "Say in a few words why it is right as it is.".to_owned());
    }
    let by = answer("by");
    let Some(until) = until.filter(|_| errors.is_empty()) else {
        return Response::Form(Box::new(form(app, catalog, asking, rest, &found, state, errors)));
    };
    let wish = Wish { rest, found: &found, until, reason, by };
    Response::Reply(match rest == Rest::Exempt && !may(app, catalog, asking, "approve") {
        true => ask_for_it(app, catalog, asking, &wish).await,
        false => write(app, catalog, asking, wish).await,
    })
}

fn until(rest: Rest, span: &str, day: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let of = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let written = match (rest, span) {
        (Rest::Snooze, "week") => return Ok(now + Days::new(7)),
        (Rest::Snooze, "month") => {
            return now.checked_add_months(Months::new(1)).ok_or_else(|| "Choose another day.".to_owned());
        }
        _ => day.parse::<NaiveDate>().map_err(|_| "Choose a day, as in 2026-12-01.".to_owned())?,
    };
    if of(written) <= now {
        return Err("Choose a day that is still to come.".to_owned());
    }
    let last = now.date_naive().checked_add_months(LONGEST_MONTHS);
    match last {
        Some(last) if written > last => Err(format!("A year is the most: {last} at the latest.")),
        _ => Ok(of(written)),
    }
}

struct Wish<'a> {
    rest: Rest,
    found: &'a Finding,
    until: DateTime<Utc>,
    reason: String,
    /// Who asked for it first, where that was somebody else.
    by: String,
}

async fn write(app: &App, catalog: &Catalog, asking: &Asking<'_>, wish: Wish<'_>) -> Reply {
    let Wish { rest, found, until, reason, by } = wish;
    let me = asker(catalog, asking).name;
    let asked_by = if by.is_empty() { me.clone() } else { by.replace('_', " ") };
    let audit = audit(
        asking,
        rest.word(),
        found.entity.as_str(),
        json!({ "key": found.key(), "until": until, "reason": reason, "asked_by": asked_by }),
    );
    let row = FindingRest {
        key: found.key(),
        kind: rest.kind(),
        until,
        reason,
        asked_by,
        approved_by: (rest == Rest::Exempt).then_some(me),
        at: asking.now,
    };
    if let Err(error) = app.store.rest_findings(&audit, std::slice::from_ref(&row)).await {
        return failure::not_recorded("hygiene", "Nothing was written down.", asking, &error);
    }
    let name = found.name(catalog);
    let what = draw::lower(found.check.title);
    let said = match rest {
        Rest::Snooze => format!("Snoozed until {}: ", day(until, asking.now)),
        Rest::Exempt => format!("Exempt until {}: ", day(until, asking.now)),
    };
    let lead = Text::plain(said).bold(name).say(format!(", {what}. Then it comes back by itself."));
    let mut reply = Reply::new(Status::Answered, "hygiene", lead);
    reply.refs.extend(found.entry().map(ToString::to_string));
    reply.buttons.push(Button::say("Wake it", format!("hygiene wake {}", found.key())));
    reply
}

/// Shows the admins what is asked for; the button opens the form with it filled in.
async fn ask_for_it(app: &App, catalog: &Catalog, asking: &Asking<'_>, wish: &Wish<'_>) -> Reply {
    let Wish { found, until, reason, .. } = wish;
    let admins = admins(app).iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let platform = asking.account.platform;
    let place = places_of_approvers(app, catalog, platform, &admins).into_iter().next();
    let Some(place) = place else {
        let lead = "An admin has to agree to an exemption, and no channel of theirs is known here. Nothing was written down: \
                    please ask them to press Exempt themselves.";
        return Reply::new(Status::Refused, "hygiene", lead.into());
    };
    let (name, me) = (found.name(catalog), asker(catalog, asking).name);
    let lead = Text::new().bold(&me).say(" asks that ").bold(&name).say(format!(
        " be exempt until {}: {}.",
        day(*until, asking.now),
        draw::lower(found.check.title)
    ));
    let mut message = Reply::new(Status::Answered, "hygiene", lead);
    message.refs.extend(found.entry().map(ToString::to_string));
    message.audience = crate::chat::Audience::Everyone;
    let line = format!(
        "hygiene exempt {} {} {} \"{}\"",
        found.key(),
        until.date_naive(),
        me.replace(' ', "_"),
        cut(&reason.replace('"', "'"), REASON_CARRIED)
    );
    let look = match &found.subject {
        Subject::Repository(of) => of.repository.url.as_ref().map(|url| Button::open("The repository", url)),
        Subject::Document(of) => of.url().map(|url| Button::open("The file", url)),
        Subject::Entry => Some(Button::say("The entry", format!("owner {}", found.entity))),
    };
    let buttons = [Button::say("Look and grant", line).primary()].into_iter().chain(look).collect();
    let body = vec![Block::Quote(reason.as_str().into())];
    message.cards.push(Card { body, buttons, ..Card::default() });
    let detail = json!({ "key": found.key(), "until": until, "reason": reason });
    let audit = audit(asking, "exempt", found.entity.as_str(), detail);
    match app.store.record_action(audit, Some(Job::Deliver(Message::new(platform, place, message)))).await {
        Ok(()) => {
            let lead =
                Text::plain("The admins are asked whether ").bold(name).say(" may be exempt. Until one agrees it stays open.");
            let mut reply = Reply::new(Status::Answered, "hygiene", lead);
            reply.refs.extend(found.entry().map(ToString::to_string));
            reply
        }
        Err(error) => failure::not_recorded("hygiene", "Nobody was asked.", asking, &error),
    }
}

pub(super) async fn wake(app: &App, catalog: &Catalog, asking: &Asking<'_>, key: &str) -> Reply {
    let Some((check, entity)) = parse_key(key) else {
        let lead = format!("“{}” is no finding's key. /hygiene shows what is left alone, with buttons.", cut(key, 100));
        return Reply::new(Status::NotFound, "hygiene", lead.into());
    };
    let key = format!("{}:{entity}", check.id);
    let found = find_finding(app, catalog, asking, &key).ok();
    let refusal = match &found {
        Some(found) => refuse_stranger_to(catalog, asking, found, "have it count again"),
        None => refuse_stranger(catalog, asking, &entity, "have it count again"),
    };
    if let Some(refusal) = refusal {
        return refusal;
    }
    let name = found.as_ref().map_or_else(|| name_of(catalog, asking, check, &entity), |found| found.name(catalog));
    let said = format!("{} of {name}", draw::lower(check.title));
    let audit = audit(asking, "wake", entity.as_str(), json!({ "key": key }));
    match app.store.wake_finding(&audit, &key).await {
        Ok(true) => {
            let mut reply = Reply::new(Status::Answered, "hygiene", format!("Counts again: {said}.").into());
            let owner = found.as_ref().and_then(|found| owner_of_finding(catalog, found));
            let subject = match (catalog.find(&entity), &owner) {
                (Some(_), _) => {
                    reply.refs.push(entity.to_string());
                    entity.as_str()
                }
                (None, Some(owner)) => owner.as_str(),
                (None, None) => NOBODY,
            };
            reply.buttons.push(Button::say("What is open there", format!("hygiene {subject}")));
            reply
        }
        Ok(false) => {
            Reply::new(Status::NotFound, "hygiene", format!("It was not left alone: {said}. Nothing was changed.").into())
        }
        Err(error) => failure::not_recorded("hygiene", "Nothing was changed.", asking, &error),
    }
}
