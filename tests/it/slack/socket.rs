//! Socket Mode, whatever befalls the connections.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use axum::{body::Body, http::StatusCode};
use serde_json::{Value, json};
use steward::{
    app::App,
    door::slack::{Desk, listen},
    http::{Doors, router},
    slack::{
        Parsed, SlackClient, Switchboard, parse_command_json,
        socket::{Socket, SocketWaits},
    },
};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::{
    app::test_app,
    fake_slack::{
        BOT_TOKEN, FakeSlack, Trouble,
        event::{ADA, callback, mention},
        person::trigger,
        socket::{APP_TOKEN, Befalls, Which},
    },
};

/// One replica that listens.
pub struct Listener {
    pub app: Arc<App>,
    pub desk: Desk,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Quick to connect, and patient with a machine that has much to do.
pub fn waits() -> SocketWaits {
    let millis = Duration::from_millis;
    SocketWaits {
        first_pause: millis(2),
        longest_pause: millis(20),
        setup_pause: millis(5),
        quiet: millis(5_000),
        leave: millis(3_000),
        ..SocketWaits::default()
    }
}

impl Listener {
    pub fn start(slack: &FakeSlack, app: App, waits: SocketWaits) -> Self {
        let switchboard = Switchboard::new(&slack.api_url(), &APP_TOKEN.into()).unwrap();
        let socket = Socket { switchboard, connections: 2, waits };
        let (app, desk, stop) = (Arc::new(app), Desk::default(), CancellationToken::new());
        let (listening, own, until) = (Arc::clone(&app), desk.clone(), stop.clone());
        let tasks = TaskTracker::new();
        tasks.spawn(async move { listen(listening, own, socket, &until).await });
        Self { app, desk, stop, tasks }
    }

    /// Stops, and has sent everything then.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.desk.close().await;
    }

