//! How entities, people and channels are named to people: their names, never bare ids where a name is known.
//! Must not decide whether something is wrong.

use std::collections::BTreeSet;

use crate::{
    catalog::{Catalog, Entity, EntityRef, Kind, RelationType},
    chat::{Channel, Person, Span, Text},
    commands::Asking,
};

const SLACK_CHANNELS: [&str; 2] = ["steward.dev/channel", "slack.com/channel"];
const DISCORD_CHANNEL: &str = "steward.dev/discord-channel";
const LEAD: &str = "steward.dev/lead";
const USER_GROUP: &str = "steward.dev/user-group";

/// What people call it; a reference without an entity keeps its short form.
pub fn label(catalog: &Catalog, entity_ref: &EntityRef) -> String {
    catalog.find(entity_ref).map_or_else(|| short_ref(entity_ref), |entry| entry.entity.label().to_owned())
}

/// The reference without the default namespace: `component:payments-api`, `component:search/frontend`.
pub fn short_ref(entity_ref: &EntityRef) -> String {
    match entity_ref.namespace() {
        "default" => format!("{}:{}", entity_ref.kind(), entity_ref.name()),
        namespace => format!("{}:{namespace}/{}", entity_ref.kind(), entity_ref.name()),
    }
}

/// The name alone, with its namespace where that is not the default one.
pub fn bare_name(entity_ref: &EntityRef) -> String {
    match entity_ref.namespace() {
        "default" => entity_ref.name().to_owned(),
        namespace => format!("{namespace}/{}", entity_ref.name()),
    }
}

/// "service", "API", "team": what to call its kind in a sentence.
pub fn kind_word(entity: &Entity) -> String {
    match (&entity.kind, entity.spec_type.as_deref()) {
        (Kind::Component | Kind::Resource, Some(spec_type)) => spec_type.to_lowercase(),
        (Kind::Api, Some(spec_type)) => format!("{spec_type} API"),
        (Kind::Api, None) => "API".to_owned(),
        (Kind::Group, _) => "team".to_owned(),
        (Kind::User, _) => "person".to_owned(),
        (kind, _) => kind.as_str().to_lowercase(),
    }
}

/// Somebody, with what lets platforms mention them.
pub fn person(entity: &Entity) -> Person {
    Person {
        name: entity.label().to_owned(),
        slack_id: entity.annotation("steward.dev/slack-id").map(|id| id.trim().to_owned()),
        discord_id: entity.annotation("steward.dev/discord-id").map(|id| id.trim().to_owned()),
    }
}

/// An owner as text: a person as a mention, a team by its name, an unknown one as written.
pub fn owner_text(catalog: &Catalog, owner: &EntityRef) -> Text {
    match catalog.find(catalog.primary(owner)) {
        Some(entry) if entry.entity.kind == Kind::User => Text(vec![Span::Person(person(&entry.entity))]),
        Some(entry) => Text::new().bold(entry.entity.label()),
        None => Text::new().code(owner.as_str()),
    }
}

/// The asker as the catalog names them, else as the platform does.
pub fn asker(catalog: &Catalog, asking: &Asking<'_>) -> Person {
    match asking.person.as_ref().and_then(|person| catalog.find(person)) {
        Some(entry) => person(&entry.entity),
        None => Person { name: asking.account.name.clone(), slack_id: None, discord_id: None },
    }
}

/// The asker by name in a message to others: a mention would call them to what they have just done themselves.
pub fn asker_words(catalog: &Catalog, asking: &Asking<'_>) -> Text {
    Text::new().bold(asker(catalog, asking).name)
}

/// A group's own channel.
pub fn own_channel(group: &Entity) -> Option<Channel> {
    let slack = SLACK_CHANNELS.iter().find_map(|key| group.annotation(key)).map(str::trim);
    channel(slack, group.annotation(DISCORD_CHANNEL).map(str::trim))
}

/// A group's handle for mentions in Slack. It is text: an answer must not call a whole team by being read.
pub fn user_group(group: &Entity) -> Option<Text> {
    let written = group.annotation(USER_GROUP)?.trim();
    Some(Text::plain(format!("@{}", written.trim_start_matches('@'))))
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

/// The channel as text; one that is borrowed from a parent says so.
pub fn channel_text(catalog: &Catalog, group: &EntityRef) -> Option<Text> {
    let (channel, of) = channel_of(catalog, group)?;
    let text = Text(vec![Span::Channel(channel)]);
    Some(if of == *group { text } else { text.say(format!(" (of {})", label(catalog, &of))) })
}

/// Who leads a group, from `steward.dev/lead`; one the catalog does not know is shown as written.
pub fn lead_text(catalog: &Catalog, group: &Entity) -> Option<Text> {
    let written = group.annotation(LEAD)?.trim();
    let lead = EntityRef::parse(written, Some("user"), "default").ok()?;
    Some(match catalog.find(catalog.primary(&lead)) {
        Some(entry) => Text(vec![Span::Person(person(&entry.entity))]),
        None => Text::plain(format!("{} (not in the catalog)", lead.name())),
    })
}

/// Members that are in the catalog, by name, and how many more are only referred to.
pub fn members(catalog: &Catalog, group: &EntityRef) -> (Vec<Person>, usize) {
    let all = catalog.related(group, RelationType::HasMember);
    let mut known: Vec<Person> = all.iter().filter_map(|user| catalog.find(user)).map(|entry| person(&entry.entity)).collect();
    known.sort_by(|a, b| a.name.cmp(&b.name));
    let unknown = all.len() - known.len();
    (known, unknown)
}

/// At most `max` people, then "+ n".
pub fn people_text(people: Vec<Person>, max: usize) -> Text {
    let more = people.len().saturating_sub(max);
    let shown = Text::list(people.into_iter().take(max).map(|person| Text(vec![Span::Person(person)])), ", ");
    if more > 0 { shown.say(format!(" + {more}")) } else { shown }
}

/// Labels of these, at most `max`, then "+ n".
pub fn labels_text(catalog: &Catalog, refs: &[EntityRef], max: usize) -> Text {
    let shown = refs.iter().take(max).map(|entity_ref| Text::plain(label(catalog, entity_ref)));
    let text = Text::list(shown, ", ");
    if refs.len() > max { text.say(format!(" + {}", refs.len() - max)) } else { text }
}
