//! Spans to Discord's Markdown; the one place that escapes.
//!
//! Discord shows a backslash before any sign as that sign alone, so nothing of the catalog becomes markup, and names are
//! copied as they are. Mentions are shown and call nobody: every message forbids it besides.

use url::Url;

use crate::chat::{
    Channel, Person, Span, Text,
    width::{clean, width},
};

/// Longest address that Discord takes in a button; longer ones in a text are shown as their label alone.
const URL_WIDTH: usize = 512;

/// Text in the making that cannot grow past its width.
#[derive(Debug, Clone, Default)]
pub(super) struct Markdown {
    pub text: String,
    pub used: usize,
    max: usize,
    /// Something did not fit; nothing more is taken.
    pub is_cut: bool,
}

impl Markdown {
    pub fn within(max: usize) -> Self {
        Self { text: String::new(), used: 0, max, is_cut: false }
    }

    pub fn room(&self) -> usize {
        if self.is_cut { 0 } else { self.max - self.used }
    }

    /// Markup as it is; whole, or not at all.
    pub fn raw(&mut self, markup: &str) {
        let wide = width(markup);
        if self.is_cut || wide > self.room() {
            self.is_cut = true;
            return;
        }
        self.text.push_str(markup);
        self.used += wide;
    }

    /// Words, escaped; as many as fit, the last sign then being `…`.
    pub fn words(&mut self, words: &str) {
        for escaped in Escaped::new(&clean(words), self.is_line_start()) {
            let wide = width(&escaped);
            // One is kept for the sign that tells of the cut.
            if self.is_cut || wide + 1 > self.room() {
                self.cut();
                return;
            }
            self.text.push_str(&escaped);
            self.used += wide;
        }
    }

    fn cut(&mut self) {
        if !self.is_cut && self.room() > 0 && !self.text.is_empty() {
            self.text.push('…');
            self.used += 1;
        }
        self.is_cut = true;
    }

    pub fn is_line_start(&self) -> bool {
        self.text.is_empty() || self.text.ends_with('\n')
    }

    pub fn text(&mut self, text: &Text) {
        for span in &text.0 {
            self.span(span);
        }
    }

    fn span(&mut self, span: &Span) {
        match span {
            Span::Plain(words) => self.words(words),
            Span::Bold(words) => self.marked("**", words),
            Span::Italic(words) => self.marked("*", words),
            Span::Strike(words) => self.marked("~~", words),
            Span::Code(words) => self.code(words),
            Span::Link { label, url } => self.link(label, url),
            Span::Person(Person { name, slack_id: _, discord_id }) => match discord_id.as_deref().filter(|id| is_id(id)) {
                Some(id) => self.raw(&format!("<@{id}>")),
                None => self.words(name),
            },
            Span::Channel(Channel { name, slack_id: _, discord_id }) => match discord_id.as_deref().filter(|id| is_id(id)) {
                Some(id) => self.raw(&format!("<#{id}>")),
                None => self.words(name),
            },
            Span::Time(at) => self.raw(&format!("<t:{}:f>", at.timestamp())),
            Span::LineBreak => self.raw("\n"),
        }
    }

    /// Marks stand at words: Discord knows none that begin or end with a blank.
    pub fn marked(&mut self, mark: &str, words: &str) {
        let words = clean(words);
        let inner = words.trim();
        if inner.is_empty() || inner.contains('\n') {
            return self.words(&words);
        }
        let blank = |has: bool| if has { " " } else { "" };
        let marked = format!("{mark}{}{mark}", escape(inner));
        if width(&marked) + 2 > self.room() {
            return self.words(&words);
        }
        self.raw(blank(words.starts_with(char::is_whitespace)));
        self.raw(&marked);
        self.raw(blank(words.ends_with(char::is_whitespace)));
    }

    fn code(&mut self, words: &str) {
        let words = clean(words).replace('\n', " ");
        let inner = words.trim();
        // Two ticks hold one; what has two is shown as plain words.
        if inner.is_empty() || inner.contains("``") {
            return self.words(&words);
        }
        let edge = |at_edge: bool| if at_edge { " " } else { "" };
        let (before, after) = (edge(inner.starts_with('`')), edge(inner.ends_with('`')));
        let ticks = if inner.contains('`') { "``" } else { "`" };
        let marked = format!("{ticks}{before}{inner}{after}{ticks}");
        if width(&marked) > self.room() { self.words(&words) } else { self.raw(&marked) }
    }

    fn link(&mut self, label: &str, url: &str) {
        let label = clean(label).replace('\n', " ");
        let Some(url) = address(url) else { return self.words(&label) };
        let shown = if label.trim().is_empty() { url.as_str() } else { label.trim() };
        // The brackets keep Discord from adding a preview.
        let marked = format!("[{}](<{url}>)", escape(shown));
        if width(&marked) > self.room() { self.words(shown) } else { self.raw(&marked) }
    }
}

/// All of a text, however long.
pub(super) fn escape(words: &str) -> String {
    Escaped::new(&clean(words), true).collect()
}

/// An address that may be opened: http and https alone, with nothing in it that ends a link.
pub(super) fn address(url: &str) -> Option<String> {
    let url = Url::parse(url.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let url = url.as_str().replace('(', "%28").replace(')', "%29").replace('<', "%3C").replace('>', "%3E");
    (width(&url) <= URL_WIDTH).then_some(url)
}

/// Discord's ids are numbers.
pub(super) fn is_id(id: &str) -> bool {
    (15..=20).contains(&id.len()) && id.bytes().all(|letter| letter.is_ascii_digit())
}

/// Letters with what keeps them from being markup.
struct Escaped<'t> {
    rest: &'t str,
    /// Nothing but digits stands before it on the line.
    at_start: bool,
    digits: usize,
}

impl<'t> Escaped<'t> {
    fn new(rest: &'t str, at_start: bool) -> Self {
        Self { rest, at_start, digits: 0 }
    }
}

impl Iterator for Escaped<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let letter = self.rest.chars().next()?;
        self.rest = &self.rest[letter.len_utf8()..];
        let begins = self.at_start && self.digits == 0;
        let escaped = match letter {
            '\\' | '`' | '*' | '_' | '~' | '|' | '<' | '[' | ']' => format!("\\{letter}"),
            '#' | '-' | '+' | '>' if begins => format!("\\{letter}"),
            // `1.` would begin a list.
            '.' if self.at_start && self.digits > 0 => "\\.".to_owned(),
            // An address that is no link of ours is not to be followed by a preview.
            ':' if self.rest.starts_with("//") => "\\:".to_owned(),
            // A backslash is not enough there: Discord looks for these two before it looks for markup.
            '@' if self.rest.starts_with("everyone") || self.rest.starts_with("here") => "@\u{200b}".to_owned(),
            '\t' => " ".to_owned(),
            other => other.to_string(),
        };
        match letter {
            '\n' => (self.at_start, self.digits) = (true, 0),
            ' ' | '\t' if begins => {}
            letter if self.at_start && letter.is_ascii_digit() => self.digits += 1,
            _ => self.at_start = false,
        }
        Some(escaped)
    }
}
