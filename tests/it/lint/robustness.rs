//! Input meant to harm.
