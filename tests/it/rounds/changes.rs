//! What has changed is heard by those whom it concerns, once: a new owner, something that goes away, something that is gone.

use std::sync::Arc;

use chrono::TimeDelta;
use steward::{
    hygiene::round::{Occasion, look},
    sync::SyncOrder,
};

use crate::{
    bot::Bot,
    cluster::new_database,
    fake_github::FakeGithub,
    hygiene::{begin_rounds, repositories},
};

fn described(kind: &str, name: &str, owner: &str, rest: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: {kind}\nmetadata: {{ name: {name}, title: {name}, description: It works. }}\n\
         spec: {{ type: openapi, lifecycle: production, owner: {owner}, definition: none{rest} }}\n"
    )
}

/// The shop, whose team offers an API that the cart and its wish lists use; rounds are held, and today's is over.
async fn shop() -> Bot {
    let github = FakeGithub::start("acme").await;
    repositories(&github);
    github.add_repository("orders", &[("catalog-info.yaml", &described("API", "orders", "team-shop", ""))]);
    let uses = |name: &str| described("Component", name, "team-cart", ", consumesApis: [orders]");
    github.add_repository("till", &[("catalog-info.yaml", &uses("till"))]);
    github.add_repository("basket", &[("catalog-info.yaml", &uses("basket"))]);
    let own = described("Component", "orders-api", "team-shop", ", consumesApis: [orders]");
    github.add_repository("orders-api", &[("catalog-info.yaml", &own)]);
    let bot = Bot::start(github, new_database().await).await;
    bot.sync().await;
    begin_rounds(&bot).await;
    bot.messages("#cart", 1).await;
    bot.worker.tell_changes().await.unwrap();
    bot
}

/// What a channel heard of changes: all that no round says.
fn heard(bot: &Bot, channel: &str) -> Vec<String> {
    let board = bot.app().outbox.playground.as_ref().unwrap();
    let leads = board.messages(channel).into_iter().map(|posted| posted.reply.lead.to_plain());
    let is_round = |lead: &String| lead.contains("in the catalog could use a hand") || lead.starts_with("The first round");
    leads.filter(|lead| !is_round(lead)).collect()
}

/// A sync, and as much time as it takes to be sure that it is over; gives what was planned to be said.
async fn tell(bot: &Bot) {
    bot.sync().await;
    bot.worker.tell_changes().await.unwrap();
    bot.pass(TimeDelta::minutes(2));
    bot.worker.tell_changes().await.unwrap();
}

async fn until_heard(bot: &Bot, channel: &str, wanted: &[&str]) {
    bot.until(&format!("{wanted:?} in {channel}"), async |_| heard(bot, channel) == wanted).await;
}

