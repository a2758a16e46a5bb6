//! Secrets that a run needs are entered on a page, once, and kept encrypted until the run's end.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use chrono::TimeDelta;
use serde_json::json;
use sqlx::Row;
use steward::{
    app::{App, sealed_about},
    chat::{Account, Platform},
    http::{Doors, router},
    seal::Seal,
    settings::{ScaffolderSettings, ServerSettings, Settings},
    store::{AuditEntry, NewRun, NewStep, Run, RunAct, RunChange, RunOrigin, RunState, WantedSecret},
};
use tower::ServiceExt;

use crate::{
    bot::{Bot, morning},
    cluster::{connect, new_database},
    fake_github::FakeGithub,
};

const KEY: &str = "0123456789abcdef0123456789abcdef";

async fn bot() -> Bot {
    let settings = Settings {
        server: ServerSettings { public_url: Some("https://steward.example.com/".to_owned()), ..ServerSettings::default() },
        scaffolder: ScaffolderSettings { secret_key: Some(KEY.into()), ..ScaffolderSettings::default() },
        ..Settings::default()
    };
    let bot = Bot::with_settings(FakeGithub::start("acme").await, new_database().await, settings).await;
    bot.until("the database is open", async |app| app.store.check(app.clock.now()).await.is_ok()).await;
    bot
}

fn asked(command: &str) -> AuditEntry {
    AuditEntry {
        at: morning(),
        account: Account { platform: Platform::Playground, id: "ana".to_owned(), name: "Ana".to_owned() },
        person: None,
        command: command.to_owned(),
        subject: String::new(),
        detail: json!({}),
        delivery: None,
    }
}

async fn run_with_a_secret(app: &App, approvers: Option<&str>) -> Run {
    let run = NewRun {
        template: "template:default/shop".to_owned(),
        title: "A shop".to_owned(),
        document: json!({}),
        origin: RunOrigin {
            source: "acme".to_owned(),
            repository_id: 1,
            repository: "acme/templates".to_owned(),
            path: "template.yaml".to_owned(),
            commit: None,
        },
        parameters: json!({ "name": "till" }),
        user: json!({}),
        place: None,
        approvers: approvers.map(str::to_owned),
        secrets: vec![WantedSecret { name: "token".to_owned(), title: "Registry token".to_owned() }],
        steps: vec![NewStep { id: "log".to_owned(), name: "Log".to_owned(), action: "debug:log".to_owned() }],
    };
    let id = app.store.start_run(asked("new"), run).await.unwrap();
    app.store.load_run(id).await.unwrap().unwrap()
}

/// The page's path, as a browser asks for it.
fn path_of(app: &App, run: &Run) -> String {
    app.secret_page(run).unwrap().strip_prefix("https://steward.example.com").unwrap().to_owned()
}

async fn ask(bot: &Bot, request: Request<Body>) -> (StatusCode, String) {
    let response = router(Arc::clone(&bot.worker.app), Doors::default()).oneshot(request).await.unwrap();
    let status = response.status();
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn look(bot: &Bot, path: &str) -> (StatusCode, String) {
    ask(bot, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn send(bot: &Bot, path: &str, form: &'static str) -> (StatusCode, String) {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(Body::from(form));
    ask(bot, request.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_entered_once_and_kept_encrypted() {
    let bot = bot().await;
    let run = run_with_a_secret(bot.app(), None).await;
    assert_eq!(run.state, RunState::Secrets);
    let path = path_of(bot.app(), &run);
    let (status, page) = look(&bot, &path).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Registry token") && page.contains("type=\"password\""), "{page}");

    let (status, page) = send(&bot, &path, "token=").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    let (status, page) = send(&bot, &path, "token=hunter%202&other=x").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(!page.contains("hunter"), "{page}");

    let after = bot.app().store.load_run(run.id).await.unwrap().unwrap();
    let sealed = after.sealed.clone().unwrap();
    let plain = Seal::new(&KEY.into()).open(&sealed_about(&after), &sealed).unwrap();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&plain).unwrap(), json!({ "token": "hunter 2" }));
    let other = Run { marker: "another".to_owned(), ..after };
    assert_eq!(Seal::new(&KEY.into()).open(&sealed_about(&other), &sealed), None);
    assert_eq!(Seal::new(&"another key".into()).open(&sealed_about(&run), &sealed), None);
    let mut connection = connect(&bot.database).await;
    let rows = sqlx::query("select runs::text from runs union all select a::text from audit a").fetch_all(&mut connection);
    for row in rows.await.unwrap() {
        assert!(!row.get::<String, _>(0).contains("hunter"));
    }

    assert_eq!(look(&bot, &path).await.0, StatusCode::GONE);
    assert_eq!(send(&bot, &path, "token=again").await.0, StatusCode::GONE);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_was_not_made_here_or_is_old_opens_nothing() {
    let bot = bot().await;
    let run = run_with_a_secret(bot.app(), None).await;
    let path = path_of(bot.app(), &run);
    let parts: Vec<&str> = path.split('/').collect();
    let (until, signature) = (parts[3], parts[4]);
    let other = run_with_a_secret(bot.app(), None).await;
    let later = until.parse::<i64>().unwrap() + 1;
    for forged in [
        format!("/secrets/{}/{until}/{signature}", other.id),
        format!("/secrets/{}/{later}/{signature}", run.id),
        format!("/secrets/{}/{until}/{}", run.id, "0".repeat(64)),
        format!("/secrets/{}/{until}/zz", run.id),
    ] {
        assert_eq!(look(&bot, &forged).await.0, StatusCode::GONE, "{forged}");
        assert_eq!(send(&bot, &forged, "token=x").await.0, StatusCode::GONE, "{forged}");
    }
    bot.pass(TimeDelta::hours(25));
    assert_eq!(look(&bot, &path).await.0, StatusCode::GONE);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_must_agree_agrees_before_secrets_are_asked_for() {
    let bot = bot().await;
    let run = run_with_a_secret(bot.app(), Some("group:default/platform")).await;
    assert_eq!(run.state, RunState::Approval);
    assert_eq!(look(&bot, &path_of(bot.app(), &run)).await.0, StatusCode::GONE);
    let change = async |act| bot.app().store.change_run(asked("tasks"), run.id, act).await.unwrap();
    assert_eq!(change(RunAct::Retry).await, RunChange::NotNow(RunState::Approval));
    assert_eq!(change(RunAct::Approve).await, RunChange::Done);
    assert_eq!(look(&bot, &path_of(bot.app(), &run)).await.0, StatusCode::OK);
    assert_eq!(change(RunAct::Cancel).await, RunChange::Done);
    let ended = bot.app().store.load_run(run.id).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.sealed), (RunState::Cancelled, None));
    assert_eq!(ended.reason.as_deref(), Some("called off by Ana"));
    bot.halt().await;
}
