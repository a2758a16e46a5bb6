//! Runs any GraphQL query over the model: validates it against `schema.graphql` as GitHub does, then resolves it field by field.

use std::{collections::HashMap, sync::LazyLock};

use graphql_parser::{
    query::{self as q, Definition, Field, OperationDefinition, Selection, TypeCondition},
    schema as s,
};
use serde_json::{Map, Value as Json, json};

use super::{
    model::Model,
    resolve::{Node, Resolved, resolve},
    validate::validate,
};

pub type QueryField<'q> = Field<'q, String>;
type Fragments<'q> = HashMap<&'q str, &'q q::FragmentDefinition<'q, String>>;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let document = s::parse_schema::<String>(include_str!("schema.graphql")).expect("our schema parses").into_static();
    let types = document.definitions.into_iter().filter_map(|definition| match definition {
        s::Definition::TypeDefinition(kind) => Some((type_name(&kind).to_owned(), kind)),
        _ => None,
    });
    Schema { types: types.collect() }
});

pub struct Schema {
    pub types: HashMap<String, s::TypeDefinition<'static, String>>,
}

fn type_name<'a>(kind: &'a s::TypeDefinition<'static, String>) -> &'a str {
    match kind {
        s::TypeDefinition::Scalar(it) => &it.name,
        s::TypeDefinition::Object(it) => &it.name,
        s::TypeDefinition::Interface(it) => &it.name,
        s::TypeDefinition::Union(it) => &it.name,
        s::TypeDefinition::Enum(it) => &it.name,
        s::TypeDefinition::InputObject(it) => &it.name,
    }
}

impl Schema {
    /// Fields of an object or interface.
    pub fn fields(&self, kind: &str) -> Option<&[s::Field<'static, String>]> {
        match self.types.get(kind)? {
            s::TypeDefinition::Object(it) => Some(&it.fields),
            s::TypeDefinition::Interface(it) => Some(&it.fields),
            _ => None,
        }
    }

    pub fn find_field(&self, kind: &str, field: &str) -> Option<&s::Field<'static, String>> {
        self.fields(kind)?.iter().find(|it| it.name == field)
    }

    /// Whether an object of this type is meant by `... on condition`.
    fn is_a(&self, kind: &str, condition: &str) -> bool {
        let object = match self.types.get(kind) {
            Some(s::TypeDefinition::Object(object)) => object,
            _ => return false,
        };
        kind == condition || object.implements_interfaces.iter().any(|name| name == condition)
    }
}

/// What a run may need besides the model.
pub struct Limits {
    pub limit: u64,
    pub remaining: u64,
    pub reset_at: String,
    /// The connection ends here once although there is more.
    pub end_early: bool,
}

/// A run's outcome: the body, and the size of the largest page asked for.
pub struct Outcome {
    pub body: Json,
    pub largest_first: i64,
}

/// Answers one request body.
pub fn execute(model: &Model, limits: &Limits, request: &Json) -> Outcome {
    let failed = |errors: Vec<Json>| Outcome { body: json!({ "errors": errors }), largest_first: 0 };
    let Some(text) = request["query"].as_str() else {
        return failed(vec![json!({ "message": "A query attribute must be specified and must be a string." })]);
    };
    let document = match q::parse_query::<String>(text) {
        Ok(document) => document,
        Err(error) => return failed(vec![json!({ "message": format!("Parse error on {error}") })]),
    };
    let mut fragments = Fragments::new();
    let mut operation = None;
    for definition in &document.definitions {
        match definition {
            Definition::Fragment(fragment) => drop(fragments.insert(&fragment.name, fragment)),
            Definition::Operation(OperationDefinition::Query(query)) => {
                operation = Some((&query.selection_set, &query.variable_definitions[..]))
            }
            Definition::Operation(OperationDefinition::SelectionSet(set)) => operation = Some((set, &[][..])),
            Definition::Operation(_) => return failed(vec![json!({ "message": "The fake serves queries only." })]),
        }
    }
    let Some((set, variables)) = operation else {
        return failed(vec![json!({ "message": "No operation found." })]);
    };
    let errors = validate(&SCHEMA, set, &fragments, variables);
    if !errors.is_empty() {
        return failed(errors);
    }
    let values = match variable_values(variables, &request["variables"]) {
        Ok(values) => values,
        Err(error) => return failed(vec![error]),
    };
    let mut run = Run { model, limits, fragments, values, errors: Vec::new(), largest_first: 0 };
    let data = run.select(&Node::Query, &[set], &mut Vec::new());
    let mut body = Map::new();
    body.insert("data".to_owned(), data.unwrap_or(Json::Null));
    if !run.errors.is_empty() {
        body.insert("errors".to_owned(), Json::Array(run.errors));
    }
    Outcome { body: Json::Object(body), largest_first: run.largest_first }
}

fn variable_values(definitions: &[q::VariableDefinition<'_, String>], given: &Json) -> Result<HashMap<String, Json>, Json> {
    let mut values = HashMap::new();
    for definition in definitions {
        let name = &definition.name;
        let value = match given.get(name) {
            Some(value) => value.clone(),
            None => match &definition.default_value {
                Some(value) => constant(value, &HashMap::new()),
                None => Json::Null,
            },
        };
        if value.is_null() && matches!(definition.var_type, q::Type::NonNullType(_)) {
            let message = format!("Variable ${name} of type {} was provided invalid value", definition.var_type);
            return Err(
                json!({ "message": message, "extensions": { "value": null, "problems": [{ "path": [], "explanation": "Expected value to not be null" }] } }),
            );
        }
        values.insert(name.clone(), value);
    }
    Ok(values)
}

fn constant(value: &q::Value<'_, String>, variables: &HashMap<String, Json>) -> Json {
    match value {
        q::Value::Variable(name) => variables.get(name).cloned().unwrap_or(Json::Null),
        q::Value::Int(number) => json!(number.as_i64()),
        q::Value::Float(number) => json!(number),
        q::Value::String(text) | q::Value::Enum(text) => json!(text),
        q::Value::Boolean(yes) => json!(yes),
        q::Value::Null => Json::Null,
        q::Value::List(items) => items.iter().map(|item| constant(item, variables)).collect(),
        q::Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), constant(value, variables))).collect(),
    }
}

