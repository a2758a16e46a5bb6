//! Socket Mode: Slack's envelopes over connections that we open, so that no address of ours need be public.
//! <https://docs.slack.dev/apis/events-api/using-socket-mode>. Must not know what is in an envelope.
//!
//! slack-morphism's own listener reads frames by its strict types and drops what it does not know; here every frame that
//! has a number is acknowledged, and its payload goes to the parser that HTTP uses.

mod connection;
mod frame;

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::{
    sync::{Semaphore, mpsc::UnboundedSender},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::places::{NoSocket, Switchboard, advise};
use connection::{Connection, Ended};

pub use connection::{Answering, Lost};
pub use frame::{Envelope, EnvelopeKind};

/// Two, so that one goes on while the other is renewed; Slack allows ten an app, and there may be other replicas.
pub const CONNECTIONS: usize = 2;

/// Envelopes that are worked on at once, over all connections: what comes beyond waits in Slack's hands.
const UNDER_WAY: usize = 256;

/// How long things may take. Tests have shorter ones.
#[derive(Debug, Clone)]
pub struct SocketWaits {
    /// From asking for an address to an open connection.
    pub connect: Duration,
    /// Quiet before we ask whether the other side is still there. Slack pings every few seconds.
    pub quiet: Duration,
    /// How long the answer to that may take; Slack's own servers have been seen to take over 5 s.
    pub pong: Duration,
    /// How long a frame may take to leave.
    pub write: Duration,
    /// How long a connection goes on beside its successor; Slack closes it about 10 s after its warning.
    pub leave: Duration,
    /// How long answers under way may take after the word to stop.
    pub drain: Duration,
    /// The first pause before another try, and the longest; they double.
    pub first_pause: Duration,
    pub longest_pause: Duration,
    /// Between tries where somebody has to change a setting first.
    pub setup_pause: Duration,
}

impl Default for SocketWaits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            quiet: Duration::from_secs(15),
            pong: Duration::from_secs(10),
            write: Duration::from_secs(5),
            leave: Duration::from_secs(30),
            drain: Duration::from_secs(15),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(30),
            setup_pause: Duration::from_secs(60),
        }
    }
}

/// What is heard over the sockets, and of them.
#[derive(Debug)]
pub enum Heard {
    Opened,
    /// A connection is gone, for this reason.
    Closed(&'static str),
    /// None could be opened. Tried again.
    NotOpened(NoSocket),
    Envelope(Envelope, Answering),
    /// A frame that could not be used; its type.
    PassedOver(String),
}

/// Keeps connections to Slack open.
#[derive(Debug)]
pub struct Socket {
    pub switchboard: Switchboard,
    pub connections: usize,
    pub waits: SocketWaits,
}

/// What the connections have in common.
struct Shared {
    heard: UnboundedSender<Heard>,
    /// One permit an envelope, so that a flood waits at Slack and not in our memory.
    under_way: Arc<Semaphore>,
    waits: SocketWaits,
    stop: CancellationToken,
}

impl Socket {
    /// Until `stop`; then takes nothing more, and ends when what was under way is acknowledged.
    pub async fn run(self, heard: UnboundedSender<Heard>, stop: &CancellationToken) {
        let Self { switchboard, connections, waits } = self;
        let under_way = Arc::new(Semaphore::new(UNDER_WAY));
        let shared = Arc::new(Shared { heard, under_way, waits, stop: stop.clone() });
        let switchboard = Arc::new(switchboard);
        let tasks = TaskTracker::new();
        for _ in 0..connections {
            tasks.spawn(keep_open(Arc::clone(&switchboard), Arc::clone(&shared), tasks.clone()));
        }
        tasks.close();
        tasks.wait().await;
    }
}

/// One place among the connections: whenever the one in it leaves, another is opened, and the old one may go on beside it.
async fn keep_open(switchboard: Arc<Switchboard>, shared: Arc<Shared>, tasks: TaskTracker) {
    let waits = &shared.waits;
    let mut pauses = pauses(waits);
    while !shared.stop.is_cancelled() {
        let opened = tokio::select! {
            opened = timeout(waits.connect, open(&switchboard, waits)) => opened,
            () = shared.stop.cancelled() => return,
        };
        let pause = match opened {
            Ok(Ok(connection)) => {
                let _ = shared.heard.send(Heard::Opened);
                match serve(connection, &shared, &tasks).await {
                    // It worked, so the next one is opened at once, and never all of them in the same instant.
                    Some(Ended { greeted: true, disabled: false, .. }) => {
                        pauses = self::pauses(waits);
                        waits.first_pause.mul_f64(rand::random::<f64>())
                    }
                    Some(Ended { disabled: true, .. }) => {
                        let _ = shared.heard.send(Heard::NotOpened(NoSocket::Refused(advise("link_disabled"))));
                        waits.setup_pause
                    }
                    Some(_) => pauses.next().unwrap_or(waits.longest_pause),
                    None => return,
                }
            }
            Ok(Err(fault)) => {
                let pause = match &fault {
                    NoSocket::Refused(_) => waits.setup_pause,
                    NoSocket::Away { not_before, .. } => {
                        let pause = pauses.next().unwrap_or(waits.longest_pause);
                        pause.max(not_before.unwrap_or_default())
                    }
                };
                let _ = shared.heard.send(Heard::NotOpened(fault));
                pause
            }
            Err(_) => {
                let reason = format!("no connection within {} s", waits.connect.as_secs_f32());
                let _ = shared.heard.send(Heard::NotOpened(NoSocket::Away { reason, not_before: None }));
                pauses.next().unwrap_or(waits.longest_pause)
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = shared.stop.cancelled() => return,
        }
    }
}

async fn open(switchboard: &Switchboard, waits: &SocketWaits) -> Result<Connection, NoSocket> {
    let url = switchboard.open().await?;
    Connection::open(&url, waits.clone()).await.map_err(|reason| NoSocket::Away { reason, not_before: None })
}

/// Lets the connection run, until it is to be replaced; `None` at the word to stop.
async fn serve(connection: Connection, shared: &Arc<Shared>, tasks: &TaskTracker) -> Option<Ended> {
    let (leaving, told) = tokio::sync::oneshot::channel();
    let shared = Arc::clone(shared);
    let stop = shared.stop.clone();
    tasks.spawn(async move {
        let closed = connection.run(&shared, leaving).await;
        let _ = shared.heard.send(Heard::Closed(closed));
    });
    let ended = told.await.ok();
    if stop.is_cancelled() { None } else { Some(ended.unwrap_or_default()) }
}

fn pauses(waits: &SocketWaits) -> ExponentialBackoff {
    let growing = ExponentialBuilder::new().with_min_delay(waits.first_pause).with_max_delay(waits.longest_pause);
    growing.with_jitter().without_max_times().build()
}
