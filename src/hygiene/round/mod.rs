//! The round: who hears what, where and when. Planning makes a value; sending it is the worker's.
//! Must not send, nor know the time by itself.

mod aside;
mod gate;
pub mod hours;
mod ledger;
mod load;
mod look;
mod message;
mod notice;
mod plan;
mod preview;
mod redraw;
mod route;

use std::{collections::BTreeSet, fmt};

use chrono::{DateTime, NaiveDate, Utc};

use super::standing::Standing;
use crate::{
    catalog::{Catalog, EntityRef},
    chat::Platform,
    settings::HygieneSettings,
    store::{Hand, NewRoundMessage, Notice, Told},
};

pub use aside::{Asides, Word};
pub use ledger::{Ledger, addressee};
pub use look::{Look, begin, look, look_around, look_at, platform_of, show_preview, standings};
pub use notice::{Change, Changes, Found, find_notices, plan_changes};
pub use plan::plan;
pub use preview::{preview, preview_messages};
pub use redraw::redraw;

/// The ledger's name for what nobody owns.
pub const NOBODY: &str = "nobody";

/// All that is spelt out in one message.
pub const MOST_SPELT_OUT: usize = 5;

/// What a round is planned from.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    pub catalog: &'a Catalog,
    pub settings: &'a HygieneSettings,
    /// Where teams are written to; `None`: nowhere.
    pub platform: Option<Platform>,
    pub now: DateTime<Utc>,
    pub standing: &'a [Standing],
    /// In whose hands findings were put.
    pub hands: &'a [Hand],
    /// Findings that a pull request mends already.
    pub in_fixes: &'a BTreeSet<String>,
    /// What has an open incident.
    pub in_incidents: &'a BTreeSet<EntityRef>,
    /// What was told before, the oldest first.
    pub told: &'a [Told],
    /// When rounds were let go; `None`: not yet.
    pub begun_at: Option<DateTime<Utc>>,
    /// What has changed and was not told yet.
    pub notices: &'a [Notice],
}

/// Why a round is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion<'a> {
    /// Time has passed: whoever's turn it is.
    Due,
    /// A person asks for it now, for all teams or for one: the calendar does not count.
    ByHand(Option<&'a EntityRef>),
    /// The same, for what nobody owns.
    ByHandForNobody,
}

impl Occasion<'_> {
    /// Whether it is about this owner; `None`: nobody.
    pub(super) fn concerns(self, team: Option<&EntityRef>) -> bool {
        match self {
            Self::Due | Self::ByHand(None) => true,
            Self::ByHand(Some(asked)) => team == Some(asked),
            Self::ByHandForNobody => team.is_none(),
        }
    }
}

/// One round, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// The day of the usual round.
    pub day: NaiveDate,
    /// The day on which a person asks for it, where one does.
    pub asked_on: Option<NaiveDate>,
    pub messages: Vec<Planned>,
    pub withheld: Vec<Withheld>,
    /// What is told of changes besides, in its own time: shown, and not sent with the round.
    pub changes: Vec<Change>,
}

/// One message of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Whose findings they are: `group:default/payments`, or [`NOBODY`].
    pub team: String,
    /// What is open, the gravest first.
    pub findings: Vec<Named>,
    /// As the ledger takes it.
    pub sent: NewRoundMessage,
}

/// A finding as programs are told of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Named {
    pub id: String,
    pub check: &'static str,
    pub severity: &'static str,
    pub entity: String,
    /// What people call it, where it is no entry.
    #[serde(skip)]
    pub called: Option<String>,
}

/// A team that has something open, and hears nothing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Withheld {
    pub team: String,
    pub reason: String,
}

impl Round {
    /// As the ledger takes it.
    pub fn to_send(&self) -> Vec<NewRoundMessage> {
        self.messages.iter().map(|planned| planned.sent.clone()).collect()
    }

    /// One entry for each team, whose destinations are together where it is told one by one.
    pub fn by_team(&self) -> Vec<(&Planned, String)> {
        let mut teams: Vec<(&Planned, String)> = Vec::new();
        for message in &self.messages {
            match teams.iter_mut().find(|(known, _)| known.team == message.team) {
                Some((_, destinations)) => *destinations = format!("{destinations}, {}", message.sent.destination),
                None => teams.push((message, message.sent.destination.clone())),
            }
        }
        teams
    }
}

/// The dry run.
impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (today, day) = self.asked_on.map_or(("", self.day), |asked_on| ("today, ", asked_on));
        writeln!(f, "The round of {today}{}: {}", day.format("%A, %-d %B %Y"), counted(self.messages.len(), "message"))?;
        for (message, destinations) in self.by_team() {
            let found = match message.findings.len() {
                0 => "a thank-you".to_owned(),
                some => counted(some, "finding"),
            };
            writeln!(f, "\n{} -> {destinations}: {found}", message.team)?;
            for finding in &message.findings {
                let mark = if message.sent.shown.contains(&finding.id) { '*' } else { ' ' };
                let name = finding.called.as_ref().unwrap_or(&finding.entity);
                writeln!(f, "  {mark} {:<8} {:<20} {name}", finding.severity, finding.check)?;
            }
        }
        if !self.changes.is_empty() {
            writeln!(f, "\nOf changes, when their hours allow:")?;
        }
        for Change { team, destination, says } in &self.changes {
            writeln!(f, "  {team} -> {destination}: {}", says.join(" "))?;
        }
        if !self.withheld.is_empty() {
            writeln!(f, "\nWithheld:")?;
        }
        for Withheld { team, reason } in &self.withheld {
            writeln!(f, "  {team}: {reason}")?;
        }
        Ok(())
    }
}

/// "1 finding", "3 findings".
pub(crate) fn counted(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}
