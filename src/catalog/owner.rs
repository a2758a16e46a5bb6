//! Whether somebody answers for an entity: one rule for what answers say and for what hygiene finds.
//! Must not say it in words.

use super::{Catalog, Entity, EntityRef, Entry, Kind, RelationType, left};

/// How it stands with who owns something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner<'a> {
    /// The entry names nobody.
    Missing,
    /// It names somebody who is not in the catalog.
    Unknown(&'a EntityRef),
    /// A person who has left.
    Left(&'a Entry),
    /// A group in which nobody is.
    Empty(&'a Entry),
    Known(&'a Entry),
}

impl Catalog {
    /// How it stands with who owns this, as its descriptor has it.
    pub fn owner_of<'a>(&'a self, entity: &'a Entity) -> Owner<'a> {
        let Some(owner) = entity.owner() else { return Owner::Missing };
        let Some(found) = self.find(self.primary(owner)) else { return Owner::Unknown(owner) };
        match found.entity.kind {
            Kind::User if left(&found.entity).is_some() => Owner::Left(found),
            Kind::Group if self.has_nobody(&found.entity.entity_ref) => Owner::Empty(found),
            _ => Owner::Known(found),
        }
    }

    /// Whether a group has no known member who is there, and no group below it.
    pub fn has_nobody(&self, group: &EntityRef) -> bool {
        let is_there = |user: &EntityRef| self.find(user).is_some_and(|user| left(&user.entity).is_none());
        !self.related(group, RelationType::HasMember).iter().any(is_there)
            && self.related(group, RelationType::ParentOf).is_empty()
    }
}
