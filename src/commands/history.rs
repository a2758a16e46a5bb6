//! `/history NAME`: who owned it since when, then what each commit changed, newest first.
//! Must not guess: what was never written down is not told.

mod timeline;

use serde_json::Value;

use super::{
    Asking,
    answer::{
        self,
        age::day,
        failure,
        names::{label, owner_text, short_ref},
        provenance,
        subject::{self, Subject},
    },
};
use crate::{
    app::App,
    catalog::{Catalog, EntityRef, Sought},
    chat::{Arguments, Block, Button, Card, ListItem, ListStyle, Reply, Status, Text, limits::cut},
    store::{EntityPast, StoreError},
};
use timeline::{Act, Event, events};

/// Changes on one page.
const PAGE: usize = 10;

/// Longest value of a title or type that is repeated.
const VALUE: usize = 60;

/// Dependencies named in one change before "+ n".
const NAMED: usize = 6;

/// The arguments of `commands/history.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    pub name: String,
    /// One-based.
    pub page: usize,
}

impl From<&Arguments> for History {
    fn from(arguments: &Arguments) -> Self {
        let page = arguments.find("page").and_then(|page| page.parse().ok()).unwrap_or(1);
        Self { name: arguments.find("name").unwrap_or_default().to_owned(), page }
    }
}

pub async fn history(app: &App, catalog: &Catalog, asking: &Asking<'_>, args: &History) -> Reply {
    let resolved = subject::resolve(catalog, asking, "history", &args.name);
    if subject::is_named(catalog, &args.name) {
        return match resolved {
            Ok(subject) => living(app, catalog, asking, args, &subject).await,
            Err(reply) => *reply,
        };
    }
    // Nothing there is called so; something that is gone may have been.
    match (gone(app, catalog, asking, args).await, resolved) {
        (Ok(Some(reply)), _) => reply,
        (Ok(None), Ok(subject)) => living(app, catalog, asking, args, &subject).await,
        (Err(error), Ok(subject)) => away(asking, &subject.entry.entity.entity_ref, &error),
        (Err(error), Err(reply)) if reply.status != Status::Ambiguous => gone_away(catalog, asking, args, &error),
        (Ok(None) | Err(_), Err(reply)) => *reply,
    }
}

/// The snapshot remembers for a while what is gone.
fn gone_away(catalog: &Catalog, asking: &Asking<'_>, args: &History, error: &StoreError) -> Reply {
    let mut reply = failure::not_answered("history", "The history of what is gone", asking, error);
    if let Some(first) = catalog.find_gone(Sought::any(&args.name, &asking.groups)).first() {
        reply.lead = reply.lead.say(" This much is known: ").join(answer::gone::text(catalog, asking, first));
    }
    reply
}

fn away(asking: &Asking<'_>, entity_ref: &EntityRef, error: &StoreError) -> Reply {
    let mut reply = failure::not_answered("history", "History", asking, error);
    reply.lead = reply.lead.say(" Who owns it now can be answered:");
    reply.buttons.push(Button::say("Owner", format!("owner {entity_ref}")).primary());
    reply
}

async fn living(app: &App, catalog: &Catalog, asking: &Asking<'_>, args: &History, subject: &Subject) -> Reply {
    let entity = &subject.entry.entity;
    let past = match app.store.load_history(&entity.entity_ref).await {
        Ok(past) => past,
        Err(error) => return away(asking, &entity.entity_ref, &error),
    };
    let events = events(&past);
    let name = Text::new().bold(entity.label());
    let lead = match entity.owner() {
        Some(owner) => {
            owned_lead(catalog, asking, name.say(" has been owned by ").join(owner_text(catalog, owner)), entity, &events)
        }
        None => since_lead(asking, name, &events),
    };
    let mut reply = page(catalog, asking, args, &entity.entity_ref, lead, &events);
    reply.buttons.push(Button::say("Owner", format!("owner {}", entity.entity_ref)));
    reply.provenance = Some(provenance::of_file(catalog, asking, &subject.entry.origin));
    subject.own_up(&mut reply);
    reply
}

/// "… since 3 March (was Team A)."
fn owned_lead(catalog: &Catalog, asking: &Asking<'_>, lead: Text, entity: &crate::catalog::Entity, events: &[Event]) -> Text {
    let changed = events.iter().find_map(|event| {
        let (_, from, _) = event.fields.iter().find(|(name, ..)| name == "owner")?;
        Some((event.at, from))
    });
    match (changed, events.last()) {
        (Some((at, from)), _) => {
            let lead = lead.say(format!(" since {}", day(at, asking.now)));
            match from.as_str() {
                Some(from) => lead.say(" (was ").join(named_owner(catalog, entity.entity_ref.namespace(), from)).say(")."),
                None => lead.say("; before that nobody was named."),
            }
        }
        (None, Some(first)) => {
            let said = format!(" since {} at least; no earlier owner is known.", day(first.at, asking.now));
            lead.say(said)
        }
        (None, None) => lead.say("; no change of it has been recorded yet."),
    }
}

