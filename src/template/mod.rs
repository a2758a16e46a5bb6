//! Backstage Software Templates: a descriptor -> a form -> values -> steps run on a folder. Must not know chat, the store or
//! GitHub: what leaves the folder is asked of a trait.

pub mod action;
pub mod definition;
pub mod expression;
pub mod form;
pub mod form_check;
mod form_kind;
mod form_read;
pub mod plan;
pub mod pure;
pub mod run;
pub mod shelf;
pub mod skeleton;
pub mod workspace;
