//! How much people have been told in a week, whatever about: a cap that all messages share.
//! Must not decide what is said.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Ledger,
    ledger::{addressee, hearer_of},
    route::{Place, Route, audience, route},
};
use crate::{
    catalog::{Catalog, EntityRef},
    chat::Platform,
    settings::HygieneSettings,
};

/// Messages of the last seven days that each person has got.
#[derive(Debug, Default)]
pub(super) struct Load(BTreeMap<EntityRef, u32>);

impl Load {
    pub fn count(
        catalog: &Catalog,
        settings: &HygieneSettings,
        platform: Platform,
        ledger: &Ledger<'_>,
        now: DateTime<Utc>,
    ) -> Self {
        let mut load = Self::default();
        for told in ledger.lately(now, TimeDelta::days(7)) {
            let hearer = hearer_of(&told.key).and_then(|hearer| EntityRef::parse(hearer, None, "default").ok());
            match (hearer, addressee(&told.key)) {
                (Some(person), _) => load.add(BTreeSet::from([person])),
                (None, Some(team)) => {
                    let Route { first, others } = route(catalog, settings, platform, &team);
                    let place = first.into_iter().chain(others).find(|place| place.to == told.destination);
                    load.add(place.map_or_else(BTreeSet::new, |place| audience(catalog, &team, &place.via)));
                }
                (None, None) => {}
            }
        }
        load
    }

    pub fn add(&mut self, people: BTreeSet<EntityRef>) {
        for person in people {
            *self.0.entry(person).or_default() += 1;
        }
    }

    /// Whether the readers of a place have not heard too much this week.
    pub fn has_room(&self, catalog: &Catalog, cap: u32, team: Option<&EntityRef>, place: &Place) -> bool {
        let people = team.map_or_else(BTreeSet::new, |team| audience(catalog, team, &place.via));
        let full = people.iter().filter(|person| self.0.get(*person).copied().unwrap_or_default() >= cap).count();
        // A channel is not silenced by one person who is in every team.
        full * 2 <= people.len() && (people.len() != 1 || full == 0)
    }
}
