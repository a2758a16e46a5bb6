//! The relations that an entity itself emits, from the reference fields of its `spec`.
//! Must not know whether the targets exist.

use super::{
    node::{Map, Node, Value},
    placeholder::find_placeholder,
    problem::{Problem, shorten},
};
use crate::catalog::{
    EntityRef, Relation, RelationType,
    kinds::{CustomKind, KindRules},
};

/// A field whose references make relations.
struct ReferenceField<'a> {
    name: &'a str,
    relation_type: RelationType,
    default_kind: Option<&'a str>,
}

/// The relations of a built-in kind, sorted, without duplicates.
pub fn read_relations(rules: &KindRules, spec: Option<&Map>, namespace: &str) -> Result<Vec<Relation>, Problem> {
    let fields = rules.spec.fields.iter().filter_map(|field| {
        let relation = field.relation?;
        Some(ReferenceField { name: field.name, relation_type: relation.relation_type, default_kind: relation.default_kind })
    });
    read_fields(fields, spec, namespace)
}

/// The relations of a custom kind: the usual fields of every kind, and those it declares.
pub fn read_custom_relations(kind: &CustomKind, spec: Option<&Map>, namespace: &str) -> Result<Vec<Relation>, Problem> {
    const USUAL: [ReferenceField<'static>; 4] = [
        ReferenceField { name: "owner", relation_type: RelationType::OwnedBy, default_kind: Some("Group") },
        ReferenceField { name: "system", relation_type: RelationType::PartOf, default_kind: Some("System") },
        ReferenceField { name: "dependsOn", relation_type: RelationType::DependsOn, default_kind: None },
        ReferenceField { name: "dependencyOf", relation_type: RelationType::DependencyOf, default_kind: None },
    ];
    let declared = |name: &str| kind.relations.iter().any(|relation| relation.field == name);
    let usual = USUAL.into_iter().filter(|field| !declared(field.name));
    let own = kind.relations.iter().map(|relation| ReferenceField {
        name: &relation.field,
        relation_type: relation.relation_type,
        default_kind: relation.default_kind.as_deref(),
    });
    read_fields(usual.chain(own), spec, namespace)
}

fn read_fields<'a>(
    fields: impl Iterator<Item = ReferenceField<'a>>,
    spec: Option<&Map>,
    namespace: &str,
) -> Result<Vec<Relation>, Problem> {
    let mut relations = Vec::new();
    for field in fields {
        let Some(node) = spec.and_then(|spec| spec.find(field.name)) else { continue };
        let path = format!("spec.{}", field.name);
        if find_placeholder(node).is_some() || node.is_falsy() {
            continue;
        }
        match &node.value {
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    if find_placeholder(item).is_none() {
                        relations.push(read_one(&field, item, &format!("{path}[{index}]"), namespace)?);
                    }
                }
            }
            _ => relations.push(read_one(&field, node, &path, namespace)?),
        }
    }
    relations.sort();
    relations.dedup();
    Ok(relations)
}

fn read_one(field: &ReferenceField<'_>, node: &Node, path: &str, namespace: &str) -> Result<Relation, Problem> {
    let target = match &node.value {
        Value::Text(text) => EntityRef::parse(text, field.default_kind, namespace).ok(),
        Value::Map(map) => read_compound(map, field.default_kind, namespace),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) => None,
    };
    match target {
        Some(target) => Ok(Relation { relation_type: field.relation_type, target }),
        None => Err(explain(field, node, path)),
    }
}

/// A reference written as `{ kind, namespace, name }`.
fn read_compound(map: &Map, default_kind: Option<&str>, namespace: &str) -> Option<EntityRef> {
    let part = |key: &str| map.find(key).filter(|node| !matches!(node.value, Value::Null));
    let text = |key: &str, default: Option<&str>| match part(key) {
        Some(node) => node.as_text().filter(|text| !text.is_empty()).map(str::to_owned),
        None => default.map(str::to_owned),
    };
    Some(EntityRef::new(&text("kind", default_kind)?, &text("namespace", Some(namespace))?, &text("name", None)?))
}

fn explain(field: &ReferenceField<'_>, node: &Node, path: &str) -> Problem {
    let problem = |message: String| Problem::at(node.mark, message).key(path);
    let Value::Text(text) = &node.value else {
        return problem(format!("{path} holds something that is not a reference"))
            .hint(format!("write references as in {}: [component:payments-api]", field.name));
    };
    let shown = shorten(text);
    let lacks_kind = field.default_kind.is_none() && EntityRef::parse(text, Some("component"), "default").is_ok();
    if lacks_kind {
        problem(format!("{path} is \"{shown}\", which does not say of which kind that is"))
            .hint(format!("write component:{shown}, resource:{shown} or api:{shown}"))
    } else {
        problem(format!("{path} is \"{shown}\", in which a part of the reference is empty"))
            .hint("write [kind:][namespace/]name, as in component:default/payments-api")
    }
}
