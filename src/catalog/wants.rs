//! From the documents of a repository to what else is to be read: what Locations, placeholders and annotations name.
//! Must not read it, nor decide how much of it is read.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    FileRole, RUNBOOK_PATHS, Repository,
    address::{Place, is_address, is_glob, join_path, locate},
    descriptor::{DOCS_ANNOTATION, Document, Mentioned, Presence, RUNBOOK_ANNOTATION, Verdict},
};

/// Something to be read because a file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    pub place: Place,
    pub role: FileRole,
    /// The file that names it, and the line.
    pub named_in: String,
    pub line: usize,
    /// As the author wrote it.
    pub target: String,
    /// Whether it is worth a word that it is not there.
    pub presence: Presence,
}

/// What a file names and does not get, told to its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// The file that names it, and the line.
    pub path: String,
    pub line: usize,
    pub message: String,
}

/// What came out while the files of a repository were gathered.
#[derive(Debug, Default)]
pub struct Gathered {
    /// What they name and do not get.
    pub unmet: Vec<Unmet>,
    /// Descriptors that were parsed on the way, by path; without the values of placeholders.
    pub parsed: HashMap<String, Vec<Document>>,
}

/// What the documents of one file lead to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wants {
    pub wants: Vec<Want>,
    pub unmet: Vec<Unmet>,
}

/// A descriptor without any of these words names nothing outside of itself.
const TELLING: [&[u8]; 4] = [b"Location", b"$", b"steward.dev/runbook", b"techdocs-ref"];

/// Whether a descriptor has to be parsed to know what it names: most name nothing.
pub fn may_want(descriptor: &[u8]) -> bool {
    TELLING.iter().any(|word| descriptor.windows(word.len()).any(|window| window == *word))
}

/// Collects what the documents of one file name.
///
/// Only valid entities are listened to; a Location that is broken names nothing.
pub fn collect_wants(repository: &Repository, path: &str, documents: &[Document]) -> Wants {
    let mut collected = Wants::default();
    for document in documents {
        if !matches!(document.verdict, Verdict::Valid { .. }) {
            continue;
        }
        for mention in &document.mentions {
            let (target, line) = (mention.target.as_str(), mention.line);
            let mut want = |place, role, presence| {
                let (named_in, target) = (path.to_owned(), target.to_owned());
                collected.wants.push(Want { place, role, named_in, line, target, presence });
            };
            let found = match mention.what {
                Mentioned::Descriptor(presence) => {
                    locate(repository, path, target).map(|place| want(place, FileRole::Descriptor, presence))
                }
                Mentioned::Value(_) => {
                    // Whoever fills the placeholder in says what is not there.
                    let place = locate(repository, path, target);
                    place.map_or(Ok(()), |place| {
                        want(place, FileRole::Attachment, Presence::Optional);
                        Ok(())
                    })
                }
                Mentioned::Runbook => {
                    for place in runbook_places(repository, path, target) {
                        want(place, FileRole::Runbook, Presence::Optional);
                    }
                    Ok(())
                }
                Mentioned::Docs => {
                    for (place, role) in docs_places(repository, path, target) {
                        want(place, role, Presence::Optional);
                    }
                    Ok(())
                }
                Mentioned::OtherLocation => {
                    Err("Locations of this type are not read; write type: url, or type: file for a path".to_owned())
                }
            };
            if let Err(why) = found {
                let message = format!("{target} is not read: {why}");
                collected.unmet.push(Unmet { path: path.to_owned(), line, message });
            }
        }
    }
    collected
}

/// Whether a file is read for people to look things up in, because an annotation says where it is. No entity depends on
/// such a file, and a runbook where every source looks is none: it comes with the descriptors.
pub fn is_document(role: FileRole, path: &str) -> bool {
    match role {
        FileRole::Doc => true,
        FileRole::Runbook => !RUNBOOK_PATHS.contains(&path) && !is_address(path),
        FileRole::Descriptor | FileRole::Attachment => false,
    }
}

