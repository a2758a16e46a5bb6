//! Git's own objects: blobs, trees, commits and what branches point to.

use std::{
    collections::{BTreeMap, HashMap},
    io::Write,
    sync::Arc,
};

use axum::response::{IntoResponse, Response};
use base64::prelude::{BASE64_STANDARD, Engine};
use chrono::{DateTime, SecondsFormat};
use serde_json::{Value as Json, json};

use super::{keep, nothing};
use crate::fake_github::{
    model::{Commit, Model, Repo, object_id},
    rest::{Asked, account_json},
    serve::{message, respond},
};

/// Path to mode and blob.
pub type TreeOf = BTreeMap<String, (String, String)>;

#[derive(Debug, Default)]
pub struct Git {
    pub blobs: HashMap<String, Arc<Vec<u8>>>,
    pub trees: HashMap<String, TreeOf>,
    commits: HashMap<String, GitCommit>,
}

#[derive(Debug, Clone)]
struct GitCommit {
    message: String,
    tree: String,
    parents: Vec<String>,
    author: String,
}

/// The commit that GitHub begins a repository with.
pub fn begin(model: &mut Model, name: &str) {
    let text = format!("# {name}\n");
    model.push(name, &[("README.md", Some(text.as_bytes()))]);
    model.repo_mut(name).commits[0].message = "Initial commit".to_owned();
}

pub fn make_default(model: &mut Model, name: &str, branch: &str) -> bool {
    let repo = model.repo_mut(name);
    if repo.default_branch == branch {
        return true;
    }
    let Some(head) = repo.branches.remove(branch) else { return false };
    let former = std::mem::replace(&mut repo.default_branch, branch.to_owned());
    if let Some(commit) = repo.commits.last().cloned() {
        repo.branches.insert(former, commit);
    }
    repo.side.extend(std::mem::take(&mut repo.commits));
    let chain = chain(model, name, &head.sha);
    model.repo_mut(name).commits = chain;
    true
}