fn set(bot: &Bot, repository: &str, from: &str, to: &str) {
    let text = bot.github.model(|model| {
        let head = model.find_repo(repository).and_then(|repo| repo.head()).expect("it has a head");
        String::from_utf8(head.files["catalog-info.yaml"].to_vec()).unwrap()
    });
    assert!(text.contains(from), "{text}");
    bot.github.push_file(repository, "catalog-info.yaml", text.replace(from, to));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_owner_and_the_one_before_hear_of_it_once() {
    let bot = shop().await;
    set(&bot, "till", "owner: team-cart", "owner: team-shop");
    bot.sync().await;
    bot.worker.tell_changes().await.unwrap();
    let due = || async { bot.app().store.load_notices().await.unwrap().len() };
    assert_eq!(due().await, 2, "it is not told while a sync may still be under way");
    bot.pass(TimeDelta::minutes(2));
    // Two replicas come to it at once.
    let other = Bot::beside(Arc::clone(&bot.github), Arc::clone(&bot.database)).await;
    other.sync().await;
    other.pass(TimeDelta::days(3) + TimeDelta::hours(1) + TimeDelta::minutes(2));
    let (one, another) = tokio::join!(bot.worker.tell_changes(), other.worker.tell_changes());
    one.unwrap();
    another.unwrap();
    assert_eq!(due().await, 0);
    let both = |channel: &str| [heard(&bot, channel), heard(&other, channel)].concat();
    bot.until("both have heard", async |_| !both("#cart").is_empty() && !both("#shop").is_empty()).await;
    for _ in 0..3 {
        bot.pass(TimeDelta::hours(1));
        bot.worker.tell_changes().await.unwrap();
        bot.sync().await;
    }
    assert_eq!(both("#cart"), ["Team Cart: till is Team Shop's now, and not yours any more."]);
    assert_eq!(both("#shop"), ["Team Shop: till is yours now; before, it was Team Cart's."]);
    bot.halt().await;
    other.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leans_on_what_is_deprecated_or_removed_hears_of_it() {
    let bot = shop().await;
    set(&bot, "orders", "lifecycle: production", "lifecycle: deprecated");
    tell(&bot).await;
    let deprecated = "Team Cart: orders is deprecated. Of yours, basket and till lean on it.";
    until_heard(&bot, "#cart", &[deprecated]).await;
    // A day later: what has passed through the week counts, and there is room for one more.
    bot.github.remove_file("orders", "catalog-info.yaml");
    bot.pass(TimeDelta::days(1));
    tell(&bot).await;
    let removed = "Team Cart: orders is not in the catalog any more. Of yours, basket and till lean on it.";
    until_heard(&bot, "#cart", &[deprecated, removed]).await;
    assert_eq!(heard(&bot, "#shop"), Vec::<String>::new(), "they know what they have done");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_one_sync_are_one_message_in_the_next_hour_that_is_allowed() {
    let bot = shop().await;
    // From ten in the morning to seven in the evening.
    bot.pass(TimeDelta::hours(9));
    set(&bot, "till", "owner: team-cart", "owner: team-shop");
    set(&bot, "basket", "owner: team-cart", "owner: team-shop");
    // There and back again: nobody has to hear.
    set(&bot, "cart", "owner: team-cart", "owner: team-shop");
    tell(&bot).await;
    set(&bot, "cart", "owner: team-shop", "owner: team-cart");
    tell(&bot).await;
    assert_eq!(heard(&bot, "#shop"), Vec::<String>::new());
    let preview = bot.say_as("pat", "hygiene preview").await;
    assert!(preview.contains("Team Shop in #shop: basket is yours now; before, it was Team Cart's. till is yours"), "{preview}");
    let look = look(bot.app()).await.unwrap();
    let dry_run = look.plan(bot.app(), Occasion::ByHand(None)).to_string();
    let line = "Of changes, when their hours allow:\n  group:default/team-cart -> #cart: basket is Team Shop's now";
    assert!(dry_run.contains(line), "{dry_run}");
    bot.pass(TimeDelta::hours(14));
    bot.worker.tell_changes().await.unwrap();
    until_heard(&bot, "#shop", &["Team Shop: 2 things have changed in the catalog."]).await;
    until_heard(&bot, "#cart", &["Team Cart: 2 things have changed in the catalog."]).await;
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_heard_enough_this_week_hears_it_when_there_is_room() {
    let bot = shop().await;
    for (from, to) in [("team-cart", "team-shop"), ("team-shop", "team-cart"), ("team-cart", "team-shop")] {
        set(&bot, "till", &format!("owner: {from}"), &format!("owner: {to}"));
        tell(&bot).await;
        bot.pass(TimeDelta::hours(1));
    }
    // With the round that was the third.
    bot.until("two changes", async |_| heard(&bot, "#cart").len() == 2).await;
    bot.worker.tell_changes().await.unwrap();
    let waiting = bot.app().store.load_notices().await.unwrap();
    assert_eq!(waiting.iter().filter(|notice| notice.team.name() == "team-cart").count(), 1);
    bot.pass(TimeDelta::days(7));
    bot.worker.tell_changes().await.unwrap();
    bot.until("the third", async |_| heard(&bot, "#cart").len() == 3).await;
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_is_no_new_owner_and_nothing_gone() {
    let bot = shop().await;
    // The team is called otherwise, and so all that it owns says; the API, too.
    set(&bot, "org", "name: team-shop", "name: team-store");
    set(&bot, "org", "memberOf: [team-shop]", "memberOf: [team-store]");
    set(&bot, "orders-api", "owner: team-shop", "owner: team-store");
    set(&bot, "orders", "owner: team-shop", "owner: team-store");
    tell(&bot).await;
    set(&bot, "orders", "name: orders", "name: purchases");
    tell(&bot).await;
    bot.github.rename("till", "checkout");
    tell(&bot).await;
    assert_eq!(bot.app().store.load_notices().await.unwrap(), []);
    assert_eq!([heard(&bot, "#cart"), heard(&bot, "#shop")].concat(), Vec::<String>::new());
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_fails_or_loses_a_great_deal_alarms_nobody() {
    let bot = shop().await;
    let names: Vec<String> = (0..30).map(|number| format!("library-{number}")).collect();
    for name in &names {
        bot.github.add_repository(name, &[("catalog-info.yaml", &described("Component", name, "team-shop", ""))]);
    }
    let all = names.iter().map(|name| format!("'component:default/{name}'")).collect::<Vec<_>>().join(", ");
    let uses = described("Component", "kit", "team-cart", &format!(", dependsOn: [{all}]"));
    bot.github.add_repository("kit", &[("catalog-info.yaml", &uses)]);
    tell(&bot).await;
    for name in &names {
        bot.github.delete(name);
    }
    bot.sync_with(SyncOrder::EVERYTHING).await;
    bot.pass(TimeDelta::minutes(2));
    bot.worker.tell_changes().await.unwrap();
    assert_eq!(heard(&bot, "#cart"), Vec::<String>::new(), "so much is held back");
    bot.sync_with(SyncOrder::FULL).await;
    let third = steward::catalog::EntityRef::new("component", "default", "library-3");
    assert!(bot.app().catalog.load().find(&third).is_none());
    bot.pass(TimeDelta::minutes(2));
    bot.worker.tell_changes().await.unwrap();
    bot.worker.tell_changes().await.unwrap();
    assert_eq!(bot.app().store.load_notices().await.unwrap(), []);
    assert_eq!(heard(&bot, "#cart"), Vec::<String>::new(), "so much was meant");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn before_rounds_are_let_go_and_where_it_is_switched_off_nobody_hears_of_changes() {
    let github = FakeGithub::start("acme").await;
    repositories(&github);
    let bot = Bot::start(github, new_database().await).await;
    bot.sync().await;
    set(&bot, "cart", "owner: team-cart", "owner: team-shop");
    tell(&bot).await;
    begin_rounds(&bot).await;
    bot.messages("#shop", 1).await;
    bot.pass(TimeDelta::minutes(2));
    bot.worker.tell_changes().await.unwrap();
    assert_eq!([heard(&bot, "#cart"), heard(&bot, "#shop")].concat(), Vec::<String>::new());
    bot.halt().await;

    let github = FakeGithub::start("acme").await;
    repositories(&github);
    let mut settings = steward::settings::Settings::default();
    settings.hygiene.change_notices = false;
    let bot = Bot::with_settings(github, new_database().await, settings).await;
    bot.sync().await;
    begin_rounds(&bot).await;
    set(&bot, "cart", "owner: team-cart", "owner: team-shop");
    tell(&bot).await;
    assert_eq!(bot.app().store.load_notices().await.unwrap(), []);
    assert_eq!(heard(&bot, "#shop"), Vec::<String>::new());
    bot.halt().await;
}
