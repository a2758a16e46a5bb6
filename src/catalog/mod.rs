//! The catalog's domain: entities, references, relations, look-up and the snapshot that answers come from.
//! Pure: no async, no I/O, no clock, no randomness; knows nothing of chat.

pub mod descriptor;
mod entity;
mod entity_ref;
pub mod kinds;
mod relation;

pub use entity::{Entity, Kind, Link};
pub use entity_ref::{BadEntityRef, EntityRef};
pub use relation::{Relation, RelationType};
