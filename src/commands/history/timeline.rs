//! An entity's past as events: what each commit changed of the version that people were shown.
//! Must not say it in words, and must not read a clock.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use crate::{
    catalog::diff::{ChangeKind, told_fields},
    store::{ClaimKey, EntityPast, PastChange},
};

/// A file that goes from one repository to another does so by two commits; seen within this time they are one move.
const ONE_MOVE: TimeDelta = TimeDelta::hours(1);

/// What one commit, or one sync where there is none, did.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    /// When it was committed; where that is not known, when it was seen.
    pub(super) at: DateTime<Utc>,
    pub(super) commit: Option<String>,
    pub(super) url: Option<String>,
    pub(super) author: Option<String>,
    pub(super) acts: Vec<Act>,
    /// Of the fields that history tells about, name, before and after.
    pub(super) fields: Vec<(String, Value, Value)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Act {
    /// The first that is known of it.
    FirstSeen,
    /// It had been gone.
    Back,
    Gone,
    /// The reference it had.
    Renamed(ClaimKey),
    /// Where it was declared before: repository and path.
    Moved(String),
    /// Another file that declares it too, or no longer does; the version that is shown stays.
    RivalCame(String),
    RivalWent(String),
    /// Something that history does not tell field by field.
    Details,
}

#[derive(Debug, Clone, PartialEq)]
struct Shown {
    claim: ClaimKey,
    place: String,
    state: Map<String, Value>,
}

/// Several files may declare one entity; the lowest repository id, then path, is what people are shown.
type Standing = BTreeMap<(i64, String, ClaimKey), (String, Map<String, Value>)>;

/// Newest first.
pub(super) fn events(past: &EntityPast) -> Vec<Event> {
    let states = states(past);
    let mut standing = Standing::new();
    let mut oldest: BTreeMap<&ClaimKey, usize> = BTreeMap::new();
    for (at, change) in past.changes.iter().enumerate() {
        oldest.insert(&change.claim, at);
    }
    // What was there before the oldest line that was read.
    for (claim, at) in oldest {
        let change = &past.changes[at];
        if matches!(change.change, ChangeKind::Changed | ChangeKind::Removed) {
            standing.insert(key(claim), (place(change), states[at].0.clone()));
        }
    }
    let mut events = Vec::new();
    let mut end = past.changes.len();
    let mut was_known = !standing.is_empty();
    // What was shown before it went, and when it went.
    let mut left: Option<(Shown, DateTime<Utc>)> = None;
    while end > 0 {
        let last = &past.changes[end - 1];
        let same = |change: &PastChange| {
            (change.claim.repository_id, &change.commit, change.seen_at) == (last.claim.repository_id, &last.commit, last.seen_at)
                && change.commit.is_some()
        };
        let mut start = end - 1;
        while start > 0 && same(&past.changes[start - 1]) {
            start -= 1;
        }
        let before = shown(&standing);
        let group = &past.changes[start..end];
        for at in (start..end).rev() {
            let change = &past.changes[at];
            match change.change {
                ChangeKind::Removed => drop(standing.remove(&key(&change.claim))),
                ChangeKind::Added | ChangeKind::Changed | ChangeKind::Restored => {
                    standing.insert(key(&change.claim), (place(change), states[at].1.clone()));
                }
            }
        }
        let after = shown(&standing);
        let back = left.take_if(|_| before.is_none() && after.is_some());
        match back {
            Some((was, at)) if is_move(&was, after.as_ref()) && last.seen_at - at <= ONE_MOVE => {
                events.pop();
                events.push(event(group, Some(&was), after.as_ref(), was_known));
            }
            back => {
                let mut event = event(group, before.as_ref(), after.as_ref(), was_known);
                if let (Some((was, _)), Some(after)) = (back, &after) {
                    event.fields = differences(&was.state, &after.state);
                }
                events.push(event);
            }
        }
        if after.is_none() {
            left = before.map(|shown| (shown, last.seen_at));
        }
        was_known = true;
        end = start;
    }
    events.reverse();
    events
}

