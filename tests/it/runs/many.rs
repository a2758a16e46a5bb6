//! Many runs at once, on two replicas.

use std::time::Duration;

use steward::{settings::Settings, store::RunState};

use super::desk::{Desk, SERVICE, assert_whole, organisation};
use crate::{bot::Bot, cluster::new_database};

#[tokio::test(flavor = "multi_thread")]
async fn fifty_runs_at_once_on_two_replicas_end_right_and_commands_are_answered_meanwhile() {
    // Without what is no text: GitHub allows eighty creations a minute, and Steward keeps to it.
    let github = organisation(SERVICE).await;
    github.remove_file("templates", "skeleton/logo.bin");
    let desk = Desk::on(github, new_database().await, Settings::default()).await;
    let (github, database) = (desk.bot.github.clone(), desk.bot.database.clone());
    let second = Bot::beside(github, database).await;
    let mut ids = Vec::new();
    for number in 0..50 {
        let name = format!("orders-{number}");
        ids.push((desk.start(&name).await, name));
    }
    let mut waits = Vec::new();
    let mut left = ids.clone();
    while !left.is_empty() {
        let asked = std::time::Instant::now();
        assert!(desk.bot.say("/owner templates").await.len() > 1);
        waits.push(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut open = Vec::new();
        for (id, name) in left {
            let state = desk.load(id).await.state;
            if matches!(state, RunState::Queued | RunState::Running) {
                open.push((id, name));
            }
        }
        left = open;
        assert!(waits.len() < 6_000, "it does not end");
    }
    for (id, name) in ids {
        assert_whole(&desk, &desk.load(id).await, &name);
    }
    waits.sort();
    let p99 = waits[waits.len() * 99 / 100];
    eprintln!("{} commands, p99 {p99:?}, slowest {:?}", waits.len(), waits.last());
    second.halt().await;
}
