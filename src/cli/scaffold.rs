//! `steward scaffold`: runs a Software Template into a folder, touching nothing else, and lists what templates may do.
//! What a template means is for `template`; here files are read and a report is written.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use crate::{
    catalog::descriptor::NoValue,
    template::{
        action::actions,
        definition::{Refusal, Template},
        form::Form,
        pure::Sources,
        run::{Given, Report, StepReport, StepState, dry_run},
        workspace::{Kind, Workspace},
    },
};

/// What `steward scaffold` is asked.
#[derive(Debug, Clone, Args)]
pub struct ScaffoldArgs {
    /// The template's descriptor, or the folder in which its template.yaml lies
    #[arg(required_unless_present = "actions", value_name = "TEMPLATE")]
    pub template: Option<PathBuf>,
    /// YAML or JSON file with the form's answers
    #[arg(long, value_name = "FILE")]
    pub values: Option<PathBuf>,
    /// Write the result to a folder and touch nothing else
    #[arg(long)]
    pub dry_run: bool,
    /// The folder the result is written to; it must be empty or not there yet
    #[arg(long, value_name = "DIR", default_value = "scaffold-result")]
    pub out: PathBuf,
    /// A folder that stands for a skeleton elsewhere; `*=DIR` for all others
    #[arg(long = "stand-in", value_name = "URL=DIR")]
    pub stand_ins: Vec<String>,
    /// List the actions that steps may name, with their inputs and examples
    #[arg(long)]
    pub actions: bool,
    /// How the result is written
    #[arg(long, value_enum, default_value_t = ScaffoldFormat::Text)]
    pub format: ScaffoldFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScaffoldFormat {
    /// For people
    Text,
    /// One JSON value
    Json,
}

/// Runs the template, or lists the actions; false where it was refused, its values are wrong or a step failed.
pub fn scaffold(args: &ScaffoldArgs, out: &mut dyn Write) -> anyhow::Result<bool> {
    if args.actions {
        return list_actions(args.format, out).map(|()| true);
    }
    let path = args.template.as_deref().context("name a template, or --actions")?;
    if !args.dry_run {
        bail!("a run that touches something is started in chat; add --dry-run to see here what it would do");
    }
    let path = if path.is_dir() { path.join("template.yaml") } else { path.to_owned() };
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let template = match read_template(&text, &folder) {
        Ok(template) => template,
        Err(refusals) => {
            for refusal in refusals {
                writeln!(out, "{}:{}: {}", path.display(), refusal.line, refusal.reason)?;
            }
            return Ok(false);
        }
    };
    let form = match Form::read(&template) {
        Ok(form) => form,
        Err(bad) => {
            writeln!(out, "{}: {bad}", path.display())?;
            return Ok(false);
        }
    };
    let checked = form.check(&read_values(args.values.as_deref())?);
    if !checked.faults.is_empty() {
        for fault in &checked.faults {
            let place = if fault.path.is_empty() { "the values".to_owned() } else { fault.path.join(".") };
            writeln!(out, "{place} {}", fault.message)?;
        }
        return Ok(false);
    }
    let workspace = Workspace::open(&empty_folder(&args.out)?)?;
    let sources = LocalSources { folder, stand_ins: read_stand_ins(&args.stand_ins)? };
    let user = json!({ "ref": "user:default/guest", "entity": { "kind": "User", "metadata": { "name": "guest", "namespace": "default" }, "spec": {} } });
    let given = Given { parameters: checked.values, user, secrets: json!({}) };
    let report = dry_run(&template, &given, &workspace, &sources);
    match args.format {
        ScaffoldFormat::Text => write_report(&template, &report, &workspace, &args.out, out)?,
        ScaffoldFormat::Json => writeln!(out, "{}", report_json(&report))?,
    }
    Ok(!report.failed())
}

/// Twice: first to learn which files placeholders name, then with their contents.
fn read_template(text: &[u8], folder: &Path) -> Result<Template, Vec<Refusal>> {
    let wanted = RefCell::new(BTreeSet::new());
    let learn = |target: &str| -> Result<&[u8], NoValue> {
        wanted.borrow_mut().insert(target.to_owned());
        Err(NoValue::Away("not read yet".to_owned()))
    };
    let first = Template::parse(text, &learn);
    let wanted = wanted.into_inner();
    if wanted.is_empty() {
        return first;
    }
    let read = |target: String| {
        let bytes = inside(folder, &target).and_then(|path| fs::read(path).map_err(|error| error.to_string()));
        (target, bytes)
    };
    let files: BTreeMap<String, Result<Vec<u8>, String>> = wanted.into_iter().map(read).collect();
    Template::parse(text, &|target| match files.get(target) {
        Some(Ok(bytes)) => Ok(bytes),
        Some(Err(reason)) => Err(NoValue::Absent(reason.clone())),
        None => Err(NoValue::Absent("it is not there".to_owned())),
    })
}

/// A path beside the template; neither `..` nor a link leads out of its folder.
fn inside(folder: &Path, target: &str) -> Result<PathBuf, String> {
    let base = folder.canonicalize().map_err(|error| error.to_string())?;
    let path = base.join(target).canonicalize().map_err(|error| format!("{target}: {error}"))?;
    if !path.starts_with(&base) {
        return Err(format!("{target} lies outside of the template's folder"));
    }
    Ok(path)
}

fn read_values(path: Option<&Path>) -> anyhow::Result<Json> {
    let Some(path) = path else { return Ok(json!({})) };
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let values: Json = serde_yaml::from_str(&text).with_context(|| format!("{} is neither YAML nor JSON", path.display()))?;
    match values {
        Json::Null => Ok(json!({})),
        Json::Object(_) => Ok(values),
        _ => bail!("{} is to hold names and values", path.display()),
    }
}

fn empty_folder(path: &Path) -> anyhow::Result<PathBuf> {
    let told = || format!("cannot use the folder {}", path.display());
    fs::create_dir_all(path).with_context(told)?;
    if fs::read_dir(path).with_context(told)?.next().is_some() {
        bail!("the folder {} is not empty; name another one with --out", path.display());
    }
    Ok(path.to_owned())
}

fn read_stand_ins(written: &[String]) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let read = written.iter().map(|pair| match pair.rsplit_once('=') {
        Some((url, folder)) => Ok((url.to_owned(), PathBuf::from(folder))),
        None => bail!("--stand-in {pair}: write URL=DIR"),
    });
    read.collect()
}

