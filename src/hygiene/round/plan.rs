//! Who hears what in a round, and who hears nothing and why: a pure function of what is known.
//! Must not read or write anything.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};

use super::{
    MOST_SPELT_OUT, NOBODY, Named, Occasion, Planned, Round, Scene, Withheld,
    gate::{Gate, Silence},
    hours::{Hours, RoundDay},
    ledger,
    message::{self, Below, Said},
    route::{Via, route},
};
use crate::{
    catalog::{EntityRef, RelationType},
    hygiene::{
        check::{Severity, is_production},
        standing::Standing,
    },
    settings::Rhythm,
    store::{HandState, NewRoundMessage, RoundState, Told, up},
};

/// Of what was named before without being spelt out, so many are spelt out where nothing is new.
const FROM_BEFORE: usize = 3;

/// No team hears more often in a month, however many weeks it has.
const MOST_A_MONTH: usize = 4;

/// Two rounds are not this close to one another: what was told so shortly before one opens stands for it.
const APART: TimeDelta = TimeDelta::days(3);

/// A round that was put off is not held where the next one opens so soon.
const NEAR: TimeDelta = TimeDelta::days(1);

/// Thanks come with the round, or not at all.
const THANKS_WITHIN: TimeDelta = TimeDelta::hours(6);

/// Weeks until the next telling, by how often nothing was new before: weekly, then fortnightly, then monthly. Each twice,
/// since with owners who answer half of what they are asked twice as much would stay open if it were once.
const SLOWER: [i64; 5] = [1, 1, 2, 2, 4];

/// Groups above a team that are looked at; more is a circle.
const MOST_LEVELS: usize = 10;

/// Plans a round. What is left alone, or in the hands of people who settle it, is in no message.
pub fn plan(scene: &Scene<'_>, occasion: Occasion<'_>) -> Round {
    let mut planner = Planner::new(scene, occasion);
    let mut open: Vec<(String, Open<'_>)> = planner.gather().into_iter().collect();
    // Where there is room for some messages only, the gravest go.
    open.sort_by(|(one, a), (other, b)| b.gravest().cmp(&a.gravest()).then_with(|| one.cmp(other)));
    for (team, open) in &open {
        if occasion.concerns(open.team.as_ref()) {
            planner.decide(team, open);
        }
    }
    planner.round
}

/// What is open for one owner.
#[derive(Debug, Default)]
struct Open<'a> {
    /// `None`: nobody answers for it.
    team: Option<EntityRef>,
    /// To be asked for, the gravest first.
    asked: Vec<&'a Standing>,
    /// Open, and not asked for now.
    silent: usize,
    below: Vec<Below<'a>>,
}

impl Open<'_> {
    fn gravest(&self) -> Option<Severity> {
        let below = (!self.below.is_empty()).then_some(Severity::Critical);
        self.asked.first().map(|standing| standing.finding.severity).max(below)
    }
}

struct Planner<'a> {
    scene: &'a Scene<'a>,
    occasion: Occasion<'a>,
    gate: Gate<'a>,
    round: Round,
}

impl<'a> Planner<'a> {
    fn new(scene: &'a Scene<'a>, occasion: Occasion<'a>) -> Self {
        let hours = Hours::usual(scene.settings);
        let day = hours.round_at(scene.now).day;
        let asked_on = (occasion != Occasion::Due).then(|| scene.now.with_timezone(&hours.zone).date_naive());
        let round = Round { day, asked_on, messages: Vec::new(), withheld: Vec::new(), changes: Vec::new() };
        Self { scene, occasion, gate: Gate::new(scene, occasion), round }
    }

