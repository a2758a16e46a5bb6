//! What every platform allows, as data, so that a reply that fits is built from the start.
//! Numbers are the platforms' own; each names its source.

/// The limits of one platform's messages and forms. Lengths are in characters (UTF-16 units on Discord are counted
/// as characters by its API), sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Blocks (Slack) or embeds (Discord) in a message.
    pub message_blocks: usize,
    pub message_text: usize,
    /// One section or embed description.
    pub section_text: usize,
    pub heading_text: usize,
    pub fields_per_section: usize,
    pub field_text: usize,
    pub buttons_per_row: usize,
    pub rows: usize,
    pub button_label: usize,
    /// What a button may carry.
    pub button_value: usize,
    pub form_title: usize,
    pub form_blocks: usize,
    pub form_submit: usize,
    pub form_state: usize,
    pub field_label: usize,
    pub field_help: usize,
    pub placeholder: usize,
    pub text_input: usize,
    pub options: usize,
    /// Options in one list where they are in groups.
    pub grouped_options: usize,
    pub option_label: usize,
    pub option_value: usize,
    pub radio_options: usize,
    pub confirm_text: usize,
}

/// <https://docs.slack.dev/reference/block-kit>: blocks, elements and composition objects.
pub const SLACK: Limits = Limits {
    message_blocks: 50,
    message_text: 40_000,
    section_text: 3_000,
    heading_text: 150,
    fields_per_section: 10,
    field_text: 2_000,
    buttons_per_row: 25,
    rows: 50,
    button_label: 75,
    button_value: 2_000,
    form_title: 24,
    form_blocks: 100,
    form_submit: 24,
    form_state: 3_000,
    field_label: 2_000,
    field_help: 2_000,
    placeholder: 150,
    text_input: 3_000,
    options: 100,
    // 100 groups of 100 are allowed; a list of more than a thousand nobody scrolls, nor fits many of into 250 KB.
    grouped_options: 1_000,
    option_label: 75,
    option_value: 150,
    radio_options: 10,
    confirm_text: 300,
};

/// <https://discord.com/developers/docs/resources/message>, <https://discord.com/developers/docs/components/reference>.
pub const DISCORD: Limits = Limits {
    message_blocks: 10,
    message_text: 2_000,
    section_text: 4_096,
    heading_text: 256,
    fields_per_section: 25,
    field_text: 1_024,
    buttons_per_row: 5,
    rows: 5,
    button_label: 80,
    button_value: 100,
    form_title: 45,
    form_blocks: 5,
    form_submit: 80,
    form_state: 100,
    field_label: 45,
    field_help: 100,
    placeholder: 100,
    text_input: 4_000,
    options: 25,
    grouped_options: 25,
    option_label: 100,
    option_value: 100,
    radio_options: 25,
    confirm_text: 300,
};

/// Facts a card shows in two columns: the smaller of the platforms' limits.
pub const CARD_FIELDS: usize = 10;

/// Cuts to at most `max` characters; the last one becomes `…` where something was lost.
pub fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max.saturating_sub(1)).collect();
    short.push('…');
    short
}
