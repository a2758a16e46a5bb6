//! Values that look like secrets. Must not repeat one: not in a finding, not in a log.

use std::sync::LazyLock;

use regex::Regex;

use super::Facts;
use crate::{
    catalog::{Entity, Entry},
    token_shape::find_token,
};

/// In a descriptor nobody shows by it how to reach a database of one's own, as in many a file beside it.
static PASSWORD_IN_ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@{$]{6,}@").expect("the shape is a regular expression"));

/// Keys that hold one, by how they end: `example.com/db-password`, not `example.com/password-store`.
static NAMES_ONE: LazyLock<Regex> = LazyLock::new(|| {
    let shape = r"(?i)(?:^|[^a-z])(?:password|passwd|passphrase|secret|token|(?:api|access|private|secret)[-_.]?key)$";
    Regex::new(shape).expect("the shape is a regular expression")
});

/// A secret access key of AWS, and others of its kind: the only ones with slashes in them that are no paths.
static BASE64_OF_30: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[A-Za-z0-9/+]{40}$").expect("the shape is a regular expression"));

/// Shorter ones are words.
const SHORTEST: usize = 8;

pub(super) fn find(entry: &Entry, _: &Facts<'_>) -> Option<String> {
    texts(&entry.entity).find_map(|(place, text)| {
        let password = || PASSWORD_IN_ADDRESS.is_match(text).then_some("a password in an address");
        let named = || (NAMES_ONE.is_match(&place) && is_made_up(text)).then_some("a password or key");
        let what = find_token(text).or_else(password).or_else(named)?;
        Some(format!("holds what looks like {what} in {place}"))
    })
}

/// Whether it can be the secret itself rather than its name, its path in a vault, or what stands for it in a sample.
fn is_made_up(text: &str) -> bool {
    let has = |is_one: fn(char) -> bool| text.chars().any(is_one);
    let is_mixed = has(|letter| letter.is_ascii_alphabetic()) && has(|letter| letter.is_ascii_digit());
    let leads_elsewhere = has(|letter| letter.is_whitespace() || "/:${}<>".contains(letter));
    text.len() >= SHORTEST && is_mixed && (!leads_elsewhere || BASE64_OF_30.is_match(text))
}

/// All that is kept of what its author wrote, each with its place.
fn texts(entity: &Entity) -> impl Iterator<Item = (String, &str)> {
    let alone = [("metadata.title", &entity.title), ("metadata.description", &entity.description)];
    let alone = alone.into_iter().filter_map(|(place, text)| Some((place.to_owned(), text.as_deref()?)));
    let annotations = entity.annotations.iter().map(|(key, text)| (format!("metadata.annotations.{key}"), text.as_str()));
    let labels = entity.labels.iter().map(|(key, text)| (format!("metadata.labels.{key}"), text.as_str()));
    let links = entity.links.iter().map(|link| ("metadata.links".to_owned(), link.url.as_str()));
    alone.chain(annotations).chain(labels).chain(links)
}
