//! Discord's gateway: hello, identify or resume, heartbeats, and what happened: <https://discord.com/developers/docs/events/gateway>.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc::unbounded_channel,
};
use tokio_tungstenite::{accept_async, tungstenite::Message};

use super::{APPLICATION, Befalls, GUILD, Shared, TOKEN, bot};

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(connection(stream, Arc::clone(&shared)));
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let Ok(mut socket) = accept_async(stream).await else { return };
    let text = |value: &Value| Message::text(value.to_string());
    let hello = json!({ "op": 10, "s": null, "t": null, "d": { "heartbeat_interval": 41_250 } });
    if socket.send(text(&hello)).await.is_err() {
        return;
    }
    let (sender, mut befalls) = unbounded_channel();
    let number = {
        let mut model = shared.lock();
        model.next += 1;
        model.next
    };
    loop {
        tokio::select! {
            befallen = befalls.recv() => match befallen {
                Some(Befalls::Told(event)) => {
                    if socket.send(text(&event)).await.is_err() {
                        break;
                    }
                }
                // Dropped without a close frame.
                Some(Befalls::Breaks) | None => return,
            },
            heard = socket.next() => {
                let Some(Ok(Message::Text(heard))) = heard else { break };
                let heard: Value = serde_json::from_str(&heard).unwrap();
                for answer in answers(&shared, &heard, number, &sender) {
                    if socket.send(text(&answer)).await.is_err() {
                        break;
                    }
                }
            }
        }
    }
    shared.lock().connections.remove(&number);
}

fn answers(shared: &Shared, heard: &Value, number: u64, sender: &tokio::sync::mpsc::UnboundedSender<Befalls>) -> Vec<Value> {
    let mut model = shared.lock();
    let answers = match heard["op"].as_u64() {
        Some(1) => vec![json!({ "op": 11, "s": null, "t": null, "d": null })],
        Some(2) => {
            let given = heard["d"]["token"].as_str().unwrap_or_default().trim_start_matches("Bot ");
            if given != TOKEN {
                model.faults.push(format!("identified with {given}"));
            }
            let intents = heard["d"]["intents"].as_u64().unwrap_or_default();
            // Members, presences and all that is said need Discord's consent.
            if intents & ((1 << 1) | (1 << 8) | (1 << 15)) != 0 {
                model.faults.push(format!("privileged intents {intents}"));
            }
            model.identified += 1;
            let ready = json!({
                "op": 0, "t": "READY", "s": model.dispatched.len() + 1,
                "d": {
                    "v": 10, "user": bot(), "guilds": [{ "id": GUILD, "unavailable": true }], "session_id": "session-1",
                    "resume_gateway_url": shared.gateway, "shard": [0, 1],
                    "application": { "id": APPLICATION.to_string(), "flags": 0 },
                },
            });
            model.dispatched.push(ready.clone());
            model.connections.insert(number, sender.clone());
            vec![ready]
        }
        Some(6) => {
            if heard["d"]["session_id"] != "session-1" {
                model.faults.push(format!("resumed {}", heard["d"]["session_id"]));
            }
            model.resumed += 1;
            let since = usize::try_from(heard["d"]["seq"].as_u64().unwrap_or_default()).unwrap();
            let mut missed: Vec<Value> = model.dispatched.iter().skip(since).cloned().collect();
            missed.push(json!({ "op": 0, "t": "RESUMED", "s": model.dispatched.len(), "d": {} }));
            model.connections.insert(number, sender.clone());
            missed
        }
        _ => Vec::new(),
    };
    drop(model);
    shared.changed.notify_waiters();
    answers
}
