//! The queue's handlers for runs of templates. Must not do their work: the scaffolder does.

use tracing::warn;

use super::{Worker, jobs::job};
use crate::{
    chat::{DeliveryError, Message, Platform},
    commands::tasks::{places_of_approvers, progress::progress},
    scaffolder::{Workbench, clean_up, run_on},
    store::{JobContext, Run, RunId, RunState},
    sync::Source,
};

job!(RunJob(RunId) = RUN, |worker, job| worker.run_template(job));

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

    async fn run_template(&self, job: JobContext<RunId>) -> Result<(), String> {
        run_on(&self.workbench(), job.work).await
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
