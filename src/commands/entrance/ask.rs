//! What a typed text means: a command line, or the reply that offers the nearest readings.
//! Must not answer: the line is run as if it had been typed.

use crate::{
    catalog::{Catalog, Found, Kind, Level, Sighting, Sought},
    chat::{ArgumentType, Button, CommandDef, CommandSet, LineFault, Question, Reading, Reply, Status, Text, limits::cut},
    commands::{Asking, LONGEST_LINE},
};

/// Readings that are offered where none is sure; more would be a list to study.
const OFFERED: usize = 3;

/// Longer questions stand in alerts that somebody forwarded; what comes after this is not read.
const LONGEST_QUESTION: usize = 4_000;

/// A shorter beginning of a name is the beginning of too many.
const SHORTEST_BEGINNING: usize = 3;

/// What is offered about a name where the words say nothing.
const USUAL: [&str; 3] = ["owner", "runbook", "deps"];

/// What a text came to.
#[derive(Debug)]
pub enum Understood {
    /// As good as typed.
    Line(String),
    Reply(Box<Reply>),
}

/// Reads a command line or a plain question; which names there are decides between readings.
pub fn understand(commands: &CommandSet, catalog: &Catalog, asking: &Asking<'_>, text: &str) -> Understood {
    let parsed = commands.parse_command(text);
    if commands.is_command(text) || parsed == Err(LineFault::Empty) {
        return Understood::Line(text.to_owned());
    }
    let question = commands.read_question(&cut(text, LONGEST_QUESTION));
    let is_known =
        |reading: &&Reading| reading.if_known && reading.names.iter().all(|name| knows(catalog, asking, reading, name));
    let named = question.readings.iter().find(is_known).or_else(|| question.sure());
    let pointing = question.readings.iter().find(|reading| reading.points);
    // "ledger is slow. What breaks if it goes down?" names it in what is told and asks in what follows.
    let asks_more = |named: &&Reading| pointing.is_none_or(|pointing| !pointing.says_more_than(named));
    if let Some(reading) = named.filter(asks_more) {
        return Understood::Line(reading.line.clone());
    }
    let names = names_in(catalog, text);
    if let Some(reading) = pointing {
        return match names.as_slice() {
            [name] => Understood::Line(reading.about(name)),
            _ => Understood::Reply(Box::new(which_one(reading, &names))),
        };
    }
    match parsed {
        Err(LineFault::UnknownCommand { typed, nearest }) => {
            Understood::Reply(Box::new(not_understood(commands, &question, text, &typed, &nearest, &names)))
        }
        Err(LineFault::Empty | LineFault::BadArguments { .. }) | Ok(_) => Understood::Line(text.to_owned()),
    }
}

/// Whether the catalog knows the name well enough that a reading which depends on it is meant.
fn knows(catalog: &Catalog, asking: &Asking<'_>, reading: &Reading, name: &str) -> bool {
    if name.starts_with("<@") {
        return true;
    }
    let is_about_people = reading.command == "whois";
    let kinds: &[Kind] = if is_about_people { &[Kind::User, Kind::Group] } else { &[] };
    match catalog.look_up(Sought { kinds, ..asking.sought(name) }) {
        Found::One { level, .. } | Found::Several { level, .. } => match level {
            Level::Exact | Level::Alias => true,
            Level::Prefix | Level::Token => is_about_people && name.chars().count() >= SHORTEST_BEGINNING,
            Level::Inside | Level::Typo => false,
        },
        Found::None { .. } => false,
    }
}

/// What the text names, best first; alone where it is certain.
fn names_in(catalog: &Catalog, text: &str) -> Vec<String> {
    let seen = catalog.sightings(&[text.to_owned()]);
    let name = |sighting: &Sighting| sighting.entry.entity.entity_ref.to_string();
    match seen.certain {
        Some(certain) => vec![name(&certain)],
        None => seen.others.iter().map(name).collect(),
    }
}

