//! The one integration binary: one file a story.

mod app;
mod fake_github;
mod fake_slack;
mod github;
mod lint;
mod playground;
mod slack;
