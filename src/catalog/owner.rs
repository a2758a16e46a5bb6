//! Whether somebody answers for an entity: one rule for what answers say and for what hygiene finds.
//! Must not say it in words.

use super::{Catalog, Entity, EntityRef, Entry, Kind, RelationType, left};

/// How it stands with who owns something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner<'a> {
    /// The entry names nobody.
    Missing,
    /// It names somebody who is not in the catalog, or something that is neither a team nor a person.
    Unknown(&'a EntityRef),
    /// A person or a team that is gone.
    Left(&'a Entry),
    /// A group in which nobody is.
    Empty(&'a Entry),
    Known(&'a Entry),
}

impl<'a> Owner<'a> {
    /// Whoever can be asked; a group in which nobody is known to be may still have a channel.
    pub fn answers(self) -> Option<&'a Entry> {
        match self {
            Self::Known(owner) | Self::Empty(owner) => Some(owner),
            Self::Missing | Self::Unknown(_) | Self::Left(_) => None,
        }
    }
}

impl Catalog {
    /// How it stands with who owns this, as its descriptor has it.
    pub fn owner_of<'a>(&'a self, entity: &'a Entity) -> Owner<'a> {
        entity.owner().map_or(Owner::Missing, |owner| self.as_owner(owner))
    }

    /// How it stands with somebody who is named as an owner.
    pub fn as_owner<'a>(&'a self, owner: &'a EntityRef) -> Owner<'a> {
        let found = self.find(self.primary(owner));
        let Some(found) = found.filter(|found| matches!(found.entity.kind, Kind::User | Kind::Group)) else {
            return Owner::Unknown(owner);
        };
        if left(&found.entity).is_some() {
            return Owner::Left(found);
        }
        if found.entity.kind == Kind::Group && self.has_nobody(&found.entity.entity_ref) {
            return Owner::Empty(found);
        }
        Owner::Known(found)
    }

    /// Whether a group has no known member who is there, and no group below it.
    pub fn has_nobody(&self, group: &EntityRef) -> bool {
        let is_there = |user: &EntityRef| self.find(user).is_some_and(|user| left(&user.entity).is_none());
        !self.related(group, RelationType::HasMember).iter().any(is_there)
            && self.related(group, RelationType::ParentOf).is_empty()
    }
}
