//! The packages a repository ships, from GitHub's dependency graph as SPDX. Must not store them, and must not wait long:
//! what takes its time is asked for again later.

use std::{
    collections::HashSet,
    num::NonZeroU32,
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock as _};
use http::{Method, StatusCode};
use serde::Deserialize;
use url::Url;

use super::{
    GithubSource,
    client::{Answer, JSON, Tally, Urgency},
    error::{Fault, GithubError},
};
use crate::catalog::version::Package;

/// Requests an hour, after as many as are saved up: a fifth of a token's 5,000, so that sweeps never miss them.
const REQUESTS_AN_HOUR: NonZeroU32 = NonZeroU32::new(1_000).expect("not zero");
const REQUESTS_AT_ONCE: NonZeroU32 = NonZeroU32::new(500).expect("not zero");
/// Packages of one repository that are kept; the largest monorepos have half as many.
const MAX_PACKAGES: usize = 50_000;
/// How often a list that is being made is looked for before it is left for later: about eight seconds.
const MAX_LOOKS: u32 = 5;
/// A limit that does not say how long.
const UNANNOUNCED: Duration = Duration::from_secs(60);
const NO_GRAPH: &str = "404: GitHub has no dependency graph of it, or does not show it to the token";

/// What became of a question for packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackagesRead {
    Read(Vec<Package>),
    /// The dependency graph is off, or the token may not read it.
    Off(String),
    /// The list is being made; it will be here.
    Pending(String),
    /// This repository's list could not be had now.
    Failed(String),
    /// No more questions for so long: the budget or a limit of GitHub's is used up.
    NotNow(Duration),
}

/// The budget of these questions, and which way of asking this GitHub knows.
#[derive(Debug)]
pub(super) struct SbomPace {
    limiter: DefaultDirectRateLimiter,
    manner: AtomicU8,
    pub(super) wanted: bool,
}

impl Default for SbomPace {
    fn default() -> Self {
        let quota = Quota::per_hour(REQUESTS_AN_HOUR).allow_burst(REQUESTS_AT_ONCE);
        Self { limiter: RateLimiter::direct(quota), manner: AtomicU8::new(Manner::Untried as u8), wanted: true }
    }
}

/// How a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Manner {
    /// Nothing is known of this GitHub yet.
    Untried,
    /// Have a report made, then fetch it: large lists time out otherwise. It has made one.
    Report,
    /// All in one answer: this GitHub makes no reports.
    Whole,
    /// Neither was found where both were tried; one question tells as much as two.
    Unknown,
}

/// Why there is no answer to go on with.
type Stopped = PackagesRead;

impl GithubSource {
    /// Leaves the packages of this source's repositories alone.
    #[must_use]
    pub fn without_packages(mut self) -> Self {
        self.sbom = std::sync::Arc::new(SbomPace { wanted: false, ..SbomPace::default() });
        self
    }

    /// Whether packages are asked for.
    pub fn reads_packages(&self) -> bool {
        self.sbom.wanted
    }

    /// Asks for the packages of one repository, `acme/payments-api`, at its head; `pending` is what an earlier answer said.
    pub async fn read_packages(&self, full_name: &str, pending: Option<&str>) -> PackagesRead {
        let read = match pending {
            Some(url) => self.fetch_report(full_name, url).await,
            None => self.ask_for_packages(full_name).await,
        };
        read.unwrap_or_else(|stopped| stopped)
    }

