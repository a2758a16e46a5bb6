//! `steward sync`: one sync of all sources, then a summary.

use clap::Args;

use super::{
    Outcome,
    build::{self, Playground},
};
use crate::sync::{Progress, SyncOrder};

#[derive(Debug, Args)]
pub struct SyncArgs {
    /// Read everything again, not only what is new, and carry out removals that were held back
    #[arg(long)]
    full: bool,
    /// Print the summary as one JSON object
    #[arg(long)]
    json: bool,
}

/// Exit status 1 if a source failed.
pub async fn sync(args: &SyncArgs, settings: crate::settings::Settings) -> anyhow::Result<Outcome> {
    super::make_data_dir(&settings)?;
    let database = build::database(&settings);
    let worker = build::worker(build::app(settings, Playground::LeftOut)?)?;
    let order = if args.full { SyncOrder::FULL } else { SyncOrder::USUAL };
    let progress = if args.json && !std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        Progress::Silent
    } else {
        Progress::for_terminal()
    };
    let synced = async {
        worker.app.store.open(&database, worker.app.settings.database.max_connections).await?;
        anyhow::Ok(worker.sync_all(order, &progress).await?)
    };
    let synced = synced.await;
    tokio::task::block_in_place(|| database.stop());
    let summary = synced?;
    if args.json {
        super::print(serde_json::to_string(&summary)?)?;
    } else {
        super::print(summary.to_string().trim_end())?;
    }
    let is_good = !summary.sources.is_empty() && summary.sources.iter().all(|source| !source.failed);
    Ok(is_good.into())
}
