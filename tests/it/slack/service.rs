//! The shortcut "New service" of Slack, from the press to a repository that the catalog knows.

use std::{collections::BTreeMap, sync::Arc};

use axum::http::StatusCode;
use serde_json::{Value, json};
use steward::{catalog::EntityRef, slack::SlackClient};

use super::Bench;
use crate::{
    bot::Bot,
    cluster::new_database,
    fake_slack::{
        BOT_TOKEN, FakeSlack, check,
        person::{press, questions, submit, trigger},
    },
    runs::desk::{SERVICE, organisation},
};

/// Who presses and submits at the fake Slack.
const ADA: &str = "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: { name: ada, annotations: { steward.dev/slack-id: U2147483697 } }\n\
                   spec: { memberOf: [team-a] }\n";

#[tokio::test(flavor = "multi_thread")]
async fn new_service_leads_from_its_shortcut_through_a_form_to_a_run_that_is_followed() {
    let slack = FakeSlack::start().await;
    let client = SlackClient::connect(&slack.api_url(), &BOT_TOKEN.into()).unwrap();
    let github = organisation(SERVICE).await;
    github.add_repository("people", &[("catalog-info.yaml", ADA)]);
    let bot = Bot::with_slack(github, new_database().await, client).await;
    bot.sync().await;
    bot.until("the template is read", async |app| app.live.templates().iter().next().is_some()).await;
    let bench = Bench::before(slack, Arc::clone(&bot.worker.app));

    let user = json!({"id": "U2147483697", "username": "ada"});
    let shortcut = json!({"type": "shortcut", "callback_id": "new_service", "user": user, "trigger_id": trigger(), "team": null});
    assert_eq!(bench.interact(&shortcut).await, (StatusCode::OK, Value::Null));
    let list = bench.slack.until("the templates", |model| model.views.get("V1").cloned()).await;

    assert_eq!(bench.interact(&press(&list, "Start", None, false)).await, (StatusCode::OK, Value::Null));
    let has_questions = |view: &&Value| !questions(view).is_empty();
    let form = bench.slack.until("the form", |model| model.views.values().find(has_questions).cloned()).await;
    assert_eq!(questions(&form), ["name", "owner"]);
    let answers = BTreeMap::from([("name", vec!["orders"]), ("owner", vec!["team-a"])]);
    let (status, answer) = bench.interact(&submit(&form, &answers)).await;
    assert_eq!((status, &answer["response_action"]), (StatusCode::OK, &json!("update")), "{answer:#}");
    let mut plan = answer["view"].clone();
    assert_eq!(check::view_faults(&plan), Vec::<String>::new());
    assert!(plan.to_string().contains("Make the repository acme/orders, internal"), "{plan:#}");

    plan["id"] = form["id"].clone();
    let (status, answer) = bench.interact(&submit(&plan, &BTreeMap::new())).await;
    assert_eq!(status, StatusCode::OK, "{answer:#}");
    let is_told =
        |posted: &&crate::fake_slack::Posted| posted.payload["text"].as_str().is_some_and(|text| text.contains("is done"));
    let told = bench.slack.until("the run is done", |model| {
        model.messages.iter().find(is_told).map(|posted| (posted.channel.clone(), posted.payload.clone()))
    });
    let (channel, message) = told.await;
    assert_eq!(channel, "U2147483697", "where nobody else is bothered");
    assert!(message.to_string().contains("✓ Publish"), "{message:#}");
    let orders = EntityRef::new("component", "default", "orders");
    assert!(bot.app().catalog.load().find(&orders).is_some());
    bench.desk.close().await;
    bench.slack.finish();
    bot.halt().await;
}
