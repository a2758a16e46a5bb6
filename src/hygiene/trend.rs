//! How coverage and findings went week by week, of one owner or of all. Must not read the store, nor draw.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};

use crate::{
    catalog::EntityRef,
    picture::{Trend, TrendLine, Unit},
    store::{CoverageDay, FindingSpell},
};

/// A quarter: what was before has been forgotten by those who read it.
pub const WEEKS: usize = 13;

/// One week, from Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Week {
    pub monday: NaiveDate,
    /// As it stood at the end of the week; `None`: nobody counted.
    pub stood: Option<Stood>,
    /// Findings.
    pub opened: usize,
    pub closed: usize,
}

/// How it stood on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stood {
    pub components: i32,
    pub owned: i32,
    pub with_runbook: i32,
    pub with_docs: i32,
    pub open: i32,
}

/// All that is told of a quarter.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// The oldest first; the last one is not over.
    pub weeks: Vec<Week>,
    /// Of what was mended in this time, from the day it was found.
    pub median_days: Option<i64>,
}

/// The first day that counts.
pub fn since(now: DateTime<Utc>) -> NaiveDate {
    let today = now.date_naive();
    let monday = today - TimeDelta::days(i64::from(today.weekday().num_days_from_monday()));
    monday - TimeDelta::weeks(WEEKS as i64 - 1)
}

/// Of one owner, or of all where `owner` is `None`.
pub fn course(days: &[CoverageDay], spells: &[FindingSpell], owner: Option<&EntityRef>, now: DateTime<Utc>) -> Course {
    let is_meant = |of: Option<&EntityRef>| owner.is_none() || of == owner;
    let spells: Vec<&FindingSpell> = spells.iter().filter(|spell| is_meant(spell.team.as_ref())).collect();
    let first = since(now);
    let week = |number: usize| {
        let monday = first + TimeDelta::weeks(number as i64);
        let sunday = monday + TimeDelta::days(6);
        let is_within = |at: DateTime<Utc>| (monday..=sunday).contains(&at.date_naive());
        let last = days.iter().map(|day| day.day).filter(|day| (monday..=sunday).contains(day)).max();
        let stood = last.map(|last| {
            let mut stood = Stood::default();
            for day in days.iter().filter(|day| day.day == last && is_meant(day.owner.as_ref())) {
                stood.components += day.components;
                stood.owned += if day.owner.is_some() { day.components } else { 0 };
                stood.with_runbook += day.with_runbook;
                stood.with_docs += day.with_docs;
                stood.open += day.open;
            }
            stood
        });
        Week {
            monday,
            stood,
            opened: spells.iter().filter(|spell| is_within(spell.opened_at)).count(),
            closed: spells.iter().filter(|spell| spell.closed_at.is_some_and(is_within)).count(),
        }
    };
    let mut took: Vec<i64> = spells
        .iter()
        .filter_map(|spell| Some((spell.closed_at?, spell.opened_at)))
        .filter(|(closed, _)| closed.date_naive() >= first)
        .map(|(closed, opened)| (closed - opened).num_days())
        .collect();
    took.sort_unstable();
    Course { weeks: (0..WEEKS).map(week).collect(), median_days: took.get(took.len() / 2).copied() }
}

impl Course {
    /// Shares of components that have an owner, a runbook, docs.
    pub fn coverage(&self, of: &str, is_of_all: IsOfAll) -> Trend {
        let line = |label: &str, part: fn(&Stood) -> i32| {
            let stood = self.weeks.iter().filter_map(|week| Some((week.monday, week.stood?)));
            let points = stood
                .filter(|(_, stood)| stood.components > 0)
                .map(|(day, stood)| (day, 100.0 * f64::from(part(&stood)) / f64::from(stood.components)));
            TrendLine { label: label.to_owned(), points: points.collect() }
        };
        let mut lines = vec![line("runbook", |stood| stood.with_runbook), line("docs", |stood| stood.with_docs)];
        // What a team owns is owned.
        if is_of_all == IsOfAll::Yes {
            lines.insert(0, line("owner", |stood| stood.owned));
        }
        Trend { title: format!("Components of {of} that have …"), unit: Unit::Percent, lines }
    }

    /// Findings opened and closed each week.
    pub fn findings(&self, of: &str) -> Trend {
        // The week that runs would look like a fall.
        let over = self.weeks.len().saturating_sub(1);
        let line = |label: &str, part: fn(&Week) -> usize| TrendLine {
            label: label.to_owned(),
            points: self.weeks.iter().take(over).map(|week| (week.monday, part(week) as f64)).collect(),
        };
        let lines = vec![line("opened", |week| week.opened), line("closed", |week| week.closed)];
        Trend { title: format!("Findings of {of}, a week"), unit: Unit::Count, lines }
    }

    /// A row a week, with a header, as a spreadsheet reads it.
    pub fn csv(&self) -> String {
        let mut csv = "week,components,owned,with_runbook,with_docs,open,opened,closed\r\n".to_owned();
        for Week { monday, stood, opened, closed } in &self.weeks {
            let stood = stood.map_or_else(
                || ",,,,".to_owned(),
                |Stood { components, owned, with_runbook, with_docs, open }| {
                    format!("{components},{owned},{with_runbook},{with_docs},{open}")
                },
            );
            csv.push_str(&format!("{monday},{stood},{opened},{closed}\r\n"));
        }
        csv
    }
}

/// Whether the figures are of the whole catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsOfAll {
    Yes,
    No,
}
