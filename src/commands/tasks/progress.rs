//! One run as everybody sees it: its steps, what it made, what can be done about it. The same in the message that is kept up
//! to date and in `/tasks 12`. Must not know who looks: what a button does is checked when it is pressed.

use chrono::TimeDelta;
use serde_json::Value as Json;
use url::Url;

use super::approvers_named;
use crate::{
    catalog::{Catalog, EntityRef},
    chat::{Block, Button, Card, ListItem, ListStyle, Reply, Status, Text, Tone, Weight, limits::cut},
    commands::{answer::names::label, new::plan_text},
    store::{Deed, DeedState, Run, RunState, RunStep, StepState},
    template::run::Given,
};

/// More lines are folded: those that are done first.
const STEPS: usize = 24;

const DEEDS: usize = 12;
const LINKS: usize = 8;
const LINE: usize = 240;

/// The message of a run.
pub fn progress(catalog: &Catalog, run: &Run) -> Reply {
    let lead = Text::new().bold(cut(&run.title, 150)).say(format!(" {}", said(catalog, run)));
    let mut reply = Reply::new(Status::Answered, "tasks", lead);
    reply.refs.push(run.template.clone());
    reply.audience = crate::chat::Audience::Everyone;
    let mut body = Vec::new();
    if run.state == RunState::Approval {
        let given = Given { parameters: run.parameters.clone(), user: run.user.clone(), secrets: Json::Null };
        body.extend(plan_text(catalog, &run.document, &given, run.approvers.as_deref()).map(Block::Paragraph));
    } else {
        body.push(Block::List { style: ListStyle::Bullets, items: steps(run) });
    }
    // The step that failed has said why already.
    let is_said = |reason: &str| run.steps.iter().filter_map(|step| step.error.as_deref()).any(|error| reason.contains(error));
    if let Some(reason) = run.reason.as_deref().filter(|reason| run.state != RunState::Done && !is_said(reason)) {
        body.push(Block::Warning(cut(&sentence(reason), 2 * LINE).into()));
    }
    for words in texts(run).into_iter().chain(folders(run)) {
        body.push(Block::Paragraph(words));
    }
    let tone = match run.state {
        RunState::Done if run.steps.iter().any(|step| step.state == StepState::Warned) => Tone::Warning,
        RunState::Done => Tone::Good,
        RunState::Failed | RunState::Unknown => Tone::Critical,
        RunState::Approval | RunState::Secrets | RunState::Queued | RunState::Running | RunState::Cancelled => Tone::Neutral,
    };
    reply.cards.push(Card { tone, body, ..Card::default() });
    reply.cards.extend(made(run));
    reply.buttons = buttons(catalog, run);
    reply
}

/// What a run does, behind its title or number.
pub fn state_words(state: RunState) -> &'static str {
    match state {
        RunState::Approval => "waits for approval",
        RunState::Secrets => "waits for its secrets",
        RunState::Queued => "is about to begin",
        RunState::Running => "is running",
        RunState::Failed => "failed",
        RunState::Unknown => "stopped, because nobody can tell whether a step happened",
        RunState::Done => "is done",
        RunState::Cancelled => "was called off",
    }
}

fn said(catalog: &Catalog, run: &Run) -> String {
    let words = match run.state {
        RunState::Approval => {
            format!("waits for {} to agree", approvers_named(catalog, run.approvers.as_deref().unwrap_or_default()))
        }
        RunState::Running if run.is_cancelling => "stops before its next step".to_owned(),
        state => state_words(state).to_owned(),
    };
    let took = run.began_at.zip(run.ended_at).filter(|_| run.state == RunState::Done);
    let took = took.map(|(began, ended)| format!(" after {}", duration(ended - began))).unwrap_or_default();
    let by = run.person.as_ref().map_or_else(|| run.account.name.clone(), |person| label(catalog, person));
    let decided = match (&run.decided_by, run.state) {
        (Some(by), state) if state != RunState::Cancelled => {
            let name = EntityRef::parse(by, None, "default").map_or_else(|_| by.clone(), |person| label(catalog, &person));
            format!("; {name} agreed")
        }
        _ => String::new(),
    };
    format!("{words}{took}. Run {}, asked for by {by}{decided}.", run.id)
}

