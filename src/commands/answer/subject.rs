//! What a typed name means: one entry, something that is gone, or the reply that helps to say which.
//! Must not answer about the entry itself.

use std::sync::Arc;

use super::{
    gone,
    names::{bare_name, kind_word, label, short_ref},
    provenance, warnings,
};
use crate::{
    catalog::{BrokenFile, Catalog, Entity, EntityRef, Entry, Found, Kind, Level, RelationType, Sought},
    chat::{Block, Button, Card, ListItem, ListStyle, Reply, Status, Text, Tone, limits::cut},
    commands::Asking,
};

/// How many are offered as buttons: two rows on Discord, and as many as one reads at a glance.
const OFFERED: usize = 10;

/// How many are named after something that is gone, which is what was asked for.
const NEAREST: usize = 5;

/// Longest piece of what was typed that is repeated to the person.
const TYPED_SHOWN: usize = 60;

/// One entry that is meant.
#[derive(Debug, Clone)]
pub struct Subject {
    pub entry: Arc<Entry>,
    /// Of the same name and another kind.
    pub also: Vec<Arc<Entry>>,
    /// Said where the name was only guessed.
    guess: Option<String>,
}

impl Subject {
    /// Whether nothing is called what was typed.
    pub fn is_guess(&self) -> bool {
        self.guess.is_some()
    }

    /// Says first of all that the name was a guess, where it was.
    pub fn own_up(&self, reply: &mut Reply) {
        let Some(guess) = &self.guess else { return };
        reply.lead = Text::plain(format!("{guess} ")).join(std::mem::take(&mut reply.lead));
    }
}

/// Finds what `typed` means for this command, or gives the reply that asks back.
pub fn resolve(catalog: &Catalog, asking: &Asking<'_>, command: &str, typed: &str) -> Result<Subject, Box<Reply>> {
    resolve_of(catalog, asking, command, typed, &[])
}

/// The same among these kinds alone; none means any.
pub fn resolve_of(
    catalog: &Catalog,
    asking: &Asking<'_>,
    command: &str,
    typed: &str,
    kinds: &[Kind],
) -> Result<Subject, Box<Reply>> {
    if let Some(person) = mentioned(catalog, typed) {
        return Ok(Subject { entry: person, also: Vec::new(), guess: None });
    }
    let found = catalog.look_up(Sought { kinds, ..asking.sought(typed) });
    let by_name = is_by_name(&found);
    // What cannot be read has the very name that was typed; anything else would only sound like it.
    if let Some(file) = broken_file(catalog, typed).filter(|_| !by_name) {
        return Err(Box::new(unreadable(catalog, asking, command, file)));
    }
    if !by_name && let Some(reply) = told_gone(catalog, asking, command, Sought { kinds, ..asking.sought(typed) }, &found) {
        return Err(Box::new(reply));
    }
    match found {
        Found::One { entry, also, level } => {
            let said = || format!("Nothing is called “{}”; this is the nearest name.", cut(typed.trim(), TYPED_SHOWN));
            let guess = matches!(level, Level::Inside | Level::Typo).then(said);
            Ok(Subject { entry, also, guess })
        }
        Found::Several { entries, .. } if let Some(entry) = one_person(catalog, &entries) => {
            Ok(Subject { entry, also: Vec::new(), guess: None })
        }
        Found::Several { entries, .. } => Err(Box::new(offer(catalog, asking, command, typed, &entries))),
        Found::None { nearest } => Err(Box::new(not_found(catalog, asking, command, typed, &nearest))),
    }
}

/// Whether something that is there has the very name that was typed, or did have it.
pub fn is_named(catalog: &Catalog, typed: &str) -> bool {
    is_by_name(&catalog.look_up(Sought::any(typed, &[])))
}

fn is_by_name(found: &Found) -> bool {
    match found {
        Found::One { level, .. } | Found::Several { level, .. } => matches!(level, Level::Exact | Level::Alias),
        Found::None { .. } => false,
    }
}

/// What was meant by its very name and is gone comes before all that only sounds like it.
fn told_gone(catalog: &Catalog, asking: &Asking<'_>, command: &str, sought: Sought<'_>, found: &Found) -> Option<Reply> {
    let gone = catalog.find_gone(sought);
    let nearest = match found {
        Found::One { entry, .. } => std::slice::from_ref(entry),
        Found::Several { entries, .. } => entries,
        Found::None { nearest } => nearest,
    };
    gone::reply(catalog, asking, command, &gone, &nearest[..nearest.len().min(NEAREST)])
}

