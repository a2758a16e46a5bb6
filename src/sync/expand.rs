//! What the files of repositories name is read too: targets of Locations, values of placeholders, runbooks and docs at paths
//! of their own. In rounds over a whole page, so that a page costs a few requests whatever its repositories name.
//! Must not know what becomes of a file.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Source, elsewhere::Elsewhere};
use crate::{
    catalog::{
        Contents, FileRole, Files, FilesFound, FilesWanted, RUNBOOK_PATHS, Repository, RepositoryKey, RepositoryRead, SourceFile,
        address::{Place, is_address, parse_glob},
        descriptor::{Document, Presence, parse_descriptor},
        diff::StoredFile,
        kinds::CustomKinds,
        wants::{Gathered, Unmet, Want, collect_wants, is_document, is_mkdocs, may_want, moved_docs},
    },
    store::StoredSource,
};

/// Locations that name Locations: the root of an organisation, its domains, their systems, and two to spare.
const MAX_DEPTH: usize = 5;
/// Files of one repository: the largest monorepos have some hundred services, and more is a glob that caught too much.
const MAX_FILES: usize = 1_000;
/// Addresses elsewhere that one repository may name: each is a request to somebody.
const MAX_ADDRESSES: usize = 100;
/// A file that a placeholder names is put into its entity whole.
const LONGEST_VALUE: usize = 5 * 1024 * 1024;
/// Pages of docs of one repository, the longest of them, and all together: they are kept for search.
const MAX_PAGES: usize = 200;
const LONGEST_PAGE: usize = 256 * 1024;
const MAX_DOCS: usize = 4 * 1024 * 1024;

/// What came out while files were gathered, by repository.
pub(super) type AllGathered = HashMap<i64, Gathered>;

/// A repository whose files are still being found.
struct Growing<'a> {
    repository: Repository,
    files: Vec<SourceFile>,
    stored: &'a [StoredFile],
    /// Paths and globs that were asked for, and paths that came.
    seen: HashSet<String>,
    /// Descriptors that came and were not looked into, by their place in `files`.
    fresh: Vec<usize>,
    addresses: usize,
    /// A descriptor that cannot be read may have named what is stored.
    is_broken: bool,
    docs: usize,
    pages: usize,
    unmet: Vec<Unmet>,
    /// Descriptors that were looked into, by path.
    parsed: HashMap<String, Vec<Document>>,
}

/// When documents are read, which no entity depends on: see [`is_document`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Documents {
    Now,
    /// A job of their own reads them.
    Later,
}

impl Documents {
    /// Whether the want is met otherwise: by that job, or by a runbook where every source looks, which is there or is not.
    fn is_met(self, want: &Want) -> bool {
        let path = want.place.path();
        (want.role == FileRole::Runbook && RUNBOOK_PATHS.contains(&path)) || (self == Self::Later && is_document(want.role, path))
    }
}

/// Looks into the descriptors of a repository; gives whether they name files that are to be read.
pub(super) fn look_into(
    read: &RepositoryRead,
    documents: Documents,
    custom_kinds: &CustomKinds,
    parsed: &mut HashMap<String, Vec<Document>>,
) -> bool {
    let mut names_others = false;
    for file in read.files.read().iter().filter(|file| file.role == FileRole::Descriptor) {
        let Contents::Bytes(bytes) = &file.contents else { continue };
        if may_want(bytes) {
            let found = parse_descriptor(bytes, custom_kinds);
            let wants = collect_wants(&read.repository, &file.path, &found).wants;
            names_others |= wants.iter().any(|want| !documents.is_met(want));
            parsed.insert(file.path.clone(), found);
        }
    }
    names_others
}

