//! Long content in pages, so that no door has to cut it. Must not lose a letter, nor know what the content is about.

use super::{Block, ListItem, ListStyle, Span, Text};

/// Blocks of one page; with everything around them they are fewer than Slack's 50.
const PAGE_BLOCKS: usize = 36;

/// A block heavier than this is broken up; half a page of Slack's, and less than any section.
const PIECE: usize = 1_600;

/// What a span weighs besides its letters: platforms count what frames it.
const FRAME: usize = 24;

/// Takes `page 3` off the end of what was typed; without it the first page is meant. Pages count from 1.
pub fn take_page(words: &mut Vec<&str>) -> usize {
    let [.., word, number] = words.as_slice() else { return 1 };
    let Some(page) = number.parse().ok().filter(|_| word.eq_ignore_ascii_case("page")) else { return 1 };
    words.truncate(words.len() - 2);
    page
}

/// The content in pages of at most `first`, then `rest` letters or so. There is at least one page.
///
/// A heading stands on the page of what follows it. Code is broken between lines, lists and tables between items.
pub fn pages(blocks: impl IntoIterator<Item = Block>, first: usize, rest: usize) -> Vec<Vec<Block>> {
    let mut pages: Vec<Vec<Block>> = vec![Vec::new()];
    let mut used = 0;
    for piece in blocks.into_iter().flat_map(break_up) {
        let limit = if pages.len() == 1 { first } else { rest };
        let weight = weight(&piece);
        let page = pages.last_mut().expect("there is always a page");
        if !page.is_empty() && (used + weight > limit || page.len() >= PAGE_BLOCKS) {
            let body = page.iter().rposition(|block| !matches!(block, Block::Heading(_))).map_or(0, |at| at + 1);
            // A page of headings alone is an outline, and stays.
            let orphans = if body == 0 { Vec::new() } else { page.split_off(body) };
            used = orphans.iter().map(self::weight).sum();
            pages.push(orphans);
        }
        used += weight;
        pages.last_mut().expect("there is always a page").push(piece);
    }
    pages
}

fn weight(block: &Block) -> usize {
    match block {
        Block::Heading(text) | Block::Paragraph(text) | Block::Quote(text) | Block::Warning(text) => text_weight(text),
        Block::Code { text, .. } => text.chars().count() + FRAME,
        Block::List { items, .. } => items.iter().map(item_weight).sum(),
        Block::Table { header, rows } => row_weight(header) + rows.iter().map(|row| row_weight(row)).sum::<usize>(),
        Block::Picture { url, says } => FRAME + url.chars().count() + says.chars().count(),
        Block::Divider => FRAME,
    }
}

fn text_weight(text: &Text) -> usize {
    text.0.iter().map(span_weight).sum()
}

fn span_weight(span: &Span) -> usize {
    FRAME
        + match span {
            Span::Plain(words) | Span::Bold(words) | Span::Italic(words) | Span::Strike(words) | Span::Code(words) => {
                words.chars().count()
            }
            Span::Link { label, url } => label.chars().count() + url.chars().count(),
            Span::Person(person) => person.name.chars().count(),
            Span::Channel(channel) => channel.name.chars().count(),
            Span::Time(_) | Span::LineBreak => 0,
        }
}

fn item_weight(item: &ListItem) -> usize {
    FRAME + text_weight(&item.text)
}

/// As a line a row writes it, which is the longest of the ways: with the name of its column before each cell.
fn row_weight(row: &[Text]) -> usize {
    row.iter().map(|cell| 2 * FRAME + text_weight(cell)).sum()
}

fn break_up(block: Block) -> Vec<Block> {
    if weight(&block) <= PIECE {
        return vec![block];
    }
    match block {
        Block::Heading(text) => split_text(text).into_iter().map(Block::Heading).collect(),
        Block::Paragraph(text) => split_text(text).into_iter().map(Block::Paragraph).collect(),
        Block::Quote(text) => split_text(text).into_iter().map(Block::Quote).collect(),
        Block::Warning(text) => split_text(text).into_iter().map(Block::Warning).collect(),
        Block::Code { language, text } => {
            split_lines(&text).into_iter().map(|text| Block::Code { language: language.clone(), text }).collect()
        }
        Block::List { style, items } => split_list(style, items),
        Block::Table { header, rows } => split_table(&header, rows),
        Block::Picture { .. } => vec![block],
        Block::Divider => vec![Block::Divider],
    }
}

fn split_text(text: Text) -> Vec<Text> {
    let mut parts = vec![Text::new()];
    let mut used = 0;
    for span in text.0.into_iter().flat_map(split_span) {
        let weight = span_weight(&span);
        if used + weight > PIECE && used > 0 {
            parts.push(Text::new());
            used = 0;
        }
        used += weight;
        parts.last_mut().expect("there is always a part").0.push(span);
    }
    parts
}

