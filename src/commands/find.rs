//! `/find WORDS`: everything in the catalog and in its documents that fits, names first, ten at a time; counted or as CSV.
//! Must not rank in a way of its own: look-up does.

pub mod asked;
mod count;
pub mod export;

use std::{collections::HashMap, sync::Arc};

use asked::Asked;

use super::{
    Asking,
    answer::{passage, provenance, subject},
};
use crate::{
    catalog::{Candidate, Catalog, EntityRef, Entry, InDocument, Level, Question, Ranked, Ranking, Score},
    chat::{Arguments, Block, Button, Card, ListItem, ListStyle, Reply, Status, Text, limits::cut},
    search::{Passage, SearchIndex, Wanted},
};

const PAGE: usize = 10;

/// Longest description beside a result.
const DESCRIPTION: usize = 110;

/// The arguments of `commands/find.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Find {
    pub words: String,
    /// One-based.
    pub page: usize,
}

impl From<&Arguments> for Find {
    fn from(arguments: &Arguments) -> Self {
        let page = arguments.find("page").and_then(|page| page.parse().ok()).unwrap_or(1);
        Self { words: arguments.find("words").unwrap_or_default().to_owned(), page }
    }
}

/// What a search came to.
struct Found {
    ranking: Ranking,
    question: Question,
    passages: Vec<Passage>,
}

pub fn find(catalog: &Catalog, asking: &Asking<'_>, search: &SearchIndex, args: &Find) -> Reply {
    let asked = match Asked::read(catalog, asking, &args.words) {
        Ok(asked) => asked,
        Err(reply) => return *reply,
    };
    if let Some(facet) = asked.by.filter(|_| !asked.csv) {
        return count::count(catalog, asking, &asked, facet, &found(catalog, asking, search, &asked));
    }
    if asked.csv {
        let found = found(catalog, asking, search, &asked);
        return if found.is_empty() {
            nothing(catalog, asking, &asked, args)
        } else {
            count::csv(catalog, asking, &asked, &found)
        };
    }
    let found = look(catalog, asking, search, &asked);
    if found.ranking.ranked.is_empty() {
        return nothing(catalog, asking, &asked, args);
    }
    let (first, pages) = (args.page.saturating_sub(1) * PAGE, found.ranking.ranked.len().div_ceil(PAGE));
    if first < found.ranking.ranked.len() {
        return page(catalog, asking, &asked, args, &found, first);
    }
    let mut reply = page(catalog, asking, &asked, args, &found, (pages - 1) * PAGE);
    let there = if pages == 1 { "is only one page".to_owned() } else { format!("are only {pages} pages; this is the last") };
    reply.lead = Text::plain(format!("There {there}. ")).join(reply.lead);
    reply
}

/// What fits, best first. Who counts wants what fits, not what nearly does.
fn found(catalog: &Catalog, asking: &Asking<'_>, search: &SearchIndex, asked: &Asked) -> Vec<Arc<Entry>> {
    let mut found = look(catalog, asking, search, asked);
    found.ranking.keep_whole();
    found.ranking.ranked.into_iter().map(|ranked| ranked.entry).collect()
}

fn look(catalog: &Catalog, asking: &Asking<'_>, search: &SearchIndex, asked: &Asked) -> Found {
    if !asked.has_words() {
        let passing = catalog.passing(&asked.filters);
        let mut entries: Vec<&Arc<Entry>> = passing.iter().collect();
        // Numbers have an order of their own.
        if asked.by.is_none() {
            catalog.sort_by_weight(&mut entries, asking.sought(""));
        }
        let plain = |entry: &Arc<Entry>| {
            let score = Score { points: 0.0, parts: Vec::new() };
            Ranked { entry: Arc::clone(entry), level: None, score, found_in: Vec::new(), passage: None }
        };
        let ranking = Ranking { ranked: entries.into_iter().map(plain).collect(), partial: false, rest: 0 };
        return Found { ranking, question: Question::default(), passages: Vec::new() };
    }
    let passing = catalog.passing_places(&asked.filters);
    let passes = |at: u32| passing.as_ref().is_none_or(|places| places.binary_search(&at).is_ok());
    let sought = asking.sought(&asked.words);
    let mut question = Question::read(&asked.words);
    let found = search.search(&mut question, Wanted { filters: &asked.filters, repository: None });
    let by = if found.is_some() { "index" } else { "lookup" };
    metrics::counter!("steward_searches_total", "by" => by).increment(1);
    let Some(found) = found else {
        let question = catalog.question(&asked.words);
        let candidates = catalog.holding_all_words(&sought);
        let mut ranking = catalog.rank_found(&sought, &question, candidates, &passes);
        // Without the index too little is known to offer what fits only in part.
        if ranking.partial {
            ranking = Ranking::default();
        }
        return Found { ranking, question, passages: Vec::new() };
    };
    let mut candidates: HashMap<EntityRef, Option<(usize, InDocument)>> = HashMap::new();
    let refs = found.entities.iter().filter_map(|found| EntityRef::parse(found, None, "default").ok());
    candidates.extend(refs.map(|entity_ref| (entity_ref, None)));
    for (number, (passage, held)) in found.passages.iter().enumerate() {
        let Some(entry) = passage::entry_of(catalog, passage) else { continue };
        let best = candidates.entry(entry.entity.entity_ref.clone()).or_insert(None);
        let weight = |held: InDocument| passage::held_weight(&question, held);
        if best.is_none_or(|(_, known)| weight(known) < weight(*held)) {
            *best = Some((number, *held));
        }
    }
    let candidates = candidates.into_iter().map(|(entity_ref, passage)| Candidate { entity_ref, passage }).collect();
    let ranking = catalog.rank_found(&sought, &question, candidates, &passes);
    Found { ranking, question, passages: found.passages.into_iter().map(|(passage, _)| passage).collect() }
}

