//! What comes in is answered the way Slack waits for it; what is not for us does no harm.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Value, json};
use steward::{
    chat::{Act, Button, Reply, Request, Status},
    slack::{Parsed, parse_command, parse_interaction},
};

use super::Bench;
use crate::fake_slack::{
    Trouble, check,
    person::{back, interaction, press, questions, slash, submit, suggest},
};

fn request_of(parsed: Parsed) -> Request {
    match parsed {
        Parsed::Act(incoming) => incoming.request,
        other => panic!("{other:?} is no act"),
    }
}

fn line_of(command: &str, text: &str) -> String {
    match request_of(parse_command(slash(command, text, "").as_bytes()).unwrap()).act {
        Act::Say { line } => line,
        other => panic!("{other:?} is not said"),
    }
}

#[test]
fn command_and_umbrella_say_the_same_line() {
    assert_eq!(line_of("/owner", "payments-api"), "owner payments-api");
    assert_eq!(line_of("/steward", "owner payments-api"), "owner payments-api");
    assert_eq!(line_of("/owner", "  payments api \n"), "owner payments api");
    assert_eq!(line_of("/catalog", ""), "catalog");
    assert_eq!(line_of("/steward", ""), "");
    assert_eq!(line_of("/find", "a+b & c=d %20 ü"), "find a+b & c=d %20 ü");
}

#[test]
fn command_tells_who_and_where() {
    let request = request_of(parse_command(slash("/owner", "x", "").as_bytes()).unwrap());
    assert_eq!((request.account.id.as_str(), request.account.name.as_str()), ("U2147483697", "ada"));
    let place = request.place.unwrap();
    assert_eq!((place.channel_id.as_str(), place.channel_name.as_deref()), ("C2147483705", Some("incidents")));
}

#[tokio::test]
async fn command_is_answered_in_the_response() {
    let bench = Bench::start().await;
    let (status, message) = bench.send("/slack/commands", slash("/owner", "payments-api", &bench.slack.response_url("1"))).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(message["response_type"], "ephemeral");
    assert_eq!(check::message_faults(&message), Vec::<String>::new());
    assert!(bench.slack.model().answers.is_empty());
    bench.slack.finish();
}

#[tokio::test]
async fn press_is_acknowledged_empty_and_answered_by_its_response_url() {
    let bench = Bench::start().await;
    let mut reply = Reply::new(Status::Ambiguous, "owner", "Which one?".into());
    reply.buttons.push(Button::say("payments-api", "share owner component:default/payments-api"));
    reply.buttons.push(Button::say("Help", "help"));
    let message = serde_json::to_value(steward::slack::render::render_message(&reply)).unwrap();
    // A message is replaced only by one that the same people see: what is shared is told to all, help to the asker.
    for (id, label, is_ephemeral, replaces, response_type) in [
        ("1", "payments-api", true, false, "in_channel"),
        ("2", "payments-api", false, true, "in_channel"),
        ("3", "Help", true, true, "ephemeral"),
        ("4", "Help", false, false, "ephemeral"),
    ] {
        let payload = press(&message, label, Some(&bench.slack.response_url(id)), is_ephemeral);
        let request = request_of(parse_interaction(interaction(&payload).as_bytes()).unwrap());
        let line = if label == "Help" { "help" } else { "share owner component:default/payments-api" };
        assert_eq!(request.act, Act::Press { line: line.to_owned() });
        assert_eq!(request.place.unwrap().channel_id, "C2147483705");

        assert_eq!(bench.interact(&payload).await, (StatusCode::OK, Value::Null));
        let answer = bench.slack.until("an answer", |model| model.answers.get(id)?.first().cloned()).await;
        assert_eq!((&answer["replace_original"], &answer["response_type"]), (&json!(replaces), &json!(response_type)));
    }
    bench.slack.finish();
}

