//! Embeds that cannot grow past what Discord takes, and the longer content of a card in them. Must not know what it is about.

use super::{
    text::{Markdown, address},
    wire::{Embed, EmbedField, Footer, Image},
};
use crate::chat::{
    Block, ListItem, ListStyle, Span, Text,
    limits::DISCORD,
    width::{clean, width},
};

/// A table wider than this wraps in a phone's chat and cannot be read.
const TABLE_WIDTH: usize = 56;

/// Levels that Discord's clients draw.
const DEEPEST_INDENT: u8 = 5;

/// Embeds in the making.
#[derive(Debug)]
pub(super) struct Page {
    pub embeds: Vec<Embed>,
    /// Something did not fit; nothing more is taken.
    pub is_cut: bool,
    most: usize,
    left: usize,
    current: Embed,
    text: Markdown,
}

impl Page {
    pub fn new(most: usize, left: usize) -> Self {
        Self { embeds: Vec::new(), is_cut: false, most, left, current: Embed::default(), text: Markdown::within(0) }
    }

    /// A new embed.
    pub fn begin(&mut self, color: Option<u32>) {
        if self.embeds.len() >= self.most || self.left == 0 {
            self.is_cut = true;
        }
        self.current = Embed { color, ..Embed::default() };
        self.text = Markdown::within(DISCORD.section_text.min(self.left));
    }

    /// Ends the embed; one that shows nothing is none.
    pub fn end(&mut self) {
        let text = std::mem::take(&mut self.text);
        let mut embed = std::mem::take(&mut self.current);
        embed.description = text.text.trim_matches('\n').to_owned();
        self.left = self.left.saturating_sub(width(&embed.description));
        let is_empty = embed.title.is_empty() && embed.description.is_empty() && embed.fields.is_empty();
        if (!is_empty || embed.image.is_some()) && self.embeds.len() < self.most {
            self.embeds.push(embed);
        }
    }

    /// Goes on in another embed, of the same color.
    fn turn(&mut self) {
        let color = self.current.color;
        self.end();
        self.begin(color);
    }

    fn room(&self) -> usize {
        if self.is_cut { 0 } else { self.text.room() }
    }

    /// Room for so much of one piece, in another embed where this one is nearly full.
    fn make_room(&mut self, wanted: usize) {
        let longest = DISCORD.section_text.min(self.left.saturating_sub(self.text.used));
        if wanted > self.room() && wanted <= longest && !self.text.text.is_empty() && self.embeds.len() + 1 < self.most {
            self.turn();
        }
    }

    pub fn heading(&mut self, title: &Text) {
        let is_words = |span: &Span| matches!(span, Span::Plain(_) | Span::Bold(_) | Span::Code(_));
        let mut plain = Markdown::within(DISCORD.heading_text.min(self.left));
        plain.words(&title.to_plain());
        if title.0.iter().all(is_words) && !plain.is_cut && !plain.text.contains('\n') {
            // What a title takes is not left for the text.
            self.left = self.left.saturating_sub(plain.used);
            self.text = Markdown::within(DISCORD.section_text.min(self.left));
            self.current.title = plain.text;
        } else {
            self.line(&bold(title));
        }
    }

    pub fn fields(&mut self, fields: Vec<EmbedField>) {
        let wide: usize = fields.iter().map(|field| width(&field.name) + width(&field.value)).sum();
        if wide > self.left {
            self.is_cut = true;
            return;
        }
        self.left -= wide;
        self.text = Markdown::within(DISCORD.section_text.min(self.left));
        self.current.fields = fields;
    }

    /// A paragraph of its own line.
    pub fn line(&mut self, text: &Text) {
        self.piece(|out| out.text(text));
    }

    fn piece(&mut self, draw: impl Fn(&mut Markdown)) {
        if self.is_cut {
            return;
        }
        let mut alone = Markdown::within(usize::MAX / 2);
        draw(&mut alone);
        if alone.text.trim().is_empty() {
            return;
        }
        self.make_room(alone.used + 1);
        if !self.text.is_line_start() {
            self.text.raw("\n");
        }
        draw(&mut self.text);
        self.is_cut |= self.text.is_cut;
    }

    /// Markup that is of no use in part.
    fn whole(&mut self, markup: &str) {
        self.piece(|out| out.raw(markup));
    }

    pub fn small_print(&mut self, words: &Text) {
        if words.0.iter().any(|span| matches!(span, Span::Link { .. } | Span::Person(_) | Span::Channel(_) | Span::Time(_))) {
            return self.piece(|out| {
                out.raw("-# ");
                out.text(words);
            });
        }
        let words = clean(&words.to_plain()).replace('\n', " ");
        let wide = width(&words);
        if wide > self.room() || wide > 2_000 {
            self.is_cut = true;
            return;
        }
        self.left = self.left.saturating_sub(wide);
        self.current.footer = Some(Footer { text: words });
    }
}

/// A title's plain words in bold; links and mentions as they are.
fn bold(title: &Text) -> Text {
    let strong = |span: &Span| match span {
        Span::Plain(words) => Span::Bold(words.clone()),
        other => other.clone(),
    };
    Text(title.0.iter().map(strong).collect())
}

pub(super) fn draw(page: &mut Page, body: &[Block]) {
    for block in body {
        if page.is_cut {
            return;
        }
        draw_block(page, block);
    }
}

fn draw_block(page: &mut Page, block: &Block) {
    match block {
        Block::Heading(heading) => page.line(&bold(heading)),
        Block::Paragraph(words) => page.line(words),
        Block::Quote(words) => draw_quote(page, words),
        Block::Code { language, text } => draw_code(page, language.as_deref(), text),
        Block::List { style, items } => draw_list(page, *style, items),
        Block::Table { header, rows } => draw_table(page, header, rows),
        Block::Warning(words) => page.line(&Text::plain("⚠️ ").bold("Warning").say(": ").join(words.clone())),
        Block::Picture { url, says } => draw_picture(page, url, says),
        Block::Divider => {}
    }
}

