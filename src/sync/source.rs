//! Where repositories come from: one arm for each kind of source, all bringing the same neutral pages.
//! Must not decide what is stored of them.

use tokio::sync::mpsc;

use crate::{
    catalog::{Known, SourcePage, SweepError, SweepReport},
    directory::DirectorySource,
    github::GithubSource,
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

    pub(super) async fn sweep(&self, known: &Known, pages: mpsc::Sender<SourcePage>) -> Result<SweepReport, SweepError> {
        match self {
            Self::Github(github) => github.sweep(known, pages).await.map_err(|error| {
                let advice = error.advice().map(|advice| format!("; {advice}")).unwrap_or_default();
                SweepError { location: github.id().to_owned(), message: format!("{error}{advice}") }
            }),
            Self::Directory { id, directory } => {
                directory.sweep(pages).await.map_err(|error| SweepError { location: id.clone(), message: error.to_string() })
            }
        }
    }
}
