//! Slack, whichever transport it comes by: dispatch, acknowledge, and send what cannot be in the acknowledgement.
//! Must not know how bytes arrive, nor decide what is answered.
//!
//! Slack waits 3 seconds for an acknowledgement. Errors of a form and options of a look-up *are* the acknowledgement,
//! and a command's answer may be. All else is answered by itself; but where something may have been changed, that is
//! written down before Slack is told that it was heard.

mod deliver;
mod seen;
mod socket;

use std::{pin::Pin, sync::Arc, time::Duration};

use serde::Serialize;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{error, info};

use crate::{
    app::App,
    chat::{Act, Reply, Request, Response, Status},
    commands::respond,
    error::UserError,
    slack::{
        Incoming, Parsed, ReplyRoute, ShownView, Way,
        render::{render_choices, render_form_answer, render_message, render_reply_view},
    },
};

use deliver::{Said, deliver, deliver_modal, publish, say, unfurl};
use seen::{Repeat, Seen, Taken};

pub use socket::listen;

/// Half a second less than Slack waits; an answer that takes longer follows by itself.
const ANSWER_WITHIN: Duration = Duration::from_millis(2_500);

/// Events are told again after 3 seconds, and nobody sees whether they were heard.
const EVENT_WITHIN: Duration = Duration::from_secs(1);

/// When something was last heard is noted to the second.
const NOTED_EVERY: chrono::TimeDelta = chrono::TimeDelta::seconds(1);

/// What Slack is told at once; the same over HTTP and over a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acknowledgement {
    Empty,
    Json(Vec<u8>),
}

impl Acknowledgement {
    fn json(value: &impl Serialize) -> Self {
        Self::Json(serde_json::to_vec(value).expect("texts under text keys are JSON"))
    }
}

/// How it arrived.
#[derive(Debug, Clone)]
pub enum Transport {
    Http,
    Socket(Arc<Carried>),
}

/// One delivery over a connection.
#[derive(Debug)]
pub struct Carried {
    /// Cancelled once that connection is gone.
    pub gone: CancellationToken,
    /// How often it was told before.
    pub attempt: u64,
}

impl Transport {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Socket(_) => "socket",
        }
    }

    fn carried(&self) -> Option<Arc<Carried>> {
        match self {
            Self::Http => None,
            Self::Socket(carried) => Some(Arc::clone(carried)),
        }
    }
}

/// Where all transports come together: what was seen before, and what is still to be sent. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    seen: Seen,
    late: TaskTracker,
}

impl Desk {
    /// Answers what came in. What cannot be in the acknowledgement is sent afterwards by a task of its own.
    pub async fn acknowledge(&self, app: Arc<App>, parsed: Parsed, by: Transport) -> Acknowledgement {
        note(&app, &parsed, &by);
        match parsed {
            Parsed::PassedOver(what) => {
                info!(?what, "Slack sent what is not for us");
                Acknowledgement::Empty
            }
            Parsed::Challenge(challenge) => Acknowledgement::json(&serde_json::json!({ "challenge": challenge })),
            Parsed::Revoked(what) => {
                error!(what, "Slack took the app's rights away: install it again, and set its new bot token");
                Acknowledgement::Empty
            }
            Parsed::LostForm { way, route } => {
                let reply = Reply::fault("", &lost_form());
                match way {
                    Way::Submit => update(&reply),
                    Way::Press | Way::Command | Way::Suggest | Way::Shortcut | Way::Words | Way::Visit => {
                        self.late.spawn(async move { deliver(&app, &route, Response::Reply(reply)).await });
                        Acknowledgement::Empty
                    }
                }
            }
            Parsed::Links(links) => {
                let delivery = links.delivery.clone();
                self.once(delivery, Repeat::Nothing, &by, |desk| async move {
                    desk.late.spawn(async move { unfurl(&app, *links).await });
                    Acknowledgement::Empty
                })
                .await
            }
            Parsed::Act(incoming) => self.act(app, *incoming, &by).await,
        }
    }

    async fn act(&self, app: Arc<App>, incoming: Incoming, by: &Transport) -> Acknowledgement {
        let Incoming { request, route, way } = incoming;
        metrics::counter!("steward_slack_requests_total", "way" => way.as_str()).increment(1);
        let repeat = match (way, by) {
            // An answer in a response is seen by whoever sent that request, and changes nothing by being given again.
            (Way::Suggest, _) | (Way::Command, Transport::Http) => return self.answer(app, request, route, way).await,
            (Way::Command, Transport::Socket(_)) => Repeat::IfLost,
            (Way::Submit, _) => Repeat::Same,
            (Way::Press | Way::Shortcut | Way::Words | Way::Visit, _) => Repeat::Nothing,
        };
        let delivery = request.delivery.clone();
        self.once(delivery, repeat, by, |desk| async move { desk.answer(app, request, route, way).await }).await
    }

