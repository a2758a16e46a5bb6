//! What is said where there is no runbook: whom to ask, the nearest documents, and where to write one.
//! Must not write it.

use url::Url;

use super::{ANNOTATION, whom_to_ask};
use crate::{
    catalog::{Catalog, EntityRef, Entry, InDocument, Question, RUNBOOK_PATHS, wants::is_mkdocs},
    chat::{Block, Button, Card, ListItem, ListStyle, Reply, Status, Text},
    commands::answer::passage,
    search::{Passage, SearchIndex, Wanted},
};

/// Documents that are named in place of a runbook.
const NEAREST: usize = 4;

/// What whoever is on call looks for, where nothing was asked.
const USUAL: &str = "restart rollback failover deploy alert outage incident";

pub(super) fn nowhere(
    catalog: &Catalog,
    search: &SearchIndex,
    entry: &Entry,
    missing: Option<String>,
    asked: Option<&str>,
) -> Reply {
    let lead = Text::plain(format!("{} has no runbook.", entry.entity.label()));
    let mut reply = Reply::new(Status::NotFound, "runbook", lead);
    reply.cards.extend(whom_to_ask(catalog, entry));
    let nearest = nearest(catalog, search, entry, asked);
    let has_own = nearest.iter().any(|(of, _)| *of == entry.entity.entity_ref);
    reply.cards.extend(nearest_card(catalog, entry, nearest));
    let add = match missing {
        Some(missing) => format!(
            "{ANNOTATION} names {missing}, which is not in {}. Add it there, or correct the annotation.",
            entry.origin.repository
        ),
        None => format!(
            "To add one, put {} into {}; the next sync brings it. Or name a path or address in the annotation {ANNOTATION}.",
            RUNBOOK_PATHS[0], entry.origin.repository
        ),
    };
    reply.cards.push(Card { body: vec![Block::Paragraph(add.into())], ..Card::default() });
    reply.buttons.extend(new_file(entry).map(|url| Button::open("Write one", url).primary()));
    if has_own {
        reply.buttons.push(Button::say("Documents", format!("docs {}", entry.entity.entity_ref)));
    }
    reply.buttons.push(Button::say("Owner", format!("owner {}", entry.entity.entity_ref)));
    if let Some(repository) = &entry.origin.repository_url {
        reply.buttons.push(Button::open("Repository", repository.to_string()));
    }
    reply
}

/// Its own documents first, by what was asked; where it has none, those of others that speak of it.
fn nearest(catalog: &Catalog, search: &SearchIndex, entry: &Entry, asked: Option<&str>) -> Vec<(EntityRef, Passage)> {
    let (origin, entity_ref) = (&entry.origin, &entry.entity.entity_ref);
    let own = Wanted { filters: &[], repository: Some((&*origin.source, origin.repository_id)) };
    let mut question = Question::read(asked.unwrap_or(USUAL));
    let is_own = |passage: &Passage| passage::entry_of(catalog, passage).is_none_or(|of| of.entity.entity_ref == *entity_ref);
    let mut found = search.search(&mut question, own).map(|found| found.passages).unwrap_or_default();
    if found.is_empty() {
        // Whatever pages there are.
        found = search.search(&mut Question::default(), own).map(|found| found.passages).unwrap_or_default();
    }
    found.retain(|(passage, _)| is_own(passage) && !is_mkdocs(&passage.path));
    if found.is_empty() {
        question = Question::read(&entry.entity.name);
        let anywhere = Wanted { filters: &[], repository: None };
        found = search.search(&mut question, anywhere).map(|found| found.passages).unwrap_or_default();
        let all = question.words.len().min(16);
        let holds_name = |held: &InDocument| (held.heading | held.body).count_ones() as usize >= all;
        found.retain(|(_, held)| all > 0 && holds_name(held));
    }
    let mut seen = std::collections::HashSet::new();
    let of = |passage: Passage| Some((passage::entry_of(catalog, &passage)?.entity.entity_ref.clone(), passage));
    let first = found.into_iter().map(|(passage, _)| passage);
    let first = first.filter(|passage| seen.insert((passage.repository_id, passage.path.clone())));
    first.filter_map(of).take(NEAREST).collect()
}

fn nearest_card(catalog: &Catalog, entry: &Entry, nearest: Vec<(EntityRef, Passage)>) -> Option<Card> {
    let items: Vec<ListItem> = nearest
        .iter()
        .map(|(of, passage)| {
            let found = catalog.find(of);
            let url = found.and_then(|entry| entry.origin.repository_url.as_deref());
            let text = passage::heading(passage, url);
            let is_own = *of == entry.entity.entity_ref;
            ListItem::new(match found.filter(|_| !is_own) {
                Some(found) => text.say(format!(", of {}", found.entity.label())),
                None => text,
            })
        })
        .collect();
    let body =
        vec![Block::Paragraph("What comes nearest in the documents:".into()), Block::List { style: ListStyle::Bullets, items }];
    (!nearest.is_empty()).then(|| Card { body, ..Card::default() })
}

/// GitHub's page for a new file, filled in; whoever may not push is led to a fork there.
fn new_file(entry: &Entry) -> Option<String> {
    // Files at addresses of their own have no commit: there is no repository to write to.
    entry.origin.commit.as_ref()?;
    let mut url = Url::parse(entry.origin.repository_url.as_deref()?).ok()?;
    let is_github = url.host_str().is_some_and(|host| host.contains("github"));
    if !is_github || entry.origin.archived {
        return None;
    }
    url.path_segments_mut().ok()?.pop_if_empty().extend(["new", "HEAD"]);
    url.query_pairs_mut().append_pair("filename", RUNBOOK_PATHS[0]).append_pair("value", &template(entry.entity.label()));
    Some(url.to_string())
}

fn template(name: &str) -> String {
    format!("# {name} runbook\n\n## Restart\n\n## Roll back\n\n## Fail over\n")
}
