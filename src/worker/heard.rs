//! What a webhook leads to besides looks at single repositories: a whole source, or its people, read again.
//! Must not trust what was heard; the source alone knows.

use super::{Worker, jobs::job};
use crate::{
    catalog::people::people_source,
    store::{OfSource, StoreError},
    sync::{Progress, SyncOrder},
};

job!(SyncSourceJob(OfSource) = SYNC_SOURCE, |worker, job| worker.sync_again(&job.work.source));

job!(ReadPeopleJob(OfSource) = READ_PEOPLE, |worker, job| worker.sync_again(&people_source(&job.work.source)));

impl Worker {
    /// Syncs one source by its id. One that is not configured, or no longer, is nothing to do.
    async fn sync_again(&self, source_id: &str) -> Result<(), StoreError> {
        let Some(source) = self.sources.iter().find(|known| known.id() == source_id) else { return Ok(()) };
        self.sync(source, SyncOrder::EVERYTHING, &Progress::Silent).await.map(|_| ())
    }
}
