//! The one integration binary: one file a story.

mod acting;
mod bot;
mod cluster;
mod fake_github;
mod github;
mod lint;
mod outage;
mod playground;
mod sync;
