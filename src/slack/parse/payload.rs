//! The fields of Slack's interaction payloads that are used, each of them optional.
//! Must not refuse a payload for a field: one of an unexpected shape counts as absent.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::value::RawValue;

/// An interaction of any type.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Payload {
    #[serde(rename = "type", deserialize_with = "lenient")]
    pub kind: String,
    #[serde(deserialize_with = "lenient")]
    pub user: User,
    #[serde(deserialize_with = "lenient")]
    pub channel: Channel,
    #[serde(deserialize_with = "lenient")]
    pub container: Container,
    #[serde(deserialize_with = "lenient")]
    pub trigger_id: String,
    #[serde(deserialize_with = "lenient")]
    pub response_url: String,
    #[serde(deserialize_with = "lenient_list")]
    pub actions: Vec<Action>,
    #[serde(deserialize_with = "lenient")]
    pub view: Option<View>,
    /// Of `block_suggestion`: the field that is typed in.
    #[serde(deserialize_with = "lenient")]
    pub action_id: String,
    /// Of `block_suggestion`: what was typed.
    #[serde(deserialize_with = "lenient")]
    pub value: String,
    /// Of a shortcut: which.
    #[serde(deserialize_with = "lenient")]
    pub callback_id: String,
    /// Of `message_action`: the message, whatever it is made of.
    #[serde(deserialize_with = "lenient")]
    pub message: serde_json::Value,
}

/// A slash command's fields, the same in a form and in JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CommandFields {
    #[serde(deserialize_with = "lenient")]
    pub command: String,
    #[serde(deserialize_with = "lenient")]
    pub text: String,
    #[serde(deserialize_with = "lenient")]
    pub user_id: String,
    #[serde(deserialize_with = "lenient")]
    pub user_name: String,
    #[serde(deserialize_with = "lenient")]
    pub channel_id: String,
    #[serde(deserialize_with = "lenient")]
    pub channel_name: String,
    #[serde(deserialize_with = "lenient")]
    pub response_url: String,
    #[serde(deserialize_with = "lenient")]
    pub trigger_id: String,
}

impl CommandFields {
    pub fn set(&mut self, key: &str, value: &str) {
        let field = match key {
            "command" => &mut self.command,
            "text" => &mut self.text,
            "user_id" => &mut self.user_id,
            "user_name" => &mut self.user_name,
            "channel_id" => &mut self.channel_id,
            "channel_name" => &mut self.channel_name,
            "response_url" => &mut self.response_url,
            "trigger_id" => &mut self.trigger_id,
            _ => return,
        };
        value.clone_into(field);
    }
}

/// What the Events API sends, of any type.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Callback {
    #[serde(rename = "type", deserialize_with = "lenient")]
    pub kind: String,
    #[serde(deserialize_with = "lenient")]
    pub challenge: String,
    #[serde(deserialize_with = "lenient")]
    pub event_id: String,
    #[serde(deserialize_with = "lenient")]
    pub api_app_id: String,
    #[serde(deserialize_with = "lenient_list")]
    pub authorizations: Vec<Authorization>,
    #[serde(deserialize_with = "lenient")]
    pub event: Event,
}

/// As whom the event is seen.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Authorization {
    #[serde(deserialize_with = "lenient")]
    pub user_id: String,
    #[serde(deserialize_with = "lenient")]
    pub is_bot: bool,
}

