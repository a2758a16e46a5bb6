//! Discord: what is drawn for it, and the gateway from what somebody does to what they see.

mod drawn;
pub mod forms;
mod gateway;
mod registration;
