//! Holds a document against the rules of its fields and words the first thing that does not fit.
//! Knows no kind by name: what is right stands in `kinds`.

use super::{
    node::{Map, Mark, Node, Value},
    placeholder::{Placeholder, find_placeholder},
    problem::{Problem, shorten},
};
use crate::catalog::kinds::{BUILT_IN_KINDS, Field, METADATA, MapRule, Need, Others, Shape, TextRule};

/// Where a map stands, for what is said about its keys.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Empty for the document itself.
    pub path: &'a str,
    /// Of the key that holds the map.
    pub mark: Mark,
    /// The whole document: a missing key may stand elsewhere in it.
    pub document: &'a Map,
}

/// Checks the fields in the rule's order, then the keys that the rule does not know.
pub fn check_map(map: &Map, rule: &MapRule, place: Place<'_>) -> Result<(), Problem> {
    for field in rule.fields {
        match map.find(field.name) {
            Some(node) => check_value(node, &field.shape, &join(place.path, field.name), field.example, place)?,
            None if field.need == Need::Required => return Err(explain_missing(field, map, rule, place)),
            None => {}
        }
    }
    if rule.others == Others::Accepted {
        return Ok(());
    }
    for entry in map.entries.iter().filter(|entry| !rule.has_field(&entry.key)) {
        if rule.others == Others::Refused {
            return Err(explain_foreign(&entry.key, entry.key_mark, rule, place));
        }
        check_value(&entry.node, &Shape::Text(TextRule::Any), &join(place.path, &entry.key), "", place)?;
    }
    Ok(())
}

fn check_value(node: &Node, shape: &Shape, path: &str, example: &str, place: Place<'_>) -> Result<(), Problem> {
    let gives = find_placeholder(node);
    if let Shape::Literal(inner) = shape {
        if gives.is_none() {
            return check_value(node, inner, path, example, place);
        }
        let problem = Problem::at(node.mark, format!("{path} is taken from another file")).key(path);
        return Err(problem.hint(format!("write it here, as in {example}")));
    }
    if gives == Some(Placeholder::Anything) {
        return Ok(());
    }
    let wrong_shape = |wanted: &str| {
        let found = if gives.is_some() { "a text (from a file)".to_owned() } else { describe(node) };
        Err(Problem::at(node.mark, format!("{path} is {found} and must be {wanted}"))
            .key(path)
            .hint(hint_shape(node, shape, example)))
    };
    match shape {
        Shape::Unchecked | Shape::Literal(_) => Ok(()),
        Shape::Text(_) | Shape::TextOrBool | Shape::Choice(_) if gives.is_some() => Ok(()),
        Shape::Text(rule) => match node.as_text() {
            Some(text) => check_text(text, *rule, node.mark, path),
            None => wrong_shape("a text"),
        },
        Shape::TextOrBool => match &node.value {
            Value::Text(_) | Value::Bool(_) => Ok(()),
            Value::Null | Value::Number(_) | Value::List(_) | Value::Map(_) => wrong_shape("a text, true or false"),
        },
        Shape::Choice(choices) => match node.as_text() {
            Some(text) if choices.contains(&text) => Ok(()),
            _ => Err(Problem::at(node.mark, format!("{path} is {}, which it cannot be", describe(node)))
                .key(path)
                .hint(format!("write one of: {}", choices.join(", ")))),
        },
        Shape::Texts(rule) => match &node.value {
            Value::List(items) => items.iter().enumerate().try_for_each(|(index, item)| {
                check_value(item, &Shape::Text(*rule), &format!("{path}[{index}]"), example, place)
            }),
            _ => wrong_shape("a list of texts"),
        },
        Shape::TextMap(rule) => match &node.value {
            Value::Map(map) if gives.is_none() => check_text_map(map, *rule, path, place),
            _ => wrong_shape("a map of texts"),
        },
        Shape::Map(rule) => match &node.value {
            Value::Map(map) if gives.is_none() => check_map(map, rule, Place { path, mark: node.mark, ..place }),
            _ => wrong_shape("a map"),
        },
        Shape::Maps(rule) => match &node.value {
            Value::List(items) => check_maps(items, rule, path, example, place),
            _ => wrong_shape("a list of maps"),
        },
        Shape::MapOrMaps(rule) => match &node.value {
            Value::Map(map) if gives.is_none() => check_map(map, rule, Place { path, mark: node.mark, ..place }),
            Value::List(items) => check_maps(items, rule, path, example, place),
            _ => wrong_shape("a map or a list of maps"),
        },
    }
}

fn check_maps(items: &[Node], rule: &'static MapRule, path: &str, example: &str, place: Place<'_>) -> Result<(), Problem> {
    items
        .iter()
        .enumerate()
        .try_for_each(|(index, item)| check_value(item, &Shape::Map(rule), &format!("{path}[{index}]"), example, place))
}

fn check_text_map(map: &Map, rule: TextRule, map_path: &str, place: Place<'_>) -> Result<(), Problem> {
    for entry in &map.entries {
        let path = join(map_path, &entry.key);
        if !TextRule::Key.accepts(&entry.key) {
            let shown = shorten(&entry.key);
            let problem = Problem::at(entry.key_mark, format!("{map_path} has the key \"{shown}\", which is not a valid one"));
            return Err(problem.key(path).hint(TextRule::Key.describe()));
        }
        check_value(&entry.node, &Shape::Text(rule), &path, "", place)?;
    }
    Ok(())
}

