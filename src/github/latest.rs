//! What is new since the sweep before, by GitHub's own time: what was pushed to and what changed latest.
//! Must not take what did not come for gone; a number that is not explained calls for a sweep over everything.

use std::{collections::HashSet, time::Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;

use super::{
    ask::{Asking, Attempts, LARGEST_PAGE, PortionSize},
    error::{Fault, GithubError},
    look::{Nodes, Outcome},
    node::parse_facts,
    page::{Direction, LatestPages, Order, OrderField, Page, PageVariables, parse_latest, parse_page},
    read::Reader,
};
use crate::catalog::{Known, Repository, RepositoryRead, Scope, SourcePage, SweepError, SweepMark, SweepReport};

/// Repositories of each of the two lists: more than change within a minute, few enough for one answer of both.
const LATEST: usize = 50;
/// Enough to see a date.
const FEW: usize = 1;
/// Pages of one list, whatever the size of the organisation.
const MAX_PAGES: usize = 20;
/// Of everything, the share from which on a sweep over everything costs less: each change takes a place in both lists, and
/// is read then.
const LARGEST_SHARE: u64 = 4;
/// How long a change may take to be seen in the lists behind a later one: GitHub reads them from replicas.
const OVERLAP: TimeDelta = TimeDelta::seconds(30);

/// Everything that happened since the mark.
pub(super) struct News {
    total: u64,
    /// As of the question.
    mark: SweepMark,
    repositories: Vec<Repository>,
    errors: Vec<SweepError>,
    asked_at: Instant,
}

/// Whether what was heard explains how many repositories there are.
pub(super) enum Heard {
    Everything(News),
    /// Something is gone, came without being among the latest, or too much happened.
    TooLittle(SweepMark),
}

/// One of the two lists.
struct List {
    order: OrderField,
    /// Up to where it is read.
    since: Option<DateTime<Utc>>,
    pages: usize,
}

impl News {
    /// The mark as of now, for a sweep over everything that begins.
    pub(super) async fn load_mark(asking: &Asking<'_>) -> Result<SweepMark, GithubError> {
        let LatestPages { pushed, updated } = load_latest(asking, FEW).await?;
        Ok(mark_of(&pushed, &updated))
    }

    /// Asks for the latest until what is older than the mark comes.
    pub(super) async fn load(asking: &Asking<'_>, known: &Known, since: &SweepMark) -> Result<Heard, GithubError> {
        let LatestPages { pushed, updated } = load_latest(asking, LATEST).await?;
        let seen = mark_of(&pushed, &updated);
        let mark = SweepMark {
            pushed_at: seen.pushed_at.max(since.pushed_at),
            updated_at: seen.updated_at.max(since.updated_at),
            not_given: since.not_given,
            cut_short: since.cut_short,
        };
        let mut reader = Reader::new(asking, Some(known));
        let (total, asked_at) = (pushed.total, pushed.asked_at);
        let mut repositories: Vec<Repository> = Vec::new();
        let mut seen: HashSet<i64> = HashSet::new();
        let lists = [
            (pushed, List { order: OrderField::PushedAt, since: since.pushed_at, pages: 1 }),
            (updated, List { order: OrderField::UpdatedAt, since: since.updated_at, pages: 1 }),
        ];
        for (mut page, mut list) in lists {
            let mut passed = 0;
            loop {
                passed += page.nodes.len() as u64;
                let is_last = list.take(&page, &mut reader, |repository| {
                    if seen.insert(repository.id) {
                        repositories.push(repository);
                    }
                });
                if is_last || (page.next.is_none() && passed >= page.total) {
                    break;
                }
                let Some(cursor) = page.next.filter(|_| list.pages < most_pages(total)) else {
                    tracing::info!(
                        source = asking.source.id,
                        passed,
                        "too much is new, or a list ends early; everything is read"
                    );
                    return Ok(Heard::TooLittle(mark));
                };
                page = load_earlier(asking, list.order, &cursor, passed).await?;
                list.pages += 1;
            }
        }
        let new = repositories.iter().filter(|repository| !known.heads.contains_key(&repository.id)).count();
        let explained = (known.heads.len() + new) as i64 + since.not_given;
        if explained != total as i64 {
            tracing::info!(source = asking.source.id, total, explained, "repositories came or went; everything is read");
            return Ok(Heard::TooLittle(mark));
        }
        // As it happened: what left one repository for another leaves before it arrives.
        repositories.sort_by_key(|repository| repository.pushed_at);
        let mut told = HashSet::new();
        // Most stand in both lists.
        reader.errors.retain(|error| told.insert((error.location.clone(), error.message.clone())));
        Ok(Heard::Everything(Self { total, mark, repositories, errors: reader.errors, asked_at }))
    }

    /// Sends what is new, and reads the files of new commits first.
    pub(super) async fn deliver(
        self,
        asking: &Asking<'_>,
        known: &Known,
        pages: &mpsc::Sender<SourcePage>,
    ) -> Result<SweepReport, GithubError> {
        let mut reader = Reader::new(asking, Some(known));
        reader.errors = self.errors;
        let total = Some(self.repositories.len() as u64);
        let (mut at_hand, mut to_read) = (Vec::new(), Vec::new());
        for repository in self.repositories {
            match (reader.known_files(&repository), &repository.node_id) {
                (Some(files), _) => at_hand.push(RepositoryRead { repository, files }),
                (None, Some(node_id)) => to_read.push((node_id.clone(), repository.full_name)),
                (None, None) => reader.blame(repository.full_name, "GitHub did not give its id"),
            }
        }
        send(pages, SourcePage { repositories: at_hand, total, asked_at: self.asked_at }).await?;
        let (ids, names): (Vec<String>, Vec<String>) = to_read.into_iter().unzip();
        let mut nodes = Nodes::by_id(&ids);
        while let Some(batch) = nodes.load(&mut reader).await? {
            let mut reads = Vec::new();
            for (index, outcome) in batch.outcomes {
                match outcome {
                    Outcome::Read(read) => reads.push(*read),
                    // It went within the second; the next sweep counts one less.
                    Outcome::Absent => tracing::debug!(repository = names[index], "it is gone since the list came"),
                    Outcome::Failed => {}
                }
            }
            reader.add_globbed(&mut reads).await?;
            send(pages, SourcePage { repositories: reads, total, asked_at: batch.asked_at }).await?;
        }
        Ok(SweepReport { expected: Some(self.total), scope: Scope::WhatIsNew, mark: Some(self.mark), errors: reader.errors })
    }
}

async fn send(pages: &mpsc::Sender<SourcePage>, page: SourcePage) -> Result<(), GithubError> {
    if page.repositories.is_empty() {
        return Ok(());
    }
    pages.send(page).await.map_err(|_| GithubError::Stopped)
}

impl List {
    /// Hands on what the page brings that is not older than the mark. Tells whether the list is read far enough.
    fn take(&self, page: &Page, reader: &mut Reader<'_>, mut take: impl FnMut(Repository)) -> bool {
        let mut is_older_seen = false;
        let mut is_all_known = true;
        let mut is_mark_reached = false;
        for remark in &page.remarks {
            reader.blame_github(remark);
        }
        for (index, raw) in page.nodes.iter().enumerate() {
            let faults = page.faults.get(&index).map_or(&[][..], Vec::as_slice);
            let at = raw.as_deref().and_then(|raw| time_of(raw, self.order));
            let Some(repository) = reader.read_facts(raw.as_deref(), faults) else { continue };
            if let (Some(at), Some(since)) = (at, self.since) {
                is_older_seen |= at < since - OVERLAP;
                if at <= since {
                    is_mark_reached = true;
                    // An excluded repository is known by its facts alone.
                    is_all_known &= reader.known_files(&repository).is_some();
                }
            }
            take(repository);
        }
        // A whole organisation may bear one date, as after an import; what of it is new stands before what is known.
        is_older_seen || (is_mark_reached && is_all_known)
    }
}

fn most_pages(total: u64) -> usize {
    usize::try_from(total / LARGEST_SHARE).unwrap_or(usize::MAX).div_ceil(LARGEST_PAGE).min(MAX_PAGES) + 1
}

fn time_of(raw: &serde_json::value::RawValue, order: OrderField) -> Option<DateTime<Utc>> {
    let facts = parse_facts(raw).ok()?;
    match order {
        OrderField::PushedAt => facts.repository.pushed_at,
        OrderField::UpdatedAt => facts.updated_at,
    }
}

/// The largest dates on the first pages.
fn mark_of(pushed: &Page, updated: &Page) -> SweepMark {
    let nodes = || pushed.nodes.iter().chain(&updated.nodes).flatten();
    let largest = |order: OrderField| nodes().filter_map(|raw| time_of(raw, order)).max();
    let (pushed_at, updated_at) = (largest(OrderField::PushedAt), largest(OrderField::UpdatedAt));
    // Each is a moment before which everything has happened, so one may stand for the other.
    SweepMark { pushed_at: pushed_at.or(updated_at), updated_at: updated_at.or(pushed_at), not_given: 0, cut_short: 0 }
}

async fn load_latest(asking: &Asking<'_>, most: usize) -> Result<LatestPages, GithubError> {
    #[derive(serde::Serialize)]
    struct Variables<'a> {
        owner: &'a str,
        first: usize,
    }
    let source = asking.source;
    let mut size = PortionSize::new(most);
    let mut attempts = Attempts::new(asking);
    let mut is_asked_again = false;
    loop {
        let first = size.now();
        let asked_at = Instant::now();
        let asked = asking.query(&source.queries.latest, Variables { owner: &source.org, first }).await;
        match asked.and_then(|answer| parse_latest(&answer, &source.org, attempts.overload(first), asked_at)) {
            Ok(LatestPages { pushed, updated }) => {
                let fault = early_end(&pushed, 0).or(early_end(&updated, 0)).filter(|_| !is_asked_again);
                let Some(fault) = fault else { return Ok(LatestPages { pushed, updated }) };
                is_asked_again = true;
                attempts.insist(fault, &mut size, first).await?;
            }
            Err(fault) => attempts.insist(fault, &mut size, first).await?,
        }
    }
}

