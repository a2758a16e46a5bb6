//! Slack's payloads to our own [`Request`]. Must not fail on what Slack adds later: unknown types, fields of odd
//! shapes and a null team (Enterprise Grid) are passed over.
//!
//! slack-morphism's interaction types are a strict enum that refuses all of these and drops some selected values, so
//! the few fields needed are read into small structs of our own.

mod payload;

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::response_url::ResponseUrl;
use crate::chat::{Account, Act, FormState, Place, Platform, Request, Submission, Value};

use payload::{Action, Payload, StateValue, View};

/// The command under which all others can be reached, where another app has taken their names.
pub const UMBRELLA: &str = "steward";

/// `action_id` of the button that goes back a page in a form.
pub(super) const BACK: &str = "back";
/// Prefix of the `action_id` of buttons whose value is a command line; a number follows.
pub(super) const SAY: &str = "say-";
/// Prefix of the `action_id` of buttons that only open an address. Slack tells us of those too.
pub(super) const OPEN: &str = "open-";

/// What came in.
#[derive(Debug)]
pub enum Parsed {
    Act(Box<Incoming>),
    /// A form's own state could not be read: it was drawn by a version that wrote it otherwise.
    LostForm {
        way: Way,
        route: Box<ReplyRoute>,
    },
    /// Nothing for us to do: a type or an action that is not ours. Holds its name for the log.
    PassedOver(String),
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
}

impl Way {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Press => "press",
            Self::Submit => "submit",
            Self::Suggest => "suggest",
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
    /// The thread in which the message with the button stands.
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
        let field = match key.as_ref() {
            "command" => &mut fields.command,
            "text" => &mut fields.text,
            "user_id" => &mut fields.user_id,
            "user_name" => &mut fields.user_name,
            "channel_id" => &mut fields.channel_id,
            "channel_name" => &mut fields.channel_name,
            "response_url" => &mut fields.response_url,
            "trigger_id" => &mut fields.trigger_id,
            // Slack asks now and then whether our certificate is good; it wants a 200.
            "ssl_check" if value == "1" => return Ok(Parsed::PassedOver("ssl_check".to_owned())),
            _ => continue,
        };
        *field = value;
    }
    fields.read()
}

#[derive(Default)]
struct CommandFields<'a> {
    command: Cow<'a, str>,
    text: Cow<'a, str>,
    user_id: Cow<'a, str>,
    user_name: Cow<'a, str>,
    channel_id: Cow<'a, str>,
    channel_name: Cow<'a, str>,
    response_url: Cow<'a, str>,
    trigger_id: Cow<'a, str>,
}

impl CommandFields<'_> {
    fn read(self) -> Result<Parsed, Unreadable> {
        let name = self.command.trim().trim_start_matches('/');
        if name.is_empty() || self.user_id.is_empty() {
            return Err(Unreadable("slash command"));
        }
        let text = self.text.trim();
        let line = match (name == UMBRELLA, text.is_empty()) {
            (true, _) => text.to_owned(),
            (false, true) => name.to_owned(),
            (false, false) => format!("{name} {text}"),
        };
        let request = Request {
            account: account(self.user_id.into_owned(), self.user_name.into_owned()),
            place: place(self.channel_id.into_owned(), self.channel_name.into_owned()),
            act: Act::Say { line },
            delivery: None,
        };
        let route = ReplyRoute {
            response_url: ResponseUrl::parse(&self.response_url),
            trigger_id: filled(self.trigger_id.into_owned()),
            ..ReplyRoute::default()
        };
        Ok(Parsed::Act(Box::new(Incoming { request, route, way: Way::Command })))
    }
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
        "" => Err(Unreadable("interaction")),
        // Closing a form changes nothing, and shortcuts are not offered by the manifest.
        other => Ok(Parsed::PassedOver(other.to_owned())),
    }
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
    let Some(form) = payload.view.as_ref().and_then(|view| filled(view.callback_id.clone())) else {
        return Parsed::PassedOver("block_suggestion outside a form".to_owned());
    };
    let act = Act::Complete { form, field: payload.action_id.clone(), typed: payload.value.clone() };
    incoming(payload, act, Way::Suggest)
}

fn incoming(payload: Payload, act: Act, way: Way) -> Parsed {
    if payload.user.id.is_empty() {
        return Parsed::PassedOver(format!("{} by nobody", payload.kind));
    }
    let route = route(&payload);
    let name = [payload.user.username, payload.user.name].into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let request = Request {
        account: account(payload.user.id, name),
        place: place(filled(payload.channel.id).unwrap_or(payload.container.channel_id), payload.channel.name),
        act,
        delivery: None,
    };
    Parsed::Act(Box::new(Incoming { request, route, way }))
}

fn route(payload: &Payload) -> ReplyRoute {
    let pressed = (payload.container.kind == "message").then_some(match payload.container.is_ephemeral {
        true => PressedMessage::Ephemeral,
        false => PressedMessage::Public,
    });
    ReplyRoute {
        response_url: ResponseUrl::parse(&payload.response_url),
        trigger_id: filled(payload.trigger_id.clone()),
        view: payload
            .view
            .as_ref()
            .filter(|view| !view.id.is_empty())
            .map(|view| ShownView { id: view.id.clone(), hash: filled(view.hash.clone()) }),
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
