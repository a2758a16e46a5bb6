//! Signing in to GitHub as an App: one fresh token for all who need it, and a word for each way in which it cannot be had.

use std::{slice, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use steward::{
    catalog::{Known, RepositoryKey, SourcePage},
    github::{AppKey, Auth, Check, Connection, Filters, GithubConfig, GithubError, GithubSource, Waits},
};
use tokio::sync::mpsc;

use crate::fake_github::{
    Announced, FakeGithub, Fault,
    app::{APP_ID, APP_KEY},
};

const WAITS: Waits = Waits {
    first: Duration::from_millis(1),
    longest: Duration::from_millis(20),
    unannounced: Duration::from_millis(60),
    longest_limit: Duration::from_millis(3_600),
    longest_look: Duration::from_millis(400),
    announced_second: Duration::from_millis(20),
    quota_minute: Duration::from_secs(60),
    request: Duration::from_secs(5),
};

/// The same key, in the form that openssl makes of it.
const PKCS8_KEY: &str = include_str!("../../fixtures/github-app/app.pkcs8.pem");

fn key(owner: &str) -> AppKey {
    let now = || Utc::now();
    AppKey { id: APP_ID.to_owned(), private_key: APP_KEY.into(), owner: owner.to_owned(), installation_id: None, now }
}

fn source_of(fake: &FakeGithub, key: AppKey) -> Result<GithubSource, GithubError> {
    let org = key.owner.clone();
    let connection = Connection::new(&fake.url, &Auth::App(key), WAITS)?;
    GithubSource::new(GithubConfig {
        id: org.clone(),
        org,
        connection,
        catalog_paths: vec!["catalog-info.yaml".to_owned()],
        filters: Filters::default(),
    })
}

async fn sweep(source: &GithubSource) -> Result<usize, GithubError> {
    let (sender, mut receiver) = mpsc::channel::<SourcePage>(2);
    let known = Known::default();
    let reading = async {
        let mut count = 0;
        while let Some(page) = receiver.recv().await {
            count += page.repositories.len();
        }
        count
    };
    let (report, count) = tokio::join!(source.sweep(&known, sender), reading);
    report.map(|report| {
        assert_eq!(report.errors, []);
        count
    })
}

/// An organisation of some repositories on which the App is installed; no other token is good.
async fn installed(repositories: usize) -> FakeGithub {
    let fake = FakeGithub::serve(FakeGithub::generate("acme", repositories), 0).await;
    fake.accept(Some("none"), "");
    fake.second_lasts(WAITS.announced_second);
    fake.app(|app| app.install(77, "acme"));
    fake
}

#[tokio::test]
async fn an_app_finds_its_installation_and_reads_with_one_token() {
    let fake = installed(250).await;
    let source = source_of(&fake, key("acme")).unwrap();
    assert_eq!(sweep(&source).await.unwrap(), 250);
    assert_eq!(sweep(&source).await.unwrap(), 250);
    let sweep = ["Latest", "Sweep", "Sweep", "Sweep"];
    let log = fake.log();
    assert_eq!(log[..2], ["GET /orgs/acme/installation", "POST /app/installations/77/access_tokens"]);
    assert_eq!(log[2..], [sweep, sweep].concat());
    assert_eq!(fake.app(|app| app.issued), 1);
}

#[tokio::test]
async fn an_installation_that_is_named_is_not_looked_for() {
    let fake = installed(1).await;
    let named = AppKey { installation_id: Some(77), private_key: PKCS8_KEY.into(), ..key("acme") };
    assert_eq!(sweep(&source_of(&fake, named).unwrap()).await.unwrap(), 1);
    assert_eq!(fake.log(), ["POST /app/installations/77/access_tokens", "Latest", "Sweep"]);
}

#[tokio::test]
async fn an_enterprise_server_is_asked_below_its_own_path() {
    let fake = installed(1).await;
    let api_url = format!("{}/api/v3", fake.url);
    let connection = Connection::new(&api_url, &Auth::App(key("acme")), WAITS).unwrap();
    let catalog_paths = vec!["catalog-info.yaml".to_owned()];
    let config =
        GithubConfig { id: "acme".to_owned(), org: "acme".to_owned(), connection, catalog_paths, filters: Filters::default() };
    assert_eq!(sweep(&GithubSource::new(config).unwrap()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_user_has_installations_too() {
    let fake = installed(1).await;
    fake.app(|app| app.installations[0].is_user = true);
    assert_eq!(sweep(&source_of(&fake, key("acme")).unwrap()).await.unwrap(), 1);
    assert_eq!(fake.log()[..2], ["GET /orgs/acme/installation", "GET /users/acme/installation"]);
}

#[tokio::test]
async fn one_app_has_a_token_for_each_organisation() {
    let fake = installed(1).await;
    fake.app(|app| app.install(78, "globex"));
    let (acme, globex) = (source_of(&fake, key("acme")).unwrap(), source_of(&fake, key("globex")).unwrap());
    assert_eq!(sweep(&acme).await.unwrap(), 1);
    // The fake has no such organisation, but its installation is found.
    let error = sweep(&globex).await.unwrap_err();
    assert!(matches!(error, GithubError::UnknownOwner { .. }), "{error:?}");
    assert!(fake.log().contains(&"POST /app/installations/78/access_tokens".to_owned()));
}

#[tokio::test]
async fn a_token_that_is_refused_is_fetched_anew_once() {
    let fake = installed(1).await;
    let source = source_of(&fake, key("acme")).unwrap();
    sweep(&source).await.unwrap();
    fake.app(|app| app.revoke_tokens());
    assert_eq!(sweep(&source).await.unwrap(), 1);
    assert_eq!(fake.app(|app| (app.issued, app.refused)), (2, 1));
    assert_eq!(fake.log()[4..], ["Latest", "POST /app/installations/77/access_tokens", "Latest", "Sweep"]);
}

#[tokio::test]
async fn a_token_that_dies_early_in_a_sweep_is_replaced_as_often_as_it_does() {
    for uses in [1, 2, 3] {
        let fake = installed(950).await;
        fake.app(|app| app.uses = Some(uses));
        assert_eq!(sweep(&source_of(&fake, key("acme")).unwrap()).await.unwrap(), 950, "{uses}");
        // Eleven requests, each sent once with a good token.
        let died = 11_usize.div_ceil(uses) - 1;
        assert_eq!(fake.app(|app| (app.issued, app.refused)), (died + 1, died), "{uses}");
    }
}

#[tokio::test]
async fn fresh_tokens_that_are_refused_for_a_while_are_borne() {
    for refused in 1..=5 {
        let fake = installed(250).await;
        let source = source_of(&fake, key("acme")).unwrap();
        fake.app(|app| app.refuse_next = refused);
        assert_eq!(sweep(&source).await.unwrap(), 250, "{refused}");
        assert_eq!(fake.app(|app| app.refused), refused);
    }
}

#[tokio::test]
async fn many_who_share_a_token_that_died_fetch_one_other() {
    let fake = installed(1).await;
    let source = source_of(&fake, key("acme")).unwrap();
    sweep(&source).await.unwrap();
    fake.app(|app| app.revoke_tokens());
    let swept = tokio::join!(sweep(&source), sweep(&source), sweep(&source), sweep(&source));
    assert_eq!((swept.0.unwrap(), swept.1.unwrap(), swept.2.unwrap(), swept.3.unwrap()), (1, 1, 1, 1));
    assert_eq!(fake.app(|app| app.issued), 2);
}

#[tokio::test]
async fn tokens_that_are_always_refused_end_the_sweep_and_the_next_begins_with_another() {
    let fake = installed(1).await;
    let source = source_of(&fake, key("acme")).unwrap();
    fake.app(|app| app.refuse_next = usize::MAX);
    let error = sweep(&source).await.unwrap_err();
    // The key is good: with it the tokens were had.
    let said = error.to_string();
    assert!(said.contains("refuses a token that it gave to the GitHub App just now"), "{said}");
    assert!(fake.app(|app| app.issued) <= 24, "twelve attempts with two tokens each, and no more");
    fake.app(|app| (app.refuse_next, app.refused) = (0, 0));
    assert_eq!(sweep(&source).await.unwrap(), 1);
    assert_eq!(fake.app(|app| app.refused), 0, "what was refused is not sent again");
}

#[tokio::test]
async fn a_token_that_ends_during_a_wait_is_not_sent_after_it() {
    let fake = installed(250).await;
    fake.app(|app| app.lifetime = Duration::from_secs(1));
    // Fifty of its seconds are one of ours.
    fake.plan([None, None, Some(Fault::Limited { status: 403, secs: 50, announced: Announced::RetryAfter })]);
    assert_eq!(sweep(&source_of(&fake, key("acme")).unwrap()).await.unwrap(), 250);
    assert_eq!(fake.app(|app| (app.issued, app.refused)), (2, 0));
    assert_eq!(fake.counts().too_early, 0);
}

#[tokio::test]
async fn many_who_need_a_token_fetch_it_once() {
    let fake = installed(1).await;
    fake.answer_after(Duration::from_millis(20));
    let source = source_of(&fake, key("acme")).unwrap();
    let swept = tokio::join!(sweep(&source), sweep(&source), sweep(&source), sweep(&source));
    assert_eq!((swept.0.unwrap(), swept.1.unwrap(), swept.2.unwrap(), swept.3.unwrap()), (1, 1, 1, 1));
    assert_eq!(fake.app(|app| app.issued), 1);
}

#[tokio::test]
async fn a_look_does_not_wait_long_for_a_token_that_another_fetches() {
    let fake = installed(1).await;
    // The installation and its token take longer together than a look may wait.
    fake.answer_after(WAITS.longest_look * 3 / 4);
    let source = source_of(&fake, key("acme")).unwrap();
    let key = RepositoryKey { id: 1, node_id: Some(fake.node_id("payments-api")), full_name: None };
    let (swept, looked) = tokio::join!(sweep(&source), source.look(slice::from_ref(&key)));
    assert_eq!(swept.unwrap(), 1);
    assert!(matches!(looked, Err(GithubError::Crowded { .. })));
    assert_eq!((fake.app(|app| app.issued), fake.log().len()), (1, 4));
}

#[tokio::test]
async fn an_installation_made_anew_is_found_again() {
    let fake = installed(1).await;
    let source = source_of(&fake, key("acme")).unwrap();
    sweep(&source).await.unwrap();
    fake.app(|app| {
        app.installations.clear();
        app.revoke_tokens();
    });
    let error = sweep(&source).await.unwrap_err();
    assert!(matches!(error, GithubError::NotInstalled { .. }), "{error:?}");
    fake.app(|app| app.install(99, "acme"));
    assert_eq!(sweep(&source).await.unwrap(), 1);
}

#[tokio::test]
async fn a_wrong_clock_is_set_by_githubs_own() {
    for ahead_secs in [3_600, -3_600, 90] {
        let fake = installed(250).await;
        fake.app(|app| app.ahead_secs = ahead_secs);
        assert_eq!(sweep(&source_of(&fake, key("acme")).unwrap()).await.unwrap(), 250, "{ahead_secs}");
    }
    let now = || -> DateTime<Utc> { Utc::now() - TimeDelta::hours(2) };
    let fake = installed(1).await;
    assert_eq!(sweep(&source_of(&fake, AppKey { now, ..key("acme") }).unwrap()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_bad_gateway_on_the_way_to_a_token_is_borne() {
    let fake = installed(1).await;
    fake.app(|app| app.fail_next = 2);
    assert_eq!(sweep(&source_of(&fake, key("acme")).unwrap()).await.unwrap(), 1);
}

#[tokio::test]
async fn what_cannot_sign_in_is_said_with_what_to_do() {
    let fake = installed(1).await;
    let with = |private_key: &str| AppKey { private_key: private_key.into(), ..key("acme") };
    let encrypted = APP_KEY.replace("RSA PRIVATE KEY-----\n", "RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n");
    let ec = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n";
    let cut = APP_KEY.lines().take(5).collect::<Vec<_>>().join("\n");
    let cases = [
        (with("not a key"), "auth.app.private_key_file: it holds no private key"),
        (with(""), "auth.app.private_key_file: it holds no private key"),
        (with(&cut), "auth.app.private_key_file: it holds no private key"),
        (with(&encrypted), "auth.app.private_key_file: the key is encrypted"),
        (with(ec), "auth.app.private_key_file: it is no RSA key"),
        (AppKey { id: " ".to_owned(), ..key("acme") }, "auth.app.id: it is empty"),
        (AppKey { id: "271828".to_owned(), ..key("acme") }, "GitHub does not accept the key of the GitHub App 271828"),
        (key("initech"), "the GitHub App 314159 is not installed on initech"),
        (AppKey { installation_id: Some(5), ..key("acme") }, "the GitHub App 314159 is not installed on acme"),
    ];
    for (key, wanted) in cases {
        let tried = async { sweep(&source_of(&fake, key)?).await };
        let error = tried.await.expect_err("it cannot work");
        assert!(error.to_string().contains(wanted), "{error}");
        assert!(error.advice().is_some(), "{error}");
        assert!(!format!("{error:?}").contains("PRIVATE KEY"), "{error:?}");
    }
    let source = source_of(&fake, key("acme")).unwrap();
    sweep(&source).await.unwrap();
    assert!(!format!("{source:?}").contains("ghs_"), "{source:?}");
}

#[tokio::test]
async fn a_suspended_installation_is_named_and_works_again_after() {
    let fake = installed(3).await;
    let source = source_of(&fake, key("acme")).unwrap();
    sweep(&source).await.unwrap();
    fake.app(|app| app.installations[0].is_suspended = true);
    // With the token at hand, and where one is looked for.
    for source in [&source, &source_of(&fake, key("acme")).unwrap()] {
        let error = sweep(source).await.unwrap_err();
        assert!(matches!(error, GithubError::Suspended { .. }), "{error:?}");
        assert!(error.advice().unwrap().starts_with("Unsuspend it on GitHub"));
    }
    fake.app(|app| app.installations[0].is_suspended = false);
    assert_eq!(sweep(&source).await.unwrap(), 3);
}

#[tokio::test]
async fn redirects_are_followed_and_the_token_stays_at_github() {
    // A stranger gives the file to whoever brings no token.
    let stranger = axum::Router::new().fallback(async |headers: axum::http::HeaderMap| {
        let brings_token = headers.contains_key("authorization");
        if brings_token { (axum::http::StatusCode::BAD_REQUEST, "a token") } else { (axum::http::StatusCode::OK, "a: 1\n") }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = format!("http://{}/file", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, stranger).await });
    let fake = installed(1).await;
    fake.push_file("payments-api", "catalog-info.yaml", b"\0");
    let read = "/repos/acme/payments-api/contents/catalog-info.yaml";
    let moved = |status: u16, location: &str| Some(Fault::Moved { status, location: location.to_owned() });
    for (location, reads) in [(format!("{read}?ref=HEAD"), 2), (format!("{}{read}?ref=HEAD", fake.url), 2), (elsewhere, 1)] {
        let source = source_of(&fake, key("acme")).unwrap();
        let before = fake.log().len();
        fake.plan([None, None, moved(301, &location)]);
        assert_eq!(sweep(&source).await.unwrap(), 1);
        let log = fake.log().split_off(before);
        assert_eq!(log.iter().filter(|line| **line == format!("GET {read}")).count(), reads, "{log:?}");
    }
    // In a circle, it ends.
    fake.plan([None, None].into_iter().chain(vec![moved(302, read); 9]));
    let (sender, _pages) = mpsc::channel::<SourcePage>(2);
    let report = source_of(&fake, key("acme")).unwrap().sweep(&Known::default(), sender).await.unwrap();
    assert!(report.errors[0].message.ends_with("GitHub rejected the request: 302: it leads elsewhere"), "{:?}", report.errors);
    server.abort();
}

fn lines(checks: &[Check]) -> Vec<String> {
    let line = |Check { name, found, fix }: &Check| match found {
        Ok(found) => format!("ok {name}: {found}"),
        Err(found) => format!("bad {name}: {found} -> {}", fix.as_deref().unwrap_or("?")),
    };
    checks.iter().map(line).collect()
}

#[tokio::test]
async fn the_doctor_names_app_installation_and_what_it_may_not() {
    let fake = installed(12).await;
    let source = source_of(&fake, key("acme")).unwrap();
    expect_test::expect![[r#"
        [
            "ok GitHub App: steward-acme is installed on acme for all repositories (installation 77)",
            "ok GitHub App's permissions: all that Steward uses",
            "ok GitHub rate limit: 5000 of 5000 REST requests left this hour",
            "ok GitHub rate limit: 5000 of 5000 GraphQL points left this hour",
            "ok GitHub organisation: acme is in sight with 12 repositories",
        ]
    "#]]
    .assert_debug_eq(&lines(&source.check().await));

    fake.app(|app| app.installations[0].permissions.retain(|name, _| *name != "checks"));
    expect_test::expect![[r#"
        "ok GitHub App's permissions: enough to read the catalog; without checks (write): no check runs on pull requests"
    "#]]
    .assert_debug_eq(&lines(&source.check().await)[1]);
    fake.app(|app| app.installations[0].permissions.retain(|name, _| *name != "contents"));
    expect_test::expect![[r#"
        "bad GitHub App's permissions: the App lacks contents (read) -> Give it on the App's page on GitHub, and accept it in the organisation's settings."
    "#]].assert_debug_eq(&lines(&source.check().await)[1]);
    fake.app(|app| app.installations[0].is_suspended = true);
    expect_test::expect![[r#"
        [
            "bad GitHub App: the GitHub App's installation is suspended: since 2026-11-20T09:00:00Z -> Unsuspend it on GitHub: the organisation's settings, GitHub Apps, Configure.",
        ]
    "#]].assert_debug_eq(&lines(&source.check().await));
}
