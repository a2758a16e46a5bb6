//! The queue's handlers for runs of templates. Must not do their work: the scaffolder does.

use std::time::Duration;

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::{
    Worker,
    jobs::{JobsOf, job},
};
use crate::{
    chat::{DeliveryError, Message, Platform},
    commands::tasks::{places_of_approvers, progress::progress},
    scaffolder::{Workbench, clean_up, run_on},
    store::{Job, JobContext, RUN, Run, RunId, RunState, StoreError},
    sync::Source,
};

/// Between tries while the database is away.
const WHILE_AWAY: Duration = Duration::from_secs(3);

/// One that is tried again in its own way, so it says how often it was.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct RunJob(JobContext<RunId>);

/// Which try of a job this is.
struct Try {
    job_id: i64,
    number: i16,
    is_last: bool,
}

impl TaskHandler for RunJob {
    const IDENTIFIER: &'static str = RUN;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let Some(JobsOf(worker)) = context.get_ext::<JobsOf>() else { return Err("the queue has no worker".to_owned()) };
        let job = context.job();
        let this = Try { job_id: *job.id(), number: *job.attempts(), is_last: job.attempts() >= job.max_attempts() };
        worker.run_template(self.0.work, &this).await
    }
}

job!(CleanUpRunJob(RunId) = CLEAN_UP_RUN, |worker, job| worker.run_clean_up(job));

job!(ShowRunJob(RunId) = SHOW_RUN, |worker, job| worker.show_run(job.work));

job!(AskApproversJob(RunId) = ASK_APPROVERS, |worker, job| worker.ask_approvers(job.work));

impl Worker {
    /// Draws the one message of a run as it stands now: posts it where the run was asked for, or changes it.
    async fn show_run(&self, id: RunId) -> Result<(), String> {
        let Some(run) = self.load(id).await? else { return Ok(()) };
        let platform = run.account.platform;
        if platform == Platform::Terminal {
            return Ok(());
        }
        let reply = progress(&self.app.catalog.load(), &run);
        let directly = || Message::new(platform, &run.account.id, reply.clone()).asked();
        let message = match (&run.posted, &run.place) {
            (Some(posted), _) => Message::replacing(platform, posted.clone(), reply.clone()),
            (None, Some(place)) => Message::new(platform, &place.channel_id, reply.clone()).asked(),
            (None, None) => directly(),
        };
        let sent = match self.app.outbox.deliver(&message).await {
            // Steward is no member there: whoever asked is told in their own conversation.
            Err(DeliveryError::Refused { .. }) if run.posted.is_none() && run.place.is_some() => {
                self.app.outbox.deliver(&directly()).await
            }
            sent => sent,
        };
        match sent {
            Ok(Some(posted)) if run.posted.is_none() => {
                self.app.store.note_run_posted(id, &posted).await.map_err(|error| error.to_string())
            }
            Ok(_) => Ok(()),
            Err(fault @ (DeliveryError::Limited { .. } | DeliveryError::Unreachable { .. })) => Err(fault.to_string()),
            Err(fault @ (DeliveryError::NoDoor(_) | DeliveryError::Refused { .. })) => {
                warn!(%fault, run = id.0, "nobody can be shown how a run goes; /tasks shows it");
                Ok(())
            }
        }
    }

    /// Shows those who must agree what would be done, with buttons.
    async fn ask_approvers(&self, id: RunId) -> Result<(), String> {
        let Some(run) = self.load(id).await?.filter(|run| run.state == RunState::Approval) else { return Ok(()) };
        let catalog = self.app.catalog.load();
        let platform = run.account.platform;
        let places = places_of_approvers(&self.app, &catalog, platform, run.approvers.as_deref().unwrap_or_default());
        if places.is_empty() {
            warn!(run = id.0, "those who must agree to a run cannot be reached; the run's own message has the buttons, too");
        }
        for place in places.into_iter().filter(|place| run.place.as_ref().is_none_or(|asked| asked.channel_id != *place)) {
            let message = Message::new(platform, place, progress(&catalog, &run));
            self.app.store.enqueue_message(message).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    async fn load(&self, id: RunId) -> Result<Option<Run>, String> {
        self.app.store.load_run(id).await.map_err(|error| error.to_string())
    }

    /// `Err` makes the queue try again later.
    async fn run_template(&self, id: RunId, this: &Try) -> Result<(), String> {
        let store = &self.app.store;
        let error = match run_on(&self.workbench(), id).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let said = error.to_string();
        match error {
            // The queue waits longer each time, at last for hours: too long for whoever waits for a run, and it is none of its
            // faults that the database was away.
            StoreError::Away(_) => match store.postpone_job(this.job_id, WHILE_AWAY).await {
                Ok(true) | Err(_) => Err(said),
                // This job has no more tries, or another has taken its place: either way one is to wait.
                Ok(false) => store.enqueue_job(Job::Run(id)).await.map_err(|error| error.to_string()),
            },
            StoreError::Claimed | StoreError::Failed(_) if this.is_last => {
                let reason = format!("stopped {} times, because how far it is could not be written down ({said})", this.number);
                store.give_run_up(id, &reason, self.app.clock.now()).await.map_err(|error| error.to_string())
            }
            StoreError::Claimed | StoreError::Failed(_) => Err(said),
        }
    }

    async fn run_clean_up(&self, job: JobContext<RunId>) -> Result<(), String> {
        clean_up(&self.workbench(), job.work).await?;
        let ended = self.app.store.finish_action(job.audit_id, self.app.clock.now(), "done", None).await;
        ended.map_err(|error| error.to_string())
    }

    /// What runs work with.
    pub fn workbench(&self) -> Workbench {
        let mut githubs = Vec::new();
        let mut folders = Vec::new();
        for source in &self.sources {
            match source {
                Source::Github(github) => githubs.push((**github).clone()),
                Source::Directory { id, directory } => folders.push((id.clone(), directory.path.clone())),
                Source::Organisation(_) | Source::People(_) | Source::Url(_) | Source::Backstage(_) => {}
            }
        }
        Workbench::new(self.app.clone(), githubs, folders)
    }
}
