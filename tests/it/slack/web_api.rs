//! The Web API as the bot uses it: what is sent, and what its failures mean.

use std::time::Duration;

use steward::{
    chat::{Audience, Card, DeliveryError, Message, Platform, Reply, Status},
    slack::{ResponseUrl, SlackClient},
};

use crate::{
    app::test_app,
    fake_slack::{BOT_TOKEN, FakeSlack, Trouble},
};

fn client(slack: &FakeSlack) -> SlackClient {
    SlackClient::connect(&slack.api_url(), &BOT_TOKEN.into()).unwrap()
}

fn reply() -> Reply {
    let mut reply = Reply::new(Status::Answered, "catalog", "The sync is done.".into());
    reply.audience = Audience::Everyone;
    reply.cards.push(Card { title: "acme".into(), ..Card::default() });
    reply
}

#[tokio::test]
async fn outbox_posts_to_a_channel_and_to_one_person() {
    let slack = FakeSlack::start().await;
    let app = test_app(Some(client(&slack)));
    for only_to in [None, Some("U1".to_owned())] {
        let message = Message { only_to, ..Message::new(Platform::Slack, "C1", reply()) };
        app.outbox.deliver(&message).await.unwrap();
    }
    {
        let model = slack.model();
        let to: Vec<_> = model.messages.iter().map(|posted| (posted.channel.as_str(), posted.only_to.as_deref())).collect();
        assert_eq!(to, [("C1", None), ("C1", Some("U1"))]);
        assert_eq!(model.messages[0].payload["text"], "The sync is done.");
        assert_eq!(model.messages[0].payload["unfurl_links"], false);
    }
    slack.finish();
}

#[tokio::test]
async fn failures_tell_whether_another_try_helps() {
    let slack = FakeSlack::start().await;
    for (trouble, expected) in [
        (Trouble::Error("channel_not_found"), "slack refused the message: channel_not_found"),
        (Trouble::Error("token_revoked"), "slack refused the message: token_revoked"),
        (Trouble::MissingScope("chat:write"), "slack refused the message: missing_scope (the app lacks the scope chat:write)"),
        (Trouble::Status(404), "slack refused the message: HTTP 404"),
        (Trouble::Error("internal_error"), "slack could not be reached: internal_error"),
        (Trouble::Status(503), "slack could not be reached: HTTP 503"),
        (Trouble::Error("ratelimited"), "slack takes no more for 5 s"),
        (Trouble::RateLimited { retry_after_secs: 30 }, "slack takes no more for 30 s"),
    ] {
        // Each its own: one that was limited rests.
        let client = self::client(&slack);
        slack.next_trouble("chat.postMessage", trouble);
        let error = client.post("C1", None, &reply()).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    client(&slack).post("C1", None, &reply()).await.unwrap();
    assert_eq!(slack.model().messages.len(), 1);
    slack.finish();
}

#[tokio::test]
async fn slack_that_is_away_can_be_tried_again() {
    let slack = FakeSlack::start().await;
    let client = client(&slack);
    slack.finish();
    let error = client.post("C1", None, &reply()).await.unwrap_err();
    assert!(matches!(error, DeliveryError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn form_is_not_waited_for_past_its_trigger() {
    use steward::{
        chat::{Form, FormState},
        slack::render::render_form,
    };
    let slack = FakeSlack::start().await;
    let client = client(&slack);
    let form = Form {
        id: "report".to_owned(),
        title: "Report".to_owned(),
        page: 0,
        pages: 1,
        intro: "Hello".into(),
        fields: vec![],
        submit: "Send".to_owned(),
        state: FormState::default(),
    };
    client.open_view("trigger-1", render_form(&form).unwrap()).await.unwrap();
    assert_eq!(slack.model().views["V1"]["callback_id"], "report");
    slack.next_trouble("views.open", Trouble::Slow(Duration::from_secs(60)));
    let error = client.open_view("trigger-2", render_form(&form).unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), "slack could not be reached: no answer within 2500 ms");
    slack.finish();
}

#[tokio::test]
async fn view_that_changed_meanwhile_is_not_replaced() {
    use steward::slack::{ShownView, render::render_reply_view};
    let slack = FakeSlack::start().await;
    let client = client(&slack);
    client.open_view("t", render_reply_view(&reply())).await.unwrap();
    let hash = slack.model().views["V1"]["hash"].as_str().unwrap().to_owned();
    let shown = |hash: &str| ShownView { id: "V1".to_owned(), hash: Some(hash.to_owned()) };
    let error = client.update_view(&shown("older"), render_reply_view(&reply())).await.unwrap_err();
    assert_eq!(error.to_string(), "slack refused the message: hash_conflict");
    client.update_view(&shown(&hash), render_reply_view(&reply())).await.unwrap();
    slack.finish();
}

#[tokio::test]
async fn doctor_learns_who_the_bot_is() {
    let slack = FakeSlack::start().await;
    let identity = client(&slack).auth_test().await.unwrap();
    assert_eq!((identity.team.as_str(), identity.user.as_str(), identity.team_id), ("Acme", "steward", None));
    let stranger = SlackClient::connect(&slack.api_url(), &"xoxb-other".into()).unwrap();
    assert_eq!(stranger.auth_test().await.unwrap_err().to_string(), "slack refused the message: invalid_auth");
    slack.finish();
}

#[tokio::test]
async fn response_url_must_be_https_at_the_real_slack() {
    use steward::slack::render::render_message;
    let slack = FakeSlack::start().await;
    // Where the machine has no certificates there is no client for the real Slack, and nothing to check.
    if let Ok(real) = SlackClient::connect("https://slack.com/api", &BOT_TOKEN.into()) {
        let url = ResponseUrl::parse(&slack.response_url("1")).unwrap();
        let error = real.answer(&url, &render_message(&reply())).await.unwrap_err();
        assert_eq!(error.to_string(), "slack refused the message: the response URL is not https");
    }
    assert!(slack.model().answers.is_empty());
    slack.finish();
}
