//! `/tasks`: runs of templates, how far they are, and what can be done about them.
//! Must not run anything: it writes down what somebody wants, and a job does it.

mod list;
mod log;
pub mod progress;

use serde_json::json;

use super::{
    Asking, Standing,
    access::is_of,
    answer::{
        failure,
        names::{channel_of, written_channel},
    },
};
use crate::{
    app::App,
    catalog::{Catalog, EntityRef, Kind, RelationType},
    chat::{Arguments, Button, Platform, Reply, Status, limits::cut, paging::take_page},
    reach::{address, personal_address},
    store::{AuditEntry, Run, RunAct, RunChange, RunId, RunState},
};

pub use list::{latest, line_text};

/// The arguments of `commands/tasks.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tasks {
    List(Which, usize),
    Show(RunId),
    /// With a page of it, from 1.
    Log(RunId, usize),
    Act(RunAct, RunId),
    /// What was typed for a number.
    NoNumber(String),
}

/// Which runs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The asker's and their teams'.
    Ours,
    Mine,
    Failed,
    Running,
    All,
}

impl Which {
    /// The word in a line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ours => "",
            Self::Mine => "mine",
            Self::Failed => "failed",
            Self::Running => "running",
            Self::All => "all",
        }
    }
}

impl From<&Arguments> for Tasks {
    fn from(arguments: &Arguments) -> Self {
        let written = arguments.find("run").unwrap_or_default().trim();
        let mut words: Vec<&str> = written.split_whitespace().filter(|word| !word.eq_ignore_ascii_case("run")).collect();
        let page = take_page(&mut words);
        let number = words.first().and_then(|word| word.trim_start_matches('#').parse().ok()).map(RunId);
        let which = match arguments.find("action") {
            None => Which::Ours,
            Some("mine") => Which::Mine,
            Some("failed") => Which::Failed,
            Some("running") => Which::Running,
            Some("all") => Which::All,
            Some(act) => {
                let Some(number) = number else { return Self::NoNumber(written.to_owned()) };
                return match act_of(act) {
                    Some(act) => Self::Act(act, number),
                    None => Self::Log(number, page),
                };
            }
        };
        match (number, words.is_empty()) {
            (Some(number), _) => Self::Show(number),
            (None, true) => Self::List(which, page),
            (None, false) => Self::NoNumber(written.to_owned()),
        }
    }
}

/// What the words of `commands/tasks.yaml` do.
const ACTS: [(&str, RunAct); 7] = [
    ("approve", RunAct::Approve),
    ("decline", RunAct::Decline),
    ("retry", RunAct::Retry),
    ("done", RunAct::MarkDone),
    ("cancel", RunAct::Cancel),
    ("cleanup", RunAct::CleanUp),
    ("keep", RunAct::Keep),
];

fn act_of(word: &str) -> Option<RunAct> {
    ACTS.iter().find(|(known, _)| *known == word).map(|(_, act)| *act)
}

pub async fn tasks(app: &App, catalog: &Catalog, asking: &Asking<'_>, call: &Tasks) -> Reply {
    match call {
        Tasks::List(which, page) => list::list(app, catalog, asking, *which, *page).await,
        Tasks::Show(id) => match load(app, asking, *id).await {
            Ok(run) => show(app, catalog, asking, &run),
            Err(reply) => *reply,
        },
        Tasks::Log(id, page) => match load(app, asking, *id).await {
            Ok(run) => log::log(&run, *page),
            Err(reply) => *reply,
        },
        Tasks::Act(act, id) => match load(app, asking, *id).await {
            Ok(run) => do_act(app, catalog, asking, *act, &run).await,
            Err(reply) => *reply,
        },
        Tasks::NoNumber(written) => {
            let lead = match written.as_str() {
                "" => "Say which run, by its number: /tasks 12.".to_owned(),
                written => format!("“{}” is no run's number. Write one as in /tasks 12.", cut(written, 60)),
            };
            let mut reply = Reply::new(Status::NotFound, "tasks", lead.into());
            reply.buttons.push(Button::say("Latest runs", "tasks").primary());
            reply
        }
    }
}

async fn load(app: &App, asking: &Asking<'_>, id: RunId) -> Result<Run, Box<Reply>> {
    match app.store.load_run(id).await {
        Ok(Some(run)) => Ok(run),
        Ok(None) => Err(Box::new(no_such_run(id))),
        Err(error) => Err(Box::new(failure::not_answered("tasks", "How far a run is", asking, &error))),
    }
}

fn no_such_run(id: RunId) -> Reply {
    let mut reply = Reply::new(Status::NotFound, "tasks", format!("There is no run {id}.").into());
    reply.buttons.push(Button::say("Latest runs", "tasks").primary());
    reply
}

/// One run as its message shows it, and for whom asked for it the way to enter its secrets.
fn show(app: &App, catalog: &Catalog, asking: &Asking<'_>, run: &Run) -> Reply {
    let mut reply = progress::progress(catalog, run);
    if run.state == RunState::Secrets
        && is_askers(catalog, asking, run)
        && let Ok(page) = app.secret_page(run)
    {
        reply.buttons.insert(0, Button::open("Enter its secrets", page).primary());
    }
    reply
}

