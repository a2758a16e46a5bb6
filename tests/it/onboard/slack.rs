//! The first day in Slack: the message, the press of Start, and what only the newcomer sees.

use std::sync::Arc;

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::Value;
use steward::slack::SlackClient;

use super::{github, org};
use crate::{
    bot::Bot,
    cluster::new_database,
    fake_slack::{BOT_TOKEN, FakeSlack, check, person::press},
    slack::Bench,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_offer_is_one_direct_message_whose_button_shows_the_list_to_them_alone() {
    let slack = FakeSlack::start().await;
    let client = SlackClient::connect(&slack.api_url(), &BOT_TOKEN.into()).unwrap();
    let bot = Bot::with_slack(github("ana").await, new_database().await, client).await;
    bot.sync().await;
    bot.pass(TimeDelta::days(2) + TimeDelta::hours(1));
    bot.worker.hold_onboarding().await.unwrap();
    bot.github.push_file("org", "catalog-info.yaml", org("ana, kim"));
    bot.sync().await;
    bot.worker.hold_onboarding().await.unwrap();
    let bench = Bench::before(slack, Arc::clone(&bot.worker.app));
    let offer = bench
        .slack
        .until("the offer", |model| model.messages.first().map(|posted| (posted.channel.clone(), posted.payload.clone())));
    let (channel, offer) = offer.await;
    assert_eq!(channel, "U2147483697");
    assert_eq!(check::message_faults(&offer), Vec::<String>::new());

    let pressed = press(&offer, "Start", Some(&bench.slack.response_url("start")), false);
    assert_eq!(bench.interact(&pressed).await, (StatusCode::OK, Value::Null));
    let list = bench.slack.until("the list", |model| model.answers.get("start")?.first().cloned()).await;
    assert_eq!(list["response_type"], "ephemeral", "{list:#}");
    assert!(list.to_string().contains("The runbook of"), "{list:#}");
    let pressed = press(&list, "Runbook: Cart", Some(&bench.slack.response_url("runbook")), true);
    bench.interact(&pressed).await;
    let answer = bench.slack.until("the step", |model| model.answers.get("runbook")?.first().cloned()).await;
    let pressed = press(&answer, "I could not find it", Some(&bench.slack.response_url("lost")), true);
    bench.interact(&pressed).await;
    let lost = bench.slack.until("thanks", |model| model.answers.get("lost")?.first().cloned()).await;
    assert!(lost.to_string().contains("are asked for the runbook of"), "{lost:#}");

    bot.pass(TimeDelta::minutes(30));
    bot.worker.hold_onboarding().await.unwrap();
    let asked = bench.slack.until("its owner is asked", |model| {
        let asked = model.messages.iter().find(|posted| posted.channel == "#cart")?;
        Some(asked.payload.clone())
    });
    let asked = asked.await;
    assert_eq!(check::message_faults(&asked), Vec::<String>::new());
    assert!(asked.to_string().contains("Kim Lee looked for the runbook of"), "{asked:#}");
    assert_eq!(bench.slack.model().messages.len(), 2);
    bench.desk.close().await;
    bench.slack.finish();
    bot.halt().await;
}
