//! What the composer offers while somebody types: commands, then what their arguments may be.
//! Must not rank in a way of its own; look-up does.

use crate::{
    catalog::{Catalog, Entity, Sought, filter::Facet},
    chat::{ArgumentType, Choice, CommandDef, CommandSet},
};

/// More would not be read.
const SHOWN: usize = 8;

/// Whole lines that may come of what is typed, best first; their labels are what changes.
///
/// `whose` says what counts for the asker; what it seeks is not looked at.
pub fn complete(commands: &CommandSet, catalog: &Catalog, whose: Sought<'_>, typed: &str) -> Vec<Choice> {
    let Some(line) = typed.trim_start().strip_prefix('/') else { return Vec::new() };
    match line.split_once(char::is_whitespace) {
        None => complete_command(commands, "/", line),
        Some((name, rest)) => {
            let rest = rest.trim_start();
            commands.find(name).map_or_else(Vec::new, |command| complete_arguments(commands, catalog, whose, command, rest))
        }
    }
}

fn complete_command(commands: &CommandSet, before: &str, typed: &str) -> Vec<Choice> {
    let typed = typed.to_lowercase();
    let known = commands.0.iter().filter(|command| command.name.starts_with(&typed));
    let choice = |command: &CommandDef| Choice {
        // The blank asks for the next word at once.
        value: format!("{before}{}{}", command.name, if command.arguments.is_empty() { "" } else { " " }),
        label: format!("/{}", command.name),
        note: Some(command.summary.clone()),
    };
    known.map(choice).collect()
}

fn complete_arguments(
    commands: &CommandSet,
    catalog: &Catalog,
    whose: Sought<'_>,
    command: &CommandDef,
    rest: &str,
) -> Vec<Choice> {
    let start = format!("/{} ", command.name);
    let first = command.arguments.first();
    match first.map(|argument| argument.argument_type) {
        Some(ArgumentType::Command) => complete_command(commands, &start, rest),
        Some(ArgumentType::Entity | ArgumentType::Words) => {
            let filters = if command.name == "find" { complete_filter(catalog, &start, rest) } else { Vec::new() };
            if !filters.is_empty() {
                return filters;
            }
            // Behind a name that is complete comes what else the command knows.
            let behind = rest.rsplit_once(char::is_whitespace).is_some_and(|(name, _)| !catalog.named(name).1.is_empty());
            let words = if behind { complete_words(command, &start, rest) } else { Vec::new() };
            if !words.is_empty() {
                return words;
            }
            let names = complete_name(catalog, whose, rest);
            if names.is_empty() {
                return complete_words(command, &start, rest);
            }
            names.into_iter().map(|name| Choice { value: format!("{start}{}", name.value), ..name }).collect()
        }
        Some(ArgumentType::Choice | ArgumentType::Number) => complete_words(command, &start, rest),
        None => Vec::new(),
    }
}

/// The fixed words a command knows (`up`, `depth `), for the word that is being typed now.
fn complete_words(command: &CommandDef, start: &str, rest: &str) -> Vec<Choice> {
    let (before, word) = rest.rsplit_once(char::is_whitespace).map_or(("", rest), |(before, word)| (before, word));
    let before = if before.is_empty() { String::new() } else { format!("{before} ") };
    let mut words = Vec::new();
    for argument in &command.arguments {
        let offered: Vec<String> = match argument.argument_type {
            ArgumentType::Choice => argument.choices.clone(),
            ArgumentType::Number => vec![format!("{} ", argument.name)],
            ArgumentType::Entity | ArgumentType::Words | ArgumentType::Command => Vec::new(),
        };
        for offer in offered.into_iter().filter(|offer| offer.starts_with(word) && offer != word) {
            let label = offer.trim_end().to_owned();
            words.push(Choice { value: format!("{start}{before}{offer}"), label, note: Some(argument.summary.clone()) });
        }
    }
    words.truncate(SHOWN);
    words
}

/// Entities by what is typed of their names, in the order of every answer.
fn complete_name(catalog: &Catalog, whose: Sought<'_>, typed: &str) -> Vec<Choice> {
    let found = catalog.suggest(Sought { typed, ..whose }, SHOWN);
    let names: Vec<&str> = found.iter().map(|entry| entry.entity.entity_ref.name()).collect();
    let choice = |entity: &Entity| {
        // A name that several share needs its whole reference to be one entity.
        let shared = names.iter().filter(|name| **name == entity.entity_ref.name()).count() > 1;
        let value = if shared { entity.entity_ref.to_string() } else { entity.name.clone() };
        Choice { label: value.clone(), value, note: Some(describe(entity)) }
    };
    found.iter().map(|entry| choice(&entry.entity)).collect()
}

/// The filter that is being typed as the last word: its name, then the values that there are, the most frequent first.
fn complete_filter(catalog: &Catalog, start: &str, rest: &str) -> Vec<Choice> {
    let (before, word) = rest.rsplit_once(char::is_whitespace).map_or(("", rest), |(before, word)| (before, word));
    let before = if before.is_empty() { String::new() } else { format!("{before} ") };
    let lower = word.to_lowercase();
    let choice = |label: String, note: Option<String>| Choice { value: format!("{start}{before}{label}"), label, note };
    let Some((key, typed)) = lower.split_once(':') else {
        // One letter begins names far more often.
        let keys = Facet::ALL.into_iter().map(Facet::key).filter(|key| lower.len() > 2 && key.starts_with(&lower));
        return keys.map(|key| choice(format!("{key}:"), Some(format!("only those of one {key}")))).collect();
    };
    let Some(facet) = Facet::parse(key) else { return Vec::new() };
    let counts = catalog.all_values(facet);
    let (begins, holds): (Vec<_>, Vec<_>) =
        counts.iter().filter(|(value, _)| value.contains(typed)).partition(|(value, _)| value.starts_with(typed));
    let values = begins.into_iter().chain(holds).take(SHOWN);
    values.map(|(value, number)| choice(format!("{}:{value}", facet.key()), Some(format!("{number} entries")))).collect()
}

fn describe(entity: &Entity) -> String {
    let owner = entity.owner().map(|owner| format!(" of {}", owner.name())).unwrap_or_default();
    let title = if entity.label() == entity.name { String::new() } else { format!(" – {}", entity.label()) };
    format!("{}{owner}{title}", entity.kind)
}
