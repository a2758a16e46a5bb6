//! Brings together what a round is planned from: the catalog, what is wrong, what was said of it, what was told before.
//! Must not send.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Occasion, Round, Scene, plan, plan_changes, preview};
use crate::{
    app::App,
    catalog::{Catalog, EntityRef},
    chat::{Platform, Reply},
    hygiene::{
        check::{Facts, Finding, Rules, check_all},
        standing::{Standing, stand},
    },
    store::{AuditEntry, Hand, Notice, RoundStart, StoreError, Told},
};

/// What was told longer ago is spelt out again.
const REMEMBERED: TimeDelta = TimeDelta::days(400);

/// All that a plan is made from, at one moment.
#[derive(Debug)]
pub struct Look {
    pub catalog: std::sync::Arc<Catalog>,
    pub platform: Option<Platform>,
    pub now: DateTime<Utc>,
    pub standing: Vec<Standing>,
    pub hands: Vec<Hand>,
    pub in_fixes: BTreeSet<String>,
    pub in_incidents: BTreeSet<EntityRef>,
    pub told: Vec<Told>,
    pub start: RoundStart,
    pub notices: Vec<Notice>,
}

impl Look {
    pub fn scene<'a>(&'a self, app: &'a App) -> Scene<'a> {
        Scene {
            catalog: &self.catalog,
            settings: &app.settings.hygiene,
            platform: self.platform,
            now: self.now,
            standing: &self.standing,
            hands: &self.hands,
            in_fixes: &self.in_fixes,
            in_incidents: &self.in_incidents,
            told: &self.told,
            begun_at: self.start.begun_at,
            notices: &self.notices,
        }
    }

    pub fn plan(&self, app: &App, occasion: Occasion<'_>) -> Round {
        let scene = self.scene(app);
        let mut round = plan(&scene, occasion);
        // What is told by itself is shown to whoever looks at what would be told.
        if occasion != Occasion::Due {
            round.changes = plan_changes(&scene, occasion).shown();
        }
        round
    }
}

/// Where teams are written to: in chat, else in the playground.
pub fn platform_of(app: &App) -> Option<Platform> {
    match (&app.outbox.slack, &app.outbox.playground) {
        (Some(_), _) => Some(Platform::Slack),
        (None, Some(_)) => Some(Platform::Playground),
        (None, None) => None,
    }
}

/// Findings as they stand, with what was said of them.
pub async fn standings(app: &App, catalog: &Catalog, findings: Vec<Finding>) -> Result<Vec<Standing>, StoreError> {
    let opened = app.store.load_open_findings().await?;
    let rests = app.store.load_rests(app.clock.now()).await?;
    Ok(stand(catalog, findings, &opened, &rests))
}

/// Looks at everything now.
pub async fn look(app: &App) -> Result<Look, StoreError> {
    let catalog = app.catalog.load();
    let live = app.live.load();
    let rules = Rules::of(&app.settings.hygiene);
    let facts =
        Facts { catalog: &catalog, on_call: &live.on_call, coverage: &live.coverage, rules: &rules, now: app.clock.now() };
    let findings = check_all(&facts);
    look_at(app, catalog, findings).await
}

/// The same where it is known what is wrong.
pub async fn look_at(app: &App, catalog: std::sync::Arc<Catalog>, findings: Vec<Finding>) -> Result<Look, StoreError> {
    let now = app.clock.now();
    let standing = standings(app, &catalog, findings).await?;
    Ok(Look {
        platform: platform_of(app),
        now,
        standing,
        hands: app.store.load_hands().await?,
        in_fixes: app.store.load_keys_in_fixes().await?,
        in_incidents: app.store.load_in_incidents().await?,
        told: app.store.load_told(now - REMEMBERED).await?,
        start: app.store.load_round_start().await?,
        notices: app.store.load_notices().await?,
        catalog,
    })
}

/// What stands between owners and a message, and what they are to hear of changes. Nothing is checked.
pub async fn look_around(app: &App, notices: Vec<Notice>) -> Result<Look, StoreError> {
    let now = app.clock.now();
    Ok(Look {
        platform: platform_of(app),
        now,
        standing: Vec::new(),
        hands: Vec::new(),
        in_fixes: BTreeSet::new(),
        in_incidents: app.store.load_in_incidents().await?,
        told: app.store.load_told(now - REMEMBERED).await?,
        start: app.store.load_round_start().await?,
        notices,
        catalog: app.catalog.load(),
    })
}

/// What a round now would say, for `hygiene preview`. Nothing is sent.
pub async fn show_preview(app: &App) -> Result<Reply, StoreError> {
    let look = look(app).await?;
    let round = look.plan(app, Occasion::ByHand(None));
    Ok(preview(&look.scene(app), &round))
}

/// Lets rounds go from now on, for `hygiene begin`. False where they did already.
pub async fn begin(app: &App, audit: &AuditEntry) -> Result<bool, StoreError> {
    app.store.begin_rounds(audit).await
}
