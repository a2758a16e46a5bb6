//! A descriptor of kind Template -> what is asked and what is done. A template that cannot be run is refused here, with
//! the reason and the line, never when somebody has filled in its form. Must not run anything.

use serde_json::{Map, Value as Json};

use super::action::{Action, find_action, nearest_action};
use crate::catalog::{
    Kind,
    descriptor::{ReadValue, Verdict, find_line, parse_descriptor_with_values},
    kinds::CustomKinds,
};

/// The only version of templates that there is a runner for.
pub const API_VERSION: &str = "scaffolder.backstage.io/v1beta3";

/// The longest template in the wild has 44 steps.
const MAX_STEPS: usize = 200;

/// What is asked, then what is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// `template:default/name`, lower case.
    pub entity_ref: String,
    pub title: String,
    pub description: Option<String>,
    /// As it is written in `spec.owner`.
    pub owner: Option<String>,
    /// Who must agree to a run (`steward.dev/approvers`), as it is written.
    pub approvers: Option<String>,
    /// JSON Schemas, one a page of the form.
    pub pages: Vec<Json>,
    pub steps: Vec<Step>,
    /// What the run shows at its end, before it is rendered.
    pub output: Json,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub id: String,
    pub name: String,
    pub action: &'static Action,
    pub input: Json,
    /// `if`: the step is left out where it is not true.
    pub condition: Option<Json>,
    /// `each`: the step is done once for each item.
    pub each: Option<Json>,
    /// In the descriptor, from 1.
    pub line: usize,
}

/// Why a template cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Refusal {
    pub reason: String,
    /// In the descriptor, from 1.
    pub line: usize,
}

impl Template {
    /// Reads the first template of a descriptor file; `read` gives the files that placeholders name.
    pub fn parse(text: &[u8], read: &ReadValue<'_>) -> Result<Self, Vec<Refusal>> {
        let refuse = |reason: String, line: usize| Err(vec![Refusal { reason, line }]);
        let documents = parse_descriptor_with_values(text, &CustomKinds::default(), read);
        for document in &documents {
            match &document.verdict {
                Verdict::Valid { entity, document: json } if entity.kind == Kind::Template => {
                    if let Some(unfilled) = document.unfilled.first() {
                        return refuse(unfilled.problem.to_string(), unfilled.problem.line);
                    }
                    let index = document.doc_index;
                    return Self::read(json, &|path| find_line(text, index, path).unwrap_or(document.line));
                }
                Verdict::Valid { .. } => {}
                Verdict::Invalid { problem, .. } | Verdict::YamlError { problem } => {
                    return refuse(problem.to_string(), problem.line);
                }
            }
        }
        refuse("there is no entity of kind Template".to_owned(), 1)
    }

    /// Reads a whole entity; `find_line` tells the descriptor's line of a path in it. All reasons are given, not the first.
    pub fn read(document: &Json, find_line: &dyn Fn(&[&str]) -> usize) -> Result<Self, Vec<Refusal>> {
        let mut refusals = Vec::new();
        let version = document["apiVersion"].as_str().unwrap_or_default();
        if version != API_VERSION {
            let reason = format!("apiVersion {version} is not understood; write apiVersion: {API_VERSION}");
            return Err(vec![Refusal { reason, line: find_line(&["apiVersion"]) }]);
        }
        let (metadata, spec) = (&document["metadata"], &document["spec"]);
        let name = metadata["name"].as_str().unwrap_or_default();
        let namespace = metadata["namespace"].as_str().unwrap_or("default");
        let text = |json: &Json| json.as_str().map(str::to_owned);
        let steps = read_steps(&spec["steps"], find_line, &mut refusals);
        let pages = read_pages(&spec["parameters"], find_line, &mut refusals);
        if !refusals.is_empty() {
            return Err(refusals);
        }
        Ok(Self {
            entity_ref: format!("template:{namespace}/{name}").to_lowercase(),
            title: text(&metadata["title"]).unwrap_or_else(|| name.to_owned()),
            description: text(&metadata["description"]),
            owner: text(&spec["owner"]),
            approvers: text(&metadata["annotations"]["steward.dev/approvers"]),
            pages,
            steps,
            output: spec["output"].clone(),
        })
    }
}

