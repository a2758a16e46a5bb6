//! Replies as Discord's messages: the lead as its text, a card an embed, buttons below. Must not decide what is said.
//!
//! All that Discord limits is kept by construction: see [`crate::chat::limits::DISCORD`].

use super::{
    body::{self, Page},
    text::{Markdown, address},
    wire::{AllowedMentions, ButtonPart, Component, DiscordMessage, EPHEMERAL, Embed, EmbedField, Footer, Row, Style},
};
use crate::chat::{
    Audience, Button, Card, Does, Fact, Freshness, Provenance, Reply, Span, Text, Tone, Weight,
    limits::DISCORD,
    width::{fit, width},
};

/// A press of a button that begins so is asked about before it is done.
pub const ASK_FIRST: char = '?';

/// Words of the lead; what else stands in a message's text is short.
const LEAD_WIDTH: usize = DISCORD.message_text - 300;

/// All text of a message's embeds, over all of them: <https://discord.com/developers/docs/resources/message#embed-object-embed-limits>.
const EMBEDS_WIDTH: usize = 6_000;

const FOOTER_WIDTH: usize = 500;

/// A message that only who asked sees, where the reply says so.
pub fn render_message(reply: &Reply) -> DiscordMessage {
    let message = render_post(reply);
    match reply.audience {
        Audience::Asker => DiscordMessage { flags: Some(EPHEMERAL), ..message },
        Audience::Everyone => message,
    }
}

/// A message of our own, for all who are where it is sent.
pub fn render_post(reply: &Reply) -> DiscordMessage {
    let Reply {
        // The lead says it in words; the status is for programs.
        status: _,
        command: _,
        // In the cards, by name.
        refs: _,
        // Who sees it is told beside the message.
        audience: _,
        lead,
        cards,
        buttons,
        provenance,
    } = reply;
    let mut content = Markdown::within(LEAD_WIDTH);
    content.text(lead);
    if content.text.trim().is_empty() && cards.is_empty() {
        content.words("There is nothing to show.");
    }
    let mut content = content.text;
    if let Some(warning) = provenance.as_ref().and_then(staleness) {
        push_line(&mut content, &warning);
    }
    // The last embed says where it was read.
    let mut page = Page::new(DISCORD.message_blocks - 1, EMBEDS_WIDTH - FOOTER_WIDTH);
    for card in cards {
        draw_card(&mut page, card);
    }
    let Page { mut embeds, is_cut, .. } = page;
    let (rows, left_out) = draw_buttons(cards, buttons);
    if let Some(words) = provenance.as_ref().map(read_from) {
        if embeds.is_empty() {
            push_line(&mut content, &words);
        } else {
            embeds.push(Embed { description: words, ..Embed::default() });
        }
    }
    let note = match (is_cut, left_out) {
        (false, false) => None,
        (true, false) => Some("-# … There is more than one Discord message can show."),
        (false, true) => Some("-# … Some buttons cannot be shown in Discord."),
        (true, true) => Some("-# … There is more text, and more buttons, than Discord can show."),
    };
    if let Some(note) = note {
        push_line(&mut content, note);
    }
    DiscordMessage { content, embeds, components: rows, allowed_mentions: AllowedMentions::default(), flags: None }
}

/// With a note at its end by which the message is found again.
#[must_use]
pub fn with_note(mut message: DiscordMessage, note: &str) -> DiscordMessage {
    match message.embeds.last_mut() {
        Some(embed) => {
            let before = embed.footer.take().map(|footer| format!("{} · ", footer.text)).unwrap_or_default();
            embed.footer = Some(Footer { text: format!("{before}{note}") });
        }
        None => push_line(&mut message.content, &format!("-# {note}")),
    }
    message
}

fn push_line(content: &mut String, line: &str) {
    if !content.is_empty() {
        content.push('\n');
    }
    content.push_str(line);
}

/// Old news is said first and aloud.
fn staleness(provenance: &Provenance) -> Option<String> {
    let Provenance { read_from: _, url: _, synced_at, age, freshness } = provenance;
    match freshness {
        Freshness::Fresh => None,
        Freshness::Stale => {
            let mut warning = Text::plain("⚠️ ").bold("This may be out of date").say(format!(": {}", fit(age, 80)));
            if let Some(at) = synced_at {
                warning = warning.say(", last read ").push(Span::Time(*at));
            }
            Some(markdown(&warning, 250))
        }
    }
}

fn read_from(provenance: &Provenance) -> String {
    // When it was read is in `age`, whose words the answer chose; staleness was said above.
    let Provenance { read_from, url, synced_at: _, age, freshness: _ } = provenance;
    let source = match url {
        Some(url) => Text::new().link(read_from, url),
        None => Text::plain(read_from),
    };
    let source = if age.is_empty() { source } else { source.say(format!(", {age}")) };
    format!("-# {}", markdown(&Text::plain("Read from ").join(source), FOOTER_WIDTH / 2))
}

fn markdown(text: &Text, max: usize) -> String {
    let mut out = Markdown::within(max);
    out.text(text);
    out.text
}

