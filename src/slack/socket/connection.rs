//! One connection: frames in, acknowledgements out, and a watch over whether the other side is still there.
//! Must not open another one.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use serde_json::value::RawValue;
use tokio::{
    net::TcpStream,
    sync::{
        OwnedSemaphorePermit, Semaphore,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot,
    },
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{self, Message, protocol::WebSocketConfig},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};
use url::Url;

use super::{
    Heard, Shared, SocketWaits,
    frame::{Frame, acknowledgement, parse_frame},
};

/// A view with its state is at most 250 KB in Slack; escaped, several times that.
const FRAME_BYTES: usize = 4 * 1024 * 1024;

pub(super) struct Connection {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    waits: SocketWaits,
}

/// How a connection was when it had to be replaced.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ended {
    /// Slack had said hello.
    pub greeted: bool,
    /// Socket Mode was switched off.
    pub disabled: bool,
}

/// The right to acknowledge one envelope. Dropped without it, Slack will deliver again.
#[derive(Debug)]
pub struct Answering {
    envelope_id: String,
    acknowledgements: UnboundedSender<Acknowledgement>,
    gone: CancellationToken,
    /// Counts among what is under way until it is dropped.
    _permit: OwnedSemaphorePermit,
}

/// The connection was gone before the acknowledgement had left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost;

#[derive(Debug)]
struct Acknowledgement {
    text: String,
    written: oneshot::Sender<()>,
}

impl Answering {
    /// Acknowledges, with what Slack is told at once; waits until it has been written.
    pub async fn acknowledge(self, payload: Option<&RawValue>) -> Result<(), Lost> {
        let (written, is_written) = oneshot::channel();
        let text = acknowledgement(&self.envelope_id, payload);
        self.acknowledgements.send(Acknowledgement { text, written }).map_err(|_| Lost)?;
        tokio::select! {
            biased;
            written = is_written => written.map_err(|_| Lost),
            // What is sent in the instant in which the receiver goes stays in the channel, and so does its `written`, for as
            // long as a sender lives: ours.
            () = self.gone.cancelled() => Err(Lost),
        }
    }

    /// Cancelled once the connection is gone: whether what was written before has arrived, nobody knows.
    pub fn gone(&self) -> CancellationToken {
        self.gone.clone()
    }
}

impl Connection {
    pub async fn open(url: &Url, waits: SocketWaits) -> Result<Self, String> {
        let limits = WebSocketConfig::default().max_message_size(Some(FRAME_BYTES)).max_frame_size(Some(FRAME_BYTES));
        // The address holds a ticket, so only the kind of fault is told.
        let (stream, _) = connect_async_with_config(url.as_str(), Some(limits), true).await.map_err(|error| kind(&error))?;
        Ok(Self { stream, waits })
    }

    /// Until it is gone, for the reason that is returned. `leaving` is told when it has to be replaced, which may be long
    /// before.
    pub async fn run(self, shared: &Shared, leaving: oneshot::Sender<Ended>) -> &'static str {
        let (sender, acknowledgements) = unbounded_channel();
        let gone = CancellationToken::new();
        let now = Instant::now();
        let mut open = Open {
            quiet_at: now + self.waits.quiet,
            stream: self.stream,
            waits: self.waits,
            sender: Some(sender),
            gone: gone.clone(),
            pinged: false,
            leaving: Some(leaving),
            ended: Ended::default(),
            leave_at: None,
        };
        let reason = open.serve(shared, acknowledgements).await;
        gone.cancel();
        open.leave();
        debug!(reason, "a socket is gone");
        reason
    }
}

struct Open {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    waits: SocketWaits,
    /// For the envelopes that arrive; none once no more are taken.
    sender: Option<UnboundedSender<Acknowledgement>>,
    gone: CancellationToken,
    quiet_at: Instant,
    pinged: bool,
    leaving: Option<oneshot::Sender<Ended>>,
    ended: Ended,
    leave_at: Option<Instant>,
}

