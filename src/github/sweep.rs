//! One sweep over an owner's repositories, page after page. Must not compare with anything read before.

use std::{collections::HashSet, sync::atomic::Ordering, time::Instant};

use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::{
    GithubSource, WantedFile,
    client::Tally,
    error::{Fault, GithubError},
    node::{Blob, Node, file_index, parse_name, parse_node},
    page::{NodeFault, Overload, Page, PageVariables, parse_page, sweep_query},
    waits::Patience,
};
use crate::catalog::{
    Contents, Files, Known, RepositoryRead, Scope, SourceFile, SourcePage, SweepError, SweepReport,
    descriptor::MAX_DESCRIPTOR_BYTES,
};

/// GitHub's own limit for a page.
const LARGEST_PAGE: usize = 100;
/// A page size that failed is tried again after at most so many good pages.
const MAX_GOOD_PAGES_BEFORE_GROWTH: u32 = 16;
/// How often one repository alone may be too much before it is asked for without its files.
const MAX_HEAVY_ALONE: u32 = 3;
/// What GraphQL cuts short or holds for binary is read whole up to here; a longer descriptor or runbook is no text for people.
const MAX_FILE_BYTES: u64 = MAX_DESCRIPTOR_BYTES as u64;
/// Whole reads in one sweep: each is a request, and a sweep must stay cheap whatever people commit.
const MAX_WHOLE_READS: usize = 200;

impl GithubSource {
    /// Reads every repository the token may see and sends them page by page, archived ones and forks included.
    ///
    /// The next page is asked for while `pages` is being worked on. A fault of one repository goes to the report and does not
    /// lose the others. `Err` means that the sweep did not reach its end: what was sent is good, what was not sent is unknown.
    pub async fn sweep(&self, _known: &Known, pages: mpsc::Sender<SourcePage>) -> Result<SweepReport, GithubError> {
        let tally = Tally::default();
        let mut asker = Asker::new(self, &tally);
        let mut delivery =
            Delivery { source: self, tally: &tally, pages, seen: HashSet::new(), whole_reads: 0, errors: Vec::new() };
        let mut page = asker.load_page(None).await?;
        let expected = loop {
            let (total, next) = (page.total, page.next.take());
            let following = async {
                match &next {
                    Some(cursor) => asker.load_page(Some(cursor)).await.map(Some),
                    None => Ok(None),
                }
            };
            // In this order, so that the request is on its way before the page at hand is parsed.
            match tokio::try_join!(biased; following, delivery.deliver(page))? {
                (Some(following), ()) => page = following,
                (None, ()) => break total,
            }
        };
        let Delivery { mut errors, seen, .. } = delivery;
        if (seen.len() as u64) < expected {
            let message = format!("GitHub counts {expected} repositories of {} and gave {}", self.org, seen.len());
            errors.push(SweepError { location: self.client.address.clone(), message });
        }
        Ok(SweepReport {
            graphql_requests: tally.graphql.load(Ordering::Relaxed),
            rest_requests: tally.rest.load(Ordering::Relaxed),
            errors,
            expected: Some(expected),
            scope: Scope::Everything,
            mark: None,
        })
    }
}

/// Asks for pages, as large as GitHub can answer.
struct Asker<'a> {
    source: &'a GithubSource,
    tally: &'a Tally,
    query: String,
    size: PageSize,
    /// Repositories on the pages so far, read or not.
    passed: u64,
}

impl<'a> Asker<'a> {
    fn new(source: &'a GithubSource, tally: &'a Tally) -> Self {
        Self { source, tally, query: sweep_query(&source.files), size: PageSize::default(), passed: 0 }
    }

    async fn load_page(&mut self, after: Option<&str>) -> Result<Page, GithubError> {
        let mut patience = Patience::new(&self.source.waits);
        let (mut overloads, mut heavy_alone) = (0, 0);
        let mut asked_again = false;
        loop {
            let fault = match self.ask(after).await {
                Ok(page) => {
                    let passed = self.passed + page.nodes.len() as u64;
                    if page.next.is_some() || passed >= page.total || asked_again {
                        self.passed = passed;
                        self.size.grow();
                        return Ok(page);
                    }
                    asked_again = true;
                    Fault::Transient(format!("GitHub ends after {passed} of {} repositories", page.total))
                }
                Err(fault) => fault,
            };
            if let Fault::TooHeavy(said) = &fault {
                overloads += 1;
                if self.size.repositories == 1 {
                    heavy_alone += 1;
                }
                if heavy_alone == MAX_HEAVY_ALONE {
                    return self.load_without_files(after, said).await;
                }
                if overloads > 1 || !self.size.is_proven() {
                    self.size.shrink();
                }
            }
            patience.bear(fault).await?;
        }
    }

