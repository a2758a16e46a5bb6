//! How one property is asked for: its type, its `ui:field`, its `ui:widget`. A field that is not known is asked for by its
//! type, with a note.

use serde_json::{Value as Json, json};

use super::{
    expression::stringify_json,
    form::{Choice, EntityPick, FieldKind, Style, TextLimits},
};

pub fn text(json: &Json, key: &str) -> Option<String> {
    json[key].as_str().map(str::to_owned)
}

/// The type a schema says or shows.
pub fn infer_type(schema: &Json) -> &str {
    match &schema["type"] {
        Json::String(name) => name,
        Json::Array(names) => names.iter().filter_map(Json::as_str).find(|name| *name != "null").unwrap_or("string"),
        _ if !schema["properties"].is_null() => "object",
        _ if !schema["items"].is_null() => "array",
        _ => {
            let shown = [&schema["const"], &schema["enum"][0], &schema["default"]].into_iter().find(|value| !value.is_null());
            match shown {
                Some(Json::Bool(_)) => "boolean",
                Some(Json::Number(_)) => "number",
                Some(Json::Array(_)) => "array",
                Some(Json::Object(_)) => "object",
                _ => "string",
            }
        }
    }
}

/// How it is asked for, and where that is not as the template says, why.
pub fn read_kind(schema: &Json, items: &Json) -> (FieldKind, Option<String>) {
    let options = &schema["ui:options"];
    let widget = schema["ui:widget"].as_str().or_else(|| options["widget"].as_str()).unwrap_or_default();
    if widget == "hidden" || options["hidden"] == Json::Bool(true) {
        return (FieldKind::Hidden, None);
    }
    if let Some(value) = schema.get("const") {
        return (FieldKind::Fixed(value.clone()), None);
    }
    let field = schema["ui:field"].as_str().unwrap_or_default();
    if let Some(kind) = read_picker(field, schema, options) {
        return (kind, None);
    }
    let note = (!field.is_empty()).then(|| format!("{field} is not known here; it is asked for by its type"));
    if let Some(choices) = read_choices(schema) {
        let style = if widget == "radio" { Style::Open } else { Style::Usual };
        return (FieldKind::Select { choices, style }, note);
    }
    let kind = match infer_type(schema) {
        "boolean" => {
            let names = schema["enumNames"].as_array().or_else(|| schema["ui:enumNames"].as_array());
            let name =
                |at: usize, usual: &str| names.and_then(|names| names.get(at)).and_then(Json::as_str).unwrap_or(usual).to_owned();
            FieldKind::Toggle { yes: name(0, "Yes"), no: name(1, "No") }
        }
        kind @ ("number" | "integer") => {
            let limit = |word: &str| schema[word].as_f64();
            FieldKind::Number {
                min: limit("minimum").or_else(|| limit("exclusiveMinimum")),
                max: limit("maximum").or_else(|| limit("exclusiveMaximum")),
                step: limit("multipleOf"),
                whole: kind == "integer",
            }
        }
        "array" => read_list(schema, items, widget),
        "object" => FieldKind::Yaml,
        "null" => FieldKind::Told,
        _ => read_text(schema, options, widget),
    };
    let note = note.or_else(|| {
        let known = [
            "",
            "textarea",
            "radio",
            "checkboxes",
            "checkbox",
            "select",
            "password",
            "updown",
            "range",
            "date",
            "text",
            "email",
            "uri",
            "url",
        ];
        let known = known.into_iter().chain(["alt-date", "date-time", "datetime", "alt-datetime"]);
        (!known.into_iter().any(|known| known == widget)).then(|| format!("the widget {widget} is not known here"))
    });
    (kind, note)
}

fn read_text(schema: &Json, options: &Json, widget: &str) -> FieldKind {
    let limits = read_limits(schema);
    let format = limits.format.clone().unwrap_or_default();
    match (widget, format.as_str()) {
        ("password", _) => FieldKind::Secret,
        ("textarea", _) => FieldKind::Paragraph { limits, rows: options["rows"].as_u64() },
        ("date" | "alt-date", _) | (_, "date") => FieldKind::Date,
        ("date-time" | "datetime" | "alt-datetime", _) | (_, "date-time") => FieldKind::DateTime,
        _ => FieldKind::Line(limits),
    }
}

fn read_limits(schema: &Json) -> TextLimits {
    TextLimits {
        min: schema["minLength"].as_u64(),
        max: schema["maxLength"].as_u64(),
        pattern: text(schema, "pattern"),
        format: text(schema, "format"),
    }
}