    /// Works on a delivery unless it was worked on before. Goes on where the caller goes away.
    async fn once<F: Future<Output = Acknowledgement> + Send + 'static>(
        &self,
        delivery: Option<String>,
        repeat: Repeat,
        by: &Transport,
        work: impl FnOnce(Self) -> F,
    ) -> Acknowledgement {
        let Some(delivery) = delivery else { return work(self.clone()).await };
        match self.seen.take(&delivery, repeat, by.carried()) {
            Taken::First(flight) => {
                let work = work(self.clone());
                let task = self.late.spawn(async move {
                    let acknowledgement = work.await;
                    flight.done(&acknowledgement);
                    acknowledgement
                });
                task.await.unwrap_or(Acknowledgement::Empty)
            }
            Taken::Again(flight) => {
                metrics::counter!("steward_slack_repeated_total", "transport" => by.as_str()).increment(1);
                flight.again(by.carried()).await
            }
        }
    }

    async fn answer(&self, app: Arc<App>, request: Request, route: ReplyRoute, way: Way) -> Acknowledgement {
        match way {
            Way::Command => self.answer_command(app, request, route).await,
            Way::Submit => self.answer_submit(app, request, route).await,
            Way::Suggest => answer_suggest(app, request).await,
            Way::Press => {
                let send = |app: Arc<App>, response| async move { deliver(&app, &route, response).await };
                self.answer_later(app, request, ANSWER_WITHIN, send).await
            }
            Way::Shortcut => {
                let send = |app: Arc<App>, response| async move { deliver_modal(&app, &route, response).await };
                self.answer_later(app, request, ANSWER_WITHIN, send).await
            }
            Way::Words => {
                let line = match &request.act {
                    Act::Ask { text } => text.as_str(),
                    Act::Say { .. }
                    | Act::Press { .. }
                    | Act::Submit(_)
                    | Act::Back(_)
                    | Act::Complete { .. }
                    | Act::Inspect { .. }
                    | Act::Visit => "",
                };
                let said = Said::of(&request, line);
                let send = |app: Arc<App>, response| async move { say(&app, &said, &route, response).await };
                self.answer_later(app, request, EVENT_WITHIN, send).await
            }
            Way::Visit => {
                let user = request.account.id.clone();
                let send = |app: Arc<App>, response| async move { publish(&app, &user, response).await };
                self.answer_later(app, request, EVENT_WITHIN, send).await
            }
        }
    }

    /// Acknowledges empty once the answer is found, so that what it changes is written down; sends it by itself.
    async fn answer_later<F: Future<Output = ()> + Send + 'static>(
        &self,
        app: Arc<App>,
        request: Request,
        within: Duration,
        send: impl FnOnce(Arc<App>, Response) -> F + Send + 'static,
    ) -> Acknowledgement {
        let mut answer = answer(Arc::clone(&app), request);
        match timeout(within, &mut answer).await {
            Ok(response) => {
                self.late.spawn(send(app, response));
            }
            Err(_) => {
                self.late.spawn(async move {
                    let response = answer.await;
                    send(app, response).await;
                });
            }
        }
        Acknowledgement::Empty
    }

    async fn answer_command(&self, app: Arc<App>, request: Request, route: ReplyRoute) -> Acknowledgement {
        // Boxed so that what is not done in time can go on in a task; what an incident needs never waits here.
        let mut answer = answer(Arc::clone(&app), request);
        match timeout(ANSWER_WITHIN, &mut answer).await {
            Ok(Response::Reply(reply)) => Acknowledgement::json(&render_message(&reply)),
            Ok(response @ (Response::Form(_) | Response::Choices(_))) => {
                self.late.spawn(async move { deliver(&app, &route, response).await });
                Acknowledgement::Empty
            }
            Err(_) => {
                self.late.spawn(async move {
                    let response = answer.await;
                    deliver(&app, &route, response).await;
                });
                Acknowledgement::Empty
            }
        }
    }

    async fn answer_submit(&self, app: Arc<App>, request: Request, route: ReplyRoute) -> Acknowledgement {
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
        let mut answer = answer(Arc::clone(&app), request);
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
                self.late.spawn(async move {
                    let response = answer.await;
                    deliver(&app, &shown, response).await;
                });
                update(&Reply::new(Status::Answered, "", "This takes a moment. The answer will appear here.".into()))
            }
        }
    }

    /// Waits until everything that was taken on has been sent.
    pub async fn close(&self) {
        self.late.close();
        self.late.wait().await;
    }
}

async fn answer_suggest(app: Arc<App>, request: Request) -> Acknowledgement {
    let choices = match timeout(ANSWER_WITHIN, respond(&app, request)).await {
        Ok(Response::Choices(choices)) => choices,
        Ok(Response::Reply(_) | Response::Form(_)) | Err(_) => Vec::new(),
    };
    Acknowledgement::json(&render_choices(&choices))
}

fn answer(app: Arc<App>, request: Request) -> Pin<Box<dyn Future<Output = Response> + Send>> {
    Box::pin(async move { respond(&app, request).await })
}

/// Whether and how events arrive.
fn note(app: &App, parsed: &Parsed, by: &Transport) {
    let what = match parsed {
        Parsed::Act(incoming) => incoming.way.as_str(),
        Parsed::Links(_) => "links",
        Parsed::Challenge(_) => "challenge",
        Parsed::Revoked(_) => "revoked",
        Parsed::LostForm { .. } => "lost_form",
        Parsed::PassedOver(_) => "other",
    };
    metrics::counter!("steward_chat_events_total", "platform" => "slack", "transport" => by.as_str(), "type" => what)
        .increment(1);
    let now = app.clock.now();
    metrics::gauge!("steward_chat_last_event_timestamp_seconds", "platform" => "slack").set(now.timestamp() as f64);
    let is_noted = app.live.hearing().last_event_at.is_some_and(|last| (now - last).abs() < NOTED_EVERY);
    let revoked = if let Parsed::Revoked(what) = parsed { Some(what) } else { None };
    if !is_noted || revoked.is_some() {
        app.live.hear(|hearing| {
            hearing.last_event_at = Some(now);
            if let Some(what) = revoked {
                hearing.revoked = Some((what.clone(), now));
            }
        });
    }
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

fn lost_form() -> UserError {
    UserError::new("This form was opened before Steward was updated and can no longer be read.")
        .kept("Nothing was changed.")
        .next("Run the command again.")
}
