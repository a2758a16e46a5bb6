//! Slack's payloads to our own [`Request`]. Must not fail on what Slack adds later: unknown types, fields of odd
//! shapes and a null team (Enterprise Grid) are passed over.
//!
//! slack-morphism's interaction types are a strict enum that refuses all of these and drops some selected values, so
//! the few fields needed are read into small structs of our own.

mod event;
mod payload;
mod texts;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use super::response_url::ResponseUrl;
use crate::chat::{Account, Act, FormState, Place, Platform, Request, Submission, Value};

use payload::{Action, CommandFields, Payload, StateValue, View};

pub use event::{LinksAt, SharedLinks, parse_event};

/// The command under which all others can be reached, where another app has taken their names.
pub const UMBRELLA: &str = "steward";

/// `action_id` of the button that goes back a page in a form.
pub(super) const BACK: &str = "back";
/// Prefix of the `action_id` of buttons whose value is a command line; a number follows.
pub(super) const SAY: &str = "say-";
/// Prefix of the `action_id` of buttons that only open an address. Slack tells us of those too.
pub(super) const OPEN: &str = "open-";

/// `callback_id` of the shortcut on a message.
pub(super) const WHO_OWNS_THIS: &str = "who_owns_this";
/// `callback_id` of the shortcut that starts something new.
pub(super) const NEW_SERVICE: &str = "new_service";

/// Slack's numbers of deliveries have 60 characters at most.
const LONGEST_NUMBER: usize = 200;

/// The command that the global shortcut stands for.
const NEW: &str = "new";

/// `type` of the view that a person's home page is.
const HOME: &str = "home";

/// What came in.
#[derive(Debug)]
pub enum Parsed {
    Act(Box<Incoming>),
    /// Somebody posted addresses that we may say more about.
    Links(Box<SharedLinks>),
    /// Slack asks whether the address is ours; it wants this word back.
    Challenge(String),
    /// Slack took our rights away: what it calls that.
    Revoked(String),
    /// A form's own state could not be read: it was drawn by a version that wrote it otherwise.
    LostForm {
        way: Way,
        route: Box<ReplyRoute>,
    },
    /// Nothing for us to do: a type or an action that is not ours. Holds its name for the log.
    PassedOver(String),
}

impl Parsed {
    /// Where Slack gave the act no number of its own, the transport's number of the delivery stands for it.
    #[must_use]
    pub fn or_numbered(mut self, delivery: &str) -> Self {
        let number = || number(delivery, &[]);
        match &mut self {
            Self::Act(incoming) => incoming.request.delivery = incoming.request.delivery.take().or_else(number),
            Self::Links(links) => links.delivery = links.delivery.take().or_else(number),
            Self::Challenge(_) | Self::Revoked(_) | Self::LostForm { .. } | Self::PassedOver(_) => {}
        }
        self
    }
}

/// An act with the way its answer goes.
#[derive(Debug)]
pub struct Incoming {
    pub request: Request,
    pub route: ReplyRoute,
    pub way: Way,
}

/// How it came in, which decides what Slack takes for an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A slash command: the answer may be the acknowledgement.
    Command,
    /// A button: acknowledged empty, answered afterwards.
    Press,
    /// A form page: errors and the next page *are* the acknowledgement.
    Submit,
    /// Typeahead: the options *are* the acknowledgement.
    Suggest,
    /// A shortcut: acknowledged empty, answered by a modal.
    Shortcut,
    /// Words in a mention or a direct message: acknowledged empty, answered by a message where they stand.
    Words,
    /// Somebody opened their home page: acknowledged empty, and the page is published.
    Visit,
}

impl Way {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Press => "press",
            Self::Submit => "submit",
            Self::Suggest => "suggest",
            Self::Shortcut => "shortcut",
            Self::Words => "words",
            Self::Visit => "visit",
        }
    }
}

/// Where an answer can go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplyRoute {
    /// Good for 5 messages within 30 minutes.
    pub response_url: Option<ResponseUrl>,
    /// Opens one form, within 3 seconds.
    pub trigger_id: Option<String>,
    /// The form that is shown.
    pub view: Option<ShownView>,
    /// The conversation in which it was done, and by whom.
    pub channel_id: Option<String>,
    pub asker: Option<Account>,
    /// The thread in which the message with the button stands, or in which words are answered.
    pub thread_ts: Option<String>,
    /// Whether that message is seen by the asker alone.
    pub pressed: Option<PressedMessage>,
}

/// A view on somebody's screen; `hash` guards against replacing a newer one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownView {
    pub id: String,
    pub hash: Option<String>,
}

/// Who sees the message whose button was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PressedMessage {
    Ephemeral,
    Public,
}

/// A body that is not what Slack sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is not a Slack {0}")]
pub struct Unreadable(pub &'static str);

/// What a form carries in `private_metadata`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Carried<S> {
    #[serde(rename = "p", default)]
    pub page: usize,
    #[serde(rename = "f")]
    pub state: S,
}