fn steps(run: &Run) -> Vec<ListItem> {
    let is_behind = |step: &&RunStep| matches!(step.state, StepState::Done | StepState::Skipped | StepState::Marked);
    let behind = run.steps.iter().take_while(is_behind).count();
    let folded = if run.steps.len() > STEPS { behind.min(run.steps.len() - STEPS + 1) } else { 0 };
    let mut items = Vec::new();
    if folded > 0 {
        items.push(ListItem::new(format!("✓ {folded} steps").into()));
    }
    let room = STEPS.saturating_sub(items.len());
    items.extend(run.steps.iter().skip(folded).take(room).map(|step| ListItem::new(step_text(step))));
    let left = run.steps.len().saturating_sub(folded + room);
    if left > 0 {
        items.push(ListItem::new(format!("+ {left} more").into()));
    }
    items
}

fn step_text(step: &RunStep) -> Text {
    let name = cut(&step.name, 100);
    let took = step.began_at.zip(step.ended_at).map(|(began, ended)| ended - began);
    let took =
        took.filter(|took| *took >= TimeDelta::seconds(1)).map(|took| format!(" ({})", duration(took))).unwrap_or_default();
    let because = |step: &RunStep| step.error.as_deref().map(|error| format!(": {}", cut(error, LINE))).unwrap_or_default();
    match step.state {
        StepState::Waiting => Text::plain(format!("○ {name}")),
        StepState::Running => Text::plain("… ").bold(name),
        StepState::Done => Text::plain(format!("✓ {name}{took}")),
        StepState::Warned => {
            let warning = step.warnings.first().map_or("", String::as_str);
            Text::plain(format!("! {name}{took}, with a warning: {}", cut(warning, LINE)))
        }
        StepState::Skipped => Text::plain(format!("– {name}: left out")),
        StepState::Failed => Text::plain("✗ ").bold(name).say(format!("{took} failed{}", because(step))),
        StepState::Unknown => Text::plain("? ").bold(name).say(format!(": nobody can tell whether it happened{}", because(step))),
        StepState::Marked => Text::plain(format!("✓ {name}: marked as done by hand")),
    }
}

/// What the template says at its end.
fn texts(run: &Run) -> Vec<Text> {
    let texts = run.output.iter().filter(|_| run.state == RunState::Done);
    let texts = texts.flat_map(|output| output["text"].as_array().into_iter().flatten());
    let text = |text: &Json| {
        let content = text["content"].as_str().filter(|content| !content.trim().is_empty())?;
        let content = cut(content.trim(), 2 * LINE);
        Some(match text["title"].as_str() {
            Some(title) => Text::new().bold(format!("{title}: ")).say(content),
            None => Text::plain(content),
        })
    };
    texts.filter_map(text).take(4).collect()
}

/// `output.links` that lead to a folder of the machine on which Steward runs: a chat cannot open one.
fn folders(run: &Run) -> Vec<Text> {
    let folder = |link: &Json| {
        let path = link["url"].as_str().filter(|url| url.starts_with("file://"))?.parse::<Url>().ok()?.to_file_path().ok()?;
        let title = link["title"].as_str().filter(|title| !title.trim().is_empty()).unwrap_or("Folder");
        Some(Text::new().bold(format!("{}: ", cut(title, 60))).code(cut(&path.display().to_string(), LINE)))
    };
    output_links(run).filter_map(folder).take(LINKS).collect()
}

fn output_links(run: &Run) -> impl Iterator<Item = &Json> {
    let output = run.output.iter().filter(|_| run.state == RunState::Done);
    output.flat_map(|output| output["links"].as_array().into_iter().flatten())
}

/// What exactly was made, where the run did not come to its end.
fn made(run: &Run) -> Option<Card> {
    if !matches!(run.state, RunState::Failed | RunState::Unknown | RunState::Cancelled) || run.deeds.is_empty() {
        return None;
    }
    let mut items: Vec<ListItem> = run.deeds.iter().take(DEEDS).map(|deed| ListItem::new(deed_text(deed))).collect();
    if run.deeds.len() > DEEDS {
        items.push(ListItem::new(format!("+ {} more", run.deeds.len() - DEEDS).into()));
    }
    let body = vec![Block::List { style: ListStyle::Bullets, items }];
    Some(Card { title: Text::new().bold("What it made"), body, ..Card::default() })
}

