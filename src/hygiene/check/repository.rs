//! Repositories that somebody works on and of which the catalog has no entry, because nobody has described them.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use super::Facts;
use crate::{
    catalog::{Catalog, EntityRef, Repository, live::Undescribed},
    hygiene::fix::first::entity_name,
};

/// Of the one check.
pub(super) const ID: &str = "descriptor-missing";

/// By these an entry says where its code is (<https://backstage.io/docs/features/software-catalog/well-known-annotations>).
const SLUG: &str = "github.com/project-slug";
const SOURCE: &str = "backstage.io/source-location";

/// Nobody has pushed for so long: it is left in peace.
pub const ACTIVE: TimeDelta = TimeDelta::days(180);

/// A library of which fewer of the organisation's own repositories hang needs no entry of its own.
const LIBRARY_CONSUMERS: i64 = 3;

/// Last words of a library's name, and its topics.
const LIBRARY_WORDS: [&str; 8] = ["lib", "library", "sdk", "client", "common", "commons", "package", "utils"];

pub(super) fn without_descriptor(of: &Undescribed, facts: &Facts<'_>) -> Option<String> {
    let pushed = of.repository.pushed_at.filter(|_| without_entry(of, facts.catalog, facts.now))?;
    Some(format!("has no catalog-info.yaml; it was pushed to on {}", pushed.format("%-d %B")))
}

/// Whether it should be described and is not: somebody works on it, and no other repository declares what it would be.
pub fn without_entry(of: &Undescribed, catalog: &Catalog, now: DateTime<Utc>) -> bool {
    let is_active = of.repository.pushed_at.is_some_and(|at| now - at <= ACTIVE);
    is_active && wants_descriptor(of) && catalog.find(&described_as(&of.repository)).is_none()
}

/// The repositories that entries name as theirs, in small letters: some organisations keep all descriptors in one place.
pub fn named_by_entries(catalog: &Catalog) -> HashSet<String> {
    let entries = catalog.entries().iter().map(|entry| &entry.entity);
    let slugs = entries.clone().filter_map(|entity| entity.annotation(SLUG)).map(str::to_lowercase);
    slugs.chain(entries.filter_map(|entity| repository_at(entity.annotation(SOURCE)?))).collect()
}

/// "acme/shop" of "url:https://github.com/acme/shop/tree/main/cart/".
fn repository_at(location: &str) -> Option<String> {
    let url = Url::parse(location.strip_prefix("url:").unwrap_or(location)).ok()?;
    let mut parts = url.path_segments()?.filter(|part| !part.is_empty());
    let (owner, name) = (parts.next()?, parts.next()?);
    Some(format!("{owner}/{}", name.trim_end_matches(".git")).to_lowercase())
}

/// Whether it is worth a descriptor: a library only where many lean on it.
pub fn wants_descriptor(of: &Undescribed) -> bool {
    let Repository { full_name, topics, .. } = &of.repository;
    let last = full_name.rsplit(['/', '-', '_', '.']).next().unwrap_or_default().to_lowercase();
    let is_library = LIBRARY_WORDS.iter().any(|word| last == *word || topics.iter().any(|topic| topic == word));
    !is_library || of.consumers > LIBRARY_CONSUMERS
}

/// The entity that its first descriptor declares.
pub fn described_as(repository: &Repository) -> EntityRef {
    let name = repository.full_name.rsplit('/').next().unwrap_or_default();
    EntityRef::new("component", "default", &entity_name(name).to_lowercase())
}

/// The key of its finding.
pub fn descriptor_key(repository: &Repository) -> String {
    format!("{ID}:{}", described_as(repository))
}
