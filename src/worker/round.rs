//! Rounds: what is wrong is found out and written down, rounds are planned when they are due, and each message leaves once.
//! Must not decide who hears what: hygiene does.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{Worker, jobs::JobsOf};
use crate::{
    catalog::{
        Catalog, Kind,
        live::{Coverage, Undescribed},
    },
    chat::{Block, Card, DeliveryError, Mark, Message, Posted},
    commands::answer::trend::illustrate,
    hygiene::{
        check::{Facts, Finding, Rules},
        kept::Kept,
        round::{Look, Occasion, Round, addressee, hours::Hours, look_at, preview_messages},
        standing::seen,
    },
    store::{
        AuditEntry, Job, JobContext, RoundEnd, RoundKey, RoundMessage, RoundStart, RoundState, SEND_ROUND, SeenFinding,
        StoreError,
    },
};

/// A message that may have left is looked for after so long, and only then sent again: longer than a call may take and a
/// platform may think about it.
const RESEND_AFTER: Duration = Duration::from_secs(60);

/// A platform's clock may be so far behind the database's.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(5);

/// Where nobody may read what was said, it is not known after more tries either.
const MOST_VAIN_LOOKS: u32 = 3;

/// After that the next round is due.
const LONGEST_WAIT: TimeDelta = TimeDelta::days(6);

/// What is due is looked for this often.
const PLAN_EVERY: Duration = Duration::from_secs(60);

/// Where no round has begun since nobody was due, somebody may be after so long: an incident is over, a rest has ended.
const LOOK_AGAIN: Duration = Duration::from_secs(10 * 60);

/// A catalog that changes is checked once it has been still for so long, or has changed for so long.
const STILL_FOR: Duration = Duration::from_secs(20);
const CHECK_WITHIN: Duration = Duration::from_secs(60);

/// Between looks at whether the catalog has changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Some findings come with time alone, and some with what stands beside the catalog.
const CHECK_ALL_EVERY: Duration = Duration::from_secs(60 * 60);

/// What waits for a moment that has just come is looked at again after so long.
const SOON: Duration = Duration::from_secs(1);

/// Messages whose job was lost are taken up after so long.
const LOST_JOB: TimeDelta = TimeDelta::minutes(10);

/// Between tries while the database takes nothing.
const AFTER_FAULT: Duration = Duration::from_secs(3);

/// What marks messages of rounds.
const MARK: &str = "steward_round";

/// Refusals that concern the bot as a whole: another place would refuse as well.
const NOT_THE_PLACE: [&str; 7] =
    ["invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope", "no_permission"];

/// How Slack begins to refuse what it cannot draw, as a picture that it cannot fetch.
pub(super) const NOT_DRAWN: &str = "invalid_blocks";

/// What the loop remembers.
#[derive(Debug)]
pub(super) struct Rounds {
    pub resend_after: Duration,
    checked: Mutex<Option<Checked>>,
    /// What this process wrote down last.
    written: Mutex<Option<Vec<SeenFinding>>>,
    /// What nobody was due at, and when that was.
    idle: Mutex<Option<(Instant, Situation)>>,
}

/// All by which it can be seen, without reading anything, that a team may have become due.
#[derive(Debug, Clone)]
struct Situation {
    catalog: Arc<Catalog>,
    start: RoundStart,
    /// The last round of each team, and whether it may be written to.
    rounds: Vec<(NaiveDate, bool)>,
    /// They follow the catalog by some seconds.
    undescribed: Option<Vec<Arc<Undescribed>>>,
}

impl PartialEq for Situation {
    fn eq(&self, other: &Self) -> bool {
        let Self { catalog, start, rounds, undescribed } = self;
        Arc::ptr_eq(catalog, &other.catalog) && (start, rounds, undescribed) == (&other.start, &other.rounds, &other.undescribed)
    }
}

impl Default for Rounds {
    fn default() -> Self {
        Self { resend_after: RESEND_AFTER, checked: Mutex::default(), written: Mutex::default(), idle: Mutex::default() }
    }
}

/// What was found wrong, and when everything was looked at last.
#[derive(Debug)]
struct Checked {
    kept: Kept,
    /// Which links were dead then, and what had been said.
    coverage: Arc<Coverage>,
    all_at: Instant,
}

