//! Where a team's message goes: its channel, else its lead, else each of its members, else the channel for what no team can
//! be told. Must not decide whether anything is said.

use std::collections::BTreeSet;

use crate::{
    catalog::{Catalog, EntityRef, Kind},
    chat::Platform,
    reach::{address, channel_of, lead_of, members_of, personal_address, written_channel},
    settings::HygieneSettings,
};

/// More people are not written to one by one.
const MOST_MEMBERS: usize = 12;

/// A place where somebody is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// As the platform takes it.
    pub to: String,
    pub via: Via,
}

/// Whose place it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// The channel of the team, or of the group above it.
    Channel(EntityRef),
    Lead(EntityRef),
    Member(EntityRef),
    /// The owner is a person.
    Owner(EntityRef),
    CatchAll,
}

impl Via {
    /// Who of the team hears it, where it is told one by one.
    pub fn hearer(&self) -> Option<&EntityRef> {
        match self {
            Self::Member(user) => Some(user),
            Self::Channel(_) | Self::Lead(_) | Self::Owner(_) | Self::CatchAll => None,
        }
    }
}

/// The places of one team, the first choice first. Members are all told; of the other choices one is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    pub first: Vec<Place>,
    /// Where it goes should the platform refuse the first.
    pub others: Vec<Place>,
}

/// How an owner is reached on a platform; nothing where they are not.
pub fn route(catalog: &Catalog, settings: &HygieneSettings, platform: Platform, team: &EntityRef) -> Route {
    let mut choices: Vec<Vec<Place>> = Vec::new();
    let one = |to: Option<String>, via: Via| to.map(|to| vec![Place { to, via }]);
    let personal = |user: &EntityRef| personal_address(platform, &catalog.find(user)?.entity);
    if catalog.find(team).is_some_and(|entry| entry.entity.kind == Kind::User) {
        choices.extend(one(personal(team), Via::Owner(team.clone())));
    } else {
        let channel = channel_of(catalog, team);
        let channel = channel.and_then(|(channel, of)| one(address(platform, &channel), Via::Channel(of)));
        choices.extend(channel);
        choices.extend(lead_of(catalog, team).and_then(|lead| one(personal(&lead), Via::Lead(lead))));
        let members = members_of(catalog, team);
        if members.len() <= MOST_MEMBERS {
            let place = |user: &EntityRef| Some(Place { to: personal(user)?, via: Via::Member(user.clone()) });
            let members: Vec<Place> = members.iter().filter_map(place).collect();
            choices.extend(Some(members).filter(|members| !members.is_empty()));
        }
    }
    choices.extend(catch_all(settings, platform).map(|place| vec![place]));
    let mut choices = choices.into_iter();
    let first = choices.next().unwrap_or_default();
    // A refused channel does not become ten messages to people.
    let others = choices.filter(|choice| choice.len() == 1).flatten().filter(|place| !first.contains(place)).collect();
    Route { first, others }
}

/// The channel that hears what no team can be told.
pub fn catch_all(settings: &HygieneSettings, platform: Platform) -> Option<Place> {
    let channel = written_channel(settings.catch_all.as_deref()?)?;
    Some(Place { to: address(platform, &channel)?, via: Via::CatchAll })
}

/// The people who read what is said in a team's place.
pub fn audience(catalog: &Catalog, team: &EntityRef, via: &Via) -> BTreeSet<EntityRef> {
    match via {
        Via::Channel(of) => members_of(catalog, of).into_iter().chain(members_of(catalog, team)).collect(),
        Via::Lead(user) | Via::Member(user) | Via::Owner(user) => BTreeSet::from([user.clone()]),
        // Its readers have asked for it.
        Via::CatchAll => BTreeSet::new(),
    }
}
