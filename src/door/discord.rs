//! Discord: dispatch what the gateway tells, answer within three seconds, and send what follows. Must not decide what is
//! answered.
//!
//! Discord waits 3 seconds for the first answer to an interaction; what takes longer is told to follow, and follows. Every
//! replica hears everything: the first to answer an interaction is the one that does, and words are claimed.

mod fill;
mod offer;
mod register;

use std::{pin::Pin, sync::Arc, time::Duration};

use moka::sync::Cache;
use tokio::{
    sync::mpsc::unbounded_channel,
    time::{timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{error, info, warn};

use super::{
    is_ours, needs_form,
    send::{Sent, send},
};
use crate::{
    app::App,
    catalog::live::Gateway,
    chat::{Act, Audience, DeliveryError, Message, Platform, Reply, Request, Response, Status},
    commands::{answer::late, respond},
    discord::{
        Answer, DiscordClient, Reachable,
        form::Touch,
        gateway::{self, Heard},
        parse::{Incoming, PressedOn, What, Words},
        register::line_of,
        render::{ASK_FIRST, render_message, render_post, render_question, render_words},
        wire::DiscordMessage,
    },
};

/// A second less than Discord waits, for the way there; an answer that takes longer follows by itself.
const ANSWER_WITHIN: Duration = Duration::from_millis(2_000);

/// Discord tells a thing again only after a connection was lost, and not later than it remembers a session.
const SEEN_FOR: Duration = Duration::from_secs(15 * 60);
const MOST_SEEN: u64 = 100_000;

/// How long answers under way may take after the word to stop.
const DRAIN: Duration = Duration::from_secs(20);

/// When something was last heard is noted to the second.
const NOTED_EVERY: chrono::TimeDelta = chrono::TimeDelta::seconds(1);

/// Listens until `stop`; ends once what was taken on is answered. Does nothing where no token is set.
pub async fn listen(app: Arc<App>, stop: &CancellationToken) {
    let Some(client) = &app.outbox.discord else { return };
    let now = app.clock.now();
    note(&app, |gateway| gateway.closed(now));
    let (sender, mut heard) = unbounded_channel();
    let late = TaskTracker::new();
    let seen: Cache<String, ()> = Cache::builder().max_capacity(MOST_SEEN).time_to_live(SEEN_FOR).build();
    let ended = CancellationToken::new();
    let listening = async {
        gateway::listen(client, sender, stop).await;
        ended.cancel();
    };
    let hearing = async {
        let mut opened = 0_u64;
        loop {
            // What serenity leaves running holds the other end, so that the channel alone never ends.
            let next = tokio::select! {
                biased;
                next = heard.recv() => next,
                () = ended.cancelled() => None,
            };
            let Some(next) = next else { return };
            match next {
                Heard::Acted(incoming) => {
                    note_heard(&app, incoming.what.as_str());
                    if is_new(&seen, &incoming.id) {
                        let app = Arc::clone(&app);
                        late.spawn(async move { act(app, *incoming).await });
                    }
                }
                Heard::Said(words) => {
                    note_heard(&app, "words");
                    if is_new(&seen, &words.message_id) {
                        let app = Arc::clone(&app);
                        late.spawn(async move { say(&app, *words).await });
                    }
                }
                Heard::Opened { name } => {
                    info!(name, "connected to Discord");
                    opened += 1;
                    note(&app, |gateway| {
                        gateway.opened();
                        gateway.reconnects = opened - 1;
                    });
                }
                Heard::Resumed => {
                    opened += 1;
                    note(&app, |gateway| {
                        gateway.opened();
                        gateway.reconnects = opened.saturating_sub(1);
                    });
                }
                Heard::Closed => {
                    info!("the connection to Discord was lost");
                    let now = app.clock.now();
                    note(&app, |gateway| gateway.closed(now));
                }
                Heard::NotOpened { reason, is_final } => {
                    if is_final {
                        error!(reason, "Discord lets us not in; somebody has to change that");
                    } else {
                        warn!(reason, "no connection to Discord");
                    }
                    let now = app.clock.now();
                    note(&app, |gateway| {
                        gateway.closed(now);
                        gateway.fault = Some(reason.clone());
                    });
                }
                Heard::PassedOver(what) => info!(what, "Discord sent what is not for us"),
            }
        }
    };
    tokio::join!(listening, hearing, register::keep(&app, client, stop));
    late.close();
    if timeout_at(tokio::time::Instant::now() + DRAIN, late.wait()).await.is_err() {
        error!("some answers to Discord were still to be sent and are lost");
    }
}

fn is_new(seen: &Cache<String, ()>, id: &str) -> bool {
    seen.entry_by_ref(id).or_insert(()).is_fresh()
}

fn note(app: &App, change: impl Fn(&mut Gateway)) {
    app.live.hear(|hearing| change(hearing.discord.get_or_insert_default()));
    if let Some(gateway) = &app.live.hearing().discord {
        metrics::gauge!("steward_discord_connected").set(if gateway.down_since.is_none() { 1.0 } else { 0.0 });
        metrics::counter!("steward_discord_reconnects_total").absolute(gateway.reconnects);
    }
}

fn note_heard(app: &App, what: &'static str) {
    metrics::counter!("steward_chat_events_total", "platform" => "discord", "transport" => "gateway", "type" => what)
        .increment(1);
    let now = app.clock.now();
    metrics::gauge!("steward_chat_last_event_timestamp_seconds", "platform" => "discord").set(now.timestamp() as f64);
    let last = app.live.hearing().discord.as_ref().and_then(|gateway| gateway.last_event_at);
    if last.is_none_or(|last| (now - last).abs() >= NOTED_EVERY) {
        note(app, |gateway| gateway.last_event_at = Some(now));
    }
}

async fn act(app: Arc<App>, incoming: Incoming) {
    let Some(client) = &app.outbox.discord else { return };
    let door = Door { app: &app, client, incoming: &incoming };
    match &incoming.what {
        What::Command { name, given } => {
            let custom = app.live.custom();
            let line = match custom.all(&app.commands).find(name) {
                Some(command) => line_of(command, given),
                // Registered by another version; the answer to the line says so.
                None => name.clone(),
            };
            door.respond(Act::Say { line }, None).await;
        }
        What::Inspect { texts } => door.respond(Act::Inspect { texts: texts.clone() }, None).await,
        What::Complete { name, option, typed } => {
            let choices = offer::offer(&app, &incoming.account, incoming.place.as_ref(), name, option, typed);
            door.answer(Answer::Choices(choices)).await;
        }
        What::Press { custom_id, label, on } => match (Touch::parse(custom_id), custom_id.strip_prefix(ASK_FIRST)) {
            (Some(touch), _) => door.touch(touch, fill::Given::Nothing).await,
            (None, Some(line)) => {
                door.answer(Answer::Message(render_question(line, label))).await;
            }
            (None, None) => door.respond(Act::Press { line: custom_id.clone() }, Some(*on)).await,
        },
        What::Chosen { custom_id, values } => match Touch::parse(custom_id) {
            Some(touch) => door.touch(touch, fill::Given::Chosen(values)).await,
            None => door.unknown().await,
        },
        What::Modal { custom_id, inputs } => match Touch::parse(custom_id) {
            Some(touch) => door.touch(touch, fill::Given::Written(inputs)).await,
            None => door.unknown().await,
        },
    }
}

/// One interaction, and what it takes to answer it.
pub(super) struct Door<'a> {
    app: &'a App,
    client: &'a DiscordClient,
    incoming: &'a Incoming,
}

/// What there is to show.
enum Drawn {
    Reply(Box<Reply>),
    Step(DiscordMessage),
}

impl Drawn {
    /// The answer that fits into the first. It takes the place of the message with the button only if the same people
    /// see both: a personal answer must not wipe out what a channel reads, nor a shared one stay personal.
    fn first(self, on: Option<PressedOn>) -> Answer {
        match self {
            Self::Reply(reply) => match (on, reply.audience) {
                (Some(PressedOn::Ephemeral), Audience::Asker) | (Some(PressedOn::Public), Audience::Everyone) => {
                    Answer::Update(render_post(&reply))
                }
                (Some(PressedOn::Ephemeral), Audience::Everyone) | (Some(PressedOn::Public), Audience::Asker) | (None, _) => {
                    Answer::Message(render_message(&reply))
                }
            },
            Self::Step(step) if on == Some(PressedOn::Ephemeral) => Answer::Update(step),
            Self::Step(step) => Answer::Message(step),
        }
    }
}

type Pending<'a> = Pin<Box<dyn Future<Output = Response> + Send + 'a>>;

impl<'a> Door<'a> {
    fn pending(&self, act: Act) -> Pending<'a> {
        let Incoming { id, account, place, .. } = self.incoming;
        let request = Request { account: account.clone(), place: place.clone(), act, delivery: Some(id.clone()) };
        Box::pin(respond(self.app, request))
    }

    /// Answers what was said or pressed.
    async fn respond(&self, act: Act, on: Option<PressedOn>) {
        let mut drawn = Box::pin(async { self.draw(self.pending(act).await).await });
        match timeout(ANSWER_WITHIN, &mut drawn).await {
            Ok(drawn) => {
                self.answer(drawn.first(on)).await;
            }
            Err(_) => {
                let is_ours = self.answer(Answer::Later).await;
                let drawn = drawn.await;
                if is_ours {
                    self.follow(drawn).await;
                }
            }
        }
    }

    /// A form is kept before it is shown.
    async fn draw(&self, response: Response) -> Drawn {
        match response {
            Response::Reply(reply) => Drawn::Reply(Box::new(reply)),
            Response::Form(form) => Drawn::Step(self.open(*form).await),
            Response::Choices(_) => Drawn::Step(render_words("Nobody asked for these choices.")),
        }
    }

    /// Sends what was told to follow. Only the asker sees the place that was kept for it.
    async fn follow(&self, drawn: Drawn) {
        match drawn {
            Drawn::Reply(reply) if reply.audience == Audience::Everyone => {
                self.complete(&render_words("The answer is below, for all to see.")).await;
                let Incoming { token, application, .. } = self.incoming;
                self.sent(self.client.follow_up(*application, token, &render_post(&reply)).await).await;
            }
            Drawn::Reply(reply) => self.complete(&render_post(&reply)).await,
            Drawn::Step(step) => self.complete(&step).await,
        }
    }

    /// Sends the first answer; whether it was ours to give.
    async fn answer(&self, answer: Answer) -> bool {
        let Incoming { id, token, .. } = self.incoming;
        match self.client.answer(id, token, &answer).await {
            Ok(Reachable::Answered) => true,
            Ok(Reachable::AnsweredElsewhere) => {
                info!("another replica has answered");
                false
            }
            Err(fault @ DeliveryError::Refused { .. }) => {
                error!(error = %fault, "Discord did not take an answer");
                let words = render_words("The answer could not be shown in Discord; whoever runs Steward finds why in its log.");
                let words = DiscordMessage { flags: Some(crate::discord::wire::EPHEMERAL), ..words };
                let _ = self.client.answer(id, token, &Answer::Message(words)).await;
                false
            }
            Err(fault) => {
                warn!(error = %fault, "an answer did not reach Discord");
                false
            }
        }
    }

    async fn complete(&self, message: &DiscordMessage) {
        let Incoming { token, application, .. } = self.incoming;
        self.sent(self.client.complete(*application, token, message).await).await;
    }

    /// What Discord did not take where it was asked is told to the person directly.
    async fn sent(&self, result: Result<(), DeliveryError>) {
        let Err(fault) = result else { return };
        warn!(error = %fault, "an answer did not reach its place in Discord");
        let lead = "An answer to what you asked could not be shown where you asked. Please ask again.";
        let reply = Reply::new(Status::Error, "", lead.into());
        send(self.app, Message::new(Platform::Discord, &self.incoming.account.id, reply).asked()).await;
    }

    async fn unknown(&self) {
        let words = render_words("This belongs to another version of Steward. Nothing was changed; please begin again.");
        self.answer(Answer::Message(DiscordMessage { flags: Some(crate::discord::wire::EPHEMERAL), ..words })).await;
    }
}

/// Answers words where they were said; what is for the asker alone goes to their own conversation.
async fn say(app: &App, words: Words) {
    let Words { message_id, channel_id, account, place, text } = words;
    let request =
        |delivery| Request { account: account.clone(), place: place.clone(), act: Act::Ask { text: text.clone() }, delivery };
    let reply = match respond(app, request(Some(message_id.clone()))).await {
        Response::Reply(reply) => reply,
        Response::Form(form) => needs_form(&form.id, &text),
        Response::Choices(_) => return,
    };
    if !is_ours(app, Platform::Discord, Some(&message_id)).await {
        info!("another replica answers these words");
        return;
    }
    let message = Message::new(Platform::Discord, &channel_id, reply).asked();
    let message = match (message.reply.audience, &place) {
        (Audience::Asker, Some(_)) => message.only_to(account.id.clone()),
        (Audience::Everyone, Some(_)) => message.in_thread(Some(message_id)),
        (_, None) => message,
    };
    let first = message.reply.clone();
    if let Sent::Left(Some(posted)) = send(app, message).await
        && let Some(whole) = late::complete(app, request(None), &first).await
    {
        send(app, Message::replacing(Platform::Discord, posted, whole)).await;
    }
}
