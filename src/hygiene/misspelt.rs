//! Names in the settings that nothing is called: a check that is switched off under another name stays on, and a level that
//! asks for it is too easy. Pure.

use crate::{
    catalog::Kind,
    hygiene::check::checks,
    nearest::nearest,
    settings::{CustomKindSettings, HygieneSettings},
};

/// One such name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misspelt {
    /// `hygiene.checks.runbok-missing`.
    pub key: String,
    /// What is written there, and what to write instead.
    pub message: String,
}

/// All of them, in the order of the sections.
pub fn find_misspelt(settings: &HygieneSettings, custom: &[CustomKindSettings]) -> Vec<Misspelt> {
    let ids = || checks().iter().map(|check| check.id);
    let check = |key: String, written: &str| {
        let is_known = ids().any(|id| id == written);
        (!is_known).then(|| Misspelt { key, message: said("check", written, ids()) })
    };
    let switched = settings.checks.keys().filter_map(|id| check(format!("hygiene.checks.{id}"), id));
    let mut found: Vec<Misspelt> = switched.collect();
    for (at, track) in settings.tracks.iter().enumerate() {
        let kinds = track.kinds.iter().enumerate().filter_map(|(number, written)| {
            let key = format!("hygiene.tracks[{at}].kinds[{number}]");
            let is_custom = custom.iter().any(|kind| kind.kind.eq_ignore_ascii_case(written));
            let is_known = is_custom || !matches!(Kind::parse(written), Kind::Custom(_));
            (!is_known).then(|| Misspelt { key, message: said("kind", written, KINDS.into_iter()) })
        });
        found.extend(kinds);
        for (level, rung) in track.levels.iter().enumerate() {
            let named = rung.checks.iter().enumerate();
            found.extend(named.filter_map(|(number, written)| {
                check(format!("hygiene.tracks[{at}].levels[{level}].checks[{number}]"), written)
            }));
        }
    }
    found
}

/// Of which somebody may lay out a track.
const KINDS: [&str; 8] = ["component", "api", "resource", "system", "domain", "group", "user", "template"];

fn said(what: &str, written: &str, known: impl Iterator<Item = &'static str> + Clone) -> String {
    let hint = match nearest(&written.to_lowercase(), known.clone()) {
        Some(name) => format!("did you mean {name}?"),
        None => format!("there are {}", known.collect::<Vec<_>>().join(", ")),
    };
    format!("there is no {what} {written:?}; {hint}")
}
