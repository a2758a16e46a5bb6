//! A reply as lines for a terminal: wrapped, in reading order, buttons as the commands they stand for.
//! Must not let anything from the catalog control the terminal: control characters are dropped.

use crate::chat::{
    Block, Button, Card, Choice, Does, Fact, Field, FieldKind, Form, Freshness, ListStyle, Provenance, Reply, Required, Response,
    Span, Text, Tone,
};

/// Columns where the terminal does not tell.
pub const DEFAULT_WIDTH: usize = 80;

/// Narrower than this nothing can be wrapped sensibly.
const MIN_WIDTH: usize = 30;

/// Whether colour codes may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    On,
    Off,
}

/// Everything a door shows, as text that ends with a line break.
pub fn render_text(response: &Response, width: usize, colour: Colour) -> String {
    let mut page = Page { out: String::new(), width: width.max(MIN_WIDTH), colour };
    match response {
        Response::Reply(reply) => page.reply(reply),
        Response::Form(form) => page.form(form),
        Response::Choices(choices) => choices.iter().for_each(|choice| page.choice(choice)),
    }
    page.out
}

struct Page {
    out: String,
    width: usize,
    colour: Colour,
}

/// How a piece of text is dressed, as SGR codes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dress {
    None,
    Bold,
    Dim,
    Warning,
    Critical,
    Code,
}

impl Dress {
    fn codes(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Warning => "33",
            Self::Critical => "1;31",
            Self::Code => "36",
        }
    }
}

impl Page {
    fn reply(&mut self, reply: &Reply) {
        // The audience and references are for other doors; a terminal has one reader, who reads names.
        let Reply { status: _, command: _, refs: _, audience: _, lead, cards, buttons, provenance } = reply;
        self.wrapped(&pieces(lead, Dress::None), "", "");
        for card in cards {
            self.card(card);
        }
        if !buttons.is_empty() {
            self.blank();
            self.buttons(buttons, "");
        }
        if let Some(provenance) = provenance {
            self.blank();
            self.provenance(provenance);
        }
    }

    fn card(&mut self, card: &Card) {
        let Card { tone, title, fields, body, buttons, footer } = card;
        self.blank();
        if !title.is_empty() {
            let dress = if *tone == Tone::Critical { Dress::Critical } else { Dress::Bold };
            self.wrapped(&pieces(title, dress), "", "");
        }
        self.facts(fields);
        for block in body {
            self.block(block, *tone);
        }
        if !buttons.is_empty() {
            self.buttons(buttons, "");
        }
        if !footer.is_empty() {
            self.wrapped(&pieces(footer, Dress::Dim), "", "");
        }
    }

    fn facts(&mut self, facts: &[Fact]) {
        let longest = facts.iter().map(|fact| fact.name.chars().count()).max().unwrap_or_default();
        for Fact { name, value } in facts {
            let first = format!("  {name:<longest$}  ");
            let rest = " ".repeat(longest + 4);
            self.wrapped(&pieces(value, Dress::None), &first, &rest);
        }
    }

    fn block(&mut self, block: &Block, tone: Tone) {
        match block {
            Block::Heading(text) => {
                self.blank();
                self.wrapped(&pieces(text, Dress::Bold), "", "");
            }
            Block::Paragraph(text) => self.wrapped(&pieces(text, Dress::None), "  ", "  "),
            Block::Quote(text) => self.wrapped(&pieces(text, Dress::None), "  | ", "  | "),
            Block::Warning(text) => {
                let dress = if tone == Tone::Critical { Dress::Critical } else { Dress::Warning };
                self.wrapped(&pieces(text, dress), "  ! ", "    ");
            }
            Block::Code { language: _, text } => {
                for line in text.lines() {
                    let line = self.dressed(&printable(line), Dress::Code);
                    self.line(&format!("    {line}"));
                }
            }
            Block::List { style, items } => {
                let mut number = match style {
                    ListStyle::Numbers { start } => Some(*start),
                    ListStyle::Bullets => None,
                };
                for item in items {
                    let mark = match (item.checked, number, item.depth) {
                        (Some(true), ..) => "[x]".to_owned(),
                        (Some(false), ..) => "[ ]".to_owned(),
                        (None, Some(at), 0) => format!("{at}."),
                        (None, ..) => "-".to_owned(),
                    };
                    if item.depth == 0 {
                        number = number.map(|at| at + 1);
                    }
                    let indent = "  ".repeat(usize::from(item.depth) + 1);
                    let rest = " ".repeat(indent.len() + mark.chars().count() + 1);
                    self.wrapped(&pieces(&item.text, Dress::None), &format!("{indent}{mark} "), &rest);
                }
            }
            Block::Table { header, rows } => self.table(header, rows),
            Block::Picture { url: _, says } => self.wrapped(&pieces(&Text::plain(says.as_str()), Dress::None), "  ", "  "),
            Block::Divider => self.line(&"-".repeat(self.width.min(40))),
        }
    }

