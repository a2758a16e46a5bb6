//! What all transports of one platform share: from the parsed act to what is sent back. Must not know how bytes arrive.

pub mod send;
pub mod slack;
