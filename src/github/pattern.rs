//! Globs as they are followed from folder to folder. Must not read anything.

use globset::GlobMatcher;

use crate::catalog::address::{is_glob, parse_glob};

/// A path or glob relative to a repository's root, taken apart at its slashes.
#[derive(Debug, Default)]
pub(super) struct Pattern {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Plain(String),
    Wild(GlobMatcher),
    /// `**`: any number of folders.
    Anywhere,
}

/// How far a pattern has come: the part that what lies in the folder at hand is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pattern: usize,
    part: usize,
}

impl Pattern {
    /// Takes a path or glob, or says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let plain = text.trim_start_matches("./").trim_start_matches('/');
        let wrong = |why: &str| format!("{text} is not the path of a file inside a repository{why}");
        if plain.is_empty() || plain.ends_with('/') {
            return Err(wrong(""));
        }
        let mut parts = Vec::new();
        for part in plain.split('/') {
            parts.push(match part {
                "" | "." | ".." => return Err(wrong("")),
                "**" if matches!(parts.last(), Some(Part::Anywhere)) => continue,
                "**" => Part::Anywhere,
                part if part.matches(['{', '[']).count() != part.matches(['}', ']']).count() => {
                    return Err(wrong(": brackets end before a slash"));
                }
                part if is_glob(part) => {
                    let glob = parse_glob(part);
                    Part::Wild(glob.map_err(|error| wrong(&format!(": {}", error.kind())))?.compile_matcher())
                }
                part => Part::Plain(part.to_owned()),
            });
        }
        Ok(Self { parts })
    }

    /// The path, where it is one; empty for a pattern that fits nothing.
    pub(super) fn plain(&self) -> Option<String> {
        let parts: Option<Vec<&str>> = self.parts.iter().map(Part::plain).collect();
        parts.map(|parts| parts.join("/"))
    }

    /// The folder from which on it is looked for.
    pub(super) fn lead(&self) -> String {
        self.parts.iter().map_while(Part::plain).collect::<Vec<_>>().join("/")
    }
}

impl Part {
    fn plain(&self) -> Option<&str> {
        match self {
            Self::Plain(text) => Some(text),
            Self::Wild(_) | Self::Anywhere => None,
        }
    }

    fn fits(&self, name: &str) -> bool {
        match self {
            Self::Plain(text) => text == name,
            Self::Wild(glob) => glob.is_match(name),
            Self::Anywhere => true,
        }
    }
}

impl Step {
    /// At the pattern's lead.
    pub(super) fn new(index: usize, pattern: &Pattern) -> Self {
        Self { pattern: index, part: pattern.parts.iter().map_while(Part::plain).count() }
    }

    /// The pattern's place among those wanted.
    pub(super) fn pattern(self) -> usize {
        self.pattern
    }

    /// Whether a file of this name in the folder at hand is meant.
    pub(super) fn fits_file(self, pattern: &Pattern, name: &str) -> bool {
        let is_last = self.part + 1 == pattern.parts.len();
        match &pattern.parts[self.part] {
            Part::Anywhere => is_last || self.next().fits_file(pattern, name),
            part @ (Part::Plain(_) | Part::Wild(_)) => is_last && part.fits(name),
        }
    }

    /// The steps that lead through a folder of this name.
    pub(super) fn into_folder(self, pattern: &Pattern, name: &str, inside: &mut Vec<Self>) {
        let is_last = self.part + 1 == pattern.parts.len();
        let next = match &pattern.parts[self.part] {
            Part::Anywhere => {
                if !is_last {
                    self.next().into_folder(pattern, name, inside);
                }
                self
            }
            part @ (Part::Plain(_) | Part::Wild(_)) if !is_last && part.fits(name) => self.next(),
            Part::Plain(_) | Part::Wild(_) => return,
        };
        if !inside.contains(&next) {
            inside.push(next);
        }
    }

    fn next(self) -> Self {
        Self { part: self.part + 1, ..self }
    }
}
