//! Slack over HTTP: verify, parse, dispatch, render. Must not decide anything.
//!
//! Slack waits 3 seconds for an acknowledgement. Errors of a form and options of a look-up *are* the acknowledgement,
//! and a command's answer may be; a press is acknowledged at once and answered by its response URL.

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
use serde::Serialize;
use tokio::time::timeout;
use tower_http::limit::RequestBodyLimitLayer;
use tracing::{info, warn};

use crate::{
    app::App,
    chat::{Act, Reply, Request, Response, Status},
    commands::respond,
    error::UserError,
    slack::{
        Incoming, Parsed, Refusal, ReplyRoute, ShownView, Stamp, Unreadable, Verifier, View, Way, parse_command,
        parse_interaction,
        render::{render_choices, render_form, render_form_answer, render_message, render_press_answer, render_reply_view},
        verify::{SIGNATURE_HEADER, TIMESTAMP_HEADER},
    },
};

/// A view with its state is at most 250 KB in Slack, three times that once it is form-encoded.
const BODY_BYTES: usize = 1024 * 1024;

/// Slack sends a body at once; whoever trickles one is not Slack.
const BODY_TIMEOUT: Duration = Duration::from_secs(3);

/// Half a second less than Slack waits; an answer that takes longer follows by the response URL.
const ANSWER_WITHIN: Duration = Duration::from_millis(2_500);

/// What the routes need of their own; the rest is in `App`: `outbox.slack` for forms and late answers, `clock` for
/// the signature's window.
#[derive(Debug)]
pub struct SlackDoor {
    verifier: Verifier,
}

impl SlackDoor {
    pub fn new(signing_secret: &SecretString) -> Result<Self, UserError> {
        Ok(Self { verifier: Verifier::new(signing_secret)? })
    }
}

/// `POST /slack/commands` and `POST /slack/interactions`.
pub fn routes(door: SlackDoor) -> Router<Arc<App>> {
    Router::new()
        .route("/slack/commands", post(command))
        .route("/slack/interactions", post(interaction))
        .layer(Extension(Arc::new(door)))
        .layer(RequestBodyLimitLayer::new(BODY_BYTES))
}

async fn command(State(app): State<Arc<App>>, Signed(body): Signed) -> HttpResponse {
    take(app, parse_command(&body)).await
}

async fn interaction(State(app): State<Arc<App>>, Signed(body): Signed) -> HttpResponse {
    take(app, parse_interaction(&body)).await
}

