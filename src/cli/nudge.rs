//! `steward nudge`: one round of hygiene now, or what it would say.

use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Args;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{
    Outcome,
    build::{self, Playground},
};
use crate::{
    catalog::{Catalog, EntityRef, Kind},
    chat::{Account, Platform},
    hygiene::{
        round::{NOBODY, Named, Occasion, Round, Withheld, look},
        standing::owner_of,
    },
    store::{AuditEntry, RoundKey},
    sync::{Progress, SyncOrder},
    worker::Worker,
};

/// Messages leave within seconds; after so long the next `steward run` or `steward nudge` goes on.
const LONGEST_WAIT: Duration = Duration::from_secs(180);

/// Who is named where nobody in chat asked for it.
const BY: &str = "steward nudge";

/// Said where rounds wait to be let go: a round that was sent lets go no other.
const NOT_BEGUN: &str =
    "Rounds are not held by themselves yet: `hygiene begin` in chat, or the button of the preview, has them begin.";

#[derive(Debug, Args)]
#[command(
    after_help = "It sends this one round; those that are held by themselves wait for `hygiene begin` in chat all the same."
)]
pub struct NudgeArgs {
    /// One team alone, as in group:default/payments; or nobody, for what nobody owns
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
    let asked = Asked::parse(args.team.as_deref())?;
    super::make_data_dir(&settings)?;
    let database = build::database(&settings);
    let worker = build::worker(build::app(settings, Playground::LeftOut)?)?;
    let held = async {
        worker.app.store.open(&database, worker.app.settings.database.max_connections).await?;
        hold(args, &asked, &worker).await
    };
    let held = held.await;
    tokio::task::block_in_place(|| database.stop());
    let Held { round, is_begun } = held?;
    if args.json {
        let messages = round.by_team().into_iter();
        let messages =
            messages.map(|(planned, destination)| ToldTeam { team: &planned.team, destination, findings: &planned.findings });
        let told = Told { round: round.day.to_string(), messages: messages.collect(), withheld: &round.withheld };
        super::print(serde_json::to_string(&told)?)?;
    } else {
        super::print(round.to_string().trim_end())?;
    }
    if !is_begun {
        eprintln!("{NOT_BEGUN}");
    }
    Ok(Outcome::Good)
}

/// Who shall hear.
enum Asked {
    All,
    Team(EntityRef),
    Nobody,
}

impl Asked {
    fn parse(written: Option<&str>) -> anyhow::Result<Self> {
        let Some(written) = written.map(str::trim) else { return Ok(Self::All) };
        if written == NOBODY {
            return Ok(Self::Nobody);
        }
        let team = EntityRef::parse(written, Some("group"), "default");
        let team = team.with_context(|| format!("--team {written:?} is no reference; write group:default/payments"))?;
        Ok(Self::Team(team))
    }

    fn occasion(&self) -> Occasion<'_> {
        match self {
            Self::All => Occasion::ByHand(None),
            Self::Team(team) => Occasion::ByHand(Some(team)),
            Self::Nobody => Occasion::ByHandForNobody,
        }
    }

    /// As the audit log names it.
    fn name(&self) -> &str {
        match self {
            Self::All => "rounds",
            Self::Team(team) => team.as_str(),
            Self::Nobody => NOBODY,
        }
    }

    /// Only those who own things are told of them.
    fn check(&self, catalog: &Catalog) -> anyhow::Result<()> {
        let Self::Team(team) = self else { return Ok(()) };
        let Some(entry) = catalog.find(team) else {
            anyhow::bail!("there is no {team} in the catalog; `steward ask '/find {}'` finds it", team.name())
        };
        if matches!(entry.entity.kind, Kind::Group | Kind::User) {
            return Ok(());
        }
        match owner_of(catalog, team) {
            Some(owner) => anyhow::bail!("{team} is no team; it is owned by {owner}: write --team {owner}"),
            None => anyhow::bail!("{team} is no team, and nobody owns it: write --team {NOBODY}"),
        }
    }
}

/// What was held, or looked at.
struct Held {
    round: Round,
    /// Whether rounds are held by themselves.
    is_begun: bool,
}

/// As the audit log has what somebody at the terminal did.
fn audit(asked: &Asked, round: &Round, at: DateTime<Utc>) -> AuditEntry {
    AuditEntry {
        at,
        account: Account { platform: Platform::Terminal, id: BY.to_owned(), name: BY.to_owned() },
        person: None,
        command: "hygiene nudge".to_owned(),
        subject: asked.name().to_owned(),
        detail: serde_json::json!({ "messages": round.messages.len() }),
        delivery: None,
    }
}

async fn hold(args: &NudgeArgs, asked: &Asked, worker: &std::sync::Arc<Worker>) -> anyhow::Result<Held> {
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
    asked.check(&app.catalog.load())?;
    // Nothing else reads in this process what links, and what people have said, are judged by.
    worker.read_coverage().await?;
    if args.dry_run {
        let look = look(app).await?;
        return Ok(Held { round: look.plan(app, asked.occasion()), is_begun: look.start.begun_at.is_some() });
    }
    let look = worker.check_and_look().await?;
    let mut round = look.plan(app, asked.occasion());
    let is_begun = look.start.begun_at.is_some();
    let keys = if is_begun || look.start.previewed_at.is_some() {
        let audit = audit(asked, &round, look.now);
        let planned = worker.write_round(&mut round, Some(&audit), look.now).await?;
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
                 Look at it with --dry-run; `steward nudge` once more sends it"
            }
            _ => {
                "the first round is shown to the admins and not held: one of them lets it go in chat; `steward nudge` once more sends it, and lets go no later one"
            }
        };
        let first = std::mem::take(&mut round.messages);
        withhold(&mut round, first, reason);
        shown
    };
    deliver(worker, &keys).await?;
    Ok(Held { round, is_begun })
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
