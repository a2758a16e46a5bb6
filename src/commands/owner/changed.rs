//! What changed in the last 72 hours: of the entity, and of what it directly depends on.
//! Must not say "nothing" where nobody would have told.

use chrono::{DateTime, Utc};

use crate::{
    catalog::{
        Catalog, Direction, Entity, EntityRef, Entry, Kind, Origin, RelationType,
        live::{Happened, LATELY, NewsOf, RecentEvent},
        people::AccountKind,
    },
    chat::{Block, ListItem, ListStyle, Text, limits::cut},
    commands::{Asking, StoreHealth, answer::age::age},
};

/// Of the entity itself, before "+ n".
const OWN: usize = 5;
/// Of all its dependencies together.
const OF_DEPENDENCIES: usize = 4;
/// Dependencies that are looked at: a hub of hundreds has no story that fits a card.
const DEPENDENCIES: usize = 40;
/// Repositories that are asked about for one card.
const ASKED_ABOUT: usize = 10;
/// Longest title that is repeated.
const TITLE: usize = 80;
/// Open incidents before "+ n".
const INCIDENTS: usize = 3;

/// One thing that happened, and to what; `None`: to the entity itself.
struct Change<'a> {
    event: &'a RecentEvent,
    of: Option<&'a Entity>,
}

/// Nothing for people and teams.
pub(super) fn changed(catalog: &Catalog, asking: &Asking<'_>, entry: &Entry) -> Vec<Block> {
    if !has_news(&entry.entity) {
        return Vec::new();
    }
    if asking.live.recent.read_at.is_none() {
        return match asking.store {
            StoreHealth::AwaySince(_) => {
                vec![Block::Paragraph("What changed lately is not known: it is kept in PostgreSQL, which is away.".into())]
            }
            // It is read in the first second; `steward ask` does not read it at all.
            StoreHealth::Reachable | StoreHealth::Absent => Vec::new(),
        };
    }
    let since = asking.now - LATELY;
    let own = of_entry(asking, entry, since);
    let deps = of_dependencies(catalog, asking, entry, since);
    let mut lines = listed(catalog, asking, own.iter().map(|event| Change { event, of: None }).collect(), OWN);
    lines.extend(listed(catalog, asking, deps, OF_DEPENDENCIES));
    let source = &*entry.origin.source;
    let is_heard = asking.live.recent.heard.contains_key(source);
    let mut blocks = Vec::new();
    if !lines.is_empty() {
        blocks.push(Block::Paragraph(Text::new().bold("Changed in the last 72 h:")));
        let items = lines.into_iter().map(ListItem::new).collect();
        blocks.push(Block::List { style: ListStyle::Bullets, items });
    }
    let unheard = if is_heard { Unheard::Asked } else { unheard(catalog, asking, entry) };
    let said = match unheard {
        Unheard::Asked if !blocks.is_empty() => return blocks,
        Unheard::Asked => {
            let here = if entry.entity.kind == Kind::System { "in its parts" } else { "here" };
            let said = format!(
                "Nothing changed in the last 72 h, neither {here} nor in what it depends on: no deployment, failed run, merge or \
                 change of a descriptor was heard of."
            );
            blocks.push(Block::Paragraph(said.into()));
            return blocks;
        }
        Unheard::Missing(_) => {
            "GitHub is being asked what was deployed, merged and failed; Refresh shows it in a moment.".to_owned()
        }
        Unheard::Failed(why) => {
            format!("What was deployed, merged and failed is not known now: {}.", cut(&why, TITLE * 2))
        }
        Unheard::Nobody => format!(
            "Deployments, failed runs and merges are not known here: no webhook of the source {source} was heard this week. \
             Whoever runs Steward can set one up."
        ),
    };
    blocks.push(Block::Paragraph(Text::new().italic(said)));
    blocks
}

/// What is known of a source of which no webhook tells.
enum Unheard {
    /// It cannot be asked.
    Nobody,
    /// These are not known yet.
    Missing(Vec<NewsOf>),
    Failed(String),
    Asked,
}

