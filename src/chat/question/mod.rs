//! Plain questions without any model of language: patterns as data, and names as they stand. "hey, who owns payments-api
//! right now?" is read as the line `owner payments-api`.
//! Must not know which names there are: whoever does chooses among the readings.

mod phrase;
mod words;

use std::{collections::BTreeSet, sync::OnceLock};

use phrase::Fit;
pub use phrase::{BadPhrase, Phrase};

use super::{
    ArgumentType, CommandDef, CommandSet,
    line::{Quoted, plain_line},
};
use words::{Token, tokens, without_fillers};

/// Sentences of one message that are looked at; a question stands at the beginning or the end of an alert.
const MOST_SENTENCES: usize = 40;

/// Words in a sentence that may be a question; more are prose.
const MOST_WORDS: usize = 40;

/// Below this likeness of its nearest word a command is not what was meant.
const LIKE_ENOUGH: f64 = 0.84;

/// Words that stand for something said elsewhere.
const POINTING: [&str; 14] = [
    "this",
    "that",
    "it",
    "them",
    "these",
    "those",
    "this one",
    "that one",
    "this thing",
    "that thing",
    "this alert",
    "this service",
    "that service",
    "this repo",
];

/// Nothing is called so: a stretch with one of these is prose.
const PROSE: [&str; 65] = [
    "'s",
    "that",
    "which",
    "who",
    "whom",
    "whose",
    "is",
    "are",
    "was",
    "were",
    "be",
    "been",
    "will",
    "would",
    "if",
    "because",
    "when",
    "do",
    "does",
    "did",
    "have",
    "has",
    "had",
    "you",
    "we",
    "they",
    "i",
    "it",
    "me",
    "us",
    "he",
    "she",
    "my",
    "your",
    "our",
    "not",
    "never",
    "so",
    "but",
    "should",
    "can",
    "could",
    "this",
    "these",
    "those",
    "them",
    "what",
    "how",
    "why",
    "where",
    "am",
    "until",
    "while",
    "than",
    "every",
    "everything",
    "something",
    "anything",
    "nothing",
    "someone",
    "anyone",
    "somebody",
    "there",
    "next",
    "dinner",
];

/// Said before a name without being part of it.
const BEFORE_NAME: [&str; 13] =
    ["the", "our", "a", "an", "my", "your", "this", "that", "service", "component", "repo", "repository", "microservice"];

/// Said behind a name without being part of it; "service" is not here, because names end so.
const AFTER_NAME: [&str; 8] = ["repo", "repository", "codebase", "microservice", "project", "thing", "stuff", "thingy"];

/// A way to understand a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    pub command: String,
    /// The command line that means the same.
    pub line: String,
    /// The names in it.
    pub names: Vec<String>,
    /// Only meant where the catalog knows the names.
    pub if_known: bool,
    /// Whether it asks about "this" or "it": the name stands elsewhere, if anywhere. The line then lacks it.
    pub points: bool,
    /// Typing slips that were forgiven, and words of the question that were found; fewer and more are better.
    slips: usize,
    literals: usize,
}

impl Reading {
    /// Whether it is nothing but a name: as good as a guess where the name is unknown.
    pub fn is_bare(&self) -> bool {
        self.literals == 0
    }

    /// Whether it holds more words of the question, with no more slips.
    pub fn says_more_than(&self, other: &Self) -> bool {
        self.slips <= other.slips && self.literals > other.literals
    }

    /// The line with the name that "this" stands for.
    pub fn about(&self, name: &str) -> String {
        let rest = self.line.strip_prefix(self.command.as_str()).unwrap_or_default();
        format!("{} {name}{rest}", self.command)
    }
}

/// What was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// Best first; one for each command line.
    pub readings: Vec<Reading>,
    /// What is left without greetings, thanks and the like. Empty: nothing was asked.
    pub rest: String,
}

impl Question {
    /// The one reading that needs no knowledge of names.
    pub fn sure(&self) -> Option<&Reading> {
        self.readings.iter().find(|reading| !reading.if_known && !reading.points)
    }
}

impl CommandSet {
    /// Reads what somebody wrote; several lines may hold one question.
    pub fn read_question(&self, text: &str) -> Question {
        let phrases = self.phrases();
        let mut readings: Vec<Reading> = Vec::new();
        let mut rest: Vec<Token> = Vec::new();
        for sentence in sentences(text).into_iter().take(MOST_SENTENCES) {
            let words = without_fillers(tokens(&plain_line(&sentence)));
            if words.is_empty() {
                continue;
            }
            let mut found = read_sentence(&phrases, &words);
            if found.iter().all(|reading| reading.if_known) {
                // "payments-api is down, who owns it?"
                let parts = sentence.split([',', ';', '–', '—']).chain(sentence.split(" - ")).chain(sentence.split(": "));
                for part in parts.filter(|part| part.len() < sentence.len()) {
                    found.extend(read_sentence(&phrases, &without_fillers(tokens(&plain_line(part)))));
                }
            }
            readings.extend(found);
            rest.extend(words);
        }
        readings.sort_by_key(|reading| (reading.slips, usize::MAX - reading.literals, reading.line.len()));
        let mut lines = Vec::new();
        readings.retain(|reading| {
            let is_new = !lines.contains(&reading.line);
            lines.push(reading.line.clone());
            is_new
        });
        let rest = rest.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
        Question { readings, rest }
    }

    fn phrases(&self) -> Vec<(&CommandDef, &Phrase)> {
        self.0.iter().flat_map(|command| command.read_phrases().iter().map(move |phrase| (command, phrase))).collect()
    }

