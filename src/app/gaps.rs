//! Names that people ask for and that nothing is called, counted until they are written down.
//! Must not hold who asked.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};

/// Different names counted between two writes; a flood of others is not counted.
const MOST_NAMES: usize = 1_000;

/// The counter of this process.
#[derive(Debug, Default)]
pub struct GapCounter {
    counted: Mutex<HashMap<String, u32>>,
}

impl GapCounter {
    /// Counts a name once more.
    pub fn count(&self, name: String) {
        let mut counted = self.lock();
        if counted.len() < MOST_NAMES || counted.contains_key(&name) {
            let asked = counted.entry(name).or_insert(0);
            *asked = asked.saturating_add(1);
        }
    }

    /// Takes what was counted since the last time.
    pub fn take(&self) -> HashMap<String, u32> {
        std::mem::take(&mut *self.lock())
    }

    /// Puts back what could not be written down.
    pub fn put_back(&self, unwritten: HashMap<String, u32>) {
        let mut counted = self.lock();
        for (name, asked) in unwritten {
            if counted.len() < MOST_NAMES || counted.contains_key(&name) {
                let all = counted.entry(name).or_insert(0);
                *all = all.saturating_add(asked);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.counted.lock().expect("nothing panics while it holds this lock")
    }
}
