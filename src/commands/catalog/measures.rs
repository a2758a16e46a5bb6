//! `/catalog metrics`: the figures by which a platform team judges its catalog, its templates and Steward itself.
//! Must not count: the worker keeps the shares in memory.

use chrono::{DateTime, TimeDelta, Utc};

use super::coverage::{Covered, covered};
use crate::{
    catalog::{
        Catalog, Kind,
        live::{Measures, Share},
    },
    chat::{Block, Card, Reply, Status, Text},
    commands::{Asking, answer::provenance},
};

/// What was changed since counts as fresh.
const FRESH: TimeDelta = TimeDelta::days(30);

/// Entries whose descriptor was changed in the last 30 days, of those of which that is known.
pub fn freshness(catalog: &Catalog, now: DateTime<Utc>) -> Share {
    let things = catalog.entries().iter().filter(|entry| !matches!(entry.entity.kind, Kind::Group | Kind::User | Kind::Location));
    things
        .filter_map(|entry| entry.origin.committed_at)
        .fold(Share::default(), |Share { part, all }, at| Share { part: part + u64::from(now - at <= FRESH), all: all + 1 })
}

pub fn measures(catalog: &Catalog, asking: &Asking<'_>) -> Reply {
    let live = &asking.live;
    let Covered { components, with_docs, with_runbook } = covered(catalog, &live.coverage);
    let mut rows = vec![
        ("Catalog freshness", told(freshness(catalog, asking.now), "entries changed in 30 days")),
        ("Docs coverage", told(Share::of(with_docs, components), "components have docs")),
        ("Runbook coverage", told(Share::of(with_runbook, components), "components have a runbook")),
    ];
    if let Some(links) = &live.coverage.links {
        let valid = Share::of(links.checked - links.dead_number.min(links.checked), links.checked);
        rows.push(("Link validity", told(valid, "links answer")));
    }
    if let Some(measures) = live.measures.as_ref() {
        let Measures { syncs, providers, refused, active_week, runs, failed_actions, adoption, drift } = measures;
        rows.push(("Sync success", told(*syncs, "syncs read all of their source")));
        for (provider, share) in providers {
            rows.push(("Availability", told(*share, &format!("requests to {} were answered", said(provider)))));
        }
        rows.extend([
            ("Template adoption", told(*adoption, "repositories new in 90 days were made from a template")),
            ("Template drift", told(*drift, "repositories were made from an older version of their template")),
            ("Scaffolder success", told(*runs, "runs came to their end")),
            ("Action failures", told(*failed_actions, "steps of runs failed")),
            ("Refused commands", told(*refused, "commands were not allowed to whoever gave them")),
            ("Weekly active users", (active_week.to_string(), "asked something in the last 7 days".to_owned())),
        ]);
    }
    let lead = match live.measures.is_some() {
        true => "How the last 30 days went, where nothing else is said.",
        false => "What is in memory; the rest is counted in PostgreSQL and was not read yet.",
    };
    let mut reply = Reply::new(Status::Answered, "catalog", lead.into());
    let header = ["Metric", "Now", "That is"].map(Text::plain).to_vec();
    let rows = rows.into_iter().map(|(name, (now, that_is))| vec![name.into(), now.into(), that_is.into()]);
    reply.cards.push(Card { body: vec![Block::Table { header, rows: rows.collect() }], ..Card::default() });
    reply.provenance = Some(provenance::of_catalog(catalog, asking));
    reply
}

/// "98.2 %" and "55 of 56 syncs …"; of nothing it says that.
fn told(share: Share, what: &str) -> (String, String) {
    match share.ratio() {
        Some(ratio) => (format!("{:.1}\u{a0}%", ratio * 100.0), format!("{} of {} {what}", share.part, share.all)),
        None => ("–".to_owned(), "nothing to count yet".to_owned()),
    }
}

fn said(provider: &str) -> &str {
    match provider {
        "on-call" => "the on-call schedules",
        "slack" => "Slack",
        "discord" => "Discord",
        "playground" => "the playground",
        other => other.strip_prefix("source:").unwrap_or(other),
    }
}
