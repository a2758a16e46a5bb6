//! A template's form, said neutrally: pages of fields, each shown while its conditions hold. Read from JSON Schema and the
//! `ui:` words beside it. Must not know how a chat draws a field.

use serde_json::Value as Json;

use super::{definition::Template, form_check::Pages, form_read::read_page};

/// The whole form.
#[derive(Debug)]
pub struct Form {
    pub pages: Vec<Page>,
    pub(super) checks: Pages,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub title: String,
    pub description: Option<String>,
    pub fields: Vec<Field>,
}

/// One question.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Where its value stands among the values: keys from the outside in.
    pub path: Vec<String>,
    pub title: String,
    pub description: Option<String>,
    /// `ui:help`.
    pub help: Option<String>,
    pub placeholder: Option<String>,
    /// The title of the object it is part of.
    pub group: Option<String>,
    pub required: Required,
    pub kind: FieldKind,
    pub default: Option<Json>,
    /// All must hold.
    pub shown_when: Vec<Condition>,
    /// Where it is asked for differently than the template says, why.
    pub note: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Required {
    Yes,
    No,
    /// While these hold.
    When(Vec<Condition>),
}

/// The values of one object among the values fit a schema, or do not.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Where the object stands; empty for all values.
    pub within: Vec<String>,
    pub schema: Json,
    pub fits: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum FieldKind {
    Line(TextLimits),
    Paragraph {
        limits: TextLimits,
        rows: Option<u64>,
    },
    Number {
        min: Option<f64>,
        max: Option<f64>,
        step: Option<f64>,
        whole: bool,
    },
    /// Yes or no, with the words for both.
    Toggle {
        yes: String,
        no: String,
    },
    Date,
    DateTime,
    Select {
        choices: Vec<Choice>,
        style: Style,
    },
    MultiSelect {
        choices: Vec<Choice>,
        style: Style,
        min: Option<u64>,
        max: Option<u64>,
    },
    /// A list of texts.
    Texts {
        min: Option<u64>,
        max: Option<u64>,
        limits: TextLimits,
    },
    /// A list of objects; the fields' paths begin in each.
    Items {
        fields: Vec<Field>,
        min: Option<u64>,
        max: Option<u64>,
    },
    /// Anything else, written as YAML.
    Yaml,
    RepoUrl {
        hosts: Vec<String>,
        owners: Vec<String>,
        organizations: Vec<String>,
        projects: Vec<String>,
        repos: Vec<String>,
    },
    /// Entities of the catalog.
    Entity {
        pick: EntityPick,
        many: bool,
    },
    /// The name of an entity that is to be.
    EntityName,
    Tags {
        min: Option<u64>,
        max: Option<u64>,
    },
    /// Groups that the asker is a member of.
    MyGroups,
    /// Entered elsewhere than in a chat, which has no masked field; never among the values.
    Secret,
    /// Not asked: the value is given.
    Fixed(Json),
    /// Not asked: its description is all there is to it (`type: "null"`).
    Told,
    /// Not asked: the default, or what an expression sets.
    Hidden,
}

/// Which entities may be picked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EntityPick {
    /// `catalogFilter`, or what `allowedKinds` says in its words.
    pub filter: Json,
    pub default_kind: Option<String>,
    pub default_namespace: Option<String>,
    /// Only what the asker owns.
    pub owned: bool,
    /// Something may be written that is no entity.
    pub free: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As the chat likes.
    Usual,
    /// All choices in sight.
    Open,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextLimits {
    pub min: Option<u64>,
    pub max: Option<u64>,
    pub pattern: Option<String>,
    pub format: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub value: Json,
    pub label: String,
}

/// Why a template has no form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("page {page} of the form is no JSON Schema: {reason}")]
pub struct BadForm {
    /// From 1.
    pub page: usize,
    pub reason: String,
}

/// Fields of a form; a modal of any chat is full long before.
pub(super) const MAX_FIELDS: usize = 500;

impl Form {
    pub fn read(template: &Template) -> Result<Self, BadForm> {
        let checks = Pages::read(&template.pages)?;
        let mut pages: Vec<Page> = Vec::new();
        for (index, page) in template.pages.iter().enumerate() {
            let read = read_page(page, &format!("Step {}", index + 1)).map_err(|reason| BadForm { page: index + 1, reason })?;
            pages.push(read);
        }
        Ok(Self { pages, checks })
    }

    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.pages.iter().flat_map(|page| &page.fields)
    }
}
