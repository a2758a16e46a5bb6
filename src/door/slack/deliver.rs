//! What is sent after the acknowledgement: into the form that is shown, by the response URL, as a modal, into a thread,
//! onto a home page. Must not decide what is told.

use std::time::Duration;

use backon::{FibonacciBuilder, Retryable};
use tokio::time::sleep;
use tracing::{info, warn};

use crate::{
    app::App,
    chat::{Account, Act, Audience, DeliveryError, Message, Place, Reply, Request, Response},
    commands::{answer::late, preview::preview},
    door::{
        is_ours, needs_form,
        send::{Sent, send},
    },
    error::UserError,
    slack::{
        ReplyRoute, SharedLinks, SlackClient, View,
        render::{render_form, render_press_answer, render_reply_view},
    },
};

/// How often a home page or a preview is sent before it is given up; whoever looks again gets another.
const TRIES: FibonacciBuilder = FibonacciBuilder::new().with_min_delay(Duration::from_secs(1)).with_max_times(3);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Sends an answer to a command, a button or a form.
pub(super) async fn deliver(app: &App, route: &ReplyRoute, response: Response) {
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

/// Sends an answer to a shortcut: a modal, which needs no membership of the channel; else a word to the asker.
pub(super) async fn deliver_modal(app: &App, route: &ReplyRoute, response: Response) {
    match response {
        Response::Reply(reply) => {
            if open(app, route, render_reply_view(&reply)).await.is_err() {
                deliver_reply(app, route, &reply).await;
            }
        }
        response @ (Response::Form(_) | Response::Choices(_)) => deliver(app, route, response).await,
    }
}

/// Answers words where they were said, for all to see; of two replicas one does.
pub(super) async fn say(app: &App, request: &Said, route: &ReplyRoute, response: Response) {
    let Some(channel) = &route.channel_id else { return };
    let reply = match response {
        Response::Reply(reply) => reply,
        Response::Form(form) => needs_form(&form.id, &request.line),
        Response::Choices(_) => return,
    };
    if !is_ours(app, request.asker.platform, request.delivery.as_deref()).await {
        info!("another replica answers these words");
        return;
    }
    // What is for the asker's eyes alone is shown to them alone, in the thread all the same.
    let message = Message::new(request.asker.platform, channel, reply).in_thread(route.thread_ts.clone()).asked();
    let message = match message.reply.audience {
        Audience::Everyone => message,
        Audience::Asker => message.only_to(request.asker.id.clone()),
    };
    let first = message.reply.clone();
    let is_for_all = message.only_to.is_none();
    // What nobody but the asker sees cannot be replaced; they have a button.
    if let Sent::Left(Some(posted)) = send(app, message).await
        && is_for_all
        && let Some(whole) = late::complete(app, request.again(), &first).await
    {
        send(app, Message::replacing(request.asker.platform, posted, whole)).await;
    }
}

/// What is known of words that wait for their answer.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub line: String,
    pub delivery: Option<String>,
    pub asker: Account,
    pub place: Option<Place>,
}

impl Said {
    pub fn of(request: &Request, line: &str) -> Self {
        let Request { account, place, act: _, delivery } = request;
        Self { line: line.to_owned(), delivery: delivery.clone(), asker: account.clone(), place: place.clone() }
    }

    /// The same question once more.
    fn again(&self) -> Request {
        let act = Act::Ask { text: self.line.clone() };
        Request { account: self.asker.clone(), place: self.place.clone(), act, delivery: None }
    }
}

/// Replaces a person's home page.
pub(super) async fn publish(app: &App, user: &str, response: Response) {
    let Some(client) = client(app) else { return };
    match response {
        Response::Reply(reply) => {
            let publish = || client.publish_home(user, &reply);
            sent(publish.retry(TRIES).sleep(sleep).when(is_passing).adjust(pause).await);
        }
        Response::Form(_) | Response::Choices(_) => warn!("a home page can only be read"),
    }
}

/// Puts previews below the addresses that we know something of.
pub(super) async fn unfurl(app: &App, links: SharedLinks) {
    let Some(client) = client(app) else { return };
    let previews = preview(app, &links.account, links.place.as_ref(), &links.urls);
    if previews.is_empty() {
        return;
    }
    let unfurl = || client.unfurl(&links.at, &previews);
    sent(unfurl.retry(TRIES).sleep(sleep).when(is_passing).adjust(pause).await);
}

/// What Slack limits or cannot take now is worth another try: there is no queue for what has no place in a conversation.
fn is_passing(fault: &DeliveryError) -> bool {
    match fault {
        DeliveryError::Limited { .. } | DeliveryError::Unreachable { .. } => true,
        DeliveryError::NoDoor(_) | DeliveryError::Refused { .. } => false,
    }
}

/// As Slack asked for, where it did.
fn pause(fault: &DeliveryError, planned: Option<Duration>) -> Option<Duration> {
    match fault {
        DeliveryError::Limited { retry_after, .. } => planned.map(|_| (*retry_after).min(LONGEST_PAUSE)),
        DeliveryError::Unreachable { .. } | DeliveryError::NoDoor(_) | DeliveryError::Refused { .. } => planned,
    }
}

async fn deliver_reply(app: &App, route: &ReplyRoute, reply: &Reply) {
    let Some(client) = client(app) else { return };
    let result = match (&route.view, &route.response_url, &route.trigger_id) {
        (Some(shown), ..) => match client.update_view(shown, render_reply_view(reply)).await {
            // Closed meanwhile, or Slack is in trouble: what was asked for in a form is told to the person alone.
            Err(error) => return tell_directly(app, route, reply, &error).await,
            Ok(()) => return,
        },
        (None, Some(url), _) => {
            let message = render_press_answer(reply, route.pressed, route.thread_ts.as_deref());
            match client.answer(url, &message).await {
                Err(error) => return answer_otherwise(app, route, reply, &error).await,
                Ok(()) => return,
            }
        }
        // A button on a home page, which an answer must not replace.
        (None, None, Some(trigger)) => client.open_view(trigger, render_reply_view(reply)).await,
        (None, None, None) => {
            warn!("Slack gave no way to answer");
            return;
        }
    };
    sent(result);
}

/// The response URL is used up, refused or away: whoever asked is told where they asked, or directly.
async fn answer_otherwise(app: &App, route: &ReplyRoute, reply: &Reply, error: &DeliveryError) {
    let (Some(channel), Some(asker)) = (&route.channel_id, &route.asker) else {
        warn!(%error, "an answer did not reach Slack");
        return;
    };
    info!(%error, "an answer goes by another way than its response URL");
    let message = Message::new(asker.platform, channel, reply.clone()).in_thread(route.thread_ts.clone()).asked();
    send(
        app,
        match reply.audience {
            Audience::Everyone => message,
            Audience::Asker => message.only_to(asker.id.clone()),
        },
    )
    .await;
}

async fn tell_directly(app: &App, route: &ReplyRoute, reply: &Reply, error: &DeliveryError) {
    let Some(asker) = &route.asker else {
        warn!(%error, "an answer did not reach Slack");
        return;
    };
    info!(%error, "an answer goes to the person, its form cannot show it");
    send(app, Message::new(asker.platform, &asker.id, reply.clone()).asked()).await;
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

fn client(app: &App) -> Option<&SlackClient> {
    if app.outbox.slack.is_none() {
        warn!("slack.bot_token is not set: an answer could not be sent");
    }
    app.outbox.slack.as_ref()
}

fn sent(result: Result<(), DeliveryError>) {
    if let Err(error) = result {
        warn!(%error, "an answer did not reach Slack");
    }
}
