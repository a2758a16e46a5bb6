//! The chat commands: one file a command, the twin of `commands/*.yaml`.
//! Answers that an incident needs are pure functions of the snapshot; acts go through one verb of the store.

use chrono::{DateTime, Utc};

use crate::{
    app::App,
    catalog::EntityRef,
    chat::{Account, Place, Reply, Request, Response, Status},
};

/// What an answer may know besides the catalog.
#[derive(Debug, Clone)]
pub struct Asking<'a> {
    pub now: DateTime<Utc>,
    pub account: &'a Account,
    pub place: Option<&'a Place>,
    /// The catalog's User behind the account, where one is known.
    pub person: Option<EntityRef>,
    /// Groups the person is in, parents included, sorted.
    pub groups: Vec<EntityRef>,
    pub store: StoreHealth,
    /// How old a source may get before answers say so loudly.
    pub stale_after: chrono::Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreHealth {
    Reachable,
    /// Answers come from memory and disk.
    AwaySince(DateTime<Utc>),
    /// There is none (`steward ask`).
    Absent,
}

/// Answers one request: the single way in for every door.
pub async fn respond(_app: &App, _request: Request) -> Response {
    Response::Reply(Reply::new(Status::NotFound, "", "no command is built yet".into()))
}

pub fn load_commands() -> anyhow::Result<crate::chat::CommandSet> { Ok(crate::chat::CommandSet(Vec::new())) }