/// A message of a round that stands in the ledger.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct SendRoundJob(JobContext<RoundKey>);

impl TaskHandler for SendRoundJob {
    const IDENTIFIER: &'static str = SEND_ROUND;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let Some(JobsOf(worker)) = context.get_ext::<JobsOf>() else {
            return Err("the queue has no worker".to_owned());
        };
        let (store, id, key) = (&worker.app.store, *context.job().id(), &self.0.work);
        let (wait, said) = match worker.send_round(key).await {
            Ok(None) => return Ok(()),
            Ok(Some(wait)) => (wait, format!("not before {} s have passed", wait.as_secs())),
            // The queue waits longer each time, at last for hours.
            Err(error) => (AFTER_FAULT, error.to_string()),
        };
        match store.postpone_job(id, wait).await {
            Ok(true) | Err(_) => Err(said),
            // This job has no more tries, or another has taken its place: either way one is to wait.
            Ok(false) => store.enqueue_job(Job::SendRound(key.clone())).await.map_err(|error| error.to_string()),
        }
    }
}

/// Why a message comes where it was not meant to go.
fn not_there(refused: &str, code: &str) -> Card {
    let place = if refused.starts_with('#') { refused } else { "The place that it was meant for" };
    let said = format!("{place} could not be written to ({code}), so this comes here.");
    Card { body: vec![Block::Paragraph(said.into())], ..Card::default() }
}

