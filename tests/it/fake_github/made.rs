//! What runs of templates make: repositories, git's objects and branches, pull requests, protection, secrets, webhooks.
//! Answers hold the fields that a maker may need.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    http::Method,
    response::{IntoResponse, Response},
};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value as Json, json};

use super::{
    model::{Model, object_id},
    rest::{Asked, decode, repository_json},
    serve::{message, respond},
};

mod git;

pub use git::Git;

/// Of one repository, besides what the model holds.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// As it was asked for.
    pub created_with: Json,
    pub collaborators: BTreeMap<String, String>,
    pub teams: BTreeMap<String, String>,
    pub variables: BTreeMap<String, String>,
    /// In the clear again.
    pub secrets: BTreeMap<String, String>,
    pub protections: BTreeMap<String, Json>,
    pub hooks: Vec<Json>,
    pub labels: BTreeMap<String, Vec<String>>,
    pub oidc: Json,
    pub workflow_access: Json,
    pub is_watched: bool,
}

#[derive(Debug, Default)]
pub struct Made {
    pub git: Git,
    /// Names, each time one was created.
    pub created: Vec<String>,
    pub deleted: Vec<String>,
    /// By name.
    pub settings: BTreeMap<String, Settings>,
    /// Pull requests that were opened, with all that is known of each.
    pub pulls: Vec<Json>,
    /// Repository, workflow and body.
    pub dispatches: Vec<(String, String, Json)>,
    /// So many answers after its creation a repository is not found yet.
    pub unseen_for: usize,
    unseen: HashMap<i64, usize>,
    /// Private repositories cannot be protected.
    pub is_small_plan: bool,
    /// More creations a minute are refused.
    pub most_creations: Option<usize>,
    creations: VecDeque<Instant>,
    next_id: i64,
}

/// The key that secrets are sealed for.
fn secret_key() -> crypto_box::SecretKey {
    crypto_box::SecretKey::from([7; 32])
}

impl Made {
    fn id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    fn is_too_much(&mut self) -> bool {
        let Some(most) = self.most_creations else { return false };
        while self.creations.front().is_some_and(|at| at.elapsed() > Duration::from_secs(60)) {
            self.creations.pop_front();
        }
        self.creations.push_back(Instant::now());
        self.creations.len() > most
    }
}

/// The group of paths for `rest`.
pub fn routes(model: &mut Model, asked: &Asked<'_>) -> Option<Response> {
    let segments: Vec<String> = asked.segments().iter().map(|segment| decode(segment)).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let method = asked.method.as_str();
    if method == "POST" && model.made.is_too_much() {
        let mut response =
            message(403, "You have exceeded a secondary rate limit and have been temporarily blocked from content creation.");
        response.headers_mut().insert("retry-after", 1.into());
        return Some(response);
    }
    match (method, &segments[..]) {
        ("GET", ["users", login]) if login.eq_ignore_ascii_case(&model.owner.login) => {
            let kind = if model.owner.kind == super::OwnerKind::User { "User" } else { "Organization" };
            Some(respond(200, &json!({ "login": model.owner.login, "id": model.owner.id, "type": kind })))
        }
        ("GET", ["users", _]) => Some(message(404, "Not Found")),
        ("POST", ["orgs", login, "repos"]) if login.eq_ignore_ascii_case(&model.owner.login) => Some(create(model, asked)),
        ("POST", ["user", "repos"]) if model.owner.kind == super::OwnerKind::User => Some(create(model, asked)),
        ("PUT", ["orgs", _, "teams", team, "repos", _, name]) => {
            if model.find_repo(name).is_none() || *team == "nobody" {
                return Some(message(404, "Not Found"));
            }
            let permission = asked.json()["permission"].as_str().unwrap_or("push").to_owned();
            settings(model, name).teams.insert((*team).to_owned(), permission);
            Some(nothing())
        }
        (_, ["repos", login, name, rest @ ..]) if login.eq_ignore_ascii_case(&model.owner.login) => {
            let repo = model.find_repo(name)?;
            let (id, name) = (repo.id, repo.name.clone());
            if let Some(left) = model.made.unseen.get_mut(&id).filter(|left| **left > 0) {
                *left -= 1;
                return Some(message(404, "Not Found"));
            }
            if asked.method != Method::GET && model.written.is_read_only {
                return Some(message(403, "Resource not accessible by personal access token"));
            }
            of_repository(model, asked, &name, rest).or_else(|| git::routes(model, asked, &name, rest))
        }
        _ => None,
    }
}

