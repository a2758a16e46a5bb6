//! What all transports of one platform share: from the parsed act to what is sent back. Must not know how bytes arrive.

#[cfg(feature = "discord")]
pub mod discord;
pub mod send;
pub mod slack;

use std::time::Duration;

use tokio::time::timeout;
use tracing::warn;

use crate::{
    app::App,
    chat::{Button, Platform, Reply, Status, Text, limits::cut},
};

/// A database that hangs is known to be away by then; one that is merely busy answers, and an answer given unclaimed may be
/// given twice.
const CLAIM_WITHIN: Duration = Duration::from_secs(3);

/// As long as a line may be.
const LONGEST_LINE: usize = 300;

/// Whether no other replica answers these words. Without PostgreSQL every one does: twice is better than not at all.
async fn is_ours(app: &App, platform: Platform, delivery: Option<&str>) -> bool {
    let Some(delivery) = delivery.filter(|_| app.store.away_since().is_none()) else { return true };
    match timeout(CLAIM_WITHIN, app.store.claim_answer(platform, delivery, app.clock.now())).await {
        Ok(Ok(is_ours)) => is_ours,
        Ok(Err(error)) => {
            warn!(%error, "an answer goes out unclaimed");
            true
        }
        Err(_) => {
            warn!("an answer goes out unclaimed: the database is slow");
            true
        }
    }
}

/// A form opens only in answer to a press, so words get a button to press.
fn needs_form(command: &str, line: &str) -> Reply {
    let mut reply = Reply::new(Status::Answered, command, Text::plain("This needs a form, which opens from a button."));
    reply.buttons.push(Button::say("Open the form", cut(line, LONGEST_LINE)).primary());
    reply
}