    async fn ask_for_packages(&self, full_name: &str) -> Result<PackagesRead, Stopped> {
        let manner = self.sbom.manner();
        match manner {
            Manner::Untried | Manner::Report => {}
            Manner::Whole => return self.read_whole(full_name).await,
            Manner::Unknown => {
                let read = self.read_whole(full_name).await;
                if !matches!(read, Ok(PackagesRead::Off(_))) {
                    self.sbom.set(Manner::Untried);
                }
                return read;
            }
        }
        let Some(answer) = self.get(full_name, "sbom/generate-report").await? else {
            if manner == Manner::Report {
                return Ok(PackagesRead::Off(NO_GRAPH.to_owned()));
            }
            // Either this GitHub makes no reports or this repository has no graph; the older question tells which.
            let read = self.read_whole(full_name).await?;
            self.sbom.set(if matches!(read, PackagesRead::Read(_)) { Manner::Whole } else { Manner::Unknown });
            return Ok(read);
        };
        self.sbom.set(Manner::Report);
        #[derive(Deserialize)]
        struct Report {
            sbom_url: String,
        }
        match serde_json::from_slice::<Report>(&answer.body) {
            Ok(Report { sbom_url }) => self.fetch_report(full_name, &sbom_url).await,
            Err(error) => Err(PackagesRead::Failed(format!("GitHub's answer cannot be read: {error}"))),
        }
    }

    async fn read_whole(&self, full_name: &str) -> Result<PackagesRead, Stopped> {
        match self.get(full_name, "sbom").await? {
            Some(answer) => Ok(parse(&answer.body)),
            None => Ok(PackagesRead::Off(NO_GRAPH.to_owned())),
        }
    }

    /// Looks for a report that was ordered, a few times.
    async fn fetch_report(&self, full_name: &str, url: &str) -> Result<PackagesRead, Stopped> {
        let id = url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let id = id.split(['?', '#']).next().unwrap_or_default();
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
            return Err(PackagesRead::Failed("GitHub named no report that can be fetched".to_owned()));
        }
        // Asked for by our own address: the one in the answer may be another host's name for it.
        let path = format!("sbom/fetch-report/{id}");
        let mut wait = self.waits.first;
        // A finished one is a redirect to where GitHub keeps it, which is followed, there without the token.
        for look in 0..MAX_LOOKS {
            if look > 0 {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(self.waits.longest);
            }
            let Some(answer) = self.get(full_name, &path).await? else {
                return Err(PackagesRead::Failed("the report that GitHub made is gone".to_owned()));
            };
            match answer.status {
                StatusCode::ACCEPTED | StatusCode::CREATED => {}
                _ => return Ok(parse(&answer.body)),
            }
        }
        Ok(PackagesRead::Pending(url.to_owned()))
    }

    /// `None` where there is nothing at this path.
    async fn get(&self, full_name: &str, what: &str) -> Result<Option<Answer>, Stopped> {
        let mut address = Url::parse("http://github").expect("a fixed address");
        address
            .path_segments_mut()
            .expect("http addresses have segments")
            .push("repos")
            .extend(full_name.split('/'))
            .push("dependency-graph")
            .extend(what.split('/'));
        self.send(address.path()).await
    }

    async fn send(&self, path: &str) -> Result<Option<Answer>, Stopped> {
        if let Err(until) = self.sbom.limiter.check() {
            let now = governor::clock::DefaultClock::default().now();
            return Err(PackagesRead::NotNow(until.wait_time_from(now)));
        }
        let tally = Tally::of(Urgency::Background);
        match self.client.send(&tally, &Method::GET, path, None::<&()>, JSON).await {
            Ok(answer) => Ok(Some(answer)),
            Err(Fault::Final(GithubError::Rejected { status: 404, .. })) => Ok(None),
            Err(Fault::Final(GithubError::Forbidden { said })) => Err(PackagesRead::Off(said)),
            Err(Fault::Final(GithubError::Rejected { said, .. })) => Err(PackagesRead::Off(said)),
            Err(Fault::Limited { wait_secs, .. }) => {
                let wait =
                    wait_secs.map(|secs| self.waits.announced_second.saturating_mul(u32::try_from(secs).unwrap_or(u32::MAX)));
                Err(PackagesRead::NotNow(wait.unwrap_or(UNANNOUNCED)))
            }
            // Nothing will be answered until somebody mends it; the next sync says so.
            Err(Fault::Final(GithubError::BadToken)) => Err(PackagesRead::NotNow(self.waits.longest_limit)),
            Err(Fault::TooHeavy(said) | Fault::Transient(said)) => Err(PackagesRead::Failed(said)),
            Err(Fault::Final(error)) => Err(PackagesRead::Failed(error.to_string())),
        }
    }
}

