//! A page of blocks that cannot grow past what Slack takes. Must not know replies or forms.

use slack_morphism::prelude::{
    SlackActionBlockElement, SlackActionsBlock, SlackBlock, SlackBlockButtonElement, SlackBlockButtonStyle,
    SlackBlockConfirmItem, SlackBlockMarkDownText, SlackBlockText, SlackContextBlock, SlackDividerBlock, SlackImageBlock,
    SlackImageUrlOrFile, SlackRichTextBlock, SlackRichTextElement, SlackRichTextInlineElement as Inline, SlackRichTextSection,
    SlackSectionBlock,
};

use url::Url;

use super::text::{self, Mentions, fit, inline_width, plain, prefix_within, width};
use crate::{
    chat::{
        Button, Does, Text, Weight,
        limits::{SLACK, cut},
    },
    slack::parse::{OPEN, SAY},
};

/// All text of a message. Slack refuses more than about 13,200 characters over all blocks (`msg_blocks_too_long`,
/// which its documents do not number and which counts frames too); this leaves room for them and for small print.
const PAGE_WIDTH: usize = 8_500;

/// One run or section of rich text; the limit of a section block, which rich text shares in practice.
const SECTION_WIDTH: usize = SLACK.section_text;

/// Small print is short, or it is none.
const SMALL_PRINT_WIDTH: usize = 500;

/// Buttons of a whole message: nobody reads more, and their labels count towards the message's length.
const MESSAGE_BUTTONS: usize = 50;

const CONFIRM_TITLE_WIDTH: usize = 100;

/// <https://docs.slack.dev/reference/block-kit/blocks/image-block>.
const ALT_TEXT: usize = 2_000;

/// What did not fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct LeftOut {
    text: bool,
    buttons: bool,
}

/// Blocks in the making. Adjacent rich text is joined into one block, so that a long runbook is a few.
#[derive(Debug)]
pub(super) struct Blocks {
    pub mentions: Mentions,
    done: Vec<SlackBlock>,
    open: Vec<SlackRichTextElement>,
    open_width: usize,
    most_blocks: usize,
    /// Blocks kept free for what comes after the current part.
    reserved: usize,
    width_left: usize,
    left_out: LeftOut,
    actions: usize,
}

impl Blocks {
    /// For `most_blocks`, of which `reserved` are for the end; one more is kept for the note that something is missing.
    pub fn new(most_blocks: usize, reserved: usize, mentions: Mentions) -> Self {
        Self {
            mentions,
            done: Vec::with_capacity(8),
            open: Vec::new(),
            open_width: 0,
            most_blocks,
            reserved: reserved + 1,
            width_left: PAGE_WIDTH,
            left_out: LeftOut::default(),
            actions: 0,
        }
    }

    /// Nothing more of the content is shown: what came before was cut.
    pub fn is_full(&self) -> bool {
        self.left_out.text
    }

    /// Keeps blocks free for the end of a part; false, and full, if there are none.
    pub fn reserve(&mut self, blocks: usize) -> bool {
        let fits = self.room() > blocks;
        if fits {
            self.reserved += blocks;
        } else {
            self.left_out.text = true;
        }
        fits
    }

    pub fn release(&mut self, blocks: usize) {
        self.reserved = self.reserved.saturating_sub(blocks);
    }

    fn room(&self) -> usize {
        let used = self.done.len() + usize::from(!self.open.is_empty()) + self.reserved;
        self.most_blocks.saturating_sub(used)
    }

    /// Ends the rich text block in the making.
    fn flush(&mut self) {
        if !self.open.is_empty() {
            self.done.push(SlackRichTextBlock::new(std::mem::take(&mut self.open)).into());
            self.open_width = 0;
        }
    }

    /// A block that is not rich text, with the width of its text.
    pub fn push(&mut self, block: SlackBlock, block_width: usize) {
        if self.is_full() {
            return;
        }
        if self.room() == 0 || block_width > self.width_left {
            self.left_out.text = true;
            return;
        }
        self.flush();
        self.width_left -= block_width;
        self.done.push(block);
    }

    /// A divider, where there is something to divide.
    pub fn divide(&mut self) {
        let is_first = self.done.is_empty() && self.open.is_empty();
        if !is_first && self.room() > 1 {
            self.push(SlackDividerBlock::new().into(), 0);
        }
    }

    /// A picture that Slack fetches; where its address is none that Slack would, what it shows is said.
    pub fn picture(&mut self, url: &str, says: &str) {
        let says = cut(says, ALT_TEXT);
        match Url::parse(url) {
            Ok(image_url) => {
                let width = says.chars().count();
                self.push(SlackImageBlock::new(SlackImageUrlOrFile::ImageUrl { image_url }, says).into(), width);
            }
            Err(_) => {
                let mut inlines = Vec::with_capacity(1);
                text::push_words(&mut inlines, &says, None);
                self.paragraph(inlines);
            }
        }
    }

