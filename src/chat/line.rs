//! A typed line taken apart against the command definitions.
//! Must not know what a command does nor look a name up.

use std::collections::BTreeMap;

use super::{ArgumentDef, ArgumentType, Arguments, CommandDef, CommandSet, LineFault, limits::cut};
use crate::error::UserError;

/// How far a mistyped command may be from a known one to be offered.
const COMMAND_SLIPS: usize = 2;

/// What stands behind a command's name in a sentence.
const PHRASE_WORDS: [&str; 14] =
    ["for", "of", "to", "out", "me", "the", "on", "about", "who", "whose", "which", "what", "us", "my"];

/// One word of a line; what stood in quotes is one word and never a keyword.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) quoted: Quoted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoted {
    Yes,
    No,
}

impl Word {
    fn is(&self, keyword: &str) -> bool {
        self.quoted == Quoted::No && self.text.eq_ignore_ascii_case(keyword)
    }
}

impl CommandSet {
    /// Reads `owner payments-api`, `/owner "payments api"`, `@steward deps payments up depth 3`, and plain questions that
    /// can be read in one way without knowing any name: `who owns payments-api?`.
    ///
    /// A leading slash, the umbrella word `steward` and a mention of the bot are passed over.
    pub fn parse_line(&self, line: &str) -> Result<(&CommandDef, Arguments), LineFault> {
        let parsed = self.parse_command(line);
        if self.is_command(line) || parsed == Err(LineFault::Empty) {
            return parsed;
        }
        match self.read_question(line).sure() {
            Some(reading) => self.parse_command(&reading.line),
            None => parsed,
        }
    }

    /// Whether it is a command with its arguments rather than a sentence.
    pub fn is_command(&self, line: &str) -> bool {
        let is_phrase = |arguments: &Arguments| arguments.0.values().any(|value| begins_a_phrase(value));
        self.parse_command(line).is_ok_and(|(_, arguments)| !is_phrase(&arguments))
    }

    /// The same for a line that begins with a command's name.
    pub fn parse_command(&self, line: &str) -> Result<(&CommandDef, Arguments), LineFault> {
        let mut words = split_words(&plain_line(line));
        while words.first().is_some_and(|word| word.is("steward") || word.is("@steward") || is_mention(word)) {
            words.remove(0);
        }
        if words.is_empty() {
            return Err(LineFault::Empty);
        }
        let typed = words[0].text.to_lowercase();
        let Some(command) = self.find(&typed) else {
            let nearest = self.nearest(&typed);
            return Err(LineFault::UnknownCommand { typed, nearest });
        };
        words.remove(0);
        if let (Some(help), true) = (self.find("help"), asks_for_help(command, &words)) {
            let about = help.arguments.iter().find(|argument| argument.argument_type == ArgumentType::Command);
            let about = about.map(|argument| (argument.name.clone(), command.name.clone()));
            return Ok((help, Arguments(about.into_iter().collect())));
        }
        let arguments =
            read_arguments(command, words).map_err(|error| LineFault::BadArguments { command: command.name.clone(), error })?;
        Ok((command, arguments))
    }

    /// Command names that may be meant, best first.
    fn nearest(&self, typed: &str) -> Vec<String> {
        let mut near: Vec<(usize, &str)> = Vec::new();
        for command in &self.0 {
            let distance = strsim::damerau_levenshtein(typed, &command.name);
            let begins = typed.len() > 1 && (command.name.starts_with(typed) || typed.starts_with(&command.name));
            if begins || distance <= COMMAND_SLIPS.min(command.name.len() / 2) {
                near.push((distance, &command.name));
            }
        }
        near.sort();
        near.into_iter().map(|(_, name)| name.to_owned()).collect()
    }
}

