//! Commands that an organisation adds without code: a YAML file whose answer is a template over one entity.
//! Must not read files: what they hold is handed in. A fault in one never stops the others.

mod template;

use serde::Deserialize;

use super::{
    Asking,
    answer::{
        names::{channel_of, label, short_ref},
        provenance, subject,
    },
};
use crate::{
    catalog::{Catalog, Entity, EntityRef, Entry, RelationType},
    chat::{
        Access, ArgumentDef, ArgumentType, Arguments, BadCommandFile, Block, Card, CommandDef, CommandSet, CustomCommand,
        CustomCommands, Example, Reply, Status, Text, Visibility, limits::cut,
    },
    settings::FolderFile,
};

/// Commands of one organisation: help must stay readable, and Slack's umbrella has no more room.
const MOST: usize = 100;

/// Longest lead line that is taken from the answer's first paragraph.
const LEAD: usize = 300;

/// Blocks of an answer; more is a document, and has a place of its own.
const BLOCKS: usize = 40;

/// Words that stand before a command's name.
const RESERVED: [&str; 2] = ["share", "steward"];

/// A file of the folder, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    summary: String,
    #[serde(default)]
    details: Option<String>,
    /// One of them is the entity; without any there is `name`.
    #[serde(default)]
    arguments: Option<Vec<ArgumentDef>>,
    #[serde(default)]
    examples: Vec<Example>,
    #[serde(default = "asker")]
    visibility: Visibility,
    #[serde(default = "everyone")]
    access: Access,
    answer: String,
}

fn asker() -> Visibility {
    Visibility::Asker
}

fn everyone() -> Access {
    Access::Everyone
}

/// Reads all files of the folder, in the order given; each that cannot be used is a fault with file and line.
pub fn load(built_in: &CommandSet, files: &[FolderFile]) -> CustomCommands {
    let mut commands: Vec<CustomCommand> = Vec::new();
    let mut faults = Vec::new();
    for file in files {
        match load_one(built_in, &commands, file) {
            Ok(_) if commands.len() == MOST => {
                let message = format!("there are {MOST} commands already; further files are left out");
                faults.push(BadCommandFile { file: file.name.clone(), line: 1, message });
            }
            Ok(command) => commands.push(command),
            Err(fault) => faults.push(fault),
        }
    }
    CustomCommands::new(built_in, commands, faults)
}

fn load_one(built_in: &CommandSet, others: &[CustomCommand], file: &FolderFile) -> Result<CustomCommand, BadCommandFile> {
    let bad = |line: usize, message: String| BadCommandFile { file: file.name.clone(), line, message };
    let text = file.text.as_ref().map_err(|why| bad(1, why.clone()))?;
    let line_of = |key: &str| text.lines().position(|line| line.trim_start().starts_with(key)).map_or(1, |at| at + 1);
    let written: Written = serde_yaml::from_str(text).map_err(|error| {
        let said = error.to_string();
        // The location of an unknown key is that of the whole mapping.
        let key = said.split('`').nth(1).filter(|_| said.contains("unknown field"));
        let line = key.map(|key| line_of(&format!("{key}:"))).or_else(|| error.location().map(|location| location.line()));
        bad(line.unwrap_or(1), said)
    })?;
    let Written { name, summary, details, arguments, examples, visibility, access, answer } = written;
    if built_in.find(&name).is_some() || RESERVED.contains(&name.as_str()) {
        return Err(bad(line_of("name:"), format!("/{name} is a command of Steward's own; choose another name")));
    }
    if let Some(other) = others.iter().find(|other| other.definition.name == name) {
        return Err(bad(line_of("name:"), format!("/{name} is declared by {} already; choose another name", other.file)));
    }
    let arguments = arguments.unwrap_or_else(|| vec![entity_argument()]);
    let entities = arguments.iter().filter(|argument| argument.argument_type == ArgumentType::Entity).count();
    if entities != 1 {
        let message = format!("`arguments` must hold exactly one of type entity, and has {entities}; leave it out to have one");
        return Err(bad(line_of("arguments:"), message));
    }
    if let Some(other) = arguments.iter().find(|argument| argument.argument_type == ArgumentType::Command) {
        return Err(bad(line_of(&format!("- name: {}", other.name)), "an argument cannot be the name of a command".to_owned()));
    }
    let examples = match examples {
        examples if examples.is_empty() => vec![Example { line: format!("{name} payments-api"), says: summary.clone() }],
        examples => examples,
    };
    let definition = CommandDef {
        name,
        summary,
        details,
        arguments,
        phrases: Vec::new(),
        examples,
        visibility,
        access,
        acts: Vec::new(),
        opens_form: false,
        // Slack learns of slash commands by its manifest; behind /steward it works at once.
        slash: false,
        // It changes nothing.
        share: true,
        ready: Default::default(),
    };
    definition.check(&file.name, text)?;
    let at = line_of("answer:");
    let is_block = text.lines().nth(at - 1).and_then(|line| line.split_once(':')).is_some_and(|(_, rest)| {
        let rest = rest.trim();
        rest.starts_with(['|', '>'])
    });
    let line = if is_block { at + 1 } else { at };
    template::check(&answer).map_err(|fault| bad(line + fault.line.saturating_sub(1), fault.message))?;
    Ok(CustomCommand { definition, file: file.name.clone(), line, answer })
}