#[tokio::test]
async fn page_and_typeahead_are_answered_in_the_response() {
    let bench = Bench::start().await;
    let view = json!({"id": "V1", "hash": "h", "callback_id": "report", "private_metadata": "{\"p\":0,\"f\":{}}", "blocks": []});
    let (status, answer) = bench.interact(&submit(&view, &Default::default())).await;
    assert_eq!((status, &answer["response_action"]), (StatusCode::OK, &json!("update")));
    assert_eq!(check::view_faults(&answer["view"]), Vec::<String>::new());

    let (status, answer) = bench.interact(&suggest(&view, "owner", "pay")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(answer["options"].is_array(), "{answer}");
    assert_eq!(check::options_faults(&answer), Vec::<String>::new());
    bench.slack.finish();
}

#[tokio::test]
async fn form_state_that_cannot_be_read_is_said_in_the_form() {
    let bench = Bench::start().await;
    for metadata in ["", "{", "[]", "{\"p\":\"x\"}"] {
        let view = json!({"id": "V1", "callback_id": "report", "private_metadata": metadata, "blocks": []});
        let (status, answer) = bench.interact(&submit(&view, &Default::default())).await;
        assert_eq!(status, StatusCode::OK);
        assert!(answer["view"].to_string().contains("Run the command again"), "{answer}");
    }
    bench.slack.finish();
}

#[tokio::test]
async fn what_is_not_for_us_is_passed_over() {
    let bench = Bench::start().await;
    let user = json!({"id": "U1"});
    for payload in [
        json!({"type": "view_closed", "user": user, "view": {"id": "V1"}}),
        json!({"type": "shortcut", "callback_id": "x", "user": user, "team": null}),
        json!({"type": "message_action", "user": user, "message": {"blocks": [{"type": "hologram"}]}}),
        json!({"type": "something_of_next_year", "user": 7, "view": [1, 2]}),
        json!({"type": "block_actions", "user": user, "actions": [{"action_id": "open-0", "type": "button"}]}),
        json!({"type": "block_actions", "user": user, "actions": [{"action_id": "not_ours", "type": "wheel", "value": {"a": 1}}]}),
        json!({"type": "block_actions", "user": user, "actions": null}),
        json!({"type": "block_actions", "user": user, "actions": ["x", 1, null, {}]}),
        json!({"type": "block_actions", "user": null, "actions": [{"action_id": "say-0", "value": "owner x"}]}),
    ] {
        let (status, answer) = bench.interact(&payload).await;
        assert_eq!((status, answer), (StatusCode::OK, Value::Null), "{payload}");
    }
    // Where Slack waits for options, nothing would be shown as a fault.
    let (_, answer) = bench.interact(&json!({"type": "block_suggestion", "user": user, "view": null, "value": "x"})).await;
    assert_eq!(answer, json!({"options": []}));
    let (status, _) = bench.send("/slack/commands", "ssl_check=1&token=x").await;
    assert_eq!(status, StatusCode::OK);
    bench.slack.finish();
}

#[test]
fn fields_of_odd_shapes_do_not_lose_the_others() {
    let payload = json!({
        "type": "block_actions", "team": null, "enterprise": 5, "channel": null, "container": "none",
        "user": {"id": "U1", "username": null, "name": ["x"], "profile": {"a": {}}},
        "actions": [{"action_id": 7}, {"action_id": "say-3", "value": "owner x", "selected_option": null}],
        "response_url": 12, "state": {"values": null}, "is_enterprise_install": "maybe",
    });
    let request = request_of(parse_interaction(interaction(&payload).as_bytes()).unwrap());
    assert_eq!(request.act, Act::Press { line: "owner x".to_owned() });
    assert_eq!((request.account.id.as_str(), request.place), ("U1", None));
}

#[tokio::test]
async fn signed_body_that_is_no_slack_request_is_a_bad_request() {
    let bench = Bench::start().await;
    let deep = format!("payload={}", "[".repeat(100_000));
    for (path, body) in [
        ("/slack/commands", ""),
        ("/slack/commands", "hello"),
        ("/slack/commands", "command=%2Fowner&text=x"),
        ("/slack/commands", "user_id=U1&text=x"),
        ("/slack/interactions", ""),
        ("/slack/interactions", "payload="),
        ("/slack/interactions", "payload=%7B"),
        ("/slack/interactions", "payload=null"),
        ("/slack/interactions", "payload=%7B%7D"),
        ("/slack/interactions", deep.as_str()),
    ] {
        let (status, _) = bench.send(path, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {}", &body[..body.len().min(40)]);
    }
    let (status, _) = bench.send("/slack/commands", vec![b'a'; 2 * 1024 * 1024]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    bench.slack.finish();
}

/// The whole of a two-page form: opened, an error below its field, the next page, back, and its end.
#[tokio::test]
async fn form_of_a_command_is_opened_and_led_through() {
    let bench = Bench::start().await;
    let body = slash("/steward", "report payments-api", &bench.slack.response_url("1"));
    assert_eq!(bench.send("/slack/commands", body).await, (StatusCode::OK, Value::Null));
    let first = bench.slack.until("a form", |model| model.views.get("V1").cloned()).await;
    let wrong_owner = BTreeMap::from([("what", vec!["owner"]), ("right_owner", vec!["group:default/nobody"])]);

    let (_, answer) = bench.interact(&submit(&first, &wrong_owner)).await;
    assert_eq!(answer["response_action"], "errors");
    assert_eq!(answer["errors"].as_object().unwrap().len(), 1, "{answer}");

    let (_, options) = bench.interact(&suggest(&first, "right_owner", "pay")).await;
    assert_eq!(options["options"][0]["value"], "group:default/payments", "{options}");

    let answers = BTreeMap::from([("what", vec!["owner"]), ("right_owner", vec!["group:default/payments"])]);
    let (_, answer) = bench.interact(&submit(&first, &answers)).await;
    assert_eq!((&answer["response_action"], check::view_faults(&answer["view"])), (&json!("update"), vec![]));
    assert_ne!(questions(&answer["view"]), questions(&first));
    let mut second = answer["view"].clone();
    let _ = bench.slack.model().show("V1".to_owned(), second.clone());
    second["id"] = json!("V1");

    assert_eq!(bench.interact(&back(&second, &BTreeMap::new())).await, (StatusCode::OK, Value::Null));
    let again = bench.slack.until("the first page", |model| {
        let view = model.views.get("V1")?;
        (questions(view) == questions(&first)).then(|| view.clone())
    });
    assert!(again.await.to_string().contains("initial_option"), "the answers are kept");

    // Without a database nothing can be recorded, and the form says so.
    let (_, answer) = bench.interact(&submit(&second, &BTreeMap::from([("note", vec!["moved"])]))).await;
    assert_eq!((&answer["response_action"], questions(&answer["view"]).len()), (&json!("update"), 0));
    assert_eq!(check::view_faults(&answer["view"]), Vec::<String>::new());
    bench.slack.finish();
}

#[tokio::test]
async fn form_that_slack_does_not_open_is_said_to_the_asker() {
    let bench = Bench::start().await;
    bench.slack.next_trouble("views.open", Trouble::Error("expired_trigger_id"));
    let body = slash("/steward", "report payments-api", &bench.slack.response_url("1"));
    assert_eq!(bench.send("/slack/commands", body).await, (StatusCode::OK, Value::Null));
    let answer = bench.slack.until("an answer", |model| model.answers.get("1")?.first().cloned()).await;
    assert_eq!(answer["text"], "Slack did not open the form. Nothing was changed. Try again.");
    bench.slack.finish();
}

#[tokio::test]
async fn owner_is_answered_whole() {
    let bench = Bench::start().await;
    let (status, message) = bench.send("/slack/commands", slash("/owner", "payments-api", "")).await;
    assert_eq!(status, StatusCode::OK);
    let shown = crate::fake_slack::shown::shown(&message);
    assert!(shown.contains("payments-api") && shown.contains("acme/payments"), "{shown}");
    bench.slack.finish();
}