/// The repositories that somebody has to ask about before the card of this entry is whole; `None` where nobody asks.
pub fn missing_news(catalog: &Catalog, asking: &Asking<'_>, entry: &Entry) -> Option<Vec<NewsOf>> {
    let is_heard = asking.live.recent.heard.contains_key(&*entry.origin.source);
    if is_heard || !has_news(&entry.entity) {
        return None;
    }
    match unheard(catalog, asking, entry) {
        Unheard::Missing(missing) => Some(missing),
        Unheard::Failed(_) | Unheard::Asked => Some(Vec::new()),
        Unheard::Nobody => None,
    }
}

/// Its own repository first, then those of what it directly depends on.
fn unheard(catalog: &Catalog, asking: &Asking<'_>, entry: &Entry) -> Unheard {
    let can_be_asked = |entry: &Entry| asking.live.news_sources.iter().any(|source| **source == *entry.origin.source);
    if !can_be_asked(entry) {
        return Unheard::Nobody;
    }
    let around = around(catalog, &entry.entity);
    let neighbours = around.iter().filter_map(|found| catalog.find(found)).filter(|found| can_be_asked(found));
    let mut seen: Vec<(&str, i64)> = Vec::new();
    let mut missing = Vec::new();
    let mut failed = None;
    for Origin { source, repository_id, repository, .. } in
        std::iter::once(entry).chain(neighbours.map(|found| &**found)).map(|entry| &entry.origin)
    {
        if seen.len() == ASKED_ABOUT || seen.contains(&(source, *repository_id)) {
            continue;
        }
        seen.push((source, *repository_id));
        match asking.live.recent.news_read(source, *repository_id, asking.now) {
            Some(read) => failed = failed.or(read.fault.clone()),
            None => missing.push(NewsOf {
                source: source.to_string(),
                repository_id: *repository_id,
                full_name: repository.to_string(),
            }),
        }
    }
    match failed {
        _ if !missing.is_empty() => Unheard::Missing(missing),
        Some(why) => Unheard::Failed(why),
        None => Unheard::Asked,
    }
}

/// Nothing is deployed of people and teams.
fn has_news(entity: &Entity) -> bool {
    matches!(entity.kind, Kind::Component | Kind::Api | Kind::Resource | Kind::System | Kind::Custom(_))
}

/// What happened to its repository and its descriptor, newest first.
fn of_entry<'a>(asking: &'a Asking<'_>, entry: &Entry, since: DateTime<Utc>) -> Vec<&'a RecentEvent> {
    let recent = &asking.live.recent;
    let repository = recent.of_repository(&entry.origin.source, entry.origin.repository_id, since);
    let mut events: Vec<_> = repository.chain(recent.of_entity(entry.entity.entity_ref.as_str(), since)).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    events
}

/// What may break with a thing that breaks: a system's parts, and what it directly depends on.
fn around(catalog: &Catalog, entity: &Entity) -> Vec<EntityRef> {
    let parts = match entity.kind {
        Kind::System => catalog.related(&entity.entity_ref, RelationType::HasPart),
        _ => Vec::new(),
    };
    let neighbours = catalog.neighbours(&entity.entity_ref, Direction::Down).into_iter().map(|(found, _)| found);
    let mut around: Vec<EntityRef> = Vec::new();
    for found in parts.into_iter().chain(neighbours) {
        if !around.contains(&found) && around.len() < DEPENDENCIES {
            around.push(found);
        }
    }
    around
}

