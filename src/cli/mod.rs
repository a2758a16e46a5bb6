//! The front door: one file a subcommand. Must not answer anything itself.

pub mod ask;
