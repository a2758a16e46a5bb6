//! The folder a run works in. Every path that a template gives goes through here and stays inside: no `..` out of it, no
//! absolute path, no way through a link, nothing of git's own, no name that another file system would take for the same.

use std::{
    cell::RefCell,
    collections::HashMap,
    fs, io,
    path::{Component, Path, PathBuf},
};

/// What a run may leave: a repository that a template makes has some hundred files.
pub const MAX_FILES: usize = 10_000;
pub const MAX_BYTES: u64 = 50 * 1024 * 1024;

/// Names longer than this are refused by file systems.
const MAX_NAME_BYTES: usize = 255;

/// How deep folders are followed.
pub const MAX_DEPTH: usize = 64;

#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    #[error("the path {0} leads out of the workspace")]
    Outside(String),
    #[error("the path {0} goes through a link")]
    Link(String),
    #[error("the path {0} is git's own")]
    Git(String),
    #[error("the path {0} is not one that every file system can hold")]
    Strange(String),
    #[error("the paths {0} and {1} differ by capitals only, which not every file system tells apart")]
    Twins(String, String),
    #[error("the workspace holds more than {MAX_FILES} files")]
    TooMany,
    #[error("the workspace holds more than {} MiB", MAX_BYTES / 1024 / 1024)]
    TooLarge,
    #[error("{path}: {error}")]
    Io { path: String, error: io::Error },
}

#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    kept: RefCell<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    files: usize,
    bytes: u64,
    /// Each path that was written, by itself in lower case.
    folded: HashMap<String, String>,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Folder,
    File,
    Link,
}

/// One entry below a folder, with its path from there, written with `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub path: String,
    pub kind: Kind,
}

impl Workspace {
    /// Of a folder that exists.
    pub fn open(root: &Path) -> Result<Self, WorkspaceError> {
        let root = root.canonicalize().map_err(|error| failed(&root.display().to_string(), error))?;
        let workspace = Self { root, kept: RefCell::default() };
        let entries = list(&workspace.root)?;
        let mut kept = workspace.kept.borrow_mut();
        for entry in entries {
            if entry.kind != Kind::Folder {
                let size = fs::symlink_metadata(workspace.root.join(&entry.path)).map_or(0, |metadata| metadata.len());
                kept.count(size)?;
            }
            kept.folded.insert(entry.path.to_lowercase(), entry.path);
        }
        drop(kept);
        Ok(workspace)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path as it is kept: relative, with `/`, without `.` and `..`; empty for the workspace itself.
    pub fn normal(&self, path: &str) -> Result<String, WorkspaceError> {
        normal(path)
    }

    /// Where a path of a template lies; no part of the way there is a link.
    pub fn resolve(&self, path: &str) -> Result<PathBuf, WorkspaceError> {
        let normal = normal(path)?;
        let mut place = self.root.clone();
        let steps: Vec<&str> = normal.split('/').filter(|step| !step.is_empty()).collect();
        for (index, step) in steps.iter().enumerate() {
            place.push(step);
            let is_link = fs::symlink_metadata(&place).is_ok_and(|metadata| metadata.is_symlink());
            if is_link && index + 1 < steps.len() {
                return Err(WorkspaceError::Link(path.to_owned()));
            }
        }
        Ok(place)
    }

    pub fn exists(&self, path: &str) -> Result<bool, WorkspaceError> {
        Ok(fs::symlink_metadata(self.resolve(path)?).is_ok())
    }

    /// Writes a file with the folders around it; what was there goes. A mode of none is the usual one.
    pub fn write(&self, path: &str, content: &[u8], mode: Option<u32>) -> Result<(), WorkspaceError> {
        let place = self.claim(path, content.len() as u64)?;
        remove(&place).map_err(|error| failed(path, error))?;
        fs::write(&place, content).map_err(|error| failed(path, error))?;
        match mode {
            Some(mode) => set_mode(&place, mode).map_err(|error| failed(path, error)),
            None => Ok(()),
        }
    }

    /// Makes a link to a path beside it, which stays in the workspace.
    pub fn link(&self, path: &str, target: &str) -> Result<(), WorkspaceError> {
        let folder = normal(path)?;
        let folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
        if Path::new(target).is_absolute() {
            return Err(WorkspaceError::Outside(target.to_owned()));
        }
        // Behind a name that is itself a link, `..` would lead elsewhere than it is written.
        let mut steps = Path::new(target).components().skip_while(|step| !matches!(step, Component::Normal(_)));
        if steps.any(|step| step == Component::ParentDir) {
            return Err(WorkspaceError::Outside(target.to_owned()));
        }
        normal(format!("{folder}/{target}").trim_start_matches('/'))?;
        let place = self.claim(path, target.len() as u64)?;
        remove(&place).map_err(|error| failed(path, error))?;
        make_link(target, &place).map_err(|error| failed(path, error))
    }

    pub fn make_folder(&self, path: &str) -> Result<(), WorkspaceError> {
        let place = self.resolve(path)?;
        self.fold(path)?;
        fs::create_dir_all(&place).map_err(|error| failed(path, error))
    }

    pub fn read(&self, path: &str) -> Result<Vec<u8>, WorkspaceError> {
        let place = self.resolve(path)?;
        if fs::symlink_metadata(&place).is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(WorkspaceError::Link(path.to_owned()));
        }
        fs::read(place).map_err(|error| failed(path, error))
    }

