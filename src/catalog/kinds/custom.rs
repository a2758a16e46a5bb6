//! Kinds that a configuration adds to the built-in ones.
//! Reads no configuration itself: it is handed the plain values.

use crate::catalog::RelationType;

/// A kind as a configuration declares it.
///
/// `spec.owner`, `spec.system`, `spec.dependsOn` and `spec.dependencyOf` make their usual relations without being declared.
#[derive(Debug, Clone)]
pub struct CustomKind {
    /// Capitals count.
    pub kind: String,
    pub api_versions: Vec<String>,
    /// JSON Schema of `spec`; without one `spec` may hold anything, or be left out.
    pub spec_schema: Option<serde_json::Value>,
    /// Further fields of `spec` that hold one reference or a list of them.
    pub relations: Vec<CustomRelation>,
}

/// A field of a custom kind's `spec` whose references make relations.
#[derive(Debug, Clone)]
pub struct CustomRelation {
    pub field: String,
    pub relation_type: RelationType,
    /// The kind a reference means that names none.
    pub default_kind: Option<String>,
}

/// Why a custom kind cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the schema of kind {kind} is not a JSON Schema: {reason}")]
pub struct BadCustomKind {
    pub kind: String,
    pub reason: String,
}

/// The kinds a configuration adds, ready to check with; empty by default.
#[derive(Debug, Default)]
pub struct CustomKinds(Vec<Compiled>);

#[derive(Debug)]
struct Compiled {
    declared: CustomKind,
    schema: Option<jsonschema::Validator>,
}

/// What a schema finds wrong: where, as a JSON pointer below `spec`, and what, in the schema library's words.
#[derive(Debug)]
pub struct SchemaFault {
    pub pointer: String,
    pub reason: String,
}

impl CustomKinds {
    /// Compiles the schemas once; a schema may not refer to files or the network.
    pub fn new(declared: Vec<CustomKind>) -> Result<Self, BadCustomKind> {
        let compile = |declared: CustomKind| -> Result<Compiled, BadCustomKind> {
            let schema = declared.spec_schema.as_ref().map(jsonschema::validator_for).transpose();
            let schema = schema.map_err(|error| BadCustomKind { kind: declared.kind.clone(), reason: error.to_string() })?;
            Ok(Compiled { declared, schema })
        };
        declared.into_iter().map(compile).collect::<Result<_, _>>().map(Self)
    }

    pub fn find(&self, kind: &str, api_version: &str) -> Option<&CustomKind> {
        self.find_compiled(kind, api_version).map(|compiled| &compiled.declared)
    }

    pub fn iter(&self) -> impl Iterator<Item = &CustomKind> {
        self.0.iter().map(|compiled| &compiled.declared)
    }

    /// The first thing in `spec` that the kind's schema does not accept.
    pub fn find_schema_fault(&self, kind: &str, api_version: &str, spec: &serde_json::Value) -> Option<SchemaFault> {
        let schema = self.find_compiled(kind, api_version)?.schema.as_ref()?;
        let error = schema.iter_errors(spec).next()?;
        Some(SchemaFault { pointer: error.instance_path().to_string(), reason: error.to_string() })
    }

    fn find_compiled(&self, kind: &str, api_version: &str) -> Option<&Compiled> {
        let fits = |compiled: &&Compiled| {
            compiled.declared.kind == kind && compiled.declared.api_versions.iter().any(|version| version == api_version)
        };
        self.0.iter().find(fits)
    }
}
