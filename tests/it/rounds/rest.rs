//! Slack's do-not-disturb: who wants to be left alone is written to afterwards; channels are not.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use steward::{
    app::Clock,
    store::{NewRoundMessage, RoundState},
};

use super::ledger::{Replica, new_message, slack_with_ids};
use crate::{
    app::test_now,
    cluster::new_database,
    fake_slack::{FakeSlack, Trouble},
};

fn to(team: &str, destination: &str) -> NewRoundMessage {
    NewRoundMessage { any_hour: false, ..new_message(team, "1", destination) }
}

/// From Saturday morning to Monday at ten.
fn to_monday(replica: &Replica) -> i64 {
    pass(replica, TimeDelta::days(2) + TimeDelta::hours(1));
    (test_now() + TimeDelta::days(2) + TimeDelta::hours(1)).timestamp()
}

fn pass(replica: &Replica, time: TimeDelta) {
    let Clock::Fixed(now) = &replica.worker.app.clock else { unreachable!("tests hold the clock") };
    *now.write().unwrap() += time;
}

fn asked(slack: &FakeSlack) -> usize {
    slack.model().calls.iter().filter(|(method, _)| method == "dnd.info").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_wants_to_be_left_alone_is_written_to_afterwards_and_in_an_allowed_hour() {
    let slack = slack_with_ids(&["payments"]).await;
    let replica = Replica::idle(&Arc::new(new_database().await), &slack).await;
    let now = to_monday(&replica);
    slack.model().resting.insert("U0ANA".to_owned(), (now - 60, now + 7_200));
    // From four in the afternoon to ten in the evening, when nobody is written to.
    slack.model().resting.insert("U0BO".to_owned(), (now + 6 * 3_600, now + 12 * 3_600));
    let planned = replica.plan(&[to("ana", "U0ANA"), to("bo", "U0BO"), to("payments", "#payments")]).await;
    assert_eq!(replica.worker.send_round(&planned[0]).await.unwrap(), Some(Duration::from_secs(7_200)));
    for key in &planned[1..] {
        assert_eq!(replica.worker.send_round(key).await.unwrap(), None);
        assert_eq!(replica.state(key).await, RoundState::Sent);
    }
    assert_eq!(asked(&slack), 2, "nobody asks about a channel");
    pass(&replica, TimeDelta::minutes(30));
    assert_eq!(replica.worker.send_round(&planned[0]).await.unwrap(), Some(Duration::from_secs(5_400)));
    assert_eq!(asked(&slack), 2, "what Slack said is remembered");
    pass(&replica, TimeDelta::minutes(90));
    assert_eq!(replica.worker.send_round(&planned[0]).await.unwrap(), None);
    assert_eq!(replica.state(&planned[0]).await, RoundState::Sent);
    // At five in the afternoon somebody rests until ten; then it is night.
    pass(&replica, TimeDelta::hours(5));
    let late = replica
        .plan(&[NewRoundMessage {
            key: steward::store::RoundKey { round: "2".to_owned(), ..planned[1].clone() },
            ..to("bo", "U0BO")
        }])
        .await;
    assert_eq!(replica.worker.send_round(&late[0]).await.unwrap(), Some(Duration::from_secs(5 * 3_600)));
    pass(&replica, TimeDelta::hours(5));
    assert_eq!(replica.worker.send_round(&late[0]).await.unwrap(), Some(Duration::from_secs(11 * 3_600)));
    pass(&replica, TimeDelta::hours(11));
    assert_eq!(replica.worker.send_round(&late[0]).await.unwrap(), None);
    assert_eq!(slack.model().messages.len(), 4);
    replica.close().await;
    slack.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_slack_does_not_say_a_message_goes_on() {
    let slack = slack_with_ids(&[]).await;
    let replica = Replica::idle(&Arc::new(new_database().await), &slack).await;
    to_monday(&replica);
    slack.next_trouble("dnd.info", Trouble::Status(503));
    let planned = replica.plan(&[to("ana", "U0ANA")]).await;
    assert_eq!(replica.worker.send_round(&planned[0]).await.unwrap(), None);
    slack.next_trouble("dnd.info", Trouble::MissingScope("dnd:read"));
    for round in ["2", "3"] {
        let message = to("ana", "U0ANA");
        let key = steward::store::RoundKey { round: round.to_owned(), ..message.key.clone() };
        let planned = replica.plan(&[NewRoundMessage { key, ..message }]).await;
        assert_eq!(replica.worker.send_round(&planned[0]).await.unwrap(), None);
    }
    slack.next_trouble("dnd.info", Trouble::RateLimited { retry_after_secs: 30 });
    let planned = replica.plan(&[to("bo", "U0BO")]).await;
    assert_eq!(replica.worker.send_round(&planned[0]).await.unwrap(), Some(Duration::from_secs(30)), "it waits for its turn");
    assert_eq!((asked(&slack), slack.model().messages.len()), (3, 3), "an app that may not ask does not ask each time");
    replica.close().await;
    slack.finish();
}
