//! Commits by the Git Data API: one tree with its texts inline, blobs only for what is no text. Must not know what a
//! workspace is.

use base64::prelude::{BASE64_STANDARD, Engine};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{MakeError, Maker, understand, within};

/// Inline contents of one request: GitHub gives up on trees of many megabytes.
const MOST_INLINE_BYTES: usize = 2 * 1024 * 1024;
/// Commits looked through for the one of a run: nobody pushes so many between a failure and its retry.
const MOST_COMMITS: usize = 100;
/// What GitHub calls the commit that a repository begins with.
const FIRST_MESSAGE: &str = "Initial commit";
/// What such a commit may hold.
const FIRST_FILES: [&str; 3] = ["README.md", ".gitignore", "LICENSE"];

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    pub path: String,
    /// `100644`, `100755` or, for a link, `120000`.
    pub mode: &'static str,
    pub contents: Contents,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    Text(String),
    Binary(Vec<u8>),
    /// The entry goes.
    Gone,
}

/// A commit to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewCommit<'a> {
    pub message: &'a str,
    /// Name and address; without them GitHub takes its own.
    pub author: Option<(&'a str, &'a str)>,
    pub tree: &'a str,
    /// Without it the commit begins a history.
    pub parent: Option<&'a str>,
}

/// A commit that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub sha: String,
    pub tree: String,
    pub message: String,
    pub has_parents: bool,
}

/// What a branch holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// There is no commit at all.
    Empty,
    /// Latest first.
    Commits(Vec<Commit>),
}

#[derive(Deserialize)]
struct ListedCommit {
    sha: String,
    commit: CommitFacts,
    #[serde(default)]
    parents: Vec<Json>,
    #[serde(default)]
    files: Vec<FileFacts>,
}

#[derive(Deserialize)]
struct CommitFacts {
    message: String,
    tree: Object,
}

#[derive(Deserialize)]
struct FileFacts {
    filename: String,
}

#[derive(Deserialize)]
struct Object {
    sha: String,
}

#[derive(Deserialize)]
struct Reference {
    object: Object,
}

#[derive(Serialize)]
struct NewTree<'a> {
    tree: Vec<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_tree: Option<&'a str>,
}

impl From<ListedCommit> for Commit {
    fn from(ListedCommit { sha, commit, parents, .. }: ListedCommit) -> Self {
        Self { sha, tree: commit.tree.sha, message: commit.message, has_parents: !parents.is_empty() }
    }
}

impl Maker {
    /// The latest commits of a branch; refused with 404 where there is no such branch.
    pub async fn load_head(&self, repository: &str, branch: &str) -> Result<Head, MakeError> {
        let place = within(repository, &["commits"]);
        let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("sha", branch).finish();
        match self.read::<Vec<ListedCommit>>(&format!("{place}?{query}&per_page={MOST_COMMITS}")).await {
            Ok(commits) => Ok(Head::Commits(commits.into_iter().map(Commit::from).collect())),
            Err(MakeError::Refused { status: 409, .. }) => Ok(Head::Empty),
            Err(error) => Err(error),
        }
    }

    /// Whether nobody has put anything into a repository but what GitHub itself begins it with.
    pub async fn is_untouched(&self, repository: &str, head: &Head) -> Result<bool, MakeError> {
        let Head::Commits(commits) = head else { return Ok(true) };
        let [first] = commits.as_slice() else { return Ok(false) };
        if first.message != FIRST_MESSAGE || first.has_parents {
            return Ok(false);
        }
        let whole: ListedCommit = match self.read(&within(repository, &["commits", &first.sha])).await {
            // Another commit has taken its place since: whoever asks looks at the head again.
            Err(MakeError::Refused { status: 422, said }) => return Err(MakeError::NotNow { said, wait: None }),
            read => read?,
        };
        Ok(whole.files.iter().all(|file| FIRST_FILES.contains(&file.filename.as_str())))
    }

