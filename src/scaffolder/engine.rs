//! One run from where it stands to its end: each step written down as it begins and as it ends, so that any replica can go
//! on. What steps do outside is elsewhere.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Map, Value as Json, json};
use tracing::{info, warn};

use super::{
    Workbench,
    archive::{Part, pack, unpack},
    doing::{Doing, Stop, Trouble, pause_run},
    outside,
    skeleton::Skeletons,
};
use crate::{
    app::sealed_about,
    store::{Run, RunGrip, RunId, RunState, RunStep, StepEnd, StepState as Kept, StoreError},
    template::{
        action::Reach,
        definition::{Step, Template},
        pure::{Around, run_pure},
        run::{Act, Acted, Doer, From, Given, Report, StepReport, StepState, run_steps},
        workspace::Workspace,
    },
};

/// However many steps there are, a run that takes longer has lost its way.
const LONGEST_RUN: Duration = Duration::from_secs(60 * 60);
/// Lines of a step's log, and of each line, that are kept: a log is read by people.
const MOST_LINES: usize = 500;
const LONGEST_LINE: usize = 2_000;

/// Takes a run and does what is left of it. `Err` where the store takes no word of it: the queue tries again.
pub async fn run_on(bench: &Workbench, id: RunId) -> Result<(), StoreError> {
    let app = &bench.app;
    let taken = app.store.take_run(id, app.clock.now()).await?;
    let Some((grip, run)) = taken else { return Ok(()) };
    info!(run = id.0, template = run.template, "a run goes on");
    let ended = match go_on(bench, grip, &run).await {
        Ok(ended) => ended,
        // Whoever has it goes on.
        Err(Stop::Taken) => return Ok(()),
        Err(Stop::Store(error)) => return Err(error),
        Err(Stop::Cancelled) => Ended::because(RunState::Cancelled, "called off".to_owned()),
        Err(Stop::Broken(reason)) => Ended::because(RunState::Failed, reason),
        Err(Stop::OutOfTime) => {
            let minutes = LONGEST_RUN.as_secs() / 60;
            Ended::because(RunState::Failed, format!("the run took longer than {minutes} minutes"))
        }
    };
    let Ended { state, reason, output } = ended;
    info!(run = id.0, state = state.as_str(), "a run has ended");
    let written = app.store.end_run(grip, state, reason.as_deref(), output.as_ref(), app.clock.now()).await;
    match written.map_err(Stop::from) {
        Ok(()) | Err(Stop::Taken | Stop::Cancelled | Stop::OutOfTime | Stop::Broken(_)) => Ok(()),
        Err(Stop::Store(error)) => Err(error),
    }
}

struct Ended {
    state: RunState,
    reason: Option<String>,
    output: Option<Json>,
}

impl Ended {
    fn because(state: RunState, reason: String) -> Self {
        Self { state, reason: Some(reason), output: None }
    }
}

async fn go_on(bench: &Workbench, grip: RunGrip, run: &Run) -> Result<Ended, Stop> {
    let template = match Template::read(&run.document, &|_| 1) {
        Ok(template) => template,
        Err(refusals) => {
            let reasons: Vec<_> = refusals.into_iter().map(|refusal| refusal.reason).collect();
            return Ok(Ended::because(RunState::Failed, reasons.join("; ")));
        }
    };
    if let Some(ended) = find_end(run).filter(|_| !run.is_cancelling) {
        return Ok(ended);
    }
    let Some(secrets) = open_secrets(bench, run) else {
        let reason =
            "the secrets that were entered cannot be opened; was scaffolder.secret_key changed? Retry asks for them again";
        return Ok(Ended::because(RunState::Failed, reason.to_owned()));
    };
    let place = match Place::prepare(bench, grip, run).await? {
        Ok(place) => place,
        Err(reason) => return Ok(Ended::because(RunState::Failed, reason)),
    };
    let given = Given { parameters: run.parameters.clone(), user: run.user.clone(), secrets };
    let mut engine = Engine {
        bench,
        run,
        grip,
        template_ref: template.entity_ref.clone(),
        secrets: given.secrets.clone(),
        skeletons: Skeletons::new(place.root.join("skeletons")),
        place,
        deadline: Instant::now() + LONGEST_RUN,
        at: None,
    };
    let ran = run_steps(&template, &given, find_beginning(run), &mut engine).await;
    if let (Err(Stop::Cancelled | Stop::OutOfTime), Some(at)) = (&ran, engine.at) {
        // What it was about stays to be seen.
        let said = "the run ended here".to_owned();
        let end = StepEnd {
            position: at,
            state: Kept::Failed,
            inputs: Vec::new(),
            output: json!({}),
            log: Vec::new(),
            warnings: Vec::new(),
            error: Some(said),
        };
        bench.app.store.end_step(grip, &end, None, bench.app.clock.now()).await?;
    }
    Ok(judge(ran?))
}

