//! What stands below an address in somebody's message: name, owner and lifecycle of what it is the address of.
//! Must not be long: nobody asked.

use url::Url;

use crate::{
    app::App,
    catalog::{Catalog, EntityRef, Entry},
    chat::{Account, Card, Fact, Place, Reply, Status, Text, Tone, limits::cut},
    commands::{
        Asking, StoreHealth, access,
        answer::{
            names::{channel_text, kind_word, owner_text},
            provenance, warnings,
        },
    },
};

/// Previews below one message; more would bury what was said.
const MOST: usize = 3;

/// Longest description that is repeated.
const DESCRIPTION: usize = 140;

/// What to show below the addresses in somebody's message; nothing below most of them.
///
/// Nothing where a rule keeps `/owner` from anybody: all in the conversation see it.
pub fn preview(app: &App, account: &Account, place: Option<&Place>, urls: &[String]) -> Vec<(String, Reply)> {
    let is_open = |command| access::is_open(&app.settings.access.rules, command);
    if !app.commands.find("owner").is_some_and(is_open) {
        return Vec::new();
    }
    let catalog = app.catalog.load();
    let asking = Asking::new(&catalog, app.clock.now(), account, place, &[], StoreHealth::Reachable);
    previews(&catalog, &asking, app.settings.server.public_url.as_deref(), urls)
}

/// Previews of those addresses that are of a catalogued repository, or of our own pages at `public_url`; in their order.
pub fn previews(catalog: &Catalog, asking: &Asking<'_>, public_url: Option<&str>, urls: &[String]) -> Vec<(String, Reply)> {
    let mut shown: Vec<EntityRef> = Vec::new();
    let mut previews = Vec::new();
    for address in urls {
        let found = Url::parse(address).ok().and_then(|url| {
            let own = public_url.and_then(|own| own_page(catalog, own, &url));
            own.or_else(|| catalog.at_address(&url))
        });
        let Some(entry) = found.filter(|entry| !shown.contains(&entry.entity.entity_ref)) else { continue };
        shown.push(entry.entity.entity_ref.clone());
        previews.push((address.clone(), draw(catalog, asking, &entry)));
        if previews.len() == MOST {
            break;
        }
    }
    previews
}

/// The entity of a page of ours: `/catalog/NAMESPACE/KIND/NAME` as Backstage has it, and the API's `by-name` and `by-ref`.
fn own_page(catalog: &Catalog, own: &str, url: &Url) -> Option<std::sync::Arc<Entry>> {
    let own = Url::parse(own).ok()?;
    if own.origin() != url.origin() {
        return None;
    }
    let path = url.path().strip_prefix(own.path().trim_end_matches('/'))?;
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let entity_ref = match segments.as_slice() {
        ["catalog", namespace, kind, name, ..] => EntityRef::new(kind, namespace, name),
        ["api", "catalog", "entities", "by-name", kind, namespace, name, ..] => EntityRef::new(kind, namespace, name),
        ["catalog" | "owner" | "entity", name] => {
            EntityRef::parse(&name.replace("%3A", ":"), Some("component"), "default").ok()?
        }
        _ => return None,
    };
    catalog.find(&entity_ref).cloned()
}

fn draw(catalog: &Catalog, asking: &Asking<'_>, entry: &Entry) -> Reply {
    let entity = &entry.entity;
    let lead = Text::new().bold(entity.label());
    let owner = entity.owner().filter(|owner| catalog.find(owner).is_some());
    let lead = match owner {
        Some(owner) => lead.say(": owned by ").join(owner_text(catalog, owner)),
        None => lead.say(": nobody who is known owns it"),
    };
    let mut reply = Reply::new(Status::Answered, "owner", lead.say("."));
    reply.refs = vec![entity.entity_ref.to_string()];
    let mut fields = Vec::new();
    if let Some(channel) = owner.and_then(|owner| channel_text(catalog, owner)) {
        fields.push(Fact::new("Channel", channel));
    }
    let kind = kind_word(entity);
    let kind = entity.lifecycle.as_ref().map_or(kind.clone(), |lifecycle| format!("{kind}, {lifecycle}"));
    fields.push(Fact::new("Type", kind.into()));
    let (tone, _) = warnings::warnings(catalog, entry);
    let footer =
        entity.description.as_deref().map(|text| cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), DESCRIPTION));
    // No buttons: they would be pressed by people who asked for nothing.
    let tone = if tone == Tone::Critical { Tone::Warning } else { Tone::Neutral };
    reply.cards.push(Card { tone, fields, footer: footer.unwrap_or_default().into(), ..Card::default() });
    reply.provenance = Some(provenance::of_file(catalog, asking, &entry.origin));
    reply
}