/// The person behind all of these, under their first reference.
fn one_person(catalog: &Catalog, entries: &[Arc<Entry>]) -> Option<Arc<Entry>> {
    let first = &entries.first()?.entity;
    let is_one = entries.iter().all(|entry| catalog.is_same_person(&entry.entity.entity_ref, &first.entity_ref));
    let person = catalog.person(&first.entity_ref).filter(|_| is_one)?;
    catalog.find(&person.primary).cloned()
}

/// A person mentioned as `<@U123>`.
fn mentioned(catalog: &Catalog, typed: &str) -> Option<Arc<Entry>> {
    let id = typed.trim().strip_prefix("<@")?.strip_suffix('>')?;
    let person = catalog.find_person_by_slack_id(id).or_else(|| catalog.find_person_by_discord_id(id.trim_start_matches('!')))?;
    catalog.find(person).cloned()
}

fn offer(catalog: &Catalog, asking: &Asking<'_>, command: &str, typed: &str, entries: &[Arc<Entry>]) -> Reply {
    let typed = cut(typed.trim(), TYPED_SHOWN);
    let shown = &entries[..entries.len().min(OFFERED)];
    let lead = if entries.len() > OFFERED {
        format!("“{typed}” could be any of {}. Which one? These are the likeliest:", entries.len())
    } else {
        format!("“{typed}” could be any of these {}. Which one?", entries.len())
    };
    let mut reply = Reply::new(Status::Ambiguous, command, lead.into());
    reply.refs = shown.iter().map(|entry| entry.entity.entity_ref.to_string()).collect();
    reply.cards.push(choices_card(catalog, command, shown));
    if entries.len() > OFFERED {
        reply.buttons.push(Button::say(format!("All {}", entries.len()), format!("find {typed}")));
    }
    reply.provenance = Some(provenance::of_catalog(catalog, asking));
    reply
}

fn not_found(catalog: &Catalog, asking: &Asking<'_>, command: &str, typed: &str, nearest: &[Arc<Entry>]) -> Reply {
    if catalog.is_empty() {
        return empty_catalog(command);
    }
    let typed = cut(typed.trim(), TYPED_SHOWN);
    let lead = match nearest {
        [] => format!("Nothing in the catalog is called “{typed}”, nor anything like it. Try /find with another word."),
        [_] => format!("Nothing in the catalog is called “{typed}”. This is the nearest name:"),
        _ => format!("Nothing in the catalog is called “{typed}”. These are the nearest names:"),
    };
    let mut reply = Reply::new(Status::NotFound, command, lead.into());
    // Nothing was found, so no reference is claimed; the buttons carry the suggestions.
    if !nearest.is_empty() {
        reply.cards.push(choices_card(catalog, command, nearest));
    }
    reply.provenance = Some(provenance::of_catalog(catalog, asking));
    reply
}

/// The descriptor that cannot be read and whose repository, folder or file bears this name.
fn broken_file<'c>(catalog: &'c Catalog, typed: &str) -> Option<&'c BrokenFile> {
    let typed = typed.trim().trim_matches('`').trim_end_matches('/').trim_end_matches(".git").to_lowercase();
    let (_, name) = typed.rsplit_once(['/', ':']).unwrap_or(("", &typed));
    let wanted = name.split_whitespace().collect::<Vec<_>>().join("-").replace('_', "-");
    let is = |candidate: &str| candidate.to_lowercase().replace('_', "-") == wanted;
    catalog.broken().iter().map(AsRef::as_ref).find(|file| {
        let repository = file.origin.repository.rsplit('/').next().unwrap_or_default();
        let (folders, file_name) = file.origin.path.rsplit_once('/').unwrap_or(("", &file.origin.path));
        let stem = file_name.rsplit_once('.').map_or(file_name, |(stem, _)| stem);
        let stem = if stem == "catalog-info" { folders.rsplit('/').next().unwrap_or_default() } else { stem };
        !wanted.is_empty() && (is(repository) || is(stem))
    })
}

