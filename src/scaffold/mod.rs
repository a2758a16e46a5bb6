//! Backstage Software Templates: a descriptor -> a form -> values -> steps run on a folder. Must not know chat, the store or
//! GitHub: what leaves the folder is asked of a trait.

pub mod action;
pub mod expression;
pub mod template;
