//! What an option of a command offers while somebody types. Must not rank in a way of its own; look-up does.

use crate::{
    app::App,
    catalog::Sought,
    chat::{Account, ArgumentType, Choice, Place, limits::DISCORD},
    commands::{Asking, StoreHealth},
    playground::complete::complete,
};

/// Nobody reads more, and Discord takes no more.
const MOST: usize = DISCORD.options;

/// Options, best first: each the value that is put in place of what was typed.
pub(super) fn offer(app: &App, account: &Account, place: Option<&Place>, name: &str, option: &str, typed: &str) -> Vec<Choice> {
    let custom = app.live.custom();
    let commands = custom.all(&app.commands);
    let Some(command) = commands.find(name) else { return Vec::new() };
    let Some(at) = command.arguments.iter().position(|argument| argument.name == option) else { return Vec::new() };
    let typed = crate::chat::limits::cut(typed.trim_start(), DISCORD.option_value);
    let argument = &command.arguments[at];
    let mut offered = match argument.argument_type {
        ArgumentType::Choice => {
            let fits = argument.choices.iter().filter(|word| word.starts_with(typed.trim()));
            fits.map(|word| Choice::new(word, word)).collect()
        }
        ArgumentType::Number => Vec::new(),
        ArgumentType::Words if name == "new" => templates(app, &typed),
        // The composer of the playground completes what comes first in a line.
        ArgumentType::Entity | ArgumentType::Words | ArgumentType::Command if at == 0 => {
            let catalog = app.catalog.load();
            let asking = Asking::new(&catalog, app.clock.now(), account, place, &[], StoreHealth::Absent);
            let live = app.live.load();
            let whose = Sought { taste: &live.taste, ..asking.sought("") };
            let start = format!("/{name} ");
            let lines = complete(commands, &catalog, whose, &format!("{start}{typed}"));
            let value = |choice: Choice| {
                let value = choice.value.strip_prefix(&start)?.trim_end().to_owned();
                let label = choice.label.trim_start_matches('/').to_owned();
                (!value.is_empty()).then_some(Choice { value, label, note: choice.note })
            };
            lines.into_iter().filter_map(value).collect()
        }
        ArgumentType::Entity | ArgumentType::Words | ArgumentType::Command => Vec::new(),
    };
    // Where words are free, what was typed can be taken as it is.
    let is_free = argument.argument_type == ArgumentType::Words;
    if is_free && !typed.trim().is_empty() && offered.iter().all(|choice| choice.value != typed.trim()) {
        offered.insert(0, Choice::new(typed.trim(), typed.trim()));
    }
    offered.truncate(MOST);
    offered
}

fn templates(app: &App, typed: &str) -> Vec<Choice> {
    let shelf = app.live.templates();
    let all: Vec<Choice> = shelf
        .iter()
        .map(|shelved| {
            let name = shelved.entity_ref.name();
            Choice { value: name.to_owned(), label: name.to_owned(), note: Some(shelved.title().to_owned()) }
        })
        .collect();
    crate::chat::complete(&all, typed).cloned().collect()
}
