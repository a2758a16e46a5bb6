//! Whether an owner may be written to now, and where: one rule for rounds and for what has changed.
//! Must not decide what is said.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::{
    Ledger, Occasion, Scene, counted,
    hours::Hours,
    ledger::{addressee, hearer_of},
    route::{Place, Route, audience, catch_all, route},
};
use crate::{catalog::EntityRef, chat::Platform, hygiene::standing::owner_of, settings::Rhythm};

/// Why nothing is said: a reason, or that there is nothing to say.
pub(super) enum Silence {
    Because(String),
    Nothing,
}

/// What stands between an owner and a message.
pub(super) struct Gate<'a> {
    scene: &'a Scene<'a>,
    occasion: Occasion<'a>,
    pub ledger: Ledger<'a>,
    /// Messages of the last seven days that each person has got; counted when somebody is about to get one.
    load: Option<BTreeMap<EntityRef, u32>>,
}

impl<'a> Gate<'a> {
    pub fn new(scene: &'a Scene<'a>, occasion: Occasion<'a>) -> Self {
        Self { scene, occasion, ledger: Ledger::new(scene.told), load: None }
    }

    pub fn hours(&self, team: Option<&EntityRef>) -> Hours<'a> {
        team.map_or_else(|| Hours::usual(self.scene.settings), |team| Hours::of(self.scene.catalog, self.scene.settings, team))
    }

    /// Where no message is sent, this one; it is in the plan of no other.
    pub fn platform(&self) -> Platform {
        self.scene.platform.unwrap_or(Platform::Slack)
    }

    pub fn heed_switch(&self, hours: &Hours<'_>) -> Result<(), Silence> {
        match hours.every {
            Rhythm::Never => Err(Silence::Because("its rounds are switched off in the configuration".to_owned())),
            Rhythm::Weekly | Rhythm::Fortnightly | Rhythm::Monthly => Ok(()),
        }
    }

    pub fn heed_hours(&self, hours: &Hours<'_>) -> Result<(), Silence> {
        if self.scene.platform.is_none() {
            return Err(Silence::Because("no chat is set up in which it could be told".to_owned()));
        }
        if self.occasion == Occasion::Due && !hours.is_open(self.scene.now) {
            let opens = hours.next_open(self.scene.now).with_timezone(&hours.zone);
            return Err(Silence::Because(format!("is left alone until {}", opens.format("%A, %-d %B, %H:%M (%Z)"))));
        }
        Ok(())
    }

    pub fn heed_incidents(&self, team: Option<&EntityRef>) -> Result<(), Silence> {
        let Some(team) = team else { return Ok(()) };
        let is_its = |entity: &&EntityRef| owner_of(self.scene.catalog, entity).as_ref() == Some(team);
        match self.scene.in_incidents.iter().find(is_its) {
            Some(entity) => Err(Silence::Because(format!("{entity} has an open incident"))),
            None => Ok(()),
        }
    }

    pub fn reach(&self, team: Option<&EntityRef>) -> Result<Route, Silence> {
        let found = match team {
            Some(team) => route(self.scene.catalog, self.scene.settings, self.platform(), team),
            None => Route { first: catch_all(self.scene.settings, self.platform()).into_iter().collect(), others: Vec::new() },
        };
        if !found.first.is_empty() {
            return Ok(found);
        }
        Err(Silence::Because(match team {
            Some(_) => {
                "cannot be reached: it has no channel, no lead and no members who are known in chat, and hygiene.catch_all \
                        names no channel"
                    .to_owned()
            }
            None => "nobody owns these, and hygiene.catch_all names no channel".to_owned(),
        }))
    }

    /// The places whose readers have not heard too much this week; what is sent there counts from now on.
    pub fn heed_cap(&mut self, team: Option<&EntityRef>, route: &Route) -> Result<Vec<Place>, Silence> {
        let mut load = self.load.take().unwrap_or_else(|| self.count_load());
        let cap = self.scene.settings.messages_a_week;
        let readers = |place: &Place| team.map_or_else(BTreeSet::new, |team| audience(self.scene.catalog, team, &place.via));
        let has_room = |place: &&Place| {
            let people = readers(place);
            let full = people.iter().filter(|person| load.get(*person).copied().unwrap_or_default() >= cap).count();
            // A channel is not silenced by one person who is in every team.
            full * 2 <= people.len() && (people.len() != 1 || full == 0)
        };
        let places: Vec<Place> = route.first.iter().filter(has_room).cloned().collect();
        for person in places.iter().flat_map(readers) {
            *load.entry(person).or_default() += 1;
        }
        self.load = Some(load);
        if places.is_empty() {
            let said = counted(cap as usize, "message");
            return Err(Silence::Because(format!("its people have had {said} this week")));
        }
        Ok(places)
    }

    fn count_load(&self) -> BTreeMap<EntityRef, u32> {
        let mut load = BTreeMap::new();
        let Some(platform) = self.scene.platform else { return load };
        for told in self.ledger.lately(self.scene.now, TimeDelta::days(7)) {
            let hearer = hearer_of(&told.key).and_then(|hearer| EntityRef::parse(hearer, None, "default").ok());
            let people = match (hearer, addressee(&told.key)) {
                (Some(person), _) => BTreeSet::from([person]),
                (None, Some(team)) => {
                    let Route { first, others } = route(self.scene.catalog, self.scene.settings, platform, &team);
                    let place = first.into_iter().chain(others).find(|place| place.to == told.destination);
                    place.map_or_else(BTreeSet::new, |place| audience(self.scene.catalog, &team, &place.via))
                }
                (None, None) => BTreeSet::new(),
            };
            for person in people {
                *load.entry(person).or_default() += 1;
            }
        }
        load
    }
}