/// An error that empties one field.
pub struct FieldError {
    pub kind: &'static str,
    pub message: String,
}

pub struct Run<'m, 'q> {
    pub model: &'m Model,
    pub limits: &'m Limits,
    fragments: Fragments<'q>,
    values: HashMap<String, Json>,
    pub errors: Vec<Json>,
    pub largest_first: i64,
}

impl<'m, 'q> Run<'m, 'q> {
    /// The fields of an object; `None` where a field that may not be null is, so that the object itself is null.
    fn select(&mut self, node: &Node<'m>, sets: &[&'q q::SelectionSet<'q, String>], path: &mut Vec<Json>) -> Option<Json> {
        let kind = node.type_name();
        let mut groups: Vec<(&'q str, Vec<&'q QueryField<'q>>)> = Vec::new();
        for set in sets {
            self.collect(kind, set, &mut groups);
        }
        let mut object = Map::new();
        for (key, fields) in groups {
            let field = fields[0];
            path.push(json!(key));
            let value = if field.name == "__typename" { json!(kind) } else { self.field(node, &fields, path) };
            path.pop();
            let required =
                SCHEMA.find_field(kind, &field.name).is_some_and(|it| matches!(it.field_type, s::Type::NonNullType(_)));
            if value.is_null() && required {
                return None;
            }
            object.insert(key.to_owned(), value);
        }
        Some(Json::Object(object))
    }

    fn collect(&self, kind: &str, set: &'q q::SelectionSet<'q, String>, groups: &mut Vec<(&'q str, Vec<&'q QueryField<'q>>)>) {
        for selection in &set.items {
            match selection {
                Selection::Field(field) if self.is_wanted(&field.directives) => {
                    let key = field.alias.as_ref().unwrap_or(&field.name).as_str();
                    match groups.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, fields)) => fields.push(field),
                        None => groups.push((key, vec![field])),
                    }
                }
                Selection::InlineFragment(fragment) if self.is_wanted(&fragment.directives) => {
                    let meant = match &fragment.type_condition {
                        Some(TypeCondition::On(condition)) => SCHEMA.is_a(kind, condition),
                        None => true,
                    };
                    if meant {
                        self.collect(kind, &fragment.selection_set, groups);
                    }
                }
                Selection::FragmentSpread(spread) if self.is_wanted(&spread.directives) => {
                    let fragment = self.fragments[spread.fragment_name.as_str()];
                    let TypeCondition::On(condition) = &fragment.type_condition;
                    if SCHEMA.is_a(kind, condition) {
                        self.collect(kind, &fragment.selection_set, groups);
                    }
                }
                _ => {}
            }
        }
    }

    fn is_wanted(&self, directives: &[q::Directive<'_, String>]) -> bool {
        directives.iter().all(|directive| {
            let given = directive.arguments.iter().find(|(name, _)| name == "if").map(|(_, value)| constant(value, &self.values));
            let holds = given == Some(Json::Bool(true));
            if directive.name == "skip" { !holds } else { holds }
        })
    }

    fn field(&mut self, node: &Node<'m>, fields: &[&'q QueryField<'q>], path: &mut Vec<Json>) -> Json {
        let field = fields[0];
        let declared = SCHEMA.find_field(node.type_name(), &field.name).expect("the query was validated");
        let mut arguments = Map::new();
        for argument in &declared.arguments {
            let given = field.arguments.iter().find(|(name, _)| *name == argument.name);
            let value = match (given, &argument.default_value) {
                (Some((_, value)), _) => constant(value, &self.values),
                (None, Some(default)) => constant(default, &self.values),
                (None, None) => Json::Null,
            };
            arguments.insert(argument.name.clone(), value);
        }
        if let Some(first) = arguments.get("first").and_then(Json::as_i64) {
            self.largest_first = self.largest_first.max(first);
        }
        match resolve(self, node, &field.name, &arguments) {
            Ok(resolved) => self.complete(resolved, fields, path),
            Err(FieldError { kind, message }) => {
                self.errors.push(json!({ "type": kind, "path": path, "locations": [location(field)], "message": message }));
                Json::Null
            }
        }
    }

    fn complete(&mut self, resolved: Resolved<'m>, fields: &[&'q QueryField<'q>], path: &mut Vec<Json>) -> Json {
        match resolved {
            Resolved::Leaf(value) => value,
            Resolved::Object(node) => {
                let sets: Vec<_> = fields.iter().map(|field| &field.selection_set).collect();
                self.select(&node, &sets, path).unwrap_or(Json::Null)
            }
            Resolved::Failed(FieldError { kind, message }) => {
                self.errors.push(json!({ "type": kind, "path": path, "locations": [location(fields[0])], "message": message }));
                Json::Null
            }
            Resolved::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    path.push(json!(index));
                    list.push(self.complete(item, fields, path));
                    path.pop();
                }
                Json::Array(list)
            }
        }
    }
}

pub fn location(field: &QueryField<'_>) -> Json {
    json!({ "line": field.position.line, "column": field.position.column })
}
