//! Passages of documents as people see them: whose they are, what of them is shown, which words are marked.
//! Must not search for them.

use std::sync::Arc;

use crate::{
    catalog::{
        Catalog, Entry, InDocument, Kind, Page, Question,
        address::join_path,
        lookup::words::{stem, tokens},
    },
    chat::{Text, limits::cut},
    search::Passage,
};

/// Letters of a passage that are shown around the words: two lines on a phone.
const SNIPPET: usize = 180;

/// Longest heading path.
const HEADINGS: usize = 90;

/// The entity that a document tells about: the one whose annotation names it, else what its repository is for.
pub fn entry_of(catalog: &Catalog, passage: &Passage) -> Option<Arc<Entry>> {
    let entries = catalog.described_in(&passage.repository);
    let same = entries.into_iter().filter(|entry| {
        let origin = &entry.origin;
        origin.repository_id == passage.repository_id && *origin.source == *passage.source
    });
    same.max_by_key(|entry| {
        (named_depth(entry, passage), importance(&entry.entity.kind), std::cmp::Reverse(entry.entity.entity_ref.clone()))
    })
}

/// The same of a whole page.
pub fn entry_of_page(catalog: &Catalog, page: &Page, is_runbook: bool) -> Option<Arc<Entry>> {
    let passage = Passage {
        source: page.source.clone(),
        repository_id: page.repository_id,
        repository: page.repository.clone(),
        path: page.path.clone(),
        commit: None,
        headings: Vec::new(),
        anchor: String::new(),
        text: String::new(),
        is_runbook,
    };
    entry_of(catalog, &passage)
}

/// How deep the folder lies that an annotation names and the document is in; `None` where none does.
fn named_depth(entry: &Entry, passage: &Passage) -> Option<usize> {
    let folder = entry.origin.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let resolve = |written: &str| join_path(folder, written).ok();
    if passage.is_runbook {
        let written = entry.entity.annotation("steward.dev/runbook")?.trim();
        let is_it = written.trim_start_matches('/') == passage.path || resolve(written).as_deref() == Some(&passage.path);
        return is_it.then_some(usize::MAX);
    }
    let reference = entry.entity.annotation("backstage.io/techdocs-ref")?.trim();
    let written = reference.split_once(':').map_or(reference, |(_, written)| written).trim();
    let root = resolve(if written.is_empty() { "." } else { written }).unwrap_or_default();
    (root.is_empty() || passage.path.starts_with(&format!("{root}/"))).then_some(root.len())
}

fn importance(kind: &Kind) -> u8 {
    match kind {
        Kind::Component => 6,
        Kind::System => 5,
        Kind::Domain => 4,
        Kind::Api => 3,
        Kind::Resource | Kind::Template | Kind::Custom(_) => 2,
        Kind::Group => 1,
        Kind::User | Kind::Location => 0,
    }
}

/// How much of the question a passage holds, its headings first.
pub fn held_weight(question: &Question, held: InDocument) -> f64 {
    let weights = question.words.iter().enumerate().map(|(at, word)| {
        let bit = 1_u16 << at.min(15);
        let in_heading = if held.heading & bit != 0 { 1.25 } else { 0.0 };
        let in_body = if held.body & bit != 0 { 1.0 } else { 0.0 };
        word.weight * f64::max(in_heading, in_body)
    });
    weights.sum()
}

/// "Runbook › Roll back", as a link to the heading at its commit.
pub fn heading(passage: &Passage, repository_url: Option<&str>) -> Text {
    let path = cut(&passage.headings.join(" › "), HEADINGS);
    match repository_url.and_then(|url| passage.url(url)) {
        Some(url) => Text::new().link(path, url),
        None => Text::plain(path),
    }
}

/// The part of a passage where the words stand closest, with the words in bold.
pub fn snippet(passage: &Passage, question: &Question) -> Text {
    let text: String = passage.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let pieces: Vec<&str> = text.split_inclusive(' ').collect();
    let marked: Vec<bool> = pieces.iter().map(|piece| is_meant(piece, question)).collect();
    let window = |from: usize| {
        let mut letters = 0;
        let fits = |piece: &&&str| {
            letters += piece.chars().count();
            letters <= SNIPPET
        };
        from + pieces[from..].iter().take_while(fits).count().max(1)
    };
    let hits = |from: usize| marked[from..window(from).min(pieces.len())].iter().filter(|mark| **mark).count();
    let from = (0..pieces.len()).filter(|at| marked[*at]).max_by_key(|at| (hits(*at), std::cmp::Reverse(*at))).unwrap_or(0);
    // A few words before the first one, so that it reads as a sentence.
    let from = from.saturating_sub(4);
    if pieces.is_empty() {
        return Text::new();
    }
    let to = window(from).min(pieces.len());
    let mut shown = if from > 0 { Text::plain("… ") } else { Text::new() };
    for at in from..to {
        let piece = pieces[at];
        if marked[at] {
            let word = piece.trim_end();
            shown = shown.bold(word.to_owned());
            if word.len() < piece.len() {
                shown = shown.say(" ");
            }
        } else {
            shown = shown.say(cut(piece, SNIPPET));
        }
    }
    if to < pieces.len() { shown.say("…") } else { shown }
}

fn is_meant(piece: &str, question: &Question) -> bool {
    tokens(piece).iter().any(|token| {
        let stemmed = stem(token);
        question.words.iter().any(|word| {
            word.stem == stemmed || word.spellings.iter().any(|spelling| stem(spelling) == stemmed || spelling == token)
        })
    })
}
