//! Long lists as files: whoever has the token that an answer gave may fetch one, for an hour.
//! Must not search in a way of its own; the command does.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::task::block_in_place;
use tracing::warn;

use crate::{
    app::App,
    commands::{answer::trend, find},
    store::StoreError,
};

/// A token is shorter.
pub(super) const LONGEST_TOKEN: usize = 100;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/export/{file}", get(export))
}

async fn export(State(app): State<Arc<App>>, Path(file): Path<String>) -> Response {
    let token = file.strip_suffix(".csv").filter(|token| token.len() <= LONGEST_TOKEN);
    let found = match token {
        Some(token) => app.store.find_export(token, app.clock.now()).await,
        None => Ok(None),
    };
    match found {
        Ok(Some(asked)) => {
            let csv = match serde_json::from_value(asked.clone()) {
                Ok(asked) => trend::file(&app, &asked).await,
                Err(_) => Ok(block_in_place(|| find::export::write(&app, asked))),
            };
            let csv = match csv {
                Ok(csv) => csv,
                Err(fault) => return away(&fault),
            };
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"steward.csv\""),
                (header::CACHE_CONTROL, "private, no-store"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::REFERRER_POLICY, "no-referrer"),
            ];
            (headers, csv).into_response()
        }
        Ok(None) => (StatusCode::NOT_FOUND, "This list is not there any more: its link is good for an hour. Ask for it again.\n")
            .into_response(),
        Err(fault) => away(&fault),
    }
}

fn away(fault: &StoreError) -> Response {
    warn!(%fault, "a list could not be looked up");
    (StatusCode::SERVICE_UNAVAILABLE, "Lists cannot be fetched while PostgreSQL is away. Try again soon.\n").into_response()
}
