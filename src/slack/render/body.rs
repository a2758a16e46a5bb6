//! The longer content of a card as rich text. Must not know what the card is about.

use slack_morphism::prelude::{
    SlackRichTextElement, SlackRichTextInlineElement as Inline, SlackRichTextList, SlackRichTextListElement,
    SlackRichTextListStyle, SlackRichTextPreformatted, SlackRichTextQuote, SlackRichTextSection, SlackRichTextStyle,
};

use super::{
    blocks::{Blocks, first_within},
    text::{self, Mentions, inline_width, push_words, width},
};
use crate::chat::{Block, ListItem, ListStyle, Text};

/// Levels that Slack's clients draw.
const DEEPEST_INDENT: u8 = 8;

/// A table wider than this wraps in a phone's chat and cannot be read.
const TABLE_WIDTH: usize = 56;

/// One item, so that it fits in a block with others.
const ITEM_WIDTH: usize = 2_000;

/// What one list may take before the next begins in a block of its own; numbers that are words come on top.
const LIST_WIDTH: usize = 2_500;

pub(super) fn draw(page: &mut Blocks, body: &[Block]) {
    for block in body {
        if page.is_full() {
            return;
        }
        draw_block(page, block);
    }
}

fn draw_block(page: &mut Blocks, block: &Block) {
    let mentions = page.mentions;
    match block {
        Block::Heading(heading) => page.paragraph(super::heading_inlines(heading, mentions)),
        Block::Paragraph(words) => page.paragraph(text::rich(words, mentions)),
        Block::Quote(words) => {
            page.rich(text::rich(words, mentions), |elements| SlackRichTextQuote::new(elements).into());
        }
        // Slack colours code by language only in its own snippets.
        Block::Code { language: _, text: code } => {
            let mut inlines = Vec::with_capacity(1);
            push_words(&mut inlines, code.trim_end_matches('\n'), None);
            page.rich(inlines, |elements| SlackRichTextPreformatted::new(elements).into());
        }
        Block::List { style, items } => draw_list(page, *style, items),
        Block::Table { header, rows } => draw_table(page, header, rows),
        Block::Warning(words) => {
            let mut inlines = Vec::with_capacity(3);
            push_words(&mut inlines, "⚠️ ", None);
            inlines.extend(text::bold("Warning: "));
            text::push_rich(&mut inlines, words, mentions);
            page.paragraph(inlines);
        }
        Block::Picture { url, says } => page.picture(url, says),
        Block::Divider => page.divide(),
    }
}

/// Slack's lists are flat: each run of items of one depth is a list with an indent. Its numbers begin at one (an offset is
/// in its documents, but not in its types), so where they cannot, or go on behind inner items, they are words.
fn draw_list(page: &mut Blocks, style: ListStyle, items: &[ListItem]) {
    let mut number = match style {
        ListStyle::Bullets => None,
        ListStyle::Numbers { start } => Some(start),
    };
    let drawn: Vec<(u8, Vec<Inline>)> =
        items.iter().map(|item| (item.depth.min(DEEPEST_INDENT), item_inlines(item, page.mentions))).collect();
    let all_wide: usize = drawn.iter().map(|(_, inlines)| wide(inlines)).sum();
    let is_one_list = number == Some(1) && all_wide <= LIST_WIDTH && drawn.iter().all(|(depth, _)| *depth == 0);
    let mut left = drawn.into_iter().peekable();
    while let Some(depth) = left.peek().map(|(depth, _)| *depth).filter(|_| !page.is_full()) {
        let mut run: Vec<Vec<Inline>> = Vec::new();
        let mut used = 0;
        while let Some((_, inlines)) =
            left.next_if(|(next, inlines)| *next == depth && (run.is_empty() || used + wide(inlines) <= LIST_WIDTH))
        {
            used += wide(&inlines);
            run.push(inlines);
        }
        let element: SlackRichTextElement = match &mut number {
            Some(number) if depth == 0 && !is_one_list => {
                let mut lines = Vec::new();
                for inlines in run {
                    let break_before = if lines.is_empty() { "" } else { "\n" };
                    push_words(&mut lines, &format!("{break_before}{number}. "), None);
                    *number = number.saturating_add(1);
                    lines.extend(inlines);
                }
                SlackRichTextSection::new(lines).into()
            }
            _ => {
                let style = if is_one_list { SlackRichTextListStyle::Ordered } else { SlackRichTextListStyle::Bullet };
                let elements: Vec<SlackRichTextListElement> =
                    run.into_iter().map(|inlines| SlackRichTextSection::new(inlines).into()).collect();
                SlackRichTextList::new(style, elements).opt_indent((depth > 0).then_some(u64::from(depth))).into()
            }
        };
        page.whole(element, used);
    }
}

