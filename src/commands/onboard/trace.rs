//! What the catalog has for a step, in one line: by that it is seen whether something has come since it was looked for.
//! Must not judge whether it is right.

use crate::{
    catalog::{
        Catalog, Entry, RelationType,
        descriptor::DOCS_ANNOTATION,
        links::{LinkRules, TitledLink},
        live::{Live, Step},
    },
    chat::limits::cut,
    commands::{owner::titled_links, runbook},
};

/// Of a trace that is kept.
const LONGEST: usize = 1_000;

/// Words in a link's title or address by which it shows how something is doing.
const DASHBOARD_WORDS: [&str; 9] =
    ["dashboard", "grafana", "datadog", "kibana", "newrelic", "new relic", "cloudwatch", "monitor", "metrics"];

/// Empty where there is nothing.
pub fn trace(catalog: &Catalog, live: &Live, links: &LinkRules, step: Step, entry: &Entry) -> String {
    let entity = &entry.entity;
    let joined = |all: Vec<String>| all.join(", ");
    let trace = match step {
        Step::Owner => {
            let owner = entity.owner().filter(|owner| catalog.find(owner).is_some());
            owner.map(ToString::to_string).unwrap_or_default()
        }
        Step::Runbook => runbook::place_text(catalog, entry).map(|text| text.to_plain()).unwrap_or_default(),
        Step::Dashboard => joined(dashboards(links, entry).into_iter().map(|link| link.url).collect()),
        Step::Docs => entity.annotation(DOCS_ANNOTATION).map(|written| written.trim().to_owned()).unwrap_or_default(),
        Step::Dependencies => {
            let kinds = [RelationType::DependsOn, RelationType::ConsumesApi];
            joined(
                kinds.into_iter().flat_map(|kind| catalog.related(&entity.entity_ref, kind)).map(|to| to.to_string()).collect(),
            )
        }
        Step::OnCall => {
            let named = live.on_call.schedule_of(catalog, entity);
            named.map(|named| format!("{} {}", named.key.provider, named.key.id)).unwrap_or_default()
        }
    };
    cut(&trace, LONGEST)
}

/// Links that show how it is doing.
pub fn dashboards(links: &LinkRules, entry: &Entry) -> Vec<TitledLink> {
    let is_one = |link: &TitledLink| {
        let words = format!("{} {}", link.title, link.url).to_lowercase();
        DASHBOARD_WORDS.iter().any(|word| words.contains(word))
    };
    titled_links(links, &entry.entity).into_iter().filter(is_one).collect()
}
