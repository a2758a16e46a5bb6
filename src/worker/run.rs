//! The queue's handlers for runs of templates. Must not do their work: the scaffolder does.

use super::{Worker, jobs::job};
use crate::{
    scaffolder::{Workbench, clean_up, run_on},
    store::{JobContext, RunId},
    sync::Source,
};

job!(RunJob(RunId) = RUN, |worker, job| worker.run_template(job));

job!(CleanUpRunJob(RunId) = CLEAN_UP_RUN, |worker, job| worker.run_clean_up(job));

impl Worker {
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
