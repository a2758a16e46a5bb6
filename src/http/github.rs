//! GitHub's webhooks over HTTP: verify, parse, remember, enqueue. Must not look at anything itself: a job does.
//!
//! GitHub waits 10 seconds and does not try again by itself; a delivery that was not taken shows as failed on its pages,
//! and the next sweep finds what it told of.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use tokio::{sync::Semaphore, time::timeout};
use tower_http::limit::RequestBodyLimitLayer;
use tracing::{debug, info, warn};

use crate::{
    app::App,
    github::webhook::{
        DELIVERY_HEADER, EVENT_HEADER, Heard, HookSignature, HookVerifier, Mark, SIGNATURE_HEADER, known_event, parse_delivery,
    },
    settings::SourceSettings,
    store::{CheckPullRequest, Concern, Delivery, Job, LookAt, OfPull, OfSource, Recorded, StoreError},
};

/// GitHub's own limit of a payload.
const BODY_BYTES: usize = 25 * 1024 * 1024;
/// Bodies in memory at once, together: a push is some kilobytes, and whoever claims more may be nobody.
const ALL_BODIES_BYTES: usize = 4 * BODY_BYTES;
/// GitHub itself gives up after this.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// A team of six thousand is changed in as many events: they are waited for, and read together.
const PEOPLE_GATHER: TimeDelta = TimeDelta::seconds(5);
/// GitHub's ids have 36 letters.
const LONGEST_ID: usize = 100;

/// The sources that may be told of changes, and how each knows its own.
#[derive(Debug)]
pub struct GithubDoor {
    hooks: Vec<Hook>,
    room: Semaphore,
}

#[derive(Debug)]
struct Hook {
    source: String,
    org: String,
    /// The branch that is read in place of each repository's default one.
    branch: Option<String>,
    verifier: HookVerifier,
}

impl GithubDoor {
    /// A source without a secret, or with an empty one, is not listened for.
    pub fn new(sources: &[SourceSettings]) -> Self {
        let mut hooks = Vec::new();
        for source in sources {
            let SourceSettings::Github(github) = source else { continue };
            let Some(verifier) = github.webhook_secret.as_ref().and_then(HookVerifier::new) else {
                info!(source = github.id, "webhook_secret is not set: changes are seen by the sweep alone");
                continue;
            };
            let branch = Some(github.filters.branch.clone()).filter(|branch| branch != "default");
            hooks.push(Hook { source: github.id.clone(), org: github.org.clone(), branch, verifier });
        }
        Self { hooks, room: Semaphore::new(ALL_BODIES_BYTES) }
    }
}

