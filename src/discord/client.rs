//! Calls to Discord's REST API. Must not decide what is sent.
//!
//! serenity waits within Discord's limits by itself; each call has a limit of time above that.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serenity::http::{Http, HttpBuilder, HttpError, LightMethod, Request, Route, StatusCode};
use serenity::model::id::{ApplicationId, ChannelId, InteractionId, MessageId};
use sha2::{Digest, Sha256};
use tokio::{sync::OnceCell, time::timeout};
use url::Url;

use super::{
    register::Registered,
    render::{render_post, with_note},
    text::is_id,
    wire::{DiscordMessage, Modal},
};
use crate::{
    chat::{Choice, DeliveryError, Mark, Message, Platform, Posted, limits::DISCORD, width::fit},
    error::UserError,
};

/// Long enough for a limit of a few seconds to be waited out, short enough that the queue can try again.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// An interaction must be answered within three seconds.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(2_900);

/// Where serenity is held up by a limit that it does not name.
const LIMITED_FOR: Duration = Duration::from_secs(5);

/// Conversations with people whose ids are remembered.
const KNOWN_CONVERSATIONS: u64 = 10_000;

/// Where a marked message is looked for: pages of a hundred.
const PAGES: usize = 5;
const PAGE: usize = 100;

/// Clocks differ; Discord's ids tell its own time.
const CLOCK_SLACK: chrono::TimeDelta = chrono::TimeDelta::minutes(2);

/// Codes of <https://discord.com/developers/docs/topics/opcodes-and-status-codes#json>.
const UNKNOWN_CHANNEL: isize = 10_003;
const ALREADY_ANSWERED: isize = 40_060;

/// Discord's REST API, as one bot.
#[derive(Debug)]
pub struct DiscordClient {
    http: Arc<Http>,
    api_url: String,
    token: SecretString,
    me: OnceCell<Identity>,
    application: OnceCell<u64>,
    conversations: Cache<String, String>,
}

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Identity {
    pub id: String,
    pub username: String,
}

#[derive(Debug, Deserialize)]
struct Named {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Placed {
    id: String,
    channel_id: String,
}

/// A message as it is looked through.
#[derive(Debug, Deserialize)]
struct Said {
    id: String,
    author: Named,
    #[serde(default)]
    content: String,
    #[serde(default)]
    embeds: Vec<SaidEmbed>,
}

#[derive(Debug, Deserialize)]
struct SaidEmbed {
    footer: Option<SaidFooter>,
}

#[derive(Debug, Deserialize)]
struct SaidFooter {
    #[serde(default)]
    text: String,
}

#[derive(Serialize)]
struct Post<'a> {
    #[serde(flatten)]
    message: &'a DiscordMessage,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_reference: Option<Reference<'a>>,
    /// Two messages of the same within a few minutes are one.
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enforce_nonce: Option<bool>,
}

#[derive(Serialize)]
struct Reference<'a> {
    message_id: &'a str,
    fail_if_not_exists: bool,
}

/// How an interaction is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// With a message of its own.
    Message(DiscordMessage),
    /// In the place of the message with the component.
    Update(DiscordMessage),
    Modal(Modal),
    /// The answer follows; only who acted sees that it does.
    Later,
    /// The message with the component is changed later.
    UpdateLater,
    Choices(Vec<Choice>),
}

/// Whether an interaction was ours to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reachable {
    Answered,
    /// Another replica was quicker.
    AnsweredElsewhere,
}

impl DiscordClient {
    /// `api_url` is `https://discord.com`, or where a fake one listens.
    pub fn connect(api_url: &str, token: &SecretString) -> Result<Self, UserError> {
        let api_url = api_url.trim_end_matches('/').to_owned();
        if Url::parse(&api_url).is_err() {
            return Err(UserError::new(format!("discord.api_url is no address: {api_url}."))
                .next("Leave it out to use https://discord.com."));
        }
        Ok(Self {
            http: Arc::new(http(&api_url, token)),
            api_url,
            token: token.clone(),
            me: OnceCell::new(),
            application: OnceCell::new(),
            conversations: Cache::new(KNOWN_CONVERSATIONS),
        })
    }

    /// A connection of its own for the gateway, which keeps what it is given.
    pub(super) fn for_gateway(&self) -> Http {
        http(&self.api_url, &self.token)
    }

