//! How entities, people and channels are named to people: their names, never bare ids where a name is known.
//! Must not decide whether something is wrong.

use crate::{
    catalog::{Catalog, Entity, EntityRef, Kind, RelationType},
    chat::{Person, Span, Text},
    commands::Asking,
};

pub use crate::reach::{channel_of, own_channel, person, written_channel};

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

/// A group's handle for mentions in Slack. It is text: an answer must not call a whole team by being read.
pub fn user_group(group: &Entity) -> Option<Text> {
    let written = group.annotation(USER_GROUP)?.trim();
    Some(Text::plain(format!("@{}", written.trim_start_matches('@'))))
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
