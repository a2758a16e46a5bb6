//! Messages that shall leave now: tried at once, and left to the queue where the platform takes none now.
//! Must not decide what is sent.

use chrono::TimeDelta;
use tracing::{error, warn};

use crate::{
    app::App,
    chat::{DeliveryError, Message, Posted},
    store::{Job, StoreError},
};

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
/// One that replaces another always goes by the queue, which lets the last state win whatever the order of the calls.
pub async fn send(app: &App, message: Message) -> Sent {
    if message.replaces.is_some() {
        match app.store.enqueue_message(message.clone()).await {
            Ok(()) => return Sent::Waits,
            // Rather perhaps out of order than not at all.
            Err(StoreError::Away(_)) => {}
            Err(fault @ (StoreError::Failed(_) | StoreError::Claimed)) => warn!(error = %fault, "an update could not be put into the queue"),
        }
    }
    let (fault, wait) = match app.outbox.deliver(&message).await {
        Ok(posted) => return Sent::Left(posted),
        Err(fault @ (DeliveryError::NoDoor(_) | DeliveryError::Refused { .. })) => {
            error!(error = %fault, "a message was not delivered");
            return Sent::Lost;
        }
        Err(DeliveryError::Limited { platform, retry_after }) => {
            let wait = TimeDelta::from_std(retry_after).unwrap_or(TimeDelta::hours(1));
            (DeliveryError::Limited { platform, retry_after }, wait)
        }
        Err(fault @ DeliveryError::Unreachable { .. }) => (fault, TimeDelta::zero()),
    };
    match app.store.enqueue_job(Job::DeliverLater(message, wait)).await {
        Ok(()) => Sent::Waits,
        Err(store) => {
            error!(error = %fault, %store, "a message was not delivered, and could not be kept for later");
            Sent::Lost
        }
    }
}
