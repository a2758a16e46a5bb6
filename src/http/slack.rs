//! Slack over HTTP: verify, parse, and hand on to the door that all transports share. Must not decide anything.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    body::{Bytes, to_bytes},
    extract::{FromRequest, Request as HttpRequest, State},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response as HttpResponse},
    routing::post,
};
use secrecy::SecretString;
use tokio::time::timeout;
use tower_http::limit::RequestBodyLimitLayer;
use tracing::info;

use crate::{
    app::App,
    door::slack::{Acknowledgement, Desk, Transport},
    error::UserError,
    slack::{
        Parsed, Refusal, Stamp, Unreadable, Verifier, parse_command, parse_event, parse_interaction,
        verify::{SIGNATURE_HEADER, TIMESTAMP_HEADER},
    },
};

/// A view with its state is at most 250 KB in Slack, three times that once it is form-encoded.
const BODY_BYTES: usize = 1024 * 1024;

/// Slack sends a body at once; whoever trickles one is not Slack.
const BODY_TIMEOUT: Duration = Duration::from_secs(3);

/// What the routes need of their own; the rest is in `App`: `outbox.slack` for forms and late answers, `clock` for
/// the signature's window.
#[derive(Debug)]
pub struct SlackDoor {
    verifier: Verifier,
    desk: Desk,
}

impl SlackDoor {
    /// `desk` is the one that other transports come to as well.
    pub fn new(signing_secret: &SecretString, desk: Desk) -> Result<Self, UserError> {
        Ok(Self { verifier: Verifier::new(signing_secret)?, desk })
    }
}

/// `POST /slack/commands`, `POST /slack/interactions` and `POST /slack/events`.
pub fn routes(door: SlackDoor) -> Router<Arc<App>> {
    Router::new()
        .route("/slack/commands", post(command))
        .route("/slack/interactions", post(interaction))
        .route("/slack/events", post(event))
        .layer(Extension(Arc::new(door)))
        .layer(RequestBodyLimitLayer::new(BODY_BYTES))
}

async fn command(State(app): State<Arc<App>>, Extension(door): DoorOf, Signed(body): Signed) -> HttpResponse {
    take(app, &door, parse_command(&body)).await
}

async fn interaction(State(app): State<Arc<App>>, Extension(door): DoorOf, Signed(body): Signed) -> HttpResponse {
    take(app, &door, parse_interaction(&body)).await
}

async fn event(State(app): State<Arc<App>>, Extension(door): DoorOf, Signed(body): Signed) -> HttpResponse {
    take(app, &door, parse_event(&body)).await
}

type DoorOf = Extension<Arc<SlackDoor>>;

async fn take(app: Arc<App>, door: &SlackDoor, parsed: Result<Parsed, Unreadable>) -> HttpResponse {
    match parsed {
        Ok(parsed) => match door.desk.acknowledge(app, parsed, Transport::Http).await {
            Acknowledgement::Empty => StatusCode::OK.into_response(),
            Acknowledgement::Json(body) => ([(CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response(),
        },
        Err(unreadable) => {
            info!(error = %unreadable, "a signed Slack request could not be read");
            (StatusCode::BAD_REQUEST, unreadable.to_string()).into_response()
        }
    }
}

/// A body that Slack signed.
struct Signed(Bytes);

impl FromRequest<Arc<App>> for Signed {
    type Rejection = HttpResponse;

    async fn from_request(request: HttpRequest, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let door = request.extensions().get::<Arc<SlackDoor>>().map(Arc::clone);
        let door = door.expect("`routes` layers the door around every handler");
        let (parts, body) = request.into_parts();
        let stamp = stamp(&parts.headers, app).map_err(refuse)?;
        let body = match timeout(BODY_TIMEOUT, to_bytes(body, BODY_BYTES)).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => return Err(StatusCode::PAYLOAD_TOO_LARGE.into_response()),
            Err(_) => return Err(StatusCode::REQUEST_TIMEOUT.into_response()),
        };
        door.verifier.check(&stamp, &body).map_err(refuse)?;
        Ok(Self(body))
    }
}

fn stamp<'a>(headers: &'a HeaderMap, app: &App) -> Result<Stamp<'a>, Refusal> {
    let values = |name: &str| headers.get_all(name).into_iter().map(|value| value.as_bytes());
    Stamp::parse(values(SIGNATURE_HEADER), values(TIMESTAMP_HEADER), app.clock.now())
}

/// The sender is told no more than that it was refused: a forger could learn from the reason.
fn refuse(refusal: Refusal) -> HttpResponse {
    metrics::counter!("steward_slack_refused_total", "reason" => refusal.as_str()).increment(1);
    info!(reason = refusal.as_str(), "a request to the Slack address was refused");
    StatusCode::UNAUTHORIZED.into_response()
}
