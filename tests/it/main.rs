//! The one integration binary: one file a story.

mod lint;

mod app;
mod fake_slack;
mod slack;
