//! What is wrong with an entry, and when teams are told. Plain values; what they mean is hygiene's.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};

/// Every quarter has so many weeks that lie in it whole.
const MOST_WEEKS: u32 = 12;

/// `hygiene:` of the configuration.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HygieneSettings {
    /// When teams are told, once a week where nothing else is said.
    pub schedule: RoundSettings,
    /// From when to when nobody is told anything, in the team's own time zone: `18:00-09:00`.
    #[schemars(with = "String")]
    pub quiet_hours: QuietHours,
    /// Days on which nobody is told anything, besides Saturdays and Sundays: `2026-12-25`.
    #[serde(deserialize_with = "days")]
    #[schemars(with = "Vec<String>")]
    pub holidays: Vec<NaiveDate>,
    /// Teams with a rhythm of their own, by reference: `group:default/payments`.
    pub teams: BTreeMap<String, TeamRoundSettings>,
    /// The channel that hears what no team can be told.
    pub catch_all: Option<String>,
    /// Who settles what nobody takes, by reference; without them the admins.
    pub settle: Vec<String>,
    /// Messages of Steward that one person gets in a week, at most.
    #[serde(deserialize_with = "super::read::loose")]
    pub messages_a_week: u32,
    /// Whether owners hear when something becomes theirs or another's, and when what they lean on is deprecated or removed.
    #[serde(deserialize_with = "super::read::loose")]
    pub change_notices: bool,
    /// After so many rounds a critical finding of something in production goes to the group above.
    #[serde(deserialize_with = "super::read::loose")]
    pub escalate_after: u32,
    /// Whether somebody who joins a team is offered `/onboard`, once.
    #[serde(deserialize_with = "super::read::loose")]
    pub offer_first_day: bool,
    /// Whether a team is shown how others stand.
    #[serde(deserialize_with = "super::read::loose")]
    pub compare_teams: bool,
    /// A week each quarter in which every owner confirms each of their entries.
    pub week: WeekSettings,
    /// Of single checks, by their names: `runbook-old: off`, or `docs-missing: high`.
    #[schemars(with = "BTreeMap<String, String>")]
    pub checks: BTreeMap<String, CheckSetting>,
    /// What the organisation has agreed on.
    pub rules: RuleSettings,
    /// Named sets of checks in levels, from the lowest to the highest.
    pub tracks: Vec<TrackSettings>,
}

/// When a round is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RoundSettings {
    #[serde(deserialize_with = "weekday")]
    #[schemars(with = "String")]
    pub day: Weekday,
    #[serde(deserialize_with = "time_of_day")]
    #[schemars(with = "String")]
    pub at: NaiveTime,
    /// Of teams that name none with `steward.dev/time-zone`: `Europe/Berlin`.
    #[serde(deserialize_with = "time_zone")]
    #[schemars(with = "String")]
    pub time_zone: Tz,
    pub every: Rhythm,
}

/// When a hygiene week is held, and who sees how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WeekSettings {
    /// Whether one is held every quarter; an admin may begin one by `/hygiene week start` all the same.
    #[serde(deserialize_with = "super::read::loose")]
    pub held: bool,
    /// Counted from the first Monday of the quarter, from 1 to 12.
    #[serde(deserialize_with = "super::read::loose")]
    pub week_of_quarter: u32,
    /// The channel that sees how far all are; without it `catch_all`.
    pub channel: Option<String>,
}

/// How a team's round differs from the others'.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TeamRoundSettings {
    #[serde(deserialize_with = "optional_weekday")]
    #[schemars(with = "Option<String>")]
    pub day: Option<Weekday>,
    #[serde(deserialize_with = "optional_time_of_day")]
    #[schemars(with = "Option<String>")]
    pub at: Option<NaiveTime>,
    pub every: Option<Rhythm>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rhythm {
    #[default]
    Weekly,
    Fortnightly,
    Monthly,
    /// No rounds at all.
    Never,
}

