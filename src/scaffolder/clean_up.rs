//! Takes back what a run that came to no good end has made, the last first. What may be another's stays, and what cannot be
//! taken back is told.

use serde_json::json;
use tracing::info;

use super::{
    Workbench,
    doing::There,
    folder::PublishFolder,
    repository::{is_marked, is_ours, may_be_there},
};
use crate::{
    github::make::MakeError,
    store::{Deed, DeedState, Job, Run, RunId, RunState, StoreError},
};

/// Why something stays.
enum Stays {
    /// It is not there, or was never made.
    Nothing,
    /// What is told to people.
    Because(String),
}

impl From<MakeError> for Stays {
    fn from(error: MakeError) -> Self {
        if error.is_missing() { Self::Nothing } else { Self::Because(error.to_string()) }
    }
}

/// Takes back what a run has made. `Err` where the store is away: the queue tries again.
pub async fn clean_up(bench: &Workbench, id: RunId) -> Result<(), String> {
    let told = |error: StoreError| error.to_string();
    let store = &bench.app.store;
    let Some(run) = store.load_run(id).await.map_err(told)? else { return Ok(()) };
    if !matches!(run.state, RunState::Failed | RunState::Unknown | RunState::Cancelled) {
        return Ok(());
    }
    let mut gone: Vec<String> = Vec::new();
    for deed in run.deeds.iter().rev().filter(|deed| may_be_there(deed.state)) {
        let whole = deed.target.split(' ').next().unwrap_or_default().to_owned();
        let made_here = |other: &&Deed| holds_others(other) && other.target == whole && may_be_there(other.state);
        // It goes with its repository.
        let goes_with = !holds_others(deed) && run.deeds.iter().any(|other| made_here(&other));
        if goes_with {
            continue;
        }
        let (state, result) = match take_back(bench, &run, deed).await {
            Ok(said) => {
                if holds_others(deed) {
                    gone.push(deed.target.clone());
                }
                (DeedState::Undone, json!({ "clean_up": said }))
            }
            Err(Stays::Nothing) => {
                if holds_others(deed) {
                    gone.push(deed.target.clone());
                }
                (DeedState::Undone, json!({ "clean_up": "it is not there" }))
            }
            Err(Stays::Because(reason)) => (deed.state, json!({ "clean_up": format!("it stays: {reason}") })),
        };
        info!(run = id.0, what = deed.what, target = deed.target, state = state.as_str(), "cleaned up");
        store.note_clean_up(id, deed.id, state, &result, bench.app.clock.now()).await.map_err(told)?;
    }
    for deed in run.deeds.iter().filter(|deed| !holds_others(deed) && may_be_there(deed.state)) {
        let whole = deed.target.split(' ').next().unwrap_or_default();
        if gone.iter().any(|gone| gone == whole) {
            let result = json!({ "clean_up": "it went with its repository" });
            store.note_clean_up(id, deed.id, DeedState::Undone, &result, bench.app.clock.now()).await.map_err(told)?;
        }
    }
    Ok(())
}

/// What else was made in it goes with it.
fn holds_others(deed: &Deed) -> bool {
    matches!(deed.what.as_str(), "repository" | "folder")
}

async fn take_back(bench: &Workbench, run: &Run, deed: &Deed) -> Result<String, Stays> {
    let (full_name, rest) = deed.target.split_once(' ').unwrap_or((&deed.target, ""));
    let stays = |reason: &str| Err(Stays::Because(reason.to_owned()));
    if !matches!(deed.what.as_str(), "repository" | "folder" | "pull-request" | "branch" | "webhook") {
        return stays(match deed.what.as_str() {
            "dispatch" | "request" | "message" => "it cannot be taken back",
            _ => "take it back by hand",
        });
    }
    let Some((owner, name)) = full_name.split_once('/') else { return stays("its name cannot be read") };
    if deed.what == "folder" {
        return take_back_folder(bench, run, owner, name).await;
    }
    let Some(github) = find_github(bench, run, deed, owner) else { return stays("no source in steward.yaml has it any more") };
    let maker = github.connection().maker(None).map_err(|error| Stays::Because(error.to_string()))?;
    let there = There { maker, owner: owner.to_owned(), name: name.to_owned() };
    match deed.what.as_str() {
        "repository" => {
            let Some(made) = there.maker.find_repository(owner, name).await? else { return Err(Stays::Nothing) };
            let is_same = deed.state == DeedState::Done && deed.result["id"].as_i64() == Some(made.id);
            if !is_same && !is_ours(&there, &made, deed.intended_at, &run.marker).await? {
                return stays("it is not of this run");
            }
            there.maker.delete_repository(full_name).await?;
            Ok("deleted".to_owned())
        }
        "pull-request" => {
            let number = match deed.result["number"].as_i64() {
                Some(number) => number,
                None => match there.maker.find_pull(full_name, rest).await? {
                    Some(pull) => pull.number,
                    None => return Err(Stays::Nothing),
                },
            };
            there.maker.close_pull(full_name, number).await?;
            Ok("closed".to_owned())
        }
        "branch" => {
            let Some(sha) = there.maker.find_branch(full_name, rest).await? else { return Err(Stays::Nothing) };
            let head = there.maker.load_commit(full_name, &sha).await?;
            if !is_marked(&head.message, &run.marker) {
                return stays("somebody has gone on with it");
            }
            there.maker.delete_branch(full_name, rest).await?;
            Ok("deleted".to_owned())
        }
        _ => {
            let id = match deed.result["id"].as_i64() {
                Some(id) => id,
                None => match there.maker.find_hook(full_name, rest).await? {
                    Some(id) => id,
                    None => return Err(Stays::Nothing),
                },
            };
            there.maker.delete_hook(full_name, id).await?;
            Ok("deleted".to_owned())
        }
    }
}

/// The catalog is told at once: nobody else tells it of a folder.
async fn take_back_folder(bench: &Workbench, run: &Run, owner: &str, name: &str) -> Result<String, Stays> {
    let because = |reason: &str| Stays::Because(reason.to_owned());
    let root = bench.app.settings.scaffolder.publish_folder.as_ref();
    let root = root.ok_or_else(|| because("scaffolder.publish_folder is not set any more"))?;
    let folder = PublishFolder::at(root, owner, name).ok_or_else(|| because("its name cannot be read"))?;
    match tokio::task::block_in_place(|| folder.take_back(&run.marker)) {
        Ok(true) => {
            let asked = bench.app.store.enqueue_job(Job::LookAt(folder.look())).await;
            Ok(if asked.is_ok() { "deleted".to_owned() } else { "deleted; the catalog hears of it later".to_owned() })
        }
        Ok(false) => Err(Stays::Nothing),
        Err(reason) => Err(Stays::Because(reason)),
    }
}

/// The GitHub that the step spoke with.
fn find_github<'a>(bench: &'a Workbench, run: &Run, deed: &Deed, owner: &str) -> Option<&'a crate::github::GithubSource> {
    let inputs = run.steps.get(deed.position).map(|step| step.inputs.as_slice()).unwrap_or_default();
    let written = inputs.get(deed.round).or(inputs.first()).and_then(|input| input["repoUrl"].as_str());
    let host = written.and_then(|url| url.split('?').next()).filter(|host| !host.is_empty()).unwrap_or("github.com");
    let host = host.trim_start_matches("https://").trim_end_matches('/');
    bench.find_github(host, owner).or_else(|| bench.githubs.iter().find(|github| github.owner().eq_ignore_ascii_case(owner)))
}
