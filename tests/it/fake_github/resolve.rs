//! One field of one object, from the model.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value as Json, json};

use super::{
    graphql::{FieldError, Run},
    model::{Commit, Found, Model, OwnerKind, Repo, object_id},
    org::{self, OrgNode},
};

/// GitHub gives no more of a file's text than this.
pub const MAX_TEXT_BYTES: usize = 512 * 1024;

/// An object that a query can look into.
#[derive(Clone)]
pub enum Node<'m> {
    Query,
    RateLimit,
    /// The owner, where it is an organisation.
    Owner,
    /// Another organisation.
    Other(&'m str),
    /// A person by login, who may be the owner.
    Person(String),
    Repo(&'m Repo),
    Repos(Arc<ReposPage<'m>>),
    ReposEdge(&'m Repo, String),
    PageInfo {
        start: Option<String>,
        end: Option<String>,
        next: bool,
        previous: bool,
    },
    /// A branch by name.
    Ref(&'m Repo, String),
    Commit(&'m Repo, &'m Commit),
    Actor(&'m Commit),
    Blob(&'m Arc<Vec<u8>>),
    Tree(&'m Repo, &'m Commit, String),
    Entry(&'m Repo, &'m Commit, String),
    Topics(&'m Repo),
    RepoTopic(&'m str),
    Topic(&'m str),
    Language(&'m str),
    /// Of teams and members.
    Org(OrgNode<'m>),
    /// What is given as it was put in, with `__typename` in each object.
    Given(&'m Json),
}

/// A window on the sorted repositories.
pub struct ReposPage<'m> {
    repos: Vec<(&'m Repo, String)>,
    total: usize,
    next: bool,
    previous: bool,
}

pub enum Resolved<'m> {
    Leaf(Json),
    Object(Node<'m>),
    List(Vec<Resolved<'m>>),
    Failed(FieldError),
}

impl Node<'_> {
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::RateLimit => "RateLimit",
            Self::Owner | Self::Other(_) => "Organization",
            Self::Person(_) => "User",
            Self::Repo(_) => "Repository",
            Self::Repos(_) => "RepositoryConnection",
            Self::ReposEdge(..) => "RepositoryEdge",
            Self::PageInfo { .. } => "PageInfo",
            Self::Ref(..) => "Ref",
            Self::Commit(..) => "Commit",
            Self::Actor(_) => "GitActor",
            Self::Blob(_) => "Blob",
            Self::Tree(..) => "Tree",
            Self::Entry(..) => "TreeEntry",
            Self::Topics(_) => "RepositoryTopicConnection",
            Self::RepoTopic(_) => "RepositoryTopic",
            Self::Topic(_) => "Topic",
            Self::Language(_) => "Language",
            Self::Org(node) => node.type_name(),
            Self::Given(json) => given_type(json["__typename"].as_str().unwrap_or_default()),
        }
    }
}

fn leaf<'m>(value: impl Into<Json>) -> Result<Resolved<'m>, FieldError> {
    Ok(Resolved::Leaf(value.into()))
}

fn optional(node: Option<Node<'_>>) -> Result<Resolved<'_>, FieldError> {
    Ok(node.map_or(Resolved::Leaf(Json::Null), Resolved::Object))
}

fn date(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

pub fn node_id(kind: &str, id: impl std::fmt::Display) -> String {
    format!("{kind}_{}", hex::encode(id.to_string()))
}

pub fn resolve<'m>(
    run: &Run<'m, '_>,
    node: &Node<'m>,
    field: &str,
    args: &Map<String, Json>,
) -> Result<Resolved<'m>, FieldError> {
    let model = run.model;
    match node {
        Node::Query => query(model, field, args),
        Node::RateLimit => match field {
            "cost" => leaf(1),
            "nodeCount" => leaf(run.largest_first),
            "limit" => leaf(run.limits.limit),
            "remaining" => leaf(run.limits.remaining),
            "used" => leaf(run.limits.limit - run.limits.remaining),
            "resetAt" => leaf(run.limits.reset_at.clone()),
            _ => unknown(node, field),
        },
        Node::Owner => owner(run, model.owner.login.clone(), model.owner.id, field, args),
        Node::Other(login) => owner(run, (*login).to_owned(), 9_920, field, args),
        Node::Person(login) if *login == model.owner.login => owner(run, login.clone(), model.owner.id, field, args),
        Node::Person(login) => person(login, field),
        Node::Repo(repo) => repository(model, repo, field, args),
        Node::Repos(page) => match field {
            "totalCount" => leaf(page.total),
            "nodes" => Ok(Resolved::List(page.repos.iter().map(|(repo, _)| give(repo)).collect())),
            "edges" => {
                let edges = page.repos.iter().map(|(repo, cursor)| Resolved::Object(Node::ReposEdge(repo, cursor.clone())));
                Ok(Resolved::List(edges.collect()))
            }
            "pageInfo" => Ok(Resolved::Object(Node::PageInfo {
                start: page.repos.first().map(|(_, cursor)| cursor.clone()),
                end: page.repos.last().map(|(_, cursor)| cursor.clone()),
                next: page.next,
                previous: page.previous,
            })),
            _ => unknown(node, field),
        },
        Node::ReposEdge(repo, cursor) => match field {
            "cursor" => leaf(cursor.clone()),
            "node" => Ok(give(repo)),
            _ => unknown(node, field),
        },
        Node::PageInfo { start, end, next, previous } => match field {
            "startCursor" => leaf(start.clone()),
            "endCursor" => leaf(end.clone()),
            "hasNextPage" => leaf(*next),
            "hasPreviousPage" => leaf(*previous),
            _ => unknown(node, field),
        },
        Node::Ref(repo, branch) => match field {
            "id" => leaf(node_id("REF", format!("{}:{branch}", repo.id))),
            "name" => leaf(branch.clone()),
            "prefix" => leaf("refs/heads/"),
            "target" => optional(repo.find_commit(branch).map(|commit| Node::Commit(repo, commit))),
            _ => unknown(node, field),
        },
        Node::Commit(repo, commit) => match field {
            "id" => leaf(node_id("C", &commit.sha)),
            "oid" => leaf(commit.sha.clone()),
            "abbreviatedOid" => leaf(&commit.sha[..7]),
            "committedDate" => leaf(date(commit.at)),
            "message" => leaf(commit.message.clone()),
            "author" | "committer" => Ok(Resolved::Object(Node::Actor(commit))),
            "tree" => Ok(Resolved::Object(Node::Tree(repo, commit, String::new()))),
            "history" => {
                boundary(args, "history")?;
                Ok(given(&repo.news["history"]))
            }
            "file" => entry(repo, commit, args["path"].as_str().unwrap_or_default()),
            _ => unknown(node, field),
        },
        Node::Actor(commit) => match field {
            "name" => leaf(commit.author.clone()),
            "email" => leaf(format!("{}@example.com", commit.login.as_deref().unwrap_or("nobody"))),
            "date" => leaf(date(commit.at)),
            "user" => optional(commit.login.clone().map(Node::Person)),
            _ => unknown(node, field),
        },
        Node::Blob(contents) => blob(contents, field),
        Node::Tree(repo, commit, folder) => match field {
            "id" | "oid" => leaf(object_id(format!("tree {} {folder}", commit.sha).as_bytes())),
            "abbreviatedOid" => leaf(&object_id(format!("tree {} {folder}", commit.sha).as_bytes())[..7]),
            "entries" => {
                let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
                let entry = |name: String| Resolved::Object(Node::Entry(repo, commit, format!("{prefix}{name}")));
                Ok(Resolved::List(commit.list_folder(folder).into_iter().map(entry).collect()))
            }
            _ => unknown(node, field),
        },
        Node::Org(node) => org::resolve(node, field, args),
        Node::Given(json) => Ok(given(&json[field])),
        Node::Entry(repo, commit, path) => tree_entry(repo, commit, path, field),
        Node::Topics(repo) => match field {
            "totalCount" => leaf(repo.topics.len()),
            "nodes" => {
                let first = usize::try_from(boundary(args, "repositoryTopics").unwrap_or(100)).unwrap_or(100);
                Ok(Resolved::List(repo.topics.iter().take(first).map(|topic| Resolved::Object(Node::RepoTopic(topic))).collect()))
            }
            "pageInfo" => Ok(Resolved::Object(Node::PageInfo { start: None, end: None, next: false, previous: false })),
            _ => unknown(node, field),
        },
        Node::RepoTopic(topic) => match field {
            "id" => leaf(node_id("RT", topic)),
            "topic" => Ok(Resolved::Object(Node::Topic(topic))),
            _ => unknown(node, field),
        },
        Node::Topic(name) | Node::Language(name) => match field {
            "id" => leaf(node_id("T", name)),
            "name" => leaf(*name),
            _ => unknown(node, field),
        },
    }
}

const GIVEN: [&str; 13] = [
    "CheckSuite",
    "CheckSuiteConnection",
    "Commit",
    "CommitHistoryConnection",
    "Deployment",
    "DeploymentConnection",
    "DeploymentStatus",
    "PullRequest",
    "PullRequestConnection",
    "Ref",
    "User",
    "Workflow",
    "WorkflowRun",
];

fn given_type(name: &str) -> &'static str {
    GIVEN.into_iter().find(|known| *known == name).unwrap_or_else(|| panic!("the news hold no {name:?}"))
}

fn given(json: &Json) -> Resolved<'_> {
    match json {
        Json::Object(_) => Resolved::Object(Node::Given(json)),
        Json::Array(items) => Resolved::List(items.iter().map(given).collect()),
        leaf => Resolved::Leaf(leaf.clone()),
    }
}

fn unknown<'m>(node: &Node<'_>, field: &str) -> Result<Resolved<'m>, FieldError> {
    panic!("schema.graphql promises {}.{field}, which the fake cannot resolve", node.type_name())
}

fn give(repo: &Repo) -> Resolved<'_> {
    if repo.broken {
        let message = repo.broken_words.clone().unwrap_or_else(|| format!("Something is wrong with {}", repo.name));
        return Resolved::Failed(FieldError { kind: "SERVICE_UNAVAILABLE", message });
    }
    Resolved::Object(Node::Repo(repo))
}

fn query<'m>(model: &'m Model, field: &str, args: &Map<String, Json>) -> Result<Resolved<'m>, FieldError> {
    let login = args.get("login").and_then(Json::as_str).unwrap_or_default();
    let is_owner = login.eq_ignore_ascii_case(&model.owner.login);
    let owner = || match model.owner.kind {
        OwnerKind::Organization => Node::Owner,
        OwnerKind::User => Node::Person(model.owner.login.clone()),
    };
    let other = model.others.iter().find(|other| login.eq_ignore_ascii_case(other)).map(String::as_str);
    let missing = |what: &str| {
        let message = format!("Could not resolve to {what} with the login of '{login}'.");
        Err(FieldError { kind: "NOT_FOUND", message })
    };
    match field {
        "rateLimit" => Ok(Resolved::Object(Node::RateLimit)),
        "node" => by_id(model, args["id"].as_str().unwrap_or_default()),
        "nodes" => {
            let ids = args["ids"].as_array().map_or(&[][..], Vec::as_slice);
            if ids.len() > 100 {
                let message = format!("You may not provide more than 100 node ids; you provided {}.", ids.len());
                return Err(FieldError { kind: "ARGUMENT_LIMIT", message });
            }
            let item = |id: &Json| by_id(model, id.as_str().unwrap_or_default()).unwrap_or_else(Resolved::Failed);
            Ok(Resolved::List(ids.iter().map(item).collect()))
        }
        "viewer" => Ok(Resolved::Object(Node::Person("steward-bot".to_owned()))),
        "repositoryOwner" => optional(if is_owner { Some(owner()) } else { other.map(Node::Other) }),
        "organization" if is_owner && model.owner.kind == OwnerKind::Organization => Ok(Resolved::Object(owner())),
        "organization" => missing("an Organization"),
        "user" if is_owner && model.owner.kind == OwnerKind::User => Ok(Resolved::Object(owner())),
        "user" => missing("a User"),
        "repository" => {
            let (owner, name) = (args["owner"].as_str().unwrap_or_default(), args["name"].as_str().unwrap_or_default());
            let is_followed = args.get("followRenames").and_then(Json::as_bool).unwrap_or(true);
            let found = if is_followed { model.follow_name(name) } else { model.find_repo(name) };
            let found = found.filter(|_| owner.eq_ignore_ascii_case(&model.owner.login));
            let of_other = || model.repos_of(owner).find(|repo| repo.name.eq_ignore_ascii_case(name));
            match found.or_else(of_other) {
                Some(repo) => Ok(give(repo)),
                None => {
                    let message = format!("Could not resolve to a Repository with the name '{owner}/{name}'.");
                    Err(FieldError { kind: "NOT_FOUND", message })
                }
            }
        }
        _ => unknown(&Node::Query, field),
    }
}

fn by_id<'m>(model: &'m Model, id: &str) -> Result<Resolved<'m>, FieldError> {
    let number = id.strip_prefix("R_").and_then(|hex| String::from_utf8(hex::decode(hex).ok()?).ok()?.parse().ok());
    match number.and_then(|number| model.find_id(number)) {
        Some(repo) => Ok(give(repo)),
        None => {
            let message = format!("Could not resolve to a node with the global id of '{id}'");
            Err(FieldError { kind: "NOT_FOUND", message })
        }
    }
}

fn person<'m>(login: &str, field: &str) -> Result<Resolved<'m>, FieldError> {
    match field {
        "login" => leaf(login),
        "id" => leaf(node_id("U", login)),
        "databaseId" => leaf(4_242),
        "name" => leaf(login),
        "url" => leaf(format!("https://github.com/{login}")),
        "repository" => leaf(Json::Null),
        "repositories" => {
            Ok(Resolved::Object(Node::Repos(Arc::new(ReposPage { repos: Vec::new(), total: 0, next: false, previous: false }))))
        }
        _ => unknown(&Node::Person(login.to_owned()), field),
    }
}

fn owner<'m>(
    run: &Run<'m, '_>,
    login: String,
    id: i64,
    field: &str,
    args: &Map<String, Json>,
) -> Result<Resolved<'m>, FieldError> {
    match field {
        "login" | "name" => leaf(login.clone()),
        "id" => leaf(node_id("O", id)),
        "databaseId" => leaf(id),
        "description" => leaf(Json::Null),
        "url" => leaf(format!("https://github.com/{login}")),
        "repository" => {
            let name = args["name"].as_str().unwrap_or_default();
            let found = run.model.repos_of(&login).find(|repo| repo.name.eq_ignore_ascii_case(name));
            Ok(found.map_or(Resolved::Leaf(Json::Null), give))
        }
        "repositories" => repositories(run, &login, args),
        _ => org::of_owner(&run.model.people, field, args).unwrap_or_else(|| unknown(&Node::Owner, field)),
    }
}

