//! The rules of every kind as data: which fields it has, what each may hold, which relation it makes.
//! Only says what is right; finding what is wrong in a document is for `descriptor`.
//!
//! The rules are Backstage's, so that what Steward accepts Backstage accepts too
//! (<https://backstage.io/docs/features/software-catalog/descriptor-format>).

mod custom;
mod format;
mod table;

pub use custom::{BadCustomKind, CustomKind, CustomKinds, CustomRelation};
pub use format::TextRule;
pub use table::{BUILT_IN_KINDS, ENVELOPE, METADATA};

use super::RelationType;

/// A built-in kind.
#[derive(Debug)]
pub struct KindRules {
    /// Capitals count.
    pub kind: &'static str,
    pub api_versions: &'static [&'static str],
    pub spec: MapRule,
}

#[derive(Debug)]
pub struct MapRule {
    pub fields: &'static [Field],
    pub others: Others,
}

impl MapRule {
    pub fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }
}

/// Keys that no field names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    Accepted,
    Refused,
    /// Accepted where their value is a text.
    Texts,
}

#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub need: Need,
    pub shape: Shape,
    pub relation: Option<RelationRule>,
    /// How it is written, for the hint where it is missing or of the wrong shape.
    pub example: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Required,
    Optional,
}

#[derive(Debug)]
pub enum Shape {
    Text(TextRule),
    Texts(TextRule),
    /// Free keys, each with a text; the keys are `[prefix/]name`.
    TextMap(TextRule),
    Map(&'static MapRule),
    Maps(&'static MapRule),
    MapOrMaps(&'static MapRule),
    Choice(&'static [&'static str]),
    TextOrBool,
    /// Must stand in the document itself, not in a file that a placeholder names.
    Literal(&'static Shape),
    /// Backstage does not check it, except that references made of it must be readable.
    Unchecked,
}

/// The relation that each reference in a field makes.
#[derive(Debug, Clone, Copy)]
pub struct RelationRule {
    pub relation_type: RelationType,
    /// The kind a reference means that names none.
    pub default_kind: Option<&'static str>,
}
