//! What a team or a person is told between rounds, by the rules of rounds: the same places, hours and cap, and the same ledger,
//! so that each message leaves once. Must not send.

use super::{
    Ledger, NOBODY, Scene,
    hours::Hours,
    ledger::TO,
    load::Load,
    route::{Place, Route, Via, catch_all, route},
};
use crate::{
    catalog::{EntityRef, Kind},
    chat::{Platform, Reply},
    reach::personal_address,
    settings::Rhythm,
    store::{NewRoundMessage, RoundKey},
};

/// One message, before it is known where it goes.
#[derive(Debug, Clone)]
pub struct Word<'a> {
    /// One word that says what it is about, so that it is no round of the team's.
    pub about: &'a str,
    /// The same for the same message, and for no other of this team's about this.
    pub once: &'a str,
    pub reply: Reply,
}

/// Plans messages one after the other; each counts for the next.
#[derive(Debug)]
pub struct Asides<'a> {
    scene: &'a Scene<'a>,
    platform: Platform,
    load: Load,
}

impl<'a> Asides<'a> {
    /// `None` where nobody can be written to.
    pub fn new(scene: &'a Scene<'a>) -> Option<Self> {
        let platform = scene.platform?;
        let load = Load::count(scene.catalog, scene.settings, platform, &Ledger::new(scene.told), scene.now);
        Some(Self { scene, platform, load })
    }

    /// Whether the ledger has it already.
    pub fn has_told(&self, team: &EntityRef, about: &str, once: &str) -> bool {
        let name = format!("{team} {about}");
        let is_it = |key: &RoundKey| {
            let rest = key.team.strip_prefix(&name);
            key.round == once && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(TO))
        };
        self.scene.told.iter().any(|told| is_it(&told.key))
    }

    /// The messages by which a team hears it now, or whoever settles what nobody owns; empty: it may not be told yet, or
    /// cannot be reached.
    pub fn tell(&mut self, team: Option<&EntityRef>, word: &Word<'_>) -> Vec<NewRoundMessage> {
        if !self.is_open(team) || self.is_never(team) || self.has_incident(team) {
            return Vec::new();
        }
        let found = match team {
            Some(team) => route(self.scene.catalog, self.scene.settings, self.platform, team),
            None => {
                let first = catch_all(self.scene.settings, self.platform).into_iter().collect();
                Route { first, others: Vec::new() }
            }
        };
        let cap = self.scene.settings.messages_a_week;
        let places = found.first.into_iter().filter(|place| self.load.has_room(self.scene.catalog, cap, team, place));
        let places: Vec<Place> = places.collect();
        for place in &places {
            self.load
                .add(team.map_or_else(Default::default, |team| super::route::audience(self.scene.catalog, team, &place.via)));
        }
        let others: Vec<String> = found.others.into_iter().map(|place| place.to).collect();
        let name = team.map_or(NOBODY, EntityRef::as_str);
        let message = |place: Place| {
            let hearer = match &place.via {
                Via::Member(user) => Some(user),
                Via::Channel(_) | Via::Lead(_) | Via::Owner(_) | Via::CatchAll => None,
            };
            self.message(name, hearer, place.to, others.clone(), word)
        };
        places.into_iter().map(message).collect()
    }

    /// The message by which one person of a team hears it now; `None`: not yet, or they cannot be reached.
    pub fn tell_person(&mut self, team: &EntityRef, person: &EntityRef, word: &Word<'_>) -> Option<NewRoundMessage> {
        if !self.is_open(Some(team)) {
            return None;
        }
        let to = self.address_of(person)?;
        let place = Place { to, via: Via::Member(person.clone()) };
        let cap = self.scene.settings.messages_a_week;
        if !self.load.has_room(self.scene.catalog, cap, Some(team), &place) {
            return None;
        }
        self.load.add([person.clone()].into());
        Some(self.message(team.as_str(), Some(person), place.to, Vec::new(), word))
    }

    /// The answer to what a person asked: it counts for no cap, and waits for an allowed hour by itself.
    pub fn answer(&self, team: &EntityRef, person: &EntityRef, word: &Word<'_>) -> Option<NewRoundMessage> {
        let to = self.address_of(person)?;
        Some(self.message(team.as_str(), Some(person), to, Vec::new(), word))
    }

    fn address_of(&self, person: &EntityRef) -> Option<String> {
        let entry = self.scene.catalog.find(person).filter(|entry| entry.entity.kind == Kind::User)?;
        personal_address(self.platform, &entry.entity)
    }

    fn is_open(&self, team: Option<&EntityRef>) -> bool {
        let Scene { catalog, settings, now, .. } = self.scene;
        team.map_or_else(|| Hours::usual(settings), |team| Hours::of(catalog, settings, team)).is_open(*now)
    }

    fn is_never(&self, team: Option<&EntityRef>) -> bool {
        team.is_some_and(|team| Hours::of(self.scene.catalog, self.scene.settings, team).every == Rhythm::Never)
    }

    fn has_incident(&self, team: Option<&EntityRef>) -> bool {
        let owner = |entity: &EntityRef| super::super::standing::owner_of(self.scene.catalog, entity);
        team.is_some_and(|team| self.scene.in_incidents.iter().any(|entity| owner(entity).as_ref() == Some(team)))
    }

    fn message(
        &self,
        team: &str,
        hearer: Option<&EntityRef>,
        destination: String,
        others: Vec<String>,
        word: &Word<'_>,
    ) -> NewRoundMessage {
        let team = format!("{team} {}", word.about);
        let team = hearer.map_or_else(|| team.clone(), |hearer| format!("{team}{TO}{hearer}"));
        NewRoundMessage {
            key: RoundKey { team, round: word.once.to_owned() },
            platform: self.platform,
            destination,
            others,
            any_hour: false,
            calm: 0,
            message: word.reply.clone(),
            keys: Vec::new(),
            shown: Vec::new(),
        }
    }
}
