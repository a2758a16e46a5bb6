//! How the quarter went, drawn in the round's own message where the chat can fetch a picture.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use chrono::TimeDelta;
use steward::{
    chat::{Block, Card, Reply},
    http::{Doors, router},
    store::{NewRoundMessage, RoundState},
};
use tower::ServiceExt;

use super::ledger::{Replica, new_message, slack_with_ids};
use crate::{
    bot::Bot,
    cluster::new_database,
    fake_slack::history::Fate,
    hygiene::{begin_rounds, lines, shop},
};

fn pictures(reply: &Reply) -> Vec<String> {
    let blocks = reply.cards.iter().flat_map(|card| &card.body);
    blocks.filter_map(|block| if let Block::Picture { url, .. } = block { Some(url.clone()) } else { None }).collect()
}

async fn fetch(bot: &Bot, path: &str) -> (StatusCode, Vec<u8>) {
    let routes = router(Arc::clone(&bot.worker.app), Doors::default());
    let response = routes.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    (response.status(), to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_shows_how_the_quarter_went_for_the_team_and_for_all() {
    let bot = shop().await;
    bot.worker.write_coverage_day().await.unwrap();
    // From Saturday morning to the Tuesday after the next.
    bot.pass(TimeDelta::days(7));
    bot.worker.write_coverage_day().await.unwrap();
    begin_rounds(&bot).await;
    let told = bot.messages("#cart", 1).await.pop().unwrap();
    let shown = pictures(&told);
    assert_eq!(shown.len(), 2, "{told:?}");
    for url in &shown {
        let (status, png) = fetch(&bot, url).await;
        assert_eq!((status, &png[..8]), (StatusCode::OK, &b"\x89PNG\r\n\x1a\n"[..]), "{url}");
    }
    let trend = "hygiene trend group:default/team-cart".to_owned();
    assert!(lines(&told).contains(&trend), "{:?}", lines(&told));
    let stands = bot.ask("ana", "hygiene team-cart").await;
    assert!(lines(&stands).contains(&trend), "{:?}", lines(&stands));
    assert_eq!(pictures(&bot.ask("ana", &trend).await).len(), 1, "nothing was found or mended before this week");
    // A line that says that nothing is new is no more than that.
    let mut leads = Vec::new();
    for number in 2..=3 {
        bot.pass(TimeDelta::days(7));
        bot.worker.hold_round().await.unwrap();
        let again = bot.messages("#cart", number).await.pop().unwrap();
        leads.push(again.lead.to_plain());
        let is_line = again.lead.to_plain().ends_with(", as before.");
        assert_eq!(pictures(&again).is_empty(), is_line, "{leads:?}");
    }
    assert!(leads[1].ends_with(", as before."), "{leads:?}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_round_has_no_days_to_draw_a_line_between() {
    let bot = shop().await;
    bot.worker.write_coverage_day().await.unwrap();
    begin_rounds(&bot).await;
    let told = bot.messages("#cart", 1).await.pop().unwrap();
    assert_eq!(pictures(&told), Vec::<String>::new());
    assert!(told.cards.iter().all(|card| !card.title.to_plain().contains("quarter")), "{told:?}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_slack_cannot_fetch_a_picture_the_words_arrive_once() {
    let slack = slack_with_ids(&["payments"]).await;
    let database = Arc::new(new_database().await);
    let replica = Replica::working(&database, &slack).await;
    slack.model().fates.entry("chat.postMessage".to_owned()).or_default().push_back(Fate::Code("invalid_blocks"));
    let url = "https://steward.example/pictures/a.png".to_owned();
    let mut reply = new_message("payments", "1", "#payments").reply;
    let body = vec![Block::Paragraph("Runbooks: 40 %.".into()), Block::Picture { url, says: "Runbooks".to_owned() }];
    reply.cards.push(Card { body, ..Card::default() });
    let planned = replica.plan(&[NewRoundMessage { reply, ..new_message("payments", "1", "#payments") }]).await;
    replica.settle(&planned).await;
    assert_eq!(replica.state(&planned[0]).await, RoundState::Sent);
    let sent: Vec<String> = slack.model().messages.iter().map(|posted| posted.payload["blocks"].to_string()).collect();
    assert!(sent.len() == 1 && sent[0].contains("Runbooks: 40 %") && !sent[0].contains("\"image\""), "{sent:?}");
    replica.close().await;
    slack.finish();
}