fn boundary(args: &Map<String, Json>, connection: &str) -> Result<i64, FieldError> {
    let Some(first) = args.get("first").and_then(Json::as_i64) else {
        let message = format!("You must provide a `first` or `last` value to properly paginate the `{connection}` connection.");
        return Err(FieldError { kind: "MISSING_PAGINATION_BOUNDARIES", message });
    };
    if !(0..=100).contains(&first) {
        let message =
            format!("Requesting {first} records on the `{connection}` connection exceeds the `first` limit of 100 records.");
        return Err(FieldError { kind: "EXCESSIVE_PAGINATION", message });
    }
    Ok(first)
}

/// Cursors hold the sort key, so that they stay right when others come and go, as GitHub's do.
fn repositories<'m>(run: &Run<'m, '_>, login: &str, args: &Map<String, Json>) -> Result<Resolved<'m>, FieldError> {
    let first = usize::try_from(boundary(args, "repositories")?).unwrap_or(0);
    let order = args.get("orderBy").and_then(|order| order["field"].as_str()).unwrap_or("NAME");
    let descending = args.get("orderBy").is_some_and(|order| order["direction"] == "DESC");
    let key = |repo: &Repo| match order {
        "CREATED_AT" => date(repo.created_at),
        "UPDATED_AT" => date(repo.updated_at),
        "PUSHED_AT" => repo.pushed_at.map(date).unwrap_or_default(),
        "STARGAZERS" => "0".to_owned(),
        _ => repo.name.to_lowercase(),
    };
    let fits = |repo: &Repo| {
        let is = |name: &str, value: bool| args.get(name).and_then(Json::as_bool).is_none_or(|wanted| wanted == value);
        let visibility = args.get("visibility").and_then(Json::as_str);
        is("isArchived", repo.archived)
            && is("isFork", repo.fork)
            && visibility.is_none_or(|wanted| wanted.eq_ignore_ascii_case(&repo.visibility))
    };
    let mut sorted: Vec<_> =
        run.model.repos_of(login).filter(|repo| fits(repo)).map(|repo| ((key(repo), repo.id), repo)).collect();
    sorted.sort_by(|(left, _), (right, _)| left.cmp(right));
    if descending {
        sorted.reverse();
    }
    let total = sorted.len();
    let start = match args.get("after").and_then(Json::as_str) {
        None => 0,
        Some(cursor) => {
            let text = hex::decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let Some((at, id)) = text.as_deref().and_then(|text| text.strip_prefix("cursor:v2:")?.rsplit_once('|')) else {
                let message = format!("`{cursor}` does not appear to be a valid cursor.");
                return Err(FieldError { kind: "INVALID_CURSOR_ARGUMENTS", message });
            };
            let at = (at.to_owned(), id.parse().unwrap_or(0));
            sorted.iter().position(|(key, _)| if descending { *key < at } else { *key > at }).unwrap_or(total)
        }
    };
    let mut end = (start + first).min(total);
    let mut next = end < total;
    if run.limits.end_early {
        (end, next) = (start + (end - start) / 2, false);
    }
    let cursor = |(key, id): &(String, i64)| hex::encode(format!("cursor:v2:{key}|{id}"));
    let repos = sorted[start..end].iter().map(|(key, repo)| (*repo, cursor(key))).collect();
    Ok(Resolved::Object(Node::Repos(Arc::new(ReposPage { repos, total, next, previous: start > 0 }))))
}

