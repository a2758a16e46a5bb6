//! The store: PostgreSQL through sqlx, here and nowhere else. Transactions never leave it.

/// The database, which may be away.
#[derive(Debug)]
pub struct Store {}
