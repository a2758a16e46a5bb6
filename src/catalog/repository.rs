//! What any source brings: repositories with their facts and the files read from them.
//! Nothing downstream knows which source it was.

use std::{collections::HashMap, time::Instant};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<DateTime<Utc>>,
    /// The latest commit of the branch that is read.
    pub head: Option<Commit>,
    /// GitHub's GraphQL id, by which it is asked for again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<String>,
    /// The filter that keeps it out of answers: `archived`, `fork`, `repository`, `topics`, `visibility`. Its facts are kept for checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded: Option<String>,
    /// What its entities are taken for where others declare the same.
    #[serde(default, skip_serializing_if = "Authority::is_descriptor")]
    pub authority: Authority,
}

impl Repository {
    /// What stands for a list or an address that is read like a repository: it has no git behind it.
    pub fn without_git(id: i64, full_name: String, url: Option<String>, authority: Authority) -> Self {
        Self {
            id,
            full_name,
            url,
            description: None,
            default_branch: None,
            visibility: Visibility::Private,
            archived: false,
            fork: false,
            topics: Vec::new(),
            language: None,
            pushed_at: None,
            created_at: None,
            head: None,
            node_id: None,
            excluded: None,
            authority,
        }
    }
}

/// A number for what has none of its own: of its name, so that it stays the same.
///
/// It is above GitHub's numbers, so that nothing so numbered takes an entity from a repository there.
pub fn number_of(name: &str) -> i64 {
    let digest = Sha256::digest(name.as_bytes());
    let bytes: [u8; 8] = digest[..8].try_into().expect("a digest is longer");
    (i64::from_be_bytes(bytes) & 0x3fff_ffff_ffff_ffff) | 0x4000_0000_0000_0000
}

/// How much a claim to a person or a team weighs; the first is the strongest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authority {
    /// The HR system or identity provider: the `people` source.
    People,
    /// A file that somebody wrote.
    #[default]
    Descriptor,
    /// Teams and members as the code host knows them.
    Organisation,
    /// Another catalog, which is moved from: whatever else declares the same has taken it over.
    Migration,
}

impl Authority {
    pub fn is_descriptor(&self) -> bool {
        *self == Self::Descriptor
    }
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
    pub files: Files,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Files {
    /// The head is the one whose files are stored whole, or nothing is read of this repository: what is stored stands.
    AsKnown,
    /// Every file of interest that exists at the head.
    Read(Vec<SourceFile>),
}

impl Files {
    /// Those that were read now.
    pub fn read(&self) -> &[SourceFile] {
        match self {
            Self::AsKnown => &[],
            Self::Read(files) => files,
        }
    }
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
    /// A page of documentation: stored for search, not kept in memory.
    Doc,
    /// What a placeholder (`$text`, `$openapi`, …) or a file of another kind names; goes into the entity that names it.
    Attachment,
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
    /// When it was asked for: what was stored by a later question is newer.
    pub asked_at: Instant,
}

/// What a sweep that reached its end says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// What could not be read although the sweep went on: where, and why.
    pub errors: Vec<SweepError>,
    /// How many repositories the source says there are; a sweep that brought fewer removes nothing.
    pub expected: Option<u64>,
    /// Everything was asked for; else only what is new, and what did not come is not gone.
    pub scope: Scope,
    /// From where the next sweep may go on.
    pub mark: Option<SweepMark>,
}

/// How much of a source is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scope {
    #[default]
    Everything,
    /// What changed after [`Known::mark`]; a source that cannot tell, or that sees something is gone, reads everything.
    WhatIsNew,
}

/// How far a source has been read, in the source's own time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepMark {
    /// The latest push and the latest change of facts that had happened when the sweep began.
    pub pushed_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
    /// How many repositories the source counted beyond those that are stored, after the last sweep over everything. Who
    /// stores them counts; the source hands on what it was told.
    pub not_given: i64,
    /// How many sweeps over everything in a row did not bring all that the source counted.
    #[serde(default)]
    pub cut_short: u32,
}

/// What is known of a source, so that it need not be asked for again.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub scope: Scope,
    pub mark: Option<SweepMark>,
    /// Repositories that are stored and not removed. The commit is given where its files are stored whole, read as the
    /// source would read them now.
    pub heads: HashMap<i64, Option<String>>,
}

/// One repository to be looked at again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RepositoryKey {
    pub id: i64,
    /// GitHub's GraphQL id, where known.
    pub node_id: Option<String>,
    /// The name it had when it was last heard of.
    pub full_name: Option<String>,
}

/// What a second look at some repositories found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    pub found: Vec<RepositoryRead>,
    /// Those that the source says it does not have, or no longer has.
    pub gone: Vec<i64>,
    /// Those that could not be read now.
    pub errors: Vec<SweepError>,
    pub asked_at: Instant,
}

/// More files of one repository at the head that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesWanted {
    pub repository: RepositoryKey,
    /// 40 hex digits.
    pub head: String,
    /// Paths or globs relative to the root, each with what its files are for.
    pub patterns: Vec<(String, FileRole)>,
}

/// The files that [`FilesWanted`] led to, in the order of the wishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesFound {
    pub files: Vec<SourceFile>,
    /// What kept some from being read; they may be there.
    pub errors: Vec<SweepError>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepError {
    /// `acme/payments-api`, or the API's address.
    pub location: String,
    pub message: String,
}

/// Paths at which a runbook is looked for, best first; matched without regard to case only as listed.
pub const RUNBOOK_PATHS: [&str; 4] = ["runbook.md", "docs/runbook.md", "RUNBOOK.md", "docs/RUNBOOK.md"];
