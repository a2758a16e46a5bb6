//! What a GitHub knows: one owner, its repositories, their commits and files. No HTTP, no JSON.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerKind {
    Organization,
    User,
}

#[derive(Debug, Clone)]
pub struct Owner {
    pub login: String,
    pub id: i64,
    pub kind: OwnerKind,
}

#[derive(Debug, Clone)]
pub struct Repo {
    pub id: i64,
    pub name: String,
    /// Names that still lead here.
    pub former_names: Vec<String>,
    /// Where it is not the model's owner any more.
    pub new_owner: Option<String>,
    pub description: Option<String>,
    pub default_branch: String,
    pub visibility: String,
    pub archived: bool,
    pub fork: bool,
    pub topics: Vec<String>,
    pub language: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub pushed_at: Option<DateTime<Utc>>,
    /// Of the default branch, oldest first.
    pub commits: Vec<Commit>,
    /// Other branches by name, each with its latest commit.
    pub branches: BTreeMap<String, Commit>,
    /// Paths that are symbolic links.
    pub links: Vec<String>,
    /// Of other branches, each with its whole tree.
    pub side: Vec<Commit>,
    /// What GitHub fails to give of it: the whole repository, or these paths.
    pub broken: bool,
    /// What it says then; by default that something is wrong with it.
    pub broken_words: Option<String>,
    pub broken_paths: Vec<String>,
    /// `pullRequests`, `deployments` and `history` as GraphQL gives them.
    pub news: serde_json::Value,
}

#[derive(Debug, Clone)]
pub struct Commit {
    pub sha: String,
    pub at: DateTime<Utc>,
    pub author: String,
    /// The author's account, where GitHub knows one.
    pub login: Option<String>,
    pub message: String,
    pub files: BTreeMap<String, Arc<Vec<u8>>>,
}

#[derive(Debug)]
pub struct Model {
    pub owner: Owner,
    /// By creation.
    pub repos: Vec<Repo>,
    /// Other organisations; what they have are repositories that went to them.
    pub others: Vec<String>,
    /// Those that went to other owners.
    pub elsewhere: Vec<Repo>,
    /// Moves on by a minute with every verb.
    pub now: DateTime<Utc>,
    /// Pull requests, and what was written beside them and beside commits.
    pub written: super::write::Written,
    /// Teams and members.
    pub people: super::org::People,
    pub device: super::device::Device,
    /// What was made besides repositories and commits.
    pub made: super::made::Made,
    next_id: i64,
    pub graph: super::sbom::Graph,
}

impl Model {
    pub fn new(login: &str, kind: OwnerKind) -> Self {
        let now = DateTime::from_timestamp(1_767_225_600, 0).expect("a moment in 2026");
        Self {
            owner: Owner { login: login.to_owned(), id: 9_919, kind },
            repos: Vec::new(),
            others: Vec::new(),
            elsewhere: Vec::new(),
            now,
            written: Default::default(),
            people: Default::default(),
            device: Default::default(),
            made: Default::default(),
            next_id: 700_001,
            graph: Default::default(),
        }
    }

    pub fn tick(&mut self) -> DateTime<Utc> {
        self.now += TimeDelta::minutes(1);
        self.now
    }

    /// Creates an empty repository.
    pub fn add_repo(&mut self, name: &str) -> &mut Repo {
        let now = self.tick();
        let id = self.next_id;
        self.next_id += 1;
        self.repos.push(Repo {
            id,
            name: name.to_owned(),
            former_names: Vec::new(),
            new_owner: None,
            description: None,
            default_branch: "main".to_owned(),
            visibility: "private".to_owned(),
            archived: false,
            fork: false,
            topics: Vec::new(),
            language: None,
            created_at: now,
            updated_at: now,
            pushed_at: None,
            commits: Vec::new(),
            branches: BTreeMap::new(),
            links: Vec::new(),
            side: Vec::new(),
            broken: false,
            broken_words: None,
            broken_paths: Vec::new(),
            news: serde_json::Value::Null,
        });
        self.repos.last_mut().expect("it was pushed just now")
    }

    pub fn find_repo(&self, name: &str) -> Option<&Repo> {
        self.repos.iter().find(|repo| repo.name.eq_ignore_ascii_case(name))
    }

    /// As GitHub finds it by name: former names lead on unless another repository took them.
    pub fn follow_name(&self, name: &str) -> Option<&Repo> {
        let had = |repo: &&Repo| repo.former_names.iter().any(|former| former.eq_ignore_ascii_case(name));
        self.find_repo(name).or_else(|| self.repos.iter().chain(&self.elsewhere).find(had))
    }

    /// What belongs to an owner, the model's or another.
    pub fn repos_of(&self, login: &str) -> impl Iterator<Item = &Repo> {
        let is_own = login.eq_ignore_ascii_case(&self.owner.login);
        let own = self.repos.iter().filter(move |_| is_own);
        let went = self.elsewhere.iter();
        own.chain(went.filter(move |repo| repo.new_owner.as_deref().is_some_and(|owner| owner.eq_ignore_ascii_case(login))))
    }

    pub fn find_id(&self, id: i64) -> Option<&Repo> {
        self.repos.iter().chain(&self.elsewhere).find(|repo| repo.id == id)
    }