    /// A paragraph of rich text, with a line of space to the one before it.
    pub fn paragraph(&mut self, inlines: Vec<Inline>) {
        let mut inlines = inlines;
        if matches!(self.open.last(), Some(SlackRichTextElement::Section(_))) && !inlines.is_empty() {
            let mut spaced = Vec::with_capacity(inlines.len() + 1);
            text::push_words(&mut spaced, "\n", None);
            spaced.append(&mut inlines);
            inlines = spaced;
        }
        self.rich(inlines, |elements| SlackRichTextSection::new(elements).into());
    }

    /// Rich text of any kind: split where it is longer than a block takes, cut where the message is full.
    pub fn rich(&mut self, inlines: Vec<Inline>, wrap: impl Fn(Vec<Inline>) -> SlackRichTextElement) {
        for piece in pieces(inlines) {
            if self.is_full() {
                return;
            }
            let piece_width: usize = piece.iter().map(inline_width).sum();
            if piece_width <= self.width_left && self.make_room(piece_width) {
                self.put(wrap(piece), piece_width);
                continue;
            }
            self.left_out.text = true;
            // The beginning of what does not fit, if it is worth reading.
            const WORTH_READING: usize = 200;
            if self.width_left >= WORTH_READING && self.make_room(self.width_left.min(SECTION_WIDTH)) {
                let head = first_within(piece, self.width_left.min(SECTION_WIDTH));
                let head_width = head.iter().map(inline_width).sum();
                if !head.is_empty() {
                    self.put(wrap(head), head_width);
                }
            }
            return;
        }
    }

    /// Rich text that is one whole, a list for instance: shown or not.
    pub fn whole(&mut self, element: SlackRichTextElement, element_width: usize) {
        if self.is_full() {
            return;
        }
        if element_width > self.width_left || !self.make_room(element_width) {
            self.left_out.text = true;
            return;
        }
        self.put(element, element_width);
    }

    fn put(&mut self, element: SlackRichTextElement, element_width: usize) {
        self.open.push(element);
        self.open_width += element_width;
        self.width_left = self.width_left.saturating_sub(element_width);
    }

    /// Whether rich text of this width has a block: the open one, or a new one.
    fn make_room(&mut self, more: usize) -> bool {
        if !self.open.is_empty() && self.open_width + more <= SECTION_WIDTH {
            return true;
        }
        if self.room() == 0 {
            return false;
        }
        self.flush();
        true
    }

    /// Small, grey text where mrkdwn shows it exactly; else plain rich text. Uses a reserved block.
    pub fn small_print(&mut self, text: &Text) {
        if text.is_empty() {
            return;
        }
        if self.width_left < SMALL_PRINT_WIDTH {
            self.left_out.text = true;
            return;
        }
        self.width_left -= SMALL_PRINT_WIDTH.min(width(&text.to_plain()));
        self.last_word(text);
    }

    /// Small print that is always shown, however full the message is. Uses a reserved block.
    pub fn last_word(&mut self, text: &Text) {
        self.flush();
        let exact = text::exact_mrkdwn(text, self.mentions)
            .filter(|mrkdwn| !mrkdwn.trim().is_empty() && width(mrkdwn) <= SMALL_PRINT_WIDTH);
        let block: SlackBlock = match exact {
            Some(mrkdwn) => {
                let element = SlackBlockMarkDownText::new(mrkdwn).with_verbatim(true);
                SlackContextBlock::new(vec![element.into()]).into()
            }
            None => {
                let elements = first_within(text::rich(text, self.mentions), SMALL_PRINT_WIDTH);
                if elements.is_empty() {
                    return;
                }
                SlackRichTextBlock::new(vec![SlackRichTextSection::new(elements).into()]).into()
            }
        };
        self.done.push(block);
    }

    /// Rows of buttons, for which [`rows`] blocks were reserved.
    pub fn buttons(&mut self, buttons: &[Button], most_rows: usize) {
        let mut drawn: Vec<SlackActionBlockElement> = Vec::with_capacity(buttons.len().min(SLACK.buttons_per_row));
        let mut rows = 0;
        for button in buttons {
            if rows == most_rows || self.actions == MESSAGE_BUTTONS {
                self.left_out.buttons = true;
                break;
            }
            let Some(element) = draw_button(button, self.actions) else {
                self.left_out.buttons = true;
                continue;
            };
            self.actions += 1;
            drawn.push(element.into());
            if drawn.len() == SLACK.buttons_per_row {
                self.actions_row(std::mem::take(&mut drawn));
                rows += 1;
            }
        }
        self.actions_row(drawn);
    }

    fn actions_row(&mut self, elements: Vec<SlackActionBlockElement>) {
        if !elements.is_empty() {
            self.flush();
            self.done.push(SlackActionsBlock::new(elements).into());
        }
    }

    /// The finished page, with a note where something is missing.
    pub fn finish(mut self) -> Vec<SlackBlock> {
        self.flush();
        let note = match self.left_out {
            LeftOut { text: false, buttons: false } => return self.done,
            LeftOut { text: true, buttons: false } => "… There is more than one Slack message can show.",
            LeftOut { text: false, buttons: true } => "… Some buttons cannot be shown in Slack.",
            LeftOut { text: true, buttons: true } => "… There is more text, and more buttons, than Slack can show.",
        };
        let element = SlackBlockMarkDownText::new(note.to_owned()).with_verbatim(true);
        self.done.push(SlackContextBlock::new(vec![element.into()]).into());
        self.done
    }

