//! Slack in trouble: slow, failing, limiting. Whoever asked is answered all the same.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Bench;
use crate::fake_slack::{
    RESPONSE_URL, Trouble,
    event::{ADA, mention},
    person::{back, press, slash, submit},
};

const NOTHING: (StatusCode, Value) = (StatusCode::OK, Value::Null);
const SLOW: Duration = Duration::from_secs(5);

fn button() -> Value {
    json!({"blocks": [{"type": "actions", "elements": [
        {"type": "button", "action_id": "say-0", "value": "owner payments-api", "text": {"type": "plain_text", "text": "Go"}}]}]})
}

fn words(number: usize) -> Value {
    mention(&format!("Ev{number}"), "<@UBOT> owner payments-api", &format!("1795000000.{number:06}"), None)
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_web_api_holds_up_nobody_else() {
    let bench = Bench::start().await;
    for number in 0..3 {
        bench.slack.next_trouble("chat.postMessage", Trouble::Slow(SLOW));
        assert_eq!(bench.tell(&words(number)).await, NOTHING);
    }
    let began = Instant::now();
    for number in 0..10 {
        let url = bench.slack.response_url(&number.to_string());
        let (status, answer) = bench.send("/slack/commands", slash("/owner", "payments-api", &url)).await;
        assert!(status == StatusCode::OK && answer["blocks"].is_array());
        assert_eq!(bench.interact(&press(&button(), "Go", Some(&url), false)).await, NOTHING);
        bench.slack.until("an answer", |model| model.answers.get(&number.to_string()).map(|_| ())).await;
    }
    assert!(began.elapsed() < SLOW / 2, "{:?}", began.elapsed());
    bench.slack.next_trouble(RESPONSE_URL, Trouble::Slow(SLOW));
    let late = press(&button(), "Go", Some(&bench.slack.response_url("late")), false);
    assert_eq!(bench.interact(&late).await, NOTHING);
    bench.desk.close().await;
    {
        let model = bench.slack.model();
        assert_eq!((model.messages.len(), model.answers["late"].len()), (3, 1));
    }
    bench.slack.finish();
}

/// PostgreSQL is away as well: there is nothing that could keep a message but this process.
#[tokio::test(flavor = "multi_thread")]
async fn answer_waits_for_slack_where_there_is_no_queue_either() {
    let bench = Bench::start().await;
    for trouble in [Trouble::RateLimited { retry_after_secs: 1 }, Trouble::Status(503), Trouble::Error("internal_error")] {
        bench.slack.next_trouble("chat.postMessage", trouble);
    }
    assert_eq!(bench.tell(&words(1)).await, NOTHING);
    bench.desk.close().await;
    assert_eq!(bench.slack.model().messages.len(), 1);
    bench.slack.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_that_its_response_url_does_not_take_is_shown_where_it_was_asked() {
    let bench = Bench::start().await;
    let troubles =
        [Trouble::Status(500), Trouble::Status(404), Trouble::RateLimited { retry_after_secs: 1 }, Trouble::Error("used_url")];
    let count = troubles.len();
    for trouble in troubles {
        bench.slack.next_trouble(RESPONSE_URL, trouble);
        assert_eq!(bench.interact(&press(&button(), "Go", Some(&bench.slack.response_url("1")), true)).await, NOTHING);
    }
    bench.desk.close().await;
    {
        let model = bench.slack.model();
        let shown: Vec<_> = model.messages.iter().map(|posted| (posted.channel.as_str(), posted.only_to.as_deref())).collect();
        assert_eq!(shown, vec![("C2147483705", Some(ADA)); count]);
        assert!(model.answers.is_empty());
    }
    bench.slack.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn form_that_was_closed_meanwhile_leaves_nobody_waiting() {
    let bench = Bench::start().await;
    let url = bench.slack.response_url("1");
    assert_eq!(bench.send("/slack/commands", slash("/report", "payments-api", &url)).await, NOTHING);
    let first = bench.slack.until("a form", |model| model.views.get("V1").cloned()).await;
    let (_, answer) = bench.interact(&submit(&first, &BTreeMap::from([("what", vec!["owner"])]))).await;
    let mut second = answer["view"].clone();
    second["id"] = json!("V1");
    bench.slack.model().views.clear();
    assert_eq!(bench.interact(&back(&second, &BTreeMap::new())).await, NOTHING);
    bench.desk.close().await;
    {
        let model = bench.slack.model();
        let told: Vec<_> = model.messages.iter().map(|posted| posted.channel.as_str()).collect();
        assert_eq!(told, [ADA]);
        assert!(model.messages[0].payload["text"].as_str().unwrap().contains("did not open the form"));
    }
    bench.slack.finish();
}
