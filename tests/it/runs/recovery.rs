//! When GitHub or the replica breaks in the middle of something: what was done is found again, what was not is done, and what
//! nobody can know is said.

use steward::store::{DeedState, RunAct, RunState, StepState};

use super::desk::{Desk, SERVICE, assert_whole, find_deed};
use crate::fake_github::Fault;

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_of_which_no_answer_came_is_found_again() {
    let desk = Desk::of(SERVICE).await;
    desk.github().fail_on("POST", "/orgs/acme/repos", Fault::After(502));
    let run = desk.run("orders").await;
    assert_whole(&desk, &run, "orders");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_was_not_made_is_made_at_the_next_attempt() {
    let desk = Desk::of(SERVICE).await;
    desk.github().fail_on("POST", "/orgs/acme/repos", Fault::Status(502));
    desk.github().fail_on("POST", "/orgs/acme/repos", Fault::Status(500));
    let run = desk.run("orders").await;
    assert_whole(&desk, &run, "orders");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_is_not_found_at_once_is_waited_for() {
    let desk = Desk::of(SERVICE).await;
    desk.github().model(|model| model.made.unseen_for = 4);
    let run = desk.run("orders").await;
    assert_whole(&desk, &run, "orders");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_repository_is_never_taken_for_the_runs_own() {
    let desk = Desk::of(SERVICE).await;
    // Somebody else is quicker by a moment, and Steward does not hear that its own request was refused.
    desk.github().add_repository("orders", &[("README.md", "of somebody else")]);
    desk.github().fail_on("POST", "/orgs/acme/repos", Fault::Status(502));
    let run = desk.run("orders").await;
    assert_eq!(run.state, RunState::Failed);
    assert!(run.reason.as_deref().unwrap().contains("is not of this run"), "{:?}", run.reason);
    assert_eq!(desk.files("orders"), ["README.md"]);
    assert_eq!(find_deed(&run, "repository").state, DeedState::NotDone);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_may_break_once_before_or_after_it_is_done() {
    let calls = [
        ("POST", "/git/trees"),
        ("POST", "/git/commits"),
        ("PATCH", "/git/refs/heads/main"),
        ("PUT", "/topics"),
        ("PUT", "/protection"),
        ("POST", "/git/blobs"),
        ("GET", "/tarball/"),
        ("GET", "/commits"),
    ];
    for fault in [Fault::Status(502), Fault::After(502), Fault::BrokenOff] {
        let desk = Desk::of(SERVICE).await;
        for (method, part) in calls {
            desk.github().fail_on(method, part, fault.clone());
        }
        let run = desk.run("orders").await;
        assert_whole(&desk, &run, "orders");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_goes_on_from_the_step_that_failed() {
    let desk = Desk::of(SERVICE).await;
    desk.github().fail_on("PUT", "/topics", Fault::Status(422));
    let run = desk.run("orders").await;
    assert_eq!(run.state, RunState::Failed, "{:?}", run.reason);
    assert_eq!(run.steps[1].state, StepState::Failed);
    assert_eq!(find_deed(&run, "repository").state, DeedState::Done);
    let run = desk.retried(run.id).await;
    assert_whole(&desk, &run, "orders");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failed_run_made_is_taken_back_and_nothing_else() {
    let desk = Desk::of(SERVICE).await;
    desk.github().fail_on("PUT", "/topics", Fault::Status(422));
    let run = desk.run("orders").await;
    desk.change(run.id, RunAct::CleanUp).await;
    let id = run.id;
    let is_clean = async |app: &steward::app::App| {
        let run = app.store.load_run(id).await.unwrap().unwrap();
        run.deeds.iter().any(|deed| deed.what == "repository" && deed.state == DeedState::Undone)
    };
    desk.bot.until("it is taken back", is_clean).await;
    let (deleted, left) = desk.github().model(|model| (model.made.deleted.clone(), model.repos.len()));
    assert_eq!((deleted, left), (vec!["orders".to_owned()], 2));
    // And then it can be made anew.
    let run = desk.retried(id).await;
    assert_eq!(run.state, RunState::Done, "{:?}", run.reason);
    assert_eq!(desk.created(), ["orders", "orders"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_goes_on_where_it_was() {
    let steps = SERVICE
        .replace("- id: publish\n", "- id: wait\n  name: Wait\n  action: debug:wait\n  input: { seconds: 2 }\n- id: publish\n");
    let desk = Desk::of(&steps).await;
    let id = desk.start("orders").await;
    desk.bot
        .until("it waits", async |app| app.store.load_run(id).await.unwrap().unwrap().steps[1].state == StepState::Running)
        .await;
    let desk = Desk { bot: desk.bot.restart().await };
    let run = desk.ended(id).await;
    assert_whole(&desk, &run, "orders");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispatch_of_which_no_answer_came_stops_the_run_as_unknown() {
    let steps = "- id: deploy\n  name: Deploy\n  action: github:actions:dispatch\n  input:\n    \
                 repoUrl: github.com?owner=acme&repo=org\n    workflowId: deploy.yaml\n    branchOrTagName: main\n    \
                 workflowInputs: { name: '${{ parameters.name }}' }\n\
                 - id: say\n  name: Say\n  action: debug:log\n  input: { message: done }\n";
    let desk = Desk::of(steps).await;
    desk.github().fail_on("POST", "/dispatches", Fault::After(502));
    let run = desk.run("orders").await;
    assert_eq!(run.state, RunState::Unknown);
    assert!(run.reason.as_deref().unwrap().contains("is not known"), "{:?}", run.reason);
    assert_eq!(run.steps[0].state, StepState::Unknown);
    let id = run.id;
    desk.change(id, RunAct::MarkDone).await;
    let run = desk.ended(id).await;
    assert_eq!((run.state, run.steps[0].state, run.steps[1].state), (RunState::Done, StepState::Marked, StepState::Done));
    assert_eq!(desk.github().model(|model| model.made.dispatches.len()), 1, "started once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_is_done_again_where_a_person_says_so() {
    let steps = "- id: deploy\n  name: Deploy\n  action: github:actions:dispatch\n  input:\n    \
                 repoUrl: github.com?owner=acme&repo=org\n    workflowId: deploy.yaml\n    branchOrTagName: main\n";
    let desk = Desk::of(steps).await;
    desk.github().fail_on("POST", "/dispatches", Fault::Status(502));
    let run = desk.run("orders").await;
    assert_eq!(run.state, RunState::Unknown);
    let run = desk.retried(run.id).await;
    assert_eq!(run.state, RunState::Done, "{:?}", run.reason);
    assert_eq!(desk.github().model(|model| model.made.dispatches.len()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_registered_is_a_warning_where_it_may_be_missing() {
    let steps =
        SERVICE.replace("    repoContentsUrl:", "    optional: true\n    catalogInfoPath: /nothing.yaml\n    repoContentsUrl:");
    let desk = Desk::of(&steps).await;
    let settled = desk.run("orders").await;
    assert_eq!(settled.state, RunState::Done, "{:?}", settled.reason);
    assert_eq!(settled.steps[2].state, StepState::Warned, "{:?}", settled.steps[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_called_off_ends_during_a_wait() {
    let steps = "- id: wait\n  name: Wait\n  action: debug:wait\n  input: { minutes: 5 }\n\
                 - id: publish\n  name: Publish\n  action: github:repo:create\n  input: { repoUrl: 'github.com?owner=acme&repo=orders' }\n";
    let desk = Desk::of(steps).await;
    let id = desk.start("orders").await;
    desk.bot
        .until("it waits", async |app| app.store.load_run(id).await.unwrap().unwrap().steps[0].state == StepState::Running)
        .await;
    desk.change(id, RunAct::Cancel).await;
    let run = desk.ended(id).await;
    assert_eq!(run.state, RunState::Cancelled);
    assert!(desk.created().is_empty());
}
