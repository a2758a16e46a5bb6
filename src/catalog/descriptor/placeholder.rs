//! `$text: ./file` and its like: values that stand in another file.
//! Must not read that file: checking a descriptor needs no network, and whoever has the file hands it in.

use serde_json::Value as Json;

use super::{
    node::{Entry, Map, Node, Value},
    parse_chunk,
    problem::{Problem, shorten},
    split::split_documents,
};

/// What the named file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// `$text`, and the definitions of APIs, whose own references stay as they are.
    Text,
    Json,
    Yaml,
}

/// The bytes of a named file, or why they are not there.
pub type ReadValue<'a> = dyn Fn(&str) -> Result<&'a [u8], NoValue> + 'a;

/// Why a value is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoValue {
    /// Its file may be there, and could not be read now.
    Away(String),
    Absent(String),
}

/// A placeholder that stands as it was written, because its value could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfilled {
    /// Where it stands in the document, as a JSON pointer.
    pub pointer: String,
    pub problem: Problem,
    /// The value may be there; it could not be read now.
    pub is_away: bool,
}

/// What a placeholder of a known name holds, and the node that names its file.
pub fn find_holder(node: &Node) -> Option<(Holds, &Node)> {
    let Value::Map(map) = &node.value else { return None };
    let [entry] = map.entries.as_slice() else { return None };
    let holds = match entry.key.as_str() {
        "$text" | "$openapi" | "$asyncapi" | "$graphql" => Holds::Text,
        "$json" => Holds::Json,
        "$yaml" => Holds::Yaml,
        _ => return None,
    };
    entry.node.as_text().is_some().then_some((holds, &entry.node))
}

/// Puts values in place of their placeholders; what a value holds is taken as it is, placeholders in it included.
///
/// `values_left` is shared with the rest of the file, see [`super::MAX_VALUES`].
pub fn fill_placeholders(root: &mut Node, read: &ReadValue<'_>, values_left: &mut usize) -> Vec<Unfilled> {
    let mut unfilled = Vec::new();
    fill(root, String::new(), read, values_left, &mut unfilled);
    unfilled
}

fn fill(node: &mut Node, pointer: String, read: &ReadValue<'_>, values_left: &mut usize, unfilled: &mut Vec<Unfilled>) {
    if let Some((holds, named)) = find_holder(node) {
        let target = named.as_text().unwrap_or_default().trim();
        match read(target).and_then(|bytes| value_of(holds, bytes, values_left).map_err(NoValue::Absent)) {
            Ok(mut value) => {
                set_mark(&mut value, node);
                *node = value;
            }
            Err(lack) => {
                let is_away = matches!(lack, NoValue::Away(_));
                let (NoValue::Away(why) | NoValue::Absent(why)) = lack;
                let problem = Problem::at(named.mark, format!("{} is not filled in: {why}", shorten(target)));
                unfilled.push(Unfilled { pointer, problem, is_away });
            }
        }
        return;
    }
    match &mut node.value {
        Value::List(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                fill(item, format!("{pointer}/{at}"), read, values_left, unfilled);
            }
        }
        Value::Map(map) => {
            for entry in &mut map.entries {
                let key = entry.key.replace('~', "~0").replace('/', "~1");
                fill(&mut entry.node, format!("{pointer}/{key}"), read, values_left, unfilled);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
    }
}

fn value_of(holds: Holds, bytes: &[u8], values_left: &mut usize) -> Result<Node, String> {
    let mark = super::Mark { line: 1, column: 1 };
    let text = std::str::from_utf8(bytes).map_err(|_| "the file is not text in UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match holds {
        Holds::Text => Ok(Node { mark, value: Value::Text(text.to_owned()) }),
        Holds::Json => {
            let value: Json = serde_json::from_str(text).map_err(|error| format!("the file is no JSON: {error}"))?;
            from_json(value, values_left).ok_or_else(too_many)
        }
        Holds::Yaml => {
            let mut chunks = split_documents(text.as_bytes()).into_iter();
            let (Some(chunk), None) = (chunks.next(), chunks.next()) else {
                return Err("the file must hold one YAML document".to_owned());
            };
            let node = parse_chunk(&chunk, values_left);
            let node = node.map_err(|problem| format!("the file is no YAML, line {}: {problem}", problem.line))?;
            Ok(node.unwrap_or(Node { mark, value: Value::Null }))
        }
    }
}

fn too_many() -> String {
    format!("with it the descriptor would hold more than {} values", super::MAX_VALUES)
}

/// `None` where no more values may be had.
fn from_json(json: Json, values_left: &mut usize) -> Option<Node> {
    let mark = super::Mark { line: 1, column: 1 };
    *values_left = values_left.checked_sub(1)?;
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => Value::Number(number.to_string()),
        Json::String(text) => Value::Text(text),
        Json::Array(items) => Value::List(items.into_iter().map(|item| from_json(item, values_left)).collect::<Option<_>>()?),
        Json::Object(fields) => {
            let entry = |(key, value)| Some(Entry { key, key_mark: mark, node: from_json(value, values_left)? });
            Value::Map(Map { entries: fields.into_iter().map(entry).collect::<Option<_>>()? })
        }
    };
    Some(Node { mark, value })
}

/// Lines in the other file would mislead: a fault in the value is told where the value is named.
fn set_mark(value: &mut Node, named: &Node) {
    value.mark = named.mark;
    match &mut value.value {
        Value::List(items) => items.iter_mut().for_each(|item| set_mark(item, named)),
        Value::Map(map) => {
            for entry in &mut map.entries {
                entry.key_mark = named.mark;
                set_mark(&mut entry.node, named);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
    }
}

/// What a placeholder will give once it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// `$text`, and what merges several files of an API into one text.
    Text,
    /// `$yaml`, `$json` or one that the catalog's operator has added: it may give anything.
    Anything,
}

/// A map with a single key that starts with `$` is a placeholder
/// (<https://backstage.io/docs/features/software-catalog/descriptor-format#substitutions-in-the-descriptor-format>).
pub fn find_placeholder(node: &Node) -> Option<Placeholder> {
    let Value::Map(map) = &node.value else { return None };
    let [entry] = map.entries.as_slice() else { return None };
    match entry.key.strip_prefix('$')? {
        "text" | "openapi" | "asyncapi" => Some(Placeholder::Text),
        _ => Some(Placeholder::Anything),
    }
}

/// The value of a well-known placeholder where it is not a text, so that no file can be meant.
pub fn find_bad_placeholder(node: &Node) -> Option<(&str, &Node)> {
    match &node.value {
        Value::List(items) => items.iter().find_map(find_bad_placeholder),
        Value::Map(map) => match map.entries.as_slice() {
            [entry] if matches!(entry.key.as_str(), "$text" | "$yaml" | "$json" | "$openapi" | "$asyncapi") => {
                entry.node.as_text().is_none().then_some((entry.key.as_str(), &entry.node))
            }
            entries if entries.iter().any(|entry| entry.key.starts_with('$')) => None,
            entries => entries.iter().find_map(|entry| find_bad_placeholder(&entry.node)),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => None,
    }
}
