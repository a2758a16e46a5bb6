//! Slack's texts as a person reads them: escapes undone, links and channels by name. Must not guess what is meant.

use serde_json::Value;

/// More than any alert holds; what comes after it is not looked at.
const MOST_TEXTS: usize = 200;
const MOST_TEXT: usize = 40_000;
/// Blocks within attachments within a forwarded message.
const DEPTH: usize = 16;

/// Keys whose strings are read by people; the others are ids, types and colours.
const SHOWN: [&str; 15] = [
    "text",
    "fallback",
    "title",
    "title_link",
    "pretext",
    "value",
    "footer",
    "author_name",
    "author_link",
    "from_url",
    "original_url",
    "url",
    "alt_text",
    "service_name",
    "name",
];

/// What was said to the bot, without its name at the beginning.
pub(super) fn words_said(text: &str, bot: Option<&str>, is_mention: bool) -> String {
    let own = bot.map(|id| format!("<@{id}"));
    let names_us = |rest: &str| match &own {
        // Without knowing who we are, the first mention is the one that called us.
        None => is_mention && rest.starts_with("<@"),
        Some(own) => rest.strip_prefix(own.as_str()).is_some_and(|after| after.starts_with(['>', '|'])),
    };
    let without = match text.match_indices("<@").find(|(at, _)| names_us(&text[*at..])) {
        Some((at, _)) => {
            let after = text[at..].split_once('>').map_or("", |(_, after)| after);
            // `@steward: owner x`; in the middle of a sentence the name leaves a gap.
            let after = if text[..at].trim().is_empty() { after.trim_start().trim_start_matches([':', ',']) } else { after };
            format!("{} {}", text[..at].trim_end(), after.trim_start())
        }
        None => text.to_owned(),
    };
    plain(without.trim())
}

/// All that can be read in a message, blocks and attachments included, each text once.
pub(super) fn texts_of(message: &Value) -> Vec<String> {
    let mut found = Found::default();
    found.walk(message, DEPTH);
    found.texts
}

#[derive(Default)]
struct Found {
    texts: Vec<String>,
    size: usize,
}

impl Found {
    fn walk(&mut self, value: &Value, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item, depth)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    match value {
                        Value::String(text) if SHOWN.contains(&key.as_str()) => self.add(text),
                        Value::Array(_) | Value::Object(_) => self.walk(value, depth),
                        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
                    }
                }
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn add(&mut self, text: &str) {
        let text = plain_with_urls(text.trim());
        let is_room = self.texts.len() < MOST_TEXTS && self.size + text.len() <= MOST_TEXT;
        if !text.is_empty() && is_room && !self.texts.contains(&text) {
            self.size += text.len();
            self.texts.push(text);
        }
    }
}

/// Names where Slack writes ids, and addresses where it writes links: what a person typed.
fn plain(text: &str) -> String {
    written(text, |url, label| {
        // Slack makes a link of everything that looks like a host's name; the label is what was typed.
        let is_typed = label.is_empty() || url.trim_end_matches('/').ends_with(label.trim_end_matches('/'));
        if is_typed && !label.is_empty() { label.to_owned() } else { url.to_owned() }
    })
}

/// The same with both sides of a link: an alert names the service in one and the host in the other.
fn plain_with_urls(text: &str) -> String {
    written(text, |url, label| if label.is_empty() { url.to_owned() } else { format!("{label} {url}") })
}

fn written(text: &str, link: impl Fn(&str, &str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let Some((inside, after)) = after.split_once('>') else {
            out.push('<');
            rest = after;
            continue;
        };
        let (target, label) = inside.split_once('|').unwrap_or((inside, ""));
        match target.as_bytes().first() {
            // A person stays a mention, which the commands know.
            Some(b'@') => out.push_str(&format!("<{target}>")),
            Some(b'#') if !label.is_empty() => out.push_str(&format!("#{label}")),
            Some(b'#') => out.push_str(target),
            // `<!subteam^S1|@payments>`, `<!date^…|yesterday>`, `<!here>`.
            Some(b'!') => out.push_str(if label.is_empty() { &target[1..] } else { label }),
            Some(_) => out.push_str(&link(target.strip_prefix("mailto:").unwrap_or(target), label)),
            None => {}
        }
        rest = after;
    }
    out.push_str(rest);
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