/// For what has no owner: people and teams.
fn since_lead(asking: &Asking<'_>, name: Text, events: &[Event]) -> Text {
    match events.last() {
        Some(first) => name.say(format!(" has been known since {}.", day(first.at, asking.now))),
        None => name.say(": no change of it has been recorded yet."),
    }
}

/// What is not in the catalog any more; `None` where history does not know the name either.
async fn gone(app: &App, catalog: &Catalog, asking: &Asking<'_>, args: &History) -> Result<Option<Reply>, StoreError> {
    let typed = args.name.trim().trim_matches('`').to_lowercase();
    let typed = typed.split_whitespace().collect::<Vec<_>>().join("-");
    let mut found = app.store.find_past_refs(&typed).await?;
    found.retain(|entity_ref| catalog.find(entity_ref).is_none());
    // A whole reference means that one.
    found.sort_by_key(|entity_ref| entity_ref.as_str() != typed && short_ref(entity_ref) != typed);
    let Some(first) = found.first() else { return Ok(None) };
    let is_meant = found.len() == 1 || first.as_str() == typed || short_ref(first) == typed;
    if !is_meant {
        let lead = format!("“{}” was the name of {} things that are gone. Which one?", cut(&typed, VALUE), found.len());
        let mut reply = Reply::new(Status::Ambiguous, "history", lead.into());
        reply.refs = found.iter().map(ToString::to_string).collect();
        reply.buttons = found.iter().map(|found| Button::say(short_ref(found), format!("history {found}"))).collect();
        return Ok(Some(reply));
    }
    let past = app.store.load_history(first).await?;
    let events = events(&past);
    let lead = gone_lead(catalog, asking, first, &past, &events);
    let mut reply = page(catalog, asking, args, first, lead, &events);
    reply.provenance = Some(provenance::of_catalog(catalog, asking));
    Ok(Some(reply))
}

/// "payments-api was removed on 3 March; its last owner was Team A."
fn gone_lead(catalog: &Catalog, asking: &Asking<'_>, gone: &EntityRef, past: &EntityPast, events: &[Event]) -> Text {
    let lead = Text::new().bold(gone.name());
    let lead = match events.iter().find(|event| event.acts.contains(&Act::Gone)) {
        Some(event) => lead.say(format!(" was removed on {}", day(event.at, asking.now))),
        None => lead.say(" is no longer in the catalog"),
    };
    let stored = past.documents.iter().filter(|(claim, _)| claim.entity_ref == *gone);
    let latest = stored.max_by_key(|(_, stored)| stored.removed_at).map(|(_, stored)| &stored.document);
    let owner = latest.and_then(|document| document.pointer("/spec/owner")).and_then(Value::as_str).or_else(|| {
        let fields = past.changes.iter().filter_map(|change| change.fields.pointer("/owner/to"));
        fields.filter_map(Value::as_str).next()
    });
    match owner {
        Some(owner) => lead.say("; its last owner was ").join(named_owner(catalog, gone.namespace(), owner)).say("."),
        None => lead.say("."),
    }
}

fn page(catalog: &Catalog, asking: &Asking<'_>, args: &History, of: &EntityRef, lead: Text, events: &[Event]) -> Reply {
    let mut reply = Reply::new(Status::Answered, "history", lead);
    reply.refs = vec![of.to_string()];
    if events.is_empty() {
        return reply;
    }
    let pages = events.len().div_ceil(PAGE);
    let number = args.page.clamp(1, pages);
    let first = (number - 1) * PAGE;
    let shown = &events[first..events.len().min(first + PAGE)];
    let items = shown.iter().map(|event| ListItem::new(line(catalog, asking, of, event))).collect();
    let title = Text::new().bold("Changes").say("  ").code(short_ref(of));
    let mut footer = Text::new();
    if pages > 1 {
        footer = footer.say(format!("{} to {} of {}", first + 1, first + shown.len(), events.len()));
    }
    let body = vec![Block::List { style: ListStyle::Bullets, items }];
    reply.cards.push(Card { title, body, footer, ..Card::default() });
    if number > 1 {
        reply.buttons.push(Button::say("Newer", format!("history {of} page {}", number - 1)));
    }
    if number < pages {
        reply.buttons.push(Button::say("Older", format!("history {of} page {}", number + 1)).primary());
    }
    reply
}

