//! The `url` source: single descriptors anywhere, one pseudo-repository each.
//! Must not know how an address is read.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use url::Url;

use super::elsewhere::{Elsewhere, FileElsewhere};
use crate::{
    catalog::{
        Authority, Contents, FileRole, Files, Looked, Repository, RepositoryKey, RepositoryRead, SourceFile, SourcePage,
        SweepReport, Visibility,
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

/// The stable number of a target's pseudo-repository, above GitHub's numbers: a repository's own file comes first.
pub fn target_id(target: &str) -> i64 {
    let digest = Sha256::digest(target.as_bytes());
    let bytes: [u8; 8] = digest[..8].try_into().expect("a digest is longer");
    (i64::from_be_bytes(bytes) & 0x3fff_ffff_ffff_ffff) | 0x4000_0000_0000_0000
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
        let targets: Vec<String> = self.targets().into_iter().filter(|target| wanted(target_id(target))).collect();
        let found = self.read(&targets).await;
        let gone = keys.iter().map(|key| key.id).filter(|id| !targets.iter().any(|target| target_id(target) == *id)).collect();
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
    let repository = Repository {
        id: target_id(target),
        full_name: target.trim_start_matches("https://").trim_start_matches("http://").to_owned(),
        url: Some(target.to_owned()),
        description: None,
        default_branch: None,
        visibility: Visibility::Private,
        archived: false,
        fork: false,
        topics: Vec::new(),
        language: None,
        pushed_at: None,
        head: None,
        node_id: None,
        excluded: None,
        authority: Authority::Descriptor,
    };
    RepositoryRead { repository, files: Files::Read(files.into_iter().map(file).collect()) }
}