impl Open {
    async fn serve(&mut self, shared: &Shared, mut acknowledgements: UnboundedReceiver<Acknowledgement>) -> &'static str {
        let mut permit: Option<OwnedSemaphorePermit> = None;
        loop {
            let reading = self.sender.is_some();
            let leave_at = self.leave_at;
            tokio::select! {
                acknowledgement = acknowledgements.recv() => match acknowledgement {
                    Some(Acknowledgement { text, written }) => {
                        if let Err(reason) = self.send(Message::text(text)).await {
                            return reason;
                        }
                        let _ = written.send(());
                    }
                    // Nothing is under way any more.
                    None => return self.close().await,
                },
                () = shared.stop.cancelled(), if reading => {
                    self.sender = None;
                    self.leave_at = Some(Instant::now() + self.waits.drain);
                    self.leave();
                }
                () = sleep_until(leave_at.unwrap_or(self.quiet_at)), if leave_at.is_some() => return self.close().await,
                next = one_more(&shared.under_way), if reading && permit.is_none() => {
                    permit = next;
                    // While nothing was read, nothing could be heard.
                    self.quiet_at = self.quiet_at.max(Instant::now() + self.waits.pong);
                    self.pinged = false;
                }
                frame = self.stream.next(), if permit.is_some() => {
                    self.quiet_at = Instant::now() + self.waits.quiet;
                    self.pinged = false;
                    match frame {
                        Some(Ok(message)) => self.take(message, shared, &mut permit),
                        Some(Err(error)) => return fault(&error),
                        None => return "closed",
                    }
                }
                () = sleep_until(self.quiet_at), if permit.is_some() => {
                    if self.pinged {
                        return "silent";
                    }
                    self.pinged = true;
                    self.quiet_at = Instant::now() + self.waits.pong;
                    if let Err(reason) = self.send(Message::Ping(Vec::new().into())).await {
                        return reason;
                    }
                }
            }
        }
    }

    fn take(&mut self, message: Message, shared: &Shared, permit: &mut Option<OwnedSemaphorePermit>) {
        let text = match &message {
            Message::Text(text) => text.as_str(),
            Message::Binary(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
            // Pings are answered by the library, and a close ends the stream.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => return,
        };
        let Some(sender) = &self.sender else { return };
        let answering = |envelope_id: String, permit| Answering {
            envelope_id,
            acknowledgements: sender.clone(),
            gone: self.gone.clone(),
            _permit: permit,
        };
        match parse_frame(text) {
            Some(Frame::Envelope(envelope)) => {
                let Some(permit) = permit.take() else { return };
                let answering = answering(envelope.id.clone(), permit);
                let _ = shared.heard.send(Heard::Envelope(envelope, answering));
            }
            Some(Frame::Hello { connections }) => {
                info!(connections, "Slack says hello over a socket");
                self.ended.greeted = true;
            }
            Some(Frame::Disconnect { reason }) => {
                info!(reason, "Slack is about to close a socket");
                self.ended.disabled = reason == "link_disabled";
                self.leave_at.get_or_insert(Instant::now() + self.waits.leave);
                self.leave();
            }
            Some(Frame::Unknown { kind, envelope_id }) => {
                if let Some(id) = envelope_id {
                    // Else it would come again and again.
                    let (written, _) = oneshot::channel();
                    let _ = sender.send(Acknowledgement { text: acknowledgement(&id, None), written });
                }
                let _ = shared.heard.send(Heard::PassedOver(kind));
            }
            None => {
                let _ = shared.heard.send(Heard::PassedOver("no JSON".to_owned()));
            }
        }
    }

    /// Has another one opened in its place.
    fn leave(&mut self) {
        if let Some(leaving) = self.leaving.take() {
            let _ = leaving.send(self.ended);
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), &'static str> {
        match timeout(self.waits.write, self.stream.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(fault(&error)),
            Err(_) => Err("stuck"),
        }
    }

    async fn close(&mut self) -> &'static str {
        let _ = timeout(self.waits.write, self.stream.close(None)).await;
        "left"
    }
}

async fn one_more(under_way: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    Some(Arc::clone(under_way).acquire_owned().await.expect("the semaphore is never closed"))
}

/// A word for the metric.
fn fault(error: &tungstenite::Error) -> &'static str {
    match error {
        tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => "closed",
        tungstenite::Error::Io(_) | tungstenite::Error::Tls(_) => "broken",
        _ => "protocol",
    }
}

fn kind(error: &tungstenite::Error) -> String {
    match error {
        tungstenite::Error::Http(response) => format!("the socket was answered by HTTP {}", response.status().as_u16()),
        tungstenite::Error::Io(error) => format!("the socket could not be opened: {}", error.kind()),
        tungstenite::Error::Tls(_) => "the socket's certificate was refused".to_owned(),
        _ => "the socket could not be opened".to_owned(),
    }
}
