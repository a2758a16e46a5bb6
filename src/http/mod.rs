//! The ways in over HTTP: verify, parse, dispatch, render. Must not decide anything.

mod export;
pub mod github;
pub(crate) mod health;
mod picture;
pub mod playground;
pub mod sample_on_call;
mod secret;
pub mod slack;

use std::sync::Arc;

use axum::Router;
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;

/// What is served besides health and metrics.
#[derive(Debug, Default)]
pub struct Doors {
    pub slack: Option<slack::SlackDoor>,
    pub github: Option<github::GithubDoor>,
    /// The host that a browser may name besides loopback; `None` leaves the playground out.
    pub playground: Option<PlaygroundDoor>,
    pub metrics: Option<PrometheusHandle>,
    /// The demo's.
    pub sample_on_call: Option<sample_on_call::SampleOnCall>,
}

#[derive(Debug, Default)]
pub struct PlaygroundDoor {
    pub own_host: Option<Arc<str>>,
}

/// All routes. A handler that panics costs its request, not the process.
pub fn router(app: Arc<App>, doors: Doors) -> Router {
    let mut routes = health::routes(doors.metrics).merge(secret::routes()).merge(export::routes()).merge(picture::routes());
    if let Some(door) = doors.slack {
        routes = routes.merge(slack::routes(door));
    }
    if let Some(door) = doors.github {
        routes = routes.merge(github::routes(door));
    }
    if let Some(rota) = doors.sample_on_call {
        routes = routes.merge(sample_on_call::routes(rota));
    }
    routes = match doors.playground {
        Some(door) => routes.merge(playground::routes(door.own_host)),
        None => routes.merge(health::front_page()),
    };
    routes.layer(CatchPanicLayer::new()).with_state(app)
}
