//! What a webhook leads to besides looks at single repositories: a whole source, or its people, read again.
//! Must not trust what was heard; the source alone knows.

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use serde::{Deserialize, Serialize};

use super::{Worker, jobs::JobsOf};
use crate::{
    store::{JobContext, OfSource, StoreError},
    sync::{Progress, SyncOrder},
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct SyncSourceJob(JobContext<OfSource>);

#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct ReadPeopleJob(JobContext<OfSource>);

impl TaskHandler for SyncSourceJob {
    const IDENTIFIER: &'static str = crate::store::SYNC_SOURCE;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let Some(JobsOf(worker)) = context.get_ext::<JobsOf>() else { return Err("the queue has no worker".to_owned()) };
        worker.sync_again(&self.0.work.source).await.map_err(|error| error.to_string())
    }
}

impl TaskHandler for ReadPeopleJob {
    const IDENTIFIER: &'static str = crate::store::READ_PEOPLE;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let Some(JobsOf(worker)) = context.get_ext::<JobsOf>() else { return Err("the queue has no worker".to_owned()) };
        worker.sync_again(&format!("{}-people", self.0.work.source)).await.map_err(|error| error.to_string())
    }
}

impl Worker {
    /// Syncs one source by its id. One that is not configured, or no longer, is nothing to do.
    async fn sync_again(&self, source_id: &str) -> Result<(), StoreError> {
        let Some(source) = self.sources.iter().find(|known| known.id() == source_id) else { return Ok(()) };
        self.sync(source, SyncOrder::EVERYTHING, &Progress::Silent).await.map(|_| ())
    }
}