/// Each line has the mark: Discord's ends with its line.
fn draw_quote(page: &mut Page, words: &Text) {
    let mut lines: Vec<Text> = vec![Text::new()];
    let mut push = |span: Option<Span>| match span {
        None => lines.push(Text::new()),
        Some(span) => {
            if let Some(last) = lines.last_mut() {
                last.0.push(span);
            }
        }
    };
    for span in &words.0 {
        match span {
            Span::LineBreak => push(None),
            Span::Plain(words) => {
                for (index, line) in words.split('\n').enumerate() {
                    if index > 0 {
                        push(None);
                    }
                    push(Some(Span::Plain(line.to_owned())));
                }
            }
            other => push(Some(other.clone())),
        }
    }
    for line in lines {
        page.piece(|out| {
            out.raw("> ");
            out.text(&line);
        });
    }
}

/// Code is cut at a line, inside of its fence.
fn draw_code(page: &mut Page, language: Option<&str>, text: &str) {
    let is_word = |word: &&str| !word.is_empty() && word.len() <= 20 && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let begin = format!("```{}\n", language.filter(is_word).unwrap_or_default());
    // A fence in the code would end it: the signs are held apart by one of no width.
    let code = clean(text.trim_matches('\n')).replace("```", "`\u{200b}`\u{200b}`");
    let frame = width(&begin) + 5;
    page.make_room(width(&code) + frame);
    let room = page.room().saturating_sub(frame);
    if width(&code) <= room {
        return page.whole(&format!("{begin}{code}\n```"));
    }
    let mut kept = String::new();
    let mut used = 0;
    for line in code.split_inclusive('\n') {
        used += width(line);
        if used > room {
            break;
        }
        kept.push_str(line);
    }
    if !kept.is_empty() {
        page.whole(&format!("{begin}{}\n```", kept.trim_end_matches('\n')));
    }
    page.is_cut = true;
}

fn draw_list(page: &mut Page, style: ListStyle, items: &[ListItem]) {
    let mut number = match style {
        ListStyle::Bullets => None,
        ListStyle::Numbers { start } => Some(start),
    };
    for ListItem { depth, checked, text } in items {
        let indent = "  ".repeat(usize::from((*depth).min(DEEPEST_INDENT)));
        let mark = match &mut number {
            Some(number) if *depth == 0 => {
                let mark = format!("{number}. ");
                *number = number.saturating_add(1);
                mark
            }
            Some(_) | None => "- ".to_owned(),
        };
        let tick = match checked {
            Some(true) => "☑ ",
            Some(false) => "☐ ",
            None => "",
        };
        page.piece(|out| {
            out.raw(&format!("{indent}{mark}{tick}"));
            if text.is_empty() { out.words("–") } else { out.text(text) }
        });
    }
}

/// Narrow tables of words are drawn in columns of equal letters. Wider ones, and those with links, which such columns
/// would lose, become a list with a line a row.
fn draw_table(page: &mut Page, header: &[Text], rows: &[Vec<Text>]) {
    if let Some(drawn) = columns(header, rows) {
        return draw_code(page, None, &drawn);
    }
    for row in rows {
        let cells = row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()).map(|(column, cell)| {
            match header.get(column).filter(|name| !name.is_empty()) {
                Some(name) => Text::new().italic(name.to_plain()).say(": ").join(cell.clone()),
                None => cell.clone(),
            }
        });
        let line = Text::list(cells, " · ");
        page.piece(|out| {
            out.raw("- ");
            out.text(&line);
        });
    }
}

fn columns(header: &[Text], rows: &[Vec<Text>]) -> Option<String> {
    let is_line = |span: &Span| match span {
        Span::Plain(words) | Span::Bold(words) | Span::Italic(words) | Span::Strike(words) | Span::Code(words) => {
            !words.contains('\n')
        }
        Span::Link { .. } | Span::Person(_) | Span::Channel(_) | Span::Time(_) | Span::LineBreak => false,
    };
    let all = || std::iter::once(header).chain(rows.iter().map(Vec::as_slice));
    if !all().flatten().all(|text| text.0.iter().all(is_line)) {
        return None;
    }
    let cell = |text: &Text| clean(&text.to_plain()).into_owned();
    let count = all().map(<[Text]>::len).max().filter(|count| *count > 0)?;
    let mut widths = vec![0; count];
    for (column, text) in all().flat_map(|row| row.iter().enumerate()) {
        widths[column] = widths[column].max(width(&cell(text)));
    }
    if widths.iter().sum::<usize>() + 2 * (count - 1) > TABLE_WIDTH {
        return None;
    }
    let line = |row: &[Text]| {
        let padded = row.iter().zip(&widths).map(|(text, wide)| {
            let shown = cell(text);
            let blanks = " ".repeat((wide + 2).saturating_sub(width(&shown)));
            format!("{shown}{blanks}")
        });
        padded.collect::<String>().trim_end().to_owned()
    };
    let rule = "─".repeat(widths.iter().sum::<usize>() + 2 * (count - 1));
    let lines: Vec<String> = [line(header), rule].into_iter().chain(rows.iter().map(|row| line(row))).collect();
    Some(lines.join("\n"))
}

/// An embed has one picture; another begins another embed.
fn draw_picture(page: &mut Page, url: &str, says: &str) {
    let Some(url) = address(url) else { return page.line(&Text::plain(says)) };
    if page.current.image.is_some() {
        page.turn();
    }
    page.line(&Text::new().italic(says));
    page.current.image = Some(Image { url });
}
