//! By what a snapshot finds its entities: who owns each reference, edges in both directions, names, persons.
//! Made from the claims and the former index; must not keep anything that depends on the way it came about.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    Authority, Entity, EntityRef, Kind, Relation, RelationType,
    carry::Carried,
    filter::Facets,
    lookup::LookupIndex,
    person::{PersonIndex, Rivals},
    snapshot::{Entry, Parts},
};

/// For each target the edges that point to it, seen from it: type reversed, target = where it comes from.
type Incoming = HashMap<EntityRef, Arc<Vec<Relation>>>;

#[derive(Debug, Default)]
pub struct Index {
    /// The claim that owns each reference, sorted by reference.
    pub entries: Vec<Arc<Entry>>,
    by_ref: Arc<HashMap<EntityRef, u32>>,
    incoming: Arc<Incoming>,
    /// Losing claims.
    pub rivals: Rivals,
    pub lookup: LookupIndex,
    pub facets: Facets,
    persons: Arc<Persons>,
}

/// Users and Groups; made anew only where anything changed that they are made of.
#[derive(Debug, Default)]
struct Persons {
    claims: Vec<Arc<Entry>>,
    /// What the claims come to.
    entries: Vec<Arc<Entry>>,
    rivals: Rivals,
    index: PersonIndex,
}

impl Index {
    /// The index of `parts`, whose claims are sorted by reference, then by rank. `former` is that of `former_parts`.
    pub fn carry(former: &Self, former_parts: &Parts, parts: &Parts) -> Self {
        let settled = drop_migrated(&parts.claims);
        let claims = settled.as_deref().unwrap_or(&parts.claims);
        let persons = Persons::carry(&former.persons, former_parts, parts, claims);
        let (entries, rivals) = settle_owners(claims, &persons);
        let mut carried = Carried::between(&former.entries, &entries);
        carried.renew(former.owned_by_renamed(&carried, &entries));
        let by_ref = if carried.in_place {
            Arc::clone(&former.by_ref)
        } else {
            Arc::new((0_u32..).zip(&entries).map(|(at, entry)| (entry.entity.entity_ref.clone(), at)).collect())
        };
        let (incoming, leaned_on) = former.carry_edges(&carried, &entries);
        let owner_label = |entity: &Entity| Some(entries[*by_ref.get(entity.owner()?)? as usize].entity.label());
        let lookup = former.lookup.carry(
            &carried,
            &entries,
            leaned_on.iter().filter_map(|target| by_ref.get(target).copied()),
            |entity_ref| count_dependents(&incoming, entity_ref),
            owner_label,
        );
        Self { entries, by_ref, incoming, rivals, lookup, facets: Facets::default(), persons }
    }

    pub fn find(&self, entity_ref: &EntityRef) -> Option<&Arc<Entry>> {
        self.place_of(entity_ref).map(|at| &self.entries[at as usize])
    }

    pub fn place_of(&self, entity_ref: &EntityRef) -> Option<u32> {
        self.by_ref.get(entity_ref).copied()
    }

    /// Edges that point to it, seen from it.
    pub fn incoming(&self, entity_ref: &EntityRef) -> &[Relation] {
        self.incoming.get(entity_ref).map_or(&[], |edges| edges.as_slice())
    }

    /// How many edges of the types that carry weight point at it.
    pub fn count_dependents(&self, entity_ref: &EntityRef) -> usize {
        count_dependents(&self.incoming, entity_ref)
    }

    pub fn people(&self) -> &PersonIndex {
        &self.persons.index
    }

    /// Former places of what an entity owns that is called differently now: owners are searched for by what they are called.
    fn owned_by_renamed(&self, carried: &Carried, entries: &[Arc<Entry>]) -> Vec<u32> {
        let label = |entries: &[Arc<Entry>], entity_ref: &EntityRef| {
            let at = entries.binary_search_by(|entry| entry.entity.entity_ref.cmp(entity_ref)).ok()?;
            Some(entries[at].entity.label().to_owned())
        };
        let stale = carried.stale.iter().map(|at| &self.entries[*at as usize]);
        let changed = stale.chain(carried.fresh.iter().map(|at| &entries[*at as usize])).map(|entry| &entry.entity.entity_ref);
        let renamed = changed.filter(|changed| label(&self.entries, changed) != label(entries, changed));
        let owned = renamed.flat_map(|renamed| self.incoming(renamed));
        let owned = owned.filter(|relation| relation.relation_type == RelationType::OwnerOf);
        owned.filter_map(|relation| self.by_ref.get(&relation.target).copied()).collect()
    }