fn repository<'m>(model: &'m Model, repo: &'m Repo, field: &str, args: &Map<String, Json>) -> Result<Resolved<'m>, FieldError> {
    let full_name = format!("{}/{}", repo.new_owner.as_deref().unwrap_or(&model.owner.login), repo.name);
    match field {
        "id" => leaf(node_id("R", repo.id)),
        "databaseId" => leaf(repo.id),
        "name" => leaf(repo.name.clone()),
        "url" => leaf(format!("https://github.com/{full_name}")),
        "nameWithOwner" => leaf(full_name),
        "description" => leaf(repo.description.clone()),
        "visibility" => leaf(repo.visibility.to_uppercase()),
        "isPrivate" => leaf(repo.visibility != "public"),
        "isArchived" => leaf(repo.archived),
        "isFork" => leaf(repo.fork),
        "isEmpty" => leaf(repo.commits.is_empty()),
        "createdAt" => leaf(date(repo.created_at)),
        "updatedAt" => leaf(date(repo.updated_at)),
        "pushedAt" => leaf(repo.pushed_at.map(date)),
        "owner" => query(model, "repositoryOwner", &Map::from_iter([("login".to_owned(), json!(model.owner.login))])),
        "primaryLanguage" => optional(repo.language.as_deref().map(Node::Language)),
        "repositoryTopics" => boundary(args, "repositoryTopics").map(|_| Resolved::Object(Node::Topics(repo))),
        "defaultBranchRef" => optional(repo.head().map(|_| Node::Ref(repo, repo.default_branch.clone()))),
        "ref" => {
            let name = args["qualifiedName"].as_str().unwrap_or_default();
            let branch = name.strip_prefix("refs/heads/").filter(|branch| *branch != "HEAD");
            let branch = branch.filter(|branch| repo.find_commit(branch).is_some());
            optional(branch.map(|branch| Node::Ref(repo, branch.to_owned())))
        }
        "pullRequests" | "deployments" => {
            boundary(args, field)?;
            match repo.news["forbidden"].as_str() {
                Some(forbidden) if forbidden == field => {
                    let message = "Resource not accessible by personal access token".to_owned();
                    Err(FieldError { kind: "FORBIDDEN", message })
                }
                _ => Ok(given(&repo.news[field])),
            }
        }
        "object" => {
            let text = |name: &str| args.get(name).and_then(Json::as_str);
            object(repo, text("expression").or(text("oid")).unwrap_or_default())
        }
        _ => unknown(&Node::Repo(repo), field),
    }
}

