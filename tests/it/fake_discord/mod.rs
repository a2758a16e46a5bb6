//! Discord as a model with state: its gateway, the messages of its channels, interactions that are answered once. Tests
//! arrange and assert on the model; it refuses what Discord refuses.

pub mod check;
mod gateway;
pub mod person;
mod rest;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    routing::{get, patch, post},
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc::UnboundedSender},
    task::JoinHandle,
};

pub const TOKEN: &str = "fake.bot.token";
pub const APPLICATION: u64 = 1_187_000_000_000_000_001;
pub const BOT_ID: &str = "1187000000000000002";
pub const GUILD: &str = "1187000000000000003";
/// A channel of the guild.
pub const CHANNEL: &str = "1187420011223344556";

/// A fake Discord that listens on this machine until it is dropped.
pub struct FakeDiscord {
    pub address: String,
    shared: Arc<Shared>,
    servers: Vec<JoinHandle<()>>,
}

struct Shared {
    model: Mutex<Model>,
    changed: Notify,
    gateway: String,
}

impl Shared {
    /// Also after a test has failed: whatever still runs must be able to end.
    fn lock(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What befalls a connection.
enum Befalls {
    Told(Value),
    Breaks,
}

#[derive(Default)]
pub struct Model {
    connections: BTreeMap<u64, UnboundedSender<Befalls>>,
    /// All that was dispatched, by its sequence number less one.
    dispatched: Vec<Value>,
    pub identified: u64,
    pub resumed: u64,
    next: u64,
    /// As they were registered last, and how often.
    pub commands: Vec<Value>,
    pub registrations: u64,
    /// Messages by channel, oldest first.
    pub messages: BTreeMap<String, Vec<Value>>,
    pub interactions: BTreeMap<String, Interaction>,
    /// What no good app would send.
    pub faults: Vec<String>,
}

/// One interaction.
#[derive(Debug, Clone)]
pub struct Interaction {
    token: String,
    begun: Instant,
    /// The first answer, and how long it took.
    pub first: Option<(Value, Duration)>,
    pub answers: u64,
    /// What is shown now in its place.
    pub shown: Option<Value>,
    /// Messages behind it.
    pub followed: Vec<Value>,
    /// The message with the component.
    on: Option<Value>,
}

impl Drop for FakeDiscord {
    fn drop(&mut self) {
        for server in &self.servers {
            server.abort();
        }
    }
}

impl FakeDiscord {
    pub async fn start() -> Self {
        let (rest, sockets) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = format!("http://{}", rest.local_addr().unwrap());
        let gateway = format!("ws://{}", sockets.local_addr().unwrap());
        let shared = Arc::new(Shared { model: Mutex::default(), changed: Notify::new(), gateway });
        let routes = Router::new()
            .route("/gateway", get(rest::gateway))
            .route("/users/@me", get(rest::me))
            .route("/users/@me/channels", post(rest::open_conversation))
            .route("/oauth2/applications/@me", get(rest::application))
            .route("/applications/{id}/commands", get(rest::commands).put(rest::register))
            .route("/channels/{channel}/messages", get(rest::history).post(rest::say))
            .route("/channels/{channel}/messages/{message}", patch(rest::change))
            .route("/interactions/{id}/{token}/callback", post(rest::answer))
            .route("/webhooks/{application}/{token}", post(rest::follow_up))
            .route("/webhooks/{application}/{token}/messages/@original", patch(rest::complete))
            .with_state(Arc::clone(&shared));
        let routes = Router::new().nest("/api/v10", routes);
        let served = Arc::clone(&shared);
        let servers = vec![
            tokio::spawn(async move { axum::serve(rest, routes).await.unwrap() }),
            tokio::spawn(gateway::serve(sockets, served)),
        ];
        Self { address, shared, servers }
    }

    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.shared.lock()
    }

    /// Waits for something of the model, up to forty seconds.
    pub async fn until<T>(&self, what: &str, found: impl Fn(&Model) -> Option<T>) -> T {
        let search = async {
            loop {
                let changed = self.shared.changed.notified();
                if let Some(found) = found(&self.model()) {
                    return found;
                }
                let _ = tokio::time::timeout(Duration::from_millis(100), changed).await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(40), search).await {
            Ok(found) => found,
            Err(_) => panic!("never came true: {what}; faults: {:?}", self.model().faults),
        }
    }

    /// Waits until the bot is connected and its commands are registered.
    pub async fn until_ready(&self) {
        self.until("the bot is connected", |model| (model.registrations > 0 && !model.connections.is_empty()).then_some(()))
            .await;
        self.until("it has identified itself", |model| (model.identified > 0).then_some(())).await;
    }

    /// Tells the bot what happened; kept for it where it is not connected.
    pub fn dispatch(&self, kind: &str, data: Value) {
        let mut model = self.model();
        let event = json!({ "op": 0, "t": kind, "s": model.dispatched.len() + 1, "d": data });
        model.dispatched.push(event.clone());
        for connection in model.connections.values() {
            let _ = connection.send(Befalls::Told(event.clone()));
        }
    }

    /// Every connection breaks without a word.
    pub fn cut(&self) {
        let mut model = self.model();
        for connection in std::mem::take(&mut model.connections).into_values() {
            let _ = connection.send(Befalls::Breaks);
        }
    }

    /// No good app would have been told off, and each interaction was answered once.
    pub fn assert_well(&self) {
        let model = self.model();
        assert_eq!(model.faults, Vec::<String>::new());
        for (id, interaction) in &model.interactions {
            assert_eq!(interaction.answers, 1, "interaction {id} was answered so often");
        }
    }
}

impl Model {
    /// A new id, as of the time that tests have.
    fn id(&mut self) -> String {
        self.next += 1;
        // 2026-11-21, 9:00 UTC.
        const MILLIS: u64 = 1_795_251_600_000 - 1_420_070_400_000;
        ((MILLIS << 22) + self.next).to_string()
    }

    /// A message as Discord gives it back.
    fn message(&mut self, channel: &str, sent: &Value) -> Value {
        let id = self.id();
        json!({
            "id": id, "channel_id": channel, "author": bot(), "content": sent["content"], "timestamp": "2026-11-21T09:00:00Z",
            "edited_timestamp": null, "tts": false, "mention_everyone": false, "mentions": [], "mention_roles": [],
            "attachments": [], "embeds": sent["embeds"], "pinned": false, "type": 0,
            "components": sent["components"], "flags": sent["flags"].as_u64().unwrap_or_default(), "nonce": sent["nonce"],
        })
    }
}

fn bot() -> Value {
    json!({ "id": BOT_ID, "username": "steward", "discriminator": "0", "avatar": null, "bot": true })
}
