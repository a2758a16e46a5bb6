//! A repository's files at a commit, whole, as GitHub packs them. Must not unpack them.

use super::{MakeError, Maker, within};
use crate::github::client::JSON;

/// The same as of any answer.
pub const MOST_ARCHIVE_BYTES: usize = crate::github::wire::MAX_ANSWER_BYTES;

impl Maker {
    /// A gzipped tar of a commit, branch or tag, of at most [`MOST_ARCHIVE_BYTES`].
    pub async fn load_archive(&self, repository: &str, reference: &str) -> Result<Vec<u8>, MakeError> {
        let parts: Vec<&str> = ["tarball"].into_iter().chain(reference.split('/')).collect();
        Ok(self.ask(&within(repository, &parts), JSON).await?.body)
    }

    /// The commit that a branch, a tag or a short hash stands for.
    pub async fn find_commit(&self, repository: &str, reference: &str) -> Result<Option<String>, MakeError> {
        #[derive(serde::Deserialize)]
        struct Found {
            sha: String,
        }
        match self.find::<Found>(&within(repository, &["commits", reference])).await {
            // No commit has this name.
            Err(MakeError::Refused { status: 422, .. }) => Ok(None),
            found => Ok(found?.map(|found| found.sha)),
        }
    }
}
