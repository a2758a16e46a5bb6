//! `/catalog`: what the catalog holds, how fresh it is and what is broken; for admins a sync now.
//! Must not sync: it records the wish, a job does the work.

pub mod add;
pub mod coverage;
pub mod gaps;
mod hearing;
pub mod measures;
mod people;
pub mod removal;

use std::collections::BTreeMap;

use super::{
    Asking, Standing,
    answer::{
        age::{age, count},
        failure,
        names::{asker, bare_name, short_ref},
        provenance, subject,
        warnings::{broken_place, has_known_owner, sentence},
    },
};
use crate::{
    app::App,
    catalog::{BrokenFile, Catalog, Kind, SourceState, address::name_file},
    chat::{Account, Arguments, Block, Button, Card, Freshness, ListItem, ListStyle, Place, Reply, Status, Text, Tone},
    store::{AuditEntry, Job, SyncSources},
};

/// Broken descriptors shown before "+ n more".
const BROKEN: usize = 5;
const CONFLICTS: usize = 5;

/// Entries without a known owner that are named.
const UNOWNED: usize = 5;

/// The arguments of `commands/catalog.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogCall {
    Show,
    Sync,
    /// What was removed lately.
    Removed,
    /// Carries out what was held back for a source.
    Remove {
        source: String,
    },
    /// Takes the removal of a repository back.
    Restore {
        repository: String,
    },
    /// Reads a single descriptor from now on; the form where no address is given.
    Add {
        url: String,
    },
    RemoveUrl {
        url: String,
    },
    /// Names that people ask for and that nothing is called.
    Gaps,
    /// Shares of what went well lately.
    Metrics,
    /// Links at which nothing answers, of all owners or of one.
    DeadLinks {
        owner: String,
    },
}

impl From<&Arguments> for CatalogCall {
    fn from(arguments: &Arguments) -> Self {
        let subject = || arguments.find("subject").unwrap_or_default().to_owned();
        match arguments.find("action") {
            Some("sync") => Self::Sync,
            Some("removed") => Self::Removed,
            Some("remove") => Self::Remove { source: subject() },
            Some("restore") => Self::Restore { repository: subject() },
            Some("add") => Self::Add { url: subject() },
            Some("gaps") => Self::Gaps,
            Some("metrics") => Self::Metrics,
            Some("dead-links") => Self::DeadLinks { owner: subject() },
            Some("remove-url") => Self::RemoveUrl { url: subject() },
            _ => Self::Show,
        }
    }
}

/// The state of the catalog.
pub fn catalog(catalog: &Catalog, asking: &Asking<'_>) -> Reply {
    let mut reply = if catalog.is_empty() { subject::empty_catalog("catalog") } else { coverage(catalog, asking) };
    reply.buttons.retain(|button| !matches!(&button.does, crate::chat::Does::Say(line) if line == "catalog"));
    reply.cards.extend(removal::held_back_cards(catalog, asking));
    if !catalog.parts().sources.is_empty() {
        reply.cards.push(sources_card(catalog, asking));
    }
    reply.cards.extend(hearing::hearing_card(asking));
    reply.cards.extend(broken_card(catalog));
    reply.cards.extend(conflicts_card(catalog));
    reply.cards.extend(people::people_card(catalog));
    reply.buttons.push(Button::say("Metrics", "catalog metrics"));
    if asking.standing == Standing::Admin {
        let question = "Read all sources again now?";
        reply.buttons.push(Button::say("Sync now", "catalog sync").primary().confirm(question));
        reply.buttons.push(Button::say("Removed lately", "catalog removed"));
    }
    reply.provenance = Some(provenance::of_catalog(catalog, asking));
    reply
}

