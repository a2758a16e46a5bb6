//! Runs of templates, done for real on the fake GitHub and a real PostgreSQL: from what was asked to a catalogued repository,
//! and what becomes of them when something breaks in between.

mod acts;
pub mod desk;
mod folder;
mod kill;
mod lost;
mod many;
mod named;
mod recovery;
mod shown;
mod whole;
