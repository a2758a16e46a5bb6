//! Who is behind a chat account, which groups they are in, and what the sources say differently of persons and teams.
//! Must not decide what a person may do.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    Authority, Catalog, Entity, EntityRef, Kind, Relation, RelationType,
    people::{AccountKind, Difference, Person, TieIndex, annotation, merge},
    snapshot::{Entry, Parts},
};

/// Users and Groups as all their sources say together.
#[derive(Debug, Default)]
pub struct PersonIndex {
    ties: TieIndex,
    names: HashMap<Box<str>, EntityRef>,
    /// Of what several authorities declare: each one's claim, the strongest first, and what they say differently.
    merged: HashMap<EntityRef, Vec<Arc<Entry>>>,
    differences: BTreeMap<EntityRef, Vec<Difference>>,
}

/// Claims that lost against the owner of a reference.
pub(super) type Rivals = HashMap<EntityRef, Vec<Arc<Entry>>>;

impl PersonIndex {
    /// Settles who owns each reference. Claims are those to Users and Groups, sorted by reference, then by rank.
    ///
    /// Claims of several authorities to one Group or User are no conflict: they merge. Of claims of one authority the
    /// first owns the reference, the others are its rivals.
    pub(super) fn merge(claims: Vec<Arc<Entry>>, parts: &Parts) -> (Self, Vec<Arc<Entry>>, Rivals) {
        let mut index = Self::default();
        let mut entries: Vec<Arc<Entry>> = Vec::with_capacity(claims.len());
        let mut rivals = Rivals::new();
        // One claim an authority and reference, of Users and Groups alone.
        let mut voices: Vec<Arc<Entry>> = Vec::new();
        for same in claims.chunk_by(|a, b| a.entity.entity_ref == b.entity.entity_ref) {
            let is_merged = matches!(same[0].entity.kind, Kind::User | Kind::Group);
            let mut owners: Vec<Arc<Entry>> = Vec::new();
            for claim in same {
                let is_new = owners.is_empty()
                    || is_merged && !owners.iter().any(|owner| owner.origin.authority == claim.origin.authority);
                // Another catalog says the same of an entity that has a file by now: that is migration, no conflict.
                let is_migrated = !owners.is_empty() && claim.origin.authority == Authority::Migration;
                if is_new && !is_migrated {
                    owners.push(Arc::clone(claim));
                } else if !is_migrated {
                    rivals.entry(claim.entity.entity_ref.clone()).or_default().push(Arc::clone(claim));
                }
            }
            owners.sort_by_key(|owner| owner.origin.authority);
            if is_merged {
                voices.extend(owners.iter().cloned());
            }
            let entry = if let [alone] = owners.as_slice() {
                Arc::clone(alone)
            } else {
                let Some((entry, differences)) = merge(&owners) else { continue };
                let full = entry.entity.entity_ref.clone();
                if !differences.is_empty() {
                    index.differences.insert(full.clone(), differences);
                }
                index.merged.insert(full, owners);
                Arc::new(entry)
            };
            entries.push(entry);
        }
        let users = voices.iter().filter(|voice| voice.entity.kind == Kind::User);
        index.ties = TieIndex::build(users, &parts.verified_domains, &parts.mapping, &parts.links);
        index.name_all(&entries);
        let is_of_one = voices.windows(2).all(|pair| pair[0].origin.authority == pair[1].origin.authority);
        if !is_of_one || index.ties.has_aliases() {
            index.settle_members(&voices, &mut entries);
        }
        index.enrich(&mut entries);
        (index, entries, rivals)
    }

    /// Of two Users with one name the default namespace has it.
    fn name_all(&mut self, entries: &[Arc<Entry>]) {
        for entity in entries.iter().map(|entry| &entry.entity).filter(|entity| entity.kind == Kind::User) {
            let user = &entity.entity_ref;
            let known = self.names.entry(user.name().into()).or_insert_with(|| user.clone());
            if user.namespace() == "default" {
                *known = user.clone();
            }
        }
    }

    /// Gives the first entry of each person what only their others say: how to mention them, and their name and address.
    fn enrich(&self, entries: &mut [Arc<Entry>]) {
        let at =
            |entries: &[Arc<Entry>], user: &EntityRef| entries.binary_search_by(|entry| entry.entity.entity_ref.cmp(user)).ok();
        for person in self.ties.persons().iter().filter(|person| person.contradiction.is_none()) {
            let Some(primary) = at(entries, &person.primary) else { continue };
            let mut entity = entries[primary].entity.clone();
            for tie in &person.ties {
                let key = match tie.kind {
                    AccountKind::Github => annotation::GITHUB_LOGIN,
                    AccountKind::Slack => annotation::SLACK_ID,
                    AccountKind::Discord => annotation::DISCORD_ID,
                    AccountKind::Pagerduty => annotation::PAGERDUTY_ID,
                    AccountKind::Playground | AccountKind::Hr | AccountKind::Email => continue,
                };
                entity.annotations.entry(key.to_owned()).or_insert_with(|| tie.id.clone());
            }
            for other in person.refs.iter().skip(1).filter_map(|user| at(entries, user)) {
                let said = &entries[other].entity;
                entity.display_name = entity.display_name.or_else(|| said.display_name.clone());
                entity.email = entity.email.or_else(|| said.email.clone());
            }
            if entity != entries[primary].entity {
                Arc::make_mut(&mut entries[primary]).entity = entity;
            }
        }
    }

