//! Which repositories are read, and at which branch. Must not drop a repository: what is left out keeps its facts.

use regex::Regex;

use super::{GithubError, node::NodeFacts};
use crate::catalog::{Repository, Visibility};

/// Which repositories are read; all of them, at their default branches, by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// Regular expression that the whole name (without the owner) matches.
    pub repository: Option<String>,
    /// The branch that is read where it exists; each repository's default branch without it.
    pub branch: Option<String>,
    pub leave_archived: bool,
    pub leave_forks: bool,
    /// One of these is needed; any will do where none is listed.
    pub topics: Vec<String>,
    /// Any will do where none is listed.
    pub visibility: Vec<Visibility>,
}

/// The filters, ready to be asked.
#[derive(Debug, Clone)]
pub(super) struct Sieve {
    filters: Filters,
    name: Option<Regex>,
}

impl Sieve {
    pub(super) fn new(filters: Filters) -> Result<Self, GithubError> {
        let wrong = |key: &'static str| move |why: String| GithubError::Config { key, why };
        let name = filters.repository.as_deref().map(parse_name_filter).transpose().map_err(wrong("filters.repository"))?;
        if let Some(branch) = &filters.branch {
            check_branch(branch).map_err(wrong("filters.branch"))?;
        }
        Ok(Self { filters, name })
    }

    pub(super) fn branch(&self) -> Option<&str> {
        self.filters.branch.as_deref()
    }

    /// The facts, at the branch that is read, marked where a filter leaves the repository out.
    pub(super) fn apply(&self, facts: NodeFacts) -> Repository {
        let NodeFacts { mut repository, branch_head, updated_at: _ } = facts;
        let mut lacks_branch = false;
        if self.filters.branch.is_some() {
            lacks_branch = branch_head.is_none();
            repository.head = branch_head;
        }
        repository.excluded = self.reason(&repository, lacks_branch).map(str::to_owned);
        repository
    }

    /// The filter that leaves it out, the same one each time.
    fn reason(&self, repository: &Repository, lacks_branch: bool) -> Option<&'static str> {
        let Filters { repository: _, branch: _, leave_archived, leave_forks, topics, visibility } = &self.filters;
        let name = repository.full_name.split_once('/').map_or(repository.full_name.as_str(), |(_, name)| name);
        let has = |topic: &String| repository.topics.iter().any(|its| its.eq_ignore_ascii_case(topic));
        if *leave_archived && repository.archived {
            Some("archived")
        } else if *leave_forks && repository.fork {
            Some("fork")
        } else if self.name.as_ref().is_some_and(|pattern| !pattern.is_match(name)) {
            Some("repository")
        } else if !topics.is_empty() && !topics.iter().any(has) {
            Some("topics")
        } else if !visibility.is_empty() && !visibility.contains(&repository.visibility) {
            Some("visibility")
        } else if lacks_branch {
            Some("branch")
        } else {
            None
        }
    }
}

/// The pattern for whole names, or what is wrong with it.
fn parse_name_filter(text: &str) -> Result<Regex, String> {
    Regex::new(&format!("^(?:{text})$")).map_err(|error| format!("{text:?} is not a regular expression: {error}"))
}

/// What git allows as a branch's name, as far as it matters here. <https://git-scm.com/docs/git-check-ref-format>
fn check_branch(name: &str) -> Result<(), String> {
    let is_odd = |letter: char| letter.is_whitespace() || letter.is_control() || "~^:?*[\\".contains(letter);
    let is_wrong = name.is_empty()
        || name.starts_with(['/', '-'])
        || name.ends_with(['/', '.'])
        || name.contains("..")
        || name.contains("//")
        || name.chars().any(is_odd);
    if is_wrong { Err(format!("{name:?} is not the name of a branch; write default, or a name such as main")) } else { Ok(()) }
}
