//! Slack as a model with state, served over HTTP: what was posted where, which forms are open, which response URLs
//! are used up. Tests arrange and assert on the model; it refuses what Slack refuses.

pub mod check;
pub mod event;
pub mod history;
pub mod person;
pub mod shown;
pub mod socket;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};

use history::{Chaos, Fate};
use socket::{APP_TOKEN, Sockets};

pub const BOT_TOKEN: &str = "xoxb-fake";

/// The name under which trouble befalls response URLs.
pub const RESPONSE_URL: &str = "response_url";

/// Uses of a response URL.
const RESPONSE_URL_USES: usize = 5;

/// A fake Slack that listens on this machine until it is dropped.
pub struct FakeSlack {
    pub address: String,
    pub sockets: Arc<Sockets>,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

struct Shared {
    model: Mutex<Model>,
    changed: Notify,
    sockets: Arc<Sockets>,
}

impl Shared {
    /// Also after a test has failed: whatever still runs must be able to end.
    fn lock(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The workspace.
#[derive(Default)]
pub struct Model {
    pub messages: Vec<Posted>,
    /// What response URLs were sent, by their ids.
    pub answers: BTreeMap<String, Vec<Value>>,
    /// By id, as they are now.
    pub views: BTreeMap<String, Value>,
    pub used_triggers: Vec<String>,
    /// Each call that reached the workspace, refused or not.
    pub calls: Vec<(String, Instant)>,
    /// Channels in which neither the bot nor the asker is.
    pub closed_channels: Vec<String>,
    /// Home pages by person, oldest first.
    pub homes: BTreeMap<String, Vec<Value>>,
    /// What `chat.unfurl` was sent.
    pub previews: Vec<Value>,
    /// What will go wrong next, by method.
    pub troubles: BTreeMap<String, VecDeque<Trouble>>,
    /// Names of channels, where this Slack has ids for them and says the time as it is.
    pub channels: Vec<String>,
    pub has_ids: bool,
    /// People who want to be left alone: from when to when, in seconds.
    pub resting: BTreeMap<String, (i64, i64)>,
    /// How the next calls go, by method.
    pub fates: BTreeMap<String, VecDeque<Fate>>,
    /// What goes wrong by chance.
    pub chaos: Option<Chaos>,
    /// What no good app would send. Empty at the end of every test.
    pub unexpected: Vec<String>,
}

pub struct Posted {
    pub channel: String,
    pub only_to: Option<String>,
    pub ts: String,
    pub at: Instant,
    /// As it was posted, or as it was updated last.
    pub payload: Value,
    /// The fallback of each state that it was updated to.
    pub updates: Vec<String>,
}

/// What can go wrong at Slack.
pub enum Trouble {
    Error(&'static str),
    Status(u16),
    RateLimited { retry_after_secs: u64 },
    MissingScope(&'static str),
    Slow(Duration),
}

impl FakeSlack {
    pub async fn start() -> Self {
        let sockets = Arc::new(Sockets::start().await);
        let shared = Arc::new(Shared { model: Mutex::default(), changed: Notify::new(), sockets: Arc::clone(&sockets) });
        let routes = Router::new()
            .route("/api/{method}", post(call).get(read))
            .route("/response/{id}", post(answer))
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { address, sockets, shared, server }
    }

    pub fn api_url(&self) -> String {
        format!("{}/api", self.address)
    }

    pub fn response_url(&self, id: &str) -> String {
        format!("{}/response/{id}", self.address)
    }

    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.shared.lock()
    }

    pub fn next_trouble(&self, method: &str, trouble: Trouble) {
        self.model().troubles.entry(method.to_owned()).or_default().push_back(trouble);
    }

    /// Waits until the model satisfies this.
    pub async fn until<T>(&self, what: &str, found: impl Fn(&Model) -> Option<T>) -> T {
        let search = async {
            loop {
                let changed = self.shared.changed.notified();
                if let Some(found) = found(&self.model()) {
                    return found;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(10), search).await {
            Ok(found) => found,
            Err(_) => panic!("{what} did not happen at Slack; unexpected: {:?}", self.model().unexpected),
        }
    }

    /// Nothing was sent that Slack would refuse.
    pub fn finish(self) {
        assert_eq!(self.model().unexpected, Vec::<String>::new());
        assert_eq!(self.sockets.model().unexpected, Vec::<String>::new());
    }
}

impl Drop for FakeSlack {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Methods that only read take their arguments in the address.
async fn read(
    shared: State<Arc<Shared>>,
    method: Path<String>,
    headers: HeaderMap,
    Query(arguments): Query<BTreeMap<String, String>>,
) -> Response {
    call(shared, method, headers, Json(json!(arguments))).await
}

async fn call(
    State(shared): State<Arc<Shared>>,
    Path(method): Path<String>,
    headers: HeaderMap,
    Json(request): Json<Value>,
) -> Response {
    shared.lock().calls.push((method.clone(), Instant::now()));
    shared.changed.notify_waiters();
    if let Some(response) = trouble(&shared, &method).await {
        return response;
    }
    let token = headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let is_app = method == "apps.connections.open";
    let wanted = format!("Bearer {}", if is_app { APP_TOKEN } else { BOT_TOKEN });
    if token != Some(&wanted) {
        return refused(match token {
            None => "not_authed",
            Some(token) if is_app && token.starts_with("Bearer xoxb-") => "not_allowed_token_type",
            Some(_) => "invalid_auth",
        });
    }
    if is_app {
        return Json(shared.sockets.open()).into_response();
    }
    let fate = shared.lock().fate(&method);
    match fate {
        Fate::Well => {}
        Fate::Fails(status) => return StatusCode::from_u16(status).unwrap().into_response(),
        Fate::Code(code) => return refused(code),
        Fate::Limited => return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response(),
        Fate::DoneBut(_) | Fate::DoneAndCut | Fate::Late(_) => {}
    }
    // Slack carries out what it was sent, whether or not anybody waits for the answer.
    let carried_out = tokio::spawn(async move {
        if let Fate::Late(time) = fate {
            tokio::time::sleep(time).await;
        }
        let answer = shared.lock().call(&method, request);
        shared.changed.notify_waiters();
        answer
    });
    let answer = carried_out.await.unwrap();
    match fate {
        Fate::DoneBut(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Fate::DoneAndCut => Fate::cut(),
        _ => answer,
    }
}

/// What goes wrong with this call, if it is one with which something shall.
async fn trouble(shared: &Shared, method: &str) -> Option<Response> {
    let trouble = shared.lock().troubles.get_mut(method).and_then(VecDeque::pop_front)?;
    match trouble {
        Trouble::Slow(time) => {
            tokio::time::sleep(time).await;
            None
        }
        Trouble::Error(code) => Some(refused(code)),
        Trouble::MissingScope(scope) => {
            let refusal = json!({"ok": false, "error": "missing_scope", "needed": scope, "provided": "commands"});
            Some(Json(refusal).into_response())
        }
        Trouble::Status(status) => Some(StatusCode::from_u16(status).unwrap().into_response()),
        Trouble::RateLimited { retry_after_secs } => {
            let after = [("retry-after", retry_after_secs.to_string())];
            let refusal = Json(json!({"ok": false, "error": "ratelimited"}));
            Some((StatusCode::TOO_MANY_REQUESTS, after, refusal).into_response())
        }
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(message): Json<Value>,
) -> Response {
    if let Some(response) = trouble(&shared, RESPONSE_URL).await {
        return response;
    }
    let mut model = shared.lock();
    if headers.contains_key(AUTHORIZATION) {
        model.unexpected.push("a token was sent to a response URL".to_owned());
    }
    model.expect_none("response URL", check::message_faults(&message));
    let used = model.answers.entry(id).or_default();
    if used.len() == RESPONSE_URL_USES {
        model.unexpected.push("a response URL was used a sixth time".to_owned());
        return (StatusCode::NOT_FOUND, Json(json!({"ok": false, "error": "used_url"}))).into_response();
    }
    used.push(message);
    drop(model);
    shared.changed.notify_waiters();
    Json(json!({"ok": true})).into_response()
}

impl Model {
    fn call(&mut self, method: &str, request: Value) -> Response {
        match method {
            "auth.test" => Json(json!({
                "ok": true, "url": "https://acme.slack.com/", "team": "Acme", "team_id": null,
                "user": "steward", "user_id": "UBOT", "bot_id": "BBOT", "is_enterprise_install": true,
            }))
            .into_response(),
            "chat.postMessage" | "chat.postEphemeral" => self.post(method, request),
            "views.open" => self.open(request),
            "views.update" => self.update(request),
            "views.publish" => self.publish(request),
            "conversations.history" => self.history(&request),
            "conversations.list" => self.list(&request),
            "dnd.info" => self.rest_of(&request),
            "conversations.open" => self.open_conversation(&request),
            "chat.update" => self.replace(request),
            "chat.unfurl" => self.unfurl(request),
            other => {
                self.unexpected.push(format!("unknown method {other}"));
                refused("unknown_method")
            }
        }
    }

    fn post(&mut self, method: &str, request: Value) -> Response {
        let only_to = request["user"].as_str().map(str::to_owned);
        if only_to.is_some() != (method == "chat.postEphemeral") {
            self.unexpected.push(format!("{method} for {only_to:?}"));
            return refused("invalid_arguments");
        }
        let channel = request["channel"].as_str().unwrap_or_default().to_owned();
        let Some(channel) = self.place(&channel) else { return refused("channel_not_found") };
        if !channel.starts_with(['C', 'D', 'U', '#']) {
            return refused("channel_not_found");
        }
        if only_to.is_some() && self.closed_channels.contains(&channel) {
            return refused("not_in_channel");
        }
        let flags = ["mrkdwn", "unfurl_links", "unfurl_media"];
        if only_to.is_some() && flags.iter().any(|flag| !request[*flag].is_null()) {
            self.unexpected.push(format!("{method} has none of {flags:?}"));
        }
        if !self.expect_none(method, check::message_faults(&request)) {
            return refused("invalid_blocks");
        }
        let ts = match self.has_ids {
            true => format!("{}.{:06}", chrono::Utc::now().timestamp(), self.messages.len() % 1_000_000),
            false => format!("{}.000100", 1_795_000_001 + self.messages.len()),
        };
        let is_ephemeral = only_to.is_some();
        let (at, updates) = (Instant::now(), Vec::new());
        self.messages.push(Posted { channel: channel.clone(), only_to, ts: ts.clone(), at, payload: request, updates });
        match is_ephemeral {
            true => Json(json!({"ok": true, "message_ts": ts})).into_response(),
            false => Json(json!({"ok": true, "channel": channel, "ts": ts})).into_response(),
        }
    }

    fn replace(&mut self, request: Value) -> Response {
        let (channel, ts) = (request["channel"].clone(), request["ts"].clone());
        if ["user", "thread_ts", "mrkdwn", "unfurl_links"].iter().any(|name| !request[*name].is_null()) {
            self.unexpected.push("chat.update with what it does not take".to_owned());
        }
        if !self.expect_none("chat.update", check::message_faults(&request)) {
            return refused("invalid_blocks");
        }
        let known = self.messages.iter_mut().filter(|posted| posted.only_to.is_none());
        let Some(posted) = known.into_iter().find(|posted| channel == posted.channel && ts == posted.ts) else {
            return refused("message_not_found");
        };
        posted.updates.push(request["text"].as_str().unwrap_or_default().to_owned());
        let mut request = request;
        // What is not sent stays.
        if request["metadata"].is_null() && !posted.payload["metadata"].is_null() {
            request["metadata"] = posted.payload["metadata"].clone();
        }
        posted.payload = request;
        Json(json!({"ok": true, "channel": channel, "ts": ts})).into_response()
    }

    fn open(&mut self, request: Value) -> Response {
        let trigger = request["trigger_id"].as_str().unwrap_or_default().to_owned();
        if trigger.is_empty() || self.used_triggers.contains(&trigger) {
            self.unexpected.push(format!("trigger {trigger:?} used up"));
            return refused("exchanged_trigger_id");
        }
        if !self.expect_none("views.open", check::view_faults(&request["view"])) {
            return refused("invalid_arguments");
        }
        self.used_triggers.push(trigger);
        let id = format!("V{}", self.views.len() + 1);
        self.show(id, request["view"].clone())
    }

    fn update(&mut self, request: Value) -> Response {
        let id = request["view_id"].as_str().unwrap_or_default().to_owned();
        let Some(shown) = self.views.get(&id) else { return refused("not_found") };
        if !request["hash"].is_null() && request["hash"] != shown["hash"] {
            return refused("hash_conflict");
        }
        if !self.expect_none("views.update", check::view_faults(&request["view"])) {
            return refused("invalid_arguments");
        }
        self.show(id, request["view"].clone())
    }

    fn publish(&mut self, request: Value) -> Response {
        let user = request["user_id"].as_str().unwrap_or_default().to_owned();
        if !self.expect_none("views.publish", check::home_faults(&request["view"])) {
            return refused("invalid_arguments");
        }
        self.homes.entry(user).or_default().push(request["view"].clone());
        Json(json!({"ok": true, "view": {"id": "VHOME", "type": "home", "team_id": null}})).into_response()
    }

    fn unfurl(&mut self, request: Value) -> Response {
        let in_message = request["channel"].is_string() && request["ts"].is_string();
        if in_message == (request["unfurl_id"].is_string() && request["source"].is_string()) {
            self.unexpected.push(format!("chat.unfurl at {request}"));
            return refused("invalid_arguments");
        }
        for (url, preview) in request["unfurls"].as_object().into_iter().flatten() {
            let message = json!({"text": url, "blocks": preview["blocks"]});
            self.expect_none("chat.unfurl", check::message_faults(&message));
        }
        self.previews.push(request);
        Json(json!({"ok": true})).into_response()
    }

    /// As Slack does it: with an id, a hash, and a team that Enterprise Grid leaves null.
    pub fn show(&mut self, id: String, mut view: Value) -> Response {
        view["id"] = json!(id);
        view["hash"] = json!(format!("h{}", view.to_string().len()));
        view["team_id"] = Value::Null;
        self.views.insert(id, view.clone());
        Json(json!({"ok": true, "view": view})).into_response()
    }

    fn expect_none(&mut self, place: &str, faults: Vec<String>) -> bool {
        let none = faults.is_empty();
        self.unexpected.extend(faults.into_iter().map(|fault| format!("{place}: {fault}")));
        none
    }
}

fn refused(code: &str) -> Response {
    Json(json!({"ok": false, "error": code})).into_response()
}
