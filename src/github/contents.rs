//! Files by name and reference, of any repository the token may see, through REST. Must not decide which files are read.

use serde::Deserialize;

use super::{
    Connection,
    client::{Answer, JSON, Tally},
    error::{Fault, GithubError},
    waits::Patience,
};
use crate::catalog::address::{GithubFile, is_glob, parse_glob};

/// Folders that one glob may lead through: each costs a request.
const MAX_FOLDERS: usize = 100;
/// Files that one glob may bring.
const MAX_FILES: usize = 200;

const RAW: &str = "application/vnd.github.raw+json";

/// An entry of a folder.
#[derive(Debug, Deserialize)]
struct Listed {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

impl Connection {
    /// Reads one file; `None` where GitHub has none, or none for this token.
    pub async fn read_file(&self, file: &GithubFile) -> Result<Option<Vec<u8>>, GithubError> {
        Ok(self.read(file, &file.path, RAW).await?.map(|answer| answer.body))
    }

    /// The paths that a glob stands for, in order, at most [`MAX_FILES`].
    pub async fn find_files(&self, glob: &GithubFile) -> Result<Vec<String>, GithubError> {
        let matcher = parse_glob(&glob.path);
        let matcher = matcher.map_err(|error| GithubError::Config { key: "target", why: error.to_string() })?.compile_matcher();
        let parts: Vec<&str> = glob.path.split('/').collect();
        let plain: Vec<&str> = parts.iter().copied().take_while(|part| !is_glob(part)).collect();
        let deepest = if glob.path.contains("**") { usize::MAX } else { parts.len() };
        let mut folders = vec![plain.join("/")];
        let mut found = Vec::new();
        let mut asked = 0;
        while let Some(folder) = folders.pop() {
            asked += 1;
            if asked > MAX_FOLDERS || found.len() >= MAX_FILES {
                break;
            }
            let Some(answer) = self.read(glob, &folder, JSON).await? else { continue };
            let listed: Vec<Listed> = serde_json::from_slice(&answer.body).unwrap_or_default();
            for entry in listed {
                match entry.kind.as_str() {
                    "file" if matcher.is_match(&entry.path) => found.push(entry.path),
                    "dir" if entry.path.split('/').count() < deepest => folders.push(entry.path),
                    _ => {}
                }
            }
        }
        found.sort();
        found.truncate(MAX_FILES);
        Ok(found)
    }

    async fn read(&self, of: &GithubFile, path: &str, accept: &'static str) -> Result<Option<Answer>, GithubError> {
        let mut address = url::Url::parse("http://github.invalid").expect("a fixed address");
        let parts = path.split('/').filter(|part| !part.is_empty());
        let mut segments = address.path_segments_mut().expect("it has a path");
        segments.extend(["repos", &of.owner, &of.repository, "contents"]).extend(parts);
        drop(segments);
        address.query_pairs_mut().append_pair("ref", &of.reference);
        let request = format!("{}?{}", address.path(), address.query().unwrap_or_default());
        let mut patience = Patience::new(&self.waits);
        loop {
            match self.client.rest(&Tally::default(), &request, accept).await {
                Ok(answer) => return Ok(Some(answer)),
                // GitHub says so of what is not there, and of what the token may not know of.
                Err(Fault::Final(GithubError::Rejected { status: 404, .. })) => return Ok(None),
                Err(fault) => patience.bear(fault).await?,
            }
        }
    }
}
