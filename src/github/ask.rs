//! Asking GitHub until it answers, for as much at once as it can answer. Must not know what is asked for.

use std::sync::Arc;

use serde::Serialize;

use super::{
    GithubSource,
    client::{Answer, Tally, Urgency},
    error::{Fault, GithubError},
    outline::Overload,
    waits::{Allowance, Patience},
};

/// GitHub's own limit for a page, and for a list of ids.
pub(super) const LARGEST_PAGE: usize = 100;
/// A page size that failed is tried again after at most so many good pages.
const MAX_GOOD_PAGES_BEFORE_GROWTH: u32 = 16;
/// Things of one portion that may be at fault themselves; where more are, it is the size of the portion.
const MAX_BLAMED: usize = 5;
/// How often one thing alone may be too much before it is given up.
const MAX_HEAVY_ALONE: u32 = 3;

/// One piece of work with GitHub.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    pub(super) source: &'a GithubSource,
    tally: Tally,
    is_hurried: bool,
}

impl<'a> Asking<'a> {
    pub(super) fn new(source: &'a GithubSource, urgency: Urgency) -> Self {
        Self { source, tally: Tally::of(urgency), is_hurried: false }
    }

    /// For what a sweep can do without, and asks for again: an outage is not waited out while others wait behind it.
    pub(super) fn hurried(self) -> Self {
        Self { is_hurried: true, ..self }
    }

    /// A look at single repositories, which waits no longer than one may.
    pub(super) fn for_look(source: &'a GithubSource) -> Self {
        let allowance = source.look.clone().unwrap_or_else(|| Arc::new(Allowance::new(source.waits.longest_look)));
        Self { source, tally: Tally::of_job(allowance), is_hurried: false }
    }

    /// What may take its time, and is tried again later: it waits no longer than one look may, so that no job holds its place.
    pub(super) fn for_background(source: &'a GithubSource) -> Self {
        let allowance = Some(Arc::new(Allowance::new(source.waits.longest_look)));
        Self { source, tally: Tally { urgency: Urgency::Background, allowance }, is_hurried: true }
    }

    /// One attempt of a GraphQL query.
    pub(super) async fn query(&self, query: &str, variables: impl Serialize) -> Result<Answer, Fault> {
        self.source.client.graphql(&self.tally, query, variables).await
    }

    /// One attempt of a REST read.
    pub(super) async fn rest(&self, path: &str, accept: &'static str) -> Result<Answer, Fault> {
        self.source.client.rest(&self.tally, path, accept).await
    }

    pub(super) fn patience(&self) -> Patience<'_> {
        let patience = Patience::new(&self.source.waits).within(self.tally.allowance.as_deref());
        if self.is_hurried { patience.hurried() } else { patience }
    }
}

/// The attempts at one portion, which gets smaller where GitHub cannot answer it.
pub(super) struct Attempts<'a> {
    patience: Patience<'a>,
    overloads: u32,
    heavy_alone: u32,
}

/// What to do after a fault that was borne.
#[derive(Debug)]
pub(super) enum Next {
    TryAgain,
    /// One thing alone is too much, again and again: GitHub's words.
    StepPast(String),
}

impl<'a> Attempts<'a> {
    pub(super) fn new(asking: &'a Asking<'_>) -> Self {
        Self { patience: asking.patience(), overloads: 0, heavy_alone: 0 }
    }

    /// What an answer to so many things may be taken for now.
    pub(super) fn overload(&self, asked_for: usize) -> Overload {
        match (asked_for, self.overloads) {
            (0 | 1, _) => Overload::TakeWhatCame,
            (_, 0) => Overload::AskForLess,
            (_, _) => Overload::BlameFew((asked_for / 2).min(MAX_BLAMED)),
        }
    }

    /// Waits as the fault asks for and makes the portion smaller, or says that it is over.
    pub(super) async fn bear(&mut self, fault: Fault, size: &mut PortionSize, asked_for: usize) -> Result<Next, GithubError> {
        if let Fault::TooHeavy(said) = &fault
            && asked_for <= 1
        {
            self.heavy_alone += 1;
            if self.heavy_alone == MAX_HEAVY_ALONE {
                return Ok(Next::StepPast(said.clone()));
            }
        }
        self.insist(fault, size, asked_for).await?;
        Ok(Next::TryAgain)
    }

    /// The same where nothing can be stepped past.
    pub(super) async fn insist(&mut self, fault: Fault, size: &mut PortionSize, asked_for: usize) -> Result<(), GithubError> {
        if let Fault::TooHeavy(_) = &fault {
            self.overloads += 1;
            if self.overloads > 1 || !size.is_proven() {
                size.shrink(asked_for);
            }
        }
        self.patience.bear(fault).await
    }
}

/// How many things to ask for: half after an overload, twice as many after good answers, the later the more often it failed.
///
/// A size that went well before is given a second chance first, since each smaller page is a new one that may fail by accident:
/// a GitHub that stumbles over every page once would drive the size down to one.
#[derive(Debug)]
pub(super) struct PortionSize {
    now: usize,
    largest: usize,
    /// The largest that went well, or is taken to.
    proven: usize,
    failures: u32,
    good: u32,
}

impl PortionSize {
    pub(super) fn new(largest: usize) -> Self {
        Self { now: largest, largest, proven: largest, failures: 0, good: 0 }
    }

    pub(super) fn now(&self) -> usize {
        self.now
    }

    fn is_proven(&self) -> bool {
        self.now <= self.proven
    }

    /// `asked_for` may be less than the size where no more was wanted.
    fn shrink(&mut self, asked_for: usize) {
        self.now = (self.now.min(asked_for) / 2).max(1);
        self.proven = self.proven.min(self.now);
        self.failures += 1;
        self.good = 0;
    }

    pub(super) fn grow(&mut self) {
        self.proven = self.proven.max(self.now);
        self.good += 1;
        let needed = (1 << self.failures.saturating_sub(1).min(16)).min(MAX_GOOD_PAGES_BEFORE_GROWTH);
        if self.good >= needed {
            self.now = (self.now * 2).min(self.largest);
            self.good = 0;
        }
    }
}