    /// Two columns of mrkdwn fields, each already within its limit.
    pub fn fields(&mut self, fields: Vec<String>) {
        let fields_width = fields.iter().map(|field| width(field)).sum();
        let fields = fields
            .into_iter()
            .map(|field| SlackBlockText::MarkDown(SlackBlockMarkDownText::new(field).with_verbatim(true)))
            .collect();
        self.push(SlackSectionBlock::new().with_fields(fields).into(), fields_width);
    }
}

/// Rows that these buttons take at most.
pub(super) fn rows(buttons: &[Button], most_rows: usize) -> usize {
    buttons.len().div_ceil(SLACK.buttons_per_row).min(most_rows)
}

/// `None` where Slack cannot carry what it does: a cut command line or address would do something else.
fn draw_button(button: &Button, number: usize) -> Option<SlackBlockButtonElement> {
    let Button { label, does, weight, confirm } = button;
    let label = plain(label, SLACK.button_label, "Open");
    let drawn = match does {
        Does::Say(line) => {
            if line.is_empty() || width(line) > SLACK.button_value {
                return None;
            }
            SlackBlockButtonElement::new(label).with_action_id(format!("{SAY}{number}").into()).with_value(line.clone())
        }
        Does::Open(url) => SlackBlockButtonElement::new(label)
            .with_action_id(format!("{OPEN}{number}").into())
            .with_url(text::address(url).filter(|url| url.scheme() != "mailto")?),
    };
    let drawn = match weight {
        Weight::Normal => drawn,
        Weight::Primary => drawn.with_style(SlackBlockButtonStyle::Primary),
        Weight::Danger => drawn.with_style(SlackBlockButtonStyle::Danger),
    };
    Some(match confirm {
        None => drawn,
        Some(question) => drawn.with_confirm(SlackBlockConfirmItem::new(
            plain("Are you sure?", CONFIRM_TITLE_WIDTH, "Are you sure?"),
            plain(question, SLACK.confirm_text, "Do it?").into(),
            "Yes".into(),
            "No".into(),
        )),
    })
}

/// Runs of at most [`SECTION_WIDTH`], broken at a line or a space where there is one near the end.
fn pieces(inlines: Vec<Inline>) -> Vec<Vec<Inline>> {
    let mut done = Vec::with_capacity(1);
    let mut current: Vec<Inline> = Vec::with_capacity(inlines.len());
    let mut used = 0;
    for inline in inlines {
        for part in split(inline) {
            let part_width = inline_width(&part);
            if used + part_width > SECTION_WIDTH && !current.is_empty() {
                done.push(std::mem::take(&mut current));
                used = 0;
            }
            used += part_width;
            current.push(part);
        }
    }
    if !current.is_empty() {
        done.push(current);
    }
    done
}

/// Text longer than a section in parts; other elements as they are, a link's label cut.
fn split(inline: Inline) -> Vec<Inline> {
    const PART: usize = SECTION_WIDTH - 100;
    match inline {
        Inline::Text(run) if width(&run.text) > PART => {
            let mut parts = Vec::new();
            let mut rest = run.text.as_str();
            while !rest.is_empty() {
                let end = prefix_within(rest, PART);
                let end = match rest[..end].rfind(['\n', ' ']) {
                    Some(at) if end < rest.len() && at > end / 2 => at + 1,
                    _ => end,
                };
                let (part, after) = rest.split_at(end);
                let mut element = run.clone();
                element.text = part.to_owned();
                parts.push(element.into());
                rest = after;
            }
            parts
        }
        Inline::Link(mut link) if inline_width(&Inline::Link(link.clone())) > PART => {
            const LABEL: usize = 300;
            link.text = link.text.map(|label| fit(&label, LABEL).into_owned());
            if width(&link.url.0) + LABEL > PART {
                let label = link.text.unwrap_or_default();
                return vec![label.into()];
            }
            vec![Inline::Link(link)]
        }
        other => vec![other],
    }
}

/// As much as fits, the last run ending in `…` if something was lost.
pub(super) fn first_within(inlines: Vec<Inline>, max: usize) -> Vec<Inline> {
    let mut left = max;
    let mut kept = Vec::with_capacity(inlines.len());
    for inline in inlines {
        let inline_wide = inline_width(&inline);
        if inline_wide <= left {
            left -= inline_wide;
            kept.push(inline);
            continue;
        }
        match inline {
            Inline::Text(mut run) => {
                let frame = inline_wide - width(&run.text);
                if left > frame + 1 {
                    run.text = fit(&run.text, left - frame).into_owned();
                    kept.push(run.into());
                }
            }
            _ => text::push_words(&mut kept, "…", None),
        }
        break;
    }
    kept
}
