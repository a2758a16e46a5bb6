//! Slack over HTTP, from the signed request to what people see.

mod deliveries;
mod door;
mod events;
pub mod everything;
mod forms;
mod injection;
mod manifest;
mod service;
mod shapes;
mod signatures;
mod socket;
mod socket_once;
mod trouble;
mod web_api;

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use secrecy::SecretString;
use serde_json::Value;
use steward::{
    app::App,
    door::slack::Desk,
    http::slack::{SlackDoor, routes},
    slack::SlackClient,
};
use tower::ServiceExt;

use crate::{
    app::test_app,
    fake_slack::{
        BOT_TOKEN, FakeSlack,
        person::{SIGNING_SECRET, interaction, sign},
    },
};

/// Steward's Slack routes before a fake Slack.
pub struct Bench {
    pub slack: FakeSlack,
    pub app: Arc<App>,
    pub desk: Desk,
    routes: Router,
}

impl Bench {
    pub async fn start() -> Self {
        let slack = FakeSlack::start().await;
        let client = SlackClient::connect(&slack.api_url(), &BOT_TOKEN.into()).unwrap();
        Self::around(slack, test_app(Some(client)))
    }

    /// The same around an application of one's own.
    pub fn around(slack: FakeSlack, app: App) -> Self {
        Self::before(slack, Arc::new(app))
    }

    /// The same around one that works already.
    pub fn before(slack: FakeSlack, app: Arc<App>) -> Self {
        let desk = Desk::default();
        app.live.hear(|hearing| hearing.by_http = true);
        let door = SlackDoor::new(&SecretString::from(SIGNING_SECRET), desk.clone()).unwrap();
        let routes = routes(door).with_state(Arc::clone(&app));
        Self { slack, app, desk, routes }
    }

    pub async fn tell(&self, event: &Value) -> (StatusCode, Value) {
        self.send("/slack/events", event.to_string()).await
    }

    /// Sends a body signed now.
    pub async fn send(&self, path: &str, body: impl Into<Vec<u8>>) -> (StatusCode, Value) {
        let body = body.into();
        let timestamp = self.app.clock.now().timestamp().to_string();
        let signature = sign(SIGNING_SECRET, &timestamp, &body);
        self.send_with(path, &[("x-slack-request-timestamp", &timestamp), ("x-slack-signature", &signature)], body).await
    }

    pub async fn interact(&self, payload: &Value) -> (StatusCode, Value) {
        self.send("/slack/interactions", interaction(payload)).await
    }

    /// Sends a body with these headers alone. The answer's body is null where there is none.
    pub async fn send_with(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (StatusCode, Value) {
        let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        self.send_raw(path, &headers, body).await
    }

    pub async fn send_raw(&self, path: &str, headers: &[(&str, &[u8])], body: Vec<u8>) -> (StatusCode, Value) {
        let mut request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.routes.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}
