//! What GitHub allows is kept to: nobody asks while a limit holds, the urgent go first after it, sweeps slow down and end well.

use std::{
    slice,
    sync::Arc,
    time::{Duration, Instant},
};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use steward::{
    catalog::{FileRole, FilesWanted, Known, RepositoryKey, SourcePage},
    github::{Auth, Connection, Filters, GithubConfig, GithubError, GithubSource, Waits, write::Written},
};
use tokio::sync::mpsc;

use crate::fake_github::{Announced, FakeGithub, Fault, TOKEN};

/// A second of GitHub's limits is a fiftieth of ours.
const WAITS: Waits = Waits {
    first: Duration::from_millis(1),
    longest: Duration::from_millis(20),
    unannounced: Duration::from_millis(60),
    longest_limit: Duration::from_secs(73),
    longest_look: Duration::from_millis(400),
    announced_second: Duration::from_millis(20),
    quota_minute: Duration::from_secs(60),
    request: Duration::from_secs(5),
};

async fn generated(repositories: usize) -> FakeGithub {
    let fake = FakeGithub::serve(FakeGithub::generate("acme", repositories), 0).await;
    fake.second_lasts(WAITS.announced_second);
    fake
}

fn source(fake: &FakeGithub) -> GithubSource {
    let connection = Connection::new(&fake.url, &Auth::Token(TOKEN.into()), WAITS).unwrap();
    let catalog_paths = vec!["catalog-info.yaml".to_owned()];
    GithubSource::new(GithubConfig {
        id: "acme".to_owned(),
        org: "acme".to_owned(),
        connection,
        catalog_paths,
        filters: Filters::default(),
    })
    .unwrap()
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

async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never came true: {what}");
}

fn key(fake: &FakeGithub) -> RepositoryKey {
    let id = fake.model(|model| model.find_repo("payments-api").expect("the fake has it").id);
    RepositoryKey { id, node_id: Some(fake.node_id("payments-api")), full_name: Some("acme/payments-api".to_owned()) }
}

fn limited(status: u16, secs: u64, announced: Announced) -> Option<Fault> {
    Some(Fault::Limited { status, secs, announced })
}

#[tokio::test]
async fn a_budget_that_runs_out_is_waited_for_and_never_overdrawn() {
    let fake = generated(600).await;
    fake.leave("graphql", 2, 20);
    let started = Instant::now();
    assert_eq!(sweep(&source(&fake)).await.unwrap(), 600);
    assert!(started.elapsed() >= Duration::from_millis(20 * 20), "{:?}", started.elapsed());
    assert_eq!((fake.counts().too_early, fake.counts().graphql), (0, 7));
}

#[tokio::test]
async fn a_limit_met_unprepared_is_waited_out_however_it_is_told() {
    for status in [403, 429, 200] {
        for announced in [Announced::RetryAfter, Announced::Reset] {
            let fake = generated(250).await;
            fake.plan([None, None, limited(status, 20, announced)]);
            let started = Instant::now();
            assert_eq!(sweep(&source(&fake)).await.unwrap(), 250, "{status} {announced:?}");
            assert!(started.elapsed() >= Duration::from_millis(20 * 20), "{status} {announced:?}");
            assert_eq!((fake.counts().too_early, fake.counts().graphql), (0, 5), "{status} {announced:?}");
        }
        // Ours is to guess: three of its seconds, and doubled where that was too early.
        let fake = generated(250).await;
        fake.plan([None, None, limited(status, 2, Announced::Nothing)]);
        assert_eq!(sweep(&source(&fake)).await.unwrap(), 250, "{status}");
        assert_eq!((fake.counts().too_early, fake.counts().graphql), (0, 5), "{status}");
    }
}

#[tokio::test]
async fn limits_do_not_use_up_the_patience_with_faults() {
    let fake = generated(1).await;
    fake.plan(vec![limited(429, 1, Announced::RetryAfter); 30]);
    assert_eq!(sweep(&source(&fake)).await.unwrap(), 1);
    assert_eq!(fake.counts().too_early, 0);
}