    /// A file, a link or a whole folder.
    pub fn remove(&self, path: &str) -> Result<(), WorkspaceError> {
        let normal = normal(path)?;
        if normal.is_empty() {
            return Err(WorkspaceError::Outside(path.to_owned()));
        }
        remove(&self.resolve(path)?).map_err(|error| failed(path, error))?;
        let below = format!("{}/", normal.to_lowercase());
        self.kept.borrow_mut().folded.retain(|folded, _| *folded != below[..below.len() - 1] && !folded.starts_with(&below));
        Ok(())
    }

    pub fn rename(&self, from: &str, to: &str) -> Result<(), WorkspaceError> {
        if normal(from)?.is_empty() || normal(to)?.is_empty() {
            return Err(WorkspaceError::Outside(from.to_owned()));
        }
        let source = self.resolve(from)?;
        let place = self.resolve(to)?;
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(|error| failed(to, error))?;
        }
        fs::rename(source, place).map_err(|error| failed(from, error))?;
        let entries = list(&self.root)?;
        self.kept.borrow_mut().folded = entries.into_iter().map(|entry| (entry.path.to_lowercase(), entry.path)).collect();
        Ok(())
    }

    /// All there is, by path.
    pub fn list(&self) -> Result<Vec<Entry>, WorkspaceError> {
        list(&self.root)
    }

    /// The place for something new, with the folders around it made and the limits kept.
    fn claim(&self, path: &str, bytes: u64) -> Result<PathBuf, WorkspaceError> {
        let place = self.resolve(path)?;
        if place == self.root {
            return Err(WorkspaceError::Outside(path.to_owned()));
        }
        self.fold(path)?;
        self.kept.borrow_mut().count(bytes)?;
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(|error| failed(path, error))?;
        }
        Ok(place)
    }

    /// Notes a path and those around it; refuses one that differs from another by capitals only.
    fn fold(&self, path: &str) -> Result<(), WorkspaceError> {
        let normal = normal(path)?;
        let mut kept = self.kept.borrow_mut();
        let ends = normal.match_indices('/').map(|(at, _)| at).chain([normal.len()]);
        for end in ends.filter(|end| *end > 0) {
            let part = &normal[..end];
            let known = kept.folded.entry(part.to_lowercase()).or_insert_with(|| part.to_owned());
            if known != part {
                return Err(WorkspaceError::Twins(known.clone(), part.to_owned()));
            }
        }
        Ok(())
    }
}

