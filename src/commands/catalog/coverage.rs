//! `/catalog`'s coverage: how many components have docs and runbooks, and which links are dead, by owner.
//! Must not ask for links: a job does, and what it found is in memory.

use std::collections::BTreeMap;

use crate::{
    catalog::{
        Catalog, EntityRef, Entry, Kind, Sought,
        descriptor::DOCS_ANNOTATION,
        live::{Coverage, DeadLink, Estimate},
    },
    chat::{Block, Button, Card, ListItem, ListStyle, Reply, Status, Text, limits::cut},
    commands::{
        Asking,
        answer::{
            age::{age, count},
            names::{label, short_ref},
        },
        runbook,
    },
    hygiene::standing,
};

/// Owners in the list, and links of one that are written out.
const OWNERS: usize = 12;
const LINKS: usize = 12;
const ADDRESS: usize = 90;

/// How many components have what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Covered {
    pub components: usize,
    pub with_docs: usize,
    pub with_runbook: usize,
}

pub fn covered(catalog: &Catalog, coverage: &Coverage) -> Covered {
    let mut covered = Covered::default();
    components(catalog).for_each(|entry| covered.count(catalog, coverage, entry));
    covered
}

/// The same by who answers for them; `None`: nobody who is there.
pub fn covered_by_owner(catalog: &Catalog, coverage: &Coverage) -> BTreeMap<Option<EntityRef>, Covered> {
    let mut covered: BTreeMap<Option<EntityRef>, Covered> = BTreeMap::new();
    for entry in components(catalog) {
        let owner = standing::owner_of(catalog, &entry.entity.entity_ref);
        covered.entry(owner).or_default().count(catalog, coverage, entry);
    }
    covered
}

fn components(catalog: &Catalog) -> impl Iterator<Item = &Entry> {
    catalog.entries().iter().map(|entry| &**entry).filter(|entry| entry.entity.kind == Kind::Component)
}

impl Covered {
    fn count(&mut self, catalog: &Catalog, coverage: &Coverage, entry: &Entry) {
        self.components += 1;
        self.with_docs += usize::from(has_docs(entry, coverage));
        self.with_runbook += usize::from(runbook::exists(catalog, entry));
    }
}

/// It says where its docs are and, as far as that is known, there are some.
fn has_docs(entry: &Entry, coverage: &Coverage) -> bool {
    let origin = &entry.origin;
    let is_there =
        |known: &std::collections::HashSet<(String, i64)>| known.contains(&(origin.source.to_string(), origin.repository_id));
    entry.entity.annotation(DOCS_ANNOTATION).is_some_and(|written| !written.trim().is_empty())
        && coverage.documented.as_ref().is_none_or(is_there)
}

/// "Wrong entries, by estimate: 3 %, …".
fn estimated(estimate: &Estimate) -> Option<String> {
    let Estimate { judged, judged_wrong, others, others_wrong } = *estimate;
    let share = 100.0 * estimate.share()?;
    let said = match judged {
        0 => "owners have judged none of them lately".to_owned(),
        judged => format!("{judged_wrong} of {judged} that owners have judged lately"),
    };
    Some(format!(
        "Wrong entries, by estimate: {share:.1} % ({said}; {others_wrong} of {others} others have no owner who is there)"
    ))
}

/// None where there are no components.
pub fn coverage_card(catalog: &Catalog, asking: &Asking<'_>) -> Option<Card> {
    let coverage = &asking.live.coverage;
    let Covered { components, with_docs, with_runbook } = covered(catalog, coverage);
    if components == 0 {
        return None;
    }
    let share = |number: usize| {
        format!("{number} of {} ({:.0} %)", count(components, "component"), 100.0 * number as f64 / components as f64)
    };
    let mut items = vec![format!("Docs: {}", share(with_docs)), format!("Runbooks: {}", share(with_runbook))];
    items.extend(coverage.estimate.as_ref().and_then(estimated));
    let mut buttons = Vec::new();
    if let Some(links) = &coverage.links {
        items.push(match (links.checked, links.dead_number) {
            (0, _) => "Dead links: none was looked at yet".to_owned(),
            (checked, 0) => format!("Dead links: none of {checked} that were looked at"),
            (checked, dead) => format!("Dead links: {dead} of {checked} that were looked at"),
        });
        if links.dead_number > 0 {
            buttons.push(Button::say("Dead links", "catalog dead-links"));
        }
    }
    let items = items.into_iter().map(|item| ListItem::new(item.into())).collect();
    let body = vec![Block::List { style: ListStyle::Bullets, items }];
    Some(Card { title: Text::new().bold("Coverage"), body, buttons, ..Card::default() })
}

