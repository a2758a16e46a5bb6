//! Runs of templates, done for real on the fake GitHub and a real PostgreSQL: from what was asked to a catalogued repository,
//! and what becomes of them when something breaks in between.

mod acts;
mod desk;
mod kill;
mod many;
mod recovery;
mod shown;
mod whole;
