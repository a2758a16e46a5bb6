//! The one integration binary: one file a story.

#![allow(clippy::unwrap_used, reason = "a test that meets what it did not expect is to stop there")]

mod acting;
mod answers;
mod app;
mod bot;
mod cluster;
mod fake_github;
mod fake_slack;
mod github;
mod lint;
mod lookup;
mod outage;
mod playground;
mod slack;
mod sync;
mod tidy;
mod world;
