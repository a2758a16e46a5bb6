//! The whole of a list as CSV, by a link that is good for an hour: a message holds some lines of it.
//! Must not choose what is in it; the search does.

use chrono::TimeDelta;
use tracing::warn;

use super::{Find, asked::Asked, count, found};
use crate::{
    app::App,
    catalog::Catalog,
    chat::{Account, Arguments, Block, Button, Card, Platform, Reply, Status},
    commands::{Asking, StoreHealth},
};

/// Long enough to open it, too short to be found in a log.
const GOOD_FOR: TimeDelta = TimeDelta::hours(1);

/// Adds the way to the whole list to an answer that is one.
pub async fn offer(app: &App, catalog: &Catalog, asking: &Asking<'_>, arguments: &Arguments, reply: &mut Reply) {
    if reply.status != Status::Answered || asking.account.platform == Platform::Terminal {
        return;
    }
    let Ok(asked) = Asked::read(catalog, asking, &Find::from(arguments).words) else { return };
    if !asked.csv {
        return;
    }
    let why_not = match app.settings.server.public_url.as_deref() {
        None => "The whole list can be fetched by a link once server.public_url is set in steward.yaml.",
        Some(public_url) => {
            let now = app.clock.now();
            let stored = serde_json::to_value(&asked).expect("plain values become JSON");
            match app.store.add_export(&stored, now, now + GOOD_FOR).await {
                Ok(token) => {
                    let url = format!("{}/export/{token}.csv", public_url.trim_end_matches('/'));
                    reply.buttons.push(Button::open("The whole list as a file", url).primary());
                    return;
                }
                Err(fault) => {
                    warn!(%fault, "a list could not be kept for fetching");
                    "The whole list cannot be fetched while PostgreSQL is away."
                }
            }
        }
    };
    if count::is_cut(reply) {
        reply.cards.push(Card { body: vec![Block::Paragraph(why_not.into())], ..Card::default() });
    }
}

/// The list that was asked for, from the catalog as it is now.
pub fn write(app: &App, asked: serde_json::Value) -> String {
    // Written by another version: what it cannot say is left out.
    let asked: Asked = serde_json::from_value(asked).unwrap_or_default();
    let catalog = app.catalog.load();
    let account = Account { platform: Platform::Terminal, id: String::new(), name: String::new() };
    let asking = Asking::new(&catalog, app.clock.now(), &account, None, &[], StoreHealth::Reachable);
    let asking = Asking { live: app.live.load(), ..asking };
    let found = found(&catalog, &asking, &app.search, &asked);
    count::lines(&count::rows(&catalog, &asked, &found)).concat()
}
