//! Messages that leave by the queue: in their turn, at the platform's pace, and never lost over a restart.
//! Must not decide what is said, nor how fast a platform takes it.

use std::time::Duration;

use chrono::TimeDelta;
use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use serde::{Deserialize, Serialize};
use tracing::{error, warn};

use super::{Worker, jobs::JobsOf};
use crate::{
    app::Outcome,
    chat::{DeliveryError, Message},
    store::{DELIVER, DELIVER_NEWS, JobContext},
};

/// A message that has been told to wait for so long is news no more.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(24);

/// One message that does not get through holds up the others to its channel no longer.
const LONGEST_HOLD: Duration = Duration::from_secs(300);

/// A message that somebody waits for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct DeliverJob(JobContext<Message>);

/// News, which wait behind one another.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct DeliverNewsJob(JobContext<Message>);

impl TaskHandler for DeliverJob {
    const IDENTIFIER: &'static str = DELIVER;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        deliver(self.0, &context).await
    }
}

impl TaskHandler for DeliverNewsJob {
    const IDENTIFIER: &'static str = DELIVER_NEWS;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        deliver(self.0, &context).await
    }
}

/// Where a job stands with its tries.
struct Tries {
    job_id: i64,
    tried: i16,
    is_last: bool,
    waited: TimeDelta,
}

impl Tries {
    /// As the queue pauses by itself before the next one, as long as others may be held up for.
    fn pause(&self) -> Duration {
        Duration::from_secs_f64(f64::from(self.tried.clamp(0, 10)).exp()).min(LONGEST_HOLD)
    }
}

async fn deliver(job: JobContext<Message>, context: &WorkerContext) -> Result<(), String> {
    let Some(JobsOf(worker)) = context.get_ext::<JobsOf>() else {
        return Err("the queue has no worker".to_owned());
    };
    let this = context.job();
    // By the database's clock on both sides: ours may stand still.
    let waited = this.locked_at().map_or(TimeDelta::zero(), |now| now - *this.created_at());
    let tries = Tries { job_id: *this.id(), tried: *this.attempts(), is_last: this.attempts() >= this.max_attempts(), waited };
    worker.run_deliver(job, &tries).await
}

impl Worker {
    /// Hands a message over. `Err` makes the queue try again later.
    async fn run_deliver(&self, job: JobContext<Message>, tries: &Tries) -> Result<(), String> {
        let delivered = self.app.outbox.deliver(&job.work).await;
        // That a platform wants fewer is no failure of it.
        if !matches!(delivered, Err(DeliveryError::Limited { .. })) {
            self.app.live.tally.count(job.work.platform.as_str(), Outcome::of(&delivered));
        }
        let result = match delivered {
            Ok(_) => "sent".to_owned(),
            Err(DeliveryError::Limited { retry_after, .. }) if tries.waited < LONGEST_WAIT => {
                return self.postpone(tries.job_id, retry_after).await;
            }
            Err(fault @ DeliveryError::Unreachable { .. }) if !tries.is_last => {
                if let Err(error) = self.app.store.hold_turn(tries.job_id, tries.pause()).await {
                    warn!(%error, "what is said behind a message could overtake it");
                }
                return Err(fault.to_string());
            }
            // Trying again is of no use, or has been done often enough; the audit line says why.
            Err(fault) => {
                let platform = job.work.platform.as_str();
                metrics::counter!("steward_messages_lost_total", "platform" => platform).increment(1);
                error!(error = %fault, to = job.work.to, "a message was not delivered");
                fault.to_string()
            }
        };
        let ended = self.app.store.finish_action(job.audit_id, self.app.clock.now(), &result, None).await;
        ended.map_err(|error| error.to_string())
    }

    async fn postpone(&self, job_id: i64, wait: Duration) -> Result<(), String> {
        match self.app.store.postpone_job(job_id, wait).await {
            Ok(true) => Err(format!("the platform takes no more for {} s", wait.as_secs_f32().ceil())),
            // A later state of the same message is in the queue.
            Ok(false) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}