impl Kept {
    fn count(&mut self, bytes: u64) -> Result<(), WorkspaceError> {
        self.files += 1;
        self.bytes += bytes;
        if self.files > MAX_FILES {
            return Err(WorkspaceError::TooMany);
        }
        if self.bytes > MAX_BYTES {
            return Err(WorkspaceError::TooLarge);
        }
        Ok(())
    }
}

fn failed(path: &str, error: io::Error) -> WorkspaceError {
    WorkspaceError::Io { path: path.to_owned(), error }
}

fn normal(path: &str) -> Result<String, WorkspaceError> {
    // A backslash divides folders elsewhere.
    if path.contains(['\0', '\\', '\n', '\r']) {
        return Err(WorkspaceError::Strange(path.to_owned()));
    }
    let mut steps: Vec<&str> = Vec::new();
    for component in Path::new(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if steps.pop().is_some() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(WorkspaceError::Outside(path.to_owned()));
            }
            Component::Normal(step) => {
                let step = step.to_str().ok_or_else(|| WorkspaceError::Strange(path.to_owned()))?;
                if is_gits(step) {
                    return Err(WorkspaceError::Git(path.to_owned()));
                }
                if step.len() > MAX_NAME_BYTES {
                    return Err(WorkspaceError::Strange(path.to_owned()));
                }
                steps.push(step);
            }
        }
    }
    if steps.len() > MAX_DEPTH {
        return Err(WorkspaceError::Strange(path.to_owned()));
    }
    Ok(steps.join("/"))
}

/// `.git` in any writing that some file system takes for it: capitals, points and spaces at the end, characters that are
/// not seen, the short name of old.
fn is_gits(step: &str) -> bool {
    let is_seen = |letter: &char| !matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let folded: String = step.chars().filter(is_seen).collect::<String>().to_lowercase();
    let folded = folded.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    folded == ".git" || folded == "git~1"
}

fn remove(place: &Path) -> io::Result<()> {
    match fs::symlink_metadata(place) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(place),
        Ok(_) => fs::remove_file(place),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Everything below a folder but git's own, by path; links are not followed.
pub fn list(root: &Path) -> Result<Vec<Entry>, WorkspaceError> {
    let mut entries = Vec::new();
    list_below(root, "", 0, &mut entries)?;
    entries.sort();
    Ok(entries)
}

fn list_below(folder: &Path, prefix: &str, depth: usize, entries: &mut Vec<Entry>) -> Result<(), WorkspaceError> {
    if depth > MAX_DEPTH {
        return Err(WorkspaceError::Strange(prefix.to_owned()));
    }
    for found in fs::read_dir(folder).map_err(|error| failed(prefix, error))? {
        let found = found.map_err(|error| failed(prefix, error))?;
        let Ok(name) = found.file_name().into_string() else {
            return Err(WorkspaceError::Strange(found.path().display().to_string()));
        };
        if is_gits(&name) {
            continue;
        }
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let kind = found.file_type().map_err(|error| failed(&path, error))?;
        let kind = if kind.is_symlink() {
            Kind::Link
        } else if kind.is_dir() {
            Kind::Folder
        } else {
            Kind::File
        };
        if entries.len() >= MAX_FILES * 2 {
            return Err(WorkspaceError::TooMany);
        }
        entries.push(Entry { path: path.clone(), kind: kind.clone() });
        if kind == Kind::Folder {
            list_below(&found.path(), &path, depth + 1, entries)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn set_mode(place: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    // Whoever runs it must be able to write what it made; set-user-id bits are nothing for a template.
    fs::set_permissions(place, fs::Permissions::from_mode((mode & 0o777) | 0o600))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

/// Permission bits of a file, where there are such.
#[cfg(unix)]
pub fn mode_of(metadata: &fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(metadata.permissions().mode())
}

#[cfg(not(unix))]
pub fn mode_of(_: &fs::Metadata) -> Option<u32> {
    None
}

#[cfg(unix)]
fn make_link(target: &str, place: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, place)
}

#[cfg(not(unix))]
fn make_link(_: &str, _: &Path) -> io::Result<()> {
    Err(io::Error::other("links are not made here"))
}
