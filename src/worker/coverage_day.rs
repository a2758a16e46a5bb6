//! The figures of a day, written down once by any replica, so that a trend can be drawn later.
//! Must not count: hygiene and `/catalog` do.

use std::collections::BTreeMap;

use super::Worker;
use crate::{
    catalog::EntityRef,
    commands::catalog::coverage::{Covered, covered_by_owner},
    hygiene::{
        check::{Facts, Rules, check_all},
        standing::owner_of_finding,
    },
    store::{CoverageDay, StoreError},
};

impl Worker {
    /// Writes today's figures where nobody has.
    pub async fn write_coverage_day(&self) -> Result<(), StoreError> {
        let app = &self.app;
        let (now, catalog) = (app.clock.now(), app.catalog.load());
        // What was never read whole would look like a fall.
        let is_known = catalog.parts().sources.values().any(|source| source.synced_at.is_some());
        let day = now.date_naive();
        if !is_known || !app.store.lacks_coverage_day(day).await? {
            return Ok(());
        }
        let live = app.live.load();
        let rests = app.store.load_rests(now).await?;
        let figures = tokio::task::block_in_place(|| {
            let rules = Rules::of(&app.settings.hygiene);
            let facts = Facts { catalog: &catalog, on_call: &live.on_call, coverage: &live.coverage, rules: &rules, now };
            let mut open: BTreeMap<Option<EntityRef>, i32> = BTreeMap::new();
            for finding in check_all(&facts).into_iter().filter(|finding| !rests.contains_key(&finding.key())) {
                *open.entry(owner_of_finding(&catalog, &finding)).or_default() += 1;
            }
            let mut covered = covered_by_owner(&catalog, &live.coverage);
            // Whoever owns no component may have findings.
            for owner in open.keys() {
                covered.entry(owner.clone()).or_default();
            }
            let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
            let figure = |(owner, covered): (Option<EntityRef>, Covered)| {
                let Covered { components, with_docs, with_runbook } = covered;
                let open = open.get(&owner).copied().unwrap_or(0);
                let (components, with_docs, with_runbook) = (number(components), number(with_docs), number(with_runbook));
                CoverageDay { day, owner, components, with_runbook, with_docs, open }
            };
            covered.into_iter().map(figure).collect::<Vec<_>>()
        });
        app.store.write_coverage_day(&figures, now).await
    }
}