    async fn ask(&self, after: Option<&str>) -> Result<Page, Fault> {
        let first = self.size.repositories;
        let variables = PageVariables { owner: &self.source.org, first, after };
        let asked_at = Instant::now();
        let answer = self.source.client.graphql(self.tally, &self.query, &variables).await?;
        let overload = if first == 1 { Overload::TakeWhatCame } else { Overload::AskForLess };
        let page = parse_page(&answer, &variables, overload, asked_at)?;
        tracing::debug!(first, repositories = page.nodes.len(), total = page.total, "read a page");
        Ok(page)
    }

    /// Steps past one repository whose files GitHub cannot give, so that it does not end the sweep for all others.
    async fn load_without_files(&mut self, after: Option<&str>, said: &str) -> Result<Page, GithubError> {
        let query = sweep_query(&[]);
        let variables = PageVariables { owner: &self.source.org, first: 1, after };
        let mut patience = Patience::new(&self.source.waits);
        loop {
            let asked_at = Instant::now();
            let asked = self.source.client.graphql(self.tally, &query, &variables).await;
            match asked.and_then(|answer| parse_page(&answer, &variables, Overload::TakeWhatCame, asked_at)) {
                Ok(mut page) => {
                    self.passed += page.nodes.len() as u64;
                    let fault = NodeFault { field: None, said: format!("its files could not be read: {said}") };
                    page.faults.entry(0).or_default().push(fault);
                    return Ok(page);
                }
                Err(fault) => patience.bear(fault).await?,
            }
        }
    }
}

/// How many repositories to ask for: half after an overload, twice as many after good pages, the later the more often it failed.
///
/// A size that went well before is given a second chance first, since each smaller page is a new one that may fail by accident:
/// a GitHub that stumbles over every page once would drive the size down to one.
struct PageSize {
    repositories: usize,
    /// The largest that went well, or is taken to.
    proven: usize,
    failures: u32,
    good: u32,
}

impl Default for PageSize {
    fn default() -> Self {
        Self { repositories: LARGEST_PAGE, proven: LARGEST_PAGE, failures: 0, good: 0 }
    }
}

impl PageSize {
    fn is_proven(&self) -> bool {
        self.repositories <= self.proven
    }

    fn shrink(&mut self) {
        self.repositories = (self.repositories / 2).max(1);
        self.proven = self.proven.min(self.repositories);
        self.failures += 1;
        self.good = 0;
    }

    fn grow(&mut self) {
        self.proven = self.proven.max(self.repositories);
        self.good += 1;
        let needed = (1 << self.failures.saturating_sub(1).min(16)).min(MAX_GOOD_PAGES_BEFORE_GROWTH);
        if self.good >= needed {
            self.repositories = (self.repositories * 2).min(LARGEST_PAGE);
            self.good = 0;
        }
    }
}

/// Turns pages into the neutral form and sends them on.
struct Delivery<'a> {
    source: &'a GithubSource,
    tally: &'a Tally,
    pages: mpsc::Sender<SourcePage>,
    seen: HashSet<i64>,
    whole_reads: usize,
    errors: Vec<SweepError>,
}

