//! One repository as GraphQL gives it, turned into the neutral form. Must not send anything.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::outline::numbered;
use crate::catalog::{Authority, Commit, Repository, Visibility};

/// A repository's facts, and what tells whether there is more to read of it.
#[derive(Debug)]
pub(super) struct NodeFacts {
    /// Its head is the default branch's.
    pub(super) repository: Repository,
    /// The head of the one branch that is asked for in all repositories, where it has that.
    pub(super) branch_head: Option<Commit>,
    /// When a fact of it changed last.
    pub(super) updated_at: Option<DateTime<Utc>>,
}

/// A file's text, or the reason to read it another way.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob {
    /// Absent where the path is a folder.
    pub(super) byte_size: Option<u64>,
    #[serde(default)]
    pub(super) is_truncated: bool,
    /// Absent where GitHub holds the file for binary.
    pub(super) text: Option<String>,
}

/// Reads one repository's facts.
pub(super) fn parse_facts(raw: &RawValue) -> Result<NodeFacts, serde_json::Error> {
    serde_json::from_str::<Facts>(raw.get()).map(NodeFacts::from)
}

/// Reads its files, by their place among the wanted ones: apart from the facts, since flattening would copy each once more,
/// and since the files of a known commit need not be read.
pub(super) fn parse_files(raw: &RawValue) -> Result<Vec<(usize, Blob)>, serde_json::Error> {
    let Files(files) = serde_json::from_str(raw.get())?;
    Ok(files)
}

/// The name alone, for a message about a repository that cannot be read.
pub(super) fn parse_name(raw: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Name {
        name_with_owner: String,
    }
    serde_json::from_str::<Name>(raw.get()).ok().map(|name| name.name_with_owner)
}

/// The place of a file among the wanted ones, from its alias.
pub(super) fn file_index(alias: &str) -> Option<usize> {
    numbered(alias, "file")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    id: Option<String>,
    database_id: i64,
    name_with_owner: String,
    url: Option<String>,
    description: Option<String>,
    visibility: WireVisibility,
    is_archived: bool,
    is_fork: bool,
    pushed_at: Option<DateTime<Utc>>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
    primary_language: Option<Named>,
    repository_topics: Option<Topics>,
    default_branch_ref: Option<BranchRef>,
    branch: Option<BranchRef>,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum WireVisibility {
    Public,
    Private,
    Internal,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Topics {
    nodes: Option<Vec<Option<RepositoryTopic>>>,
}

#[derive(Deserialize)]
struct RepositoryTopic {
    topic: Named,
}

#[derive(Deserialize)]
struct BranchRef {
    name: String,
    target: Option<Target>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    oid: String,
    committed_date: Option<DateTime<Utc>>,
    author: Option<Author>,
}

#[derive(Deserialize)]
struct Author {
    name: Option<String>,
    user: Option<User>,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

impl From<Target> for Commit {
    fn from(Target { oid, committed_date, author }: Target) -> Self {
        let author = author.and_then(|Author { name, user }| user.map(|user| user.login).or(name));
        Self { sha: oid, committed_at: committed_date, author }
    }
}

impl From<Facts> for NodeFacts {
    fn from(facts: Facts) -> Self {
        let topics = facts.repository_topics.and_then(|topics| topics.nodes).unwrap_or_default();
        let (default_branch, target) = match facts.default_branch_ref {
            Some(BranchRef { name, target }) => (Some(name), target),
            None => (None, None),
        };
        let branch_head = facts.branch.and_then(|branch| branch.target).map(Commit::from);
        let repository = Repository {
            id: facts.database_id,
            full_name: facts.name_with_owner,
            url: facts.url,
            description: facts.description.filter(|text| !text.is_empty()),
            default_branch,
            visibility: match facts.visibility {
                WireVisibility::Public => Visibility::Public,
                WireVisibility::Private => Visibility::Private,
                WireVisibility::Internal => Visibility::Internal,
            },
            archived: facts.is_archived,
            fork: facts.is_fork,
            topics: topics.into_iter().flatten().map(|topic| topic.topic.name).collect(),
            language: facts.primary_language.map(|language| language.name),
            pushed_at: facts.pushed_at,
            created_at: facts.created_at,
            head: target.map(Commit::from),
            node_id: facts.id,
            excluded: None,
            authority: Authority::Descriptor,
        };
        Self { repository, branch_head, updated_at: facts.updated_at }
    }
}

/// The aliased files; which aliases there are depends on the configured paths, so no struct can name them.
struct Files(Vec<(usize, Blob)>);

impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FilesVisitor)
    }
}

struct FilesVisitor;

impl<'de> Visitor<'de> for FilesVisitor {
    type Value = Files;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a repository")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Files, A::Error> {
        let mut files = Vec::new();
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            match file_index(&key) {
                Some(index) => files.extend(map.next_value::<Option<Blob>>()?.map(|blob| (index, blob))),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        files.retain(|(_, blob)| blob.byte_size.is_some());
        Ok(Files(files))
    }
}
