//! The only reader of files and environment; plain values go down.

/// The whole configuration, checked.
#[derive(Debug, Clone, Default)]
pub struct Settings {}
