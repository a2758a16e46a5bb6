//! What teams were told before, as the plan asks for it. Must not read it: it is handed down.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::hours::RoundDay;
use crate::{
    catalog::EntityRef,
    store::{RoundKey, RoundState, Told},
};

/// Between the team and the one of them who hears it.
pub(super) const TO: &str = " to ";

/// What was told, by team, the oldest first. What never arrived was not told.
#[derive(Debug)]
pub struct Ledger<'a> {
    by_team: BTreeMap<&'a str, Vec<&'a Told>>,
    all: &'a [Told],
}

impl<'a> Ledger<'a> {
    pub fn new(told: &'a [Told]) -> Self {
        let mut by_team: BTreeMap<&str, Vec<&Told>> = BTreeMap::new();
        for told in told {
            by_team.entry(team_of(&told.key)).or_default().push(told);
        }
        Self { by_team, all: told }
    }

    /// What stands there of this round or a later one, arrived or not; and what was told so shortly before it opens that it
    /// stands for it. One that arrived comes before one that is lost.
    pub fn of_round(&self, team: &str, round: &RoundDay, shortly: TimeDelta) -> Option<&'a Told> {
        let name = day(round.day);
        let is_just_before = |told: &Told| told.state != RoundState::Lost && told.planned_at > round.opens_at - shortly;
        let found = self.of(team).filter(|told| told.key.round >= name || is_just_before(told));
        found.min_by_key(|told| told.state == RoundState::Lost)
    }

    /// The last that was told.
    pub fn last(&self, team: &str) -> Option<&'a Told> {
        self.heard(team).last()
    }

    /// In how many rounds a finding was named.
    pub fn rounds_with(&self, team: &str, key: &str) -> usize {
        let rounds = self.heard(team).filter(|told| told.keys.iter().any(|known| known == key));
        rounds.map(|told| told.key.round.as_str()).collect::<BTreeSet<_>>().len()
    }

    /// What was ever spelt out to a team.
    pub fn spelt_out(&self, team: &str) -> BTreeSet<&'a str> {
        self.heard(team).flat_map(|told| told.shown.iter().map(String::as_str)).collect()
    }

    /// Rounds in which a team heard something in the month of this day.
    pub fn rounds_in_month(&self, team: &str, now: DateTime<Utc>, zone: Tz) -> usize {
        let month = |at: DateTime<Utc>| {
            let local = at.with_timezone(&zone);
            (local.year(), local.month())
        };
        let rounds = self.heard(team).filter(|told| month(told.planned_at) == month(now));
        rounds.map(|told| told.key.round.as_str()).collect::<BTreeSet<_>>().len()
    }

    /// Teams that were told something.
    pub fn teams(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.by_team.keys().copied()
    }

    /// All that was told within so long.
    pub fn lately(&self, now: DateTime<Utc>, within: TimeDelta) -> impl Iterator<Item = &'a Told> + '_ {
        self.all.iter().filter(move |told| told.planned_at > now - within && told.state != RoundState::Lost)
    }

    fn of(&self, team: &str) -> impl Iterator<Item = &'a Told> + '_ {
        self.by_team.get(team).into_iter().flatten().copied()
    }

    fn heard(&self, team: &str) -> impl Iterator<Item = &'a Told> + '_ {
        self.of(team).filter(|told| told.state != RoundState::Lost)
    }
}

/// As the ledger names a round.
pub(super) fn day(round: NaiveDate) -> String {
    round.format("%Y-%m-%d").to_string()
}

pub(super) fn key(team: &str, hearer: Option<&str>, round: NaiveDate) -> RoundKey {
    let team = hearer.map_or_else(|| team.to_owned(), |hearer| format!("{team}{TO}{hearer}"));
    RoundKey { team, round: day(round) }
}

/// Whose findings they are, whoever of them hears it.
pub(super) fn team_of(key: &RoundKey) -> &str {
    key.team.split(TO).next().unwrap_or_default()
}

/// Of what a team is told between rounds: in the ledger it stands beside what the team hears in them.
pub(super) fn key_of_word(team: &str, about: &str, hearer: Option<&str>, once: String) -> RoundKey {
    let hearer = hearer.map(|hearer| format!("{TO}{hearer}")).unwrap_or_default();
    RoundKey { team: format!("{team} {about}{hearer}"), round: once }
}

/// Whom a message is for, whatever it tells of; `None` where that is nobody in the catalog.
pub fn addressee(key: &RoundKey) -> Option<EntityRef> {
    EntityRef::parse(key.team.split(' ').next()?, None, "default").ok()
}

/// Who of the team hears it, where it is told one by one.
pub(super) fn hearer_of(key: &RoundKey) -> Option<&str> {
    key.team.split_once(TO).map(|(_, hearer)| hearer)
}
