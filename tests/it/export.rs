//! Lists longer than a message are fetched whole, by a link that only the asker has and that is good for an hour.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use chrono::TimeDelta;
use steward::{
    chat::{Block, Does, Platform, Reply},
    http::{Doors, router},
    settings::{ServerSettings, Settings},
};
use tower::ServiceExt;

use crate::{bot::Bot, cluster::new_database, fake_github::FakeGithub, world::World};

fn component(name: &str, owner: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\n  description: Something that takes up room, and is told at length.\n\
         spec: {{ type: service, lifecycle: production, owner: {owner} }}\n"
    )
}

async fn bot(public_url: Option<&str>) -> Bot {
    let github = FakeGithub::start("acme").await;
    for number in 0..60 {
        let owner = if number % 3 == 0 { "team-a" } else { "team-b" };
        github.add_repository(
            &format!("service-{number:02}"),
            &[("catalog-info.yaml", &component(&format!("service-{number:02}"), owner))],
        );
    }
    let server = ServerSettings { public_url: public_url.map(str::to_owned), ..ServerSettings::default() };
    let bot = Bot::with_settings(github, new_database().await, Settings { server, ..Settings::default() }).await;
    bot.sync().await;
    bot
}

fn link(reply: &Reply) -> Option<String> {
    reply.buttons.iter().find_map(|button| match &button.does {
        Does::Open(url) => Some(url.clone()),
        _ => None,
    })
}

async fn fetch(bot: &Bot, path: &str) -> (StatusCode, String, String) {
    let routes = router(Arc::clone(&bot.worker.app), Doors::default());
    let response = routes.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    (parts.status, format!("{:?}", parts.headers), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_fetched_whole_by_a_link_that_is_good_for_an_hour() {
    let bot = bot(Some("https://steward.example/")).await;
    let reply = bot.ask("guest", "/find kind:component as csv").await;
    assert!(reply.lead.to_plain().starts_with("The first "), "{}", reply.lead.to_plain());
    let url = link(&reply).expect("a link to all of it");
    let path = url.strip_prefix("https://steward.example").expect("at the public address").to_owned();
    let (status, headers, csv) = fetch(&bot, &path).await;
    assert_eq!(status, StatusCode::OK);
    assert!(headers.contains("attachment") && headers.contains("text/csv") && headers.contains("no-store"), "{headers}");
    assert_eq!(csv.lines().count(), 61, "{csv}");
    assert!(csv.starts_with("ref,kind,type,name,") && csv.contains("component:default/service-59,"), "{csv}");
    // What it is narrowed down to, and what it is counted by, hold for the file too.
    let counted = link(&bot.ask("guest", "/find kind:component owner:team-a by owner as csv").await).unwrap();
    let (_, _, csv) = fetch(&bot, counted.strip_prefix("https://steward.example").unwrap()).await;
    assert_eq!(csv, "owner,entries\nteam-a,20\n");
    let (status, _, _) = fetch(&bot, &format!("{}x.csv", path.trim_end_matches(".csv"))).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(fetch(&bot, path.trim_end_matches(".csv")).await.0, StatusCode::NOT_FOUND);
    bot.pass(TimeDelta::minutes(61));
    assert_eq!(fetch(&bot, &path).await.0, StatusCode::NOT_FOUND);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_public_address_the_answer_says_how_to_get_all() {
    let bot = bot(None).await;
    let reply = bot.ask("guest", "/find kind:component as csv").await;
    assert_eq!(link(&reply), None);
    assert!(bot.say("/find kind:component as csv").await.contains("server.public_url"));
    assert!(!bot.say("/find service-07 kind:component csv").await.contains("server.public_url"), "the message held it all");
    bot.halt().await;
}

#[test]
fn a_terminal_shows_the_whole_list() {
    let mut world = World::new();
    for number in 0..100 {
        world.component(&format!("service-{number:03}")).describe("Something that takes up room in a line.");
    }
    let mut bot = world.bot();
    bot.account.platform = Platform::Terminal;
    let reply = bot.reply("find kind:component as csv");
    let Block::Code { text, .. } = &reply.cards[0].body[0] else { panic!("CSV is code") };
    assert_eq!(text.lines().count(), 101);
}
