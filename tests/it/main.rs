//! The one integration binary: one file a story.

mod answers;
mod lookup;
mod world;