    /// What the health check says.
    pub async fn health(&self) -> (StatusCode, Value) {
        let request = axum::http::Request::get("/healthz/chat").body(Body::empty()).unwrap();
        let response = router(Arc::clone(&self.app), Doors::default()).oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn until_health(&self, status: StatusCode) -> Value {
        let search = async {
            loop {
                match self.health().await {
                    (found, health) if found == status => return health,
                    _ => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), search).await.expect("the health changes")
    }
}

pub fn app_with(slack: &FakeSlack) -> App {
    test_app(Some(hurried(slack)))
}

/// As fast as this machine: how fast messages may leave is `deliveries.rs`'s story.
pub fn hurried(slack: &FakeSlack) -> SlackClient {
    let times = NonZeroU32::new(1_000).unwrap();
    SlackClient::connect(&slack.api_url(), &BOT_TOKEN.into()).unwrap().hurried(times)
}

/// A slash command as an envelope carries it.
pub fn slash(command: &str, text: &str, response_url: &str) -> Value {
    json!({
        "token": "x", "team_id": null, "team_domain": "acme", "channel_id": "C2147483705", "channel_name": "incidents",
        "user_id": ADA, "user_name": "ada", "command": command, "text": text, "api_app_id": "A123456",
        "is_enterprise_install": "true", "response_url": response_url, "trigger_id": trigger(), "something_new": [1],
    })
}

fn words(number: usize) -> Value {
    mention(&format!("Ev{number}"), "<@UBOT> owner payments-api", &format!("1795000000.{number:06}"), None)
}

fn told(text: &Value) -> Befalls {
    Befalls::Told(Message::text(text.to_string()))
}

/// How often each thread was answered, in order of the threads.
pub fn answers_by_thread(slack: &FakeSlack) -> std::collections::BTreeMap<String, usize> {
    let mut threads = std::collections::BTreeMap::new();
    for posted in &slack.model().messages {
        *threads.entry(posted.payload["thread_ts"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    threads
}

#[tokio::test]
async fn command_form_and_typeahead_are_answered_in_the_acknowledgement() {
    let slack = FakeSlack::start().await;
    let listener = Listener::start(&slack, app_with(&slack), waits());
    let view = json!({"id": "V1", "hash": "h", "callback_id": "report", "private_metadata": "{\"p\":0,\"f\":{}}", "blocks": []});
    let user = json!({"id": ADA});
    let command = slack.sockets.deliver("slash_commands", &slash("/owner", "payments-api", ""));
    let page = json!({"type": "view_submission", "user": user, "view": view, "trigger_id": trigger(), "team": null});
    let page = slack.sockets.deliver("interactive", &page);
    let typed = json!({"type": "block_suggestion", "user": user, "view": view, "action_id": "owner", "value": "pay"});
    let typed = slack.sockets.deliver("interactive", &typed);
    let words = slack.sockets.deliver("events_api", &words(1));
    for (id, key) in [(command, Some("blocks")), (page, Some("response_action")), (typed, Some("options")), (words, None)] {
        let payload = slack.sockets.until("an acknowledgement", |wire| wire.acknowledgement(&id)).await;
        assert_eq!(payload.is_some(), key.is_some(), "{id}");
        assert!(key.is_none_or(|key| !payload.as_ref().unwrap()[key].is_null()), "{payload:?}");
    }
    listener.stop().await;
    assert_eq!(slack.model().messages.len(), 1);
    assert_eq!(slack.sockets.model().open(), 0, "the connections are closed");
    slack.finish();
}

/// Each time one connection goes, in each way; the other stays, or the new one is there before the old one goes.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_disconnects_leave_no_moment_without_a_connection() {
    let slack = FakeSlack::start().await;
    let listener = Listener::start(&slack, app_with(&slack), waits());
    slack.sockets.until_open(2).await;
    slack.sockets.watch();
    for number in 0..200 {
        slack.sockets.deliver("events_api", &words(number));
        match number % 4 {
            0 => slack.sockets.befall(Which::Oldest, Befalls::Breaks),
            1 => slack.sockets.befall(Which::Newest, Befalls::Closes),
            _ => {
                let reason = if number % 4 == 2 { "warning" } else { "refresh_requested" };
                let disconnect = json!({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}});
                slack.sockets.befall(Which::Oldest, told(&disconnect));
                slack.sockets.until_open(3).await;
                slack.sockets.befall(Which::Oldest, Befalls::Closes);
            }
        }
        slack.sockets.until_open(2).await;
    }
    slack.sockets.until_fewer(1).await;
    {
        let wire = slack.sockets.model();
        assert!(wire.fewest >= 1);
        assert!(wire.longest_wait < Duration::from_secs(1), "an event was not heard for {:?}", wire.longest_wait);
    }
    assert_eq!(listener.health().await.0, StatusCode::OK);
    listener.stop().await;
    let answered = answers_by_thread(&slack);
    assert!(answered.len() == 200 && answered.values().all(|times| *times == 1), "{answered:?}");
    slack.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_all_cut_at_once_come_back_and_bring_what_was_missed() {
    let slack = FakeSlack::start().await;
    let listener = Listener::start(&slack, app_with(&slack), waits());
    for number in 0..10 {
        slack.sockets.until_open(2).await;
        slack.sockets.befall(Which::Oldest, Befalls::Breaks);
        slack.sockets.befall(Which::Oldest, Befalls::Breaks);
        slack.sockets.deliver("events_api", &words(number));
    }
    slack.sockets.until_fewer(1).await;
    listener.stop().await;
    assert_eq!(answers_by_thread(&slack).values().copied().collect::<Vec<_>>(), [1; 10]);
    slack.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_that_falls_silent_is_replaced() {
    let slack = FakeSlack::start().await;
    let short = SocketWaits { quiet: Duration::from_millis(100), pong: Duration::from_millis(400), ..waits() };
    let listener = Listener::start(&slack, app_with(&slack), short);
    slack.sockets.until_open(2).await;
    slack.sockets.befall(Which::Newest, Befalls::FallsSilent);
    slack.sockets.until("a third connection", |wire| (wire.opened >= 3 && wire.open() >= 2).then_some(())).await;
    listener.stop().await;
    slack.finish();
}

#[tokio::test]
async fn frames_that_are_not_known_do_not_stop_the_loop() {
    let slack = FakeSlack::start().await;
    let listener = Listener::start(&slack, app_with(&slack), waits());
    slack.sockets.until_open(2).await;
    for which in [Which::Oldest, Which::Newest] {
        for message in [
            Message::text("garbage"),
            Message::text("[1, 2]"),
            Message::text("{\"type\": 7, \"envelope_id\": {}}"),
            Message::text("{}"),
            Message::binary(vec![0xff, 0xfe]),
            Message::text(json!({"type": "hologram", "envelope_id": "other-1", "payload": {"a": 1}}).to_string()),
            Message::text(json!({"type": "events_api", "envelope_id": "other-2"}).to_string()),
            Message::text(json!({"type": "events_api", "payload": {}}).to_string()),
            Message::text(json!({"type": "hello", "num_connections": "many", "connection_info": null}).to_string()),
        ] {
            slack.sockets.befall(which, Befalls::Told(message));
        }
    }
    for (kind, payload) in [
        ("events_api", Value::Null),
        ("events_api", json!([[[]]])),
        ("events_api", callback("Ev1", json!({"type": "hologram"}))),
        ("events_api", json!({"type": "event_callback", "event": {"type": "app_mention", "user": null}})),
        ("interactive", json!("x")),
        ("interactive", json!({"type": "something_of_next_year", "user": 7})),
        ("slash_commands", json!({})),
        ("slash_commands", json!({"command": "/owner", "user_id": null})),
    ] {
        let id = slack.sockets.deliver(kind, &payload);
        assert_eq!(slack.sockets.until("an acknowledgement", |wire| wire.acknowledgement(&id)).await, None, "{payload}");
    }
    for id in ["other-1", "other-2"] {
        assert_eq!(slack.sockets.until("an acknowledgement", |wire| wire.acknowledgement(id)).await, None, "{id}");
    }
    slack.sockets.deliver("events_api", &words(1));
    slack.until("an answer", |model| (model.messages.len() == 1).then_some(())).await;
    assert_eq!(slack.sockets.model().opened, 2, "no connection was lost");
    listener.stop().await;
    slack.finish();
}

#[tokio::test]
async fn fault_of_the_set_up_is_said_and_tried_again() {
    let slack = FakeSlack::start().await;
    for _ in 0..100_000 {
        slack.next_trouble("apps.connections.open", Trouble::Error("not_allowed_token_type"));
    }
    let listener = Listener::start(&slack, app_with(&slack), waits());
    let health = loop {
        match listener.until_health(StatusCode::SERVICE_UNAVAILABLE).await {
            health if health["slack"]["sockets"]["fault"].is_string() => break health,
            _ => tokio::task::yield_now().await,
        }
    };
    let reason = health["slack"]["reason"].as_str().unwrap();
    assert!(reason.contains("app-level token"), "{reason}");

    slack.model().troubles.clear();
    let health = listener.until_health(StatusCode::OK).await;
    assert_eq!((&health["slack"]["state"], &health["slack"]["reason"]), (&json!("hearing"), &Value::Null));

    let disabled = json!({"type": "disconnect", "reason": "link_disabled", "debug_info": {}});
    for _ in 0..100_000 {
        slack.next_trouble("apps.connections.open", Trouble::Error("link_disabled"));
    }
    slack.sockets.until_open(2).await;
    for which in [Which::Oldest, Which::Newest] {
        slack.sockets.befall(which, told(&disabled));
    }
    slack.sockets.befall(Which::Oldest, Befalls::Closes);
    slack.sockets.befall(Which::Oldest, Befalls::Closes);
    let health = listener.until_health(StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(health["slack"]["reason"].as_str().unwrap().contains("Socket Mode is switched off"), "{health}");
    listener.stop().await;
    slack.finish();
}

#[tokio::test]
async fn failing_slack_is_asked_again() {
    let slack = FakeSlack::start().await;
    for trouble in [
        Trouble::Status(503),
        Trouble::Error("internal_error"),
        Trouble::RateLimited { retry_after_secs: 0 },
        Trouble::Status(502),
        Trouble::MissingScope("connections:write"),
    ] {
        slack.next_trouble("apps.connections.open", trouble);
    }
    let listener = Listener::start(&slack, app_with(&slack), waits());
    slack.sockets.until_open(2).await;
    listener.until_health(StatusCode::OK).await;
    listener.stop().await;
    slack.finish();
}

/// What was taken on before the word to stop is sent.
#[tokio::test(flavor = "multi_thread")]
async fn stop_waits_for_answers_under_way() {
    let slack = FakeSlack::start().await;
    let listener = Listener::start(&slack, app_with(&slack), waits());
    for _ in 0..5 {
        slack.next_trouble("chat.postMessage", Trouble::Slow(Duration::from_millis(200)));
    }
    (0..5).for_each(|number| {
        slack.sockets.deliver("events_api", &words(number));
    });
    slack.sockets.until_open(2).await;
    slack.sockets.until_fewer(1).await;
    listener.stop().await;
    assert_eq!(slack.model().messages.len(), 5);
    slack.finish();
}

#[tokio::test]
async fn health_says_what_is_not_set_up() {
    let slack = FakeSlack::start().await;
    let (stop, desk) = (CancellationToken::new(), Desk::default());
    let listener = Listener { app: Arc::new(app_with(&slack)), desk, stop, tasks: TaskTracker::new() };
    let (status, health) = listener.health().await;
    assert_eq!((status, &health["slack"]["state"]), (StatusCode::OK, &json!("not set up")));
}

/// Slack leaves a trigger out where nothing can be opened; what it delivers again it delivers under the same number.
#[test]
fn act_without_a_number_of_its_own_is_known_by_its_envelope() {
    let number = |payload: &Value, envelope: &str| match parse_command_json(&payload.to_string()).unwrap().or_numbered(envelope) {
        Parsed::Act(incoming) => incoming.request.delivery.unwrap(),
        other => panic!("{other:?}"),
    };
    let own = slash("/owner", "payments-api", "");
    let mut without = own.clone();
    without["trigger_id"] = Value::Null;
    assert_eq!(number(&own, "one"), number(&own, "two"));
    assert_eq!(number(&without, "one"), number(&without, "one"));
    assert_ne!(number(&without, "one"), number(&without, "two"));
}
