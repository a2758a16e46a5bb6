//! GitHub's webhooks: what is believed, what it leads to, and that none of it can do harm.

use std::{path::Path, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use hmac::{Hmac, Mac};
use serde_json::{Value as Json, json};
use sha2::Sha256;
use sqlx::Row;
use steward::{
    app::App,
    http::{Doors, github::GithubDoor, router},
    settings::SourceSettings,
    store::Database,
};
use tower::ServiceExt;

use crate::{
    app::test_app,
    bot::Bot,
    cluster::{connect, new_database},
};

pub const SECRET: &str = "hook-secret";

/// A delivery as GitHub makes it.
#[derive(Clone)]
pub struct Hook {
    pub event: String,
    pub id: String,
    pub body: Vec<u8>,
    pub content_type: &'static str,
    pub signature: Option<String>,
}

pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

impl Hook {
    pub fn new(event: &str, payload: &Json) -> Self {
        Self::raw(event, payload.to_string().into_bytes())
    }

    fn raw(event: &str, body: Vec<u8>) -> Self {
        let signature = Some(sign(SECRET, &body));
        let id = format!("{:08x}-6f00-11f0-8000-000000000000", rand::random::<u32>());
        Self { event: event.to_owned(), id, body, content_type: "application/json", signature }
    }

    fn signed_with(mut self, secret: &str) -> Self {
        self.signature = Some(sign(secret, &self.body));
        self
    }

    pub async fn post(self, app: &Arc<App>, sources: &[SourceSettings]) -> (StatusCode, String) {
        let router = router(Arc::clone(app), Doors { github: Some(GithubDoor::new(sources)), ..Doors::default() });
        let request = Request::post("/github/webhook")
            .header("user-agent", "GitHub-Hookshot/0000000")
            .header("content-type", self.content_type)
            .header("x-github-event", self.event)
            .header("x-github-delivery", self.id)
            .header("x-github-hook-id", "5");
        let request = self.signature.iter().fold(request, |request, signature| request.header("x-hub-signature-256", signature));
        let response = router.oneshot(request.body(Body::from(self.body)).unwrap()).await.unwrap();
        let status = response.status();
        (status, String::from_utf8(to_bytes(response.into_body(), 1_000).await.unwrap().to_vec()).unwrap())
    }
}

pub fn source(id: &str, org: &str, secret: Option<&str>, branch: &str) -> SourceSettings {
    let github = json!({
        "type": "github", "id": id, "org": org, "auth": { "token": "t" }, "webhook_secret": secret, "filters": { "branch": branch },
    });
    serde_json::from_value(github).unwrap()
}

pub fn fixture(name: &str) -> Json {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/webhooks/{name}.json"));
    serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|_| panic!("{} is missing", path.display()))).unwrap()
}

/// The door and a database, with nobody working on the queue: what a delivery leads to can be read there.
struct Desk {
    app: Arc<App>,
    database: Database,
    sources: Vec<SourceSettings>,
}

impl Desk {
    async fn open() -> Self {
        Self::with(vec![source("acme", "Acme", Some(SECRET), "default")]).await
    }

    async fn with(sources: Vec<SourceSettings>) -> Self {
        let (app, database) = (test_app(None), new_database().await);
        app.store.open(&database, 4).await.unwrap();
        Self { app: Arc::new(app), database, sources }
    }

    async fn post(&self, hook: Hook) -> u16 {
        hook.post(&self.app, &self.sources).await.0.as_u16()
    }

    /// The jobs that wait, by key, with how they were asked for.
    async fn jobs(&self) -> Vec<String> {
        let query = "select key from graphile_worker._private_jobs order by key";
        let rows = sqlx::query(query).fetch_all(&mut connect(&self.database).await).await.unwrap();
        rows.iter().map(|row| row.get::<Option<String>, _>(0).unwrap()).collect()
    }

