//! Where repositories come from: one arm for each kind of source, all bringing the same neutral pages.
//! Must not decide what is stored of them.

use std::time::Instant;

use tokio::sync::mpsc;

use super::PAGES_AHEAD;
use crate::{
    catalog::{Known, Looked, RepositoryKey, RepositoryRead, SourcePage, SweepError, SweepReport},
    directory::DirectorySource,
    github::{GithubError, GithubSource},
};

/// Where repositories come from.
#[derive(Debug)]
pub enum Source {
    Github(GithubSource),
    Directory { id: String, directory: DirectorySource },
}

impl Source {
    pub fn id(&self) -> &str {
        match self {
            Self::Github(github) => github.id(),
            Self::Directory { id, .. } => id,
        }
    }

    /// Itself, where the packages of its repositories can be asked for.
    pub fn with_packages(&self) -> Option<&GithubSource> {
        match self {
            Self::Github(github) if github.reads_packages() => Some(github),
            Self::Github(_) | Self::Directory { .. } => None,
        }
    }

    pub(super) async fn sweep(&self, known: &Known, pages: mpsc::Sender<SourcePage>) -> Result<SweepReport, SweepError> {
        match self {
            Self::Github(github) => github.sweep(known, pages).await.map_err(|error| self.sweep_error(&error)),
            Self::Directory { id, directory } => {
                directory.sweep(pages).await.map_err(|error| SweepError { location: id.clone(), message: error.to_string() })
            }
        }
    }

    /// How files are chosen here, as a text to compare: another one makes every repository be read anew.
    pub(super) fn reading(&self) -> String {
        match self {
            Self::Github(github) => github.reading(),
            Self::Directory { directory, .. } => directory.catalog_paths.join(" "),
        }
    }

    /// Looks at some repositories again, whatever is known of them.
    pub(super) async fn look(&self, keys: &[RepositoryKey]) -> Result<Looked, SweepError> {
        match self {
            Self::Github(_) | Self::Directory { .. } => self.look_by_sweep(keys).await,
        }
    }

    /// For a source that is cheap to read whole.
    async fn look_by_sweep(&self, keys: &[RepositoryKey]) -> Result<Looked, SweepError> {
        let (sender, mut receiver) = mpsc::channel::<SourcePage>(PAGES_AHEAD);
        let asked_at = Instant::now();
        let mut found: Vec<RepositoryRead> = Vec::new();
        let known = Known::default();
        let reading = async {
            while let Some(page) = receiver.recv().await {
                let wanted = |id: i64| keys.iter().any(|key| key.id == id);
                found.extend(page.repositories.into_iter().filter(|read| wanted(read.repository.id)));
            }
        };
        let (swept, ()) = tokio::join!(self.sweep(&known, sender), reading);
        let report = swept?;
        let is_found = |id: i64| found.iter().any(|read| read.repository.id == id);
        let gone = keys.iter().map(|key| key.id).filter(|id| report.errors.is_empty() && !is_found(*id)).collect();
        Ok(Looked { found, gone, errors: report.errors, asked_at })
    }

    fn sweep_error(&self, error: &GithubError) -> SweepError {
        let advice = error.advice().map(|advice| format!("; {advice}")).unwrap_or_default();
        SweepError { location: self.id().to_owned(), message: format!("{error}{advice}") }
    }
}