    /// What is open, by the ledger's name of whose it is; also those who were told something and have nothing open now.
    fn gather(&self) -> BTreeMap<String, Open<'a>> {
        let mut all: BTreeMap<String, Open<'a>> = BTreeMap::new();
        let known = self.gate.ledger.teams().filter_map(|team| EntityRef::parse(team, None, "default").ok());
        for team in known.filter(|team| self.scene.catalog.find(team).is_some()) {
            all.insert(team.to_string(), Open { team: Some(team), ..Open::default() });
        }
        let hands: BTreeMap<&str, _> = self.scene.hands.iter().map(|hand| (hand.key.as_str(), hand)).collect();
        let mut cuts = BTreeMap::new();
        for standing in self.scene.standing {
            let key = standing.key();
            let hand = hands.get(key.as_str());
            let holder = match hand.map(|hand| (hand.state, &hand.to)) {
                Some((HandState::Asked | HandState::Accepted, Some(to))) => Some(to.clone()),
                Some((HandState::Declined, _)) | None => standing.owner.clone(),
                // It is with the people who settle such things.
                Some((HandState::Asked | HandState::Accepted | HandState::Escalated, _)) => continue,
            };
            let name = holder.as_ref().map_or(NOBODY, EntityRef::as_str).to_owned();
            let cut = *cuts.entry(name.clone()).or_insert_with(|| self.cut(holder.as_ref()));
            let open = all.entry(name).or_insert_with(|| Open { team: holder, ..Open::default() });
            let is_early = || cut.is_some_and(|cut| standing.opened_at.is_none_or(|opened| opened > cut));
            if standing.rest.is_some() || self.scene.in_fixes.contains(&key) || is_early() {
                open.silent += 1;
            } else {
                open.asked.push(standing);
            }
        }
        self.tell_above(&mut all);
        all
    }

    /// What was opened after this belongs to a later round.
    fn cut(&self, team: Option<&EntityRef>) -> Option<chrono::DateTime<chrono::Utc>> {
        match self.occasion {
            Occasion::ByHand(_) | Occasion::ByHandForNobody => None,
            Occasion::Due => {
                let opens_at = self.gate.hours(team).round_at(self.scene.now).opens_at;
                Some(self.scene.begun_at.map_or(opens_at, |begun| begun.max(opens_at)))
            }
        }
    }

    /// Puts what teams have left open for too many rounds beside what the group above them hears, once.
    fn tell_above(&self, all: &mut BTreeMap<String, Open<'a>>) {
        let after = self.scene.settings.escalate_after as usize;
        let Some(platform) = self.scene.platform.filter(|_| after > 0) else { return };
        let mut above = Vec::new();
        for (name, open) in all.iter() {
            let Some(team) = &open.team else { continue };
            let is_grave = |standing: &&&Standing| standing.is_critical() && self.is_in_production(&standing.finding.entity);
            for standing in open.asked.iter().filter(is_grave) {
                let key = standing.key();
                let rounds = self.gate.ledger.rounds_with(name, &key);
                if rounds < after {
                    continue;
                }
                let Some(parent) = self.group_above(team, platform) else { continue };
                if !self.gate.ledger.spelt_out(parent.as_str()).contains(up(&key).as_str()) {
                    above.push((parent, Below { standing, team: team.clone(), rounds }));
                }
            }
        }
        for (parent, below) in above {
            let open = all.entry(parent.to_string()).or_insert_with(|| Open { team: Some(parent), ..Open::default() });
            open.below.push(below);
        }
    }

    fn is_in_production(&self, entity: &EntityRef) -> bool {
        self.scene.catalog.find(entity).is_some_and(|entry| is_production(&entry.entity))
    }

    /// The nearest group above that is reached somewhere else.
    fn group_above(&self, team: &EntityRef, platform: crate::chat::Platform) -> Option<EntityRef> {
        let place = |team: &EntityRef| route(self.scene.catalog, self.scene.settings, platform, team).first;
        let own = place(team);
        let mut level = self.scene.catalog.related(team, RelationType::ChildOf);
        for _ in 0..MOST_LEVELS {
            let found = level.iter().find(|group| {
                let places = place(group);
                places.first().is_some_and(|first| first.via != Via::CatchAll) && places != own
            });
            if let Some(group) = found {
                return Some(group.clone());
            }
            level = level.iter().flat_map(|group| self.scene.catalog.related(group, RelationType::ChildOf)).collect();
        }
        None
    }

    fn decide(&mut self, team: &str, open: &Open<'a>) {
        match self.try_plan(team, open) {
            Ok(messages) => self.round.messages.extend(messages),
            Err(Silence::Nothing) => {}
            Err(Silence::Because(reason)) => self.round.withheld.push(Withheld { team: team.to_owned(), reason }),
        }
    }

    fn try_plan(&mut self, team: &str, open: &Open<'a>) -> Result<Vec<Planned>, Silence> {
        let hours = self.gate.hours(open.team.as_ref());
        let round = hours.round_at(self.scene.now);
        let last = self.gate.ledger.last(team);
        let is_clean = open.asked.is_empty() && open.below.is_empty();
        if is_clean && !self.deserves_thanks(open, last, &round) {
            return Err(Silence::Nothing);
        }
        let news: Vec<&&Standing> = open.asked.iter().filter(|standing| is_new(standing, last)).collect();
        let is_news = !news.is_empty() || !open.below.is_empty();
        self.allow(team, &hours, &round)?;
        if self.occasion == Occasion::Due {
            self.keep_rhythm(team, &hours, &round, last, is_news || is_clean)?;
        }
        let team_ref = open.team.as_ref();
        self.gate.heed_incidents(team_ref)?;
        let route = self.gate.reach(team_ref)?;
        let places = self.gate.heed_cap(team_ref, &route)?;
        let calm = last.filter(|_| !is_news).map_or(0, |last| last.calm + 1);
        let spelt = self.spell_out(team, open, last, is_news);
        let label = message::label(self.scene.catalog, team);
        let first_place = places.first().map(|place| &place.via);
        let said = Said { team, label: &label, spelt: &spelt, asked: &open.asked, below: &open.below, via: first_place };
        let reply = message::compose(self.scene, &said);
        let planned = places.iter().map(|place| {
            let hearer = place.via.hearer().map(EntityRef::as_str);
            let from_below = open.below.iter().map(|below| up(&below.standing.key()));
            let sent = NewRoundMessage {
                key: ledger::key(team, hearer, round.day),
                platform: self.gate.platform(),
                destination: place.to.clone(),
                others: route.others.iter().map(|place| place.to.clone()).collect(),
                any_hour: self.occasion != Occasion::Due,
                calm,
                reply: reply.clone(),
                keys: open.asked.iter().map(|standing| standing.key()).collect(),
                shown: spelt.iter().map(|standing| standing.key()).chain(from_below).collect(),
            };
            Planned { team: team.to_owned(), findings: open.asked.iter().map(|standing| named(standing)).collect(), sent }
        });
        Ok(planned.collect())
    }

    fn deserves_thanks(&self, open: &Open<'_>, last: Option<&Told>, round: &RoundDay) -> bool {
        let is_time = self.scene.now - round.opens_at < THANKS_WITHIN;
        self.occasion == Occasion::Due && is_time && open.silent == 0 && last.is_some_and(|last| !last.keys.is_empty())
    }

    fn allow(&self, team: &str, hours: &Hours<'_>, round: &RoundDay) -> Result<(), Silence> {
        self.gate.heed_switch(hours)?;
        if let Some(told) = self.gate.ledger.of_round(team, round, APART) {
            return Err(Silence::Because(heard_of(told, hours, round)));
        }
        let next = hours.round_after(round);
        if self.occasion == Occasion::Due && next.opens_at - self.scene.now < NEAR {
            return Err(Silence::Because(format!("hears in the round of {}, which is near", said(next.day))));
        }
        self.gate.heed_hours(hours)
    }

    fn keep_rhythm(
        &self,
        team: &str,
        hours: &Hours<'_>,
        round: &RoundDay,
        last: Option<&Told>,
        is_news: bool,
    ) -> Result<(), Silence> {
        let because = |reason: String| Err(Silence::Because(reason));
        let Some(last) = last else { return Ok(()) };
        let base = match hours.every {
            Rhythm::Weekly | Rhythm::Never => 1,
            Rhythm::Fortnightly => 2,
            Rhythm::Monthly => 4,
        };
        let slower = SLOWER[(last.calm as usize).min(SLOWER.len() - 1)];
        let weeks = if is_news { base } else { base.max(slower) };
        let told: Option<NaiveDate> = last.key.round.parse().ok();
        // A team whose day was moved by a day or two has not lost a week by it.
        if told.is_some_and(|told| (round.day - told).num_days() < weeks * 7 - APART.num_days()) {
            let next = told.map(|told| told + TimeDelta::weeks(weeks)).map(said).unwrap_or_default();
            return because(match is_news {
                true => format!("hears again in the round of {next}"),
                false => format!("nothing is new; hears again in the round of {next}"),
            });
        }
        if self.gate.ledger.rounds_in_month(team, self.scene.now, hours.zone) >= MOST_A_MONTH {
            return because(format!("has heard {MOST_A_MONTH} times this month"));
        }
        Ok(())
    }

    /// What is critical, what is new and what was never spelt out, the gravest first.
    fn spell_out(&self, team: &str, open: &Open<'a>, last: Option<&Told>, is_news: bool) -> Vec<&'a Standing> {
        let before = self.gate.ledger.spelt_out(team);
        let (news, rest): (Vec<&Standing>, Vec<&Standing>) = open.asked.iter().partition(|standing| is_new(standing, last));
        let (critical, news): (Vec<&Standing>, Vec<&Standing>) = news.into_iter().partition(|standing| standing.is_critical());
        // What is critical is no line among others, however often it was said.
        let (still_critical, rest): (Vec<&Standing>, Vec<&Standing>) =
            rest.into_iter().partition(|standing| standing.is_critical());
        let rest = rest.into_iter().filter(|standing| !before.contains(standing.key().as_str()));
        let critical: Vec<&Standing> = critical.into_iter().chain(still_critical).take(MOST_SPELT_OUT).collect();
        let most = if is_news { MOST_SPELT_OUT } else { FROM_BEFORE.max(critical.len()) };
        let mut spelt: Vec<&Standing> = critical.into_iter().chain(news).chain(rest).take(most).collect();
        spelt.sort_by_key(|standing| std::cmp::Reverse(standing.finding.severity));
        spelt
    }
}

