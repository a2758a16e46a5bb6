//! The job that asks, slowly, whether anything answers at the links that entities and documents name.
//! Must not follow what it finds further than that, nor go inside of the network.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use url::Url;

use super::{Worker, jobs::job};
use crate::{
    catalog::{Catalog, Page, descriptor::RUNBOOK_ANNOTATION, live::NamedIn, wants::is_mkdocs},
    chat::markdown::parse_markdown,
    commands::{answer::passage::entry_of_page, catalog::coverage::covered},
    store::{Job, LinkChecked, LinkTarget, NamedLink, StoreError},
    web::WebError,
};

/// Whether there is something to ask, and what others have found, is looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// The same where the database was not there: at a start it comes a moment later.
const ONCE_THERE: Duration = Duration::from_secs(2);
/// What is named changes with each push, and that a link died is no news of the minute.
const COLLECT_EVERY: TimeDelta = TimeDelta::hours(6);
/// One that answers is asked again after this.
const AGAIN: TimeDelta = TimeDelta::days(7);
/// One that does not, after this.
const RETRY: TimeDelta = TimeDelta::hours(12);
/// So many in a row, over so long, make it dead: maintenance of a night kills nothing.
const FAILURES: i32 = 3;
const DEAD_AFTER: TimeDelta = TimeDelta::hours(24);
/// Links taken up together, hosts asked at once, and links of one host in a turn: each host is asked for one at a time.
const BATCH: i64 = 60;
const HOSTS_AT_ONCE: usize = 4;
const MOST_OF_HOST: i64 = 10;
/// A job gives its place back after this, so that a stop is not held up.
const LONGEST_TURN: Duration = Duration::from_secs(10);
/// Until the next turn.
const NEXT_TURN: TimeDelta = TimeDelta::seconds(5);
/// Links of one page, places of one link, and links of all: generated pages have thousands.
const MOST_OF_PAGE: usize = 200;
const MOST_PLACES: usize = 20;
const MOST_LINKS: usize = 100_000;
const LONGEST_URL: usize = 1_000;

job!(LinksJob(()) = CHECK_LINKS, |worker, _job| worker.run_links());

