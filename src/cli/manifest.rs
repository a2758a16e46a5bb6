//! `steward manifest`: what a chat platform has to be told about this app, generated from `commands/`.

use clap::{Args, ValueEnum};

use anyhow::Context;

use super::Outcome;
use crate::{
    chat::CommandSet,
    discord,
    settings::{Settings, SourceSettings},
    slack::{self, Reached},
};

#[derive(Debug, Args)]
pub struct ManifestArgs {
    #[arg(value_enum)]
    platform: Platform,
    /// Where Slack reaches this server, https://steward.example.com; Discord needs none
    #[arg(long)]
    url: Option<String>,
    /// Slack's Socket Mode: the server connects to Slack, and needs no public address
    #[arg(long)]
    socket: bool,
    /// All slash commands, or /steward alone where another app has taken a name
    #[arg(long, value_enum, default_value_t = Commands::All)]
    commands: Commands,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Platform {
    Slack,
    /// The commands as Discord registers them; `steward run` does so by itself
    Discord,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Commands {
    All,
    Umbrella,
}

/// The configuration tells on which hosts repositories lie.
pub fn manifest(args: &ManifestArgs, settings: &Settings) -> anyhow::Result<Outcome> {
    let commands = crate::commands::load_definitions()?;
    match args.platform {
        Platform::Slack => super::print(slack_manifest(args, settings, &commands)?)?,
        Platform::Discord => {
            let custom = super::build::custom_commands(settings, &commands);
            let registration = discord::register::registration(custom.all(&commands));
            super::print(serde_json::to_string_pretty(&registration)?)?;
        }
    }
    Ok(Outcome::Good)
}

fn slack_manifest(args: &ManifestArgs, settings: &Settings, commands: &CommandSet) -> anyhow::Result<String> {
    let which = match args.commands {
        Commands::All => slack::SlashCommands::All,
        Commands::Umbrella => slack::SlashCommands::Umbrella,
    };
    let reached = match (&args.url, args.socket) {
        (public_url, true) => Reached::Socket { public_url: public_url.as_deref() },
        (Some(public_url), false) => Reached::Http { public_url },
        (None, false) => anyhow::bail!("name the public address with --url, or write --socket"),
    };
    slack::manifest(commands, reached, which, &hosts(settings)).context("no manifest")
}

/// The hosts of repositories; GitHub's own is always among them, since dependencies lie there.
fn hosts(settings: &Settings) -> Vec<String> {
    let github = |source: &SourceSettings| match source {
        SourceSettings::Github(github) => {
            let host = url::Url::parse(&github.api_url).ok()?.domain()?.to_owned();
            Some(host.strip_prefix("api.").map(str::to_owned).unwrap_or(host))
        }
        SourceSettings::Directory(_) | SourceSettings::Url(_) | SourceSettings::Backstage(_) | SourceSettings::People(_) => None,
    };
    std::iter::once("github.com".to_owned()).chain(settings.sources.iter().filter_map(github)).collect()
}
