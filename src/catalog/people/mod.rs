//! Persons and teams: how sources that are no repository bring them, how the claims of several merge, and which accounts
//! are one person. Pure; must not decide what a person may do.

mod merge;
mod roster;
mod ties;

pub use merge::{Difference, Said, merge};
pub use roster::{PersonRecord, Roster, TeamRecord, annotation, entity_name};
pub use ties::{AccountKind, Evidence, Link, MappedPerson, Person, Tie, TieIndex, parse_mapping};
