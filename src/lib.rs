//! Steward: a service catalog that answers in chat. The library behind the binary of the same name.

pub mod app;
pub mod catalog;
pub mod chat;
pub mod cli;
pub mod commands;
pub mod error;
pub mod http;
pub mod outbox;
pub mod playground;
pub mod settings;
pub mod slack;
pub mod store;
