//! The ways in over HTTP: verify, parse, dispatch, render. Must not decide anything.

pub mod playground;
pub mod slack;

use std::sync::Arc;

use axum::Router;

use crate::app::App;

/// All routes, with the application as their state.
pub fn router(app: Arc<App>) -> Router {
    Router::new().with_state(app)
}
