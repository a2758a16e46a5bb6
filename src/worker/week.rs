//! The hygiene week: it begins by the calendar, each owner is asked once, and one message shows how far all are.
//! Must not decide what is said: hygiene does.

use std::sync::Arc;

use tracing::{info, warn};

use super::Worker;
use crate::{
    chat::{Message, Platform, Reply},
    hygiene::{
        check::{Facts, Rules},
        estimate::estimate,
        round::{Asides, Look, Word, hours::Hours, look_at, platform_of},
        week::{LASTS, Over, Share, ask, due, progress, shares},
    },
    reach::{address, written_channel},
    store::{NewRoundMessage, RoundKey, StoreError, Week},
};

/// The ledger's name of the message that shows how far all are.
const ALL: &str = "all week-progress";

/// What messages to owners are about, in the ledger.
const ABOUT: &str = "week";

impl Worker {
    /// Begins a week where the calendar asks for it, asks owners, and shows how far they are.
    pub async fn hold_week(&self) -> Result<(), StoreError> {
        let (app, now) = (&self.app, self.app.clock.now());
        let week = match app.store.load_week().await? {
            Some(week) => week,
            None => {
                let Some(new) = self.due_week() else { return Ok(()) };
                if !app.store.start_week(None, &new).await? {
                    return Ok(());
                }
                info!(week = %new.week, "a hygiene week begins");
                new
            }
        };
        if !self.knows_all().await? {
            return Ok(());
        }
        self.read_said().await?;
        let (catalog, live) = (app.catalog.load(), app.live.load());
        let all = tokio::task::block_in_place(|| shares(&catalog, &live.coverage.judged, week.started_at));
        let is_over = if now >= week.ends_at { Over::Yes } else { Over::NotYet };
        if is_over == Over::NotYet {
            self.ask_owners(&week, &all).await?;
        }
        self.show_progress(&week, progress(&catalog, &all, is_over), is_over).await?;
        if is_over == Over::Yes {
            app.store.end_week(week.week, now).await?;
            info!(week = %week.week, "a hygiene week is over");
        }
        Ok(())
    }

    fn due_week(&self) -> Option<Week> {
        let (settings, now) = (&self.app.settings.hygiene, self.app.clock.now());
        let today = now.with_timezone(&settings.schedule.time_zone).date_naive();
        let week = due(&settings.week, today)?;
        let left = LASTS - (today - week);
        Some(Week { week, started_at: now, ends_at: now + left, started_by: "the calendar".to_owned(), said: None })
    }

    /// Each owner who has something left to look at is asked once, when they may be.
    async fn ask_owners(&self, week: &Week, all: &[Share]) -> Result<(), StoreError> {
        let (app, now) = (&self.app, self.app.clock.now());
        let open: Vec<&Share> = all.iter().filter(|share| !share.open.is_empty()).collect();
        if open.is_empty() {
            return Ok(());
        }
        let (catalog, live, rules) = (app.catalog.load(), app.live.load(), Rules::of(&app.settings.hygiene));
        let look = look_at(app, Arc::clone(&catalog), Vec::new()).await?;
        let scene = look.scene(app);
        let Some(mut asides) = Asides::new(&scene) else { return Ok(()) };
        let facts = Facts { catalog: &catalog, on_call: &live.on_call, coverage: &live.coverage, rules: &rules, now };
        let once = week.week.to_string();
        let mut messages = Vec::new();
        let unasked: Vec<&Share> = open.into_iter().filter(|share| !asides.has_told(&share.owner, ABOUT, &once)).collect();
        for share in unasked {
            let reply = ask(share, &facts, &live.coverage.judged, 1);
            messages.extend(asides.tell(Some(&share.owner), &Word { about: ABOUT, once: &once, reply }));
        }
        app.store.plan_round(&messages, now).await.map(|_| ())
    }

    /// Sends the message that shows how far all are, once, and draws it anew where that has changed.
    async fn show_progress(&self, week: &Week, reply: Reply, is_over: Over) -> Result<(), StoreError> {
        let (app, now) = (&self.app, self.app.clock.now());
        if week.said.as_ref() == Some(&reply) {
            return Ok(());
        }
        let key = RoundKey { team: ALL.to_owned(), round: week.week.to_string() };
        if let Some((platform, posted)) = app.store.find_posted(&key).await? {
            return app.store.show_week(week.week, &reply, Some(Message::replacing(platform, posted, reply.clone()))).await;
        }
        // Where it has not left yet it waits for its hour, and is drawn anew after that.
        let may_begin = week.said.is_none() && is_over == Over::NotYet && Hours::usual(&app.settings.hygiene).is_open(now);
        let Some((platform, destination)) = self.progress_place().filter(|_| may_begin) else { return Ok(()) };
        let message = NewRoundMessage {
            key,
            platform,
            destination,
            others: Vec::new(),
            any_hour: false,
            calm: 0,
            reply: reply.clone(),
            keys: Vec::new(),
            shown: Vec::new(),
        };
        app.store.plan_round(&[message], now).await?;
        app.store.show_week(week.week, &reply, None).await
    }

    /// The channel that sees how far all are.
    fn progress_place(&self) -> Option<(Platform, String)> {
        let settings = &self.app.settings.hygiene;
        let platform = platform_of(&self.app)?;
        let written = settings.week.channel.as_deref().or(settings.catch_all.as_deref());
        let place = written.and_then(written_channel).and_then(|channel| address(platform, &channel));
        if place.is_none() {
            warn!("a hygiene week shows nobody how far it is: hygiene.week.channel names no channel");
        }
        Some((platform, place?))
    }

    /// Keeps how many entries may be wrong, for `/catalog` and metrics.
    pub(super) fn note_estimate(&self, look: &Look) {
        let judged = &self.app.live.load().coverage.judged;
        let counted = estimate(&look.catalog, &look.standing, &look.hands, judged, look.now);
        self.app.live.change_coverage(|coverage| coverage.estimate = Some(counted));
        if let Some(share) = counted.share() {
            metrics::gauge!("steward_wrong_entry_estimate").set(share);
        }
        metrics::gauge!("steward_entries_judged").set(counted.judged as f64);
        metrics::gauge!("steward_entries_judged_wrong").set(counted.judged_wrong as f64);
    }
}
