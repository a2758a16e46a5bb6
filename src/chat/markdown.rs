//! Markdown to blocks and sections, for runbooks and whatever else people write in it.
//! Must not cut anything to a length, nor decide where a relative link leads: the caller says.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

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
/// Raw HTML is left out, its text kept.
pub fn parse_markdown(text: &str, resolve: &dyn Fn(&str) -> Option<String>) -> Vec<Section> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut writer = Writer::new(resolve);
    for event in Parser::new_ext(text, options) {
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
    /// Address and words of each open link.
    links: Vec<(Option<String>, String)>,
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
    hidden: u8,
}

impl<'r> Writer<'r> {
    fn new(resolve: &'r dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            resolve,
            sections: vec![Section { level: 0, title: Text::new(), blocks: Vec::new() }],
            text: Text::new(),
            style: Style::default(),
            links: Vec::new(),
            code: None,
            lists: Vec::new(),
            items: Vec::new(),
            items_style: ListStyle::Bullets,
            checked: None,
            item_is_split: false,
            quotes: 0,
            table: None,
            row: Vec::new(),
            hidden: 0,
        }
    }

    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.open(tag),
            Event::End(tag) => self.close(tag),
            Event::Text(words) if self.hidden > 0 => drop(words),
            Event::Text(words) => self.say(&words),
            Event::Code(code) => match self.links.last_mut() {
                Some((_, label)) => label.push_str(&code),
                None => self.text.0.push(Span::Code(code.to_string())),
            },
            Event::SoftBreak => self.say(" "),
            Event::HardBreak => self.text.0.push(Span::LineBreak),
            Event::Rule => {
                self.flush_items();
                self.write(Block::Divider);
            }
            Event::TaskListMarker(checked) => self.checked = Some(checked),
            Event::InlineHtml(html) if html.eq_ignore_ascii_case("<br>") || html.eq_ignore_ascii_case("<br/>") => {
                self.text.0.push(Span::LineBreak);
            }
            Event::InlineMath(words) | Event::DisplayMath(words) => self.say(&words),
            Event::FootnoteReference(name) => self.say(&format!("[{name}]")),
            Event::Html(_) | Event::InlineHtml(_) => {}
        }
    }

    fn open(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { .. } => {
                self.flush_items();
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
                self.end_item_text();
                self.flush_items();
                self.item_is_split = !self.lists.is_empty();
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
                self.flush_items();
                self.table = Some((Vec::new(), Vec::new()));
            }
            Tag::MetadataBlock(_) => self.hidden += 1,
            Tag::TableHead
            | Tag::TableRow
            | Tag::TableCell
            | Tag::HtmlBlock
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript => {}
        }
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => {
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
            }
            TagEnd::Emphasis => self.style.italic -= 1,
            TagEnd::Strong => self.style.bold -= 1,
            TagEnd::Strikethrough => self.style.strike -= 1,
            TagEnd::Link => self.close_link(""),
            TagEnd::Image => self.close_link("image"),
            TagEnd::TableCell => self.row.push(std::mem::take(&mut self.text)),
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
            TagEnd::MetadataBlock(_) => self.hidden = self.hidden.saturating_sub(1),
            TagEnd::HtmlBlock | TagEnd::DefinitionList | TagEnd::Superscript | TagEnd::Subscript => {}
        }
    }

    fn say(&mut self, words: &str) {
        if let Some((_, code)) = &mut self.code {
            code.push_str(words);
        } else if let Some((_, label)) = self.links.last_mut() {
            label.push_str(words);
        } else {
            let style = &self.style;
            let wrap = match (style.strike > 0, style.bold > 0, style.italic > 0) {
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

    /// Ends the words of the item that is open, if there are any.
    fn end_item_text(&mut self) {
        if self.lists.is_empty() || self.text.to_plain().trim().is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.text);
        if self.item_is_split {
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
