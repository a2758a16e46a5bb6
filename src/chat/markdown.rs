//! Markdown to blocks and sections, for runbooks and whatever else people write in it.
//! Must not cut anything to a length, nor decide where a relative link leads: the caller says.

mod html;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd, TextMergeStream};

use super::{Block, ListItem, ListStyle, Span, Text};

/// A heading and what stands below it, up to the next heading of any level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// 1 to 6; 0 for what comes before the first heading.
    pub level: u8,
    pub title: Text,
    pub blocks: Vec<Block>,
}

impl Section {
    /// The anchor GitHub gives a heading: `roll-back`.
    pub fn slug(&self) -> String {
        let title = self.title.to_plain().to_lowercase();
        let kept = title.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
        kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
    }
}

/// Reads CommonMark with tables, task lists and strikethrough into sections.
///
/// `resolve` gets each link's and image's target and gives the address to open, or `None` to show its words alone.
/// Of raw HTML the text is kept, with what a few of its tags mean.
pub fn parse_markdown(text: &str, resolve: &dyn Fn(&str) -> Option<String>) -> Vec<Section> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
    let mut writer = Writer::new(resolve);
    for event in TextMergeStream::new(Parser::new_ext(without_front_matter(text), options)) {
        writer.take(event);
    }
    writer.finish()
}

/// How text is dressed where the parser stands.
#[derive(Default)]
struct Style {
    bold: u8,
    italic: u8,
    strike: u8,
    /// By HTML alone: Markdown's own code is one event.
    code: u8,
}

/// A list that is open, outermost first.
struct OpenList {
    /// `None` for bullets.
    next_number: Option<u64>,
}

struct Writer<'r> {
    resolve: &'r dyn Fn(&str) -> Option<String>,
    sections: Vec<Section>,
    text: Text,
    style: Style,
    /// What HTML dresses, which may forget to undress it: ends with the block.
    html_style: Style,
    /// Address and words of each open link.
    links: Vec<(Option<String>, String)>,
    /// Links among them that HTML opened.
    html_links: usize,
    /// A block of HTML that is being read.
    html: Option<String>,
    code: Option<(Option<String>, String)>,
    lists: Vec<OpenList>,
    /// Items not yet written as a block, with the style of the outermost list they began in.
    items: Vec<ListItem>,
    items_style: ListStyle,
    checked: Option<bool>,
    /// Whether a part of the open item has been written already, before a code block.
    item_is_split: bool,
    quotes: u8,
    table: Option<(Vec<Text>, Vec<Vec<Text>>)>,
    row: Vec<Text>,
}

