//! Slack over Socket Mode: what is heard goes to the desk that all transports share, and how it is heard is noted.
//! Must not decide anything.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{Acknowledgement, Carried, Desk, Transport};
use crate::{
    app::App,
    catalog::live::Sockets,
    slack::{
        NoSocket, Parsed, ResponseUrl, Way, parse_command_json, parse_event, parse_payload,
        socket::{Answering, Envelope, EnvelopeKind, Heard, Lost, Socket},
    },
};

/// Listens until `stop`; ends when what was taken on is acknowledged. Answers that are still to be sent are the desk's.
pub async fn listen(app: Arc<App>, desk: Desk, socket: Socket, stop: &CancellationToken) {
    let wanted = socket.connections;
    let now = app.clock.now();
    note(&app, move |sockets| {
        sockets.wanted = wanted;
        sockets.down_since = Some(now);
    });
    let (sender, mut heard) = unbounded_channel();
    let hearing = async {
        // Opened so far; beyond those that are wanted, each stands for one that was lost.
        let mut opened = 0;
        while let Some(heard) = heard.recv().await {
            match heard {
                Heard::Envelope(envelope, answering) => {
                    let (app, own) = (Arc::clone(&app), desk.clone());
                    desk.late.spawn(async move { answer(app, own, envelope, answering).await });
                }
                Heard::Opened => {
                    opened += 1;
                    let is_another = opened > wanted;
                    note(&app, move |sockets| {
                        sockets.opened();
                        sockets.reconnects += u64::from(is_another);
                    });
                }
                Heard::Closed(reason) => {
                    metrics::counter!("steward_slack_disconnects_total", "reason" => reason).increment(1);
                    info!(reason, "a socket to Slack is closed");
                    let now = app.clock.now();
                    note(&app, move |sockets| sockets.closed(now));
                }
                Heard::NotOpened(fault) => {
                    match &fault {
                        NoSocket::Refused(reason) => error!(reason, "Slack opens no socket; somebody has to change that"),
                        NoSocket::Away { reason, .. } => warn!(reason, "no socket to Slack could be opened"),
                    }
                    note(&app, move |sockets| sockets.fault = Some(fault.to_string()));
                }
                Heard::PassedOver(kind) => info!(kind, "Slack sent a frame that is not known here"),
            }
        }
    };
    tokio::join!(socket.run(sender, stop), hearing);
}

fn note(app: &App, change: impl Fn(&mut Sockets)) {
    app.live.hear(|hearing| change(hearing.sockets.get_or_insert_default()));
    if let Some(sockets) = &app.live.hearing().sockets {
        metrics::gauge!("steward_slack_connections").set(sockets.open as f64);
        metrics::counter!("steward_slack_reconnects_total").absolute(sockets.reconnects);
    }
}

async fn answer(app: Arc<App>, desk: Desk, envelope: Envelope, answering: Answering) {
    let Envelope { id, kind, payload, accepts_payload, attempt } = envelope;
    let parsed = match kind {
        EnvelopeKind::SlashCommand => parse_command_json(payload.get()),
        EnvelopeKind::Interactive => parse_payload(payload.get()),
        EnvelopeKind::Event => parse_event(payload.get().as_bytes()),
    };
    let parsed = parsed.unwrap_or_else(|unreadable| Parsed::PassedOver(unreadable.to_string())).or_numbered(&id);
    let otherwise = otherwise(&parsed);
    let carried = Arc::new(Carried { gone: answering.gone(), attempt });
    let acknowledgement = desk.acknowledge(Arc::clone(&app), parsed, Transport::Socket(Arc::clone(&carried))).await;
    let payload: Option<Box<RawValue>> = match &acknowledgement {
        Acknowledgement::Json(body) if accepts_payload => serde_json::from_slice(body).ok(),
        Acknowledgement::Json(_) | Acknowledgement::Empty => None,
    };
    // Dropped, the envelope would come again; what was in it has been worked on, so its acknowledgement waits for nothing.
    let acknowledged = answering.acknowledge(payload.as_deref()).await;
    let was_told = acknowledged.is_ok() && payload.is_some();
    if let (Acknowledgement::Json(_), Some((delivery, url)), false) = (&acknowledgement, otherwise, was_told) {
        if acknowledged == Err(Lost) {
            warn!("a socket was gone before an answer had left; it goes by its response URL");
        }
        let Some(Acknowledgement::Json(body)) = desk.seen.take_back(&delivery, &carried) else { return };
        send_otherwise(&app, &body, &url).await;
    }
}

/// The other way to answer a command.
fn otherwise(parsed: &Parsed) -> Option<(String, ResponseUrl)> {
    match parsed {
        Parsed::Act(incoming) if incoming.way == Way::Command => {
            Some((incoming.request.delivery.clone()?, incoming.route.response_url.clone()?))
        }
        Parsed::Act(_)
        | Parsed::Links(_)
        | Parsed::Challenge(_)
        | Parsed::Revoked(_)
        | Parsed::LostForm { .. }
        | Parsed::PassedOver(_) => None,
    }
}

async fn send_otherwise(app: &App, body: &[u8], url: &ResponseUrl) {
    let (Some(client), Ok(message)) = (&app.outbox.slack, serde_json::from_slice::<Box<RawValue>>(body)) else { return };
    if let Err(error) = client.answer(url, &message).await {
        warn!(%error, "an answer did not reach Slack");
    }
}
