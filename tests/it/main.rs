//! The one integration binary: one file a story.

mod lint;
mod playground;
