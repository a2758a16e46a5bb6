//! What somebody does at Discord, as the gateway tells it, and what they then see.

use std::time::Instant;

use serde_json::{Value, json};

use super::{APPLICATION, CHANNEL, FakeDiscord, GUILD, Interaction, check, rest::conversation_with};

/// Where interactions are begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    Channel,
    Direct,
}

fn user(id: &str) -> Value {
    json!({ "id": id, "username": "somebody", "global_name": "Somebody", "discriminator": "0", "avatar": null })
}

fn member(id: &str) -> Value {
    json!({
        "user": user(id), "nick": null, "roles": [], "joined_at": "2026-01-01T00:00:00Z", "deaf": false, "mute": false,
        "flags": 0, "permissions": "2147483647", "avatar": null,
    })
}

impl FakeDiscord {
    /// Begins an interaction; gives its number.
    fn begin(&self, person: &str, place: Where, kind: u64, data: Value, on: Option<Value>) -> String {
        let (id, token) = {
            let mut model = self.model();
            let id = model.id();
            let token = format!("token-{id}");
            let interaction = Interaction {
                token: token.clone(),
                begun: Instant::now(),
                first: None,
                answers: 0,
                shown: None,
                followed: Vec::new(),
                on: on.clone(),
            };
            model.interactions.insert(id.clone(), interaction);
            (id, token)
        };
        let mut event = json!({
            "id": id, "application_id": APPLICATION.to_string(), "type": kind, "token": token, "version": 1, "data": data,
            "locale": "en-GB", "entitlements": [], "authorizing_integration_owners": {}, "attachment_size_limit": 10_485_760,
            "app_permissions": "2147483647",
        });
        match place {
            Where::Channel => {
                event["guild_id"] = GUILD.into();
                event["channel_id"] = CHANNEL.into();
                event["channel"] = json!({ "id": CHANNEL, "name": "incidents", "type": 0 });
                event["member"] = member(person);
                event["context"] = 0.into();
            }
            Where::Direct => {
                event["channel_id"] = conversation_with(person).into();
                event["channel"] = json!({ "id": conversation_with(person), "type": 1 });
                event["user"] = user(person);
                event["context"] = 1.into();
            }
        }
        if let Some(on) = on {
            event["message"] = on;
        }
        self.dispatch("INTERACTION_CREATE", event);
        id
    }

    /// Uses a command with these options; gives the interaction's number.
    pub fn command(&self, person: &str, name: &str, options: &[(&str, Value)]) -> String {
        self.begin(person, Where::Channel, 2, command(name, options), None)
    }

    /// What an option offers for what is typed.
    pub async fn complete(&self, person: &str, name: &str, option: &str, typed: &str) -> Vec<Value> {
        let mut data = command(name, &[(option, typed.into())]);
        data["options"][0]["focused"] = true.into();
        let id = self.begin(person, Where::Channel, 4, data, None);
        let (first, _) = self.first(&id).await;
        assert_eq!(first["type"], 8, "{first}");
        first["data"]["choices"].as_array().cloned().unwrap_or_default()
    }

    /// Presses the button with this label.
    pub fn press(&self, person: &str, message: &Value, label: &str) -> String {
        let button = check::button(message, label);
        let data = json!({ "custom_id": button["custom_id"], "component_type": 2 });
        self.begin(person, Where::Channel, 3, data, Some(message.clone()))
    }

    /// Chooses from a menu by the words of its options.
    pub fn choose(&self, person: &str, message: &Value, menu: &str, labels: &[&str]) -> String {
        let found = check::parts(message).into_iter().find(|part| part["type"] == 3 && part["placeholder"] == menu);
        let menu = found.unwrap_or_else(|| panic!("no menu {menu} in {message:#}"));
        let options = menu["options"].as_array().unwrap();
        let value = |label: &&str| {
            let option = options.iter().find(|option| option["label"] == *label);
            option.unwrap_or_else(|| panic!("no option {label} in {menu:#}"))["value"].clone()
        };
        let values: Vec<Value> = labels.iter().map(value).collect();
        let data = json!({ "custom_id": menu["custom_id"], "component_type": 3, "values": values });
        self.begin(person, Where::Channel, 3, data, Some(message.clone()))
    }

    /// Sends a modal that a press on `message` has opened, with these answers by the inputs' labels.
    pub fn send_modal(&self, person: &str, message: &Value, modal: &Value, answers: &[(&str, &str)]) -> String {
        let rows = modal["components"].as_array().unwrap().iter().map(|row| {
            let input = &row["components"][0];
            let given = answers.iter().find(|(label, _)| input["label"] == *label).map(|(_, answer)| (*answer).to_owned());
            let value = given.unwrap_or_else(|| input["value"].as_str().unwrap_or_default().to_owned());
            json!({ "type": 1, "components": [{ "type": 4, "custom_id": input["custom_id"], "value": value }] })
        });
        let data = json!({ "custom_id": modal["custom_id"], "components": rows.collect::<Vec<_>>() });
        self.begin(person, Where::Channel, 5, data, Some(message.clone()))
    }

    /// Says something in the channel, or to the bot alone; gives the message's number.
    pub fn say(&self, person: &str, place: Where, text: &str, more: Value) -> String {
        let id = self.model().id();
        let mut message = json!({
            "id": id, "author": user(person), "content": text, "timestamp": "2026-11-21T09:00:00Z", "edited_timestamp": null,
            "tts": false, "mention_everyone": false, "mentions": [], "mention_roles": [], "attachments": [], "embeds": [],
            "pinned": false, "type": 0, "components": [],
        });
        match place {
            Where::Channel => {
                message["channel_id"] = CHANNEL.into();
                message["guild_id"] = GUILD.into();
            }
            Where::Direct => message["channel_id"] = conversation_with(person).into(),
        }
        for (key, value) in more.as_object().into_iter().flatten() {
            message[key.as_str()] = value.clone();
        }
        self.dispatch("MESSAGE_CREATE", message);
        id
    }

    /// The first answer to an interaction, and that it came in time.
    pub async fn first(&self, id: &str) -> (Value, bool) {
        let (first, took) = self
            .until("an interaction is answered", |model| model.interactions.get(id).and_then(|found| found.first.clone()))
            .await;
        (first, took.as_secs() < 3)
    }

    /// The message that an interaction shows.
    pub async fn shown(&self, id: &str) -> Value {
        let (first, in_time) = self.first(id).await;
        assert!(in_time, "{first} came too late");
        self.until("a message is shown", |model| model.interactions.get(id).and_then(|found| found.shown.clone())).await
    }

    /// The modal that an interaction opens.
    pub async fn modal(&self, id: &str) -> Value {
        let (first, _) = self.first(id).await;
        assert_eq!(first["type"], 9, "{first}");
        first["data"].clone()
    }

    /// The messages of a channel, of one person's conversation with the bot.
    pub fn told(&self, channel: &str) -> Vec<Value> {
        self.model().messages.get(channel).cloned().unwrap_or_default()
    }

    pub fn conversation(person: &str) -> String {
        conversation_with(person)
    }
}

fn command(name: &str, options: &[(&str, Value)]) -> Value {
    let options: Vec<Value> = options
        .iter()
        .map(|(name, value)| json!({ "name": name, "type": if value.is_number() { 4 } else { 3 }, "value": value }))
        .collect();
    json!({ "id": "1187000000000000009", "name": name, "type": 1, "options": options })
}
