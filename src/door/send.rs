//! Messages that shall leave now: tried at once, and left to the queue where the platform takes none now.
//! Must not decide what is sent.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use tracing::{error, info, warn};

use crate::{
    app::App,
    chat::{DeliveryError, Message, Posted},
    store::{Job, StoreError},
};

/// How long a message waits in this process where the database is away too: whoever asked looks elsewhere after that.
const HELD_FOR: Duration = Duration::from_secs(60);
/// Between tries where the platform named no time.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// It has left; with its number where it can be replaced later.
    Left(Option<Posted>),
    /// The queue sends it as soon as the platform takes it.
    Waits,
    /// Nobody will see it; the log says why.
    Lost,
}

/// Sends a message now, or by the queue where the platform limits or cannot be reached.
///
/// One that replaces another always goes by the queue, which lets the last state win whatever the order of the calls. Where there
/// is no queue either, because the database is away, a message waits here for a while.
pub async fn send(app: &App, message: Message) -> Sent {
    if message.replaces.is_some() {
        match app.store.enqueue_message(message.clone()).await {
            Ok(()) => return Sent::Waits,
            // Rather perhaps out of order than not at all.
            Err(StoreError::Away(_)) => {}
            Err(fault @ (StoreError::Failed(_) | StoreError::Claimed)) => {
                warn!(error = %fault, "an update could not be put into the queue")
            }
        }
    }
    let began = Instant::now();
    loop {
        let (fault, wait) = match app.outbox.deliver(&message).await {
            Ok(posted) => return Sent::Left(posted),
            Err(fault @ (DeliveryError::NoDoor(_) | DeliveryError::Refused { .. })) => {
                error!(error = %fault, "a message was not delivered");
                return Sent::Lost;
            }
            Err(fault @ DeliveryError::Limited { retry_after, .. }) => (fault, retry_after),
            Err(fault @ DeliveryError::Unreachable { .. }) => (fault, Duration::ZERO),
        };
        let later = TimeDelta::from_std(wait).unwrap_or(TimeDelta::hours(1));
        let Err(store) = app.store.enqueue_job(Job::DeliverLater(message.clone(), later)).await else { return Sent::Waits };
        let wait = wait.max(TRY_AGAIN);
        if began.elapsed() + wait > HELD_FOR {
            error!(error = %fault, %store, "a message was not delivered, and could not be kept for later");
            return Sent::Lost;
        }
        info!(error = %fault, %store, "a message waits here: there is no queue for it");
        tokio::time::sleep(wait).await;
    }
}
