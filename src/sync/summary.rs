//! What a sync says of itself, to people and to programs, while it runs and at its end.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    catalog::{Catalog, HeldBack, SweepError, address::name_file, diff::Tally},
    requests::Requests,
};

/// The object of `steward sync --json`.
#[derive(Debug, Default, Serialize)]
pub struct SyncSummary {
    pub sources: Vec<SourceSummary>,
    /// Removals wait for a person's word.
    pub held_back: bool,
    /// What still stands in a Backstage alone.
    #[serde(skip)]
    pub uncovered: Uncovered,
}

/// Entities that no file declares yet: what is left of a migration.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Uncovered {
    /// By kind, as people write it.
    pub kinds: BTreeMap<String, usize>,
    /// The first of them.
    pub first: Vec<String>,
}

/// Entities named before "…".
const NAMED: usize = 5;

impl Uncovered {
    pub fn of(catalog: &Catalog) -> Self {
        let mut uncovered = Self::default();
        for entry in catalog.only_elsewhere() {
            *uncovered.kinds.entry(entry.entity.kind.as_str().to_owned()).or_default() += 1;
            if uncovered.first.len() < NAMED {
                uncovered.first.push(entry.entity.entity_ref.to_string());
            }
        }
        uncovered
    }
}

#[derive(Debug, Serialize)]
pub struct SourceSummary {
    pub id: String,
    pub repositories: u64,
    pub files: u64,
    pub entities: u64,
    pub added: u64,
    pub changed: u64,
    pub removed: u64,
    pub unchanged: u64,
    pub errors: Vec<SweepError>,
    /// All that this sync cost, also where it failed.
    pub api_requests: Requests,
    pub seconds: f64,
    #[serde(skip)]
    pub repositories_removed: usize,
    #[serde(skip)]
    pub synced_at: Option<DateTime<Utc>>,
    /// The source was not read to its end; invalid descriptors are errors of their files, not of the source.
    #[serde(skip)]
    pub failed: bool,
    #[serde(skip)]
    pub held_back: bool,
    /// People and teams whose removal waits, inside of a list that is read as one repository.
    #[serde(skip)]
    pub(super) people_held_back: Option<HeldBack>,
}

impl SourceSummary {
    pub(super) fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            repositories: 0,
            files: 0,
            entities: 0,
            added: 0,
            changed: 0,
            removed: 0,
            unchanged: 0,
            errors: Vec::new(),
            api_requests: Requests::default(),
            seconds: 0.0,
            repositories_removed: 0,
            synced_at: None,
            failed: false,
            held_back: false,
            people_held_back: None,
        }
    }

    /// Adds what is wrong with a repository's files.
    pub(super) fn blame(&mut self, repository: &str, problems: impl Iterator<Item = (String, String)>) {
        let error = |(path, message): (String, String)| SweepError { location: name_file(repository, &path), message };
        self.errors.extend(problems.map(error));
    }

    /// By repository and file, those of one file by their lines: in one order, whichever repositories came anew.
    pub(super) fn sort_errors(&mut self) {
        self.errors.sort_by_cached_key(|error| {
            let line = error.location.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse::<u64>().ok()?)));
            let (file, line) = line.unwrap_or((&error.location, 0));
            (file.to_owned(), line)
        });
    }

    pub(super) fn add(&mut self, tally: Tally) {
        self.added += tally.added;
        self.changed += tally.changed;
        self.removed += tally.removed;
        self.unchanged += tally.unchanged;
        self.entities += tally.added + tally.changed + tally.unchanged;
    }
}

/// Errors shown of each source before "and n more".
const SHOWN_ERRORS: usize = 10;

impl fmt::Display for SyncSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sources.is_empty() {
            return writeln!(f, "No source is set up. Add one to steward.yaml, or set GITHUB_ORG and GITHUB_TOKEN.");
        }
        for source in &self.sources {
            let outcome = if source.failed { "failed" } else { "read" };
            writeln!(
                f,
                "{}: {outcome} {}, {}, {} in {:.1} s{}",
                source.id,
                count(source.repositories, "repository", "repositories"),
                count(source.files, "file", "files"),
                count(source.entities, "entity", "entities"),
                source.seconds,
                source.api_requests
            )?;
            writeln!(
                f,
                "  {} added, {} changed, {} removed, {} unchanged",
                source.added, source.changed, source.removed, source.unchanged
            )?;
            for error in source.errors.iter().take(SHOWN_ERRORS) {
                writeln!(f, "  {}: {}", error.location, error.message)?;
            }
            if let Some(more) = source.errors.len().checked_sub(SHOWN_ERRORS).filter(|more| *more > 0) {
                writeln!(f, "  … and {more} more")?;
            }
        }
        let Uncovered { kinds, first } = &self.uncovered;
        let all: usize = kinds.values().sum();
        if all > 0 {
            let by_kind: Vec<String> = kinds.iter().map(|(kind, number)| format!("{number} {kind}")).collect();
            let more = if all > first.len() { ", …" } else { "" };
            writeln!(
                f,
                "Only in Backstage, in no file yet: {} ({})\n  {}{more}",
                count(all as u64, "entity", "entities"),
                by_kind.join(", "),
                first.join(", ")
            )?;
        }
        Ok(())
    }
}

fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Where a sync tells how far it is.
#[derive(Debug)]
pub enum Progress {
    Bar(indicatif::MultiProgress, std::sync::Mutex<std::collections::HashMap<String, indicatif::ProgressBar>>),
    /// One structured line a page.
    Lines,
    Silent,
}

impl Progress {
    /// A bar where standard error is a terminal, lines elsewhere.
    pub fn for_terminal() -> Self {
        if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
            Self::Bar(indicatif::MultiProgress::new(), std::sync::Mutex::default())
        } else {
            Self::Lines
        }
    }

    pub(super) fn page(&self, source: &str, repositories: usize, total: Option<u64>) {
        match self {
            Self::Bar(bars, known) => {
                let mut known = known.lock().expect("nothing panics while it holds this lock");
                let bar = known.entry(source.to_owned()).or_insert_with(|| {
                    let style = indicatif::ProgressStyle::with_template("{prefix:>12} {bar:30} {pos}/{len} repositories {eta}");
                    let bar = bars.add(indicatif::ProgressBar::new(total.unwrap_or_default()));
                    bar.with_style(style.expect("a fixed template")).with_prefix(source.to_owned())
                });
                bar.set_length(total.unwrap_or_default().max(bar.position()));
                bar.inc(repositories as u64);
            }
            Self::Lines => tracing::info!(source, repositories, total, "page read"),
            Self::Silent => {}
        }
    }

    pub(super) fn done(&self, source: &str) {
        if let Self::Bar(_, known) = self
            && let Some(bar) = known.lock().expect("nothing panics while it holds this lock").get(source)
        {
            bar.finish_and_clear();
        }
    }
}
