//! `/docs NAME WORDS`: passages of one component's documents, its runbook among them.
//! Must not fetch anything: the text came with the sync, and is in the search index.

use std::collections::BTreeMap;

use super::{
    Asking,
    answer::{passage, provenance, subject},
};
use crate::{
    catalog::{Catalog, Entry, Question, Sought, wants::is_mkdocs},
    chat::{Arguments, Block, Button, Card, ListItem, ListStyle, Reply, Status, Text, limits::cut},
    search::{Passage, SearchIndex, Wanted},
};

/// Passages that are shown.
const SHOWN: usize = 6;
/// Pages that are named where nothing is asked.
const PAGES: usize = 25;
/// A passage that holds less of what the best one holds only distracts.
const ENOUGH: f64 = 0.5;

/// The arguments of `commands/docs.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Docs {
    pub name: String,
    pub words: Option<String>,
}

impl From<&Arguments> for Docs {
    fn from(arguments: &Arguments) -> Self {
        let name = arguments.find("name").unwrap_or_default().to_owned();
        Self { name, words: arguments.find("words").map(str::to_owned) }
    }
}

pub fn docs(catalog: &Catalog, asking: &Asking<'_>, search: &SearchIndex, args: &Docs) -> Reply {
    let args = join_name(catalog, asking, args);
    let subject = match subject::resolve(catalog, asking, "docs", &args.name) {
        Ok(subject) => subject,
        Err(reply) => return *reply,
    };
    let entry = &subject.entry;
    let words = args.words.as_deref().unwrap_or_default();
    let mut reply = subject::not_a_thing("docs", &entry.entity).unwrap_or_else(|| answer(catalog, asking, search, entry, words));
    reply.refs = vec![entry.entity.entity_ref.to_string()];
    subject.own_up(&mut reply);
    reply
}

/// The parser cannot know where a name of several words ends: the longest one that is somebody's name wins.
fn join_name(catalog: &Catalog, asking: &Asking<'_>, args: &Docs) -> Docs {
    let Some(written) = &args.words else { return args.clone() };
    let words: Vec<&str> = written.split_whitespace().collect();
    for taken in (1..=words.len().min(4)).rev() {
        let name = format!("{} {}", args.name, words[..taken].join(" "));
        if subject::is_named(catalog, &name) || !catalog.find_gone(Sought::any(&name, &asking.groups)).is_empty() {
            let rest = words[taken..].join(" ");
            return Docs { name, words: (!rest.is_empty()).then_some(rest) };
        }
    }
    args.clone()
}

fn answer(catalog: &Catalog, asking: &Asking<'_>, search: &SearchIndex, entry: &Entry, words: &str) -> Reply {
    let name = entry.entity.label();
    let mut question = if words.trim().is_empty() { Question::default() } else { Question::read(words) };
    let wanted = Wanted { filters: &[], repository: Some((&entry.origin.source, entry.origin.repository_id)) };
    let Some(found) = search.search(&mut question, wanted) else {
        let lead = format!("The documents of {name} are being indexed; ask again in a minute.");
        return with_ways_out(Reply::new(Status::NotFound, "docs", lead.into()), entry);
    };
    let is_of_it = |passage: &Passage| {
        let owner = passage::entry_of(catalog, passage);
        owner.is_none_or(|owner| owner.entity.entity_ref == entry.entity.entity_ref || !names_documents(&owner))
    };
    let mut passages: Vec<(f64, Passage)> = Vec::new();
    for (found, held) in found.passages {
        if is_of_it(&found) {
            passages.push((passage::held_weight(&question, held), found));
        }
    }
    if question.words.is_empty() {
        return outline(catalog, asking, entry, &passages);
    }
    // The index has them by how often the words stand there; how many of the words do comes first.
    passages.sort_by(|a, b| b.0.total_cmp(&a.0));
    let best = passages.first().map_or(0.0, |(held, _)| *held);
    passages.retain(|(held, _)| *held > 0.0 && *held >= best * ENOUGH);
    let words = cut(words.trim(), 60);
    if passages.is_empty() {
        let lead = format!("Nothing in the documents of {name} is about “{words}”.");
        return with_ways_out(Reply::new(Status::NotFound, "docs", lead.into()), entry);
    }
    let number = passages.len().min(SHOWN);
    let lead = match number {
        1 => format!("“{words}” in the documents of {name}:"),
        number => format!("“{words}” in the documents of {name}, {number} passages:"),
    };
    let mut reply = Reply::new(Status::Answered, "docs", lead.into());
    let url = entry.origin.repository_url.as_deref();
    for (_, passage) in &passages[..number] {
        let footer = match &passage.commit {
            Some(commit) => Text::plain(format!("{} at {}", passage.path, commit.get(..7).unwrap_or(commit))),
            None => Text::plain(passage.path.clone()),
        };
        let body = vec![Block::Paragraph(passage::snippet(passage, &question))];
        reply.cards.push(Card { title: passage::heading(passage, url), body, footer, ..Card::default() });
    }
    if let Some((_, first)) = passages.first().filter(|(_, first)| first.is_runbook && !first.anchor.is_empty()) {
        let line = format!("runbook {} {}", entry.entity.entity_ref, first.anchor);
        reply.buttons.push(Button::say("Read it in the runbook", line).primary());
    }
    reply.buttons.push(Button::say("All pages", format!("docs {}", entry.entity.entity_ref)));
    reply.buttons.push(Button::say("Owner", format!("owner {}", entry.entity.entity_ref)));
    reply.provenance = Some(provenance::of_file(catalog, asking, &entry.origin));
    reply
}