/// "3 March: owner Team A → Team B; lifecycle … (3f2c1ab by ada)".
fn line(catalog: &Catalog, asking: &Asking<'_>, of: &EntityRef, event: &Event) -> Text {
    let told = event.acts.iter().map(act_text).chain(event.fields.iter().map(|change| field_text(catalog, of, change)));
    let line = Text::plain(format!("{}: ", day(event.at, asking.now))).join(Text::list(told, "; "));
    let commit = event.commit.as_deref().map(|commit| commit.get(..7).unwrap_or(commit));
    let by = event.author.as_deref().map(|author| format!(" by {author}")).unwrap_or_default();
    match (commit, &event.url) {
        (Some(commit), Some(url)) => line.say(" (").link(commit, url.as_str()).say(format!("{by})")),
        (Some(commit), None) => line.say(" (").code(commit).say(format!("{by})")),
        (None, _) => line,
    }
}

fn act_text(act: &Act) -> Text {
    match act {
        Act::FirstSeen => "first seen".into(),
        Act::Back => "back in the catalog".into(),
        Act::Gone => "gone from the catalog".into(),
        Act::Renamed(before) => Text::plain("renamed, was ").code(short_ref(&before.entity_ref)),
        Act::Moved(place) => Text::plain("moved, was in ").code(place.as_str()),
        Act::RivalCame(place) => Text::plain("also declared by ").code(place.as_str()),
        Act::RivalWent(place) => Text::plain("no longer declared by ").code(place.as_str()),
        Act::Details => "other details changed".into(),
    }
}

fn field_text(catalog: &Catalog, of: &EntityRef, (name, from, to): &(String, Value, Value)) -> Text {
    let namespace = of.namespace();
    match name.as_str() {
        "owner" => {
            let text = |value: &Value| value.as_str().map(|owner| named_owner(catalog, namespace, owner));
            from_to("owner", text(from), text(to))
        }
        "system" => {
            let text = |value: &Value| value.as_str().map(|system| named(catalog, "system", namespace, system));
            from_to("system", text(from), text(to))
        }
        "dependsOn" => items_text(catalog, namespace, ("depends on", "no longer on"), "component", from, to),
        "providesApis" => items_text(catalog, namespace, ("provides", "no longer provides"), "api", from, to),
        "consumesApis" => items_text(catalog, namespace, ("uses", "no longer uses"), "api", from, to),
        "description" => "description changed".into(),
        other => {
            let text = |value: &Value| value.as_str().map(|value| Text::plain(cut(value, VALUE)));
            from_to(other, text(from), text(to))
        }
    }
}

fn from_to(name: &str, from: Option<Text>, to: Option<Text>) -> Text {
    let none = || Text::plain("none");
    Text::plain(format!("{name} ")).join(from.unwrap_or_else(none)).say(" → ").join(to.unwrap_or_else(none))
}

/// "depends on Ledger DB; no longer on Redis": what came and what went, not the whole lists.
fn items_text(catalog: &Catalog, namespace: &str, (more, less): (&str, &str), kind: &str, from: &Value, to: &Value) -> Text {
    let items = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (from, to) = (items(from), items(to));
    let missing_in = |these: &[String], those: &[String]| -> Vec<Text> {
        let items = these.iter().filter(|item| !those.contains(item));
        items.map(|item| named(catalog, kind, namespace, item)).collect()
    };
    let (came, went) = (missing_in(&to, &from), missing_in(&from, &to));
    if came.is_empty() && went.is_empty() {
        return Text::plain(format!("{more} the same, in another order"));
    }
    let text = |word: &str, items: Vec<Text>| {
        let rest = items.len().saturating_sub(NAMED);
        let text = Text::plain(format!("{word} ")).join(Text::list(items.into_iter().take(NAMED), ", "));
        if rest > 0 { text.say(format!(" + {rest}")) } else { text }
    };
    // "depends no longer on" needs its verb where nothing came.
    let less = if came.is_empty() && less == "no longer on" { "no longer depends on" } else { less };
    let parts = [(more, came), (less, went)].into_iter().filter(|(_, items)| !items.is_empty());
    Text::list(parts.map(|(word, items)| text(word, items)), "; ")
}

fn named_owner(catalog: &Catalog, namespace: &str, owner: &str) -> Text {
    match EntityRef::parse(owner, Some("group"), namespace) {
        Ok(owner) => owner_text(catalog, &owner),
        Err(_) => Text::new().code(cut(owner, VALUE)),
    }
}

fn named(catalog: &Catalog, kind: &str, namespace: &str, written: &str) -> Text {
    match EntityRef::parse(written, Some(kind), namespace) {
        Ok(target) => Text::plain(label(catalog, &target)),
        Err(_) => Text::new().code(cut(written, VALUE)),
    }
}