impl<'r> Writer<'r> {
    fn new(resolve: &'r dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            resolve,
            sections: vec![Section { level: 0, title: Text::new(), blocks: Vec::new() }],
            text: Text::new(),
            style: Style::default(),
            html_style: Style::default(),
            links: Vec::new(),
            html_links: 0,
            html: None,
            code: None,
            lists: Vec::new(),
            items: Vec::new(),
            items_style: ListStyle::Bullets,
            checked: None,
            item_is_split: false,
            quotes: 0,
            table: None,
            row: Vec::new(),
        }
    }

    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.open(tag),
            Event::End(tag) => self.close(tag),
            Event::Text(words) => self.say(&words),
            Event::Code(code) => match self.links.last_mut() {
                Some((_, label)) => label.push_str(&code),
                None => self.text.0.push(Span::Code(code.to_string())),
            },
            Event::SoftBreak => self.say(" "),
            Event::HardBreak => self.break_line(),
            Event::Rule => {
                self.interrupt_item();
                self.write(Block::Divider);
            }
            Event::TaskListMarker(checked) => self.checked = Some(checked),
            Event::InlineMath(words) | Event::DisplayMath(words) => self.say(&words),
            Event::FootnoteReference(name) => self.say(&format!("[{name}]")),
            Event::Html(words) => match &mut self.html {
                Some(block) => block.push_str(&words),
                None => self.take_html(&words),
            },
            Event::InlineHtml(words) => self.take_html(&words),
        }
    }

    fn open(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { .. } => {
                self.interrupt_item();
                self.flush_paragraph();
            }
            Tag::Paragraph => {
                // A second paragraph of an item goes on a line of its own.
                if !self.lists.is_empty() && !self.text.is_empty() {
                    self.text.0.push(Span::LineBreak);
                }
            }
            Tag::BlockQuote(_) => {
                self.flush_paragraph();
                self.quotes += 1;
            }
            Tag::CodeBlock(kind) => {
                self.interrupt_item();
                let language = match kind {
                    CodeBlockKind::Fenced(info) => info.split([' ', ',', '{']).next().map(str::to_owned),
                    CodeBlockKind::Indented => None,
                };
                self.code = Some((language.filter(|language| !language.is_empty()), String::new()));
            }
            Tag::List(first) => {
                self.end_item_text();
                if self.lists.is_empty() {
                    self.flush_paragraph();
                    self.items_style = first.map_or(ListStyle::Bullets, |start| ListStyle::Numbers { start });
                }
                self.lists.push(OpenList { next_number: first });
            }
            Tag::Item => {
                self.item_is_split = false;
                if self.lists.len() == 1 && self.items.is_empty() {
                    // After a code block the list goes on where it stopped.
                    let next = self.lists[0].next_number;
                    self.items_style = next.map_or(ListStyle::Bullets, |start| ListStyle::Numbers { start });
                }
            }
            Tag::Emphasis => self.style.italic += 1,
            Tag::Strong => self.style.bold += 1,
            Tag::Strikethrough => self.style.strike += 1,
            Tag::Link { dest_url, .. } => self.links.push(((self.resolve)(&dest_url), String::new())),
            Tag::Image { dest_url, .. } => {
                // An image inside a link keeps the link's target and gives its words.
                let url = match self.links.last() {
                    Some((url, _)) => url.clone(),
                    None => (self.resolve)(&dest_url),
                };
                self.links.push((url, String::new()));
            }
            Tag::Table(_) => {
                self.interrupt_item();
                self.table = Some((Vec::new(), Vec::new()));
            }
            Tag::HtmlBlock => self.html = Some(String::new()),
            Tag::FootnoteDefinition(name) => {
                self.interrupt_item();
                self.flush_paragraph();
                self.say(&format!("[{name}] "));
            }
            Tag::TableHead
            | Tag::TableRow
            | Tag::TableCell
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => {}
        }
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => {
                self.end_html();
                let title = std::mem::take(&mut self.text);
                self.sections.push(Section { level: level as u8, title, blocks: Vec::new() });
            }
            TagEnd::Paragraph if self.lists.is_empty() => self.flush_paragraph(),
            TagEnd::Paragraph | TagEnd::DefinitionListTitle | TagEnd::DefinitionListDefinition | TagEnd::FootnoteDefinition => {}
            TagEnd::BlockQuote(_) => {
                self.flush_paragraph();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::CodeBlock => {
                if let Some((language, text)) = self.code.take() {
                    self.write(Block::Code { language, text: text.trim_end_matches('\n').to_owned() });
                }
            }
            TagEnd::Item => {
                self.end_item_text();
                self.checked = None;
                if let Some(number) = self.lists.last_mut().and_then(|list| list.next_number.as_mut()) {
                    *number += 1;
                }
            }
            TagEnd::List(_) => {
                self.lists.pop();
                if self.lists.is_empty() {
                    self.flush_items();
                }
                // What the outer item says below the inner list is no item of its own.
                self.item_is_split = !self.lists.is_empty();
            }
            TagEnd::Emphasis => self.style.italic -= 1,
            TagEnd::Strong => self.style.bold -= 1,
            TagEnd::Strikethrough => self.style.strike -= 1,
            TagEnd::Link => self.close_link(""),
            TagEnd::Image => self.close_link("image"),
            TagEnd::TableCell => {
                self.end_html();
                self.row.push(std::mem::take(&mut self.text));
            }
            TagEnd::TableHead => {
                let row = std::mem::take(&mut self.row);
                if let Some((header, _)) = &mut self.table {
                    *header = row;
                }
            }
            TagEnd::TableRow => {
                let row = std::mem::take(&mut self.row);
                if let Some((_, rows)) = &mut self.table {
                    rows.push(row);
                }
            }
            TagEnd::Table => {
                if let Some((header, rows)) = self.table.take() {
                    self.write(Block::Table { header, rows });
                }
            }
            TagEnd::HtmlBlock => {
                if let Some(block) = self.html.take() {
                    self.take_html(&block);
                    self.flush_paragraph();
                }
            }
            TagEnd::DefinitionList | TagEnd::Superscript | TagEnd::Subscript | TagEnd::MetadataBlock(_) => {}
        }
    }

    fn say(&mut self, words: &str) {
        if let Some((_, code)) = &mut self.code {
            code.push_str(words);
        } else if let Some((_, label)) = self.links.last_mut() {
            label.push_str(words);
        } else if self.style.code + self.html_style.code > 0 {
            self.text.0.push(Span::Code(words.to_owned()));
        } else {
            self.say_with_addresses(words);
        }
    }

    /// Addresses that stand in the text as they are become links, as GitHub shows them.
    fn say_with_addresses(&mut self, words: &str) {
        let mut rest = words;
        while let Some((at, length)) = find_address(rest) {
            let (before, address) = (&rest[..at], &rest[at..at + length]);
            self.say_dressed(before);
            match (self.resolve)(address) {
                Some(url) => self.text.0.push(Span::Link { label: address.to_owned(), url }),
                None => self.say_dressed(address),
            }
            rest = &rest[at + length..];
        }
        self.say_dressed(rest);
    }

    fn say_dressed(&mut self, words: &str) {
        if words.is_empty() {
            return;
        }
        let (style, html) = (&self.style, &self.html_style);
        let wrap = match (style.strike + html.strike > 0, style.bold + html.bold > 0, style.italic + html.italic > 0) {
            (true, _, _) => Span::Strike,
            (_, true, _) => Span::Bold,
            (_, _, true) => Span::Italic,
            (false, false, false) => Span::Plain,
        };
        if let (Some(Span::Plain(before)), true) = (self.text.0.last_mut(), matches!(wrap(String::new()), Span::Plain(_))) {
            before.push_str(words);
        } else {
            self.text.0.push(wrap(words.to_owned()));
        }
    }

    fn break_line(&mut self) {
        match self.links.last_mut() {
            Some((_, label)) => label.push(' '),
            None => self.text.0.push(Span::LineBreak),
        }
    }

    fn close_link(&mut self, unnamed: &str) {
        let Some((url, label)) = self.links.pop() else { return };
        let label = if label.is_empty() { unnamed.to_owned() } else { label };
        match (self.links.last_mut(), url) {
            (Some((_, outer)), _) => outer.push_str(&label),
            (None, Some(url)) => {
                let label = if label.is_empty() { url.clone() } else { label };
                self.text.0.push(Span::Link { label, url });
            }
            (None, None) => self.say(&label),
        }
    }

    fn flush_paragraph(&mut self) {
        self.end_html();
        if !self.lists.is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.text);
        if text.to_plain().trim().is_empty() {
            return;
        }
        let block = if self.quotes > 0 { Block::Quote(text) } else { Block::Paragraph(text) };
        self.write(block);
    }

    /// Something that is no item comes, inside of one or not; the list goes on behind it.
    fn interrupt_item(&mut self) {
        self.end_item_text();
        self.flush_items();
        self.item_is_split = !self.lists.is_empty();
    }

    /// Ends the words of the item that is open, if there are any.
    fn end_item_text(&mut self) {
        if self.lists.is_empty() || self.text.to_plain().trim().is_empty() {
            return;
        }
        self.end_html();
        let text = std::mem::take(&mut self.text);
        if self.item_is_split {
            self.flush_items();
            return self.write(Block::Paragraph(text));
        }
        let depth = u8::try_from(self.lists.len() - 1).unwrap_or(u8::MAX);
        let number = self.lists.last().and_then(|list| list.next_number).filter(|_| depth > 0);
        // The block carries the numbers of the outermost list; deeper ones are words.
        let text = match number {
            Some(number) => Text::plain(format!("{number}. ")).join(text),
            None => text,
        };
        self.items.push(ListItem { depth, checked: self.checked.take(), text });
    }

    fn flush_items(&mut self) {
        if !self.items.is_empty() {
            let items = std::mem::take(&mut self.items);
            self.write(Block::List { style: self.items_style, items });
        }
    }

    fn write(&mut self, block: Block) {
        if let Some(section) = self.sections.last_mut() {
            section.blocks.push(block);
        }
    }

    fn finish(mut self) -> Vec<Section> {
        self.flush_items();
        self.lists.clear();
        self.flush_paragraph();
        self.sections.retain(|section| section.level > 0 || !section.blocks.is_empty());
        self.sections
    }
}

