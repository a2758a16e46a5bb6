//! A template over values of the catalog, to blocks. What the catalog says is text wherever it stands, never Markdown:
//! the template writes a mark for each value, the marks pass through the Markdown, and values take their places after.

use std::{
    io,
    sync::{Arc, Mutex},
};

use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, value::Serde};
use url::Url;

use crate::{
    chat::{Block, ListItem, Span, Text, limits::cut, markdown::parse_markdown},
    nearest::nearest,
};

/// Steps of one answer: a loop over hundreds of links with several filters, and nothing that is felt.
const FUEL: u64 = 20_000;

/// Bytes of what a template writes; the marks of values are a few bytes each.
const OUTPUT: usize = 16 * 1024;

/// Longest value that is put in.
const VALUE: usize = 2_000;

/// Longest template.
const TEMPLATE: usize = 16 * 1024;

/// Around a value's number. Unicode promises never to give these a meaning, and Markdown has none for them.
const OPEN: char = '\u{fdd0}';
const CLOSE: char = '\u{fdd1}';

/// What a template may name.
const NAMES: [&str; 17] = [
    "name",
    "namespace",
    "ref",
    "title",
    "kind",
    "type",
    "description",
    "owner",
    "system",
    "lifecycle",
    "annotations",
    "labels",
    "tags",
    "links",
    "on_call",
    "repository",
    "arguments",
];

/// Why a template cannot be used, or did not come to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// One-based, of the template.
    pub(super) line: usize,
    pub(super) message: String,
}

impl Fault {
    fn new(error: &Error) -> Self {
        let detail = match error.kind() {
            ErrorKind::OutOfFuel => "it takes too many steps; loop over less".to_owned(),
            ErrorKind::WriteFailure => format!("it writes more than {OUTPUT} bytes"),
            kind => match error.detail() {
                Some(detail) => format!("{kind}: {detail}"),
                None => kind.to_string(),
            },
        };
        Self { line: error.line().unwrap_or(1), message: detail }
    }
}

type Put = Arc<Mutex<Vec<String>>>;

fn environment(put: &Put) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    // These would let a value through as it is, or ask for an escaping that is not done here.
    for name in ["safe", "escape", "e"] {
        environment.remove_filter(name);
    }
    environment.remove_global("debug");
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("marks".into()));
    let put = Arc::clone(put);
    environment.set_formatter(move |out, _, value| {
        if value.is_safe() {
            // A piece of this very template, captured: it holds marks already.
            return out.write_str(value.as_str().unwrap_or_default()).map_err(Error::from);
        }
        let words = words(value);
        if words.is_empty() {
            return Ok(());
        }
        let mut put = put.lock().expect("nothing panics while it holds this lock");
        put.push(words);
        write!(out, "{OPEN}{}{CLOSE}", put.len() - 1).map_err(Error::from)
    });
    environment
}

/// A value as words: nothing for what is absent, its name for an owner or system, a list joined.
fn words(value: &Value) -> String {
    if value.is_undefined() || value.is_none() {
        return String::new();
    }
    let named = value.get_attr("name").ok().filter(|name| !name.is_undefined() && !name.is_none());
    let text = match (value.as_str(), named) {
        (Some(text), _) => text.to_owned(),
        (None, Some(name)) => name.to_string(),
        (None, None) => match value.kind() {
            minijinja::value::ValueKind::Seq | minijinja::value::ValueKind::Iterable => {
                let items = value.try_iter().into_iter().flatten().map(|item| words(&item));
                items.filter(|item| !item.is_empty()).collect::<Vec<_>>().join(", ")
            }
            _ => value.to_string(),
        },
    };
    let text: String = text.chars().filter(|letter| !matches!(*letter, OPEN | CLOSE)).collect();
    cut(text.trim(), VALUE)
}

/// Checks a template before anybody asks: its syntax, the names it uses, and one run over an entity without anything.
pub(super) fn check(template: &str) -> Result<(), Fault> {
    if template.len() > TEMPLATE {
        return Err(Fault { line: 1, message: format!("the answer is longer than {TEMPLATE} bytes") });
    }
    if let Some(line) = template.lines().position(|line| line.contains([OPEN, CLOSE])) {
        return Err(Fault { line: line + 1, message: "it holds a character that is no character (U+FDD0, U+FDD1)".to_owned() });
    }
    if let Some(line) = template.lines().position(leads_elsewhere) {
        return Err(Fault {
            line: line + 1,
            message: "a template stands alone: there is no include, import or extends".to_owned(),
        });
    }
    let put = Put::default();
    let environment = environment(&put);
    let parsed = environment.template_from_str(template).map_err(|error| Fault::new(&error))?;
    let globals: Vec<&str> = environment.globals().map(|(name, _)| name).collect();
    let mut unknown: Vec<String> = parsed.undeclared_variables(false).into_iter().collect();
    unknown.retain(|name| !NAMES.contains(&name.as_str()) && !globals.contains(&name.as_str()) && name != "loop");
    unknown.sort();
    if let Some(name) = unknown.first() {
        let hint = match nearest(name, NAMES) {
            Some(known) => format!("did you mean {known}?"),
            None => format!("known are {}", NAMES.join(", ")),
        };
        let line = template.lines().position(|line| line.contains(name.as_str())).map_or(1, |at| at + 1);
        return Err(Fault { line, message: format!("there is nothing called {name:?}; {hint}") });
    }
    match write(&environment, template, &serde_json::json!({})) {
        Ok(_) => Ok(()),
        // Arithmetic on what this entity lacks is no fault of the template.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidOperation | ErrorKind::UndefinedError) => Ok(()),
        Err(error) => Err(Fault::new(&error)),
    }
}