async fn load_earlier(asking: &Asking<'_>, field: OrderField, cursor: &str, passed: u64) -> Result<Page, GithubError> {
    let source = asking.source;
    let order = Some(Order { field, direction: Direction::Desc });
    let mut size = PortionSize::new(LARGEST_PAGE);
    let mut attempts = Attempts::new(asking);
    let mut is_asked_again = false;
    loop {
        let first = size.now();
        let variables = PageVariables { owner: &source.org, first, after: Some(cursor), order };
        let asked_at = Instant::now();
        let asked = asking.query(&source.queries.earlier, &variables).await;
        match asked.and_then(|answer| parse_page(&answer, &variables, attempts.overload(first), asked_at)) {
            Ok(page) => {
                let Some(fault) = early_end(&page, passed).filter(|_| !is_asked_again) else { return Ok(page) };
                is_asked_again = true;
                attempts.insist(fault, &mut size, first).await?;
            }
            Err(fault) => attempts.insist(fault, &mut size, first).await?,
        }
    }
}

/// GitHub now and then gives half a page and says that it is the last.
fn early_end(page: &Page, passed: u64) -> Option<Fault> {
    let passed = passed + page.nodes.len() as u64;
    let ends_early = page.next.is_none() && passed < page.total;
    ends_early.then(|| Fault::Transient(format!("GitHub ends after {passed} of {} repositories", page.total)))
}