fn nothing() -> Response {
    axum::http::StatusCode::NO_CONTENT.into_response()
}

fn settings<'m>(model: &'m mut Model, name: &str) -> &'m mut Settings {
    model.made.settings.entry(name.to_owned()).or_default()
}

fn create(model: &mut Model, asked: &Asked<'_>) -> Response {
    if model.written.is_read_only {
        return message(403, "Resource not accessible by personal access token");
    }
    let body = asked.json();
    let Some(name) = body["name"].as_str().filter(|name| !name.is_empty()).map(str::to_owned) else {
        return message(422, "Repository creation failed.");
    };
    if model.find_repo(&name).is_some() {
        return respond(
            422,
            &json!({
                "message": "Repository creation failed.",
                "errors": [{ "resource": "Repository", "code": "custom", "field": "name",
                             "message": "name already exists on this account" }],
                "documentation_url": "https://docs.github.com/rest/repos/repos#create-an-organization-repository", "status": "422",
            }),
        );
    }
    let repo = model.add_repo(&name);
    let id = repo.id;
    repo.description = body["description"].as_str().map(str::to_owned);
    let is_private = body["private"] == json!(true);
    repo.visibility = body["visibility"].as_str().unwrap_or(if is_private { "private" } else { "public" }).to_owned();
    if body["auto_init"] == json!(true) {
        git::begin(model, &name);
    }
    model.made.created.push(name.clone());
    if model.made.unseen_for > 0 {
        let unseen_for = model.made.unseen_for;
        model.made.unseen.insert(id, unseen_for);
    }
    settings(model, &name).created_with = body;
    respond(201, &repository_json(model, asked.url, &name))
}

