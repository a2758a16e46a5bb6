//! Nothing is lost by a removal: large ones wait for a word, every one can be taken back, moves are no removals.

use chrono::TimeDelta;
use sqlx::Row;
use steward::{
    catalog::{EntityRef, RepositoryKey},
    store::{Job, LookAt},
    sync::SyncOrder,
};

use crate::{bot::Bot, cluster::connect};

const PEOPLE: &str = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: platform\nspec:\n  type: team\n  \
                      children: []\n---\napiVersion: backstage.io/v1alpha1\nkind: User\nmetadata:\n  name: ana\nspec:\n  \
                      memberOf: [platform]\n";

fn component(name: &str, owner: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\nspec:\n  type: service\n  \
         lifecycle: production\n  owner: {owner}\n"
    )
}

/// Ten services and the people, synced.
async fn ten_services() -> Bot {
    let descriptors: Vec<(String, String)> =
        (0..10).map(|at| (format!("repo-{at}"), component(&format!("service-{at}"), "team"))).collect();
    let mut descriptors: Vec<(&str, &str)> = descriptors.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    descriptors.push(("org", PEOPLE));
    let bot = Bot::of_descriptors(&descriptors).await;
    bot.sync().await;
    bot
}

fn is_known(bot: &Bot, name: &str) -> bool {
    bot.app().catalog.load().find(&EntityRef::new("component", "default", name)).is_some()
}

