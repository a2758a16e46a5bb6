//! Multi-page forms, platform-neutral and stateless: what a submit needs travels in the form.
//! Must not know how a platform draws a field.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Text, Value};

/// One form as it is shown now: a page of it, and where the person is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// The command whose form it is; a submit goes back to it.
    pub id: String,
    /// At most [`super::limits::FORM_TITLE`] characters after the door's cut.
    pub title: String,
    /// Zero-based.
    pub page: usize,
    pub pages: usize,
    pub intro: Text,
    pub fields: Vec<Field>,
    /// The button's word: "Next", "Send".
    pub submit: String,
    pub state: FormState,
}

/// What is carried from page to page: the subject and all answers so far.
///
/// Serialised it stays under Slack's 3,000 bytes of `private_metadata`; a door refuses to open a larger one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FormState {
    /// What the form is about, an entity reference for instance.
    #[serde(rename = "s", default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    #[serde(rename = "v", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Value>,
}

impl FormState {
    /// Takes over the answers of a page, of the fields that it asks; a field that is not asked is not answered.
    pub fn take(&mut self, fields: &[Field], mut given: BTreeMap<String, Value>) {
        for field in fields {
            if let Some(value) = given.remove(&field.name) {
                self.values.insert(field.name.clone(), value);
            }
        }
        self.forget_hidden(fields);
    }

    /// Forgets the answers of fields that are no longer asked, because an answer they hang on has changed. Those that
    /// hang on a forgotten one go too, whatever their order.
    pub fn forget_hidden(&mut self, fields: &[Field]) {
        let mut forgot = true;
        while forgot {
            let hidden: Vec<&str> =
                fields.iter().filter(|field| !field.is_shown(self)).map(|field| field.name.as_str()).collect();
            let before = self.values.len();
            self.values.retain(|name, _| !hidden.contains(&name.as_str()));
            forgot = self.values.len() < before;
        }
    }
}

/// An earlier answer on which a question hangs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownWhen {
    /// A field of an earlier page.
    pub field: String,
    /// The question is asked where the answer is, or holds, one of these.
    pub is_one_of: Vec<String>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    pub name: String,
    pub label: String,
    pub help: Option<String>,
    pub required: Required,
    pub kind: FieldKind,
    pub value: Option<Value>,
    /// Why the last answer was not taken.
    pub error: Option<String>,
    /// Asked always where there is no condition.
    #[serde(default)]
    pub shown_when: Option<ShownWhen>,
}

/// Whether a number may have a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decimals {
    #[default]
    No,
    Yes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Required {
    Yes,
    No,
}

/// How a question is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FieldKind {
    Line {
        placeholder: Option<String>,
        max: Option<usize>,
    },
    Paragraph {
        placeholder: Option<String>,
        max: Option<usize>,
    },
    Number {
        min: Option<i64>,
        max: Option<i64>,
        #[serde(default)]
        decimals: Decimals,
    },
    Date,
    /// Past [`super::limits::Limits::grouped_options`] a door may ask for the options by what is typed, as it does for a look-up.
    Select {
        choices: Vec<Choice>,
    },
    MultiSelect {
        choices: Vec<Choice>,
    },
    Radio {
        choices: Vec<Choice>,
    },
    Checkboxes {
        choices: Vec<Choice>,
    },
    /// Typeahead over the catalog, of one of these kinds (`group`, `component`; empty: any).
    Lookup {
        kinds: Vec<String>,
        placeholder: Option<String>,
    },
}

/// One option of a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub note: Option<String>,
}

impl Choice {
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), note: None }
    }
}

impl Field {
    /// A required field without help or value.
    pub fn new(name: impl Into<String>, label: impl Into<String>, kind: FieldKind) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            help: None,
            required: Required::Yes,
            kind,
            value: None,
            error: None,
            shown_when: None,
        }
    }

    /// Whether the question is asked, given the answers so far.
    pub fn is_shown(&self, state: &FormState) -> bool {
        let Some(ShownWhen { field, is_one_of }) = &self.shown_when else { return true };
        match state.values.get(field) {
            None => false,
            Some(Value::Text(text)) => is_one_of.contains(text),
            Some(Value::Many(texts)) => texts.iter().any(|text| is_one_of.contains(text)),
        }
    }

    /// Asked only where an answer of an earlier page is one of these.
    #[must_use]
    pub fn shown_when<'a>(mut self, field: &str, is_one_of: impl IntoIterator<Item = &'a str>) -> Self {
        let is_one_of = is_one_of.into_iter().map(str::to_owned).collect();
        self.shown_when = Some(ShownWhen { field: field.to_owned(), is_one_of });
        self
    }

    #[must_use]
    pub fn optional(mut self) -> Self {
        self.required = Required::No;
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The choices whose label, value or note holds all words that were typed; those that begin so first.
pub fn complete<'c>(choices: &'c [Choice], typed: &str) -> impl Iterator<Item = &'c Choice> {
    let typed = typed.trim().to_lowercase();
    let mut found: Vec<(bool, &Choice)> = choices
        .iter()
        .filter_map(|choice| {
            let Choice { value, label, note } = choice;
            let all = format!("{label} {value} {}", note.as_deref().unwrap_or_default()).to_lowercase();
            let fits = typed.split_whitespace().all(|word| all.contains(word));
            fits.then(|| (!label.to_lowercase().starts_with(&typed), choice))
        })
        .collect();
    found.sort_by_key(|(later, _)| *later);
    found.into_iter().map(|(_, choice)| choice)
}
