//! How long a text is where a platform counts it, and its cut to that. Must not know any platform's markup.

use std::borrow::Cow;

/// Length as platforms may count it: in UTF-16 units, never less than in characters.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().map(char::len_utf16).sum() }
}

/// Without what is not shown: control characters, those that reverse the reading order and so let a text lie, and those
/// of no width, with which two names look the same. Joiners stay where scripts and emoji need them.
pub fn clean(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c,
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}'
                | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{00ad}' | '\u{180e}' | '\u{034f}' | '\u{feff}' | '\u{fffe}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) || !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| !hidden(*c)).collect())
}

/// Cleaned and at most `max` wide; the last character becomes `…` where something was lost.
pub fn fit(text: &str, max: usize) -> Cow<'_, str> {
    let text = clean(text);
    if text.len() <= max || width(&text) <= max {
        return text;
    }
    let (head, _) = text.split_at(prefix_within(&text, max.saturating_sub(1)));
    Cow::Owned(format!("{head}…"))
}

/// The byte index after the longest prefix that is at most `max` wide.
pub fn prefix_within(text: &str, max: usize) -> usize {
    let mut used = 0;
    for (index, c) in text.char_indices() {
        used += c.len_utf16();
        if used > max {
            return index;
        }
    }
    text.len()
}
