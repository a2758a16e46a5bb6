//! Entities that a template lets one pick: which they are, what is offered while somebody types, what was meant.
//! Must not know how a question is drawn.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value as Json;

use crate::{
    catalog::{Catalog, Entity, EntityRef, Entry, Found, Kind, Level, RelationType, Sought},
    chat::{Choice, limits::cut},
    commands::{
        Asking,
        access::is_of,
        answer::names::{label, short_ref},
    },
    template::form::EntityPick,
};

/// How many are offered for what was typed.
const OFFERED: usize = 50;

/// The kinds that a filter names; empty where it allows any.
pub fn kinds(pick: &EntityPick) -> Vec<Kind> {
    let clauses: Vec<&Json> = match &pick.filter {
        Json::Array(clauses) => clauses.iter().collect(),
        clause => vec![clause],
    };
    let mut kinds = BTreeSet::new();
    for clause in clauses {
        let named = clause.as_object().and_then(|clause| clause.iter().find(|(key, _)| key.eq_ignore_ascii_case("kind")));
        // One clause without a kind allows all.
        let Some((_, named)) = named else { return Vec::new() };
        match named {
            Json::String(kind) => kinds.extend([Kind::parse(kind)]),
            Json::Array(several) => kinds.extend(several.iter().filter_map(Json::as_str).map(Kind::parse)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => return Vec::new(),
        }
    }
    kinds.into_iter().collect()
}

/// Whether only teams and people can be picked: those have to exist, whatever else the template allows.
pub fn is_of_owners(pick: &EntityPick) -> bool {
    let kinds = kinds(pick);
    !kinds.is_empty() && kinds.iter().all(|kind| matches!(kind, Kind::Group | Kind::User))
}

/// All that may be picked, the asker's own first.
pub fn all(catalog: &Catalog, asking: &Asking<'_>, pick: &EntityPick) -> Vec<Arc<Entry>> {
    let mut all: Vec<Arc<Entry>> =
        catalog.entries().iter().filter(|entry| may_be_picked(catalog, asking, pick, &entry.entity)).cloned().collect();
    all.sort_by_cached_key(|entry| (!is_own(catalog, asking, &entry.entity), entry.entity.label().to_lowercase()));
    all
}

/// What is offered for what was typed, best first.
pub fn offer(catalog: &Catalog, asking: &Asking<'_>, pick: &EntityPick, typed: &str) -> Vec<Choice> {
    let kinds = kinds(pick);
    let found = if typed.trim().is_empty() {
        all(catalog, asking, pick)
    } else {
        let mut found = catalog.search(Sought { kinds: &kinds, ..asking.sought(typed) });
        found.retain(|entry| may_be_picked(catalog, asking, pick, &entry.entity));
        found
    };
    found.iter().take(OFFERED).map(|entry| choice(&entry.entity)).collect()
}

pub fn choice(entity: &Entity) -> Choice {
    let short = short_ref(&entity.entity_ref);
    let note = (short != entity.label()).then_some(short);
    Choice { value: entity.entity_ref.to_string(), label: entity.label().to_owned(), note }
}

/// The reference of what was chosen, or typed where a platform has no typeahead; else what is wrong with it.
pub fn resolve(catalog: &Catalog, asking: &Asking<'_>, pick: &EntityPick, written: &str) -> Result<String, String> {
    let kinds = kinds(pick);
    let default_kind = pick.default_kind.as_deref().or_else(|| match kinds.as_slice() {
        [kind] => Some(kind.as_str()),
        [Kind::Group, ..] => Some("group"),
        _ => None,
    });
    let namespace = pick.default_namespace.as_deref().unwrap_or("default");
    let parsed = EntityRef::parse(written, default_kind, namespace).ok();
    let found = parsed.as_ref().and_then(|parsed| catalog.find(parsed)).cloned().or_else(|| {
        // A name or title in full is as good as a choice, where only one bears it.
        match catalog.look_up(Sought { kinds: &kinds, ..Sought::any(written, &[]) }) {
            Found::One { entry, level: Level::Exact | Level::Alias, .. } => Some(entry),
            Found::One { .. } | Found::Several { .. } | Found::None { .. } => None,
        }
    });
    let shown = cut(written, 60);
    match found {
        Some(entry) if may_be_picked(catalog, asking, pick, &entry.entity) => Ok(entry.entity.entity_ref.to_string()),
        Some(entry) if pick.owned && !is_own(catalog, asking, &entry.entity) => {
            Err(format!("{} is not yours or your team's. Choose one from the list.", entry.entity.label()))
        }
        Some(entry) if !pick.free || is_of_owners(pick) => {
            Err(format!("{} cannot be chosen here. Choose one from the list.", entry.entity.label()))
        }
        Some(entry) => Ok(entry.entity.entity_ref.to_string()),
        None if is_of_owners(pick) => Err(format!("No {} is called “{shown}”. Choose one from the list.", wanted(&kinds))),
        None if pick.free => Ok(written.to_owned()),
        None => Err(format!("The catalog has no {} “{shown}”. Choose one from the list.", wanted(&kinds))),
    }
}

/// What is picked, in a word: "team", "component or API", "entry".
pub fn wanted(kinds: &[Kind]) -> String {
    let word = |kind: &Kind| match kind {
        Kind::Group => "team".to_owned(),
        Kind::User => "person".to_owned(),
        Kind::Api => "API".to_owned(),
        other => other.as_str().to_lowercase(),
    };
    match kinds.iter().map(word).collect::<Vec<_>>().as_slice() {
        [] => "entry".to_owned(),
        several => several.join(" or "),
    }
}

/// "Team Payments", for a reference that was picked; the text itself where it is none.
pub fn named(catalog: &Catalog, value: &str) -> String {
    let parsed = EntityRef::parse(value, None, "default").ok().filter(|parsed| catalog.find(parsed).is_some());
    parsed.map_or_else(|| value.to_owned(), |parsed| label(catalog, &parsed))
}

fn may_be_picked(catalog: &Catalog, asking: &Asking<'_>, pick: &EntityPick, entity: &Entity) -> bool {
    fits(&pick.filter, entity) && (!pick.owned || is_own(catalog, asking, entity))
}

/// Whether it is the asker's, or their team's, or the team itself.
fn is_own(catalog: &Catalog, asking: &Asking<'_>, entity: &Entity) -> bool {
    match entity.kind {
        Kind::Group | Kind::User => is_of(catalog, asking, &entity.entity_ref),
        _ => entity.targets(RelationType::OwnedBy).any(|owner| is_of(catalog, asking, owner)),
    }
}

/// As Backstage's catalog filters: any of the clauses, all of the keys in one, any of a key's values.
fn fits(filter: &Json, entity: &Entity) -> bool {
    match filter {
        Json::Array(clauses) if !clauses.is_empty() => clauses.iter().any(|clause| fits(clause, entity)),
        Json::Object(clause) => clause.iter().all(|(key, wanted)| has(entity, key, wanted)),
        _ => true,
    }
}

fn has(entity: &Entity, key: &str, wanted: &Json) -> bool {
    // What is not kept of an entity cannot be filtered by: too many to choose from is better than none.
    let Some(values) = values(entity, key) else { return true };
    let is = |wanted: &str| values.iter().any(|value| value.eq_ignore_ascii_case(wanted));
    match wanted {
        Json::String(wanted) => is(wanted),
        Json::Bool(wanted) => is(if *wanted { "true" } else { "false" }),
        Json::Array(several) => several.iter().filter_map(Json::as_str).any(is),
        Json::Object(asked) => asked.get("exists").and_then(Json::as_bool) != Some(values.is_empty()),
        Json::Null | Json::Number(_) => true,
    }
}

fn values(entity: &Entity, key: &str) -> Option<Vec<String>> {
    let one = |value: &Option<String>| Some(value.iter().cloned().collect());
    let targets = |relation: RelationType| {
        let both = |target: &EntityRef| [target.to_string(), target.name().to_owned()];
        Some(entity.targets(relation).flat_map(both).collect())
    };
    match key.to_lowercase().as_str() {
        "kind" => Some(vec![entity.kind.as_str().to_owned()]),
        "metadata.name" => Some(vec![entity.name.clone()]),
        "metadata.namespace" => Some(vec![entity.entity_ref.namespace().to_owned()]),
        "metadata.title" => one(&entity.title),
        "metadata.tags" => Some(entity.tags.clone()),
        "spec.type" => one(&entity.spec_type),
        "spec.lifecycle" => one(&entity.lifecycle),
        "spec.owner" | "relations.ownedby" => targets(RelationType::OwnedBy),
        "spec.system" | "spec.domain" | "relations.partof" => targets(RelationType::PartOf),
        lower => {
            // Keys of labels and annotations are told apart by case, and hold dots.
            let named = |prefix: &str, map: &std::collections::BTreeMap<String, String>| {
                let name = key.get(prefix.len()..).filter(|_| lower.starts_with(prefix))?;
                Some(map.get(name).cloned().into_iter().collect())
            };
            let tag = |tag: &str| entity.tags.iter().any(|known| known == tag).then(|| "true".to_owned());
            named("metadata.annotations.", &entity.annotations)
                .or_else(|| named("metadata.labels.", &entity.labels))
                .or_else(|| lower.strip_prefix("metadata.tags.").map(|name| tag(name).into_iter().collect()))
        }
    }
}
