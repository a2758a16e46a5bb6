//! Keeps who is on call, and what happened lately, current in memory; wakes people; stores incidents.
//! Must not decide who may be woken: the command has.

use std::{
    sync::{Mutex, OnceLock},
    time::Duration,
};

use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::{
    RECONNECT, Worker,
    jobs::{answer_to, job},
};
use crate::{
    catalog::live::OnCall,
    chat::{Button, Reply, Status, Text},
    on_call::{Page, PageError, Paged, Providers},
    store::{IncidentState, JobContext, NewIncident, PageOnCall, RecentCursor, StoreError, save_on_call_to_disk},
};

/// Each schedule is asked for this often.
const ASK_EVERY: Duration = Duration::from_secs(60);
/// A schedule that has just come into the catalog does not wait for that.
const LOOK_FOR_NEW: Duration = Duration::from_secs(2);
/// How late a card may be with what was heard.
const RECENT_EVERY: Duration = Duration::from_secs(3);

job!(PageJob(PageOnCall) = PAGE, |worker, job| worker.run_page(job));

job!(IncidentJob(NewIncident) = ATTACH_INCIDENT, |worker, job| worker.run_attach(job));

/// What the loops remember.
#[derive(Debug, Default)]
pub(super) struct Watching {
    providers: OnceLock<Option<Providers>>,
    cursor: Mutex<Option<RecentCursor>>,
    /// Held while what happened lately is brought up to now: of two that do it at once, the slower would take news away.
    pub(super) turn: tokio::sync::Mutex<()>,
}

impl Worker {
    /// Keeps what stands beside the catalog current until told to stop.
    pub async fn keep_live(&self, stop: &CancellationToken) {
        tokio::join!(self.keep_on_call(stop), self.keep_recent(stop), self.keep_news(stop), self.keep_links(stop));
    }