fn draw_card(page: &mut Page, card: &Card) {
    let Card { tone, title, fields, body, buttons: _, footer } = card;
    if page.is_cut {
        return;
    }
    page.begin(color(*tone));
    if let Some(heading) = tone.heading(title) {
        page.heading(&heading);
    }
    // Discord shows columns below the text, so they are drawn where there is none.
    match columns(fields).filter(|_| body.is_empty()) {
        Some(columns) => page.fields(columns),
        None => {
            for Fact { name, value } in fields {
                let value = if value.is_empty() { Text::plain("–") } else { value.clone() };
                page.line(&Text::new().bold(name).say(": ").join(value));
            }
        }
    }
    body::draw(page, body);
    if !footer.is_empty() {
        page.small_print(footer);
    }
    page.end();
}

fn columns(facts: &[Fact]) -> Option<Vec<EmbedField>> {
    let column = |fact: &Fact| {
        let Fact { name, value } = fact;
        let mut shown = Markdown::within(DISCORD.field_text);
        shown.text(value);
        let name = super::text::escape(name);
        let is_whole = !shown.is_cut && !name.trim().is_empty() && width(&name) <= DISCORD.heading_text;
        let value = if shown.text.trim().is_empty() { "–".to_owned() } else { shown.text };
        is_whole.then_some(EmbedField { name, value, inline: true })
    };
    let columns: Option<Vec<EmbedField>> = facts.iter().map(column).collect();
    columns.filter(|columns| !columns.is_empty() && columns.len() <= DISCORD.fields_per_section)
}

/// The bar at an embed's side; none where nothing is meant by it.
fn color(tone: Tone) -> Option<u32> {
    match tone {
        Tone::Neutral => None,
        Tone::Good => Some(0x2e_8b_57),
        Tone::Warning => Some(0xd9_8e_04),
        Tone::Critical => Some(0xc0_39_2b),
    }
}

/// Rows of buttons, and whether some were left out: a message has 25, each with another thing to do.
fn draw_buttons(cards: &[Card], below: &[Button]) -> (Vec<Row>, bool) {
    let of_cards = cards.iter().flat_map(|card| card.buttons.iter().map(move |button| (button, Some(card))));
    let all: Vec<(&Button, Option<&Card>)> = of_cards.chain(below.iter().map(|button| (button, None))).collect();
    let mut drawn: Vec<ButtonPart> = Vec::new();
    let mut left_out = false;
    for (button, card) in &all {
        // All stand below all cards, so one that others share its word with says which card it is of.
        let is_shared = all.iter().filter(|(other, _)| other.label == button.label).nth(1).is_some();
        let title = card.map(|card| card.title.to_plain()).filter(|title| is_shared && !title.trim().is_empty());
        let label = match title {
            Some(title) => format!("{}: {}", button.label, title.trim()),
            None => button.label.clone(),
        };
        match draw_button(button, &label) {
            None => left_out = true,
            // The same thing to do once more.
            Some(part) if part.custom_id.is_some() && drawn.iter().any(|other| other.custom_id == part.custom_id) => {}
            Some(_) if drawn.len() == DISCORD.rows * DISCORD.buttons_per_row => left_out = true,
            Some(part) => drawn.push(part),
        }
    }
    let rows = drawn.chunks(DISCORD.buttons_per_row).map(|row| Row::new(row.iter().cloned().map(Component::Button).collect()));
    (rows.collect(), left_out)
}

/// `None` where Discord cannot carry what it does: a cut command line or address would do something else.
fn draw_button(button: &Button, label: &str) -> Option<ButtonPart> {
    let Button { label: _, does, weight, confirm } = button;
    let label = fit(label, DISCORD.button_label);
    let label = if label.trim().is_empty() { "Open".to_owned() } else { label.into_owned() };
    Some(match does {
        Does::Open(url) => ButtonPart::link(label, address(url)?),
        Does::Say(line) => {
            // Discord has no question before a press: the press is answered with one.
            let id = if confirm.is_some() { format!("{ASK_FIRST}{line}") } else { line.clone() };
            let style = match weight {
                Weight::Normal => Style::Secondary,
                Weight::Primary => Style::Primary,
                Weight::Danger => Style::Danger,
            };
            (!line.is_empty() && width(&id) <= DISCORD.button_value).then(|| ButtonPart::press(label, style, id))?
        }
    })
}

/// The question before something is done, for who pressed alone.
pub fn render_question(line: &str, label: &str) -> DiscordMessage {
    let yes = ButtonPart::press("Yes, do it", Style::Danger, line);
    let mut content = Markdown::within(LEAD_WIDTH);
    content.marked("**", label);
    content.words(" – are you sure? Dismiss this message if not.");
    DiscordMessage {
        content: content.text,
        embeds: Vec::new(),
        components: vec![Row::new(vec![Component::Button(yes)])],
        allowed_mentions: AllowedMentions::default(),
        flags: Some(EPHEMERAL),
    }
}

/// A few words and nothing else.
pub fn render_words(words: &str) -> DiscordMessage {
    render_post(&Reply::new(crate::chat::Status::Answered, "", Text::plain(words)))
}
