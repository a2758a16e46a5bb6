//! The manifest that an app is made of, by Slack's own rules for one.

use serde_json::{Value, json};
use steward::{
    chat::CommandSet,
    slack::{Reached, SlashCommands, manifest},
};

fn written(commands: &CommandSet, reached: Reached<'_>, which: SlashCommands) -> Value {
    let hosts = ["github.com".to_owned()];
    serde_json::from_str(&manifest(commands, reached, which, &hosts).unwrap()).unwrap()
}

#[test]
fn manifest_comes_from_the_commands() {
    let command = |yaml: &str| serde_yaml::from_str(yaml).unwrap();
    let commands = CommandSet(vec![
        command(
            "{name: deps, summary: What breaks with it, examples: [], visibility: asker, access: everyone, arguments: [
            {name: name, summary: s, type: entity, required: true},
            {name: direction, summary: s, type: choice, choices: [up, down, both]},
            {name: depth, summary: s, type: number}]}",
        ),
        command("{name: help, summary: What there is, examples: [], visibility: asker, access: everyone, slash: false}"),
    ]);
    let all: serde_json::Value =
        written(&commands, Reached::Http { public_url: "https://steward.example.com/base/" }, SlashCommands::All);
    let listed = all["features"]["slash_commands"].as_array().unwrap();
    let names: Vec<_> = listed.iter().map(|command| command["command"].as_str().unwrap()).collect();
    assert_eq!(names, ["/steward", "/deps"]);
    assert_eq!(listed[1]["usage_hint"], "NAME [up|down|both] [depth N]");
    assert_eq!(listed[1]["url"], "https://steward.example.com/base/slack/commands");
    let interactivity = &all["settings"]["interactivity"];
    assert_eq!(interactivity["message_menu_options_url"], "https://steward.example.com/base/slack/interactions");
    assert_eq!(all["settings"]["event_subscriptions"]["request_url"], "https://steward.example.com/base/slack/events");
    assert_eq!(all["settings"]["socket_mode_enabled"], false);
    assert_eq!(all["features"]["unfurl_domains"], json!(["github.com", "steward.example.com"]));

    let umbrella = written(&commands, Reached::Http { public_url: "https://steward.example.com" }, SlashCommands::Umbrella);
    assert_eq!(umbrella["features"]["slash_commands"].as_array().unwrap().len(), 1);
    for url in ["http://steward.example.com", "steward.example.com", "https://", "https://x.example/?a=b"] {
        assert!(manifest(&commands, Reached::Http { public_url: url }, SlashCommands::All, &[]).is_err(), "{url}");
    }
}

#[test]
fn app_with_socket_mode_names_no_address_of_ours() {
    let commands = steward::commands::load_definitions().unwrap();
    for public_url in [None, Some("https://steward.example.com")] {
        let all = written(&commands, Reached::Socket { public_url }, SlashCommands::All);
        assert_eq!(all["settings"]["socket_mode_enabled"], true);
        let text = all.to_string();
        assert!(!text.contains("request_url") && !text.contains("/slack/"), "{text}");
        assert_eq!(text.contains("steward.example.com"), public_url.is_some());
    }
}

/// Each event needs a scope, and none is asked for that nothing needs.
#[test]
fn scopes_are_the_least_that_the_entrances_need() {
    let commands = steward::commands::load_definitions().unwrap();
    let all = written(&commands, Reached::Socket { public_url: None }, SlashCommands::All);
    let list = |value: &Value| value.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let events = list(&all["settings"]["event_subscriptions"]["bot_events"]);
    let mut needed = vec!["chat:write", "commands"];
    // Before a message of a round is sent again, it is looked for: in channels, by their names, and in conversations.
    needed.extend(["channels:history", "channels:read", "groups:history", "groups:read", "im:write"]);
    // Before somebody is written to directly of Steward's own accord: whether they want to be left alone.
    needed.push("dnd:read");
    for event in &events {
        needed.extend(match event.as_str() {
            "app_mention" => vec!["app_mentions:read"],
            "message.im" => vec!["im:history"],
            "link_shared" => vec!["links:read", "links:write"],
            "app_home_opened" | "app_uninstalled" | "tokens_revoked" => vec![],
            other => panic!("which scope does {other} need?"),
        });
    }
    needed.sort_unstable();
    assert_eq!(list(&all["oauth_config"]["scopes"]["bot"]), needed);
    let home = &all["features"]["app_home"];
    assert_eq!((&home["home_tab_enabled"], &home["messages_tab_read_only_enabled"]), (&json!(true), &json!(false)));
    let shortcuts = all["features"]["shortcuts"].as_array().unwrap();
    let ids: Vec<_> = shortcuts.iter().map(|shortcut| (&shortcut["callback_id"], &shortcut["type"])).collect();
    assert_eq!(ids, [(&json!("who_owns_this"), &json!("message")), (&json!("new_service"), &json!("global"))]);
    assert!(shortcuts.iter().all(|shortcut| shortcut["name"].as_str().unwrap().len() <= 24), "{shortcuts:?}");
}