fn nothing(catalog: &Catalog, asking: &Asking<'_>, asked: &Asked, args: &Find) -> Reply {
    if !asked.filters.is_empty() {
        let lead = format!("Nothing fits{}. Try without one of the filters.", count::said(asked));
        let mut reply = Reply::new(Status::NotFound, "find", lead.into());
        let without = |at: usize| {
            let kept = asked.written.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, filter)| filter.as_str());
            let line =
                std::iter::once(asked.words.as_str()).chain(kept).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
            (!line.is_empty()).then(|| Button::say(cut(&format!("Without {}", asked.written[at]), 60), format!("find {line}")))
        };
        reply.buttons = (0..asked.written.len()).filter_map(without).collect();
        return reply;
    }
    // The same words as every command's where the catalog is empty, a file is broken or a name is near.
    match subject::resolve(catalog, asking, "owner", &asked.words) {
        Err(mut reply) => {
            reply.command = "find".to_owned();
            if reply.cards.is_empty() && reply.buttons.is_empty() {
                reply.lead = format!("Nothing fits “{}”. Try another word.", cut(asked.words.trim(), 60)).into();
            }
            *reply
        }
        Ok(subject) => {
            let score = Score { points: 0.0, parts: Vec::new() };
            let ranked = Ranked { entry: subject.entry, level: None, score, found_in: Vec::new(), passage: None };
            let ranking = Ranking { ranked: vec![ranked], partial: false, rest: 0 };
            page(catalog, asking, asked, args, &Found { ranking, question: Question::default(), passages: Vec::new() }, 0)
        }
    }
}

fn page(catalog: &Catalog, asking: &Asking<'_>, asked: &Asked, args: &Find, found: &Found, first: usize) -> Reply {
    let all = &found.ranking.ranked;
    let shown = &all[first..all.len().min(first + PAGE)];
    let words = cut(&asked.line(), 60);
    let lead = match all.len() {
        _ if found.ranking.partial && all.len() == 1 => format!("Nothing holds all of “{words}”; this holds the most of it."),
        _ if found.ranking.partial => format!("Nothing holds all of “{words}”; these hold the most of it."),
        1 => format!("One entry fits “{words}”."),
        total if total <= PAGE => format!("{total} entries fit “{words}”."),
        total => format!("{total} entries fit “{words}”; these are {} to {}.", first + 1, first + shown.len()),
    };
    let mut reply = Reply::new(Status::Answered, "find", lead.into());
    reply.refs = shown.iter().map(|ranked| ranked.entry.entity.entity_ref.to_string()).collect();
    let items = shown.iter().map(|ranked| ListItem::new(item(catalog, asked, found, ranked)));
    let style = ListStyle::Numbers { start: first as u64 + 1 };
    let buttons = shown.iter().map(|ranked| {
        let entity_ref = &ranked.entry.entity.entity_ref;
        let alone = shown.iter().filter(|other| other.entry.entity.entity_ref.name() == entity_ref.name()).count() == 1;
        let name = if alone { entity_ref.name().to_owned() } else { crate::commands::answer::names::short_ref(entity_ref) };
        Button::say(name, format!("owner {entity_ref}"))
    });
    let buttons = buttons.collect();
    let body = provenance::away_warning(asking).into_iter().chain([Block::List { style, items: items.collect() }]).collect();
    reply.cards.push(Card { body, buttons, title: Text::new(), ..Card::default() });
    let number = first / PAGE + 1;
    if number > 1 {
        reply.buttons.push(Button::say("Previous", format!("find {} page {}", args.words, number - 1)));
    }
    if first + PAGE < all.len() {
        reply.buttons.push(Button::say("Next ten", format!("find {} page {}", args.words, number + 1)).primary());
    }
    reply.provenance = Some(provenance::of_catalog(catalog, asking));
    reply
}

fn item(catalog: &Catalog, asked: &Asked, found: &Found, ranked: &Ranked) -> Text {
    let entry = &ranked.entry;
    let mut text = subject::line(catalog, &entry.entity);
    if let Some(description) = entry.entity.description.as_deref() {
        let description = description.split_whitespace().collect::<Vec<_>>().join(" ");
        text = text.line().italic(cut(&description, DESCRIPTION));
    }
    // A name that was met needs no proof; words in a document do.
    let is_name = matches!(ranked.level, Some(Level::Exact | Level::Alias | Level::Prefix));
    if let Some(passage) = ranked.passage.filter(|_| !is_name).and_then(|number| found.passages.get(number)) {
        text = text.line().join(passage::heading(passage, entry.origin.repository_url.as_deref())).say(": ");
        text = text.join(passage::snippet(passage, &found.question));
    }
    if asked.explain {
        text = text.line().code(why(ranked));
    }
    text
}

/// "its name; match 59.4 + kind 12.0 + lifecycle 1.0 = 72.4".
fn why(ranked: &Ranked) -> String {
    let met = match ranked.level {
        Some(level) => level.words().to_owned(),
        None if ranked.found_in.is_empty() => "filters alone".to_owned(),
        None => ranked.found_in.iter().map(|(word, field)| format!("{word} in {field}")).collect::<Vec<_>>().join(", "),
    };
    let parts = ranked.score.parts.iter().map(|(name, points)| format!("{name} {points:.1}")).collect::<Vec<_>>().join(" + ");
    if parts.is_empty() { met } else { format!("{met}; {parts} = {:.1}", ranked.score.points) }
}
