//! Replies and forms as Slack's messages and views. Must not decide what is said.
//!
//! All that Slack limits is kept by construction: see [`crate::chat::limits::SLACK`] and `blocks`.

mod blocks;
mod body;
mod form;
mod text;

use serde::Serialize;
use slack_morphism::prelude::{SlackBlock, SlackHomeView, SlackModalView, SlackView};

use super::parse::PressedMessage;
use crate::chat::{Audience, Card, Fact, Freshness, Provenance, Reply, Span, Text, limits::SLACK};

use blocks::{Blocks, rows};
use text::{Mentions, exact_bold, exact_mrkdwn, fit, plain, width};

pub use form::{Suggestions, render_choices, render_form, render_form_answer};

/// Rows of buttons below a whole reply, and below one card.
const REPLY_ROWS: usize = 2;
const CARD_ROWS: usize = 1;

/// A preview is read in passing.
const UNFURL_BLOCKS: usize = 10;

/// What notifications and screen readers get; Slack takes 40,000, a notification shows a line.
const FALLBACK_WIDTH: usize = 1_000;

/// A message as it goes into an HTTP answer, to a response URL or to `chat.postMessage`.
///
/// slack-morphism has no type with `response_type`, `replace_original` and `mrkdwn` together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SlackMessage {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_type: Option<ResponseType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replace_original: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_ts: Option<String>,
    /// The fallback, escaped.
    pub text: String,
    /// False wherever it can be said: `text` is then shown as it is, `*_~` and all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mrkdwn: Option<bool>,
    pub blocks: Vec<SlackBlock>,
    /// False wherever it can be said: a card with five links is not to be followed by five previews.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfurl_links: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfurl_media: Option<bool>,
}

/// Who sees an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseType {
    Ephemeral,
    InChannel,
}

/// A reply as the answer to a slash command.
pub fn render_message(reply: &Reply) -> SlackMessage {
    let mut message = render_post(reply);
    message.response_type = Some(match reply.audience {
        Audience::Asker => ResponseType::Ephemeral,
        Audience::Everyone => ResponseType::InChannel,
    });
    message
}

/// A reply as the answer to a button. It takes the place of the message with the button only if the same people see
/// both: a personal answer must not wipe out what a channel reads, nor a shared one stay personal.
pub fn render_press_answer(reply: &Reply, pressed: Option<PressedMessage>, thread_ts: Option<&str>) -> SlackMessage {
    let mut message = render_message(reply);
    let replaces = match (pressed, reply.audience) {
        (Some(PressedMessage::Ephemeral), Audience::Asker) | (Some(PressedMessage::Public), Audience::Everyone) => true,
        (Some(PressedMessage::Ephemeral), Audience::Everyone) | (Some(PressedMessage::Public), Audience::Asker) | (None, _) => {
            false
        }
    };
    message.replace_original = Some(replaces);
    if !replaces {
        message.thread_ts = thread_ts.map(str::to_owned);
    }
    message
}

/// A reply as a message of our own.
pub fn render_post(reply: &Reply) -> SlackMessage {
    SlackMessage {
        response_type: None,
        replace_original: None,
        thread_ts: None,
        text: fallback(&reply.lead),
        mrkdwn: Some(false),
        blocks: draw(reply, SLACK.message_blocks),
        unfurl_links: Some(false),
        unfurl_media: Some(false),
    }
}

/// A reply in the place of an earlier message of ours, or shown to one person: neither `chat.update` nor
/// `chat.postEphemeral` has the flags of `chat.postMessage`.
pub fn render_bare(reply: &Reply) -> SlackMessage {
    SlackMessage { mrkdwn: None, unfurl_links: None, unfurl_media: None, ..render_post(reply) }
}

/// A reply as the home that Slack keeps for each person.
pub fn render_home(reply: &Reply) -> SlackView {
    SlackView::Home(SlackHomeView::new(draw(reply, SLACK.form_blocks)))
}

/// What stands below an address in somebody's message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unfurl {
    pub blocks: Vec<SlackBlock>,
}

/// A reply as a preview: short, since it stands below somebody else's words.
pub fn render_unfurl(reply: &Reply) -> Unfurl {
    Unfurl { blocks: draw(reply, UNFURL_BLOCKS) }
}

/// A reply where a form was: the answer to its last page.
pub fn render_reply_view(reply: &Reply) -> SlackView {
    let title = if reply.command.is_empty() { "Steward".to_owned() } else { capitalised(&reply.command) };
    let view = SlackModalView::new(plain(&title, SLACK.form_title, "Steward"), draw(reply, SLACK.form_blocks))
        .with_close("Close".into());
    SlackView::Modal(view)
}

/// At most `max` wide by Slack's count, for texts that are no part of a message.
pub(super) fn fit_text(words: &str, max: usize) -> String {
    fit(words, max).into_owned()
}