/// A slash command's body, `application/x-www-form-urlencoded`.
pub fn parse_command(body: &[u8]) -> Result<Parsed, Unreadable> {
    let mut fields = CommandFields::default();
    for (key, value) in form_urlencoded::parse(body) {
        // Slack asks now and then whether our certificate is good; it wants a 200.
        if key == "ssl_check" && value == "1" {
            return Ok(Parsed::PassedOver("ssl_check".to_owned()));
        }
        fields.set(&key, &value);
    }
    read_command(fields)
}

/// A slash command as a socket brings it.
pub fn parse_command_json(json: &str) -> Result<Parsed, Unreadable> {
    read_command(serde_json::from_str(json).map_err(|_| Unreadable("slash command"))?)
}

fn read_command(fields: CommandFields) -> Result<Parsed, Unreadable> {
    let name = fields.command.trim().trim_start_matches('/');
    if name.is_empty() || fields.user_id.is_empty() {
        return Err(Unreadable("slash command"));
    }
    let text = fields.text.trim();
    let line = match (name == UMBRELLA, text.is_empty()) {
        (true, _) => text.to_owned(),
        (false, true) => name.to_owned(),
        (false, false) => format!("{name} {text}"),
    };
    let delivery = number(&fields.trigger_id, &[&fields.user_id, &line]);
    let asker = account(fields.user_id, fields.user_name);
    let channel_id = filled(fields.channel_id.clone());
    let request = Request {
        account: asker.clone(),
        place: place(fields.channel_id, fields.channel_name),
        act: Act::Say { line },
        delivery,
    };
    let route = ReplyRoute {
        response_url: ResponseUrl::parse(&fields.response_url),
        trigger_id: filled(fields.trigger_id),
        channel_id,
        asker: Some(asker),
        ..ReplyRoute::default()
    };
    Ok(Parsed::Act(Box::new(Incoming { request, route, way: Way::Command })))
}

/// An interaction's body: one form field `payload` that holds JSON.
pub fn parse_interaction(body: &[u8]) -> Result<Parsed, Unreadable> {
    let payload = form_urlencoded::parse(body).find(|(key, _)| key == "payload").ok_or(Unreadable("interaction"))?.1;
    parse_payload(&payload)
}

/// An interaction's JSON, the same on every transport.
pub fn parse_payload(json: &str) -> Result<Parsed, Unreadable> {
    let payload: Payload = serde_json::from_str(json).map_err(|_| Unreadable("interaction"))?;
    match payload.kind.as_str() {
        "block_actions" => Ok(press(payload)),
        "view_submission" => Ok(submit(payload)),
        "block_suggestion" => Ok(suggest(payload)),
        "message_action" | "shortcut" => Ok(shortcut(payload)),
        "" => Err(Unreadable("interaction")),
        // Closing a form changes nothing.
        other => Ok(Parsed::PassedOver(other.to_owned())),
    }
}

fn shortcut(payload: Payload) -> Parsed {
    let act = match (payload.kind.as_str(), payload.callback_id.as_str()) {
        ("message_action", WHO_OWNS_THIS) => Act::Inspect { texts: texts::texts_of(&payload.message) },
        ("shortcut", NEW_SERVICE) => Act::Say { line: NEW.to_owned() },
        (kind, other) => return Parsed::PassedOver(format!("{kind} {other}")),
    };
    incoming(payload, act, Way::Shortcut)
}

fn press(payload: Payload) -> Parsed {
    let Some(action) = payload.actions.iter().find(|action| action.is_ours()) else {
        let ids: Vec<&str> = payload.actions.iter().map(|action| action.action_id.as_str()).collect();
        return Parsed::PassedOver(format!("block_actions {}", ids.join(" ")));
    };
    let act = if action.action_id == BACK {
        match payload.view.as_ref().and_then(submission) {
            Some(submission) => Act::Back(submission),
            None => return Parsed::LostForm { way: Way::Press, route: Box::new(route(&payload)) },
        }
    } else {
        Act::Press { line: action.value.clone() }
    };
    incoming(payload, act, Way::Press)
}

fn submit(payload: Payload) -> Parsed {
    match payload.view.as_ref().and_then(submission) {
        Some(submission) => incoming(payload, Act::Submit(submission), Way::Submit),
        None => Parsed::LostForm { way: Way::Submit, route: Box::new(route(&payload)) },
    }
}

fn suggest(payload: Payload) -> Parsed {
    // Slack shows a fault where no options come: for a form that is not ours there are none.
    let form = payload.view.as_ref().map(|view| view.callback_id.clone()).unwrap_or_default();
    let subject = payload.view.as_ref().and_then(submission).map(|shown| shown.state.subject).unwrap_or_default();
    let act = Act::Complete { form, subject, field: payload.action_id.clone(), typed: payload.value.clone() };
    incoming(payload, act, Way::Suggest)
}

