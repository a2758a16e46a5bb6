//! One version, read and ordered as its ecosystem does.
//! Must not know ranges.

use std::cmp::Ordering;

use gem_version::GemVersion;
use mvn_version::ComparableVersion;
use semver::Prerelease;

use super::{Ecosystem, LONGEST};

/// Numbers of a lenient version that count; NuGet has four.
const NUMBERS: usize = 4;

#[derive(Debug, Clone)]
pub(super) enum Version {
    Npm(nodejs_semver::Version),
    /// Cargo, Go.
    Semver(semver::Version),
    Pypi(pep440_rs::Version),
    Maven(ComparableVersion),
    Gem(GemVersion),
    Lenient([u64; NUMBERS], Prerelease),
}

impl Version {
    pub(super) fn parse(ecosystem: Ecosystem, text: &str) -> Option<Self> {
        let text = text.trim();
        // A range, a branch or a placeholder is no version; what takes them for one would answer wrongly.
        if text.is_empty() || text.len() > LONGEST || !text.starts_with(|first: char| first == 'v' || first.is_ascii_digit()) {
            return None;
        }
        if text.contains(|letter: char| letter.is_whitespace() || matches!(letter, ',' | '|' | '<' | '>' | '=' | '^' | '*')) {
            return None;
        }
        let bare = text.strip_prefix('v').unwrap_or(text);
        match ecosystem {
            Ecosystem::Npm => nodejs_semver::Version::parse(bare).ok().map(Self::Npm),
            Ecosystem::Cargo | Ecosystem::Go => semver::Version::parse(bare).ok().map(Self::Semver),
            Ecosystem::Pypi => text.parse().ok().map(Self::Pypi),
            Ecosystem::Maven => bare.starts_with(|first: char| first.is_ascii_digit()).then(|| maven(bare)),
            Ecosystem::Gem => bare.parse().ok().map(Self::Gem),
            Ecosystem::Nuget | Ecosystem::Composer | Ecosystem::Other => lenient(bare),
        }
    }

    /// Those of two ecosystems are equal, which does not happen.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Npm(a), Self::Npm(b)) => a.cmp(b),
            // Build metadata has no part in it, as the specification says; `cmp` would count it.
            (Self::Semver(a), Self::Semver(b)) => a.cmp_precedence(b),
            (Self::Pypi(a), Self::Pypi(b)) => a.cmp(b),
            (Self::Maven(a), Self::Maven(b)) => a.cmp(b),
            (Self::Gem(a), Self::Gem(b)) => a.cmp(b),
            (Self::Lenient(a, a_pre), Self::Lenient(b, b_pre)) => a.cmp(b).then_with(|| a_pre.cmp(b_pre)),
            _ => Ordering::Equal,
        }
    }
}

/// Since Maven 3.9 a letter behind a dot begins a qualifier as behind a hyphen (<https://issues.apache.org/jira/browse/MNG-7644>).
fn maven(text: &str) -> Version {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let begins_qualifier = letter == '.' && letters.peek().is_some_and(char::is_ascii_alphabetic);
        plain.push(if begins_qualifier { '-' } else { letter });
    }
    Version::Maven(ComparableVersion::new(&plain))
}

/// `1.2`, `1.2.3.4`, `2.0-RC1`, `1.0.0beta2+build`.
fn lenient(text: &str) -> Option<Version> {
    let text = text.split('+').next().unwrap_or(text);
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let mut all = [0; NUMBERS];
    for (at, number) in numbers.trim_end_matches('.').split('.').enumerate() {
        *all.get_mut(at)? = number.parse().ok()?;
    }
    let rest: String = rest.trim_start_matches(['-', '.', '_']).to_lowercase().replace('_', "-");
    Some(Version::Lenient(all, Prerelease::new(&split_letters(&rest)).ok()?))
}

/// `rc1` as `rc.1`, so that its numbers count as numbers.
fn split_letters(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    for part in text.split(['.', '-']).filter(|part| !part.is_empty()) {
        let digits = part.len() - part.trim_end_matches(|letter: char| letter.is_ascii_digit()).len();
        let (word, number) = part.split_at(part.len() - digits);
        let number = number.trim_start_matches('0');
        let number = if digits > 0 && number.is_empty() { "0" } else { number };
        for piece in [word, number].into_iter().filter(|piece| !piece.is_empty()) {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(piece);
        }
    }
    out
}

/// Go writes a `v` before each version, which the rules of its numbers do not know.
pub(super) fn without_v(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let begins = !out.ends_with(|before: char| before.is_ascii_alphanumeric() || matches!(before, '.' | '-' | '+'));
        if letter == 'v' && begins && letters.peek().is_some_and(char::is_ascii_digit) {
            continue;
        }
        out.push(letter);
    }
    out
}
