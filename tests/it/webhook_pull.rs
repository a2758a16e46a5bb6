//! Descriptors in pull requests: the author hears of a mistake before it is merged, once, and that it is mended.

use serde_json::json;

use steward::{
    github::{AppKey, Auth, Connection, Filters, GithubConfig, GithubSource, Waits, write::Written},
    sync::check_pull_request,
};

use crate::{
    bot::Bot,
    fake_github::{APP_ID, APP_KEY, FakeGithub, Fault},
};

const GOOD: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: payments\nspec:\n  type: service\n  \
                    lifecycle: production\n  owner: team-a\n";
const BAD: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: pay ments @acme/everyone `x`\n";

async fn bot() -> Bot {
    let bot = Bot::of_descriptors(&[("payments", GOOD)]).await;
    bot.sync().await;
    bot
}

/// GitHub tells of a pull request; returns when the job has been worked off.
async fn tell(bot: &Bot, action: &str, number: i64) {
    let payload =
        json!({ "action": action, "number": number, "pull_request": { "number": number, "head": { "sha": "f".repeat(40) } } });
    assert_eq!(bot.github_event("pull_request", &bot.payload_of("payments", payload)).await, 202);
    bot.until_idle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_descriptor_gets_a_status_and_one_comment_that_follows_the_pull_request() {
    let bot = bot().await;
    let first = bot.github.propose("payments", 7, &[("catalog-info.yaml", Some(BAD)), ("README.md", Some("hello"))]);
    tell(&bot, "opened", 7).await;
    let written = bot.github.written();
    let (sha, status) = &written.statuses[0];
    assert_eq!((sha, &status["state"], &status["context"]), (&first, &json!("failure"), &json!("steward/catalog")));
    assert_eq!(status["description"], "1 fault in 1 descriptor");
    let said = &written.comments[0].body;
    assert!(said.starts_with("<!-- steward:catalog -->\n") && said.contains("`catalog-info.yaml:4`"), "{said}");
    assert!(said.contains("metadata.name") && said.contains("last good version"), "where, how to mend it, what is kept: {said}");
    assert!(!said.contains("`x`"), "what stands in the file stays inside the code marks: {said}");

    // Told again of what is known, nothing is said again.
    let writes = written.writes;
    tell(&bot, "reopened", 7).await;
    assert_eq!(bot.github.written().writes, writes);

    let second = bot.github.propose("payments", 7, &[("catalog-info.yaml", Some(GOOD))]);
    tell(&bot, "synchronize", 7).await;
    let written = bot.github.written();
    assert_eq!((&written.statuses[1].0, &written.statuses[1].1["state"]), (&second, &json!("success")));
    assert_eq!(written.comments.len(), 1, "the comment is changed, not repeated");
    assert!(written.comments[0].body.contains("The descriptor is valid"), "{}", written.comments[0].body);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_where_all_is_well_or_no_descriptor_is_touched() {
    let bot = bot().await;
    bot.github.propose("payments", 1, &[("README.md", Some("hello")), ("docs/catalog-info.yaml", Some(BAD))]);
    tell(&bot, "opened", 1).await;
    bot.github.propose("payments", 2, &[("catalog-info.yaml", None)]);
    tell(&bot, "opened", 2).await;
    assert_eq!(bot.github.written().writes, 0);
    bot.github.propose("payments", 3, &[("catalog-info.yaml", Some(&GOOD.replace("team-a", "team-b")))]);
    tell(&bot, "opened", 3).await;
    let written = bot.github.written();
    assert_eq!((written.statuses.len(), written.comments.len()), (1, 0));
    tell(&bot, "opened", 99).await;
    bot.github.model(|model| model.written.pulls.iter_mut().for_each(|pull| pull.is_open = false));
    tell(&bot, "synchronize", 3).await;
    assert_eq!(bot.github.written().writes, 1, "what is not there, or closed, is left alone");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_s_comment_with_the_mark_is_not_taken_for_ours() {
    let bot = bot().await;
    bot.github.comment("payments/issues/7", "mallory", "<!-- steward:catalog -->\nAll is well!");
    for number in 0..120 {
        bot.github.comment("payments/issues/7", "ada", &format!("Comment {number}"));
    }
    bot.github.propose("payments", 7, &[("catalog-info.yaml", Some(BAD))]);
    tell(&bot, "opened", 7).await;
    tell(&bot, "synchronize", 7).await;
    let ours: Vec<_> = bot.github.written().comments.into_iter().filter(|comment| comment.author == "steward-bot").collect();
    assert_eq!(ours.len(), 1, "found again behind a page of others");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn token_that_may_not_write_costs_nothing_and_is_not_tried_for_ever() {
    let bot = bot().await;
    bot.github.set_read_only(true);
    bot.github.propose("payments", 7, &[("catalog-info.yaml", Some(BAD))]);
    tell(&bot, "opened", 7).await;
    // Nor one that may not even see pull requests.
    bot.github.plan([Some(Fault::Status(403))]);
    tell(&bot, "synchronize", 7).await;
    assert_eq!(bot.github.written().writes, 0);
    assert!(bot.say("/owner payments").await.contains("team-a"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_pull_request_is_read_to_its_last_page() {
    let bot = bot().await;
    let many: Vec<(String, Option<&str>)> = (0..250).map(|number| (format!("a/{number:03}.txt"), Some("x"))).collect();
    let mut files: Vec<(&str, Option<&str>)> = many.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    files.push(("catalog-info.yaml", Some(BAD)));
    bot.github.propose("payments", 7, &files);
    tell(&bot, "opened", 7).await;
    assert_eq!(bot.github.written().comments.len(), 1);
    bot.halt().await;
}

/// Checks as an App, which is installed on `acme` and may write check runs.
async fn as_app(github: &FakeGithub) -> GithubSource {
    github.app(|app| app.install(77, "acme"));
    let key = AppKey {
        id: APP_ID.to_owned(),
        private_key: APP_KEY.into(),
        owner: "acme".to_owned(),
        installation_id: None,
        now: || chrono::Utc::now(),
    };
    let connection = Connection::new(&github.url, &Auth::App(key), Waits::default()).unwrap();
    let catalog_paths = vec!["./catalog-info.yaml".to_owned()];
    GithubSource::new(GithubConfig {
        id: "acme".to_owned(),
        org: "acme".to_owned(),
        connection,
        catalog_paths,
        filters: Filters::default(),
    })
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn app_writes_a_check_run_with_a_line_for_each_fault() {
    let github = FakeGithub::start("acme").await;
    github.add_repository("payments", &[("catalog-info.yaml", GOOD)]);
    let source = as_app(&github).await;
    let check = async || check_pull_request(&source, "acme/payments", 7, &Default::default()).await.unwrap();
    let head = github.propose("payments", 7, &[("README.md", Some("hello"))]);
    assert_eq!(check().await, Written::Nothing, "{head}: no descriptor, no check run");
    let head = github.propose("payments", 7, &[("catalog-info.yaml", Some(BAD))]);
    assert_eq!(check().await, Written::Done);
    let run = github.written().check_runs.remove(0);
    assert_eq!((&run["name"], &run["head_sha"], &run["conclusion"]), (&json!("Steward"), &json!(head), &json!("failure")));
    let annotation = &run["output"]["annotations"][0];
    assert_eq!(
        (&annotation["path"], &annotation["start_line"], &annotation["annotation_level"]),
        (&json!("catalog-info.yaml"), &json!(4), &json!("failure"))
    );
    assert!(annotation["message"].as_str().unwrap().contains("; "), "what is wrong, and what to write instead: {annotation}");
    assert_eq!(check().await, Written::Nothing, "a redelivery says nothing twice");
    github.propose("payments", 7, &[("catalog-info.yaml", Some(GOOD))]);
    assert_eq!(check().await, Written::Done);
    let written = github.written();
    assert_eq!((written.check_runs.len(), &written.check_runs[1]["conclusion"]), (2, &json!("success")));
    assert_eq!((written.comments.len(), written.statuses.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_fifty_faults_come_in_several_requests_and_one_run() {
    let github = FakeGithub::start("acme").await;
    github.add_repository("payments", &[("catalog-info.yaml", GOOD)]);
    let source = as_app(&github).await;
    let many = vec![BAD; 120].join("---\n");
    github.propose("payments", 7, &[("catalog-info.yaml", Some(&many))]);
    check_pull_request(&source, "acme/payments", 7, &Default::default()).await.unwrap();
    let written = github.written();
    assert_eq!((written.check_runs.len(), written.annotation_batches), (1, vec![50, 50, 20]));
    let run = &written.check_runs[0];
    assert_eq!((run["output"]["annotations"].as_array().unwrap().len(), &run["status"]), (120, &json!("completed")));
}