#[tokio::test]
async fn rest_and_graphql_are_limited_apart() {
    let fake = generated(1).await;
    fake.push_file("payments-api", "catalog-info.yaml", b"\0");
    fake.plan([None, None, limited(403, 50, Announced::RetryAfter)]);
    let source = source(&fake);
    let both = async {
        let second = async {
            until("the read is limited", || fake.log().len() == 3).await;
            sweep(&source).await.unwrap()
        };
        tokio::join!(async { sweep(&source).await.unwrap() }, second)
    };
    assert_eq!(both.await, (1, 1));
    let read = "GET /repos/acme/payments-api/contents/catalog-info.yaml";
    assert_eq!(fake.log(), ["Latest", "Sweep", read, "Latest", "Sweep", read, read]);
    assert_eq!(fake.counts().too_early, 0);
}

/// One sweep that has met a limit, and what else is wanted while it holds.
async fn while_limited<T>(fake: &FakeGithub, limit: Option<Fault>, wanted: impl AsyncFnOnce(&GithubSource) -> T) -> T {
    let recorder = recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    fake.plan([limit]);
    let source = source(fake);
    let wanted = async {
        until("the limit is known", || recorder.handle().render().contains("steward_github_limited_total")).await;
        wanted(&source).await
    };
    let (swept, wanted) = tokio::join!(sweep(&source), wanted);
    assert!(swept.is_ok(), "{swept:?}");
    wanted
}

#[tokio::test]
async fn the_urgent_go_first_when_a_limit_ends() {
    let fake = generated(1).await;
    let limit = limited(429, 25, Announced::RetryAfter);
    let wanted = async |source: &GithubSource| tokio::join!(sweep(source), sweep(source), source.check());
    let (one, other, checks) = while_limited(&fake, limit, wanted).await;
    assert_eq!((one.unwrap(), other.unwrap()), (1, 1));
    assert!(checks.iter().all(|check| check.found.is_ok()), "{checks:?}");
    let mut log = fake.log();
    assert_eq!(log[..3], ["Latest", "GET /rate_limit", "Check"]);
    // Three sweeps beside one another.
    log[3..].sort();
    assert_eq!(log[3..], ["Latest", "Latest", "Latest", "Sweep", "Sweep", "Sweep"]);
    assert_eq!(fake.counts().too_early, 0);
}

#[tokio::test]
async fn a_webhook_s_look_goes_before_the_sweeps_that_wait() {
    let fake = generated(1).await;
    let key = key(&fake);
    let limit = limited(403, 10, Announced::RetryAfter);
    let wanted = async |source: &GithubSource| tokio::join!(sweep(source), sweep(source), source.look(slice::from_ref(&key)));
    let (one, other, looked) = while_limited(&fake, limit, wanted).await;
    assert_eq!((one.unwrap(), other.unwrap(), looked.unwrap().found.len()), (1, 1, 1));
    let mut log = fake.log();
    assert_eq!(log[..2], ["Latest", "Nodes"]);
    log[2..].sort();
    assert_eq!(log[2..], ["Latest", "Latest", "Latest", "Sweep", "Sweep", "Sweep"]);
    assert_eq!(fake.counts().too_early, 0);
}

