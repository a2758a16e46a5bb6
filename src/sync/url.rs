//! The `url` source: single descriptors anywhere, one pseudo-repository each.
//! Must not know how an address is read.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use tokio::sync::mpsc;
use url::Url;

use super::elsewhere::{Elsewhere, FileElsewhere};
use crate::{
    catalog::{
        Authority, Contents, FileRole, Files, Looked, Repository, RepositoryKey, RepositoryRead, SourceFile, SourcePage,
        SweepReport, number_of,
    },
    store::{Store, StoreError},
};

/// The source that descriptors added from chat go to where none of this type is configured.
pub const ADDED: &str = "added";

/// Targets of the configuration and those added from chat.
#[derive(Debug)]
pub struct UrlSource {
    id: String,
    configured: Vec<String>,
    added: Mutex<Vec<String>>,
    elsewhere: Arc<Elsewhere>,
}

/// A target as it is stored: two ways of writing one address are one target.
pub fn normalise(target: &str) -> String {
    Url::parse(target.trim()).map_or_else(
        |_| target.trim().to_owned(),
        |mut url| {
            url.set_fragment(None);
            url.to_string()
        },
    )
}

impl UrlSource {
    pub fn new(id: &str, targets: &[String], elsewhere: Arc<Elsewhere>) -> Self {
        let configured = targets.iter().map(|target| normalise(target)).collect();
        Self { id: id.to_owned(), configured, added: Mutex::default(), elsewhere }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the configuration names this target, so that chat cannot take it away.
    pub fn is_configured(&self, target: &str) -> bool {
        self.configured.iter().any(|configured| configured == target)
    }

    /// Asks for each target of the configuration: what keeps it from being read.
    pub async fn check(&self) -> Vec<(String, Result<(), String>)> {
        let read = self.elsewhere.read(&self.configured).await;
        let fault = |files: Vec<FileElsewhere>| files.into_iter().find_map(|file| file.contents.err()).map_or(Ok(()), Err);
        self.configured.iter().cloned().zip(read.into_iter().map(fault)).collect()
    }

    /// Takes over what was added from chat by now.
    pub(super) async fn load_added(&self, store: &Store) -> Result<(), StoreError> {
        let added = store.load_locations(&self.id).await?;
        *self.added.lock().expect("nothing panics while it holds this lock") = added;
        Ok(())
    }

    pub(super) async fn is_idle(&self, store: &Store) -> Result<bool, StoreError> {
        Ok(self.configured.is_empty() && store.load_locations(&self.id).await?.is_empty())
    }

    fn targets(&self) -> Vec<String> {
        let mut targets = self.configured.clone();
        targets.extend(self.added.lock().expect("nothing panics while it holds this lock").iter().cloned());
        targets.sort();
        targets.dedup();
        targets
    }

    pub(super) async fn sweep(&self, pages: mpsc::Sender<SourcePage>) -> SweepReport {
        let targets = self.targets();
        let total = targets.len() as u64;
        let asked_at = Instant::now();
        let repositories = self.read(&targets).await;
        // Whoever no longer listens has ended the sweep.
        let _ = pages.send(SourcePage { repositories, total: Some(total), asked_at }).await;
        SweepReport { expected: Some(total), ..SweepReport::default() }
    }

    pub(super) async fn look(&self, keys: &[RepositoryKey]) -> Looked {
        let asked_at = Instant::now();
        let wanted = |id: i64| keys.iter().any(|key| key.id == id);
        let targets: Vec<String> = self.targets().into_iter().filter(|target| wanted(number_of(target))).collect();
        let found = self.read(&targets).await;
        let gone = keys.iter().map(|key| key.id).filter(|id| !targets.iter().any(|target| number_of(target) == *id)).collect();
        Looked { found, gone, errors: Vec::new(), asked_at }
    }

    async fn read(&self, targets: &[String]) -> Vec<RepositoryRead> {
        let read = self.elsewhere.read(targets).await;
        targets.iter().zip(read).map(|(target, files)| describe(target, files)).collect()
    }
}

fn describe(target: &str, files: Vec<FileElsewhere>) -> RepositoryRead {
    let file = |FileElsewhere { address, contents }| {
        let contents = match contents {
            Ok(bytes) => Contents::Bytes(bytes),
            Err(why) => Contents::Unreadable(why),
        };
        SourceFile { path: address, role: FileRole::Descriptor, contents }
    };
    let repository = Repository::without_git(
        number_of(target),
        target.trim_start_matches("https://").trim_start_matches("http://").to_owned(),
        Some(target.to_owned()),
        Authority::Descriptor,
    );
    RepositoryRead { repository, files: Files::Read(files.into_iter().map(file).collect()) }
}
