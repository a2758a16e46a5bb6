//! What one entity is found by, and the sorted lists that lead from there to its place.
//! Must not weigh what was found: `rank` and `lookup` do.

use std::sync::Arc;

use super::words;
use crate::catalog::{EntityRef, Entry, carry::Carried};

/// The texts one entity is found by. They depend on its entry and on what its owner is called, on nothing else.
#[derive(Debug)]
pub struct Names {
    /// Of its name, then of title, display name and aliases.
    keys: Box<[Box<str>]>,
    /// The keys without separators, where that makes a difference.
    squeezed: Box<[Box<str>]>,
    /// Of name, title, display name and aliases.
    tokens: Box<[Box<str>]>,
    /// What describes it, `acme/payments-api` in lower case.
    repository: Box<str>,
    /// All searchable words, lower case.
    pub text: Box<str>,
    /// Its own name marks it as a test or demo.
    pub is_side: bool,
}

impl Names {
    /// `owner_label` is what people call the owner.
    pub fn of(entry: &Entry, owner_label: Option<&str>) -> Self {
        let entity = &entry.entity;
        let name = words::key(&entity.name);
        let given = [entity.title.as_deref(), entity.display_name.as_deref()].into_iter().flatten();
        let mut keys: Vec<String> = given.clone().chain(entity.aliases()).map(words::key).collect();
        keys.sort();
        keys.dedup();
        keys.retain(|key| !key.is_empty() && *key != name);
        keys.insert(0, name);
        let squeezed = keys.iter().filter_map(|key| words::squeezed(key));
        let squeezed = squeezed.map(Into::into).collect();
        let mut tokens = words::tokens(&entity.name);
        let is_side = tokens.iter().any(|token| words::is_side_word(token));
        tokens.extend(given.chain(entity.aliases()).flat_map(words::tokens));
        tokens.sort();
        tokens.dedup();
        Self {
            keys: keys.into_iter().map(Into::into).collect(),
            squeezed,
            tokens: tokens.into_iter().map(Into::into).collect(),
            repository: entry.origin.repository.to_lowercase().into(),
            text: searchable(entry, owner_label).into(),
            is_side,
        }
    }

    pub fn keys(&self) -> &[Box<str>] {
        &self.keys
    }

    pub fn squeezed(&self) -> &[Box<str>] {
        &self.squeezed
    }

    pub fn tokens(&self) -> &[Box<str>] {
        &self.tokens
    }

    pub fn repository(&self) -> &[Box<str>] {
        std::slice::from_ref(&self.repository)
    }
}

/// `owner_label` is what people call the owner.
fn searchable(entry: &Entry, owner_label: Option<&str>) -> String {
    let entity = &entry.entity;
    let mut text = entity.name.to_lowercase();
    let owner = entity.owner().map(EntityRef::name);
    let given = [entity.title.as_deref(), entity.display_name.as_deref(), entity.description.as_deref(), owner, owner_label];
    let kind = [Some(entity.kind.as_str()), entity.spec_type.as_deref()];
    let tags = entity.tags.iter().map(String::as_str);
    for part in given.into_iter().chain(kind).flatten().chain(entity.aliases()).chain(tags) {
        text.push('\n');
        text.extend(part.chars().flat_map(char::to_lowercase));
    }
    text
}

/// One text of one entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// See [`words::letters`]; here, so that most texts need not be looked at for slips.
    pub letters: u64,
    /// Of the entity.
    pub place: u32,
    /// Which of its texts.
    pub nth: u32,
}

/// One kind of text of all entities, sorted by text, then place. The texts themselves stay with their [`Names`].
#[derive(Debug)]
pub struct Postings {
    of: fn(&Names) -> &[Box<str>],
    sorted: Vec<Posting>,
}

impl Postings {
    pub fn new(of: fn(&Names) -> &[Box<str>]) -> Self {
        Self { of, sorted: Vec::new() }
    }

    /// The same list of the next snapshot, whose names these are: what did not change only moves.
    pub fn carry(&self, carried: &Carried, names: &[Arc<Names>]) -> Self {
        let text = |posting: &Posting| &*(self.of)(&names[posting.place as usize])[posting.nth as usize];
        let mut fresh: Vec<Posting> = Vec::new();
        for place in &carried.fresh {
            let texts = (0_u32..).zip((self.of)(&names[*place as usize]));
            fresh.extend(texts.map(|(nth, text)| Posting { letters: words::letters(text), place: *place, nth }));
        }
        let order = |posting: &Posting| (posting.place, posting.nth);
        fresh.sort_unstable_by(|a, b| text(a).cmp(text(b)).then_with(|| order(a).cmp(&order(b))));
        let moved = |posting: &Posting| Some(Posting { place: carried.place(posting.place)?, ..*posting });
        let kept: Vec<Posting> = self.sorted.iter().filter_map(moved).collect();
        let mut sorted = Vec::with_capacity(kept.len() + fresh.len());
        let mut rest = kept.as_slice();
        for posting in fresh {
            let is_before =
                |other: &Posting| text(other).cmp(text(&posting)).then_with(|| order(other).cmp(&order(&posting))).is_lt();
            let (before, after) = rest.split_at(rest.partition_point(is_before));
            sorted.extend_from_slice(before);
            sorted.push(posting);
            rest = after;
        }
        sorted.extend_from_slice(rest);
        Self { of: self.of, sorted }
    }

    /// Everything in order of text; the text beside it.
    pub fn iter<'a>(&'a self, names: &'a [Arc<Names>]) -> impl Iterator<Item = (&'a str, Posting)> {
        self.sorted.iter().map(move |posting| (self.text(names, *posting), *posting))
    }

    /// Those of exactly this text.
    pub fn equal<'a>(&'a self, names: &'a [Arc<Names>], text: &'a str) -> impl Iterator<Item = Posting> {
        self.from(names, text).iter().copied().take_while(move |posting| self.text(names, *posting) == text)
    }

    /// Those whose text starts with this one.
    pub fn prefixed<'a>(&'a self, names: &'a [Arc<Names>], start: &'a str) -> impl Iterator<Item = Posting> {
        self.from(names, start).iter().copied().take_while(move |posting| self.text(names, *posting).starts_with(start))
    }

    /// Those that pass by their letters, with their distance; equal texts are compared once.
    pub fn near<'a>(&'a self, names: &'a [Arc<Names>], typed: &'a str, slips: usize) -> impl Iterator<Item = (usize, Posting)> {
        let letters = words::letters(typed);
        let mut last: Option<(&str, Option<usize>)> = None;
        let alike = self.sorted.iter().filter(move |posting| (letters ^ posting.letters).count_ones() as usize <= 2 * slips);
        alike.filter_map(move |posting| {
            let text = self.text(names, *posting);
            let distance = match last {
                Some((same, distance)) if same == text => distance,
                _ => words::distance(typed, text, slips),
            };
            last = Some((text, distance));
            Some((distance?, *posting))
        })
    }

    fn text<'a>(&self, names: &'a [Arc<Names>], posting: Posting) -> &'a str {
        &(self.of)(&names[posting.place as usize])[posting.nth as usize]
    }

    fn from<'a>(&'a self, names: &[Arc<Names>], text: &str) -> &'a [Posting] {
        &self.sorted[self.sorted.partition_point(|posting| self.text(names, *posting) < text)..]
    }
}