fn deed_text(deed: &Deed) -> Text {
    let what = match deed.what.as_str() {
        "repository" => "The repository",
        "folder" => "The folder",
        "push" => "Files in",
        "pull-request" => "The pull request",
        "branch" => "The branch",
        "dispatch" => "A workflow run of",
        "labels" => "Labels on",
        "webhook" => "A webhook of",
        "protection" => "The protection of",
        "settings" => "Settings of",
        "message" => "A message to",
        "request" => "The request",
        "location" => "The catalog's entry",
        other => other,
    };
    let text = Text::plain(format!("{what} "));
    let url = ["url", "html_url", "remoteUrl"].iter().find_map(|key| deed.result[*key].as_str());
    let url = url.map(str::to_owned).or_else(|| (deed.target.starts_with("https://")).then(|| deed.target.clone()));
    let text = match (url.filter(|url| url.starts_with("https://") || url.starts_with("http://")), &deed.detail["path"]) {
        (Some(url), _) => text.link(cut(&deed.target, LINE), url),
        (None, Json::String(path)) => text.code(cut(path, LINE)),
        (None, _) => text.code(cut(&deed.target, LINE)),
    };
    let text = match deed.state {
        DeedState::Intended => text.say(": begun; nobody can tell whether it is there"),
        DeedState::Done => text,
        DeedState::NotDone => text.say(": was not made"),
        DeedState::Undone => text.say(": taken back"),
        DeedState::Kept => text.say(": kept"),
    };
    match deed.result["clean_up"].as_str().filter(|_| deed.state != DeedState::Undone) {
        Some(told) => text.say(format!("; {}", cut(told, LINE))),
        None => text,
    }
}

fn buttons(catalog: &Catalog, run: &Run) -> Vec<Button> {
    let say = |label: &str, act: &str| Button::say(label, format!("tasks {act} {}", run.id));
    let danger = |button: Button| Button { weight: Weight::Danger, ..button };
    let mut buttons = Vec::new();
    match run.state {
        RunState::Approval => {
            buttons.push(say("Approve", "approve").primary());
            buttons.push(danger(say("Decline", "decline")).confirm("Decline this run?"));
        }
        RunState::Secrets | RunState::Queued => buttons.push(danger(say("Cancel", "cancel")).confirm("Call this run off?")),
        RunState::Running if !run.is_cancelling => {
            buttons.push(
                danger(say("Cancel", "cancel"))
                    .confirm("Stop this run before its next step? What it made so far stays until you clean up."),
            );
        }
        RunState::Failed | RunState::Unknown | RunState::Cancelled => {
            buttons.push(say("Retry", "retry").primary());
            if run.state == RunState::Unknown {
                buttons.push(say("Mark done", "done").confirm("Go on as if this step had happened?"));
            }
            if run.deeds.iter().any(|deed| matches!(deed.state, DeedState::Done | DeedState::Intended)) {
                buttons
                    .push(danger(say("Clean up", "cleanup")).confirm("Take back what this run made? Its repository is deleted."));
                buttons.push(say("Keep", "keep"));
            }
        }
        RunState::Running => {}
        RunState::Done => buttons.extend(links(catalog, run)),
    }
    if run.steps.iter().any(|step| !step.log.is_empty() || !step.warnings.is_empty() || step.error.is_some()) {
        buttons.push(say("Log", "log"));
    }
    buttons
}

/// `output.links`: addresses, and entities of the catalog.
fn links(catalog: &Catalog, run: &Run) -> Vec<Button> {
    let link = |link: &Json| {
        let title = link["title"].as_str().filter(|title| !title.trim().is_empty());
        if let Some(url) = link["url"].as_str().filter(|url| url.starts_with("https://") || url.starts_with("http://")) {
            return Some(Button::open(cut(title.unwrap_or("Open"), 60), url));
        }
        let entity = EntityRef::parse(link["entityRef"].as_str()?, Some("component"), "default").ok()?;
        let title = title.map_or_else(|| label(catalog, &entity), str::to_owned);
        Some(Button::say(cut(&title, 60), format!("owner {entity}")))
    };
    output_links(run).filter_map(link).take(LINKS).collect()
}

fn sentence(reason: &str) -> String {
    let mut letters = reason.trim().chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    let rest = letters.as_str();
    let end = if rest.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{rest}{end}")
}

/// "3 s", "2 min 5 s", "1 h 4 min".
fn duration(took: TimeDelta) -> String {
    let seconds = took.num_seconds().max(0);
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}