fn read_pages(parameters: &Json, find_line: &dyn Fn(&[&str]) -> usize, refusals: &mut Vec<Refusal>) -> Vec<Json> {
    let pages = match parameters {
        Json::Null => Vec::new(),
        Json::Array(pages) => pages.clone(),
        page => vec![page.clone()],
    };
    for (index, page) in pages.iter().enumerate() {
        let at = index.to_string();
        let mut refuse = |reason: String| refusals.push(Refusal { reason, line: find_line(&["spec", "parameters", &at]) });
        match page {
            Json::Object(page) => {
                let placeholder = page
                    .keys()
                    .find(|key| key.starts_with('$') && !["$ref", "$schema", "$defs", "$id", "$comment"].contains(&key.as_str()));
                if let Some(key) = placeholder.filter(|_| page.len() == 1) {
                    refuse(format!("the file that {key} names could not be read, so the form is not known"));
                }
            }
            _ => refuse("a page of parameters is a JSON Schema, an object with title and properties".to_owned()),
        }
    }
    pages
}

fn read_steps(steps: &Json, find_line: &dyn Fn(&[&str]) -> usize, refusals: &mut Vec<Refusal>) -> Vec<Step> {
    let Some(written) = steps.as_array() else {
        let reason = "spec.steps is missing; write the list of what is to be done".to_owned();
        refusals.push(Refusal { reason, line: find_line(&["spec"]) });
        return Vec::new();
    };
    if written.len() > MAX_STEPS {
        let reason = format!("there are more than {MAX_STEPS} steps");
        refusals.push(Refusal { reason, line: find_line(&["spec", "steps"]) });
        return Vec::new();
    }
    let mut read: Vec<Step> = Vec::new();
    for (index, step) in written.iter().enumerate() {
        let at = index.to_string();
        let line_of = |key: &str| find_line(&["spec", "steps", &at, key]);
        let line = find_line(&["spec", "steps", &at]);
        let Some(wanted) = step["action"].as_str() else {
            refusals.push(Refusal {
                reason: "a step has no action; write action: and one of `steward scaffold --actions`".to_owned(),
                line,
            });
            continue;
        };
        let Some(action) = find_action(wanted) else {
            let hint = nearest_action(wanted).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            let reason = format!("the action {wanted} is not known here{hint}");
            refusals.push(Refusal { reason, line: line_of("action") });
            continue;
        };
        match &step["input"] {
            Json::Object(input) => refusals.extend(action.judge_written(input).into_iter().map(|(name, reason)| {
                let line = if name.is_empty() { line } else { find_line(&["spec", "steps", &at, "input", &name]) };
                Refusal { reason, line }
            })),
            // None is none at all.
            Json::Null => {
                let missing = action.judge_written(&Map::new()).into_iter();
                refusals.extend(missing.map(|(_, reason)| Refusal { reason, line }));
            }
            _ => refusals.push(Refusal {
                reason: format!("the input of {wanted} is an object of names and values"),
                line: line_of("input"),
            }),
        }
        // Backstage numbers steps that have no id.
        let id = step["id"].as_str().map_or_else(|| format!("step-{}", index + 1), str::to_owned);
        if read.iter().any(|known| known.id == id) {
            refusals.push(Refusal {
                reason: format!("two steps have the id {id}; their outputs could not be told apart"),
                line: line_of("id"),
            });
        }
        let some = |key: &str| Some(&step[key]).filter(|json| !json.is_null()).cloned();
        read.push(Step {
            name: step["name"].as_str().unwrap_or(&id).to_owned(),
            id,
            action,
            input: step["input"].clone(),
            condition: some("if"),
            each: some("each"),
            line,
        });
    }
    read
}
