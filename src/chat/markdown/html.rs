//! HTML inside of Markdown: its text, and what the tags mean that people write in READMEs and runbooks.
//! Must not pass markup on: whatever is not understood here is left out, its text kept.

use super::{Block, Span, Writer};

/// Elements whose text nobody is meant to read.
const UNREAD: [&str; 4] = ["script", "style", "template", "title"];

/// Longest entity: `&thetasym;`.
const ENTITY_LETTERS: usize = 10;

impl Writer<'_> {
    /// Takes a piece of HTML: a tag inside of a line, or a block.
    pub(super) fn take_html(&mut self, html: &str) {
        let mut rest = html;
        while let Some(open) = rest.find('<') {
            self.say_html(&rest[..open]);
            rest = &rest[open..];
            if let Some(comment) = rest.strip_prefix("<!--") {
                rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
                continue;
            }
            let is_tag = rest[1..].starts_with(|letter: char| letter.is_ascii_alphabetic() || matches!(letter, '/' | '!' | '?'));
            let Some(end) = find_tag_end(rest).filter(|_| is_tag) else {
                self.say_html("<");
                rest = &rest[1..];
                continue;
            };
            let tag = Tag::parse(&rest[1..end]);
            rest = &rest[end + 1..];
            if !tag.closes && UNREAD.contains(&tag.name.as_str()) {
                // One that does not end would take all that follows with it.
                rest = if ends(rest, &tag.name) { skip_to(rest, &tag.name).1 } else { rest };
            } else if !tag.closes && tag.name == "pre" {
                let (inside, after) = skip_to(rest, "pre");
                self.interrupt_item();
                self.flush_paragraph();
                let text = without_tags(inside).trim_matches('\n').to_owned();
                self.write(Block::Code { language: None, text });
                rest = after;
            } else {
                self.take_tag(&tag);
            }
        }
        self.say_html(rest);
    }

    fn take_tag(&mut self, tag: &Tag) {
        let step = |count: u8| if tag.closes { count.saturating_sub(1) } else { count.saturating_add(1) };
        match tag.name.as_str() {
            "br" => self.break_line(),
            "b" | "strong" | "th" | "dt" => self.html_style.bold = step(self.html_style.bold),
            "i" | "em" => self.html_style.italic = step(self.html_style.italic),
            "s" | "del" | "strike" => self.html_style.strike = step(self.html_style.strike),
            "code" | "kbd" | "samp" | "tt" => self.html_style.code = step(self.html_style.code),
            "summary" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.end_html_line();
                self.html_style.bold = u8::from(!tag.closes);
            }
            "li" if !tag.closes => {
                self.end_html_line();
                self.say("• ");
            }
            "td" if tag.closes => self.say("  "),
            "p" | "div" | "li" | "tr" | "ul" | "ol" | "dl" | "dd" | "table" | "details" | "section" | "blockquote" | "center" => {
                self.end_html_line();
            }
            "hr" if self.html.is_none() && self.lists.is_empty() => {
                self.flush_paragraph();
                self.write(Block::Divider);
            }
            "a" if tag.closes && self.html_links > 0 => {
                self.html_links -= 1;
                self.close_link("");
            }
            "a" if !tag.closes => {
                if let Some(target) = tag.attribute("href") {
                    self.links.push(((self.resolve)(&target), String::new()));
                    self.html_links += 1;
                }
            }
            "img" => {
                let outer = self.links.last().map(|(url, _)| url.clone());
                let url = outer.unwrap_or_else(|| tag.attribute("src").and_then(|source| (self.resolve)(&source)));
                self.links.push((url, tag.attribute("alt").unwrap_or_default()));
                self.close_link("image");
            }
            _ => {}
        }
    }

    /// Lines and indents of HTML mean nothing.
    fn say_html(&mut self, text: &str) {
        let decoded = decode(text);
        let words: Vec<&str> = decoded.split_whitespace().collect();
        if words.is_empty() {
            if !decoded.is_empty() && !self.text.is_empty() {
                self.say(" ");
            }
            return;
        }
        let spaced = |edge: Option<char>| if edge.is_some_and(char::is_whitespace) { " " } else { "" };
        let begins = if self.text.is_empty() && self.links.is_empty() { "" } else { spaced(decoded.chars().next()) };
        self.say(&format!("{begins}{}{}", words.join(" "), spaced(decoded.chars().next_back())));
    }

    fn end_html_line(&mut self) {
        // In a heading or a cell there is but one line.
        if self.lists.is_empty() && self.table.is_none() && self.links.is_empty() {
            self.flush_paragraph();
        } else if !self.text.is_empty() {
            self.break_line();
        }
    }

    /// What HTML opened and did not close ends with the block.
    pub(super) fn end_html(&mut self) {
        self.html_style = super::Style::default();
        while self.html_links > 0 {
            self.html_links -= 1;
            self.close_link("");
        }
        if let Some(Span::Plain(last)) = self.text.0.last_mut() {
            last.truncate(last.trim_end_matches(' ').len());
        }
    }
}

