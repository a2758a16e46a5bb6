//! The pages of a template's form as a chat asks them: what hangs on an answer of a page is asked on the next one.
//! Must not know how a question is drawn; everything is computed anew from the answers so far, so nothing is kept.

use serde_json::Value as Json;

use super::{
    given::put,
    question::{find, is_asked, weight},
};
use crate::template::form::{Condition, Field, Form};

/// Questions on one page. A modal of Slack's holds 100 blocks, and a question with its error takes up to three.
const QUESTIONS: usize = 30;

/// Questions that hang on one another, on one page of a template; the corpus has three at most.
const MAX_LAYERS: usize = 8;

/// What is asked at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet<'f> {
    /// Of the template's pages.
    pub page: usize,
    /// Whether it is the first of that page.
    pub is_first: bool,
    pub fields: Vec<&'f Field>,
}

impl Sheet<'_> {
    /// Whether a fault of this path stands beside one of its questions.
    pub fn field(&self, path: &[String]) -> Option<&Field> {
        self.fields.iter().copied().find(|field| path.starts_with(&field.path))
    }
}

/// The sheets that are asked, given these values; each has a question.
pub fn sheets<'f>(form: &'f Form, values: &Json) -> Vec<Sheet<'f>> {
    let mut sheets: Vec<Sheet<'f>> = Vec::new();
    for (page, written) in form.pages.iter().enumerate() {
        let layers = layers(&written.fields);
        let mut is_first = true;
        for layer in 0..MAX_LAYERS {
            let of_layer = written.fields.iter().zip(&layers).filter(|(_, at)| **at == layer).map(|(field, _)| field);
            let mut fields: Vec<&Field> = Vec::new();
            let mut weighs = 0;
            let mut close = |fields: &mut Vec<&'f Field>, sheets: &mut Vec<Sheet<'f>>| {
                if !fields.is_empty() {
                    sheets.push(Sheet { page, is_first, fields: std::mem::take(fields) });
                    is_first = false;
                }
            };
            for field in of_layer.filter(|field| is_asked(field) && field.is_shown(values)) {
                // One property may be described twice; it is asked once.
                let asked = |sheet: &Sheet<'_>| sheet.fields.iter().any(|known| known.path == field.path);
                if sheets.iter().any(asked) || fields.iter().any(|known| known.path == field.path) {
                    continue;
                }
                if weighs + weight(field) > QUESTIONS {
                    close(&mut fields, &mut sheets);
                    weighs = 0;
                }
                weighs += weight(field);
                fields.push(field);
            }
            close(&mut fields, &mut sheets);
        }
    }
    sheets
}

/// How many answers of its own page stand between a field and being asked.
fn layers(fields: &[Field]) -> Vec<usize> {
    let asked: Vec<Vec<Vec<String>>> = fields.iter().map(|field| field.shown_when.iter().flat_map(paths).collect()).collect();
    let hangs_on = |at: usize, other: usize| {
        let (field, other) = (&fields[at], &fields[other]);
        let meets = |path: &Vec<String>| path.starts_with(&other.path) || other.path.starts_with(path);
        field.path != other.path && is_asked(other) && asked[at].iter().any(meets)
    };
    let mut layers = vec![0; fields.len()];
    for _ in 0..MAX_LAYERS {
        let next: Vec<usize> = (0..fields.len())
            .map(|at| {
                let before = (0..fields.len()).filter(|other| hangs_on(at, *other)).map(|other| layers[other] + 1).max();
                before.unwrap_or(0).min(MAX_LAYERS - 1)
            })
            .collect();
        if next == layers {
            break;
        }
        layers = next;
    }
    layers
}

/// The values that a condition asks for.
fn paths(condition: &Condition) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    collect(&condition.schema, &condition.within, &mut found);
    found
}

fn collect(schema: &Json, within: &[String], found: &mut Vec<Vec<String>>) {
    let at = |name: &str| within.iter().cloned().chain([name.to_owned()]).collect::<Vec<_>>();
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        found.push(at(name));
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = at(name);
        collect(inner, &path, found);
        found.push(path);
    }
    for part in ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|word| schema[word].as_array()).flatten() {
        collect(part, within, found);
    }
    for part in ["not", "if", "then", "else"].into_iter().filter(|word| schema[*word].is_object()) {
        collect(&schema[part], within, found);
    }
}

/// What has to be carried from page to page: the answers that no default gives again.
pub fn carried(form: &Form, values: &Json) -> Json {
    let mut kept = values.clone();
    for field in form.fields().filter(|field| field.is_shown(values)) {
        let given = find(values, &field.path);
        if given.is_some() && (given == field.default.as_ref() || !is_asked(field)) {
            put(&mut kept, &field.path, None);
        }
    }
    kept
}
