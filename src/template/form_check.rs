//! Values against a form: what is hidden is dropped, the rest is judged by the pages' schemas, and each fault is said in
//! plain words beside its field. Must not ask anybody whether an owner exists or a name is free.

use jsonschema::{Draft, ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Map, Value as Json};

use super::{
    expression::{is_template, stringify_json},
    form::{BadForm, Condition, Field, FieldKind, Form},
};

/// Hiding one field may hide another; forms in the wild settle at the second look.
const MAX_LOOKS: usize = 10;

/// The pages' schemas, ready to judge with.
#[derive(Debug)]
pub struct Pages {
    validators: Vec<Validator>,
}

/// What is left of values, and what is wrong with them.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// Without what is hidden, with defaults where nothing was answered.
    pub values: Json,
    pub faults: Vec<Fault>,
}

/// One fault of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field's, or that of something in it.
    pub path: Vec<String>,
    /// A sentence without the field's name: "must be at least 3".
    pub message: String,
}

impl Pages {
    pub fn read(pages: &[Json]) -> Result<Self, BadForm> {
        let validators = pages
            .iter()
            .enumerate()
            .map(|(index, page)| compile(&tidy(page)).map_err(|reason| BadForm { page: index + 1, reason }));
        Ok(Self { validators: validators.collect::<Result<_, _>>()? })
    }
}

fn compile(schema: &Json) -> Result<Validator, String> {
    // Without the network or files: what a $ref names beyond the page is a fault.
    jsonschema::options().with_draft(Draft::Draft7).build(schema).map_err(|error| error.masked().to_string())
}

/// A schema without the words that are no JSON Schema, and without what forms write wrongly and Backstage passes over.
fn tidy(schema: &Json) -> Json {
    match schema {
        Json::Object(map) => {
            let kept = map.iter().filter(|(key, value)| match key.as_str() {
                "required" => value.is_array(),
                "default" | "description" | "title" | "examples" | "$schema" | "errorMessage" => false,
                "enum" => value.as_array().is_some_and(|values| !values.is_empty()),
                key => !key.starts_with("ui:") && !key.starts_with("backstage:"),
            });
            let tidied = kept.map(|(key, value)| {
                let value = match (key.as_str(), value) {
                    // Names are no words of the language.
                    ("properties" | "dependencies" | "definitions" | "$defs" | "patternProperties", Json::Object(named)) => {
                        Json::Object(named.iter().map(|(name, schema)| (name.clone(), tidy(schema))).collect())
                    }
                    ("enum" | "const" | "required", value) => value.clone(),
                    (_, value) => tidy(value),
                };
                (key.clone(), value)
            });
            Json::Object(tidied.collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(tidy).collect()),
        other => other.clone(),
    }
}

impl Condition {
    /// Whether it holds of all values given so far.
    pub fn holds(&self, values: &Json) -> bool {
        let nothing = Json::Object(Map::new());
        let within = find(values, &self.within).unwrap_or(&nothing);
        compile(&tidy(&self.schema)).is_ok_and(|validator| validator.is_valid(within)) == self.fits
    }
}

impl Field {
    pub fn is_shown(&self, values: &Json) -> bool {
        self.shown_when.iter().all(|condition| condition.holds(values))
    }
}

impl Form {
    /// Drops what is hidden, fills in defaults, and judges the rest.
    pub fn check(&self, given: &Json) -> Checked {
        let values = self.settle(given);
        let mut faults = Vec::new();
        for validator in &self.checks.validators {
            for error in validator.iter_errors(&values) {
                add_fault(&error, &mut faults);
            }
        }
        for field in self.fields().filter(|field| field.is_shown(&values)) {
            if let Some(message) = find(&values, &field.path).and_then(|value| judge_picker(&field.kind, value)) {
                faults.push(Fault { path: field.path.clone(), message });
            }
        }
        faults.dedup();
        Checked { values, faults }
    }

    /// The values of the fields that are shown, with defaults.
    fn settle(&self, given: &Json) -> Json {
        let mut values = if given.is_object() { given.clone() } else { Json::Object(Map::new()) };
        for _ in 0..MAX_LOOKS {
            let mut next = values.clone();
            let shown: Vec<bool> = self.fields().map(|field| field.is_shown(&values)).collect();
            for (field, _) in self.fields().zip(&shown).filter(|(_, is_shown)| **is_shown) {
                make_around(&mut next, &field.path);
                let fixed = if let FieldKind::Fixed(value) = &field.kind { Some(value) } else { None };
                let usual = fixed.or(field.default.as_ref());
                if let Some(usual) = usual.filter(|_| find(&values, &field.path).is_none()) {
                    put(&mut next, &field.path, usual.clone());
                }
            }
            // A default may show what else would be dropped.
            if next != values {
                values = next;
                continue;
            }
            for (field, _) in self.fields().zip(&shown).filter(|(_, is_shown)| !**is_shown) {
                let twin = self.fields().zip(&shown).any(|(other, is_shown)| *is_shown && other.path == field.path);
                if !twin {
                    take(&mut next, &field.path);
                }
            }
            if next == values {
                break;
            }
            values = next;
        }
        values
    }
}

fn find<'a>(values: &'a Json, path: &[String]) -> Option<&'a Json> {
    path.iter().try_fold(values, |found, key| found.get(key))
}

