//! The job that reads the packages of repositories whose head has changed, a few at a time.
//! Must not hurry: whatever else is asked of GitHub goes first.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use tracing::{info, warn};

use super::{Worker, jobs::job};
use crate::{
    github::PackagesRead,
    store::{Job, OfSource, PackageOutcome, StoreError},
    sync::Source,
};

/// GitHub's graph follows a push after some seconds, and pushes come in a row.
const SETTLED: TimeDelta = TimeDelta::seconds(5);
/// A list that was being made is looked for again by then.
const LATER: TimeDelta = TimeDelta::seconds(31);
/// Repositories looked up at once.
const BATCH: i64 = 50;
/// A job gives its place back after this, so that a stop is not held up.
const LONGEST_TURN: Duration = Duration::from_secs(10);
/// Until the next turn, where nothing stands in its way but other work.
const NEXT_TURN: TimeDelta = TimeDelta::seconds(1);
/// Repositories that fail one after another before it is GitHub that fails.
const MAX_FAILURES: usize = 3;
/// Then it is left alone for this long.
const AFTER_FAILURES: TimeDelta = TimeDelta::minutes(10);

job!(PackagesJob(OfSource) = READ_PACKAGES, |worker, job| worker.run_packages(job.work));

impl Worker {
    /// One turn, and the next where something is left.
    async fn run_packages(&self, OfSource { source }: OfSource) -> Result<(), StoreError> {
        let Some(found) = self.sources.iter().find(|known| known.id() == source) else { return Ok(()) };
        if let Some(again) = self.read_packages(found).await? {
            self.app.store.enqueue_job(Job::ReadPackages(OfSource { source }, again)).await?;
        }
        Ok(())
    }

    /// Has the packages of a source read where a head is not the one they are of.
    pub(super) async fn want_packages(&self, source: &Source) {
        let (store, id) = (&self.app.store, source.id());
        if source.with_packages().is_none() {
            return;
        }
        let is_due = async { Ok(!store.load_package_targets(id, self.app.clock.now(), 1).await?.is_empty()) };
        self.want(source, "packages", is_due, Job::ReadPackages(OfSource { source: id.to_owned() }, SETTLED)).await;
    }

    /// Reads packages for one turn; gives when to go on, where something is left.
    pub async fn read_packages(&self, source: &Source) -> Result<Option<TimeDelta>, StoreError> {
        let Some(github) = source.with_packages() else { return Ok(None) };
        let (store, clock) = (&self.app.store, &self.app.clock);
        let started = Instant::now();
        let targets = store.load_package_targets(source.id(), clock.now(), BATCH).await?;
        let is_last = (targets.len() as i64) < BATCH;
        let (mut read, mut failures, mut is_pending) = (0_usize, 0_usize, false);
        for target in &targets {
            if started.elapsed() > LONGEST_TURN {
                return Ok(Some(NEXT_TURN));
            }
            let answer = github.read_packages(&target.full_name, target.pending.as_deref()).await;
            let outcome = match &answer {
                PackagesRead::NotNow(wait) => {
                    return Ok(Some(TimeDelta::from_std(*wait).unwrap_or(AFTER_FAILURES) + NEXT_TURN));
                }
                PackagesRead::Read(packages) => PackageOutcome::Read(packages),
                PackagesRead::Off(why) => PackageOutcome::Off(why),
                PackagesRead::Pending(url) => PackageOutcome::Pending(url),
                PackagesRead::Failed(why) => {
                    warn!(repository = target.repository_id, why, "the packages of a repository could not be read");
                    PackageOutcome::Failed(why)
                }
            };
            is_pending |= matches!(outcome, PackageOutcome::Pending(_));
            failures = if matches!(outcome, PackageOutcome::Failed(_)) { failures + 1 } else { 0 };
            read += usize::from(matches!(outcome, PackageOutcome::Read(_)));
            metrics::counter!("steward_package_reads_total", "source" => source.id().to_owned(), "outcome" => word(&outcome))
                .increment(1);
            store.write_packages(source.id(), target, clock.now(), outcome).await?;
            if failures >= MAX_FAILURES {
                return Ok(Some(AFTER_FAILURES));
            }
        }
        if read > 0 {
            info!(source = source.id(), repositories = read, "read packages");
        }
        Ok(match (is_last, is_pending) {
            (false, _) => Some(NEXT_TURN),
            (true, true) => Some(LATER),
            (true, false) => None,
        })
    }
}

fn word(outcome: &PackageOutcome<'_>) -> &'static str {
    match outcome {
        PackageOutcome::Read(_) => "read",
        PackageOutcome::Off(_) => "off",
        PackageOutcome::Pending(_) => "pending",
        PackageOutcome::Failed(_) => "failed",
    }
}