impl CommandDef {
    /// "Say which one: /owner payments-api".
    pub fn ask_for(&self, missing: &ArgumentDef) -> UserError {
        let example = self.examples.first().map_or_else(|| self.usage(), |example| format!("/{}", example.line));
        UserError::new(format!("Say {}: {example}", which(missing)))
    }

    /// `/deps NAME [up|down|both] [depth N]`.
    pub fn usage(&self) -> String {
        let mut usage = format!("/{}", self.name);
        for argument in &self.arguments {
            let word = match argument.argument_type {
                ArgumentType::Choice => argument.choices.join("|"),
                ArgumentType::Number => format!("{} N", argument.name),
                ArgumentType::Entity | ArgumentType::Words | ArgumentType::Command => argument.name.to_uppercase(),
            };
            if argument.required {
                usage.push_str(&format!(" {word}"));
            } else {
                usage.push_str(&format!(" [{word}]"));
            }
        }
        usage
    }
}

/// What chat programs make of a line, undone: smart quotes, hard spaces, marked-up links and channels.
pub(super) fn plain_line(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    for letter in line.trim().chars() {
        match letter {
            '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '`' => {}
            // Bold, and not the end of a range like `1.*`.
            '*' if !plain.ends_with('.') => {}
            '\u{2018}'..='\u{201b}' | '\u{2032}' => plain.push('\''),
            '\u{201c}'..='\u{201f}' | '\u{00ab}' | '\u{00bb}' => plain.push('"'),
            '\u{2010}'..='\u{2014}' | '\u{2212}' => plain.push('-'),
            letter if letter.is_whitespace() || letter.is_control() => plain.push(' '),
            letter => plain.push(letter),
        }
    }
    let mut out = String::with_capacity(plain.len());
    let mut rest = plain.as_str();
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        let close = rest[open..].find('>').filter(|close| is_markup(&rest[open + 1..open + close]));
        let Some(close) = close else {
            // "below", as in `<2.17`.
            out.push('<');
            rest = &rest[open + 1..];
            continue;
        };
        out.push_str(&unmarked(&rest[open + 1..open + close]));
        rest = &rest[open + close + 1..];
    }
    out.push_str(rest);
    // Slack writes what is no markup so (<https://docs.slack.dev/messaging/formatting-message-text#escaping>).
    let out = out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let out = out.trim();
    out.strip_prefix('/').unwrap_or(out).to_owned()
}

/// Whether what stands between `<` and `>` is a person, a channel or a link.
fn is_markup(inside: &str) -> bool {
    inside.starts_with(['@', '#', '!']) || inside.contains("://") || inside.starts_with("mailto:")
}

/// The inside of Slack's `<…>`: a person stays a mention, a channel becomes its name, a link its label.
fn unmarked(inside: &str) -> String {
    let (target, label) = inside.split_once('|').map_or((inside, None), |(target, label)| (target, Some(label)));
    match (target.chars().next(), label) {
        (Some('@'), _) => format!("<{target}>"),
        (Some('#'), Some(label)) => format!("#{label}"),
        (Some('!'), Some(label)) => label.to_owned(),
        (_, Some(label)) => label.to_owned(),
        (_, None) => target.to_owned(),
    }
}

pub(super) fn is_mention(word: &Word) -> bool {
    word.text.starts_with("<@") && word.text.ends_with('>')
}

/// Splits at spaces; a quote at the start of a word runs to the next quote, or to the end where none is.
pub(super) fn split_words(line: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|letter| matches!(letter, '"' | '\''));
        let (text, quoted, after) = match quote {
            Some(quote) => {
                let inside = &rest[1..];
                let end = inside.find(quote).unwrap_or(inside.len());
                (&inside[..end], Quoted::Yes, inside.get(end + 1..).unwrap_or_default())
            }
            None => {
                let end = rest.find(' ').unwrap_or(rest.len());
                (&rest[..end], Quoted::No, &rest[end..])
            }
        };
        if !text.trim().is_empty() {
            words.push(Word { text: text.trim().to_owned(), quoted });
        }
        rest = after.trim_start();
    }
    words
}

fn read_arguments(command: &CommandDef, mut words: Vec<Word>) -> Result<Arguments, UserError> {
    let mut found = BTreeMap::new();
    name_bare_number(command, &mut words);
    for argument in &command.arguments {
        match argument.argument_type {
            ArgumentType::Number => {
                if let Some(number) = take_number(command, argument, &mut words)? {
                    found.insert(argument.name.clone(), number);
                }
            }
            ArgumentType::Choice => {
                if let Some(choice) = take_choice(command, argument, &mut words) {
                    found.insert(argument.name.clone(), choice);
                } else if let (Some(word), true) = (words.first(), leads_with(command, argument)) {
                    let known = argument.choices.join(", ");
                    return Err(misused(command, format!("“{}” is not one of: {known}.", cut(&word.text, 40))));
                }
            }
            ArgumentType::Entity | ArgumentType::Words | ArgumentType::Command => {}
        }
    }
    let mut free = command.arguments.iter().filter(|argument| is_free(argument)).peekable();
    while let Some(argument) = free.next() {
        let last = free.peek().is_none();
        if words.is_empty() {
            continue;
        }
        let taken: Vec<Word> = match argument.argument_type {
            ArgumentType::Command => vec![words.remove(0)],
            // With another one behind it a name is one word; whoever answers may join more to it.
            _ if !last => vec![words.remove(0)],
            _ => std::mem::take(&mut words),
        };
        let text = taken.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        let text = match argument.argument_type {
            ArgumentType::Command => text.trim_start_matches('/').to_lowercase(),
            _ => text,
        };
        found.insert(argument.name.clone(), text);
    }
    let is_missing = |argument: &&ArgumentDef| {
        // What a conversation may stand for is asked for by whoever knows the conversation.
        argument.required && !argument.channel_team && !found.contains_key(&argument.name)
    };
    if let Some(missing) = command.arguments.iter().find(is_missing) {
        return Err(command.ask_for(missing));
    }
    if let Some(word) = words.first() {
        return Err(misused(command, format!("/{} does not know what to do with “{}”.", command.name, word.text)));
    }
    Ok(Arguments(found))
}

/// `owner --help`, `owner -h`, and `owner help` where the word is not something to search for.
fn asks_for_help(command: &CommandDef, words: &[Word]) -> bool {
    let [word] = words else { return false };
    let searches = command.arguments.iter().any(|argument| argument.argument_type == ArgumentType::Words && argument.required);
    command.name != "help" && (word.is("--help") || word.is("-h") || (word.is("help") && !searches))
}

/// Puts the name of the number before a bare one behind a choice: "up 3" is "up depth 3".
fn name_bare_number(command: &CommandDef, words: &mut Vec<Word>) {
    let number = command.arguments.iter().find(|argument| argument.argument_type == ArgumentType::Number);
    let Some(number) = number else { return };
    let is_choice = |word: &Word| command.arguments.iter().flat_map(|argument| &argument.choices).any(|choice| word.is(choice));
    let is_number = |word: &Word| word.quoted == Quoted::No && word.text.bytes().all(|byte| byte.is_ascii_digit());
    let bare = (2..words.len()).find(|at| is_choice(&words[at - 1]) && is_number(&words[*at]));
    if let Some(at) = bare {
        words.insert(at, Word { text: number.name.clone(), quoted: Quoted::No });
    }
}

/// Whether a line of the command begins with what it is about.
fn has_subject(command: &CommandDef) -> bool {
    command.arguments.iter().any(|argument| is_free(argument) && argument.required)
}

/// Whether no name begins so: "runbook for checkout" and "find out who owns it" are said, not commands with arguments.
fn begins_a_phrase(value: &str) -> bool {
    let first = value.split(' ').next().unwrap_or_default();
    value.contains(' ') && PHRASE_WORDS.iter().any(|word| first.eq_ignore_ascii_case(word)) || value == "for" || value == "of"
}

fn is_free(argument: &ArgumentDef) -> bool {
    matches!(argument.argument_type, ArgumentType::Entity | ArgumentType::Words | ArgumentType::Command)
}

/// Takes `depth 3`, `depth=3` or `--depth 3` out of the words.
fn take_number(command: &CommandDef, argument: &ArgumentDef, words: &mut Vec<Word>) -> Result<Option<String>, UserError> {
    let keyword = |word: &Word| Word { text: word.text.trim_start_matches("--").to_owned(), quoted: word.quoted };
    let joined = words.iter().enumerate().find_map(|(at, word)| {
        let (name, number) = word.text.split_once(['=', ':'])?;
        (word.quoted == Quoted::No && name.trim_start_matches("--").eq_ignore_ascii_case(&argument.name))
            .then(|| (at, number.to_owned()))
    });
    let bounds = (argument.min.unwrap_or(i64::MIN), argument.max.unwrap_or(i64::MAX));
    let text = if let Some((at, number)) = joined {
        words.remove(at);
        number
    } else {
        // The first word is the subject even where it reads like a keyword, unless there need not be one.
        let spared = usize::from(has_subject(command));
        let Some(at) = words.iter().enumerate().skip(spared).find(|(_, word)| keyword(word).is(&argument.name)).map(|(at, _)| at)
        else {
            return Ok(None);
        };
        if at + 1 == words.len() {
            return Err(misused(command, format!("“{}” needs a number behind it{}.", argument.name, in_bounds(argument))));
        }
        words.remove(at);
        words.remove(at).text
    };
    match text.parse::<i64>() {
        Ok(number) if (bounds.0..=bounds.1).contains(&number) => Ok(Some(number.to_string())),
        _ => Err(misused(command, format!("“{}” must be a number{}, not “{text}”.", argument.name, in_bounds(argument)))),
    }
}

fn in_bounds(argument: &ArgumentDef) -> String {
    match (argument.min, argument.max) {
        (Some(min), Some(max)) => format!(" from {min} to {max}"),
        (Some(min), None) => format!(" of at least {min}"),
        (None, Some(max)) => format!(" of at most {max}"),
        (None, None) => String::new(),
    }
}

/// Takes the last word that is one of the choices; the first word is left alone where a name is still to come.
/// Whether a word of the argument's comes before anything else that may be written.
fn leads_with(command: &CommandDef, argument: &ArgumentDef) -> bool {
    command.arguments.first() == Some(argument)
}

fn take_choice(command: &CommandDef, argument: &ArgumentDef, words: &mut Vec<Word>) -> Option<String> {
    let spared = usize::from(has_subject(command));
    let is_choice = |word: &Word| {
        let word = Word { text: word.text.trim_start_matches("--").to_owned(), quoted: word.quoted };
        argument.choices.iter().any(|choice| word.is(choice))
    };
    let behind = words.iter().enumerate().skip(spared).rev().find_map(|(at, word)| is_choice(word).then_some(at));
    // "down payments-api" is written often enough; a thing that is called so can be put in quotes.
    let before = || (words.len() > 1 && is_choice(&words[0])).then_some(0);
    let at = behind.or_else(before)?;
    Some(words.remove(at).text.trim_start_matches("--").to_lowercase())
}

fn which(missing: &ArgumentDef) -> &str {
    match missing.argument_type {
        ArgumentType::Entity => "which one",
        ArgumentType::Choice | ArgumentType::Number | ArgumentType::Words | ArgumentType::Command => &missing.summary,
    }
}

fn misused(command: &CommandDef, what: String) -> UserError {
    let example = command.examples.first().map(|example| format!(", for example: /{}", example.line)).unwrap_or_default();
    UserError::new(what).next(format!("Write {}{example}", command.usage()))
}