pub fn routes(model: &mut Model, asked: &Asked<'_>, name: &str, place: &[&str]) -> Option<Response> {
    let body = asked.json();
    let is_empty = model.find_repo(name)?.commits.is_empty();
    let is_git = matches!(place, ["git", ..] | ["commits"]) || matches!(place, ["commits", _] if asked.method == "GET");
    if is_git && is_empty {
        return Some(message(409, "Git Repository is empty."));
    }
    Some(match (asked.method.as_str(), place) {
        ("POST", ["git", "blobs"]) => {
            let text = body["content"].as_str().unwrap_or_default();
            let contents = match body["encoding"].as_str() {
                Some("base64") => BASE64_STANDARD.decode(text).unwrap_or_default(),
                _ => text.as_bytes().to_vec(),
            };
            respond(201, &json!({ "sha": keep(model, contents), "url": "" }))
        }
        ("POST", ["git", "trees"]) => make_tree(model, &body),
        ("GET", ["git", "trees", sha]) => match model.made.git.trees.get(*sha) {
            None => message(404, "Not Found"),
            Some(tree) => {
                let entry = |(path, (mode, blob)): (&String, &(String, String))| json!({ "path": path, "mode": mode, "type": "blob", "sha": blob, "size": 1, "url": "" });
                respond(200, &json!({ "sha": sha, "truncated": false, "tree": tree.iter().map(entry).collect::<Vec<_>>() }))
            }
        },
        ("POST", ["git", "commits"]) => {
            let tree = body["tree"].as_str().unwrap_or_default().to_owned();
            if !model.made.git.trees.contains_key(&tree) {
                return Some(message(422, "Tree SHA does not exist"));
            }
            let parents: Vec<String> = serde_json::from_value(body["parents"].clone()).unwrap_or_default();
            let text = body["message"].as_str().unwrap_or_default().to_owned();
            let author = body["author"]["name"].as_str().unwrap_or("steward-bot").to_owned();
            let sha = object_id(format!("{body} {}", model.made.git.commits.len()).as_bytes());
            let commit = GitCommit { message: text.clone(), tree: tree.clone(), parents, author };
            model.made.git.commits.insert(sha.clone(), commit);
            respond(201, &json!({ "sha": sha, "tree": { "sha": tree }, "message": text, "parents": body["parents"] }))
        }
        ("GET", ["git", "ref", "heads", branch @ ..]) => {
            let branch = branch.join("/");
            let repo = model.find_repo(name)?;
            let is_branch = branch == repo.default_branch || repo.branches.contains_key(&branch);
            match repo.find_commit(&branch).filter(|_| is_branch) {
                Some(commit) => respond(200, &json!({ "ref": format!("refs/heads/{branch}"), "object": { "sha": commit.sha } })),
                None => message(404, "Not Found"),
            }
        }
        ("POST", ["git", "refs"]) => {
            let branch = body["ref"].as_str().and_then(|name| name.strip_prefix("refs/heads/")).unwrap_or_default().to_owned();
            let sha = body["sha"].as_str().unwrap_or_default();
            let repo = model.find_repo(name)?;
            if branch == repo.default_branch || repo.branches.contains_key(&branch) {
                return Some(message(422, "Reference already exists"));
            }
            if !set_branch(model, name, &branch, sha) {
                return Some(message(422, "Object does not exist"));
            }
            respond(201, &json!({ "ref": format!("refs/heads/{branch}"), "object": { "sha": sha } }))
        }
        ("PATCH", ["git", "refs", "heads", branch @ ..]) => {
            let (branch, sha) = (branch.join("/"), body["sha"].as_str().unwrap_or_default());
            let repo = model.find_repo(name)?;
            let head = if branch == repo.default_branch { repo.head() } else { repo.branches.get(&branch) };
            let Some(head) = head.map(|head| head.sha.clone()) else {
                return Some(message(422, "Reference does not exist"));
            };
            let follows = chain(model, name, sha).iter().any(|commit| commit.sha == head);
            if body["force"] != json!(true) && !follows {
                return Some(message(422, "Update is not a fast forward"));
            }
            if !set_branch(model, name, &branch, sha) {
                return Some(message(422, "Object does not exist"));
            }
            for pull in model.made.pulls.iter_mut().filter(|pull| pull["head"]["ref"] == branch && pull["repository"] == *name) {
                pull["head"]["sha"] = json!(sha);
            }
            respond(200, &json!({ "ref": format!("refs/heads/{branch}"), "object": { "sha": sha } }))
        }
        ("DELETE", ["git", "refs", "heads", branch @ ..]) => match model.repo_mut(name).branches.remove(&branch.join("/")) {
            Some(_) => nothing(),
            None => message(422, "Reference does not exist"),
        },
        ("GET", ["commits"]) => {
            let repo = model.find_repo(name)?;
            if repo.commits.is_empty() {
                return Some(message(409, "Git Repository is empty."));
            }
            let revision = asked.query.get("sha").map_or("HEAD", String::as_str);
            let Some(head) = repo.find_commit(revision).map(|commit| commit.sha.clone()) else {
                return Some(message(404, "Not Found"));
            };
            let since = asked.query.get("since").and_then(|at| DateTime::parse_from_rfc3339(at).ok());
            let number = |key: &str, or: usize| asked.query.get(key).and_then(|text| text.parse().ok()).unwrap_or(or).max(1);
            let (size, page) = (number("per_page", 30).min(100), number("page", 1));
            let commits = chain(model, name, &head);
            let wanted = (0..commits.len()).rev().filter(|at| since.is_none_or(|since| commits[*at].at >= since));
            let listed: Vec<Json> = wanted
                .skip((page - 1) * size)
                .take(size)
                .map(|at| commit_json(model, asked.url, name, &commits[at], at.checked_sub(1).map(|at| &commits[at])))
                .collect();
            respond(200, &Json::Array(listed))
        }
        ("GET", ["commits", revision]) => {
            let repo = model.find_repo(name)?;
            let Some(head) = repo.find_commit(revision).map(|commit| commit.sha.clone()) else {
                return Some(message(422, &format!("No commit found for SHA: {revision}")));
            };
            let commits = chain(model, name, &head);
            let (last, before) = commits.split_last()?;
            let mut whole = commit_json(model, asked.url, name, last, before.last());
            let changed =
                last.files.iter().filter(|(path, text)| before.last().and_then(|before| before.files.get(*path)) != Some(text));
            let file = |(path, text): (&String, &Arc<Vec<u8>>)| {
                let lines = text.split(|byte| *byte == b'\n').count();
                let html = format!("https://github.com/{}/{name}", model.owner.login);
                json!({
                    "sha": object_id(text), "filename": path, "status": "added",
                    "additions": lines, "deletions": 0, "changes": lines,
                    "blob_url": format!("{html}/blob/{}/{path}", last.sha), "raw_url": format!("{html}/raw/{}/{path}", last.sha),
                    "contents_url": format!("{}/repos/{}/{name}/contents/{path}?ref={}", asked.url, model.owner.login, last.sha),
                })
            };
            whole["files"] = changed.map(file).collect();
            respond(200, &whole)
        }
        ("GET", ["tarball", revision @ ..]) => {
            let repo = model.find_repo(name)?;
            let Some(commit) = repo.find_commit(&revision.join("/")) else { return Some(message(404, "Not Found")) };
            let mut response = message(302, "Found");
            let to = format!("{}/repos/{}/{name}/packed/{}", asked.url, model.owner.login, commit.sha);
            response.headers_mut().insert("location", to.parse().expect("an address"));
            response
        }
        ("GET", ["packed", sha]) => pack(model, model.find_repo(name)?, sha),
        _ => return None,
    })
}

