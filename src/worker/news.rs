//! Asks sources what happened lately to repositories of which no webhook tells, when somebody wants to know.
//! Must not ask for what nobody waits for.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::Worker;
use crate::{
    catalog::{
        RepositoryEvent,
        live::{NewsOf, NewsRead, Recent},
    },
    github::MOST_NEWS,
    store::StoreError,
    sync::Source,
};

impl Worker {
    /// Asks for what is wanted until told to stop.
    pub async fn keep_news(&self, stop: &CancellationToken) {
        let sources = self.sources.iter().filter(|source| source.with_news().is_some());
        self.app.live.set_news_sources(sources.map(|source| source.id().to_owned()).collect());
        loop {
            let wanted = tokio::select! {
                () = stop.cancelled() => return,
                wanted = self.app.live.news.take() => wanted,
            };
            let mut of_source: BTreeMap<String, Vec<NewsOf>> = BTreeMap::new();
            for of in wanted {
                of_source.entry(of.source.clone()).or_default().push(of);
            }
            for (id, of) in of_source {
                let Some(source) = self.sources.iter().find(|source| source.id() == id) else { continue };
                for of in of.chunks(MOST_NEWS) {
                    self.read_news(source, of).await;
                }
            }
        }
    }

    /// Asks for the news of some repositories and has every replica know them; a failure is known here alone.
    async fn read_news(&self, source: &Source, of: &[NewsOf]) {
        let Some(github) = source.with_news() else { return };
        let names: Vec<String> = of.iter().map(|of| of.full_name.clone()).collect();
        let now = self.app.clock.now();
        let news: Vec<(i64, Vec<RepositoryEvent>)> = match github.read_news(&names).await {
            Ok(news) => {
                let (shown, hidden): (Vec<_>, Vec<_>) = of.iter().zip(news).partition(|(_, news)| news.is_some());
                let hidden: Vec<NewsOf> = hidden.into_iter().map(|(of, _)| of.clone()).collect();
                self.note_news_fault(&hidden, now, "GitHub does not show it to the token").await;
                shown.into_iter().filter_map(|(of, news)| Some((of.repository_id, news?))).collect()
            }
            Err(fault) => {
                warn!(source = source.id(), %fault, "what happened lately could not be asked for");
                self.note_news_fault(of, now, &fault.to_string()).await;
                return;
            }
        };
        let written = async {
            self.app.store.write_news(source.id(), &news, now).await?;
            self.read_recent().await
        };
        if let Err(fault) = written.await {
            if let StoreError::Failed(fault) = &fault {
                error!(fault = format!("{fault:#}"), "what happened lately could not be stored");
            }
            self.note_news_fault(of, now, "it cannot be kept while PostgreSQL is away").await;
        }
    }

    async fn note_news_fault(&self, of: &[NewsOf], at: DateTime<Utc>, fault: &str) {
        if of.is_empty() {
            return;
        }
        let _turn = self.watching.turn.lock().await;
        let mut recent: Recent = (*self.app.live.load().recent).clone();
        for of in of {
            let read = NewsRead { at, fault: Some(fault.to_owned()) };
            recent.looked.insert((of.source.clone(), of.repository_id), read);
        }
        self.app.live.set_recent(recent);
    }
}
