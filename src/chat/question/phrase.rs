//! The little language of `phrases` in `commands/*.yaml`, and how a question is held against one.
//!
//! - `who owns` is a beginning: what follows is the command's first free argument.
//! - `who (owns|runs) {name}` is a whole question: `(a|b)` one of these, `[a|b]` one of these or nothing, `{name}` an argument.
//! - `<team>` is one of the words that `commands/phrases/words.yaml` has under that name.
//! - `{section=restart|roll back}` is an argument that is one of these words.
//! - `what depends on {name} -> {name} up` says which arguments that means; without an arrow each slot is its argument.
//! - `if known: {name} owner` counts only where the catalog knows the name.

use std::{collections::BTreeMap, sync::LazyLock};

use super::words::{Token, slip, tokens};
use crate::chat::{ArgumentType, CommandDef, line::Quoted};

/// A name has fewer words; longer stretches are prose.
const MOST_NAME_WORDS: usize = 6;

/// A phrase with all its alternatives is tried in so many ways at most; ours stay far below.
const MOST_WAYS: usize = 512;

/// Alternatives that several phrases share, by name.
static SHARED: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    serde_yaml::from_str(include_str!("../../../commands/phrases/words.yaml"))
        .expect("a test reads every phrase of every command")
});

/// One phrase, ready to be held against questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    items: Vec<Item>,
    /// The words it may begin with, so that most phrases need no closer look; `None`: it may begin with a name.
    firsts: Option<Vec<String>>,
    /// `{name} up`; `None`: the slots in the order of the command's arguments.
    means: Option<String>,
    pub(super) if_known: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Word(String),
    /// One of these sequences.
    OneOf(Vec<Vec<Item>>),
    Slot {
        name: String,
        /// What it may be, in words; empty: anything.
        choices: Vec<Vec<String>>,
    },
}

/// A phrase that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the phrase {phrase:?} {what}")]
pub struct BadPhrase {
    pub phrase: String,
    pub what: String,
}

/// How a question fits a phrase.
#[derive(Debug, Clone, Default)]
pub(super) struct Fit {
    /// Words of the phrase itself that were found.
    pub literals: usize,
    pub slips: usize,
    /// For each slot its name and the range of tokens.
    slots: Vec<(String, usize, usize)>,
    end: usize,
}

impl Phrase {
    /// Reads a phrase of this command; a beginning gets the slot that it leaves out.
    pub fn parse(written: &str, command: &CommandDef) -> Result<Self, BadPhrase> {
        let bad = |what: &str| BadPhrase { phrase: written.to_owned(), what: what.to_owned() };
        let (if_known, rest) = match written.strip_prefix("if known:") {
            Some(rest) => (true, rest),
            None => (false, written),
        };
        let (said, means) = match rest.split_once("->") {
            Some((said, means)) => (said, Some(means.trim().to_owned())),
            None => (rest, None),
        };
        let said = spell_out(said.trim()).map_err(|what| bad(&what))?;
        let mut letters = said.as_str();
        let mut items = read_items(&mut letters).map_err(|what| bad(&what))?;
        if !letters.is_empty() {
            return Err(bad("closes a bracket that it did not open"));
        }
        let free = |name: &str| command.arguments.iter().any(|argument| argument.name == name);
        let mut named = Vec::new();
        slot_names(&items, &mut named);
        if named.is_empty() && means.is_none() {
            let first = command.arguments.iter().find(|argument| {
                matches!(argument.argument_type, ArgumentType::Entity | ArgumentType::Words | ArgumentType::Command)
            });
            let first = first.ok_or_else(|| bad("is about a command that takes no name"))?;
            items.push(Item::Slot { name: first.name.clone(), choices: Vec::new() });
        }
        if let Some(unknown) = named.iter().find(|name| !free(name)) {
            return Err(bad(&format!("names {{{unknown}}}, which is no argument of /{}", command.name)));
        }
        let firsts = firsts(&items);
        Ok(Self { items, firsts, means, if_known })
    }

    /// A sequence without slots, as fillers are.
    pub(super) fn filler(written: &str) -> Self {
        let mut letters = written;
        let items = read_items(&mut letters).unwrap_or_default();
        let firsts = firsts(&items);
        Self { items, firsts, means: None, if_known: false }
    }