fn of_dependencies<'a>(catalog: &'a Catalog, asking: &'a Asking<'_>, entry: &Entry, since: DateTime<Utc>) -> Vec<Change<'a>> {
    let mut seen = vec![(&*entry.origin.source, entry.origin.repository_id)];
    let mut changes = Vec::new();
    for found in around(catalog, &entry.entity) {
        let Some(found) = catalog.find(&found) else { continue };
        let repository = (&*found.origin.source, found.origin.repository_id);
        let recent = &asking.live.recent;
        // A repository that holds several of them has one story.
        let is_new = !seen.contains(&repository);
        let of_repository = recent.of_repository(repository.0, repository.1, since).filter(|_| is_new);
        let events = of_repository.chain(recent.of_entity(found.entity.entity_ref.as_str(), since));
        changes.extend(events.map(|event| Change { event, of: Some(&found.entity) }));
        changes.extend(
            recent.open_incidents(found.entity.entity_ref.as_str()).iter().map(|event| Change { event, of: Some(&found.entity) }),
        );
        if is_new {
            seen.push(repository);
        }
    }
    changes.sort_by_key(|change| std::cmp::Reverse(change.event.at));
    changes
}

/// At most so many lines, then how many more.
fn listed(catalog: &Catalog, asking: &Asking<'_>, changes: Vec<Change<'_>>, most: usize) -> Vec<Text> {
    let more = changes.len().saturating_sub(most);
    let mut lines: Vec<Text> = changes.iter().take(most).map(|change| line(catalog, asking, change)).collect();
    if more > 0
        && let Some(last) = lines.last_mut()
    {
        *last = std::mem::take(last).say(format!(" + {more} more"));
    }
    lines
}

/// "14 min ago, Ledger: deployed to production (success): Release 1.2 by ana".
fn line(catalog: &Catalog, asking: &Asking<'_>, change: &Change<'_>) -> Text {
    let event = change.event;
    let text = Text::plain(age(event.at, asking.now));
    let text = match change.of {
        Some(entity) => text.say(", ").bold(entity.label()),
        None => text,
    };
    let text = text.say(format!(": {}: ", happened(&event.happened)));
    let title = cut(event.title.trim(), TITLE);
    let text = match &event.url {
        Some(url) => text.link(title, url.as_str()),
        None => text.say(title),
    };
    match &event.author {
        Some(login) => {
            let person = catalog.find_person_by_account(AccountKind::Github, login).and_then(|person| catalog.find(person));
            text.say(format!(" by {}", cut(person.map_or(login.as_str(), |person| person.entity.label()), TITLE)))
        }
        None => text,
    }
}

fn happened(happened: &Happened) -> String {
    match happened {
        Happened::Deployed { environment, state } => {
            let place = environment.as_deref().map(|environment| format!(" to {}", cut(environment, TITLE))).unwrap_or_default();
            match state.as_str() {
                "success" => format!("deployed{place}"),
                "failure" | "error" => format!("deployment{place} failed"),
                other => format!("deployment{place} ({})", cut(other, TITLE)),
            }
        }
        Happened::WorkflowFailed => "run failed".to_owned(),
        Happened::Merged => "merged".to_owned(),
        Happened::DescriptorChanged => "descriptor changed".to_owned(),
        Happened::IncidentOpened => "open incident".to_owned(),
        Happened::IncidentClosed => "incident closed".to_owned(),
    }
}

/// Incidents that are open, for the first thing that is read.
pub(super) fn open_incidents(asking: &Asking<'_>, entity: &Entity) -> Vec<Block> {
    let incidents = asking.live.recent.open_incidents(entity.entity_ref.as_str());
    let more = incidents.len().saturating_sub(INCIDENTS);
    let shown = incidents.iter().take(INCIDENTS).map(|incident| {
        let title = cut(incident.title.trim(), TITLE);
        let text = Text::new().bold("Open incident").say(" ");
        let text = match &incident.url {
            Some(url) => text.link(title, url.as_str()),
            None => text.say(title),
        };
        Block::Warning(text.say(format!(", attached {}", age(incident.at, asking.now))))
    });
    let mut blocks: Vec<Block> = shown.collect();
    if more > 0 {
        blocks.push(Block::Paragraph(format!("+ {more} more open").into()));
    }
    blocks
}
