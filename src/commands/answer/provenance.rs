//! Where an answer was read and how fresh that is; loud where it is not.
//! Must not read a clock: `Asking` brings the time.

use super::age::age;
use crate::{
    catalog::{Catalog, Origin},
    chat::{Block, Freshness, Provenance, Span, Text},
    commands::{Asking, StoreHealth},
};

/// Of one file.
pub fn of_file(catalog: &Catalog, asking: &Asking<'_>, origin: &Origin) -> Provenance {
    let synced_at = catalog.source(&origin.source).and_then(|source| source.synced_at);
    build(asking, origin.short(), origin.url(), synced_at, asking.is_stale(&origin.source, synced_at))
}

/// Of the whole catalog: as old as its oldest source.
pub fn of_catalog(catalog: &Catalog, asking: &Asking<'_>) -> Provenance {
    let sources = &catalog.parts().sources;
    // An organisation's people are an extra of its repositories, which a token may not be allowed to see.
    let is_extra = |id: &str| id.strip_suffix("-people").is_some_and(|base| sources.contains_key(base));
    let counted = || sources.iter().filter(|(id, _)| !is_extra(id));
    let never = sources.is_empty() || counted().any(|(_, source)| source.synced_at.is_none());
    let oldest = counted().filter_map(|(_, source)| source.synced_at).min();
    let is_stale = never || counted().any(|(id, source)| asking.is_stale(id, source.synced_at));
    build(asking, "the catalog".to_owned(), None, if never { None } else { oldest }, is_stale)
}

fn build(
    asking: &Asking<'_>,
    read_from: String,
    url: Option<String>,
    synced_at: Option<chrono::DateTime<chrono::Utc>>,
    is_old: bool,
) -> Provenance {
    let words = match synced_at {
        Some(at) => format!("synced {}", age(at, asking.now)),
        None => "never synced".to_owned(),
    };
    let away = matches!(asking.store, StoreHealth::AwaySince(_));
    let freshness = if is_old || away { Freshness::Stale } else { Freshness::Fresh };
    Provenance { read_from, url, synced_at, age: words, freshness }
}

/// What must be said aloud about the age of an answer from this file.
pub fn warnings(catalog: &Catalog, asking: &Asking<'_>, origin: &Origin) -> Vec<Block> {
    let mut warnings = away_warning(asking);
    let source = catalog.source(&origin.source);
    let synced_at = source.and_then(|source| source.synced_at);
    let why = source.and_then(|source| source.error.as_deref()).map(|error| format!(" The last sync stopped: {error}"));
    let why = why.unwrap_or_default();
    match synced_at {
        Some(at) if asking.is_stale(&origin.source, synced_at) => {
            let text = Text::new().say(format!("Last synced {}, ", age(at, asking.now))).push(Span::Time(at));
            warnings.push(Block::Warning(text.say(format!(". This may have changed since.{why}"))));
        }
        None => {
            let text = format!("The source {} has never been read to its end; parts may be missing.{why}", origin.source);
            warnings.push(Block::Warning(text.into()));
        }
        Some(_) => {}
    }
    warnings
}

/// Says that the database is away, where it is.
pub fn away_warning(asking: &Asking<'_>) -> Vec<Block> {
    match asking.store {
        StoreHealth::AwaySince(since) => {
            let text = Text::plain("PostgreSQL has been unreachable since ").push(Span::Time(since));
            vec![Block::Warning(text.say("; this is what was known then."))]
        }
        StoreHealth::Reachable | StoreHealth::Absent => Vec::new(),
    }
}
