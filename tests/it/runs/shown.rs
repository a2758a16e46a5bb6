//! What is seen of a run: one message that follows it.

use steward::{
    chat::{Form, Reply, Response, Tone},
    cli::ask::{Colour, render_text},
    settings::{AccessRule, AccessSettings, Settings},
    store::{RunAct, RunId, RunState},
};

use super::desk::{Desk, SERVICE, assert_published, organisation};
use crate::{bot::Bot, cluster::new_database};

async fn open(desk: &Desk) -> Form {
    desk.bot.until("the template is read", async |app| app.live.templates().iter().next().is_some()).await;
    desk.bot.open_form("ana", "new service").await
}

async fn send(desk: &Desk, form: &Form, answers: &[(&str, &str)]) -> Response {
    desk.bot.submit("ana", form, answers).await
}

fn text(reply: &Reply) -> String {
    render_text(&Response::Reply(reply.clone()), 100, Colour::Off)
}

/// What stands in Ana's conversation once something is said there.
async fn read_until(desk: &Desk, words: &str) -> Vec<Reply> {
    let conversation = Bot::conversation("ana");
    let replies = || {
        let board = desk.bot.app().outbox.playground.clone().unwrap();
        board.messages(&conversation).iter().map(|posted| posted.reply.clone()).collect::<Vec<_>>()
    };
    desk.bot.until(words, async |_| replies().iter().any(|reply| text(reply).contains(words))).await;
    replies()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_asked_for_in_chat_and_one_message_follows_its_run() {
    let desk = Desk::of(SERVICE).await;
    let first = open(&desk).await;
    let Response::Form(plan) = send(&desk, &first, &[("name", "orders"), ("owner", "team-a")]).await else {
        panic!("a page that says what will happen")
    };
    let Response::Reply(started) = send(&desk, &plan, &[]).await else { panic!("a run was started") };
    assert!(text(&started).to_lowercase().contains("run 1"), "{}", text(&started));
    let said = read_until(&desk, "is done").await;
    assert_eq!(said.len(), 1, "{said:?}");
    let run = desk.load(RunId(1)).await;
    assert_published(desk.github(), &run, "orders");
    assert!(run.posted.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_shown_in_the_same_place_and_so_is_the_second_try() {
    let desk = Desk::of(SERVICE).await;
    let first = open(&desk).await;
    let Response::Form(plan) = send(&desk, &first, &[("name", "orders"), ("owner", "team-a")]).await else {
        panic!("a page that says what will happen")
    };
    // Somebody is quicker while the last page is read.
    desk.github().add_repository("orders", &[("README.md", "of somebody else")]);
    let _ = send(&desk, &plan, &[]).await;
    let said = read_until(&desk, "exists already").await;
    assert_eq!(said.len(), 1, "{said:?}");
    desk.github().model(|model| model.repos.retain(|repo| repo.name != "orders"));
    desk.change(RunId(1), RunAct::Retry).await;
    let said = read_until(&desk, "is done").await;
    assert_eq!(said.len(), 1, "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_went_well_with_a_warning_is_shown_with_it() {
    let steps =
        SERVICE.replace("    repoContentsUrl:", "    optional: true\n    catalogInfoPath: /nothing.yaml\n    repoContentsUrl:");
    let desk = Desk::of(&steps).await;
    let first = open(&desk).await;
    let Response::Form(plan) = send(&desk, &first, &[("name", "orders"), ("owner", "team-a")]).await else {
        panic!("a page that says what will happen")
    };
    let _ = send(&desk, &plan, &[]).await;
    let said = read_until(&desk, "is done").await;
    let shown = text(said.last().expect("the run's message"));
    assert!(shown.contains("✓ Publish") && shown.contains("! Register"), "{shown}");
    let warning = shown.split("! Register").nth(1).unwrap_or_default();
    assert!(warning.contains("with a warning:") && warning.contains("nothing.yaml is not there"), "{shown}");
    assert_eq!(said.last().and_then(|reply| reply.cards.first()).map(|card| card.tone), Some(Tone::Warning));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_of_access_asks_for_approval_whatever_the_template_says() {
    let agree = AccessRule {
        command: "template:default/service".to_owned(),
        allow: vec!["members".to_owned()],
        approvers: vec!["group:default/team-a".to_owned()],
    };
    let access = AccessSettings { rules: vec![agree], ..AccessSettings::default() };
    let settings = Settings { access, ..Settings::default() };
    let desk = Desk::on(organisation(SERVICE).await, new_database().await, settings).await;
    let first = open(&desk).await;
    let Response::Form(plan) = send(&desk, &first, &[("name", "orders"), ("owner", "team-a")]).await else {
        panic!("a page that says what will happen")
    };
    assert!(plan.intro.to_plain().contains("team-a must agree before it begins."), "{}", plan.intro.to_plain());
    let Response::Reply(waits) = send(&desk, &plan, &[]).await else { panic!("a run waits") };
    assert!(text(&waits).contains("waits for team-a to agree."), "{}", text(&waits));
    let run = desk.load(RunId(1)).await;
    assert_eq!((run.state, run.approvers.as_deref()), (RunState::Approval, Some("group:default/team-a")));
    assert!(desk.created().is_empty());
    desk.change(RunId(1), RunAct::Approve).await;
    assert_published(desk.github(), &desk.ended(RunId(1)).await, "orders");
}