impl Delivery<'_> {
    async fn deliver(&mut self, page: Page) -> Result<(), GithubError> {
        let Page { total, nodes, mut faults, remarks, asked_at, next: _ } = page;
        for message in remarks {
            self.errors.push(SweepError { location: self.source.client.address.clone(), message });
        }
        let mut repositories = Vec::with_capacity(nodes.len());
        for (index, raw) in nodes.into_iter().enumerate() {
            let faults = faults.remove(&index).unwrap_or_default();
            repositories.extend(self.read_node(raw.as_deref(), faults).await);
        }
        let page = SourcePage { repositories, total: Some(total), asked_at };
        self.pages.send(page).await.map_err(|_| GithubError::Stopped)
    }

    /// `None` where it was seen before or cannot be read; the latter is in the errors then.
    async fn read_node(&mut self, raw: Option<&RawValue>, faults: Vec<NodeFault>) -> Option<RepositoryRead> {
        let location = raw.and_then(parse_name).unwrap_or_else(|| format!("a repository of {}", self.source.org));
        for fault in &faults {
            let message = match fault.field.as_deref().and_then(file_index).and_then(|index| self.source.files.get(index)) {
                Some(file) => format!("{}: {}", file.path, fault.said),
                None => fault.said.clone(),
            };
            self.errors.push(SweepError { location: location.clone(), message });
        }
        let Some(raw) = raw else {
            if faults.is_empty() {
                let message = "GitHub counts it and does not give it".to_owned();
                self.errors.push(SweepError { location, message });
            }
            return None;
        };
        // A field that an error emptied looks like one that is empty in truth, so the repository as a whole is not known.
        if faults.iter().any(|fault| fault.field.as_deref().and_then(file_index).is_none()) {
            return None;
        }
        let Node { repository, files: blobs } = match parse_node(raw) {
            Ok(node) => node,
            Err(error) => {
                self.errors.push(SweepError { location, message: format!("GitHub's answer cannot be read: {error}") });
                return None;
            }
        };
        if !self.seen.insert(repository.id) {
            return None;
        }
        let source = self.source;
        let mut files = Vec::new();
        for (index, file) in source.files.iter().enumerate() {
            let fault = faults.iter().find(|fault| fault.field.as_deref().and_then(file_index) == Some(index));
            if let Some(fault) = fault {
                files.push(source_file(file, Contents::Unreadable(format!("GitHub could not read it: {}", fault.said))));
            }
        }
        for (index, blob) in blobs {
            let Some(file) = source.files.get(index) else { continue };
            let sha = repository.head.as_ref().map_or("HEAD", |head| &head.sha);
            let contents = self.contents(&repository.full_name, sha, file, blob).await;
            files.push(source_file(file, contents));
        }
        Some(RepositoryRead { repository, files: Files::Read(files) })
    }

    async fn contents(&mut self, full_name: &str, sha: &str, file: &WantedFile, blob: Blob) -> Contents {
        let size = blob.byte_size.unwrap_or_default();
        match blob.text {
            Some(text) if !blob.is_truncated => return Contents::Bytes(text.into_bytes()),
            Some(_) | None => {}
        }
        if size > MAX_FILE_BYTES {
            return Contents::Unreadable(format!("it has {size} bytes; Steward reads files of up to {MAX_FILE_BYTES}"));
        }
        if self.whole_reads == MAX_WHOLE_READS {
            return Contents::Unreadable(format!(
                "{MAX_WHOLE_READS} files that are binary or long were read in this sweep already; this one was not"
            ));
        }
        self.whole_reads += 1;
        match self.load_file(full_name, sha, &file.path).await {
            Ok(bytes) => Contents::Bytes(bytes),
            Err(error) => {
                let message = format!("{}: {error}", file.path);
                self.errors.push(SweepError { location: full_name.to_owned(), message });
                Contents::Unreadable(error.to_string())
            }
        }
    }

    /// A file as it is stored, by one REST read.
    async fn load_file(&self, full_name: &str, sha: &str, path: &str) -> Result<Vec<u8>, GithubError> {
        let mut address = url::Url::parse("http://github").expect("a fixed address");
        let repository = full_name.split('/');
        address
            .path_segments_mut()
            .expect("http addresses have segments")
            .push("repos")
            .extend(repository)
            .push("contents")
            .extend(path.split('/'));
        let request = format!("{}?ref={sha}", address.path());
        let mut patience = Patience::new(&self.source.waits);
        loop {
            match self.source.client.rest(self.tally, &request, "application/vnd.github.raw+json").await {
                Ok(answer) => return Ok(answer.body),
                Err(fault) => patience.bear(fault).await?,
            }
        }
    }
}

fn source_file(file: &WantedFile, contents: Contents) -> SourceFile {
    SourceFile { path: file.path.clone(), role: file.role, contents }
}
