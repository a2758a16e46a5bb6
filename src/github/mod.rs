//! GitHub, read through octocrab, here and nowhere else: an owner's repositories, their facts and files, as the neutral
//! stream of `catalog`. Must not know what is done with them.

mod app;
mod ask;
mod budget;
mod check;
mod client;
mod contents;
mod device;
mod error;
mod files;
mod filters;
mod latest;
mod look;
pub mod make;
mod news;
mod node;
mod org;
mod outline;
mod page;
mod pattern;
mod query;
mod quota;
mod read;
mod sbom;
mod sweep;
mod verdict;
mod waits;
pub mod webhook;
mod wire;
pub mod write;

use std::sync::{Arc, atomic::AtomicBool};

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use crate::catalog::{FileRole, RUNBOOK_PATHS};

pub use check::Check;
pub use device::{DeviceCode, DeviceError, DeviceFlow, Proof};
pub use error::GithubError;
pub use filters::Filters;
pub use news::MOST_NEWS;
pub use org::{OrgSource, OrgWanted};
pub use sbom::PackagesRead;
pub use waits::Waits;

use client::Client;
use filters::Sieve;
use pattern::Pattern;
use query::Queries;

/// What a source needs to know, as plain values.
#[derive(Debug, Clone)]
pub struct GithubConfig {
    /// The source's name in Steward, unique.
    pub id: String,
    /// The login of an organisation; a user's works too.
    pub org: String,
    pub connection: Connection,
    /// Where descriptors are, relative to a repository's root: paths and globs, at most [`MAX_CATALOG_PATHS`].
    pub catalog_paths: Vec<String>,
    pub filters: Filters,
}

/// Each path costs GitHub one more object for each repository of a page, and too many make its answers time out.
pub const MAX_CATALOG_PATHS: usize = 8;

/// Goes up when the same paths lead to other files than before, so that all of them are read anew.
const READING: u32 = 1;

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
    /// Those at plain paths, which come with the facts.
    files: Vec<WantedFile>,
    /// Those of `catalog_paths` that have to be looked for.
    globs: Vec<String>,
    sieve: Arc<Sieve>,
    queries: Arc<Queries>,
    descriptors: Arc<write::DescriptorPaths>,
    /// GitHub has said that Steward may not write; it is said once in the log.
    write_refused: Arc<AtomicBool>,
    sbom: Arc<sbom::SbomPace>,
    /// What one look may wait in all, where this is for one look.
    look: Option<Arc<waits::Allowance>>,
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
        let GithubConfig { id, org, connection, catalog_paths, filters } = config;
        if org.is_empty() {
            return Err(GithubError::Config { key: "org", why: "it is empty; write the organisation's login".to_owned() });
        }
        let Connection { client, waits } = connection;
        client.budget.name(&id);
        let (files, globs) = wanted_files(&catalog_paths)?;
        let sieve = Arc::new(Sieve::new(filters)?);
        let queries = Arc::new(Queries::new(&files, sieve.branch()));
        let descriptors = Arc::new(write::DescriptorPaths::new(&catalog_paths)?);
        Ok(Self {
            id,
            org,
            client,
            waits,
            files,
            globs,
            sieve,
            queries,
            descriptors,
            write_refused: Arc::default(),
            sbom: Arc::default(),
            look: None,
        })
    }

    /// How files are chosen, as a text to compare: paths, branch, and the way of reading them.
    pub fn reading(&self) -> String {
        let paths = self.files.iter().map(|file| file.path.as_str()).chain(self.globs.iter().map(String::as_str));
        let paths: Vec<_> = paths.collect();
        format!("{READING} {} {}", self.sieve.branch().unwrap_or("default"), paths.join(" "))
    }

    /// The same for one look at single repositories: whatever is asked through it goes before sweeps, and all of it together
    /// waits no longer than [`Waits::longest_look`].
    #[must_use]
    pub fn for_one_look(&self) -> Self {
        Self { look: Some(Arc::new(waits::Allowance::new(self.waits.longest_look))), ..self.clone() }
    }

    /// Whether something was given up in this one look, since it would have taken longer.
    pub fn is_cut_short(&self) -> bool {
        self.look.as_ref().is_some_and(|allowance| allowance.is_exceeded())
    }

    /// The source's name in Steward.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The login of the organisation or user whose repositories it has.
    pub fn owner(&self) -> &str {
        &self.org
    }

    /// The host of the web pages that go with it.
    pub fn web_host(&self) -> String {
        web_host(&self.client.address)
    }

    /// What it speaks through, for whatever else asks the same GitHub.
    pub fn connection(&self) -> Connection {
        Connection { client: Arc::clone(&self.client), waits: self.waits }
    }
}

/// Of several the one that has an owner's repositories on a GitHub; any of that GitHub where none has.
pub fn find_source<'s>(sources: &'s [GithubSource], host: &str, owner: &str) -> Option<&'s GithubSource> {
    let of_host = || sources.iter().filter(|github| github.web_host().eq_ignore_ascii_case(host));
    of_host().find(|github| github.owner().eq_ignore_ascii_case(owner)).or_else(|| of_host().next())
}

/// The host of GitHub's web pages that goes with an API: an Enterprise Server's own, `github.com` for any other.
pub fn web_host(api_url: &str) -> String {
    let found = url::Url::parse(api_url).ok().and_then(|url| {
        let host = url.host_str()?;
        // Data residency: api.SUBDOMAIN.ghe.com.
        if host.ends_with(".ghe.com") {
            return Some(host.trim_start_matches("api.").to_owned());
        }
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        url.path().trim_end_matches('/').ends_with("/api/v3").then(|| format!("{host}{port}"))
    });
    found.unwrap_or_else(|| "github.com".to_owned())
}

/// Files at plain paths, descriptors first, then runbooks, best first; and the globs.
fn wanted_files(catalog_paths: &[String]) -> Result<(Vec<WantedFile>, Vec<String>), GithubError> {
    let wrong = |why: String| GithubError::Config { key: "catalog_paths", why };
    if catalog_paths.is_empty() || catalog_paths.len() > MAX_CATALOG_PATHS {
        return Err(wrong(format!("{} paths; there must be 1 to {MAX_CATALOG_PATHS}", catalog_paths.len())));
    }
    let (mut files, mut globs): (Vec<WantedFile>, Vec<String>) = (Vec::new(), Vec::new());
    for text in catalog_paths {
        match Pattern::parse(text).map_err(wrong)?.plain() {
            None => globs.push(text.clone()),
            Some(path) if files.iter().any(|file| file.path == path) => {}
            Some(path) => files.push(WantedFile { path, role: FileRole::Descriptor }),
        }
    }
    let runbooks = RUNBOOK_PATHS.iter().filter(|path| !files.iter().any(|file| file.path == **path));
    let runbooks: Vec<_> = runbooks.map(|path| WantedFile { path: (*path).to_owned(), role: FileRole::Runbook }).collect();
    files.extend(runbooks);
    Ok((files, globs))
}