    /// The longest stretch from the beginning that this filler is, in tokens; 0 where it is not there.
    pub(super) fn length_at_start(&self, tokens: &[Token]) -> usize {
        let may_begin = |token: &Token| self.firsts.as_ref().is_none_or(|firsts| firsts.contains(&token.lower));
        if !tokens.first().is_some_and(may_begin) {
            return 0;
        }
        let fits = ends(&self.items, tokens, Fit::default(), Spelling::Exact);
        fits.into_iter().map(|fit| fit.end).max().unwrap_or(0)
    }

    /// Each way in which all of the tokens are this phrase, best first.
    pub(super) fn fits(&self, tokens: &[Token]) -> Vec<Fit> {
        let is_first =
            |token: &Token| self.firsts.as_ref().is_none_or(|firsts| firsts.iter().any(|word| slip(token, word).is_some()));
        if !tokens.first().is_some_and(is_first) {
            return Vec::new();
        }
        let mut fits = ends(&self.items, tokens, Fit::default(), Spelling::Forgiven);
        let is_bare = self.items.len() == 1;
        fits.retain(|fit| fit.end == tokens.len() && (fit.literals > 0 || is_bare));
        fits.sort_by_key(|fit| (fit.slips, usize::MAX - fit.literals));
        fits
    }

    /// Literal words of the phrase, for likeness.
    pub(super) fn literal_words(&self) -> Vec<&str> {
        let mut words = Vec::new();
        literal_words(&self.items, &mut words);
        words
    }

    /// The command line that a question means by fitting; `value` gives a slot's text.
    pub(super) fn line(&self, command: &CommandDef, fit: &Fit, value: impl Fn(&str, usize, usize) -> String) -> String {
        let filled = |name: &str| {
            let slot = fit.slots.iter().find(|(known, ..)| known == name);
            slot.map(|(name, from, to)| value(name, *from, *to))
        };
        let arguments = match &self.means {
            Some(means) => {
                let mut means = means.clone();
                for argument in &command.arguments {
                    if let Some(value) = filled(&argument.name) {
                        means = means.replace(&format!("{{{}}}", argument.name), &value);
                    }
                }
                means
            }
            None => {
                let values: Vec<String> = command.arguments.iter().filter_map(|argument| filled(&argument.name)).collect();
                values.join(" ")
            }
        };
        format!("{} {arguments}", command.name).trim().to_owned()
    }
}

impl Fit {
    pub(super) fn slots(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        self.slots.iter().map(|(name, from, to)| (name.as_str(), *from, *to))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Exact,
    Forgiven,
}

/// Every place where the items may end, with what they took.
fn ends(items: &[Item], tokens: &[Token], start: Fit, spelling: Spelling) -> Vec<Fit> {
    let mut open = vec![start];
    for (at, item) in items.iter().enumerate() {
        let is_last = at + 1 == items.len();
        let mut next = Vec::new();
        for fit in open {
            match item {
                Item::Word(word) => {
                    let slips = tokens.get(fit.end).and_then(|token| match spelling {
                        Spelling::Exact => (token.quoted == Quoted::No && token.lower == *word).then_some(0),
                        Spelling::Forgiven => slip(token, word),
                    });
                    // One slip in a question is a slip; two are another question.
                    if let Some(slips) = slips.filter(|slips| slips + fit.slips <= 1) {
                        next.push(Fit { literals: fit.literals + 1, slips: fit.slips + slips, end: fit.end + 1, ..fit });
                    }
                }
                Item::OneOf(ways) => {
                    for way in ways {
                        next.extend(ends(way, tokens, fit.clone(), spelling));
                    }
                }
                Item::Slot { name, choices } if choices.is_empty() => {
                    let longest = (fit.end + MOST_NAME_WORDS).min(tokens.len());
                    let shortest = if is_last && longest == tokens.len() && items.len() > 1 { longest } else { fit.end + 1 };
                    for end in shortest.max(fit.end + 1)..=longest {
                        let mut fit = fit.clone();
                        fit.slots.push((name.clone(), fit.end, end));
                        fit.end = end;
                        next.push(fit);
                    }
                }
                Item::Slot { name, choices } => {
                    for choice in choices {
                        let there = tokens.get(fit.end..fit.end + choice.len());
                        if there.is_some_and(|there| there.iter().zip(choice).all(|(token, word)| token.lower == *word)) {
                            let mut fit = fit.clone();
                            fit.slots.push((name.clone(), fit.end, fit.end + choice.len()));
                            fit.end += choice.len();
                            fit.literals += choice.len();
                            next.push(fit);
                        }
                    }
                }
            }
        }
        next.truncate(MOST_WAYS);
        open = next;
    }
    open
}

/// The words that the items may begin with; `None` where that may be anything.
fn firsts(items: &[Item]) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for item in items {
        match item {
            Item::Word(word) => words.push(word.clone()),
            Item::OneOf(ways) => {
                for way in ways {
                    words.extend(firsts(way)?);
                }
                if ways.iter().any(|way| may_be_nothing(way)) {
                    continue;
                }
            }
            Item::Slot { choices, .. } if choices.is_empty() => return None,
            Item::Slot { choices, .. } => words.extend(choices.iter().filter_map(|choice| choice.first().cloned())),
        }
        return Some(words);
    }
    Some(words)
}