fn of_repository(model: &mut Model, asked: &Asked<'_>, name: &str, place: &[&str]) -> Option<Response> {
    let body = asked.json();
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let answer = match (asked.method.as_str(), place) {
        ("PATCH", []) => {
            if let Some(branch) = body["default_branch"].as_str()
                && !git::make_default(model, name, branch)
            {
                return Some(message(422, "Validation Failed"));
            }
            model.change(name, |repo| {
                if let Some(description) = body["description"].as_str() {
                    repo.description = Some(description.to_owned());
                }
            });
            respond(200, &repository_json(model, asked.url, name))
        }
        ("DELETE", []) => {
            model.delete_repo(name);
            model.made.deleted.push(name.to_owned());
            model.made.settings.remove(name);
            nothing()
        }
        ("PUT", ["contents", path]) if model.find_repo(name)?.commits.is_empty() => {
            let contents = BASE64_STANDARD.decode(text("content")).unwrap_or_default();
            model.push(name, &[(path, Some(&contents))]);
            model.repo_mut(name).commits[0].message = text("message");
            respond(201, &json!({}))
        }
        ("PUT", ["topics"]) => {
            let names: Vec<String> = serde_json::from_value(body["names"].clone()).unwrap_or_default();
            model.change(name, |repo| repo.topics = names.clone());
            respond(200, &json!({ "names": names }))
        }
        ("PUT", ["collaborators", user]) => {
            settings(model, name).collaborators.insert((*user).to_owned(), text("permission"));
            respond(201, &json!({ "id": 1 }))
        }
        ("POST", ["actions", "variables"]) => {
            let variables = &mut settings(model, name).variables;
            if variables.contains_key(&text("name")) {
                return Some(message(409, "Already exists - Variable already exists"));
            }
            variables.insert(text("name"), text("value"));
            respond(201, &json!({}))
        }
        ("PATCH", ["actions", "variables", variable]) => {
            settings(model, name).variables.insert((*variable).to_owned(), text("value"));
            nothing()
        }
        ("GET", ["actions", "secrets", "public-key"]) => {
            let key = BASE64_STANDARD.encode(secret_key().public_key().as_bytes());
            respond(200, &json!({ "key_id": "568250167242549743", "key": key }))
        }
        ("PUT", ["actions", "secrets", secret]) => {
            let opened =
                BASE64_STANDARD.decode(text("encrypted_value")).ok().and_then(|sealed| secret_key().unseal(&sealed).ok());
            let Some(opened) = opened else { return Some(message(422, "Bad request - bad encrypted value")) };
            let opened = String::from_utf8(opened).expect("tests send texts");
            settings(model, name).secrets.insert((*secret).to_owned(), opened);
            respond(201, &json!({}))
        }
        ("PUT", ["actions", "oidc", "customization", "sub"]) => {
            settings(model, name).oidc = body;
            respond(201, &json!({}))
        }
        ("PUT", ["actions", "permissions", "access"]) => {
            settings(model, name).workflow_access = body;
            nothing()
        }
        ("PUT", ["subscription"]) => {
            settings(model, name).is_watched = true;
            respond(200, &json!({ "subscribed": true, "ignored": false }))
        }
        ("POST", ["actions", "workflows", workflow, "dispatches"]) => {
            model.made.dispatches.push((name.to_owned(), (*workflow).to_owned(), body));
            nothing()
        }
        ("PUT", ["branches", branch, "protection"]) => {
            let needed = ["required_status_checks", "enforce_admins", "required_pull_request_reviews", "restrictions"];
            if needed.iter().any(|key| body.get(key).is_none()) {
                return Some(message(422, "Invalid request."));
            }
            let repo = model.find_repo(name)?;
            if repo.visibility == "private" && model.made.is_small_plan {
                let said = "Upgrade to GitHub Pro or make this repository public to enable this feature.";
                return Some(message(403, said));
            }
            if repo.find_commit(branch).is_none() {
                return Some(message(404, "Branch not found"));
            }
            settings(model, name).protections.insert((*branch).to_owned(), body);
            respond(200, &json!({ "url": "" }))
        }
        ("POST", ["branches", branch, "protection", "required_signatures"]) => {
            settings(model, name).protections.entry((*branch).to_owned()).or_default()["signatures"] = json!(true);
            respond(200, &json!({ "enabled": true }))
        }
        ("GET", ["hooks"]) => respond(200, &json!(settings(model, name).hooks)),
        ("POST", ["hooks"]) => {
            let id = model.made.id();
            let mut hook = body;
            hook["id"] = json!(id);
            settings(model, name).hooks.push(hook.clone());
            respond(201, &hook)
        }
        ("DELETE", ["hooks", id]) => {
            let hooks = &mut settings(model, name).hooks;
            let before = hooks.len();
            hooks.retain(|hook| hook["id"].as_i64() != id.parse().ok());
            if hooks.len() < before { nothing() } else { message(404, "Not Found") }
        }
        ("POST", ["issues", number, "labels"]) => {
            let labels = settings(model, name).labels.entry((*number).to_owned()).or_default();
            for label in body["labels"].as_array().into_iter().flatten().filter_map(Json::as_str) {
                if !labels.iter().any(|known| known == label) {
                    labels.push(label.to_owned());
                }
            }
            respond(200, &json!(labels.iter().map(|label| json!({ "name": label })).collect::<Vec<_>>()))
        }
        ("POST", ["issues", number, "assignees"]) => {
            change_pull(model, name, number, |pull| pull["assignees"] = body["assignees"].clone());
            respond(201, &json!({}))
        }
        ("GET", ["pulls"]) => {
            let head = asked.query.get("head").map(|head| head.split_once(':').map_or(head.as_str(), |(_, branch)| branch));
            let fits = |pull: &&Json| {
                let is_meant = asked.query.get("state").is_some_and(|state| state == "all") || pull["state"] == "open";
                pull["repository"] == *name && is_meant && head.is_none_or(|head| pull["head"]["ref"] == *head)
            };
            respond(200, &Json::Array(model.made.pulls.iter().filter(fits).cloned().collect()))
        }
        ("POST", ["pulls"]) => open_pull(model, name, &body),
        ("PATCH", ["pulls", number]) => {
            let found = change_pull(model, name, number, |pull| {
                for key in ["title", "body", "state"] {
                    if !body[key].is_null() {
                        pull[key] = body[key].clone();
                    }
                }
            });
            match found {
                Some(pull) => {
                    let is_open = pull["state"] == "open";
                    for known in model.written.pulls.iter_mut().filter(|known| known.repository == name) {
                        if known.number.to_string() == **number {
                            known.is_open = is_open;
                        }
                    }
                    respond(200, &pull)
                }
                None => message(404, "Not Found"),
            }
        }
        ("POST", ["pulls", number, "requested_reviewers"]) => {
            match change_pull(model, name, number, |pull| pull["asked"] = body.clone()) {
                Some(pull) => respond(201, &pull),
                None => message(404, "Not Found"),
            }
        }
        _ => return None,
    };
    Some(answer)
}