fn pack(model: &Model, repo: &Repo, sha: &str) -> Response {
    let Some(commit) = repo.find_commit(sha) else { return message(404, "Not Found") };
    let root = format!("{}-{}-{}", model.owner.login, repo.name, &sha[..7]);
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (path, contents) in &commit.files {
        let mut header = tar::Header::new_gnu();
        let is_link = repo.links.contains(path);
        header.set_mode(if path.ends_with(".sh") { 0o755 } else { 0o644 });
        if is_link {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            let target = String::from_utf8_lossy(contents).into_owned();
            archive.append_link(&mut header, format!("{root}/{path}"), target).expect("written to memory");
        } else {
            header.set_size(contents.len() as u64);
            archive.append_data(&mut header, format!("{root}/{path}"), contents.as_slice()).expect("written to memory");
        }
    }
    let mut packed = archive.into_inner().expect("written to memory");
    packed.flush().expect("written to memory");
    ([("content-type", "application/x-gzip")], packed.finish().expect("written to memory")).into_response()
}

fn make_tree(model: &mut Model, body: &Json) -> Response {
    let mut tree = match body["base_tree"].as_str() {
        None => TreeOf::new(),
        Some(base) => match model.made.git.trees.get(base) {
            Some(tree) => tree.clone(),
            None => return message(422, "Tree SHA does not exist"),
        },
    };
    let entries = body["tree"].as_array().cloned().unwrap_or_default();
    if entries.is_empty() {
        return message(422, "Invalid tree info");
    }
    for entry in entries {
        let (Some(path), Some(mode)) = (entry["path"].as_str(), entry["mode"].as_str()) else {
            return message(422, "Must supply a valid tree.mode");
        };
        if path.starts_with('/') || path.split('/').any(|part| part == ".git" || part.is_empty()) {
            return message(422, "tree.path contains a malformed path component");
        }
        let blob = match (&entry["content"], &entry["sha"]) {
            (Json::String(text), _) => keep(model, text.as_bytes().to_vec()),
            (_, Json::String(sha)) if model.made.git.blobs.contains_key(sha) => sha.clone(),
            (Json::Null, Json::Null) => {
                if tree.remove(path).is_none() {
                    return message(422, "GitRPC::BadObjectState");
                }
                continue;
            }
            _ => return message(422, "tree.sha is not a valid blob"),
        };
        tree.insert(path.to_owned(), (mode.to_owned(), blob));
    }
    let sha = keep_tree(model, tree);
    respond(201, &json!({ "sha": sha, "truncated": false }))
}

