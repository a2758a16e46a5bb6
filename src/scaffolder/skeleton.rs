//! Where skeletons come from: beside the template, in its repository at the commit at which it was read or in its folder on
//! this disk; or at an address on a GitHub of the configuration. Must not fill them in.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use secrecy::SecretString;
use serde_json::Value as Json;
use url::Url;

use super::{
    Workbench,
    archive::{Part, unpack},
    doing::{Trouble, failed, pauses},
};
use crate::{
    catalog::address::{GithubFile, is_address, parse_github_file},
    github::make::{MakeError, Maker},
    store::Run,
    template::pure::Sources,
    web::Get,
};

/// A single file of another host.
const LONGEST_FILE: usize = 5 * 1024 * 1024;

/// What a run has fetched so far.
pub(super) struct Skeletons {
    folder: PathBuf,
    /// Repositories as GitHub packs them, by repository and commit.
    archives: HashMap<(String, String), Arc<Vec<u8>>>,
    fetched: usize,
}

/// What one action asked for, on this disk.
pub(super) struct Fetched(Option<PathBuf>);

impl Sources for Fetched {
    fn folder(&self, url: &str) -> Result<PathBuf, String> {
        match &self.0 {
            Some(path) if path.is_dir() => Ok(path.clone()),
            Some(path) if path.exists() => Err(format!("{url} is a file; the action wants a folder")),
            Some(_) | None => Err(format!("{url} is not there")),
        }
    }

    fn file(&self, url: &str) -> Result<Vec<u8>, String> {
        match &self.0 {
            Some(path) if path.is_file() => fs::read(path).map_err(|error| format!("{url}: {error}")),
            Some(path) if path.is_dir() => Err(format!("{url} is a folder; the action wants a file")),
            Some(_) | None => Err(format!("{url} is not there")),
        }
    }
}

impl Skeletons {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, archives: HashMap::new(), fetched: 0 }
    }

    /// Brings what an action's `url` names onto this disk.
    pub(super) async fn find(&mut self, bench: &Workbench, run: &Run, action: &str, input: &Json) -> Result<Fetched, Trouble> {
        let Some(url) = input["url"].as_str().filter(|_| action.starts_with("fetch:")) else { return Ok(Fetched(None)) };
        let token = input["token"].as_str().filter(|token| !token.is_empty()).map(|token| SecretString::from(token.to_owned()));
        if let Ok(address) = Url::parse(url)
            && address.has_host()
        {
            return self.fetch_address(bench, &address, token.as_ref()).await;
        }
        self.fetch_beside(bench, run, url).await
    }

    /// A path beside the template.
    async fn fetch_beside(&mut self, bench: &Workbench, run: &Run, url: &str) -> Result<Fetched, Trouble> {
        let origin = &run.origin;
        if is_address(&origin.path) {
            let base = Url::parse(&origin.path).and_then(|base| base.join(url));
            let Ok(address) = base else { return failed(format!("{url} is no path beside {}", origin.path)) };
            return self.fetch_address(bench, &address, None).await;
        }
        let folder = origin.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let Some(path) = join(folder, url) else {
            return failed(format!("{url} leads out of the repository in which the template lies"));
        };
        if let Some((_, root)) = bench.folders.iter().find(|(id, _)| *id == origin.source) {
            let name = origin.repository.rsplit('/').next().unwrap_or(&origin.repository);
            return inside(&root.join(name), &path);
        }
        let Some(github) = bench.githubs.iter().find(|github| github.id() == origin.source) else {
            return failed(format!("the template's source {} is not in steward.yaml any more", origin.source));
        };
        let maker = github.connection().maker(None).map_err(|error| Trouble::Failed(error.to_string()))?;
        let commit = origin.commit.clone().unwrap_or_else(|| "HEAD".to_owned());
        self.unpack_from(&maker, &origin.repository, &commit, &path).await
    }

    async fn fetch_address(
        &mut self,
        bench: &Workbench,
        address: &Url,
        token: Option<&SecretString>,
    ) -> Result<Fetched, Trouble> {
        if let Some(GithubFile { host, owner, repository, reference, path }) = read_address(address)
            && let Some(github) = bench.find_github(&host, &owner)
        {
            let maker = github.connection().maker(token).map_err(|error| Trouble::Failed(error.to_string()))?;
            let repository = format!("{owner}/{repository}");
            // A branch may move on between two steps of one run; a commit does not.
            let found = insist(|| maker.find_commit(&repository, &reference)).await;
            let Some(commit) = found.map_err(|error| Trouble::Failed(format!("{address}: {error}")))? else {
                return failed(format!("{address}: {repository} has no branch, tag or commit {reference} that Steward may see"));
            };
            return self.unpack_from(&maker, &repository, &commit, &path).await;
        }
        if !bench.is_allowed_host(address) {
            let host = address.host_str().unwrap_or_default();
            return failed(format!(
                "{address}: templates may not fetch from {host}; an operator allows hosts by scaffolder.allowed_hosts in steward.yaml"
            ));
        }
        let get = Get { url: address, bearer: token, accept: "*/*", max_bytes: LONGEST_FILE };
        let bytes = bench.web.get(&get).await.map_err(|error| Trouble::Failed(format!("{address}: {error}")))?;
        let place = self.next_folder()?.join("file");
        fs::write(&place, bytes).map_err(|error| Trouble::Failed(format!("{address}: {error}")))?;
        Ok(Fetched(Some(place)))
    }

    async fn unpack_from(&mut self, maker: &Maker, repository: &str, commit: &str, path: &str) -> Result<Fetched, Trouble> {
        let key = (repository.to_owned(), commit.to_owned());
        let archive = match self.archives.get(&key) {
            Some(archive) => Arc::clone(archive),
            None => {
                let loaded = insist(|| maker.load_archive(repository, commit)).await;
                let loaded = loaded.map_err(|error| Trouble::Failed(format!("{repository} cannot be fetched: {error}")))?;
                let archive = Arc::new(loaded);
                self.archives.insert(key, Arc::clone(&archive));
                archive
            }
        };
        let folder = self.next_folder()?;
        let (into, part) = (folder.clone(), path.to_owned());
        let unpacked = tokio::task::spawn_blocking(move || unpack(&archive, &into, Part::Of(&part))).await;
        let unpacked = unpacked.unwrap_or_else(|error| Err(error.to_string()));
        unpacked.map_err(|reason| Trouble::Failed(format!("{repository}/{path}: {reason}")))?;
        inside(&folder, path)
    }

    fn next_folder(&mut self) -> Result<PathBuf, Trouble> {
        self.fetched += 1;
        let folder = self.folder.join(self.fetched.to_string());
        fs::create_dir_all(&folder).map_err(|error| Trouble::Failed(format!("a skeleton has no place on this disk: {error}")))?;
        Ok(folder)
    }
}

