//! JSON Schema with the `ui:` words of react-jsonschema-form -> fields. What depends on earlier answers (`dependencies`,
//! `oneOf`, `if`) becomes conditions. Must not judge values.

use serde_json::{Map, Value as Json, json};

use super::{
    form::{Condition, Field, FieldKind, MAX_FIELDS, Page, Required},
    form_kind::{infer_type, read_kind, text},
};

/// Schemas nest about five deep.
const MAX_DEPTH: usize = 12;

pub fn read_page(page: &Json, title: &str) -> Result<Page, String> {
    let mut reader = Reader { root: page, fields: Vec::new() };
    reader.object(page, &Around::default(), 0)?;
    Ok(Page {
        title: text(page, "title").unwrap_or_else(|| title.to_owned()),
        description: text(page, "description"),
        fields: reader.fields,
    })
}

struct Reader<'a> {
    root: &'a Json,
    fields: Vec<Field>,
}

/// What holds for all fields of an object.
#[derive(Default, Clone)]
struct Around {
    path: Vec<String>,
    group: Option<String>,
    conditions: Vec<Condition>,
    /// What must be answered of the object, by name.
    required: Vec<String>,
}

impl Around {
    fn when(&self, schema: Json, fits: bool) -> Self {
        let mut around = self.clone();
        around.conditions.push(Condition { within: self.path.clone(), schema, fits });
        around
    }
}

