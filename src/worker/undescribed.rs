//! Which repositories nobody has described, brought into memory as soon as the catalog has changed.
//! Must not decide which of them should be: hygiene does.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::Worker;
use crate::{
    catalog::live::Undescribed,
    hygiene::check::{ACTIVE, named_by_entries},
    store::StoreError,
};

/// The catalog of a large organisation changes by the second, and nobody waits for these.
const READ_EVERY: Duration = Duration::from_secs(5);

/// Who leans on them, and that time has passed, changes no catalog.
const READ_AGAIN: Duration = Duration::from_secs(60);

/// What they were read with last: database and version of the catalog.
#[derive(Debug)]
pub(super) struct UndescribedRead {
    at: Instant,
    of: (String, i64),
}

impl Worker {
    /// Reads them where the catalog has changed since, or a minute has passed.
    pub(super) async fn follow_undescribed(&self) -> Result<(), StoreError> {
        let is_due = {
            let of = self.version_now();
            let read = self.undescribed_read.lock().expect("nothing panics while it holds this lock");
            read.as_ref().is_none_or(|read| {
                let age = read.at.elapsed();
                age >= READ_AGAIN || read.of != of && age >= READ_EVERY
            })
        };
        if is_due { self.read_undescribed().await } else { Ok(()) }
    }

    pub(super) async fn read_undescribed(&self) -> Result<(), StoreError> {
        let of = self.version_now();
        let read = self.app.store.load_undescribed(self.app.clock.now() - ACTIVE).await?;
        let named = named_by_entries(&self.app.catalog.load());
        let is_unnamed = |of: &Undescribed| !named.contains(&of.repository.full_name.to_lowercase());
        let read: Vec<_> = read.into_iter().filter(is_unnamed).map(Arc::new).collect();
        self.app.live.change_coverage(|coverage| coverage.undescribed = Some(read.clone()));
        let at = Instant::now();
        *self.undescribed_read.lock().expect("nothing panics while it holds this lock") = Some(UndescribedRead { at, of });
        Ok(())
    }

    fn version_now(&self) -> (String, i64) {
        let catalog = self.app.catalog.load();
        (catalog.parts().database.clone(), catalog.version())
    }
}
