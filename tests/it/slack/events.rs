//! The Events API and the shortcuts: words, home pages, addresses and messages that somebody asks about.

use axum::http::StatusCode;
use serde_json::{Value, json};
use steward::{
    catalog::live::{Happened, NewsOf, NewsRead, Recent, RecentEvent},
    chat::{Act, Request},
    slack::{Parsed, SlackClient, Way, parse_event, parse_payload},
};

use super::Bench;
use crate::{
    fake_slack::{
        BOT_TOKEN, FakeSlack, Trouble, check,
        event::{ADA, BOT_USER, callback, direct_message, mention},
        person::{press, trigger},
    },
    world::World,
};

const NOTHING: (StatusCode, Value) = (StatusCode::OK, Value::Null);

fn asked(event: &Value) -> Request {
    match parse_event(event.to_string().as_bytes()).unwrap() {
        Parsed::Act(incoming) if incoming.way == Way::Words => incoming.request,
        other => panic!("{other:?} is not asked"),
    }
}

fn text_of(text: &str) -> String {
    match asked(&mention("Ev1", text, "1.1", None)).act {
        Act::Ask { text } => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn address_is_proved_by_its_challenge() {
    let bench = Bench::start().await;
    let (status, answer) = bench.tell(&json!({"token": "x", "challenge": "3eZbrw1aB", "type": "url_verification"})).await;
    assert_eq!((status, answer), (StatusCode::OK, json!({"challenge": "3eZbrw1aB"})));
    let body = json!({"challenge": "3eZbrw1aB", "type": "url_verification"}).to_string();
    let (status, _) = bench.send_with("/slack/events", &[], body.into_bytes()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    bench.slack.finish();
}

#[tokio::test]
async fn mention_is_answered_once_in_its_thread_for_all() {
    let bench = Bench::start().await;
    let own = mention("Ev1", "<@UBOT> owner payments-api", "1795000000.000100", None);
    let within = mention("Ev2", "<@UBOT> owner payments-api", "1795000000.000300", Some("1795000000.000200"));
    for event in [&own, &own, &within, &own, &within] {
        assert_eq!(bench.tell(event).await, NOTHING);
    }
    bench.desk.close().await;
    {
        let model = bench.slack.model();
        let posted = model.messages.iter().map(|posted| (posted.channel.as_str(), &posted.payload["thread_ts"]));
        assert_eq!(
            posted.collect::<Vec<_>>(),
            [("C2147483705", &json!("1795000000.000100")), ("C2147483705", &json!("1795000000.000200"))]
        );
        assert!(model.messages[0].payload["text"].as_str().unwrap().contains("payments-api"));
        assert!(model.messages.iter().all(|posted| posted.only_to.is_none()));
    }
    assert!(bench.app.live.hearing().last_event_at.is_some());
    bench.slack.finish();
}

/// The first answer waits for nothing; what had to be asked for is put into it.
#[tokio::test]
async fn what_comes_late_is_put_into_the_message() {
    let bench = Bench::start().await;
    let live = &bench.app.live;
    let now = bench.app.clock.now();
    let sources = bench.app.catalog.load().entries().iter().map(|entry| entry.origin.source.to_string()).collect();
    live.set_news_sources(sources);
    live.set_recent(Recent { read_at: Some(now), ..Recent::default() });
    bench.tell(&mention("Ev1", "<@UBOT> owner payments-api", "1795000000.000100", None)).await;
    let wanted = live.news.take().await;
    bench.slack.until("the first answer is there", |model| (model.messages.len() == 1).then_some(())).await;
    let first = bench.slack.model().messages[0].payload.to_string();
    assert!(first.contains("GitHub is being asked"), "{first}");
    let merged =
        RecentEvent { at: now, happened: Happened::Merged, title: "Round half to even".to_owned(), url: None, author: None };
    let key = |of: &NewsOf| (of.source.clone(), of.repository_id);
    let looked = wanted.iter().map(|of| (key(of), NewsRead { at: now, fault: None })).collect();
    let of_repository = wanted.iter().take(1).map(|of| (key(of), vec![merged.clone()].into())).collect();
    live.set_recent(Recent { read_at: Some(now), looked, of_repository, ..Recent::default() });
    bench.desk.close().await;
    {
        let model = bench.slack.model();
        assert_eq!((model.messages.len(), model.messages[0].updates.len()), (1, 1));
        let whole = model.messages[0].payload.to_string();
        assert!(whole.contains("Round half to even") && !whole.contains("being asked"), "{whole}");
    }
    bench.slack.finish();
}

#[tokio::test]
async fn direct_message_is_answered_where_it_stands() {
    let bench = Bench::start().await;
    assert_eq!(bench.tell(&direct_message("Ev1", "owner payments-api", "1795000000.000100")).await, NOTHING);
    bench.desk.close().await;
    {
        let model = bench.slack.model();
        assert_eq!((model.messages[0].channel.as_str(), &model.messages[0].payload["thread_ts"]), ("D024BE91L", &Value::Null));
    }
    bench.slack.finish();
}

#[tokio::test]
async fn words_below_a_picture_are_answered() {
    let bench = Bench::start().await;
    let mut event = direct_message("Ev1", "owner payments-api", "1795000000.000100");
    event["event"]["subtype"] = json!("file_share");
    assert_eq!(bench.tell(&event).await, NOTHING);
    bench.desk.close().await;
    assert_eq!(bench.slack.model().messages.len(), 1);
    bench.slack.finish();
}

#[tokio::test]
async fn a_person_s_own_revoked_token_is_not_ours() {
    let bench = Bench::start().await;
    let event = json!({"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": []}});
    assert_eq!(bench.tell(&callback("Ev1", event)).await, NOTHING);
    assert!(bench.app.live.hearing().revoked.is_none());
    bench.slack.finish();
}

#[tokio::test]
async fn a_home_that_slack_did_not_take_is_sent_again() {
    let bench = Bench::start().await;
    bench.slack.model().troubles.insert("views.publish".to_owned(), [Trouble::Status(500)].into());
    bench.tell(&callback("Ev1", json!({"type": "app_home_opened", "user": ADA, "channel": "D1", "tab": "home"}))).await;
    bench.desk.close().await;
    assert_eq!(bench.slack.model().homes.get(ADA).map(Vec::len), Some(1));
    bench.slack.finish();
}

/// A form opens only from a press, so words that need one get a button.
#[tokio::test]
async fn words_that_need_a_form_get_a_button_to_it() {
    let bench = Bench::start().await;
    bench.tell(&mention("Ev1", "<@UBOT> report payments-api", "1795000000.000100", None)).await;
    bench.desk.close().await;
    let posted = bench.slack.model().messages[0].payload.clone();
    let pressed = press(&posted, "Open the form", Some(&bench.slack.response_url("1")), false);
    match parse_payload(&pressed.to_string()).unwrap() {
        Parsed::Act(incoming) => assert_eq!(incoming.request.act, Act::Press { line: "report payments-api".to_owned() }),
        other => panic!("{other:?}"),
    }
    bench.slack.finish();
}

#[test]
fn words_are_read_as_they_were_typed() {
    for (text, typed) in [
        ("<@UBOT> owner payments-api", "owner payments-api"),
        ("<@UBOT|steward>: who owns payments-api?", "who owns payments-api?"),
        ("  <@UBOT>\u{20}", ""),
        ("hey <@UBOT> who owns x?", "hey who owns x?"),
        ("who owns x? <@UBOT>", "who owns x?"),
        ("<@UBOT> whois <@U0123>", "whois <@U0123>"),
        ("<@U0123> <@UBOT> owner x", "<@U0123> owner x"),
        ("<@UBOT> owner <http://payments.io|payments.io>", "owner payments.io"),
        ("<@UBOT> owner <https://github.com/acme/x>", "owner https://github.com/acme/x"),
        ("<@UBOT> owner <https://evil.example|x>", "owner https://evil.example"),
        ("<@UBOT> oncall <#C1|payments> <!subteam^S1|@payments>", "oncall #payments @payments"),
        ("<@UBOT> find a &lt;b&gt; &amp;amp; c", "find a <b> &amp; c"),
        ("<@UBOT> find a < b", "find a < b"),
    ] {
        assert_eq!(text_of(text), typed, "{text:?}");
    }
    // Without a word of who we are, the first mention is the one that called us.
    let mut event = mention("Ev1", "<@UX> owner x", "1.1", None);
    event["authorizations"] = Value::Null;
    assert_eq!(asked(&event).act, Act::Ask { text: "owner x".to_owned() });
}

#[test]
fn event_keeps_its_number_however_often_it_is_told() {
    let number = |event: &Value| asked(event).delivery.unwrap();
    let one = mention("Ev1", "<@UBOT> owner x", "1.1", None);
    assert_eq!(number(&one), number(&one));
    assert_ne!(number(&one), number(&mention("Ev2", "<@UBOT> owner x", "1.1", None)));
    let mut without = one;
    without["event_id"] = Value::Null;
    assert_eq!(number(&without), number(&without));
}

#[tokio::test]
async fn what_is_not_said_to_us_is_passed_over() {
    let bench = Bench::start().await;
    let changed = |change: Value| {
        let mut event = direct_message("Ev9", "owner payments-api", "1.1");
        for (key, value) in change.as_object().unwrap() {
            event["event"][key] = value.clone();
        }
        event
    };
    let mut of_our_app = changed(json!({}));
    of_our_app["event"]["app_id"] = of_our_app["api_app_id"].clone();
    for event in [
        changed(json!({"bot_id": "B1"})),
        changed(json!({"user": BOT_USER})),
        changed(json!({"subtype": "bot_message"})),
        changed(json!({"subtype": "message_changed", "message": {"text": "owner x"}, "user": null})),
        changed(json!({"subtype": "message_deleted", "hidden": true})),
        changed(json!({"edited": {"user": ADA, "ts": "1.2"}})),
        changed(json!({"channel_type": "channel"})),
        changed(json!({"channel": null})),
        changed(json!({"user": {"id": 7}})),
        changed(json!({"type": "hologram"})),
        of_our_app,
        callback("Ev1", json!({"type": "app_home_opened", "user": ADA, "tab": "messages"})),
        callback("Ev2", json!({"type": "link_shared", "user": ADA, "links": [], "message_ts": "1.1", "channel": "C1"})),
        callback("Ev3", json!(null)),
        json!({"type": "app_rate_limited", "team_id": null, "minute_rate_limited": 1_518_467_820}),
        json!({"type": "something_of_next_year"}),
    ] {
        assert_eq!(bench.tell(&event).await, NOTHING, "{event}");
    }
    bench.desk.close().await;
    assert!(bench.slack.model().messages.is_empty());
    for body in ["", "[]", "{}", "null", "{\"type\":", "command=%2Fowner"] {
        assert_eq!(bench.send("/slack/events", body).await.0, StatusCode::BAD_REQUEST, "{body}");
    }
    bench.slack.finish();
}

#[tokio::test]
async fn rights_that_are_taken_away_are_told() {
    let bench = Bench::start().await;
    bench.tell(&callback("Ev1", json!({"type": "tokens_revoked", "tokens": {"bot": ["UBOT"]}}))).await;
    assert!(bench.app.live.hearing().fault().unwrap_or_default().contains("install the app again"), "it is deaf now");
    bench.slack.finish();
}

#[tokio::test]
async fn home_page_is_published_to_who_opens_it_and_answers_beside_it() {
    let bench = Bench::start().await;
    let opened = callback("Ev1", json!({"type": "app_home_opened", "user": ADA, "channel": "D1", "tab": "home", "view": null}));
    for _ in 0..2 {
        assert_eq!(bench.tell(&opened).await, NOTHING);
    }
    let page = bench.slack.until("a home page", |model| model.homes.get(ADA)?.first().cloned()).await;
    let pressed = json!({
        "type": "block_actions", "user": {"id": ADA}, "trigger_id": trigger(), "container": {"type": "view", "view_id": "VHOME"},
        "view": {"id": "VHOME", "type": "home", "hash": "1.a", "blocks": page["blocks"]},
        "actions": [{"action_id": "say-0", "value": "owner payments-api"}],
    });
    assert_eq!(bench.interact(&pressed).await, NOTHING);
    let shown = bench.slack.until("a modal", |model| model.views.get("V1").cloned()).await;
    assert!(shown.to_string().contains("payments-api"));
    bench.desk.close().await;
    assert_eq!(bench.slack.model().homes[ADA].len(), 1);
    bench.slack.finish();
}

#[tokio::test]
async fn addresses_of_repositories_are_previewed() {
    let slack = FakeSlack::start().await;
    let mut world = World::new();
    world.group("payments");
    world.component("payments-api").owner("payments");
    let mut app = world.bot().app;
    app.outbox.slack = Some(SlackClient::connect(&slack.api_url(), &BOT_TOKEN.into()).unwrap());
    let known = "https://github.example/acme/payments-api/blob/main/README.md?plain=1";
    let link = |url: &str| json!({"domain": "github.example", "url": url});
    let mut shared = json!({
        "type": "link_shared", "user": ADA, "channel": "C1", "message_ts": "1.1", "unfurl_id": "C1.1.a", "source": "conversations_history",
        "links": [link(known), link("https://github.example/acme/payments-api-2"), link("https://github.example/acme")],
    });
    let bench = Bench::around(slack, app);
    let now = crate::world::now().timestamp().to_string();
    let tell = async |id: &str, event: &Value| {
        let body = callback(id, event.clone()).to_string().into_bytes();
        let signature = crate::fake_slack::person::sign(crate::fake_slack::person::SIGNING_SECRET, &now, &body);
        let headers = [("x-slack-request-timestamp", now.as_str()), ("x-slack-signature", signature.as_str())];
        assert_eq!(bench.send_with("/slack/events", &headers, body).await, NOTHING);
    };
    tell("Ev1", &shared).await;
    shared["source"] = json!("composer");
    shared["channel"] = json!("COMPOSER");
    tell("Ev2", &shared).await;
    bench.desk.close().await;
    {
        let model = bench.slack.model();
        let [sent, composed] = model.previews.as_slice() else { panic!("{} previews", model.previews.len()) };
        let urls: Vec<&str> = sent["unfurls"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!((urls, &sent["ts"]), (vec![known], &json!("1.1")));
        assert!(sent.to_string().contains("payments"), "{sent}");
        assert_eq!((&composed["unfurl_id"], &composed["source"]), (&json!("C1.1.a"), &json!("composer")));
    }
    bench.slack.finish();
}

/// An alert as monitoring posts it: the service is named in an attachment, its dashboard in a button.
fn alert() -> Value {
    json!({
        "type": "message", "subtype": "bot_message", "bot_id": "B1", "ts": "1795000000.000100", "text": "Alert &lt;firing&gt;",
        "blocks": [
            {"type": "section", "block_id": "not-read", "text": {"type": "mrkdwn", "text": "*payments-api* is <https://status.example|down>"}},
            {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
                {"type": "text", "text": "see "}, {"type": "link", "url": "https://grafana.example/d/abc"}]}]},
            {"type": "hologram", "deep": {"deeper": [{"text": "checkout"}]}},
        ],
        "attachments": [{"color": "#f00", "fallback": "[FIRING:1]", "title": "HighErrorRate", "title_link": "https://alerts.example/1",
            "fields": [{"title": "Service", "value": "ledger", "short": true}], "ts": 1_795_000_000}],
    })
}

