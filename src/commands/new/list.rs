//! The list of templates: what the asker may run, and to those who can mend it, what cannot be run and why.
//! Must not open a form.

use std::sync::Arc;

use crate::{
    app::App,
    catalog::{Catalog, EntityRef, Entry, Kind},
    chat::{Block, Button, Card, CommandDef, ListItem, ListStyle, Reply, Status, Text, limits::cut},
    commands::{
        Asking, Standing, StoreHealth, access,
        answer::{age::count, names::label},
    },
    template::shelf::Shelved,
};

/// Each is a card of three blocks on Slack, whose messages hold fifty.
const PAGE: usize = 8;

/// What cannot be run is told at the end; `steward lint` tells the rest.
const REFUSED: usize = 8;

const DESCRIPTION: usize = 240;

/// What the list is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing<'a> {
    /// Empty: all.
    pub words: &'a str,
    /// From 1.
    pub page: usize,
}

/// The templates that fit the words.
pub fn list(app: &App, catalog: &Catalog, asking: &Asking<'_>, command: &CommandDef, listing: &Listing<'_>) -> Reply {
    let shelf = app.live.templates();
    let mut shown: Vec<&Arc<Shelved>> = shelf.iter().collect();
    shown.retain(|shelved| reason(app, shelved).is_none() && is_for(app, catalog, asking, command, &shelved.entity_ref));
    let all = shown.len();
    shown.retain(|shelved| fits(catalog, shelved, listing.words));
    shown.sort_by_cached_key(|shelved| (!is_own(catalog, asking, &shelved.entity_ref), shelved.title().to_lowercase()));
    let refused = refused(app, catalog, asking);
    if all == 0 {
        return empty(catalog, asking, refused);
    }
    if shown.is_empty() {
        let words = cut(listing.words, 60);
        let lead = match all {
            1 => format!("No template fits “{words}”. There is one."),
            all => format!("No template fits “{words}”. There are {all}."),
        };
        let mut reply = Reply::new(Status::NotFound, "new", lead.into());
        reply.buttons.push(Button::say("All templates", "new").primary());
        return reply;
    }
    let pages = shown.len().div_ceil(PAGE);
    let page = listing.page.clamp(1, pages);
    let lead = match (listing.words, shown.len()) {
        ("", 1) => "One template to start from.".to_owned(),
        ("", several) => format!("{several} templates to start from."),
        (words, found) => format!("{} for “{}”.", count(found, "template"), cut(words, 60)),
    };
    let lead = if pages > 1 { format!("{lead} Page {page} of {pages}.") } else { lead };
    let mut reply = Reply::new(Status::Answered, "new", lead.into());
    if asking.standing == Standing::Guest {
        let lead = std::mem::take(&mut reply.lead);
        reply.lead = lead.say(" To start one, tie your account to your GitHub login with ").code("/link").say(".");
    }
    let here = shown.iter().skip((page - 1) * PAGE).take(PAGE);
    for shelved in here {
        reply.refs.push(shelved.entity_ref.to_string());
        reply.cards.push(card(catalog, asking, shelved));
    }
    if page == pages && listing.words.is_empty() {
        reply.cards.extend(refused);
    }
    let line = |page: usize| match listing.words {
        "" => format!("new page {page}"),
        words => format!("new {words} page {page}"),
    };
    if page > 1 {
        reply.buttons.push(Button::say("Previous", line(page - 1)));
    }
    if page < pages {
        reply.buttons.push(Button::say("More", line(page + 1)));
    }
    reply
}

/// The template that goes by exactly this name, title or reference.
pub fn find_exact(app: &App, typed: &str) -> Option<Arc<Shelved>> {
    let shelf = app.live.templates();
    if let Ok(full) = EntityRef::parse(typed, Some("template"), "default")
        && let Some(shelved) = shelf.find(&full)
    {
        return Some(Arc::clone(shelved));
    }
    let named = |shelved: &&Arc<Shelved>| {
        let names = [shelved.entity_ref.name(), shelved.title()];
        names.iter().any(|name| super::given::dashed(name) == super::given::dashed(typed))
    };
    let mut found = shelf.iter().filter(named);
    match (found.next(), found.next()) {
        (Some(one), None) => Some(Arc::clone(one)),
        _ => None,
    }
}

/// Whether it is shown: to somebody whom the catalog does not know, what they could run if it did.
fn is_for(app: &App, catalog: &Catalog, asking: &Asking<'_>, command: &CommandDef, template: &EntityRef) -> bool {
    let about = access::About::One(template.clone());
    access::template_gates(&app.settings.access.rules, command, template).iter().all(|gate| {
        let could = asking.standing == Standing::Guest && gate.allow.contains(&access::Allow::Members);
        could || access::is_allowed(catalog, asking, &gate.allow, &about)
    })
}

fn is_own(catalog: &Catalog, asking: &Asking<'_>, template: &EntityRef) -> bool {
    let owner = catalog.find(template).and_then(|entry| entry.entity.owner());
    owner.is_some_and(|owner| access::is_of(catalog, asking, owner))
}

