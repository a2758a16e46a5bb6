//! The templates of the catalog, each read once: what can be run, and why the others cannot.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value as Json;

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
        let index = bytes.map(|bytes| find_document(bytes, &entity_ref));
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

/// Which of a file's documents declares the entity.
fn find_document(text: &[u8], entity_ref: &EntityRef) -> usize {
    let documents = parse_descriptor(text, &CustomKinds::default());
    let declares = |verdict: &Verdict| matches!(verdict, Verdict::Valid { entity, .. } if entity.entity_ref == *entity_ref);
    documents.iter().find(|document| declares(&document.verdict)).map_or(0, |document| document.doc_index)
}
