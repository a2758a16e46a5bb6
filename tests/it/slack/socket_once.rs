//! Each act is done once and each question answered once, whatever is delivered twice or over two replicas.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::Row;
use steward::app::App;

use super::socket::{Listener, answers_by_thread, app_with, hurried, slash, waits};
use crate::{
    cluster::{connect, new_database},
    fake_slack::{
        FakeSlack,
        event::{ADA, direct_message, mention},
        person::press,
        socket::{Befalls, Which},
    },
    world::World,
};

const EVENTS: usize = 10_000;

fn button() -> Value {
    json!({"blocks": [{"type": "actions", "elements": [
        {"type": "button", "action_id": "say-0", "value": "owner payments-api", "text": {"type": "plain_text", "text": "Go"}}]}]})
}

/// What people do all day: most of it commands, then words in channels, buttons, and words to the bot alone.
fn event(slack: &FakeSlack, number: usize) -> (&'static str, Value) {
    let ts = format!("1795000000.{number:06}");
    match number % 10 {
        0..=5 => ("slash_commands", slash("/owner", "payments-api", &slack.response_url(&format!("{number:06}")))),
        6 => {
            let mut message = direct_message(&format!("Ev{number}"), "owner payments-api", &ts);
            message["event"]["thread_ts"] = json!(ts);
            ("events_api", message)
        }
        7 | 8 => ("events_api", mention(&format!("Ev{number}"), "<@UBOT> owner payments-api", &ts, None)),
        _ => ("interactive", press(&button(), "Go", Some(&slack.response_url(&format!("{number:06}"))), false)),
    }
}

/// One in twenty is told twice, and after one in twenty a connection breaks. Slack does not tell a command twice, unless
/// it was not acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_events_are_each_answered_once() {
    let slack = FakeSlack::start().await;
    let database = new_database().await;
    let app = app_with(&slack);
    app.store.open(&database, 2).await.unwrap();
    let listener = Listener::start(&slack, app, waits());
    let mut commands = Vec::new();
    for number in 0..EVENTS {
        slack.sockets.until_fewer(24).await;
        let (kind, payload) = event(&slack, number);
        let id = slack.sockets.deliver(kind, &payload);
        if kind == "slash_commands" {
            commands.push((id, format!("{number:06}")));
        }
        if [7, 26, 49].contains(&(number % 60)) {
            slack.sockets.deliver(kind, &payload);
        }
        if number % 20 == 13 {
            slack.sockets.befall(Which::Oldest, Befalls::Breaks);
        }
    }
    slack.sockets.until_fewer(1).await;
    listener.stop().await;
    // Nothing is asserted while the models are locked: what still runs would wait for them for ever.
    let told: Vec<(String, usize, usize)> = {
        let (model, wire) = (slack.model(), slack.sockets.model());
        let told = |id: &String| wire.acknowledged[id].iter().filter(|payload| payload.is_some()).count();
        let sent = |url: &String| model.answers.get(url).map_or(0, Vec::len);
        commands.iter().map(|(id, url)| (id.clone(), told(id), sent(url))).collect()
    };
    for (id, told, sent) in told {
        assert_eq!(told + sent, 1, "the command in {id} was told {told} times and sent {sent} times");
    }
    let pressed: Vec<usize> = {
        let model = slack.model();
        let presses = (0..EVENTS).filter(|number| number % 10 == 9);
        presses.map(|number| model.answers.get(&format!("{number:06}")).map_or(0, Vec::len)).collect()
    };
    assert!(pressed.iter().all(|times| *times == 1), "{pressed:?}");
    let opened = slack.sockets.model().opened;
    assert!(opened > 400, "connections broke: {opened}");
    let answered: BTreeMap<String, usize> = answers_by_thread(&slack);
    assert_eq!(answered.len(), EVENTS * 3 / 10);
    assert!(answered.values().all(|times| *times == 1));
    slack.finish();
}

/// A replica whose admin is Ada, over this database.
async fn replica(slack: &FakeSlack, database: &steward::store::Database) -> App {
    let mut world = World::new();
    world.user("ada").annotate("steward.dev/slack-id", ADA);
    world.component("payments-api");
    let mut app = world.bot().admin("user:default/ada").app;
    app.outbox.slack = Some(hurried(slack));
    app.store.open(database, 4).await.unwrap();
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn act_and_answer_that_reach_two_replicas_are_done_once() {
    let slack = FakeSlack::start().await;
    let database = new_database().await;
    let one = Listener::start(&slack, replica(&slack, &database).await, waits());
    slack.sockets.until_open(2).await;
    let two = Listener::start(&slack, replica(&slack, &database).await, waits());
    slack.sockets.until_open(4).await;

    // Over four connections in turn, so that both replicas get each of them.
    let sync = slash("/steward", "catalog sync", &slack.response_url("1"));
    let syncs: Vec<String> = (0..4).map(|_| slack.sockets.deliver("slash_commands", &sync)).collect();
    let asked = mention("Ev1", "<@UBOT> owner payments-api", "1795000000.000100", None);
    let asked: Vec<String> = (0..4).map(|_| slack.sockets.deliver("events_api", &asked)).collect();
    let mut told = Vec::new();
    for id in &syncs {
        told.extend(slack.sockets.until("an acknowledgement", |wire| wire.acknowledgement(id)).await);
    }
    for id in &asked {
        slack.sockets.until("an acknowledgement", |wire| wire.acknowledgement(id)).await;
    }
    one.stop().await;
    two.stop().await;

    let mut connection = connect(&database).await;
    let count = async |connection: &mut sqlx::PgConnection, what: &'static str| -> i64 {
        sqlx::query(what).fetch_one(connection).await.unwrap().get(0)
    };
    assert_eq!(count(&mut connection, "select count(*) from audit").await, 1);
    assert_eq!(count(&mut connection, "select count(*) from graphile_worker._private_jobs").await, 1);
    let texts: Vec<&str> = told.iter().map(|message| message["text"].as_str().unwrap()).collect();
    let done = texts.iter().filter(|text| text.contains("is on its way")).count();
    let again = texts.iter().filter(|text| text.contains("delivered twice")).count();
    assert_eq!((done, again), (1, 1), "{texts:?}");
    assert_eq!(answers_by_thread(&slack).values().copied().collect::<Vec<_>>(), [1]);

    // Another act of hers is not taken for that one.
    let three = Listener::start(&slack, replica(&slack, &database).await, waits());
    let other = slack.sockets.deliver("slash_commands", &slash("/steward", "catalog sync", &slack.response_url("2")));
    slack.sockets.until("an acknowledgement", |wire| wire.acknowledgement(&other)).await;
    three.stop().await;
    assert_eq!(count(&mut connection, "select count(*) from audit").await, 2);
    slack.finish();
}
