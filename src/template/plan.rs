//! What a run would do, said before it does anything: each step with its inputs filled in as far as they are known.
//! Must not touch a workspace nor anything outside, so that it is there at once.

use serde_json::{Map, Value as Json, json};

use super::{
    definition::{Step, Template},
    expression::{Context, render_json},
    run::{Given, Secrets, find_rounds, is_true, names},
};

/// What stands where only an earlier step can tell.
pub const LATER: &str = "…";

/// One step, foreseen.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned<'t> {
    pub step: &'t Step,
    pub fate: Fate,
    /// Of each round, with [`LATER`] for what is not known yet and secrets out of sight.
    pub inputs: Vec<Json>,
}

/// Whether a step is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Done,
    LeftOut,
    /// That hangs on what an earlier step gives.
    Open,
}

/// Foresees all steps of a run.
pub fn plan<'t>(template: &'t Template, given: &Given) -> Vec<Planned<'t>> {
    let mut outputs = Map::new();
    let mut planned = Vec::new();
    for step in &template.steps {
        let one = plan_step(step, given, &outputs);
        if one.fate != Fate::LeftOut {
            outputs.insert(step.id.clone(), json!({ "output": unknown(&step.action.example_output()) }));
        }
        planned.push(one);
    }
    planned
}

fn plan_step<'t>(step: &'t Step, given: &Given, outputs: &Map<String, Json>) -> Planned<'t> {
    let open = [&step.condition, &step.each].into_iter().flatten().any(asks_steps);
    let mut faults = Vec::new();
    let rounds = match find_rounds(step, &names(given, outputs, Secrets::Hidden, None), &mut faults) {
        Ok(rounds) => rounds,
        // The run says so when it comes to it; here there is nothing to show.
        Err(_) => return Planned { step, fate: Fate::Open, inputs: Vec::new() },
    };
    let mut inputs = Vec::new();
    for round in &rounds {
        let names = Context::new(&names(given, outputs, Secrets::Hidden, round.as_ref()));
        let holds = |condition: &Json| render_json(condition, &names, &mut Vec::new()).is_some_and(|value| is_true(&value));
        let is_done = open || step.condition.as_ref().is_none_or(holds);
        if is_done {
            inputs.push(render_json(&step.input, &names, &mut faults).unwrap_or_else(|| json!({})));
        }
    }
    let fate = match (open, inputs.is_empty()) {
        (true, _) => Fate::Open,
        (false, true) => Fate::LeftOut,
        (false, false) => Fate::Done,
    };
    Planned { step, fate, inputs }
}

/// Whether what is written there asks for an earlier step's output.
fn asks_steps(written: &Json) -> bool {
    match written {
        Json::String(text) => text.contains("steps.") || text.contains("steps["),
        Json::Array(items) => items.iter().any(asks_steps),
        Json::Object(map) => map.values().any(asks_steps),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}

/// An example's texts, unsaid.
fn unknown(example: &Json) -> Json {
    match example {
        Json::String(_) => json!(LATER),
        Json::Array(items) => Json::Array(items.iter().map(unknown).collect()),
        Json::Object(map) => Json::Object(map.iter().map(|(key, value)| (key.clone(), unknown(value))).collect()),
        other => other.clone(),
    }
}
