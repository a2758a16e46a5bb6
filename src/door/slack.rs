//! Slack, whichever transport it comes by: dispatch, acknowledge, and send what cannot be in the acknowledgement.
//! Must not know how bytes arrive, nor decide what is answered.
//!
//! Slack waits 3 seconds for an acknowledgement. Errors of a form and options of a look-up *are* the acknowledgement,
//! and a command's answer may be; a press is acknowledged at once and answered by its response URL.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::{
    app::App,
    chat::{Act, Reply, Request, Response, Status},
    commands::respond,
    error::UserError,
    slack::{
        Incoming, Parsed, ReplyRoute, ShownView, View, Way,
        render::{render_choices, render_form, render_form_answer, render_message, render_press_answer, render_reply_view},
    },
};

/// Half a second less than Slack waits; an answer that takes longer follows by the response URL.
const ANSWER_WITHIN: Duration = Duration::from_millis(2_500);

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
        Act::Say { .. }
        | Act::Press { .. }
        | Act::Back(_)
        | Act::Complete { .. }
        | Act::Ask { .. }
        | Act::Inspect { .. }
        | Act::Visit => 0,
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
        Response::Choices(_) => warn!("an answer came that Slack did not ask for"),
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
