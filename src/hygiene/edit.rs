//! Changes single values of a descriptor and leaves everything else as its author wrote it: comments, order, quotes,
//! indentation. What cannot be changed so is refused, with the reason; nothing is ever dumped anew.

use std::str::FromStr;

use serde_json::{Map, Value as Json};
use yaml_edit::{Document as YamlDocument, Mapping, YamlFile, YamlNode};

use crate::catalog::{
    descriptor::{Document, Verdict, parse_descriptor},
    kinds::CustomKinds,
};

/// A value that a document shall have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Keys from the outside in: `spec`, `owner`. Those that are missing are added.
    pub path: Vec<String>,
    pub value: String,
}

impl Change {
    pub fn new<'a>(path: impl IntoIterator<Item = &'a str>, value: impl Into<String>) -> Self {
        Self { path: path.into_iter().map(str::to_owned).collect(), value: value.into() }
    }

    /// `metadata.annotations.KEY`.
    pub fn annotate(key: &str, value: impl Into<String>) -> Self {
        Self::new(["metadata", "annotations", key], value)
    }
}

/// Why a descriptor is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditFault {
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    #[error("the file has no document {0}, counted from 0")]
    NoDocument(usize),
    #[error("{0} holds no keys and values, so nothing can be put there")]
    NoMapping(String),
    #[error("{0} cannot be changed without changing something else, too: please change it by hand")]
    Entangled(String),
}

/// The descriptor with the values changed, where that changes nothing else.
pub fn edit(text: &str, doc_index: usize, changes: &[Change], custom_kinds: &CustomKinds) -> Result<String, EditFault> {
    let file = YamlFile::from_str(text).map_err(|error| EditFault::Unreadable(error.to_string()))?;
    let document = file.documents().nth(doc_index).ok_or(EditFault::NoDocument(doc_index))?;
    for change in changes {
        set(&document, change)?;
    }
    let edited = file.to_string();
    let before = parse_descriptor(text.as_bytes(), custom_kinds);
    let after = parse_descriptor(edited.as_bytes(), custom_kinds);
    if !is_meant(&before, &after, doc_index, changes) {
        let names: Vec<String> = changes.iter().map(|change| change.path.join(".")).collect();
        return Err(EditFault::Entangled(names.join(", ")));
    }
    Ok(edited)
}

fn set(document: &YamlDocument, change: &Change) -> Result<(), EditFault> {
    let Some((key, parents)) = change.path.split_last() else { return Ok(()) };
    let mut mapping = document.as_mapping().ok_or_else(|| EditFault::NoMapping("the document".to_owned()))?;
    for (depth, parent) in parents.iter().enumerate() {
        let told = || EditFault::NoMapping(change.path[..=depth].join("."));
        match mapping.get(parent.as_str()) {
            Some(YamlNode::Mapping(_)) => {}
            // `annotations:` with nothing behind it is one that is still to be filled.
            Some(node) if !is_null(&node) => return Err(told()),
            Some(_) | None => mapping.set(parent.as_str(), Mapping::new()),
        }
        mapping = mapping.get_mapping(parent.as_str()).ok_or_else(told)?;
    }
    mapping.set(key.as_str(), change.value.as_str());
    Ok(())
}

fn is_null(node: &YamlNode) -> bool {
    match node {
        YamlNode::Scalar(scalar) => scalar.is_null(),
        _ => false,
    }
}

/// Whether the documents say what they said before, but for the values that were meant.
fn is_meant(before: &[Document], after: &[Document], doc_index: usize, changes: &[Change]) -> bool {
    if before.len() != after.len() {
        return false;
    }
    // What was invalid may be mended by this, or not yet.
    before.iter().zip(after).all(|(old, new)| match (&old.verdict, &new.verdict) {
        _ if old.doc_index != new.doc_index => false,
        (old_verdict, new_verdict) if old.doc_index != doc_index => is_same(old_verdict, new_verdict),
        (Verdict::Valid { document, .. }, Verdict::Valid { document: new, .. }) => {
            let mut wanted = document.clone();
            changes.iter().for_each(|change| put(&mut wanted, &change.path, &change.value));
            wanted == *new
        }
        (Verdict::Invalid { .. }, Verdict::Valid { .. } | Verdict::Invalid { .. }) => true,
        _ => false,
    })
}

fn is_same(old: &Verdict, new: &Verdict) -> bool {
    match (old, new) {
        (Verdict::Valid { document: old, .. }, Verdict::Valid { document: new, .. }) => old == new,
        (Verdict::Invalid { .. }, Verdict::Invalid { .. }) | (Verdict::YamlError { .. }, Verdict::YamlError { .. }) => true,
        _ => false,
    }
}

fn put(json: &mut Json, path: &[String], value: &str) {
    match path.split_first() {
        None => *json = Json::String(value.to_owned()),
        Some((key, rest)) => {
            if !json.is_object() {
                *json = Json::Object(Map::new());
            }
            put(&mut json[key.as_str()], rest, value);
        }
    }
}
