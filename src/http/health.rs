//! Liveness, readiness, metrics, and a front page that says what runs here.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use maud::{DOCTYPE, Markup, html};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;

use crate::{
    app::App,
    catalog::{
        Catalog, Kind,
        live::{Gateway, Hearing, HearingState, Sockets},
    },
};

pub fn routes(metrics: Option<PrometheusHandle>) -> Router<Arc<App>> {
    let metrics = move |State(app): State<Arc<App>>| {
        let database_up = if app.store.away_since().is_none() { 1.0 } else { 0.0 };
        metrics::gauge!("steward_database_up").set(database_up);
        let text = metrics.as_ref().map(PrometheusHandle::render).unwrap_or_default();
        std::future::ready(([("content-type", "text/plain; version=0.0.4")], text))
    };
    Router::new()
        .route("/healthz", get(|| std::future::ready("ok\n")))
        .route("/readyz", get(ready))
        .route("/healthz/chat", get(chat))
        .route("/metrics", get(metrics))
}

/// Ready once the catalog can be answered from, whatever the state of chat, GitHub or the database.
async fn ready(State(app): State<Arc<App>>) -> Response {
    let catalog = app.catalog.load();
    let is_ready = catalog.version() > 0 || !catalog.is_empty();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let away_since = app.store.away_since();
    let body = json!({ "ready": is_ready, "entities": catalog.entries().len(), "database_away_since": away_since });
    (status, Json(body)).into_response()
}

/// Whether events of chat reach us; 503 says that somebody should look. What is not set up is not broken.
async fn chat(State(app): State<Arc<App>>) -> Response {
    let hearing = app.live.hearing();
    let Hearing { sockets, by_http, last_event_at, revoked: _, discord } = &*hearing;
    let sockets = sockets.as_ref().map(|Sockets { wanted, open, down_since, reconnects, fault }| {
        json!({ "wanted": wanted, "open": open, "down_since": down_since, "reconnects": reconnects, "fault": fault })
    });
    let slack = json!({
        "state": word(hearing.state()), "reason": hearing.fault(), "sockets": sockets, "http": by_http, "last_event_at": last_event_at,
    });
    let of_discord = discord.as_ref().map_or(HearingState::NotSetUp, Gateway::state);
    let discord = discord.as_ref().map(|gateway| {
        let Gateway { down_since, reconnects, fault: _, last_event_at, not_registered } = gateway;
        json!({
            "state": word(of_discord), "reason": gateway.fault(), "down_since": down_since, "reconnects": reconnects,
            "last_event_at": last_event_at, "commands": not_registered,
        })
    });
    let discord = discord.unwrap_or_else(|| json!({ "state": word(of_discord) }));
    let is_deaf = [hearing.state(), of_discord].contains(&HearingState::Deaf);
    let status = if is_deaf { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, Json(json!({ "slack": slack, "discord": discord }))).into_response()
}

fn word(state: HearingState) -> &'static str {
    match state {
        HearingState::NotSetUp => "not set up",
        HearingState::Hearing => "hearing",
        HearingState::Deaf => "deaf",
    }
}

/// What `/` shows where no playground is served.
pub fn front_page() -> Router<Arc<App>> {
    Router::new().route("/", get(show_front_page))
}

async fn show_front_page(State(app): State<Arc<App>>) -> Markup {
    let catalog = app.catalog.load();
    let example = find_example(&catalog).map_or_else(|| "/help".to_owned(), |name| format!("/owner {name}"));
    html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; meta name="viewport" content="width=device-width"; title { "Steward" } }
            body style="font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem" {
                h1 { "Steward" }
                p { "This service answers in chat. It knows " strong { (catalog.entries().len()) } " entities from "
                    (catalog.parts().repositories) " repositories." }
                p {
                    @if app.settings.slack.is_none() && app.settings.discord.is_some() {
                        "In Discord, type " code { (example) } "."
                    } @else if app.settings.slack.is_none() {
                        "Slack is not set up; see " code { "steward manifest slack" } ". Once it is, type " code { (example) } " there."
                    } @else {
                        "In Slack, type " code { (example) } "."
                    }
                }
                p { "Health: " a href="/readyz" { "/readyz" } ", metrics: " a href="/metrics" { "/metrics" } "." }
            }
        }
    }
}

/// The component that most others lean on, written as a person would type it: by name, or by reference where the name is shared.
fn find_example(catalog: &Catalog) -> Option<String> {
    let entities = || catalog.entries().iter().map(|entry| &entry.entity);
    let components = entities().filter(|entity| entity.kind == Kind::Component);
    let entity_ref = &components.rev().max_by_key(|entity| catalog.dependents_count(&entity.entity_ref))?.entity_ref;
    let is_shared = entities().filter(|entity| entity.entity_ref.name() == entity_ref.name()).nth(1).is_some();
    Some(if is_shared { entity_ref.to_string() } else { entity_ref.name().to_owned() })
}
