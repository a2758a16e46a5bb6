//! `/audit [NAME|PERSON]`: who asked to change what, when, with what result. For admins, unless a rule says otherwise.
//! Must not write: every act writes its own line.

use chrono::TimeDelta;

use super::{
    Asking,
    answer::{
        failure,
        names::{label, short_ref},
        subject,
    },
};
use crate::{
    app::App,
    catalog::{Catalog, EntityRef, Kind, people::AccountKind},
    chat::{Arguments, Block, Button, Card, ListItem, ListStyle, Reply, Span, Status, Text, limits::cut},
    store::{AuditFilter, AuditLine, AuditPage, DENIED},
};

/// Lines on one page.
const PAGE: usize = 10;

/// Longest subject, detail and result that are shown.
const SUBJECT: usize = 120;
const DETAIL: usize = 160;
const RESULT: usize = 120;

/// What has no end after this was given up by the queue, which tries for hours and says so in the log.
const UNDER_WAY: TimeDelta = TimeDelta::days(2);

/// The arguments of `commands/audit.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audit {
    pub name: String,
    /// One-based.
    pub page: usize,
}

impl From<&Arguments> for Audit {
    fn from(arguments: &Arguments) -> Self {
        let page = arguments.find("page").and_then(|page| page.parse().ok()).unwrap_or(1);
        Self { name: arguments.find("name").unwrap_or_default().trim().to_owned(), page }
    }
}

/// What is asked for, and how it is called.
struct Wanted {
    filter: AuditFilter,
    /// "about Payments API"; empty for everything.
    what: String,
    /// The command line of a page, without its number.
    line: String,
}

pub async fn audit(app: &App, catalog: &Catalog, asking: &Asking<'_>, args: &Audit) -> Reply {
    let wanted = match wanted(catalog, asking, &args.name) {
        Ok(wanted) => wanted,
        Err(reply) => return *reply,
    };
    let load = async |page: usize| {
        let first = page.saturating_sub(1).saturating_mul(PAGE);
        app.store.load_audit(&wanted.filter, PAGE as i64, first as i64).await.map(|found| (page, found))
    };
    let found = match load(args.page).await {
        // A page past the end has no line that could tell the number of all.
        Ok((page, found)) if found.lines.is_empty() && page > 1 => load(1).await,
        found => found,
    };
    match found {
        Ok((number, page)) => show(catalog, asking, &wanted, number, &page),
        Err(error) => failure::not_answered("audit", "The audit log", asking, &error),
    }
}

fn wanted(catalog: &Catalog, asking: &Asking<'_>, typed: &str) -> Result<Wanted, Box<Reply>> {
    if typed.is_empty() {
        return Ok(Wanted { filter: AuditFilter::default(), what: String::new(), line: "audit".to_owned() });
    }
    let plain = || {
        let account = typed.strip_prefix("<@").and_then(|rest| rest.strip_suffix('>')).unwrap_or(typed);
        Wanted {
            filter: AuditFilter { accounts: vec![account.to_owned()], text: Some(typed.to_owned()), ..AuditFilter::default() },
            what: format!("about “{}”", cut(typed, SUBJECT)),
            line: format!("audit {typed}"),
        }
    };
    let found = match subject::resolve(catalog, asking, "audit", typed) {
        // What is only near would hide what was really written down under this name.
        Ok(found) if !found.is_guess() => found,
        Err(reply) if reply.status == Status::Ambiguous => return Err(reply),
        Ok(_) | Err(_) => return Ok(plain()),
    };
    let entity = &found.entry.entity;
    let own = entity.entity_ref.to_string();
    let line = format!("audit {own}");
    if entity.kind != Kind::User {
        let also = found.also.iter().map(|entry| entry.entity.entity_ref.to_string());
        let subjects = std::iter::once(own).chain(also).collect();
        let filter = AuditFilter { subjects, ..AuditFilter::default() };
        return Ok(Wanted { filter, what: format!("about {}", entity.label()), line });
    }
    let person = catalog.person(&entity.entity_ref);
    let mut persons = vec![own.clone()];
    let mut accounts = Vec::new();
    if let Some(person) = person {
        persons.extend(person.refs.iter().map(ToString::to_string));
        let is_chat = |kind: AccountKind| matches!(kind, AccountKind::Slack | AccountKind::Discord | AccountKind::Playground);
        accounts.extend(person.ties.iter().filter(|tie| is_chat(tie.kind)).map(|tie| tie.id.clone()));
    }
    let filter = AuditFilter { subjects: persons.clone(), persons, accounts, text: None };
    Ok(Wanted { filter, what: format!("by or about {}", entity.label()), line })
}

