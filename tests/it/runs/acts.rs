//! Each outward action by itself.

use serde_json::json;
use steward::{
    settings::{ScaffolderSettings, Settings},
    store::{RunState, StepState},
};

use super::desk::{Desk, SERVICE};
use crate::{
    cluster::new_database,
    fake_github::{Fault, TOKEN},
};

const PROPOSAL: &str = "
- id: write
  name: Write
  action: catalog:write
  input:
    filePath: catalog/extra.yaml
    entity: { apiVersion: backstage.io/v1alpha1, kind: Resource, metadata: { name: extra }, spec: { type: database, owner: team-a } }
- id: propose
  name: Propose
  action: publish:github:pull-request
  input:
    repoUrl: github.com?owner=acme&repo=org
    branchName: add/extra
    title: Add extra
    description: It was missing
    filesToDelete: [README.md, nothing.md]
    reviewers: [ada]
    assignees: [ada]
- id: label
  name: Label
  action: github:issues:label
  input:
    repoUrl: github.com?owner=acme&repo=org
    number: '${{ steps.propose.output.pullRequestNumber }}'
    labels: [template]
";

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_proposed_once_whatever_breaks() {
    let faults = [None, Some(Fault::After(502)), Some(Fault::Status(502)), Some(Fault::BrokenOff)];
    for fault in faults {
        let desk = Desk::of(PROPOSAL).await;
        desk.github().push_file("org", "README.md", "# org\n");
        if let Some(fault) = fault {
            for part in ["/git/refs", "/pulls", "/labels", "/git/trees"] {
                desk.github().fail_on("POST", part, fault.clone());
            }
        }
        let run = desk.run("orders").await;
        assert_eq!(run.state, RunState::Done, "{:?}", run.reason);
        assert_eq!(run.steps[1].output["pullRequestNumber"], json!(1));
        desk.github().model(|model| {
            assert_eq!(model.made.pulls.len(), 1);
            let pull = &model.made.pulls[0];
            assert_eq!((pull["title"].as_str(), pull["head"]["ref"].as_str()), (Some("Add extra"), Some("add/extra")));
            assert_eq!((&pull["asked"]["reviewers"], &pull["assignees"]), (&json!(["ada"]), &json!(["ada"])));
            let head = &model.find_repo("org").unwrap().branches["add/extra"];
            let files: Vec<&str> = head.files.keys().map(String::as_str).collect();
            assert_eq!(files, ["catalog-info.yaml", "catalog/extra.yaml"]);
            assert_eq!(model.made.settings["org"].labels["1"], ["template"]);
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_of_somebody_else_is_left_alone() {
    let desk = Desk::of(PROPOSAL).await;
    desk.github().model(|model| model.push_branch("org", "add/extra", "mine.txt", b"mine"));
    let run = desk.run("orders").await;
    assert_eq!(run.state, RunState::Failed);
    assert!(run.reason.as_deref().unwrap().contains("has a branch add/extra already"), "{:?}", run.reason);
    assert!(desk.github().model(|model| model.made.pulls.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_gets_all_that_was_asked_for() {
    let steps = SERVICE.replace(
        "    topics: [Service, new]\n",
        "    access: acme/team-a\n    collaborators:\n    - { user: bob, access: push }\n    - { team: nobody, access: pull }\n    \
         repoVariables: { STAGE: test }\n    secrets: { TOKEN: 'a secret' }\n    subscribe: true\n    hasWiki: false\n    \
         allowSquashMerge: false\n    oidcCustomization: { useDefault: false, includeClaimKeys: [repo] }\n    \
         requiredApprovingReviewCount: 2\n    requiredStatusCheckContexts: [build]\n    requiredCommitSigning: true\n    \
         gitCommitMessage: Begin\n    gitAuthorName: Ada\n    gitAuthorEmail: ada@example.com\n",
    );
    let desk = Desk::of(&steps).await;
    let run = desk.run("orders").await;
    assert_eq!(run.state, RunState::Done, "{:?}", run.reason);
    assert_eq!(run.steps[1].state, StepState::Warned, "a team that is not there holds nothing up: {:?}", run.steps[1].warnings);
    desk.github().model(|model| {
        let made = &model.made.settings["orders"];
        assert_eq!(made.created_with["has_wiki"], json!(false));
        assert_eq!(made.created_with["allow_squash_merge"], json!(false));
        assert_eq!((made.teams["team-a"].as_str(), made.collaborators["bob"].as_str()), ("admin", "push"));
        assert_eq!((made.variables["STAGE"].as_str(), made.secrets["TOKEN"].as_str()), ("test", "a secret"));
        assert_eq!(made.oidc, json!({ "use_default": false, "include_claim_keys": ["repo"] }));
        let protection = &made.protections["main"];
        assert_eq!(protection["required_pull_request_reviews"]["required_approving_review_count"], json!(2));
        assert_eq!(protection["required_status_checks"], json!({ "strict": true, "contexts": ["build"] }));
        assert_eq!(protection["signatures"], json!(true));
        assert!(made.is_watched);
        let commit = &model.find_repo("orders").unwrap().commits[0];
        assert!(commit.message.starts_with("Begin\n\n") && commit.author == "Ada");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_made_empty_and_filled_later() {
    let steps = "- id: fetch\n  action: fetch:plain:file\n  input: { url: ./skeleton/README.md, targetPath: docs/README.md }\n\
                 - id: make\n  action: github:repo:create\n  input: { repoUrl: 'github.com?owner=acme&repo=orders', repoVisibility: private }\n\
                 - id: push\n  action: github:repo:push\n  input: { repoUrl: 'github.com?owner=acme&repo=orders' }\n\
                 - id: hook\n  action: github:webhook\n  input: { repoUrl: 'github.com?owner=acme&repo=orders', webhookUrl: 'https://ci.example.com/hook' }\n\
                 - id: tell\n  action: slack:notify\n  input: { channel: team-a, message: It is there }\n\
                 - id: read\n  action: catalog:fetch\n  input: { entityRef: 'group:default/team-a' }\n";
    let desk = Desk::of(steps).await;
    desk.github().model(|model| model.made.is_small_plan = true);
    desk.github().fail_on("POST", "/hooks", Fault::After(502));
    let run = desk.run("orders").await;
    assert_eq!(run.state, RunState::Done, "{:?}", run.reason);
    assert_eq!(desk.files("orders"), ["docs/README.md"]);
    assert!(run.steps[2].warnings[0].contains("larger plans"), "{:?}", run.steps[2].warnings);
    assert_eq!(desk.github().model(|model| model.made.settings["orders"].hooks.len()), 1);
    assert_eq!(run.steps[5].output["entity"]["metadata"]["name"], json!("team-a"));
    desk.bot.messages("#team-a", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_to_allowed_hosts_alone() {
    let steps =
        "- id: ask\n  action: http:backstage:request\n  input: { method: POST, path: 'https://example.com/x', body: { a: 1 } }\n";
    let desk = Desk::of(steps).await;
    let run = desk.run("orders").await;
    assert_eq!(run.state, RunState::Failed);
    assert!(run.reason.as_deref().unwrap().contains("scaffolder.allowed_hosts"), "{:?}", run.reason);
    assert!(run.deeds.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skeleton_may_be_at_an_address_of_github_and_nowhere_else() {
    let there = "https://github.com/acme/templates/tree/main/skeleton";
    let desk = Desk::of(&SERVICE.replace("./skeleton", there)).await;
    let run = desk.run("orders").await;
    super::desk::assert_whole(&desk, &run, "orders");
    let desk = Desk::of(&SERVICE.replace("./skeleton", "https://example.com/acme/templates/tree/main/skeleton")).await;
    let run = desk.run("orders").await;
    assert!(run.reason.as_deref().unwrap().contains("may not fetch from example.com"), "{:?}", run.reason);
    let desk = Desk::of(&SERVICE.replace("./skeleton", "../../other")).await;
    let run = desk.run("orders").await;
    assert!(run.reason.as_deref().unwrap().contains("leads out"), "{:?}", run.reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_used_and_written_down_nowhere() {
    const SECRET: &str = "correct-horse-battery-staple";
    let _ = rustls::crypto::ring::default_provider().install_default();
    let github = super::desk::organisation("").await;
    let url = github.url.clone();
    let steps = format!(
        "- id: log\n  action: debug:log\n  input: {{ message: 'the key is ${{{{ secrets.KEY }}}}' }}\n\
         - id: fetch\n  action: fetch:template\n  input: {{ url: ./skeleton, values: {{ name: '${{{{ secrets.KEY }}}}', owner: team-a }} }}\n\
         - id: ask\n  action: http:backstage:request\n  input:\n    method: POST\n    path: {url}/repos/acme/org/hooks\n    \
         params: {{ key: '${{{{ secrets.KEY }}}}' }}\n    headers: {{ authorization: Bearer {TOKEN}, user-agent: steward }}\n    \
         body: {{ config: {{ secret: '${{{{ secrets.KEY }}}}' }} }}\n"
    );
    let github = super::desk::with_steps(github, &steps);
    let settings = Settings {
        scaffolder: ScaffolderSettings {
            secret_key: Some("0123456789abcdef0123456789abcdef".into()),
            allowed_hosts: vec![url.trim_start_matches("http://").to_owned()],
            ..Default::default()
        },
        ..Default::default()
    };
    let database = new_database().await;
    let desk = Desk::on(github, database, settings).await;
    let app = desk.bot.app();
    let id = super::desk::start_with_secret(&app.store, json!({ "name": "orders", "owner": "team-a" }), "KEY").await;
    let run = desk.load(id).await;
    let plain = serde_json::to_vec(&json!({ "KEY": SECRET })).unwrap();
    let sealed = app.seal.as_ref().expect("there is a key").seal(&steward::app::sealed_about(&run), &plain);
    assert!(app.store.seal_secrets(id, &sealed).await.unwrap());
    let run = desk.ended(id).await;
    assert_eq!(run.state, RunState::Done, "{:?}", run.reason);
    let sent = desk.github().model(|model| model.made.settings["org"].hooks[0].clone());
    assert_eq!(sent["config"]["secret"], json!(SECRET), "it was used");
    assert_eq!(run.steps[2].output["body"]["config"]["secret"], json!("***"));
    let mut connection = crate::cluster::connect(&desk.bot.database).await;
    let tables = ["runs", "run_steps", "run_deeds", "run_workspaces", "audit", "graphile_worker._private_jobs"];
    for table in tables {
        let query = format!("select coalesce(string_agg(r::text, ' '), '') from {table} r");
        let text: String = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&mut connection).await.unwrap();
        assert!(!text.contains(SECRET), "{table} holds the secret");
    }
}
