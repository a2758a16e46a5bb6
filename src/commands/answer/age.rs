//! Ages in words. Must not read a clock.

use chrono::{DateTime, Datelike, Utc};

/// "just now", "3 min ago", "5 h ago", "yesterday", "12 days ago"; an instant ahead of `now` is just now, clocks differ.
pub fn age(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match since(at, now) {
        Some(_) if (now - at).num_days() == 1 => "yesterday".to_owned(),
        Some(span) => format!("{span} ago"),
        None => "just now".to_owned(),
    }
}

/// "3 min", "5 h", "12 days", "14 months"; `None` under a minute.
pub fn since(at: DateTime<Utc>, now: DateTime<Utc>) -> Option<String> {
    let passed = now - at;
    let (minutes, hours, days) = (passed.num_minutes(), passed.num_hours(), passed.num_days());
    Some(match () {
        () if minutes < 1 => return None,
        () if hours < 1 => format!("{minutes} min"),
        () if hours < 24 => format!("{hours} h"),
        () if days < 60 => count(days.unsigned_abs() as usize, "day"),
        () if days < 730 => format!("{} months", days / 30),
        () => format!("{} years", days / 365),
    })
}

/// "3 March", with the year where it is not this one.
pub fn day(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let format = if at.year() == now.year() { "%-d %B" } else { "%-d %B %Y" };
    at.format(format).to_string()
}

/// `1 team`, `3 teams`: for nouns that take an s.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
