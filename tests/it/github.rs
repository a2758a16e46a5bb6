//! A sweep of GitHub: complete, in few requests, and nothing lost whatever GitHub answers.

use std::{collections::BTreeSet, path::Path, time::Duration};

use steward::{
    catalog::{Contents, FileRole, Known, RepositoryKey, RepositoryRead, SourcePage, SweepReport, Visibility},
    github::{Auth, Check, Connection, Filters, GithubConfig, GithubError, GithubSource, Waits},
    requests::{Requests, count_requests},
};
use tokio::sync::mpsc;

use crate::fake_github::{Announced, Counts, FakeGithub, Fault, Model, OwnerKind, TOKEN};

/// Short enough for tests, in the same proportions as the real ones.
pub const WAITS: Waits = Waits {
    first: Duration::from_millis(1),
    longest: Duration::from_millis(20),
    unannounced: Duration::from_millis(60),
    longest_limit: Duration::from_millis(3_600),
    longest_look: Duration::from_millis(400),
    announced_second: Duration::from_millis(20),
    quota_minute: Duration::from_secs(60),
    request: Duration::from_millis(5_000),
};

pub fn config(fake: &FakeGithub) -> GithubConfig {
    config_at(&fake.url, TOKEN).expect("a valid address and token")
}

fn config_at(api_url: &str, token: &str) -> Result<GithubConfig, GithubError> {
    let connection = Connection::new(api_url, &Auth::Token(token.into()), WAITS)?;
    let catalog_paths = vec!["catalog-info.yaml".to_owned()];
    Ok(GithubConfig { id: "acme".to_owned(), org: "acme".to_owned(), connection, catalog_paths, filters: Filters::default() })
}

pub struct Swept {
    pub repositories: Vec<RepositoryRead>,
    pub report: SweepReport,
    pub requests: Requests,
}

impl Swept {
    pub fn names(&self) -> BTreeSet<&str> {
        self.repositories.iter().map(|read| read.repository.full_name.as_str()).collect()
    }

    pub fn find(&self, name: &str) -> &RepositoryRead {
        self.repositories.iter().find(|read| read.repository.full_name == format!("acme/{name}")).expect("it was swept")
    }

    pub fn text(&self, name: &str, path: &str) -> String {
        let file = self.find(name).files.read().iter().find(|file| file.path == path).expect("the file was read");
        match &file.contents {
            Contents::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Contents::Unreadable(why) => format!("unreadable: {why}"),
        }
    }
}

pub async fn try_sweep(config: GithubConfig) -> Result<Swept, GithubError> {
    sweep_known(&GithubSource::new(config)?, &Known::default()).await
}

pub async fn sweep_known(source: &GithubSource, known: &Known) -> Result<Swept, GithubError> {
    let (sender, mut receiver) = mpsc::channel::<SourcePage>(2);
    let reader = async {
        let mut repositories = Vec::new();
        while let Some(page) = receiver.recv().await {
            repositories.extend(page.repositories);
        }
        repositories
    };
    let sweep = count_requests(source.sweep(known, sender));
    let ((report, requests), repositories) = tokio::join!(sweep, reader);
    Ok(Swept { repositories, report: report?, requests })
}

pub async fn sweep(fake: &FakeGithub) -> Swept {
    fake.second_lasts(WAITS.announced_second);
    try_sweep(config(fake)).await.expect("the sweep reaches its end")
}

pub async fn generated(repositories: usize) -> FakeGithub {
    FakeGithub::serve(FakeGithub::generate("acme", repositories), 0).await
}

/// Every repository once, each descriptor and runbook as it is in the model, and no error.
fn assert_complete(fake: &FakeGithub, swept: &Swept) {
    assert_eq!(swept.report.errors, []);
    assert_whole(fake, swept);
}