/// Records that all sources shall be read now. The caller has checked that an admin asks.
pub async fn sync(app: &App, catalog: &Catalog, asking: &Asking<'_>, place: Option<&Place>) -> Reply {
    let entry = AuditEntry {
        at: asking.now,
        delivery: asking.delivery.clone(),
        account: asking.account.clone(),
        person: asking.person.clone(),
        command: "catalog sync".to_owned(),
        subject: "all sources".to_owned(),
        detail: serde_json::json!({ "sources": catalog.parts().sources.keys().collect::<Vec<_>>() }),
    };
    match app.store.record_action(entry, Some(sync_job(asking.account, place))).await {
        Ok(()) => {
            let name = asker(catalog, asking).name;
            let told = if place.is_some() { " You will be told here." } else { "" };
            let lead = format!("A sync of all sources is on its way, asked for by {name}.{told}");
            Reply::new(Status::Answered, "catalog", lead.into())
        }
        Err(error) => failure::not_recorded("catalog", "The sync was not started.", asking, &error),
    }
}

fn sync_job(requested_by: &Account, place: Option<&Place>) -> Job {
    Job::SyncSources(SyncSources { requested_by: requested_by.clone(), place: place.cloned(), confirmed: None })
}

struct Counted {
    entities: usize,
    owned: usize,
    with_runbook: usize,
}

fn coverage(catalog: &Catalog, asking: &Asking<'_>) -> Reply {
    let mut kinds: BTreeMap<Kind, Counted> = BTreeMap::new();
    for entry in catalog.entries() {
        let kind = kinds.entry(entry.entity.kind.clone()).or_insert(Counted { entities: 0, owned: 0, with_runbook: 0 });
        kind.entities += 1;
        kind.owned += usize::from(entry.entity.owner().is_some_and(|owner| catalog.find(owner).is_some()));
        kind.with_runbook += usize::from(super::runbook::exists(catalog, entry));
    }
    let repositories = catalog.parts().repositories;
    let mut lead = format!("The catalog holds {}", entities(catalog.entries().len()));
    if repositories > 0 {
        let s = if repositories == 1 { "y" } else { "ies" };
        lead.push_str(&format!(" from {repositories} repositor{s}"));
    }
    let broken = catalog.broken().len();
    if broken > 0 {
        lead.push_str(&format!("; {} broken", count(broken, "descriptor") + if broken == 1 { " is" } else { " are" }));
    }
    lead.push('.');
    let mut reply = Reply::new(Status::Answered, "catalog", lead.into());
    let header = ["Kind", "Entities", "With a known owner", "With a runbook"].map(Text::plain).to_vec();
    let rows = kinds.iter().map(|(kind, counted)| {
        let owned = match kind {
            Kind::Group | Kind::User | Kind::Location => "–".to_owned(),
            _ => counted.owned.to_string(),
        };
        let with_runbook = match kind {
            Kind::Component | Kind::Resource => counted.with_runbook.to_string(),
            _ => "–".to_owned(),
        };
        vec![kind.as_str().into(), counted.entities.to_string().into(), owned.into(), with_runbook.into()]
    });
    let mut body = provenance::away_warning(asking);
    body.push(Block::Table { header, rows: rows.collect() });
    body.extend(without_owner(catalog));
    let bare = catalog.parts().without_descriptor;
    if bare > 0 {
        let said = if bare == 1 {
            "1 repository has no descriptor.".to_owned()
        } else {
            format!("{bare} repositories have no descriptor.")
        };
        body.push(Block::Paragraph(said.into()));
    }
    let moving = catalog.only_elsewhere().count();
    if moving > 0 {
        body.push(Block::Paragraph(format!("{} only in Backstage: no file declares them yet.", entities(moving)).into()));
    }
    reply.cards.push(Card { body, ..Card::default() });
    reply.cards.extend(coverage::coverage_card(catalog, asking));
    reply
}

