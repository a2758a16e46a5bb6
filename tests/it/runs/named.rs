//! The name of a new repository is checked while the form is filled in: what is taken is said beside the question.

use std::time::{Duration, Instant};

use steward::chat::{Form, Response};

use super::desk::{Desk, SERVICE, organisation};
use crate::{bot::Bot, cluster::new_database, fake_github::Fault, tasks::fill_in};

async fn desk() -> Desk {
    let desk = Desk::of(SERVICE).await;
    desk.bot.until("the template is read", async |app| app.live.templates().iter().next().is_some()).await;
    desk
}

async fn name_it(desk: &Desk, name: &str) -> Form {
    let first = desk.bot.open_form("ana", "new service").await;
    match desk.bot.submit("ana", &first, &[("name", name), ("owner", "team-a")]).await {
        Response::Form(form) => *form,
        other => panic!("a form was expected, not {other:?}"),
    }
}

/// What is said beside the question, with the question's name.
fn error(form: &Form) -> Option<(&str, &str)> {
    form.fields.iter().find_map(|field| Some((field.name.as_str(), field.error.as_deref()?)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_is_on_github_is_told_beside_the_question_for_its_name() {
    let desk = desk().await;
    desk.github().add_repository("orders", &[("README.md", "of somebody else")]);
    let again = name_it(&desk, "orders").await;
    assert_eq!(error(&again), Some(("name", "acme/orders is on GitHub already. Choose another name.")));
    assert_eq!(again.fields[0].value.as_ref().map(|value| value.as_text()), Some("orders"), "it stays there to be changed");
    let plan = name_it(&desk, "orders-2").await;
    assert!(plan.intro.to_plain().contains("Make the repository acme/orders-2"), "{}", plan.intro.to_plain());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_former_name_of_a_renamed_repository_is_taken_too() {
    let desk = desk().await;
    desk.github().add_repository("orders", &[("README.md", "of somebody else")]);
    desk.github().rename("orders", "purchases");
    let again = name_it(&desk, "orders").await;
    let said = "acme/orders is a former name of acme/purchases, and still leads there. Choose another name.";
    assert_eq!(error(&again), Some(("name", said)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_catalog_knows_is_told_with_what_is_read_from_it() {
    let desk = desk().await;
    let again = name_it(&desk, "templates").await;
    let (name, said) = error(&again).expect("it is taken");
    assert_eq!(name, "name");
    assert_eq!(said, "acme/templates is there already: A service is read from it. Choose another name.");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_asked_quickly_is_not_waited_for() {
    let desk = desk().await;
    desk.github().answer_after(Duration::from_secs(5));
    let began = Instant::now();
    let plan = name_it(&desk, "orders").await;
    assert!(began.elapsed() < Duration::from_millis(2_700), "Slack has given up by now: {:?}", began.elapsed());
    assert_eq!(plan.submit, "Create");
    let told = plan.intro.to_plain();
    assert!(told.contains("Whether acme/orders is free could not be checked"), "{told}");
    desk.github().answer_after(Duration::ZERO);
    desk.github().fail_on("GET", "/repos/acme/orders", Fault::Status(403));
    let plan = name_it(&desk, "orders").await;
    assert!(plan.intro.to_plain().contains("could not be checked"), "{}", plan.intro.to_plain());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_picker_of_a_repository_says_it_on_its_own_page() {
    let bot = Bot::of_sample_organisation().await;
    bot.sync().await;
    bot.until("the templates are read", async |app| app.live.templates().iter().count() == 3).await;
    bot.github.add_repository("gift-registry", &[("README.md", "of somebody else")]);
    let again = fill_in(&bot, "julia.novak", "gift-registry").await;
    assert_eq!(error(&again), Some(("repoUrl#repo", "acme/gift-registry is on GitHub already. Choose another name.")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_in_which_something_is_proposed_is_meant_to_be_there() {
    let steps = "- id: propose\n  name: Propose\n  action: publish:github:pull-request\n  input:\n    \
                 repoUrl: 'github.com?owner=acme&repo=${{ parameters.name }}'\n    branchName: add\n    title: Add\n    description: It\n";
    let desk = Desk::on(organisation(steps).await, new_database().await, Default::default()).await;
    desk.bot.until("the template is read", async |app| app.live.templates().iter().next().is_some()).await;
    let plan = name_it(&desk, "org").await;
    assert_eq!((error(&plan), plan.submit.as_str()), (None, "Create"));
}