impl Reader<'_> {
    /// Follows references within the page.
    fn resolve<'b>(&'b self, schema: &'b Json) -> &'b Json {
        let mut found = schema;
        for _ in 0..MAX_DEPTH {
            let Some(pointer) = found["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) else { break };
            match self.root.pointer(pointer) {
                Some(inner) => found = inner,
                None => break,
            }
        }
        found
    }

    fn object(&mut self, schema: &Json, around: &Around, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("it nests more than {MAX_DEPTH} levels deep"));
        }
        let schema = self.resolve(schema).clone();
        let mut around = around.clone();
        let required: Vec<String> =
            schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect();
        around.required.extend(required);
        if let Json::Object(properties) = &schema["properties"] {
            for (name, property) in in_order(properties, &schema["ui:order"]) {
                self.property(name, property, &around, depth)?;
            }
        }
        self.require_more(&around, &schema["properties"]);
        if let Json::Object(dependencies) = &schema["dependencies"] {
            for (name, dependency) in dependencies {
                self.dependency(name, dependency, &around, depth)?;
            }
        }
        if schema.get("if").is_some() {
            let condition = &schema["if"];
            for (word, fits) in [("then", true), ("else", false)] {
                if schema[word].is_object() {
                    self.object(&schema[word], &around.when(condition.clone(), fits), depth + 1)?;
                }
            }
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.object(part, &around, depth + 1)?;
        }
        for word in ["oneOf", "anyOf"] {
            for branch in schema[word].as_array().into_iter().flatten() {
                self.branch(branch, None, &around, depth)?;
            }
        }
        Ok(())
    }

    fn property(&mut self, name: &str, schema: &Json, around: &Around, depth: usize) -> Result<(), String> {
        if !schema.is_object() {
            return Ok(());
        }
        let schema = self.resolve(schema).clone();
        let mut path = around.path.clone();
        path.push(name.to_owned());
        let is_required = around.required.iter().any(|known| known == name);
        let fields = schema["properties"].as_object().is_some_and(|properties| !properties.is_empty());
        let is_group = infer_type(&schema) == "object"
            && (fields || ["oneOf", "anyOf", "allOf", "dependencies", "if"].iter().any(|word| !schema[*word].is_null()))
            && schema["ui:widget"] != "hidden";
        if is_group {
            let group = text(&schema, "title").or_else(|| Some(name.to_owned()));
            let inner = Around { path, group, conditions: around.conditions.clone(), required: Vec::new() };
            return self.object(&schema, &inner, depth + 1);
        }
        if self.fields.len() >= MAX_FIELDS {
            return Err(format!("it has more than {MAX_FIELDS} fields"));
        }
        let (kind, note) = self.kind(&schema, depth)?;
        let ui = |word: &str| text(&schema, &format!("ui:{word}")).or_else(|| text(&schema["ui:options"], word));
        let field = Field {
            title: ui("title")
                .or_else(|| text(&schema, "title"))
                .filter(|title| !title.is_empty())
                .unwrap_or_else(|| name.to_owned()),
            description: ui("description").or_else(|| text(&schema, "description")),
            help: ui("help"),
            placeholder: ui("placeholder").or_else(|| text(&schema, "placeholder")),
            group: around.group.clone(),
            required: if is_required { Required::Yes } else { Required::No },
            default: schema.get("default").cloned(),
            shown_when: around.conditions.clone(),
            path,
            kind,
            note,
        };
        self.add(field);
        Ok(())
    }

    /// One property may be described by several branches: those are fields of their own, while their conditions differ.
    fn add(&mut self, field: Field) {
        let known = self.fields.iter_mut().find(|known| known.path == field.path && known.shown_when == field.shown_when);
        match known {
            // Described again in allOf: the later words count where there are any.
            Some(known) if matches!(field.kind, FieldKind::Yaml) => {
                if field.required == Required::Yes {
                    known.required = Required::Yes;
                }
            }
            Some(known) => *known = field,
            None => self.fields.push(field),
        }
    }

    fn kind(&self, schema: &Json, depth: usize) -> Result<(FieldKind, Option<String>), String> {
        let (kind, note) = read_kind(schema, self.resolve(&schema["items"]));
        // A list of objects has fields of its own, which begin in each.
        let FieldKind::Items { min, max, .. } = kind else { return Ok((kind, note)) };
        let mut reader = Reader { root: self.root, fields: Vec::new() };
        reader.object(self.resolve(&schema["items"]), &Around::default(), depth + 1)?;
        let kind = if reader.fields.is_empty() { FieldKind::Yaml } else { FieldKind::Items { fields: reader.fields, min, max } };
        Ok((kind, note))
    }

    /// `required` of a branch for what the whole describes.
    fn require_more(&mut self, around: &Around, own: &Json) {
        if around.conditions.is_empty() {
            for field in self.fields.iter_mut().filter(|field| field.path.len() == around.path.len() + 1) {
                let name = field.path.last().map(String::as_str).unwrap_or_default();
                if field.path.starts_with(&around.path) && around.required.iter().any(|known| known == name) {
                    field.required = Required::Yes;
                }
            }
            return;
        }
        for name in around.required.iter().filter(|name| own.get(name.as_str()).is_none()) {
            let mut path = around.path.clone();
            path.push(name.clone());
            for field in self.fields.iter_mut().filter(|field| field.path == path && field.required == Required::No) {
                field.required = Required::When(around.conditions.clone());
            }
        }
    }

    /// What `dependencies` says of a property that is answered.
    fn dependency(&mut self, name: &str, dependency: &Json, around: &Around, depth: usize) -> Result<(), String> {
        let answered = json!({ "required": [name] });
        match dependency {
            Json::Array(names) => {
                let mut around = around.when(answered, true);
                around.required = names.iter().filter_map(Json::as_str).map(str::to_owned).collect();
                self.require_more(&around, &Json::Null);
                Ok(())
            }
            Json::Object(whole) => {
                let branches = ["oneOf", "anyOf"].into_iter().filter_map(|word| whole.get(word)?.as_array());
                for branch in branches.flatten() {
                    self.branch(branch, Some(name), around, depth)?;
                }
                let mut rest = whole.clone();
                rest.retain(|word, _| word != "oneOf" && word != "anyOf");
                let mut around = around.when(answered, true);
                around.required = Vec::new();
                self.object(&Json::Object(rest), &around, depth + 1)
            }
            _ => Ok(()),
        }
    }

    /// One of several: shown where what it says of its telling properties (a `const`, an `enum`) is so.
    fn branch(&mut self, branch: &Json, telling: Option<&str>, around: &Around, depth: usize) -> Result<(), String> {
        let branch = self.resolve(branch).clone();
        let Json::Object(properties) = &branch["properties"] else {
            // Without properties it says which are required, or is a choice of a value: nothing new is asked.
            return Ok(());
        };
        let tells = |name: &str, schema: &Json| match telling {
            Some(telling) => name == telling,
            None => {
                let one = schema["enum"].as_array().is_some_and(|values| values.len() == 1) || schema.get("const").is_some();
                one && self.fields.iter().any(|field| field.path.split_last() == Some((&name.to_owned(), around.path.as_slice())))
            }
        };
        let (told, asked): (Map<String, Json>, Map<String, Json>) =
            properties.clone().into_iter().partition(|(name, schema)| tells(name, schema));
        let mut inner = match told.is_empty() {
            true => around.clone(),
            false => {
                let names: Vec<&String> = told.keys().collect();
                around.when(json!({ "required": names, "properties": told }), true)
            }
        };
        inner.required = Vec::new();
        let mut rest = branch.as_object().cloned().unwrap_or_default();
        rest.insert("properties".to_owned(), Json::Object(asked));
        self.object(&Json::Object(rest), &inner, depth + 1)
    }
}

/// `ui:order`: the names in it first, `*` for all others, which else come last.
fn in_order<'a>(properties: &'a Map<String, Json>, order: &Json) -> Vec<(&'a String, &'a Json)> {
    let order: Vec<&str> = order.as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let rest = order.iter().position(|name| *name == "*").unwrap_or(order.len());
    let mut ordered: Vec<(&String, &Json)> = properties.iter().collect();
    ordered.sort_by_key(|(name, _)| order.iter().position(|known| known == name).unwrap_or(rest));
    ordered
}
