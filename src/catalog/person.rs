//! Who is behind a chat account, and which groups they are in.
//! Must not decide what a person may do.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{Catalog, EntityRef, Kind, RelationType, snapshot::Entry};

const SLACK_ID: &str = "steward.dev/slack-id";
const DISCORD_ID: &str = "steward.dev/discord-id";

/// Users by the names other systems know them by.
#[derive(Debug, Default)]
pub struct PersonIndex {
    slack: HashMap<Box<str>, EntityRef>,
    discord: HashMap<Box<str>, EntityRef>,
    names: HashMap<Box<str>, EntityRef>,
}

impl PersonIndex {
    /// Of two users who claim one account the first reference has it; of two with one name, the default namespace.
    pub fn build(entries: &[Arc<Entry>]) -> Self {
        let mut index = Self::default();
        for entity in entries.iter().map(|entry| &entry.entity).filter(|entity| entity.kind == Kind::User) {
            let user = &entity.entity_ref;
            if let Some(id) = entity.annotation(SLACK_ID) {
                index.slack.entry(id.trim().to_uppercase().into()).or_insert_with(|| user.clone());
            }
            if let Some(id) = entity.annotation(DISCORD_ID) {
                index.discord.entry(id.trim().into()).or_insert_with(|| user.clone());
            }
            let known = index.names.entry(user.name().into()).or_insert_with(|| user.clone());
            if user.namespace() == "default" {
                *known = user.clone();
            }
        }
        index
    }
}

impl Catalog {
    /// The User whose `steward.dev/slack-id` this is.
    pub fn find_person_by_slack_id(&self, id: &str) -> Option<&EntityRef> {
        self.people().slack.get(id.to_uppercase().as_str())
    }

    /// The User whose `steward.dev/discord-id` this is.
    pub fn find_person_by_discord_id(&self, id: &str) -> Option<&EntityRef> {
        self.people().discord.get(id)
    }

    /// The User of this name, or of this full reference.
    pub fn find_person_by_name(&self, name: &str) -> Option<&EntityRef> {
        let name = name.trim().to_lowercase();
        if let Ok(written) = EntityRef::parse(&name, None, "default") {
            return self.find(&written).map(|entry| &entry.entity.entity_ref);
        }
        self.people().names.get(name.as_str())
    }

    /// All groups a person is in with all groups above them, sorted; ends on circles.
    pub fn groups_of(&self, person: &EntityRef) -> Vec<EntityRef> {
        let mut groups = BTreeSet::new();
        let mut open = self.related(person, RelationType::MemberOf);
        while let Some(group) = open.pop() {
            if groups.insert(group.clone()) {
                open.extend(self.related(&group, RelationType::ChildOf));
            }
        }
        groups.into_iter().collect()
    }
}
