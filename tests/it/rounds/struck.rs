//! What a round asked for is followed where it was asked: proposed, merged and struck, in the same message.

use steward::{app::App, chat::Reply, slack::SlackClient};

use crate::{
    bot::Bot,
    cluster::new_database,
    fake_github::FakeGithub,
    fake_slack::{BOT_TOKEN, FakeSlack, Model, history::Fate},
    hygiene::{begin_rounds, outline, repositories, shop},
};

const DESCRIBE: &str = "hygiene fix description-missing:component:default/cart";

fn on_board(app: &App, channel: &str) -> Vec<Reply> {
    let board = app.outbox.playground.as_ref().unwrap();
    board.messages(channel).iter().map(|posted| posted.reply.clone()).collect()
}

/// Title, first and last line of the body, and buttons of the card about the missing description.
fn card(reply: &Reply) -> String {
    let card = reply.cards.iter().find(|card| card.title.to_plain().contains("No description: Cart")).expect("it was told");
    outline(card)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rounds_own_message_follows_the_pull_request_and_strikes_what_is_merged() {
    let bot = shop().await;
    begin_rounds(&bot).await;
    let told = bot.messages("#cart", 1).await.pop().unwrap();
    assert!(card(&told).starts_with("No description: Cart | "), "{}", card(&told));
    assert!(card(&told).ends_with(" | fix notours snooze"), "{}", card(&told));
    let stands = async |wanted: &str| {
        bot.until(wanted, async |app| card(on_board(app, "#cart").last().unwrap()) == wanted).await;
        assert_eq!(on_board(bot.app(), "#cart").len(), 1, "it takes its own place");
    };
    let pull = "https://github.com/acme/cart/pull";
    let opened = bot.open_form("ana", DESCRIBE).await;
    bot.submit("ana", &opened, &[("description", "Holds things.")]).await;
    stands(&format!("No description: Cart | A fix is proposed: acme/cart#1. It waits for review. | {pull}/1 notours snooze"))
        .await;
    bot.github.end_pull("cart", 1, false);
    bot.worker.follow_fixes().await.unwrap();
    stands("No description: Cart | A fix was closed without being merged: acme/cart#1. | fix notours snooze").await;
    let opened = bot.open_form("ana", DESCRIBE).await;
    bot.submit("ana", &opened, &[("description", "Holds things.")]).await;
    stands(&format!("No description: Cart | A fix is proposed: acme/cart#2. It waits for review. | {pull}/2 notours snooze"))
        .await;
    bot.github.end_pull("cart", 2, true);
    bot.worker.follow_fixes().await.unwrap();
    stands("~No description: Cart~ | Merged: acme/cart#2. | ").await;
    // What else it told of stands as it was.
    let drawn = on_board(bot.app(), "#cart").pop().unwrap();
    let others = |reply: &Reply| {
        let other = |card: &&steward::chat::Card| !card.title.to_plain().contains("No description: Cart");
        reply.cards.iter().filter(other).cloned().collect::<Vec<_>>()
    };
    assert_eq!(others(&drawn), others(&told));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_slack_the_same_message_is_changed_also_where_an_answer_gets_lost() {
    let slack = FakeSlack::start().await;
    let github = FakeGithub::start("acme").await;
    repositories(&github);
    let client = SlackClient::connect(&slack.api_url(), &BOT_TOKEN.into()).unwrap();
    let bot = Bot::with_slack(github, new_database().await, client).await;
    bot.sync().await;
    begin_rounds(&bot).await;
    let of_cart = |model: &Model| {
        let posted: Vec<_> = model.messages.iter().filter(|posted| posted.channel == "#cart").collect();
        assert!(posted.len() <= 1, "it was told twice");
        posted.first().map(|posted| (posted.updates.len(), posted.payload.to_string()))
    };
    slack.until("the round", |model| of_cart(model)).await;
    bot.until("the ledger knows", async |app| {
        let told = app.store.load_told(app.clock.now() - chrono::TimeDelta::days(1)).await.unwrap();
        told.iter().any(|told| told.destination == "#cart" && told.state == steward::store::RoundState::Sent)
    })
    .await;
    slack.model().fates.entry("chat.update".to_owned()).or_default().push_back(Fate::DoneBut(502));
    let opened = bot.open_form("ana", DESCRIBE).await;
    bot.submit("ana", &opened, &[("description", "Holds things.")]).await;
    let link = "https://github.com/acme/cart/pull/1";
    slack.until("the link, twice", |model| of_cart(model).filter(|(times, shown)| *times == 2 && shown.contains(link))).await;
    bot.github.end_pull("cart", 1, true);
    bot.worker.follow_fixes().await.unwrap();
    let (_, shown) = slack.until("the strike", |model| of_cart(model).filter(|(times, _)| *times == 3)).await;
    assert!(shown.contains("Merged: ") && shown.contains("\"strike\":true"), "{shown}");
    assert!(shown.contains("steward_round"), "its mark stays: {shown}");
    bot.halt().await;
    slack.finish();
}