/// Adds to each repository of the page that was read what its files name. Gives what came out by repository, `gathered` with
/// it, which holds what is parsed already.
///
/// `stored` is what is known of the source: while a descriptor is broken, what it named before is still read.
pub(super) async fn expand(
    source: &Source,
    repositories: &mut [RepositoryRead],
    stored: Option<&StoredSource>,
    elsewhere: &Elsewhere,
    documents: Documents,
    custom_kinds: &CustomKinds,
    mut gathered: AllGathered,
) -> AllGathered {
    if !source.names_files() {
        return gathered;
    }
    let mut growing: Vec<(usize, Growing<'_>)> = Vec::new();
    for (at, read) in repositories.iter_mut().enumerate() {
        if let Files::Read(files) = &mut read.files {
            let known = stored.and_then(|stored| stored.get(&read.repository.id));
            let files = std::mem::take(files);
            let parsed = gathered.remove(&read.repository.id).unwrap_or_default().parsed;
            growing.push((at, Growing::new(read.repository.clone(), files, known.map_or(&[], |known| &known.files), parsed)));
        }
    }
    // One round more than Locations may lead on: what the last of them names is read too.
    for depth in 0..=MAX_DEPTH + 1 {
        let wants: Vec<Vec<Want>> = tokio::task::block_in_place(|| {
            growing.iter_mut().map(|(_, growing)| growing.next_wants(depth, documents, custom_kinds)).collect()
        });
        if wants.iter().all(Vec::is_empty) {
            break;
        }
        fulfil_within(source, &mut growing, &wants).await;
        fulfil_elsewhere(elsewhere, &mut growing, &wants).await;
    }
    for (at, grown) in growing {
        if !grown.unmet.is_empty() || !grown.parsed.is_empty() {
            gathered.insert(grown.repository.id, Gathered { unmet: grown.unmet, parsed: grown.parsed });
        }
        repositories[at].files = Files::Read(grown.files);
    }
    gathered
}

/// Files of the repositories themselves, all in one question.
async fn fulfil_within(source: &Source, growing: &mut [(usize, Growing<'_>)], wants: &[Vec<Want>]) {
    let mut asked: Vec<usize> = Vec::new();
    let mut wanted: Vec<FilesWanted> = Vec::new();
    for (at, wants) in wants.iter().enumerate() {
        let within = wants.iter().filter_map(|want| match &want.place {
            Place::Within(pattern) => Some((pattern.clone(), want.role)),
            Place::Address(_) => None,
        });
        let patterns: Vec<_> = within.collect();
        if !patterns.is_empty() {
            let Repository { id, node_id, full_name, head, .. } = &growing[at].1.repository;
            let repository = RepositoryKey { id: *id, node_id: node_id.clone(), full_name: Some(full_name.clone()) };
            let head = head.as_ref().map(|head| head.sha.clone()).unwrap_or_default();
            asked.push(at);
            wanted.push(FilesWanted { repository, head, patterns });
        }
    }
    if wanted.is_empty() {
        return;
    }
    let found = source.load_files(&wanted).await;
    for (at, found) in asked.into_iter().zip(found) {
        growing[at].1.take_found(found, &wants[at]);
    }
}

/// Files at addresses of their own, each asked for once a round.
async fn fulfil_elsewhere(elsewhere: &Elsewhere, growing: &mut [(usize, Growing<'_>)], wants: &[Vec<Want>]) {
    let addresses: BTreeSet<String> = wants
        .iter()
        .flatten()
        .filter_map(|want| match &want.place {
            Place::Address(address) => Some(address.clone()),
            Place::Within(_) => None,
        })
        .collect();
    if addresses.is_empty() {
        return;
    }
    let addresses: Vec<String> = addresses.into_iter().collect();
    let read = elsewhere.read(&addresses).await;
    let read: HashMap<String, _> = addresses.into_iter().zip(read).collect();
    for ((_, growing), wants) in growing.iter_mut().zip(wants) {
        for want in wants {
            let Some(files) = read.get(want.place.path()).filter(|_| matches!(want.place, Place::Address(_))) else { continue };
            for file in files {
                match &file.contents {
                    Ok(bytes) => growing.take(file.address.clone(), want.role, Contents::Bytes(bytes.clone())),
                    Err(why) => growing.take_unreadable(&file.address, want, why),
                }
            }
        }
    }
}

impl<'a> Growing<'a> {
    fn new(
        repository: Repository,
        files: Vec<SourceFile>,
        stored: &'a [StoredFile],
        parsed: HashMap<String, Vec<Document>>,
    ) -> Self {
        let seen = files.iter().map(|file| file.path.clone()).collect();
        let is_descriptor = |at: &usize| files[*at].role == FileRole::Descriptor;
        let fresh = (0..files.len()).filter(is_descriptor).collect();
        Self {
            repository,
            files,
            stored,
            seen,
            fresh,
            addresses: 0,
            is_broken: false,
            docs: 0,
            pages: 0,
            unmet: Vec::new(),
            parsed,
        }
    }

    /// Looks into the descriptors that came last; gives what is to be asked for now.
    fn next_wants(&mut self, depth: usize, documents: Documents, custom_kinds: &CustomKinds) -> Vec<Want> {
        let mut asked: Vec<Want> = Vec::new();
        let knows_more = self.stored.iter().any(|known| !self.seen.contains(&known.path));
        for at in std::mem::take(&mut self.fresh) {
            let file = &self.files[at];
            if file.role == FileRole::Doc {
                let moved = moved_pages(file).filter(|want| !self.seen.contains(want.place.path()));
                self.seen.extend(moved.iter().map(|want| want.place.path().to_owned()));
                asked.extend(moved);
                continue;
            }
            let bytes = match &file.contents {
                Contents::Bytes(bytes) if may_want(bytes) || knows_more => bytes,
                Contents::Bytes(_) => continue,
                Contents::Unreadable(_) => {
                    self.is_broken = true;
                    continue;
                }
            };
            let parsed = self.parsed.entry(file.path.clone()).or_insert_with(|| parse_descriptor(bytes, custom_kinds));
            self.is_broken |= parsed.iter().any(|document| document.problem().is_some());
            let collected = collect_wants(&self.repository, &file.path, parsed);
            self.unmet.extend(collected.unmet);
            for want in collected.wants {
                if self.seen.contains(want.place.path()) || documents.is_met(&want) {
                    continue;
                }
                match self.refuse(&want, depth, asked.len()) {
                    Some(why) => self.unmet.push(unmet(&want, &why)),
                    None => {
                        self.addresses += usize::from(matches!(want.place, Place::Address(_)));
                        self.seen.insert(want.place.path().to_owned());
                        asked.push(want);
                    }
                }
            }
        }
        if self.is_broken && asked.is_empty() {
            self.is_broken = false;
            asked.extend(self.stored.iter().filter(|known| !self.seen.contains(&known.path)).map(want_again));
            self.seen.extend(asked.iter().map(|want| want.place.path().to_owned()));
        }
        asked
    }

    fn refuse(&self, want: &Want, depth: usize, asked: usize) -> Option<String> {
        if want.role == FileRole::Descriptor && depth >= MAX_DEPTH {
            return Some(format!("Locations lead on to one another more than {MAX_DEPTH} times; name it further up"));
        }
        if self.files.len() + asked >= MAX_FILES {
            return Some(format!("more than {MAX_FILES} files are named in this repository"));
        }
        let is_elsewhere = matches!(want.place, Place::Address(_));
        (is_elsewhere && self.addresses >= MAX_ADDRESSES)
            .then(|| format!("more than {MAX_ADDRESSES} addresses elsewhere are named in this repository"))
    }

    fn take_found(&mut self, found: FilesFound, wants: &[Want]) {
        for file in found.files {
            self.take(file.path, file.role, file.contents);
        }
        let why = found.errors.first().map(|error| error.message.clone());
        for want in wants.iter().filter(|want| matches!(want.place, Place::Within(_))) {
            let pattern = want.place.path();
            match &why {
                // It may be there; what is known of it stays.
                Some(why) if want.place.is_glob() => {
                    let Ok(glob) = parse_glob(pattern) else { continue };
                    let glob = glob.compile_matcher();
                    for known in self.stored.iter().filter(|known| glob.is_match(&known.path)) {
                        self.take(known.path.clone(), known.role, Contents::Unreadable(why.clone()));
                    }
                }
                Some(why) if !self.has(pattern) => self.take_unreadable(pattern, want, why),
                None if want.presence == Presence::Required && !want.place.is_glob() && !self.has(pattern) => {
                    self.unmet.push(unmet(want, "there is no such file in the repository"));
                }
                Some(_) | None => {}
            }
        }
    }

    fn has(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.path == path)
    }

    /// Adds a file unless it is there, or more than is wanted.
    fn take(&mut self, path: String, role: FileRole, contents: Contents) {
        if self.has(&path) || self.files.len() >= MAX_FILES {
            return;
        }
        let length = match &contents {
            Contents::Bytes(bytes) => bytes.len(),
            Contents::Unreadable(_) => 0,
        };
        let contents = match role {
            FileRole::Doc if length > LONGEST_PAGE || self.pages >= MAX_PAGES || self.docs + length > MAX_DOCS => return,
            FileRole::Doc => {
                self.pages += 1;
                self.docs += length;
                contents
            }
            FileRole::Attachment if length > LONGEST_VALUE => {
                Contents::Unreadable(format!("it is longer than {LONGEST_VALUE} bytes"))
            }
            FileRole::Attachment | FileRole::Descriptor | FileRole::Runbook => contents,
        };
        if role == FileRole::Descriptor || (role == FileRole::Doc && is_mkdocs(&path)) {
            self.fresh.push(self.files.len());
        }
        self.seen.insert(path.clone());
        self.files.push(SourceFile { path, role, contents });
    }

    /// A file that could not be read stays as it is known; its author is told where it is named.
    fn take_unreadable(&mut self, path: &str, want: &Want, why: &str) {
        let is_known = self.stored.iter().any(|known| known.path == path);
        if want.presence == Presence::Required {
            self.unmet.push(unmet(want, why));
        }
        if is_known || want.role == FileRole::Attachment {
            self.take(path.to_owned(), want.role, Contents::Unreadable(why.to_owned()));
        }
    }
}

/// Pages that a site keeps elsewhere than usual.
fn moved_pages(file: &SourceFile) -> Option<Want> {
    let Contents::Bytes(bytes) = &file.contents else { return None };
    let pattern = moved_docs(&file.path, &String::from_utf8_lossy(bytes))?;
    let (named_in, target) = (file.path.clone(), pattern.clone());
    Some(Want { place: Place::Within(pattern), role: FileRole::Doc, named_in, line: 1, target, presence: Presence::Optional })
}

fn want_again(known: &StoredFile) -> Want {
    let (path, target) = (known.path.clone(), known.path.clone());
    let place = if is_address(&path) { Place::Address(path) } else { Place::Within(path) };
    Want { place, role: known.role, named_in: String::new(), line: 0, target, presence: Presence::Optional }
}

fn unmet(want: &Want, why: &str) -> Unmet {
    Unmet { path: want.named_in.clone(), line: want.line, message: format!("{} is not read: {why}", want.target) }
}
