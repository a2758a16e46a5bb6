//! Each message of a round leaves once, whatever Slack makes of it, and whoever plans and sends it.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use steward::{
    app::App,
    chat::{Platform, Reply, Status},
    settings::Settings,
    slack::SlackClient,
    store::{Database, NewRoundMessage, RoundKey, RoundState},
    worker::Worker,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    app::test_app,
    bot::Bot,
    cluster::new_database,
    fake_slack::{BOT_TOKEN, FakeSlack, Trouble, history::Fate},
};

/// Of the sample organisation.
const ADMIN: &str = "felix.braun";

/// Longer than the fake takes over anything.
pub const RESEND_AFTER: Duration = Duration::from_millis(400);

/// One replica before a Slack and a database that outlive it.
pub struct Replica {
    pub worker: Arc<Worker>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    _folder: TempDir,
}

impl Replica {
    /// With its queue.
    pub async fn working(database: &Arc<Database>, slack: &FakeSlack) -> Self {
        let mut replica = Self::idle(database, slack).await;
        let (working, stopping) = (Arc::clone(&replica.worker), replica.stop.clone());
        replica.tasks.push(tokio::spawn(async move { working.send_rounds(&stopping).await }));
        replica
    }

    /// Does nothing by itself.
    pub async fn idle(database: &Arc<Database>, slack: &FakeSlack) -> Self {
        let folder = TempDir::new().unwrap();
        let settings = Settings { data_dir: folder.path().to_owned(), ..Settings::default() };
        let client = SlackClient::connect(&slack.api_url(), &BOT_TOKEN.into()).unwrap();
        let client = client.hurried(1_000.try_into().unwrap());
        let app = Arc::new(App { settings, ..test_app(Some(client)) });
        app.store.open(database, 4).await.unwrap();
        let worker = Arc::new(Worker::new(app, Vec::new()).resending_after(RESEND_AFTER));
        Self { worker, stop: CancellationToken::new(), tasks: Vec::new(), _folder: folder }
    }

    pub async fn plan(&self, messages: &[NewRoundMessage]) -> Vec<RoundKey> {
        let app = &self.worker.app;
        app.store.plan_round(messages, app.clock.now()).await.unwrap()
    }

    pub async fn state(&self, key: &RoundKey) -> RoundState {
        self.worker.app.store.load_round_message(key).await.unwrap().unwrap().state
    }

