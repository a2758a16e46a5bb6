//! `$text: ./file` and its like: values that stand in another file.
//! Must not read that file: checking a descriptor needs no network.

use super::node::{Node, Value};

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
