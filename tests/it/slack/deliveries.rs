//! What leaves: at Slack's pace, in its order, the last state of what replaces itself, and nothing lost.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use steward::{
    app::App,
    chat::{DeliveryError, Message, Platform, Posted, Reply, Status},
    door::send::{Sent, send},
    settings::Settings,
    slack::{LinksAt, ResponseUrl, SlackClient, render},
    store::Database,
    worker::Worker,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    app::test_app,
    cluster::new_database,
    fake_slack::{BOT_TOKEN, FakeSlack, Trouble},
};

fn client(slack: &FakeSlack) -> SlackClient {
    SlackClient::connect(&slack.api_url(), &BOT_TOKEN.into()).unwrap()
}

fn reply(words: &str) -> Reply {
    Reply::new(Status::Answered, "catalog", words.into())
}

fn news(channel: &str, words: &str) -> Message {
    Message::new(Platform::Slack, channel, reply(words))
}

fn answer(channel: &str, words: &str) -> Message {
    news(channel, words).asked()
}

fn state(posted: &Posted, words: &str) -> Message {
    Message::replacing(Platform::Slack, posted.clone(), reply(words))
}

/// Steward with its queue, before a Slack that outlives it.
struct Office {
    app: Arc<App>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    _folder: TempDir,
}

impl Office {
    async fn open(database: &Arc<Database>, slack: &FakeSlack) -> Self {
        let folder = TempDir::new().unwrap();
        let settings = Settings { data_dir: folder.path().to_owned(), ..Settings::default() };
        let app = Arc::new(App { settings, ..test_app(Some(client(slack))) });
        let worker = Arc::new(Worker::new(Arc::clone(&app), Vec::new()));
        let stop = CancellationToken::new();
        let (following, database, stopping) = (Arc::clone(&worker), Arc::clone(database), stop.clone());
        let follows = tokio::spawn(async move { following.keep_current(&database, &stopping).await });
        let stopping = stop.clone();
        let works = tokio::spawn(async move { worker.work(&stopping).await });
        while app.store.check(app.clock.now()).await.is_err() {
            tokio::task::yield_now().await;
        }
        Self { app, stop, tasks: vec![follows, works], _folder: folder }
    }

    async fn enqueue(&self, message: Message) {
        self.app.store.enqueue_message(message).await.unwrap();
    }