async fn take(app: Arc<App>, parsed: Result<Parsed, Unreadable>) -> HttpResponse {
    match parsed {
        Ok(parsed) => match acknowledge(app, parsed).await {
            Acknowledgement::Empty => StatusCode::OK.into_response(),
            Acknowledgement::Json(body) => ([(CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response(),
        },
        Err(unreadable) => {
            info!(error = %unreadable, "a signed Slack request could not be read");
            (StatusCode::BAD_REQUEST, unreadable.to_string()).into_response()
        }
    }
}

/// What Slack is told at once; the same over HTTP and over a socket.
#[derive(Debug, PartialEq, Eq)]
pub enum Acknowledgement {
    Empty,
    Json(Vec<u8>),
}

impl Acknowledgement {
    fn json(value: &impl Serialize) -> Self {
        Self::Json(serde_json::to_vec(value).expect("texts under text keys are JSON"))
    }
}

/// Answers what came in. What cannot be in the acknowledgement is sent afterwards by a task of its own.
pub async fn acknowledge(app: Arc<App>, parsed: Parsed) -> Acknowledgement {
    match parsed {
        Parsed::PassedOver(what) => {
            info!(?what, "Slack sent what is not for us");
            Acknowledgement::Empty
        }
        Parsed::LostForm { way, route } => {
            let reply = Reply::fault("", &lost_form());
            match way {
                Way::Submit => update(&reply),
                Way::Press | Way::Command | Way::Suggest => later(app, route, Response::Reply(reply)),
            }
        }
        Parsed::Act(incoming) => {
            let Incoming { request, route, way } = *incoming;
            metrics::counter!("steward_slack_requests_total", "way" => way.as_str()).increment(1);
            match way {
                Way::Command => answer_command(app, request, route).await,
                Way::Press => answer_press(app, request, route),
                Way::Submit => answer_submit(app, request, route).await,
                Way::Suggest => answer_suggest(app, request).await,
            }
        }
    }
}

async fn answer_command(app: Arc<App>, request: Request, route: ReplyRoute) -> Acknowledgement {
    // Boxed so that what is not done in time can go on in a task; what an incident needs never waits here.
    let mut answer = Box::pin(answer(Arc::clone(&app), request));
    match timeout(ANSWER_WITHIN, &mut answer).await {
        Ok(Response::Reply(reply)) => Acknowledgement::json(&render_message(&reply)),
        Ok(response @ (Response::Form(_) | Response::Choices(_))) => later(app, Box::new(route), response),
        Err(_) => {
            tokio::spawn(async move {
                let response = answer.await;
                deliver(&app, &route, response).await;
            });
            Acknowledgement::Empty
        }
    }
}

fn answer_press(app: Arc<App>, request: Request, route: ReplyRoute) -> Acknowledgement {
    tokio::spawn(async move {
        let response = respond(&app, request).await;
        deliver(&app, &route, response).await;
    });
    Acknowledgement::Empty
}

async fn answer_submit(app: Arc<App>, request: Request, route: ReplyRoute) -> Acknowledgement {
    let page = match &request.act {
        Act::Submit(submission) => submission.page,
        Act::Say { .. } | Act::Press { .. } | Act::Back(_) | Act::Complete { .. } => 0,
    };
    let mut answer = Box::pin(answer(Arc::clone(&app), request));
    match timeout(ANSWER_WITHIN, &mut answer).await {
        Ok(Response::Form(form)) => match render_form_answer(&form, page) {
            Ok(response) => Acknowledgement::json(&response),
            Err(error) => update(&Reply::fault(&form.id, &error)),
        },
        Ok(Response::Reply(reply)) => update(&reply),
        // Nobody asked for options: the form closes.
        Ok(Response::Choices(_)) => Acknowledgement::Empty,
        Err(_) => {
            let shown = ReplyRoute {
                // The waiting page is a newer view than the one with this hash.
                view: route.view.map(|view| ShownView { hash: None, ..view }),
                ..route
            };
            tokio::spawn(async move {
                let response = answer.await;
                deliver(&app, &shown, response).await;
            });
            update(&Reply::new(Status::Answered, "", "This takes a moment. The answer will appear here.".into()))
        }
    }
}

async fn answer_suggest(app: Arc<App>, request: Request) -> Acknowledgement {
    let choices = match timeout(ANSWER_WITHIN, respond(&app, request)).await {
        Ok(Response::Choices(choices)) => choices,
        Ok(Response::Reply(_) | Response::Form(_)) | Err(_) => Vec::new(),
    };
    Acknowledgement::json(&render_choices(&choices))
}

async fn answer(app: Arc<App>, request: Request) -> Response {
    respond(&app, request).await
}

/// The form's place is taken by the reply.
fn update(reply: &Reply) -> Acknowledgement {
    #[derive(Serialize)]
    struct Update<V> {
        response_action: &'static str,
        view: V,
    }
    Acknowledgement::json(&Update { response_action: "update", view: render_reply_view(reply) })
}

fn later(app: Arc<App>, route: Box<ReplyRoute>, response: Response) -> Acknowledgement {
    tokio::spawn(async move { deliver(&app, &route, response).await });
    Acknowledgement::Empty
}

/// Sends an answer after the acknowledgement: into the form that is shown, as a new form, or by the response URL.
async fn deliver(app: &App, route: &ReplyRoute, response: Response) {
    match response {
        Response::Reply(reply) => deliver_reply(app, route, &reply).await,
        Response::Form(form) => {
            let fault = match render_form(&form) {
                Ok(view) => match open(app, route, view).await {
                    Ok(()) => return,
                    Err(fault) => fault,
                },
                Err(fault) => fault,
            };
            deliver_reply(app, route, &Reply::fault(&form.id, &fault)).await;
        }
        Response::Choices(_) => warn!("options were answered where Slack asked for none"),
    }
}

async fn deliver_reply(app: &App, route: &ReplyRoute, reply: &Reply) {
    let Some(client) = &app.outbox.slack else {
        warn!("slack.bot_token is not set: an answer could not be sent");
        return;
    };
    let sent = match (&route.view, &route.response_url) {
        (Some(shown), _) => client.update_view(shown, render_reply_view(reply)).await,
        (None, Some(url)) => {
            let message = render_press_answer(reply, route.pressed, route.thread_ts.as_deref());
            client.answer(url, &message).await
        }
        (None, None) => {
            warn!("Slack gave no way to answer");
            return;
        }
    };
    if let Err(error) = sent {
        warn!(%error, "an answer did not reach Slack");
    }
}

async fn open(app: &App, route: &ReplyRoute, view: View) -> Result<(), UserError> {
    let Some(client) = &app.outbox.slack else {
        return Err(UserError::new("The form cannot be opened: Steward has no Slack bot token.")
            .next("Ask an admin to set slack.bot_token."));
    };
    let opened = match (&route.view, &route.trigger_id) {
        (Some(shown), _) => client.update_view(shown, view).await,
        (None, Some(trigger)) => client.open_view(trigger, view).await,
        (None, None) => return Err(UserError::new("Slack gave no way to open the form.").next("Type the command again.")),
    };
    opened.map_err(|error| {
        warn!(%error, "Slack did not open a form");
        UserError::new("Slack did not open the form.").kept("Nothing was changed.").next("Try again.")
    })
}

fn lost_form() -> UserError {
    UserError::new("This form was opened before Steward was updated and can no longer be read.")
        .kept("Nothing was changed.")
        .next("Run the command again.")
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
