//! Where a file is that somebody named: in a repository, or at an address of its own.
//! Must not read anything, nor decide whether an address may be read.

use globset::{Glob, GlobBuilder};
use url::Url;

use super::Repository;

/// A file at a commit, branch or tag of a repository on GitHub, as an address names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubFile {
    /// The web's host, `github.com`.
    pub host: String,
    pub owner: String,
    pub repository: String,
    /// A branch whose name has a slash cannot be told from a folder; its first part is taken.
    pub reference: String,
    /// Relative to the repository's root; may hold globs.
    pub path: String,
}

/// Whether a stored path is an address: a file from elsewhere.
pub fn is_address(path: &str) -> bool {
    path.starts_with("https://") || path.starts_with("http://")
}

/// How a file is named to people: `acme/shop/catalog-info.yaml`, or its address.
pub fn name_file(repository: &str, path: &str) -> String {
    if is_address(path) { path.to_owned() } else { format!("{repository}/{path}") }
}

/// `https://HOST/OWNER/REPOSITORY/blob|tree|raw/REF/PATH`, or GitHub's addresses for raw contents.
pub fn parse_github_file(url: &Url) -> Option<GithubFile> {
    let host = url.host_str()?;
    let host = url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"));
    let segments: Vec<String> = url.path_segments()?.map(decode).collect();
    let (host, parts) = match segments.as_slice() {
        [owner, repository, rest @ ..] if host == "raw.githubusercontent.com" => {
            let rest = match rest {
                [refs, heads, rest @ ..] if refs == "refs" && (heads == "heads" || heads == "tags") => rest,
                rest => rest,
            };
            ("github.com".to_owned(), (owner, repository, rest))
        }
        // Raw contents of an Enterprise Server.
        [raw, owner, repository, rest @ ..] if raw == "raw" => (host, (owner, repository, rest)),
        [owner, repository, how, rest @ ..] if matches!(how.as_str(), "blob" | "tree" | "raw") => {
            (host, (owner, repository, rest))
        }
        _ => return None,
    };
    let (owner, repository, [reference, path @ ..]) = parts else { return None };
    let path = path.join("/");
    let path = path.trim_end_matches('/').to_owned();
    let (owner, repository, reference) = (owner.clone(), repository.clone(), reference.clone());
    let is_whole = ![&owner, &repository, &reference].iter().any(|part| part.is_empty());
    is_whole.then_some(GithubFile { host, owner, repository, reference, path })
}

fn decode(segment: &str) -> String {
    // A plus is a plus in a path.
    let query = format!("p={}", segment.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(query.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// A file that was named, found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Path or glob in the same repository, at the head that is read.
    Within(String),
    /// An address, `http` or `https`.
    Address(String),
}

impl Place {
    /// As it is stored and told.
    pub fn path(&self) -> &str {
        match self {
            Self::Within(path) | Self::Address(path) => path,
        }
    }

    /// Whether it may stand for several files.
    pub fn is_glob(&self) -> bool {
        matches!(self, Self::Within(path) if is_glob(path))
    }
}

/// Whether a path stands for several files.
pub fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '[', '{'])
}

/// A glob over paths as GitHub's own are: `*` stays inside of a folder, `**` does not.
pub fn parse_glob(pattern: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(pattern).literal_separator(true).build()
}

/// Finds what a file of a repository names: relative to that file, to the root (`/x`), or by address.
///
/// An address of the same repository at the branch that is read is a path in it. The error says why there is no such place.
pub fn locate(repository: &Repository, file: &str, target: &str) -> Result<Place, String> {
    let target = target.trim();
    if is_address(target) {
        let url = Url::parse(target).map_err(|error| format!("it is not an address: {error}"))?;
        return Ok(match parse_github_file(&url).and_then(|named| own_path(repository, &named)) {
            Some(path) => Place::Within(path),
            None => Place::Address(without_fragment(url)),
        });
    }
    if target.contains("://") {
        return Err("only addresses with http:// or https:// are read".to_owned());
    }
    if is_address(file) {
        let base = Url::parse(file).map_err(|error| format!("the file's own address cannot be read: {error}"))?;
        return join_address(&base, target).map(Place::Address);
    }
    join_path(file.rsplit_once('/').map_or("", |(folder, _)| folder), target).map(Place::Within)
}

fn join_address(base: &Url, target: &str) -> Result<String, String> {
    // From the root of the repository, not of GitHub.
    if let (Some(path), Some(named)) = (target.strip_prefix('/'), parse_github_file(base)) {
        let root = base.as_str().strip_suffix(named.path.as_str()).unwrap_or(base.as_str());
        return Ok(format!("{root}{path}"));
    }
    base.join(target).map(without_fragment).map_err(|error| format!("it cannot be joined to {base}: {error}"))
}

fn without_fragment(mut url: Url) -> String {
    url.set_fragment(None);
    url.to_string()
}

/// Joins a folder and a path, both relative to the root; what would leave the root is an error.
pub fn join_path(folder: &str, path: &str) -> Result<String, String> {
    let base = if path.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => return Err("it leads out of the repository".to_owned()),
            ".." => {}
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// The path in the repository, where the address names this one at the branch or commit that is read.
fn own_path(repository: &Repository, named: &GithubFile) -> Option<String> {
    let url = Url::parse(repository.url.as_deref()?).ok()?;
    let host = url.port().map_or(url.host_str()?.to_owned(), |port| format!("{}:{port}", url.host_str().unwrap_or_default()));
    let own = url.path().trim_matches('/').trim_end_matches(".git");
    let is_same = host == named.host && own.eq_ignore_ascii_case(&format!("{}/{}", named.owner, named.repository));
    let is_read = named.reference == "HEAD"
        || repository.default_branch.as_ref() == Some(&named.reference)
        || repository.head.as_ref().is_some_and(|head| head.sha == named.reference);
    (is_same && is_read).then(|| named.path.clone())
}
