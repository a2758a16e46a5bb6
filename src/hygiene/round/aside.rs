//! What a team or a person is told between rounds, by the rules of rounds: the same places, hours and cap, and the same ledger,
//! so that each message leaves once. Must not send.

use super::{
    NOBODY, Occasion, Scene,
    gate::Gate,
    ledger::{TO, key_of_word},
    route::{Place, Route, Via},
};
use crate::{
    catalog::{EntityRef, Kind},
    chat::{Platform, Reply},
    reach::personal_address,
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
pub struct Asides<'a> {
    scene: &'a Scene<'a>,
    platform: Platform,
    gate: Gate<'a>,
}

impl<'a> Asides<'a> {
    /// `None` where nobody can be written to.
    pub fn new(scene: &'a Scene<'a>) -> Option<Self> {
        Some(Self { scene, platform: scene.platform?, gate: Gate::new(scene, Occasion::Due) })
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
        let Ok((places, others)) = self.gate.allow(team) else { return Vec::new() };
        let name = team.map_or(NOBODY, EntityRef::as_str);
        let message = |place: Place| self.message(name, place.via.hearer(), place.to, others.clone(), word);
        places.into_iter().map(message).collect()
    }

    /// The message by which one person of a team hears it now; `None`: not yet, or they cannot be reached.
    pub fn tell_person(&mut self, team: &EntityRef, person: &EntityRef, word: &Word<'_>) -> Option<NewRoundMessage> {
        self.gate.heed_hours(&self.gate.hours(Some(team))).ok()?;
        let first = vec![Place { to: self.address_of(person)?, via: Via::Member(person.clone()) }];
        let place = self.gate.heed_cap(Some(team), &Route { first, others: Vec::new() }).ok()?.pop()?;
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

    fn message(
        &self,
        team: &str,
        hearer: Option<&EntityRef>,
        destination: String,
        others: Vec<String>,
        word: &Word<'_>,
    ) -> NewRoundMessage {
        NewRoundMessage {
            key: key_of_word(team, word.about, hearer.map(EntityRef::as_str), word.once.to_owned()),
            platform: self.platform,
            destination,
            others,
            any_hour: false,
            calm: 0,
            reply: word.reply.clone(),
            keys: Vec::new(),
            shown: Vec::new(),
        }
    }
}
