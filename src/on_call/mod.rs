//! Who is on call, asked of the providers that are set up, and pages sent through them.
//! Must not know the catalog's entities: it is told which schedules are wanted.

mod ask;
mod generic;
mod pagerduty;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::{DateTime, Utc};

use crate::{
    catalog::live::{HTTP, OnCall, PAGERDUTY, Provider, ScheduleKey, Shift},
    settings::OnCallSettings,
};
use generic::Generic;
use pagerduty::PagerDuty;

/// What a whole round may take of a provider: less than the minute until the next one.
const ROUND: Duration = Duration::from_secs(45);

/// What was found of each schedule, or why it could not be.
type Found = BTreeMap<ScheduleKey, Result<Shift, String>>;

/// The providers, connected. Cheap to ask often: what changes seldom is remembered.
#[derive(Debug)]
pub struct Providers {
    pagerduty: Option<PagerDuty>,
    generic: Option<Generic>,
    described: Vec<Provider>,
}

/// Somebody is to be woken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<'a> {
    pub schedule: &'a ScheduleKey,
    /// The provider's own number, where the schedule's annotation holds another name.
    pub outside_id: Option<&'a str>,
    pub title: &'a str,
    pub details: &'a str,
    /// The entity's reference.
    pub entity: &'a str,
    pub requested_by: &'a str,
    /// The same at each attempt, so that nobody is woken twice.
    pub key: &'a str,
}

/// What a provider made of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paged {
    /// The incident's.
    pub url: Option<String>,
    /// Who the provider says it has woken.
    pub assigned: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Nobody knows whether it got through; it is safe to try again.
    #[error("{0}")]
    Passing(String),
    #[error("{0}")]
    Refused(String),
}

/// What the settings set up, without asking anybody.
pub fn describe(settings: &OnCallSettings) -> Vec<Provider> {
    let pagerduty = settings.pagerduty.as_ref().map(|pagerduty| Provider {
        name: PAGERDUTY.to_owned(),
        annotations: pagerduty::ANNOTATIONS.map(str::to_owned).to_vec(),
        cannot_page: pagerduty.from.is_none().then(|| {
            "PagerDuty opens incidents in the name of a user; write their e-mail address under on_call.pagerduty.from in \
             steward.yaml"
                .to_owned()
        }),
    });
    let generic = settings.http.as_ref().map(|http| Provider {
        name: HTTP.to_owned(),
        annotations: vec![http.annotation.clone()],
        cannot_page: http.page_url.is_none().then(|| {
            "the address that wakes somebody is not set; write it under on_call.http.page_url in steward.yaml".to_owned()
        }),
    });
    pagerduty.into_iter().chain(generic).collect()
}

impl Providers {
    /// `Err` says which setting cannot be used.
    pub fn connect(settings: &OnCallSettings) -> Result<Self, String> {
        Ok(Self {
            pagerduty: settings.pagerduty.as_ref().map(PagerDuty::connect).transpose()?,
            generic: settings.http.as_ref().map(Generic::connect).transpose()?,
            described: describe(settings),
        })
    }

    /// Those that are set up.
    pub fn described(&self) -> &[Provider] {
        &self.described
    }

    /// Asks for all schedules that are wanted. What cannot be had keeps its last answer, with its age and the fault.
    pub async fn read(&self, wanted: &[ScheduleKey], known: &OnCall, now: DateTime<Utc>) -> OnCall {
        let of = |provider: &str| -> BTreeSet<&str> {
            wanted.iter().filter(|key| key.provider == provider).map(|key| key.id.as_str()).collect()
        };
        let (wanted_services, wanted_schedules) = (of(PAGERDUTY), of(HTTP));
        let (mut services, mut schedules) = (Found::new(), Found::new());
        let pagerduty = async {
            if let Some(pagerduty) = &self.pagerduty {
                let asked = pagerduty.read(&wanted_services, now, &mut services);
                let _ = tokio::time::timeout(ROUND, asked).await;
            }
        };
        let generic = async {
            if let Some(generic) = &self.generic {
                let asked = generic.read(&wanted_schedules, now, &mut schedules);
                let _ = tokio::time::timeout(ROUND, asked).await;
            }
        };
        tokio::join!(pagerduty, generic);
        services.append(&mut schedules);
        let late = || Err("it did not answer in time".to_owned());
        let shifts = wanted.iter().map(|key| {
            let shift = services.remove(key).unwrap_or_else(late).unwrap_or_else(|fault| match known.find(key) {
                Some(known) => Shift { fault: Some(fault), ..known.clone() },
                None => Shift::unknown(fault),
            });
            (key.clone(), shift)
        });
        OnCall { providers: self.described.clone(), shifts: shifts.collect() }
    }

    /// Wakes whoever is on call.
    pub async fn page(&self, page: &Page<'_>) -> Result<Paged, PageError> {
        let absent = || PageError::Refused("the provider is not set up any more".to_owned());
        match page.schedule.provider.as_str() {
            PAGERDUTY => self.pagerduty.as_ref().ok_or_else(absent)?.page(page).await,
            _ => self.generic.as_ref().ok_or_else(absent)?.page(page).await,
        }
    }
}