#[tokio::test]
async fn a_look_that_would_wait_long_is_over_at_once_and_sends_nothing() {
    let fake = generated(1).await;
    let wish = FilesWanted {
        repository: key(&fake),
        head: "0".repeat(40),
        patterns: vec![("README.md".to_owned(), FileRole::Descriptor)],
    };
    let limit = limited(403, 50, Announced::RetryAfter);
    let wanted = async |source: &GithubSource| {
        let started = Instant::now();
        let one_look = source.for_one_look();
        assert!(!one_look.is_cut_short());
        let looked = one_look.look(slice::from_ref(&wish.repository)).await.err();
        let loaded = one_look.load_files(slice::from_ref(&wish)).await.err();
        assert!(one_look.is_cut_short() && !source.is_cut_short());
        (looked, loaded, started.elapsed())
    };
    let (looked, loaded, waited) = while_limited(&fake, limit, wanted).await;
    assert!(matches!(looked, Some(GithubError::LimitTooLong { .. })), "{looked:?}");
    assert!(matches!(loaded, Some(GithubError::LimitTooLong { .. })), "{loaded:?}");
    assert!(waited < WAITS.longest_look, "{waited:?}");
    assert_eq!(fake.log(), ["Latest", "Latest", "Sweep"], "the sweep alone waited");
}

#[tokio::test]
async fn all_waits_of_one_look_together_are_bounded() {
    let fake = generated(1).await;
    let key = key(&fake);
    // Three quarters of what a look may wait, twice.
    fake.plan(vec![limited(429, 15, Announced::RetryAfter); 2]);
    let error = source(&fake).look(slice::from_ref(&key)).await.err();
    assert!(matches!(error, Some(GithubError::LimitTooLong { .. })), "{error:?}");
    assert_eq!((fake.log().len(), fake.counts().too_early), (2, 0));
    fake.heal();
    let source = source(&fake);
    fake.plan([limited(429, 1, Announced::RetryAfter)]);
    assert!(source.look(slice::from_ref(&key)).await.is_ok(), "a short limit is waited out");
}

#[tokio::test]
async fn a_write_that_may_have_been_done_is_not_sent_twice() {
    let posts = |fake: &FakeGithub| fake.log().iter().filter(|line| line.starts_with("POST")).count();
    for fault in [Fault::BrokenOff, Fault::Status(502), Fault::Status(500)] {
        let fake = generated(1).await;
        let head = fake.push_file("payments-api", "catalog-info.yaml", "kind: Component\n");
        let writer = source(&fake).writer();
        let comment = async || writer.comment_on_commit("acme/payments-api", &head, "It is broken.", "one").await;
        fake.plan([None, Some(fault.clone())]);
        let error = comment().await.err();
        assert!(matches!(error, Some(GithubError::Unsure { .. })), "{fault:?}: {error:?}");
        assert_eq!(posts(&fake), 1, "{fault:?}");
        // The queue tries again, and whoever does looks first.
        let is_done = fault == Fault::BrokenOff;
        assert_eq!(comment().await.unwrap(), if is_done { Written::Nothing } else { Written::Done }, "{fault:?}");
        assert_eq!((fake.written().comments.len(), posts(&fake)), (1, if is_done { 1 } else { 2 }), "{fault:?}");
    }
    // A limit tells that nothing was done.
    let fake = generated(1).await;
    let head = fake.push_file("payments-api", "catalog-info.yaml", "kind: Component\n");
    fake.plan([None, limited(403, 1, Announced::RetryAfter)]);
    let error = source(&fake).writer().comment_on_commit("acme/payments-api", &head, "It is broken.", "one").await.err();
    assert!(matches!(error, Some(GithubError::LimitTooLong { .. })), "{error:?}");
}

#[tokio::test]
async fn one_tries_whether_a_limit_is_over_while_the_others_wait() {
    let fake = generated(1).await;
    // Twice as long as the first guess.
    let limit = limited(403, 6, Announced::Nothing);
    let wanted = async |source: &GithubSource| tokio::join!(sweep(source), sweep(source), sweep(source));
    let (one, two, three) = while_limited(&fake, limit, wanted).await;
    assert_eq!((one.unwrap(), two.unwrap(), three.unwrap()), (1, 1, 1));
    assert!(fake.counts().too_early <= 1, "{:?}", fake.counts());
    // Four sweeps of two requests, the first that met the limit, and one that came too early.
    assert!(fake.log().len() <= 10, "{:?}", fake.log());
}

