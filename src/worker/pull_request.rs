//! The job that checks the descriptors which a pull request changes.
//! Must not know how they are checked nor how GitHub is told: `sync` does.

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use serde::{Deserialize, Serialize};

use super::{Worker, jobs::JobsOf};
use crate::store::{CheckPullRequest, JobContext};

#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct CheckPullRequestJob(JobContext<CheckPullRequest>);

impl TaskHandler for CheckPullRequestJob {
    const IDENTIFIER: &'static str = crate::store::CHECK_PULL_REQUEST;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let Some(JobsOf(worker)) = context.get_ext::<JobsOf>() else { return Err("the queue has no worker".to_owned()) };
        worker.check_pull_request(&self.0.work).await
    }
}

impl Worker {
    async fn check_pull_request(&self, work: &CheckPullRequest) -> Result<(), String> {
        tracing::debug!(source = work.source, number = work.number, "a pull request is to be checked");
        Ok(())
    }
}
