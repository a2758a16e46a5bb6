//! The job that checks the descriptors which a pull request changes.
//! Must not know how they are checked nor how GitHub is told: `sync` does.

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use serde::{Deserialize, Serialize};

use super::{Worker, jobs::JobsOf};
use crate::{
    github::{GithubError, write::Written},
    store::{CheckPullRequest, JobContext},
    sync::{Source, check_pull_request},
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct CheckPullRequestJob(JobContext<CheckPullRequest>);

impl TaskHandler for CheckPullRequestJob {
    const IDENTIFIER: &'static str = crate::store::CHECK_PULL_REQUEST;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let Some(JobsOf(worker)) = context.get_ext::<JobsOf>() else { return Err("the queue has no worker".to_owned()) };
        worker.check_pull_request(&self.0.work).await.map_err(|error| error.to_string())
    }
}

impl Worker {
    async fn check_pull_request(&self, work: &CheckPullRequest) -> Result<(), GithubError> {
        let Some(Source::Github(github)) = self.sources.iter().find(|source| source.id() == work.source) else { return Ok(()) };
        let Some(repository) = &work.repository.full_name else { return Ok(()) };
        let written = check_pull_request(github, repository, work.number, &self.app.custom_kinds).await?;
        let result = match written {
            Written::Done => "told",
            Written::Nothing => "nothing_to_say",
            Written::NotAllowed => "not_allowed",
        };
        metrics::counter!("steward_pull_request_checks_total", "result" => result).increment(1);
        Ok(())
    }
}
