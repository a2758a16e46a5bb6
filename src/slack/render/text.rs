//! Spans to Slack's notations; the one place that escapes.
//!
//! Rich text is preferred: its strings are literal, so `<!channel>`, `*_~` and `:bomb:` from the catalog are shown as
//! they are, and can be copied as they are. mrkdwn has no way to escape `*_~` and emoji names but invisible
//! characters, which would spoil a name that is copied into a terminal at 3 a.m.; so mrkdwn, which two-column fields
//! and small print need, is written only for texts that it shows unchanged, and anything else falls back to rich text.

use chrono::{DateTime, Utc};
use slack_morphism::prelude::{
    SlackBlockPlainText, SlackBlockPlainTextOnly, SlackChannelId, SlackDateTime, SlackRelaxedUrl, SlackRichTextChannel,
    SlackRichTextDate, SlackRichTextInlineElement as Inline, SlackRichTextLink, SlackRichTextStyle, SlackRichTextText,
    SlackRichTextUser, SlackUserId, SlackUtcDateTime,
};
use url::Url;

use crate::chat::{Channel, Person, Span, Text};

pub(super) use crate::chat::width::{clean, fit, prefix_within, width};

/// Longest address that Slack takes in a button or a link.
const URL_WIDTH: usize = 3_000;

/// How a message shows people that Slack knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mentions {
    /// As mentions: what only the asker sees notifies nobody.
    Linked,
    /// By name: in a channel a mention would call the whole team.
    Named,
}

/// A `plain_text` object, never empty: Slack refuses empty ones. Emoji names in it stay text.
pub(super) fn plain(text: &str, max: usize, if_empty: &str) -> SlackBlockPlainTextOnly {
    let fitted = fit(text, max);
    let shown = if fitted.trim().is_empty() { if_empty.to_owned() } else { fitted.into_owned() };
    SlackBlockPlainText::new(shown).with_emoji(false).into()
}

/// `&`, `<` and `>` as Slack's texts want them: <https://docs.slack.dev/messaging/formatting-message-text#escaping>.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    push_escaped(&mut out, text);
    out
}

fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
}

/// A text as the elements of a rich text section. Strings are literal there, nothing is escaped.
pub(super) fn rich(text: &Text, mentions: Mentions) -> Vec<Inline> {
    let mut out = Vec::with_capacity(text.0.len());
    push_rich(&mut out, text, mentions);
    out
}

pub(super) fn push_rich(out: &mut Vec<Inline>, text: &Text, mentions: Mentions) {
    for span in &text.0 {
        match span {
            Span::Plain(words) => push_words(out, words, None),
            Span::Bold(words) => push_words(out, words, Some(SlackRichTextStyle::new().with_bold(true))),
            Span::Italic(words) => push_words(out, words, Some(SlackRichTextStyle::new().with_italic(true))),
            Span::Strike(words) => push_words(out, words, Some(SlackRichTextStyle::new().with_strike(true))),
            Span::Code(words) => push_words(out, words, Some(SlackRichTextStyle::new().with_code(true))),
            Span::Link { label, url } => match link(label, url) {
                Some((url, label)) => {
                    out.push(SlackRichTextLink::new(SlackRelaxedUrl(url)).with_text(label).into());
                }
                None => push_words(out, &unlinked(label, url), None),
            },
            Span::Person(person) => match (mentions, slack_user(person)) {
                (Mentions::Linked, Some(id)) => out.push(SlackRichTextUser::new(SlackUserId(id.to_owned())).into()),
                (Mentions::Linked, None) | (Mentions::Named, _) => push_words(out, &person.name, None),
            },
            Span::Channel(channel) => match slack_channel(channel) {
                Some(id) => out.push(SlackRichTextChannel::new(SlackChannelId(id.to_owned())).into()),
                None => push_words(out, &channel.name, None),
            },
            Span::Time(at) => out.push(date(*at)),
            Span::LineBreak => push_words(out, "\n", None),
        }
    }
}

/// Adds a run of text; an empty one is refused by Slack.
pub(super) fn push_words(out: &mut Vec<Inline>, words: &str, style: Option<SlackRichTextStyle>) {
    let words = clean(words);
    if words.is_empty() {
        return;
    }
    if style.is_none()
        && let Some(Inline::Text(last)) = out.last_mut()
        && last.style.is_none()
    {
        last.text.push_str(&words);
        return;
    }
    out.push(SlackRichTextText { text: words.into_owned(), style }.into());
}

pub(super) fn bold(words: &str) -> Option<Inline> {
    let words = clean(words);
    (!words.is_empty()).then(|| SlackRichTextText::new(words.into_owned()).bold().into())
}

/// An address Slack may be given, made canonical; other schemes than http, https and mailto are none.
pub(super) fn address(url: &str) -> Option<Url> {
    let url = Url::parse(clean(url).trim()).ok()?;
    let known = match url.scheme() {
        "http" | "https" => url.has_host(),
        "mailto" => true,
        _ => false,
    };
    (known && url.as_str().len() <= URL_WIDTH).then_some(url)
}