impl Worker {
    /// Has links asked for while there are any, and keeps what is known of them, until told to stop.
    pub(super) async fn keep_links(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let pause = match self.look_at_links().await {
                Ok(()) => LOOK_EVERY,
                // Whoever follows the catalog has said that it is away.
                Err(StoreError::Away(_) | StoreError::Claimed) => ONCE_THERE,
                Err(StoreError::Failed(fault)) => {
                    error!(fault = format!("{fault:#}"), "links could not be looked at");
                    LOOK_EVERY
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn look_at_links(&self) -> Result<(), StoreError> {
        self.read_coverage().await?;
        self.write_coverage_day().await?;
        self.read_measures().await?;
        if self.app.settings.link_checks.enabled && self.are_links_due().await? {
            self.app.store.enqueue_job(Job::CheckLinks(TimeDelta::zero())).await?;
        }
        Ok(())
    }

    async fn are_links_due(&self) -> Result<bool, StoreError> {
        let now = self.app.clock.now();
        Ok(self.is_collection_due(now).await? || self.app.store.has_due_links(now).await?)
    }

    async fn is_collection_due(&self, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let collected = self.app.store.links_collected_at().await?;
        Ok(!self.app.catalog.load().is_empty() && collected.is_none_or(|at| now - at >= COLLECT_EVERY))
    }

    /// Brings what is known of links and documents into memory and metrics.
    pub async fn read_coverage(&self) -> Result<(), StoreError> {
        let app = &self.app;
        let links = match app.settings.link_checks.enabled {
            true => Some(app.store.load_link_health().await?),
            false => None,
        };
        let documented = Some(app.store.load_documented().await?.into_iter().collect::<HashSet<_>>());
        let documents_read = Some(app.store.load_documents_read().await?.into_iter().collect::<HashSet<_>>());
        app.live.change_coverage(|coverage| {
            coverage.documents_read.clone_from(&documents_read);
            coverage.links.clone_from(&links);
            coverage.documented.clone_from(&documented);
        });
        self.read_said().await?;
        let coverage = app.live.load().coverage;
        let covered = covered(&app.catalog.load(), &coverage);
        let gauge = |name: &'static str, value: usize| metrics::gauge!(name).set(value as f64);
        gauge("steward_catalog_components", covered.components);
        gauge("steward_catalog_components_with_docs", covered.with_docs);
        gauge("steward_catalog_components_with_runbook", covered.with_runbook);
        if let Some(links) = &coverage.links {
            gauge("steward_links", links.named);
            gauge("steward_links_checked", links.checked);
            gauge("steward_links_dead", links.dead_number);
        }
        Ok(())
    }

    /// One turn, and the next where something is left.
    async fn run_links(&self) -> Result<(), StoreError> {
        if !self.app.settings.link_checks.enabled {
            return Ok(());
        }
        self.check_links().await?;
        if self.are_links_due().await? {
            self.app.store.enqueue_job(Job::CheckLinks(NEXT_TURN)).await?;
        }
        Ok(())
    }

    /// Collects links where that is due, then asks for those that are, for one turn.
    pub async fn check_links(&self) -> Result<(), StoreError> {
        let (store, now) = (&self.app.store, self.app.clock.now());
        let catalog = self.app.catalog.load();
        if self.is_collection_due(now).await? {
            let links = self.collect_links(&catalog).await?;
            info!(links = links.len(), "collected the links that entities and documents name");
            store.write_links(&links, now).await?;
        }
        let mut of_host: BTreeMap<String, Vec<(LinkTarget, Url)>> = BTreeMap::new();
        for target in store.load_due_links(now, MOST_OF_HOST, BATCH).await? {
            // What is written was an address when it was collected.
            let Ok(url) = Url::parse(&target.url) else { continue };
            of_host.entry(url.host_str().unwrap_or_default().to_owned()).or_default().push((target, url));
        }
        let until = Instant::now() + LONGEST_TURN;
        let hosts: Vec<_> = of_host.into_values().map(|targets| self.ask_host(targets, until)).collect();
        let asked: Vec<Result<(), StoreError>> = stream::iter(hosts).buffer_unordered(HOSTS_AT_ONCE).collect().await;
        asked.into_iter().collect()
    }

    async fn ask_host(&self, targets: Vec<(LinkTarget, Url)>, until: Instant) -> Result<(), StoreError> {
        for (number, (target, url)) in targets.into_iter().enumerate() {
            if number > 0 {
                tokio::time::sleep(self.app.settings.link_checks.pause).await;
            }
            if Instant::now() > until {
                break;
            }
            let told = self.elsewhere.probe(&url).await;
            let now = self.app.clock.now();
            self.app.store.write_checked_link(&judge(target, told, now), now).await?;
        }
        Ok(())
    }

    /// Every address that the catalog, its runbooks and pages of docs name, with who names it.
    async fn collect_links(&self, catalog: &Catalog) -> Result<Vec<NamedLink>, StoreError> {
        let mut links = Links { own: own_hosts(catalog), places: BTreeMap::new() };
        for entry in catalog.entries() {
            let entity = &entry.entity;
            let place = || NamedIn { entity: entity.entity_ref.clone(), path: None };
            let runbook = entity.annotation(RUNBOOK_ANNOTATION).filter(|written| written.contains("://"));
            let written = entity.links.iter().map(|link| link.url.as_str()).chain(runbook);
            written.for_each(|url| links.add(url, place));
            self.app.links.links_of(entity).iter().for_each(|link| links.add(&link.url, place));
        }
        for runbook in &catalog.parts().runbooks {
            links.add_page(catalog, &Page::from(&**runbook), true);
        }
        let mut after = (String::new(), 0, String::new());
        loop {
            let pages = self.app.store.load_pages(&after, None).await?;
            let Some(last) = pages.last() else { break };
            after = (last.source.clone(), last.repository_id, last.path.clone());
            tokio::task::block_in_place(|| pages.iter().for_each(|page| links.add_page(catalog, page, false)));
        }
        let named = links.places.into_iter().map(|(url, places)| NamedLink { url, places: places.into_iter().collect() });
        Ok(named.collect())
    }
}

/// Addresses and who names them.
struct Links {
    /// Addresses that begin so are of the organisation's own code host, which shows strangers nothing.
    own: BTreeSet<String>,
    places: BTreeMap<String, BTreeSet<NamedIn>>,
}

impl Links {
    fn add(&mut self, written: &str, place: impl Fn() -> NamedIn) {
        if written.len() > LONGEST_URL {
            return;
        }
        let Ok(mut url) = Url::parse(written.trim()) else { return };
        url.set_fragment(None);
        let is_own = self.own.iter().any(|own| url.as_str().to_ascii_lowercase().starts_with(own.as_str()));
        if !matches!(url.scheme(), "http" | "https") || is_own {
            return;
        }
        let is_full = self.places.len() >= MOST_LINKS;
        let key = url.to_string();
        if is_full && !self.places.contains_key(&key) {
            return;
        }
        let places = self.places.entry(key).or_default();
        if places.len() < MOST_PLACES {
            places.insert(place());
        }
    }

    fn add_page(&mut self, catalog: &Catalog, page: &Page, is_runbook: bool) {
        if is_mkdocs(&page.path) {
            return;
        }
        let found = std::cell::RefCell::new(Vec::new());
        parse_markdown(&page.text, &|target| {
            let mut found = found.borrow_mut();
            if found.len() < MOST_OF_PAGE && target.contains("://") {
                found.push(target.to_owned());
            }
            None
        });
        let found = found.into_inner();
        if found.is_empty() {
            return;
        }
        let Some(entry) = entry_of_page(catalog, page, is_runbook) else { return };
        for url in found {
            self.add(&url, || NamedIn { entity: entry.entity.entity_ref.clone(), path: Some(page.path.clone()) });
        }
    }
}

/// `https://github.example/acme/` of every organisation that something was read from.
fn own_hosts(catalog: &Catalog) -> BTreeSet<String> {
    // Files at addresses of their own have no commit.
    let hosted = catalog.entries().iter().filter(|entry| entry.origin.commit.is_some());
    let urls = hosted.filter_map(|entry| entry.origin.repository_url.as_deref());
    urls.filter_map(|url| Some(format!("{}/", url.rsplit_once('/')?.0.to_ascii_lowercase()))).collect()
}

/// What an answer, or none, means for a link.
fn judge(target: LinkTarget, told: Result<u16, WebError>, now: DateTime<Utc>) -> LinkChecked {
    let LinkTarget { url, failures, failed_since } = target;
    let passed = |fault: Option<String>, next_at| LinkChecked {
        url: url.clone(),
        failures: 0,
        failed_since: None,
        fault,
        is_dead: false,
        next_at,
    };
    let fault = match told {
        // Whoever wants somebody to sign in is there.
        Ok(401 | 402 | 403 | 405 | 407 | 451) => return passed(None, now + AGAIN),
        Ok(status) if status < 400 => return passed(None, now + AGAIN),
        Ok(429) => return passed(Some("asked too often".to_owned()), now + RETRY),
        Ok(status) => format!("the server answers {status}"),
        // Not asked: nothing is known of it.
        Err(WebError::NotAllowed { why, .. }) => return passed(Some(why), now + AGAIN),
        Err(error) => error.to_string(),
    };
    let (failures, since) = (failures + 1, failed_since.unwrap_or(now));
    let is_dead = failures >= FAILURES && now - since >= DEAD_AFTER;
    if is_dead {
        warn!(url, fault, "a link is dead");
    }
    let next_at = now + if is_dead { AGAIN } else { RETRY };
    LinkChecked { url, failures, failed_since: Some(since), fault: Some(fault), is_dead, next_at }
}