fn may_be_nothing(items: &[Item]) -> bool {
    items.iter().all(|item| match item {
        Item::OneOf(ways) => ways.iter().any(|way| may_be_nothing(way)),
        Item::Word(_) | Item::Slot { .. } => false,
    })
}

fn slot_names(items: &[Item], names: &mut Vec<String>) {
    for item in items {
        match item {
            Item::Word(_) => {}
            Item::OneOf(ways) => ways.iter().for_each(|way| slot_names(way, names)),
            Item::Slot { name, .. } => names.push(name.clone()),
        }
    }
}

fn literal_words<'i>(items: &'i [Item], words: &mut Vec<&'i str>) {
    for item in items {
        match item {
            Item::Word(word) => words.push(word),
            Item::OneOf(ways) => ways.iter().for_each(|way| literal_words(way, words)),
            Item::Slot { choices, .. } => words.extend(choices.iter().flatten().map(String::as_str)),
        }
    }
}

/// With each `<name>` replaced by its words: in brackets, or bare as the choices of a slot.
fn spell_out(said: &str) -> Result<String, String> {
    let mut written = String::new();
    let mut rest = said;
    while let Some((before, after)) = rest.split_once('<') {
        let (name, after) = after.split_once('>').ok_or("opens < and does not close it")?;
        let words = SHARED.get(name).ok_or_else(|| format!("names <{name}>, which commands/phrases/words.yaml does not have"))?;
        let is_choice = before.ends_with('=');
        written.push_str(before);
        written.push_str(&if is_choice { words.clone() } else { format!("({words})") });
        rest = after;
    }
    written.push_str(rest);
    Ok(written)
}

/// Reads until the end or a bracket that closes what the caller opened.
fn read_items(letters: &mut &str) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    loop {
        *letters = letters.trim_start();
        match letters.chars().next() {
            None | Some('|' | ')' | ']') => return Ok(items),
            Some(open @ ('(' | '[')) => items.push(read_ways(letters, open)?),
            Some('{') => {
                let (inside, after) = letters[1..].split_once('}').ok_or("opens { and does not close it")?;
                let (name, choices) = inside.split_once('=').unwrap_or((inside, ""));
                let choices = choices.split('|').map(words_of).filter(|choice| !choice.is_empty()).collect();
                items.push(Item::Slot { name: name.trim().to_owned(), choices });
                *letters = after;
            }
            Some(_) => {
                let end = letters.find([' ', '(', '[', '{', '|', ')', ']']).unwrap_or(letters.len());
                items.extend(words_of(&letters[..end]).into_iter().map(Item::Word));
                *letters = &letters[end..];
            }
        }
    }
}

fn read_ways(letters: &mut &str, open: char) -> Result<Item, String> {
    let close = if open == '(' { ')' } else { ']' };
    let mut ways = Vec::new();
    loop {
        *letters = &letters[1..];
        ways.push(read_items(letters)?);
        match letters.chars().next() {
            Some('|') => {}
            Some(closing) if closing == close => break,
            _ => return Err(format!("opens {open} and does not close it")),
        }
    }
    *letters = &letters[1..];
    if open == '[' {
        ways.push(Vec::new());
    }
    Ok(Item::OneOf(ways))
}

fn words_of(text: &str) -> Vec<String> {
    // Alone it would be an opened quote.
    if text == "'s" {
        return vec![text.to_owned()];
    }
    tokens(text).into_iter().map(|token| token.lower).collect()
}
