//! The other source: a folder of checkouts or plain folders, one per repository, with or without their owners' folders between.
//! Must not know what is done with what it reads.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::{Path, PathBuf},
    time::Instant,
};

use chrono::{DateTime, Utc};
use globset::{GlobSet, GlobSetBuilder};
use serde::Deserialize;
use tokio::{process::Command, sync::mpsc};

use crate::catalog::{
    Authority, Commit, Contents, FileRole, Files, FilesFound, FilesWanted, RUNBOOK_PATHS, Repository, RepositoryRead, SourceFile,
    SourcePage, SweepError, SweepReport, Visibility, address::is_glob, address::parse_glob, number_of,
};

/// Repositories handed on at a time, as many as a page of GitHub's.
const PAGE: usize = 100;
/// How deep a glob is followed below a repository's root.
const DEEPEST: usize = 6;
/// Bytes read of one file: more than any descriptor that is taken, so that a larger one is refused with its true reason.
const LONGEST_FILE: u64 = 16 * 1024 * 1024;
/// Facts for all folders, in the folder itself: what GitHub would say of each. Optional.
const FACTS_FILE: &str = "repositories.yaml";
/// The key there that speaks of the organisation: no folder's name starts with a dot.
const ORGANISATION: &str = ".organisation";

/// A folder of repositories.
#[derive(Debug, Clone)]
pub struct DirectorySource {
    pub path: PathBuf,
    pub layout: Layout,
    /// Globs relative to a repository's root.
    pub catalog_paths: Vec<String>,
}

/// How repositories lie in the folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// `NAME`.
    #[default]
    Flat,
    /// `OWNER/NAME`.
    Owners,
}

#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    #[error("the folder {path} cannot be read: {why}")]
    Unreadable { path: String, why: String },
    #[error("{path}: {why}")]
    BadFacts { path: String, why: String },
    #[error("{0:?} is not a path or glob: {1}")]
    BadGlob(String, String),
}

/// What `repositories.yaml` may say of a folder.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Facts {
    id: Option<i64>,
    full_name: Option<String>,
    url: Option<String>,
    description: Option<String>,
    default_branch: Option<String>,
    visibility: Option<Visibility>,
    archived: bool,
    fork: bool,
    topics: Vec<String>,
    language: Option<String>,
    pushed_at: Option<DateTime<Utc>>,
    created_at: Option<DateTime<Utc>>,
    head: Option<String>,
    committed_at: Option<DateTime<Utc>>,
    committer: Option<String>,
}

impl DirectorySource {
    /// Reads more files of some repositories, in the order of the wishes.
    pub fn load_files(&self, wanted: &[FilesWanted]) -> Vec<FilesFound> {
        let folders = self.folders_by_id();
        let find = |wanted: &FilesWanted| {
            let folder = match &folders {
                Ok(folders) => folders.get(&wanted.repository.id),
                Err(error) => return missing(wanted, &error.to_string()),
            };
            folder.map_or_else(|| missing(wanted, "the folder is gone"), |folder| find_files(folder, wanted))
        };
        wanted.iter().map(find).collect()
    }

    fn folders_by_id(&self) -> Result<HashMap<i64, PathBuf>, DirectoryError> {
        let mut facts = self.read_facts()?;
        let with_id = |(name, folder): (String, PathBuf)| {
            (facts.remove(&name).and_then(|facts| facts.id).unwrap_or_else(|| number_of(&name)), folder)
        };
        Ok(self.folders()?.into_iter().map(with_id).collect())
    }

