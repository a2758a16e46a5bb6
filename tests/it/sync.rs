//! From GitHub into PostgreSQL and into answers: what a sync writes, keeps, and never loses.

use sqlx::Row;
use steward::{catalog::EntityRef, sync::SyncOrder};

use crate::{bot::Bot, cluster::connect, fake_github::Fault};

fn component(name: &str, owner: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\nspec:\n  type: service\n  \
         lifecycle: production\n  owner: {owner}\n"
    )
}

/// Every row's place and writing transaction: any write changes it.
async fn fingerprint(bot: &Bot) -> Vec<(String, i64, String)> {
    let mut connection = connect(&bot.database).await;
    let mut prints = Vec::new();
    for table in ["catalog_clock", "sources", "repositories", "files", "entities", "entity_history", "audit"] {
        let query =
            format!("select count(*), coalesce(md5(string_agg(ctid::text || xmin::text, ',' order by ctid)), '') from {table}");
        let row = sqlx::query(sqlx::AssertSqlSafe(query)).fetch_one(&mut connection).await.unwrap();
        prints.push((table.to_owned(), row.get(0), row.get(1)));
    }
    prints
}

async fn entity_rows(bot: &Bot) -> i64 {
    let mut connection = connect(&bot.database).await;
    let row = sqlx::query("select count(*) from entities where removed_at is null").fetch_one(&mut connection).await;
    row.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn sample_organisation_is_read_in_three_requests_and_stored_whole() {
    let bot = Bot::of_sample_organisation().await;
    let summary = bot.sync().await;
    let source = &summary.sources[0];
    // Two for the repositories, one for what placeholders and Locations name.
    assert_eq!((source.repositories, source.api_requests.graphql, source.api_requests.rest), (67, 3, 0));
    assert_eq!(source.added, entity_rows(&bot).await as u64);
    let broken: Vec<&str> = source.errors.iter().map(|error| error.location.as_str()).collect();
    assert_eq!(broken, ["acme/gift-cards/catalog-info.yaml:8", "acme/tax-calculator/catalog-info.yaml:4"]);
    let answer = bot.say("/owner payments-api").await;
    assert!(answer.starts_with("Payments API is owned by Payments: #team-payments"), "{answer}");
    assert!(answer.contains("Read from acme/payments-api@3f2c1ab, synced just now"), "{answer}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_without_changes_writes_no_row() {
    let bot = Bot::of_sample_organisation().await;
    let first = bot.sync().await;
    let before = fingerprint(&bot).await;
    let second = bot.sync().await;
    assert_eq!(fingerprint(&bot).await, before);
    assert_eq!(second.sources[0].unchanged, first.sources[0].added);
    assert_eq!(second.sources[0].errors, first.sources[0].errors, "what is broken is said again");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptor_that_turns_bad_keeps_its_last_good_version_and_says_so() {
    let bot = Bot::of_descriptors(&[("payments", &component("payments", "team-a"))]).await;
    bot.sync().await;
    bot.github.push_file("payments", "catalog-info.yaml", "kind: Component\n\tmetadata: {}\n");
    bot.sync().await;
    let answer = bot.say("/owner payments").await;
    assert!(answer.contains("team-a"), "the last good version answers: {answer}");
    assert!(answer.contains("broken") || answer.contains("error"), "and says why: {answer}");
    bot.github.push_file("payments", "catalog-info.yaml", component("payments", "team-b"));
    bot.sync().await;
    let answer = bot.say("/owner payments").await;
    assert!(answer.contains("team-b") && !answer.contains("broken"), "{answer}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_document_costs_no_other_its_change() {
    let two = |owner: &str, second: &str| format!("{}---\n{second}", component("good", owner));
    let bot = Bot::of_descriptors(&[("mono", &two("team-a", &component("other", "team-a")))]).await;
    bot.sync().await;
    bot.github.push_file("mono", "catalog-info.yaml", two("team-b", "kind: Component\nmetadata: { name: other }\n"));
    let summary = bot.sync().await;
    assert_eq!((summary.sources[0].changed, summary.sources[0].removed), (1, 0));
    assert!(bot.say("/owner good").await.contains("team-b"));
    assert!(bot.say("/owner other").await.contains("team-a"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conflict_is_owned_by_the_older_repository_and_heals_when_it_goes() {
    let bot = Bot::of_descriptors(&[
        ("first", &component("shared", "team-a")),
        ("second", &component("shared", "team-b")),
        ("third", &component("third", "team-c")),
    ])
    .await;
    bot.sync().await;
    let answer = bot.say("/owner shared").await;
    assert!(answer.contains("team-a") && answer.contains("acme/second"), "both files are named: {answer}");
    bot.github.remove_file("first", "catalog-info.yaml");
    bot.sync().await;
    let answer = bot.say("/owner shared").await;
    assert!(answer.contains("team-b") && !answer.contains("acme/first"), "{answer}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rename_keeps_the_entity_and_its_history() {
    let bot = Bot::of_descriptors(&[("old-name", &component("service", "team-a"))]).await;
    bot.sync().await;
    bot.github.rename("old-name", "new-name");
    let summary = bot.sync().await;
    assert_eq!((summary.sources[0].added, summary.sources[0].removed), (0, 0));
    let answer = bot.say("/owner service").await;
    assert!(answer.contains("acme/new-name@"), "{answer}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn renamed_entity_is_found_by_its_former_names() {
    let bot = Bot::of_descriptors(&[("shop", &component("basket", "team-a"))]).await;
    bot.sync().await;
    bot.github.push_file("shop", "catalog-info.yaml", component("trolley", "team-a"));
    bot.sync().await;
    bot.github.push_file("shop", "catalog-info.yaml", component("cart", "team-a"));
    bot.sync().await;
    for name in ["cart", "trolley", "basket"] {
        let answer = bot.say(&format!("/owner {name}")).await;
        assert!(answer.starts_with("cart has no known owner"), "{name}: {answer}");
    }
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_tells_an_owner_s_change_with_its_commit() {
    let bot = Bot::of_descriptors(&[("service", &component("service", "team-a"))]).await;
    bot.sync().await;
    let commit = bot.github.push_file("service", "catalog-info.yaml", component("service", "team-b"));
    bot.sync().await;
    let mut connection = connect(&bot.database).await;
    let rows =
        sqlx::query("select change, fields->'owner'->>'from', fields->'owner'->>'to', commit from entity_history order by id");
    let rows = rows.fetch_all(&mut connection).await.unwrap();
    let line = |at: usize| -> (String, Option<String>, Option<String>) { (rows[at].get(0), rows[at].get(1), rows[at].get(2)) };
    assert_eq!(line(0), ("added".to_owned(), None, None));
    assert_eq!(line(1), ("changed".to_owned(), Some("team-a".to_owned()), Some("team-b".to_owned())));
    assert_eq!(rows[1].get::<Option<String>, _>(3), Some(commit));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_sweep_removes_nothing() {
    let bot = Bot::of_descriptors(&[("a", &component("a", "team")), ("b", &component("b", "team"))]).await;
    bot.sync().await;
    bot.github.delete("a");
    bot.github.break_repository("b");
    let summary = bot.sync().await;
    assert_eq!(summary.sources[0].removed, 0);
    assert_eq!(entity_rows(&bot).await, 2);
    bot.github.heal();
    bot.github.plan(std::iter::repeat_n(Some(Fault::Status(401)), 20));
    bot.github.reset_counts();
    let summary = bot.sync().await;
    assert!(summary.sources[0].failed);
    assert_eq!(summary.sources[0].api_requests.graphql, bot.github.counts().graphql, "a failure costs requests, too");
    assert!(bot.github.counts().graphql > 0);
    assert_eq!(entity_rows(&bot).await, 2);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_removal_is_held_back_until_it_is_confirmed() {
    let descriptors: Vec<(String, String)> =
        (0..10).map(|at| (format!("repo-{at}"), component(&format!("service-{at}"), "team"))).collect();
    let descriptors: Vec<(&str, &str)> = descriptors.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let bot = Bot::of_descriptors(&descriptors).await;
    bot.sync().await;
    for at in 0..5 {
        bot.github.delete(&format!("repo-{at}"));
    }
    let summary = bot.sync().await;
    assert!(summary.held_back);
    assert_eq!(entity_rows(&bot).await, 10);
    let summary = bot.sync_with(SyncOrder::FULL).await;
    assert_eq!((summary.held_back, summary.sources[0].removed), (false, 5));
    let gone = EntityRef::new("component", "default", "service-0");
    assert!(bot.app().catalog.load().find(&gone).is_none());
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_descriptors_are_refused_and_nothing_else_is_lost() {
    let bomb = {
        let mut text = String::from("a: &a [x,x,x,x,x,x,x,x,x]\n");
        for (this, last) in ["b", "c", "d", "e", "f", "g", "h", "i"].iter().zip(["a", "b", "c", "d", "e", "f", "g", "h"]) {
            text.push_str(&format!(
                "{this}: &{this} [*{last},*{last},*{last},*{last},*{last},*{last},*{last},*{last},*{last}]\n"
            ));
        }
        text
    };
    let bot = Bot::of_descriptors(&[
        ("bomb", &bomb),
        ("deep", &"[".repeat(100_000)),
        ("nul", &component("nul", "team").replace("service\n", "ser\0vice\n")),
        ("huge", &format!("{}# {}\n", component("huge", "team"), "x".repeat(3 * 1024 * 1024))),
        ("good", &component("good", "team")),
    ])
    .await;
    let summary = bot.sync().await;
    let places: Vec<&str> = summary.sources[0].errors.iter().map(|error| error.location.split('/').nth(1).unwrap()).collect();
    assert_eq!(places, ["bomb", "deep", "huge", "nul"]);
    assert_eq!(entity_rows(&bot).await, 1);
    bot.halt().await;
}
