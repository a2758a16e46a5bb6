//! Somebody at Slack: what their typing, pressing and filling in becomes on the wire.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use url::form_urlencoded::Serializer;

pub const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

/// `v0=…` as Slack signs it.
pub fn sign(secret: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v0:{timestamp}:").as_bytes());
    mac.update(body);
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}

/// Slack gives each act of a person one of its own.
pub fn trigger() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(738_474_920);
    format!("13345224609.{}.8088930838d88f008e0", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// The body of a slash command, with all the fields Slack sends and some it may send one day.
pub fn slash(command: &str, text: &str, response_url: &str) -> String {
    Serializer::new(String::new())
        .extend_pairs([
            ("token", "gIkuvaNzQIHg97ATvDxqgjtO"),
            ("team_id", "T0001"),
            ("team_domain", "acme"),
            ("enterprise_id", "E0001"),
            ("channel_id", "C2147483705"),
            ("channel_name", "incidents"),
            ("user_id", "U2147483697"),
            ("user_name", "ada"),
            ("command", command),
            ("text", text),
            ("response_url", response_url),
            ("trigger_id", &trigger()),
            ("api_app_id", "A123456"),
            ("is_enterprise_install", "true"),
            ("something_new", "1"),
        ])
        .finish()
}

/// An interaction's body.
pub fn interaction(payload: &Value) -> String {
    Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish()
}

/// The press of a button with this label in a message or a view.
pub fn press(shown: &Value, label: &str, response_url: Option<&str>, is_ephemeral: bool) -> Value {
    let button = buttons(shown).into_iter().find(|button| button["text"]["text"] == label);
    let button = button.unwrap_or_else(|| panic!("there is no button {label:?} in {shown:#}"));
    let mut payload = json!({
        "type": "block_actions",
        "user": {"id": "U2147483697", "username": "ada", "name": "ada", "team_id": null},
        "team": null,
        "enterprise": {"id": "E0001", "name": "Acme"},
        "trigger_id": trigger(),
        "actions": [{
            "type": "button", "action_id": button["action_id"], "block_id": "x", "value": button["value"],
            "text": button["text"], "action_ts": "1548426417.840180", "style": null,
        }],
    });
    match response_url {
        Some(url) => {
            payload["response_url"] = json!(url);
            payload["channel"] = json!({"id": "C2147483705", "name": "incidents"});
            payload["container"] = json!({
                "type": "message", "message_ts": "1548261231.000200", "channel_id": "C2147483705", "is_ephemeral": is_ephemeral,
            });
        }
        None => {
            payload["container"] = json!({"type": "view", "view_id": shown["id"]});
            payload["view"] = with_state(shown, &BTreeMap::new());
        }
    }
    payload
}

/// A form page sent with these answers; fields that are not named keep what they were shown with.
pub fn submit(view: &Value, answers: &BTreeMap<&str, Vec<&str>>) -> Value {
    json!({
        "type": "view_submission",
        "trigger_id": trigger(),
        "team": null,
        "user": {"id": "U2147483697", "username": "ada"},
        "view": with_state(view, answers),
        "response_urls": [],
        "is_enterprise_install": true,
    })
}

/// The press of Back, with what was entered on the page.
pub fn back(view: &Value, answers: &BTreeMap<&str, Vec<&str>>) -> Value {
    let mut payload = press(view, "Back", None, false);
    payload["view"] = with_state(view, answers);
    payload
}

/// Letters typed in a look-up field.
pub fn suggest(view: &Value, field: &str, typed: &str) -> Value {
    json!({
        "type": "block_suggestion", "team": null, "user": {"id": "U2147483697", "name": "ada"},
        "container": {"type": "view", "view_id": view["id"]},
        "action_id": field, "block_id": "0.0", "value": typed, "view": view,
    })
}

pub fn buttons(shown: &Value) -> Vec<Value> {
    let blocks = shown["blocks"].as_array().cloned().unwrap_or_default();
    let rows = blocks.iter().filter(|block| block["type"] == "actions");
    rows.flat_map(|row| row["elements"].as_array().cloned().unwrap_or_default()).collect()
}

/// The labels of a view's questions, in order.
pub fn questions(view: &Value) -> Vec<String> {
    let blocks = view["blocks"].as_array().cloned().unwrap_or_default();
    blocks.iter().filter_map(|block| block["label"]["text"].as_str().map(str::to_owned)).collect()
}

fn with_state(view: &Value, answers: &BTreeMap<&str, Vec<&str>>) -> Value {
    let mut view = view.clone();
    let mut values = serde_json::Map::new();
    for block in view["blocks"].as_array().cloned().unwrap_or_default() {
        if block["type"] == "input" {
            let element = &block["element"];
            let name = element["action_id"].as_str().unwrap();
            let entered = entered(element, answers.get(name));
            values.insert(block["block_id"].as_str().unwrap().to_owned(), json!({name: entered}));
        }
    }
    view["state"] = json!({"values": values});
    view
}

fn entered(element: &Value, answer: Option<&Vec<&str>>) -> Value {
    let kind = element["type"].as_str().unwrap();
    let one = |initial: &Value| answer.map_or(initial.clone(), |texts| texts.first().map_or(Value::Null, |text| json!(text)));
    let choose = |value: &str| {
        let found = all_options(element).into_iter().find(|option| option["value"] == value);
        // Of an external select, whose options came from us.
        found.unwrap_or_else(|| json!({"text": {"type": "plain_text", "text": value}, "value": value}))
    };
    match kind {
        "plain_text_input" | "number_input" => json!({"type": kind, "value": one(&element["initial_value"])}),
        "datepicker" => json!({"type": kind, "selected_date": one(&element["initial_date"])}),
        "checkboxes" | "multi_static_select" | "multi_external_select" => {
            let initial = if element["initial_options"].is_null() { json!([]) } else { element["initial_options"].clone() };
            let chosen = answer.map_or(initial, |values| values.iter().map(|value| choose(value)).collect());
            json!({"type": kind, "selected_options": chosen})
        }
        _ => {
            let chosen = answer
                .map_or(element["initial_option"].clone(), |values| values.first().map_or(Value::Null, |value| choose(value)));
            json!({"type": kind, "selected_option": chosen})
        }
    }
}

fn all_options(element: &Value) -> Vec<Value> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let groups = list(&element["option_groups"]);
    list(&element["options"]).into_iter().chain(groups.iter().flat_map(|group| list(&group["options"]))).collect()
}
