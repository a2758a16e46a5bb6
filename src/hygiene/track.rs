//! Tracks: how far something has come on the way that the organisation has laid out, and what is next.
//! Pure. Must not compare one team with another.

use std::collections::BTreeSet;

use super::check::Finding;
use crate::{
    catalog::{Entity, EntityRef},
    settings::{LevelSettings, TrackSettings},
};

/// Where one thing, or all things of a team, stand on a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress<'t> {
    pub track: &'t TrackSettings,
    /// Things that the track is about.
    pub things: usize,
    /// The highest level that all of them have; `None`: not even the first.
    pub level: Option<&'t LevelSettings>,
    /// `None`: there is none above.
    pub next: Option<Next<'t>>,
}

/// What stands between here and the next level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next<'t> {
    pub level: &'t LevelSettings,
    /// Things that are not there yet.
    pub things: BTreeSet<EntityRef>,
    /// Checks with the number of things that fail each, the most first.
    pub checks: Vec<(&'t str, usize)>,
}

/// Whether a track is about such a thing.
pub fn is_about(track: &TrackSettings, entity: &Entity) -> bool {
    let is_one_of = |words: &[String], word: &str| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    let kind = track.kinds.is_empty() || is_one_of(&track.kinds, entity.kind.as_str());
    let of_type = || track.types.is_empty() || entity.spec_type.as_deref().is_some_and(|word| is_one_of(&track.types, word));
    kind && of_type()
}

/// Where these things stand, given all that is open of them; `None` where the track is about none of them.
pub fn stand<'t>(track: &'t TrackSettings, things: &[&Entity], open: &[&Finding]) -> Option<Progress<'t>> {
    let about: BTreeSet<&EntityRef> =
        things.iter().filter(|thing| is_about(track, thing)).map(|thing| &thing.entity_ref).collect();
    if about.is_empty() {
        return None;
    }
    let open: Vec<&&Finding> = open.iter().filter(|finding| about.contains(&finding.entity)).collect();
    let mut level = None;
    for candidate in &track.levels {
        let mut missing = BTreeSet::new();
        let mut checks: Vec<(&str, usize)> = Vec::new();
        for check in &candidate.checks {
            let failing = open.iter().filter(|finding| finding.check.id == check);
            let failing: BTreeSet<&EntityRef> = failing.map(|finding| &finding.entity).collect();
            if !failing.is_empty() {
                checks.push((check, failing.len()));
            }
            missing.extend(failing.into_iter().cloned());
        }
        if !missing.is_empty() {
            checks.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
            let next = Some(Next { level: candidate, things: missing, checks });
            return Some(Progress { track, things: about.len(), level, next });
        }
        level = Some(candidate);
    }
    Some(Progress { track, things: about.len(), level, next: None })
}
