//! What happened lately at the sample company: told to `steward demo` in place of GitHub's webhooks.
//! Must not be told of any other source.

use std::collections::BTreeMap;

use crate::{
    app::App,
    catalog::{EventKind, Origin, RepositoryEvent},
    store::{Concern, Delivery},
};
use chrono::TimeDelta;
use serde::Deserialize;

/// It travels in the binary, as the sample company does.
const NEWS: &str = include_str!("../../fixtures/news.yaml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct News {
    kind: EventKind,
    hours: i64,
    title: String,
    author: String,
    state: Option<String>,
    environment: Option<String>,
}

/// Writes it down as of now. A demo that is started again later hears it again, as new.
pub async fn tell(app: &App, source: &str) -> anyhow::Result<()> {
    let told: BTreeMap<String, Vec<News>> = serde_yaml::from_str(NEWS)?;
    let (now, catalog) = (app.clock.now(), app.catalog.load());
    for (repository, news) in told {
        let is_it = |origin: &&Origin| *origin.source == *source && origin.repository.rsplit('/').next() == Some(&repository);
        let Some(origin) = catalog.entries().iter().map(|entry| &entry.origin).find(is_it) else { continue };
        for (at, News { kind, hours, title, author, state, environment }) in (1..).zip(news) {
            let event = RepositoryEvent {
                repository_id: origin.repository_id,
                kind,
                outside_id: at,
                at: now - TimeDelta::hours(hours),
                title,
                url: origin.repository_url.as_deref().map(str::to_owned),
                author: Some(author),
                state,
                environment,
            };
            let concern = Concern { source: source.to_owned(), happened: Some(event), ..Concern::default() };
            let id = format!("{repository} {at} {now}");
            let delivery = Delivery { id: &id, event: kind.as_str(), action: None, at: now, concerns: vec![concern] };
            app.store.record_delivery(delivery).await?;
        }
    }
    Ok(())
}
