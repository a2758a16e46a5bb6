//! `/onboard`: day one in a team, a step a button; and the two words about what could not be found.
//! Must not answer a step itself: the command that does is asked.

mod list;
mod lost;
mod step;
pub mod trace;

use super::Asking;
use crate::{
    app::App,
    catalog::{Catalog, EntityRef, live::Step},
    chat::{Arguments, Button, Reply, Status, limits::cut},
};

/// The arguments of `commands/onboard.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Onboard {
    /// Of a team or, with nothing typed, of the asker's.
    List(String),
    /// One step, by its key: STEP:ENTITY.
    See(String),
    /// It could not be found.
    Lost(String),
    /// It is there.
    Found(String),
}

impl From<&Arguments> for Onboard {
    fn from(arguments: &Arguments) -> Self {
        let typed = arguments.find("subject").unwrap_or_default().trim().to_owned();
        match arguments.find("action") {
            Some("see") => Self::See(typed),
            Some("lost") => Self::Lost(typed),
            Some("found") => Self::Found(typed),
            Some(_) | None => Self::List(typed),
        }
    }
}

pub async fn onboard(app: &App, catalog: &Catalog, asking: &Asking<'_>, call: &Onboard) -> Reply {
    match call {
        Onboard::List(typed) => list::show(app, catalog, asking, typed).await,
        Onboard::See(key) => step::see(app, catalog, asking, key).await,
        Onboard::Lost(key) => lost::lost(app, catalog, asking, key).await,
        Onboard::Found(key) => lost::found(app, catalog, asking, key).await,
    }
}

/// Step and entity of a key; else the reply that says what to press instead.
fn read_key(catalog: &Catalog, key: &str) -> Result<(Step, EntityRef), Box<Reply>> {
    let parse = || {
        let (step, entity) = key.trim().split_once(':')?;
        let is_full = entity.contains(':') && entity.contains('/');
        Some((Step::parse(step)?, EntityRef::parse(entity, None, "default").ok().filter(|_| is_full)?))
    };
    let said = match parse() {
        Some((step, entity)) if catalog.find(&entity).is_some() => return Ok((step, entity)),
        Some((_, entity)) => format!("{entity} is not in the catalog any more. /onboard shows what there is now."),
        None => format!("“{}” is no step. /onboard shows them, with buttons.", cut(key, 100)),
    };
    let mut reply = Reply::new(Status::NotFound, "onboard", said.into());
    reply.buttons.push(Button::say("The list", "onboard"));
    Err(Box::new(reply))
}

/// By which what somebody has seen is kept: the person where the catalog knows one, else the account.
fn person_key(asking: &Asking<'_>) -> String {
    match &asking.person {
        Some(person) => person.to_string(),
        None => format!("{} {}", asking.account.platform.as_str(), asking.account.id),
    }
}

fn key(step: Step, entity: &EntityRef) -> String {
    format!("{}:{entity}", step.as_str())
}
