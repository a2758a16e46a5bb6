//! Discord: the only place that knows serenity and Discord's wire formats. Must not answer anything itself.
//!
//! What is drawn is plain values of our own (`wire`); serenity, which is behind the cargo feature `discord`, carries them
//! and brings what happens.

mod body;
#[cfg(feature = "discord")]
mod client;
pub mod form;
#[cfg(feature = "discord")]
pub mod gateway;
#[cfg(feature = "discord")]
pub mod parse;
pub mod register;
pub mod render;
mod step;
mod text;
pub mod wire;

#[cfg(not(feature = "discord"))]
mod absent;

#[cfg(not(feature = "discord"))]
pub use absent::DiscordClient;
#[cfg(feature = "discord")]
pub use client::{Answer, DiscordClient, Identity, Reachable};
