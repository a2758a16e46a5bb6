//! Slack's side of Socket Mode: connections by ticket, envelopes that are told again until they are acknowledged, and all
//! that can befall a connection.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{
        Notify,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    },
};
use tokio_tungstenite::{
    accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
    },
};

pub const APP_TOKEN: &str = "xapp-fake";

/// The other end of every connection that the app opens.
pub struct Sockets {
    address: String,
    model: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    model: Mutex<Wire>,
    changed: Notify,
}

impl Shared {
    /// Also after a test has failed: whatever still runs must be able to end.
    fn lock(&self) -> MutexGuard<'_, Wire> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stands on the wire.
#[derive(Default)]
pub struct Wire {
    connections: BTreeMap<u64, UnboundedSender<Befalls>>,
    tickets: Vec<u64>,
    /// Connections that there were.
    pub opened: u64,
    /// Fewest that were open at once since [`Sockets::watch`].
    pub fewest: usize,
    /// What each envelope was acknowledged with, every time.
    pub acknowledged: HashMap<String, Vec<Option<Value>>>,
    unacknowledged: HashMap<String, (u64, Value)>,
    told_at: HashMap<String, Instant>,
    /// The longest that an envelope stood unacknowledged, over however many connections.
    pub longest_wait: Duration,
    /// For the next connection: none is open.
    waiting: VecDeque<Value>,
    envelopes: u64,
    next: u64,
    /// What no good app would send.
    pub unexpected: Vec<String>,
}

/// What befalls a connection.
#[derive(Debug)]
pub enum Befalls {
    /// The app is told something.
    Told(Message),
    /// It breaks without a word.
    Breaks,
    /// Slack closes it.
    Closes,
    /// Nothing comes any more, and nothing is taken.
    FallsSilent,
}

impl Sockets {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("ws://{}", listener.local_addr().unwrap());
        let model = Arc::new(Shared::default());
        let shared = Arc::clone(&model);
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(connection(stream, Arc::clone(&shared)));
            }
        });
        Self { address, model, server }
    }

    /// The answer of `apps.connections.open`: good for one connection.
    pub fn open(&self) -> Value {
        let mut model = self.model();
        model.next += 1;
        let ticket = model.next;
        model.tickets.push(ticket);
        json!({"ok": true, "url": format!("{}/link/?ticket={ticket}&app_id=A1", self.address)})
    }

    pub fn model(&self) -> MutexGuard<'_, Wire> {
        self.model.lock()
    }

    /// Sends an envelope over one of the connections, or the next that opens; gives its number.
    pub fn deliver(&self, kind: &str, payload: &Value) -> String {
        let mut model = self.model();
        model.envelopes += 1;
        let id = format!("envelope-{}", model.envelopes);
        let envelope = json!({
            "type": kind, "envelope_id": id, "payload": payload, "accepts_response_payload": kind != "events_api",
            "retry_attempt": 0, "retry_reason": "",
        });
        model.told_at.insert(id.clone(), Instant::now());
        model.send(envelope);
        id
    }

    /// Has something befall the oldest, or the newest, connection; nothing where none is open at this moment.
    pub fn befall(&self, which: Which, what: Befalls) {
        let mut model = self.model();
        let id = match which {
            Which::Oldest => model.connections.keys().next().copied(),
            Which::Newest => model.connections.keys().next_back().copied(),
        };
        let Some(id) = id else { return };
        let is_end = matches!(what, Befalls::Breaks | Befalls::Closes | Befalls::FallsSilent);
        let _ = model.connections[&id].send(what);
        if is_end {
            model.forget(id);
        }
    }

    /// Counts from now on how few are open.
    pub fn watch(&self) {
        let mut model = self.model();
        model.fewest = model.connections.len();
    }

    pub async fn until<T>(&self, what: &str, found: impl Fn(&Wire) -> Option<T>) -> T {
        let search = async {
            loop {
                let changed = self.model.changed.notified();
                if let Some(found) = found(&self.model()) {
                    return found;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(20), search).await {
            Ok(found) => found,
            Err(_) => panic!("{what} did not happen on Slack's sockets: {:?}", self.model().unexpected),
        }
    }

    pub async fn until_open(&self, count: usize) {
        self.until(&format!("{count} open sockets"), |wire| (wire.connections.len() >= count).then_some(())).await;
    }

    /// Waits until fewer than so many envelopes are unacknowledged.
    pub async fn until_fewer(&self, count: usize) {
        self.until("acknowledgements", |wire| (wire.unacknowledged.len() + wire.waiting.len() < count).then_some(())).await;
    }
}

/// One of the connections.
#[derive(Debug, Clone, Copy)]
pub enum Which {
    Oldest,
    Newest,
}

impl Drop for Sockets {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Wire {
    pub fn open(&self) -> usize {
        self.connections.len()
    }

    /// How an envelope was acknowledged last.
    pub fn acknowledgement(&self, id: &str) -> Option<Option<Value>> {
        self.acknowledged.get(id)?.last().cloned()
    }

    /// Over the connections in turn.
    fn send(&mut self, envelope: Value) {
        self.next += 1;
        let id = match self.connections.len() {
            0 => None,
            open => self.connections.keys().nth(usize::try_from(self.next).unwrap() % open).copied(),
        };
        let Some(id) = id else {
            self.waiting.push_back(envelope);
            return;
        };
        let number = envelope["envelope_id"].as_str().unwrap().to_owned();
        let _ = self.connections[&id].send(Befalls::Told(Message::text(envelope.to_string())));
        self.unacknowledged.insert(number, (id, envelope));
    }

    /// A connection is gone: what was not acknowledged over it is told again over another.
    fn forget(&mut self, id: u64) {
        if self.connections.remove(&id).is_none() {
            return;
        }
        self.fewest = self.fewest.min(self.connections.len());
        let lost: Vec<String> =
            self.unacknowledged.iter().filter(|(_, (over, _))| *over == id).map(|(number, _)| number.clone()).collect();
        for number in lost {
            let (_, mut envelope) = self.unacknowledged.remove(&number).unwrap();
            envelope["retry_attempt"] = json!(envelope["retry_attempt"].as_u64().unwrap() + 1);
            envelope["retry_reason"] = json!("timeout");
            self.send(envelope);
        }
    }

    fn take(&mut self, over: u64, text: &str) {
        // What a connection carries after it is gone has not arrived.
        if !self.connections.contains_key(&over) {
            return;
        }
        let Ok(mut acknowledged) = serde_json::from_str::<Value>(text) else {
            self.unexpected.push(format!("no JSON: {text}"));
            return;
        };
        let Some(id) = acknowledged["envelope_id"].as_str().map(str::to_owned) else {
            self.unexpected.push(format!("no envelope_id: {text}"));
            return;
        };
        let payload = acknowledged.get_mut("payload").map(Value::take);
        match self.unacknowledged.remove(&id) {
            Some((_, envelope)) if payload.is_some() && envelope["accepts_response_payload"] != true => {
                self.unexpected.push(format!("a payload for {id}, which takes none"));
            }
            Some(_) => {
                let waited = self.told_at.remove(&id).map_or(Duration::ZERO, |at| at.elapsed());
                self.longest_wait = self.longest_wait.max(waited);
            }
            None if id.starts_with("envelope-") && !self.acknowledged.contains_key(&id) => {
                self.unexpected.push(format!("{id} was never sent"));
            }
            None => {}
        }
        self.acknowledged.entry(id).or_default().push(payload);
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    // The library's own shape of a refusal.
    #[expect(clippy::result_large_err, reason = "its size is tungstenite's")]
    let admit = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        let query = request.uri().query().unwrap_or_default();
        let ticket = query.split('&').find_map(|pair| pair.strip_prefix("ticket=")?.parse::<u64>().ok());
        let mut model = shared.lock();
        match model.tickets.iter().position(|known| Some(*known) == ticket) {
            Some(at) => {
                model.tickets.remove(at);
                Ok(response)
            }
            None => {
                model.unexpected.push(format!("ticket {ticket:?} is not good"));
                Err(ErrorResponse::new(None))
            }
        }
    };
    let Ok(mut socket) = accept_hdr_async(stream, admit).await else { return };
    let (sender, mut befalls) = unbounded_channel();
    let (id, count) = {
        let mut model = shared.lock();
        model.next += 1;
        model.opened += 1;
        let id = model.next;
        model.connections.insert(id, sender);
        (id, model.connections.len())
    };
    let hello = json!({
        "type": "hello", "num_connections": count, "connection_info": {"app_id": "A1"},
        "debug_info": {"host": "applink-1", "started": "2026-11-21 09:00:00.000", "approximate_connection_time": 18060},
    });
    if socket.send(Message::text(hello.to_string())).await.is_ok() {
        {
            let mut model = shared.lock();
            for envelope in std::mem::take(&mut model.waiting) {
                model.send(envelope);
            }
        }
        shared.changed.notify_waiters();
        carry(&mut socket, id, &mut befalls, &shared).await;
    }
    shared.lock().forget(id);
    shared.changed.notify_waiters();
}

async fn carry(
    socket: &mut tokio_tungstenite::WebSocketStream<TcpStream>,
    id: u64,
    befalls: &mut UnboundedReceiver<Befalls>,
    shared: &Shared,
) {
    loop {
        tokio::select! {
            what = befalls.recv() => match what {
                Some(Befalls::Told(message)) => {
                    if socket.send(message).await.is_err() {
                        return;
                    }
                }
                Some(Befalls::Breaks) | None => return,
                Some(Befalls::Closes) => {
                    let _ = socket.close(None).await;
                    return;
                }
                Some(Befalls::FallsSilent) => std::future::pending().await,
            },
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    shared.lock().take(id, &text);
                    shared.changed.notify_waiters();
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
        }
    }
}