fn wide(inlines: &[Inline]) -> usize {
    inlines.iter().map(inline_width).sum()
}

fn item_inlines(item: &ListItem, mentions: Mentions) -> Vec<Inline> {
    // The depth is the list's indent.
    let ListItem { depth: _, checked, text: words } = item;
    let mut inlines = Vec::with_capacity(words.0.len() + 1);
    match checked {
        Some(true) => push_words(&mut inlines, "☑ ", None),
        Some(false) => push_words(&mut inlines, "☐ ", None),
        None => {}
    }
    text::push_rich(&mut inlines, words, mentions);
    if inlines.is_empty() {
        push_words(&mut inlines, "–", None);
    }
    first_within(inlines, ITEM_WIDTH)
}

/// Narrow tables of words are drawn in columns of equal letters. Wider ones, and those with links, which such columns
/// would lose, become a list with a line a row; Slack's own table block is one a message and always its last.
fn draw_table(page: &mut Blocks, header: &[Text], rows: &[Vec<Text>]) {
    match columns(header, rows) {
        Some(drawn) => {
            let mut inlines = Vec::with_capacity(1);
            push_words(&mut inlines, &drawn, None);
            page.rich(inlines, |elements| SlackRichTextPreformatted::new(elements).into());
        }
        None => {
            for row in rows {
                if page.is_full() {
                    return;
                }
                let inlines = first_within(row_inlines(header, row, page.mentions), ITEM_WIDTH);
                if inlines.is_empty() {
                    continue;
                }
                let row_width = inlines.iter().map(inline_width).sum();
                let elements = vec![SlackRichTextSection::new(inlines).into()];
                let list: SlackRichTextElement = SlackRichTextList::new(SlackRichTextListStyle::Bullet, elements).into();
                page.whole(list, row_width);
            }
        }
    }
}

fn columns(header: &[Text], rows: &[Vec<Text>]) -> Option<String> {
    let is_words = |text: &Text| text.0.iter().all(is_one_line_of_words);
    let all = || std::iter::once(header).chain(rows.iter().map(Vec::as_slice));
    if !all().flatten().all(is_words) {
        return None;
    }
    let count = all().map(<[Text]>::len).max().filter(|count| *count > 0)?;
    let mut widths = vec![0; count];
    for row in all() {
        for (column, cell) in row.iter().enumerate() {
            widths[column] = widths[column].max(width(&text::clean(&cell.to_plain())));
        }
    }
    if widths.iter().sum::<usize>() + 2 * count.saturating_sub(1) > TABLE_WIDTH {
        return None;
    }
    let mut drawn = String::new();
    for (index, row) in all().enumerate() {
        if index > 0 {
            drawn.push('\n');
        }
        let mut line = String::new();
        for (column, wide) in widths.iter().enumerate() {
            let cell = row.get(column).map(|cell| text::clean(&cell.to_plain()).into_owned()).unwrap_or_default();
            line.push_str(&cell);
            line.extend(std::iter::repeat_n(' ', (wide + 2).saturating_sub(width(&cell))));
        }
        drawn.push_str(line.trim_end());
        if index == 0 {
            drawn.push('\n');
            drawn.extend(std::iter::repeat_n('─', widths.iter().sum::<usize>() + 2 * (count - 1)));
        }
    }
    Some(drawn)
}

fn is_one_line_of_words(span: &crate::chat::Span) -> bool {
    use crate::chat::Span;
    match span {
        Span::Plain(words) | Span::Bold(words) | Span::Italic(words) | Span::Strike(words) | Span::Code(words) => {
            !words.contains('\n')
        }
        Span::Link { .. } | Span::Person(_) | Span::Channel(_) | Span::Time(_) | Span::LineBreak => false,
    }
}

/// `Header: cell · Header: cell`.
fn row_inlines(header: &[Text], row: &[Text], mentions: Mentions) -> Vec<Inline> {
    let mut inlines = Vec::new();
    for (column, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
        if !inlines.is_empty() {
            push_words(&mut inlines, " · ", None);
        }
        match header.get(column).filter(|name| !name.is_empty()) {
            Some(name) => {
                push_words(&mut inlines, &name.to_plain(), Some(SlackRichTextStyle::new().with_italic(true)));
                push_words(&mut inlines, ": ", None);
                text::push_rich(&mut inlines, cell, mentions);
            }
            None => text::push_rich(&mut inlines, cell, mentions),
        }
    }
    inlines
}