/// Without the YAML that generators of pages want at the top. The parser's own option would take any later text between two
/// rules for such.
fn without_front_matter(text: &str) -> &str {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some((first, rest)) = text.split_once('\n') else { return text };
    // Text between two rules is no YAML: that names something first.
    let first_line = rest.lines().find(|line| !line.trim_start().starts_with('#')).unwrap_or_default();
    let is_name = |key: &str| {
        !key.trim().is_empty()
            && key.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | '"' | '\''))
    };
    let is_yaml = first_line
        .split_once(':')
        .is_some_and(|(key, value)| is_name(key) && (value.is_empty() || value.starts_with([' ', '\t', '\r'])));
    if first.trim_end() != "---" || !is_yaml {
        return text;
    }
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        at += line.len();
        if matches!(line.trim_end(), "---" | "...") {
            return &rest[at..];
        }
    }
    text
}

/// Where the next `http://…` or `https://…` begins and how long it is, by GitHub's rules for bare addresses.
fn find_address(words: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(found) = words[from..].find("http") {
        let at = from + found;
        let rest = &words[at..];
        let scheme = ["https://", "http://"].into_iter().find(|scheme| rest.starts_with(scheme));
        let begins_here = words[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric());
        if let Some(scheme) = scheme.filter(|_| begins_here) {
            let end = rest.find(|letter: char| letter.is_whitespace() || matches!(letter, '<' | '>' | '"')).unwrap_or(rest.len());
            let mut address = rest[..end].trim_end_matches(['?', '!', '.', ',', ':', ';', '*', '_', '~', '\'']);
            // A bracket belongs to the sentence unless it was opened in the address.
            while address.ends_with(')') && address.matches(')').count() > address.matches('(').count() {
                address = address[..address.len() - 1].trim_end_matches(['?', '!', '.', ',', ':', ';']);
            }
            if address.len() > scheme.len() {
                return Some((at, address.len()));
            }
        }
        from = at + "http".len();
    }
    None
}
