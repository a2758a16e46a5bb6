//! Slack over HTTP, from the signed request to what people see.

mod door;
mod forms;
mod injection;
mod shapes;
mod signatures;
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
    door::slack::Desk,
    http::slack::{SlackDoor, routes},
    slack::SlackClient,
};
use tower::ServiceExt;

use crate::{
    app::{test_app, test_now},
    fake_slack::{
        BOT_TOKEN, FakeSlack,
        person::{SIGNING_SECRET, interaction, sign},
    },
};

/// Steward's Slack routes before a fake Slack.
pub struct Bench {
    pub slack: FakeSlack,
    routes: Router,
}

impl Bench {
    pub async fn start() -> Self {
        let slack = FakeSlack::start().await;
        let client = SlackClient::connect(&slack.api_url(), &BOT_TOKEN.into()).unwrap();
        let door = SlackDoor::new(&SecretString::from(SIGNING_SECRET), Desk::default()).unwrap();
        let routes = routes(door).with_state(Arc::new(test_app(Some(client))));
        Self { slack, routes }
    }

    /// Sends a body signed now.
    pub async fn send(&self, path: &str, body: impl Into<Vec<u8>>) -> (StatusCode, Value) {
        let body = body.into();
        let timestamp = test_now().timestamp().to_string();
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
