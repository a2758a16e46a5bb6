//! Whether an owner may be written to now, and where: one rule for rounds and for what has changed.
//! Must not decide what is said.

use std::collections::BTreeSet;

use super::{
    Ledger, Occasion, Scene, counted,
    hours::Hours,
    load::Load,
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
    /// Counted when somebody is about to get a message.
    load: Option<Load>,
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

    /// All of it, for what is told between rounds: the places, and where it goes should they refuse it.
    pub fn allow(&mut self, team: Option<&EntityRef>) -> Result<(Vec<Place>, Vec<String>), Silence> {
        let hours = self.hours(team);
        self.heed_switch(&hours)?;
        self.heed_hours(&hours)?;
        self.heed_incidents(team)?;
        let route = self.reach(team)?;
        let places = self.heed_cap(team, &route)?;
        Ok((places, route.others.into_iter().map(|place| place.to).collect()))
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
        let Scene { catalog, settings, platform, now, .. } = *self.scene;
        let count =
            || platform.map_or_else(Load::default, |platform| Load::count(catalog, settings, platform, &self.ledger, now));
        let mut load = self.load.take().unwrap_or_else(count);
        let cap = settings.messages_a_week;
        let has_room = |place: &&Place| load.has_room(catalog, cap, team, place);
        let places: Vec<Place> = route.first.iter().filter(has_room).cloned().collect();
        for place in &places {
            load.add(team.map_or_else(BTreeSet::new, |team| audience(catalog, team, &place.via)));
        }
        self.load = Some(load);
        if places.is_empty() {
            let said = counted(cap as usize, "message");
            return Err(Silence::Because(format!("its people have had {said} this week")));
        }
        Ok(places)
    }
}
