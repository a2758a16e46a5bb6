//! The application as tests build it: the one place that knows its fields.

use std::sync::Arc;

use chrono::{DateTime, TimeZone, Utc};
use steward::{
    app::{App, CatalogHandle, Clock},
    catalog::{Catalog, Entity, EntityRef, Entry, Origin, Parts},
    outbox::Outbox,
    settings::Settings,
    slack::SlackClient,
    store::Store,
};

/// What the clock shows in every test.
pub fn test_now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 9, 0, 0).unwrap()
}

/// A service and a team, no database, and this Slack.
pub fn test_app(slack: Option<SlackClient>) -> App {
    App {
        settings: Settings::default(),
        commands: steward::commands::load_definitions().unwrap(),
        custom_kinds: Default::default(),
        catalog: CatalogHandle::new(test_catalog()),
        store: Store::default(),
        outbox: Outbox { slack, ..Outbox::default() },
        clock: Clock::fixed(test_now()),
        live: Default::default(),
        links: Default::default(),
        search: Default::default(),
        seal: None,
        githubs: Vec::new(),
    }
}

fn test_catalog() -> Catalog {
    let claims = vec![entry("component", "payments-api"), entry("group", "payments")];
    Catalog::build(Parts { claims, repositories: 1, ..Parts::default() })
}

fn entry(kind: &str, name: &str) -> Arc<Entry> {
    let document = serde_json::json!({ "kind": kind, "metadata": { "name": name } });
    let origin = Origin {
        source: "local".into(),
        repository_id: 1,
        repository: "acme/payments".into(),
        repository_url: None,
        archived: false,
        language: None,
        authority: Default::default(),
        path: "catalog-info.yaml".into(),
        commit: None,
        committed_at: None,
    };
    let entity = Entity::from_document(EntityRef::new(kind, "default", name), &document, Vec::new());
    Arc::new(Entry { entity, origin, problem: None })
}