fn read_list(schema: &Json, items: &Json, widget: &str) -> FieldKind {
    let (min, max) = (schema["minItems"].as_u64(), schema["maxItems"].as_u64());
    if let Some(choices) = read_choices(items) {
        let style = if widget == "checkboxes" { Style::Open } else { Style::Usual };
        return FieldKind::MultiSelect { choices, style, min, max };
    }
    let picker = items["ui:field"].as_str().and_then(|field| read_picker(field, items, &items["ui:options"]));
    if let Some(FieldKind::Entity { pick, .. }) = picker {
        return FieldKind::Entity { pick, many: true };
    }
    match items {
        Json::Object(_) => match infer_type(items) {
            "object" => FieldKind::Items { fields: Vec::new(), min, max },
            "string" => FieldKind::Texts { min, max, limits: read_limits(items) },
            _ => FieldKind::Yaml,
        },
        Json::Null => FieldKind::Texts { min, max, limits: TextLimits::default() },
        _ => FieldKind::Yaml,
    }
}

/// `enum` with `enumNames`, or `oneOf` and `anyOf` of constants with titles.
fn read_choices(schema: &Json) -> Option<Vec<Choice>> {
    let label = |value: &Json| value.as_str().map_or_else(|| stringify_json(value, ""), str::to_owned);
    let disabled = [&schema["ui:enumDisabled"], &schema["ui:options"]["enumDisabled"]];
    let is_disabled = |value: &Json| disabled.iter().any(|list| list.as_array().is_some_and(|list| list.contains(value)));
    if let Json::Array(values) = &schema["enum"] {
        let names = [&schema["enumNames"], &schema["ui:enumNames"], &schema["ui:options"]["enumNames"]];
        let names = names.into_iter().find_map(Json::as_array);
        let name = |at: usize| names.and_then(|names| names.get(at)).filter(|name| !name.is_null()).map(label);
        let choices = values.iter().enumerate().filter(|(_, value)| !is_disabled(value));
        return Some(
            choices.map(|(at, value)| Choice { value: value.clone(), label: name(at).unwrap_or_else(|| label(value)) }).collect(),
        );
    }
    for word in ["oneOf", "anyOf"] {
        let Json::Array(branches) = &schema[word] else { continue };
        let choices = branches.iter().map(|branch| {
            let value = branch.get("const").or_else(|| branch["enum"].as_array().filter(|values| values.len() == 1)?.first())?;
            Some(Choice { value: value.clone(), label: text(branch, "title").unwrap_or_else(|| label(value)) })
        });
        if let Some(choices) = choices.collect::<Option<Vec<_>>>().filter(|choices| !choices.is_empty()) {
            return Some(choices);
        }
    }
    None
}

fn read_picker(field: &str, schema: &Json, options: &Json) -> Option<FieldKind> {
    let texts = |key: &str| -> Vec<String> {
        options[key].as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let (min, max) = (schema["minItems"].as_u64(), schema["maxItems"].as_u64());
    let pick = |usual_kinds: &[&str]| {
        let kinds = match &options["allowedKinds"] {
            Json::Array(kinds) => json!({ "kind": kinds }),
            _ if usual_kinds.is_empty() => json!({}),
            _ => json!({ "kind": usual_kinds }),
        };
        EntityPick {
            filter: if options["catalogFilter"].is_null() { kinds } else { options["catalogFilter"].clone() },
            default_kind: text(options, "defaultKind"),
            default_namespace: text(options, "defaultNamespace"),
            owned: false,
            // As there: allowed unless it is ruled out.
            free: options["allowArbitraryValues"] != Json::Bool(false),
        }
    };
    Some(match field {
        "RepoUrlPicker" => FieldKind::RepoUrl {
            hosts: texts("allowedHosts"),
            owners: texts("allowedOwners"),
            organizations: texts("allowedOrganizations"),
            projects: texts("allowedProjects"),
            repos: texts("allowedRepos"),
        },
        "OwnerPicker" => FieldKind::Entity { pick: pick(&["Group", "User"]), many: false },
        "EntityPicker" => FieldKind::Entity { pick: pick(&[]), many: false },
        "MultiEntityPicker" => FieldKind::Entity { pick: pick(&[]), many: true },
        "OwnedEntityPicker" => FieldKind::Entity { pick: EntityPick { owned: true, ..pick(&[]) }, many: false },
        "EntityNamePicker" => FieldKind::EntityName,
        "EntityTagsPicker" => FieldKind::Tags { min, max },
        "MyGroupsPicker" => FieldKind::MyGroups,
        "Secret" => FieldKind::Secret,
        _ => return None,
    })
}
