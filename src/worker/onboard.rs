//! First days: who has joined is offered theirs, owners are asked for what was not found, and what is there now is answered.
//! Must not decide what is said: hygiene does.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::Worker;
use crate::{
    catalog::{
        Catalog, EntityRef,
        live::{DayOne, NotFound},
    },
    commands::onboard::trace::trace,
    hygiene::{
        onboard::{MOST_ASKED, answered, ask, asked_of, joined, services, welcome},
        round::{Asides, Scene, Word, look_at},
    },
    store::{Membership, Missing, MissingId, StoreError},
};

/// What has changed is looked for this often.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Whoever joined longer ago has found their way.
const OFFERED_WITHIN: TimeDelta = TimeDelta::days(14);

/// What is not found one after the other is one message.
const GATHERED_FOR: TimeDelta = TimeDelta::minutes(10);

/// The catalog whose memberships were written down last.
pub(super) type Noted = Mutex<Option<Arc<Catalog>>>;

impl Worker {
    /// Looks after first days and the hygiene week until told to stop.
    pub(super) async fn keep_onboarding(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let held = match self.hold_onboarding().await {
                Ok(()) => self.hold_week().await,
                Err(error) => Err(error),
            };
            match held {
                // Whoever follows the catalog has said that it is away.
                Ok(()) | Err(StoreError::Away(_) | StoreError::Claimed) => {}
                Err(StoreError::Failed(fault)) => {
                    error!(fault = format!("{fault:#}"), "first days and the hygiene week could not be looked after")
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Writes down who has joined, offers and asks what may be said now, and closes what is there.
    pub async fn hold_onboarding(&self) -> Result<(), StoreError> {
        if !self.knows_all().await? {
            return Ok(());
        }
        let catalog = self.app.catalog.load();
        self.note_joined(&catalog).await?;
        let missing = self.close_what_is_there(&catalog).await?;
        self.say_what_is_due(&catalog, &missing).await?;
        self.read_said().await
    }

    /// Brings what people have said into memory and metrics.
    pub(super) async fn read_said(&self) -> Result<(), StoreError> {
        let store = &self.app.store;
        let mut not_found: BTreeMap<EntityRef, Vec<NotFound>> = BTreeMap::new();
        for Missing { said, said_at, .. } in store.load_missing().await? {
            let missing = NotFound { step: said.step, by: said.name, at: said_at };
            not_found.entry(said.entity).or_default().push(missing);
        }
        let (day_one, judged) = (store.count_day_one().await?, store.load_judged().await?);
        self.app.live.change_coverage(|coverage| {
            coverage.not_found.clone_from(&not_found);
            coverage.day_one = Some(day_one);
            coverage.judged.clone_from(&judged);
        });
        let gauge = |name: &'static str, value: usize| metrics::gauge!(name).set(value as f64);
        let DayOne { newcomers, steps_seen, not_found, still_open } = day_one;
        gauge("steward_onboarding_newcomers", newcomers);
        gauge("steward_onboarding_steps_seen", steps_seen);
        gauge("steward_onboarding_not_found", not_found);
        gauge("steward_onboarding_not_found_open", still_open);
        Ok(())
    }

    async fn note_joined(&self, catalog: &Arc<Catalog>) -> Result<(), StoreError> {
        let is_noted = |noted: &Option<Arc<Catalog>>| noted.as_ref().is_some_and(|noted| Arc::ptr_eq(noted, catalog));
        if is_noted(&self.members_noted.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        let known = self.app.store.load_known_members().await?;
        let (new, sources) = joined(catalog, &known, self.app.clock.now());
        let has_new_source = sources.iter().any(|source| !known.sources.contains(source));
        if !new.is_empty() || has_new_source {
            self.app.store.note_members(&new, &sources).await?;
            let joined = new.iter().filter(|new| new.joined_at.is_some()).count();
            info!(known = new.len() - joined, joined, "who is in which team was written down");
        }
        *self.members_noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(catalog));
        Ok(())
    }

    /// Closes what was not found where the catalog has something else now, or nothing of that name; gives what stays open.
    async fn close_what_is_there(&self, catalog: &Arc<Catalog>) -> Result<Vec<Missing>, StoreError> {
        let (app, now) = (&self.app, self.app.clock.now());
        let mut open = Vec::new();
        let mut there = Vec::new();
        for missing in app.store.load_missing().await? {
            match catalog.find(&missing.said.entity) {
                Some(entry) => {
                    let has = trace(catalog, &app.live.load(), &app.links, missing.said.step, entry);
                    if has.is_empty() || has == missing.said.trace { open.push(missing) } else { there.push((missing, true)) }
                }
                None => there.push((missing, false)),
            }
        }
        if there.is_empty() {
            return Ok(open);
        }
        let look = look_at(app, Arc::clone(catalog), Vec::new()).await?;
        let scene = look.scene(app);
        let asides = Asides::new(&scene);
        for (missing, is_there) in there {
            let message = asides.as_ref().filter(|_| is_there).and_then(|asides| {
                let (team, person) = (asked_of(catalog, &missing)?, missing.said.person.as_ref()?);
                let once = missing.id.0.to_string();
                let word = Word { about: "answers", once: &once, reply: answered(catalog, &missing, None) };
                asides.answer(&team, catalog.primary(person), &word)
            });
            app.store.close_missing(missing.id, None, message.as_ref(), now).await?;
        }
        Ok(open)
    }

    async fn say_what_is_due(&self, catalog: &Arc<Catalog>, missing: &[Missing]) -> Result<(), StoreError> {
        let (app, now) = (&self.app, self.app.clock.now());
        let joined = match app.settings.hygiene.offer_first_day {
            true => app.store.load_joined(now - OFFERED_WITHIN).await?,
            false => Vec::new(),
        };
        let due = by_owner(catalog, missing, now);
        if joined.is_empty() && due.is_empty() {
            return Ok(());
        }
        let look = look_at(app, Arc::clone(catalog), Vec::new()).await?;
        let scene = look.scene(app);
        let Some(mut asides) = Asides::new(&scene) else { return Ok(()) };
        self.offer(&scene, &mut asides, &joined).await?;
        for (owner, missing) in due {
            let missing = &missing[..missing.len().min(MOST_ASKED)];
            let ids: Vec<MissingId> = missing.iter().map(|missing| missing.id).collect();
            let (Some(reply), Some(first)) = (ask(catalog, owner.as_ref(), missing), ids.first()) else { continue };
            let once = first.0.to_string();
            let messages = asides.tell(owner.as_ref(), &Word { about: "looked-for", once: &once, reply });
            if !messages.is_empty() {
                app.store.ask_for_missing(&ids, &messages, now).await?;
            }
        }
        Ok(())
    }

    async fn offer(&self, scene: &Scene<'_>, asides: &mut Asides<'_>, joined: &[Membership]) -> Result<(), StoreError> {
        for of in joined {
            // Of a team that runs nothing there is nothing to show.
            if services(scene.catalog, &of.team).is_empty() || scene.catalog.find(&of.person).is_none() {
                continue;
            }
            let word = Word { about: "welcome", once: "day one", reply: welcome(scene.catalog, of) };
            if let Some(message) = asides.tell_person(&of.team, &of.person, &word) {
                self.app.store.offer_day_one(of, &message, scene.now).await?;
            }
        }
        Ok(())
    }
}

/// What is to be asked for, by who answers for it; what somebody is still looking for waits.
fn by_owner<'m>(catalog: &Catalog, missing: &'m [Missing], now: DateTime<Utc>) -> BTreeMap<Option<EntityRef>, Vec<&'m Missing>> {
    let mut due: BTreeMap<Option<EntityRef>, Vec<&Missing>> = BTreeMap::new();
    for missing in missing.iter().filter(|missing| missing.asked_at.is_none()) {
        due.entry(asked_of(catalog, missing)).or_default().push(missing);
    }
    due.retain(|_, missing| missing.iter().all(|missing| now - missing.said_at >= GATHERED_FOR));
    due
}
