//! What is lost in the middle of something: runs that kill whoever has them, and transactions that are broken off.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use steward::store::{RunAct, RunId, RunState, StepEnd, StepState};

use super::desk::{Desk, SERVICE, asked, start_run};
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
    let end = StepEnd {
        position: 0,
        state: StepState::Done,
        inputs: Vec::new(),
        output: json!({}),
        log: Vec::new(),
        warnings: Vec::new(),
        error: None,
    };
    store.end_step(last, &end, None, morning()).await.unwrap();
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
async fn what_is_broken_off_while_it_begins_leaves_no_transaction_open() {
    let desk = Desk::of("").await;
    let (store, database) = (desk.bot.app().store.clone(), Arc::clone(&desk.bot.database));
    desk.bot.halt().await;
    for turn in 0..400_u64 {
        let store = store.clone();
        let begun = tokio::spawn(async move { store.load_run(RunId(1)).await.map(drop) });
        tokio::time::sleep(Duration::from_micros(turn % 40 * 25)).await;
        begun.abort();
        let _ = begun.await;
    }
    // Whoever gave a connection back has had it looked after by then.
    store.load_runs().await.unwrap();
    let mut connection = connect(&database).await;
    let open = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'";
    let mut left: i64 = 1;
    for _ in 0..200 {
        left = sqlx::query_scalar(open).fetch_one(&mut connection).await.unwrap();
        if left == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(left, 0, "transactions that nobody ends");
}
