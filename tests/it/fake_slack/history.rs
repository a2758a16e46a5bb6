//! What was said where, as Slack gives it to who may read it; and a Slack that now and then loses, delays and fails.

use std::time::Duration;

use axum::{
    Json,
    body::Body,
    response::{IntoResponse, Response},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use super::{Model, refused};

/// What becomes of a call, for a share of them in percent.
pub struct Chaos {
    chance: StdRng,
    /// Refused with a fault of Slack's own, and not carried out.
    pub fails: u32,
    /// Carried out, and the answer is lost.
    pub loses: u32,
    /// Carried out late.
    pub delays: u32,
    pub longest_delay: Duration,
    pub limits: u32,
}

/// How one call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Well,
    Fails(u16),
    Code(&'static str),
    Limited,
    /// Done, and answered so.
    DoneBut(u16),
    /// Done, and the connection breaks.
    DoneAndCut,
    Late(Duration),
}

impl Chaos {
    pub fn new(seed: u64, longest_delay: Duration) -> Self {
        Self { chance: StdRng::seed_from_u64(seed), fails: 5, loses: 6, delays: 5, longest_delay, limits: 4 }
    }

    fn fate(&mut self) -> Fate {
        let dice = self.chance.random_range(0..100);
        let Self { fails, loses, delays, limits, .. } = *self;
        let even = dice % 2 == 0;
        if dice < fails {
            if even { Fate::Fails(503) } else { Fate::Code("internal_error") }
        } else if dice < fails + loses {
            if even { Fate::DoneBut(502) } else { Fate::DoneAndCut }
        } else if dice < fails + loses + delays {
            Fate::Late(self.longest_delay.mul_f64(self.chance.random_range(0.2..1.0)))
        } else if dice < fails + loses + delays + limits {
            Fate::Limited
        } else {
            Fate::Well
        }
    }
}

impl Fate {
    pub fn cut() -> Response {
        let broken = futures_util::stream::iter([Err::<Vec<u8>, _>(std::io::Error::other("the connection breaks"))]);
        Response::new(Body::from_stream(broken))
    }
}

impl Model {
    pub fn fate(&mut self, method: &str) -> Fate {
        if let Some(fate) = self.fates.get_mut(method).and_then(std::collections::VecDeque::pop_front) {
            return fate;
        }
        let is_exposed =
            ["chat.postMessage", "conversations.history", "conversations.open", "conversations.list"].contains(&method);
        self.chaos.as_mut().filter(|_| is_exposed).map_or(Fate::Well, Chaos::fate)
    }

    /// Slack's id of a destination; as written where this Slack has no ids.
    pub fn place(&self, to: &str) -> Option<String> {
        if !self.has_ids {
            return Some(to.to_owned());
        }
        match to.strip_prefix('#') {
            Some(name) => self.channels.iter().any(|known| known == name).then(|| id_of(name)),
            None => Some(to.strip_prefix('U').map_or_else(|| to.to_owned(), |user| format!("D{user}"))),
        }
    }

    pub fn history(&mut self, asked: &Value) -> Response {
        let channel = asked["channel"].as_str().unwrap_or_default();
        if !channel.starts_with(['C', 'D', 'G']) {
            self.unexpected.push(format!("the history of {channel:?}"));
            return refused("channel_not_found");
        }
        if asked["include_all_metadata"] != "true" {
            self.unexpected.push("a history without metadata".to_owned());
        }
        let oldest: f64 = asked["oldest"].as_str().and_then(|oldest| oldest.parse().ok()).unwrap_or_default();
        let said = self.messages.iter().filter(|posted| posted.channel == channel && posted.only_to.is_none());
        let said = said.filter(|posted| posted.ts.parse::<f64>().unwrap() > oldest);
        let said: Vec<Value> = said.map(|posted| json!({
            "type": "message", "ts": posted.ts, "bot_id": "BBOT", "text": posted.payload["text"], "metadata": posted.payload["metadata"],
        })).collect();
        // Newest first, a few at a time.
        let from: usize = asked["cursor"].as_str().and_then(|cursor| cursor.parse().ok()).unwrap_or_default();
        let page: Vec<&Value> = said.iter().rev().skip(from).take(20).collect();
        let next = if from + page.len() < said.len() { (from + page.len()).to_string() } else { String::new() };
        Json(json!({"ok": true, "messages": page, "has_more": !next.is_empty(), "response_metadata": {"next_cursor": next}}))
            .into_response()
    }

    pub fn list(&self, asked: &Value) -> Response {
        let from: usize = asked["cursor"].as_str().and_then(|cursor| cursor.parse().ok()).unwrap_or_default();
        let page: Vec<Value> = self
            .channels
            .iter()
            .skip(from)
            .take(5)
            .map(|name| json!({"id": id_of(name), "name": name, "is_member": true}))
            .collect();
        let next = if from + page.len() < self.channels.len() { (from + page.len()).to_string() } else { String::new() };
        Json(json!({"ok": true, "channels": page, "response_metadata": {"next_cursor": next}})).into_response()
    }

    pub fn open_conversation(&mut self, asked: &Value) -> Response {
        match asked["users"].as_str().and_then(|user| user.strip_prefix('U')) {
            Some(user) => Json(json!({"ok": true, "channel": {"id": format!("D{user}")}})).into_response(),
            None => refused("users_not_found"),
        }
    }

    /// As <https://docs.slack.dev/reference/methods/dnd.info> has it, of somebody else than the bot.
    pub fn rest_of(&self, asked: &Value) -> Response {
        let Some(user) = asked["user"].as_str().filter(|user| user.starts_with('U')) else { return refused("user_not_found") };
        let (from, until) = self.resting.get(user).copied().unwrap_or((1, 1));
        Json(json!({"ok": true, "dnd_enabled": until > 1, "next_dnd_start_ts": from, "next_dnd_end_ts": until})).into_response()
    }

    /// Messages by what marks them: how often each was posted.
    pub fn marked(&self) -> std::collections::BTreeMap<(String, String), usize> {
        let mut marked = std::collections::BTreeMap::new();
        for posted in &self.messages {
            let noted = &posted.payload["metadata"]["event_payload"];
            let text = |name: &str| noted[name].as_str().unwrap_or_default().to_owned();
            *marked.entry((text("team"), text("round"))).or_default() += 1;
        }
        marked
    }
}

fn id_of(name: &str) -> String {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect();
    format!("C0{letters}")
}
