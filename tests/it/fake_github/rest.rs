//! The model in the words of GitHub's REST API; `tests/contract` holds the answers against its published description.

use std::collections::HashMap;

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, Method},
    response::{IntoResponse, Response},
};
use base64::prelude::{BASE64_STANDARD, Engine};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value as Json, json};

use super::{
    model::{Commit, Found, Model, OwnerKind, Repo, object_id},
    serve::{message, respond},
};

/// One request, the prefix of an Enterprise Server taken off.
pub struct Asked<'a> {
    /// The fake's own address.
    pub url: &'a str,
    pub method: &'a Method,
    pub path: &'a str,
    pub query: HashMap<String, String>,
    pub headers: &'a HeaderMap,
    pub body: &'a Bytes,
    /// How much of each resource is used up, of how much.
    pub used: &'a HashMap<&'static str, u64>,
    pub limit: u64,
}

impl Asked<'_> {
    pub fn segments(&self) -> Vec<&str> {
        self.path.trim_matches('/').split('/').collect()
    }

    pub fn json(&self) -> Json {
        serde_json::from_slice(self.body).unwrap_or_default()
    }
}

/// A group of paths, one file each; `None` where the path is none of its own.
type Routes = fn(&mut Model, &Asked<'_>) -> Option<Response>;

const ROUTES: [Routes; 4] = [super::made::routes, read, super::write::routes, super::sbom::answer];

pub fn answer(model: &mut Model, asked: &Asked<'_>) -> Response {
    ROUTES.iter().find_map(|routes| routes(model, asked)).unwrap_or_else(|| message(404, "Not Found"))
}

/// Repositories and their owner, as they are.
fn read(model: &mut Model, asked: &Asked<'_>) -> Option<Response> {
    if asked.method != Method::GET {
        return None;
    }
    let Asked { url, path, query, headers, used, limit, .. } = asked;
    let rest = Rest { model, url };
    let is_owner = |login: &str| login.eq_ignore_ascii_case(&rest.model.owner.login);
    Some(match &asked.segments()[..] {
        ["rate_limit"] => {
            let of = |resource: &str| {
                let used = used.get(resource).copied().unwrap_or_default();
                json!({ "limit": limit, "used": used, "remaining": limit - used, "reset": Utc::now().timestamp() + 3_600 })
            };
            let resources = json!({ "core": of("core"), "graphql": of("graphql"), "search": of("search") });
            respond(200, &json!({ "resources": resources, "rate": of("core") }))
        }
        ["user"] => respond(200, &rest.viewer()),
        ["orgs", login] if is_owner(login) && rest.model.owner.kind == OwnerKind::Organization => {
            respond(200, &rest.organization())
        }
        ["orgs", login, "repos"] if is_owner(login) && rest.model.owner.kind == OwnerKind::Organization => rest.list(path, query),
        ["users", login, "repos"] if is_owner(login) => rest.list(path, query),
        ["repos", login, name] if is_owner(login) => match rest.model.follow_name(name) {
            Some(repo) if !repo.name.eq_ignore_ascii_case(name) => {
                let mut response = message(301, "Moved Permanently");
                let location = format!("{url}/repositories/{}", repo.id);
                response.headers_mut().insert("location", location.parse().expect("a header"));
                response
            }
            Some(repo) => respond(200, &rest.repository(repo, true)),
            None => message(404, "Not Found"),
        },
        ["repositories", id] => {
            match rest.model.repos.iter().chain(&rest.model.elsewhere).find(|repo| repo.id.to_string() == *id) {
                Some(repo) => respond(200, &rest.repository(repo, true)),
                None => message(404, "Not Found"),
            }
        }
        ["repos", login, name, "contents", file @ ..] if is_owner(login) => {
            let revision = query.get("ref").map_or("HEAD", String::as_str);
            let raw = headers.get("accept").and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("raw"));
            let commit = rest.model.find_repo(name).and_then(|repo| Some((repo, repo.find_commit(revision)?)));
            let Some((repo, commit)) = commit else { return Some(message(404, "Not Found")) };
            rest.contents(repo, commit, &decode(&file.join("/")), raw)
        }
        _ => return None,
    })
}