/// Hours between which nobody is told anything; they may span midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    pub from: NaiveTime,
    pub to: NaiveTime,
}

/// What becomes of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckSetting {
    Off,
    Low,
    Medium,
    High,
    Critical,
}

/// What checks hold entries against.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuleSettings {
    /// Words of spec.lifecycle; empty: any will do.
    pub lifecycles: Vec<String>,
    /// Words of a Component's spec.type; empty: any will do.
    pub types: Vec<String>,
    /// A regular expression that whole names of entities have to match.
    pub names: Option<String>,
    /// An entry that nobody has touched for so many days is asked about.
    #[serde(deserialize_with = "super::read::loose")]
    pub untouched_days: u32,
    /// A runbook that nobody has touched for so many days is doubted.
    #[serde(deserialize_with = "super::read::loose")]
    pub runbook_days: u32,
}

/// A set of checks that things of some kind are held against.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrackSettings {
    /// `Production readiness`.
    pub name: String,
    /// Kinds of entities, such as `component`; empty: all that somebody owns.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Types, such as `service`; empty: all.
    #[serde(default)]
    pub types: Vec<String>,
    /// From the lowest to the highest; each includes those before it.
    pub levels: Vec<LevelSettings>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelSettings {
    /// `bronze`.
    pub name: String,
    /// Names of checks of which nothing may be open.
    pub checks: Vec<String>,
}

impl Default for HygieneSettings {
    fn default() -> Self {
        Self {
            schedule: RoundSettings::default(),
            quiet_hours: QuietHours::default(),
            holidays: Vec::new(),
            teams: BTreeMap::new(),
            catch_all: None,
            settle: Vec::new(),
            messages_a_week: 3,
            change_notices: true,
            escalate_after: 3,
            offer_first_day: true,
            compare_teams: false,
            week: WeekSettings::default(),
            checks: BTreeMap::new(),
            rules: RuleSettings::default(),
            tracks: default_tracks(),
        }
    }
}

impl Default for WeekSettings {
    fn default() -> Self {
        // In the middle: neither beside the plans for a quarter nor beside its end.
        Self { held: false, week_of_quarter: 6, channel: None }
    }
}

impl Default for RoundSettings {
    fn default() -> Self {
        Self { day: Weekday::Tue, at: clock(10), time_zone: Tz::UTC, every: Rhythm::Weekly }
    }
}

impl Default for QuietHours {
    fn default() -> Self {
        Self { from: clock(18), to: clock(9) }
    }
}

impl Default for RuleSettings {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            // Backstage's own words.
            lifecycles: words(&["experimental", "production", "deprecated"]),
            types: Vec::new(),
            names: None,
            untouched_days: 365,
            runbook_days: 365,
        }
    }
}

impl QuietHours {
    pub fn contains(&self, time: NaiveTime) -> bool {
        if self.from <= self.to { self.from <= time && time < self.to } else { self.from <= time || time < self.to }
    }
}

impl<'de> Deserialize<'de> for QuietHours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let read = text.split_once('-').and_then(|(from, to)| Some(Self { from: read_time(from)?, to: read_time(to)? }));
        read.ok_or_else(|| D::Error::custom(format!("{text:?} is no span of hours; write 18:00-09:00")))
    }
}

/// What a service needs to be found, then to be helped at night, then to be looked after well.
fn default_tracks() -> Vec<TrackSettings> {
    let level = |name: &str, checks: &[&str]| LevelSettings {
        name: name.to_owned(),
        checks: checks.iter().map(|check| (*check).to_owned()).collect(),
    };
    vec![TrackSettings {
        name: "Readiness".to_owned(),
        kinds: vec!["component".to_owned()],
        types: Vec::new(),
        levels: vec![
            level("bronze", &["owner-missing", "owner-unknown", "owner-left", "owner-empty", "descriptor-invalid", "conflict"]),
            level(
                "silver",
                &["runbook-missing", "on-call-missing", "lifecycle-missing", "description-missing", "reference-unknown"],
            ),
            level("gold", &["docs-missing", "system-missing", "runbook-old", "depends-on-deprecated", "untouched"]),
        ],
    }]
}