fn incoming(payload: Payload, act: Act, way: Way) -> Parsed {
    if payload.user.id.is_empty() {
        return Parsed::PassedOver(format!("{} by nobody", payload.kind));
    }
    let route = route(&payload);
    let delivery = delivery(&payload, &act);
    let name = [payload.user.username, payload.user.name].into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let request = Request {
        account: account(payload.user.id, name),
        place: place(filled(payload.channel.id).unwrap_or(payload.container.channel_id), payload.channel.name),
        act,
        delivery,
    };
    Parsed::Act(Box::new(Incoming { request, route, way }))
}

/// A view's hash does not change when a page comes back with errors, so a page without a trigger is known by what was
/// entered on it as well.
fn delivery(payload: &Payload, act: &Act) -> Option<String> {
    let view = payload.view.as_ref();
    let shown = || view.filter(|view| !view.id.is_empty()).map(|view| format!("{}.{}", view.id, view.hash)).unwrap_or_default();
    let own = if payload.trigger_id.is_empty() { shown() } else { payload.trigger_id.clone() };
    let what = match act {
        Act::Say { line } | Act::Press { line } | Act::Ask { text: line } => line.clone(),
        // Its values are sorted by name, so that the same page reads the same.
        Act::Submit(page) | Act::Back(page) => format!("{page:?}"),
        Act::Inspect { texts } => texts.concat(),
        Act::Visit | Act::Complete { .. } => String::new(),
    };
    number(&own, &[&payload.kind, &payload.user.id, &what])
}

/// Slack's own number with a digest of what was done: where something in between uses a number again, another act is
/// not taken for the first.
fn number(own: &str, what: &[&str]) -> Option<String> {
    let own = filled(own.to_owned())?;
    let mut digest = Sha256::new();
    for part in what {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    let digest = hex::encode(&digest.finalize()[..8]);
    // A number of this length is nobody's, and it becomes a key.
    let own: String = own.chars().take(LONGEST_NUMBER).collect();
    Some(format!("{own}:{digest}"))
}

fn route(payload: &Payload) -> ReplyRoute {
    let pressed = (payload.container.kind == "message").then_some(match payload.container.is_ephemeral {
        true => PressedMessage::Ephemeral,
        false => PressedMessage::Public,
    });
    // A home page is not replaced by an answer: that opens beside it.
    let view = payload.view.as_ref().filter(|view| !view.id.is_empty() && view.kind != HOME);
    ReplyRoute {
        response_url: ResponseUrl::parse(&payload.response_url),
        trigger_id: filled(payload.trigger_id.clone()),
        view: view.map(|view| ShownView { id: view.id.clone(), hash: filled(view.hash.clone()) }),
        channel_id: [&payload.channel.id, &payload.container.channel_id].into_iter().find(|id| !id.is_empty()).cloned(),
        asker: filled(payload.user.id.clone()).map(|id| account(id, String::new())),
        thread_ts: filled(payload.container.thread_ts.clone()),
        pressed,
    }
}

fn submission(view: &View) -> Option<Submission> {
    let form = filled(view.callback_id.clone())?;
    let carried: Carried<FormState> = serde_json::from_str(&view.private_metadata).ok()?;
    let mut values = BTreeMap::new();
    for fields in view.state.values.values() {
        for (name, value) in fields {
            values.insert(name.clone(), answer(value));
        }
    }
    Some(Submission { form, page: carried.page, state: carried.state, values })
}

/// What a person entered. An emptied field is an empty answer, so that it wins over the one it replaces.
fn answer(value: &StateValue) -> Value {
    match value.kind.as_str() {
        "checkboxes" | "multi_static_select" | "multi_external_select" => {
            Value::Many(value.selected_options.iter().map(|option| option.value.clone()).collect())
        }
        "multi_users_select" => Value::Many(value.selected_users.clone()),
        "multi_channels_select" => Value::Many(value.selected_channels.clone()),
        "multi_conversations_select" => Value::Many(value.selected_conversations.clone()),
        // One answer each, in the one field that the element's type fills.
        _ => Value::Text(
            [
                &value.value,
                &value.selected_option.value,
                &value.selected_date,
                &value.selected_time,
                &value.selected_user,
                &value.selected_channel,
                &value.selected_conversation,
            ]
            .into_iter()
            .find(|text| !text.is_empty())
            .cloned()
            .unwrap_or_default(),
        ),
    }
}

impl Action {
    fn is_ours(&self) -> bool {
        self.action_id == BACK || (self.action_id.starts_with(SAY) && !self.value.is_empty())
    }
}

fn account(id: String, name: String) -> Account {
    let name = if name.is_empty() { id.clone() } else { name };
    Account { platform: Platform::Slack, id, name }
}

fn place(channel_id: String, channel_name: String) -> Option<Place> {
    Some(Place { channel_id: filled(channel_id)?, channel_name: filled(channel_name) })
}

fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
