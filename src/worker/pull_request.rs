//! The job that checks the descriptors which a pull request changes.
//! Must not know how they are checked nor how GitHub is told: `sync` does.

use super::{Worker, jobs::job};
use crate::{
    github::{GithubError, write::Written},
    store::CheckPullRequest,
    sync::{Source, check_pull_request},
};

job!(CheckPullRequestJob(CheckPullRequest) = CHECK_PULL_REQUEST, |worker, job| worker.check_pull_request(&job.work));

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
