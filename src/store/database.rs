//! Which database: one that was given, or a private one that is started when it is first needed.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use secrecy::SecretString;

use super::{Durability, PrivateError, PrivatePostgres};

#[derive(Debug)]
pub enum Database {
    Given(SecretString),
    Private { data_dir: PathBuf, server: OnceLock<PrivatePostgres> },
}

impl Database {
    /// The one of the address, else a private one under the data folder, not started yet.
    pub fn new(url: Option<&SecretString>, data_dir: &Path) -> Self {
        match url {
            Some(url) => Self::Given(url.clone()),
            None => Self::Private { data_dir: data_dir.to_owned(), server: OnceLock::new() },
        }
    }

    /// How to connect. Starts a private server where it does not run.
    ///
    /// Blocking: up to two seconds where it is made for the first time, longer for recovery after a crash.
    pub fn ensure_running(&self) -> Result<SecretString, PrivateError> {
        match self {
            Self::Given(url) => Ok(url.clone()),
            Self::Private { data_dir, server } => {
                let started = match server.get() {
                    Some(started) => {
                        started.ensure_running()?;
                        started
                    }
                    None => {
                        let started = PrivatePostgres::start(data_dir, Durability::Full)?;
                        server.get_or_init(|| started)
                    }
                };
                Ok(started.url())
            }
        }
    }

    /// Stops a private server that no other Steward uses. Blocking, 0.2 s.
    pub fn stop(self) {
        match self {
            Self::Given(_) => {}
            Self::Private { server, .. } => {
                if let Some(server) = server.into_inner() {
                    server.stop();
                }
            }
        }
    }
}
