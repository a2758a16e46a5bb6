//! `/find WORDS`: everything in the catalog that holds all words, names first, ten at a time.
//! Must not rank in a way of its own: look-up does.

use super::{
    Asking,
    answer::{provenance, subject},
};
use crate::{
    catalog::{Catalog, Entry, Sought},
    chat::{Arguments, Block, Button, Card, ListItem, ListStyle, Reply, Status, Text, limits::cut},
};

const PAGE: usize = 10;

/// Said about what is looked for, found in hardly any entry.
const STOP_WORDS: [&str; 4] = ["owner", "owned", "owns", "by"];

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

pub fn find(catalog: &Catalog, asking: &Asking<'_>, args: &Find) -> Reply {
    let mut found = catalog.search(Sought::any(&args.words, &asking.groups));
    if found.is_empty()
        && let Some(words) = without_stop_words(&args.words)
    {
        found = catalog.search(Sought::any(&words, &asking.groups));
    }
    if found.is_empty() {
        // The same words as every command's where the catalog is empty, a file is broken or a name is near.
        return match subject::resolve(catalog, asking, "owner", &args.words) {
            Err(mut reply) => {
                reply.command = "find".to_owned();
                if reply.cards.is_empty() && reply.buttons.is_empty() {
                    reply.lead = format!("Nothing fits “{}”. Try another word.", cut(args.words.trim(), 60)).into();
                }
                *reply
            }
            Ok(subject) => page(catalog, asking, args, &[subject.entry], 0),
        };
    }
    let (first, pages) = (args.page.saturating_sub(1) * PAGE, found.len().div_ceil(PAGE));
    if first < found.len() {
        return page(catalog, asking, args, &found, first);
    }
    let mut reply = page(catalog, asking, args, &found, (pages - 1) * PAGE);
    let there = if pages == 1 { "is only one page".to_owned() } else { format!("are only {pages} pages; this is the last") };
    reply.lead = Text::plain(format!("There {there}. ")).join(reply.lead);
    reply
}

/// "owner payments" and "owned by payments" without the words that are about the relation; `None` where there are none,
/// or nothing else.
fn without_stop_words(words: &str) -> Option<String> {
    let all: Vec<&str> = words.split_whitespace().collect();
    let is_stop = |word: &str| STOP_WORDS.iter().any(|stop| word.trim_end_matches(':').eq_ignore_ascii_case(stop));
    let kept: Vec<&str> = all.iter().copied().filter(|word| !is_stop(word)).collect();
    (!kept.is_empty() && kept.len() < all.len()).then(|| kept.join(" "))
}

fn page(catalog: &Catalog, asking: &Asking<'_>, args: &Find, found: &[std::sync::Arc<Entry>], first: usize) -> Reply {
    let shown = &found[first..found.len().min(first + PAGE)];
    let words = cut(args.words.trim(), 60);
    let lead = match found.len() {
        1 => format!("One entry fits “{words}”."),
        total if total <= PAGE => format!("{total} entries fit “{words}”."),
        total => format!("{total} entries fit “{words}”; these are {} to {}.", first + 1, first + shown.len()),
    };
    let mut reply = Reply::new(Status::Answered, "find", lead.into());
    reply.refs = shown.iter().map(|entry| entry.entity.entity_ref.to_string()).collect();
    let items = shown.iter().map(|entry| {
        let mut text = subject::line(catalog, &entry.entity);
        if let Some(description) = entry.entity.description.as_deref() {
            let description = description.split_whitespace().collect::<Vec<_>>().join(" ");
            text = text.line().italic(cut(&description, DESCRIPTION));
        }
        ListItem::new(text)
    });
    let style = ListStyle::Numbers { start: first as u64 + 1 };
    let buttons = shown.iter().map(|entry| {
        let entity_ref = &entry.entity.entity_ref;
        let alone = shown.iter().filter(|other| other.entity.entity_ref.name() == entity_ref.name()).count() == 1;
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
    if first + PAGE < found.len() {
        reply.buttons.push(Button::say("Next ten", format!("find {} page {}", args.words, number + 1)).primary());
    }
    reply.provenance = Some(provenance::of_catalog(catalog, asking));
    reply
}