fn check_text(text: &str, rule: TextRule, mark: Mark, path: &str) -> Result<(), Problem> {
    if rule.accepts(text) {
        return Ok(());
    }
    let shown = shorten(text);
    let message = match rule {
        _ if text.trim().is_empty() => format!("{path} is empty"),
        TextRule::Url => format!("{path} is \"{shown}\", which is not a whole address"),
        _ => format!("{path} is \"{shown}\", which is not a valid {}", rule.noun()),
    };
    let hint = if text.contains("{{") || text.contains("{%") {
        "this belongs to a template: check the file that the template makes, not its skeleton".to_owned()
    } else {
        match rule.suggest(text) {
            Some(suggestion) => format!("write for example {suggestion}: {}", rule.describe()),
            None => rule.describe().to_owned(),
        }
    };
    Err(Problem::at(mark, message).key(path).hint(hint))
}

fn explain_missing(field: &Field, map: &Map, rule: &MapRule, place: Place<'_>) -> Problem {
    let path = join(place.path, field.name);
    let message = format!("{path} is missing");
    let unknown = map.entries.iter().filter(|entry| !rule.has_field(&entry.key));
    let meant = unknown.filter(|entry| is_close(&entry.key, field.name)).map(|entry| (&entry.key, entry.key_mark)).next();
    if let Some((written, mark)) = meant {
        return Problem::at(mark, message).key(path).hint(format!(
            "did you mean that by {}? write {}",
            shorten(written),
            field.name
        ));
    }
    let problem = Problem::at(place.mark, message).key(path);
    if let Some((elsewhere, mark)) = find_elsewhere(field.name, place) {
        return problem.hint(format!("move {} here from {elsewhere} (line {})", field.name, mark.line));
    }
    let below = if place.path.is_empty() { String::new() } else { format!(" below {}", place.path) };
    problem.hint(format!("add{below}: {}", field.example))
}

/// A key that belongs into `spec` is often written beside it, or into `metadata`, and the other way round.
fn find_elsewhere(name: &str, place: Place<'_>) -> Option<(&'static str, Mark)> {
    let nested = |section: &str| place.document.find(section).and_then(Node::as_map).and_then(|map| map.find_entry(name));
    let candidates = [
        ("", "the top level", place.document.find_entry(name)),
        ("metadata", "metadata", nested("metadata")),
        ("spec", "spec", nested("spec")),
    ];
    // The kind of thing a nested list or map misses is not found in another section.
    if !matches!(place.path, "" | "metadata" | "spec") {
        return None;
    }
    candidates.into_iter().filter(|(path, _, _)| *path != place.path).find_map(|(_, said, entry)| Some((said, entry?.key_mark)))
}

fn explain_foreign(key: &str, mark: Mark, rule: &MapRule, place: Place<'_>) -> Problem {
    let shown = shorten(key);
    let problem = Problem::at(mark, format!("{shown} cannot stand at the top level of a descriptor")).key(join(place.path, key));
    let known: Vec<&str> = rule.fields.iter().map(|field| field.name).collect();
    let is_free = |name: &str| !place.document.entries.iter().any(|entry| entry.key == name);
    if let Some(meant) = known.iter().find(|name| is_close(key, name) && is_free(name)) {
        return problem.hint(format!("did you mean {meant}?"));
    }
    if BUILT_IN_KINDS.iter().any(|kind| kind.spec.has_field(key)) {
        problem.hint("move it below spec")
    } else if METADATA.has_field(key) {
        problem.hint("move it below metadata")
    } else {
        problem.hint(format!("remove it, or move it below spec; only {} stand there", known.join(", ")))
    }
}

/// Whether one is likely a misspelling of the other.
pub fn is_close(written: &str, known: &str) -> bool {
    let (written, known) = (written.to_ascii_lowercase(), known.to_ascii_lowercase());
    let allowed = if known.len() <= 4 { 1 } else { 2 };
    // Long keys cost the square of their length to compare.
    written.len().abs_diff(known.len()) <= allowed && strsim::osa_distance(&written, &known) <= allowed
}

/// How a value is called in a message.
pub fn describe(node: &Node) -> String {
    match &node.value {
        Value::Null => "empty".to_owned(),
        Value::Bool(value) => format!("the truth value {value}"),
        Value::Number(raw) => format!("the number {}", shorten(raw)),
        Value::Text(text) if text.is_empty() => "an empty text".to_owned(),
        Value::Text(text) => format!("the text \"{}\"", shorten(text)),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a map".to_owned(),
    }
}

fn hint_shape(node: &Node, shape: &Shape, example: &str) -> String {
    let text_wanted = matches!(shape, Shape::Text(_) | Shape::TextOrBool);
    match &node.value {
        Value::Number(raw) if text_wanted => format!("put it in quotes: \"{}\"", shorten(raw)),
        Value::Bool(value) if text_wanted => format!("put it in quotes: \"{value}\""),
        Value::Map(map) if text_wanted && map.entries.iter().any(|entry| matches!(entry.node.value, Value::Null)) => {
            "if this is an expression in {{ }}, put it in quotes".to_owned()
        }
        Value::Text(text) if matches!(shape, Shape::Texts(_)) && !text.is_empty() => {
            format!("write it as a list: [{}]", shorten(text))
        }
        Value::Null if example.is_empty() => "write a text, or remove the key".to_owned(),
        _ if example.is_empty() => "write a text".to_owned(),
        _ => format!("write it as in {example}"),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { shorten(key) } else { format!("{path}.{}", shorten(key)) }
}