/// Names and values; none where they were sealed with another key.
fn open_secrets(bench: &Workbench, run: &Run) -> Option<Json> {
    let Some(sealed) = &run.sealed else { return Some(json!({})) };
    let plain = bench.app.seal.as_ref()?.open(&sealed_about(run), sealed)?;
    serde_json::from_slice(&plain).ok()
}

fn judge(report: Report) -> Ended {
    let Report { steps, output } = report;
    let name = |step: &StepReport| step.name.clone();
    match steps.last().map(|step| (&step.state, name(step))) {
        Some((StepState::Failed(reason), name)) => Ended::because(RunState::Failed, format!("{name}: {reason}")),
        Some((StepState::Unknown(reason), name)) => Ended::because(RunState::Unknown, format!("{name}: {reason}")),
        Some((StepState::Done | StepState::Skipped | StepState::StoodIn, _)) | None => {
            Ended { state: RunState::Done, reason: None, output }
        }
    }
}

/// The end that a replica did not live to write down: its step had failed, or nobody knows what became of it. Only a person's
/// word has such a step done again.
fn find_end(run: &Run) -> Option<Ended> {
    let state = |step: &RunStep| match step.state {
        Kept::Failed => Some(RunState::Failed),
        Kept::Unknown => Some(RunState::Unknown),
        Kept::Waiting | Kept::Running | Kept::Done | Kept::Skipped | Kept::Warned | Kept::Marked => None,
    };
    let (step, state) = run.steps.iter().find_map(|step| Some((step, state(step)?)))?;
    Some(Ended::because(state, format!("{}: {}", step.name, step.error.as_deref().unwrap_or("no reason was written down"))))
}

/// The first step that has not ended well, and what those before it gave.
fn find_beginning(run: &Run) -> From {
    let is_over = |state: Kept| matches!(state, Kept::Done | Kept::Skipped | Kept::Warned | Kept::Marked);
    let at = run.steps.iter().position(|step| !is_over(step.state)).unwrap_or(run.steps.len());
    let mut outputs = Map::new();
    for step in run.steps.iter().take(at).filter(|step| step.state != Kept::Skipped) {
        outputs.insert(step.id.clone(), json!({ "output": step.output }));
    }
    From { at, outputs }
}

/// The run's folders on this disk; they go with it.
struct Place {
    root: PathBuf,
}

impl Place {
    /// The workspace as it was when it was kept last.
    async fn prepare(bench: &Workbench, grip: RunGrip, run: &Run) -> Result<Result<Self, String>, Stop> {
        let id = run.id;
        let archive = bench.app.store.load_workspace(id).await.map_err(Stop::Store)?;
        let archive = match archive.map(|archive| open_workspace(bench, run, archive)).transpose() {
            Ok(archive) => archive,
            Err(reason) => return Ok(Err(reason)),
        };
        let all = bench.app.settings.data_dir.join("runs");
        let epoch = grip.epoch();
        let made = tokio::task::spawn_blocking(move || {
            let told = |error: std::io::Error| format!("the run has no folder to work in: {error}");
            // What one that had the run before has left, dead or alive: it may write of the run no more.
            for left in fs::read_dir(&all).into_iter().flatten().flatten() {
                let name = left.file_name();
                let of_run = name.to_str().and_then(|name| name.strip_prefix(&format!("{id}.")));
                let earlier = of_run.and_then(|epoch| epoch.parse::<i64>().ok()).is_some_and(|earlier| earlier < epoch);
                if earlier && let Err(error) = remove_folder(&left.path()) {
                    // One that lives writes there still; it removes its folder itself.
                    info!(%error, run = id.0, "an earlier folder of the run is still in use");
                }
            }
            let place = Self { root: all.join(format!("{id}.{epoch}")) };
            // Of a run with this number in another database.
            remove_folder(&place.root).map_err(told)?;
            fs::create_dir_all(place.workspace()).map_err(told)?;
            if let Some(archive) = archive {
                unpack(&archive, &place.workspace(), Part::Whole)?;
            }
            Ok(place)
        });
        Ok(made.await.unwrap_or_else(|error| Err(format!("the run has no folder to work in: {error}"))))
    }

