//! Values that look like secrets. Must not repeat one: not in a finding, not in a log.

use std::sync::LazyLock;

use regex::RegexSet;

use super::Facts;
use crate::catalog::{Entity, Entry};

/// Shapes of well-known tokens, each with what it is. Shapes that ordinary words and hashes have are left out: a false alarm
/// of this kind costs more than a miss.
const SHAPES: [(&str, &str); 12] = [
    (r"\bgh[pousr]_[A-Za-z0-9]{36,}\b", "a token of GitHub"),
    (r"\bgithub_pat_[A-Za-z0-9_]{40,}", "a token of GitHub"),
    (r"\bglpat-[A-Za-z0-9_-]{20,}", "a token of GitLab"),
    (r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}", "a token of Slack"),
    (r"hooks\.slack\.com/services/T[A-Za-z0-9]+/B[A-Za-z0-9]+/[A-Za-z0-9]{20,}", "a webhook of Slack"),
    (r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", "an access key of AWS"),
    (r"\bAIza[A-Za-z0-9_-]{35}\b", "a key of Google"),
    (r"\b[rs]k_live_[A-Za-z0-9]{20,}", "a key of Stripe"),
    (r"\bnpm_[A-Za-z0-9]{36}\b", "a token of npm"),
    (r"\bSG\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{40,}", "a key of SendGrid"),
    (r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----", "a private key"),
    (r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@{$]{6,}@", "a password in an address"),
];

static FOUND: LazyLock<RegexSet> =
    LazyLock::new(|| RegexSet::new(SHAPES.map(|(shape, _)| shape)).expect("the shapes are regular expressions"));

pub(super) fn find(entry: &Entry, _: &Facts<'_>) -> Option<String> {
    texts(&entry.entity).find_map(|(place, text)| {
        let shape = FOUND.matches(text).into_iter().next()?;
        Some(format!("holds what looks like {} in {place}", SHAPES[shape].1))
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
