//! Pull requests and what is written beside them and beside commits: check runs, statuses, comments.
//! The answers hold the fields that a reader may need; a pull request's are a small part of GitHub's.

use std::sync::Arc;

use axum::{
    http::{HeaderValue, Method},
    response::Response,
};
use chrono::SecondsFormat;
use serde_json::{Value as Json, json};

use super::{
    FakeGithub,
    model::{Commit, Model, object_id},
    rest::Asked,
    serve::{message, respond},
};

/// The account that the token is of.
const BOT: &str = "steward-bot";

#[derive(Debug, Clone)]
pub struct Pull {
    pub repository: String,
    pub number: i64,
    pub head: String,
    pub is_open: bool,
    /// Path and status.
    pub files: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
pub struct Comment {
    pub id: i64,
    pub author: String,
    /// `issues/7` or `commits/SHA`, below the repository.
    pub place: String,
    pub body: String,
}

/// What was written, in order.
#[derive(Debug, Clone, Default)]
pub struct Written {
    pub pulls: Vec<Pull>,
    pub comments: Vec<Comment>,
    /// Commit and body, as sent.
    pub statuses: Vec<(String, Json)>,
    /// As they are now, with all annotations in `output.annotations`.
    pub check_runs: Vec<Json>,
    /// Sizes of the annotation lists that were sent.
    pub annotation_batches: Vec<usize>,
    pub is_read_only: bool,
    /// Requests that changed something.
    pub writes: u64,
}

impl FakeGithub {
    /// Opens a pull request with these files, or pushes to one that is there; gives its head.
    pub fn propose(&self, repository: &str, number: i64, files: &[(&str, Option<&str>)]) -> String {
        self.model(|model| {
            let now = model.now;
            let repo = model.repo_mut(repository);
            let mut tree = repo.head().map(|head| head.files.clone()).unwrap_or_default();
            let mut changed = Vec::new();
            for (path, text) in files {
                let was_there = tree.contains_key(*path);
                match text {
                    Some(text) => drop(tree.insert((*path).to_owned(), Arc::new(text.as_bytes().to_vec()))),
                    None => drop(tree.remove(*path)),
                }
                let status = match (was_there, text) {
                    (_, None) => "removed",
                    (true, Some(_)) => "modified",
                    (false, Some(_)) => "added",
                };
                changed.push(((*path).to_owned(), status.to_owned()));
            }
            let head = object_id(format!("side {} {number} {}", repo.id, repo.side.len()).as_bytes());
            repo.side.push(Commit {
                sha: head.clone(),
                at: now,
                author: "Ada Example".to_owned(),
                login: Some("ada".to_owned()),
                message: "Propose".to_owned(),
                files: tree,
            });
            let pull = Pull { repository: repository.to_owned(), number, head: head.clone(), is_open: true, files: changed };
            model.written.pulls.retain(|known| (known.repository.as_str(), known.number) != (repository, number));
            model.written.pulls.push(pull);
            head
        })
    }

    pub fn written(&self) -> Written {
        self.model(|model| model.written.clone())
    }

    /// The token may read only, from now on or no longer.
    pub fn set_read_only(&self, is_read_only: bool) {
        self.model(|model| model.written.is_read_only = is_read_only);
    }

