//! Who is on call, as the providers said last, and which schedule an entity is under.
//! Must not say it in words.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, Entity, EntityRef, Kind, RelationType, people::AccountKind};

/// PagerDuty's name in a [`ScheduleKey`].
pub const PAGERDUTY: &str = "pagerduty";
/// The generic provider's.
pub const HTTP: &str = "http";

/// A provider's own name for what somebody is on call for: a PagerDuty service, a schedule of the generic provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScheduleKey {
    /// `pagerduty` or `http`.
    pub provider: String,
    /// What the entity's annotation holds.
    pub id: String,
}

/// Everything that was read, with its age; kept on disk over a restart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OnCall {
    /// Those that are set up.
    pub providers: Vec<Provider>,
    #[serde(with = "as_pairs")]
    pub shifts: BTreeMap<ScheduleKey, Shift>,
}

/// A provider that is set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// `pagerduty` or `http`.
    pub name: String,
    /// Annotations that name a schedule of it; the first that an entity has counts.
    pub annotations: Vec<String>,
    /// Why nobody can be paged through it; `None`: somebody can.
    pub cannot_page: Option<String>,
}

/// One schedule as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// By order of escalation; empty: nobody is.
    pub now: Vec<OnCallPerson>,
    /// When the present ones are relieved.
    pub until: Option<DateTime<Utc>>,
    pub next: Vec<OnCallPerson>,
    /// When those begin, where that is known.
    #[serde(default)]
    pub next_from: Option<DateTime<Utc>>,
    /// Where the schedule stands.
    pub url: Option<String>,
    /// What the provider calls it.
    #[serde(default)]
    pub title: Option<String>,
    /// The provider's own number of what is paged, where the annotation holds another name of it.
    #[serde(default)]
    pub outside_id: Option<String>,
    /// When the provider last answered; `None`: it never has.
    pub read_at: Option<DateTime<Utc>>,
    /// Why the last try failed; what stands above is then older.
    pub fault: Option<String>,
}

impl Shift {
    /// Nothing is known, and why.
    pub fn unknown(fault: String) -> Self {
        Self {
            now: Vec::new(),
            until: None,
            next: Vec::new(),
            next_from: None,
            url: None,
            title: None,
            outside_id: None,
            read_at: None,
            fault: Some(fault),
        }
    }
}

/// A person as the provider knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnCallPerson {
    pub name: String,
    /// Ties them to a User of the catalog.
    pub email: Option<String>,
    /// The provider's own number of them.
    pub outside_id: Option<String>,
    pub url: Option<String>,
    /// The User of the catalog that they are, as far as that is known.
    #[serde(default)]
    pub user: Option<EntityRef>,
    /// The step of the escalation, from 1.
    #[serde(default = "first_level")]
    pub level: u32,
}

fn first_level() -> u32 {
    1
}

/// The schedule that an entity is under, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub key: ScheduleKey,
    pub by: EntityRef,
    pub says: Says,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    Own,
    /// The system it is part of.
    System,
    /// The team or person that owns it.
    Owner,
}

impl OnCall {
    pub fn find(&self, key: &ScheduleKey) -> Option<&Shift> {
        self.shifts.get(key)
    }

    pub fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.name == name)
    }

    /// The schedule that this entity itself names.
    pub fn own_schedule(&self, entity: &Entity) -> Option<ScheduleKey> {
        self.providers.iter().find_map(|provider| {
            let id = provider.annotations.iter().find_map(|annotation| entity.annotation(annotation))?.trim();
            Some(ScheduleKey { provider: provider.name.clone(), id: id.to_owned() })
        })
    }

    /// The nearest schedule: its own, its system's, its owner's.
    pub fn schedule_of(&self, catalog: &Catalog, entity: &Entity) -> Option<Named> {
        if self.providers.is_empty() {
            return None;
        }
        let named = |entity: &Entity, says| {
            let key = self.own_schedule(entity)?;
            Some(Named { key, by: entity.entity_ref.clone(), says })
        };
        let of = |entity_ref: &EntityRef, says| named(&catalog.find(entity_ref)?.entity, says);
        named(entity, Says::Own)
            .or_else(|| {
                let systems = match entity.kind {
                    Kind::Group | Kind::User => Vec::new(),
                    _ => catalog.related(&entity.entity_ref, RelationType::PartOf),
                };
                systems.iter().find_map(|system| of(system, Says::System))
            })
            .or_else(|| of(entity.owner()?, Says::Owner))
    }

    /// Ties people to Users: by a proven account, else by an address that one User alone writes into their entry. That
    /// says who is meant, as the entry's author does; it gives nobody a right.
    #[must_use]
    pub fn tied(mut self, catalog: &Catalog) -> Self {
        let mut by_email: HashMap<String, Option<&EntityRef>> = HashMap::new();
        for entity in catalog.entries().iter().map(|entry| &entry.entity).filter(|entity| entity.kind == Kind::User) {
            let Some(email) = &entity.email else { continue };
            let user = catalog.primary(&entity.entity_ref);
            let slot = by_email.entry(email.trim().to_lowercase()).or_insert(Some(user));
            if *slot != Some(user) {
                *slot = None;
            }
        }
        for (key, shift) in &mut self.shifts {
            for person in shift.now.iter_mut().chain(&mut shift.next) {
                let number = person.outside_id.as_deref().filter(|_| key.provider == PAGERDUTY);
                let proven = number
                    .and_then(|id| catalog.find_person_by_account(AccountKind::Pagerduty, id))
                    .or_else(|| catalog.find_person_by_account(AccountKind::Email, person.email.as_deref()?));
                let written = || *by_email.get(&person.email.as_ref()?.trim().to_lowercase())?;
                person.user = proven.or_else(written).cloned();
            }
        }
        self
    }

    /// All schedules that the catalog names, each once, sorted.
    pub fn wanted(&self, catalog: &Catalog) -> Vec<ScheduleKey> {
        let mut keys: Vec<_> = catalog.entries().iter().filter_map(|entry| self.own_schedule(&entry.entity)).collect();
        keys.sort();
        keys.dedup();
        keys
    }
}

/// JSON has no keys but texts.
mod as_pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::{ScheduleKey, Shift};

    pub(super) fn serialize<S: Serializer>(shifts: &BTreeMap<ScheduleKey, Shift>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(shifts)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<ScheduleKey, Shift>, D::Error> {
        Ok(Vec::<(ScheduleKey, Shift)>::deserialize(deserializer)?.into_iter().collect())
    }
}
