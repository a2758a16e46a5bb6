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
    /// Command lines without the slash.
    pub examples: Vec<Example>,
    pub visibility: Visibility,
    pub access: Access,
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

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArgumentDef {
    pub name: String,
    pub summary: String,
    #[serde(rename = "type")]
    pub argument_type: ArgumentType,
    #[serde(default)]
    pub required: bool,
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

impl CommandSet {
    pub fn find(&self, name: &str) -> Option<&CommandDef> {
        self.0.iter().find(|command| command.name == name)
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