fn object<'m>(repo: &'m Repo, expression: &str) -> Result<Resolved<'m>, FieldError> {
    let (revision, path) = match expression.split_once(':') {
        Some((revision, path)) => (revision, Some(path)),
        None => (expression, None),
    };
    let Some(commit) = repo.find_commit(revision) else { return leaf(Json::Null) };
    let Some(path) = path else { return Ok(Resolved::Object(Node::Commit(repo, commit))) };
    if repo.broken_paths.iter().any(|broken| broken == path) {
        return Err(FieldError { kind: "SERVICE_UNAVAILABLE", message: format!("Could not read {path}") });
    }
    optional(commit.find_path(path).map(|found| match found {
        Found::Blob(contents) => Node::Blob(contents),
        Found::Tree(folder) => Node::Tree(repo, commit, folder),
    }))
}

fn entry<'m>(repo: &'m Repo, commit: &'m Commit, path: &str) -> Result<Resolved<'m>, FieldError> {
    optional(commit.find_path(path).map(|_| Node::Entry(repo, commit, path.trim_matches('/').to_owned())))
}

fn tree_entry<'m>(repo: &'m Repo, commit: &'m Commit, path: &str, field: &str) -> Result<Resolved<'m>, FieldError> {
    let found = commit.find_path(path).expect("entries are made from what is there");
    match (field, found) {
        ("name", _) => leaf(path.rsplit('/').next().unwrap_or(path)),
        ("path", _) => leaf(path),
        ("type", Found::Blob(_)) => leaf("blob"),
        ("type", Found::Tree(_)) => leaf("tree"),
        ("mode", Found::Blob(_)) if repo.links.iter().any(|link| link == path) => leaf(0o120_000),
        ("mode", Found::Blob(_)) => leaf(0o100_644),
        ("mode", Found::Tree(_)) => leaf(0o040_000),
        ("size", Found::Blob(contents)) => leaf(contents.len()),
        ("size", Found::Tree(_)) => leaf(0),
        ("oid", Found::Blob(contents)) => leaf(object_id(contents)),
        ("oid", Found::Tree(folder)) => leaf(object_id(format!("tree {} {folder}", commit.sha).as_bytes())),
        ("object", Found::Blob(contents)) => Ok(Resolved::Object(Node::Blob(contents))),
        ("object", Found::Tree(folder)) => Ok(Resolved::Object(Node::Tree(repo, commit, folder))),
        (_, _) => unknown(&Node::Entry(repo, commit, path.to_owned()), field),
    }
}

/// Whether GitHub would hold a file for binary.
pub fn is_binary(contents: &[u8]) -> bool {
    contents[..contents.len().min(8_000)].contains(&0) || std::str::from_utf8(contents).is_err()
}

fn blob<'m>(contents: &'m Arc<Vec<u8>>, field: &str) -> Result<Resolved<'m>, FieldError> {
    match field {
        "id" => leaf(node_id("B", object_id(contents))),
        "oid" => leaf(object_id(contents)),
        "abbreviatedOid" => leaf(&object_id(contents)[..7]),
        "byteSize" => leaf(contents.len()),
        "isBinary" => leaf(is_binary(contents)),
        "isTruncated" => leaf(contents.len() > MAX_TEXT_BYTES),
        "text" if is_binary(contents) => leaf(Json::Null),
        "text" => leaf(String::from_utf8_lossy(&contents[..contents.len().min(MAX_TEXT_BYTES)])),
        _ => unknown(&Node::Blob(contents), field),
    }
}
