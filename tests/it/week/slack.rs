//! The hygiene week in Slack: a team's message, a press, and the message in the channel that is drawn anew.

use std::sync::Arc;

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::Value;
use steward::slack::SlackClient;

use super::github;
use crate::{
    bot::Bot,
    cluster::new_database,
    fake_slack::{BOT_TOKEN, FakeSlack, check, person::press},
    slack::Bench,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_team_confirms_an_entry_by_one_press_in_its_message() {
    let slack = FakeSlack::start().await;
    let client = SlackClient::connect(&slack.api_url(), &BOT_TOKEN.into()).unwrap();
    let bot = Bot::with_slack(github().await, new_database().await, client).await;
    bot.sync().await;
    bot.pass(TimeDelta::days(2) + TimeDelta::hours(1));
    bot.ask("pat", "hygiene week start").await;
    bot.worker.hold_week().await.unwrap();
    let bench = Bench::before(slack, Arc::clone(&bot.worker.app));
    let asked = bench.slack.until("the team is asked", |model| {
        let asked = model.messages.iter().find(|posted| posted.channel == "#cart")?;
        Some(asked.payload.clone())
    });
    let asked = asked.await;
    assert_eq!(check::message_faults(&asked), Vec::<String>::new());
    let pressed = press(&asked, "Still right", Some(&bench.slack.response_url("right")), false);
    assert_eq!(bench.interact(&pressed).await, (StatusCode::OK, Value::Null));
    let thanks = bench.slack.until("thanks", |model| model.answers.get("right")?.first().cloned()).await;
    assert_eq!(thanks["response_type"], "ephemeral");
    assert!(thanks.to_string().contains("is right as it stands, says Ana Silva"), "{thanks:#}");
    let judged = bot.app().store.load_judged().await.unwrap();
    assert_eq!(judged.len(), 1);
    bench.desk.close().await;
    bench.slack.finish();
    bot.halt().await;
}
