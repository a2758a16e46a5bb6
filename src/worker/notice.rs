//! Changes that owners are to hear of: looked for in the history, and told when their hours allow it.
//! Must not decide who hears what: hygiene does.

use tracing::{info, warn};

use super::Worker;
use crate::{
    hygiene::round::{Found, Occasion, find_notices, look_around, plan_changes},
    store::StoreError,
};

/// Batches of history in one go; what is left waits for the next one.
const MOST_BATCHES: usize = 50;

impl Worker {
    /// Looks through what is new in the history, and writes down the messages that may leave now.
    pub async fn tell_changes(&self) -> Result<(), StoreError> {
        let app = &self.app;
        let is_on = app.settings.hygiene.change_notices && app.store.load_round_start().await?.begun_at.is_some();
        self.find_changes(is_on).await?;
        let notices = app.store.load_notices().await?;
        if notices.is_empty() {
            return Ok(());
        }
        if !is_on {
            let ids: Vec<i64> = notices.iter().map(|notice| notice.id).collect();
            return app.store.drop_notices(&ids).await;
        }
        let look = look_around(app, notices).await?;
        let changes = plan_changes(&look.scene(app), Occasion::Due);
        app.store.drop_notices(&changes.dropped).await?;
        for told in &changes.told {
            if app.store.tell_notices(told, look.now).await? {
                info!(changes = told.ids.len(), messages = told.messages.len(), "an owner hears of changes");
            }
        }
        Ok(())
    }

    /// Goes on in the history. Where nobody is to be told, it goes by: what was before is no news later.
    async fn find_changes(&self, is_on: bool) -> Result<(), StoreError> {
        for _ in 0..MOST_BATCHES {
            let tail = self.app.store.load_history_tail().await?;
            let catalog = self.app.catalog.load();
            // What changed must be judged by the catalog that it led to.
            if tail.upto == tail.after || (is_on && catalog.version() < tail.version) {
                return Ok(());
            }
            let found = match is_on {
                true => tokio::task::block_in_place(|| find_notices(&catalog, &tail.lines)),
                false => Found::default(),
            };
            if found.passed_over > 0 {
                warn!(
                    removed = found.passed_over,
                    "so much was removed at once that nobody is told of each; the rounds tell what leans on it"
                );
            }
            self.app.store.add_notices(&tail, &found.notices).await?;
        }
        Ok(())
    }
}