fn fallback(lead: &Text) -> String {
    let words = lead.to_plain();
    let words = fit(words.trim(), FALLBACK_WIDTH);
    if words.trim().is_empty() { "Steward".to_owned() } else { text::escape(&words) }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn draw(reply: &Reply, most_blocks: usize) -> Vec<SlackBlock> {
    let Reply {
        // The lead says it in words; the status is for programs.
        status: _,
        command: _,
        // In the cards, by name.
        refs: _,
        audience,
        lead,
        cards,
        buttons,
        provenance,
    } = reply;
    let mentions = match audience {
        Audience::Asker => Mentions::Linked,
        Audience::Everyone => Mentions::Named,
    };
    let mut page = Blocks::new(most_blocks, rows(buttons, REPLY_ROWS) + 1, mentions);
    let mut first = text::rich(lead, mentions);
    if first.is_empty() && cards.is_empty() {
        text::push_words(&mut first, "There is nothing to show.", None);
    }
    page.paragraph(first);
    if let Some(provenance) = provenance {
        draw_staleness(&mut page, provenance);
    }
    for (index, card) in cards.iter().enumerate() {
        if index > 0 {
            page.divide();
        }
        draw_card(&mut page, card);
    }
    page.buttons(buttons, REPLY_ROWS);
    if let Some(provenance) = provenance {
        draw_provenance(&mut page, provenance);
    }
    page.finish()
}

/// Old news is said first and aloud.
fn draw_staleness(page: &mut Blocks, provenance: &Provenance) {
    let Provenance { read_from: _, url: _, synced_at, age, freshness } = provenance;
    match freshness {
        Freshness::Fresh => {}
        Freshness::Stale => {
            let mut warning = Text::plain("⚠️ ").bold("This may be out of date").say(format!(": {age}"));
            if let Some(at) = synced_at {
                warning = warning.say(", last read ").push(Span::Time(*at));
            }
            page.paragraph(text::rich(&warning, page.mentions));
        }
    }
}

fn draw_provenance(page: &mut Blocks, provenance: &Provenance) {
    // When it was read is in `age`, whose words the answer chose; staleness was said above.
    let Provenance { read_from, url, synced_at: _, age, freshness: _ } = provenance;
    let source = match url {
        Some(url) => Text::new().link(read_from, url),
        None => Text::plain(read_from),
    };
    let source = if age.is_empty() { source } else { source.say(format!(", {age}")) };
    page.last_word(&Text::plain("Read from ").join(source));
}

fn draw_card(page: &mut Blocks, card: &Card) {
    let Card { tone, title, fields, body, buttons, footer } = card;
    let tail = rows(buttons, CARD_ROWS) + usize::from(!footer.is_empty());
    if page.is_full() || !page.reserve(tail) {
        return;
    }
    if let Some(heading) = tone.heading(title) {
        page.paragraph(heading_inlines(&heading, page.mentions));
    }
    draw_facts(page, fields);
    body::draw(page, body);
    page.release(tail);
    page.buttons(buttons, CARD_ROWS);
    page.small_print(footer);
}

/// A title's plain words in bold; links and mentions as they are.
fn heading_inlines(title: &Text, mentions: Mentions) -> Vec<slack_morphism::prelude::SlackRichTextInlineElement> {
    use slack_morphism::prelude::{SlackRichTextInlineElement as Inline, SlackRichTextStyle};
    let mut inlines = text::rich(title, mentions);
    for inline in &mut inlines {
        match inline {
            Inline::Text(run) => run.style.get_or_insert_with(SlackRichTextStyle::new).bold = Some(true),
            Inline::Link(link) => link.style.get_or_insert_with(SlackRichTextStyle::new).bold = Some(true),
            _ => {}
        }
    }
    inlines
}

/// Facts in two columns where mrkdwn shows all of them exactly; else one a line in rich text.
fn draw_facts(page: &mut Blocks, facts: &[Fact]) {
    for group in facts.chunks(SLACK.fields_per_section) {
        let columns: Option<Vec<String>> = group.iter().map(|fact| fact_column(fact, page.mentions)).collect();
        match columns {
            Some(columns) => page.fields(columns),
            None => page.paragraph(fact_lines(group, page.mentions)),
        }
    }
}

fn fact_column(fact: &Fact, mentions: Mentions) -> Option<String> {
    let Fact { name, value } = fact;
    let mut column = exact_bold(name)?;
    let value = exact_mrkdwn(value, mentions)?;
    column.push('\n');
    column.push_str(if value.trim().is_empty() { "–" } else { &value });
    (width(&column) <= SLACK.field_text).then_some(column)
}

fn fact_lines(facts: &[Fact], mentions: Mentions) -> Vec<slack_morphism::prelude::SlackRichTextInlineElement> {
    let mut inlines = Vec::with_capacity(facts.len() * 3);
    for (index, Fact { name, value }) in facts.iter().enumerate() {
        if index > 0 {
            text::push_words(&mut inlines, "\n", None);
        }
        inlines.extend(text::bold(&fit(name, SLACK.heading_text)));
        text::push_words(&mut inlines, if value.is_empty() { ": –" } else { ": " }, None);
        text::push_rich(&mut inlines, value, mentions);
    }
    inlines
}
