//! What is lost in the middle of something: runs that kill whoever has them, and transactions that are broken off.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use steward::{
    scaffolder::run_on,
    store::{NewDeed, RunAct, RunId, RunState, StepEnd, StepState},
};

use super::{
    desk::{Desk, SERVICE, asked, start_run},
    kill::bench,
};
use crate::{bot::morning, cluster::connect};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_everybody_dies_of_fails_and_says_so() {
    let desk = Desk::of(SERVICE).await;
    let worker = Arc::clone(&desk.bot.worker);
    // Nobody but this test takes runs.
    desk.bot.halt().await;
    let store = &worker.app.store;
    let id = start_run(store, json!({ "name": "orders", "owner": "team-a" })).await;
    let die = async |position: usize| {
        let (grip, _) = store.take_run(id, morning()).await.unwrap().expect("it goes on");
        store.begin_step(grip, position, morning()).await.unwrap();
        grip
    };
    let mut last = die(0).await;
    for _ in 1..20 {
        last = die(0).await;
    }
    // It comes further, so what was before counts no more.
    store.end_step(last, &ended(0), None, morning()).await.unwrap();
    for _ in 1..20 {
        last = die(1).await;
    }
    assert!(store.take_run(id, morning()).await.unwrap().is_none(), "nobody else shall die of it");
    let run = store.load_run(id).await.unwrap().unwrap();
    assert_eq!(run.state, RunState::Failed);
    assert!(run.reason.as_deref().unwrap().starts_with("stopped 20 times in the middle of the same step"), "{:?}", run.reason);
    assert_eq!((run.steps[0].state, run.steps[1].state), (StepState::Done, StepState::Failed));
    assert!(store.begin_step(last, 1, morning()).await.is_err(), "one that lives on after all writes of it no more");
    // Whoever has looked after it tries again, as often.
    store.change_run(asked("tasks"), id, RunAct::Retry).await.unwrap();
    assert!(store.take_run(id, morning()).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_knows_stays_unknown_where_the_run_is_lost_before_it_is_said() {
    let steps = "- id: deploy\n  name: Deploy\n  action: github:actions:dispatch\n  input:\n    \
                 repoUrl: github.com?owner=acme&repo=org\n    workflowId: deploy.yaml\n    branchOrTagName: main\n";
    let desk = Desk::of(steps).await;
    let (worker, github) = (Arc::clone(&desk.bot.worker), Arc::clone(&desk.bot.github));
    desk.bot.halt().await;
    let store = &worker.app.store;
    let id = start_run(store, json!({ "name": "orders", "owner": "team-a" })).await;
    // It dies with the workflow's start on its way, the next one when it has written what that means for the step.
    let (grip, _) = store.take_run(id, morning()).await.unwrap().unwrap();
    store.begin_step(grip, 0, morning()).await.unwrap();
    let (what, target) = ("dispatch".to_owned(), "acme/org deploy.yaml".to_owned());
    let deed = NewDeed { position: 0, round: 0, what, target, detail: json!({ "ref": "main" }) };
    store.intend(grip, deed, morning()).await.unwrap();
    let (grip, _) = store.take_run(id, morning()).await.unwrap().unwrap();
    let unknown = StepEnd { state: StepState::Unknown, error: Some("who knows".to_owned()), ..ended(0) };
    store.end_step(grip, &unknown, None, morning()).await.unwrap();
    run_on(&bench(&worker, &github.url), id).await.unwrap();
    let run = store.load_run(id).await.unwrap().unwrap();
    assert_eq!((run.state, run.reason.as_deref()), (RunState::Unknown, Some("Deploy: who knows")));
    assert!(github.model(|model| model.made.dispatches.is_empty()), "it may have been started before");
}

fn ended(position: usize) -> StepEnd {
    let state = StepState::Done;
    StepEnd { position, state, inputs: Vec::new(), output: json!({}), log: Vec::new(), warnings: Vec::new(), error: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_off_while_it_begins_leaves_no_transaction_open() {
    let desk = Desk::of("").await;
    let (store, database) = (desk.bot.app().store.clone(), Arc::clone(&desk.bot.database));
    desk.bot.halt().await;
    let mut connection = connect(&database).await;
    let open = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'";
    for polls in 0..12 {
        let mut begun = Box::pin(store.load_run(RunId(1)));
        for _ in 0..polls {
            if futures_util::poll!(&mut begun).is_ready() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        drop(begun);
        // Whatever is given back is looked after beside this.
        let mut left: i64 = 1;
        for _ in 0..100 {
            left = sqlx::query_scalar(open).fetch_one(&mut connection).await.unwrap();
            if left == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(left, 0, "transactions that nobody ends, broken off after {polls} looks");
    }
}
