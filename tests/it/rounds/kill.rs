//! Replicas that die at any moment of a round, before a Slack that loses, delays and fails: every team hears exactly once.
//! `STEWARD_KILLS=300 cargo test --test it rounds::kill -- --nocapture` kills as often.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use secrecy::ExposeSecret;
use steward::store::{RoundKey, RoundState, Store};

use super::ledger::{RESEND_AFTER, Replica as Bench, new_message, slack_with_ids};
use crate::{
    cluster::new_database,
    fake_slack::{BOT_TOKEN, FakeSlack, history::Chaos},
    replica::{Replica, kills},
};

const TEAMS: [&str; 6] = ["#payments", "#ledger", "#search", "U0ANA", "C0ORDERS", "#cart"];
const CHANNELS: [&str; 5] = ["payments", "ledger", "search", "orders", "cart"];

/// A message that may have left is looked for after a minute, and Slack fails and limits besides: this is none of it.
const STANDSTILL: Duration = Duration::from_secs(300);

fn assert_once(slack: &FakeSlack, planned: &[RoundKey]) {
    let marked = slack.model().marked();
    for key in planned {
        assert_eq!(marked.get(&(key.team.clone(), key.round.clone())), Some(&1), "{key:?}");
    }
    assert_eq!(marked.len(), planned.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_sender_stops_at_any_moment_arrives_once() {
    let slack = slack_with_ids(&CHANNELS).await;
    slack.model().chaos = Some(Chaos::new(7, RESEND_AFTER / 4));
    let database = Arc::new(new_database().await);
    let mut planned = Vec::new();
    for turn in 0..kills(40) {
        let (first, second) = (Bench::idle(&database, &slack).await, Bench::idle(&database, &slack).await);
        let to = TEAMS[turn % TEAMS.len()];
        let keys = first.plan(&[new_message(&format!("team-{turn}"), "1", to)]).await;
        let (worker, key) = (Arc::clone(&first.worker), keys[0].clone());
        let begun = tokio::spawn(async move { worker.send_round(&key).await });
        tokio::time::sleep(Duration::from_micros(rand::random_range(0..12_000))).await;
        begun.abort();
        let began = Instant::now();
        while second.state(&keys[0]).await == RoundState::Due {
            assert!(began.elapsed() < Duration::from_secs(30), "{:?} stands still", keys[0]);
            let wait = second.worker.send_round(&keys[0]).await.unwrap();
            tokio::time::sleep(wait.unwrap_or_default()).await;
        }
        assert_eq!(second.state(&keys[0]).await, RoundState::Sent, "{:?}", keys[0]);
        planned.extend(keys);
    }
    assert_once(&slack, &planned);
    slack.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_due_team_hears_exactly_once_however_often_replicas_are_killed() {
    let slack = slack_with_ids(&CHANNELS).await;
    slack.model().chaos = Some(Chaos::new(11, Duration::from_secs(10)));
    let database = new_database().await;
    let url = database.ensure_running().unwrap().expose_secret().to_owned();
    let store = Store::unopened();
    store.open(&database, 4).await.unwrap();
    let settings = format!("slack: {{ bot_token: {BOT_TOKEN}, signing_secret: secret, api_url: \"{}\" }}\n", slack.api_url());
    let mut replicas = [Replica::start(&url, &settings), Replica::start(&url, &settings)];
    let mut planned = Vec::new();
    for kill in 0..kills(20) {
        // As if two replicas had planned the round: one of the two writes it down.
        let round: Vec<_> =
            TEAMS.iter().map(|to| new_message(&format!("team {}", to.trim_start_matches('#')), &kill.to_string(), to)).collect();
        let now = chrono::Utc::now();
        let (one, other) = tokio::join!(store.plan_round(&round, now), store.plan_round(&round, now));
        planned.extend(one.unwrap().into_iter().chain(other.unwrap()));
        tokio::time::sleep(Duration::from_millis(rand::random_range(100..2_000))).await;
        replicas[kill % 2].kill();
    }
    assert_eq!(planned.len(), TEAMS.len() * kills(20));
    let killed = Instant::now();
    let (mut due, mut moved) = (planned.len() as i64, killed);
    while due > 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let still = store.count_due(&planned).await.unwrap();
        if still < due {
            (due, moved) = (still, Instant::now());
        }
        assert!(moved.elapsed() < STANDSTILL, "{due} messages stand still:\n{}\n{}", replicas[0].said(), replicas[1].said());
    }
    println!("{} messages, {} kills, settled {:?} after the last", planned.len(), kills(20), killed.elapsed());
    for key in &planned {
        let ended = store.load_round_message(key).await.unwrap().unwrap().state;
        assert_eq!(ended, RoundState::Sent, "{key:?}");
    }
    // Whatever Slack was still late with has arrived by now.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_once(&slack, &planned);
    slack.finish();
}