async fn history(bot: &Bot, name: &str) -> Vec<(String, serde_json::Value)> {
    let mut connection = connect(&bot.database).await;
    let query = "select change, fields from entity_history where ref = $1 order by id";
    let rows = sqlx::query(query).bind(format!("component:default/{name}")).fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn large_removal_is_shown_confirmed_by_a_button_and_taken_back_by_another() {
    let bot = ten_services().await;
    for at in 0..5 {
        bot.github.delete(&format!("repo-{at}"));
    }
    assert!(bot.sync().await.held_back);
    assert!(is_known(&bot, "service-0"), "it still answers");
    let shown = bot.say_as("ana", "/catalog").await;
    assert!(shown.contains("no longer shows 5 of its 11 repositories") && shown.contains("/catalog remove acme"), "{shown}");
    assert!(!bot.say("/catalog").await.contains("/catalog remove acme"), "the button is for admins");
    let answer = bot.say_as("ana", "/catalog remove acme").await;
    assert!(answer.contains("up to 5 repositories"), "{answer}");
    let messages = bot.messages(&Bot::conversation("ana"), 1).await;
    assert!(messages[0].lead.to_plain().contains("5 removed"), "{:?}", messages[0].lead);
    bot.until("the removal is seen", async |_| !is_known(&bot, "service-0")).await;
    assert!(!bot.say_as("ana", "/catalog").await.contains("no longer shows"));

    let removed = bot.say_as("ana", "/catalog removed").await;
    assert!(removed.contains("5 repositories") && removed.contains("/catalog restore acme/repo-0"), "{removed}");
    bot.say_as("ana", "/catalog restore acme/repo-0").await;
    bot.messages(&Bot::conversation("ana"), 2).await;
    bot.until("it answers again", async |_| is_known(&bot, "service-0")).await;
    bot.pass(TimeDelta::hours(25));
    bot.sync().await;
    assert!(is_known(&bot, "service-0"), "what an admin took back outlives a sweep that does not see it");
    bot.pass(TimeDelta::days(30));
    bot.sync().await;
    assert!(!is_known(&bot, "service-0"), "for 30 days");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_was_confirmed_waits_again() {
    let bot = ten_services().await;
    for at in 0..4 {
        bot.github.delete(&format!("repo-{at}"));
    }
    bot.sync().await;
    for at in 4..9 {
        bot.github.delete(&format!("repo-{at}"));
    }
    bot.say_as("ana", "/catalog remove acme").await;
    bot.messages(&Bot::conversation("ana"), 1).await;
    assert!(is_known(&bot, "service-0"));
    let shown = bot.say_as("ana", "/catalog").await;
    assert!(shown.contains("no longer shows 9 of its 11 repositories"), "{shown}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removals_are_for_admins() {
    let bot = ten_services().await;
    for line in ["/catalog removed", "/catalog remove acme", "/catalog restore acme/repo-0"] {
        let answer = bot.say(line).await;
        assert!(answer.contains("Only admins may"), "{line}: {answer}");
    }
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tombstones_are_forgotten_and_their_history_stays() {
    let bot = ten_services().await;
    bot.github.delete("repo-0");
    bot.sync().await;
    bot.pass(TimeDelta::days(31));
    let now = bot.app().clock.now();
    assert_eq!(bot.app().store.forget_removed(now - TimeDelta::days(30)).await.unwrap(), 2);
    let changes: Vec<String> = history(&bot, "service-0").await.into_iter().map(|(change, _)| change).collect();
    assert_eq!(changes, ["added", "removed"]);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn look_finds_a_change_and_a_deletion_by_itself() {
    let bot = ten_services().await;
    let id = bot.github.model(|model| model.repo_mut("repo-3").id);
    let repository = RepositoryKey { id, node_id: None, full_name: Some("acme/repo-3".to_owned()) };
    let look = || Job::LookAt(LookAt { source: "acme".to_owned(), repository: repository.clone() });
    bot.github.push_file("repo-3", "catalog-info.yaml", component("service-3", "new-team"));
    bot.app().store.enqueue_job(look()).await.unwrap();
    bot.until("the new owner answers", async |_| bot.say("/owner service-3").await.contains("new-team")).await;
    bot.github.delete("repo-3");
    bot.app().store.enqueue_job(look()).await.unwrap();
    bot.until("it is gone", async |_| !is_known(&bot, "service-3")).await;
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn older_answer_is_not_written_over_a_newer_one() {
    let bot = ten_services().await;
    let mut connection = connect(&bot.database).await;
    // Somebody has asked a minute later than the sync below and stored what they heard.
    let later = "update repositories set read_at = read_at + interval '1 hour' where full_name = 'acme/repo-1'";
    sqlx::query(later).execute(&mut connection).await.unwrap();
    bot.github.push_file("repo-1", "catalog-info.yaml", component("service-1", "stale-news"));
    bot.sync().await;
    assert!(!bot.say("/owner service-1").await.contains("stale-news"));
    bot.github.delete("repo-1");
    bot.sync().await;
    assert!(is_known(&bot, "service-1"), "nor is it removed by an older question");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entity_that_moves_into_another_file_keeps_its_history() {
    let bot = Bot::with_paths(&["catalog-info.yaml", ".backstage/catalog.yaml"]).await;
    bot.github.add_repository("shop", &[("catalog-info.yaml", &component("cart", "team-a"))]);
    bot.sync().await;
    bot.github.model(|model| {
        let moved = component("cart", "team-b");
        model.push("shop", &[("catalog-info.yaml", None), (".backstage/catalog.yaml", Some(moved.as_bytes()))])
    });
    let summary = bot.sync().await;
    let source = &summary.sources[0];
    assert_eq!((source.added, source.removed, source.changed), (0, 0, 1));
    let lines = history(&bot, "cart").await;
    assert_eq!(lines.iter().map(|(change, _)| change.as_str()).collect::<Vec<_>>(), ["added", "changed"]);
    assert_eq!(lines[1].1["owner"]["to"], "team-b");
    assert_eq!(lines[1].1["file"]["from"], "catalog-info.yaml");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entity_that_moves_into_a_broken_file_keeps_answering() {
    let bot = Bot::with_paths(&["catalog-info.yaml", ".backstage/catalog.yaml"]).await;
    bot.github.add_repository("shop", &[("catalog-info.yaml", &component("cart", "team-a"))]);
    bot.sync().await;
    bot.github.model(|model| {
        model.push("shop", &[("catalog-info.yaml", None), (".backstage/catalog.yaml", Some(b"kind: Component\n\tbad: yes\n"))])
    });
    bot.sync().await;
    assert!(bot.say("/owner cart").await.contains("team-a"));
    bot.github.push_file("shop", "README.md", "unrelated");
    bot.sync().await;
    assert!(bot.say("/owner cart").await.contains("team-a"), "also at the next sync");
    bot.github.push_file("shop", ".backstage/catalog.yaml", component("cart", "team-b"));
    bot.sync().await;
    let answer = bot.say("/owner cart").await;
    assert!(answer.contains("team-b") && !answer.contains("team-a"), "{answer}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repository_that_comes_back_as_it_was_answers_again() {
    let bot = ten_services().await;
    for (gone_by, back_by) in [("sweep", "sweep"), ("look", "look"), ("sweep", "look")] {
        let key = RepositoryKey {
            id: bot.github.model(|model| model.repo_mut("repo-3").id),
            node_id: Some(bot.github.node_id("repo-3")),
            full_name: Some("acme/repo-3".to_owned()),
        };
        let look = || Job::LookAt(LookAt { source: "acme".to_owned(), repository: key.clone() });
        bot.github.transfer("repo-3", "elsewhere");
        if gone_by == "sweep" {
            bot.sync().await;
        } else {
            bot.app().store.enqueue_job(look()).await.unwrap();
        }
        bot.until("it is gone", async |_| !is_known(&bot, "service-3")).await;
        bot.github.model(|model| model.take_back("repo-3"));
        if back_by == "sweep" {
            bot.sync().await;
        } else {
            bot.app().store.enqueue_job(look()).await.unwrap();
        }
        bot.until("it answers again", async |_| is_known(&bot, "service-3")).await;
    }
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_deletions_told_one_by_one_are_held_back_too() {
    let bot = ten_services().await;
    let key = |at: usize| {
        let name = format!("repo-{at}");
        let id = bot.github.model(|model| model.repo_mut(&name).id);
        RepositoryKey { id, node_id: Some(bot.github.node_id(&name)), full_name: Some(format!("acme/{name}")) }
    };
    let keys: Vec<RepositoryKey> = (0..8).map(key).collect();
    for (at, repository) in keys.into_iter().enumerate() {
        bot.github.delete(&format!("repo-{at}"));
        bot.app().store.enqueue_job(Job::LookAt(LookAt { source: "acme".to_owned(), repository })).await.unwrap();
    }
    bot.until_idle().await;
    assert!(bot.sync().await.held_back);
    bot.worker.catch_up().await.unwrap();
    let left = (0..8).filter(|at| is_known(&bot, &format!("service-{at}"))).count();
    assert_eq!(left, 5, "three are few, more wait for a word");
    assert!(bot.say_as("ana", "/catalog").await.contains("no longer shows 5 of its 8 repositories"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_answer_is_held_back_once_even_where_removals_are_confirmed() {
    let bot = ten_services().await;
    let all = bot.github.model(|model| std::mem::take(&mut model.repos));
    assert!(bot.sync_with(SyncOrder::FULL).await.held_back, "nobody has seen yet that all are gone");
    assert!(is_known(&bot, "service-0"));
    bot.github.model(|model| model.repos = all);
    assert!(!bot.sync().await.held_back, "it clears by itself");
    bot.github.model(|model| model.repos.clear());
    bot.sync().await;
    bot.sync_with(SyncOrder::FULL).await;
    assert!(!is_known(&bot, "service-0"), "what was held back is confirmed");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repository_that_could_not_be_read_at_first_is_asked_for_again_at_once() {
    let bot = ten_services().await;
    bot.github.add_repository("late", &[("catalog-info.yaml", &component("late", "team"))]);
    bot.github.break_repository("late");
    let told = bot.sync_with(SyncOrder::EVERYTHING).await;
    assert!(!told.sources[0].errors.is_empty());
    let told_again = bot.sync().await;
    assert!(!told_again.sources[0].errors.is_empty(), "what could not be read stays said");
    bot.github.model(|model| model.repo_mut("late").broken = false);
    // Sixty others have been pushed to since, so the lists of the latest do not reach it.
    for at in 0..60 {
        bot.github.add_repository(&format!("new-{at}"), &[]);
    }
    bot.sync().await;
    assert!(is_known(&bot, "late"));
    bot.halt().await;
}
