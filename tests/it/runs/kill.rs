//! Replicas that die, or are slow to learn that they are taken for dead, at any moment of a run.
//! `STEWARD_KILLS=200 cargo test --test it runs::kill -- --nocapture` kills as often.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::Utc;
use secrecy::ExposeSecret;
use serde_json::json;
use steward::{
    github::{Auth, Connection, Filters, GithubConfig, GithubSource, Waits},
    scaffolder::{Workbench, run_on},
    store::{DeedState, Run, RunId, RunState, StepState, Store},
};

use super::desk::{Desk, SERVICE, assert_published, organisation, start_run};
use crate::{
    cluster::new_database,
    fake_github::{FakeGithub, TOKEN},
    replica::{Replica, kills},
};

/// Up to the publication: nothing that another job has to do.
fn without_register() -> String {
    SERVICE.split("- id: register").next().expect("there is always a first part").to_owned()
}

/// As a replica that has just begun.
pub fn bench(desk: &steward::worker::Worker, url: &str) -> Workbench {
    let connection = Connection::new(url, &Auth::Token(TOKEN.into()), Waits::default()).unwrap();
    let config = GithubConfig {
        id: "acme".to_owned(),
        org: "acme".to_owned(),
        connection,
        catalog_paths: vec!["catalog-info.yaml".to_owned()],
        filters: Filters::default(),
    };
    Workbench::new(Arc::clone(&desk.app), vec![GithubSource::new(config).unwrap()], Vec::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_taken_at_any_moment_is_done_once_and_whole() {
    let desk = Desk::of(&without_register()).await;
    let (worker, github) = (Arc::clone(&desk.bot.worker), Arc::clone(&desk.bot.github));
    // Nobody but this test takes runs.
    desk.bot.halt().await;
    let store = &worker.app.store;
    github.answer_after(Duration::from_millis(6));
    for turn in 0..kills(40) {
        let name = format!("orders-{turn}");
        let id = start_run(store, json!({ "name": name, "owner": "team-a" })).await;
        let begun = github.log().len();
        let (first, url) = (bench(&worker, &github.url), github.url.clone());
        let first = tokio::spawn(async move { run_on(&first, id).await });
        // One call further each time, and a little more or less.
        let until = begun + turn % 18;
        while github.log().len() < until && !first.is_finished() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..8))).await;
        // It dies, or it lives on and does not know yet that it has lost the run.
        if turn % 2 == 0 {
            first.abort();
        }
        run_on(&bench(&worker, &url), id).await.unwrap();
        let _ = first.await;
        let run = store.load_run(id).await.unwrap().unwrap();
        assert_eq!(run.state, RunState::Done, "{name} at call {}: {:?}", turn % 18, run.reason);
        assert_published(&github, &run, &name);
        assert!(run.deeds.iter().all(|deed| deed.state == DeedState::Done), "{:?}", run.deeds);
    }
}

fn assert_truth(github: &FakeGithub, run: &Run, name: &str) {
    let started =
        github.model(|model| model.made.dispatches.iter().filter(|(_, _, body)| body["inputs"]["name"] == *name).count());
    match run.state {
        RunState::Done => assert_eq!(started, 1, "{name}"),
        // Nothing shows whether the workflow was started, so it was started at most once, and that is said.
        RunState::Unknown => {
            assert_eq!(run.steps[3].state, StepState::Unknown, "{:?}", run.reason);
            assert!(started <= 1, "{name} was started {started} times");
        }
        _ => panic!("{name} ended as {:?}: {:?}", run.state, run.reason),
    }
    assert_published(github, run, name);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_are_killed_leave_every_run_whole_or_unknown() {
    let dispatch = "- id: deploy\n  name: Deploy\n  action: github:actions:dispatch\n  input:\n    \
                    repoUrl: github.com?owner=acme&repo=org\n    workflowId: deploy.yaml\n    branchOrTagName: main\n    \
                    workflowInputs: { name: '${{ parameters.name }}' }\n";
    let github = organisation(&format!("{SERVICE}{dispatch}")).await;
    github.model(|model| model.now = Utc::now());
    github.answer_after(Duration::from_millis(25));
    let database = new_database().await;
    let url = database.ensure_running().unwrap().expose_secret().to_owned();
    let store = Store::unopened();
    store.open(&database, 4).await.unwrap();
    let settings = format!(
        "sources:\n  - {{ type: github, id: acme, org: acme, api_url: \"{}\", auth: {{ token: {TOKEN} }} }}\n",
        github.url
    );
    let mut replicas = [Replica::start(&url, &settings), Replica::start(&url, &settings)];
    let began = Instant::now();
    while store.load_templates().await.unwrap().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "never synced: {}", replicas[0].said());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut ids: Vec<(RunId, String)> = Vec::new();
    for kill in 0..kills(20) {
        // GitHub's quota of creations lets some twenty runs a minute through, however often replicas die.
        let new = if kill < 20 { 2 } else { usize::from(kill % 5 == 0) };
        for _ in 0..new {
            let name = format!("orders-{}", ids.len());
            ids.push((start_run(&store, json!({ "name": name, "owner": "team-a" })).await, name));
        }
        tokio::time::sleep(Duration::from_millis(rand::random_range(100..2_000))).await;
        replicas[kill % 2].kill();
    }
    let killed = Instant::now();
    for (id, name) in &ids {
        let run = loop {
            let run = store.load_run(*id).await.unwrap().unwrap();
            if !matches!(run.state, RunState::Queued | RunState::Running) {
                break run;
            }
            assert!(killed.elapsed() < Duration::from_secs(180), "{name} stands still: {:?}\n{}", run.steps, replicas[0].said());
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert_truth(&github, &run, name);
    }
}
