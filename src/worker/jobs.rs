//! The queue's handlers: each takes a job's payload, has the work done and writes how it ended.
//! Must not decide what a job does beyond calling it; a job of its own size has a file of its own here.

use std::sync::Arc;

use tracing::warn;

use super::{TOMBSTONES_KEPT, Worker};
use crate::{
    catalog::Scope,
    chat::{Account, Message, Place, Reply, Status, Text},
    store::{ConfirmedRemoval, Job, JobContext, LookAt, Restore, RestoreRepository, StoreError, SyncSources},
    sync::{Progress, Removals, Source, SyncOrder, SyncSummary, look_at},
};

/// What the queue's handlers are given.
#[derive(Clone, Debug)]
pub(super) struct JobsOf(pub(super) Arc<Worker>);

/// Declares a job: its payload under the queue's name for it, and the work, whose `Err` makes the queue try again later.
macro_rules! job {
    ($name:ident($work:ty) = $identifier:ident, |$worker:ident, $job:ident| $done:expr) => {
        #[derive(Debug, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub(super) struct $name(crate::store::JobContext<$work>);

        impl graphile_worker::TaskHandler for $name {
            const IDENTIFIER: &'static str = crate::store::$identifier;

            async fn run(self, context: graphile_worker::WorkerContext) -> impl graphile_worker::IntoTaskHandlerResult {
                let Some($crate::worker::jobs::JobsOf($worker)) = context.get_ext::<$crate::worker::jobs::JobsOf>() else {
                    return Err("the queue has no worker".to_owned());
                };
                let $job = self.0;
                $done.await.map_err(|error| error.to_string())
            }
        }
    };
}
pub(super) use job;

job!(RestoreJob(RestoreRepository) = RESTORE, |worker, job| worker.run_restore(job));

job!(LookJob(LookAt) = LOOK_AT, |worker, job| worker.run_look(job));

job!(SyncJob(SyncSources) = SYNC_SOURCES, |worker, job| worker.run_sync(job));

impl Worker {
    /// Has an extra of a source read where some of it is due. What keeps it from being asked for is no fault of the sync, and
    /// the next one asks again.
    pub(super) async fn want(
        &self,
        source: &Source,
        what: &str,
        is_due: impl Future<Output = Result<bool, StoreError>>,
        job: Job,
    ) {
        let asked = async {
            match is_due.await? {
                true => self.app.store.enqueue_job(job).await,
                false => Ok(()),
            }
        };
        if let Err(fault) = asked.await {
            warn!(
                source = source.id(),
                what,
                fault = format!("{:#}", anyhow::Error::from(fault)),
                "an extra could not be asked for"
            );
        }
    }

    /// Looks at one repository again and stores what changed. `Err` makes the queue try again later.
    async fn run_look(&self, job: JobContext<LookAt>) -> Result<(), String> {
        let LookAt { source, repository } = job.work;
        let Some(source) = self.sources.iter().find(|known| known.id() == source) else {
            // The source was taken out of the configuration since.
            return Ok(());
        };
        let context = self.sync_context(SyncOrder::USUAL, &Progress::Silent);
        let id = repository.id;
        let summary = look_at(source, &[repository], &context).await.map_err(|error| error.to_string())?;
        self.want_packages(source).await;
        self.want_documents(source, Some(&[id])).await;
        if !summary.failed {
            return Ok(());
        }
        let errors: Vec<_> = summary.errors.iter().map(|error| format!("{}: {}", error.location, error.message)).collect();
        Err(errors.join("; "))
    }

    async fn run_sync(&self, job: JobContext<SyncSources>) -> Result<(), StoreError> {
        let SyncSources { requested_by, place, confirmed } = job.work;
        let summary = match confirmed {
            None => self.sync_all(SyncOrder::USUAL, &Progress::Silent).await?,
            Some(ConfirmedRemoval { source, up_to }) => {
                let order = SyncOrder { scope: Scope::Everything, removals: Removals::ConfirmedUpTo(up_to) };
                self.sync_one(&source, order).await?
            }
        };
        let failed = summary.sources.iter().any(|source| source.failed);
        let result = if failed { "failed" } else { "done" };
        let message = answer_to(requested_by, place, tell_of_sync(&summary));
        self.app.store.finish_action(job.audit_id, self.app.clock.now(), result, Some(message)).await
    }

    /// Takes a removal back and says so.
    async fn run_restore(&self, job: JobContext<RestoreRepository>) -> Result<(), StoreError> {
        let RestoreRepository { full_name, requested_by, place } = job.work;
        let now = self.app.clock.now();
        let kept_until = now + TOMBSTONES_KEPT;
        let restored = self.app.store.restore_repository(Restore { full_name: &full_name, kept_until, now }).await?;
        let reply = match &restored {
            Some(tally) => {
                let until = kept_until.format("%-d %B %Y");
                let entities = if tally.added == 1 { "entity answers" } else { "entities answer" };
                let said = format!(
                    "{full_name} is back: {} {entities} again. It stays until {until}, also while GitHub does not show it.",
                    tally.added
                );
                Reply::new(Status::Answered, "catalog", said.into())
            }
            None => {
                let said =
                    format!("{full_name} is not among the removed repositories; it may be back already. Nothing was changed.");
                Reply::new(Status::NotFound, "catalog", said.into())
            }
        };
        let result = if restored.is_some() { "done" } else { "nothing to restore" };
        let message = answer_to(requested_by, place, reply);
        self.app.store.finish_action(job.audit_id, now, result, Some(message)).await
    }
}

/// A message to whoever asked, where they asked.
pub(super) fn answer_to(asker: Account, place: Option<Place>, reply: Reply) -> Message {
    let to = place.map_or_else(|| asker.id.clone(), |place| place.channel_id);
    Message::new(asker.platform, to, reply).only_to(asker.id)
}

/// The message that says a sync is done.
fn tell_of_sync(summary: &SyncSummary) -> Reply {
    let mut text = Text::new();
    let mut status = Status::Answered;
    for (at, source) in summary.sources.iter().enumerate() {
        if at > 0 {
            text = text.line();
        }
        if source.failed {
            status = Status::Error;
            let why = source.errors.first().map(|error| error.message.as_str()).unwrap_or("no reason was given");
            text = text.say("Sync of ").bold(&source.id).say(format!(" failed: {why}. What was known before still answers."));
        } else {
            text = text.say("Sync of ").bold(&source.id).say(format!(
                " is done: {} repositories and {} entities in {:.1} s; {} added, {} changed, {} removed.",
                source.repositories, source.entities, source.seconds, source.added, source.changed, source.removed
            ));
        }
        if source.held_back {
            text = text.say(" A large removal waits for an admin's word: /catalog shows it.");
        }
    }
    if summary.sources.is_empty() {
        text = text.say("There is nothing to sync: no source is set up in steward.yaml.");
    }
    Reply::new(status, "catalog", text)
}
