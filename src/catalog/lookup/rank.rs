//! Which of several entities with equally good names comes first.
//! Must not compare names with what was typed: `lookup` does.

use crate::catalog::{Entity, Kind};

/// What an entity's place among others depends on, apart from who asks and what for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank {
    /// It stands beside the real thing: a test or a demo.
    pub side: bool,
    /// 0 for a service, then what is meant less often.
    pub class: u8,
    /// 3 in production, 0 where it goes away.
    pub lifecycle: u8,
    pub dependents: u32,
}

impl Rank {
    pub fn of(entity: &Entity, side: bool, dependents: usize) -> Self {
        let dependents = u32::try_from(dependents).unwrap_or(u32::MAX);
        Self { side, class: class(entity), lifecycle: lifecycle(entity), dependents }
    }
}

fn lifecycle(entity: &Entity) -> u8 {
    match entity.lifecycle.as_deref() {
        _ if is_deprecated(entity) => 0,
        Some(written) if written.eq_ignore_ascii_case("experimental") => 1,
        Some(written) if written.eq_ignore_ascii_case("production") => 3,
        Some(_) | None => 2,
    }
}

fn class(entity: &Entity) -> u8 {
    match &entity.kind {
        Kind::Component if entity.spec_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("service")) => 0,
        Kind::Component => 1,
        Kind::System => 2,
        Kind::Api => 3,
        Kind::Resource => 4,
        Kind::Group => 5,
        Kind::Domain => 6,
        Kind::User => 7,
        Kind::Custom(_) => 8,
        Kind::Template => 9,
        Kind::Location => 10,
    }
}

/// Whether its lifecycle says that it goes away.
pub fn is_deprecated(entity: &Entity) -> bool {
    entity.lifecycle.as_deref().is_some_and(says_deprecated)
}

/// Whether this lifecycle is one of what goes away.
pub fn says_deprecated(lifecycle: &str) -> bool {
    ["deprecated", "retired", "sunset", "end-of-life", "eol"].iter().any(|word| lifecycle.eq_ignore_ascii_case(word))
}
