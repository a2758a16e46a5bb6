//! What an answer may go without at first, and gets afterwards: news that have to be asked for.
//! Must not keep the first answer waiting.

use std::time::Duration;

use crate::{
    app::App,
    catalog::{Catalog, EntityRef, live::NewsOf},
    chat::{Reply, Request, Response},
    commands::{Asking, StoreHealth, admins, owner, respond},
};

/// What comes later is no part of the answer any more.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// How soon somebody sees what has come.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The news that a card lacks by now; `None` for answers that have none to wait for.
pub fn missing(catalog: &Catalog, asking: &Asking<'_>, reply: &Reply) -> Option<Vec<NewsOf>> {
    if reply.command != "owner" || reply.cards.is_empty() {
        return None;
    }
    let entity = EntityRef::parse(reply.refs.first()?, None, "default").ok()?;
    owner::missing_news(catalog, asking, catalog.find(&entity)?)
}

/// Waits for what an answer lacks and answers the same request again; `None` where it lacked nothing, where nothing came
/// in time, or where the answer is the same.
///
/// For doors whose messages can be changed after they were sent. What came since the first answer was made counts too.
pub async fn complete(app: &App, request: Request, first: &Reply) -> Option<Reply> {
    let still_missing = || {
        let (catalog, admins) = (app.catalog.load(), admins(app));
        let Request { account, place, .. } = &request;
        let asking = Asking::new(&catalog, app.clock.now(), account, place.as_ref(), &admins, StoreHealth::Reachable);
        missing(&catalog, &Asking { live: app.live.load(), ..asking }, first)
    };
    still_missing()?;
    let comes = async {
        while still_missing().is_some_and(|missing| !missing.is_empty()) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, comes).await.ok()?;
    match respond(app, request).await {
        Response::Reply(reply) if reply != *first => Some(reply),
        Response::Reply(_) | Response::Form(_) | Response::Choices(_) => None,
    }
}