    async fn count(&self, table: &str) -> i64 {
        let query = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        sqlx::query(query).fetch_one(&mut connect(&self.database).await).await.unwrap().get(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_leads_to_a_second_look_and_no_further() {
    let expected: &[(&str, &str, &[&str])] = &[
        ("push", "push.default_branch", &["look:acme:700001"]),
        ("push", "push.other_branch", &[]),
        ("push", "push.tag", &[]),
        ("repository", "repository.created", &["look:acme:700001"]),
        ("repository", "repository.edited", &["look:acme:700001"]),
        ("repository", "repository.renamed", &["look:acme:700001"]),
        ("repository", "repository.archived", &["look:acme:700001"]),
        ("repository", "repository.unarchived", &["look:acme:700001"]),
        ("repository", "repository.privatized", &["look:acme:700001"]),
        ("repository", "repository.publicized", &["look:acme:700001"]),
        ("repository", "repository.deleted", &["look:acme:700001"]),
        ("repository", "repository.transferred", &["look:acme:700001"]),
        ("organization", "organization.member_added", &["people:acme"]),
        ("organization", "organization.renamed", &["people:acme", "sync:acme"]),
        ("team", "team.edited", &["people:acme"]),
        ("team_add", "team_add", &["people:acme"]),
        ("membership", "membership.added", &["people:acme"]),
        ("member", "member.added", &["people:acme"]),
        ("installation", "installation.created", &["sync:acme"]),
        ("installation", "installation.suspend", &["sync:acme"]),
        ("installation_repositories", "installation_repositories.added", &["look:acme:700001", "look:acme:700002"]),
        ("installation_repositories", "installation_repositories.removed", &["sync:acme"]),
        ("installation_target", "installation_target.renamed", &["sync:acme"]),
        ("pull_request", "pull_request.opened", &["pull:acme:700001:7"]),
        ("pull_request", "pull_request.synchronize", &["pull:acme:700001:7"]),
        ("pull_request", "pull_request.labeled", &[]),
        // It may be a fix of Steward's own.
        ("pull_request", "pull_request.closed_merged", &["follow-fix:acme:700001:7"]),
        ("check_run", "check_run.rerequested", &["pull:acme:700001:7"]),
        ("check_run", "check_run.completed", &[]),
        ("deployment_status", "deployment_status.created", &[]),
        ("workflow_run", "workflow_run.completed", &[]),
        ("ping", "ping", &[]),
        ("ping", "ping.app", &[]),
        ("star", "star.created", &[]),
    ];
    let desk = Desk::open().await;
    for (event, name, jobs) in expected {
        sqlx::query("delete from graphile_worker._private_jobs").execute(&mut connect(&desk.database).await).await.unwrap();
        assert_eq!(desk.post(Hook::new(event, &fixture(name))).await, 202, "{name}");
        assert_eq!(desk.jobs().await, *jobs, "{name}");
    }
    let known: Vec<&str> = expected.iter().map(|(_, name, _)| *name).collect();
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/webhooks")).unwrap() {
        let name = file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(known.contains(&name.as_str()), "{name} is a fixture that no line above expects");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_has_one_effect_however_often_it_comes() {
    let desk = Desk::open().await;
    let hook = Hook::new("push", &fixture("push.default_branch"));
    let posts = (0..8).map(|_| desk.post(hook.clone()));
    let mut statuses = futures_util::future::join_all(posts).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 202], "one was the first, also of those that came together");
    sqlx::query("delete from graphile_worker._private_jobs").execute(&mut connect(&desk.database).await).await.unwrap();
    assert_eq!(desk.post(hook).await, 200);
    assert_eq!((desk.jobs().await.len(), desk.count("webhook_deliveries").await), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_with_a_source_s_secret_has_no_effect() {
    let desk = Desk::open().await;
    let hook = || Hook::new("push", &fixture("push.default_branch"));
    let with = |signature: Option<&str>| Hook { signature: signature.map(str::to_owned), ..hook() };
    let good = sign(SECRET, &hook().body);
    let sha1 = format!("sha1={}", &good["sha256=".len()..]);
    for signature in
        [None, Some(""), Some("sha256="), Some(&good[..good.len() - 1]), Some(&good["sha256=".len()..]), Some(sha1.as_str())]
    {
        assert_eq!(desk.post(with(signature)).await, 401, "{signature:?}");
    }
    assert_eq!(desk.post(hook().signed_with("another")).await, 401);
    assert_eq!(desk.post(hook().signed_with("")).await, 401);
    let mut changed = hook();
    changed.body.push(b' ');
    assert_eq!(desk.post(changed).await, 401, "one more space");
    assert_eq!((desk.jobs().await.len(), desk.count("webhook_deliveries").await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_secret_nobody_is_listened_to() {
    let desk = Desk::with(vec![source("acme", "acme", None, "default"), source("b", "acme", Some("  "), "default")]).await;
    assert_eq!(desk.post(Hook::new("push", &fixture("push.default_branch")).signed_with("  ")).await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_sources_it_is_about_and_that_hold_its_secret_look_again() {
    let desk = Desk::with(vec![
        source("one", "acme", Some(SECRET), "default"),
        source("two", "ACME", Some(SECRET), "feature/x"),
        source("other-org", "globex", Some(SECRET), "default"),
        source("other-secret", "acme", Some("another"), "default"),
    ])
    .await;
    assert_eq!(desk.post(Hook::new("push", &fixture("push.default_branch"))).await, 202);
    assert_eq!(desk.jobs().await, ["look:one:700001", "look:two:700001"]);
    sqlx::query("delete from graphile_worker._private_jobs").execute(&mut connect(&desk.database).await).await.unwrap();
    assert_eq!(desk.post(Hook::new("push", &fixture("push.other_branch"))).await, 202);
    assert_eq!(desk.jobs().await, ["look:two:700001"], "the branch that one of them reads");
    // A transfer is about the giver and the taker.
    assert_eq!(desk.post(Hook::new("repository", &fixture("repository.transferred"))).await, 202);
    assert_eq!(desk.jobs().await, ["look:one:700001", "look:other-org:700001", "look:two:700001"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_bodies_are_taken_or_refused_in_words() {
    let desk = Desk::open().await;
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", &fixture("push.default_branch").to_string())
        .finish();
    let form = Hook { content_type: "application/x-www-form-urlencoded", ..Hook::raw("push", form.into_bytes()) };
    assert_eq!(desk.post(form).await, 202);
    assert_eq!(desk.jobs().await, ["look:acme:700001"]);
    let with_type = |content_type, body: &str| Hook { content_type, ..Hook::raw("push", body.as_bytes().to_vec()) };
    assert_eq!(desk.post(with_type("application/json; charset=utf-8", "{}")).await, 202, "nothing is required");
    assert_eq!(desk.post(with_type("application/json", "{\"ref\":")).await, 400);
    assert_eq!(desk.post(with_type("application/json", "[1]")).await, 400);
    assert_eq!(desk.post(with_type("application/x-www-form-urlencoded", "payloads={}")).await, 400);
    assert_eq!(desk.post(with_type("text/xml", "<a/>")).await, 415);
    let nulls =
        r#"{"ref":null,"repository":{"id":null,"owner":null},"organization":null,"installation":{"account":null},"action":null}"#;
    assert_eq!(desk.post(with_type("application/json", nulls)).await, 202);
    let mut named = fixture("push.default_branch");
    named["repository"]["full_name"] = json!("acme/pay\u{0}ments");
    named["repository"]["id"] = json!(5);
    assert_eq!(desk.post(Hook::new("push", &named)).await, 202, "PostgreSQL stores no NUL");
    assert_eq!(desk.jobs().await, ["look:acme:5", "look:acme:700001"]);
    let large = Hook::raw("push", vec![b' '; 25 * 1024 * 1024 + 1]);
    assert_eq!(desk.post(large).await, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_that_cannot_be_remembered_is_not_taken() {
    let app = Arc::new(test_app(None));
    let hook = Hook::new("push", &fixture("push.default_branch"));
    let (status, said) = hook.post(&app, &[source("acme", "acme", Some(SECRET), "default")]).await;
    assert_eq!((status, said.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "store_away\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn last_state_of_what_happened_is_kept_in_whatever_order_it_is_told() {
    let desk = Desk::open().await;
    let mut earlier = fixture("deployment_status.created");
    earlier["deployment_status"]["state"] = json!("in_progress");
    earlier["deployment_status"]["created_at"] = json!("2026-11-20T08:01:00Z");
    let told = [
        ("deployment_status", fixture("deployment_status.created")),
        ("deployment_status", earlier),
        ("workflow_run", fixture("workflow_run.completed")),
        ("pull_request", fixture("pull_request.closed_merged")),
    ];
    for (event, payload) in &told {
        assert_eq!(desk.post(Hook::new(event, payload)).await, 202);
    }
    let query =
        "select concat_ws('|', kind, outside_id, title, url, author, state, environment) from repository_events order by 1";
    let rows = sqlx::query(query).fetch_all(&mut connect(&desk.database).await).await.unwrap();
    let rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(
        rows,
        [
            "deployment|145|Release 42|https://ci.example.com/42|ada|success|production",
            "merge|7|Add a descriptor|https://github.com/acme/payments-api/pull/7|ada",
            "workflow|3001|Move to another team|https://github.com/acme/payments-api/actions/runs/3001|ada|failure",
        ]
    );
    // 20 days later they are of no interest, and the next one sweeps them out.
    let mut late = fixture("deployment_status.created");
    late["deployment"]["id"] = json!(146);
    late["deployment_status"]["created_at"] = json!("2026-12-10T08:00:00Z");
    if let steward::app::Clock::Fixed(now) = &desk.app.clock {
        *now.write().unwrap() += chrono::TimeDelta::days(20);
    }
    assert_eq!(desk.post(Hook::new("deployment_status", &late)).await, 202);
    assert_eq!((desk.count("repository_events").await, desk.count("webhook_deliveries").await), (1, 1));
    assert_eq!(desk.app.store.last_delivery_at("acme").await.unwrap(), Some(desk.app.clock.now()));
    assert_eq!(desk.app.store.last_delivery_at("nobody").await.unwrap(), None);
}

/// Of `@octokit/webhooks-examples`, which `tests/contract/webhooks.sh` installs.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs GitHub's examples: run tests/contract/webhooks.sh"]
async fn published_examples_are_taken_and_lead_to_a_look() {
    let folder = std::env::var("STEWARD_WEBHOOK_EXAMPLES").expect("tests/contract/webhooks.sh names the folder");
    // The servers have most examples in common.
    let mut seen = std::collections::HashSet::new();
    let mut all: Vec<(String, String, Json)> = Vec::new();
    for server in std::fs::read_dir(folder).unwrap().filter_map(|entry| entry.ok()).filter(|entry| entry.path().is_dir()) {
        let Ok(text) = std::fs::read(server.path().join("index.json")) else { continue };
        for group in serde_json::from_slice::<Vec<Json>>(&text).unwrap() {
            let (name, server) = (group["name"].as_str().unwrap(), server.file_name().into_string().unwrap());
            let examples = group["examples"].as_array().unwrap().iter().cloned();
            let examples = examples.filter(|example| seen.insert(format!("{name} {example}")));
            all.extend(examples.map(|example| (name.to_owned(), server.clone(), example)));
        }
    }
    let owners: std::collections::BTreeSet<String> = all
        .iter()
        .flat_map(|(_, _, example)| {
            ["/organization/login", "/repository/owner/login", "/installation/account/login", "/account/login"]
                .map(|at| example.pointer(at).and_then(Json::as_str).map(str::to_owned))
        })
        .flatten()
        .collect();
    let desk = Desk::with(owners.iter().map(|owner| source(owner, owner, Some(SECRET), "default")).collect()).await;
    let listened = [
        "push",
        "repository",
        "organization",
        "team",
        "team_add",
        "membership",
        "member",
        "installation",
        "installation_repositories",
        "installation_target",
        "pull_request",
        "check_run",
        "deployment_status",
        "workflow_run",
        "ping",
    ];
    let mut taken = std::collections::BTreeMap::new();
    for (event, server, example) in &all {
        sqlx::query("delete from graphile_worker._private_jobs").execute(&mut connect(&desk.database).await).await.unwrap();
        let (status, said) = Hook::new(event, example).post(&desk.app, &desk.sources).await;
        let what = format!("{server} {event} {}", example["action"]);
        if !listened.contains(&event.as_str()) {
            assert_eq!((status.as_u16(), said.as_str()), (202, "passed_over\n"), "{what}");
            continue;
        }
        assert_eq!((status.as_u16(), said.as_str()), (202, "taken\n"), "{what}");
        *taken.entry(event.clone()).or_insert(0) += 1;
        let git_ref = example["ref"].as_str().unwrap_or_default();
        let is_read = git_ref.strip_prefix("refs/heads/") == example["repository"]["default_branch"].as_str();
        if event == "repository" || (event == "push" && is_read) {
            let look = format!(":{}", example["repository"]["id"]);
            let jobs = desk.jobs().await;
            assert!(jobs.iter().any(|job| job.starts_with("look:") && job.ends_with(&look)), "{what}: {jobs:?}");
        }
    }
    // None of the packages has an example of this one.
    let absent: Vec<_> = listened.iter().filter(|event| !taken.contains_key(**event)).collect();
    assert_eq!(absent, [&"installation_target"], "{taken:?}");
}

impl Bot {
    /// GitHub tells of something, signed; the id is new.
    pub async fn github_event(&self, event: &str, payload: &Json) -> u16 {
        let sources = [source("acme", "acme", Some(SECRET), "default")];
        Hook::new(event, payload).post(&self.worker.app, &sources).await.0.as_u16()
    }

    /// Waits until no job is left to be done.
    pub async fn until_idle(&self) {
        let mut connection = connect(&self.database).await;
        for _ in 0..1_000 {
            let query = "select count(*) from graphile_worker._private_jobs where attempts < max_attempts";
            let left: i64 = sqlx::query(query).fetch_one(&mut connection).await.unwrap().get(0);
            if left == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let query = "select coalesce(string_agg(last_error, '; '), '') from graphile_worker._private_jobs";
        let errors: String = sqlx::query(query).fetch_one(&mut connection).await.unwrap().get(0);
        panic!("jobs are left: {errors}");
    }

    /// A payload about one repository of the fake.
    pub fn payload_of(&self, repository: &str, more: Json) -> Json {
        let (id, name) = self.github.model(|model| {
            let repo = model.find_repo(repository).expect("the fake has it");
            (repo.id, repo.name.clone())
        });
        let mut payload = json!({
            "repository": {
                "id": id, "node_id": format!("R_{id}"), "name": name, "full_name": format!("acme/{name}"),
                "default_branch": "main", "owner": { "login": "acme" },
            },
            "organization": { "login": "acme" },
        });
        for (key, value) in more.as_object().expect("an object of further fields") {
            payload[key] = value.clone();
        }
        payload
    }
}

fn component(owner: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: payments\nspec:\n  type: service\n  \
         lifecycle: production\n  owner: {owner}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn push_changes_the_answer_without_a_sweep() {
    let bot = Bot::of_descriptors(&[("payments", &component("team-a"))]).await;
    bot.sync().await;
    assert!(bot.say("/owner payments").await.contains("team-a"));
    bot.github.push_file("payments", "catalog-info.yaml", component("team-b"));
    let push = bot.payload_of("payments", json!({ "ref": "refs/heads/main" }));
    assert_eq!(bot.github_event("push", &push).await, 202);
    bot.until("the new owner answers", async |_| bot.say("/owner payments").await.contains("team-b")).await;
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_is_believed_only_when_the_source_says_so() {
    let bot = Bot::of_descriptors(&[("payments", &component("team-a")), ("other", "kind: no")]).await;
    bot.sync().await;
    let deleted = bot.payload_of("payments", json!({ "action": "deleted" }));
    let requests = |bot: &Bot| bot.github.counts().graphql + bot.github.counts().rest;
    let before = requests(&bot);
    assert_eq!(bot.github_event("repository", &deleted).await, 202);
    bot.until("GitHub was asked", async |_| requests(&bot) > before).await;
    bot.sync().await;
    assert!(bot.say("/owner payments").await.contains("team-a"), "it is still there");
    bot.github.delete("payments");
    assert_eq!(bot.github_event("repository", &deleted).await, 202);
    bot.until("it is gone", async |_| bot.say("/owner payments").await.contains("was removed on")).await;
    bot.halt().await;
}
