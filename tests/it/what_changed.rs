//! What changed before it broke: deployments, failed runs, merges, descriptors; and no claim where nobody would have told.

use chrono::TimeDelta;
use steward::{
    catalog::{EventKind, RepositoryEvent},
    store::{Concern, Delivery},
};

use crate::bot::{Bot, morning};

const SHOP: &str = "apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: cart, title: Cart }
spec: { type: service, lifecycle: production, owner: team-a, dependsOn: [component:ledger] }
";

fn ledger(owner: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: ledger, title: Ledger }}\n\
         spec: {{ type: service, lifecycle: production, owner: {owner} }}\n"
    )
}

async fn bot() -> Bot {
    let bot = Bot::of_descriptors(&[("cart", SHOP), ("ledger", &ledger("team-a"))]).await;
    bot.sync().await;
    bot.worker.read_recent().await.expect("the store can be read");
    bot
}

fn repository(bot: &Bot, name: &str) -> i64 {
    let catalog = bot.app().catalog.load();
    let entry = catalog.entries().iter().find(|entry| &*entry.entity.name == name).expect("it is in the catalog");
    entry.origin.repository_id
}

async fn happens(bot: &Bot, repository: &str, kind: EventKind, number: i64, title: &str, state: Option<&str>) {
    let id = format!("{repository}-{number}-{title}-{state:?}");
    let now = bot.app().clock.now();
    let happened = RepositoryEvent {
        repository_id: self::repository(bot, repository),
        kind,
        outside_id: number,
        at: now,
        title: title.to_owned(),
        url: Some("https://github.com/acme/thing".to_owned()),
        author: Some("ada".to_owned()),
        state: state.map(str::to_owned),
        environment: (kind == EventKind::Deployment).then(|| "production".to_owned()),
    };
    let concerns = vec![Concern { source: "acme".to_owned(), jobs: Vec::new(), happened: Some(happened) }];
    let delivery = Delivery { id: &id, event: "deployment_status", action: None, at: now, concerns };
    bot.app().store.record_delivery(delivery).await.expect("the store takes it");
    bot.worker.read_recent().await.expect("the store can be read");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_claimed_where_no_webhook_tells() {
    let bot = bot().await;
    let card = bot.say("/owner cart").await;
    assert!(card.contains("are not known here: no webhook of the source acme"), "{card}");
    assert!(!card.contains("Nothing changed"), "{card}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn card_shows_what_happened_to_it_and_to_what_it_depends_on() {
    let bot = bot().await;
    happens(&bot, "cart", EventKind::Deployment, 1, "v1.2.3", Some("in_progress")).await;
    let card = bot.say("/owner cart").await;
    assert!(card.contains("deployment to production (in_progress): v1.2.3"), "{card}");
    bot.pass(TimeDelta::minutes(10));
    happens(&bot, "cart", EventKind::Deployment, 1, "v1.2.3", Some("success")).await;
    happens(&bot, "cart", EventKind::Workflow, 2, "CI", Some("success")).await;
    happens(&bot, "ledger", EventKind::Workflow, 3, "Nightly", Some("failure")).await;
    happens(&bot, "ledger", EventKind::Merge, 4, "Round half to even", None).await;
    bot.github.push_file("ledger", "catalog-info.yaml", ledger("team-b"));
    bot.sync().await;
    bot.worker.read_recent().await.expect("the store can be read");
    bot.pass(TimeDelta::minutes(5));
    let card = bot.say("/owner cart").await;
    assert!(card.contains("5 min ago: deployed to production: v1.2.3"), "a later state replaces the former: {card}");
    assert!(card.contains("Ledger: run failed: Nightly"), "{card}");
    assert!(card.contains("Ledger: merged: Round half to even"), "{card}");
    assert!(card.contains("Ledger: descriptor changed: owner"), "{card}");
    assert!(!card.contains("CI"), "a run that went well is no news: {card}");
    assert!(!card.contains("not known here"), "{card}");
    bot.pass(TimeDelta::hours(73));
    let card = bot.say("/owner cart").await;
    assert!(card.contains("Nothing changed in the last 72 h"), "what is older is gone, read or not: {card}");
    assert!(bot.app().clock.now() > morning());
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_to_a_part_is_told_of_its_system() {
    let money = "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: { name: money }\nspec: { owner: team-a }\n";
    let ledger = ledger("team-a").replace("owner: team-a", "owner: team-a, system: money");
    let bot = Bot::of_descriptors(&[("money", money), ("ledger", &ledger), ("cart", SHOP)]).await;
    bot.sync().await;
    happens(&bot, "cart", EventKind::Deployment, 1, "v7", Some("success")).await;
    let card = bot.say("/owner system:money").await;
    assert!(card.contains("Nothing changed in the last 72 h, neither in its parts nor"), "{card}");
    happens(&bot, "ledger", EventKind::Deployment, 2, "v1.2.3", Some("success")).await;
    let card = bot.say("/owner system:money").await;
    assert!(card.contains("Ledger: deployed to production: v1.2.3"), "{card}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_stories_are_capped() {
    let bot = bot().await;
    for number in 0..14 {
        happens(&bot, "cart", EventKind::Merge, number, &format!("Change {number}"), None).await;
    }
    let card = bot.say("/owner cart").await;
    assert_eq!(card.matches("merged:").count(), 5, "{card}");
    assert!(card.contains("+ 5 more"), "ten are kept of one repository: {card}");
    bot.halt().await;
}