#[test]
fn all_texts_of_a_message_are_found() {
    let payload = json!({
        "type": "message_action", "callback_id": "who_owns_this", "trigger_id": trigger(), "team": null,
        "user": {"id": ADA, "name": "ada"}, "channel": {"id": "C1", "name": "alerts"}, "message": alert(),
        "response_url": "https://hooks.slack.com/app/1",
    });
    let Parsed::Act(incoming) = parse_payload(&payload.to_string()).unwrap() else { panic!("an act") };
    let Act::Inspect { texts } = incoming.request.act else { panic!("{:?}", incoming.request.act) };
    assert_eq!(
        texts,
        [
            "Alert <firing>",
            "*payments-api* is down https://status.example",
            "see",
            "https://grafana.example/d/abc",
            "checkout",
            "[FIRING:1]",
            "HighErrorRate",
            "https://alerts.example/1",
            "Service",
            "ledger",
        ]
    );
}

#[test]
fn message_without_end_is_read_up_to_a_limit() {
    let mut deep = json!({"text": "bottom"});
    for _ in 0..60 {
        deep = json!({"blocks": [deep]});
    }
    let many: Vec<Value> = (0..5_000).map(|number| json!({"text": format!("service-{number}")})).collect();
    for message in [deep, json!({"blocks": many}), json!("text"), json!([1]), Value::Null] {
        let payload = json!({"type": "message_action", "callback_id": "who_owns_this", "user": {"id": ADA}, "message": message});
        let Parsed::Act(incoming) = parse_payload(&payload.to_string()).unwrap() else { panic!("an act") };
        let Act::Inspect { texts } = incoming.request.act else { panic!("{:?}", incoming.request.act) };
        assert!(texts.len() <= 200 && !texts.contains(&"bottom".to_owned()), "{} texts", texts.len());
    }
}

#[tokio::test]
async fn shortcuts_are_answered_by_a_modal() {
    let bench = Bench::start().await;
    let user = json!({"id": ADA, "username": "ada"});
    for (count, payload) in [
        (
            1,
            json!({"type": "message_action", "callback_id": "who_owns_this", "user": user, "trigger_id": trigger(),
            "message": alert(), "channel": {"id": "C1"}, "response_url": bench.slack.response_url("1"), "team": null}),
        ),
        (2, json!({"type": "shortcut", "callback_id": "new_service", "user": user, "trigger_id": trigger(), "team": null})),
    ] {
        for _ in 0..2 {
            assert_eq!(bench.interact(&payload).await, NOTHING);
        }
        bench.slack.until("a modal", |model| (model.views.len() == count).then_some(())).await;
    }
    bench.desk.close().await;
    let model = bench.slack.model();
    assert_eq!((model.views.len(), model.answers.len()), (2, 0));
    assert_eq!(model.views.values().flat_map(check::view_faults).collect::<Vec<_>>(), Vec::<String>::new());
}
