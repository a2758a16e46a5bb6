//! The one integration binary: one file a story.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected should stop there")]

mod acting;
mod answers;
mod app;
mod backstage;
mod bot;
mod cluster;
mod config;
mod fake_github;
mod fake_slack;
mod fake_web;
mod github;
mod history;
mod lines;
mod lint;
mod location;
mod lookup;
mod outage;
mod placeholder;
mod playground;
mod removal;
mod report;
mod runbook;
mod shop;
mod slack;
mod sync;
mod tidy;
mod webhook;
mod url_source;
mod world;
