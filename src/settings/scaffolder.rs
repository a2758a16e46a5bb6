//! How Software Templates are run. Plain values; what they mean is the scaffolder's.

use std::{path::PathBuf, time::Duration};

use regex::Regex;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

/// The source by which what runs have put into [`ScaffolderSettings::publish_folder`] is read.
pub const PUBLISHED: &str = "published";

/// `scaffolder:` of the configuration.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScaffolderSettings {
    /// Secrets that a run needs are kept encrypted with it until the run's end: at least 32 letters, from `openssl rand -hex 32`.
    /// Without it templates that ask for secrets are refused.
    #[schemars(with = "Option<String>")]
    pub secret_key: Option<SecretString>,
    /// Hosts that templates may fetch files from and send requests to, besides GitHub's: `api.example.com`.
    pub allowed_hosts: Vec<String>,
    /// How long one step may take: `10m`.
    #[serde(deserialize_with = "super::read::duration")]
    #[schemars(with = "String")]
    pub step_timeout: Duration,
    /// How new things are called.
    pub naming: NamingSettings,
    /// Files that every new repository must have, by path or pattern: `CODEOWNERS`, `.github/workflows/*.yaml`.
    pub required_files: Vec<String>,
    /// Stands for the code host where no GitHub is connected, so that templates can be tried: what would be the repository
    /// OWNER/NAME becomes the folder of that name in it, and is read like any other repository.
    pub publish_folder: Option<PathBuf>,
}

/// The organisation's rule for names of new repositories and entities.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NamingSettings {
    /// A regular expression that the whole name has to match: `[a-z][a-z0-9-]{2,30}`.
    pub pattern: Option<String>,
    /// What the rule asks for, in words; shown where a name does not match.
    pub explanation: Option<String>,
    /// What a name begins as, made of answers that were given before: `{{ system }}-{{ type }}`.
    pub default: Option<String>,
}

impl Default for ScaffolderSettings {
    fn default() -> Self {
        Self {
            secret_key: None,
            allowed_hosts: Vec::new(),
            step_timeout: Duration::from_secs(600),
            naming: NamingSettings::default(),
            required_files: Vec::new(),
            publish_folder: None,
        }
    }
}

/// What is wrong, under its key.
pub(super) fn check(settings: &ScaffolderSettings) -> Result<(), (String, String)> {
    if let Some(pattern) = &settings.naming.pattern
        && let Err(error) = Regex::new(&format!("^(?:{pattern})$"))
    {
        let said = error.to_string();
        let why = said.lines().last().unwrap_or_default().trim_start_matches("error: ");
        let message = format!("{pattern:?} is not a regular expression: {why}; write one for whole names, as in [a-z][a-z0-9-]*");
        return Err(("scaffolder.naming.pattern".to_owned(), message));
    }
    if settings.step_timeout < Duration::from_secs(1) {
        return Err(("scaffolder.step_timeout".to_owned(), "is under a second; write 10m, for instance".to_owned()));
    }
    Ok(())
}