/// Dead links by who owns what names them; of one owner each with its place.
pub fn dead_links(catalog: &Catalog, asking: &Asking<'_>, owner: &str) -> Reply {
    let coverage = &asking.live.coverage;
    let Some(links) = &coverage.links else {
        let lead = "Steward does not know which links are dead: that is not looked at here, or was not yet.";
        return Reply::new(Status::NotFound, "catalog", lead.into());
    };
    let mut of_owner: BTreeMap<Option<EntityRef>, Vec<&DeadLink>> = BTreeMap::new();
    for link in &links.dead {
        let mut owners: Vec<Option<EntityRef>> = link.places.iter().map(|place| owner_of(catalog, &place.entity)).collect();
        owners.sort();
        owners.dedup();
        owners.into_iter().for_each(|owner| of_owner.entry(owner).or_default().push(link));
    }
    if of_owner.is_empty() {
        let lead = format!("No dead links: {} looked at so far.", count(links.checked, "link"));
        return Reply::new(Status::Answered, "catalog", lead.into());
    }
    let owner = owner.trim();
    if owner.is_empty() {
        return by_owner(catalog, links.dead_number, of_owner);
    }
    let sought = Sought { kinds: &[Kind::Group, Kind::User], ..asking.sought(owner) };
    let meant = if owner.eq_ignore_ascii_case("nobody") {
        Some(None)
    } else {
        catalog
            .search(sought)
            .into_iter()
            .map(|entry| entry.entity.entity_ref.clone())
            .find(|found| of_owner.contains_key(&Some(found.clone())))
            .map(Some)
    };
    match meant.and_then(|meant| Some((of_owner.get(&meant)?, meant))) {
        Some((dead, meant)) => of_one(catalog, asking, dead, meant.as_ref()),
        None => {
            let lead = format!("Nothing of “{}” names a dead link.", cut(owner, 60));
            let mut reply = Reply::new(Status::NotFound, "catalog", lead.into());
            reply.buttons.push(Button::say("Dead links by owner", "catalog dead-links"));
            reply
        }
    }
}

fn owner_of(catalog: &Catalog, entity_ref: &EntityRef) -> Option<EntityRef> {
    let entry = catalog.find(entity_ref)?;
    match entry.entity.kind {
        Kind::Group | Kind::User => Some(entity_ref.clone()),
        _ => entry.entity.owner().cloned(),
    }
}

fn owner_label(catalog: &Catalog, owner: Option<&EntityRef>) -> String {
    owner.map_or("Nobody".to_owned(), |owner| label(catalog, owner).to_string())
}

fn by_owner(catalog: &Catalog, all: usize, of_owner: BTreeMap<Option<EntityRef>, Vec<&DeadLink>>) -> Reply {
    let mut owners: Vec<(Option<EntityRef>, usize)> = of_owner.into_iter().map(|(owner, links)| (owner, links.len())).collect();
    owners.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let lead = format!("{}, by owner: nothing has answered there for a day or more.", count(all, "dead link"));
    let mut reply = Reply::new(Status::Answered, "catalog", lead.into());
    let shown = &owners[..owners.len().min(OWNERS)];
    let rows = shown.iter().map(|(owner, number)| vec![owner_label(catalog, owner.as_ref()).into(), number.to_string().into()]);
    let mut rows: Vec<Vec<Text>> = rows.collect();
    if owners.len() > OWNERS {
        let rest: usize = owners[OWNERS..].iter().map(|(_, number)| number).sum();
        rows.push(vec![format!("{} more", owners.len() - OWNERS).into(), rest.to_string().into()]);
    }
    let buttons = shown.iter().map(|(owner, _)| {
        let line = owner.as_ref().map_or("nobody".to_owned(), ToString::to_string);
        Button::say(cut(&owner_label(catalog, owner.as_ref()), 60), format!("catalog dead-links {line}"))
    });
    let header = ["Owner", "Dead links"].map(Text::plain).to_vec();
    reply.cards.push(Card { body: vec![Block::Table { header, rows }], buttons: buttons.collect(), ..Card::default() });
    reply
}

fn of_one(catalog: &Catalog, asking: &Asking<'_>, dead: &[&DeadLink], owner: Option<&EntityRef>) -> Reply {
    let lead = format!("{} of {}.", count(dead.len(), "dead link"), owner_label(catalog, owner));
    let mut reply = Reply::new(Status::Answered, "catalog", lead.into());
    let mut items: Vec<ListItem> = Vec::new();
    for link in dead.iter().take(LINKS) {
        let mut text = Text::new().link(cut(&link.url, ADDRESS), link.url.as_str()).say(format!(": {}", link.fault));
        if let Some(since) = link.since {
            text = text.say(format!(", since {}", age(since, asking.now)));
        }
        let named = link.places.iter().filter(|place| owner_of(catalog, &place.entity).as_ref() == owner);
        let named: Vec<String> = named
            .map(|place| match &place.path {
                Some(path) => format!("{} of {}", path, short_ref(&place.entity)),
                None => short_ref(&place.entity),
            })
            .collect();
        items.push(ListItem::new(text.line().say("named in ").code(cut(&named.join(", "), 150))));
    }
    if dead.len() > LINKS {
        items.push(ListItem::new(format!("+ {} more", dead.len() - LINKS).into()));
    }
    reply.cards.push(Card { body: vec![Block::List { style: ListStyle::Bullets, items }], ..Card::default() });
    reply.buttons.push(Button::say("Dead links by owner", "catalog dead-links"));
    reply
}
