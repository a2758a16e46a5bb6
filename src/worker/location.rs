//! Adds and removes addresses of single descriptors, and tells the asker what came of it.
//! Must not judge a descriptor or an address: `catalog` and `sync` do.

use super::{
    Worker,
    jobs::{answer_to, job},
};
use crate::{
    catalog::{
        EntityRef,
        descriptor::{Document, Verdict, parse_descriptor},
        number_of,
    },
    chat::{Block, Card, ListItem, ListStyle, Reply, Status, Text, Tone},
    commands::answer::names::short_ref,
    store::{ChangeLocation, JobContext, LocationChange, StoreError},
    sync::{Progress, Source, SourceSummary, SyncOrder, UrlSource, normalise},
};

/// Entities and errors told before "+ n more".
const TOLD: usize = 15;

job!(LocationJob(ChangeLocation) = CHANGE_LOCATION, |worker, job| worker.run_change_location(job));

/// What reading an address for the first time brought.
struct FirstRead {
    valid: Vec<EntityRef>,
    /// Line and message.
    faults: Vec<String>,
}

impl Worker {
    async fn run_change_location(&self, job: JobContext<ChangeLocation>) -> Result<(), StoreError> {
        let ChangeLocation { change, url, requested_by, place } = job.work;
        let url = normalise(&url);
        let by = format!("{}:{}", requested_by.platform.as_str(), requested_by.id);
        let found = self.sources.iter().find_map(|source| match source {
            Source::Url(inner) => Some((source, inner)),
            Source::Github(_) | Source::Directory { .. } | Source::Organisation(_) | Source::People(_) | Source::Backstage(_) => {
                None
            }
        });
        let reply = match (found, change) {
            (None, _) => say(Status::Error, "Nothing was changed: this Steward reads no single addresses."),
            (Some((source, inner)), LocationChange::Add) => self.add_location(source, inner, &url, &by).await?,
            (Some((source, inner)), LocationChange::Remove) => self.remove_location(source, inner, &url).await?,
        };
        let result = if reply.status == Status::Answered { "done" } else { "refused" };
        let message = answer_to(requested_by, place, reply);
        self.app.store.finish_action(job.audit_id, self.app.clock.now(), result, Some(message)).await
    }

    async fn add_location(&self, source: &Source, inner: &UrlSource, url: &str, by: &str) -> Result<Reply, StoreError> {
        if inner.is_configured(url) {
            return Ok(say(Status::Refused, format!("{url} is read already: steward.yaml names it.")));
        }
        let read = match self.read_first(url).await {
            Ok(read) => read,
            Err(why) => {
                return Ok(say(Status::Error, format!("{url} was not added, since it cannot be read: {why}.")));
            }
        };
        if read.valid.is_empty() {
            let mut reply = say(Status::Refused, format!("{url} was not added: it holds no valid entity."));
            reply.cards.extend(list("What is wrong", Tone::Warning, read.faults));
            return Ok(reply);
        }
        self.app.store.add_location(inner.id(), url, by, self.app.clock.now()).await?;
        let summary = self.sync(source, SyncOrder::EVERYTHING, &Progress::Silent).await?;
        Ok(self.tell_added(url, &read, &summary))
    }

    /// Reads an address and judges what is there, before anything is stored.
    async fn read_first(&self, url: &str) -> Result<FirstRead, String> {
        let mut first = FirstRead { valid: Vec::new(), faults: Vec::new() };
        let files = self.elsewhere.read(&[url.to_owned()]).await.into_iter().flatten();
        for file in files {
            let bytes = file.contents?;
            let documents = tokio::task::block_in_place(|| parse_descriptor(&bytes, &self.app.custom_kinds));
            for Document { verdict, .. } in documents {
                match verdict {
                    Verdict::Valid { entity, .. } => first.valid.push(entity.entity_ref),
                    Verdict::Invalid { problem, .. } | Verdict::YamlError { problem } => {
                        first.faults.push(format!("line {}: {problem}", problem.line));
                    }
                }
            }
        }
        if first.valid.is_empty() && first.faults.is_empty() {
            first.faults.push("there is no document in it".to_owned());
        }
        Ok(first)
    }

    fn tell_added(&self, url: &str, read: &FirstRead, summary: &SourceSummary) -> Reply {
        let catalog = self.app.catalog.load();
        let id = number_of(url);
        let is_here = |origin: &crate::catalog::Origin| origin.repository_id == id && *origin.source == *summary.id;
        let found = catalog.entries().iter().filter(|entry| is_here(&entry.origin));
        let found: Vec<&EntityRef> = found.map(|entry| &entry.entity.entity_ref).collect();
        let number = if found.len() == 1 { "1 entity was".to_owned() } else { format!("{} entities were", found.len()) };
        let mut reply = say(Status::Answered, format!("{url} is in the catalog: {number} found."));
        reply.refs = found.iter().map(ToString::to_string).collect();
        reply.cards.extend(list("Found", Tone::Good, found.iter().map(|found| short_ref(found)).collect()));
        let elsewhere = read.valid.iter().filter_map(|entity_ref| {
            let owner = catalog.find(entity_ref).filter(|entry| !is_here(&entry.origin))?;
            Some(format!("{} is declared by {}, which counts", short_ref(entity_ref), owner.origin.file()))
        });
        reply.cards.extend(list("Declared elsewhere already", Tone::Warning, elsewhere.collect()));
        // What it leads to lies beside it as a rule; the location says which file it is.
        let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let errors = summary.errors.iter().filter(|error| error.location.contains(&host));
        let errors = errors.map(|error| format!("{}: {}", error.location, error.message));
        reply.cards.extend(list("What is wrong", Tone::Warning, errors.collect()));
        reply
    }

    async fn remove_location(&self, source: &Source, inner: &UrlSource, url: &str) -> Result<Reply, StoreError> {
        if inner.is_configured(url) {
            let said = format!("{url} stays: steward.yaml names it, and it is taken out there.");
            return Ok(say(Status::Refused, said));
        }
        let removed_from = self.app.store.remove_location(url).await?;
        let not_there = || say(Status::NotFound, format!("{url} was never added from chat. Nothing was changed."));
        if removed_from.is_empty() && source.is_idle(&self.app.store).await? && !self.has_read(source) {
            return Ok(not_there());
        }
        // Also where nothing was removed now: an attempt before this one may have been cut short.
        let summary = self.sync(source, SyncOrder::EVERYTHING, &Progress::Silent).await?;
        if removed_from.is_empty() && summary.removed == 0 {
            return Ok(not_there());
        }
        let entities = if summary.removed == 1 { "entity" } else { "entities" };
        Ok(say(Status::Answered, format!("{url} is no longer read; {} {entities} went with it.", summary.removed)))
    }
}

impl Worker {
    /// Whether anything in the catalog comes from this source.
    fn has_read(&self, source: &Source) -> bool {
        self.app.catalog.load().parts().sources.contains_key(source.id())
    }
}

fn say(status: Status, said: impl Into<String>) -> Reply {
    Reply::new(status, "catalog", Text::plain(said.into()))
}

fn list(title: &str, tone: Tone, mut lines: Vec<String>) -> Option<Card> {
    if lines.is_empty() {
        return None;
    }
    let more = lines.len().saturating_sub(TOLD);
    lines.truncate(TOLD);
    if more > 0 {
        lines.push(format!("+ {more} more"));
    }
    let items = lines.into_iter().map(|line| ListItem::new(line.into())).collect();
    let body = vec![Block::List { style: ListStyle::Bullets, items }];
    Some(Card { tone, title: Text::new().bold(title), body, ..Card::default() })
}
