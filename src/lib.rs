//! Steward: a service catalog that answers in chat. The library behind the binary of the same name.

pub mod catalog;
pub mod chat;
pub mod error;
