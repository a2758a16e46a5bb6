//! What people see of a message, and what in it acts by itself. Reads rich text as literal and mrkdwn as Slack does.

use serde_json::Value;

/// All text as it is shown, in order, a line a part.
pub fn shown(payload: &Value) -> String {
    let mut out = String::new();
    walk(payload, &mut |text, is_markup| {
        out.push_str(&if is_markup { decode(&strip_markup(text)) } else { text.to_owned() });
        out.push('\n');
    });
    out
}

/// Mentions, broadcasts and links: what would call somebody or lead somewhere.
pub fn acting(payload: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(payload, &mut |text, is_markup| {
        if is_markup {
            found.extend(markup(text));
        }
    });
    elements(payload, &mut |element| match element["type"].as_str() {
        Some("user" | "broadcast" | "usergroup" | "channel") => found.push(element.to_string()),
        Some("link") => found.push(element["url"].as_str().unwrap_or_default().to_owned()),
        _ => {}
    });
    found
}

/// mrkdwn's formatting characters that would take effect, anywhere in a message.
pub fn formatting(payload: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(payload, &mut |text, is_markup| {
        // Steward itself writes only the bold name of a column, `*Name*` before a line break.
        let own = text.strip_prefix('*').and_then(|rest| rest.split_once("*\n")).map_or(text, |(_, value)| value);
        if is_markup && strip_markup(own).contains(['*', '_', '~', '`']) {
            found.push(text.to_owned());
        }
    });
    found
}

fn walk(payload: &Value, seen: &mut impl FnMut(&str, bool)) {
    // The top-level text is mrkdwn as to `<…>`, even where formatting is off.
    if let Some(text) = payload["text"].as_str().filter(|_| payload["blocks"].is_array() && payload["type"].is_null()) {
        seen(text, payload["mrkdwn"] != false);
        if payload["mrkdwn"] == false {
            seen(text, true);
        }
    }
    elements(payload, &mut |element| match (element["type"].as_str(), element["text"].as_str()) {
        (Some("mrkdwn"), Some(text)) => seen(text, true),
        (Some("plain_text" | "text" | "link"), Some(text)) => seen(text, false),
        _ => {}
    });
}

fn elements(value: &Value, seen: &mut impl FnMut(&Value)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| elements(item, seen)),
        Value::Object(fields) => {
            seen(value);
            fields.values().for_each(|field| elements(field, seen));
        }
        _ => {}
    }
}

fn markup(text: &str) -> Vec<String> {
    text.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(inside, _)| inside.to_owned()).collect()
}

/// `<url|label>` becomes its label, and without one its address.
fn strip_markup(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        let (inside, after) = after.split_once('>').unwrap_or((after, ""));
        out.push_str(before);
        out.push_str(inside.split_once('|').map_or(inside, |(_, label)| label));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn decode(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