    /// Lets the strongest authority that names any members of a group decide who is in it, each under their first reference;
    /// keeps what others say differently.
    fn settle_members(&mut self, voices: &[Arc<Entry>], entries: &mut [Arc<Entry>]) {
        let mut said: BTreeMap<EntityRef, BTreeMap<Authority, BTreeSet<EntityRef>>> = BTreeMap::new();
        for voice in voices {
            let (authority, own) = (voice.origin.authority, &voice.entity.entity_ref);
            for relation in &voice.entity.relations {
                let (group, member) = match relation.relation_type {
                    RelationType::MemberOf => (&relation.target, own),
                    RelationType::HasMember => (own, &relation.target),
                    _ => continue,
                };
                let member = self.primary(member).clone();
                said.entry(group.clone()).or_default().entry(authority).or_default().insert(member);
            }
        }
        let mut groups_of: HashMap<EntityRef, Vec<Relation>> = HashMap::new();
        for (group, by_authority) in said {
            let mut sides = by_authority.into_iter();
            let Some((decides, members)) = sides.next() else { continue };
            for (other, theirs) in sides {
                let also: Vec<EntityRef> = theirs.difference(&members).cloned().collect();
                let without: Vec<EntityRef> = members.difference(&theirs).cloned().collect();
                if !also.is_empty() || !without.is_empty() {
                    let difference = Difference::Members { decides, other, also, without };
                    self.differences.entry(group.clone()).or_default().push(difference);
                }
            }
            for member in members {
                let is_known = entries.binary_search_by(|entry| entry.entity.entity_ref.cmp(&member)).is_ok();
                let (holder, relation_type, target) = if is_known {
                    (member, RelationType::MemberOf, group.clone())
                } else {
                    (group.clone(), RelationType::HasMember, member)
                };
                groups_of.entry(holder).or_default().push(Relation { relation_type, target });
            }
        }
        let is_membership =
            |relation: &Relation| matches!(relation.relation_type, RelationType::MemberOf | RelationType::HasMember);
        for entry in entries.iter_mut().filter(|entry| matches!(entry.entity.kind, Kind::User | Kind::Group)) {
            let settled = groups_of.remove(&entry.entity.entity_ref).unwrap_or_default();
            let own: Vec<&Relation> = entry.entity.relations.iter().filter(|relation| is_membership(relation)).collect();
            if own.len() == settled.len() && own.iter().all(|relation| settled.contains(relation)) {
                continue;
            }
            let entity = &mut Arc::make_mut(entry).entity;
            entity.relations.retain(|relation| !is_membership(relation));
            entity.relations.extend(settled);
        }
    }

    /// The reference under which a person is in teams.
    pub(super) fn primary<'a>(&'a self, user: &'a EntityRef) -> &'a EntityRef {
        self.ties.person(user).map_or(user, |person| &person.primary)
    }
}

/// The day a person left, as written; `None` for those who are there.
pub fn left(entity: &Entity) -> Option<&str> {
    entity.annotation(annotation::LEFT)
}

impl Catalog {
    /// The User behind a Slack account, by whatever evidence.
    pub fn find_person_by_slack_id(&self, id: &str) -> Option<&EntityRef> {
        self.find_person_by_account(AccountKind::Slack, id)
    }

    /// The User behind a Discord account, by whatever evidence.
    pub fn find_person_by_discord_id(&self, id: &str) -> Option<&EntityRef> {
        self.find_person_by_account(AccountKind::Discord, id)
    }

    /// The User behind an account; `None` also where two contradict one another.
    pub fn find_person_by_account(&self, kind: AccountKind, id: &str) -> Option<&EntityRef> {
        self.people().ties.find_account(kind, id).map(|person| &person.primary)
    }

    /// The User of this name, or of this full reference; of several references of one person the first.
    pub fn find_person_by_name(&self, name: &str) -> Option<&EntityRef> {
        let name = name.trim().to_lowercase();
        let found = if let Ok(written) = EntityRef::parse(&name, None, "default") {
            self.find(&written).map(|entry| &entry.entity.entity_ref)
        } else {
            self.people().names.get(name.as_str())
        };
        found.map(|user| self.people().primary(user))
    }

    /// All that is taken for one person with this User; `None` for what is no User.
    pub fn person(&self, user: &EntityRef) -> Option<&Person> {
        self.people().ties.person(user)
    }

    /// The reference under which a person is shown; any other reference is its own.
    pub fn primary<'a>(&'a self, entity_ref: &'a EntityRef) -> &'a EntityRef {
        self.people().primary(entity_ref)
    }

    /// Everybody.
    pub fn persons(&self) -> &[Person] {
        self.people().ties.persons()
    }

    /// Whether two references are one person, or the same.
    pub fn is_same_person(&self, a: &EntityRef, b: &EntityRef) -> bool {
        a == b || self.people().primary(a) == self.people().primary(b)
    }

    /// What each authority declares of a Group or User that several do, the strongest first; else nothing.
    pub fn voices(&self, entity_ref: &EntityRef) -> &[Arc<Entry>] {
        self.people().merged.get(entity_ref).map_or(&[], Vec::as_slice)
    }

    /// What the sources say differently of a Group or User.
    pub fn differences(&self, entity_ref: &EntityRef) -> &[Difference] {
        self.people().differences.get(entity_ref).map_or(&[], Vec::as_slice)
    }

    /// Groups and Users of which sources say different things.
    pub fn disputed(&self) -> impl Iterator<Item = &EntityRef> {
        self.people().differences.keys()
    }

    /// All groups a person is in with all groups above them, sorted; ends on circles. Who has left is in none.
    pub fn groups_of(&self, person: &EntityRef) -> Vec<EntityRef> {
        let person = self.people().primary(person);
        if self.find(person).is_some_and(|entry| left(&entry.entity).is_some()) {
            return Vec::new();
        }
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
