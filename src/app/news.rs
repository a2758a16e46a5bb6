//! Repositories whose news somebody waits for and no webhook tells: what is left to be asked of their source.
//! Must not ask by itself.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::catalog::live::NewsOf;

/// More are asked for by somebody who asks again; a queue of thousands would be answered too late for all of them.
const MOST_WANTED: usize = 200;

/// What is wanted and not yet taken, each once.
#[derive(Debug, Default)]
pub struct NewsDesk {
    wanted: Mutex<BTreeMap<(String, i64), NewsOf>>,
    came: Notify,
}

impl NewsDesk {
    pub fn want(&self, news: impl IntoIterator<Item = NewsOf>) {
        let mut wanted = self.lock();
        for of in news {
            if wanted.len() < MOST_WANTED {
                wanted.insert((of.source.clone(), of.repository_id), of);
            }
        }
        drop(wanted);
        self.came.notify_one();
    }

    /// Waits until something is wanted, and takes all of it.
    pub async fn take(&self) -> Vec<NewsOf> {
        loop {
            let taken = std::mem::take(&mut *self.lock());
            if !taken.is_empty() {
                return taken.into_values().collect();
            }
            self.came.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, i64), NewsOf>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