/// Gone from one file and there in another.
fn is_move(was: &Shown, now: Option<&Shown>) -> bool {
    let place = |shown: &Shown| (shown.claim.repository_id, shown.claim.path.clone());
    now.is_some_and(|now| place(was) != place(now))
}

fn key(claim: &ClaimKey) -> (i64, String, ClaimKey) {
    (claim.repository_id, claim.path.clone(), claim.clone())
}

fn place(change: &PastChange) -> String {
    format!("{}/{}", change.repository, change.claim.path)
}

fn shown(standing: &Standing) -> Option<Shown> {
    let ((_, _, claim), (place, state)) = standing.first_key_value()?;
    Some(Shown { claim: claim.clone(), place: place.clone(), state: state.clone() })
}

/// The told fields before and after each line: the stored version is the end, each line leads one step back.
fn states(past: &EntityPast) -> Vec<(Map<String, Value>, Map<String, Value>)> {
    let mut now: BTreeMap<&ClaimKey, Map<String, Value>> = BTreeMap::new();
    let mut states = Vec::with_capacity(past.changes.len());
    for change in &past.changes {
        let stored = || past.documents.get(&change.claim).map(|stored| told_fields(&stored.document)).unwrap_or_default();
        let state = now.entry(&change.claim).or_insert_with(stored);
        for (name, value) in change.fields.as_object().into_iter().flatten() {
            // Of a tombstone that was cleared away only the lines are left.
            state.entry(name.clone()).or_insert_with(|| value["to"].clone());
        }
        let after = state.clone();
        for (name, value) in change.fields.as_object().into_iter().flatten() {
            state.insert(name.clone(), value["from"].clone());
        }
        states.push((state.clone(), after));
    }
    states
}

fn event(group: &[PastChange], before: Option<&Shown>, after: Option<&Shown>, was_known: bool) -> Event {
    let first = &group[0];
    let mut acts = Vec::new();
    let mut fields = Vec::new();
    match (before, after) {
        (None, Some(_)) if was_known => acts.push(Act::Back),
        (None, Some(_)) => acts.push(Act::FirstSeen),
        (Some(_), None) => acts.push(Act::Gone),
        (Some(before), Some(after)) => {
            if before.claim.entity_ref != after.claim.entity_ref {
                acts.push(Act::Renamed(before.claim.clone()));
            }
            if (before.claim.repository_id, &before.claim.path) != (after.claim.repository_id, &after.claim.path) {
                acts.push(Act::Moved(before.place.clone()));
            }
            fields = differences(&before.state, &after.state);
        }
        (None, None) => {}
    }
    if acts.is_empty() && fields.is_empty() {
        acts = group.iter().map(|change| rival(change, after)).collect();
        acts.dedup();
    }
    let url = first.repository_url.as_ref().zip(first.commit.as_ref()).map(|(url, commit)| format!("{url}/commit/{commit}"));
    let at = first.committed_at.unwrap_or(first.seen_at);
    Event { at, commit: first.commit.clone(), url, author: first.author.clone(), acts, fields }
}

fn rival(change: &PastChange, shown: Option<&Shown>) -> Act {
    let is_shown = shown.is_some_and(|shown| shown.claim == change.claim);
    match change.change {
        ChangeKind::Added | ChangeKind::Restored if !is_shown => Act::RivalCame(place(change)),
        ChangeKind::Removed if !is_shown => Act::RivalWent(place(change)),
        _ => Act::Details,
    }
}

fn differences(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<(String, Value, Value)> {
    let mut fields = Vec::new();
    let names = after.keys().chain(before.keys().filter(|name| !after.contains_key(*name)));
    for name in names {
        let from = before.get(name).cloned().unwrap_or_default();
        let to = after.get(name).cloned().unwrap_or_default();
        if from != to {
            fields.push((name.clone(), from, to));
        }
    }
    fields
}
