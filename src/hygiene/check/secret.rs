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

pub(super) fn find(entry: &Entry, _: &Facts<'_>) -> Option<String> {
    texts(&entry.entity).find_map(|(place, text)| {
        let password = || PASSWORD_IN_ADDRESS.is_match(text).then_some("a password in an address");
        let what = find_token(text).or_else(password)?;
        Some(format!("holds what looks like {what} in {place}"))
    })
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
