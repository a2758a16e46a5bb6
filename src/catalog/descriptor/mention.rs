//! What a document names outside of itself: further descriptors, runbooks, docs, and files that hold values.
//! Must not find or read them: `wants` says where they are, a source reads them.

use super::{
    node::{Map, Node, Value},
    placeholder::{Holds, find_holder},
};

/// One file, folder or address that a document names, as its author wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    pub what: Mentioned,
    pub target: String,
    /// The file's line, from 1, on which it is named.
    pub line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mentioned {
    /// A target of a Location: a descriptor, or a glob of several.
    Descriptor(Presence),
    /// The `type` of a Location that names no files.
    OtherLocation,
    /// `steward.dev/runbook`.
    Runbook,
    /// `backstage.io/techdocs-ref`.
    Docs,
    /// The value of a placeholder.
    Value(Holds),
}

/// Whether a Location's target has to be there (`spec.presence`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    Required,
    Optional,
}

/// The annotation that names a runbook.
pub const RUNBOOK: &str = "steward.dev/runbook";
/// The annotation that says where the docs are.
pub const DOCS: &str = "backstage.io/techdocs-ref";

/// All mentions of a document, in its order.
pub fn find_mentions(root: &Node) -> Vec<Mention> {
    let mut mentions = Vec::new();
    let Some(map) = root.as_map() else { return mentions };
    if map.find("kind").and_then(Node::as_text) == Some("Location")
        && let Some(spec) = map.find("spec").and_then(Node::as_map)
    {
        find_targets(spec, &mut mentions);
    }
    let annotations = map.find("metadata").and_then(Node::as_map).and_then(|metadata| metadata.find("annotations"));
    if let Some(annotations) = annotations.and_then(Node::as_map) {
        for (key, what) in [(RUNBOOK, Mentioned::Runbook), (DOCS, Mentioned::Docs)] {
            if let Some(node) = annotations.find(key) {
                mention(node, what, &mut mentions);
            }
        }
    }
    find_values(root, &mut mentions);
    mentions
}

fn mention(node: &Node, what: Mentioned, mentions: &mut Vec<Mention>) {
    if let Some(target) = node.as_text().map(str::trim).filter(|target| !target.is_empty()) {
        mentions.push(Mention { what, target: target.to_owned(), line: node.mark.line });
    }
}

/// <https://backstage.io/docs/features/software-catalog/descriptor-format#kind-location>
fn find_targets(spec: &Map, mentions: &mut Vec<Mention>) {
    if let Some(node) = spec.find("type")
        && !matches!(node.as_text(), Some("file" | "url"))
    {
        return mention(node, Mentioned::OtherLocation, mentions);
    }
    let is_optional = spec.find("presence").and_then(Node::as_text) == Some("optional");
    let what = Mentioned::Descriptor(if is_optional { Presence::Optional } else { Presence::Required });
    if let Some(node) = spec.find("target") {
        mention(node, what, mentions);
    }
    if let Some(Node { value: Value::List(targets), .. }) = spec.find("targets") {
        for node in targets {
            mention(node, what, mentions);
        }
    }
}

fn find_values(node: &Node, mentions: &mut Vec<Mention>) {
    if let Some((holds, target)) = find_holder(node) {
        return mention(target, Mentioned::Value(holds), mentions);
    }
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| find_values(item, mentions)),
        Value::Map(map) => map.entries.iter().for_each(|entry| find_values(&entry.node, mentions)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
    }
}

/// Whether a placeholder stands anywhere in it, also one that names nothing.
pub fn holds_placeholders(node: &Node) -> bool {
    find_holder(node).is_some()
        || match &node.value {
            Value::List(items) => items.iter().any(holds_placeholders),
            Value::Map(map) => map.entries.iter().any(|entry| holds_placeholders(&entry.node)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => false,
        }
}
