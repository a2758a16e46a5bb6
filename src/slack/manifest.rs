//! The app manifest, generated from the command definitions: <https://docs.slack.dev/reference/app-manifest>.
//! Must not list anything by hand that `commands/*.yaml` says.

use slack_morphism::prelude::{
    SlackApiTokenScope, SlackAppManifest, SlackAppManifestDisplayInformation, SlackAppManifestFeatures,
    SlackAppManifestFeaturesAppHome, SlackAppManifestFeaturesBotUser, SlackAppManifestFeaturesSlashCommand,
    SlackAppManifestMetadata, SlackAppManifestOAuthConfig, SlackAppManifestOAuthConfigScopes, SlackAppManifestSettings,
    SlackAppManifestSettingsInteractivity,
};
use url::Url;

use super::{parse::UMBRELLA, render::fit_text};
use crate::{
    chat::{ArgumentDef, ArgumentType, CommandDef, CommandSet},
    error::UserError,
};

/// The least that works: slash commands, and messages of the bot's own.
const BOT_SCOPES: [&str; 2] = ["commands", "chat:write"];

/// Slash commands an app may have, the umbrella among them.
const MOST_COMMANDS: usize = 50;

const DESCRIPTION_WIDTH: usize = 2_000;
const USAGE_WIDTH: usize = 1_000;

/// Which commands get a slash of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlashCommands {
    All,
    /// `/steward` alone, where another app has taken the names.
    Umbrella,
}

/// The manifest as JSON, ready to paste into "Create an app from a manifest". `public_url` is where Slack reaches us.
pub fn manifest(commands: &CommandSet, public_url: &str, which: SlashCommands) -> Result<String, UserError> {
    let base = base_url(public_url)?;
    let address = |path: &str| base.join(path).expect("a plain path joins any https address");
    let commands_url = address("slack/commands");
    let interactions_url = address("slack/interactions");
    let own = commands.0.iter().filter(|command| command.slash && which == SlashCommands::All);
    let slash_commands: Vec<_> = std::iter::once(umbrella(commands))
        .chain(own.map(slash_command))
        .take(MOST_COMMANDS)
        .map(|command| command.with_url(commands_url.clone()))
        .collect();
    let manifest = SlackAppManifest::new(
        SlackAppManifestDisplayInformation::new("Steward".to_owned())
            .with_description("Who owns it, how to run it, what breaks with it".to_owned())
            .with_background_color("#17614f".to_owned()),
    )
    .with_metadata(SlackAppManifestMetadata::new().with_major_version(1).with_minor_version(1))
    .with_features(
        SlackAppManifestFeatures::new()
            .with_app_home(
                SlackAppManifestFeaturesAppHome::new()
                    .with_home_tab_enabled(false)
                    .with_messages_tab_enabled(true)
                    .with_messages_tab_read_only_enabled(true),
            )
            .with_bot_user(SlackAppManifestFeaturesBotUser::new("Steward".to_owned(), true))
            .with_slash_commands(slash_commands),
    )
    .with_oauth_config(SlackAppManifestOAuthConfig::new().with_scopes(
        SlackAppManifestOAuthConfigScopes::new().with_bot(BOT_SCOPES.map(|scope| SlackApiTokenScope(scope.to_owned())).to_vec()),
    ))
    .with_settings(
        SlackAppManifestSettings::new()
            .with_interactivity(
                SlackAppManifestSettingsInteractivity::new(true)
                    .with_request_url(interactions_url.clone())
                    .with_message_menu_options_url(interactions_url),
            )
            .with_org_deploy_enabled(false)
            .with_socket_mode_enabled(false),
    );
    Ok(serde_json::to_string_pretty(&manifest).expect("texts under text keys are JSON"))
}

fn base_url(public_url: &str) -> Result<Url, UserError> {
    let with_slash = format!("{}/", public_url.trim().trim_end_matches('/'));
    match Url::parse(&with_slash) {
        Ok(url) if url.scheme() == "https" && url.has_host() && url.query().is_none() && url.fragment().is_none() => Ok(url),
        Ok(_) | Err(_) => Err(UserError::new(format!("Slack takes only a public https address, not {public_url:?}."))
            .next("Write it like --url https://steward.example.com.")),
    }
}

fn umbrella(commands: &CommandSet) -> SlackAppManifestFeaturesSlashCommand {
    let names: Vec<&str> = commands.0.iter().map(|command| command.name.as_str()).collect();
    SlackAppManifestFeaturesSlashCommand::new(format!("/{UMBRELLA}"), "All of Steward's commands, and help".to_owned())
        .with_should_escape(false)
        .with_usage_hint(fit_text(&format!("{} …", names.join(" | ")), USAGE_WIDTH))
}

fn slash_command(command: &CommandDef) -> SlackAppManifestFeaturesSlashCommand {
    let usage = usage(&command.arguments);
    SlackAppManifestFeaturesSlashCommand::new(format!("/{}", command.name), fit_text(&command.summary, DESCRIPTION_WIDTH))
        .with_should_escape(false)
        .opt_usage_hint((!usage.is_empty()).then_some(usage))
}

/// `NAME [up|down|both] [depth N]`.
fn usage(arguments: &[ArgumentDef]) -> String {
    let words: Vec<String> = arguments
        .iter()
        .map(|argument| {
            let word = match argument.argument_type {
                ArgumentType::Entity | ArgumentType::Words | ArgumentType::Command => argument.name.to_uppercase(),
                ArgumentType::Choice => argument.choices.join("|"),
                ArgumentType::Number => format!("{} N", argument.name),
            };
            if argument.required { word } else { format!("[{word}]") }
        })
        .collect();
    fit_text(&words.join(" "), USAGE_WIDTH)
}
