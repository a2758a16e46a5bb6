//! Pictures in messages: whoever has the token that an answer gave may fetch one. Must not count or draw.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tracing::warn;

use super::export::LONGEST_TOKEN;
use crate::{app::App, commands::answer::trend, store::StoreError};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/pictures/{file}", get(picture))
}

async fn picture(State(app): State<Arc<App>>, Path(file): Path<String>) -> Response {
    match find(&app, &file).await {
        Ok(Some(png)) => {
            let headers = [
                (header::CONTENT_TYPE, "image/png"),
                // What it shows changes with the week.
                (header::CACHE_CONTROL, "private, max-age=3600"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::REFERRER_POLICY, "no-referrer"),
            ];
            (headers, png).into_response()
        }
        Ok(None) => (StatusCode::NOT_FOUND, "This picture is not there any more.\n").into_response(),
        Err(fault) => {
            warn!(%fault, "a picture could not be looked up");
            (StatusCode::SERVICE_UNAVAILABLE, "Pictures cannot be drawn while PostgreSQL is away.\n").into_response()
        }
    }
}

async fn find(app: &App, file: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(token) = file.strip_suffix(".png").filter(|token| token.len() <= LONGEST_TOKEN) else { return Ok(None) };
    let Some(asked) = app.store.find_export(token, app.clock.now()).await? else { return Ok(None) };
    let Ok(asked) = serde_json::from_value(asked) else { return Ok(None) };
    match trend::picture(app, &asked).await? {
        Ok(png) => Ok(Some(png)),
        Err(fault) => {
            warn!(%fault, "a picture was not drawn");
            Ok(None)
        }
    }
}
