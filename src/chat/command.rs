//! Command definitions as data: `commands/*.yaml` are the single source for parsing, help, the Slack manifest and
//! Discord's registration. Must not know what a command does.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::UserError;

/// One chat command, as its YAML file declares it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandDef {
    /// What is typed: lower-case letters, at most 32 (Discord's limit).
    pub name: String,
    /// One line, at most 100 characters (Discord's limit), no full stop.
    pub summary: String,
    /// What help shows below the summary.
    #[serde(default)]
    pub details: Option<String>,
    #[serde(default)]
    pub arguments: Vec<ArgumentDef>,
    /// Questions that mean this command, lower case, in the language of [`super::Phrase`]: "who owns".
    #[serde(default)]
    pub phrases: Vec<String>,
    #[serde(skip)]
    pub ready: super::ReadPhrases,
    /// Command lines without the slash.
    pub examples: Vec<Example>,
    pub visibility: Visibility,
    /// Whether an answer that the asker alone sees may be shown to their channel, and to all where all heard the question.
    #[serde(default)]
    pub share: bool,
    pub access: Access,
    /// What it can do besides answering, for whom; an act that is not named here is for whoever may use the command.
    #[serde(default)]
    pub acts: Vec<ActDef>,
    /// Whether it can open a form; Slack's trigger is kept for it.
    #[serde(default)]
    pub opens_form: bool,
    /// Whether Slack gets a slash command of this name (`/help` is Slack's own).
    #[serde(default = "yes")]
    pub slash: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    pub line: String,
    pub says: String,
}

/// An act of a command with access of its own: `catalog sync`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActDef {
    /// A word of one of the command's choices, or what the command calls it.
    pub name: String,
    pub access: Access,
    /// What comes after "only admins may": "start a sync".
    pub does: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArgumentDef {
    pub name: String,
    pub summary: String,
    #[serde(rename = "type")]
    pub argument_type: ArgumentType,
    #[serde(default)]
    pub required: bool,
    /// Left out in the channel of a team, it means that team; elsewhere it is asked for.
    #[serde(default)]
    pub channel_team: bool,
    /// For `choice`: the words.
    #[serde(default)]
    pub choices: Vec<String>,
    /// For `number`: the word before it (`depth 3`), and its bounds, both inclusive.
    #[serde(default)]
    pub min: Option<i64>,
    #[serde(default)]
    pub max: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArgumentType {
    /// A name of an entity, may hold several words ("payments api").
    Entity,
    /// One of `choices`.
    Choice,
    /// Written after its own name: `depth 3`.
    Number,
    /// All that is left.
    Words,
    /// The name of a command.
    Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Visibility {
    Asker,
    Everyone,
}

/// Who may use a command; a command's own acts can ask for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    Everyone,
    /// Somebody the catalog knows as a User.
    Members,
    /// Who owns the entity it is about, or is in the team that does; admins too.
    Owners,
    Admins,
}

/// A command line taken apart against its definition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arguments(pub BTreeMap<String, String>);

impl Arguments {
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// All commands, in the order help shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSet(pub Vec<CommandDef>);

/// A definition that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct BadCommandFile {
    pub file: String,
    /// One-based; 1 where the fault is in the whole file.
    pub line: usize,
    pub message: String,
}

/// Discord's limits for a command (<https://discord.com/developers/docs/interactions/application-commands>).
const NAME_MAX: usize = 32;
const SUMMARY_MAX: usize = 100;

impl CommandSet {
    /// Reads definitions from `(file name, YAML)` pairs and checks each, its examples included; keeps their order.
    pub fn load<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, BadCommandFile> {
        let mut commands: Vec<CommandDef> = Vec::new();
        for (file, text) in files {
            let bad = |line: usize, message: String| BadCommandFile { file: file.to_owned(), line, message };
            let command: CommandDef = serde_yaml::from_str(text)
                .map_err(|error| bad(error.location().map_or(1, |location| location.line()), error.to_string()))?;
            let line_of = |needle: &str| text.lines().position(|line| line.contains(needle)).map_or(1, |at| at + 1);
            let stem = file.strip_suffix(".yaml").unwrap_or(file);
            if command.name != stem {
                return Err(bad(line_of("name:"), format!("`name` must be {stem}, as the file is called")));
            }
            if commands.iter().any(|other| other.name == command.name) {
                return Err(bad(line_of("name:"), format!("there is a command {} already", command.name)));
            }
            command.check(file, text)?;
            commands.push(command);
        }
        Ok(Self(commands))
    }

    pub fn find(&self, name: &str) -> Option<&CommandDef> {
        self.0.iter().find(|command| command.name == name)
    }
}

impl CommandDef {
    /// Checks what every platform asks of a command, and that its examples can be read; `text` is what the file holds.
    pub fn check(&self, file: &str, text: &str) -> Result<(), BadCommandFile> {
        let bad = |line: usize, message: String| BadCommandFile { file: file.to_owned(), line, message };
        let line_of = |needle: &str| text.lines().position(|line| line.contains(needle)).map_or(1, |at| at + 1);
        let is_name = |name: &str| !name.is_empty() && name.len() <= NAME_MAX && name.chars().all(|c| c.is_ascii_lowercase());
        if !is_name(&self.name) {
            return Err(bad(line_of("name:"), format!("`name` must be at most {NAME_MAX} lower-case letters")));
        }
        let summaries = self.arguments.iter().map(|argument| &argument.summary).chain([&self.summary]);
        for summary in summaries {
            if summary.is_empty() || summary.chars().count() > SUMMARY_MAX || summary.ends_with('.') {
                let message = format!("a summary is one line of at most {SUMMARY_MAX} characters without a full stop");
                return Err(bad(line_of(summary), message));
            }
        }
        for phrase in &self.phrases {
            if let Err(fault) = super::Phrase::parse(phrase, self) {
                return Err(bad(line_of(phrase), fault.to_string()));
            }
        }
        let alone = CommandSet(vec![self.clone()]);
        for example in &self.examples {
            if let Err(fault) = alone.parse_line(&example.line) {
                return Err(bad(line_of(&example.line), format!("the example cannot be read: {fault:?}")));
            }
        }
        Ok(())
    }

    pub fn find_act(&self, name: &str) -> Option<&ActDef> {
        self.acts.iter().find(|act| act.name == name)
    }

    /// The argument that stands for one thing of the catalog.
    pub fn entity_argument(&self) -> Option<&ArgumentDef> {
        self.arguments.iter().find(|argument| argument.argument_type == ArgumentType::Entity)
    }
}

/// Why a line could not be read as a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineFault {
    Empty,
    /// With the nearest command names, best first.
    UnknownCommand {
        typed: String,
        nearest: Vec<String>,
    },
    /// The command is known; its arguments are not right.
    BadArguments {
        command: String,
        error: UserError,
    },
}