fn split_span(span: Span) -> Vec<Span> {
    let all = |words: &str, wrap: &dyn Fn(String) -> Span| split_words(words).into_iter().map(wrap).collect();
    match &span {
        Span::Plain(words) => all(words, &Span::Plain),
        Span::Bold(words) => all(words, &Span::Bold),
        Span::Italic(words) => all(words, &Span::Italic),
        Span::Strike(words) => all(words, &Span::Strike),
        Span::Code(words) => all(words, &Span::Code),
        Span::Link { .. } | Span::Person(_) | Span::Channel(_) | Span::Time(_) | Span::LineBreak => vec![span],
    }
}

/// In parts of at most half a piece, behind a space where there is one.
fn split_words(words: &str) -> Vec<String> {
    const PART: usize = PIECE / 2;
    let mut parts = Vec::new();
    let mut rest = words;
    while let Some((end, _)) = rest.char_indices().nth(PART) {
        let end = rest[..end].rfind(['\n', ' ']).filter(|at| *at > 0).map_or(end, |at| at + 1);
        parts.push(rest[..end].to_owned());
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        parts.push(rest.to_owned());
    }
    parts
}

fn split_lines(code: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut used = 0;
    for line in code.split_inclusive('\n').flat_map(split_words) {
        let letters = line.chars().count();
        if parts.is_empty() || used + letters > PIECE {
            parts.push(String::new());
            used = 0;
        }
        used += letters;
        parts.last_mut().expect("one was pushed").push_str(&line);
    }
    parts.into_iter().map(|part| part.trim_end_matches('\n').to_owned()).collect()
}

/// Numbers go on; what of one item is too much follows it as paragraphs.
fn split_list(style: ListStyle, items: Vec<ListItem>) -> Vec<Block> {
    let mut parts: Vec<Block> = Vec::new();
    let mut open: Vec<ListItem> = Vec::new();
    let mut number = match style {
        ListStyle::Bullets => 0,
        ListStyle::Numbers { start } => start,
    };
    let mut close = |open: &mut Vec<ListItem>, parts: &mut Vec<Block>| {
        if open.is_empty() {
            return;
        }
        let style = match style {
            ListStyle::Bullets => ListStyle::Bullets,
            ListStyle::Numbers { .. } => ListStyle::Numbers { start: number },
        };
        number += open.iter().filter(|item| item.depth == 0).count() as u64;
        parts.push(Block::List { style, items: std::mem::take(open) });
    };
    let mut used = 0;
    for item in items {
        let weight = item_weight(&item);
        if used + weight > PIECE {
            close(&mut open, &mut parts);
            used = 0;
        }
        used += weight;
        let ListItem { depth, checked, text } = item;
        let mut texts = split_text(text).into_iter();
        open.push(ListItem { depth, checked, text: texts.next().unwrap_or_default() });
        let rest: Vec<Block> = texts.map(Block::Paragraph).collect();
        if !rest.is_empty() {
            close(&mut open, &mut parts);
            used = 0;
            parts.extend(rest);
        }
    }
    close(&mut open, &mut parts);
    parts
}

/// Each part has the header again; a row that is too much by itself becomes paragraphs, a cell each.
fn split_table(header: &[Text], rows: Vec<Vec<Text>>) -> Vec<Block> {
    let mut parts: Vec<Block> = Vec::new();
    let mut open: Vec<Vec<Text>> = Vec::new();
    let mut used = row_weight(header);
    if used > PIECE / 2 {
        // Names as long as stories: nobody reads them twice.
        parts.extend(header.iter().cloned().flat_map(split_text).map(Block::Paragraph));
        parts.extend(rows.into_iter().flatten().flat_map(split_text).map(Block::Paragraph));
        return parts;
    }
    let table = |rows: Vec<Vec<Text>>| Block::Table { header: header.to_vec(), rows };
    for row in rows {
        let weight = row_weight(&row);
        if used + weight > PIECE && !open.is_empty() {
            parts.push(table(std::mem::take(&mut open)));
            used = row_weight(header);
        }
        if used + weight <= PIECE {
            used += weight;
            open.push(row);
            continue;
        }
        for (column, cell) in row.into_iter().enumerate() {
            let named = match header.get(column).filter(|name| !name.is_empty()) {
                Some(name) => Text::new().bold(name.to_plain()).say(": ").join(cell),
                None => cell,
            };
            parts.extend(split_text(named).into_iter().map(Block::Paragraph));
        }
    }
    if !open.is_empty() {
        parts.push(table(open));
    }
    parts
}
