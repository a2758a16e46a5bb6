//! Entity references: `kind:namespace/name`, lower case, as Backstage writes them.
//! Must not know whether the entity exists.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// A full reference `kind:namespace/name`, always lower case; cheap to clone and to compare.
///
/// Backstage compares references without regard to case
/// (<https://backstage.io/docs/features/software-catalog/references>).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityRef(Arc<str>);

/// Why a text is not an entity reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an entity reference; write [kind:][namespace/]name, as in component:default/payments-api")]
pub struct BadEntityRef(pub String);

impl EntityRef {
    /// Joins three parts; the parts are not checked against field formats.
    pub fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self(format!("{kind}:{namespace}/{name}").to_lowercase().into())
    }

    /// Parses `[kind:][namespace/]name`; what is left out comes from the defaults.
    ///
    /// Errors where a part is empty or no kind is known (`default_kind` is `None` and none is written).
    /// Follows `parseEntityRef` of `@backstage/catalog-model`: the first `:` ends the kind unless a `/` stands before it,
    /// the first `/` the namespace.
    pub fn parse(text: &str, default_kind: Option<&str>, default_namespace: &str) -> Result<Self, BadEntityRef> {
        let bad = || BadEntityRef(text.to_owned());
        let colon = text.find(':').filter(|at| !text[..*at].contains('/'));
        let (kind, rest) = match colon {
            Some(at) => (Some(&text[..at]), &text[at + 1..]),
            None => (default_kind, text),
        };
        let (namespace, name) = match rest.find('/') {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (default_namespace, rest),
        };
        let kind = kind.ok_or_else(bad)?;
        if kind.is_empty() || namespace.is_empty() || name.is_empty() {
            return Err(bad());
        }
        Ok(Self::new(kind, namespace, name))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn kind(&self) -> &str {
        self.0.split_once(':').map_or("", |(kind, _)| kind)
    }

    pub fn namespace(&self) -> &str {
        let rest = self.0.split_once(':').map_or("", |(_, rest)| rest);
        rest.split_once('/').map_or("", |(namespace, _)| namespace)
    }

    pub fn name(&self) -> &str {
        let rest = self.0.split_once(':').map_or("", |(_, rest)| rest);
        rest.split_once('/').map_or(rest, |(_, name)| name)
    }
}

impl fmt::Display for EntityRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EntityRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for EntityRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EntityRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        EntityRef::parse(&text, None, "default").map_err(serde::de::Error::custom)
    }
}