/// All words stand somewhere in its name, title, description, tags or owner.
fn fits(catalog: &Catalog, shelved: &Shelved, words: &str) -> bool {
    let entry = catalog.find(&shelved.entity_ref);
    let mut all = format!("{} {}", shelved.entity_ref.name(), shelved.title());
    if let Some(entry) = entry {
        let entity = &entry.entity;
        let owner = entity.owner().map(|owner| label(catalog, owner)).unwrap_or_default();
        let description = entity.description.as_deref().unwrap_or_default();
        all =
            format!("{all} {description} {} {owner} {}", entity.tags.join(" "), entity.spec_type.as_deref().unwrap_or_default());
    }
    let all = all.to_lowercase();
    words.to_lowercase().split_whitespace().all(|word| all.contains(word))
}

fn card(catalog: &Catalog, asking: &Asking<'_>, shelved: &Shelved) -> Card {
    let entry: Option<&Arc<Entry>> = catalog.find(&shelved.entity_ref);
    let mut body = Vec::new();
    let description = entry.and_then(|entry| entry.entity.description.as_deref()).unwrap_or_default();
    let description = description.split_whitespace().collect::<Vec<_>>().join(" ");
    if !description.is_empty() {
        body.push(Block::Paragraph(cut(&description, DESCRIPTION).into()));
    }
    let mut small: Vec<String> = Vec::new();
    if let Some(entry) = entry {
        small.extend(entry.entity.owner().map(|owner| format!("by {}", label(catalog, owner))));
        let tags = entry.entity.tags.iter().take(6).cloned().collect::<Vec<_>>().join(", ");
        small.extend((!tags.is_empty()).then_some(tags));
    }
    let start = Button::say("Start", format!("new {}", shelved.entity_ref)).primary();
    let buttons = if asking.standing == Standing::Guest { Vec::new() } else { vec![start] };
    Card {
        title: Text::new().bold(cut(shelved.title(), 120)),
        body,
        buttons,
        footer: cut(&small.join(" · "), DESCRIPTION).into(),
        ..Card::default()
    }
}

/// Why it cannot be run here, if it cannot.
pub fn reason(app: &App, shelved: &Shelved) -> Option<String> {
    match &shelved.read {
        Err(refusals) => {
            let more = refusals.len().saturating_sub(1);
            let first = refusals.first().map(|refusal| format!("line {}: {}", refusal.line, refusal.reason)).unwrap_or_default();
            Some(if more == 0 { first } else { format!("{first} (and {})", count(more, "more reason")) })
        }
        Ok(runnable) => {
            let is_secret = |field: &crate::template::form::Field| matches!(field.kind, crate::template::form::FieldKind::Secret);
            let asks = runnable.form.fields().any(is_secret);
            app.check_secrets().err().filter(|_| asks).map(|why| format!("it asks for a secret, and {why}"))
        }
    }
}

/// For those who own them and for admins.
fn refused(app: &App, catalog: &Catalog, asking: &Asking<'_>) -> Option<Card> {
    let shelf = app.live.templates();
    let told: Vec<(String, String)> = shelf
        .iter()
        .filter(|shelved| asking.standing == Standing::Admin || is_own(catalog, asking, &shelved.entity_ref))
        .filter_map(|shelved| Some((shelved.title().to_owned(), reason(app, shelved)?)))
        .collect();
    let item = |(title, reason): &(String, String)| {
        let said = Text::new().bold(cut(title, 100)).say(format!(" cannot be run: {}", cut(reason, 300)));
        ListItem::new(said)
    };
    let items: Vec<ListItem> = told.iter().take(REFUSED).map(item).collect();
    if items.is_empty() {
        return None;
    }
    let title = Text::new().bold(match told.len() {
        1 => "One template cannot be run".to_owned(),
        several => format!("{several} templates cannot be run"),
    });
    let mut body = vec![Block::List { style: ListStyle::Bullets, items }];
    if told.len() > REFUSED {
        body.push(Block::Paragraph(format!("+ {} more", told.len() - REFUSED).into()));
    }
    Some(Card { tone: crate::chat::Tone::Warning, title, body, ..Card::default() })
}

/// What to do where there is nothing to start from.
fn empty(catalog: &Catalog, asking: &Asking<'_>, refused: Option<Card>) -> Reply {
    let declared = catalog.entries().iter().filter(|entry| entry.entity.kind == Kind::Template).count();
    let lead = match (asking.store, declared) {
        (StoreHealth::Absent, 1..) => "Templates are kept in PostgreSQL, which `steward ask` does not use; ask in chat.".into(),
        (StoreHealth::AwaySince(_), 1..) => {
            "Templates are kept in PostgreSQL, which cannot be reached now. Try again in a few minutes.".into()
        }
        (_, 0) => Text::plain("There is no template yet. Write a descriptor of kind ").code("Template").say(
            " (scaffolder.backstage.io/v1beta3) into any repository that is read: it is found by the next sync and stands here.",
        ),
        (_, 1) => "There is one template, and you cannot run it.".into(),
        (_, several) => format!("There are {several} templates, and none that you can run.").into(),
    };
    let mut reply = Reply::new(Status::NotFound, "new", lead);
    reply.cards.extend(refused);
    reply
}