async fn do_act(app: &App, catalog: &Catalog, asking: &Asking<'_>, act: RunAct, run: &Run) -> Reply {
    if let Some(refusal) = refuse(catalog, asking, act, run) {
        return refusal;
    }
    let word = ACTS.iter().find(|(_, known)| *known == act).map_or("", |(word, _)| *word);
    let audit = AuditEntry {
        at: asking.now,
        delivery: asking.delivery.clone(),
        account: asking.account.clone(),
        person: asking.person.clone(),
        command: format!("tasks {word}"),
        subject: format!("run {} of {}", run.id, run.template),
        detail: json!({ "run": run.id, "state": run.state.as_str() }),
    };
    match app.store.change_run(audit, run.id, act).await {
        Ok(RunChange::Done) => {
            let mut reply = Reply::new(Status::Answered, "tasks", done(act, run).into());
            reply.refs.push(run.template.clone());
            reply.buttons.push(Button::say("Show the run", format!("tasks {}", run.id)));
            reply
        }
        Ok(RunChange::NotNow(state)) => {
            let lead =
                format!("Run {} {}, so this cannot be done now. Nothing was changed.", run.id, progress::state_words(state));
            let mut reply = Reply::new(Status::Refused, "tasks", lead.into());
            reply.buttons.push(Button::say("Show the run", format!("tasks {}", run.id)).primary());
            reply
        }
        Ok(RunChange::NoSuchRun) => no_such_run(run.id),
        Err(error) => failure::not_recorded("tasks", "This was not done.", asking, &error),
    }
}

fn done(act: RunAct, run: &Run) -> String {
    let id = run.id;
    match act {
        RunAct::Approve if run.secrets.is_empty() => format!("You agreed to run {id}; it begins."),
        RunAct::Approve => format!("You agreed to run {id}; it begins when its secrets are entered."),
        RunAct::Decline => format!("You declined run {id}; nothing was made."),
        RunAct::Retry => format!("Run {id} goes on from the step at which it stopped."),
        RunAct::MarkDone => format!("The step counts as done; run {id} goes on behind it."),
        RunAct::Cancel if run.state == RunState::Running => format!("Run {id} stops before its next step."),
        RunAct::Cancel => format!("Run {id} is called off; nothing was made."),
        RunAct::CleanUp => format!("What run {id} made is being taken back. What another may have changed since stays."),
        RunAct::Keep => format!("What run {id} made stays as it is."),
    }
}

/// Approvers decide, and not on what they asked for themselves; the rest is for whom asked, their teams and admins.
fn refuse(catalog: &Catalog, asking: &Asking<'_>, act: RunAct, run: &Run) -> Option<Reply> {
    let is_admin = asking.standing == Standing::Admin;
    let refused = |said: String| Some(Reply::new(Status::Refused, "tasks", format!("{said} Nothing was changed.").into()));
    match act {
        RunAct::Approve | RunAct::Decline => {
            let approvers = run.approvers.as_deref().map(approvers).unwrap_or_default();
            let who = approvers_named(catalog, run.approvers.as_deref().unwrap_or_default());
            if is_admin {
                None
            } else if !approvers.iter().any(|approver| is_of(catalog, asking, approver)) {
                refused(format!("Only {who} and admins may decide on run {}.", run.id))
            } else if is_askers(catalog, asking, run) {
                refused(format!("You asked for run {} yourself: somebody else of {who} has to decide on it.", run.id))
            } else {
                None
            }
        }
        RunAct::Retry | RunAct::MarkDone | RunAct::Cancel | RunAct::CleanUp | RunAct::Keep => {
            let may = is_admin || is_askers(catalog, asking, run) || is_of_team(catalog, asking, run.person.as_ref());
            match may {
                true => None,
                false => refused(format!("Only whoever asked for run {}, their team and admins may do this.", run.id)),
            }
        }
    }
}

/// Whether the asker asked for it, by this or another account of theirs.
fn is_askers(catalog: &Catalog, asking: &Asking<'_>, run: &Run) -> bool {
    is_by(catalog, asking, &run.account, run.person.as_ref())
}

fn is_by(catalog: &Catalog, asking: &Asking<'_>, account: &crate::chat::Account, person: Option<&EntityRef>) -> bool {
    let same_account = account.platform == asking.account.platform && account.id == asking.account.id;
    same_account || person.zip(asking.person.as_ref()).is_some_and(|(by, me)| catalog.is_same_person(by, me))
}

/// Whether that person is in one of the asker's own teams.
fn is_of_team(catalog: &Catalog, asking: &Asking<'_>, person: Option<&EntityRef>) -> bool {
    let (Some(person), Some(me)) = (person, &asking.person) else { return false };
    let teams = catalog.related(me, RelationType::MemberOf);
    catalog.related(person, RelationType::MemberOf).iter().any(|team| teams.contains(team))
}

/// The groups and people of `steward.dev/approvers`.
fn approvers(written: &str) -> Vec<EntityRef> {
    written.split(',').filter_map(|one| EntityRef::parse(one.trim(), Some("group"), "default").ok()).collect()
}

/// "Platform", "Platform or Ana Silva".
pub fn approvers_named(catalog: &Catalog, written: &str) -> String {
    let names: Vec<String> = approvers(written).iter().map(|one| super::answer::names::label(catalog, one)).collect();
    if names.is_empty() { "its approvers".to_owned() } else { names.join(" or ") }
}

/// Where those who must agree are asked: a team's channel, a person's conversation; else the channel that hears what no team
/// can be told.
pub fn places_of_approvers(app: &App, catalog: &Catalog, platform: Platform, written: &str) -> Vec<String> {
    let place = |approver: &EntityRef| {
        let entry = catalog.find(catalog.primary(approver))?;
        match entry.entity.kind {
            Kind::User => personal_address(platform, &entry.entity),
            _ => channel_of(catalog, approver).and_then(|(channel, _)| address(platform, &channel)),
        }
    };
    let mut places: Vec<String> = approvers(written).iter().filter_map(place).collect();
    if places.is_empty() {
        let catch_all = app.settings.hygiene.catch_all.as_deref().and_then(written_channel);
        places.extend(catch_all.and_then(|channel| address(platform, &channel)));
    }
    places.sort();
    places.dedup();
    places
}