impl Worker {
    /// Finds out what is wrong and plans rounds until told to stop.
    pub async fn keep_rounds(&self, stop: &CancellationToken) {
        let mut planned: Option<Instant> = None;
        let mut changed: Option<(Instant, Instant, Arc<Catalog>)> = None;
        loop {
            let catalog = self.app.catalog.load();
            let checked = self.has_checked(&catalog);
            let is_checked = checked == Some(true);
            let now = Instant::now();
            changed = match changed {
                _ if is_checked => None,
                Some((first, _, seen)) if !Arc::ptr_eq(&seen, &catalog) => Some((first, now, catalog)),
                Some(waiting) => Some(waiting),
                None => Some((now, now, catalog)),
            };
            let is_still = changed.as_ref().is_some_and(|(first, last, _)| {
                now.duration_since(*last) >= STILL_FOR || now.duration_since(*first) >= CHECK_WITHIN
            });
            let is_time = planned.is_none_or(|planned| planned.elapsed() >= PLAN_EVERY);
            if is_still || (is_time && checked.is_some()) {
                let held = match self.hold_round().await {
                    Ok(()) => self.tell_changes().await,
                    fault => fault,
                };
                match held {
                    Ok(()) => {}
                    // Whoever follows the catalog has said so.
                    Err(StoreError::Away(_) | StoreError::Claimed) => {}
                    Err(StoreError::Failed(fault)) => error!(fault = format!("{fault:#}"), "a round could not be planned"),
                }
                planned = Some(Instant::now());
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Checks the catalog, writes down what is wrong, and plans what is due now.
    pub async fn hold_round(&self) -> Result<(), StoreError> {
        if !self.knows_all().await? {
            return Ok(());
        }
        let situation = self.situation().await?;
        if self.is_idle_in(&situation) {
            return Ok(());
        }
        let look = self.check_and_look().await?;
        let now = look.now;
        self.app.store.requeue_round_messages(now - LOST_JOB).await?;
        if look.start.begun_at.is_none() {
            return self.show_first(&look).await;
        }
        let mut round = look.plan(&self.app, Occasion::Due);
        if round.messages.is_empty() {
            *self.rounds.idle.lock().expect("nothing panics while it holds this lock") = Some((Instant::now(), situation));
            return Ok(());
        }
        let planned = self.write_round(&mut round, None, now).await?;
        if !planned.is_empty() {
            info!(messages = planned.len(), withheld = round.withheld.len(), "a round was planned");
        }
        Ok(())
    }

    /// Puts the pictures into a round's messages, and writes these down to be sent; gives those that nobody had written before.
    pub async fn write_round(
        &self,
        round: &mut Round,
        audit: Option<&AuditEntry>,
        now: DateTime<Utc>,
    ) -> Result<Vec<RoundKey>, StoreError> {
        illustrate(&self.app, round).await?;
        self.app.store.plan_asked_round(audit, &round.to_send(), now).await
    }

    async fn situation(&self) -> Result<Situation, StoreError> {
        let start = self.app.store.load_round_start().await?;
        let (catalog, now, settings) = (self.app.catalog.load(), self.app.clock.now(), &self.app.settings.hygiene);
        let groups = catalog.entries().iter().filter(|entry| entry.entity.kind == Kind::Group);
        let hours = groups.map(|group| Hours::of(&catalog, settings, &group.entity.entity_ref));
        let hours = std::iter::once(Hours::usual(settings)).chain(hours);
        let rounds = hours.map(|hours| (hours.round_at(now).day, hours.is_open(now))).collect();
        let undescribed = self.app.live.load().coverage.undescribed.clone();
        Ok(Situation { catalog, start, rounds, undescribed })
    }

    fn is_idle_in(&self, situation: &Situation) -> bool {
        let idle = self.rounds.idle.lock().expect("nothing panics while it holds this lock");
        idle.as_ref().is_some_and(|(since, known)| known == situation && since.elapsed() < LOOK_AGAIN)
    }

    /// Whether every source was read at least once: what is missing before that is no finding.
    pub async fn knows_all(&self) -> Result<bool, StoreError> {
        let catalog = self.app.catalog.load();
        if catalog.is_empty() {
            return Ok(false);
        }
        for source in &self.sources {
            let is_read = catalog.source(source.id()).is_some_and(|state| state.synced_at.is_some());
            if !is_read && !source.is_idle(&self.app.store).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Finds out what is wrong, writes it down where that has changed, and looks at all that a round is planned from.
    pub async fn check_and_look(&self) -> Result<Look, StoreError> {
        self.know_beside().await?;
        let (catalog, findings) = self.check();
        let seen: Vec<SeenFinding> = findings.iter().map(|finding| seen(&catalog, finding)).collect();
        let is_written = self.rounds.written.lock().expect("nothing panics while it holds this lock").as_ref() == Some(&seen);
        if !is_written {
            let tally = self.app.store.write_findings(&seen, self.app.clock.now()).await?;
            info!(open = seen.len(), opened = tally.opened, closed = tally.closed, "the catalog was checked");
            *self.rounds.written.lock().expect("nothing panics while it holds this lock") = Some(seen);
        }
        metrics::gauge!("steward_findings_open").set(findings.len() as f64);
        let look = look_at(&self.app, catalog, findings).await?;
        self.note_estimate(&look);
        Ok(look)
    }

    /// Reads what stands beside the catalog where that was never done: what is not known is not mended.
    async fn know_beside(&self) -> Result<(), StoreError> {
        let coverage = self.app.live.load().coverage;
        if coverage.documented.is_none() {
            self.read_coverage().await?;
        }
        if coverage.undescribed.is_none() {
            self.read_undescribed().await?;
        }
        Ok(())
    }

    /// Everything that is wrong now; only what changed is looked at where that is enough.
    fn check(&self) -> (Arc<Catalog>, Vec<Finding>) {
        let catalog = self.app.catalog.load();
        let live = self.app.live.load();
        let rules = Rules::of(&self.app.settings.hygiene);
        let (on_call, coverage, now) = (&live.on_call, &live.coverage, self.app.clock.now());
        let facts = Facts { catalog: &catalog, on_call, coverage, rules: &rules, now };
        // A check that panics takes nothing along: the next one looks at everything.
        let mut checked = self.rounds.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |known: &Arc<Coverage>| Arc::ptr_eq(known, coverage) || known.judges_entries_as(coverage);
        let is_young = |known: &Checked| known.all_at.elapsed() < CHECK_ALL_EVERY && is_same(&known.coverage);
        let known = checked.take().filter(is_young);
        let next = tokio::task::block_in_place(|| match known {
            Some(mut known) => {
                known.kept.follow(Arc::clone(&catalog), &facts);
                known
            }
            None => {
                let kept = Kept::of(Arc::clone(&catalog), &facts);
                Checked { kept, coverage: Arc::clone(coverage), all_at: Instant::now() }
            }
        });
        let findings = checked.insert(next).kept.findings().cloned().collect();
        drop(checked);
        (catalog, findings)
    }

    /// Whether what is wrong with this catalog is known; `None`: nothing is known of any.
    fn has_checked(&self, catalog: &Arc<Catalog>) -> Option<bool> {
        let checked = self.rounds.checked.lock().unwrap_or_else(PoisonError::into_inner);
        checked.as_ref().map(|checked| checked.kept.is_of(catalog))
    }

    /// The first round is not held: those who look after the catalog are shown what it would say.
    async fn show_first(&self, look: &Look) -> Result<(), StoreError> {
        let hours = Hours::usual(&self.app.settings.hygiene);
        let round = hours.round_at(look.now);
        // It was never held, so it need not be this week's; but somebody should be at work.
        if look.start.previewed_at.is_some() || look.standing.is_empty() || !hours.is_open(look.now) || round.opens_at > look.now
        {
            return Ok(());
        }
        self.show_preview(look, Occasion::Due).await.map(|_| ())
    }

    /// Shows the admins what the first round would say; gives the messages' keys, none where no admin can be reached.
    pub async fn show_preview(&self, look: &Look, occasion: Occasion<'_>) -> Result<Vec<RoundKey>, StoreError> {
        let round = look.plan(&self.app, Occasion::ByHand(None));
        let messages = preview_messages(&look.scene(&self.app), &self.app.settings.access.admins, &round, occasion);
        if messages.is_empty() {
            warn!("the first round waits to be let go, and no admin can be reached; name some with a channel in access.admins");
        }
        let planned = self.app.store.plan_round(&messages, look.now).await?;
        self.app.store.note_preview(look.now).await?;
        Ok(planned)
    }

    /// Sends one message of the ledger, unless it has left before. `Some`: it is to be looked at again after so long.
    pub async fn send_round(&self, key: &RoundKey) -> Result<Option<Duration>, StoreError> {
        let Some(due) = self.app.store.load_round_message(key).await?.filter(|due| due.state == RoundState::Due) else {
            return Ok(None);
        };
        let now = self.app.clock.now();
        if now - due.planned_at > LONGEST_WAIT {
            return self.lose(&due, "it could not be sent before the next round").await;
        }
        let mark = Mark {
            kind: MARK.to_owned(),
            values: BTreeMap::from([("team".to_owned(), key.team.clone()), ("round".to_owned(), key.round.clone())]),
        };
        let message = Message::new(due.platform, &due.destination, due.message.clone()).marked(mark);
        if let (Some(attempted_at), Some(age)) = (due.attempted_at, due.attempt_age_secs) {
            let left = self.rounds.resend_after.as_secs_f64() - age;
            if left > 0.0 {
                return Ok(Some(Duration::from_secs_f64(left)));
            }
            // A look is good for all that may have left so long before it.
            let within = Duration::from_secs_f64(-left);
            match self.look_for(&message, attempted_at, within).await? {
                Ok(Some(posted)) => {
                    info!(team = key.team, round = key.round, "a message had arrived, though nobody was told so");
                    self.app.store.end_round_message(key, &RoundEnd::Sent(Some(posted)), now).await?;
                    return Ok(None);
                }
                Ok(None) => {}
                Err(fault) => return self.looked_in_vain(&due, &fault).await,
            }
        }
        if let Some(wait) = self.closed_for(&due, now) {
            return Ok(Some(wait));
        }
        if !due.any_hour
            && let Some(until) = self.app.outbox.rests_until(&message, now).await
        {
            // Their hours may have ended by then, which is seen when it is looked at again.
            return Ok(Some((until - now).to_std().unwrap_or_default().max(SOON)));
        }
        // From here on it may have left, whatever becomes of this process.
        if !self.app.store.attempt_round_message(&due).await? {
            return Ok(Some(self.rounds.resend_after));
        }
        match self.app.outbox.deliver(&message).await {
            Ok(posted) => {
                metrics::counter!("steward_round_messages_total", "result" => "sent").increment(1);
                self.app.store.end_round_message(key, &RoundEnd::Sent(posted), self.app.clock.now()).await?;
                Ok(None)
            }
            Err(DeliveryError::Limited { retry_after, .. }) => {
                self.app.store.take_back_attempt(key, &due.destination, &due.others).await?;
                Ok(Some(retry_after.max(Duration::from_millis(100))))
            }
            Err(DeliveryError::Refused { reason, .. }) => self.refused(&due, &reason).await,
            Err(fault @ DeliveryError::Unreachable { .. }) => {
                warn!(%fault, team = key.team, round = key.round, "it is not clear whether a message has left; it is looked for");
                Ok(Some(self.rounds.resend_after))
            }
            Err(fault @ DeliveryError::NoDoor(_)) => self.lose(&due, &fault.to_string()).await,
        }
    }

    async fn look_for(
        &self,
        message: &Message,
        attempted_at: DateTime<Utc>,
        within: Duration,
    ) -> Result<Result<Option<Posted>, DeliveryError>, StoreError> {
        let known = self.app.store.find_posted_channel(message.platform, &message.to).await?;
        Ok(self.app.outbox.find_marked(message, known.as_deref(), attempted_at - CLOCKS_DIFFER, within).await)
    }

    /// Nobody could look. Rather not at all than twice, once it is clear that it will not be found out.
    async fn looked_in_vain(&self, due: &RoundMessage, fault: &DeliveryError) -> Result<Option<Duration>, StoreError> {
        match fault {
            DeliveryError::Limited { retry_after, .. } => return Ok(Some(retry_after.max(&Duration::from_secs(1)).to_owned())),
            DeliveryError::Unreachable { .. } => return Ok(Some(self.rounds.resend_after / 4)),
            DeliveryError::Refused { .. } | DeliveryError::NoDoor(_) => {}
        }
        warn!(%fault, team = due.key.team, "whether a message has arrived cannot be looked up; `steward doctor` names missing scopes");
        self.app.store.note_vain_look(&due.key).await?;
        if due.looked + 1 < MOST_VAIN_LOOKS {
            return Ok(Some(self.rounds.resend_after));
        }
        self.lose(due, &format!("it may have arrived, and nobody may look whether it has: {fault}")).await
    }

    /// The platform said no, so it has certainly not left: the next place, where there is one.
    async fn refused(&self, due: &RoundMessage, reason: &str) -> Result<Option<Duration>, StoreError> {
        let code = reason.split(' ').next().unwrap_or_default();
        if NOT_THE_PLACE.contains(&code) {
            warn!(reason, "no message of a round can be sent; it is tried again");
            self.app.store.take_back_attempt(&due.key, &due.destination, &due.others).await?;
            return Ok(Some(self.rounds.resend_after));
        }
        // Slack fetches pictures before it takes a message, and may not reach our address.
        if code.starts_with(NOT_DRAWN)
            && let Some(plain) = due.message.without_pictures()
        {
            warn!(reason, "a message of a round goes without its pictures; can Slack reach server.public_url?");
            self.app.store.change_round_message(&due.key, &plain).await?;
            self.app.store.take_back_attempt(&due.key, &due.destination, &due.others).await?;
            return Ok(Some(Duration::from_millis(100)));
        }
        let Some((next, others)) = due.others.split_first() else {
            return self.lose(due, &format!("{} refused it: {reason}", due.destination)).await;
        };
        warn!(team = due.key.team, from = due.destination, to = next, reason, "a message of a round goes to the next place");
        let mut reply = due.message.clone();
        let note = not_there(&due.destination, code);
        // It may have been noted before this process died.
        if reply.cards.last() != Some(&note) {
            reply.cards.push(note);
            self.app.store.change_round_message(&due.key, &reply).await?;
        }
        self.app.store.take_back_attempt(&due.key, next, others).await?;
        Ok(Some(Duration::from_millis(100)))
    }

    async fn lose(&self, due: &RoundMessage, reason: &str) -> Result<Option<Duration>, StoreError> {
        metrics::counter!("steward_round_messages_total", "result" => "lost").increment(1);
        error!(team = due.key.team, round = due.key.round, reason, "a message of a round is lost");
        let end = RoundEnd::Lost(reason.to_owned());
        self.app.store.end_round_message(&due.key, &end, self.app.clock.now()).await?;
        Ok(None)
    }

    /// How long the team is left alone, where its hours have ended since this was planned.
    fn closed_for(&self, due: &RoundMessage, now: DateTime<Utc>) -> Option<Duration> {
        if due.any_hour {
            return None;
        }
        let catalog = self.app.catalog.load();
        let settings = &self.app.settings.hygiene;
        let hours = addressee(&due.key).map_or_else(|| Hours::usual(settings), |team| Hours::of(&catalog, settings, &team));
        if hours.is_open(now) { None } else { (hours.next_open(now) - now).to_std().ok() }
    }
}
