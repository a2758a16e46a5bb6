//! What any source brings: repositories with their facts and the files read from them.
//! Nothing downstream knows which source it was.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A repository's facts as its source gives them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// The source's own stable number; survives rename and transfer.
    pub id: i64,
    /// `acme/payments-api`.
    pub full_name: String,
    /// Where a person looks at it, `https://github.com/acme/payments-api`.
    pub url: Option<String>,
    pub description: Option<String>,
    /// `None` while the repository is empty.
    pub default_branch: Option<String>,
    pub visibility: Visibility,
    pub archived: bool,
    pub fork: bool,
    pub topics: Vec<String>,
    /// The main language.
    pub language: Option<String>,
    pub pushed_at: Option<DateTime<Utc>>,
    /// The latest commit of the default branch.
    pub head: Option<Commit>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    Public,
    Private,
    Internal,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// 40 hex digits.
    pub sha: String,
    pub committed_at: Option<DateTime<Utc>>,
    /// Login where known, else the author's name.
    pub author: Option<String>,
}

/// One repository as it was read now: its facts and every file of interest that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryRead {
    pub repository: Repository,
    pub files: Vec<SourceFile>,
}

/// A file of interest at the head of the default branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the repository's root, with `/`.
    pub path: String,
    pub role: FileRole,
    pub contents: Contents,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileRole {
    Descriptor,
    Runbook,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// As stored; need not be UTF-8.
    Bytes(Vec<u8>),
    /// It exists and could not be read now; what was known of it stays. The text says why.
    Unreadable(String),
}

/// A part of a sweep, in the order the source gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePage {
    pub repositories: Vec<RepositoryRead>,
    /// How many repositories the whole sweep will bring, where the source says.
    pub total: Option<u64>,
}

/// What a sweep that reached its end says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SweepReport {
    pub graphql_requests: u64,
    pub rest_requests: u64,
    /// What could not be read although the sweep went on: where, and why.
    pub errors: Vec<SweepError>,
    /// How many repositories the source says there are; a sweep that brought fewer removes nothing.
    pub expected: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepError {
    /// `acme/payments-api`, or the API's address.
    pub location: String,
    pub message: String,
}

/// Paths at which a runbook is looked for, best first; matched without regard to case only as listed.
pub const RUNBOOK_PATHS: [&str; 4] = ["runbook.md", "docs/runbook.md", "RUNBOOK.md", "docs/RUNBOOK.md"];
