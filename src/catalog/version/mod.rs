//! Packages and their versions, each ecosystem by its own rules.
//! Must not know where packages are listed nor who ships them.

mod name;
mod operators;
mod scheme;
mod semver_range;

use std::fmt;

pub use name::{Package, PackageQuery};

use operators::Operators;
use scheme::Version;
use semver_range::SemverRange;

/// A longer version or range is no one's; what compares them takes time by their length.
pub const LONGEST: usize = 128;

/// Whose rules a version follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ecosystem {
    Npm,
    Cargo,
    Maven,
    Pypi,
    Go,
    Gem,
    Nuget,
    Composer,
    /// Any other type of package: numbers, then a pre-release.
    Other,
}

impl Ecosystem {
    /// By the type of a package URL.
    pub fn of(purl_type: &str) -> Self {
        match purl_type {
            "npm" => Self::Npm,
            "cargo" => Self::Cargo,
            "maven" => Self::Maven,
            "pypi" => Self::Pypi,
            "golang" => Self::Go,
            "gem" => Self::Gem,
            "nuget" => Self::Nuget,
            "composer" => Self::Composer,
            _ => Self::Other,
        }
    }

    /// Whether its versions are compared by rules made for it, and not leniently.
    pub fn is_exact(self) -> bool {
        !matches!(self, Self::Nuget | Self::Composer | Self::Other)
    }

    /// A range as people of this ecosystem write it.
    pub fn example(self) -> &'static str {
        match self {
            Self::Npm => "^4.17.0 or <4.17.21",
            Self::Cargo => "^1.2 or <1.2.3",
            Self::Maven => "[2.0,2.17) or <2.17",
            Self::Pypi => "~=2.31 or <2.32",
            Self::Go => "<v1.9.0 or >=v1.2.0 <v1.9.0",
            Self::Gem => "~> 7.0.4 or <7.0.8",
            Self::Nuget | Self::Composer | Self::Other => "<2.17 or >=1.0 <2.0",
        }
    }
}

/// Which versions are meant.
#[derive(Debug, Clone)]
pub struct VersionRange {
    ecosystem: Ecosystem,
    range: Range,
}

#[derive(Debug, Clone)]
enum Range {
    /// Comparisons by the ecosystem's order, pre-releases included: what is below 2.17 is below it, finished or not.
    Order(Operators),
    Npm {
        range: nodejs_semver::Range,
        pre_releases: PreReleases,
    },
    Semver(SemverRange),
    Pypi(pep440_rs::VersionSpecifiers),
}

/// Whether pre-releases that the range does not name count: not in `^1.2`, but below 2.17 is below it, finished or not;
/// npm's own audit asks so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PreReleases {
    Count,
    OnlyNamed,
}

/// A range that its ecosystem cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{written}” is no range of versions: {why}")]
pub struct BadRange {
    pub written: String,
    pub why: String,
}

/// A version that its ecosystem cannot read, so that nobody knows whether it is in a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

impl VersionRange {
    /// Reads a range as the ecosystem writes it; `<2.17`, `>=1 <2` and `=1.2.3` in all of them.
    pub fn parse(ecosystem: Ecosystem, text: &str) -> Result<Self, BadRange> {
        let text = text.trim();
        let bad = |why: String| BadRange { written: text.chars().take(LONGEST).collect(), why };
        if text.is_empty() || text.len() > LONGEST {
            return Err(bad(format!("it must have 1 to {LONGEST} letters")));
        }
        let range = match ecosystem {
            Ecosystem::Npm => npm(text).map_err(bad)?,
            Ecosystem::Cargo => Range::Semver(SemverRange::parse(text).map_err(bad)?),
            Ecosystem::Go => Range::Semver(SemverRange::parse(&scheme::without_v(text)).map_err(bad)?),
            Ecosystem::Pypi => Range::Pypi(operators::specifiers(text).map_err(bad)?),
            Ecosystem::Maven | Ecosystem::Nuget if text.starts_with(['[', '(']) => {
                Range::Order(operators::intervals(ecosystem, text).map_err(bad)?)
            }
            Ecosystem::Maven | Ecosystem::Gem | Ecosystem::Nuget | Ecosystem::Composer | Ecosystem::Other => {
                Range::Order(Operators::parse(ecosystem, text).map_err(bad)?)
            }
        };
        Ok(Self { ecosystem, range })
    }

    /// Whether a version is meant.
    pub fn contains(&self, version: &str) -> Result<bool, Unreadable> {
        let version = Version::parse(self.ecosystem, version).ok_or(Unreadable)?;
        match (&self.range, &version) {
            (Range::Order(operators), version) => Ok(operators.contain(version)),
            (Range::Npm { range, pre_releases }, Version::Npm(version)) => {
                Ok(range.satisfies_with_prerelease(version, *pre_releases == PreReleases::Count))
            }
            (Range::Semver(range), Version::Semver(version)) => Ok(range.contains(version)),
            (Range::Pypi(specifiers), Version::Pypi(version)) => Ok(specifiers.iter().all(|each| is_specified(each, version))),
            (Range::Npm { .. } | Range::Semver(_) | Range::Pypi(_), _) => Err(Unreadable),
        }
    }
}

fn npm(text: &str) -> Result<Range, String> {
    // The library passes over words that it does not know.
    let begins = |word: &str| word.starts_with(|first: char| first.is_ascii_digit() || matches!(first, 'v' | 'x' | 'X' | '*'));
    for alternative in text.split("||") {
        let words = operators::join_words(alternative);
        let is_known = |word: &String| word == "-" || begins(word.trim_start_matches(['<', '>', '=', '~', '^']));
        if words.is_empty() || !words.iter().all(is_known) {
            return Err("npm does not know it".to_owned());
        }
    }
    let range = nodejs_semver::Range::parse(text).map_err(|_| "npm does not know it".to_owned())?;
    let compares = text.contains(['<', '>']) && !text.contains(['^', '~', '*', 'x', 'X']) && !text.contains(" - ");
    let pre_releases = if compares { PreReleases::Count } else { PreReleases::OnlyNamed };
    Ok(Range::Npm { range, pre_releases })
}

/// Below a pre-release all earlier ones are allowed, which the library leaves out: “unless the specified version is itself a
/// pre-release” (<https://packaging.python.org/en/latest/specifications/version-specifiers/#exclusive-ordered-comparison>).
fn is_specified(specifier: &pep440_rs::VersionSpecifier, version: &pep440_rs::Version) -> bool {
    if *specifier.operator() == pep440_rs::Operator::LessThan && specifier.version().any_prerelease() {
        return version < specifier.version();
    }
    specifier.contains(version)
}

/// Orders versions of one ecosystem, oldest first; unreadable ones come before all others.
pub fn compare(ecosystem: Ecosystem, a: &str, b: &str) -> std::cmp::Ordering {
    match (Version::parse(ecosystem, a), Version::parse(ecosystem, b)) {
        (Some(first), Some(second)) => first.compare(&second).then_with(|| a.cmp(b)),
        (first, second) => first.is_some().cmp(&second.is_some()).then_with(|| a.cmp(b)),
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Npm => "npm",
            Self::Cargo => "Cargo",
            Self::Maven => "Maven",
            Self::Pypi => "PyPI",
            Self::Go => "Go",
            Self::Gem => "RubyGems",
            Self::Nuget => "NuGet",
            Self::Composer => "Composer",
            Self::Other => "other",
        })
    }
}
