//! GitHub, read through octocrab, here and nowhere else: an owner's repositories, their facts and files, as the neutral
//! stream of `catalog`. Must not know what is done with them.

mod app;
mod budget;
mod check;
mod client;
mod error;
mod node;
mod org;
mod page;
mod sbom;
mod sweep;
mod waits;
pub mod webhook;
mod wire;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use crate::catalog::{FileRole, RUNBOOK_PATHS};

pub use check::Check;
pub use error::GithubError;
pub use org::{OrgSource, OrgWanted};
pub use sbom::PackagesRead;
pub use waits::Waits;

use client::Client;

/// What a source needs to know, as plain values.
#[derive(Debug, Clone)]
pub struct GithubConfig {
    /// The source's name in Steward, unique.
    pub id: String,
    /// The login of an organisation; a user's works too.
    pub org: String,
    pub connection: Connection,
    /// Where descriptors are, relative to a repository's root, at most [`MAX_CATALOG_PATHS`]; no globs.
    pub catalog_paths: Vec<String>,
}

/// Each path costs GitHub one more object for each repository of a page, and too many make its answers time out.
pub const MAX_CATALOG_PATHS: usize = 8;

/// One GitHub with one identity: shared by all that speak with it, so that what they use up is known together.
#[derive(Debug, Clone)]
pub struct Connection {
    client: Arc<Client>,
    waits: Waits,
}

/// Who Steward is to GitHub.
#[derive(Debug, Clone)]
pub enum Auth {
    Token(SecretString),
    App(AppKey),
}

/// One installation of a GitHub App.
#[derive(Debug, Clone)]
pub struct AppKey {
    /// The App's id or client id.
    pub id: String,
    /// The text of the PEM file that GitHub gave, PKCS#1 or PKCS#8.
    pub private_key: SecretString,
    /// The organisation or user whose installation it is.
    pub owner: String,
    /// Found by the owner without it.
    pub installation_id: Option<u64>,
    /// What time it is: GitHub takes what the App signs for some minutes only.
    pub now: fn() -> DateTime<Utc>,
}

impl Connection {
    /// `api_url` is `https://api.github.com`, or `https://HOST/api/v3` for an Enterprise Server. Checks the values, sends
    /// nothing. Needs a running tokio runtime.
    pub fn new(api_url: &str, auth: &Auth, waits: Waits) -> Result<Self, GithubError> {
        Ok(Self { client: Arc::new(Client::new(api_url, auth, waits)?), waits })
    }
}

/// One owner on one GitHub, ready to be swept.
#[derive(Debug, Clone)]
pub struct GithubSource {
    id: String,
    org: String,
    client: Arc<Client>,
    waits: Waits,
    files: Vec<WantedFile>,
    sbom: Arc<sbom::SbomPace>,
}

/// A file asked for in each repository.
#[derive(Debug, Clone, PartialEq, Eq)]
struct WantedFile {
    path: String,
    role: FileRole,
}

impl GithubSource {
    /// Checks the values; sends nothing.
    pub fn new(config: GithubConfig) -> Result<Self, GithubError> {
        let GithubConfig { id, org, connection, catalog_paths } = config;
        if org.is_empty() {
            return Err(GithubError::Config { key: "org", why: "it is empty; write the organisation's login".to_owned() });
        }
        let Connection { client, waits } = connection;
        client.budget.name(&id);
        Ok(Self { id, org, client, waits, files: wanted_files(&catalog_paths)?, sbom: Arc::default() })
    }

    /// How files are chosen, as a text to compare.
    pub fn reading(&self) -> String {
        self.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// The source's name in Steward.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it speaks through, for whatever else asks the same GitHub.
    pub fn connection(&self) -> Connection {
        Connection { client: Arc::clone(&self.client), waits: self.waits }
    }
}

/// Descriptors first, then runbooks, best first.
fn wanted_files(catalog_paths: &[String]) -> Result<Vec<WantedFile>, GithubError> {
    let wrong = |why: String| GithubError::Config { key: "catalog_paths", why };
    if catalog_paths.is_empty() || catalog_paths.len() > MAX_CATALOG_PATHS {
        return Err(wrong(format!("{} paths; there must be 1 to {MAX_CATALOG_PATHS}", catalog_paths.len())));
    }
    let mut files: Vec<WantedFile> = Vec::new();
    for path in catalog_paths {
        if path.contains(['*', '?', '[', '{']) {
            return Err(wrong(format!("{path} is a glob, which this version does not read; write each path out")));
        }
        let plain = path.trim_start_matches("./").trim_start_matches('/');
        if plain.is_empty() || plain.ends_with('/') || plain.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(wrong(format!("{path} is not the path of a file inside a repository")));
        }
        if !files.iter().any(|file| file.path == plain) {
            files.push(WantedFile { path: plain.to_owned(), role: FileRole::Descriptor });
        }
    }
    let runbooks = RUNBOOK_PATHS.iter().filter(|path| !files.iter().any(|file| file.path == **path));
    let runbooks: Vec<_> = runbooks.map(|path| WantedFile { path: (*path).to_owned(), role: FileRole::Runbook }).collect();
    files.extend(runbooks);
    Ok(files)
}