impl SbomPace {
    fn manner(&self) -> Manner {
        match self.manner.load(Ordering::Relaxed) {
            1 => Manner::Report,
            2 => Manner::Whole,
            3 => Manner::Unknown,
            _ => Manner::Untried,
        }
    }

    fn set(&self, manner: Manner) {
        self.manner.store(manner as u8, Ordering::Relaxed);
    }
}

/// <https://spdx.github.io/spdx-spec/v2.3/>, as far as packages need it; GitHub wraps it in `sbom`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Document {
    sbom: Option<Box<Document>>,
    #[serde(rename = "SPDXID")]
    id: Option<String>,
    packages: Option<Vec<SpdxPackage>>,
    relationships: Vec<Relationship>,
    #[serde(rename = "documentDescribes")]
    describes: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SpdxPackage {
    #[serde(rename = "SPDXID")]
    id: String,
    name: String,
    #[serde(rename = "versionInfo")]
    version: Option<String>,
    #[serde(rename = "externalRefs")]
    refs: Vec<ExternalRef>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ExternalRef {
    #[serde(rename = "referenceType")]
    reference_type: String,
    #[serde(rename = "referenceLocator")]
    locator: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Relationship {
    #[serde(rename = "relationshipType")]
    relationship_type: String,
    #[serde(rename = "spdxElementId")]
    from: String,
    #[serde(rename = "relatedSpdxElement")]
    to: String,
}

fn parse(bytes: &[u8]) -> PackagesRead {
    // Tens of megabytes take a good part of a second, in which this thread could not answer.
    let parsed = tokio::task::block_in_place(|| serde_json::from_slice::<Document>(bytes));
    let document = match parsed {
        Ok(Document { sbom: Some(inner), .. }) => *inner,
        Ok(document) => document,
        Err(error) => return PackagesRead::Failed(format!("the list cannot be read: {error}")),
    };
    match document.packages {
        Some(_) => PackagesRead::Read(packages(document)),
        None => PackagesRead::Failed("the list has no packages in it, which SPDX asks for".to_owned()),
    }
}

fn packages(document: Document) -> Vec<Package> {
    let Document { id, packages, relationships, describes, sbom: _ } = document;
    let id = id.unwrap_or_else(|| "SPDXRef-DOCUMENT".to_owned());
    // The repository itself is in the list too.
    let described = relationships.iter().filter(|edge| edge.relationship_type == "DESCRIBES" && edge.from == id);
    let roots: HashSet<&str> = described.map(|edge| edge.to.as_str()).chain(describes.iter().map(String::as_str)).collect();
    let needs: Vec<&Relationship> = relationships.iter().filter(|edge| edge.relationship_type == "DEPENDS_ON").collect();
    let direct: HashSet<&str> =
        needs.iter().filter(|edge| roots.contains(edge.from.as_str())).map(|edge| edge.to.as_str()).collect();
    // Where everything hangs on the repository, the list does not tell what came along with what.
    let tells = needs.iter().any(|edge| !roots.contains(edge.from.as_str()) && edge.from != id);
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for package in packages.into_iter().flatten() {
        if roots.contains(package.id.as_str()) {
            continue;
        }
        let purl = package.refs.iter().find(|reference| reference.reference_type == "purl");
        let read = purl.and_then(|purl| Package::parse_purl(&purl.locator)).or_else(|| Package::parse_prefixed(&package.name));
        let Some(mut read) = read else { continue };
        if read.version.is_empty()
            && let Some(version) = package.version.filter(|version| version != "NOASSERTION")
        {
            read.set_version(&version);
        }
        read.direct = tells.then(|| direct.contains(package.id.as_str()));
        if found.len() < MAX_PACKAGES && seen.insert((read.ecosystem.clone(), read.name.clone(), read.version.clone())) {
            found.push(read);
        }
    }
    found
}