fn show(catalog: &Catalog, asking: &Asking<'_>, wanted: &Wanted, number: usize, page: &AuditPage) -> Reply {
    let Wanted { what, line, .. } = wanted;
    let behind = if what.is_empty() { String::new() } else { format!(" {what}") };
    let AuditPage { lines, total } = page;
    if lines.is_empty() {
        let lead = format!("Nothing is in the audit log{behind}: nobody has asked Steward to change anything.");
        return Reply::new(Status::Answered, "audit", lead.into());
    }
    let first = number.saturating_sub(1) * PAGE + 1;
    let lead = match usize::try_from(*total).unwrap_or(usize::MAX) {
        1 => format!("One line is in the audit log{behind}."),
        total if total <= PAGE => format!("{total} lines are in the audit log{behind}, newest first."),
        total => format!("{total} lines are in the audit log{behind}; these are {first} to {}.", first + lines.len() - 1),
    };
    let mut reply = Reply::new(Status::Answered, "audit", lead.into());
    let items = lines.iter().map(|line| ListItem::new(say(catalog, asking, line))).collect();
    let body = vec![Block::List { style: ListStyle::Bullets, items }];
    reply.cards.push(Card { body, ..Card::default() });
    if number > 1 {
        reply.buttons.push(Button::say("Newer", format!("{line} page {}", number - 1)));
    }
    if (number * PAGE) < usize::try_from(*total).unwrap_or(0) {
        reply.buttons.push(Button::say("Older", format!("{line} page {}", number + 1)).primary());
    }
    reply
}

/// "21 Nov 09:00 Ana Silva: catalog add https://… – done".
fn say(catalog: &Catalog, asking: &Asking<'_>, line: &AuditLine) -> Text {
    let AuditLine { at, platform, account, person, command, subject, detail, result, ended_at: _ } = line;
    let person = person.as_deref().and_then(|person| EntityRef::parse(person, Some("user"), "default").ok());
    // By name, not as a mention: a look into the log must not call anybody.
    let who = match person {
        Some(person) => format!("{} ({platform} {account})", label(catalog, &person)),
        None => format!("{platform} {account}"),
    };
    let mut text = Text::new().push(Span::Time(*at)).say(" ").bold(who).say(": ").code(command.as_str());
    if !subject.is_empty() {
        let named = EntityRef::parse(subject, None, "default").ok().filter(|named| catalog.find(named).is_some());
        text = text.say(" ").code(named.map_or_else(|| cut(subject, SUBJECT), |named| short_ref(&named)));
    }
    text = match result.as_deref() {
        None if asking.now - *at > UNDER_WAY => text.say(", never ended"),
        None => text.say(", under way"),
        Some(DENIED) => text.say(", ").bold("denied"),
        Some(result) => text.say(format!(", {}", cut(result, RESULT))),
    };
    match details(detail) {
        details if details.is_empty() => text,
        details => text.line().italic(cut(&details, DETAIL)),
    }
}

/// "gone: 12, of: 40"; what is empty is left out.
fn details(detail: &serde_json::Value) -> String {
    let fields = detail.as_object().into_iter().flatten();
    let shown = fields.filter_map(|(key, value)| {
        let value = match value {
            serde_json::Value::Null => return None,
            serde_json::Value::String(text) if text.is_empty() => return None,
            serde_json::Value::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
            serde_json::Value::Array(items) if items.is_empty() => return None,
            serde_json::Value::Array(items) => {
                let items = items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
                items.collect::<Vec<_>>().join(", ")
            }
            serde_json::Value::Object(fields) => {
                let set = fields.iter().filter(|(_, value)| value.as_bool() != Some(false)).map(|(key, _)| key.as_str());
                match set.collect::<Vec<_>>().join(", ") {
                    set if set.is_empty() => return None,
                    set => set,
                }
            }
            serde_json::Value::Bool(_) | serde_json::Value::Number(_) => value.to_string(),
        };
        Some(format!("{}: {value}", key.replace('_', " ")))
    });
    shown.collect::<Vec<_>>().join("; ")
}
