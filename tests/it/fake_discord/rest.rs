//! Discord's REST API, as far as a bot needs it.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    APPLICATION, CHANNEL, Model, Shared, bot,
    check::{command_faults, message_faults, modal_faults},
};

type Fake = State<Arc<Shared>>;

fn refuse(status: StatusCode, code: u64, message: &str) -> Response {
    (status, Json(json!({ "code": code, "message": message }))).into_response()
}

fn note(model: &mut Model, faults: Vec<String>, about: &Value) {
    model.faults.extend(faults.into_iter().map(|fault| format!("{fault} in {about}")));
}

pub(super) async fn gateway(State(shared): Fake) -> Json<Value> {
    Json(json!({ "url": shared.gateway }))
}

pub(super) async fn me() -> Json<Value> {
    Json(bot())
}

pub(super) async fn application() -> Json<Value> {
    Json(json!({ "id": APPLICATION.to_string(), "name": "Steward" }))
}

pub(super) async fn commands(State(shared): Fake) -> Json<Value> {
    Json(Value::Array(shared.lock().commands.clone()))
}

pub(super) async fn register(State(shared): Fake, Json(commands): Json<Value>) -> Json<Value> {
    let mut model = shared.lock();
    note(&mut model, command_faults(&commands), &Value::Null);
    model.registrations += 1;
    model.commands = commands.as_array().cloned().unwrap_or_default();
    for at in 0..model.commands.len() {
        let id = model.id();
        model.commands[at]["id"] = id.into();
        model.commands[at]["application_id"] = APPLICATION.to_string().into();
    }
    let answer = Json(Value::Array(model.commands.clone()));
    drop(model);
    shared.changed.notify_waiters();
    answer
}

pub(super) async fn open_conversation(Json(wanted): Json<Value>) -> Json<Value> {
    // Each person's own, by a number that is made of theirs.
    let person = wanted["recipient_id"].as_str().unwrap_or_default().to_owned();
    Json(json!({ "id": conversation_with(&person), "type": 1 }))
}

pub(super) fn conversation_with(person: &str) -> String {
    format!("9{}", &person[1..])
}

#[derive(Deserialize)]
pub(super) struct Page {
    limit: Option<usize>,
    before: Option<String>,
}

pub(super) async fn history(State(shared): Fake, Path(channel): Path<String>, Query(page): Query<Page>) -> Response {
    if !is_channel(&channel) {
        return refuse(StatusCode::NOT_FOUND, 10_003, "Unknown Channel");
    }
    let model = shared.lock();
    let all = model.messages.get(&channel).cloned().unwrap_or_default();
    let number = |message: &Value| message["id"].as_str().unwrap_or_default().parse::<u64>().unwrap_or_default();
    let before = page.before.and_then(|before| before.parse::<u64>().ok()).unwrap_or(u64::MAX);
    let shown: Vec<Value> =
        all.into_iter().rev().filter(|message| number(message) < before).take(page.limit.unwrap_or(50)).collect();
    Json(shown).into_response()
}

fn is_channel(id: &str) -> bool {
    id == CHANNEL || id.starts_with('9')
}

pub(super) async fn say(State(shared): Fake, Path(channel): Path<String>, Json(sent): Json<Value>) -> Response {
    if !is_channel(&channel) {
        return refuse(StatusCode::NOT_FOUND, 10_003, "Unknown Channel");
    }
    let mut model = shared.lock();
    note(&mut model, message_faults(&sent), &sent);
    let known = model.messages.get(&channel).into_iter().flatten();
    let twin = known.into_iter().find(|said| sent["enforce_nonce"] == true && said["nonce"] == sent["nonce"]).cloned();
    let message = match twin {
        Some(twin) => twin,
        None => {
            let mut message = model.message(&channel, &sent);
            message["message_reference"] = sent["message_reference"].clone();
            model.messages.entry(channel).or_default().push(message.clone());
            message
        }
    };
    drop(model);
    shared.changed.notify_waiters();
    Json(message).into_response()
}

pub(super) async fn change(
    State(shared): Fake,
    Path((channel, id)): Path<(String, String)>,
    Json(sent): Json<Value>,
) -> Response {
    let mut model = shared.lock();
    note(&mut model, message_faults(&sent), &sent);
    let Some(message) = model.messages.get_mut(&channel).and_then(|all| all.iter_mut().find(|said| said["id"] == id.as_str()))
    else {
        return refuse(StatusCode::NOT_FOUND, 10_008, "Unknown Message");
    };
    for key in ["content", "embeds", "components"] {
        message[key] = sent[key].clone();
    }
    let answer = Json(message.clone()).into_response();
    drop(model);
    shared.changed.notify_waiters();
    answer
}

/// <https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object>.
pub(super) async fn answer(State(shared): Fake, Path((id, token)): Path<(String, String)>, Json(sent): Json<Value>) -> Response {
    let mut model = shared.lock();
    let Some(interaction) = model.interactions.get(&id).filter(|interaction| interaction.token == token).cloned() else {
        return refuse(StatusCode::NOT_FOUND, 10_062, "Unknown interaction");
    };
    if interaction.first.is_some() {
        return refuse(StatusCode::BAD_REQUEST, 40_060, "Interaction has already been acknowledged.");
    }
    let data = &sent["data"];
    let on = interaction.on.clone();
    let channel = CHANNEL;
    let (faults, shown) = match sent["type"].as_u64() {
        Some(4) => (message_faults(data), Some(model.message(channel, data))),
        Some(5) => (Vec::new(), None),
        Some(6) if on.is_some() => (Vec::new(), on),
        Some(7) if on.is_some() => {
            let changed = model.message(channel, data);
            let mut message = on.unwrap_or_default();
            for key in ["content", "embeds", "components"] {
                message[key] = changed[key].clone();
            }
            (message_faults(data), Some(message))
        }
        Some(8) => (Vec::new(), None),
        Some(9) => (modal_faults(data), None),
        other => (vec![format!("an answer of type {other:?}")], None),
    };
    note(&mut model, faults, &sent);
    if let Some(interaction) = model.interactions.get_mut(&id) {
        let took = interaction.begun.elapsed();
        interaction.first = Some((sent, took));
        interaction.answers += 1;
        interaction.shown = shown;
    }
    drop(model);
    shared.changed.notify_waiters();
    StatusCode::NO_CONTENT.into_response()
}

pub(super) async fn complete(State(shared): Fake, Path((_, token)): Path<(String, String)>, Json(sent): Json<Value>) -> Response {
    behind(&shared, &token, &sent, |interaction, message| interaction.shown = Some(message))
}

pub(super) async fn follow_up(
    State(shared): Fake,
    Path((_, token)): Path<(String, String)>,
    Json(sent): Json<Value>,
) -> Response {
    behind(&shared, &token, &sent, |interaction, message| interaction.followed.push(message))
}

fn behind(shared: &Shared, token: &str, sent: &Value, place: impl FnOnce(&mut super::Interaction, Value)) -> Response {
    let mut model = shared.lock();
    note(&mut model, message_faults(sent), sent);
    let message = model.message(CHANNEL, sent);
    let found = model.interactions.values_mut().find(|interaction| interaction.token == token && interaction.first.is_some());
    let Some(interaction) = found else { return refuse(StatusCode::NOT_FOUND, 10_015, "Unknown Webhook") };
    place(interaction, message.clone());
    drop(model);
    shared.changed.notify_waiters();
    Json(message).into_response()
}
