//! Where repositories come from: one arm for each kind of source, all bringing the same neutral pages.
//! Must not decide what is stored of them.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::{PAGES_AHEAD, Removals, SyncOrder, UrlSource, expand::Documents};
use crate::{
    backstage::BackstageSource,
    catalog::{FilesFound, FilesWanted, Known, Looked, RepositoryKey, RepositoryRead, SourcePage, SweepError, SweepReport},
    directory::DirectorySource,
    github::{GithubError, GithubSource, OrgSource},
    people::{PeopleError, PeopleSource},
    store::{Store, StoreError, StoredFiles},
};

/// People join and leave by the day; what cannot wait is told by a webhook.
pub const ORGANISATION_PACE: Duration = Duration::from_secs(60 * 60);

/// Where repositories come from.
#[derive(Debug)]
pub enum Source {
    Github(Box<GithubSource>),
    Directory {
        id: String,
        directory: DirectorySource,
    },
    /// An organisation's teams and members on GitHub.
    Organisation(OrgSource),
    /// The HR system or identity provider.
    People(PeopleSource),
    /// Single descriptors at any address.
    Url(UrlSource),
    /// Another catalog, for migration.
    Backstage(BackstageSource),
}

impl Source {
    pub fn id(&self) -> &str {
        match self {
            Self::Github(github) => github.id(),
            Self::Directory { id, .. } => id,
            Self::Url(url) => url.id(),
            Self::Backstage(backstage) => backstage.id(),
            Self::Organisation(organisation) => organisation.id(),
            Self::People(people) => people.id(),
        }
    }

    /// How often it is read where the configuration has no word on it.
    pub fn own_pace(&self) -> Option<Duration> {
        match self {
            Self::Organisation(_) => Some(ORGANISATION_PACE),
            Self::Github(_) | Self::Directory { .. } | Self::People(_) | Self::Url(_) | Self::Backstage(_) => None,
        }
    }

    /// The same for one look at single repositories, where that waits otherwise than a sweep.
    pub(super) fn for_one_look(&self) -> Option<Self> {
        match self {
            Self::Github(github) => Some(Self::Github(Box::new(github.for_one_look()))),
            Self::Directory { .. } | Self::Organisation(_) | Self::People(_) | Self::Url(_) | Self::Backstage(_) => None,
        }
    }

    /// Whether this one look lacks what would have taken too long.
    pub(super) fn is_cut_short(&self) -> bool {
        matches!(self, Self::Github(github) if github.is_cut_short())
    }

    /// Takes over what was decided about the source since it was last read.
    pub(super) async fn prepare(&self, store: &Store) -> Result<(), StoreError> {
        match self {
            Self::Url(url) => url.load_added(store).await,
            Self::Github(_) | Self::Directory { .. } | Self::Organisation(_) | Self::People(_) | Self::Backstage(_) => Ok(()),
        }
    }

    /// Whether there is nothing to read: nobody has added an address from chat yet.
    pub async fn is_idle(&self, store: &Store) -> Result<bool, StoreError> {
        match self {
            Self::Url(url) => url.is_idle(store).await,
            Self::Github(_) | Self::Directory { .. } | Self::Organisation(_) | Self::People(_) | Self::Backstage(_) => Ok(false),
        }
    }