fn assert_whole(fake: &FakeGithub, swept: &Swept) {
    fake.model(|model| {
        assert_eq!(swept.repositories.len(), model.repos.len());
        assert_eq!(swept.report.expected, Some(model.repos.len() as u64));
        for repo in &model.repos {
            let read = swept.find(&repo.name);
            assert_eq!(read.repository.id, repo.id);
            let wanted = ["catalog-info.yaml", "docs/runbook.md"];
            let files = repo.head().map(|head| &head.files);
            let there = wanted.iter().filter_map(|path| Some((*path, files?.get(*path)?.to_vec())));
            let came = read.files.read().iter().map(|file| match &file.contents {
                Contents::Bytes(bytes) => (file.path.as_str(), bytes.clone()),
                Contents::Unreadable(why) => panic!("{}: {why}", file.path),
            });
            assert_eq!(came.collect::<Vec<_>>(), there.collect::<Vec<_>>(), "{}", repo.name);
        }
    });
}

#[tokio::test]
async fn two_thousand_repositories_take_twenty_pages_and_one_request_for_the_mark() {
    let fake = generated(2_000).await;
    let swept = sweep(&fake).await;
    assert_complete(&fake, &swept);
    assert_eq!((swept.requests.graphql, swept.requests.rest), (21, 0));
    // The first asks for one repository of each list, with its first twenty topics.
    let page_sizes = [vec![20], vec![100; 20]].concat();
    assert_eq!(fake.counts(), Counts { graphql: 21, rest: 0, too_early: 0, page_sizes });
}

#[tokio::test]
async fn full_pages_need_no_empty_one_after_them() {
    for (repositories, requests) in [(0, 2), (1, 2), (99, 2), (100, 2), (101, 3), (200, 3)] {
        let fake = generated(repositories).await;
        let swept = sweep(&fake).await;
        assert_complete(&fake, &swept);
        assert_eq!(fake.counts().graphql, requests, "for {repositories} repositories");
    }
}

#[tokio::test]
async fn facts_come_with_the_files() {
    let fake = FakeGithub::start("acme").await;
    fake.add_repository("payments-api", &[("catalog-info.yaml", "kind: Component\n"), ("RUNBOOK.md", "# Down\n")]);
    let sha = fake.push_file("payments-api", "docs/runbook.md", "# Also\n");
    fake.model(|model| {
        let repo = model.repo_mut("payments-api");
        (repo.topics, repo.language) = (vec!["tier-1".to_owned()], Some("Rust".to_owned()));
        (repo.description, repo.visibility, repo.fork) = (Some("Takes money".to_owned()), "internal".to_owned(), true);
    });
    fake.archive("payments-api");
    let swept = sweep(&fake).await;
    let RepositoryRead { repository, files } = swept.find("payments-api");
    let roles: Vec<_> = files.read().iter().map(|file| (file.path.as_str(), file.role)).collect();
    let runbook = FileRole::Runbook;
    assert_eq!(roles, [("catalog-info.yaml", FileRole::Descriptor), ("docs/runbook.md", runbook), ("RUNBOOK.md", runbook)]);
    assert_eq!(repository.url.as_deref(), Some("https://github.com/acme/payments-api"));
    assert_eq!(repository.description.as_deref(), Some("Takes money"));
    assert_eq!((repository.visibility, repository.archived, repository.fork), (Visibility::Internal, true, true));
    assert_eq!((&repository.topics[..], repository.language.as_deref()), (&["tier-1".to_owned()][..], Some("Rust")));
    assert_eq!(repository.default_branch.as_deref(), Some("main"));
    let head = repository.head.as_ref().expect("it has commits");
    assert_eq!((&head.sha, head.author.as_deref(), head.committed_at), (&sha, Some("ada"), repository.pushed_at));
}

#[tokio::test]
async fn an_empty_repository_has_neither_branch_nor_files() {
    let fake = FakeGithub::start("acme").await;
    fake.add_repository("empty", &[]);
    let swept = sweep(&fake).await;
    let RepositoryRead { repository, files } = swept.find("empty");
    assert_eq!(
        (&repository.default_branch, &repository.head, &repository.pushed_at, files.read().len()),
        (&None, &None, &None, 0)
    );
    assert_eq!(swept.report.errors, []);
}