fn entity_argument() -> ArgumentDef {
    ArgumentDef {
        name: "name".to_owned(),
        summary: "name, alias or full reference".to_owned(),
        argument_type: ArgumentType::Entity,
        required: true,
        channel_team: false,
        choices: Vec::new(),
        min: None,
        max: None,
    }
}

/// Answers one of them.
pub fn answer(catalog: &Catalog, asking: &Asking<'_>, command: &CustomCommand, arguments: &Arguments) -> Reply {
    let name = command.definition.name.as_str();
    let typed = command.definition.entity_argument().and_then(|argument| arguments.find(&argument.name));
    let subject = match subject::resolve(catalog, asking, name, typed.unwrap_or_default()) {
        Ok(subject) => subject,
        Err(reply) => return *reply,
    };
    let entry = &subject.entry;
    let blocks = match template::render(&command.answer, &values(catalog, asking, entry, arguments)) {
        Ok(blocks) => blocks,
        Err(fault) => {
            let line = command.line + fault.line.saturating_sub(1);
            tracing::warn!(command = name, file = command.file, line, fault = fault.message, "a command of your own failed");
            let said = format!("The answer of /{name} could not be made: {}:{line}: {}", command.file, fault.message);
            let lead = format!("{}. Tell whoever looks after your own commands.", said.trim_end_matches('.'));
            return Reply::new(Status::Error, name, lead.into());
        }
    };
    let mut reply = Reply::new(Status::Answered, name, Text::new());
    reply.refs = vec![entry.entity.entity_ref.to_string()];
    fill(&mut reply, &command.definition, &entry.entity, blocks);
    reply.provenance = Some(provenance::of_file(catalog, asking, &entry.origin));
    subject.own_up(&mut reply);
    reply
}

/// The first paragraph is the line that says it all, where it is short enough; the rest is the card.
fn fill(reply: &mut Reply, definition: &CommandDef, entity: &Entity, mut blocks: Vec<Block>) {
    reply.lead = match blocks.first() {
        Some(Block::Paragraph(text)) if text.to_plain().chars().count() <= LEAD => {
            let text = text.clone();
            blocks.remove(0);
            text
        }
        Some(_) => Text::new().bold(entity.label()).say(format!(": {}.", cut(&definition.summary, LEAD))),
        None => Text::new().bold(entity.label()).say(": the answer is empty."),
    };
    if blocks.len() > BLOCKS {
        blocks.truncate(BLOCKS);
        blocks.push(Block::Paragraph("The answer is longer than this.".into()));
    }
    if !blocks.is_empty() {
        reply.cards.push(Card { body: blocks, ..Card::default() });
    }
}

/// What a template can say of an entity.
fn values(catalog: &Catalog, asking: &Asking<'_>, entry: &Entry, arguments: &Arguments) -> serde_json::Value {
    let entity = &entry.entity;
    let known = |of: &EntityRef| serde_json::json!({ "name": label(catalog, of), "ref": short_ref(of) });
    let owner = entity.owner().map(|owner| {
        let mut value = known(owner);
        value["channel"] = serde_json::json!(channel_of(catalog, owner).map(|(channel, _)| channel.name));
        value
    });
    let system = catalog.related(&entity.entity_ref, RelationType::PartOf).first().map(known);
    let links = entity.links.iter().map(|link| {
        serde_json::json!({ "title": link.title.as_deref().unwrap_or(&link.url), "url": link.url, "type": link.link_type })
    });
    serde_json::json!({
        "name": entity.name,
        "namespace": entity.entity_ref.namespace(),
        "ref": short_ref(&entity.entity_ref),
        "title": entity.label(),
        "kind": entity.kind.as_str(),
        "type": entity.spec_type,
        "description": entity.description,
        "owner": owner,
        "system": system,
        "lifecycle": entity.lifecycle,
        "annotations": entity.annotations,
        "labels": entity.labels,
        "tags": entity.tags,
        "links": links.collect::<Vec<_>>(),
        "on_call": on_call(asking, entity),
        "repository": { "name": &*entry.origin.repository, "url": entry.origin.repository_url.as_deref() },
        "arguments": arguments.0,
    })
}

/// Who is on call by any schedule that one of its annotations names.
fn on_call(asking: &Asking<'_>, entity: &Entity) -> Vec<String> {
    let shifts = asking.live.on_call.shifts.iter();
    let named = shifts.filter(|(key, _)| {
        entity.annotations.iter().any(|(annotation, value)| {
            let is_of = key.provider != "pagerduty" || annotation.starts_with("pagerduty.com/");
            is_of && value.trim() == key.id
        })
    });
    let mut names: Vec<String> = Vec::new();
    for person in named.flat_map(|(_, shift)| &shift.now) {
        if !names.contains(&person.name) {
            names.push(person.name.clone());
        }
    }
    names
}
