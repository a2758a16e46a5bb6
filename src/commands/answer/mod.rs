//! What answers have in common: how things are named, how old they are, what is wrong with them, what was meant.
//! Must not answer a command.

pub mod age;
pub mod failure;
pub mod gone;
pub mod late;
pub mod names;
pub mod on_call;
pub mod passage;
pub mod provenance;
pub mod share;
pub mod subject;
pub mod trend;
pub mod warnings;
