//! The application as tests build it: the one place that knows its fields.

use chrono::{DateTime, TimeZone, Utc};
use steward::{
    app::{App, CatalogHandle, Clock},
    catalog::Catalog,
    outbox::Outbox,
    settings::Settings,
    slack::SlackClient,
    store::Store,
};

/// What the clock shows in every test.
pub fn test_now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 9, 0, 0).unwrap()
}

/// An empty catalog, no database, and this Slack.
pub fn test_app(slack: Option<SlackClient>) -> App {
    App {
        settings: Settings::default(),
        commands: steward::commands::load_definitions().unwrap(),
        custom_kinds: Default::default(),
        catalog: CatalogHandle::new(Catalog::build(Default::default())),
        store: Store::default(),
        outbox: Outbox { slack, ..Outbox::default() },
        clock: Clock::fixed(test_now()),
    }
}
