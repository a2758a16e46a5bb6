//! Many runs at once, on two replicas.

use steward::store::RunState;

use super::desk::{Desk, SERVICE};

#[tokio::test(flavor = "multi_thread")]
async fn many_runs_at_once_end_right() {
    let desk = Desk::of(SERVICE).await;
    let mut ids = Vec::new();
    for number in 0..10 {
        ids.push((format!("orders-{number}"), desk.start(&format!("orders-{number}")).await));
    }
    for (name, id) in ids {
        let run = desk.ended(id).await;
        assert_eq!(run.state, RunState::Done, "{name}: {:?}", run.reason);
        super::desk::assert_whole(&desk, &run, &name);
    }
}