/// `POST /github/webhook`.
pub fn routes(door: GithubDoor) -> Router<Arc<App>> {
    Router::new()
        .route("/github/webhook", post(webhook))
        .layer(Extension(Arc::new(door)))
        .layer(RequestBodyLimitLayer::new(BODY_BYTES))
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Taken,
    SeenBefore,
    /// Signed, and nothing that a source here listens to.
    PassedOver,
    NotSetUp,
    Unsigned,
    TooLarge,
    TooSlow,
    Crowded,
    WrongType,
    Unreadable,
    /// It cannot be remembered now, so it is not taken.
    StoreAway,
    StoreFailed,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::SeenBefore => "seen_before",
            Self::PassedOver => "passed_over",
            Self::NotSetUp => "not_set_up",
            Self::Unsigned => "unsigned",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::Crowded => "crowded",
            Self::WrongType => "wrong_type",
            Self::Unreadable => "unreadable",
            Self::StoreAway => "store_away",
            Self::StoreFailed => "store_failed",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Taken | Self::PassedOver => StatusCode::ACCEPTED,
            Self::SeenBefore => StatusCode::OK,
            Self::NotSetUp => StatusCode::NOT_FOUND,
            Self::Unsigned => StatusCode::UNAUTHORIZED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::WrongType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::Crowded | Self::StoreAway => StatusCode::SERVICE_UNAVAILABLE,
            Self::StoreFailed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

async fn webhook(State(app): State<Arc<App>>, Extension(door): Extension<Arc<GithubDoor>>, request: Request) -> Response {
    let event = only(request.headers(), EVENT_HEADER).and_then(known_event).unwrap_or("other");
    let outcome = take(&app, &door, request).await;
    metrics::counter!("steward_webhooks_total", "event" => event, "result" => outcome.as_str()).increment(1);
    match outcome {
        Outcome::Taken | Outcome::SeenBefore | Outcome::PassedOver => debug!(event, result = outcome.as_str(), "a webhook came"),
        Outcome::NotSetUp => warn!("a webhook came, and no GitHub source has a webhook_secret: set one in steward.yaml"),
        Outcome::Unsigned => info!(event, "a webhook was refused: its signature is of no source's webhook_secret"),
        _ => warn!(event, result = outcome.as_str(), "a webhook was not taken; the next sweep finds what it told of"),
    }
    // The sender is told no more than the metric says: a forger could learn from a reason.
    (outcome.status(), format!("{}\n", outcome.as_str())).into_response()
}

async fn take(app: &App, door: &GithubDoor, request: Request) -> Outcome {
    if door.hooks.is_empty() {
        return Outcome::NotSetUp;
    }
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let signature = only(&headers, SIGNATURE_HEADER).and_then(|value| HookSignature::parse(value.as_bytes()));
    let Some(signature) = signature else { return Outcome::Unsigned };
    let announced = only(&headers, header::CONTENT_LENGTH.as_str()).and_then(|length| length.parse::<usize>().ok());
    let Ok(size) = u32::try_from(announced.unwrap_or(BODY_BYTES).min(BODY_BYTES)) else { return Outcome::TooLarge };
    let Ok(_room) = door.room.try_acquire_many(size) else { return Outcome::Crowded };
    let body = match timeout(BODY_TIMEOUT, to_bytes(body, BODY_BYTES)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return Outcome::TooLarge,
        Err(_) => return Outcome::TooSlow,
    };
    let signers: Vec<&Hook> = door.hooks.iter().filter(|hook| hook.verifier.accepts(&signature, &body)).collect();
    if signers.is_empty() {
        return Outcome::Unsigned;
    }
    let Some(payload) = payload(&headers, body) else { return Outcome::WrongType };
    let Some(event) = only(&headers, EVENT_HEADER) else { return Outcome::Unreadable };
    let Some(event) = known_event(event) else { return Outcome::PassedOver };
    let Ok(heard) = parse_delivery(event, &payload) else { return Outcome::Unreadable };
    // An App's ping names no owner: it is about all whose secret it was signed with.
    let is_about =
        |hook: &Hook| heard.owners.is_empty() || heard.owners.iter().any(|owner| owner.eq_ignore_ascii_case(&hook.org));
    let now = app.clock.now();
    let concerns = signers.into_iter().filter(|hook| is_about(hook));
    let concerns: Vec<Concern> = concerns.map(|hook| concern(hook, &heard, now)).collect();
    if concerns.is_empty() {
        return Outcome::PassedOver;
    }
    // GitHub always gives an id; the contents stand in for one that was lost on the way.
    let id = match only(&headers, DELIVERY_HEADER) {
        Some(id) if (1..=LONGEST_ID).contains(&id.len()) => id.to_owned(),
        Some(_) | None => hex::encode(Sha256::digest(&payload)),
    };
    let action = heard.action.as_deref();
    let recorded = app.store.record_delivery(Delivery { id: &id, event, action, at: now, concerns }).await;
    match recorded {
        Ok(Recorded::FirstTime) => Outcome::Taken,
        Ok(Recorded::SeenBefore) => Outcome::SeenBefore,
        Err(StoreError::Away(_) | StoreError::Claimed) => Outcome::StoreAway,
        Err(StoreError::Failed(fault)) => {
            warn!(event, fault = format!("{fault:#}"), "a webhook could not be remembered");
            Outcome::StoreFailed
        }
    }
}

fn concern(hook: &Hook, heard: &Heard, now: DateTime<Utc>) -> Concern {
    let jobs = heard.marks.iter().filter_map(|mark| job(hook, mark, now)).collect();
    Concern { source: hook.source.clone(), jobs, happened: heard.happened.clone() }
}

fn job(hook: &Hook, mark: &Mark, now: DateTime<Utc>) -> Option<Job> {
    let source = hook.source.clone();
    Some(match mark {
        Mark::Repository(repository) => Job::LookAt(LookAt { source, repository: repository.clone() }),
        Mark::Branch { repository, branch, is_default } => {
            if !is_default && hook.branch.as_deref() != Some(branch) {
                return None;
            }
            Job::LookAt(LookAt { source, repository: repository.clone() })
        }
        Mark::Everything => Job::SyncSource(OfSource { source }),
        Mark::People => Job::ReadPeople { of: OfSource { source }, not_before: now + PEOPLE_GATHER },
        Mark::PullRequest { repository, number } => {
            Job::CheckPullRequest(CheckPullRequest { source, repository: repository.clone(), number: *number })
        }
        Mark::ClosedPull { repository_id, number } => {
            Job::FollowFix(OfPull { source, repository_id: *repository_id, number: *number })
        }
    })
}

/// The JSON in a body of either kind that GitHub offers.
fn payload(headers: &HeaderMap, body: Bytes) -> Option<Bytes> {
    let content_type = only(headers, header::CONTENT_TYPE.as_str()).unwrap_or("application/json");
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media_type.as_str() {
        "application/json" => Some(body),
        "application/x-www-form-urlencoded" => {
            let found = url::form_urlencoded::parse(&body).find(|(name, _)| name == "payload");
            // Without the field there is no JSON, which the reader says.
            Some(found.map(|(_, value)| Bytes::from(value.into_owned())).unwrap_or_default())
        }
        _ => None,
    }
}

/// A header that comes once: of two, a proxy may have checked the other one.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).into_iter();
    let first = values.next()?;
    if values.next().is_some() {
        return None;
    }
    first.to_str().ok()
}