/// Whether a line would bring another template in; nothing is there to be brought, which a run alone would not always tell.
fn leads_elsewhere(line: &str) -> bool {
    line.split("{%").skip(1).any(|tag| {
        let word = tag.trim_start_matches(['-', '+']).split_whitespace().next();
        matches!(word, Some("include" | "import" | "from" | "extends"))
    })
}

/// Renders the answer.
pub(super) fn render(template: &str, values: &serde_json::Value) -> Result<Vec<Block>, Fault> {
    let put = Put::default();
    let written = write(&environment(&put), template, values).map_err(|error| Fault::new(&error))?;
    let values = std::mem::take(&mut *put.lock().expect("nothing panics while it holds this lock"));
    let sections = parse_markdown(&written, &|target| address(target, &values));
    let mut blocks = Vec::new();
    for section in sections {
        if !section.title.is_empty() {
            blocks.push(Block::Heading(section.title));
        }
        blocks.extend(section.blocks);
    }
    for block in &mut blocks {
        put_into(block, &values);
    }
    Ok(blocks)
}

fn write(environment: &Environment<'_>, template: &str, values: &serde_json::Value) -> Result<String, Error> {
    let mut out = Bounded(Vec::new());
    environment.template_from_str(template)?.render_captured_to(Value::from(Serde(values)), &mut out)?;
    Ok(String::from_utf8_lossy(&out.0).into_owned())
}

/// Takes no more than [`OUTPUT`].
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "the answer is too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A link's target. A value that is the whole beginning of it is an address itself; elsewhere it is a piece of one.
fn address(target: &str, values: &[String]) -> Option<String> {
    let encode = |at: usize, value: &str| match at {
        0 => value.to_owned(),
        _ => {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
            value.bytes().map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
        }
    };
    let whole = fill(target, values, &encode);
    let url = Url::parse(whole.trim()).ok()?;
    matches!(url.scheme(), "http" | "https" | "mailto").then(|| url.to_string())
}

/// Puts the values in the places of their marks. `each` gets where the mark stands.
fn fill(text: &str, values: &[String], each: &dyn Fn(usize, &str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(OPEN) {
        out.push_str(&rest[..start]);
        let inside = &rest[start + OPEN.len_utf8()..];
        let Some(end) = inside.find(CLOSE) else {
            rest = inside;
            continue;
        };
        if let Some(value) = inside[..end].parse().ok().and_then(|at: usize| values.get(at)) {
            out.push_str(&each(out.len(), value));
        }
        rest = &inside[end + CLOSE.len_utf8()..];
    }
    out.push_str(rest);
    out
}

fn put_into(block: &mut Block, values: &[String]) {
    match block {
        Block::Heading(text) | Block::Paragraph(text) | Block::Quote(text) | Block::Warning(text) => put_into_text(text, values),
        Block::Code { language, text } => {
            if let Some(language) = language {
                *language = one_line(language, values);
            }
            *text = fill(text, values, &|_, value| value.to_owned());
        }
        Block::List { style: _, items } => {
            for ListItem { depth: _, checked: _, text } in items {
                put_into_text(text, values);
            }
        }
        Block::Table { header, rows } => {
            header.iter_mut().chain(rows.iter_mut().flatten()).for_each(|cell| put_into_text(cell, values));
        }
        Block::Picture { url: _, says } => *says = one_line(says, values),
        Block::Divider => {}
    }
}

fn put_into_text(text: &mut Text, values: &[String]) {
    for span in &mut text.0 {
        match span {
            Span::Plain(words) | Span::Bold(words) | Span::Italic(words) | Span::Strike(words) | Span::Code(words) => {
                *words = one_line(words, values);
            }
            // The address was made when the link was read.
            Span::Link { label, url: _ } => *label = one_line(label, values),
            Span::Person(_) | Span::Channel(_) | Span::Time(_) | Span::LineBreak => {}
        }
    }
}

/// A value of several lines would break out of a line that is only one.
fn one_line(text: &str, values: &[String]) -> String {
    fill(text, values, &|_, value| value.split_whitespace().collect::<Vec<_>>().join(" "))
}
