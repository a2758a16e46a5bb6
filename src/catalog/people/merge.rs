//! One Group or User that several authorities declare: what each says weighs by its rank, and what differs is kept.
//! Must not know who is tied to whom; memberships are settled in `ties`.

use std::sync::Arc;

use super::roster::annotation;
use crate::catalog::{Authority, EntityRef, Entry, Relation, RelationType};

/// Two authorities that say different things of one person or team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A fact with one value each, the one that counts first.
    Fact { name: &'static str, said: Vec<Said> },
    /// Who is in a team: what another authority says beside the one that decides.
    Members { decides: Authority, other: Authority, also: Vec<EntityRef>, without: Vec<EntityRef> },
}

/// What one authority says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub authority: Authority,
    /// The source's id in the configuration.
    pub source: Arc<str>,
    pub value: String,
}

/// Merges claims to one reference, at most one an authority, the strongest first. `None` where there is none.
///
/// A fact comes from the strongest that states it; annotations, labels, tags and links are united; whose type is only a
/// default (teams of the code host and of HR) gives way to what somebody wrote.
pub fn merge(claims: &[Arc<Entry>]) -> Option<(Entry, Vec<Difference>)> {
    let (first, others) = claims.split_first()?;
    let mut merged = Entry::clone(first);
    let mut differences = Vec::new();
    let entity = &mut merged.entity;
    for other in others {
        let said = &other.entity;
        let fill = |mine: &mut Option<String>, theirs: &Option<String>| {
            if mine.is_none() {
                mine.clone_from(theirs);
            }
        };
        fill(&mut entity.title, &said.title);
        fill(&mut entity.description, &said.description);
        fill(&mut entity.display_name, &said.display_name);
        fill(&mut entity.email, &said.email);
        fill(&mut entity.lifecycle, &said.lifecycle);
        if entity.spec_type.is_none() || other.origin.authority == Authority::Descriptor {
            entity.spec_type = said.spec_type.clone().or(entity.spec_type.take());
        }
        for (key, value) in &said.annotations {
            entity.annotations.entry(key.clone()).or_insert_with(|| value.clone());
        }
        for (key, value) in &said.labels {
            entity.labels.entry(key.clone()).or_insert_with(|| value.clone());
        }
        for tag in &said.tags {
            if !entity.tags.contains(tag) {
                entity.tags.push(tag.clone());
            }
        }
        for link in &said.links {
            if !entity.links.iter().any(|known| known.url == link.url) {
                entity.links.push(link.clone());
            }
        }
        for name in &said.former_names {
            if !entity.former_names.contains(name) {
                entity.former_names.push(name.clone());
            }
        }
    }
    merged.entity.relations = relations(claims);
    let facts: [(&'static str, FactOf); 5] = [
        ("name", |entry| entry.entity.title.clone().or_else(|| entry.entity.display_name.clone())),
        ("e-mail", |entry| entry.entity.email.clone()),
        ("parent", |entry| entry.entity.targets(RelationType::ChildOf).next().map(|parent| parent.name().to_owned())),
        ("manager", |entry| entry.entity.annotation(annotation::MANAGER).map(str::to_owned)),
        ("GitHub login", |entry| entry.entity.annotation(annotation::GITHUB_LOGIN).map(str::to_owned)),
    ];
    differences.extend(facts.into_iter().filter_map(|(name, of)| difference(name, claims, of)));
    Some((merged, differences))
}

/// What an entry states of one fact.
type FactOf = fn(&Entry) -> Option<String>;

fn difference(name: &'static str, claims: &[Arc<Entry>], of: FactOf) -> Option<Difference> {
    let said: Vec<Said> = claims
        .iter()
        .filter_map(|entry| {
            let value = of(entry)?;
            Some(Said { authority: entry.origin.authority, source: Arc::clone(&entry.origin.source), value })
        })
        .collect();
    let is_same = |other: &Said| other.value.trim().eq_ignore_ascii_case(said[0].value.trim());
    (said.len() > 1 && !said.iter().all(is_same)).then_some(Difference::Fact { name, said })
}

/// All relations, but one parent: the strongest that names one.
fn relations(claims: &[Arc<Entry>]) -> Vec<Relation> {
    let mut relations: Vec<Relation> = Vec::new();
    let mut has_parent = false;
    for entry in claims {
        let own = &entry.entity.relations;
        let taken = own.iter().filter(|relation| relation.relation_type != RelationType::ChildOf || !has_parent);
        let new: Vec<Relation> = taken.filter(|relation| !relations.contains(relation)).cloned().collect();
        relations.extend(new);
        has_parent |= own.iter().any(|relation| relation.relation_type == RelationType::ChildOf);
    }
    relations
}
