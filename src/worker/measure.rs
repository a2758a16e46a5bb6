//! Writes down what was counted, and brings the shares of a month into memory and metrics. Must not count anything itself.

use super::Worker;
use crate::{
    catalog::live::{Measures, Share},
    commands::catalog::measures::freshness,
    store::StoreError,
};

impl Worker {
    /// Writes down what was counted; what cannot be is kept for the next time.
    pub(super) async fn write_counted(&self) -> Result<(), StoreError> {
        let app = &self.app;
        let counted = app.live.tally.take();
        if counted == Default::default() {
            return Ok(());
        }
        let written = app.store.add_counted(&counted, app.clock.now()).await;
        if written.is_err() {
            app.live.tally.put_back(counted);
        }
        written
    }

    /// Brings the shares into memory and metrics.
    pub async fn read_measures(&self) -> Result<(), StoreError> {
        let app = &self.app;
        self.write_counted().await?;
        let measures = app.store.load_measures(app.clock.now()).await?;
        let catalog = app.catalog.load();
        self.publish(&measures, freshness(&catalog, app.clock.now()));
        app.live.set_measures(measures);
        Ok(())
    }

    /// A share of nothing is not told: neither 0 nor 1 would be true.
    fn publish(&self, measures: &Measures, freshness: Share) {
        let Measures { syncs, providers, refused, active_week, runs, failed_actions, adoption, drift } = measures;
        let shares = [
            ("steward_catalog_fresh_ratio", freshness),
            ("steward_sync_success_ratio", *syncs),
            ("steward_refused_ratio", *refused),
            ("steward_scaffolder_success_ratio", *runs),
            ("steward_action_failure_ratio", *failed_actions),
            ("steward_template_adoption_ratio", *adoption),
            ("steward_template_drift_ratio", *drift),
        ];
        for (name, share) in shares {
            if let Some(ratio) = share.ratio() {
                metrics::gauge!(name).set(ratio);
            }
        }
        for (provider, share) in providers {
            if let Some(ratio) = share.ratio() {
                metrics::gauge!("steward_provider_availability_ratio", "provider" => provider.clone()).set(ratio);
            }
        }
        metrics::gauge!("steward_weekly_active_users").set(*active_week as f64);
        metrics::gauge!("steward_refused_commands").set(refused.part as f64);
    }
}