    /// Takes out the edges of what went or changed and puts in those of what came or changed; with the references to which
    /// any of them leads.
    fn carry_edges(&self, carried: &Carried, entries: &[Arc<Entry>]) -> (Arc<Incoming>, HashSet<EntityRef>) {
        let stale: HashSet<&EntityRef> = carried.stale.iter().map(|at| &self.entries[*at as usize].entity.entity_ref).collect();
        let targets = |entry: &Arc<Entry>| -> Vec<EntityRef> {
            entry.entity.relations.iter().map(|relation| relation.target.clone()).collect()
        };
        let mut touched: HashSet<EntityRef> = carried.stale.iter().flat_map(|at| targets(&self.entries[*at as usize])).collect();
        let mut incoming = Incoming::clone(&self.incoming);
        for target in &touched {
            if let Some(edges) = incoming.get_mut(target) {
                Arc::make_mut(edges).retain(|edge| !stale.contains(&edge.target));
                if edges.is_empty() {
                    incoming.remove(target);
                }
            }
        }
        for entity in carried.fresh.iter().map(|at| &entries[*at as usize].entity) {
            for relation in &entity.relations {
                let seen_from_target =
                    Relation { relation_type: relation.relation_type.opposite(), target: entity.entity_ref.clone() };
                Arc::make_mut(incoming.entry(relation.target.clone()).or_default()).push(seen_from_target);
                touched.insert(relation.target.clone());
            }
        }
        (Arc::new(incoming), touched)
    }
}

impl Persons {
    fn carry(former: &Arc<Self>, former_parts: &Parts, parts: &Parts, claims: &[Arc<Entry>]) -> Arc<Self> {
        let claims = || claims.iter().filter(|claim| is_person(claim));
        let is_as_before = claims().eq(&former.claims)
            && parts.links == former_parts.links
            && parts.gone == former_parts.gone
            && parts.mapping == former_parts.mapping
            && parts.verified_domains == former_parts.verified_domains;
        if is_as_before {
            return Arc::clone(former);
        }
        let claims: Vec<Arc<Entry>> = claims().cloned().collect();
        let (index, entries, rivals) = PersonIndex::merge(claims.clone(), parts);
        Arc::new(Self { claims, entries, rivals, index })
    }
}

fn is_person(claim: &Entry) -> bool {
    matches!(claim.entity.kind, Kind::User | Kind::Group)
}

/// Of several claims the first owns the reference, the others are its rivals; who owns Users and Groups is settled.
fn settle_owners(claims: &[Arc<Entry>], persons: &Persons) -> (Vec<Arc<Entry>>, Rivals) {
    let mut rivals = persons.rivals.clone();
    let mut entries: Vec<Arc<Entry>> = Vec::with_capacity(claims.len());
    let mut settled = persons.entries.iter().peekable();
    for same in claims.chunk_by(|a, b| a.entity.entity_ref == b.entity.entity_ref) {
        let (first, others) = same.split_first().expect("a chunk holds one claim at least");
        let entity_ref = &first.entity.entity_ref;
        if is_person(first) {
            entries.extend(settled.next_if(|entry| entry.entity.entity_ref == *entity_ref).cloned());
            continue;
        }
        entries.push(Arc::clone(first));
        // Another catalog says the same of an entity that has a file by now: that is migration, no conflict.
        let losing = others.iter().filter(|claim| claim.origin.authority != Authority::Migration);
        for claim in losing {
            rivals.entry(entity_ref.clone()).or_default().push(Arc::clone(claim));
        }
    }
    (entries, rivals)
}

/// Another catalog says the same of an entity that has a file by now: that is migration, no conflict and no difference.
/// `None` where nothing is moved.
fn drop_migrated(claims: &[Arc<Entry>]) -> Option<Vec<Arc<Entry>>> {
    let is_moving = |entry: &Entry| entry.origin.authority == Authority::Migration;
    if !claims.iter().any(|claim| is_moving(claim)) {
        return None;
    }
    let same = claims.chunk_by(|a, b| a.entity.entity_ref == b.entity.entity_ref);
    let kept = same.flat_map(|same| {
        let has_moved = !same.iter().all(|claim| is_moving(claim));
        same.iter().filter(move |claim| !(has_moved && is_moving(claim))).cloned()
    });
    Some(kept.collect())
}

fn count_dependents(incoming: &Incoming, entity_ref: &EntityRef) -> usize {
    let edges = incoming.get(entity_ref).into_iter().flat_map(|edges| edges.iter());
    edges
        .filter(|relation| {
            matches!(
                relation.relation_type,
                RelationType::DependencyOf | RelationType::ApiConsumedBy | RelationType::HasPart | RelationType::OwnerOf
            )
        })
        .count()
}
