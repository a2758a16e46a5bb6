//! What actions there are, with the inputs and outputs of each, as data: `actions.yaml` beside this file. What the actions
//! do is elsewhere.

use std::sync::LazyLock;

use jsonschema::error::ValidationErrorKind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

/// One action that a step may name.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    pub id: String,
    pub description: String,
    pub reach: Reach,
    /// JSON Schemas by name; `required: true` in one is lifted into the whole's schema.
    #[serde(default)]
    pub input: Map<String, Json>,
    #[serde(default)]
    pub output: Map<String, Json>,
    /// Inputs that templates carry and that have no effect, here as in Backstage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_effect: Vec<String>,
    #[serde(default)]
    pub examples: Vec<Example>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    pub description: String,
    pub input: Json,
}

/// What an action touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// The run's own folder: done in a dry run too.
    Workspace,
    /// Something that stays: a dry run only says what it would do.
    Outside,
}

/// Names this alike are one mistyped.
const LIKE: f64 = 0.8;

static ACTIONS: LazyLock<Vec<Action>> =
    LazyLock::new(|| serde_yaml::from_str(include_str!("actions.yaml")).expect("a test reads the same file"));

/// In the order of the file: by subject.
pub fn actions() -> &'static [Action] {
    &ACTIONS
}

pub fn find_action(id: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.id == id)
}

/// The action that one that is not known most looks like.
pub fn nearest_action(id: &str) -> Option<&'static str> {
    nearest(id, ACTIONS.iter().map(|action| action.id.as_str()))
}

fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.map(|name| (strsim::jaro_winkler(&word.to_lowercase(), &name.to_lowercase()), name));
    let likeness = |(likeness, name): (f64, &'a str)| {
        (likeness > LIKE && strsim::damerau_levenshtein(word, name) <= 4).then_some((likeness, name))
    };
    scored.filter_map(likeness).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

impl Action {
    /// What is wrong with the name of an input, with that name.
    pub fn judge_name(&self, name: &str) -> Option<(String, String)> {
        if self.input.contains_key(name) || self.without_effect.iter().any(|known| known == name) {
            return None;
        }
        let hint = match nearest(name, self.input.keys().map(String::as_str)) {
            Some(near) => format!("; did you mean {near}?"),
            None if self.input.is_empty() => "; it has none".to_owned(),
            None => format!("; it has {}", self.input.keys().map(String::as_str).collect::<Vec<_>>().join(", ")),
        };
        Some((name.to_owned(), format!("the action {} has no input {name}{hint}", self.id)))
    }

    /// One schema of all inputs.
    pub fn input_schema(&self) -> Json {
        whole_schema(&self.input)
    }

    pub fn output_schema(&self) -> Json {
        whole_schema(&self.output)
    }

    /// What is wrong with inputs whose expressions are filled in: one sentence each.
    pub fn judge_input(&self, input: &Json) -> Vec<String> {
        let Json::Object(given) = input else {
            return vec![format!("the input of {} is an object of names and values", self.id)];
        };
        self.judge(given, |_| true).into_iter().map(|(_, problem)| problem).collect()
    }

    /// What is wrong with inputs as they are written, each with the name of the input: what an expression will give is not
    /// judged.
    pub fn judge_written(&self, input: &Map<String, Json>) -> Vec<(String, String)> {
        self.judge(input, |value| value.is_object() || !value.to_string().contains("${{"))
    }

    fn judge(&self, input: &Map<String, Json>, is_judged: impl Fn(&Json) -> bool) -> Vec<(String, String)> {
        let mut problems: Vec<(String, String)> = input.keys().filter_map(|key| self.judge_name(key)).collect();
        let is_misnamed = !problems.is_empty();
        let (schema, given) = (self.input_schema(), Json::Object(input.clone()));
        let validator = jsonschema::draft7::new(&schema).expect("a test builds the schema of each action");
        for error in validator.iter_errors(&given).filter(|error| is_judged(error.instance())) {
            let path = error.instance_path().to_string();
            let path = path.trim_start_matches('/');
            let name = path.split('/').next().unwrap_or_default();
            let meant = |name: &str| match self.input.get(name).and_then(|schema| schema["description"].as_str()) {
                Some(meant) => format!(" ({meant})"),
                None => String::new(),
            };
            let problem = match error.kind() {
                // The one that is misspelt is likely the one that is missing.
                ValidationErrorKind::Required { .. } if path.is_empty() && is_misnamed => continue,
                ValidationErrorKind::Required { property: Json::String(missing) } if path.is_empty() => {
                    format!("the action {} needs the input {missing}{}", self.id, meant(missing))
                }
                // The value may be a secret.
                _ => format!("{} of {}: {}{}", path.replace('/', "."), self.id, error.masked(), meant(name)),
            };
            problems.push((name.to_owned(), problem));
        }
        problems
    }

    /// What a dry run gives as outputs where nothing was done: each of its type.
    pub fn example_output(&self) -> Json {
        let values = self.output.iter().map(|(name, schema)| {
            let value = schema.get("example").cloned().unwrap_or_else(|| match schema["type"].as_str() {
                Some("number" | "integer") => json!(0),
                Some("boolean") => json!(false),
                Some("array") => json!([]),
                Some("object") => json!({}),
                _ => json!(format!("<{name}>")),
            });
            (name.clone(), value)
        });
        Json::Object(values.collect())
    }
}

fn whole_schema(properties: &Map<String, Json>) -> Json {
    let is_required = |schema: &Json| schema["required"] == Json::Bool(true);
    let required: Vec<&String> = properties.iter().filter(|(_, schema)| is_required(schema)).map(|(name, _)| name).collect();
    let lifted: Map<String, Json> = properties
        .iter()
        .map(|(name, schema)| {
            let mut schema = schema.clone();
            if let Json::Object(schema) = &mut schema
                && schema.get("required").is_some_and(Json::is_boolean)
            {
                schema.remove("required");
            }
            (name.clone(), schema)
        })
        .collect();
    json!({ "type": "object", "required": required, "properties": lifted })
}
