//! The one integration binary: one file a story.

mod answers;
mod fake_github;
mod github;
mod lint;
mod lookup;
mod playground;
mod world;