    /// Sends a message: posts it, or puts it in the place of an earlier one. What is for one person goes to their own
    /// conversation with the bot: in a channel only an answer to an interaction is seen by one alone.
    pub async fn send(&self, message: &Message) -> Result<Option<Posted>, DeliveryError> {
        let Message { platform: _, to, only_to, thread, replaces, urgency: _, mark, reply } = message;
        let drawn = render_post(reply);
        if let Some(number) = replaces {
            let route = Route::ChannelMessage { channel_id: channel(to)?, message_id: MessageId::new(id(number)?) };
            let placed: Placed = self.call(LightMethod::Patch, route, Some(&drawn)).await?;
            return Ok(Some(placed.posted()));
        }
        let note = mark.as_ref().map(note);
        let drawn = note.as_deref().map_or(drawn.clone(), |note| with_note(drawn, note));
        let post =
            Post { message: &drawn, message_reference: None, nonce: note.as_deref(), enforce_nonce: note.as_ref().map(|_| true) };
        if let Some(person) = only_to {
            return self.tell_person(person, &post).await.map(Some);
        }
        let message_reference = thread.as_deref().map(|message_id| Reference { message_id, fail_if_not_exists: false });
        let in_channel = Post { message_reference, ..post };
        if self.conversations.contains_key(to) {
            return self.tell_person(to, &Post { message_reference: None, ..in_channel }).await.map(Some);
        }
        let route = Route::ChannelMessages { channel_id: channel(to)? };
        match self.request::<Placed>(LightMethod::Post, route, Some(&in_channel)).await {
            Ok(placed) => Ok(Some(placed.posted())),
            // A person's number looks like a channel's.
            Err(fault) if fault.code == Some(UNKNOWN_CHANNEL) => {
                match self.tell_person(to, &Post { message_reference: None, ..in_channel }).await {
                    Ok(posted) => Ok(Some(posted)),
                    Err(DeliveryError::Refused { .. }) => Err(fault.delivery),
                    Err(other) => Err(other),
                }
            }
            Err(fault) => Err(fault.delivery),
        }
    }

    async fn tell_person(&self, person: &str, post: &Post<'_>) -> Result<Posted, DeliveryError> {
        let conversation = self.conversation(person).await?;
        let route = Route::ChannelMessages { channel_id: channel(&conversation)? };
        self.call::<Placed>(LightMethod::Post, route, Some(post)).await.map(Placed::posted)
    }

    /// The channel that a person and the bot have for themselves.
    async fn conversation(&self, person: &str) -> Result<String, DeliveryError> {
        if let Some(known) = self.conversations.get(person) {
            return Ok(known);
        }
        id(person)?;
        let body = serde_json::json!({ "recipient_id": person });
        let named: Named = self.call(LightMethod::Post, Route::UserMeDmChannels, Some(&body)).await?;
        self.conversations.insert(person.to_owned(), named.id.clone());
        Ok(named.id)
    }