    /// Until nothing is due any more.
    pub async fn settle(&self, keys: &[RoundKey]) {
        for _ in 0..2_000 {
            if self.worker.app.store.count_due(keys).await.unwrap() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("some messages never settled");
    }

    pub async fn close(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

pub fn new_message(team: &str, round: &str, to: &str) -> NewRoundMessage {
    NewRoundMessage {
        key: RoundKey { team: team.to_owned(), round: round.to_owned() },
        platform: Platform::Slack,
        destination: to.to_owned(),
        others: Vec::new(),
        any_hour: true,
        calm: 0,
        reply: Reply::new(Status::Answered, "hygiene", format!("{team} in {round}").as_str().into()),
        keys: vec![format!("runbook-missing:component:default/{team}")],
        shown: Vec::new(),
    }
}

pub async fn slack_with_ids(channels: &[&str]) -> FakeSlack {
    let slack = FakeSlack::start().await;
    slack.model().has_ids = true;
    slack.model().channels = channels.iter().map(|name| (*name).to_owned()).collect();
    slack
}

fn fates(slack: &FakeSlack, method: &str, fates: &[Fate]) {
    slack.model().fates.entry(method.to_owned()).or_default().extend(fates.iter().copied());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_unseen_is_found_again_and_what_did_not_is_sent_again() {
    let slack = slack_with_ids(&["a", "b", "c", "d", "e", "f", "payments"]).await;
    let database = Arc::new(new_database().await);
    let replica = Replica::working(&database, &slack).await;
    let ends = [Fate::DoneBut(502), Fate::DoneAndCut, Fate::Fails(503), Fate::Code("internal_error"), Fate::Limited];
    for (number, fate) in ends.into_iter().enumerate() {
        for to in ["#payments", "U0ANA", "C0PAYMENTS"] {
            fates(&slack, "chat.postMessage", &[fate]);
            let planned = replica.plan(&[new_message("payments", &format!("{number}-{to}"), to)]).await;
            replica.settle(&planned).await;
            assert_eq!(replica.state(&planned[0]).await, RoundState::Sent, "{fate:?} to {to}");
        }
    }
    let marked = slack.model().marked();
    assert_eq!(marked.len(), 15);
    assert!(marked.values().all(|times| *times == 1), "{marked:?}");
    replica.close().await;
    slack.finish();
}

/// Twenty messages are a page of this Slack.
#[tokio::test(flavor = "multi_thread")]
async fn a_look_through_many_pages_ends_though_every_other_page_fails() {
    let slack = slack_with_ids(&["payments"]).await;
    let database = Arc::new(new_database().await);
    let replica = Replica::working(&database, &slack).await;
    let said: Vec<_> = (0..70).map(|round| new_message("payments", &round.to_string(), "C0PAYMENTS")).collect();
    replica.settle(&replica.plan(&said).await).await;
    fates(&slack, "chat.postMessage", &[Fate::DoneBut(502)]);
    fates(&slack, "conversations.history", &[Fate::Well, Fate::Fails(503)].repeat(100));
    let planned = replica.plan(&[new_message("payments", "lost", "C0PAYMENTS")]).await;
    replica.settle(&planned).await;
    let marked = slack.model().marked();
    assert!(marked.len() == 71 && marked.values().all(|times| *times == 1), "{marked:?}");
    replica.close().await;
    slack.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_may_look_for_is_rather_lost_than_said_twice() {
    let slack = slack_with_ids(&["payments"]).await;
    let database = Arc::new(new_database().await);
    let replica = Replica::working(&database, &slack).await;
    fates(&slack, "chat.postMessage", &[Fate::DoneBut(502)]);
    for _ in 0..3 {
        slack.next_trouble("conversations.history", Trouble::MissingScope("channels:history"));
    }
    let planned = replica.plan(&[new_message("payments", "2026-11-24", "C0PAYMENTS")]).await;
    replica.settle(&planned).await;
    assert_eq!(replica.state(&planned[0]).await, RoundState::Lost);
    assert_eq!(slack.model().messages.len(), 1);
    replica.close().await;
    slack.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_refuses_is_followed_by_the_next_one() {
    let slack = slack_with_ids(&["platform"]).await;
    let database = Arc::new(new_database().await);
    let replica = Replica::working(&database, &slack).await;
    let message = NewRoundMessage { others: vec!["#platform".to_owned()], ..new_message("payments", "1", "#gone") };
    let planned = replica.plan(&[message]).await;
    replica.settle(&planned).await;
    assert_eq!(slack.model().messages[0].channel, "C0PLATFORM");
    let said = slack.model().messages[0].payload.to_string();
    assert!(said.contains("#gone could not be written to (channel_not_found), so this comes here."), "{said}");
    let planned = replica.plan(&[new_message("payments", "2", "#gone")]).await;
    replica.settle(&planned).await;
    assert_eq!(replica.state(&planned[0]).await, RoundState::Lost);
    let told = replica.worker.app.store.load_told(replica.worker.app.clock.now() - TimeDelta::days(1)).await.unwrap();
    let lost = told.into_iter().find(|told| told.key == planned[0]).unwrap();
    assert_eq!(lost.reason.as_deref(), Some("#gone refused it: channel_not_found"));
    replica.close().await;
    slack.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_two_replicas_plan_is_sent_once() {
    let slack = slack_with_ids(&["payments"]).await;
    let database = Arc::new(new_database().await);
    let replicas = [Replica::working(&database, &slack).await, Replica::working(&database, &slack).await];
    for round in 0..20 {
        let messages = [new_message("payments", &round.to_string(), "#payments")];
        let (one, other) = tokio::join!(replicas[0].plan(&messages), replicas[1].plan(&messages));
        assert_eq!(one.len() + other.len(), 1);
        replicas[0].settle(&[messages[0].key.clone()]).await;
    }
    let marked = slack.model().marked();
    assert!(marked.len() == 20 && marked.values().all(|times| *times == 1), "{marked:?}");
    for replica in replicas {
        replica.close().await;
    }
    slack.finish();
}

/// From an installation to the first round and the next one, with two replicas that both plan.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_round_is_shown_to_the_admins_and_held_when_they_say_so() {
    let bot = Bot::of_sample_organisation().await;
    bot.sync().await;
    let board = |app: &App, channel: &str| app.outbox.playground.as_ref().unwrap().messages(channel);
    let all = |app: &App| -> Vec<String> {
        let catalog = app.catalog.load();
        let groups = catalog.entries().iter().filter_map(|entry| steward::reach::own_channel(&entry.entity));
        groups.filter(|channel| !board(app, &channel.name).is_empty()).map(|channel| channel.name).collect()
    };
    // Saturday: nobody is at work.
    bot.worker.hold_round().await.unwrap();
    assert!(all(bot.app()).is_empty());
    bot.pass(TimeDelta::days(3) + TimeDelta::hours(1));
    bot.worker.hold_round().await.unwrap();
    let admins = bot.app().catalog.load();
    let platform = steward::catalog::EntityRef::parse("platform", Some("group"), "default").unwrap();
    let (channel, _) = steward::reach::channel_of(&admins, &platform).unwrap();
    bot.until("the preview", async |app| !board(app, &channel.name).is_empty()).await;
    assert_eq!(all(bot.app()).join(" "), channel.name);
    let preview = board(bot.app(), &channel.name)[0].reply.clone();
    assert!(preview.lead.to_plain().starts_with("The first round would be"), "{}", preview.lead.to_plain());
    let other = Bot::beside(Arc::clone(&bot.github), Arc::clone(&bot.database)).await;
    other.sync().await;
    other.pass(TimeDelta::days(3) + TimeDelta::hours(1));
    other.worker.hold_round().await.unwrap();
    bot.worker.hold_round().await.unwrap();
    let refused = bot.ask("guest", "hygiene begin").await;
    assert_eq!(refused.status, Status::Refused);
    let shown = bot.say_as(ADMIN, "hygiene preview").await;
    assert!(shown.starts_with("The first round would be"), "{shown}");
    let begun = bot.say_as(ADMIN, "hygiene begin").await;
    assert!(begun.starts_with("Rounds are held from now on"), "{begun}");
    let again = bot.say_as(ADMIN, "hygiene begin").await;
    assert!(again.starts_with("Rounds are held already"), "{again}");
    let (one, another) = tokio::join!(bot.worker.hold_round(), other.worker.hold_round());
    one.unwrap();
    another.unwrap();
    let told = bot.app().store.load_told(bot.app().clock.now() - TimeDelta::days(30)).await.unwrap();
    let keys: Vec<RoundKey> = told.iter().map(|told| told.key.clone()).collect();
    bot.until("all is sent", async |app| app.store.count_due(&keys).await.unwrap() == 0).await;
    // Each replica has a board of its own; together they hold each message once.
    let mut texts: Vec<String> = Vec::new();
    for app in [bot.app(), other.app()] {
        for told in told.iter().filter(|told| !told.key.team.starts_with("preview")) {
            texts.extend(board(app, &told.destination).iter().map(|posted| posted.reply.lead.to_plain()));
        }
    }
    texts.retain(|text| !text.starts_with("The first round"));
    texts.sort();
    let number = texts.len();
    texts.dedup();
    assert!(number > 3 && texts.len() == number, "{texts:?}");
    bot.worker.hold_round().await.unwrap();
    let again = bot.app().store.load_told(bot.app().clock.now() - TimeDelta::days(30)).await.unwrap();
    assert_eq!(again.len(), told.len());
    bot.halt().await;
    other.halt().await;
}