pub fn decode(path: &str) -> String {
    let query = format!("p={}", path.replace('+', "%2B"));
    url::form_urlencoded::parse(query.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// An account as it stands beside what it did; an App's login says that it is one.
pub fn account_json(model: &Model, url: &str, login: &str) -> Json {
    let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
    let mut account = Rest { model, url }.account(login, 4_711, kind);
    account.insert("url".to_owned(), json!(format!("{url}/users/{login}")));
    Json::Object(account)
}

/// One repository, whole.
pub fn repository_json(model: &Model, url: &str, name: &str) -> Json {
    let repo = model.find_repo(name).expect("the fake has it");
    Rest { model, url }.repository(repo, true)
}

struct Rest<'m> {
    model: &'m Model,
    url: &'m str,
}

fn date(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl Rest<'_> {
    fn account(&self, login: &str, id: i64, kind: &str) -> Map<String, Json> {
        let url = format!("{}/users/{login}", self.url);
        let mut account = Map::new();
        account.insert("login".to_owned(), json!(login));
        account.insert("id".to_owned(), json!(id));
        account.insert("node_id".to_owned(), json!(format!("O_{id}")));
        account.insert("avatar_url".to_owned(), json!(format!("https://avatars.githubusercontent.com/u/{id}?v=4")));
        account.insert("gravatar_id".to_owned(), json!(""));
        account.insert("html_url".to_owned(), json!(format!("https://github.com/{login}")));
        for (key, tail) in [
            ("followers_url", "/followers"),
            ("following_url", "/following{/other_user}"),
            ("gists_url", "/gists{/gist_id}"),
            ("starred_url", "/starred{/owner}{/repo}"),
            ("subscriptions_url", "/subscriptions"),
            ("organizations_url", "/orgs"),
            ("repos_url", "/repos"),
            ("events_url", "/events{/privacy}"),
            ("received_events_url", "/received_events"),
            ("url", ""),
        ] {
            account.insert(key.to_owned(), json!(format!("{url}{tail}")));
        }
        account.insert("type".to_owned(), json!(kind));
        account.insert("site_admin".to_owned(), json!(false));
        account
    }

    fn viewer(&self) -> Json {
        let mut user = self.account("steward-bot", 4_242, "User");
        for key in ["name", "company", "blog", "location", "email", "hireable", "bio"] {
            user.insert(key.to_owned(), if key == "blog" { json!("") } else { Json::Null });
        }
        for key in ["public_repos", "public_gists", "followers", "following"] {
            user.insert(key.to_owned(), json!(0));
        }
        for key in ["created_at", "updated_at"] {
            user.insert(key.to_owned(), json!(date(self.model.now)));
        }
        Json::Object(user)
    }

    fn organization(&self) -> Json {
        let (login, id) = (&self.model.owner.login, self.model.owner.id);
        let url = format!("{}/orgs/{login}", self.url);
        json!({
            "login": login, "id": id, "node_id": format!("O_{id}"), "url": url, "repos_url": format!("{url}/repos"),
            "events_url": format!("{url}/events"), "hooks_url": format!("{url}/hooks"), "issues_url": format!("{url}/issues"),
            "members_url": format!("{url}/members{{/member}}"), "public_members_url": format!("{url}/public_members{{/member}}"),
            "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"), "description": null,
            "html_url": format!("https://github.com/{login}"), "has_organization_projects": true, "has_repository_projects": true,
            "public_repos": self.model.repos.iter().filter(|repo| repo.visibility == "public").count(),
            "total_private_repos": self.model.repos.iter().filter(|repo| repo.visibility != "public").count(),
            "public_gists": 0, "followers": 0, "following": 0, "type": "Organization",
            "created_at": date(self.model.now), "updated_at": date(self.model.now), "archived_at": null,
        })
    }

    /// A page by number, with the `Link` header as the only way to the others.
    fn list(&self, path: &str, query: &HashMap<String, String>) -> Response {
        let number = |key: &str, default: usize| query.get(key).and_then(|text| text.parse().ok()).unwrap_or(default).max(1);
        let (size, page) = (number("per_page", 30).min(100), number("page", 1));
        let mut repos: Vec<_> = self.model.repos.iter().collect();
        repos.reverse();
        let last = repos.len().div_ceil(size).max(1);
        let shown: Vec<_> =
            repos.into_iter().skip((page - 1) * size).take(size).map(|repo| self.repository(repo, false)).collect();
        let mut response = respond(200, &Json::Array(shown));
        let link = |to: usize, name: &str| format!("<{}{path}?per_page={size}&page={to}>; rel=\"{name}\"", self.url);
        let mut links = Vec::new();
        if page > 1 {
            links.extend([link(page - 1, "prev"), link(1, "first")]);
        }
        if page < last {
            links.extend([link(page + 1, "next"), link(last, "last")]);
        }
        if !links.is_empty() {
            response.headers_mut().insert("link", HeaderValue::try_from(links.join(", ")).expect("addresses are ASCII"));
        }
        response
    }

    fn repository(&self, repo: &Repo, whole: bool) -> Json {
        let login = &self.model.owner.login;
        let full_name = format!("{login}/{}", repo.name);
        let (url, html) = (format!("{}/repos/{full_name}", self.url), format!("https://github.com/{full_name}"));
        let kind = if self.model.owner.kind == OwnerKind::User { "User" } else { "Organization" };
        let mut object = Map::new();
        let mut set = |key: &str, value: Json| drop(object.insert(key.to_owned(), value));
        for (key, tail) in URLS {
            set(key, json!(format!("{url}{tail}")));
        }
        set("id", json!(repo.id));
        set("node_id", json!(format!("R_{}", repo.id)));
        set("name", json!(repo.name));
        set("full_name", json!(full_name));
        set("owner", Json::Object(self.account(login, self.model.owner.id, kind)));
        set("private", json!(repo.visibility != "public"));
        set("visibility", json!(repo.visibility));
        set("html_url", json!(html));
        set("description", json!(repo.description));
        set("fork", json!(repo.fork));
        set("archived", json!(repo.archived));
        set("disabled", json!(false));
        set("default_branch", json!(repo.default_branch));
        set("topics", json!(repo.topics));
        set("language", json!(repo.language));
        set("created_at", json!(date(repo.created_at)));
        set("updated_at", json!(date(repo.updated_at)));
        set("pushed_at", json!(date(repo.pushed_at.unwrap_or(repo.created_at))));
        set("clone_url", json!(format!("{html}.git")));
        set("svn_url", json!(html));
        set("git_url", json!(format!("git://github.com/{full_name}.git")));
        set("ssh_url", json!(format!("git@github.com:{full_name}.git")));
        for key in ["homepage", "license", "mirror_url"] {
            set(key, Json::Null);
        }
        for key in ["has_issues", "has_projects", "has_wiki", "has_pages", "has_discussions", "is_template"] {
            set(key, json!(key == "has_issues"));
        }
        for key in ["forks", "forks_count", "open_issues", "open_issues_count", "stargazers_count", "watchers", "watchers_count"]
        {
            set(key, json!(0));
        }
        set("size", json!(repo.head().map_or(0, |head| head.files.values().map(|file| file.len()).sum::<usize>() / 1024)));
        set("permissions", json!({ "admin": false, "maintain": false, "push": false, "triage": false, "pull": true }));
        if whole {
            set("network_count", json!(0));
            set("subscribers_count", json!(0));
        }
        Json::Object(object)
    }

    fn contents(&self, repo: &Repo, commit: &Commit, path: &str, raw: bool) -> Response {
        match commit.find_path(path) {
            Some(Found::Blob(contents)) if raw => {
                ([("content-type", "application/vnd.github.raw+json; charset=utf-8")], contents.to_vec()).into_response()
            }
            Some(Found::Blob(contents)) => {
                let mut file = self.entry(repo, commit, path, "file", contents.len(), &object_id(contents));
                file.insert("encoding".to_owned(), json!("base64"));
                let mut encoded = String::new();
                for line in BASE64_STANDARD.encode(contents.as_slice()).as_bytes().chunks(60) {
                    encoded.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
                    encoded.push('\n');
                }
                file.insert("content".to_owned(), json!(encoded));
                respond(200, &Json::Object(file))
            }
            Some(Found::Tree(folder)) => {
                let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
                let entries = commit.list_folder(&folder).into_iter().filter_map(|name| {
                    let path = format!("{prefix}{name}");
                    let entry = match commit.find_path(&path)? {
                        Found::Blob(contents) => self.entry(repo, commit, &path, "file", contents.len(), &object_id(contents)),
                        Found::Tree(_) => self.entry(repo, commit, &path, "dir", 0, &object_id(path.as_bytes())),
                    };
                    Some(Json::Object(entry))
                });
                respond(200, &Json::Array(entries.collect()))
            }
            None => message(404, "Not Found"),
        }
    }

    fn entry(&self, repo: &Repo, commit: &Commit, path: &str, kind: &str, size: usize, sha: &str) -> Map<String, Json> {
        let full_name = format!("{}/{}", self.model.owner.login, repo.name);
        let (branch, tree) = (&repo.default_branch, if kind == "file" { "blob" } else { "tree" });
        let url = format!("{}/repos/{full_name}/contents/{path}?ref={branch}", self.url);
        let git = format!("{}/repos/{full_name}/git/{tree}s/{sha}", self.url);
        let html = format!("https://github.com/{full_name}/{tree}/{branch}/{path}");
        let download = format!("https://raw.githubusercontent.com/{full_name}/{}/{path}", commit.sha);
        let entry = json!({
            "type": kind, "size": size, "name": path.rsplit('/').next(), "path": path, "sha": sha, "url": url, "git_url": git,
            "html_url": html, "download_url": if kind == "file" { json!(download) } else { Json::Null },
            "_links": { "self": url, "git": git, "html": html },
        });
        match entry {
            Json::Object(entry) => entry,
            _ => unreachable!("it was written as an object"),
        }
    }
}

/// Addresses below a repository's own.
const URLS: [(&str, &str); 38] = [
    ("url", ""),
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
    ("branch_protection_url", "/branches{/branch}/protection"),
];
