//! The job that reads the documents that entities name, runbooks and docs at paths of their own, where a head has changed.
//! Must not hurry: whatever else is asked of GitHub goes first. Must not read what an entity's meaning needs; a sync does.

use std::{
    collections::{BTreeMap, HashSet},
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use globset::GlobMatcher;
use tracing::{info, warn};

use super::{Worker, jobs::job};
use crate::{
    catalog::{
        Contents, FileRole, FilesFound, FilesWanted, RUNBOOK_PATHS, RepositoryKey,
        address::{is_glob, parse_glob},
        diff::{hash, stored_text},
        wants::{documents_named, is_mkdocs, moved_docs},
    },
    github::{GithubError, GithubSource},
    store::{DocumentTarget, DocumentWrite, DocumentsRead, Job, OfSource, StoreError},
    sync::Source,
};

/// Pushes come in a row, and those within this are read together.
const SETTLED: TimeDelta = TimeDelta::seconds(2);
/// Repositories read together: their documents cost a few requests for all of them, and are in memory at once.
const BATCH: i64 = 50;
/// A job gives its place back after this, so that a stop is not held up.
const LONGEST_TURN: Duration = Duration::from_secs(10);
/// Until the next turn, where nothing stands in its way but other work.
const NEXT_TURN: TimeDelta = TimeDelta::seconds(1);
/// A code host that did not answer is left alone for this long.
const AFTER_FAILURE: TimeDelta = TimeDelta::minutes(1);
/// Pages of docs of one repository, the longest of them, and all together: they are kept for search.
const MAX_PAGES: usize = 200;
const LONGEST_PAGE: usize = 256 * 1024;
const MAX_DOCS: usize = 2 * 1024 * 1024;
/// Runbooks of one repository: every replica keeps them in memory.
const MAX_RUNBOOKS: usize = 100;
/// Paths and globs of one repository: the largest monorepos have some hundred services.
const MAX_PATTERNS: usize = 1_000;

job!(DocumentsJob(OfSource) = READ_DOCUMENTS, |worker, job| worker.run_documents(job.work));

impl Worker {
    /// One turn, and the next where something is left.
    async fn run_documents(&self, OfSource { source }: OfSource) -> Result<(), StoreError> {
        let Some(found) = self.sources.iter().find(|known| known.id() == source) else { return Ok(()) };
        if let Some(again) = self.read_documents(found).await? {
            self.app.store.enqueue_job(Job::ReadDocuments(OfSource { source }, again)).await?;
        }
        Ok(())
    }

    /// Has the documents of a source read, or of `ids` alone, where they are not those of the head.
    pub(super) async fn want_documents(&self, source: &Source, ids: Option<&[i64]>) {
        let (store, id) = (&self.app.store, source.id());
        if source.with_documents().is_none() {
            return;
        }
        let is_due = async { Ok(!store.load_document_targets(id, ids, self.app.clock.now(), 1).await?.is_empty()) };
        self.want(source, "documents", is_due, Job::ReadDocuments(OfSource { source: id.to_owned() }, SETTLED)).await;
    }

    /// Reads documents for one turn; gives when to go on, where something is left.
    pub async fn read_documents(&self, source: &Source) -> Result<Option<TimeDelta>, StoreError> {
        let Some(github) = source.with_documents() else { return Ok(None) };
        let (store, clock) = (&self.app.store, &self.app.clock);
        let started = Instant::now();
        loop {
            let targets = store.load_document_targets(source.id(), None, clock.now(), BATCH).await?;
            let mut wanted: Vec<FilesWanted> = targets.iter().map(wish).collect();
            let found = match load_with_moved(github, &mut wanted).await {
                Ok(found) => found,
                Err(error) => {
                    warn!(source = source.id(), error = %error, "documents could not be read; they are asked for again");
                    return Ok(Some(AFTER_FAILURE));
                }
            };
            let both = targets.iter().zip(&wanted).zip(found);
            let reads: Vec<_> = both.map(|((target, wanted), found)| plan(target, wanted, found)).collect();
            store.write_documents(source.id(), &reads, clock.now()).await?;
            let changed: usize = reads.iter().map(|read| read.changed.len() + read.removed.len()).sum();
            if !reads.is_empty() {
                info!(source = source.id(), repositories = reads.len(), changed, "read documents");
            }
            if (targets.len() as i64) < BATCH {
                return Ok(None);
            }
            if started.elapsed() > LONGEST_TURN {
                return Ok(Some(NEXT_TURN));
            }
        }
    }
}

/// Reads what is wanted, then the pages that sites keep elsewhere than usual; those are wanted too from then on.
async fn load_with_moved(github: &GithubSource, wanted: &mut [FilesWanted]) -> Result<Vec<FilesFound>, GithubError> {
    let mut found = github.load_documents(wanted).await?;
    let mut moved: Vec<(usize, FilesWanted)> = Vec::new();
    for (at, (wanted, found)) in wanted.iter_mut().zip(&found).enumerate() {
        let sites = found.files.iter().filter(|file| is_mkdocs(&file.path));
        let patterns = sites.filter_map(|file| match &file.contents {
            Contents::Bytes(bytes) => moved_docs(&file.path, &String::from_utf8_lossy(bytes)),
            Contents::Unreadable(_) => None,
        });
        let patterns: Vec<_> = patterns.take(MAX_PATTERNS).map(|pattern| (pattern, FileRole::Doc)).collect();
        if !patterns.is_empty() {
            wanted.patterns.extend(patterns.iter().cloned());
            moved.push((at, FilesWanted { patterns, ..wanted.clone() }));
        }
    }
    if !moved.is_empty() {
        let (places, moved): (Vec<usize>, Vec<FilesWanted>) = moved.into_iter().unzip();
        for (at, more) in places.into_iter().zip(github.load_documents(&moved).await?) {
            let known: HashSet<String> = found[at].files.iter().map(|file| file.path.clone()).collect();
            found[at].files.extend(more.files.into_iter().filter(|file| !known.contains(&file.path)));
            found[at].errors.extend(more.errors);
        }
    }
    Ok(found)
}

/// What is to be read at the head: nothing where no entity names a document any more.
fn wish(target: &DocumentTarget) -> FilesWanted {
    let repository = &target.repository;
    let named = target.named.iter().flat_map(|(path, annotations)| documents_named(repository, path, annotations));
    let mut seen = HashSet::new();
    let mut patterns: Vec<_> = named.filter(|(pattern, _)| seen.insert(pattern.clone())).take(MAX_PATTERNS).collect();
    // A runbook among the docs is a runbook.
    patterns.sort_by_key(|(_, role)| *role);
    let key =
        RepositoryKey { id: repository.id, node_id: repository.node_id.clone(), full_name: Some(repository.full_name.clone()) };
    let head = repository.head.as_ref().filter(|_| repository.excluded.is_none());
    FilesWanted { repository: key, head: head.map(|head| head.sha.clone()).unwrap_or_default(), patterns }
}

/// What was found against what is stored.
fn plan<'a>(target: &'a DocumentTarget, wanted: &FilesWanted, found: FilesFound) -> DocumentsRead<'a> {
    let mut fault = found.errors.into_iter().next().map(|error| error.message);
    let mut now: BTreeMap<String, Option<DocumentWrite>> = BTreeMap::new();
    let (mut pages, mut bytes, mut runbooks) = (0, 0, 0);
    for file in found.files {
        // What every source looks for comes with the descriptors, whoever names it besides.
        if RUNBOOK_PATHS.contains(&file.path.as_str()) {
            continue;
        }
        let contents = match file.contents {
            Contents::Bytes(contents) => contents,
            Contents::Unreadable(why) => {
                fault.get_or_insert_with(|| format!("{}: {why}", file.path));
                now.insert(file.path, None);
                continue;
            }
        };
        if file.role == FileRole::Runbook {
            runbooks += 1;
            if runbooks > MAX_RUNBOOKS || contents.len() > LONGEST_PAGE {
                continue;
            }
        }
        if file.role == FileRole::Doc {
            if contents.len() > LONGEST_PAGE || pages >= MAX_PAGES || bytes + contents.len() > MAX_DOCS {
                continue;
            }
            pages += 1;
            bytes += contents.len();
        }
        let write = DocumentWrite {
            path: file.path.clone(),
            role: file.role,
            content_hash: hash(&contents),
            text: stored_text(&contents),
        };
        now.insert(file.path, Some(write));
    }
    let wanted = Wanted::new(wanted);
    // Where something could not be read, what is stored of it stays.
    let is_gone = |path: &str| !now.contains_key(path) && (fault.is_none() || !wanted.fits(path));
    let removed = target.known.iter().map(|known| &known.path).filter(|path| is_gone(path)).cloned().collect();
    let is_stored = |write: &DocumentWrite| {
        target
            .known
            .iter()
            .any(|known| known.path == write.path && known.role == write.role && known.content_hash == write.content_hash)
    };
    let changed = now.into_values().flatten().filter(|write| !is_stored(write)).collect();
    DocumentsRead { target, changed, removed, fault }
}

/// What a wish may lead to.
struct Wanted<'a> {
    paths: HashSet<&'a str>,
    globs: Vec<GlobMatcher>,
}

impl<'a> Wanted<'a> {
    fn new(wanted: &'a FilesWanted) -> Self {
        let patterns = || wanted.patterns.iter().map(|(pattern, _)| pattern.as_str());
        let glob = |pattern: &str| Some(parse_glob(pattern).ok()?.compile_matcher());
        Self {
            paths: patterns().filter(|pattern| !is_glob(pattern)).collect(),
            globs: patterns().filter(|pattern| is_glob(pattern)).filter_map(glob).collect(),
        }
    }

    fn fits(&self, path: &str) -> bool {
        self.paths.contains(path) || self.globs.iter().any(|glob| glob.is_match(path))
    }
}
