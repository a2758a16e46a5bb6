//! The one integration binary: one file a story.

#![allow(clippy::unwrap_used, reason = "in a test, what is not as expected should panic")]

mod app;
mod fake_github;
mod fake_slack;
mod github;
mod lint;
mod playground;
mod slack;