    fn workspace(&self) -> PathBuf {
        self.root.join("workspace")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = remove_folder(&self.root) {
            warn!(%error, "a run's folder could not be removed");
        }
    }
}

/// Removes a folder, which whoever has taken the run over may be doing as well.
fn remove_folder(path: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

struct Engine<'a> {
    bench: &'a Workbench,
    run: &'a Run,
    grip: RunGrip,
    template_ref: String,
    secrets: Json,
    skeletons: Skeletons,
    place: Place,
    deadline: Instant,
    /// The step that is being done.
    at: Option<usize>,
}

impl Engine<'_> {
    /// An action that touches nothing but the workspace.
    async fn act_inside(&mut self, act: &Act<'_>) -> Result<Acted, Stop> {
        let Act { step, input, .. } = *act;
        let skeleton = match self.skeletons.find(self.bench, self.run, &step.action.id, input).await {
            Ok(found) => Arc::new(found),
            Err(Trouble::Stop(stop)) => return Err(stop),
            Err(Trouble::Failed(reason) | Trouble::Unknown(reason)) => return Ok(Acted::Failed(reason)),
        };
        let (folder, action, input, template_ref) =
            (self.place.workspace(), step.action.id.clone(), input.clone(), self.template_ref.clone());
        let ran = tokio::task::spawn_blocking(move || {
            let workspace = Workspace::open(&folder).map_err(|error| error.to_string())?;
            let around = Around { workspace: &workspace, sources: &*skeleton, template_ref: &template_ref };
            run_pure(&action, &input, &around)
        });
        let done = match ran.await.unwrap_or_else(|error| Err(format!("the action broke down: {error}"))) {
            Ok(done) => done,
            Err(reason) => return Ok(Acted::Failed(reason)),
        };
        if !done.wait.is_zero() {
            pause_run(self.bench, self.grip, done.wait).await?;
        }
        Ok(Acted::Done(done))
    }

    async fn act_outside(&mut self, act: &Act<'_>) -> Result<Acted, Stop> {
        let folder = self.place.workspace();
        let Act { at, round, input, step, .. } = *act;
        let doing = Doing {
            bench: self.bench,
            run: self.run,
            grip: self.grip,
            at,
            round,
            input,
            secrets: &self.secrets,
            folder,
            log: Vec::new(),
            warnings: Vec::new(),
        };
        outside::act(&step.action.id, doing).await
    }
}

