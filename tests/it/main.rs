//! The one integration binary: one file a story.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected should stop there")]

mod answers;
mod fake_github;
mod github;
mod lines;
mod lint;
mod lookup;
mod playground;
mod report;
mod runbook;
mod shop;
mod world;
