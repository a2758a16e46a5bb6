//! What changes something: access check, audit line and job in one transaction, the message that says it is done.

use sqlx::Row;
use steward::chat::{Response, Status};

use crate::{bot::Bot, cluster::connect};

async fn audit_lines(bot: &Bot) -> Vec<(String, String, String, Option<String>)> {
    let mut connection = connect(&bot.database).await;
    let rows = sqlx::query("select account, coalesce(person, ''), command, result from audit order by id");
    let rows = rows.fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}

fn an_admin(bot: &Bot) -> String {
    let catalog = bot.app().catalog.load();
    let group = steward::catalog::EntityRef::new("group", "default", "platform");
    let person = catalog.entries().iter().find(|entry| catalog.groups_of(&entry.entity.entity_ref).contains(&group));
    person.expect("the platform department has people").entity.entity_ref.name().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_now_runs_as_a_job_and_says_when_it_is_done() {
    let bot = Bot::of_sample_organisation().await;
    bot.sync().await;
    let admin = an_admin(&bot);
    assert!(bot.say_as(&admin, "/catalog").await.contains("/catalog sync"), "admins are offered the button");
    let before = bot.github.counts().graphql;
    bot.say_as(&admin, "/catalog sync").await;
    let messages = bot.messages(&Bot::conversation(&admin), 1).await;
    assert!(messages[0].lead.to_plain().starts_with("Sync of acme is done: 67 repositories"), "{:?}", messages[0].lead);
    assert_eq!(bot.github.counts().graphql, before + 1);
    let lines = audit_lines(&bot).await;
    assert_eq!(lines.len(), 1);
    let (account, person, command, result) = &lines[0];
    assert_eq!((account, person, result.as_deref()), (&admin, &format!("user:default/{admin}"), Some("done")));
    assert!(command.contains("catalog"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_now_is_refused_to_others_and_the_attempt_is_written_down_once() {
    let bot = Bot::of_sample_organisation().await;
    bot.sync().await;
    let before = bot.github.counts().graphql;
    let answer = bot.say("/catalog sync").await;
    assert!(answer.contains("Platform"), "it says who may: {answer}");
    assert!(!bot.say("/catalog").await.contains("/catalog sync"));
    assert_eq!(bot.github.counts().graphql, before);
    let denied = ("guest".to_owned(), String::new(), "catalog sync".to_owned(), Some("denied".to_owned()));
    assert_eq!(audit_lines(&bot).await, std::slice::from_ref(&denied));
    bot.say("/catalog sync").await;
    assert_eq!(audit_lines(&bot).await, std::slice::from_ref(&denied), "pressing again is no news");
    bot.pass(chrono::TimeDelta::minutes(11));
    bot.say("/catalog sync").await;
    assert_eq!(audit_lines(&bot).await, [denied.clone(), denied]);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn report_of_a_wrong_entry_reaches_the_owning_team() {
    let bot = Bot::of_sample_organisation().await;
    bot.sync().await;
    let reporter = an_admin(&bot);
    let first = bot.open_form(&reporter, "/report payments-api").await;
    assert_eq!((first.page, first.pages), (0, 2));
    let answers = [("what", "owner"), ("right_owner", "group:default/nobody")];
    let Response::Form(first) = bot.submit(&reporter, &first, &answers).await else { panic!("a form again") };
    assert_eq!(first.page, 0, "there is no such team");
    assert!(first.fields.iter().any(|field| field.error.is_some()));
    let answers = [("what", "owner"), ("right_owner", "group:default/team-ledger")];
    let Response::Form(second) = bot.submit(&reporter, &first, &answers).await else { panic!("the second page") };
    assert_eq!(second.page, 1);
    let Response::Reply(reply) = bot.submit(&reporter, &second, &[("note", "moved in May")]).await else { panic!("a reply") };
    assert_eq!(reply.status, Status::Answered, "{}", reply.lead.to_plain());
    let messages = bot.messages("#team-payments", 1).await;
    let told = format!("{:?}", messages[0]);
    assert!(told.contains("moved in May") && told.contains("Ledger"), "{told}");
    bot.until("the audit line has its end", async |_| audit_lines(&bot).await.iter().all(|line| line.3.is_some())).await;
    bot.halt().await;
}