    /// Somebody else says something.
    pub fn comment(&self, place: &str, author: &str, body: &str) {
        self.model(|model| say(model, place, author, body));
    }
}

fn say(model: &mut Model, place: &str, author: &str, body: &str) -> Comment {
    let id = 5_000 + model.written.comments.len() as i64;
    let comment = Comment { id, author: author.to_owned(), place: place.to_owned(), body: body.to_owned() };
    model.written.comments.push(comment.clone());
    comment
}

/// The group of paths for `rest`.
pub fn routes(model: &mut Model, asked: &Asked<'_>) -> Option<Response> {
    let segments = asked.segments();
    let ["repos", login, name, place @ ..] = &segments[..] else { return None };
    let place: Vec<String> = place.iter().map(|segment| (*segment).to_owned()).collect();
    let place: Vec<&str> = place.iter().map(String::as_str).collect();
    if !matches!(place.first(), Some(&"pulls" | &"check-runs" | &"statuses" | &"issues" | &"commits")) {
        return None;
    }
    let known = login.eq_ignore_ascii_case(&model.owner.login).then(|| model.find_repo(name).map(|repo| repo.name.clone()));
    let Some(repository) = known.flatten() else { return Some(message(404, "Not Found")) };
    if asked.method == Method::GET {
        return Some(read(model, asked, &repository, &place));
    }
    if model.written.is_read_only {
        return Some(message(403, "Resource not accessible by personal access token"));
    }
    model.written.writes += 1;
    Some(write(model, asked, &repository, &place))
}

fn read(model: &Model, asked: &Asked<'_>, repository: &str, place: &[&str]) -> Response {
    let not_found = || message(404, "Not Found");
    let commit = |sha: &str| model.find_repo(repository).and_then(|repo| repo.find_commit(sha));
    match place {
        ["pulls", number, rest @ ..] => {
            let pull =
                model.written.pulls.iter().find(|pull| pull.repository == repository && pull.number.to_string() == *number);
            let Some(pull) = pull else { return not_found() };
            match rest {
                [] => respond(200, &pull_json(model, pull)),
                ["files"] => {
                    let file = |(path, status): &(String, String)| {
                        json!({ "sha": object_id(path.as_bytes()), "filename": path, "status": status, "additions": 1,
                                "deletions": 0, "changes": 1, "blob_url": "", "raw_url": "", "contents_url": "" })
                    };
                    page(asked, pull.files.iter().map(file).collect())
                }
                _ => not_found(),
            }
        }
        ["issues", number, "comments"] => page(asked, comments(model, repository, &format!("issues/{number}"))),
        ["commits", sha, "comments"] if commit(sha).is_some() => {
            page(asked, comments(model, repository, &format!("commits/{sha}")))
        }
        ["commits", sha, "statuses"] if commit(sha).is_some() => {
            let ours = model.written.statuses.iter().rev().filter(|(of, _)| of == sha);
            page(asked, ours.map(|(_, status)| status.clone()).collect())
        }
        ["commits", sha, "check-runs"] if commit(sha).is_some() => {
            let wanted = asked.query.get("check_name");
            let matches = |run: &&Json| run["head_sha"] == **sha && wanted.is_none_or(|name| run["name"] == **name);
            let runs: Vec<&Json> = model.written.check_runs.iter().rev().filter(matches).take(1).collect();
            respond(200, &json!({ "total_count": runs.len(), "check_runs": runs }))
        }
        _ => not_found(),
    }
}

fn write(model: &mut Model, asked: &Asked<'_>, repository: &str, place: &[&str]) -> Response {
    let body = asked.json();
    let knows = |model: &Model, sha: &str| model.find_repo(repository).is_some_and(|repo| repo.find_commit(sha).is_some());
    let text = body["body"].as_str().unwrap_or_default().to_owned();
    match (asked.method.as_str(), place) {
        ("POST", ["issues", _, "comments"] | ["commits", _, "comments"]) if text.is_empty() => message(422, "Validation Failed"),
        ("POST", ["commits", sha, "comments"]) if !knows(model, sha) => message(422, "No commit found for SHA"),
        ("POST", ["issues" | "commits", _, "comments"]) => {
            let comment = say(model, &format!("{repository}/{}", place[..2].join("/")), BOT, &text);
            respond(201, &comment_json(&comment))
        }
        ("PATCH", ["issues", "comments", id]) => {
            let found = model.written.comments.iter_mut().find(|comment| comment.id.to_string() == *id);
            let Some(comment) = found else { return message(404, "Not Found") };
            if comment.author != BOT {
                return message(403, "You must have admin rights to edit this comment.");
            }
            comment.body = text;
            respond(200, &comment_json(comment))
        }
        ("POST", ["statuses", sha]) if knows(model, sha) => {
            let is_state = matches!(body["state"].as_str(), Some("error" | "failure" | "pending" | "success"));
            if !is_state || body["description"].as_str().is_some_and(|text| text.chars().count() > 140) {
                return message(422, "Validation Failed");
            }
            let mut status = body;
            status["id"] = json!(model.written.statuses.len());
            status["creator"] = json!({ "login": BOT });
            model.written.statuses.push(((*sha).to_owned(), status.clone()));
            respond(201, &status)
        }
        ("POST", ["check-runs"]) => {
            if !body["head_sha"].as_str().is_some_and(|sha| knows(model, sha)) || !is_valid_run(&body) {
                return message(422, "Validation Failed");
            }
            let mut run = body;
            run["id"] = json!(9_000 + model.written.check_runs.len());
            model.written.annotation_batches.push(run["output"]["annotations"].as_array().map_or(0, Vec::len));
            model.written.check_runs.push(run.clone());
            respond(201, &run)
        }
        ("PATCH", ["check-runs", id]) if is_valid_run(&body) => {
            let found =
                model.written.check_runs.iter_mut().find(|run| run["id"].as_i64().is_some_and(|known| id.parse() == Ok(known)));
            let Some(run) = found else { return message(404, "Not Found") };
            for key in ["status", "conclusion"] {
                if !body[key].is_null() {
                    run[key] = body[key].clone();
                }
            }
            let more = body["output"]["annotations"].as_array().cloned().unwrap_or_default();
            model.written.annotation_batches.push(more.len());
            run["output"]["annotations"].as_array_mut().expect("it was created with a list").extend(more);
            respond(200, run)
        }
        ("PATCH", ["check-runs", _]) => message(422, "Validation Failed"),
        _ => message(404, "Not Found"),
    }
}

/// What GitHub's description demands of a run.
fn is_valid_run(run: &Json) -> bool {
    let annotations = run["output"]["annotations"].as_array().cloned().unwrap_or_default();
    let is_whole = |annotation: &Json| {
        annotation["path"].is_string()
            && annotation["start_line"].as_i64().is_some_and(|line| line >= 1)
            && annotation["end_line"].as_i64() >= annotation["start_line"].as_i64()
            && matches!(annotation["annotation_level"].as_str(), Some("notice" | "warning" | "failure"))
            && annotation["message"].as_str().is_some_and(|text| !text.is_empty())
    };
    let is_ended = run["status"] == "completed";
    annotations.len() <= 50
        && annotations.iter().all(is_whole)
        && run["output"]["title"].is_string()
        && run["output"]["summary"].is_string()
        && is_ended == run["conclusion"].is_string()
}

fn comments(model: &Model, repository: &str, place: &str) -> Vec<Json> {
    let place = format!("{repository}/{place}");
    model.written.comments.iter().filter(|comment| comment.place == place).map(comment_json).collect()
}

fn comment_json(comment: &Comment) -> Json {
    json!({ "id": comment.id, "node_id": format!("C_{}", comment.id), "body": comment.body, "user": { "login": comment.author } })
}

fn pull_json(model: &Model, pull: &Pull) -> Json {
    let state = if pull.is_open { "open" } else { "closed" };
    let at = model.now.to_rfc3339_opts(SecondsFormat::Secs, true);
    let is_it = |made: &&Json| made["repository"] == pull.repository && made["number"] == pull.number;
    let merged_at = model.made.pulls.iter().find(is_it).map_or(Json::Null, |made| made["merged_at"].clone());
    json!({
        "merged": !merged_at.is_null(), "merged_at": merged_at,
        "id": 77_000 + pull.number, "number": pull.number, "state": state, "title": "A proposal", "body": null, "draft": false,
        "user": { "login": "ada" }, "created_at": at, "updated_at": at,
        "html_url": format!("https://github.com/{}/{}/pull/{}", model.owner.login, pull.repository, pull.number),
        "head": { "ref": "proposal", "sha": pull.head }, "base": { "ref": "main" },
    })
}

/// A page by number, with the `Link` header as the only way to the next.
fn page(asked: &Asked<'_>, items: Vec<Json>) -> Response {
    let number = |key: &str, default: usize| asked.query.get(key).and_then(|text| text.parse().ok()).unwrap_or(default).max(1);
    let (size, page) = (number("per_page", 30).min(100), number("page", 1));
    let has_more = items.len() > page * size;
    let shown: Vec<Json> = items.into_iter().skip((page - 1) * size).take(size).collect();
    let mut response = respond(200, &Json::Array(shown));
    if has_more {
        let link = format!("<{}{}?per_page={size}&page={}>; rel=\"next\"", asked.url, asked.path, page + 1);
        response.headers_mut().insert("link", HeaderValue::try_from(link).expect("addresses are ASCII"));
    }
    response
}
