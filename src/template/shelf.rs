//! The templates of the catalog, each read once: what can be run, and why the others cannot.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value as Json};

use super::{
    definition::{Refusal, Template},
    form::{BadForm, Form},
};
use crate::catalog::{
    EntityRef,
    descriptor::{Verdict, find_line, parse_descriptor},
    kinds::CustomKinds,
};

/// All that were read last.
#[derive(Debug, Default)]
pub struct Shelf(BTreeMap<EntityRef, Arc<Shelved>>);

/// One template of the catalog.
#[derive(Debug)]
pub struct Shelved {
    pub entity_ref: EntityRef,
    /// The whole entity.
    pub document: Json,
    /// Its descriptor, where that is at hand: it tells lines.
    pub text: Option<String>,
    /// The template with its form, or all that is wrong with it, each with its line in the descriptor.
    pub read: Result<Runnable, Vec<Refusal>>,
}

/// A template that can be run.
#[derive(Debug)]
pub struct Runnable {
    pub template: Template,
    pub form: Form,
}

impl Shelf {
    pub fn new(templates: impl IntoIterator<Item = Arc<Shelved>>) -> Self {
        Self(templates.into_iter().map(|shelved| (shelved.entity_ref.clone(), shelved)).collect())
    }

    pub fn find(&self, entity_ref: &EntityRef) -> Option<&Arc<Shelved>> {
        self.0.get(entity_ref)
    }

    /// By reference.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Shelved>> {
        self.0.values()
    }
}

impl Shelved {
    /// Reads a template of the catalog; without its descriptor no line is told but the first.
    pub fn read(entity_ref: EntityRef, document: Json, text: Option<String>) -> Self {
        let bytes = text.as_deref().map(str::as_bytes);
        let found = bytes.and_then(|bytes| find_document(bytes, &entity_ref));
        // The store keeps no order of keys, and a form's questions stand in their author's.
        let document = match &found {
            Some((_, written)) => in_written_order(document, written),
            None => document,
        };
        let index = bytes.map(|_| found.map_or(0, |(index, _)| index));
        let line = |path: &[&str]| bytes.zip(index).and_then(|(bytes, index)| find_line(bytes, index, path)).unwrap_or(1);
        let read = Template::read(&document, &line).and_then(|template| match Form::read(&template) {
            Ok(form) => Ok(Runnable { template, form }),
            Err(bad @ BadForm { page, .. }) => {
                let at = (page - 1).to_string();
                Err(vec![Refusal { reason: bad.to_string(), line: line(&["spec", "parameters", &at]) }])
            }
        });
        Self { entity_ref, document, text, read }
    }

    /// As its author calls it.
    pub fn title(&self) -> &str {
        let metadata = &self.document["metadata"];
        metadata["title"].as_str().or(metadata["name"].as_str()).unwrap_or_else(|| self.entity_ref.name())
    }
}

/// Which of a file's documents declares the entity, and that document.
fn find_document(text: &[u8], entity_ref: &EntityRef) -> Option<(usize, Json)> {
    let documents = parse_descriptor(text, &CustomKinds::default());
    documents.into_iter().find_map(|document| match document.verdict {
        Verdict::Valid { entity, document: json } if entity.entity_ref == *entity_ref => Some((document.doc_index, json)),
        Verdict::Valid { .. } | Verdict::Invalid { .. } | Verdict::YamlError { .. } => None,
    })
}

/// The same values with their keys as somebody wrote them; what was put in from elsewhere comes last.
fn in_written_order(stored: Json, written: &Json) -> Json {
    match (stored, written) {
        (Json::Object(mut stored), Json::Object(written)) => {
            let mut ordered = Map::new();
            for (key, written) in written {
                if let Some(value) = stored.shift_remove(key) {
                    ordered.insert(key.clone(), in_written_order(value, written));
                }
            }
            ordered.extend(stored);
            Json::Object(ordered)
        }
        (Json::Array(stored), Json::Array(written)) => {
            let written = written.iter().chain(std::iter::repeat(&Json::Null));
            Json::Array(stored.into_iter().zip(written).map(|(value, written)| in_written_order(value, written)).collect())
        }
        (stored, _) => stored,
    }
}