/// The address and the label that tells no lie: one that looks like another site is followed by the true host.
fn link(label: &str, url: &str) -> Option<(String, String)> {
    let url = address(url)?;
    let label = clean(label);
    let shown = label.trim();
    let shown = match (shown.is_empty(), url.host_str()) {
        (true, _) => fit(url.as_str(), URL_WIDTH).into_owned(),
        (false, Some(host)) if claims_other_host(shown, host) => format!("{shown} ({host})"),
        (false, _) => shown.to_owned(),
    };
    Some((url.into(), shown))
}

fn claims_other_host(label: &str, host: &str) -> bool {
    if !label.contains("://") && !label.starts_with("www.") {
        return false;
    }
    let claimed = Url::parse(label).ok().and_then(|url| url.host_str().map(str::to_owned));
    claimed.as_deref() != Some(host)
}

fn unlinked(label: &str, url: &str) -> String {
    if label.trim().is_empty() { url.to_owned() } else { label.to_owned() }
}

fn slack_user(person: &Person) -> Option<&str> {
    person.slack_id.as_deref().filter(|id| is_id(id, &['U', 'W']))
}

fn slack_channel(channel: &Channel) -> Option<&str> {
    channel.slack_id.as_deref().filter(|id| is_id(id, &['C', 'G']))
}

/// Ids are written into markup, and the catalog's annotations are anybody's: only what is an id is one.
fn is_id(id: &str, kinds: &[char]) -> bool {
    id.len() > 2 && id.len() <= 32 && id.starts_with(kinds) && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

const DATE_FORMAT: &str = "{date_short_pretty} {time}";

fn fallback(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn date(at: DateTime<Utc>) -> Inline {
    match SlackUtcDateTime::from_second(at.timestamp()) {
        Ok(instant) => SlackRichTextDate::new(SlackDateTime(instant), DATE_FORMAT.to_owned()).with_fallback(fallback(at)).into(),
        // Past the year 9999: nobody's time zone matters.
        Err(_) => SlackRichTextText::new(fallback(at)).into(),
    }
}

/// How much of Slack's limit an element takes: its text and address, and what frames it.
pub(super) fn inline_width(inline: &Inline) -> usize {
    // Slack counts more than the letters, by how much it does not say; this is the JSON around a short run.
    const FRAME: usize = 24;
    FRAME
        + match inline {
            Inline::Text(text) => width(&text.text),
            Inline::Link(link) => width(&link.url.0) + link.text.as_deref().map_or(0, width),
            _ => 0,
        }
}

/// The text as mrkdwn, if Slack would show it exactly as it is.
pub(super) fn exact_mrkdwn(text: &Text, mentions: Mentions) -> Option<String> {
    let mut out = String::new();
    let mut colons = 0;
    for span in &text.0 {
        match span {
            Span::Plain(words) => push_calm(&mut out, words, &mut colons)?,
            // These need a space on both sides to be seen as markup: rich text knows better.
            Span::Bold(_) | Span::Italic(_) | Span::Strike(_) | Span::Code(_) => return None,
            Span::Link { label, url } => {
                let (url, label) = link(label, url)?;
                if label.contains('\n') {
                    return None;
                }
                out.push('<');
                push_escaped(&mut out, &url.replace('|', "%7C"));
                out.push('|');
                push_calm(&mut out, &label, &mut colons)?;
                out.push('>');
            }
            Span::Person(person) => match (mentions, slack_user(person)) {
                (Mentions::Linked, Some(id)) => {
                    out.push_str("<@");
                    out.push_str(id);
                    out.push('>');
                }
                (Mentions::Linked, None) | (Mentions::Named, _) => push_calm(&mut out, &person.name, &mut colons)?,
            },
            Span::Channel(channel) => match slack_channel(channel) {
                Some(id) => {
                    out.push_str("<#");
                    out.push_str(id);
                    out.push('>');
                }
                None => push_calm(&mut out, &channel.name, &mut colons)?,
            },
            Span::Time(at) => {
                out.push_str(&format!("<!date^{}^{DATE_FORMAT}|{}>", at.timestamp(), fallback(*at)));
            }
            Span::LineBreak => out.push('\n'),
        }
    }
    Some(out)
}

/// `*_~` and back quotes format, `>` quotes, two colons may name an emoji.
fn push_calm(out: &mut String, words: &str, colons: &mut usize) -> Option<()> {
    let words = clean(words);
    *colons += words.matches(':').count();
    if *colons > 1 || words.contains(['*', '_', '~', '`', '>']) {
        return None;
    }
    push_escaped(out, &words);
    Some(())
}

/// A name that can stand in bold mrkdwn, `*name*`.
pub(super) fn exact_bold(words: &str) -> Option<String> {
    let mut out = String::from("*");
    let trimmed = words.trim();
    if trimmed.is_empty() || trimmed.contains('\n') {
        return None;
    }
    push_calm(&mut out, trimmed, &mut 0)?;
    out.push('*');
    Some(out)
}
