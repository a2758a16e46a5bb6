//! Each outward action by itself.

use serde_json::json;
use steward::store::{RunState, StepState};

use super::desk::{Desk, SERVICE};
use crate::fake_github::Fault;

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
