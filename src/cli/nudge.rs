//! `steward nudge`: one round of hygiene now, or what it would say.

use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{
    Outcome,
    build::{self, Playground},
};
use crate::{
    catalog::EntityRef,
    hygiene::round::{Named, Occasion, Round, Withheld, look},
    store::RoundKey,
    sync::{Progress, SyncOrder},
    worker::Worker,
};

/// Messages leave within seconds; after so long the next `steward run` or `steward nudge` goes on.
const LONGEST_WAIT: Duration = Duration::from_secs(180);

/// Who is named where nobody in chat asked for it.
const BY: &str = "steward nudge";

#[derive(Debug, Args)]
pub struct NudgeArgs {
    /// One team alone, as in group:default/payments
    #[arg(long, value_name = "REF")]
    team: Option<String>,
    /// Print what would be sent to whom, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Told<'a> {
    round: String,
    messages: Vec<ToldTeam<'a>>,
    withheld: &'a [Withheld],
}

#[derive(Serialize)]
struct ToldTeam<'a> {
    team: &'a str,
    destination: String,
    findings: &'a [Named],
}

/// Exit status 0 also where nobody had to be told anything.
pub async fn nudge(args: &NudgeArgs, settings: crate::settings::Settings) -> anyhow::Result<Outcome> {
    let team = args.team.as_deref().map(parse_team).transpose()?;
    super::make_data_dir(&settings)?;
    let database = build::database(&settings);
    let worker = build::worker(build::app(settings, Playground::LeftOut)?)?;
    let held = async {
        worker.app.store.open(&database, worker.app.settings.database.max_connections).await?;
        hold(args, team.as_ref(), &worker).await
    };
    let held = held.await;
    tokio::task::block_in_place(|| database.stop());
    let round = held?;
    if args.json {
        let messages = round.by_team().into_iter();
        let messages =
            messages.map(|(planned, destination)| ToldTeam { team: &planned.team, destination, findings: &planned.findings });
        let told = Told { round: round.day.to_string(), messages: messages.collect(), withheld: &round.withheld };
        super::print(serde_json::to_string(&told)?)?;
    } else {
        super::print(round.to_string().trim_end())?;
    }
    Ok(Outcome::Good)
}

fn parse_team(written: &str) -> anyhow::Result<EntityRef> {
    EntityRef::parse(written.trim(), Some("group"), "default")
        .with_context(|| format!("--team {written:?} is no reference; write group:default/payments"))
}

async fn hold(args: &NudgeArgs, team: Option<&EntityRef>, worker: &std::sync::Arc<Worker>) -> anyhow::Result<Round> {
    let app = &worker.app;
    worker.catch_up().await?;
    if !worker.knows_all().await? {
        // What was never read cannot be judged.
        let progress = if args.json { Progress::Silent } else { Progress::for_terminal() };
        worker.sync_all(SyncOrder::USUAL, &progress).await?;
        anyhow::ensure!(
            worker.knows_all().await?,
            "not every source could be read, so it is not known what is wrong; `steward sync` says why. Nothing was sent"
        );
    }
    if let Some(team) = team {
        let is_there = app.catalog.load().find(team).is_some();
        anyhow::ensure!(is_there, "there is no {team} in the catalog; `steward ask '/find {}'` finds it", team.name());
    }
    // Links, and what people have said, are judged as well.
    worker.read_coverage().await?;
    if args.dry_run {
        return Ok(look(app).await?.plan(app, Occasion::ByHand(team)));
    }
    let look = worker.check_and_look().await?;
    let mut round = look.plan(app, Occasion::ByHand(team));
    let keys = if look.start.begun_at.is_some() || look.start.previewed_at.is_some() {
        app.store.begin_rounds(None, BY, look.now).await?;
        let planned = worker.write_round(&mut round, look.now).await?;
        let (mine, theirs) =
            std::mem::take(&mut round.messages).into_iter().partition(|message| planned.contains(&message.sent.key));
        round.messages = mine;
        withhold(&mut round, theirs, "another replica has just told it");
        planned
    } else {
        let shown = worker.show_preview(&look, Occasion::ByHand(None)).await?;
        let reason = match shown.len() {
            0 => {
                "the first round is shown to the admins and not held, and none of them can be reached: name some in access.admins. \
                 Look at it with --dry-run; `steward nudge` once more lets it go"
            }
            _ => {
                "the first round is shown to the admins and not held: one of them lets it go in chat, or `steward nudge` once more"
            }
        };
        let first = std::mem::take(&mut round.messages);
        withhold(&mut round, first, reason);
        shown
    };
    deliver(worker, &keys).await?;
    Ok(round)
}

fn withhold(round: &mut Round, messages: Vec<crate::hygiene::round::Planned>, reason: &str) {
    for message in messages {
        if round.withheld.iter().all(|known| known.team != message.team) {
            round.withheld.push(Withheld { team: message.team, reason: reason.to_owned() });
        }
    }
}

/// Works on the queue until what was planned has left, or is found not to.
async fn deliver(worker: &std::sync::Arc<Worker>, keys: &[RoundKey]) -> anyhow::Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let stop = CancellationToken::new();
    let (working, stopping) = (std::sync::Arc::clone(worker), stop.clone());
    let works = tokio::spawn(async move { working.send_rounds(&stopping).await });
    let began = Instant::now();
    let mut due = keys.len() as i64;
    while due > 0 && began.elapsed() < LONGEST_WAIT {
        tokio::time::sleep(Duration::from_millis(100)).await;
        due = worker.app.store.count_due(keys).await?;
    }
    stop.cancel();
    works.await?;
    if due > 0 {
        eprintln!(
            "{due} of {} messages are still on their way: `steward run`, or another `steward nudge`, sends them.",
            keys.len()
        );
    }
    Ok(())
}
