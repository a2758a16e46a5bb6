//! The ways in besides commands: plain questions, somebody's message, a person's home page, addresses in messages.
//! Must not answer about an entity in a way of its own: the commands do.

pub mod ask;
pub mod home;
pub mod inspect;
