//! Rejects a query as GitHub does, before anything of it is run.

use std::collections::{HashMap, HashSet};

use graphql_parser::{
    query::{self as q, Selection, TypeCondition},
    schema as s,
};
use serde_json::{Value as Json, json};

use super::graphql::{QueryField, Schema, location};

/// Everything wrong with the query, in GitHub's words.
pub fn validate<'q>(
    schema: &Schema,
    set: &'q q::SelectionSet<'q, String>,
    fragments: &HashMap<&'q str, &'q q::FragmentDefinition<'q, String>>,
    variables: &[q::VariableDefinition<'q, String>],
) -> Vec<Json> {
    let mut pass = Pass { schema, fragments, errors: Vec::new(), used_variables: HashSet::new(), used_fragments: HashSet::new() };
    pass.set("Query", set);
    for name in fragments.keys() {
        if !pass.used_fragments.contains(name) {
            pass.reject("useAndDefineFragment", format!("Fragment {name} was defined, but not used"), None);
        }
    }
    let declared: HashSet<&str> = variables.iter().map(|variable| variable.name.as_str()).collect();
    for name in declared.difference(&pass.used_variables.clone()) {
        pass.reject("variableNotUsed", format!("Variable ${name} is declared by the query but not used"), None);
    }
    for name in pass.used_variables.clone().difference(&declared) {
        pass.reject("variableNotDefined", format!("Variable ${name} is used by the query but not declared"), None);
    }
    pass.errors
}

struct Pass<'s, 'q> {
    schema: &'s Schema,
    fragments: &'s HashMap<&'q str, &'q q::FragmentDefinition<'q, String>>,
    errors: Vec<Json>,
    used_variables: HashSet<&'q str>,
    used_fragments: HashSet<&'q str>,
}

