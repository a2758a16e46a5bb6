//! `steward manifest`: what a chat platform has to be told about this app, generated from `commands/`.

use clap::{Args, ValueEnum};

use super::Outcome;
use crate::slack;

#[derive(Debug, Args)]
pub struct ManifestArgs {
    #[arg(value_enum)]
    platform: Platform,
    /// Where the platform reaches this server, https://steward.example.com
    #[arg(long)]
    url: String,
    /// All slash commands, or /steward alone where another app has taken a name
    #[arg(long, value_enum, default_value_t = Commands::All)]
    commands: Commands,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Platform {
    Slack,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Commands {
    All,
    Umbrella,
}

pub fn manifest(args: &ManifestArgs) -> anyhow::Result<Outcome> {
    let commands = crate::commands::load_definitions()?;
    let which = match args.commands {
        Commands::All => slack::SlashCommands::All,
        Commands::Umbrella => slack::SlashCommands::Umbrella,
    };
    match args.platform {
        Platform::Slack => super::print(slack::manifest(&commands, &args.url, which)?)?,
    }
    Ok(Outcome::Good)
}