fn change_pull(model: &mut Model, name: &str, number: &str, with: impl FnOnce(&mut Json)) -> Option<Json> {
    let mut pulls = model.made.pulls.iter_mut();
    let pull = pulls.find(|pull| pull["repository"] == *name && pull["number"].as_i64() == number.parse().ok())?;
    with(pull);
    Some(pull.clone())
}

fn open_pull(model: &mut Model, name: &str, body: &Json) -> Response {
    let refuse = |text: &str| {
        let errors = json!([{ "resource": "PullRequest", "code": "custom", "message": text }]);
        respond(422, &json!({ "message": "Validation Failed", "errors": errors, "status": "422" }))
    };
    let (head, base) = (body["head"].as_str().unwrap_or_default(), body["base"].as_str().unwrap_or_default());
    let head = head.split_once(':').map_or(head, |(_, branch)| branch);
    let Some(repo) = model.find_repo(name) else { return message(404, "Not Found") };
    let (Some(commit), Some(onto)) = (repo.find_commit(head), repo.find_commit(base)) else {
        return refuse("head or base is invalid");
    };
    if commit.sha == onto.sha {
        return refuse(&format!("No commits between {base} and {head}"));
    }
    let sha = commit.sha.clone();
    let is_there = |pull: &Json| pull["repository"] == *name && pull["state"] == "open" && pull["head"]["ref"] == *head;
    if model.made.pulls.iter().any(is_there) {
        return refuse(&format!("A pull request already exists for {}:{head}.", model.owner.login));
    }
    let highest = model.written.pulls.iter().filter(|pull| pull.repository == name).map(|pull| pull.number).max();
    let number = highest.unwrap_or_default() + 1;
    let pull = json!({
        "repository": name, "id": 88_000 + number, "number": number, "state": "open", "title": body["title"], "body": body["body"],
        "draft": body["draft"], "head": { "ref": head, "sha": sha }, "base": { "ref": base },
        "html_url": format!("https://github.com/{}/{name}/pull/{number}", model.owner.login),
    });
    model.made.pulls.push(pull.clone());
    model.written.pulls.push(super::write::Pull {
        repository: name.to_owned(),
        number,
        head: sha,
        is_open: true,
        files: Vec::new(),
    });
    respond(201, &pull)
}

impl super::FakeGithub {
    /// Somebody merges a pull request that was opened here, or closes it without.
    pub fn end_pull(&self, repository: &str, number: i64, is_merged: bool) {
        self.model(|model| {
            let now = model.tick().to_rfc3339();
            let end = |pull: &mut Json| {
                pull["state"] = json!("closed");
                pull["merged_at"] = if is_merged { json!(now) } else { Json::Null };
            };
            let pull = change_pull(model, repository, &number.to_string(), end).expect("it was opened");
            for known in model.written.pulls.iter_mut().filter(|known| known.repository == repository && known.number == number) {
                known.is_open = false;
            }
            if is_merged {
                let branch = pull["head"]["ref"].as_str().expect("it has a branch");
                let files = model.repo_mut(repository).branches[branch].files.clone();
                let files: Vec<(&str, Option<&[u8]>)> =
                    files.iter().map(|(path, text)| (path.as_str(), Some(text.as_slice()))).collect();
                model.push(repository, &files);
            }
        });
    }
}

/// A text by what it is called in git.
pub fn keep(model: &mut Model, contents: Vec<u8>) -> String {
    let sha = object_id(&contents);
    model.made.git.blobs.insert(sha.clone(), Arc::new(contents));
    sha
}