/// Skeletons beside the template, and folders that stand for those elsewhere.
struct LocalSources {
    folder: PathBuf,
    stand_ins: Vec<(String, PathBuf)>,
}

impl Sources for LocalSources {
    fn folder(&self, url: &str) -> Result<PathBuf, String> {
        let named = |wanted: &str| self.stand_ins.iter().find(|(known, _)| known == wanted).map(|(_, folder)| folder.clone());
        if let Some(folder) = named(url) {
            return Ok(folder);
        }
        let is_elsewhere = url.contains("://");
        match (is_elsewhere, named("*")) {
            (false, _) => inside(&self.folder, url),
            (true, Some(folder)) => Ok(folder),
            (true, None) => Err(format!("{url} is elsewhere; --stand-in {url}=DIR names a folder to take for it")),
        }
    }

    fn file(&self, url: &str) -> Result<Vec<u8>, String> {
        let path = self.folder(url)?;
        fs::read(&path).map_err(|error| format!("{url}: {error}"))
    }
}

fn write_report(
    template: &Template,
    report: &Report,
    workspace: &Workspace,
    folder: &Path,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    writeln!(out, "{} ({})", template.title, template.entity_ref)?;
    for step in &report.steps {
        let state = match &step.state {
            StepState::Done => "done".to_owned(),
            StepState::Skipped => "left out".to_owned(),
            StepState::StoodIn => "would be done".to_owned(),
            StepState::Failed(reason) => format!("failed: {reason}"),
            StepState::Unknown(reason) => format!("not known: {reason}"),
        };
        writeln!(out, "  {} [{}]: {state}", step.name, step.action)?;
        for line in step.log.iter().chain(step.warnings.iter()) {
            writeln!(out, "      {line}")?;
        }
        if step.state == StepState::StoodIn {
            for input in &step.inputs {
                writeln!(out, "      with {input}")?;
            }
        }
    }
    for link in report.output.iter().flat_map(|output| output["links"].as_array().into_iter().flatten()) {
        let target = link["url"].as_str().or(link["entityRef"].as_str()).unwrap_or_default();
        writeln!(out, "  {}: {target}", link["title"].as_str().unwrap_or("Link"))?;
    }
    let files = workspace.list()?.into_iter().filter(|entry| entry.kind != Kind::Folder);
    writeln!(out, "{} files in {}", files.count(), folder.display())?;
    Ok(())
}

fn report_json(report: &Report) -> Json {
    let step = |step: &StepReport| {
        let (state, reason) = match &step.state {
            StepState::Done => ("done", None),
            StepState::Skipped => ("skipped", None),
            StepState::StoodIn => ("stood-in", None),
            StepState::Failed(reason) => ("failed", Some(reason)),
            StepState::Unknown(reason) => ("unknown", Some(reason)),
        };
        json!({
            "id": step.id, "name": step.name, "action": step.action, "state": state, "error": reason,
            "inputs": step.inputs, "output": step.output, "log": step.log, "warnings": step.warnings,
        })
    };
    json!({ "steps": report.steps.iter().map(step).collect::<Vec<_>>(), "output": report.output })
}

fn list_actions(format: ScaffoldFormat, out: &mut dyn Write) -> anyhow::Result<()> {
    if format == ScaffoldFormat::Json {
        let listed = actions().iter().map(|action| {
            json!({
                "id": action.id, "description": action.description, "examples": action.examples,
                "schema": { "input": action.input_schema(), "output": action.output_schema() },
            })
        });
        writeln!(out, "{}", Json::Array(listed.collect()))?;
        return Ok(());
    }
    for action in actions() {
        writeln!(out, "{}\n  {}", action.id, action.description)?;
        for (title, schemas) in [("in", &action.input), ("out", &action.output)] {
            for (name, schema) in schemas {
                let needed = if schema["required"] == Json::Bool(true) { " (required)" } else { "" };
                writeln!(out, "  {title} {name}{needed}: {}", schema["description"].as_str().unwrap_or_default())?;
            }
        }
        for example in &action.examples {
            writeln!(out, "  Example: {}", example.description)?;
            let input = serde_yaml::to_string(&json!({ "action": action.id, "input": example.input }))?;
            for line in input.lines() {
                writeln!(out, "    {line}")?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}