/// A file or folder of a repository; its root too, which no file's address names.
fn read_address(address: &Url) -> Option<GithubFile> {
    if let Some(file) = parse_github_file(address) {
        return Some(file);
    }
    let segments: Vec<&str> = address.path_segments()?.filter(|segment| !segment.is_empty()).collect();
    let [owner, repository] = segments[..] else { return None };
    let host = address
        .port()
        .map_or_else(|| address.host_str().map(str::to_owned), |port| Some(format!("{}:{port}", address.host_str()?)))?;
    let repository = repository.trim_end_matches(".git").to_owned();
    Some(GithubFile { host, owner: owner.to_owned(), repository, reference: "HEAD".to_owned(), path: String::new() })
}

/// A path from a folder on, without `.` and `..`; `None` where it leads out.
fn join(folder: &str, path: &str) -> Option<String> {
    let mut steps: Vec<&str> = if path.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop().filter(|step| !step.is_empty())?;
            }
            step => steps.push(step),
        }
    }
    Some(steps.into_iter().filter(|step| !step.is_empty()).collect::<Vec<_>>().join("/"))
}

/// No link on the way leads out of the folder.
fn inside(root: &Path, path: &str) -> Result<Fetched, Trouble> {
    let Ok(root) = root.canonicalize() else { return Ok(Fetched(None)) };
    let Ok(place) = root.join(path).canonicalize() else { return Ok(Fetched(None)) };
    if !place.starts_with(&root) {
        return failed(format!("{path} leads out of its repository"));
    }
    Ok(Fetched(Some(place)))
}

/// Reads until it is read or refused.
async fn insist<T, F>(call: impl Fn() -> F) -> Result<T, MakeError>
where
    F: Future<Output = Result<T, MakeError>>,
{
    let mut pauses = pauses();
    loop {
        match call().await {
            Err(MakeError::NotNow { said, wait }) => match pauses.next() {
                Some(pause) => tokio::time::sleep(pause.max(wait.unwrap_or_default())).await,
                None => return Err(MakeError::NotNow { said, wait }),
            },
            answered => return answered,
        }
    }
}
