//! The catalog's domain: entities, references, relations, look-up and the snapshot that answers come from.
//! Pure: no async, no I/O, no clock, no randomness; knows nothing of chat.

pub mod address;
mod assemble;
mod carry;
pub mod descriptor;
pub mod diff;
mod entity;
mod entity_ref;
mod event;
pub mod filter;
mod gone;
mod graph;
mod index;
pub mod kinds;
pub mod links;
pub mod live;
pub mod lookup;
mod owner;
pub mod people;
mod person;
mod relation;
mod repository;
mod sight;
mod snapshot;
pub mod version;
pub mod wants;

pub use entity::{Entity, Kind, Link};
pub use entity_ref::{BadEntityRef, EntityRef};
pub use event::{EventKind, RepositoryEvent};
pub use gone::{GoneBecause, GoneClaim};
pub use graph::{Circle, Dependencies, Direction, MAX_NODES, Node, Repeat};
pub use lookup::{
    Candidate, Found, InDocument, Level, LookupIndex, Question, Ranked, Ranking, Score, Sought, Taste, Weights, is_deprecated,
    says_deprecated,
};
pub use owner::Owner;
pub use person::left;
pub use relation::{Relation, RelationType};
pub use repository::{
    Authority, Commit, Contents, FileRole, Files, FilesFound, FilesWanted, Known, Looked, RUNBOOK_PATHS, Repository,
    RepositoryKey, RepositoryRead, Scope, SourceFile, SourcePage, SweepError, SweepMark, SweepReport, Visibility, number_of,
};
pub use sight::{Clue, Sighting, Sightings};
pub use snapshot::{
    BrokenDocument, BrokenFile, Catalog, Entry, HeldBack, KeptBecause, Origin, Page, Parts, Runbook, SourceState,
};
