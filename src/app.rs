//! What the ways in share: built once, handed down. Must not do anything by itself.

mod asks;
mod gaps;
mod news;
mod secrets;
mod tally;

use std::{
    fmt,
    sync::{Arc, RwLock},
};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};

use crate::{
    catalog::{
        Catalog, Taste,
        kinds::CustomKinds,
        links::LinkRules,
        live::{ChannelTeams, Coverage, Hearing, Live, Measures, OnCall, Recent},
    },
    chat::{CommandSet, CustomCommands},
    github::GithubSource,
    outbox::Outbox,
    seal::Seal,
    search::SearchIndex,
    settings::Settings,
    store::Store,
    template::shelf::Shelf,
};

pub use asks::{AskCounter, Asked, taste};
pub use gaps::GapCounter;
pub use news::NewsDesk;
pub use secrets::{NoSecrets, sealed_about};
pub use tally::{Outcome, Tally};

/// All that an answer or a job may need.
#[derive(Debug)]
pub struct App {
    pub settings: Settings,
    pub commands: CommandSet,
    pub custom_kinds: CustomKinds,
    pub catalog: CatalogHandle,
    pub store: Store,
    pub outbox: Outbox,
    pub clock: Clock,
    /// What stands beside the catalog and changes by the minute.
    pub live: LiveHandle,
    /// Which annotations become links.
    pub links: Arc<LinkRules>,
    /// What finds entities and passages by words; answers still come from the catalog.
    pub search: SearchIndex,
    /// For secrets that runs need; none without a configured key.
    pub seal: Option<Seal>,
    /// Where repositories are made, and may be there already; none where nothing but the catalog is answered from.
    pub githubs: Vec<GithubSource>,
}

/// The current snapshot: readers never wait, a writer swaps it whole.
#[derive(Debug)]
pub struct CatalogHandle {
    current: ArcSwap<Catalog>,
}

impl CatalogHandle {
    pub fn new(catalog: Catalog) -> Self {
        Self { current: ArcSwap::from_pointee(catalog) }
    }

    pub fn load(&self) -> Arc<Catalog> {
        self.current.load_full()
    }

    /// Replaces the snapshot by one made of it; tried again where another writer was quicker, so none is lost.
    pub fn update(&self, change: impl Fn(&Catalog) -> Catalog) {
        self.current.rcu(|current| Arc::new(change(current)));
    }
}

/// Who is on call, what happened lately, which team a conversation belongs to: read without a lock, replaced whole.
#[derive(Debug, Default)]
pub struct LiveHandle {
    on_call: ArcSwap<OnCall>,
    recent: ArcSwap<Recent>,
    channels: ArcSwap<ChannelTeams>,
    custom: ArcSwap<CustomCommands>,
    news_sources: ArcSwap<Vec<String>>,
    /// News that somebody waits for.
    pub news: NewsDesk,
    taste: ArcSwap<Taste>,
    /// What is asked for and opened.
    pub asks: AskCounter,
    /// Look-ups that found nothing.
    pub gaps: GapCounter,
    hearing: ArcSwap<Hearing>,
    templates: ArcSwap<Shelf>,
    coverage: ArcSwap<Coverage>,
    measures: ArcSwap<Option<Measures>>,
    /// What went well and what did not.
    pub tally: Tally,
}

impl LiveHandle {
    pub fn load(&self) -> Live {
        Live {
            on_call: self.on_call.load_full(),
            recent: self.recent.load_full(),
            channels: self.channels.load_full(),
            news_sources: self.news_sources.load_full(),
            hearing: self.hearing.load_full(),
            taste: self.taste.load_full(),
            coverage: self.coverage.load_full(),
            measures: self.measures.load_full(),
        }
    }

    pub fn set_on_call(&self, on_call: OnCall) {
        self.on_call.store(Arc::new(on_call));
    }

    pub fn set_recent(&self, recent: Recent) {
        self.recent.store(Arc::new(recent));
    }

    /// Notes what was heard, or that nothing is; tried again where another writer was quicker, so none is lost.
    pub fn hear(&self, change: impl Fn(&mut Hearing)) {
        self.hearing.rcu(|hearing| {
            let mut hearing = Hearing::clone(hearing);
            change(&mut hearing);
            hearing
        });
    }

    pub fn hearing(&self) -> Arc<Hearing> {
        self.hearing.load_full()
    }

    pub fn set_channels(&self, channels: ChannelTeams) {
        self.channels.store(Arc::new(channels));
    }

    pub fn set_news_sources(&self, sources: Vec<String>) {
        self.news_sources.store(Arc::new(sources));
    }

    pub fn set_coverage(&self, coverage: Coverage) {
        self.coverage.store(Arc::new(coverage));
    }

    pub fn set_measures(&self, measures: Measures) {
        self.measures.store(Arc::new(Some(measures)));
    }

    pub fn set_taste(&self, taste: Taste) {
        self.taste.store(Arc::new(taste));
    }

    /// The templates of the catalog, as they were read last.
    pub fn templates(&self) -> Arc<Shelf> {
        self.templates.load_full()
    }

    pub fn set_templates(&self, templates: Shelf) {
        self.templates.store(Arc::new(templates));
    }

    /// The commands of the organisation's own, as their files were read last.
    pub fn custom(&self) -> Arc<CustomCommands> {
        self.custom.load_full()
    }

    pub fn set_custom(&self, custom: CustomCommands) {
        self.custom.store(Arc::new(custom));
    }
}

/// The only way to the current time, so that tests can hold it still.
#[derive(Clone)]
pub enum Clock {
    System,
    Fixed(Arc<RwLock<DateTime<Utc>>>),
}

impl Clock {
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self::Fixed(Arc::new(RwLock::new(at)))
    }

    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now(),
            Self::Fixed(at) => *at.read().expect("nothing panics while it holds this lock"),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("System"),
            Self::Fixed(_) => write!(f, "Fixed({})", self.now()),
        }
    }
}