    pub fn repo_mut(&mut self, name: &str) -> &mut Repo {
        let found = self.repos.iter_mut().chain(&mut self.elsewhere).find(|repo| repo.name == name);
        found.unwrap_or_else(|| panic!("the fake has no repository {name}"))
    }

    /// Commits a change of files to the default branch: contents, or `None` to delete; gives the commit.
    pub fn push(&mut self, name: &str, changes: &[(&str, Option<&[u8]>)]) -> String {
        let now = self.tick();
        let repo = self.repo_mut(name);
        let mut files = repo.commits.last().map(|commit| commit.files.clone()).unwrap_or_default();
        for (path, contents) in changes {
            match contents {
                Some(contents) => drop(files.insert((*path).to_owned(), Arc::new(contents.to_vec()))),
                None => drop(files.remove(*path)),
            }
        }
        let sha = object_id(format!("commit {} {} {now}", repo.id, repo.commits.len()).as_bytes());
        let (author, login) = ("Ada Example".to_owned(), Some("ada".to_owned()));
        repo.commits.push(Commit { sha: sha.clone(), at: now, author, login, message: "Change files".to_owned(), files });
        (repo.pushed_at, repo.updated_at) = (Some(now), now);
        sha
    }

    /// Commits to a branch that is not the default one, made from that where it is new; gives the commit.
    pub fn push_branch(&mut self, name: &str, branch: &str, path: &str, contents: &[u8]) -> String {
        let now = self.tick();
        let repo = self.repo_mut(name);
        let before = repo.branches.get(branch).or(repo.commits.last()).cloned();
        let mut files = before.map(|commit| commit.files).unwrap_or_default();
        files.insert(path.to_owned(), Arc::new(contents.to_vec()));
        let sha = object_id(format!("commit {} {branch} {now}", repo.id).as_bytes());
        let (author, login) = ("Ada Example".to_owned(), Some("ada".to_owned()));
        let commit = Commit { sha: sha.clone(), at: now, author, login, message: "Change files".to_owned(), files };
        repo.branches.insert(branch.to_owned(), commit);
        (repo.pushed_at, repo.updated_at) = (Some(now), now);
        sha
    }

    /// Changes facts of a repository.
    pub fn change(&mut self, name: &str, with: impl FnOnce(&mut Repo)) {
        let now = self.tick();
        let repo = self.repo_mut(name);
        with(repo);
        repo.updated_at = now;
    }

    /// Gives a repository to another owner.
    pub fn transfer_repo(&mut self, name: &str, to: &str) {
        self.tick();
        let at = self.repos.iter().position(|repo| repo.name == name).expect("the fake has it");
        let mut repo = self.repos.remove(at);
        repo.former_names.push(repo.name.clone());
        repo.new_owner = Some(to.to_owned());
        self.elsewhere.push(repo);
    }

    /// A repository that went to another owner comes back as it is.
    pub fn take_back(&mut self, name: &str) {
        let at = self.elsewhere.iter().position(|repo| repo.name == name).expect("it went there");
        let mut repo = self.elsewhere.remove(at);
        repo.new_owner = None;
        let place = self.repos.partition_point(|known| known.created_at < repo.created_at);
        self.repos.insert(place, repo);
        self.change(name, |_| {});
    }

    pub fn delete_repo(&mut self, name: &str) {
        self.repos.retain(|repo| repo.name != name);
    }
}

impl Repo {
    pub fn head(&self) -> Option<&Commit> {
        self.commits.last()
    }

    /// A commit by branch, `HEAD` or hash.
    pub fn find_commit(&self, revision: &str) -> Option<&Commit> {
        let revision = revision.strip_prefix("refs/heads/").unwrap_or(revision);
        if revision == "HEAD" || revision == self.default_branch {
            return self.head();
        }
        let branch = self.branches.get(revision);
        let all = || self.commits.iter().chain(self.branches.values()).chain(&self.side);
        branch.or_else(|| all().find(|commit| commit.sha == revision))
    }
}

/// 40 hex digits that depend on the contents alone, as git's do.
pub fn object_id(contents: &[u8]) -> String {
    hex::encode(&Sha256::digest(contents)[..20])
}

/// What a path is in a commit.
pub enum Found<'m> {
    Blob(&'m Arc<Vec<u8>>),
    /// The folder's path, without a slash at its end; empty for the root.
    Tree(String),
}

impl Commit {
    pub fn find_path(&self, path: &str) -> Option<Found<'_>> {
        let path = path.trim_matches('/');
        if let Some(contents) = self.files.get(path) {
            return Some(Found::Blob(contents));
        }
        let folder =
            path.is_empty() || self.files.keys().any(|file| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')));
        folder.then(|| Found::Tree(path.to_owned()))
    }

    /// Names in a folder, files and folders, in order.
    pub fn list_folder(&self, folder: &str) -> Vec<String> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let inside = self.files.keys().filter_map(|path| path.strip_prefix(&prefix));
        let mut names: Vec<_> = inside.map(|rest| rest.split('/').next().unwrap_or(rest).to_owned()).collect();
        names.dedup();
        names
    }
}