    /// Reads every folder and hands the pages on. Folders whose name starts with a dot are passed over.
    pub async fn sweep(&self, pages: mpsc::Sender<SourcePage>) -> Result<SweepReport, DirectoryError> {
        let globs = self.globs()?;
        let folders = self.folders()?;
        let mut facts = self.read_facts()?;
        let organisation = facts.remove(ORGANISATION).unwrap_or_default();
        let mut report = SweepReport { expected: Some(folders.len() as u64), ..SweepReport::default() };
        for chunk in folders.chunks(PAGE) {
            let asked_at = Instant::now();
            let mut repositories = Vec::with_capacity(chunk.len());
            for (name, folder) in chunk {
                let known = facts.remove(name).unwrap_or_default();
                let head = match &known.head {
                    Some(_) => None,
                    None => git_head(folder).await,
                };
                let repository = describe(name, known, head, &organisation, &self.path);
                // A slow disk must not hold a thread that answers.
                match tokio::task::block_in_place(|| read_files(folder, &globs)) {
                    Ok(files) => repositories.push(RepositoryRead { repository, files: Files::Read(files) }),
                    Err(error) => report.errors.push(SweepError { location: repository.full_name, message: error.to_string() }),
                }
            }
            let page = SourcePage { repositories, total: Some(folders.len() as u64), asked_at };
            if pages.send(page).await.is_err() {
                break;
            }
        }
        Ok(report)
    }

    fn globs(&self) -> Result<GlobSet, DirectoryError> {
        let bad = |path: &str, error: globset::Error| DirectoryError::BadGlob(path.to_owned(), error.to_string());
        let mut set = GlobSetBuilder::new();
        for path in &self.catalog_paths {
            set.add(parse_glob(path.trim_start_matches("./")).map_err(|error| bad(path, error))?);
        }
        set.build().map_err(|error| bad("catalog_paths", error))
    }

    /// Each repository by its name below this folder, with the place where it lies.
    fn folders(&self) -> Result<Vec<(String, PathBuf)>, DirectoryError> {
        let unreadable =
            |error: io::Error| DirectoryError::Unreadable { path: self.path.display().to_string(), why: error.to_string() };
        let mut folders = list_folders(&self.path, "").map_err(unreadable)?;
        if self.layout == Layout::Owners {
            let mut repositories = Vec::new();
            for (owner, folder) in folders {
                repositories.extend(list_folders(&folder, &format!("{owner}/")).map_err(unreadable)?);
            }
            folders = repositories;
        }
        folders.sort();
        Ok(folders)
    }

    fn read_facts(&self) -> Result<BTreeMap<String, Facts>, DirectoryError> {
        let file = self.path.join(FACTS_FILE);
        let Ok(text) = fs::read_to_string(&file) else { return Ok(BTreeMap::new()) };
        serde_yaml::from_str(&text)
            .map_err(|error| DirectoryError::BadFacts { path: file.display().to_string(), why: error.to_string() })
    }
}

/// The folders in a folder, but those whose name starts with a dot.
fn list_folders(folder: &Path, prefix: &str) -> io::Result<Vec<(String, PathBuf)>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder)? {
        let (name, path) = entry.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))?;
        if path.is_dir() && !name.starts_with('.') {
            folders.push((format!("{prefix}{name}"), path));
        }
    }
    Ok(folders)
}

fn describe(name: &str, facts: Facts, git: Option<Commit>, organisation: &Facts, root: &Path) -> Repository {
    let local = root.file_name().unwrap_or_default().to_string_lossy();
    let full_name = facts.full_name.unwrap_or_else(|| match name.contains('/') {
        true => name.to_owned(),
        false => format!("{}/{name}", organisation.full_name.as_deref().unwrap_or(&local)),
    });
    let told = facts.head.map(|sha| Commit { sha, committed_at: facts.committed_at, author: facts.committer });
    Repository {
        id: facts.id.unwrap_or_else(|| number_of(name)),
        url: facts.url.or_else(|| organisation.url.as_ref().map(|url| format!("{url}/{name}"))),
        full_name,
        description: facts.description,
        default_branch: facts.default_branch.or_else(|| git.as_ref().map(|_| "HEAD".to_owned())),
        visibility: facts.visibility.unwrap_or(Visibility::Private),
        archived: facts.archived,
        fork: facts.fork,
        topics: facts.topics,
        language: facts.language,
        pushed_at: facts.pushed_at,
        created_at: facts.created_at,
        head: told.or(git),
        node_id: None,
        excluded: None,
        authority: Authority::Descriptor,
    }
}