    /// The commit that a branch points to.
    pub async fn find_branch(&self, repository: &str, branch: &str) -> Result<Option<String>, MakeError> {
        match self.find::<Reference>(&reference(repository, "ref", branch)).await {
            Ok(found) => Ok(found.map(|found| found.object.sha)),
            // The repository is empty.
            Err(MakeError::Refused { status: 409, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a commit that no branch points to yet; gives its hash. Doing it again harms nothing.
    pub async fn commit(&self, repository: &str, new: &NewCommit<'_>) -> Result<String, MakeError> {
        let parents: Vec<&str> = new.parent.into_iter().collect();
        let mut body = json!({ "message": new.message, "tree": new.tree, "parents": parents });
        if let Some((name, email)) = new.author {
            body["author"] = json!({ "name": name, "email": email });
        }
        let place = within(repository, &["git", "commits"]);
        let made: Object = understand(&self.put(Method::POST, &place, &body).await?).map_err(MakeError::harmless)?;
        Ok(made.sha)
    }

    /// Puts entries on a tree, or makes a new one of them; gives its hash. Doing it again harms nothing.
    pub async fn make_tree(&self, repository: &str, entries: &[TreeEntry], base: Option<&str>) -> Result<String, MakeError> {
        let mut base = base.map(str::to_owned);
        let mut part: Vec<Json> = Vec::new();
        let mut bytes = 0;
        for TreeEntry { path, mode, contents } in entries {
            let mut entry = json!({ "path": path, "mode": mode, "type": "blob" });
            match contents {
                Contents::Text(text) if text.len() <= MOST_INLINE_BYTES => {
                    bytes += text.len();
                    entry["content"] = json!(text);
                }
                Contents::Text(text) => entry["sha"] = json!(self.make_blob(repository, text.as_bytes()).await?),
                Contents::Binary(contents) => entry["sha"] = json!(self.make_blob(repository, contents).await?),
                Contents::Gone => entry["sha"] = Json::Null,
            }
            if bytes > MOST_INLINE_BYTES && !part.is_empty() {
                base = Some(self.put_tree(repository, std::mem::take(&mut part), base.as_deref()).await?);
                bytes = 0;
            }
            part.push(entry);
        }
        self.put_tree(repository, part, base.as_deref()).await
    }

    /// Gives an empty repository the commit that GitHub's Git Data API wants to work on. Refused with 409 or 422 where it
    /// has one.
    pub async fn begin_repository(&self, repository: &str, text: &str) -> Result<(), MakeError> {
        let body = json!({ "message": FIRST_MESSAGE, "content": BASE64_STANDARD.encode(text) });
        self.put(Method::PUT, &within(repository, &["contents", FIRST_FILES[0]]), &body).await.map(drop)
    }

    async fn put_tree(&self, repository: &str, tree: Vec<Json>, base_tree: Option<&str>) -> Result<String, MakeError> {
        let place = within(repository, &["git", "trees"]);
        let answer = self.put(Method::POST, &place, &NewTree { tree, base_tree }).await?;
        understand::<Object>(&answer).map(|made| made.sha).map_err(MakeError::harmless)
    }

    async fn make_blob(&self, repository: &str, contents: &[u8]) -> Result<String, MakeError> {
        let body = json!({ "content": BASE64_STANDARD.encode(contents), "encoding": "base64" });
        let answer = self.put(Method::POST, &within(repository, &["git", "blobs"]), &body).await?;
        understand::<Object>(&answer).map(|made| made.sha).map_err(MakeError::harmless)
    }

    /// Lets a branch point to a commit, whatever it pointed to.
    pub async fn force_branch(&self, repository: &str, branch: &str, commit: &str) -> Result<(), MakeError> {
        let body = json!({ "sha": commit, "force": true });
        self.put(Method::PATCH, &reference(repository, "refs", branch), &body).await.map(drop)
    }

    /// Lets a branch go on to a commit that follows on what it points to; refused with 422 where it does not.
    pub async fn move_branch(&self, repository: &str, branch: &str, commit: &str) -> Result<(), MakeError> {
        let body = json!({ "sha": commit, "force": false });
        self.put(Method::PATCH, &reference(repository, "refs", branch), &body).await.map(drop)
    }

    /// Refused with 422 where there is such a branch.
    pub async fn create_branch(&self, repository: &str, branch: &str, commit: &str) -> Result<(), MakeError> {
        let body = json!({ "ref": format!("refs/heads/{branch}"), "sha": commit });
        self.send(Method::POST, &within(repository, &["git", "refs"]), &body).await.map(drop)
    }

    /// False where there was none.
    pub async fn delete_branch(&self, repository: &str, branch: &str) -> Result<bool, MakeError> {
        match self.delete(&reference(repository, "refs", branch)).await {
            // GitHub's answer for a branch that is not there.
            Err(MakeError::Refused { status: 422, said }) if said.contains("does not exist") => Ok(false),
            other => other,
        }
    }

    /// A commit with its tree.
    pub async fn load_commit(&self, repository: &str, sha: &str) -> Result<Commit, MakeError> {
        self.read::<ListedCommit>(&within(repository, &["commits", sha])).await.map(Commit::from)
    }

    /// Paths of all files of a tree with their mode and blob; `None` where GitHub gives not all of them.
    pub async fn load_tree(&self, repository: &str, tree: &str) -> Result<Option<Vec<(String, String, String)>>, MakeError> {
        #[derive(Deserialize)]
        struct Tree {
            tree: Vec<Entry>,
            #[serde(default)]
            truncated: bool,
        }
        #[derive(Deserialize)]
        struct Entry {
            path: String,
            mode: String,
            sha: Option<String>,
        }
        let place = within(repository, &["git", "trees", tree]);
        let Tree { tree, truncated } = self.read(&format!("{place}?recursive=1")).await?;
        let entries = tree.into_iter().filter_map(|entry| Some((entry.path, entry.mode, entry.sha?)));
        Ok((!truncated).then(|| entries.collect()))
    }
}

fn reference(repository: &str, what: &str, branch: &str) -> String {
    let parts: Vec<&str> = ["git", what, "heads"].into_iter().chain(branch.split('/')).collect();
    within(repository, &parts)
}
