//! What an answer may go without at first, and gets afterwards: news that have to be asked for.
//! Must not keep the first answer waiting.

use std::time::Duration;

use super::{Asking, owner, respond};
use crate::{
    app::App,
    catalog::{
        Catalog, EntityRef,
        live::{Live, NewsOf},
    },
    chat::{Reply, Request, Response},
};

/// What comes later is no part of the answer any more.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// How soon somebody sees what has come.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The news that a card lacks; none for other answers.
pub fn missing(catalog: &Catalog, asking: &Asking<'_>, reply: &Reply) -> Vec<NewsOf> {
    if reply.command != "owner" || reply.cards.is_empty() {
        return Vec::new();
    }
    let entity = reply.refs.first().and_then(|entity| EntityRef::parse(entity, None, "default").ok());
    let entry = entity.and_then(|entity| catalog.find(&entity).cloned());
    entry.map(|entry| owner::missing_news(catalog, asking, &entry)).unwrap_or_default()
}

/// Waits for what an answer lacks and answers the same request again; `None` where it lacked nothing, where nothing came
/// in time, or where the answer is the same.
///
/// For doors whose messages can be changed after they were sent.
pub async fn complete(app: &App, request: Request, first: &Reply) -> Option<Reply> {
    let is_missing = |live: Live| {
        let admins = super::admins(app);
        let asking = Asking::new(
            &app.catalog.load(),
            app.clock.now(),
            &request.account,
            request.place.as_ref(),
            &admins,
            super::StoreHealth::Reachable,
        );
        !missing(&app.catalog.load(), &Asking { live, ..asking }, first).is_empty()
    };
    if !is_missing(app.live.load()) {
        return None;
    }
    let comes = async {
        while is_missing(app.live.load()) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, comes).await.ok()?;
    match respond(app, request.clone()).await {
        Response::Reply(reply) if reply != *first => Some(reply),
        _ => None,
    }
}
