//! What leans on what: dependencies of an entity in both directions, level by level.
//! Must not say how it is drawn.

use std::collections::HashMap;

use super::{Catalog, EntityRef, RelationType};

/// Past this many nodes a walk stops and says so: no reader follows more, and a hub has everything behind it.
pub const MAX_NODES: usize = 5_000;

/// Which way the edges are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What uses it: breaks if it breaks.
    Up,
    /// What it uses: may break it.
    Down,
}

/// An entity reached from the root, at its shortest distance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub entity_ref: EntityRef,
    /// 1 for direct ones; 0 is the root.
    pub depth: usize,
    /// The API through which the edge runs, where one does.
    pub via: Option<EntityRef>,
    /// `false` where only the reference is known.
    pub exists: bool,
    /// Where its children stand in [`Dependencies::nodes`].
    pub children: Vec<usize>,
    /// Edges to entities that stand elsewhere in the tree.
    pub repeats: Vec<Repeat>,
}

/// An edge to something that is shown elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeat {
    pub entity_ref: EntityRef,
    pub circle: Circle,
}

/// Whether an edge leads back to where it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circle {
    /// The target is above: everything between depends on itself.
    Closes,
    /// Two ways lead to the same thing.
    Joins,
}

/// A walk from one entity. `nodes[0]` is the root; the rest are in order of depth, then reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependencies {
    pub nodes: Vec<Node>,
    /// Set where the walk stopped at [`MAX_NODES`].
    pub cut: bool,
}

impl Dependencies {
    /// How many entities were reached, without the root.
    pub fn total(&self) -> usize {
        self.nodes.len() - 1
    }

    pub fn direct(&self) -> usize {
        self.nodes[0].children.len()
    }
}

impl Catalog {
    /// Follows dependencies to `depth` levels. `dependsOn` counts, and the use of an API leads to who provides it;
    /// `partOf` does not: a system's parts do not break with one another.
    pub fn dependencies(&self, root: &EntityRef, direction: Direction, depth: usize) -> Dependencies {
        let node = |entity_ref: EntityRef, depth, via| {
            let exists = self.find(&entity_ref).is_some();
            Node { entity_ref, depth, via, exists, children: Vec::new(), repeats: Vec::new() }
        };
        let mut nodes = vec![node(root.clone(), 0, None)];
        let mut parents = vec![0_usize];
        let mut places = HashMap::from([(root.clone(), 0_usize)]);
        let mut cut = false;
        let mut at = 0;
        while at < nodes.len() {
            if nodes[at].depth == depth {
                break;
            }
            for (target, via) in self.neighbours(&nodes[at].entity_ref, direction) {
                if let Some(place) = places.get(&target) {
                    let circle = if is_above(&parents, at, *place) { Circle::Closes } else { Circle::Joins };
                    nodes[at].repeats.push(Repeat { entity_ref: target, circle });
                } else if nodes.len() > MAX_NODES {
                    cut = true;
                } else {
                    let place = nodes.len();
                    places.insert(target.clone(), place);
                    let next = nodes[at].depth + 1;
                    nodes.push(node(target, next, via));
                    parents.push(at);
                    nodes[at].children.push(place);
                }
            }
            at += 1;
        }
        Dependencies { nodes, cut }
    }

    /// Direct neighbours with the API between, where there is one; sorted, each once. A plain dependency wins over
    /// one through an API.
    pub fn neighbours(&self, of: &EntityRef, direction: Direction) -> Vec<(EntityRef, Option<EntityRef>)> {
        let mut found: Vec<(EntityRef, Option<EntityRef>)> = Vec::new();
        match direction {
            Direction::Down => {
                found.extend(self.related(of, RelationType::DependsOn).into_iter().map(|target| (target, None)));
                // Whoever depends on an API depends on who answers behind it.
                found.extend(self.related(of, RelationType::ApiProvidedBy).into_iter().map(|target| (target, None)));
                for api in self.related(of, RelationType::ConsumesApi) {
                    let providers = self.related(&api, RelationType::ApiProvidedBy);
                    if providers.is_empty() {
                        found.push((api, None));
                    } else {
                        found.extend(providers.into_iter().map(|provider| (provider, Some(api.clone()))));
                    }
                }
            }
            Direction::Up => {
                found.extend(self.users(of).into_iter().map(|target| (target, None)));
                for api in self.related(of, RelationType::ProvidesApi) {
                    found.extend(self.users(&api).into_iter().map(|user| (user, Some(api.clone()))));
                }
            }
        }
        found.retain(|(target, _)| target != of);
        found.sort();
        found.dedup_by(|a, b| a.0 == b.0);
        found
    }

    fn users(&self, of: &EntityRef) -> Vec<EntityRef> {
        let mut users = self.related(of, RelationType::DependencyOf);
        users.extend(self.related(of, RelationType::ApiConsumedBy));
        users
    }
}

/// Whether `place` is `from` or one of its parents.
fn is_above(parents: &[usize], from: usize, place: usize) -> bool {
    let mut at = from;
    loop {
        if at == place {
            return true;
        }
        if at == 0 {
            return false;
        }
        at = parents[at];
    }
}
