//! Several runbooks of one thing in a folder: which of them is meant, and what the others are called.
//! Must not show them.

use std::sync::Arc;

use super::{Place, best_section};
use crate::{
    catalog::{
        Entry, Runbook as RunbookFile,
        lookup::words::{key, stem, tokens},
    },
    chat::markdown::parse_markdown,
};

/// Others that get a button.
const OTHERS: usize = 10;

/// What a file is called: `failover` of `runbooks/failover.md`, `db-restore` of `runbooks/db/restore.md`.
fn name(file: &RunbookFile, shelves: &[&str]) -> Option<String> {
    let inside = shelves.iter().find_map(|shelf| file.origin.path.strip_prefix(*shelf)?.strip_prefix('/'))?;
    let name = inside.rsplit_once('.').map_or(inside, |(name, _)| name);
    Some(key(&name.replace('/', "-")))
}

/// Names of those that stand there, but for one.
pub(super) fn names(files: &[Arc<RunbookFile>], shelves: &[&str], but: Option<&Arc<RunbookFile>>) -> Vec<String> {
    let others = files.iter().filter(|file| but.is_none_or(|but| !Arc::ptr_eq(but, file)));
    others.filter_map(|file| name(file, shelves)).take(OTHERS).collect()
}

/// The one that is meant: by its name, by a section of it, else the one that leads in.
pub(super) fn choose(files: &[Arc<RunbookFile>], shelves: &[&str], entry: &Entry, asked: Option<&str>) -> Option<Place> {
    let here: Vec<(&Arc<RunbookFile>, String)> = files.iter().filter_map(|file| Some((file, name(file, shelves)?))).collect();
    if let Some(place) = asked.and_then(|asked| meant(&here, files, shelves, asked)) {
        return Some(place);
    }
    let leads_in = |name: &str| ["readme", "index", "runbook", entry.entity.entity_ref.name()].contains(&name);
    let (file, _) = here.iter().find(|(_, name)| leads_in(name)).or(here.first())?;
    Some(place(file, files, shelves, None))
}

/// The one of the shelf that fits what was asked better than the main one does.
pub(super) fn fitting(files: &[Arc<RunbookFile>], shelves: &[&str], main: &Arc<RunbookFile>, asked: &str) -> Option<Place> {
    let here: Vec<(&Arc<RunbookFile>, String)> = files.iter().filter_map(|file| Some((file, name(file, shelves)?))).collect();
    if let Some(place) = by_name(&here, files, shelves, asked) {
        return Some(place);
    }
    let in_main = best_section(&parse_markdown(&main.text, &|_| None), asked).is_some();
    if in_main { None } else { meant(&here, files, shelves, asked) }
}

fn meant(here: &[(&Arc<RunbookFile>, String)], files: &[Arc<RunbookFile>], shelves: &[&str], asked: &str) -> Option<Place> {
    by_name(here, files, shelves, asked).or_else(|| {
        let holds = |file: &RunbookFile| best_section(&parse_markdown(&file.text, &|_| None), asked).is_some();
        here.iter().find(|(file, _)| holds(file)).map(|(file, _)| place(file, files, shelves, None))
    })
}

/// By the name as it is written, then maybe a section; else by words of the name.
fn by_name(here: &[(&Arc<RunbookFile>, String)], files: &[Arc<RunbookFile>], shelves: &[&str], asked: &str) -> Option<Place> {
    let written = key(asked);
    let behind = |name: &str| match written.strip_prefix(name)? {
        "" => Some(None),
        rest => Some(Some(rest.strip_prefix('-')?.to_owned())),
    };
    // The longest name: `db` and `db-restore` may both be there.
    let exact = here.iter().filter_map(|(file, name)| Some((file, name, behind(name)?)));
    if let Some((file, name, section)) = exact.max_by_key(|(_, name, _)| name.len()) {
        return Some(place(file, files, shelves, Some((name.clone(), section))));
    }
    let stems = |text: &str| tokens(text).iter().map(|token| stem(token)).collect::<Vec<_>>();
    let asked = stems(asked);
    let is_it = |name: &str| {
        let of_name = stems(name);
        let is_squeezed = !written.is_empty() && written.replace('-', "") == name.replace('-', "");
        is_squeezed || (!asked.is_empty() && asked.iter().all(|word| of_name.contains(word)))
    };
    let found = here.iter().find(|(_, name)| is_it(name));
    found.map(|(file, name)| place(file, files, shelves, Some((name.clone(), None))))
}

fn place(
    file: &Arc<RunbookFile>,
    files: &[Arc<RunbookFile>],
    shelves: &[&str],
    named: Option<(String, Option<String>)>,
) -> Place {
    Place::File { runbook: Arc::clone(file), missing: None, named, others: names(files, shelves, Some(file)) }
}