/// "Which one?" with a button for each name that stands in the text.
fn which_one(reading: &Reading, names: &[String]) -> Reply {
    let lead = if names.is_empty() {
        "Which one? Name it, as in “who owns payments-api?”; or use “Who owns this?” in the menu of the message."
    } else {
        "Which one of these?"
    };
    let mut reply =
        Reply::new(if names.is_empty() { Status::NotFound } else { Status::Ambiguous }, &reading.command, lead.into());
    reply.refs = names.to_vec();
    reply.buttons = names.iter().take(OFFERED).map(|name| offer(&reading.about(name))).collect();
    reply.buttons.push(Button::say("All commands", "help"));
    reply
}

fn offer(line: &str) -> Button {
    Button::say(cut(&format!("/{}", line.replace("component:default/", "").replace(":default/", ":")), 75), line)
}

/// The nearest readings as buttons.
fn not_understood(
    commands: &CommandSet,
    question: &Question,
    text: &str,
    typed: &str,
    nearest: &[String],
    names: &[String],
) -> Reply {
    if question.rest.is_empty() {
        let lead = "At your service. Ask for example who owns something, what breaks with it, or for its runbook.";
        let mut reply = Reply::new(Status::Answered, "", lead.into());
        reply.buttons.push(Button::say("All commands", "help"));
        return reply;
    }
    let mut lines: Vec<String> = Vec::new();
    let mut add = |line: String| {
        let command = line.split(' ').next().unwrap_or_default();
        let is_new = !lines.iter().any(|known| known.split(' ').next() == Some(command))
            && line.chars().count() <= 100
            && lines.len() < OFFERED;
        if is_new && commands.is_command(&line) {
            lines.push(line);
        }
    };
    let unknown = question.readings.iter().filter(|reading| !reading.is_bare());
    unknown.clone().for_each(|reading| add(reading.line.clone()));
    // A slip in the command's own name, with the arguments as they were typed.
    if let Some(rest) = question_rest(text, typed) {
        nearest.iter().for_each(|command| add(format!("{command} {rest}").trim().to_owned()));
    }
    let alike = commands.alike(text);
    let takes_name = |command: &&str| commands.find(command).is_some_and(takes_name);
    let meant = nearest.iter().chain(&alike).map(String::as_str).chain(USUAL).filter(takes_name);
    for (at, command) in meant.enumerate() {
        if let Some(name) = names.get(at % names.len().max(1)) {
            add(format!("{command} {name}"));
        }
    }
    if names.is_empty() && question.rest.chars().count() <= LONGEST_LINE {
        add(format!("find {}", question.rest));
    }
    let unknown = unknown.flat_map(|reading| &reading.names).next();
    let lead = match nearest {
        _ if let Some(name) = unknown => format!("The catalog has nothing called “{}”.", cut(name, 40)),
        [only, ..] => format!("There is no command “{}”. Did you mean /{only}?", cut(typed, 40)),
        [] if lines.is_empty() => "That is no question Steward can read.".to_owned(),
        [] => "That is no question Steward can read. Is one of these meant?".to_owned(),
    };
    let mut reply = Reply::new(Status::NotFound, "", Text::plain(lead));
    reply.buttons = lines.iter().map(|line| offer(line)).collect();
    for command in nearest.iter().map(String::as_str).chain(USUAL) {
        if reply.buttons.len() < OFFERED && commands.find(command).is_some() {
            let about = Button::say(format!("About {command}"), format!("help {command}"));
            if !reply.buttons.contains(&about) {
                reply.buttons.push(about);
            }
        }
    }
    reply.buttons.push(Button::say("All commands", "help"));
    reply
}

fn takes_name(command: &CommandDef) -> bool {
    command.arguments.first().is_some_and(|argument| argument.argument_type == ArgumentType::Entity)
}

/// What was typed behind the first word.
fn question_rest<'t>(text: &'t str, first: &str) -> Option<&'t str> {
    let text = text.trim().trim_start_matches('/');
    let (word, rest) = text.split_once(char::is_whitespace)?;
    (word.to_lowercase() == first && !rest.contains('\n')).then(|| rest.trim())
}