/// "acme/gift-cards has a descriptor that cannot be read (catalog-info.yaml:8: a tab …)."
fn unreadable(catalog: &Catalog, asking: &Asking<'_>, command: &str, file: &BrokenFile) -> Reply {
    let (place, url) = warnings::broken_place(file);
    let lead = Text::new().bold(&*file.origin.repository).say(" has a descriptor that cannot be read (");
    let lead = match &url {
        Some(url) => lead.link(place, url.as_str()),
        None => lead.code(place),
    };
    let message = file.message.trim().trim_end_matches('.');
    let mut reply = Reply::new(Status::NotFound, command, lead.say(format!(": {message}).")));
    let said = "Whoever looks after the repository has to mend it; the next sync then brings the entry.";
    reply.cards.push(Card { tone: Tone::Warning, body: vec![Block::Paragraph(said.into())], ..Card::default() });
    reply.buttons.extend(url.map(|url| Button::open("The descriptor", url)));
    reply.buttons.push(Button::say("All broken descriptors", "catalog"));
    reply.provenance = Some(provenance::of_catalog(catalog, asking));
    reply
}

/// The empty state: what to do so that there is something to answer from.
pub fn empty_catalog(command: &str) -> Reply {
    let lead = "The catalog is empty: no source has brought an entity yet.";
    let mut reply = Reply::new(Status::NotFound, command, lead.into());
    let steps = [
        "Name a source in steward.yaml: a GitHub organisation or a folder of checkouts.",
        "Put a catalog-info.yaml into a repository.",
        "Sync: an admin says /catalog sync here, or runs `steward sync`.",
    ];
    let items = steps.into_iter().map(|step| ListItem::new(step.into())).collect();
    reply.cards.push(Card { body: vec![Block::List { style: ListStyle::Numbers { start: 1 }, items }], ..Card::default() });
    reply.buttons.push(Button::say("State of the catalog", "catalog"));
    reply
}

/// "Payments is a team; /owner team-payments shows what it owns." For commands that are about things; `None` for those.
pub fn not_a_thing(command: &str, entity: &Entity) -> Option<Reply> {
    let (what, shows) = match entity.kind {
        Kind::Group => ("a team", "what it owns"),
        Kind::User => ("a person", "their team and what they own"),
        _ => return None,
    };
    let line = format!("owner {}", bare_name(&entity.entity_ref));
    let lead = Text::new().bold(entity.label()).say(format!(" is {what}; ")).code(format!("/{line}"));
    let mut reply = Reply::new(Status::NotFound, command, lead.say(format!(" shows {shows}.")));
    reply.refs = vec![entity.entity_ref.to_string()];
    reply.buttons.push(Button::say("Show it", format!("owner {}", entity.entity_ref)).primary());
    Some(reply)
}

/// A line and a button for each.
pub(super) fn choices_card(catalog: &Catalog, command: &str, entries: &[Arc<Entry>]) -> Card {
    let items = entries.iter().map(|entry| ListItem::new(line(catalog, &entry.entity))).collect();
    let button = |entry: &Arc<Entry>| {
        let entity_ref = &entry.entity.entity_ref;
        let alone = entries.iter().filter(|other| bare_name(&other.entity.entity_ref) == bare_name(entity_ref)).count() == 1;
        let name = if alone { bare_name(entity_ref) } else { short_ref(entity_ref) };
        Button::say(name, format!("{command} {entity_ref}"))
    };
    let body = vec![Block::List { style: ListStyle::Bullets, items }];
    Card { body, buttons: entries.iter().map(button).collect(), ..Card::default() }
}

/// "Frontend component:search/frontend, website, system Search, Team Search".
pub fn line(catalog: &Catalog, entity: &Entity) -> Text {
    let mut text = Text::new().bold(entity.label()).say(" ").code(short_ref(&entity.entity_ref));
    let mut facts = vec![kind_word(entity)];
    if let Some(system) = catalog.related(&entity.entity_ref, RelationType::PartOf).first() {
        facts.push(format!("part of {}", label(catalog, system)));
    }
    if let Some(owner) = entity.owner() {
        facts.push(owner_words(catalog, owner));
    }
    if crate::catalog::is_deprecated(entity) {
        facts.push("deprecated".to_owned());
    }
    text = text.say(format!(": {}", facts.join(", ")));
    text
}

/// "owned by Team Search", or that the owner is unknown.
pub fn owner_words(catalog: &Catalog, owner: &EntityRef) -> String {
    match catalog.find(owner) {
        Some(entry) => format!("owned by {}", entry.entity.label()),
        None => format!("owner {} not in the catalog", short_ref(owner)),
    }
}
