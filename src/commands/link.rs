//! `/link`: ties the asker's chat account to a GitHub login that they prove, or unties it.
//! Must not speak with GitHub: it records the wish, a job does the work.

use super::{Asking, answer::failure};
use crate::{
    app::App,
    catalog::{
        Catalog,
        people::{AccountKind, Link},
    },
    chat::{Arguments, Button, Platform, Reply, Span, Status, Text},
    settings::SourceSettings,
    store::{AuditEntry, Job, LinkStep},
};

/// The arguments of `commands/link.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkCall {
    Tie,
    Remove,
}

impl From<&Arguments> for LinkCall {
    fn from(arguments: &Arguments) -> Self {
        match arguments.find("action") {
            Some("remove") => Self::Remove,
            _ => Self::Tie,
        }
    }
}

pub async fn link(app: &App, catalog: &Catalog, asking: &Asking<'_>, call: &LinkCall) -> Reply {
    if asking.account.platform == Platform::Terminal {
        let said = "A terminal has no account to tie. Say /link in chat.";
        return Reply::new(Status::Refused, "link", said.into());
    }
    let existing = find_link(catalog, asking);
    match (call, existing) {
        (LinkCall::Remove, None) => {
            Reply::new(Status::NotFound, "link", "Your account is not tied to a GitHub login; there is nothing to untie.".into())
        }
        (LinkCall::Remove, Some(link)) => remove(app, asking, link).await,
        (LinkCall::Tie, Some(link)) => already(link),
        (LinkCall::Tie, None) if !is_set_up(app) => not_set_up(),
        (LinkCall::Tie, None) => begin(app, catalog, asking).await,
    }
}

fn find_link<'c>(catalog: &'c Catalog, asking: &Asking<'_>) -> Option<&'c Link> {
    let platform = asking.account.platform.as_str();
    catalog.parts().links.iter().find(|link| link.platform == platform && link.account == asking.account.id)
}

/// Whether some source says by which App people prove their login.
pub(super) fn is_set_up(app: &App) -> bool {
    app.settings.sources.iter().any(|source| match source {
        SourceSettings::Github(github) => github.auth.device_client_id().is_some(),
        SourceSettings::Directory(_) | SourceSettings::Url(_) | SourceSettings::People(_) | SourceSettings::Backstage(_) => false,
    })
}

fn not_set_up() -> Reply {
    let lead = Text::plain("/link is not set up here. Whoever runs Steward sets ").code("auth.client_id");
    let lead = lead.say(" of the GitHub source to the client id of a GitHub App that has its device flow enabled. ");
    let lead = lead.say("Until then your team can add your account to your User entry.");
    Reply::new(Status::Refused, "link", lead)
}

fn already(link: &Link) -> Reply {
    let lead = Text::plain("Your account has been tied to the GitHub login ").bold(&link.login).say(" since ");
    let lead = lead.push(Span::Time(link.linked_at)).say(".");
    let mut reply = Reply::new(Status::Answered, "link", lead);
    reply.buttons.push(Button::say("Untie", "link remove").confirm("Untie your account from this login?"));
    reply
}

async fn begin(app: &App, catalog: &Catalog, asking: &Asking<'_>) -> Reply {
    let step = LinkStep { account: asking.account.clone(), place: asking.place.cloned(), waiting: None };
    match app.store.record_action(audit(asking, ""), Some(Job::Link(step))).await {
        Ok(()) => {
            let lead = Text::plain("GitHub is being asked for a code; it comes here in a moment, for your eyes only.");
            let known = asking.person.as_ref().and_then(|person| catalog.person(person));
            let login = known.and_then(|known| known.ties.iter().find(|tie| tie.kind == AccountKind::Github));
            let lead = match login {
                Some(login) => lead.say(" Steward takes you for ").bold(&login.id).say(" already; the code proves it."),
                None => lead,
            };
            Reply::new(Status::Answered, "link", lead)
        }
        Err(error) => failure::not_recorded("link", "Your account was not tied.", asking, &error),
    }
}

async fn remove(app: &App, asking: &Asking<'_>, link: &Link) -> Reply {
    match app.store.remove_link(audit(asking, &link.login)).await {
        Ok(_) => {
            let lead = Text::plain("Your account is no longer tied to the GitHub login ").bold(&link.login).say(".");
            Reply::new(Status::Answered, "link", lead)
        }
        Err(error) => failure::not_recorded("link", "Your account was not untied.", asking, &error),
    }
}

fn audit(asking: &Asking<'_>, login: &str) -> AuditEntry {
    let command = if login.is_empty() { "link" } else { "link remove" };
    AuditEntry {
        at: asking.now,
        delivery: asking.delivery.clone(),
        account: asking.account.clone(),
        person: asking.person.clone(),
        command: command.to_owned(),
        subject: login.to_owned(),
        detail: serde_json::json!({}),
    }
}