#[tokio::test]
async fn a_folder_where_a_descriptor_would_be_is_no_file() {
    let fake = FakeGithub::start("acme").await;
    fake.add_repository("odd", &[("catalog-info.yaml/inner.yaml", "x: 1\n")]);
    assert_eq!(sweep(&fake).await.find("odd").files.read(), []);
}

#[tokio::test]
async fn several_descriptor_paths_come_in_the_same_request() {
    let fake = FakeGithub::start("acme").await;
    fake.add_repository("two", &[("catalog-info.yaml", "a: 1\n"), ("ops/\"odd\" name.yaml", "b: 2\n")]);
    let paths = vec!["./catalog-info.yaml".to_owned(), "ops/\"odd\" name.yaml".to_owned()];
    let swept = try_sweep(GithubConfig { catalog_paths: paths, ..config(&fake) }).await.expect("the sweep reaches its end");
    assert_eq!(swept.text("two", "catalog-info.yaml"), "a: 1\n");
    assert_eq!(swept.text("two", "ops/\"odd\" name.yaml"), "b: 2\n");
    assert_eq!(fake.counts().graphql, 2);
}

#[tokio::test]
async fn the_queries_that_are_checked_are_those_that_are_sent() {
    let fake = generated(1).await;
    let filters = Filters { branch: Some("production".to_owned()), ..Filters::default() };
    try_sweep(GithubConfig { filters, ..config(&fake) }).await.expect("the sweep reaches its end");
    let definitions = |text: &str| {
        let plain: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        let plain = plain.join("\n").replace("refs/heads/production:", "HEAD:");
        let parts = plain.replace("\nfragment ", "\n\nfragment ").replace("\nquery ", "\n\nquery ");
        parts.split("\n\n").map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let checked = definitions(include_str!("../../src/github/repositories.graphql"));
    let sent = fake.queries();
    assert_eq!(sent.len(), 2);
    for query in sent {
        let unchecked: Vec<_> = definitions(&query).difference(&checked).cloned().collect();
        assert_eq!(unchecked, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_second_sweep_shows_what_changed() {
    let fake = generated(30).await;
    sweep(&fake).await;
    fake.reset_counts();
    fake.push_file("payments-api", "catalog-info.yaml", "kind: API\n");
    fake.remove_file("search-api-00001", "catalog-info.yaml");
    fake.rename("orders-api-00002", "orders");
    fake.archive("identity-api-00003");
    fake.delete("shipping-api-00004");
    fake.add_repository("fresh", &[("catalog-info.yaml", "kind: System\n")]);
    let swept = sweep(&fake).await;
    assert_complete(&fake, &swept);
    assert_eq!(fake.counts().graphql, 2);
    assert_eq!(swept.text("payments-api", "catalog-info.yaml"), "kind: API\n");
    assert_eq!(swept.find("search-api-00001").files.read(), []);
    assert!(swept.find("identity-api-00003").repository.archived);
    assert_eq!(swept.text("fresh", "catalog-info.yaml"), "kind: System\n");
}

#[tokio::test]
async fn an_outage_ends_the_sweep_and_the_next_one_is_whole() {
    let fake = generated(30).await;
    fake.fail_pages_above(0, Fault::Status(503));
    let error = try_sweep(config(&fake)).await.err();
    assert!(matches!(error, Some(GithubError::Unavailable { .. })), "{error:?}");
    fake.heal();
    assert_complete(&fake, &sweep(&fake).await);
}

#[tokio::test]
async fn the_sample_organisation_comes_whole() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/org");
    let fake = FakeGithub::serve(FakeGithub::load_fixtures("acme", &folder), 0).await;
    let swept = sweep(&fake).await;
    assert_eq!(swept.report.errors, []);
    assert_eq!(swept.report.expected, Some(swept.names().len() as u64));
    assert!(swept.names().len() >= 40);
    let written = std::fs::read_to_string(folder.join("payments-api/catalog-info.yaml")).expect("the fixture is there");
    assert_eq!(swept.text("payments-api", "catalog-info.yaml"), written);
}

#[tokio::test]
async fn a_user_account_is_swept_like_an_organisation() {
    let fake = FakeGithub::serve(Model::new("acme", OwnerKind::User), 0).await;
    fake.add_repository("mine", &[("catalog-info.yaml", "a: 1\n")]);
    assert_eq!(sweep(&fake).await.text("mine", "catalog-info.yaml"), "a: 1\n");
}

#[tokio::test]
async fn an_enterprise_server_is_asked_below_its_own_paths() {
    let fake = FakeGithub::start("acme").await;
    fake.add_repository("one", &[("catalog-info.yaml", "a: 1\n")]);
    fake.push_file("one", "runbook.md", b"\0binary");
    let api_url = format!("{}/api/v3/", fake.url);
    let swept = try_sweep(config_at(&api_url, TOKEN).expect("a valid address")).await.expect("the sweep reaches its end");
    assert_eq!(swept.text("one", "runbook.md"), "\0binary");
}

#[tokio::test]
async fn each_page_failing_once_loses_nothing() {
    let faults = [
        Fault::Status(502),
        Fault::Status(504),
        Fault::Status(500),
        Fault::Status(503),
        Fault::Status(429),
        Fault::GraphqlTimeout,
        Fault::ResourceLimits,
        Fault::CutShort,
        Fault::BrokenOff,
        Fault::EndsEarly,
        Fault::Limited { status: 429, secs: 2, announced: Announced::RetryAfter },
        Fault::Limited { status: 403, secs: 2, announced: Announced::RetryAfter },
        Fault::Limited { status: 403, secs: 2, announced: Announced::Reset },
        Fault::Limited { status: 200, secs: 2, announced: Announced::Reset },
    ];
    for fault in faults {
        let fake = generated(250).await;
        fake.fail_each_page_once(fault.clone());
        let swept = sweep(&fake).await;
        assert_complete(&fake, &swept);
        assert_eq!(fake.counts().too_early, 0, "after {fault:?}");
        assert!(fake.counts().graphql <= 2 * 4, "{} requests after {fault:?}", fake.counts().graphql);
    }
}

#[tokio::test]
async fn one_bad_gateway_costs_one_request() {
    let fake = generated(2_000).await;
    fake.plan([None, None, None, Some(Fault::Status(502))]);
    let swept = sweep(&fake).await;
    assert_complete(&fake, &swept);
    assert_eq!(swept.requests.graphql, 22);
}

#[tokio::test]
async fn pages_shrink_to_what_github_can_answer_and_grow_back() {
    for fault in [Fault::Status(502), Fault::GraphqlTimeout, Fault::ResourceLimits] {
        let fake = generated(500).await;
        fake.fail_pages_above(30, fault);
        let swept = sweep(&fake).await;
        assert_complete(&fake, &swept);
        let sizes = fake.counts().page_sizes;
        // Twenty pages of 25, and what finding that out costs.
        assert!(fake.counts().graphql <= 20 + 8, "{} requests, {sizes:?}", fake.counts().graphql);
    }
    let fake = generated(1_000).await;
    fake.plan([vec![None], vec![Some(Fault::Status(502)); 3]].concat());
    let swept = sweep(&fake).await;
    assert_complete(&fake, &swept);
    let sizes = fake.counts().page_sizes;
    assert_eq!((sizes.get(1), sizes.last()), (Some(&25), Some(&100)), "{sizes:?}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_asked_for_in_smaller_pages() {
    let fake = generated(30).await;
    fake.answer_after(Duration::from_millis(150));
    let waits = Waits { request: Duration::from_millis(50), ..WAITS };
    let connection = Connection::new(&fake.url, &Auth::Token(TOKEN.into()), waits).expect("a valid address");
    let error = try_sweep(GithubConfig { connection, ..config(&fake) }).await.err();
    assert!(matches!(error, Some(GithubError::Unavailable { .. })), "{error:?}");
    fake.answer_after(Duration::ZERO);
    assert_complete(&fake, &sweep(&fake).await);
}

#[tokio::test]
async fn a_repository_too_heavy_even_alone_does_not_end_the_sweep() {
    let fake = generated(3).await;
    // Twice at 100, then 50, 25, 12, 6, 3, three times at one, and then without files.
    fake.plan([vec![None], vec![Some(Fault::GraphqlTimeout); 10]].concat());
    let swept = sweep(&fake).await;
    assert_eq!(swept.names().len(), 2);
    let errors: Vec<_> = swept.report.errors.iter().map(|error| (error.location.as_str(), &error.message[..28])).collect();
    assert_eq!(
        errors,
        [("acme/payments-api", "its files could not be read:"), (fake.url.as_str(), "GitHub counts 3 repositories")]
    );
    assert_eq!(swept.report.expected, Some(3));
}

#[tokio::test]
async fn a_limit_that_does_not_say_how_long_is_waited_out() {
    let fake = generated(10).await;
    fake.plan([Some(Fault::Limited { status: 429, secs: 2, announced: Announced::Nothing })]);
    assert_complete(&fake, &sweep(&fake).await);
    assert_eq!(fake.counts().too_early, 0);
}

#[tokio::test]
async fn a_limit_longer_than_an_hour_ends_the_sweep_and_says_so() {
    let fake = generated(10).await;
    fake.plan([Some(Fault::Limited { status: 403, secs: 9_000, announced: Announced::RetryAfter })]);
    fake.second_lasts(WAITS.announced_second);
    let error = try_sweep(config(&fake)).await.err();
    assert!(matches!(error, Some(GithubError::LimitTooLong { wait_secs: 9_000, .. })), "{error:?}");
}

#[tokio::test]
async fn a_repository_that_github_cannot_give_does_not_lose_the_others() {
    let fake = generated(120).await;
    fake.break_repository("payments-api");
    let swept = sweep(&fake).await;
    assert_eq!(swept.names().len(), 119);
    assert_eq!(swept.report.expected, Some(120));
    let messages: Vec<_> = swept.report.errors.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(messages, ["Something is wrong with payments-api", "GitHub counts 120 repositories of acme and gave 119"]);
}

#[tokio::test]
async fn a_repository_that_times_out_by_itself_costs_one_request() {
    for words in ["Something went wrong while executing your query.", "Timeout on validation of query"] {
        let fake = generated(420).await;
        fake.model(|model| {
            for name in ["payments-api", "search-api-00001"] {
                let repo = model.repo_mut(name);
                (repo.broken, repo.broken_words) = (true, Some(words.to_owned()));
            }
        });
        let swept = sweep(&fake).await;
        assert_eq!((swept.names().len(), swept.report.expected), (418, Some(420)));
        // The mark, five pages, and the page with both once more.
        assert_eq!(swept.requests.graphql, 1 + 5 + 1, "{words}");
        // By their ids, too, where they are looked at with others.
        let known: Vec<_> = fake.model(|model| model.repos.iter().take(100).map(|it| (it.id, it.name.clone())).collect());
        let key = |(id, name): &(i64, String)| RepositoryKey {
            id: *id,
            node_id: Some(fake.node_id(name)),
            full_name: Some(format!("acme/{name}")),
        };
        let keys: Vec<_> = known.iter().map(key).collect();
        fake.reset_counts();
        let looked = GithubSource::new(config(&fake)).unwrap().look(&keys).await.unwrap();
        assert_eq!((looked.found.len(), looked.gone.len(), looked.errors.len()), (98, 0, 2));
        assert_eq!(fake.counts().graphql, 2, "{words}");
    }
}

#[tokio::test]
async fn a_file_that_github_cannot_give_is_unreadable_and_not_absent() {
    let fake = generated(5).await;
    fake.break_file("payments-api", "catalog-info.yaml");
    let swept = sweep(&fake).await;
    let text = swept.text("payments-api", "catalog-info.yaml");
    assert_eq!(text, "unreadable: GitHub could not read it: Could not read catalog-info.yaml");
    assert_eq!(swept.report.errors[0].location, "acme/payments-api");
    assert_eq!(swept.repositories.len(), 5);
}

#[tokio::test]
async fn a_long_or_binary_file_costs_one_read_of_its_own() {
    let fake = generated(3).await;
    let long = format!("a: {}\n", "x".repeat(600 * 1024));
    fake.push_file("payments-api", "catalog-info.yaml", &long);
    fake.push_file("payments-api", "runbook.md", b"PK\0\x01");
    fake.push_file("payments-api", "docs/RUNBOOK.md", "x".repeat(2 * 1024 * 1024 + 1));
    let swept = sweep(&fake).await;
    assert_eq!(swept.text("payments-api", "catalog-info.yaml"), long);
    assert_eq!(swept.text("payments-api", "runbook.md"), "PK\0\u{1}");
    let too_long = "unreadable: it has 2097153 bytes; Steward reads files of up to 2097152";
    assert_eq!(swept.text("payments-api", "docs/RUNBOOK.md"), too_long);
    assert_eq!((swept.requests.graphql, swept.requests.rest), (2, 2));
    assert_eq!(swept.report.errors, []);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_whole_is_unreadable_and_says_why() {
    let fake = generated(1).await;
    fake.push_file("payments-api", "catalog-info.yaml", b"\0");
    fake.plan([None, None, Some(Fault::Status(500)), Some(Fault::Status(502))]);
    let swept = sweep(&fake).await;
    assert_eq!((swept.text("payments-api", "catalog-info.yaml").as_str(), swept.requests.rest), ("\0", 3));
    fake.plan([None, None, Some(Fault::Status(404))]);
    let swept = sweep(&fake).await;
    let said = "GitHub rejected the request: 404: Server Error";
    assert_eq!(swept.text("payments-api", "catalog-info.yaml"), format!("unreadable: {said}"));
    assert_eq!(swept.report.errors[0].message, format!("catalog-info.yaml: {said}"));
}

#[tokio::test]
async fn more_long_files_than_fit_one_answer_come_in_smaller_pages() {
    let fake = FakeGithub::start("acme").await;
    let long = format!("# {}\n", "x".repeat(500 * 1024));
    for index in 0..33 {
        fake.add_repository(&format!("r{index}"), &[("catalog-info.yaml", long.as_str())]);
    }
    let swept = sweep(&fake).await;
    assert_complete(&fake, &swept);
    assert!(fake.counts().page_sizes.iter().any(|first| *first < 100));
}

#[tokio::test]
async fn changes_during_a_sweep_neither_double_nor_skip_the_others() {
    let fake = generated(300).await;
    let source = GithubSource::new(config(&fake)).expect("the config is good");
    let (sender, mut receiver) = mpsc::channel::<SourcePage>(1);
    let meanwhile = async {
        let mut names = receiver.recv().await.expect("a first page").repositories;
        // The second page may be on its way; none of these is on it.
        fake.delete("payments-api");
        fake.rename("search-api-00001", "zzz-last");
        fake.add_repository("aaa-first", &[]);
        fake.delete("catalog-worker-00293");
        while let Some(page) = receiver.recv().await {
            names.extend(page.repositories);
        }
        names
    };
    let known = Known::default();
    let (report, reads) = tokio::join!(source.sweep(&known, sender), meanwhile);
    let names: Vec<_> = reads.iter().map(|read| read.repository.full_name.clone()).collect();
    let distinct: BTreeSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len());
    assert!(names.contains(&"acme/aaa-first".to_owned()));
    let still_there = (2..293).filter(|index| !names.iter().any(|name| name.ends_with(&format!("-{index:05}"))));
    assert_eq!(still_there.collect::<Vec<_>>(), Vec::<usize>::new());
    assert!(report.is_ok());
}

#[tokio::test]
async fn a_reader_that_goes_away_stops_the_sweep() {
    let fake = generated(500).await;
    let source = GithubSource::new(config(&fake)).expect("the config is good");
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    assert!(matches!(source.sweep(&Known::default(), sender).await, Err(GithubError::Stopped)));
    assert!(fake.counts().graphql <= 2);
}

#[tokio::test]
async fn what_cannot_work_is_said_with_what_to_do() {
    let fake = generated(1).await;
    let good = || config(&fake);
    let path = |path: &str| vec![path.to_owned()];
    let filtered = |filters: Filters| Ok(GithubConfig { filters, ..good() });
    let cases = [
        (config_at(&fake.url, "ghp_other"), "GitHub does not accept the token"),
        (config_at(&fake.url, "a\nb"), "auth.token: it is empty or has characters no token has"),
        (Ok(GithubConfig { org: "acem".to_owned(), ..good() }), "GitHub has no organisation or user acem that the token may see"),
        (Ok(GithubConfig { catalog_paths: path("{a/b,c}/x.yaml"), ..good() }), "catalog_paths: {a/b,c}/x.yaml is not the path"),
        (filtered(Filters { repository: Some("(".to_owned()), ..Filters::default() }), "filters.repository: \"(\" is not"),
        (filtered(Filters { branch: Some("a b".to_owned()), ..Filters::default() }), "filters.branch: \"a b\" is not"),
        (Ok(GithubConfig { catalog_paths: path("../up.yaml"), ..good() }), "catalog_paths: ../up.yaml is not the path of a file"),
        (config_at("api.github.com", TOKEN), "api_url: api.github.com is not a URL"),
        (config_at(&format!("{}/wrong", fake.url), TOKEN), "/wrong does not answer as GitHub's API: 404"),
    ];
    for (config, wanted) in cases {
        let tried = async { try_sweep(config?).await };
        let error = tried.await.err().expect("it cannot work");
        assert!(error.to_string().contains(wanted), "{error}");
        assert!(error.advice().is_some(), "{error}");
        assert!(!format!("{error:?}").contains("ghp_"), "{error:?}");
    }
    let source = GithubSource::new(good()).expect("the config is good");
    assert!(!format!("{source:?}").contains(TOKEN));
    fake.plan([Some(Fault::Status(403))]);
    let error = try_sweep(good()).await.err();
    assert!(matches!(error, Some(GithubError::Forbidden { .. })), "{error:?}");
}

fn lines(checks: &[Check]) -> Vec<String> {
    let line = |Check { name, found, fix }: &Check| match (found, fix) {
        (Ok(found), _) => format!("ok {name}: {found}"),
        (Err(found), Some(fix)) => format!("bad {name}: {found} -> {fix}"),
        (Err(found), None) => format!("bad {name}: {found}"),
    };
    checks.iter().map(line).collect()
}

#[tokio::test]
async fn the_doctor_names_token_limit_and_organisation() {
    let fake = generated(12).await;
    let source = |config| GithubSource::new(config).expect("the config is good");
    expect_test::expect![[r#"
        [
            "ok GitHub token: accepted, scopes read:org, repo",
            "ok GitHub rate limit: 5000 of 5000 REST requests left this hour",
            "ok GitHub rate limit: 5000 of 5000 GraphQL points left this hour",
            "ok GitHub organisation: acme is in sight with 12 repositories",
        ]
    "#]]
    .assert_debug_eq(&lines(&source(config(&fake)).check().await));

    fake.accept(Some(TOKEN), "gist");
    fake.use_up("graphql", 4_800);
    let checks = source(GithubConfig { org: "acem".to_owned(), ..config(&fake) }).check().await;
    expect_test::expect![[r#"
        [
            "bad GitHub token: accepted, but it has only gist: private repositories stay out of sight -> Add the scope `repo` to the token, or use a fine-grained one with Contents and Metadata.",
            "ok GitHub rate limit: 5000 of 5000 REST requests left this hour",
            "bad GitHub rate limit: 200 of 5000 GraphQL points left this hour -> Give Steward a token of its own; something else uses this one up.",
            "bad GitHub organisation: GitHub has no organisation or user acem that the token may see -> Check the spelling of acem and that the token's owner is a member of it.",
        ]
    "#]]
    .assert_debug_eq(&lines(&checks));

    fake.accept(Some("ghp_rotated"), "");
    let checks = source(config(&fake)).check().await;
    assert_eq!(lines(&checks).len(), 1);
    assert!(lines(&checks)[0].starts_with("bad GitHub token: GitHub does not accept the token -> Make a new token"));
}