/// The fields of all the events that are used.
/// Ids of those whose tokens are gone.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tokens {
    #[serde(deserialize_with = "lenient")]
    pub bot: Vec<serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Event {
    #[serde(rename = "type", deserialize_with = "lenient")]
    pub kind: String,
    #[serde(deserialize_with = "lenient")]
    pub subtype: String,
    /// Which tokens were revoked.
    #[serde(deserialize_with = "lenient")]
    pub tokens: Tokens,
    #[serde(deserialize_with = "lenient")]
    pub user: String,
    #[serde(deserialize_with = "lenient")]
    pub bot_id: String,
    #[serde(deserialize_with = "lenient")]
    pub app_id: String,
    #[serde(deserialize_with = "lenient")]
    pub text: String,
    #[serde(deserialize_with = "lenient")]
    pub channel: String,
    #[serde(deserialize_with = "lenient")]
    pub channel_type: String,
    #[serde(deserialize_with = "lenient")]
    pub ts: String,
    #[serde(deserialize_with = "lenient")]
    pub thread_ts: String,
    /// There once the message was changed.
    #[serde(deserialize_with = "lenient")]
    pub edited: serde_json::Value,
    /// Of `app_home_opened`.
    #[serde(deserialize_with = "lenient")]
    pub tab: String,
    /// Of `link_shared`.
    #[serde(deserialize_with = "lenient_list")]
    pub links: Vec<SharedLink>,
    #[serde(deserialize_with = "lenient")]
    pub message_ts: String,
    #[serde(deserialize_with = "lenient")]
    pub unfurl_id: String,
    #[serde(deserialize_with = "lenient")]
    pub source: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SharedLink {
    #[serde(deserialize_with = "lenient")]
    pub url: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct User {
    #[serde(deserialize_with = "lenient")]
    pub id: String,
    #[serde(deserialize_with = "lenient")]
    pub username: String,
    #[serde(deserialize_with = "lenient")]
    pub name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Channel {
    #[serde(deserialize_with = "lenient")]
    pub id: String,
    #[serde(deserialize_with = "lenient")]
    pub name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Container {
    #[serde(rename = "type", deserialize_with = "lenient")]
    pub kind: String,
    #[serde(deserialize_with = "lenient")]
    pub channel_id: String,
    #[serde(deserialize_with = "lenient")]
    pub thread_ts: String,
    #[serde(deserialize_with = "lenient")]
    pub is_ephemeral: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Action {
    #[serde(deserialize_with = "lenient")]
    pub action_id: String,
    #[serde(deserialize_with = "lenient")]
    pub value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct View {
    /// `modal` or `home`.
    #[serde(rename = "type", deserialize_with = "lenient")]
    pub kind: String,
    #[serde(deserialize_with = "lenient")]
    pub id: String,
    #[serde(deserialize_with = "lenient")]
    pub hash: String,
    #[serde(deserialize_with = "lenient")]
    pub callback_id: String,
    #[serde(deserialize_with = "lenient")]
    pub private_metadata: String,
    #[serde(deserialize_with = "lenient")]
    pub state: State,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct State {
    /// By block, then by action.
    #[serde(deserialize_with = "lenient")]
    pub values: BTreeMap<String, BTreeMap<String, StateValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StateValue {
    #[serde(rename = "type", deserialize_with = "lenient")]
    pub kind: String,
    #[serde(deserialize_with = "lenient")]
    pub value: String,
    #[serde(deserialize_with = "lenient")]
    pub selected_option: Chosen,
    #[serde(deserialize_with = "lenient_list")]
    pub selected_options: Vec<Chosen>,
    #[serde(deserialize_with = "lenient")]
    pub selected_date: String,
    #[serde(deserialize_with = "lenient")]
    pub selected_time: String,
    #[serde(deserialize_with = "lenient")]
    pub selected_user: String,
    #[serde(deserialize_with = "lenient_list")]
    pub selected_users: Vec<String>,
    #[serde(deserialize_with = "lenient")]
    pub selected_channel: String,
    #[serde(deserialize_with = "lenient_list")]
    pub selected_channels: Vec<String>,
    #[serde(deserialize_with = "lenient")]
    pub selected_conversation: String,
    #[serde(deserialize_with = "lenient_list")]
    pub selected_conversations: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chosen {
    #[serde(deserialize_with = "lenient")]
    pub value: String,
}

/// A value of another shape than expected, `null` above all, is as good as none.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).unwrap_or_default())
}

/// One odd item does not lose the others.
fn lenient_list<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let items: Vec<Box<RawValue>> = lenient(deserializer)?;
    Ok(items.iter().filter_map(|raw| serde_json::from_str(raw.get()).ok()).collect())
}