impl<'q> Pass<'_, 'q> {
    fn reject(&mut self, code: &str, message: String, field: Option<&QueryField<'_>>) {
        let locations: Vec<_> = field.map(location).into_iter().collect();
        self.errors.push(json!({ "extensions": { "code": code }, "locations": locations, "message": message }));
    }

    fn set(&mut self, kind: &str, set: &'q q::SelectionSet<'q, String>) {
        for selection in &set.items {
            match selection {
                Selection::Field(field) => self.field(kind, field),
                Selection::InlineFragment(fragment) => {
                    self.directives(&fragment.directives);
                    let kind = match &fragment.type_condition {
                        Some(TypeCondition::On(condition)) => condition.as_str(),
                        None => kind,
                    };
                    self.fragment(kind, &fragment.selection_set);
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.directives);
                    let name = spread.fragment_name.as_str();
                    let Some(fragment) = self.fragments.get(name) else {
                        self.reject("useAndDefineFragment", format!("Fragment {name} was used, but not defined"), None);
                        continue;
                    };
                    if self.used_fragments.insert(name) {
                        let TypeCondition::On(condition) = &fragment.type_condition;
                        self.fragment(condition, &fragment.selection_set);
                    }
                }
            }
        }
    }

    fn fragment(&mut self, kind: &str, set: &'q q::SelectionSet<'q, String>) {
        if self.schema.fields(kind).is_none() {
            return self.reject("undefinedType", format!("No such type {kind}, so it can't be a fragment condition"), None);
        }
        self.set(kind, set);
    }

    fn field(&mut self, kind: &str, field: &'q QueryField<'q>) {
        self.directives(&field.directives);
        let name = &field.name;
        if name == "__typename" {
            return;
        }
        let schema = self.schema;
        let Some(declared) = schema.find_field(kind, name) else {
            return self.reject("undefinedField", format!("Field '{name}' doesn't exist on type '{kind}'"), Some(field));
        };
        for (argument, value) in &field.arguments {
            match declared.arguments.iter().find(|it| it.name == *argument) {
                Some(it) => self.value(&it.value_type, value, &format!("'{argument}' on Field '{name}'"), field),
                None => {
                    let message = format!("Field '{name}' doesn't accept argument '{argument}'");
                    self.reject("argumentNotAccepted", message, Some(field));
                }
            }
        }
        for argument in &declared.arguments {
            let required = matches!(argument.value_type, s::Type::NonNullType(_)) && argument.default_value.is_none();
            if required && !field.arguments.iter().any(|(given, _)| *given == argument.name) {
                let message = format!("Field '{name}' is missing required arguments: {}", argument.name);
                self.reject("missingRequiredArguments", message, Some(field));
            }
        }
        let inner = innermost(&declared.field_type);
        match (schema.fields(inner).is_some(), field.selection_set.items.is_empty()) {
            (true, true) => {
                let message = format!(
                    "Field must have selections (field '{name}' returns {inner} but has no selections. Did you mean '{name} {{ ... }}'?)"
                );
                self.reject("selectionMismatch", message, Some(field));
            }
            (false, false) => {
                let message = format!("Selections can't be made on scalars (field '{name}' returns {inner} but has selections)");
                self.reject("selectionMismatch", message, Some(field));
            }
            (true, false) => self.set(inner, &field.selection_set),
            (false, true) => {}
        }
    }

    fn directives(&mut self, directives: &'q [q::Directive<'q, String>]) {
        for directive in directives {
            if !matches!(directive.name.as_str(), "include" | "skip") {
                self.reject("undefinedDirective", format!("Directive @{} is not defined", directive.name), None);
            }
            for (_, value) in &directive.arguments {
                if let q::Value::Variable(name) = value {
                    self.used_variables.insert(name);
                }
            }
        }
    }

    fn value(&mut self, wanted: &s::Type<'static, String>, value: &'q q::Value<'q, String>, place: &str, field: &QueryField<'_>) {
        let fits = match (wanted, value) {
            (_, q::Value::Variable(name)) => {
                self.used_variables.insert(name);
                true
            }
            (s::Type::NonNullType(_), q::Value::Null) => false,
            (s::Type::NonNullType(inner), _) => return self.value(inner, value, place, field),
            (_, q::Value::Null) => true,
            (s::Type::ListType(inner), q::Value::List(items)) => {
                return items.iter().for_each(|item| self.value(inner, item, place, field));
            }
            (s::Type::ListType(inner), _) => return self.value(inner, value, place, field),
            (s::Type::NamedType(name), _) => match (self.schema.types.get(name), value) {
                (Some(s::TypeDefinition::Enum(kind)), q::Value::Enum(text)) => kind.values.iter().any(|it| it.name == *text),
                (Some(s::TypeDefinition::Enum(_)), _) => false,
                (Some(s::TypeDefinition::InputObject(kind)), q::Value::Object(given)) => {
                    let fields = &kind.fields;
                    for (key, value) in given {
                        if let Some(it) = fields.iter().find(|it| it.name == *key) {
                            self.value(&it.value_type, value, place, field);
                        }
                    }
                    given.keys().all(|key| fields.iter().any(|it| it.name == *key))
                        && fields
                            .iter()
                            .all(|it| !matches!(it.value_type, s::Type::NonNullType(_)) || given.contains_key(&it.name))
                }
                (Some(s::TypeDefinition::InputObject(_)), _) => false,
                (_, q::Value::Int(_)) => matches!(name.as_str(), "Int" | "ID"),
                (_, q::Value::Boolean(_)) => name == "Boolean",
                (_, q::Value::String(_)) => !matches!(name.as_str(), "Int" | "Boolean"),
                (_, _) => false,
            },
        };
        if !fits {
            let message = format!("Argument {place} has an invalid value ({value}). Expected type '{wanted}'.");
            self.reject("argumentLiteralsIncompatible", message, Some(field));
        }
    }
}

fn innermost<'a>(kind: &'a s::Type<'static, String>) -> &'a str {
    match kind {
        s::Type::NamedType(name) => name,
        s::Type::ListType(inner) | s::Type::NonNullType(inner) => innermost(inner),
    }
}