    /// Commands whose words sound like those of a text that could not be read, best first.
    pub fn alike(&self, text: &str) -> Vec<String> {
        let mut words = tokens(&plain_line(text));
        words.truncate(MOST_WORDS);
        let likeness = |word: &str| -> f64 {
            let near = words.iter().filter(|token| token.quoted == Quoted::No);
            near.map(|token| strsim::jaro_winkler(&token.lower, word)).fold(0.0, f64::max)
        };
        let words_of = |command: &CommandDef| -> BTreeSet<String> {
            let words = command.read_phrases().iter().flat_map(Phrase::literal_words);
            words.filter(|word| word.len() > 3 && !PROSE.contains(word)).map(str::to_owned).collect()
        };
        let words_of_each: Vec<BTreeSet<String>> = self.0.iter().map(words_of).collect();
        let mut scored: Vec<(f64, &str)> = Vec::new();
        for (at, command) in self.0.iter().enumerate() {
            // A word of several commands tells nothing: "thing" is in most of them.
            let others = |word: &str| words_of_each.iter().enumerate().any(|(other, words)| other != at && words.contains(word));
            let telling = words_of_each[at].iter().map(String::as_str).filter(|word| !others(word));
            let best = telling.map(likeness).fold(likeness(&command.name), f64::max);
            scored.push((best, &command.name));
        }
        // A sort keeps the order of help among equals.
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        scored.into_iter().filter(|(score, _)| *score > LIKE_ENOUGH).map(|(_, name)| name.to_owned()).collect()
    }
}

impl CommandDef {
    /// Phrases that can be read, read once; the others were told when the command was loaded.
    fn read_phrases(&self) -> &[Phrase] {
        self.ready.0.get_or_init(|| self.phrases.iter().filter_map(|phrase| Phrase::parse(phrase, self).ok()).collect())
    }
}

/// A command's phrases once they have been read.
#[derive(Debug, Clone, Default)]
pub struct ReadPhrases(OnceLock<Vec<Phrase>>);

/// They say nothing that the written ones do not.
impl PartialEq for ReadPhrases {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for ReadPhrases {}

/// Lines, and sentences in them; a dot within a name ends none.
fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut rest = line;
        while let Some(at) = end_of_sentence(rest) {
            found.push(rest[..at].to_owned());
            rest = &rest[at..];
        }
        found.push(rest.to_owned());
    }
    found.retain(|sentence| !sentence.trim().is_empty());
    found
}

fn end_of_sentence(text: &str) -> Option<usize> {
    let ends = text.char_indices().zip(text.chars().skip(1));
    let mut ends = ends.filter(|((_, letter), next)| matches!(letter, '?' | '!' | '.' | '…') && next.is_whitespace());
    ends.next().map(|((at, letter), _)| at + letter.len_utf8())
}

fn read_sentence(phrases: &[(&CommandDef, &Phrase)], words: &[Token]) -> Vec<Reading> {
    if words.is_empty() || words.len() > MOST_WORDS {
        return Vec::new();
    }
    let fits = phrases.iter().filter_map(|(command, phrase)| reading(command, phrase, words));
    fits.collect()
}

fn reading(command: &CommandDef, phrase: &Phrase, words: &[Token]) -> Option<Reading> {
    phrase.fits(words).iter().find_map(|fit| reading_of(command, phrase, fit, words))
}

fn reading_of(command: &CommandDef, phrase: &Phrase, fit: &Fit, words: &[Token]) -> Option<Reading> {
    let mut names = Vec::new();
    let mut points = false;
    for (slot, from, to) in fit.slots() {
        match (name_of(&words[from..to])?, is_name(command, slot)) {
            (Named::Pointing, true) => points = true,
            (Named::Pointing, false) => return None,
            (Named::As(name), true) => names.push(name),
            (Named::As(_), false) => {}
        }
    }
    let line = phrase.line(command, fit, |slot, from, to| match name_of(&words[from..to]) {
        Some(Named::As(name)) => written(command, slot, &name),
        Some(Named::Pointing) | None => String::new(),
    });
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let (slips, literals) = (fit.slips, fit.literals);
    Some(Reading { command: command.name.clone(), line, names, if_known: phrase.if_known, points, slips, literals })
}

fn is_name(command: &CommandDef, slot: &str) -> bool {
    command.arguments.iter().any(|argument| argument.name == slot && argument.argument_type == ArgumentType::Entity)
}

enum Named {
    As(String),
    /// By "this" or "it".
    Pointing,
}

/// The name in a stretch of words; `None` where it is prose.
fn name_of(words: &[Token]) -> Option<Named> {
    let is = |token: &Token, known: &[&str]| token.quoted == Quoted::No && known.contains(&token.lower.as_str());
    let whole = words.iter().map(|token| token.lower.as_str()).collect::<Vec<_>>().join(" ");
    if POINTING.contains(&whole.as_str()) {
        return Some(Named::Pointing);
    }
    let mut name = words;
    while name.len() > 1 && is(&name[0], &BEFORE_NAME) {
        name = &name[1..];
    }
    while name.len() > 1 && is(&name[name.len() - 1], &AFTER_NAME) {
        name = &name[..name.len() - 1];
    }
    if name.iter().any(|token| is(token, &PROSE) || is(token, &["the", "a"])) {
        return None;
    }
    Some(Named::As(name.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ")))
}

/// A name as it stands in a line: quoted where its words could be taken for something else.
fn written(command: &CommandDef, slot: &str, name: &str) -> String {
    let name = name.replace('"', "");
    let free = command
        .arguments
        .iter()
        .filter(|argument| matches!(argument.argument_type, ArgumentType::Entity | ArgumentType::Words | ArgumentType::Command));
    if is_name(command, slot) && name.contains(' ') && free.count() > 1 { format!("\"{name}\"") } else { name }
}
