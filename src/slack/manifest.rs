//! The app manifest, generated from the command definitions: <https://docs.slack.dev/reference/app-manifest>.
//! Must not list anything by hand that `commands/*.yaml` says.

use slack_morphism::prelude::{
    SlackApiTokenScope, SlackAppManifest, SlackAppManifestDisplayInformation, SlackAppManifestFeatures,
    SlackAppManifestFeaturesAppHome, SlackAppManifestFeaturesBotUser, SlackAppManifestFeaturesShortcut,
    SlackAppManifestFeaturesSlashCommand, SlackAppManifestMetadata, SlackAppManifestOAuthConfig,
    SlackAppManifestOAuthConfigScopes, SlackAppManifestSettings, SlackAppManifestSettingsEventSubscriptions,
    SlackAppManifestSettingsInteractivity, SlackCallbackId, SlackEventType, SlackShortcutType,
};
use url::Url;

use super::{
    parse::{NEW_SERVICE, UMBRELLA, WHO_OWNS_THIS},
    render::fit_text,
};
use crate::{
    chat::{ArgumentDef, ArgumentType, CommandDef, CommandSet},
    error::UserError,
};

/// The least that works: commands and shortcuts, messages of the bot's own, mentions, direct messages, and previews of
/// addresses; and to look, before a message is sent again, whether it has not arrived after all: the names of channels, and
/// what was said where the bot is; and whether somebody wants to be left alone, before they are written to themselves. <https://docs.slack.dev/reference/scopes>
pub const BOT_SCOPES: [&str; 12] = [
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "dnd:read",
    "groups:history",
    "groups:read",
    "im:history",
    "im:write",
    "links:read",
    "links:write",
];

/// What we hear of; the last two need no scope, and say that the bot has been silenced.
const BOT_EVENTS: [&str; 6] =
    ["app_home_opened", "app_mention", "link_shared", "message.im", "app_uninstalled", "tokens_revoked"];

/// Slash commands an app may have, the umbrella among them.
const MOST_COMMANDS: usize = 50;

/// Domains whose addresses may be previewed.
const MOST_DOMAINS: usize = 5;

const DESCRIPTION_WIDTH: usize = 2_000;
const USAGE_WIDTH: usize = 1_000;

/// Which commands get a slash of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlashCommands {
    All,
    /// `/steward` alone, where another app has taken the names.
    Umbrella,
}

/// How Slack reaches us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached<'a> {
    /// At this public https address.
    Http { public_url: &'a str },
    /// Over connections that we open. The address, where there is one, is only previewed.
    Socket { public_url: Option<&'a str> },
}

struct Addresses {
    commands: Url,
    interactions: Url,
    events: Url,
}

/// The manifest as JSON, ready to paste into "Create an app from a manifest". `hosts` are those of repositories, whose
/// addresses are previewed.
pub fn manifest(
    commands: &CommandSet,
    reached: Reached<'_>,
    which: SlashCommands,
    hosts: &[String],
) -> Result<String, UserError> {
    let base = match reached {
        Reached::Http { public_url } | Reached::Socket { public_url: Some(public_url) } => Some(base_url(public_url)?),
        Reached::Socket { public_url: None } => None,
    };
    let is_socket = matches!(reached, Reached::Socket { .. });
    let address = |base: &Url, path: &str| base.join(path).expect("a plain path joins any https address");
    // With Socket Mode Slack takes no addresses; an old one would only mislead.
    let addresses = base.as_ref().filter(|_| !is_socket).map(|base| Addresses {
        commands: address(base, "slack/commands"),
        interactions: address(base, "slack/interactions"),
        events: address(base, "slack/events"),
    });
    let addresses = addresses.as_ref();
    let own = commands.0.iter().filter(|command| command.slash && which == SlashCommands::All);
    let slash_commands: Vec<_> = std::iter::once(umbrella(commands))
        .chain(own.map(slash_command))
        .take(MOST_COMMANDS)
        .map(|command| command.opt_url(addresses.map(|addresses| addresses.commands.clone())))
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
                    .with_home_tab_enabled(true)
                    .with_messages_tab_enabled(true)
                    .with_messages_tab_read_only_enabled(false),
            )
            .with_bot_user(SlackAppManifestFeaturesBotUser::new("Steward".to_owned(), true))
            .with_shortcuts(shortcuts())
            .with_slash_commands(slash_commands)
            .with_unfurl_domains(domains(base.as_ref(), hosts)),
    )
    .with_oauth_config(SlackAppManifestOAuthConfig::new().with_scopes(
        SlackAppManifestOAuthConfigScopes::new().with_bot(BOT_SCOPES.map(|scope| SlackApiTokenScope(scope.to_owned())).to_vec()),
    ))
    .with_settings(
        SlackAppManifestSettings::new()
            .with_event_subscriptions(
                SlackAppManifestSettingsEventSubscriptions::new()
                    .opt_request_url(addresses.map(|addresses| addresses.events.clone()))
                    .with_bot_events(BOT_EVENTS.map(|event| SlackEventType(event.to_owned())).to_vec()),
            )
            .with_interactivity(
                SlackAppManifestSettingsInteractivity::new(true)
                    .opt_request_url(addresses.map(|addresses| addresses.interactions.clone()))
                    .opt_message_menu_options_url(addresses.map(|addresses| addresses.interactions.clone())),
            )
            .with_org_deploy_enabled(false)
            .with_socket_mode_enabled(is_socket),
    );
    Ok(serde_json::to_string_pretty(&manifest).expect("texts under text keys are JSON"))
}

fn shortcuts() -> Vec<SlackAppManifestFeaturesShortcut> {
    let shortcut = |name: &str, id: &str, description: &str, ty| {
        SlackAppManifestFeaturesShortcut::new(name.to_owned(), SlackCallbackId(id.to_owned()), description.to_owned(), ty)
    };
    let whose = "Finds the services that a message is about, and who owns them";
    vec![
        shortcut("Who owns this?", WHO_OWNS_THIS, whose, SlackShortcutType::Message),
        shortcut("New service", NEW_SERVICE, "Starts something new from a template", SlackShortcutType::Global),
    ]
}

/// Of the catalog and of the repositories, without ports: Slack knows none.
fn domains(base: Option<&Url>, hosts: &[String]) -> Vec<String> {
    let mut domains: Vec<String> = Vec::new();
    let own = base.and_then(Url::domain).map(str::to_owned);
    for host in hosts.iter().cloned().chain(own) {
        let host = host.to_ascii_lowercase();
        if !domains.contains(&host) && domains.len() < MOST_DOMAINS {
            domains.push(host);
        }
    }
    domains
}

fn base_url(public_url: &str) -> Result<Url, UserError> {
    let with_slash = format!("{}/", public_url.trim().trim_end_matches('/'));
    match Url::parse(&with_slash) {
        Ok(url) if url.scheme() == "https" && url.has_host() && url.query().is_none() && url.fragment().is_none() => Ok(url),
        Ok(_) | Err(_) => Err(UserError::new(format!("Slack takes only a public https address, not {public_url:?}."))
            .next("Write it like --url https://steward.example.com, or --socket for an app without a public address.")),
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
