//! When a team may be written to, and when its rounds are: in its own time zone, on working days, outside quiet hours.
//! Must not know the time by itself.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;

use crate::{
    catalog::{Catalog, EntityRef, RelationType},
    settings::{HygieneSettings, Rhythm},
};

const TIME_ZONE: &str = "steward.dev/time-zone";

/// Days without a working day among them; more is a configuration that leaves none.
const LONGEST_CLOSED: usize = 60;

/// Days of a week, the distance of two rounds.
const WEEK: u64 = 7;

/// A team's hours, and its rhythm.
#[derive(Debug, Clone)]
pub struct Hours<'a> {
    settings: &'a HygieneSettings,
    pub zone: Tz,
    day: Weekday,
    at: NaiveTime,
    pub every: Rhythm,
}

/// The round that counts now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundDay {
    /// The day it is named after, whenever it is held.
    pub day: NaiveDate,
    /// The first moment at which it may be held.
    pub opens_at: DateTime<Utc>,
}

impl<'a> Hours<'a> {
    /// Of those who have none of their own.
    pub fn usual(settings: &'a HygieneSettings) -> Self {
        let schedule = &settings.schedule;
        Self { settings, zone: schedule.time_zone, day: schedule.day, at: schedule.at, every: schedule.every }
    }

    /// Of a team, or of a person who answers for something.
    pub fn of(catalog: &Catalog, settings: &'a HygieneSettings, team: &EntityRef) -> Self {
        let usual = Self::usual(settings);
        let zone = zone_of(catalog, team).unwrap_or(usual.zone);
        let is_meant = |written: &str| EntityRef::parse(written, None, "default").is_ok_and(|written| written == *team);
        let own = settings.teams.iter().find(|(written, _)| is_meant(written)).map(|(_, own)| own);
        let Some(own) = own else { return Self { zone, ..usual } };
        Self {
            zone,
            day: own.day.unwrap_or(usual.day),
            at: own.at.unwrap_or(usual.at),
            every: own.every.unwrap_or(usual.every),
            ..usual
        }
    }

    /// Whether they may be written to now.
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        let local = now.with_timezone(&self.zone).naive_local();
        self.is_working_day(local.date()) && !self.settings.quiet_hours.contains(local.time())
    }

    /// The first moment, from this one on, at which they may be written to.
    pub fn next_open(&self, from: DateTime<Utc>) -> DateTime<Utc> {
        let opens = self.open_from(from.with_timezone(&self.zone).naive_local());
        self.instant(opens).max(from)
    }

    /// The round that counts now: the last that has begun.
    pub fn round_at(&self, now: DateTime<Utc>) -> RoundDay {
        let today = now.with_timezone(&self.zone).date_naive();
        let since = u64::from((7 + today.weekday().num_days_from_monday() - self.day.num_days_from_monday()) % 7);
        // One may have been put off to a day of the next week, so that the one before it still counts.
        let days = (0..4).filter_map(|weeks| today.checked_sub_days(Days::new(since + weeks * WEEK)));
        let rounds = days.map(|day| RoundDay { day, opens_at: self.opens_at(day) });
        rounds.into_iter().find(|round| round.opens_at <= now).unwrap_or(RoundDay { day: today, opens_at: now })
    }

    /// The one after a round.
    pub fn round_after(&self, round: &RoundDay) -> RoundDay {
        let day = round.day.checked_add_days(Days::new(WEEK)).unwrap_or(round.day);
        RoundDay { day, opens_at: self.opens_at(day) }
    }

    /// When the round of a day may be held: at its hour; else at the next that is allowed.
    pub fn opens_at(&self, day: NaiveDate) -> DateTime<Utc> {
        let closed = day.iter_days().take(LONGEST_CLOSED).find(|day| self.is_working_day(*day)).unwrap_or(day);
        self.instant(self.open_from(closed.and_time(self.at)))
    }

    fn open_from(&self, from: NaiveDateTime) -> NaiveDateTime {
        let quiet = self.settings.quiet_hours;
        let mut at = from;
        for _ in 0..LONGEST_CLOSED {
            let next_day = || at.date().succ_opt().unwrap_or(at.date()).and_time(NaiveTime::MIN);
            if !self.is_working_day(at.date()) {
                at = next_day();
            } else if !quiet.contains(at.time()) {
                return at;
            } else if quiet.from <= quiet.to || at.time() < quiet.to {
                at = at.date().and_time(quiet.to);
            } else {
                at = next_day();
            }
        }
        at
    }

    fn is_working_day(&self, day: NaiveDate) -> bool {
        !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && !self.settings.holidays.contains(&day)
    }

    /// An hour that the clocks leave out is the one after it.
    fn instant(&self, local: NaiveDateTime) -> DateTime<Utc> {
        let found = self.zone.from_local_datetime(&local).earliest();
        let found = found.or_else(|| self.zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest());
        found.map_or_else(|| local.and_utc(), |at| at.with_timezone(&Utc))
    }
}

/// Its own time zone, or that of a group above it; a word that is none counts as absent.
fn zone_of(catalog: &Catalog, team: &EntityRef) -> Option<Tz> {
    let mut seen = BTreeSet::new();
    let mut open = vec![team.clone()];
    while let Some(team) = open.pop() {
        if !seen.insert(team.clone()) {
            continue;
        }
        let written = catalog.find(&team).and_then(|entry| entry.entity.annotation(TIME_ZONE)?.trim().parse().ok());
        if written.is_some() {
            return written;
        }
        open.extend(catalog.related(&team, RelationType::ChildOf));
    }
    None
}
