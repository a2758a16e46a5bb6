//! Ranges over semantic versions, for Cargo and Go: Cargo's requirements, where plain comparisons count pre-releases.
//! Must not compare versions of other ecosystems.

use std::cmp::Ordering;

use semver::{BuildMetadata, Comparator, Op, Version, VersionReq};

#[derive(Debug, Clone)]
pub(super) struct SemverRange(Vec<Clause>);

/// One alternative of `a || b`.
#[derive(Debug, Clone)]
enum Clause {
    /// `^`, `~`, `*` and bare versions are Cargo's own.
    Requirement(VersionReq),
    /// Comparisons by order alone.
    Order(Vec<Comparator>),
}

impl SemverRange {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let clauses: Result<Vec<Clause>, String> = text.split("||").map(parse_clause).collect();
        clauses.map(Self)
    }

    pub(super) fn contains(&self, version: &Version) -> bool {
        self.0.iter().any(|clause| match clause {
            Clause::Requirement(requirement) => requirement.matches(version),
            Clause::Order(comparators) => comparators.iter().all(|comparator| is_in_order(comparator, version)),
        })
    }
}

fn parse_clause(text: &str) -> Result<Clause, String> {
    let joined = super::operators::join_words(text).join(", ");
    let requirement = VersionReq::parse(&joined.replace("==", "=")).map_err(|error| error.to_string())?;
    let is_plain =
        |comparator: &Comparator| matches!(comparator.op, Op::Exact | Op::Greater | Op::GreaterEq | Op::Less | Op::LessEq);
    if !requirement.comparators.is_empty() && requirement.comparators.iter().all(is_plain) {
        return Ok(Clause::Order(requirement.comparators));
    }
    Ok(Clause::Requirement(requirement))
}

/// As Cargo reads them, `<=1.2` holds all of 1.2; unlike there, a pre-release needs not be named.
fn is_in_order(comparator: &Comparator, version: &Version) -> bool {
    let Comparator { op, major, minor, patch, pre } = comparator;
    let order = match (minor, patch) {
        (Some(minor), Some(patch)) => {
            let bound = Version { major: *major, minor: *minor, patch: *patch, pre: pre.clone(), build: BuildMetadata::EMPTY };
            version.cmp_precedence(&bound)
        }
        // A bound that leaves parts out stands for all that begin so; a pre-release of its first is still below it.
        (minor, _) => {
            let bound = minor.map_or_else(|| vec![*major], |minor| vec![*major, minor]);
            let is_before_first = !version.pre.is_empty()
                && (version.minor, version.patch) == (minor.unwrap_or_default(), 0)
                && version.major == *major;
            let parts = [version.major, version.minor];
            match parts[..bound.len()].cmp(&bound[..]) {
                Ordering::Equal if is_before_first => Ordering::Less,
                order => order,
            }
        }
    };
    match op {
        Op::Exact => order.is_eq(),
        Op::Greater => order.is_gt(),
        Op::GreaterEq => order.is_ge(),
        Op::Less => order.is_lt(),
        Op::LessEq => order.is_le(),
        _ => false,
    }
}