fn clock(hour: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, 0, 0).expect("only whole hours of a day are asked for")
}

fn read_time(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text.trim(), "%H:%M").ok()
}

fn time_of_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    read_time(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is no time of day; write 10:00")))
}

fn optional_time_of_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveTime>, D::Error> {
    time_of_day(deserializer).map(Some)
}

fn weekday<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Weekday, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom(format!("{text:?} is no day of the week; write tuesday")))
}

fn optional_weekday<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Weekday>, D::Error> {
    weekday(deserializer).map(Some)
}

fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<NaiveDate>, D::Error> {
    let written = Vec::<String>::deserialize(deserializer)?;
    let day = |text: String| text.parse().map_err(|_| D::Error::custom(format!("{text:?} is no day; write one as 2026-12-25")));
    written.into_iter().map(day).collect()
}

fn time_zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom(format!("{text:?} is no time zone; write one as Europe/Berlin, or UTC")))
}

impl HygieneSettings {
    /// What is allowed and may not be meant.
    pub fn notes(&self) -> Vec<String> {
        let RoundSettings { day, at, .. } = &self.schedule;
        let QuietHours { from, to } = self.quiet_hours;
        let mut notes = Vec::new();
        if matches!(day, Weekday::Sat | Weekday::Sun) {
            notes.push(
                "hygiene.schedule.day is on a weekend, when nobody is written to: rounds are held on the Monday after."
                    .to_owned(),
            );
        }
        if self.quiet_hours.contains(*at) {
            let (at, to) = (at.format("%H:%M"), to.format("%H:%M"));
            notes.push(format!("hygiene.schedule.at, {at}, lies in the quiet hours: rounds begin when these end, at {to}."));
        }
        if from == to {
            notes.push("hygiene.quiet_hours begin when they end: no hour is quiet.".to_owned());
        }
        if self.messages_a_week == 0 {
            notes.push("hygiene.messages_a_week is 0: no team is told anything.".to_owned());
        }
        if self.escalate_after == 0 {
            notes.push("hygiene.escalate_after is 0: nothing goes to the group above.".to_owned());
        }
        notes
    }
}

/// What is wrong, under its key.
pub(super) fn check(settings: &HygieneSettings) -> Result<(), (String, String)> {
    if let Some(pattern) = &settings.rules.names
        && let Err(error) = Regex::new(&format!("^(?:{pattern})$"))
    {
        let said = error.to_string();
        let why = said.lines().last().unwrap_or_default().trim_start_matches("error: ");
        return Err(("hygiene.rules.names".to_owned(), format!("{pattern:?} is no regular expression: {why}")));
    }
    if !(1..=MOST_WEEKS).contains(&settings.week.week_of_quarter) {
        let said = format!("{} is no week of a quarter; write 1 to {MOST_WEEKS}", settings.week.week_of_quarter);
        return Err(("hygiene.week.week_of_quarter".to_owned(), said));
    }
    for (at, track) in settings.tracks.iter().enumerate() {
        if track.levels.is_empty() {
            return Err((format!("hygiene.tracks[{at}].levels"), "a track needs a level at least".to_owned()));
        }
    }
    let references = settings.teams.keys().map(|key| ("hygiene.teams".to_owned(), key));
    let settle = settings.settle.iter().enumerate().map(|(at, key)| (format!("hygiene.settle[{at}]"), key));
    for (key, written) in references.chain(settle) {
        let is_owner = written.split_once(':').is_some_and(|(kind, rest)| {
            let is_kind = |known: &str| kind.eq_ignore_ascii_case(known);
            (is_kind("group") || is_kind("user")) && rest.contains('/')
        });
        if !is_owner {
            let said = format!("{written:?} is not the full reference of a group or user; write group:default/payments");
            return Err((key, said));
        }
    }
    Ok(())
}