    async fn close(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

async fn texts_of(slack: &FakeSlack, count: usize) -> Vec<String> {
    slack
        .until("the messages", |model| {
            let texts: Vec<String> =
                model.messages.iter().map(|posted| posted.payload["text"].as_str().unwrap().to_owned()).collect();
            (texts.len() >= count).then_some(texts)
        })
        .await
}

#[tokio::test]
async fn news_leave_one_a_second_a_channel_and_hold_up_nobody() {
    let slack = FakeSlack::start().await;
    let client = client(&slack);
    let began = Instant::now();
    let (first, second) = (news("C1", "first"), news("C1", "second"));
    let (hurried, elsewhere) = (answer("C1", "answer"), news("C2", "elsewhere"));
    client.send(&first).await.unwrap();
    let (late, soon, other) = tokio::join!(client.send(&second), client.send(&hurried), client.send(&elsewhere));
    assert!(late.is_ok() && soon.is_ok() && other.is_ok());
    let model = slack.model();
    let after = |words: &str| {
        let posted = model.messages.iter().find(|posted| posted.payload["text"] == words).unwrap();
        posted.at.duration_since(began)
    };
    assert!(after("second") >= Duration::from_millis(900), "{:?}", after("second"));
    assert!(after("answer") < Duration::from_millis(700) && after("elsewhere") < Duration::from_millis(700));
    drop(model);
    slack.finish();
}

#[tokio::test]
async fn a_refused_method_rests_as_long_as_slack_said_and_no_other_does() {
    let slack = FakeSlack::start().await;
    let client = client(&slack);
    slack.next_trouble("chat.postMessage", Trouble::RateLimited { retry_after_secs: 2 });
    for channel in ["C1", "C2", "C3"] {
        let error = client.send(&answer(channel, "x")).await.unwrap_err();
        assert!(matches!(error, DeliveryError::Limited { retry_after, .. } if retry_after <= Duration::from_secs(2)), "{error}");
    }
    assert_eq!(slack.model().calls.len(), 1, "a method that rests is not called");
    client.send(&answer("C1", "y").only_to("U1")).await.unwrap();
    assert_eq!(slack.model().messages.len(), 1);
    slack.finish();
}

#[tokio::test]
async fn what_nobody_in_the_channel_may_be_shown_goes_to_the_person() {
    let slack = FakeSlack::start().await;
    slack.model().closed_channels.push("C1".to_owned());
    let client = client(&slack);
    let message = answer("C1", "yours").only_to("U1").in_thread(Some("1.2".to_owned()));
    assert!(client.send(&message).await.unwrap().is_some());
    // A conversation of two has nobody to be kept from.
    client.send(&answer("D1", "direct").only_to("U1")).await.unwrap();
    client.send(&answer("U1", "person").only_to("U1")).await.unwrap();
    let model = slack.model();
    let to: Vec<_> = model.messages.iter().map(|posted| (posted.channel.as_str(), posted.only_to.as_deref())).collect();
    assert_eq!(to, [("U1", None), ("D1", None), ("U1", None)]);
    assert!(model.messages[0].payload["thread_ts"].is_null());
    drop(model);
    slack.finish();
}

#[tokio::test]
async fn response_url_is_used_five_times() {
    let slack = FakeSlack::start().await;
    let client = client(&slack);
    let url = ResponseUrl::parse(&slack.response_url("1")).unwrap();
    for _ in 0..5 {
        client.answer(&url.clone(), &render::render_message(&reply("x"))).await.unwrap();
    }
    let error = client.answer(&url, &render::render_message(&reply("x"))).await.unwrap_err();
    assert_eq!(error.to_string(), "slack refused the message: used_url");
    slack.finish();
}

#[tokio::test]
async fn home_and_previews_are_drawn() {
    let slack = FakeSlack::start().await;
    let client = client(&slack);
    client.publish_home("U1", &reply("Your services")).await.unwrap();
    let previews = [("https://github.com/acme/payments".to_owned(), reply("payments"))];
    let sent = LinksAt::Message { channel_id: "C1".to_owned(), ts: "1.2".to_owned() };
    client.unfurl(&sent, &previews).await.unwrap();
    let composed = LinksAt::Composer { unfurl_id: "U-1".to_owned(), source: "composer".to_owned() };
    client.unfurl(&composed, &previews).await.unwrap();
    assert!(slack.model().homes["U1"][0].to_string().contains("Your services"));
    assert_eq!(slack.model().previews.len(), 2);
    slack.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn limited_news_keep_their_order_and_outlive_a_restart() {
    let slack = FakeSlack::start().await;
    let database = Arc::new(new_database().await);
    let office = Office::open(&database, &slack).await;
    slack.next_trouble("chat.postMessage", Trouble::RateLimited { retry_after_secs: 3 });
    for words in ["one", "two", "three"] {
        office.enqueue(news("C1", words)).await;
    }
    slack.until("the refusal", |model| (!model.calls.is_empty()).then_some(())).await;
    let refused = Instant::now();
    office.close().await;
    let office = Office::open(&database, &slack).await;
    assert_eq!(texts_of(&slack, 3).await, ["one", "two", "three"]);
    let first = slack.model().messages[0].at;
    let after = first.duration_since(refused);
    assert!(after >= Duration::from_millis(2_500), "{after:?}");
    office.close().await;
    slack.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_states_the_last_is_shown_whatever_slack_refuses() {
    let slack = FakeSlack::start().await;
    let database = Arc::new(new_database().await);
    let office = Office::open(&database, &slack).await;
    let Sent::Left(Some(posted)) = send(&office.app, answer("C1", "begun")).await else { panic!("it was not posted") };
    slack.next_trouble("chat.update", Trouble::RateLimited { retry_after_secs: 2 });
    for number in 1..=40 {
        assert_eq!(send(&office.app, state(&posted, &format!("state {number}"))).await, Sent::Waits);
    }
    let updates = slack
        .until("the last state", |model| {
            let updates = &model.messages[0].updates;
            updates.last().is_some_and(|last| last == "state 40").then(|| updates.clone())
        })
        .await;
    assert!(updates.len() <= 12, "{updates:?}");
    office.close().await;
    let calls = slack.model().calls.iter().filter(|(method, _)| method == "chat.update").count();
    assert!(calls <= 14, "{calls}");
    slack.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_slack_does_not_take_now_comes_later() {
    let slack = FakeSlack::start().await;
    let database = Arc::new(new_database().await);
    let office = Office::open(&database, &slack).await;
    slack.next_trouble("chat.postMessage", Trouble::RateLimited { retry_after_secs: 2 });
    assert_eq!(send(&office.app, answer("C1", "late")).await, Sent::Waits);
    assert_eq!(texts_of(&slack, 1).await, ["late"]);
    slack.next_trouble("chat.postMessage", Trouble::Status(503));
    assert_eq!(send(&office.app, answer("C1", "later")).await, Sent::Waits);
    assert_eq!(texts_of(&slack, 2).await, ["late", "later"]);
    slack.next_trouble("chat.postMessage", Trouble::Error("is_archived"));
    assert_eq!(send(&office.app, answer("C1", "never")).await, Sent::Lost);
    office.close().await;
    slack.finish();
}