    /// Looks for a message of ours with this mark.
    pub async fn find_marked(
        &self,
        to: &str,
        known: Option<&str>,
        mark: &Mark,
        since: DateTime<Utc>,
    ) -> Result<Option<Posted>, DeliveryError> {
        let note = note(mark);
        let me = self.identity().await?.id.clone();
        let mut place = known.unwrap_or(to).to_owned();
        let mut before: Option<String> = None;
        let oldest = since - CLOCK_SLACK;
        for _ in 0..PAGES {
            let route = Route::ChannelMessages { channel_id: channel(&place)? };
            let mut params = vec![("limit", PAGE.to_string())];
            params.extend(before.take().map(|id| ("before", id)));
            let request = Request::new(route, LightMethod::Get).params(Some(params));
            let page: Vec<Said> = match self.fire(request, CALL_TIMEOUT).await {
                Ok(page) => page,
                Err(fault) if fault.code == Some(UNKNOWN_CHANNEL) && place == to => {
                    place = self.conversation(to).await?;
                    continue;
                }
                Err(fault) => return Err(fault.delivery),
            };
            let is_marked = |said: &Said| {
                let footers = said.embeds.iter().filter_map(|embed| embed.footer.as_ref());
                said.author.id == me
                    && (said.content.ends_with(&note) || footers.into_iter().any(|footer| footer.text.ends_with(&note)))
            };
            if let Some(found) = page.iter().find(|said| is_marked(said)) {
                return Ok(Some(Posted { channel: place, ts: found.id.clone() }));
            }
            match page.last() {
                Some(last) if page.len() == PAGE && said_at(&last.id).is_some_and(|at| at > oldest) => {
                    before = Some(last.id.clone());
                }
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Whose token it is.
    pub async fn identity(&self) -> Result<&Identity, DeliveryError> {
        self.me.get_or_try_init(|| self.call::<Identity>(LightMethod::Get, Route::UserMe, None::<&()>)).await
    }

    async fn application(&self) -> Result<ApplicationId, DeliveryError> {
        let ask = || async {
            let named: Named = self.call(LightMethod::Get, Route::Oauth2ApplicationCurrent, None::<&()>).await?;
            id(&named.id)
        };
        self.application.get_or_try_init(ask).await.map(|id| ApplicationId::new(*id))
    }

    /// The commands that Discord knows of us.
    pub async fn registered(&self) -> Result<Vec<Registered>, DeliveryError> {
        let application_id = self.application().await?;
        self.call(LightMethod::Get, Route::Commands { application_id }, None::<&()>).await
    }

    /// Puts these commands in the place of all that Discord knows of us.
    pub async fn register(&self, commands: &[Registered]) -> Result<(), DeliveryError> {
        let application_id = self.application().await?;
        let route = Route::Commands { application_id };
        self.call::<serde::de::IgnoredAny>(LightMethod::Put, route, Some(&commands)).await.map(|_| ())
    }

    /// Answers an interaction, which Discord takes once and for three seconds.
    pub async fn answer(&self, interaction: &str, token: &str, answer: &Answer) -> Result<Reachable, DeliveryError> {
        let route = Route::InteractionResponse { interaction_id: InteractionId::new(id(interaction)?), token };
        let request = Request::new(route, LightMethod::Post).body(Some(answer.body()));
        match timeout(ANSWER_TIMEOUT, self.http.request(request)).await {
            Ok(Ok(_)) => Ok(Reachable::Answered),
            Ok(Err(error)) => match fault(error) {
                Fault { code: Some(ALREADY_ANSWERED), .. } => Ok(Reachable::AnsweredElsewhere),
                fault => Err(fault.delivery),
            },
            Err(_) => Err(unreachable("an interaction's answer took too long")),
        }
    }

    /// Puts a message where the first answer is: that of a command, or the message with the component.
    pub async fn complete(&self, application: u64, token: &str, message: &DiscordMessage) -> Result<(), DeliveryError> {
        let route = Route::WebhookOriginalInteractionResponse { application_id: ApplicationId::new(application), token };
        // Whether it is for one alone was settled by the first.
        let message = DiscordMessage { flags: None, ..message.clone() };
        self.call::<serde::de::IgnoredAny>(LightMethod::Patch, route, Some(&message)).await.map(|_| ())
    }

    /// One more message behind the first answer.
    pub async fn follow_up(&self, application: u64, token: &str, message: &DiscordMessage) -> Result<(), DeliveryError> {
        let route = Route::WebhookFollowupMessages { application_id: ApplicationId::new(application), token };
        self.call::<serde::de::IgnoredAny>(LightMethod::Post, route, Some(message)).await.map(|_| ())
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: LightMethod,
        route: Route<'_>,
        body: Option<&impl Serialize>,
    ) -> Result<T, DeliveryError> {
        self.request(method, route, body).await.map_err(|fault| fault.delivery)
    }

    async fn request<T: DeserializeOwned>(
        &self,
        method: LightMethod,
        route: Route<'_>,
        body: Option<&impl Serialize>,
    ) -> Result<T, Fault> {
        let body = body.map(|body| serde_json::to_vec(body).expect("texts under text keys are JSON"));
        self.fire(Request::new(route, method).body(body), CALL_TIMEOUT).await
    }

    async fn fire<T: DeserializeOwned>(&self, request: Request<'_>, limit: Duration) -> Result<T, Fault> {
        match timeout(limit, self.http.fire(request)).await {
            Ok(answer) => answer.map_err(fault),
            Err(_) => Err(Fault { code: None, delivery: unreachable(format!("no answer within {} s", limit.as_secs())) }),
        }
    }
}

impl Answer {
    /// <https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object>.
    fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<T> {
            #[serde(rename = "type")]
            kind: u8,
            #[serde(skip_serializing_if = "Option::is_none")]
            data: Option<T>,
        }
        #[derive(Serialize)]
        struct Flags {
            flags: u64,
        }
        #[derive(Serialize)]
        struct Offered {
            choices: Vec<Offer>,
        }
        #[derive(Serialize)]
        struct Offer {
            name: String,
            value: String,
        }
        fn bytes<T: Serialize>(kind: u8, data: Option<T>) -> Vec<u8> {
            serde_json::to_vec(&Body { kind, data }).expect("texts under text keys are JSON")
        }
        match self {
            Self::Message(message) => bytes(4, Some(message)),
            Self::Later => bytes(5, Some(Flags { flags: super::wire::EPHEMERAL })),
            Self::UpdateLater => bytes(6, None::<()>),
            Self::Update(message) => bytes(7, Some(message)),
            Self::Choices(choices) => {
                // A cut value would choose something else.
                let fits = |choice: &&Choice| crate::chat::width::width(&choice.value) <= DISCORD.option_value;
                let offer = |choice: &Choice| {
                    let note = choice.note.as_deref().map(|note| format!(" – {note}")).unwrap_or_default();
                    let name = fit(&format!("{}{note}", choice.label), DISCORD.option_label).into_owned();
                    Offer { name, value: choice.value.clone() }
                };
                let choices = choices.iter().filter(fits).take(DISCORD.options).map(offer).collect();
                bytes(8, Some(Offered { choices }))
            }
            Self::Modal(modal) => bytes(9, Some(modal)),
        }
    }
}

impl Placed {
    fn posted(self) -> Posted {
        Posted { channel: self.channel_id, ts: self.id }
    }
}

fn http(api_url: &str, token: &SecretString) -> Http {
    let http = HttpBuilder::new(token.expose_secret().trim());
    if api_url == "https://discord.com" {
        return http.build();
    }
    // serenity's limiter does not know of another address: whoever listens there limits.
    http.proxy(api_url).ratelimiter_disabled(true).build()
}

/// What the same mark always comes to, short enough for Discord's nonce.
fn note(mark: &Mark) -> String {
    const DIGITS: usize = 16;
    let Mark { kind, values } = mark;
    let mut digest = Sha256::new();
    for part in std::iter::once(kind).chain(values.iter().flat_map(|(key, value)| [key, value])) {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    format!("ref {}", &hex::encode(digest.finalize())[..DIGITS])
}

/// An id's first bits are when it was made: <https://discord.com/developers/docs/reference#snowflakes>.
fn said_at(id: &str) -> Option<DateTime<Utc>> {
    const EPOCH_MILLIS: i64 = 1_420_070_400_000;
    let millis = i64::try_from(id.parse::<u64>().ok()? >> 22).ok()?;
    DateTime::from_timestamp_millis(millis + EPOCH_MILLIS)
}

fn id(text: &str) -> Result<u64, DeliveryError> {
    let parsed = text.parse::<u64>().ok().filter(|id| *id > 0 && is_id(text));
    parsed.ok_or_else(|| refused(format!("{} is no id of Discord's", fit(text, 60))))
}

fn channel(text: &str) -> Result<ChannelId, DeliveryError> {
    id(text).map(ChannelId::new)
}

/// Why a call failed.
struct Fault {
    /// What Discord calls it.
    code: Option<isize>,
    delivery: DeliveryError,
}

/// The library's own words hold addresses with tokens, which are secrets: only codes and Discord's words are passed on.
fn fault(error: serenity::Error) -> Fault {
    let serenity::Error::Http(HttpError::UnsuccessfulRequest(answer)) = error else {
        let reason = match error {
            serenity::Error::Http(_) => "the connection failed",
            serenity::Error::Json(_) => "the answer could not be read",
            _ => "the call could not be made",
        };
        return Fault { code: None, delivery: unreachable(reason) };
    };
    let (status, said) = (answer.status_code, &answer.error);
    let words = format!("{} ({})", fit(&said.message, 200), said.code);
    let delivery = match status {
        StatusCode::TOO_MANY_REQUESTS => {
            DeliveryError::Limited { platform: Platform::Discord.as_str(), retry_after: LIMITED_FOR }
        }
        StatusCode::UNAUTHORIZED => refused("the token is not valid".to_owned()),
        status if status.is_client_error() => refused(words),
        status => unreachable(format!("HTTP {}", status.as_u16())),
    };
    Fault { code: Some(said.code), delivery }
}

fn refused(reason: String) -> DeliveryError {
    DeliveryError::Refused { platform: Platform::Discord.as_str(), reason }
}

fn unreachable(reason: impl Into<String>) -> DeliveryError {
    DeliveryError::Unreachable { platform: Platform::Discord.as_str(), reason: reason.into() }
}
