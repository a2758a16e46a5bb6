//! What is seen of a run: one message that follows it.

use steward::{
    chat::{Form, Reply, Response},
    cli::ask::{Colour, render_text},
    store::{RunAct, RunId},
};

use super::desk::{Desk, SERVICE, assert_published};
use crate::bot::Bot;

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
    desk.github().add_repository("orders", &[("README.md", "of somebody else")]);
    let first = open(&desk).await;
    let Response::Form(plan) = send(&desk, &first, &[("name", "orders"), ("owner", "team-a")]).await else {
        // The name is checked as the form is filled in: that is an earlier end of the same story.
        return;
    };
    let _ = send(&desk, &plan, &[]).await;
    let said = read_until(&desk, "exists already").await;
    assert_eq!(said.len(), 1, "{said:?}");
    desk.github().model(|model| model.repos.retain(|repo| repo.name != "orders"));
    desk.change(RunId(1), RunAct::Retry).await;
    let said = read_until(&desk, "is done").await;
    assert_eq!(said.len(), 1, "{said:?}");
}