/// "No known owner: loyalty-service, reviews + 3 more."
fn without_owner(catalog: &Catalog) -> Option<Block> {
    let needs_owner = |kind: &Kind| !matches!(kind, Kind::Group | Kind::User | Kind::Location);
    let entries = catalog.entries().iter();
    let without = entries.filter(|entry| needs_owner(&entry.entity.kind) && !has_known_owner(catalog, entry));
    let names: Vec<String> = without.map(|entry| bare_name(&entry.entity.entity_ref)).collect();
    let more = names.len().saturating_sub(UNOWNED);
    let more = if more > 0 { format!(" + {more} more") } else { String::new() };
    let said = || format!("No known owner: {}{more}.", names[..names.len().min(UNOWNED)].join(", "));
    (!names.is_empty()).then(|| Block::Paragraph(said().into()))
}

fn entities(number: usize) -> String {
    if number == 1 { "1 entity".to_owned() } else { format!("{number} entities") }
}

fn sources_card(catalog: &Catalog, asking: &Asking<'_>) -> Card {
    let mut tone = Tone::Neutral;
    let items = catalog.parts().sources.iter().map(|(id, state)| {
        let SourceState { synced_at, error, held_back: _ } = state;
        let mut text = Text::new().bold(id.as_str());
        match synced_at {
            Some(at) => text = text.say(format!(": synced {}", age(*at, asking.now))),
            None => text = text.say(": never synced"),
        }
        if asking.freshness(id, *synced_at) == Freshness::Stale {
            tone = Tone::Warning;
            if synced_at.is_some() {
                text = text.say(", stale");
            }
        }
        if let Some(error) = error {
            tone = Tone::Warning;
            text = text.say(format!(". The last sync stopped: {}", sentence(error)));
        }
        ListItem::new(text)
    });
    let items = items.collect();
    Card {
        tone,
        title: Text::new().bold("Sources"),
        body: vec![Block::List { style: ListStyle::Bullets, items }],
        ..Card::default()
    }
}

fn broken_card(catalog: &Catalog) -> Option<Card> {
    let all = catalog.broken();
    if all.is_empty() {
        return None;
    }
    let mut sorted: Vec<&BrokenFile> = all.iter().map(AsRef::as_ref).collect();
    sorted.sort_by_key(|file| (file.origin.repository.clone(), file.origin.path.clone(), file.line));
    let mut items: Vec<ListItem> = sorted
        .iter()
        .take(BROKEN)
        .map(|file| {
            let (place, url) = broken_place(file);
            let place = name_file(&file.origin.repository, &place);
            let text = match url {
                Some(url) => Text::new().link(place, url),
                None => Text::new().code(place),
            };
            ListItem::new(text.say(format!(" {}", sentence(&file.message))))
        })
        .collect();
    if all.len() > BROKEN {
        items.push(ListItem::new(format!("+ {} more", all.len() - BROKEN).into()));
    }
    let body = vec![Block::List { style: ListStyle::Bullets, items }];
    Some(Card { tone: Tone::Warning, title: Text::new().bold("Broken descriptors"), body, ..Card::default() })
}

fn conflicts_card(catalog: &Catalog) -> Option<Card> {
    let mut refs: Vec<_> = catalog.conflicts().collect();
    if refs.is_empty() {
        return None;
    }
    refs.sort();
    let mut items: Vec<ListItem> = Vec::new();
    for entity_ref in refs.iter().take(CONFLICTS) {
        let owner = catalog.find(entity_ref).into_iter();
        let files = owner.chain(catalog.rivals(entity_ref)).map(|entry| entry.origin.file());
        let files = files.collect::<Vec<_>>().join(", then ");
        items.push(ListItem::new(Text::new().code(short_ref(entity_ref)).say(format!(": {files}"))));
    }
    if refs.len() > CONFLICTS {
        items.push(ListItem::new(format!("+ {} more", refs.len() - CONFLICTS).into()));
    }
    let body = vec![Block::List { style: ListStyle::Bullets, items }];
    Some(Card {
        tone: Tone::Warning,
        title: Text::new().bold("Claimed by more than one file; the first is shown"),
        body,
        ..Card::default()
    })
}
