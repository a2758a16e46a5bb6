//! The steps of a template, one after the other, on a workspace. Pure actions are done; of those that touch something
//! outside it is told what they would do, and later steps get outputs of the right types in their place.

use serde_json::{Map, Value as Json, json};

use super::{
    action::Reach,
    definition::{Step, Template},
    expression::{Context, ExpressionError, render_json},
    pure::{Around, Done, Sources, run_pure},
    workspace::Workspace,
};

/// `each` repeats a step at most so often.
const MAX_ROUNDS: usize = 500;

/// What a run is started with.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// The form's values.
    pub parameters: Json,
    /// `ref` and `entity` of who asked.
    pub user: Json,
    pub secrets: Json,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepState {
    Done,
    /// Its `if` is not true.
    Skipped,
    /// It touches something outside, and was not done.
    StoodIn,
    Failed(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct StepReport {
    pub id: String,
    pub name: String,
    pub action: String,
    pub state: StepState,
    /// Of each round, with expressions filled in and secrets out of sight.
    pub inputs: Vec<Json>,
    pub output: Json,
    pub log: Vec<String>,
    /// What would go wrong, or was left as it was written.
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub steps: Vec<StepReport>,
    /// `output` with expressions filled in; none where a step failed.
    pub output: Option<Json>,
}

impl Report {
    pub fn failed(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.state, StepState::Failed(_)))
    }
}

/// What stands for a secret in whatever is shown.
const HIDDEN: &str = "***";

/// Runs a template up to its first failure, touching nothing but the workspace.
pub fn dry_run(template: &Template, given: &Given, workspace: &Workspace, sources: &dyn Sources) -> Report {
    let mut steps = Vec::new();
    let mut outputs = Map::new();
    for step in &template.steps {
        let around = Around { workspace, sources, template_ref: &template.entity_ref };
        let mut report = run_step(step, given, &outputs, &around);
        redact(&mut report, &given.secrets);
        if report.state != StepState::Skipped {
            outputs.insert(step.id.clone(), json!({ "output": report.output }));
        }
        let is_failed = matches!(report.state, StepState::Failed(_));
        steps.push(report);
        if is_failed {
            return Report { steps, output: None };
        }
    }
    let mut faults = Vec::new();
    let context = Context::new(&names(given, &outputs, Secrets::Absent, None));
    let mut output = render_json(&template.output, &context, &mut faults).unwrap_or(Json::Null);
    for list in ["links", "text"] {
        if let Some(items) = output.get_mut(list).and_then(Json::as_array_mut) {
            items.retain(|item| item.get("if").is_none_or(is_true));
            for item in items.iter_mut().filter_map(Json::as_object_mut) {
                item.shift_remove("if");
            }
        }
    }
    Report { steps, output: Some(output) }
}

/// As Backstage judges `if`: an empty list is false, as what JavaScript takes for false.
pub fn is_true(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(_) => true,
    }
}

pub(super) enum Secrets {
    Shown,
    Hidden,
    Absent,
}

pub(super) fn names(given: &Given, outputs: &Map<String, Json>, secrets: Secrets, each: Option<&(Json, Json)>) -> Json {
    let hide = |secrets: &Json| {
        let hidden = secrets.as_object().into_iter().flatten().map(|(name, _)| (name.clone(), json!(HIDDEN)));
        Json::Object(hidden.collect())
    };
    let secrets = match secrets {
        Secrets::Shown => given.secrets.clone(),
        Secrets::Hidden => hide(&given.secrets),
        Secrets::Absent => json!({}),
    };
    let mut names = json!({
        "parameters": given.parameters,
        "steps": outputs,
        "user": given.user,
        "secrets": secrets,
        "environment": { "parameters": {}, "secrets": {} },
    });
    if let Some((key, value)) = each {
        names["each"] = json!({ "key": key, "value": value });
    }
    names
}

