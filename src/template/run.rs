//! The steps of a template, one after the other: conditions, repetitions, expressions, outputs. What a step does is asked of a
//! [`Doer`]; that of a dry run does pure actions, and in the place of the others gives outputs of the right types.

use std::future::ready;

use futures_util::FutureExt;
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
    /// Nobody can tell whether it was done.
    Unknown(String),
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

/// Does what steps ask for: really, or as if. The steps' words are the same for both, so what a dry run shows is what happens.
pub trait Doer {
    /// Why the run goes no further here, though no step has failed: another has it, or nobody wants it any more.
    type Stop;

    fn begin(&mut self, at: usize, step: &Step) -> impl Future<Output = Result<(), Self::Stop>> + Send;

    fn act(&mut self, act: Act<'_>) -> impl Future<Output = Result<Acted, Self::Stop>> + Send;

    /// Is given the report without secrets.
    fn end(&mut self, at: usize, report: &StepReport) -> impl Future<Output = Result<(), Self::Stop>> + Send;
}

/// One round of a step.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// The step's place, from 0.
    pub at: usize,
    /// Of a step that is repeated, from 0.
    pub round: usize,
    pub step: &'a Step,
    /// With expressions filled in, secrets too.
    pub input: &'a Json,
    /// What is wrong with it.
    pub problems: &'a [String],
}

/// What became of a round.
#[derive(Debug)]
pub enum Acted {
    Done(Done),
    /// It was not done; these outputs stand for what it would give.
    StoodIn(Done),
    Failed(String),
    /// Nobody can tell whether it was done.
    Unknown(String),
}

/// Where a run goes on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct From {
    /// Steps before this one have ended.
    pub at: usize,
    /// `{ output }` of each of them by its id, those that were left out excepted.
    pub outputs: Map<String, Json>,
}

/// Runs a template up to its first failure, touching nothing but the workspace.
pub fn dry_run(template: &Template, given: &Given, workspace: &Workspace, sources: &dyn Sources) -> Report {
    let mut stand_in = StandIn { workspace, sources, template_ref: &template.entity_ref };
    let ran = run_steps(template, given, From::default(), &mut stand_in).now_or_never();
    let Ok(report) = ran.expect("nothing in a dry run waits");
    report
}

/// Runs the steps that are left, up to the first that fails.
pub async fn run_steps<D: Doer>(template: &Template, given: &Given, from: From, doer: &mut D) -> Result<Report, D::Stop> {
    let mut steps = Vec::new();
    let From { at: first, mut outputs } = from;
    for (at, step) in template.steps.iter().enumerate().skip(first) {
        doer.begin(at, step).await?;
        let mut report = run_step(at, step, given, &outputs, doer).await?;
        redact(&mut report, &given.secrets);
        doer.end(at, &report).await?;
        if report.state != StepState::Skipped {
            outputs.insert(step.id.clone(), json!({ "output": report.output }));
        }
        let is_over = matches!(report.state, StepState::Failed(_) | StepState::Unknown(_));
        steps.push(report);
        if is_over {
            return Ok(Report { steps, output: None });
        }
    }
    Ok(Report { steps, output: Some(fill_output(template, given, &outputs)) })
}

/// Does what touches the workspace alone, and stands in for the rest.
struct StandIn<'a> {
    workspace: &'a Workspace,
    sources: &'a dyn Sources,
    template_ref: &'a str,
}

impl StandIn<'_> {
    fn do_act(&self, act: Act<'_>) -> Acted {
        let Act { step, input, problems, .. } = act;
        match step.action.reach {
            Reach::Workspace if !problems.is_empty() => Acted::Failed(problems.join("; ")),
            Reach::Workspace => {
                let around = Around { workspace: self.workspace, sources: self.sources, template_ref: self.template_ref };
                match run_pure(&step.action.id, input, &around) {
                    Ok(done) => Acted::Done(done),
                    Err(reason) => Acted::Failed(reason),
                }
            }
            Reach::Outside => {
                let output = match step.action.example_output() {
                    Json::Object(output) => output,
                    _ => Map::new(),
                };
                Acted::StoodIn(Done { output, warnings: problems.to_vec(), ..Done::default() })
            }
        }
    }
}

impl Doer for StandIn<'_> {
    type Stop = std::convert::Infallible;

    fn begin(&mut self, _: usize, _: &Step) -> impl Future<Output = Result<(), Self::Stop>> + Send {
        ready(Ok(()))
    }

    fn act(&mut self, act: Act<'_>) -> impl Future<Output = Result<Acted, Self::Stop>> + Send {
        ready(Ok(self.do_act(act)))
    }

    fn end(&mut self, _: usize, _: &StepReport) -> impl Future<Output = Result<(), Self::Stop>> + Send {
        ready(Ok(()))
    }
}

