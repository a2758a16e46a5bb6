//! Messages of rounds that follow what becomes of their findings. Must not decide how they look: hygiene does.

use tracing::warn;

use super::{Worker, jobs::job, round::NOT_DRAWN};
use crate::{
    chat::{DeliveryError, Message, Reply},
    hygiene::round::redraw,
    store::{RoundKey, RoundState, StoreError, key_below},
};

job!(ShowRoundJob(RoundKey) = SHOW_ROUND, |worker, job| worker.show_round(&job.work));

impl Worker {
    /// Draws a message of a round as it stands now, in its place. `Err` makes the queue try again later.
    async fn show_round(&self, key: &RoundKey) -> Result<(), String> {
        let told = |error: StoreError| error.to_string();
        let store = &self.app.store;
        let Some(message) = store.load_round_message(key).await.map_err(told)? else { return Ok(()) };
        match message.state {
            RoundState::Due => return Err("the message has not left yet".to_owned()),
            RoundState::Lost => return Ok(()),
            RoundState::Sent => {}
        }
        let Some(posted) = message.posted else { return Ok(()) };
        let keys: Vec<String> = message.shown.iter().map(|key| key_below(key).unwrap_or(key).to_owned()).collect();
        let fixes = store.load_latest_fixes(&keys, message.planned_at).await.map_err(told)?;
        let reply = redraw(&message.message, &fixes);
        let drawn = |reply: Reply| Message::replacing(message.platform, posted.clone(), reply);
        let sent = match (self.app.outbox.deliver(&drawn(reply.clone())).await, reply.without_pictures()) {
            // What Slack could fetch once it may not be able to fetch now.
            (Err(DeliveryError::Refused { reason, .. }), Some(plain)) if reason.starts_with(NOT_DRAWN) => {
                self.app.outbox.deliver(&drawn(plain)).await
            }
            (sent, _) => sent,
        };
        match sent {
            Ok(_) => Ok(()),
            Err(fault @ (DeliveryError::Limited { .. } | DeliveryError::Unreachable { .. })) => Err(fault.to_string()),
            Err(fault @ (DeliveryError::NoDoor(_) | DeliveryError::Refused { .. })) => {
                warn!(%fault, team = key.team, round = key.round, "a message of a round cannot be drawn anew; /hygiene shows how it is");
                Ok(())
            }
        }
    }
}
