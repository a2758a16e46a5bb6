//! What one snapshot's entries have in common with the next one's, so that what was made of them is not made again.
//! Must not know what that is; whoever keeps something for each entry carries it over by this.

use std::{cmp::Ordering, sync::Arc};

use super::snapshot::Entry;

/// Where entries of the former snapshot stand in the new one. Both are sorted by reference, each reference once.
#[derive(Debug)]
pub struct Carried {
    /// By former place: the new one of an entry that is as it was.
    kept: Vec<Option<u32>>,
    /// Former places of what went or changed.
    pub stale: Vec<u32>,
    /// New places of what came or changed.
    pub fresh: Vec<u32>,
    /// Every reference stands where it stood.
    pub in_place: bool,
}

impl Carried {
    pub fn between(former: &[Arc<Entry>], new: &[Arc<Entry>]) -> Self {
        let mut carried = Self { kept: vec![None; former.len()], stale: Vec::new(), fresh: Vec::new(), in_place: true };
        let (mut old_at, mut new_at) = (0, 0);
        while old_at < former.len() || new_at < new.len() {
            let (old, this) = (former.get(old_at), new.get(new_at));
            let order = match (old, this) {
                (Some(old), Some(this)) if Arc::ptr_eq(old, this) => Ordering::Equal,
                (Some(old), Some(this)) => old.entity.entity_ref.cmp(&this.entity.entity_ref),
                (Some(_), None) => Ordering::Less,
                (None, _) => Ordering::Greater,
            };
            let is_same = order == Ordering::Equal && old == this;
            if is_same {
                carried.kept[old_at] = Some(number(new_at));
            } else {
                if order != Ordering::Greater {
                    carried.stale.push(number(old_at));
                }
                if order != Ordering::Less {
                    carried.fresh.push(number(new_at));
                }
                carried.in_place &= order == Ordering::Equal;
            }
            old_at += usize::from(order != Ordering::Greater);
            new_at += usize::from(order != Ordering::Less);
        }
        carried
    }

    /// The new place of what stood here and did not change.
    pub fn place(&self, former: u32) -> Option<u32> {
        self.kept[former as usize]
    }

    /// Entries that did not change, but what is made of them does; by former place.
    pub fn renew(&mut self, former: impl IntoIterator<Item = u32>) {
        let renewed = former.into_iter().filter_map(|at| Some((at, self.kept[at as usize].take()?)));
        let (stale, fresh): (Vec<u32>, Vec<u32>) = renewed.unzip();
        self.stale.extend(stale);
        self.fresh.extend(fresh);
    }

    /// What was kept for each former entry at its new place, and what `make` gives for the others.
    pub fn carry<T: Clone>(&self, former: &[T], new_len: usize, mut make: impl FnMut(u32) -> T) -> Vec<T> {
        let mut carried: Vec<Option<T>> = vec![None; new_len];
        for (value, at) in former.iter().zip(&self.kept) {
            if let Some(at) = at {
                carried[*at as usize] = Some(value.clone());
            }
        }
        (0_u32..).zip(carried).map(|(at, value)| value.unwrap_or_else(|| make(at))).collect()
    }
}

fn number(place: usize) -> u32 {
    u32::try_from(place).expect("a catalog has fewer entities than that")
}