    fn table(&mut self, header: &[Text], rows: &[Vec<Text>]) {
        let cells = |row: &[Text]| -> Vec<String> { row.iter().map(|cell| printable(&plain(cell))).collect() };
        let all: Vec<Vec<String>> = std::iter::once(header).chain(rows.iter().map(Vec::as_slice)).map(cells).collect();
        let columns = all.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|at| all.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or_default())
            .collect();
        for (place, row) in all.iter().enumerate() {
            let padded: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            let dress = if place == 0 { Dress::Bold } else { Dress::None };
            let line = self.dressed(padded.join("  ").trim_end(), dress);
            self.line(&format!("  {line}"));
        }
    }

    fn buttons(&mut self, buttons: &[Button], indent: &str) {
        let longest = buttons.iter().map(|button| button.label.chars().count()).max().unwrap_or_default();
        for Button { label, does, weight: _, confirm: _ } in buttons {
            let target = match does {
                Does::Say(line) => format!("/{line}"),
                Does::Open(url) => url.clone(),
            };
            let target = self.dressed(&printable(&target), Dress::Code);
            // Never wrapped: it is there to be copied.
            let label = printable(label);
            self.line(&format!("{indent}→ {label:<longest$}  {target}"));
        }
    }

    fn provenance(&mut self, provenance: &Provenance) {
        let Provenance { read_from, url: _, synced_at, age, freshness } = provenance;
        let (said, dress) = match freshness {
            Freshness::Fresh => (format!("Read from {read_from}, {age}"), Dress::Dim),
            Freshness::Stale if synced_at.is_none() => (format!("Read from {read_from}, {age}"), Dress::Warning),
            Freshness::Stale => (format!("Read from {read_from}, {age}: stale"), Dress::Warning),
        };
        self.wrapped(&[(said, dress)], "", "");
    }

    fn form(&mut self, form: &Form) {
        let Form { id, title, page, pages, intro, fields, submit: _, state } = form;
        self.wrapped(&[(format!("{title} (page {} of {pages})", page + 1), Dress::Bold)], "", "");
        self.wrapped(&pieces(intro, Dress::None), "", "");
        for field in fields.iter().filter(|field| field.is_shown(state)) {
            let Field { name: _, label, help: _, required, kind, value: _, error, shown_when: _ } = field;
            let required = if *required == Required::Yes { "" } else { " (may be left empty)" };
            self.wrapped(&[(format!("{label}{required}"), Dress::None)], "  - ", "    ");
            if let FieldKind::Select { choices }
            | FieldKind::MultiSelect { choices }
            | FieldKind::Radio { choices }
            | FieldKind::Checkboxes { choices } = kind
            {
                let words = choices.iter().map(|choice| choice.label.as_str()).collect::<Vec<_>>().join("; ");
                self.wrapped(&[(words, Dress::Dim)], "    ", "    ");
            }
            if let Some(error) = error {
                self.wrapped(&[(error.clone(), Dress::Warning)], "    ! ", "      ");
            }
        }
        self.blank();
        self.wrapped(&[(format!("A terminal cannot show forms. Use /{id} in chat or in the playground."), Dress::None)], "", "");
    }

    fn choice(&mut self, choice: &Choice) {
        let Choice { value, label, note: _ } = choice;
        self.line(&format!("- {} {}", printable(label), printable(value)));
    }

    fn dressed(&self, text: &str, dress: Dress) -> String {
        match (self.colour, dress) {
            (Colour::Off, _) | (_, Dress::None) => text.to_owned(),
            (Colour::On, dress) => format!("\u{1b}[{}m{text}\u{1b}[0m", dress.codes()),
        }
    }

    fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn line(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    /// Writes words with breaks at spaces; `first` and `rest` stand before the first and the other lines.
    fn wrapped(&mut self, pieces: &[(String, Dress)], first: &str, rest: &str) {
        let mut line = first.to_owned();
        let mut used = first.chars().count();
        let mut is_empty = true;
        let mut space = false;
        for (text, dress) in pieces {
            for (at, part) in text.split('\n').enumerate() {
                if at > 0 {
                    self.line(&line);
                    line = rest.to_owned();
                    (used, is_empty, space) = (rest.chars().count(), true, false);
                }
                for (at, word) in part.split(' ').enumerate() {
                    space |= at > 0;
                    if word.is_empty() {
                        continue;
                    }
                    let word = printable(word);
                    let length = word.chars().count();
                    if !is_empty && space && used + 1 + length > self.width {
                        self.line(&line);
                        line = rest.to_owned();
                        (used, is_empty) = (rest.chars().count(), true);
                    }
                    if !is_empty && space {
                        line.push(' ');
                        used += 1;
                    }
                    line.push_str(&self.dressed(&word, *dress));
                    used += length;
                    (is_empty, space) = (false, false);
                }
            }
        }
        if !is_empty || !line.trim().is_empty() {
            self.line(&line);
        }
    }
}

/// The text in pieces of one dress each; links show their address where it is not their label.
fn pieces(text: &Text, base: Dress) -> Vec<(String, Dress)> {
    let piece = |span: &Span| match span {
        Span::Bold(words) if base == Dress::None => (words.clone(), Dress::Bold),
        Span::Code(words) => (words.clone(), if base == Dress::None { Dress::Code } else { base }),
        Span::Plain(words) | Span::Bold(words) | Span::Italic(words) | Span::Strike(words) => (words.clone(), base),
        Span::Link { label, url } if label == url || *url == format!("mailto:{label}") => (label.clone(), base),
        Span::Link { label, url } => (format!("{label} <{url}>"), base),
        Span::Person(person) => (person.name.clone(), base),
        Span::Channel(channel) => (channel.name.clone(), base),
        Span::Time(at) => (at.format("%Y-%m-%d %H:%M UTC").to_string(), base),
        Span::LineBreak => ("\n".to_owned(), base),
    };
    text.0.iter().map(piece).collect()
}

fn plain(text: &Text) -> String {
    pieces(text, Dress::None).into_iter().map(|(words, _)| words).collect::<String>().replace('\n', " ")
}

/// Without what would move the cursor or change colours.
fn printable(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}