struct Tag {
    name: String,
    closes: bool,
    attributes: String,
}

impl Tag {
    /// What stands between `<` and `>`.
    fn parse(inside: &str) -> Self {
        let (closes, inside) = inside.strip_prefix('/').map_or((false, inside), |rest| (true, rest));
        let end = inside.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').unwrap_or(inside.len());
        Self { name: inside[..end].to_ascii_lowercase(), closes, attributes: inside[end..].to_owned() }
    }

    fn attribute(&self, name: &str) -> Option<String> {
        let mut rest = self.attributes.as_str();
        while let Some(equals) = rest.find('=') {
            let key = rest[..equals].trim().rsplit([' ', '\n', '\t', '"', '\'']).next().unwrap_or_default();
            let value = rest[equals + 1..].trim_start();
            let quote = value.chars().next().filter(|letter| matches!(letter, '"' | '\''));
            let (value, after) = match quote {
                Some(quote) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
                None => value.split_once(char::is_whitespace).unwrap_or((value, "")),
            };
            if key.eq_ignore_ascii_case(name) {
                return Some(decode(value).trim().to_owned()).filter(|value| !value.is_empty());
            }
            rest = after;
        }
        None
    }
}

/// Where the tag that begins here ends; a `>` in quotes is none.
fn find_tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            _ => {}
        }
    }
    // An apostrophe where no attribute is.
    text.find('>')
}

fn ends(text: &str, name: &str) -> bool {
    text.to_ascii_lowercase().contains(&format!("</{name}"))
}

/// What stands before the end of an element, and what behind it.
fn skip_to<'t>(text: &'t str, name: &str) -> (&'t str, &'t str) {
    let lower = text.to_ascii_lowercase();
    match lower.find(&format!("</{name}")) {
        Some(at) => (&text[..at], text[at..].split_once('>').map_or("", |(_, after)| after)),
        None => (text, ""),
    }
}

fn without_tags(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        let is_tag = rest[open + 1..].starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '/');
        match find_tag_end(&rest[open..]).filter(|_| is_tag) {
            Some(end) => rest = &rest[open + end + 1..],
            None => {
                out.push('<');
                rest = &rest[open + 1..];
            }
        }
    }
    out.push_str(rest);
    decode(&out)
}

/// The entities that people write; any other stays as it is.
fn decode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let entity = rest[1..].split_once(';').map(|(name, _)| name).filter(|name| name.len() <= ENTITY_LETTERS);
        let letter = entity.and_then(|name| match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "nbsp" => Some(' '),
            "copy" => Some('©'),
            "rarr" => Some('→'),
            "mdash" => Some('—'),
            "ndash" => Some('–'),
            "hellip" => Some('…'),
            number => {
                let number = number.strip_prefix('#')?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)
            }
        });
        match (letter, entity) {
            (Some(letter), Some(entity)) => {
                out.push(letter);
                rest = &rest[entity.len() + 2..];
            }
            _ => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}