/// Whether it was not open when the team was told last, or has been mended and broken again since.
fn is_new(standing: &Standing, last: Option<&Told>) -> bool {
    let Some(last) = last else { return true };
    !last.keys.contains(&standing.key()) || standing.opened_at.is_some_and(|opened| opened > last.planned_at)
}

fn named(standing: &Standing) -> Named {
    let finding = &standing.finding;
    Named {
        id: standing.key(),
        check: finding.check.id,
        severity: finding.severity.as_str(),
        entity: finding.entity.to_string(),
        called: finding.own_name(),
    }
}

/// Why a team that stands in the ledger of a round does not hear in it.
fn heard_of(told: &Told, hours: &Hours<'_>, round: &RoundDay) -> String {
    let told_of: Option<NaiveDate> = told.key.round.parse().ok();
    let day = told_of.map_or_else(|| told.key.round.clone(), said);
    match (&told.state, told_of) {
        (RoundState::Lost, _) => {
            let why = told.reason.as_deref().unwrap_or("it is not known why");
            format!("could not be told in the round of {day}: {why}")
        }
        (_, Some(before)) if before < round.day => {
            let at = told.planned_at.with_timezone(&hours.zone).date_naive();
            format!("has heard on {}, shortly before the round of {}", said(at), said(round.day))
        }
        _ => format!("has heard in the round of {day}"),
    }
}

/// "Tuesday, 24 November".
fn said(day: NaiveDate) -> String {
    day.format("%A, %-d %B").to_string()
}
