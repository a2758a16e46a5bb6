//! Mistakes on a default branch: their author hears of each once, where they can be reached, and is never flooded.

use sqlx::Row;

use crate::{bot::Bot, cluster::connect};

fn component(name: &str, owner: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\nspec:\n  type: service\n  \
         lifecycle: production\n  owner: {owner}\n"
    )
}

const BAD: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: pay ments\n";

/// The fake's author is `ada`.
fn people(annotation: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata:\n  name: ada.lovelace\n  annotations:\n    {annotation}\nspec:\n  memberOf: []\n\
         ---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: team-a\n  annotations:\n    steward.dev/channel: \"#team-a\"\n\
         spec:\n  type: team\n  children: []\n"
    )
}

async fn sync(bot: &Bot) {
    bot.sync().await;
    bot.until_idle().await;
}

fn said(bot: &Bot, place: &str) -> Vec<String> {
    let comments = bot.github.written().comments;
    comments.into_iter().filter(|comment| comment.place == place).map(|comment| comment.body).collect()
}

fn heard(bot: &Bot, channel: &str) -> Vec<String> {
    let board = bot.app().outbox.playground.as_ref().expect("tests have a board");
    board.messages(channel).iter().map(|posted| format!("{:?}", posted.reply)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn first_sync_tells_nobody_and_a_new_mistake_is_told_once_beside_its_commit() {
    let bot = Bot::of_descriptors(&[("old", BAD), ("payments", &component("payments", "nobody"))]).await;
    sync(&bot).await;
    assert_eq!(bot.github.written().writes, 0, "old errors are nobody's news");
    let commit = bot.github.push_file("payments", "catalog-info.yaml", BAD);
    sync(&bot).await;
    let comments = said(&bot, &format!("payments/commits/{commit}"));
    assert_eq!(comments.len(), 1);
    for part in
        ["`catalog-info.yaml:4`", "metadata.name", "last good version goes on answering", "steward lint catalog-info.yaml"]
    {
        assert!(comments[0].contains(part), "{part}: {}", comments[0]);
    }
    // The file stays as it is while the head moves on; then another error, then the first again.
    bot.github.push_file("payments", "README.md", "hello");
    sync(&bot).await;
    assert_eq!(bot.github.written().writes, 1);
    let commit = bot.github.push_file("payments", "catalog-info.yaml", "kind: [");
    sync(&bot).await;
    assert_eq!(said(&bot, &format!("payments/commits/{commit}")).len(), 1, "another mistake is news");
    bot.github.push_file("payments", "catalog-info.yaml", BAD);
    sync(&bot).await;
    assert_eq!(bot.github.written().writes, 2, "this one is known");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn author_who_is_known_in_chat_is_told_there_alone() {
    let tied = people("github.com/user-login: Ada");
    let bot = Bot::of_descriptors(&[("org", &tied), ("payments", &component("payments", "team-a"))]).await;
    sync(&bot).await;
    let commit = bot.github.push_file("payments", "catalog-info.yaml", BAD);
    sync(&bot).await;
    let messages = heard(&bot, &Bot::conversation("ada.lovelace"));
    assert_eq!(messages.len(), 1);
    assert!(messages[0].contains("acme/payments") && messages[0].contains(&commit[..7]), "{}", messages[0]);
    assert!(
        messages[0].contains(&format!("https://github.com/acme/payments/blob/{commit}/catalog-info.yaml#L4")),
        "{}",
        messages[0]
    );
    assert_eq!((bot.github.written().writes, heard(&bot, "#team-a").len()), (0, 0));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owning_team_is_told_where_the_author_is_unknown() {
    let bot = Bot::of_descriptors(&[
        ("org", &people("github.com/user-login: somebody-else")),
        ("payments", &component("payments", "team-a")),
    ])
    .await;
    sync(&bot).await;
    bot.github.push_file("payments", "catalog-info.yaml", BAD);
    sync(&bot).await;
    let messages = heard(&bot, "#team-a");
    assert_eq!(messages.len(), 1);
    assert!(messages[0].contains("by ada"), "{}", messages[0]);
    assert_eq!(bot.github.written().writes, 0);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conflict_is_told_to_both_and_names_both_files() {
    let bot = Bot::of_descriptors(&[("first", &component("shared", "nobody")), ("second", &component("second", "nobody"))]).await;
    sync(&bot).await;
    let old = bot.github.model(|model| model.repo_mut("first").commits[0].sha.clone());
    let new = bot.github.push_file("second", "catalog-info.yaml", component("shared", "nobody"));
    sync(&bot).await;
    let (to_first, to_second) = (said(&bot, &format!("first/commits/{old}")), said(&bot, &format!("second/commits/{new}")));
    assert_eq!((to_first.len(), to_second.len()), (1, 1));
    for comment in to_first.iter().chain(&to_second) {
        assert!(comment.contains("component:default/shared"), "{comment}");
        assert!(
            comment.contains("`acme/first/catalog-info.yaml`") && comment.contains("`acme/second/catalog-info.yaml`"),
            "{comment}"
        );
    }
    assert!(to_first[0].contains("The one here answers") && to_second[0].contains("The other one answers"));
    sync(&bot).await;
    assert_eq!(bot.github.written().writes, 2);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_mistakes_at_once_lead_to_few_notes() {
    let names: Vec<String> = (0..60).map(|number| format!("service-{number:02}")).collect();
    let descriptors: Vec<String> = names.iter().map(|name| component(name, "nobody")).collect();
    let all: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(descriptors.iter().map(String::as_str)).collect();
    let bot = Bot::of_descriptors(&all).await;
    sync(&bot).await;
    for round in 0..6 {
        for name in &names[round * 10..round * 10 + 10] {
            bot.github.push_file(name, "catalog-info.yaml", BAD);
        }
        sync(&bot).await;
    }
    assert_eq!(bot.github.written().writes, 20, "five a page, twenty an hour");
    bot.pass(chrono::TimeDelta::minutes(61));
    bot.github.push_file("service-00", "catalog-info.yaml", "kind: [");
    sync(&bot).await;
    assert_eq!(bot.github.written().writes, 21);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn token_that_may_only_read_costs_the_note_and_nothing_else() {
    let bot = Bot::of_descriptors(&[("payments", &component("payments", "nobody"))]).await;
    sync(&bot).await;
    bot.github.set_read_only(true);
    bot.github.push_file("payments", "catalog-info.yaml", BAD);
    let summary = bot.sync().await;
    assert!(!summary.sources[0].failed);
    bot.until_idle().await;
    let query = "select count(*) from graphile_worker._private_jobs";
    let left: i64 = sqlx::query(query).fetch_one(&mut connect(&bot.database).await).await.unwrap().get(0);
    assert_eq!((left, bot.github.written().writes), (0, 0), "it is not tried for ever");
    bot.halt().await;
}