/// The latest commit, where the folder is a checkout and git is installed.
async fn git_head(folder: &Path) -> Option<Commit> {
    if !folder.join(".git").exists() {
        return None;
    }
    let output = Command::new("git").arg("-C").arg(folder).args(["log", "-1", "--format=%H%n%cI%n%an"]).output().await.ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut lines = text.lines();
    let sha = lines.next().filter(|sha| !sha.is_empty())?.to_owned();
    let committed_at = lines.next().and_then(|at| DateTime::parse_from_rfc3339(at).ok()).map(|at| at.to_utc());
    Some(Commit { sha, committed_at, author: lines.next().map(str::to_owned) })
}

fn read_files(folder: &Path, globs: &GlobSet) -> io::Result<Vec<SourceFile>> {
    let choose = |path: &str| {
        if globs.is_match(path) {
            Some(FileRole::Descriptor)
        } else if RUNBOOK_PATHS.contains(&path) {
            Some(FileRole::Runbook)
        } else {
            None
        }
    };
    let mut files = Vec::new();
    walk(folder, "", 0, &choose, &mut files)?;
    files.sort_by(|a, b| (a.role, &a.path).cmp(&(b.role, &b.path)));
    Ok(files)
}

fn missing(wanted: &FilesWanted, why: &str) -> FilesFound {
    let location = wanted.repository.full_name.clone().unwrap_or_default();
    FilesFound { files: Vec::new(), errors: vec![SweepError { location, message: why.to_owned() }] }
}

/// Paths are looked up as they are; globs by one walk for all of them.
fn find_files(folder: &Path, wanted: &FilesWanted) -> FilesFound {
    let mut found = FilesFound { files: Vec::new(), errors: Vec::new() };
    let mut globs = Vec::new();
    for (pattern, role) in &wanted.patterns {
        if is_glob(pattern) {
            match parse_glob(pattern) {
                Ok(glob) => globs.push((glob.compile_matcher(), *role)),
                Err(error) => found.errors.push(SweepError { location: pattern.clone(), message: error.to_string() }),
            }
        } else if let Some(path) = inner_file(folder, pattern) {
            found.files.push(source_file(&path, pattern.clone(), *role));
        }
    }
    if globs.is_empty() {
        return found;
    }
    let choose = |path: &str| globs.iter().find(|(glob, _)| glob.is_match(path)).map(|(_, role)| *role);
    let mut walked = Vec::new();
    if let Err(error) = walk(folder, "", 0, &choose, &mut walked) {
        found.errors.push(SweepError { location: folder.display().to_string(), message: error.to_string() });
    }
    walked.sort_by(|a, b| a.path.cmp(&b.path));
    found.files.extend(walked);
    found
}

/// A file inside of the folder; links on the way are not followed, as in a walk.
fn inner_file(folder: &Path, path: &str) -> Option<PathBuf> {
    let mut inner = folder.to_owned();
    for part in path.split('/') {
        if matches!(part, "" | "." | ".." | ".git") || part.contains(['\\', '\0']) {
            return None;
        }
        inner.push(part);
        if fs::symlink_metadata(&inner).ok()?.is_symlink() {
            return None;
        }
    }
    inner.is_file().then_some(inner)
}

fn source_file(file: &Path, path: String, role: FileRole) -> SourceFile {
    let contents = match read_limited(file) {
        Ok(bytes) => Contents::Bytes(bytes),
        Err(error) => Contents::Unreadable(format!("the file cannot be read: {error}")),
    };
    SourceFile { path, role, contents }
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    choose: &dyn Fn(&str) -> Option<FileRole>,
    files: &mut Vec<SourceFile>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        // Links are not followed: they may lead outside the checkout or in a circle.
        let file_type = entry.file_type()?;
        if file_type.is_dir() {
            let is_passed_over = matches!(name.as_str(), ".git" | "node_modules" | "target");
            if depth < DEEPEST && !is_passed_over {
                walk(&entry.path(), &format!("{path}/"), depth + 1, choose, files)?;
            }
        } else if file_type.is_file()
            && let Some(role) = choose(&path)
        {
            files.push(source_file(&entry.path(), path, role));
        }
    }
    Ok(())
}

fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(fs::File::open(path)?, LONGEST_FILE), &mut bytes)?;
    Ok(bytes)
}
