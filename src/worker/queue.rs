//! The queue's loops: which jobs are taken, how many at once, and what happens when a replica dies.
//! Must not do the work: each job's handler does.

use std::{sync::Arc, time::Duration};

use graphile_worker::WorkerOptions;
use tokio_util::sync::CancellationToken;

use super::{
    RECONNECT, Worker,
    checked_link::LinksJob,
    deliver::{DeliverJob, DeliverNewsJob},
    document::DocumentsJob,
    fix::{AskHandOverJob, FollowFixJob, ProposeFixJob, ShowFixJob},
    heard::{ReadPeopleJob, SyncSourceJob},
    jobs::{JobsOf, LookJob, RestoreJob, SyncJob},
    link::LinkJob,
    location::LocationJob,
    note::TellAuthorJob,
    on_call::{IncidentJob, PageJob},
    package::PackagesJob,
    pull_request::CheckPullRequestJob,
    round::SendRoundJob,
    run::{AskApproversJob, CleanUpRunJob, RunJob, ShowRunJob},
    shown_round::ShowRoundJob,
};
use crate::store::StoreError;

/// Jobs of one lane that run at once in one replica.
const JOBS_AT_ONCE: usize = 4;
/// Answers are short work, and may have to wait a second for their turn.
const ANSWERS_AT_ONCE: usize = 8;
/// Runs mostly wait for GitHub, and may do so for minutes.
const RUNS_AT_ONCE: usize = 8;
/// A dead replica's jobs are taken over within the threshold plus one sweep, about 17 s.
const HEARTBEAT: Duration = Duration::from_secs(3);
const SWEEP: Duration = Duration::from_secs(5);
const DEAD_AFTER: Duration = Duration::from_secs(12);

/// Jobs that may hold up one another; those of the other lane go on.
#[derive(Debug, Clone, Copy)]
enum Lane {
    /// A person waits for it: messages, and what they asked for.
    Asked,
    /// News for teams, of which hundreds may wait for their turn.
    News,
    /// Messages of rounds: each may have to wait until it is clear whether it has left.
    Rounds,
    /// Runs of templates: each may take minutes.
    Runs,
    /// A code host told of something; while it limits us these wait, a hundred of them if need be.
    Heard,
}

impl Worker {
    /// Works on the queue until told to stop; a database that goes away is waited out.
    pub async fn work(self: &Arc<Self>, stop: &CancellationToken) {
        tokio::join!(
            self.work_on(Lane::Asked, stop),
            self.work_on(Lane::News, stop),
            self.work_on(Lane::Rounds, stop),
            self.work_on(Lane::Runs, stop),
            self.work_on(Lane::Heard, stop)
        );
    }

    /// Sends messages of rounds alone until told to stop.
    pub async fn send_rounds(self: &Arc<Self>, stop: &CancellationToken) {
        self.work_on(Lane::Rounds, stop).await;
    }

    async fn work_on(self: &Arc<Self>, lane: Lane, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let worked = self.run_lane(lane, stop).await;
            if let Err(fault) = worked
                && self.app.store.away_since().is_none()
                && !stop.is_cancelled()
            {
                tracing::debug!(error = %fault, ?lane, "the queue is not worked on yet");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(RECONNECT) => {}
            }
        }
    }

    async fn run_lane(self: &Arc<Self>, lane: Lane, stop: &CancellationToken) -> Result<(), StoreError> {
        let database = self.app.store.worker_database()?;
        let stopping = stop.clone();
        let options = WorkerOptions::default()
            .database(database)
            .schema(crate::store::QUEUE_SCHEMA)
            .concurrency(match lane {
                Lane::Asked => ANSWERS_AT_ONCE,
                Lane::Runs => RUNS_AT_ONCE,
                Lane::News | Lane::Heard | Lane::Rounds => JOBS_AT_ONCE,
            })
            .heartbeat_interval(HEARTBEAT)
            .sweep_interval(SWEEP)
            .sweep_threshold(DEAD_AFTER)
            .recovery_delay(Duration::ZERO)
            // Nor does what a replica leaves that is stopped in order.
            .shutdown_interrupted_job_retry_delay(Duration::ZERO)
            .listen_os_shutdown_signals(false)
            .shutdown_signal(async move { stopping.cancelled().await })
            .add_extension(JobsOf(Arc::clone(self)));
        let options = match lane {
            Lane::Asked => options
                .define_job::<PageJob>()
                .define_job::<IncidentJob>()
                .define_job::<DeliverJob>()
                .define_job::<SyncJob>()
                .define_job::<RestoreJob>()
                .define_job::<LocationJob>()
                .define_job::<LinkJob>()
                .define_job::<ShowRunJob>()
                .define_job::<ShowFixJob>()
                .define_job::<ShowRoundJob>()
                .define_job::<AskHandOverJob>()
                .define_job::<AskApproversJob>(),
            Lane::News => options.define_job::<DeliverNewsJob>(),
            Lane::Rounds => options.define_job::<SendRoundJob>(),
            Lane::Runs => options.define_job::<RunJob>().define_job::<CleanUpRunJob>().define_job::<ProposeFixJob>(),
            Lane::Heard => options
                .define_job::<LookJob>()
                .define_job::<SyncSourceJob>()
                .define_job::<ReadPeopleJob>()
                .define_job::<CheckPullRequestJob>()
                .define_job::<FollowFixJob>()
                .define_job::<TellAuthorJob>()
                .define_job::<PackagesJob>()
                .define_job::<DocumentsJob>()
                .define_job::<LinksJob>(),
        };
        let worker = options.init().await.map_err(|error| StoreError::Away(error.to_string()))?;
        worker.run().await.map_err(|error| StoreError::Away(error.to_string()))
    }
}
