//! What was said of findings: since when they are open, why some are left alone, whom they were handed to.
//! It stands in PostgreSQL; without that the findings are shown all the same.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    app::App,
    catalog::EntityRef,
    commands::{Asking, StoreHealth, answer::age::day},
    store::{FindingRest, FindingSpell, Fix, HandOver, StoreError},
};

/// "Since last month".
const MONTH: TimeDelta = TimeDelta::days(30);

#[derive(Debug, Default)]
pub(super) struct Known {
    pub opened: BTreeMap<String, DateTime<Utc>>,
    pub rests: BTreeMap<String, FindingRest>,
    pub hand_overs: BTreeMap<String, HandOver>,
    /// Those that are not at their end.
    pub fixes: Vec<Fix>,
    spells: Vec<FindingSpell>,
    /// What is not known, and why, for people.
    pub missing: Option<String>,
}

impl Known {
    pub fn fix_of(&self, key: &str) -> Option<&Fix> {
        self.fixes.iter().find(|fix| fix.keys.iter().any(|known| known == key))
    }

    /// "Since 22 October: 3 mended, 1 new."; nothing where nobody has looked before.
    pub fn change(&self, now: DateTime<Utc>, is_meant: impl Fn(&FindingSpell) -> bool) -> Option<String> {
        let first = self.spells.iter().map(|spell| spell.opened_at).min()?;
        let since = (now - MONTH).max(first);
        let meant = || self.spells.iter().filter(|spell| is_meant(spell));
        let mended = meant().filter(|spell| spell.closed_at.is_some_and(|at| at > since)).count();
        let new = meant().filter(|spell| spell.opened_at > since).count();
        let words = match (mended, new) {
            (0, 0) => "nothing has changed".to_owned(),
            (mended, 0) => format!("{mended} mended, none new"),
            (0, new) => format!("none mended, {new} new"),
            (mended, new) => format!("{mended} mended, {new} new"),
        };
        Some(format!("Since {}: {words}.", day(since, now)))
    }

    pub fn is_team(team: Option<&EntityRef>) -> impl Fn(&FindingSpell) -> bool {
        move |spell| spell.team.as_ref() == team
    }
}

pub(super) async fn load(app: &App, asking: &Asking<'_>) -> Known {
    let read = match asking.store {
        StoreHealth::Reachable => read(app, asking.now).await,
        StoreHealth::AwaySince(_) | StoreHealth::Absent => Err(StoreError::Away("it is known to be".to_owned())),
    };
    read.unwrap_or_else(|error| {
        let why = match (&error, asking.store) {
            (_, StoreHealth::Absent) => "which `steward ask` does not use",
            (StoreError::Away(_) | StoreError::Claimed, _) => "which cannot be reached now",
            (StoreError::Failed(fault), _) => {
                tracing::error!(fault = format!("{fault:#}"), "what was said of findings could not be read");
                "which did not answer"
            }
        };
        let missing = format!(
            "Since when something is open, what is snoozed or exempt, and who was asked is kept in PostgreSQL, {why}: all is shown as open."
        );
        Known { missing: Some(missing), ..Known::default() }
    })
}

async fn read(app: &App, now: DateTime<Utc>) -> Result<Known, StoreError> {
    let store = &app.store;
    Ok(Known {
        opened: store.load_open_findings().await?,
        rests: store.load_rests(now).await?,
        hand_overs: store.load_hand_overs().await?,
        fixes: store.load_open_fixes().await?,
        spells: store.load_finding_spells(now - MONTH).await?,
        missing: None,
    })
}