#[tokio::test]
async fn sweeps_slow_down_while_little_is_left_and_people_do_not() {
    let fake = Arc::new(generated(150).await);
    // 200 of 5,000 for an hour, which is 72 s here: a sweep asks every 0.72 s.
    fake.use_up("graphql", 4_800);
    let source = Arc::new(source(&fake));
    assert!(source.check().await.iter().any(|check| check.found.is_err()), "the doctor tells of it");
    let started = Instant::now();
    let swept = {
        let source = Arc::clone(&source);
        tokio::spawn(async move { sweep(&source).await.unwrap() })
    };
    until("the sweep has begun", || fake.log().contains(&"Latest".to_owned())).await;
    source.check().await;
    source.check().await;
    assert_eq!(swept.await.unwrap(), 150);
    assert!(started.elapsed() >= Duration::from_millis(1_400), "{:?}", started.elapsed());
    let log: Vec<_> = fake.log().into_iter().filter(|line| !line.starts_with("GET")).collect();
    assert_eq!(log, ["Check", "Latest", "Check", "Check", "Sweep", "Sweep"]);
}

#[tokio::test]
async fn a_limit_longer_than_ever_meant_is_not_asked_about_again() {
    let fake = generated(1).await;
    fake.plan([limited(403, 9_000, Announced::RetryAfter)]);
    let source = source(&fake);
    for _ in 0..3 {
        let error = sweep(&source).await.unwrap_err();
        assert!(matches!(error, GithubError::LimitTooLong { wait_secs: 8_900..=9_000, .. }), "{error:?}");
    }
    assert_eq!((fake.counts().graphql, fake.counts().too_early), (1, 0));
}

/// Metrics of this thread alone.
fn recorder() -> PrometheusRecorder {
    PrometheusBuilder::new().build_recorder()
}

#[tokio::test]
async fn what_is_left_is_a_metric_and_waits_are_counted() {
    let recorder = recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let fake = generated(150).await;
    let source = source(&fake);
    fake.use_up("graphql", 20);
    sweep(&source).await.unwrap();
    let shown = recorder.handle().render();
    for line in [
        r#"steward_github_budget_remaining{resource="graphql",source="acme"} 4980"#,
        r#"steward_github_budget_limit{resource="graphql",source="acme"} 5000"#,
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    assert!(!shown.contains("steward_github_budget_waits_total"), "{shown}");
    fake.plan([None, limited(429, 1, Announced::RetryAfter)]);
    sweep(&source).await.unwrap();
    let shown = recorder.handle().render();
    for line in [
        r#"steward_github_budget_waits_total{resource="graphql",reason="closed"} 1"#,
        r#"steward_github_limited_total{resource="graphql"} 1"#,
    ] {
        assert!(shown.contains(line), "{shown}");
    }
}

#[tokio::test]
async fn an_ample_budget_slows_nothing_down() {
    let recorder = recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let fake = generated(1).await;
    let source = source(&fake);
    for _ in 0..300 {
        sweep(&source).await.unwrap();
    }
    let shown = recorder.handle().render();
    assert!(!shown.contains("steward_github_budget_waits_total"), "{shown}");
}

#[tokio::test]
async fn a_server_without_limits_is_not_given_any() {
    let recorder = recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let fake = generated(190).await;
    fake.turn_limits_off();
    fake.model(|model| {
        let names: Vec<_> = model.repos.iter().map(|repo| repo.name.clone()).collect();
        for name in names {
            model.push(&name, &[("catalog-info.yaml", Some(b"\0"))]);
        }
    });
    let source = source(&fake);
    // 570 reads, more than half of what a minute has for those with limits.
    for _ in 0..3 {
        assert_eq!(sweep(&source).await.unwrap(), 190);
    }
    assert_eq!(fake.counts().rest, 570);
    let shown = recorder.handle().render();
    assert!(!shown.contains("steward_github_budget"), "{shown}");
}
