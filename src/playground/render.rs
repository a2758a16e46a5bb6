//! A reply as HTML. Escaping happens here, once, by maud; links are http(s) and mailto only.
//! Must not decide what is said. No inline styles: the page's policy forbids them.

use chrono::{DateTime, SecondsFormat, Utc};
use maud::{Markup, PreEscaped, html};

use crate::chat::{
    Audience, Block, Button, Card, Channel, Does, Fact, Freshness, ListItem, ListStyle, Person, Provenance, Reply, Span, Status,
    Text, Tone, Weight,
};

use super::{Posted, conversation_with};

/// What a person did, as their line in the log shows it.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The name of who acts.
    pub name: &'a str,
    pub what: What<'a>,
    pub at: DateTime<Utc>,
}

/// The kinds of lines.
#[derive(Debug, Clone, Copy)]
pub enum What<'a> {
    /// A command line, with or without its slash.
    Line(&'a str),
    /// A question or other words.
    Asked(&'a str),
    /// A form of this title was sent.
    Sent(&'a str),
}

/// The person's line, then Steward's answer below it.
pub fn render_exchange(said: &Said<'_>, answer: &Markup) -> Markup {
    let Said { name, what, at } = said;
    let initials: String = name.split_whitespace().filter_map(|word| word.chars().next()).take(2).collect();
    html! {
        section.exchange {
            article.message.said {
                span.avatar.person aria-hidden="true" { (initials.to_uppercase()) }
                div.bubble {
                    header.byline { h2 { (name) } (render_clock(*at)) }
                    @match what {
                        What::Line(line) => p.typed { "/" (line.trim().trim_start_matches('/')) },
                        What::Asked(words) => p.typed { (words.trim()) },
                        What::Sent(title) => p.sent { "Sent the form “" (title) "”" },
                    }
                }
            }
            (answer)
        }
    }
}

/// Steward's answer.
pub fn render_reply(reply: &Reply, at: DateTime<Utc>) -> Markup {
    render_message(reply, None, &render_status(reply.status), at)
}

/// Steward's answer to a line that it could not read: the person's slip, which is no fault of ours to alarm them with.
pub fn render_misunderstood(reply: &Reply, at: DateTime<Utc>) -> Markup {
    render_message(reply, None, &render_badge("Not understood", "slip", Sign::Question), at)
}

/// A message that Steward posted of itself, with the shared channel it went to, if it went to one.
pub fn render_posted(posted: &Posted, at: DateTime<Utc>) -> Markup {
    let Posted { number: _, first, shared, reply } = posted;
    // The page puts what comes again under the same number in the place of what it had.
    html! { div.posted data-posted=(first) { (render_message(reply, shared.as_deref(), &render_status(reply.status), at)) } }
}

fn render_message(reply: &Reply, shared: Option<&str>, badge: &Markup, at: DateTime<Utc>) -> Markup {
    let Reply { status, command, refs, audience, lead, cards, buttons, provenance } = reply;
    let private = match audience {
        Audience::Asker if shared.is_none() => Some("only you see this"),
        Audience::Asker | Audience::Everyone => None,
    };
    html! {
        article.message.answer data-status=(status.as_str()) data-command=(command) data-refs=(refs.join(" ")) {
            (mark())
            div.bubble {
                header.byline {
                    h2 { "Steward" }
                    (render_clock(at))
                    @if let Some(channel) = shared { span.posted { "posted in " span.mention { (channel) } } }
                    @if let Some(private) = private { span.private { (icon(Sign::Eye)) (private) } }
                }
                (badge)
                @if !lead.is_empty() { p.lead { (render_text(lead)) } }
                @for (index, card) in cards.iter().enumerate() { (render_card(card, &cards[..index])) }
                (render_buttons(buttons))
                @if let Some(provenance) = provenance { (render_provenance(provenance)) }
            }
        }
    }
}

/// Steward's answer where it opened a form: says so, and opens it again after it was closed.
pub fn render_form_opened(title: &str, line: &str, at: DateTime<Utc>) -> Markup {
    html! {
        article.message.answer data-status="form" {
            (mark())
            div.bubble {
                header.byline { h2 { "Steward" } (render_clock(at)) }
                p.lead { "Opened the form “" (title) "”." }
                div.buttons { (press_button("Open it again", line, "button", true)) }
            }
        }
    }
}

/// A text, its spans escaped.
pub fn render_text(text: &Text) -> Markup {
    html! { @for span in &text.0 { (render_span(span)) } }
}

fn render_span(span: &Span) -> Markup {
    match span {
        Span::Plain(text) => html! { (text) },
        Span::Bold(text) => html! { strong { (text) } },
        Span::Italic(text) => html! { em { (text) } },
        Span::Strike(text) => html! { s { (text) } },
        Span::Code(text) => html! { code { (text) } },
        Span::Link { label, url } => match parse_link(url) {
            Some(address) => html! { a href=(address) target="_blank" rel="noopener noreferrer" { (label) } },
            None if label == url => html! { (label) },
            None => html! { (label) " (" (url) ")" },
        },
        // Other platforms' ids are of no use here.
        Span::Person(Person { name, slack_id: _, discord_id: _ }) => {
            html! { span.mention { "@" (name.trim_start_matches('@')) } }
        }
        Span::Channel(Channel { name, slack_id: _, discord_id: _ }) => match conversation_with(name) {
            Some(login) => html! { (login) "’s conversation with Steward" },
            None => html! { span.mention { (name) } },
        },
        Span::Time(at) => html! {
            time datetime=(at.to_rfc3339_opts(SecondsFormat::Secs, true)) data-show="moment" { (at.format("%Y-%m-%d %H:%M UTC")) }
        },
        Span::LineBreak => html! { br; },
    }
}

/// The address, if a page may link to it; written anew, so nothing unusual of its spelling is left.
fn parse_link(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    matches!(url.scheme(), "http" | "https" | "mailto").then(|| url.into())
}

fn render_status(status: Status) -> Markup {
    let (word, class, sign) = match status {
        Status::Answered => return html! {},
        Status::Ambiguous => ("Which one?", "ambiguous", Sign::Question),
        Status::NotFound => ("Not found", "not-found", Sign::Question),
        Status::Refused => ("Not allowed", "refused", Sign::Lock),
        Status::Error => ("Something went wrong", "error", Sign::Warning),
    };
    render_badge(word, class, sign)
}

fn render_badge(word: &str, class: &str, sign: Sign) -> Markup {
    html! { p class={ "status " (class) } { (icon(sign)) (word) } }
}

/// One sign is enough: a notice on the card, or on one before it of the same tone, takes the place of the tone's badge.
fn render_card(card: &Card, before: &[Card]) -> Markup {
    let Card { tone, title, fields, body, buttons, footer } = card;
    let (class, word) = match tone {
        Tone::Neutral => ("neutral", None),
        Tone::Good => ("good", Some((Sign::Check, "Good"))),
        Tone::Warning => ("warning", Some((Sign::Warning, "Needs attention"))),
        Tone::Critical => ("critical", Some((Sign::Critical, "Critical"))),
    };
    let notices = |card: &Card| card.body.iter().any(|block| matches!(block, Block::Warning(_)));
    let is_said = notices(card) || before.iter().any(|earlier| earlier.tone == *tone && notices(earlier));
    let word = word.filter(|_| !is_said);
    let heading = if title.is_empty() { Rank::Third } else { Rank::Fourth };
    html! {
        div class={ "card " (class) } {
            @if word.is_some() || !title.is_empty() {
                div.card-head {
                    @if !title.is_empty() { h3 { (render_text(title)) } }
                    @if let Some((sign, word)) = word { span.tone { (icon(sign)) (word) } }
                }
            }
            @if !fields.is_empty() {
                dl.facts {
                    @for Fact { name, value } in fields { div.fact { dt { (name) } dd { (render_text(value)) } } }
                }
            }
            @for block in body { (render_block(block, heading, *tone)) }
            (render_buttons(buttons))
            @if !footer.is_empty() { p.small-print { (render_text(footer)) } }
        }
    }
}

/// Which heading a block may use, so that no level is left out.
#[derive(Debug, Clone, Copy)]
enum Rank {
    Third,
    Fourth,
}

fn render_block(block: &Block, rank: Rank, tone: Tone) -> Markup {
    match block {
        Block::Heading(text) => match rank {
            Rank::Third => html! { h3.section { (render_text(text)) } },
            Rank::Fourth => html! { h4.section { (render_text(text)) } },
        },
        Block::Paragraph(text) => html! { p { (render_text(text)) } },
        Block::Quote(text) => html! { blockquote { (render_text(text)) } },
        Block::Code { language, text } => html! {
            div.code {
                p.code-head { @if let Some(language) = language { span.language { (language) } } }
                // A region that scrolls must be reachable by keyboard.
                pre tabindex="0" role="region" aria-label="Code" { code { (text) } }
            }
        },
        Block::List { style, items } => render_list(*style, items, 0),
        Block::Table { header, rows } => html! {
            div.table tabindex="0" role="region" aria-label="Table" {
                table {
                    @if !header.is_empty() {
                        thead { tr { @for cell in header { th scope="col" { (render_text(cell)) } } } }
                    }
                    tbody { @for row in rows { tr { @for cell in row { td { (render_text(cell)) } } } } }
                }
            }
        },
        Block::Warning(text) => {
            let (sign, word) = match tone {
                Tone::Critical => (Sign::Critical, "Critical: "),
                Tone::Neutral | Tone::Good | Tone::Warning => (Sign::Warning, "Warning: "),
            };
            html! { p.notice { (icon(sign)) span { strong { (word) } (render_text(text)) } } }
        }
        Block::Picture { url, says } => html! { img.picture src=(url) alt=(says) width="640" height="300"; },
        Block::Divider => html! { hr; },
    }
}

/// Items deeper than `depth` become lists inside the item before them.
fn render_list(style: ListStyle, items: &[ListItem], depth: u8) -> Markup {
    let mut groups: Vec<&[ListItem]> = Vec::new();
    let mut start = 0;
    for at in 1..=items.len() {
        if at == items.len() || items[at].depth <= depth {
            groups.push(&items[start..at]);
            start = at;
        }
    }
    let lines = html! {
        @for group in groups {
            @if let [ListItem { depth: _, checked, text }, inner @ ..] = group {
                li class=[checked.map(|_| "task")] {
                    @match checked {
                        Some(true) => span.box.done role="img" aria-label="done" {},
                        Some(false) => span.box role="img" aria-label="to do" {},
                        None => {},
                    }
                    (render_text(text))
                    @if !inner.is_empty() { (render_list(ListStyle::Bullets, inner, depth.saturating_add(1))) }
                }
            }
        }
    };
    match style {
        ListStyle::Bullets => html! { ul { (lines) } },
        ListStyle::Numbers { start } => html! { ol start=(start) { (lines) } },
    }
}

fn render_buttons(buttons: &[Button]) -> Markup {
    html! { @if !buttons.is_empty() { div.buttons { @for button in buttons { (render_button(button)) } } } }
}

fn render_button(button: &Button) -> Markup {
    let Button { label, does, weight, confirm } = button;
    let class = match weight {
        Weight::Normal => "button",
        Weight::Primary => "button primary",
        Weight::Danger => "button danger",
    };
    match (does, confirm) {
        (Does::Say(line), None) => press_button(label, line, class, false),
        // A disclosure asks without a script, and needs no window in the person's way.
        (Does::Say(line), Some(question)) => html! {
            details.confirm {
                summary class=(class) { (label) }
                div.question {
                    p { (question) }
                    (press_button(&format!("Yes: {label}"), line, class, false))
                }
            }
        },
        (Does::Open(address), _) => match parse_link(address) {
            Some(address) => html! {
                a class=(class) href=(address) target="_blank" rel="noopener noreferrer" {
                    (label) (icon(Sign::Out)) span.unseen { " (opens in a new tab)" }
                }
            },
            None => html! { span.no-link { (label) " (" (address) ")" } },
        },
    }
}

/// A button that belongs to the page's form for them, so that it carries who acts and works without a script.
fn press_button(label: &str, line: &str, class: &str, reopens: bool) -> Markup {
    html! {
        button class=(class) type="submit" form="presses" name="press" value=(line) data-reopens[reopens] { (label) }
    }
}

fn render_provenance(provenance: &Provenance) -> Markup {
    let Provenance { read_from, url, synced_at, age, freshness } = provenance;
    let origin = match url.as_deref().and_then(parse_link) {
        Some(address) => html! { a href=(address) target="_blank" rel="noopener noreferrer" { (read_from) } },
        None => html! { (read_from) },
    };
    let age = match synced_at {
        Some(at) => html! { time datetime=(at.to_rfc3339_opts(SecondsFormat::Secs, true)) { (age) } },
        None => html! { (age) },
    };
    match freshness {
        Freshness::Fresh => html! { p.provenance { (icon(Sign::Source)) span { "Read from " (origin) " · " (age) } } },
        Freshness::Stale => html! {
            p.provenance.stale { (icon(Sign::Warning)) span { strong { "May be out of date. " } "Read from " (origin) " · " (age) } }
        },
    }
}

fn render_clock(at: DateTime<Utc>) -> Markup {
    html! { time.clock datetime=(at.to_rfc3339_opts(SecondsFormat::Secs, true)) data-show="clock" { (at.format("%H:%M UTC")) } }
}

/// The product's mark beside its lines.
pub fn mark() -> Markup {
    html! { span.avatar.steward aria-hidden="true" { (PreEscaped(super::MARK)) } }
}

/// The page's signs, always beside a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    Check,
    Warning,
    Critical,
    Question,
    Lock,
    Eye,
    Person,
    Source,
    Out,
    Send,
}

/// Draws a sign.
pub fn icon(sign: Sign) -> Markup {
    let path = match sign {
        Sign::Check => "M3 8.5 6.5 12 13 4.5",
        Sign::Warning => "M8 2 14.5 13.5h-13zM8 6.5v3.2M8 11.6v.2",
        Sign::Critical => "M5.2 1.8h5.6l3.4 3.4v5.6l-3.4 3.4H5.2l-3.4-3.4V5.2zM8 4.8v3.6M8 10.9v.2",
        Sign::Question => {
            "M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM6.2 6.3a1.8 1.8 0 1 1 2.6 1.6c-.6.3-.8.7-.8 1.3M8 11.2v.2"
        }
        Sign::Lock => "M4 7.2h8v6.3H4zM5.5 7V5a2.5 2.5 0 0 1 5 0v2",
        Sign::Eye => {
            "M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8zM8 6.4a1.6 1.6 0 1 1 0 3.2 1.6 1.6 0 0 1 0-3.2z"
        }
        Sign::Person => "M8 2.2a2.7 2.7 0 1 1 0 5.4 2.7 2.7 0 0 1 0-5.4zM2.8 13.8c.4-2.8 2.4-4.3 5.2-4.3s4.8 1.5 5.2 4.3",
        Sign::Source => {
            "M4.5 2.5v7M4.5 9.5a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM11.5 2.5a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM11.5 6.5c0 2.5-3 3-7 3"
        }
        Sign::Out => "M6 3.5H3.2v9.3h9.3V10M9 3h4v4M13 3 7.5 8.5",
        Sign::Send => "M8 13.5V3M3.5 7.2 8 2.8l4.5 4.4",
    };
    html! {
        svg.icon viewBox="0 0 16 16" aria-hidden="true" focusable="false" { path d=(path) {} }
    }
}
