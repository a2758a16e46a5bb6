//! `steward config`: the configuration's schema, and a check of a file.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::Outcome;
use crate::{
    commands::access::BadRule,
    hygiene::misspelt::{Misspelt, find_misspelt},
    settings,
};

#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the JSON Schema of the configuration file
    Schema,
    /// Check a configuration file and name the line and key of what is wrong
    Check {
        /// Default: the file of --config, else ./steward.yaml
        file: Option<PathBuf>,
    },
}

pub fn config(args: &ConfigArgs, global: Option<&Path>) -> anyhow::Result<Outcome> {
    match &args.what {
        What::Schema => super::print(serde_json::to_string_pretty(&settings::schema())?)?,
        What::Check { file } => {
            let file = file.as_deref().or(global);
            let settings = match settings::load(file) {
                Ok(settings) => settings,
                Err(error) => {
                    eprintln!("{error}");
                    return Ok(Outcome::Bad);
                }
            };
            // Paths, addresses and keys are judged where they are used; nothing is sent.
            let built = super::build::mapping(&settings).and_then(|_| super::build::sources(&settings));
            if let Err(error) = built {
                eprintln!("{}: {error:#}", file.map_or("steward.yaml".into(), |file| file.display().to_string()));
                return Ok(Outcome::Bad);
            }
            let commands = crate::commands::load_definitions()?;
            let rules = match super::build::access_rules(&settings, &commands) {
                Ok(rules) => rules,
                Err(BadRule { key, message }) => {
                    eprintln!("{}", settings::fault_in(file, &key, message));
                    return Ok(Outcome::Bad);
                }
            };
            let misspelt = find_misspelt(&settings.hygiene, &settings.kinds);
            for Misspelt { key, message } in &misspelt {
                eprintln!("{}", settings::fault_in(file, key, message.clone()));
            }
            if !misspelt.is_empty() {
                return Ok(Outcome::Bad);
            }
            let custom = super::build::custom_commands(&settings, &commands);
            for fault in &custom.faults {
                eprintln!("{fault}");
            }
            if !custom.faults.is_empty() {
                return Ok(Outcome::Bad);
            }
            let count = settings.sources.len();
            super::print(format_args!("The configuration is valid: {count} {}.", if count == 1 { "source" } else { "sources" }))?;
            for rule in rules {
                super::print(format_args!("Access: {rule}"))?;
            }
            for command in &custom.commands {
                super::print(format_args!("Command: {} ({})", command.definition.usage(), command.file))?;
            }
            for note in settings.hygiene.notes() {
                super::print(format_args!("Note: {note}"))?;
            }
            for key in settings.keys_of_later_versions() {
                super::print(format_args!("Note: this version does not use `{key}` yet."))?;
            }
        }
    }
    Ok(Outcome::Good)
}
