//! How teams and people are reached: by which channel, or which account, on which platform.
//! Must not decide what they are told, nor when.

use std::collections::BTreeSet;

use crate::{
    catalog::{Catalog, Entity, EntityRef, Kind, RelationType, left},
    chat::{Channel, Person, Platform},
    playground,
};

const SLACK_CHANNELS: [&str; 2] = ["steward.dev/channel", "slack.com/channel"];
const DISCORD_CHANNEL: &str = "steward.dev/discord-channel";
const LEAD: &str = "steward.dev/lead";

/// Somebody, with what lets platforms mention them.
pub fn person(entity: &Entity) -> Person {
    Person {
        name: entity.label().to_owned(),
        slack_id: entity.annotation("steward.dev/slack-id").map(|id| id.trim().to_owned()),
        discord_id: entity.annotation("steward.dev/discord-id").map(|id| id.trim().to_owned()),
    }
}

/// A group's own channel.
pub fn own_channel(group: &Entity) -> Option<Channel> {
    let slack = SLACK_CHANNELS.iter().find_map(|key| group.annotation(key)).map(str::trim);
    channel(slack, group.annotation(DISCORD_CHANNEL).map(str::trim))
}

/// A channel as settings write it: a name, or the id of one platform.
pub fn written_channel(written: &str) -> Option<Channel> {
    let written = Some(written.trim()).filter(|written| !written.is_empty());
    if written.is_some_and(is_discord_id) { channel(None, written) } else { channel(written, None) }
}

fn channel(slack: Option<&str>, discord: Option<&str>) -> Option<Channel> {
    if slack.is_none() && discord.is_none() {
        return None;
    }
    let slack_id = slack.filter(|text| is_slack_id(text)).map(str::to_owned);
    let named = slack.filter(|text| !is_slack_id(text)).or(discord.filter(|text| !is_discord_id(text)));
    let name = match named {
        Some(name) => format!("#{}", name.trim_start_matches('#')),
        None => slack.or(discord).unwrap_or_default().to_owned(),
    };
    Some(Channel { name, slack_id, discord_id: discord.filter(|text| is_discord_id(text)).map(str::to_owned) })
}

fn is_discord_id(text: &str) -> bool {
    text.len() >= 15 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `C0123ABCD`: Slack's conversation ids are capitals and digits behind a C, G or D.
fn is_slack_id(text: &str) -> bool {
    text.len() >= 8
        && text.starts_with(['C', 'G', 'D'])
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// How a group is reached: its own channel or the nearest one above it, with the group whose channel it is.
pub fn channel_of(catalog: &Catalog, group: &EntityRef) -> Option<(Channel, EntityRef)> {
    let mut seen = BTreeSet::new();
    let mut open = vec![group.clone()];
    while let Some(group) = open.pop() {
        if !seen.insert(group.clone()) {
            continue;
        }
        if let Some(channel) = catalog.find(&group).and_then(|entry| own_channel(&entry.entity)) {
            return Some((channel, group));
        }
        open.extend(catalog.related(&group, RelationType::ChildOf));
    }
    None
}

/// Who leads a group, where that is somebody who is there.
pub fn lead_of(catalog: &Catalog, group: &EntityRef) -> Option<EntityRef> {
    let entry = catalog.find(group)?;
    let lead = EntityRef::parse(entry.entity.annotation(LEAD)?.trim(), Some("user"), "default").ok()?;
    let lead = catalog.find(catalog.primary(&lead))?;
    (lead.entity.kind == Kind::User && left(&lead.entity).is_none()).then(|| lead.entity.entity_ref.clone())
}

/// The members of a group who are there, sorted.
pub fn members_of(catalog: &Catalog, group: &EntityRef) -> Vec<EntityRef> {
    let members = catalog.related(group, RelationType::HasMember);
    let is_there = |user: &EntityRef| catalog.find(user).is_some_and(|entry| left(&entry.entity).is_none());
    let members: BTreeSet<EntityRef> = members.iter().map(|user| catalog.primary(user).clone()).filter(is_there).collect();
    members.into_iter().collect()
}

/// What the platform takes as a channel's destination.
pub fn address(platform: Platform, channel: &Channel) -> Option<String> {
    match platform {
        Platform::Slack => Some(channel.slack_id.clone().unwrap_or_else(|| channel.name.clone())),
        Platform::Discord => channel.discord_id.clone(),
        Platform::Playground => Some(channel.name.clone()),
        // Nothing is listening behind a terminal.
        Platform::Terminal => None,
    }
}

/// What the platform takes as a person's destination; `None` where no account of theirs is known.
pub fn personal_address(platform: Platform, user: &Entity) -> Option<String> {
    let Person { name: _, slack_id, discord_id } = person(user);
    match platform {
        Platform::Slack => slack_id,
        Platform::Discord => discord_id,
        Platform::Playground => Some(playground::channel_of(user.entity_ref.name())),
        Platform::Terminal => None,
    }
    .filter(|id| !id.is_empty())
}
