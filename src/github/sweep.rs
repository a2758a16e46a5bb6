//! One sweep over an owner's repositories: over everything, page after page, or over what is new since the one before.
//! Must not know how a page is asked for again nor how a repository is read.

use std::{collections::HashSet, time::Instant};

use tokio::sync::mpsc;

use super::{
    GithubSource,
    ask::{Asking, Attempts, LARGEST_PAGE, Next, PortionSize},
    client::Urgency,
    error::{Fault, GithubError},
    latest::{Heard, News},
    outline::{NodeFault, Overload},
    page::{Page, PageVariables, parse_page},
    read::Reader,
};
use crate::catalog::{Known, Scope, SourcePage, SweepMark, SweepReport};

impl GithubSource {
    /// Reads the repositories the token may see and sends them page by page, archived ones and forks included.
    ///
    /// Of what is known at its present commit the facts alone come. Where only what is new is wanted, one request tells it,
    /// and what changed is read by one more for each hundred; where that does not explain how many repositories there are,
    /// everything is read. The next page is asked for while `pages` is being worked on. A fault of one repository goes to the
    /// report and does not lose the others. `Err` means that the sweep did not reach its end: what was sent is good, what was
    /// not sent is unknown.
    pub async fn sweep(&self, known: &Known, pages: mpsc::Sender<SourcePage>) -> Result<SweepReport, GithubError> {
        let asking = Asking::new(self, Urgency::Sweep);
        let mark = match (known.scope, &known.mark) {
            (Scope::WhatIsNew, Some(since)) => match News::load(&asking, known, since).await? {
                Heard::Everything(news) => return news.deliver(&asking, known, &pages).await,
                Heard::TooLittle(mark) => mark,
            },
            (Scope::WhatIsNew, None) | (Scope::Everything, _) => News::load_mark(&asking).await?,
        };
        self.sweep_everything(&asking, known, mark, pages).await
    }

    async fn sweep_everything(
        &self,
        asking: &Asking<'_>,
        known: &Known,
        mark: SweepMark,
        pages: mpsc::Sender<SourcePage>,
    ) -> Result<SweepReport, GithubError> {
        let mut pager = Pager { asking, size: PortionSize::new(LARGEST_PAGE), passed: 0 };
        let mut delivery = Delivery { reader: Reader::new(asking, Some(known)), pages, seen: HashSet::new() };
        let mut page = pager.load_page(None).await?;
        let total = loop {
            let (total, next) = (page.total, page.next.take());
            let following = async {
                match &next {
                    Some(cursor) => pager.load_page(Some(cursor)).await.map(Some),
                    None => Ok(None),
                }
            };
            // In this order, so that the request is on its way before the page at hand is parsed.
            match tokio::try_join!(biased; following, delivery.deliver(page))? {
                (Some(following), ()) => page = following,
                (None, ()) => break total,
            }
        };
        let Delivery { mut reader, seen, .. } = delivery;
        if (seen.len() as u64) < total {
            let message = format!("GitHub counts {total} repositories of {} and gave {}", self.org, seen.len());
            reader.blame_github(message);
        }
        Ok(SweepReport { errors: reader.errors, expected: Some(total), scope: Scope::Everything, mark: Some(mark) })
    }
}

/// Asks for the pages of all repositories, as large as GitHub can answer.
struct Pager<'a> {
    asking: &'a Asking<'a>,
    size: PortionSize,
    /// Repositories on the pages so far, read or not.
    passed: u64,
}

impl Pager<'_> {
    async fn load_page(&mut self, after: Option<&str>) -> Result<Page, GithubError> {
        let mut attempts = Attempts::new(self.asking);
        let mut asked_again = false;
        loop {
            let first = self.size.now();
            let fault = match self.ask(first, after, attempts.overload(first)).await {
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
            match attempts.bear(fault, &mut self.size, first).await? {
                Next::TryAgain => {}
                Next::StepPast(said) => return self.load_without_files(after, &said).await,
            }
        }
    }

    async fn ask(&self, first: usize, after: Option<&str>, overload: Overload) -> Result<Page, Fault> {
        let source = self.asking.source;
        let variables = PageVariables { owner: &source.org, first, after, order: None };
        let asked_at = Instant::now();
        let answer = self.asking.query(&source.queries.sweep, &variables).await?;
        let page = parse_page(&answer, &variables, overload, asked_at)?;
        tracing::debug!(first, repositories = page.nodes.len(), total = page.total, "read a page");
        Ok(page)
    }

    /// Steps past one repository whose files GitHub cannot give, so that it does not end the sweep for all others.
    async fn load_without_files(&mut self, after: Option<&str>, said: &str) -> Result<Page, GithubError> {
        let source = self.asking.source;
        let variables = PageVariables { owner: &source.org, first: 1, after, order: None };
        let mut patience = self.asking.patience();
        loop {
            let asked_at = Instant::now();
            let asked = self.asking.query(&source.queries.sweep_facts, &variables).await;
            match asked.and_then(|answer| parse_page(&answer, &variables, Overload::TakeWhatCame, asked_at)) {
                Ok(mut page) => {
                    self.passed += page.nodes.len() as u64;
                    page.faults.entry(0).or_default().push(NodeFault::new(format!("its files could not be read: {said}")));
                    return Ok(page);
                }
                Err(fault) => patience.bear(fault).await?,
            }
        }
    }
}

/// Turns pages into the neutral form and sends them on.
struct Delivery<'a> {
    reader: Reader<'a>,
    pages: mpsc::Sender<SourcePage>,
    seen: HashSet<i64>,
}

impl Delivery<'_> {
    async fn deliver(&mut self, page: Page) -> Result<(), GithubError> {
        let Page { total, nodes, mut faults, remarks, asked_at, next: _ } = page;
        for message in remarks {
            self.reader.blame_github(message);
        }
        let mut repositories = Vec::with_capacity(nodes.len());
        for (index, raw) in nodes.into_iter().enumerate() {
            let faults = faults.remove(&index).unwrap_or_default();
            let Some(repository) = self.reader.read_facts(raw.as_deref(), &faults) else { continue };
            let Some(raw) = raw.filter(|_| self.seen.insert(repository.id)) else { continue };
            repositories.extend(self.reader.read_files(repository, &raw, &faults).await);
        }
        self.reader.add_globbed(&mut repositories).await?;
        let page = SourcePage { repositories, total: Some(total), asked_at };
        self.pages.send(page).await.map_err(|_| GithubError::Stopped)
    }
}