/// Paths and globs of the documents that an entity's annotations name, runbooks first; `path` is the file that holds it.
pub fn documents_named(repository: &Repository, path: &str, annotations: &Value) -> Vec<(String, FileRole)> {
    let target = |name: &str| annotations.get(name).and_then(Value::as_str).map(str::trim).filter(|target| !target.is_empty());
    let runbooks = target(RUNBOOK_ANNOTATION).map(|target| runbook_places(repository, path, target)).unwrap_or_default();
    let docs = target(DOCS_ANNOTATION).map(|target| docs_places(repository, path, target)).unwrap_or_default();
    let runbooks = runbooks.into_iter().map(|place| (place, FileRole::Runbook));
    let all = runbooks.chain(docs);
    let within = all.filter_map(|(place, role)| match place {
        Place::Within(path) => Some((path, role)),
        Place::Address(_) => None,
    });
    within.filter(|(path, role)| is_document(*role, path)).collect()
}

/// From the root first, as `/runbook` looks; an address is opened by people, not read. Of a folder all Markdown is.
fn runbook_places(repository: &Repository, path: &str, target: &str) -> Vec<Place> {
    if target.contains("://") || is_glob(target) || target.contains('#') {
        return Vec::new();
    }
    if is_folder(target) {
        let roots = [join_path("", target).ok().filter(|_| !is_address(path)), folder_within(repository, path, target)];
        let mut places: Vec<Place> = roots
            .into_iter()
            .flatten()
            .filter(|root| !root.is_empty())
            .map(|root| Place::Within(format!("{root}/**/*.md")))
            .collect();
        places.dedup();
        return places;
    }
    let from_root = join_path("", target).ok().filter(|_| !is_address(path)).map(Place::Within);
    let from_file = locate(repository, path, target).ok();
    let mut places: Vec<Place> = [from_root, from_file].into_iter().flatten().collect();
    places.dedup();
    places
}

/// `dir:.`, or `url:` with an address of the same repository
/// (<https://backstage.io/docs/features/techdocs/how-to-guides#how-to-understand-techdocs-ref-annotation-values>).
fn docs_places(repository: &Repository, path: &str, target: &str) -> Vec<(Place, FileRole)> {
    let folder = match target.split_once(':') {
        Some(("dir", folder)) => folder.trim(),
        Some(("url", address)) => address.trim(),
        _ => return Vec::new(),
    };
    let folder = if folder.is_empty() { "." } else { folder };
    let Some(folder) = folder_within(repository, path, folder) else { return Vec::new() };
    let inside = |path: &str| Place::Within(if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") });
    let docs = [inside(MKDOCS), inside("docs/**/*.md")].map(|place| (place, FileRole::Doc));
    docs.into_iter().chain([(inside("runbooks/**/*.md"), FileRole::Runbook)]).collect()
}

/// A folder of the repository itself.
fn folder_within(repository: &Repository, path: &str, written: &str) -> Option<String> {
    match locate(repository, path, written) {
        Ok(Place::Within(folder)) if !is_glob(&folder) => Some(folder.trim_end_matches('/').to_owned()),
        Ok(_) | Err(_) => None,
    }
}

/// Whether a runbook annotation names a folder: its last part has no ending.
pub fn is_folder(target: &str) -> bool {
    let last = target.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    !last.trim_start_matches('.').contains('.')
}

/// What a site of documents is set up by.
const MKDOCS: &str = "mkdocs.yml";

/// Whether a file sets up a site of documents.
pub fn is_mkdocs(path: &str) -> bool {
    path.rsplit('/').next() == Some(MKDOCS)
}

/// The glob of the pages that `mkdocs.yml` moves elsewhere by `docs_dir`; `None` where they are in `docs`.
///
/// Read by the line: its YAML may hold tags of Python that no other parser knows.
pub fn moved_docs(path: &str, mkdocs: &str) -> Option<String> {
    let written = mkdocs.lines().find_map(|line| line.strip_prefix("docs_dir:"))?;
    let written = written.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
    let written = written.trim_start_matches("./").trim_end_matches('/');
    if matches!(written, "docs" | "" | ".") || is_glob(written) || is_address(written) {
        return None;
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(format!("{}/**/*.md", join_path(folder, written).ok()?))
}