fn run_step(step: &Step, given: &Given, outputs: &Map<String, Json>, around: &Around<'_>) -> StepReport {
    let mut report = StepReport {
        id: step.id.clone(),
        name: step.name.clone(),
        action: step.action.id.clone(),
        state: StepState::Done,
        inputs: Vec::new(),
        output: json!({}),
        log: Vec::new(),
        warnings: Vec::new(),
    };
    let mut faults = Vec::new();
    // Secrets reach inputs only: what a condition says is seen.
    if step.each.is_none() && !holds(step, &names(given, outputs, Secrets::Absent, None), &mut faults) {
        report.state = StepState::Skipped;
        report.warnings = warn(&faults);
        return report;
    }
    let rounds = match find_rounds(step, &names(given, outputs, Secrets::Shown, None), &mut faults) {
        Ok(rounds) => rounds,
        Err(reason) => {
            report.state = StepState::Failed(reason);
            return report;
        }
    };
    let repeats = step.each.is_some();
    let mut ran = 0;
    for round in rounds {
        if repeats && !holds(step, &names(given, outputs, Secrets::Absent, round.as_ref()), &mut faults) {
            continue;
        }
        ran += 1;
        if let Err(reason) = run_round(step, given, outputs, around, round.as_ref(), &mut report, &mut faults) {
            report.state = StepState::Failed(reason);
            break;
        }
    }
    report.warnings.splice(0..0, warn(&faults));
    if ran == 0 {
        report.state = StepState::Skipped;
    }
    report
}

fn run_round(
    step: &Step,
    given: &Given,
    outputs: &Map<String, Json>,
    around: &Around<'_>,
    round: Option<&(Json, Json)>,
    report: &mut StepReport,
    faults: &mut Vec<ExpressionError>,
) -> Result<(), String> {
    let written = if step.input.is_null() { json!({}) } else { step.input.clone() };
    let fill = |secrets: Secrets, faults: &mut Vec<ExpressionError>| {
        render_json(&written, &Context::new(&names(given, outputs, secrets, round)), faults).unwrap_or_else(|| json!({}))
    };
    let input = fill(Secrets::Shown, faults);
    report.inputs.push(fill(Secrets::Hidden, &mut Vec::new()));
    let problems = step.action.judge_input(&input);
    let done = match step.action.reach {
        Reach::Workspace if !problems.is_empty() => return Err(problems.join("; ")),
        Reach::Workspace => {
            let ran = run_pure(&step.action.id, &input, around);
            ran.ok_or_else(|| format!("{} is not done here", step.action.id))??
        }
        Reach::Outside => {
            report.state = StepState::StoodIn;
            report.warnings.extend(problems);
            let output = match step.action.example_output() {
                Json::Object(output) => output,
                _ => Map::new(),
            };
            Done { output, ..Done::default() }
        }
    };
    report.log.extend(done.log);
    for (name, value) in done.output {
        // A step that is repeated gives lists.
        match step.each.is_some() {
            false => report.output[&name] = value,
            true => match report.output[&name].as_array_mut() {
                Some(values) => values.push(value),
                None => report.output[&name] = json!([value]),
            },
        }
    }
    Ok(())
}

/// Takes secrets out of what is shown; an action may have written one to its log.
fn redact(report: &mut StepReport, secrets: &Json) {
    let secrets: Vec<&str> = secrets.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str()).collect();
    let reason = if let StepState::Failed(reason) = &mut report.state { Some(reason) } else { None };
    for line in report.log.iter_mut().chain(report.warnings.iter_mut()).chain(reason) {
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            *line = line.replace(secret, HIDDEN);
        }
    }
}

fn holds(step: &Step, names: &Json, faults: &mut Vec<ExpressionError>) -> bool {
    match &step.condition {
        None => true,
        Some(condition) => render_json(condition, &Context::new(names), faults).is_some_and(|value| is_true(&value)),
    }
}

/// The keys and values of `each`; one round without any where there is no `each`.
pub(super) fn find_rounds(
    step: &Step,
    names: &Json,
    faults: &mut Vec<ExpressionError>,
) -> Result<Vec<Option<(Json, Json)>>, String> {
    let Some(each) = &step.each else { return Ok(vec![None]) };
    let rounds: Vec<Option<(Json, Json)>> = match render_json(each, &Context::new(names), faults) {
        Some(Json::Array(items)) => {
            items.into_iter().enumerate().map(|(index, item)| Some((json!(index.to_string()), item))).collect()
        }
        Some(Json::Object(map)) => map.into_iter().map(|(key, value)| Some((json!(key), value))).collect(),
        _ => return Err("each gives neither a list nor an object".to_owned()),
    };
    if rounds.len() > MAX_ROUNDS {
        return Err(format!("each repeats the step more than {MAX_ROUNDS} times"));
    }
    Ok(rounds)
}

fn warn(faults: &[ExpressionError]) -> Vec<String> {
    faults.iter().map(|fault| format!("left as it is written: {}", fault.message)).collect()
}
