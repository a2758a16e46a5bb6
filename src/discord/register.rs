//! What Discord has to be told of the commands, generated from their definitions, and the line that a use of one stands for.
//! Must not list anything by hand that `commands/*.yaml` says.
//!
//! <https://discord.com/developers/docs/interactions/application-commands>.

use serde::{Deserialize, Serialize};

use crate::chat::{ArgumentDef, ArgumentType, CommandDef, CommandSet, limits::DISCORD, width::fit};

/// Commands of each kind that an application may have.
const MOST_COMMANDS: usize = 100;

/// What is written into one option.
const OPTION_WIDTH: u16 = 300;

/// The entry in the menu of a message.
pub const WHO_OWNS_THIS: &str = "Who owns this?";

/// One command, as it is registered and as Discord gives it back; what we do not set is not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    pub name: String,
    /// 1 is typed, 3 is in the menu of a message.
    #[serde(rename = "type", default = "typed")]
    pub kind: u8,
    /// Empty for what is in a menu.
    #[serde(default)]
    pub description: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<RegisteredOption>,
}

fn typed() -> u8 {
    1
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredOption {
    /// 3 is a text, 4 a whole number.
    #[serde(rename = "type")]
    pub kind: u8,
    pub name: String,
    pub description: String,
    #[serde(default)]
    pub required: bool,
    /// What is typed is completed by us.
    #[serde(default)]
    pub autocomplete: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<RegisteredChoice>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_value: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_value: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredChoice {
    pub name: String,
    pub value: String,
}

/// All commands, as one request registers them in place of all that were.
pub fn registration(commands: &CommandSet) -> Vec<Registered> {
    let typed = commands.0.iter().take(MOST_COMMANDS).map(register);
    let menu = Registered { name: WHO_OWNS_THIS.to_owned(), kind: 3, description: String::new(), options: Vec::new() };
    typed.chain([menu]).collect()
}

/// Whether Discord knows these already, in whatever order.
pub fn is_registered(wanted: &[Registered], known: &[Registered]) -> bool {
    let by_name = |commands: &[Registered]| {
        let mut commands = commands.to_vec();
        commands.sort_by(|one, other| (one.kind, &one.name).cmp(&(other.kind, &other.name)));
        commands
    };
    by_name(wanted) == by_name(known)
}

fn register(command: &CommandDef) -> Registered {
    // Discord wants what must be there first; the line puts each where it belongs.
    let (needed, others): (Vec<_>, Vec<_>) = command.arguments.iter().partition(|argument| is_needed(argument));
    let options = needed.into_iter().chain(others).take(DISCORD.options).map(option).collect();
    Registered { name: command.name.clone(), kind: 1, description: summary(&command.summary), options }
}

/// In the channel of a team some arguments can be left out; who leaves them out elsewhere is asked.
fn is_needed(argument: &ArgumentDef) -> bool {
    argument.required && !argument.channel_team
}

fn option(argument: &ArgumentDef) -> RegisteredOption {
    let ArgumentDef { name, summary: says, argument_type, required: _, channel_team: _, choices, min, max } = argument;
    let is_few = choices.len() <= DISCORD.options;
    let choices = choices.iter().filter(|_| is_few).map(|word| RegisteredChoice { name: word.clone(), value: word.clone() });
    let choices: Vec<RegisteredChoice> = choices.collect();
    let is_number = *argument_type == ArgumentType::Number;
    let autocomplete = match argument_type {
        ArgumentType::Entity | ArgumentType::Command | ArgumentType::Words => true,
        ArgumentType::Choice => choices.is_empty(),
        ArgumentType::Number => false,
    };
    RegisteredOption {
        kind: if is_number { 4 } else { 3 },
        name: name.clone(),
        description: summary(says),
        required: is_needed(argument),
        autocomplete,
        max_length: (!is_number && choices.is_empty()).then_some(OPTION_WIDTH),
        choices,
        min_value: min.filter(|_| is_number),
        max_value: max.filter(|_| is_number),
    }
}

fn summary(words: &str) -> String {
    const SUMMARY_WIDTH: usize = 100;
    fit(words, SUMMARY_WIDTH).into_owned()
}

/// The line that a command with these options stands for, `deps payments-api up depth 3`.
pub fn line_of(command: &CommandDef, given: &[(String, String)]) -> String {
    let is_free = |argument: &&ArgumentDef| !matches!(argument.argument_type, ArgumentType::Choice | ArgumentType::Number);
    let last_free = command.arguments.iter().rfind(is_free);
    let mut line = command.name.clone();
    for argument in &command.arguments {
        let Some((_, value)) = given.iter().find(|(name, _)| *name == argument.name) else { continue };
        let value = value.trim();
        if value.is_empty() {
            continue;
        }
        line.push(' ');
        match argument.argument_type {
            ArgumentType::Number => line.push_str(&format!("{} {value}", argument.name)),
            ArgumentType::Choice => line.push_str(value),
            ArgumentType::Entity | ArgumentType::Words | ArgumentType::Command => {
                // Before another name, one is a word.
                let is_several = value.contains(' ') && last_free != Some(argument);
                if (is_several || is_mistakable(command, value)) && !value.contains('"') {
                    line.push_str(&format!("\"{value}\""));
                } else {
                    line.push_str(value);
                }
            }
        }
    }
    line
}

/// Whether the whole value is a word that the command knows: in quotes it is a name.
fn is_mistakable(command: &CommandDef, value: &str) -> bool {
    let is_word = |argument: &ArgumentDef| argument.choices.iter().any(|word| word.eq_ignore_ascii_case(value));
    command.arguments.iter().any(is_word)
}