fn fill_output(template: &Template, given: &Given, outputs: &Map<String, Json>) -> Json {
    let context = Context::new(&names(given, outputs, Secrets::Absent, None));
    let mut output = render_json(&template.output, &context, &mut Vec::new()).unwrap_or(Json::Null);
    for list in ["links", "text"] {
        if let Some(items) = output.get_mut(list).and_then(Json::as_array_mut) {
            items.retain(|item| item.get("if").is_none_or(is_true));
            for item in items.iter_mut().filter_map(Json::as_object_mut) {
                item.shift_remove("if");
            }
        }
    }
    output
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

async fn run_step<D: Doer>(
    at: usize,
    step: &Step,
    given: &Given,
    outputs: &Map<String, Json>,
    doer: &mut D,
) -> Result<StepReport, D::Stop> {
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
        return Ok(report);
    }
    let rounds = match find_rounds(step, &names(given, outputs, Secrets::Shown, None), &mut faults) {
        Ok(rounds) => rounds,
        Err(reason) => {
            report.state = StepState::Failed(reason);
            return Ok(report);
        }
    };
    let repeats = step.each.is_some();
    let mut ran = 0;
    for (number, round) in rounds.into_iter().enumerate() {
        if repeats && !holds(step, &names(given, outputs, Secrets::Absent, round.as_ref()), &mut faults) {
            continue;
        }
        ran += 1;
        let input = fill_input(step, given, outputs, round.as_ref(), &mut report, &mut faults);
        let problems = step.action.judge_input(&input);
        let acted = doer.act(Act { at, round: number, step, input: &input, problems: &problems }).await?;
        if !take_in(&mut report, repeats, acted) {
            break;
        }
    }
    report.warnings.splice(0..0, warn(&faults));
    if ran == 0 {
        report.state = StepState::Skipped;
    }
    Ok(report)
}

/// The input of a round; the report is given it without secrets.
fn fill_input(
    step: &Step,
    given: &Given,
    outputs: &Map<String, Json>,
    round: Option<&(Json, Json)>,
    report: &mut StepReport,
    faults: &mut Vec<ExpressionError>,
) -> Json {
    let written = if step.input.is_null() { json!({}) } else { step.input.clone() };
    let fill = |secrets: Secrets, faults: &mut Vec<ExpressionError>| {
        render_json(&written, &Context::new(&names(given, outputs, secrets, round)), faults).unwrap_or_else(|| json!({}))
    };
    report.inputs.push(fill(Secrets::Hidden, &mut Vec::new()));
    fill(Secrets::Shown, faults)
}

/// Puts what became of a round into the report; false where the step ends with it.
fn take_in(report: &mut StepReport, repeats: bool, acted: Acted) -> bool {
    let done = match acted {
        Acted::Done(done) => done,
        Acted::StoodIn(done) => {
            report.state = StepState::StoodIn;
            done
        }
        Acted::Failed(reason) => {
            report.state = StepState::Failed(reason);
            return false;
        }
        Acted::Unknown(reason) => {
            report.state = StepState::Unknown(reason);
            return false;
        }
    };
    report.log.extend(done.log);
    report.warnings.extend(done.warnings);
    for (name, value) in done.output {
        // A step that is repeated gives lists.
        match repeats {
            false => report.output[&name] = value,
            true => match report.output[&name].as_array_mut() {
                Some(values) => values.push(value),
                None => report.output[&name] = json!([value]),
            },
        }
    }
    true
}

/// Takes secrets out of what is shown; an action may have written one to its log, or been answered with it.
fn redact(report: &mut StepReport, secrets: &Json) {
    let reason = match &mut report.state {
        StepState::Failed(reason) | StepState::Unknown(reason) => Some(reason),
        StepState::Done | StepState::Skipped | StepState::StoodIn => None,
    };
    for line in report.log.iter_mut().chain(report.warnings.iter_mut()).chain(reason) {
        hide_secrets(line, secrets);
    }
    hide_in_json(&mut report.output, secrets);
}

/// Takes the values of `secrets`, an object, out of a text.
pub fn hide_secrets(text: &mut String, secrets: &Json) {
    let values = secrets.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str());
    for secret in values.filter(|secret| !secret.is_empty()) {
        if text.contains(secret) {
            *text = text.replace(secret, HIDDEN);
        }
    }
}

/// The same in every text of a value.
pub fn hide_in_json(json: &mut Json, secrets: &Json) {
    match json {
        Json::String(text) => hide_secrets(text, secrets),
        Json::Array(items) => items.iter_mut().for_each(|item| hide_in_json(item, secrets)),
        Json::Object(object) => object.values_mut().for_each(|value| hide_in_json(value, secrets)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
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
