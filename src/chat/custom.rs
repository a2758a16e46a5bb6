//! Commands that an organisation adds without code, as values. Must not read files nor render an answer.

use super::{BadCommandFile, CommandDef, CommandSet};

/// One of them: its definition, and the template of its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomCommand {
    pub definition: CommandDef,
    /// The file it stands in, for faults.
    pub file: String,
    /// The line of that file on which the template's first line stands.
    pub line: usize,
    pub answer: String,
}

/// All of them, as their folder was read last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomCommands {
    pub commands: Vec<CustomCommand>,
    /// Files that cannot be used, and why; the others are.
    pub faults: Vec<BadCommandFile>,
    /// The commands that are built in and these; `None` where there are none of these.
    all: Option<CommandSet>,
}

impl CustomCommands {
    /// Puts them behind those that are built in.
    pub fn new(built_in: &CommandSet, commands: Vec<CustomCommand>, faults: Vec<BadCommandFile>) -> Self {
        let own = commands.iter().map(|command| command.definition.clone());
        let all = (!commands.is_empty()).then(|| CommandSet(built_in.0.iter().cloned().chain(own).collect()));
        Self { commands, faults, all }
    }

    pub fn find(&self, name: &str) -> Option<&CustomCommand> {
        self.commands.iter().find(|command| command.definition.name == name)
    }

    /// What people can say: the commands that are built in, and these.
    pub fn all<'a>(&'a self, built_in: &'a CommandSet) -> &'a CommandSet {
        self.all.as_ref().unwrap_or(built_in)
    }
}