    async fn keep_on_call(&self, stop: &CancellationToken) {
        if self.providers().is_none() {
            return;
        }
        loop {
            self.read_on_call().await;
            let next = tokio::time::Instant::now() + ASK_EVERY;
            while tokio::time::Instant::now() < next && !self.lacks_schedules() {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(LOOK_FOR_NEW) => {}
                }
            }
            if stop.is_cancelled() {
                return;
            }
        }
    }

    /// Whether the catalog names a schedule that was never asked for.
    fn lacks_schedules(&self) -> bool {
        let on_call = self.app.live.load().on_call;
        on_call.wanted(&self.app.catalog.load()).iter().any(|key| on_call.find(key).is_none())
    }

    /// None where no provider is set up, or none can be used; then the log says why.
    fn providers(&self) -> Option<&Providers> {
        let settings = &self.app.settings.on_call;
        let connect = || {
            (settings.pagerduty.is_some() || settings.http.is_some())
                .then(|| Providers::connect(settings))?
                .map_err(|fault| {
                    error!(fault, "nobody can be asked who is on call");
                })
                .ok()
        };
        self.watching.providers.get_or_init(connect).as_ref()
    }

    /// Asks the providers for every schedule that the catalog names, and keeps the answers in memory and on disk.
    pub async fn read_on_call(&self) {
        let Some(providers) = self.providers() else { return };
        let app = &self.app;
        let known = OnCall { providers: providers.described().to_vec(), ..OnCall::clone(&app.live.load().on_call) };
        let catalog = app.catalog.load();
        // Before the first sync nothing is named; what was kept from before stays.
        if catalog.is_empty() {
            return;
        }
        let wanted = known.wanted(&catalog);
        let fresh = providers.read(&wanted, &known, app.clock.now()).await.tied(&catalog);
        let failed = fresh.shifts.values().filter(|shift| shift.fault.is_some()).count();
        app.live.tally.add("on-call", (fresh.shifts.len() - failed) as u64, failed as u64);
        metrics::gauge!("steward_on_call_schedules").set(fresh.shifts.len() as f64);
        metrics::gauge!("steward_on_call_schedules_failing").set(failed as f64);
        if let Some(fault) = fresh.shifts.values().find_map(|shift| shift.fault.as_ref()) {
            warn!(
                schedules = fresh.shifts.len(),
                failed, fault, "not every on-call schedule could be read; the last answers stay"
            );
        }
        app.live.set_on_call(fresh.clone());
        let data_dir = app.settings.data_dir.clone();
        let saved = tokio::task::spawn_blocking(move || save_on_call_to_disk(&data_dir, &fresh)).await;
        if let Ok(Err(fault)) = saved {
            warn!(error = %fault, "who is on call could not be kept on disk; a restart would not know it at once");
        }
    }

    async fn keep_recent(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let pause = match self.read_recent().await {
                Ok(()) => RECENT_EVERY,
                // Whoever follows the catalog has said that it is away.
                Err(StoreError::Away(_) | StoreError::Claimed) => RECONNECT,
                Err(StoreError::Failed(fault)) => {
                    error!(fault = format!("{fault:#}"), "what changed lately could not be read");
                    RECENT_EVERY * 10
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Brings what happened lately up to now.
    pub async fn read_recent(&self) -> Result<(), StoreError> {
        let _turn = self.watching.turn.lock().await;
        let app = &self.app;
        let cursor = *self.watching.cursor.lock().expect("nothing panics while it holds this lock");
        let known = app.live.load().recent;
        let sources: Vec<String> = app.catalog.load().parts().sources.keys().cloned().collect();
        let (recent, cursor) = app.store.load_recent(&known, cursor, &sources, app.clock.now()).await?;
        if let Some(recent) = recent {
            app.live.set_recent(recent);
        }
        *self.watching.cursor.lock().expect("nothing panics while it holds this lock") = Some(cursor);
        Ok(())
    }

    /// Wakes somebody and says what came of it. It is not tried again by the queue: whoever asked must know at once
    /// that they have to reach somebody by other means.
    async fn run_page(&self, job: JobContext<PageOnCall>) -> Result<(), StoreError> {
        let JobContext { audit_id, work } = job;
        let on_call = self.app.live.load().on_call;
        let shift = on_call.find(&work.schedule);
        let page = Page {
            schedule: &work.schedule,
            outside_id: shift.and_then(|shift| shift.outside_id.as_deref()),
            title: &work.title,
            details: &work.details,
            entity: &work.entity,
            requested_by: &work.requested_by,
            key: &work.key,
        };
        let paged = match self.providers() {
            Some(providers) => providers.page(&page).await,
            None => Err(PageError::Refused("no on-call provider is set up any more".to_owned())),
        };
        let (result, reply) = match &paged {
            Ok(paged) => ("paged".to_owned(), paged_reply(&work, paged)),
            Err(fault) => {
                warn!(%fault, "nobody could be paged");
                (format!("not paged: {fault}"), failed_reply(&work, fault))
            }
        };
        if let Ok(Paged { url: Some(url), .. }) = &paged {
            let incident = NewIncident {
                entity: work.entity.clone(),
                url: url.clone(),
                title: work.title.clone(),
                is_postmortem: false,
                state: IncidentState::Open,
                at: self.app.clock.now(),
                by: work.requested_by.clone(),
            };
            // They are awake; that the card does not show it is no reason to wake them again.
            if let Err(fault) = self.app.store.attach_incident(&incident).await {
                warn!(%fault, "the incident that a page opened is not shown on the card");
            }
        }
        let message = answer_to(work.account, work.place, reply);
        self.app.store.finish_action(audit_id, self.app.clock.now(), &result, Some(message)).await
    }

    async fn run_attach(&self, job: JobContext<NewIncident>) -> Result<(), StoreError> {
        self.app.store.attach_incident(&job.work).await?;
        self.app.store.finish_action(job.audit_id, self.app.clock.now(), "done", None).await
    }
}

fn paged_reply(work: &PageOnCall, paged: &Paged) -> Reply {
    let who = if paged.assigned.is_empty() { "Whoever is on call".to_owned() } else { paged.assigned.join(", ") };
    let verb = if paged.assigned.len() > 1 { "were" } else { "was" };
    let lead = Text::new().bold(who).say(format!(" {verb} paged for ")).bold(work.label.as_str()).say(".");
    let mut reply = Reply::new(Status::Answered, "page", lead);
    reply.refs = vec![work.entity.clone()];
    reply.buttons.extend(paged.url.as_ref().map(|url| Button::open("The incident", url)));
    reply
}

fn failed_reply(work: &PageOnCall, fault: &PageError) -> Reply {
    let certain = match fault {
        PageError::Refused(_) => "Nobody was woken",
        PageError::Passing(_) => "It is not certain that anybody was woken",
    };
    let lead = Text::plain(format!("{certain} for ")).bold(work.label.as_str());
    let lead = lead.say(format!(": the on-call provider said: {fault}. Reach them by other means."));
    let mut reply = Reply::new(Status::Error, "page", lead);
    reply.refs = vec![work.entity.clone()];
    reply.buttons.push(Button::say("How to reach them", format!("owner {}", work.entity)).primary());
    reply
}
