//! What Steward keeps in memory of an entity: enough to answer, not the whole descriptor.
//! Must not read YAML (that is `descriptor`) nor know other entities (that is `snapshot`).

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{EntityRef, Relation, RelationType};

/// The built-in kinds of Backstage, and those a configuration adds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    Component,
    Api,
    Resource,
    System,
    Domain,
    Group,
    User,
    Location,
    Template,
    /// As the author wrote it.
    Custom(String),
}

impl Kind {
    /// Reads a kind without regard to case, as entity references do.
    pub fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "component" => Self::Component,
            "api" => Self::Api,
            "resource" => Self::Resource,
            "system" => Self::System,
            "domain" => Self::Domain,
            "group" => Self::Group,
            "user" => Self::User,
            "location" => Self::Location,
            "template" => Self::Template,
            _ => Self::Custom(text.to_owned()),
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Component => "Component",
            Self::Api => "API",
            Self::Resource => "Resource",
            Self::System => "System",
            Self::Domain => "Domain",
            Self::Group => "Group",
            Self::User => "User",
            Self::Location => "Location",
            Self::Template => "Template",
            Self::Custom(name) => name,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An entry of `metadata.links`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub url: String,
    pub title: Option<String>,
    #[serde(rename = "type")]
    pub link_type: Option<String>,
}

/// A valid entity, reduced to what answers need; `spec.definition` and unknown spec fields stay in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    pub entity_ref: EntityRef,
    pub kind: Kind,
    /// As the author wrote it; the reference is lower case.
    pub name: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub tags: Vec<String>,
    pub links: Vec<Link>,
    /// `spec.type`.
    pub spec_type: Option<String>,
    /// `spec.lifecycle`.
    pub lifecycle: Option<String>,
    /// `spec.profile.displayName` of a Group or User.
    pub display_name: Option<String>,
    /// `spec.profile.email` of a Group or User.
    pub email: Option<String>,
    /// What this entity itself emits, sorted, without duplicates.
    pub relations: Vec<Relation>,
    /// Names it had before it was renamed in its file, oldest first.
    #[serde(default)]
    pub former_names: Vec<String>,
    /// Of an API: its `spec.definition` is there and says nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub definition_is_blank: bool,
}

/// Whether a definition is only what people write to satisfy the schema, which wants one letter.
fn is_blank_definition(definition: &str) -> bool {
    let lines = definition.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#') && *line != "---");
    let words: Vec<&str> = lines.take(2).collect();
    let says = |word: &str| ["{}", "null", "~", "-", ".", "todo", "tbd", "n/a", "none"].contains(&word.to_lowercase().as_str());
    matches!(words.as_slice(), [] | [_]) && words.iter().all(|word| says(word))
}

impl Entity {
    /// Reads a descriptor that has been found valid.
    ///
    /// `document` is the whole entity as JSON with defaults filled in; fields of unexpected shape are left out.
    pub fn from_document(entity_ref: EntityRef, document: &serde_json::Value, relations: Vec<Relation>) -> Self {
        let metadata = &document["metadata"];
        let spec = &document["spec"];
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        let texts = |value: &serde_json::Value| -> BTreeMap<String, String> {
            let fields = value.as_object().into_iter().flatten();
            fields.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
        };
        let links = metadata["links"].as_array().into_iter().flatten().filter_map(|link| {
            Some(Link { url: text(&link["url"])?, title: text(&link["title"]), link_type: text(&link["type"]) })
        });
        let tags = metadata["tags"].as_array().into_iter().flatten().filter_map(text);
        Self {
            kind: Kind::parse(document["kind"].as_str().unwrap_or_else(|| entity_ref.kind())),
            name: text(&metadata["name"]).unwrap_or_else(|| entity_ref.name().to_owned()),
            title: text(&metadata["title"]),
            description: text(&metadata["description"]),
            labels: texts(&metadata["labels"]),
            annotations: texts(&metadata["annotations"]),
            tags: tags.collect(),
            links: links.collect(),
            spec_type: text(&spec["type"]),
            lifecycle: text(&spec["lifecycle"]),
            display_name: text(&spec["profile"]["displayName"]),
            email: text(&spec["profile"]["email"]),
            relations,
            former_names: Vec::new(),
            definition_is_blank: spec["definition"].as_str().is_some_and(is_blank_definition),
            entity_ref,
        }
    }

    /// What people call it: title or display name where there is one, else the name.
    pub fn label(&self) -> &str {
        self.title.as_deref().or(self.display_name.as_deref()).unwrap_or(&self.name)
    }

    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).map(String::as_str).filter(|value| !value.trim().is_empty())
    }

    /// Targets of one relation type that this entity itself emits.
    pub fn targets(&self, relation_type: RelationType) -> impl Iterator<Item = &EntityRef> {
        self.relations.iter().filter(move |relation| relation.relation_type == relation_type).map(|relation| &relation.target)
    }

    /// The owner the descriptor names, whether it exists or not.
    pub fn owner(&self) -> Option<&EntityRef> {
        self.targets(RelationType::OwnedBy).next()
    }

    /// Other names people use for it: from `steward.dev/aliases` (comma-separated), and those it had before.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        let written = self.annotation("steward.dev/aliases").unwrap_or_default();
        let written = written.split(',').map(str::trim).filter(|alias| !alias.is_empty());
        written.chain(self.former_names.iter().map(String::as_str))
    }
}
