//! Keeps the commands that Discord shows the same as ours. Must not decide what they are.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::note;
use crate::{
    app::App,
    chat::DeliveryError,
    discord::{
        DiscordClient,
        register::{Registered, is_registered, registration},
    },
};

/// The organisation's own commands change while Steward runs; Discord allows 200 new ones a day.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Until `stop`.
pub(super) async fn keep(app: &App, client: &DiscordClient, stop: &CancellationToken) {
    let mut known: Option<Vec<Registered>> = None;
    loop {
        let wanted = registration(app.live.custom().all(&app.commands));
        if known.as_ref() != Some(&wanted) {
            match register(client, &wanted).await {
                Ok(()) => {
                    note(app, |gateway| gateway.not_registered = None);
                    known = Some(wanted);
                }
                Err(fault) => {
                    warn!(error = %fault, "the commands could not be registered at Discord");
                    let fault = fault.to_string();
                    note(app, |gateway| gateway.not_registered = Some(fault.clone()));
                }
            }
        }
        tokio::select! {
            () = sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Overwrites them only where they differ: each overwriting may keep people from using them for a moment.
async fn register(client: &DiscordClient, wanted: &[Registered]) -> Result<(), DeliveryError> {
    let known = client.registered().await?;
    if is_registered(wanted, &known) {
        return Ok(());
    }
    client.register(wanted).await?;
    info!(commands = wanted.len(), "registered the commands at Discord");
    Ok(())
}
