//! The one integration binary: one file a story.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected should stop there")]

mod acting;
mod answers;
mod app;
mod bot;
mod cluster;
mod config;
mod fake_github;
mod fake_slack;
mod github;
mod history;
mod lines;
mod lint;
mod lookup;
mod outage;
mod playground;
mod removal;
mod report;
mod runbook;
mod shop;
mod slack;
mod sync;
mod tidy;
mod uses;
mod versions;
mod webhook;
mod world;