fn keep_tree(model: &mut Model, tree: TreeOf) -> String {
    let sha = object_id(format!("tree {tree:?}").as_bytes());
    model.made.git.trees.insert(sha.clone(), tree);
    sha
}

/// A commit and those before it, oldest first.
fn chain(model: &Model, name: &str, sha: &str) -> Vec<Commit> {
    let repo = model.find_repo(name).expect("the fake has it");
    if let Some(at) = repo.commits.iter().position(|commit| commit.sha == sha) {
        return repo.commits[..=at].to_vec();
    }
    let Some(made) = model.made.git.commits.get(sha) else {
        return repo.find_commit(sha).cloned().into_iter().collect();
    };
    let mut before = made.parents.first().map(|parent| chain(model, name, parent)).unwrap_or_default();
    let tree = &model.made.git.trees[&made.tree];
    let files = tree.iter().map(|(path, (_, blob))| (path.clone(), Arc::clone(&model.made.git.blobs[blob]))).collect();
    before.push(Commit {
        sha: sha.to_owned(),
        at: model.now,
        author: made.author.clone(),
        login: None,
        message: made.message.clone(),
        files,
    });
    before
}

/// False where there is no such commit.
fn set_branch(model: &mut Model, name: &str, branch: &str, sha: &str) -> bool {
    let commits = chain(model, name, sha);
    let Some(head) = commits.last().cloned() else { return false };
    let links = model.made.git.commits.get(sha).map(|made| {
        let tree = &model.made.git.trees[&made.tree];
        tree.iter().filter(|(_, (mode, _))| mode == "120000").map(|(path, _)| path.clone()).collect::<Vec<_>>()
    });
    let now = model.tick();
    let repo = model.repo_mut(name);
    if branch == repo.default_branch {
        repo.commits = commits;
        repo.links = links.unwrap_or_default();
    } else {
        repo.branches.insert(branch.to_owned(), head);
    }
    (repo.pushed_at, repo.updated_at) = (Some(now), now);
    true
}

fn commit_json(model: &mut Model, url: &str, name: &str, commit: &Commit, before: Option<&Commit>) -> Json {
    let known = model.made.git.commits.get(&commit.sha).map(|made| made.tree.clone());
    let tree = known.unwrap_or_else(|| {
        let entries = commit.files.iter().map(|(path, text)| (path.clone(), ("100644".to_owned(), keep(model, text.to_vec()))));
        let entries: TreeOf = entries.collect();
        keep_tree(model, entries)
    });
    let full_name = format!("{}/{name}", model.owner.login);
    let place = format!("{url}/repos/{full_name}");
    let (api, html) = (format!("{place}/commits"), format!("https://github.com/{full_name}/commit"));
    let link = |sha: &str| json!({ "sha": sha, "url": format!("{api}/{sha}"), "html_url": format!("{html}/{sha}") });
    let parents: Vec<Json> = before.into_iter().map(|before| link(&before.sha)).collect();
    let at = commit.at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let person = json!({ "name": commit.author, "email": "ada@example.com", "date": at });
    let verification =
        json!({ "verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null });
    let facts = json!({
        "message": commit.message, "tree": { "sha": tree, "url": format!("{place}/git/trees/{tree}") },
        "author": person, "committer": person, "url": format!("{place}/git/commits/{}", commit.sha), "comment_count": 0,
        "verification": verification,
    });
    // GitHub knows an author by the address of the commit, and not each.
    let author = commit.login.as_deref().map(|login| account_json(model, url, login));
    let mut whole = link(&commit.sha);
    for (key, value) in [
        ("node_id", json!(format!("C_{}", commit.sha))),
        ("commit", facts),
        ("comments_url", json!(format!("{api}/{}/comments", commit.sha))),
        ("author", json!(author)),
        ("committer", json!(author)),
        ("parents", json!(parents)),
    ] {
        whole[key] = value;
    }
    whole
}
