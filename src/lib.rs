//! Steward: a service catalog that answers in chat. The library behind the binary of the same name.

pub mod address_template;
pub mod app;
pub mod backstage;
pub mod catalog;
pub mod chat;
pub mod cli;
pub mod commands;
pub mod directory;
pub mod door;
pub mod error;
pub mod github;
pub mod http;
pub mod on_call;
pub mod outbox;
pub mod people;
pub mod playground;
pub mod requests;
pub mod seal;
pub mod search;
pub mod settings;
pub mod slack;
pub mod store;
pub mod sync;
pub mod template;
pub mod web;
pub mod worker;