impl Doer for Engine<'_> {
    type Stop = Stop;

    async fn begin(&mut self, at: usize, _: &Step) -> Result<(), Stop> {
        let app = &self.bench.app;
        if app.store.is_run_cancelling(self.grip.run).await.map_err(Stop::Store)? {
            return Err(Stop::Cancelled);
        }
        if Instant::now() > self.deadline {
            return Err(Stop::OutOfTime);
        }
        app.store.begin_step(self.grip, at, app.clock.now()).await?;
        self.at = Some(at);
        Ok(())
    }

    async fn act(&mut self, act: Act<'_>) -> Result<Acted, Stop> {
        if !act.problems.is_empty() {
            return Ok(Acted::Failed(act.problems.join("; ")));
        }
        let limit = self.bench.app.settings.scaffolder.step_timeout;
        let is_outside = act.step.action.reach == Reach::Outside;
        // Its own limit is what it was asked for.
        if act.step.action.id == "debug:wait" {
            return self.act_inside(&act).await;
        }
        let acted = async {
            match is_outside {
                true => self.act_outside(&act).await,
                false => self.act_inside(&act).await,
            }
        };
        match tokio::time::timeout(limit, acted).await {
            Ok(acted) => acted,
            Err(_) if leaves_no_trace(&act.step.action.id) => {
                let said = format!("it took longer than {} s; whether it was done is not known", limit.as_secs());
                Ok(Acted::Unknown(said))
            }
            // What it was about to do is written down, and judged when somebody tries again.
            Err(_) => Ok(Acted::Failed(format!("it took longer than {} s", limit.as_secs()))),
        }
    }

    async fn end(&mut self, at: usize, report: &StepReport) -> Result<(), Stop> {
        let (state, error) = match &report.state {
            StepState::Done | StepState::StoodIn if !report.warnings.is_empty() => (Kept::Warned, None),
            StepState::Done | StepState::StoodIn => (Kept::Done, None),
            StepState::Skipped => (Kept::Skipped, None),
            StepState::Failed(reason) => (Kept::Failed, Some(reason.clone())),
            StepState::Unknown(reason) => (Kept::Unknown, Some(reason.clone())),
        };
        let mut end = StepEnd {
            position: at,
            state,
            inputs: report.inputs.clone(),
            output: report.output.clone(),
            log: shorten(&report.log),
            warnings: shorten(&report.warnings),
            error,
        };
        let workspace = if report.state == StepState::Done && changes_workspace(&report.action) {
            match self.keep(&self.place.workspace()).await {
                Ok(archive) => Some(archive),
                Err(reason) => {
                    (end.state, end.error) = (Kept::Failed, Some(reason));
                    None
                }
            }
        } else {
            None
        };
        let app = &self.bench.app;
        app.store.end_step(self.grip, &end, workspace.as_deref(), app.clock.now()).await?;
        self.at = None;
        match (&report.state, end.error) {
            (StepState::Done, Some(reason)) => Err(Stop::Broken(format!("{}: {reason}", report.name))),
            _ => Ok(()),
        }
    }
}

impl Engine<'_> {
    async fn keep(&self, folder: &Path) -> Result<Vec<u8>, String> {
        let folder = folder.to_owned();
        let packed = tokio::task::spawn_blocking(move || pack(&folder)).await;
        let packed = packed.unwrap_or_else(|error| Err(format!("the workspace cannot be kept: {error}")))?;
        match (self.run.secrets.is_empty(), &self.bench.app.seal) {
            (true, _) => Ok(packed),
            // A skeleton may have been filled in with secrets.
            (false, Some(seal)) => Ok(seal.seal(&workspace_about(self.run), &packed)),
            (false, None) => Err("scaffolder.secret_key is not set, so what holds secrets cannot be kept".to_owned()),
        }
    }
}

fn workspace_about(run: &Run) -> String {
    format!("workspace of {}", sealed_about(run))
}

fn open_workspace(bench: &Workbench, run: &Run, archive: Vec<u8>) -> Result<Vec<u8>, String> {
    if run.secrets.is_empty() {
        return Ok(archive);
    }
    let opened = bench.app.seal.as_ref().and_then(|seal| seal.open(&workspace_about(run), &archive));
    opened.ok_or_else(|| "what the run has made so far cannot be opened; was scaffolder.secret_key changed?".to_owned())
}

/// Nothing shows afterwards whether it was done.
fn leaves_no_trace(action: &str) -> bool {
    matches!(action, "github:actions:dispatch" | "http:backstage:request")
}

/// Whether an action leaves another workspace behind.
pub(super) fn changes_workspace(action: &str) -> bool {
    action.starts_with("fetch:") || matches!(action, "fs:delete" | "fs:rename" | "catalog:write")
}

fn shorten(lines: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = lines.iter().take(MOST_LINES).map(|line| line.chars().take(LONGEST_LINE).collect()).collect();
    if lines.len() > MOST_LINES {
        kept.push(format!("+ {} more lines", lines.len() - MOST_LINES));
    }
    kept
}
