//! What the composer offers while somebody types: commands, then what their arguments may be.
//! Must not rank answers; a suggestion is only a shorter way to type.

use crate::{
    catalog::{Catalog, Entity},
    chat::{ArgumentType, Choice, CommandDef, CommandSet},
};

/// More would not be read.
const SHOWN: usize = 8;

/// Whole lines that may come of what is typed, best first; their labels are what changes.
pub fn complete(commands: &CommandSet, catalog: &Catalog, typed: &str) -> Vec<Choice> {
    let Some(line) = typed.trim_start().strip_prefix('/') else { return Vec::new() };
    match line.split_once(char::is_whitespace) {
        None => complete_command(commands, "/", line),
        Some((name, rest)) => {
            let rest = rest.trim_start();
            commands.find(name).map_or_else(Vec::new, |command| complete_arguments(commands, catalog, command, rest))
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

fn complete_arguments(commands: &CommandSet, catalog: &Catalog, command: &CommandDef, rest: &str) -> Vec<Choice> {
    let start = format!("/{} ", command.name);
    let first = command.arguments.first();
    match first.map(|argument| argument.argument_type) {
        Some(ArgumentType::Command) => complete_command(commands, &start, rest),
        Some(ArgumentType::Entity | ArgumentType::Words) => {
            let names = complete_name(catalog, rest);
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

/// Entities whose name, title or alias starts with what is typed, then those that hold it.
fn complete_name(catalog: &Catalog, typed: &str) -> Vec<Choice> {
    let typed = typed.to_lowercase();
    let entities = catalog.entries().iter().map(|entry| &entry.entity);
    let mut ranked: Vec<(u8, &Entity)> = entities.filter_map(|entity| Some((rank(entity, &typed)?, entity))).collect();
    ranked.sort_by(|(a_rank, a), (b_rank, b)| (a_rank, a.name.len(), &a.name).cmp(&(b_rank, b.name.len(), &b.name)));
    ranked.truncate(SHOWN);
    let names: Vec<&str> = ranked.iter().map(|(_, entity)| entity.entity_ref.name()).collect();
    let choice = |entity: &Entity| {
        // A name that several share needs its whole reference to be one entity.
        let shared = names.iter().filter(|name| **name == entity.entity_ref.name()).count() > 1;
        let value = if shared { entity.entity_ref.to_string() } else { entity.name.clone() };
        Choice { label: value.clone(), value, note: Some(describe(entity)) }
    };
    ranked.iter().map(|(_, entity)| choice(entity)).collect()
}

fn rank(entity: &Entity, typed: &str) -> Option<u8> {
    let name = entity.entity_ref.name();
    let label = entity.label().to_lowercase();
    if name.starts_with(typed) {
        Some(0)
    } else if label.starts_with(typed) || entity.aliases().any(|alias| alias.to_lowercase().starts_with(typed)) {
        Some(1)
    } else if name.contains(typed) || label.contains(typed) || entity.entity_ref.as_str().starts_with(typed) {
        Some(2)
    } else {
        None
    }
}

fn describe(entity: &Entity) -> String {
    let owner = entity.owner().map(|owner| format!(" of {}", owner.name())).unwrap_or_default();
    let title = if entity.label() == entity.name { String::new() } else { format!(" – {}", entity.label()) };
    format!("{}{owner}{title}", entity.kind)
}