fn put(values: &mut Json, path: &[String], value: Json) {
    let Some((last, around)) = path.split_last() else { return };
    let mut place = values;
    for key in around {
        let Json::Object(map) = place else { return };
        place = map.entry(key.clone()).or_insert_with(|| Json::Object(Map::new()));
    }
    if let Json::Object(map) = place {
        map.insert(last.clone(), value);
    }
}

/// An object is there as soon as something in it is asked for, as in the browser's form, so that what it requires is
/// told by name.
fn make_around(values: &mut Json, path: &[String]) {
    if let Some((_, around)) = path.split_last()
        && find(values, around).is_none()
    {
        put(values, around, Json::Object(Map::new()));
    }
}

fn take(values: &mut Json, path: &[String]) {
    let Some((last, around)) = path.split_last() else { return };
    let mut place = values;
    for key in around {
        match place.get_mut(key) {
            Some(inner) => place = inner,
            None => return,
        }
    }
    if let Json::Object(map) = place {
        map.shift_remove(last);
    }
}

fn add_fault(error: &ValidationError<'_>, faults: &mut Vec<Fault>) {
    let path: Vec<String> = error.instance_path().to_string().split('/').skip(1).map(unescape).collect();
    let mut add = |path: Vec<String>, message: String| {
        let fault = Fault { path, message };
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    };
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let mut path = path;
            path.extend(property.as_str().map(str::to_owned));
            add(path, "must be filled in".to_owned());
        }
        ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
            let tells = |error: &ValidationError<'_>| {
                matches!(error.kind(), ValidationErrorKind::Enum { .. } | ValidationErrorKind::Constant { .. })
            };
            // The branch whose telling answer was given is the one that was meant.
            let meant = context.iter().filter(|errors| !errors.is_empty() && !errors.iter().any(tells));
            match meant.min_by_key(|errors| errors.len()) {
                Some(errors) => errors.iter().for_each(|error| add_fault(error, faults)),
                None => add(path, "fits none of the choices".to_owned()),
            }
        }
        kind => add(path, say(kind)),
    }
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

fn say(kind: &ValidationErrorKind) -> String {
    let characters = |limit: u64| if limit == 1 { "1 character".to_owned() } else { format!("{limit} characters") };
    match kind {
        ValidationErrorKind::Pattern { pattern } => format!("must match the pattern {pattern}"),
        ValidationErrorKind::MinLength { limit } => format!("must have at least {}", characters(*limit)),
        ValidationErrorKind::MaxLength { limit } => format!("must have at most {}", characters(*limit)),
        ValidationErrorKind::Minimum { limit } => format!("must be at least {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("must be at most {limit}"),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        ValidationErrorKind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        ValidationErrorKind::MinItems { limit } => format!("must have at least {limit} of them"),
        ValidationErrorKind::MaxItems { limit } => format!("must have at most {limit} of them"),
        ValidationErrorKind::UniqueItems => "must not name one twice".to_owned(),
        ValidationErrorKind::Enum { options } => {
            let options: Vec<String> = options.as_array().into_iter().flatten().map(show).collect();
            format!("must be one of {}", options.join(", "))
        }
        ValidationErrorKind::Constant { expected_value } => format!("must be {}", show(expected_value)),
        ValidationErrorKind::Format { format } => format!("must be written as {format}"),
        ValidationErrorKind::Type { kind } => {
            let told = format!("{kind:?}");
            let name = ["Boolean", "Integer", "Number", "String", "Array", "Object"].into_iter().find(|name| told.contains(name));
            match name {
                Some("Boolean") => "must be yes or no",
                Some("Integer") => "must be a whole number",
                Some("Number") => "must be a number",
                Some("String") => "must be a text",
                Some("Array") => "must be a list",
                Some("Object") => "must be an object of names and values",
                _ => "is not of the right type",
            }
            .to_owned()
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => format!("must not hold {}", unexpected.join(", ")),
        ValidationErrorKind::OneOfMultipleValid { .. } => "fits more than one of the choices".to_owned(),
        _ => "does not fit what the template asks for".to_owned(),
    }
}

fn show(value: &Json) -> String {
    value.as_str().map_or_else(|| stringify_json(value, ""), str::to_owned)
}

/// What schemas do not say of pickers' values.
fn judge_picker(kind: &FieldKind, value: &Json) -> Option<String> {
    let FieldKind::RepoUrl { hosts, owners, organizations, projects, repos } = kind else { return None };
    let written = value.as_str()?;
    let Ok(parts) = super::expression::read_repo_url(written) else {
        return Some("must be written as github.com?owner=OWNER&repo=NAME".to_owned());
    };
    let allowed = [("host", hosts), ("owner", owners), ("organization", organizations), ("project", projects), ("repo", repos)];
    allowed.into_iter().find_map(|(name, allowed)| {
        let (_, part) = parts.iter().find(|(known, _)| *known == name)?;
        // What an expression allows is known to the run alone.
        let is_allowed = allowed.is_empty() || allowed.iter().any(|one| is_template(one) || one.eq_ignore_ascii_case(part));
        (!is_allowed).then(|| format!("must have one of these as {name}: {}", allowed.join(", ")))
    })
}
