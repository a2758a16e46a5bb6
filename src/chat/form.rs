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
    },
    Date,
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
        Self { name: name.into(), label: label.into(), help: None, required: Required::Yes, kind, value: None, error: None }
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
