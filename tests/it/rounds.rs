//! Rounds: who hears what and when, and that each message leaves once.

mod anew;
mod changes;
mod kill;
mod ledger;
mod nudge;
mod picture;
mod planned;
mod rest;
mod struck;
mod year;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use steward::{
    catalog::{
        Catalog, EntityRef,
        live::{Coverage, OnCall},
    },
    chat::Platform,
    hygiene::{
        check::{Facts, Rules, check_all},
        round::{Occasion, Round, Scene, plan},
        standing::{Standing, stand},
    },
    settings::HygieneSettings,
    store::{FindingRest, Hand, RoundState, Told},
};

/// What a plan is made from, owned, so that a story can change it as it goes.
pub struct Story {
    pub settings: HygieneSettings,
    pub now: DateTime<Utc>,
    pub opened: BTreeMap<String, DateTime<Utc>>,
    pub rests: BTreeMap<String, FindingRest>,
    pub hands: Vec<Hand>,
    pub in_fixes: BTreeSet<String>,
    pub in_incidents: BTreeSet<EntityRef>,
    pub told: Vec<Told>,
    pub begun_at: Option<DateTime<Utc>>,
    pub platform: Option<Platform>,
    pub coverage: Coverage,
}

pub fn at(written: &str) -> DateTime<Utc> {
    written.parse().unwrap()
}

impl Story {
    pub fn at(written: &str) -> Self {
        Self {
            settings: HygieneSettings::default(),
            now: at(written),
            opened: BTreeMap::new(),
            rests: BTreeMap::new(),
            hands: Vec::new(),
            in_fixes: BTreeSet::new(),
            in_incidents: BTreeSet::new(),
            told: Vec::new(),
            begun_at: Some(at("2026-01-01T00:00:00Z")),
            platform: Some(Platform::Slack),
            coverage: Coverage::default(),
        }
    }

    /// What is wrong now, open since it was first seen, for long where the story says nothing.
    pub fn standing(&mut self, catalog: &Catalog) -> Vec<Standing> {
        let rules = Rules::of(&self.settings);
        let facts = Facts { catalog, on_call: &OnCall::default(), coverage: &self.coverage, rules: &rules, now: self.now };
        let findings = check_all(&facts);
        let keys: BTreeSet<String> = findings.iter().map(steward::hygiene::check::Finding::key).collect();
        self.opened.retain(|key, _| keys.contains(key));
        let began = if self.told.is_empty() && self.opened.is_empty() { at("2026-01-02T00:00:00Z") } else { self.now };
        for key in keys {
            self.opened.entry(key).or_insert(began);
        }
        let rests = self.rests.iter().filter(|(_, rest)| rest.until > self.now);
        let rests = rests.map(|(key, rest)| (key.clone(), rest.clone())).collect();
        stand(catalog, findings, &self.opened, &rests)
    }

    pub fn plan_for(&mut self, catalog: &Catalog, occasion: Occasion<'_>) -> Round {
        let standing = self.standing(catalog);
        self.plan_with(catalog, &standing, occasion)
    }

    pub fn plan_with(&self, catalog: &Catalog, standing: &[Standing], occasion: Occasion<'_>) -> Round {
        let scene = Scene {
            catalog,
            settings: &self.settings,
            platform: self.platform,
            now: self.now,
            standing,
            hands: &self.hands,
            in_fixes: &self.in_fixes,
            in_incidents: &self.in_incidents,
            told: &self.told,
            begun_at: self.begun_at,
            notices: &[],
        };
        plan(&scene, occasion)
    }

    /// As if the round had been sent.
    pub fn tell(&mut self, round: &Round) {
        let told = round.to_send().into_iter().map(|sent| Told {
            key: sent.key,
            destination: sent.destination,
            keys: sent.keys,
            shown: sent.shown,
            calm: sent.calm,
            state: RoundState::Sent,
            reason: None,
            planned_at: self.now,
        });
        self.told.extend(told);
    }

    /// What is wrong now has just been seen.
    pub fn opened_now(&mut self, catalog: &Catalog) {
        self.standing(catalog);
        self.opened.values_mut().for_each(|opened| *opened = self.now);
    }

    /// Plans what is due, and tells it.
    pub fn hold(&mut self, catalog: &Catalog) -> Round {
        let round = self.plan_for(catalog, Occasion::Due);
        self.tell(&round);
        round
    }
}

/// Who hears something, where.
pub fn heard(round: &Round) -> Vec<String> {
    round.messages.iter().map(|message| format!("{} in {}", message.team, message.sent.destination)).collect()
}
