//! Where a run's secrets are entered: an address that is good for one run, once, and for a day.

use chrono::{DateTime, TimeDelta, Utc};

use super::App;
use crate::{
    seal::Seal,
    store::{Run, RunId},
};

/// Whoever asked for a run is at the keyboard; a day is for those whom a colleague has to ask.
const GOOD_FOR: TimeDelta = TimeDelta::hours(24);

/// Why secrets cannot be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSecrets {
    #[error("scaffolder.secret_key is not set, so secrets cannot be kept")]
    NoKey,
    #[error("server.public_url is not set, so there is no page to enter secrets on")]
    NoAddress,
}

/// What a run's secrets are sealed about: another run's cannot be put in their place.
pub fn sealed_about(run: &Run) -> String {
    format!("run {}", run.marker)
}

impl App {
    /// Whether this set-up can take secrets.
    pub fn check_secrets(&self) -> Result<(), NoSecrets> {
        self.secret_door().map(|_| ())
    }

    /// The page on which whoever asked for the run enters its secrets; for their eyes alone.
    pub fn secret_page(&self, run: &Run) -> Result<String, NoSecrets> {
        let (seal, public_url) = self.secret_door()?;
        let until = (run.created_at + GOOD_FOR).timestamp();
        let signature = seal.sign(&signed(run.id, until));
        Ok(format!("{}/secrets/{}/{until}/{signature}", public_url.trim_end_matches('/'), run.id))
    }

    /// What secrets are kept with, and where people reach this server.
    fn secret_door(&self) -> Result<(&Seal, &str), NoSecrets> {
        let seal = self.seal.as_ref().ok_or(NoSecrets::NoKey)?;
        let public_url = self.settings.server.public_url.as_deref().ok_or(NoSecrets::NoAddress)?;
        Ok((seal, public_url))
    }

    /// Whether an address of such a page was made here, and is still good.
    pub fn is_secret_page(&self, id: RunId, until: i64, signature: &str, now: DateTime<Utc>) -> bool {
        let is_signed = self.seal.as_ref().is_some_and(|seal| seal.is_signed(&signed(id, until), signature));
        is_signed && now.timestamp() <= until
    }
}

fn signed(id: RunId, until: i64) -> String {
    format!("secrets of run {id} until {until}")
}
