//! What the Events API tells of what people do.

use serde_json::{Value, json};

pub const BOT_USER: &str = "UBOT";
pub const ADA: &str = "U2147483697";

/// An event as Slack wraps it, on Enterprise Grid and with fields of next year.
pub fn callback(event_id: &str, event: Value) -> Value {
    json!({
        "token": "XXYYZZ", "team_id": null, "api_app_id": "A123456", "type": "event_callback", "event_id": event_id,
        "event_time": 1_795_000_000, "enterprise_id": "E0001", "is_ext_shared_channel": null, "event_context": "4-abc",
        "authorizations": [{"enterprise_id": "E0001", "team_id": null, "user_id": BOT_USER, "is_bot": true}],
        "something_new": {"a": [1]}, "event": event,
    })
}

/// Words to the bot in a channel, at this moment, in a thread or not.
pub fn mention(event_id: &str, text: &str, ts: &str, thread_ts: Option<&str>) -> Value {
    let mut event = json!({
        "type": "app_mention", "user": ADA, "text": text, "ts": ts, "channel": "C2147483705", "event_ts": ts, "team": null,
        "blocks": [{"type": "rich_text", "elements": []}],
    });
    if let Some(thread_ts) = thread_ts {
        event["thread_ts"] = json!(thread_ts);
    }
    callback(event_id, event)
}

/// Words to the bot alone.
pub fn direct_message(event_id: &str, text: &str, ts: &str) -> Value {
    let event = json!({
        "type": "message", "user": ADA, "text": text, "ts": ts, "channel": "D024BE91L", "channel_type": "im", "event_ts": ts,
        "client_msg_id": "0b3b0c4e-1d2c", "team": null,
    });
    callback(event_id, event)
}