    /// Whether repositories of this one can go to the other.
    pub(super) fn may_lose_to(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Github(_), Self::Github(_)))
    }

    /// A large removal waits for an admin; where people name each target themselves, it is meant.
    pub(super) fn order(&self, asked: SyncOrder) -> SyncOrder {
        match self {
            Self::Url(_) => SyncOrder { removals: Removals::Meant, ..asked },
            Self::Github(_) | Self::Directory { .. } | Self::Organisation(_) | Self::People(_) | Self::Backstage(_) => asked,
        }
    }

    /// Whether files that its files name are read; another catalog has read them already.
    pub(super) fn names_files(&self) -> bool {
        match self {
            Self::Github(_) | Self::Directory { .. } | Self::Url(_) => true,
            Self::Organisation(_) | Self::People(_) | Self::Backstage(_) => false,
        }
    }

    /// Reads more files of some repositories, in the order of the wishes.
    pub(super) async fn load_files(&self, wanted: &[FilesWanted]) -> Vec<FilesFound> {
        match self {
            Self::Github(github) => github.load_files(wanted).await.unwrap_or_else(|error| {
                let error = self.sweep_error(&error);
                wanted.iter().map(|_| FilesFound { files: Vec::new(), errors: vec![error.clone()] }).collect()
            }),
            Self::Directory { directory, .. } => tokio::task::block_in_place(|| directory.load_files(wanted)),
            // What they name is at addresses of its own.
            Self::Organisation(_) | Self::People(_) | Self::Url(_) | Self::Backstage(_) => {
                wanted.iter().map(|_| FilesFound { files: Vec::new(), errors: Vec::new() }).collect()
            }
        }
    }

    /// Itself, where the packages of its repositories can be asked for.
    pub fn with_packages(&self) -> Option<&GithubSource> {
        let Self::Github(github) = self else { return None };
        github.reads_packages().then_some(&**github)
    }

    /// Itself, where it can be asked what happened lately to its repositories.
    pub fn with_news(&self) -> Option<&GithubSource> {
        self.with_documents()
    }

    /// Itself, where documents are read by a job of their own: each is a part of a request, and a sync must stay cheap.
    pub fn with_documents(&self) -> Option<&GithubSource> {
        match self {
            Self::Github(github) => Some(&**github),
            Self::Directory { .. } | Self::Organisation(_) | Self::People(_) | Self::Url(_) | Self::Backstage(_) => None,
        }
    }

    /// Whether a sync reads documents, and what it compares with.
    pub(super) fn documents(&self) -> (Documents, StoredFiles) {
        match self.with_documents() {
            Some(_) => (Documents::Later, StoredFiles::WithoutDocuments),
            None => (Documents::Now, StoredFiles::All),
        }
    }

    pub(super) async fn sweep(&self, known: &Known, pages: mpsc::Sender<SourcePage>) -> Result<SweepReport, SweepError> {
        match self {
            Self::Github(github) => github.sweep(known, pages).await.map_err(|error| self.sweep_error(&error)),
            Self::Directory { id, directory } => {
                directory.sweep(pages).await.map_err(|error| SweepError { location: id.clone(), message: error.to_string() })
            }
            Self::Organisation(organisation) => organisation.sweep(pages).await.map_err(|error| self.sweep_error(&error)),
            Self::People(people) => {
                let failed = |error: PeopleError| SweepError { location: people.id().to_owned(), message: error.to_string() };
                people.sweep(pages).await.map_err(failed)
            }
            Self::Url(url) => Ok(url.sweep(pages).await),
            Self::Backstage(backstage) => backstage
                .sweep(pages)
                .await
                .map_err(|error| SweepError { location: backstage.id().to_owned(), message: error.to_string() }),
        }
    }

    /// Whether a sync that finds nothing new is cheap.
    pub fn tells_what_is_new(&self) -> bool {
        match self {
            Self::Github(_) => true,
            Self::Directory { .. } | Self::Organisation(_) | Self::People(_) | Self::Url(_) | Self::Backstage(_) => false,
        }
    }

    /// How files are chosen here, as a text to compare: another one makes every repository be read anew.
    pub(super) fn reading(&self) -> String {
        match self {
            Self::Github(github) => github.reading(),
            Self::Directory { directory, .. } => directory.catalog_paths.join(" "),
            // Read whole each time, in one way.
            Self::Organisation(_) | Self::People(_) | Self::Url(_) | Self::Backstage(_) => String::new(),
        }
    }

    /// Looks at some repositories again, whatever is known of them.
    pub(super) async fn look(&self, keys: &[RepositoryKey]) -> Result<Looked, SweepError> {
        match self {
            Self::Url(url) => Ok(url.look(keys).await),
            Self::Github(github) => github.look(keys).await.map_err(|error| self.sweep_error(&error)),
            Self::Directory { .. } | Self::Organisation(_) | Self::People(_) | Self::Backstage(_) => {
                self.look_by_sweep(keys).await
            }
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
