//! The one integration binary: one file a story.

mod fake_github;
mod github;
mod lint;