fn names_documents(entry: &Entry) -> bool {
    entry.entity.annotation("backstage.io/techdocs-ref").is_some()
}

/// The pages there are, by their titles.
fn outline(catalog: &Catalog, asking: &Asking<'_>, entry: &Entry, passages: &[(f64, Passage)]) -> Reply {
    let name = entry.entity.label();
    let mut pages: BTreeMap<&str, &Passage> = BTreeMap::new();
    let (sites, passages): (Vec<_>, Vec<_>) = passages.iter().partition(|(_, passage)| is_mkdocs(&passage.path));
    let named = sites.iter().flat_map(|(_, site)| site.text.lines()).filter_map(|line| line.split_once('\t'));
    // In the order of the site, by its names.
    let named: Vec<(&str, &str)> = named.collect();
    for (_, passage) in passages {
        let known = pages.entry(&passage.path).or_insert(passage);
        // The first heading of a page has nothing above it.
        if passage.headings.len() < known.headings.len() {
            *known = passage;
        }
    }
    if pages.is_empty() {
        let lead = format!("{name} has no documents that Steward reads.");
        let mut reply = with_ways_out(Reply::new(Status::NotFound, "docs", lead.into()), entry);
        let said = Text::plain("To add some, put Markdown into ").code("docs/").say(" and the annotation ");
        let said = said.code("backstage.io/techdocs-ref: dir:.").say(" into its descriptor; the next sync brings them.");
        reply.cards.push(Card { body: vec![Block::Paragraph(said)], ..Card::default() });
        return reply;
    }
    let lead = match pages.len() {
        1 => format!("{name} has one document."),
        number => format!("{name} has {number} documents."),
    };
    let mut reply = Reply::new(Status::Answered, "docs", lead.into());
    let url = entry.origin.repository_url.as_deref();
    let place = |path: &str| named.iter().position(|(known, _)| *known == path).unwrap_or(usize::MAX);
    let mut pages: Vec<&Passage> = pages.into_values().collect();
    pages.sort_by_key(|passage| place(&passage.path));
    let items = pages.iter().take(PAGES).map(|passage| {
        let called = named.iter().find(|(path, title)| *path == passage.path && !title.is_empty());
        let headings = match called {
            Some((_, title)) => vec![(*title).to_owned()],
            None => passage.headings.iter().take(1).cloned().collect(),
        };
        let title = Passage { headings, anchor: String::new(), ..(*passage).clone() };
        ListItem::new(passage::heading(&title, url).say(" ").code(passage.path.clone()))
    });
    reply.cards.push(Card { body: vec![Block::List { style: ListStyle::Bullets, items: items.collect() }], ..Card::default() });
    let hint = Text::plain("Write words behind the name to find the passage: ")
        .code(format!("/docs {} WORDS", entry.entity.entity_ref.name()));
    reply.cards.push(Card { body: vec![Block::Paragraph(hint)], ..Card::default() });
    reply.buttons.push(Button::say("Owner", format!("owner {}", entry.entity.entity_ref)));
    reply.provenance = Some(provenance::of_file(catalog, asking, &entry.origin));
    reply
}

fn with_ways_out(mut reply: Reply, entry: &Entry) -> Reply {
    let full = &entry.entity.entity_ref;
    reply.buttons.push(Button::say("Runbook", format!("runbook {full}")));
    reply.buttons.push(Button::say("Owner", format!("owner {full}")));
    if let Some(url) = &entry.origin.repository_url {
        reply.buttons.push(Button::open("Repository", url.to_string()));
    }
    reply
}
