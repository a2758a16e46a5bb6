//! `steward doctor`: checks what Steward depends on, one line each, with how to fix it.

use std::{collections::BTreeMap, path::Path};

use chrono::TimeDelta;

use super::{
    Outcome,
    build::{self, Playground},
};
use crate::{
    catalog::{EntityRef, Kind, kinds::CustomKinds},
    hygiene::misspelt::{Misspelt, find_misspelt},
    settings,
    slack::BOT_SCOPES,
    store::{Database, RoundState, Told},
    sync::{Elsewhere, Source, read_without_store},
};

/// A round that was lost longer ago was followed by another.
const ROUNDS_OF: TimeDelta = TimeDelta::days(8);

#[derive(Debug, PartialEq, Eq)]
struct Line {
    name: String,
    result: Result<String, String>,
}

impl Line {
    fn new(name: impl Into<String>, result: Result<String, String>) -> Self {
        Self { name: name.into(), result }
    }
}

/// Exit status 1 if any check fails.
pub async fn doctor(config: Option<&Path>) -> anyhow::Result<Outcome> {
    let settings = match settings::load(config) {
        Ok(settings) => settings,
        Err(error) => {
            print(&[Line::new("configuration", Err(error.to_string()))])?;
            return Ok(Outcome::Bad);
        }
    };
    if let Err(bad) = build::access_rules(&settings, &crate::commands::load_definitions()?) {
        let fault = settings::fault_in(config, &bad.key, bad.message);
        print(&[Line::new("configuration", Err(fault.to_string()))])?;
        return Ok(Outcome::Bad);
    }
    let mut lines = vec![Line::new("configuration", Ok("can be read".to_owned()))];
    lines.extend(find_misspelt(&settings.hygiene, &settings.kinds).into_iter().map(|Misspelt { key, message }| {
        let fault = settings::fault_in(config, &key, message);
        Line::new("configuration", Err(fault.to_string()))
    }));
    super::make_data_dir(&settings)?;
    lines.extend(check_all(settings).await?);
    print(&lines)?;
    Ok(lines.iter().all(|line| line.result.is_ok()).into())
}

async fn check_all(mut settings: settings::Settings) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    // One file that is missing must not keep the rest from being checked.
    if let Err(error) = build::mapping(&settings) {
        lines.push(Line::new("mapping", Err(format!("{error:#}"))));
        settings.mapping.people = None;
    }
    let database = build::database(&settings);
    let app = build::app(settings, Playground::LeftOut)?;
    let kind = match &database {
        Database::Given(_) => "database (DATABASE_URL)",
        Database::Private { .. } => "database (private)",
    };
    let opened = app.store.open(&database, app.settings.database.max_connections).await;
    let told = opened.map(|()| "is reachable, its schema is current".to_owned()).map_err(|error| match &database {
        Database::Given(_) => {
            let error = anyhow::Error::from(error);
            format!("{error:#}; check database.url, and that the server accepts connections from here")
        }
        Database::Private { .. } => format!("{:#}", anyhow::Error::from(error)),
    });
    lines.push(Line::new(kind, told));
    lines.extend(check_rounds(&app).await);
    tokio::task::block_in_place(|| database.stop());
    match build::sources(&app.settings).map(|built| built.sources) {
        Ok(sources) if sources.is_empty() => {
            let how = "none is set up; add one to steward.yaml, or set GITHUB_ORG and GITHUB_TOKEN";
            lines.push(Line::new("sources", Err(how.to_owned())));
        }
        Ok(sources) => {
            for source in &sources {
                lines.extend(check_source(source).await);
            }
        }
        Err(error) => lines.push(Line::new("sources", Err(format!("{error:#}")))),
    }
    lines.extend(check_admins(&app));
    lines.extend(check_own_commands(&app));
    lines.extend(check_slack(&app).await);
    #[cfg(feature = "discord")]
    lines.extend(check_discord(&app).await);
    Ok(lines)
}

/// Who could not be told what is wrong in the last round that was for them; nothing where all is well, or nothing is known.
async fn check_rounds(app: &crate::app::App) -> Vec<Line> {
    let Ok(told) = app.store.load_told(app.clock.now() - ROUNDS_OF).await else { return Vec::new() };
    let last: BTreeMap<String, Told> = told.into_iter().map(|told| (told.key.team.clone(), told)).collect();
    let lost = last.into_iter().filter(|(_, told)| told.state == RoundState::Lost);
    let line = |(team, told): (String, Told)| {
        let why = told.reason.unwrap_or_else(|| "it is not known why".to_owned());
        let how = "mend the channel, or set hygiene.catch_all; the next round is tried again";
        Line::new(format!("round of {} for {team}", told.key.round), Err(format!("could not be told: {why}; {how}")))
    };
    lost.map(line).collect()
}

async fn check_source(source: &Source) -> Vec<Line> {
    match source {
        Source::Github(github) => {
            let checks = github.check().await.into_iter();
            let line = |check: crate::github::Check| {
                let fix = check.fix.map(|fix| format!("; {fix}")).unwrap_or_default();
                Line::new(format!("{}: {}", github.id(), check.name), check.found.map_err(|fault| format!("{fault}{fix}")))
            };
            checks.map(line).collect()
        }
        Source::Directory { id, directory } => {
            let found = std::fs::read_dir(&directory.path).map(|entries| format!("{} folders and files", entries.count()));
            let path = directory.path.display();
            vec![Line::new(id.clone(), found.map_err(|error| format!("{path} cannot be read: {error}; check its `path`")))]
        }
        Source::Organisation(_) | Source::People(_) => vec![check_people(source).await],
        Source::Url(url) => {
            let checks = url.check().await.into_iter();
            checks
                .map(|(target, found)| Line::new(format!("{}: {target}", url.id()), found.map(|()| "is read".to_owned())))
                .collect()
        }
        Source::Backstage(backstage) => {
            let found = backstage.check().await.map(|count| format!("gives {count} entities at a time"));
            vec![Line::new(backstage.id(), found.map_err(|error| error.to_string()))]
        }
    }
}

/// Reads the list once: it is short, and only a whole one tells that it can be read.
async fn check_people(source: &Source) -> Line {
    let read = read_without_store(source, &CustomKinds::default(), &Elsewhere::default(), crate::app::Clock::System.now()).await;
    let told = read.map(|parts| {
        let of = |kind: Kind| parts.claims.iter().filter(|claim| claim.entity.kind == kind).count();
        format!("{} people and {} teams", of(Kind::User), of(Kind::Group))
    });
    Line::new(source.id(), told.map_err(|error| error.message))
}

/// One line for the commands of the organisation's own that work, and one for each that does not.
fn check_own_commands(app: &crate::app::App) -> Vec<Line> {
    if app.settings.custom_commands.is_none() {
        return Vec::new();
    }
    let custom = app.live.custom();
    let names: Vec<&str> = custom.commands.iter().map(|command| command.definition.name.as_str()).collect();
    let told = if names.is_empty() { "there are none".to_owned() } else { names.join(", ") };
    let fault = |fault: &crate::chat::BadCommandFile| Line::new("custom_commands", Err(format!("{fault}; the others work")));
    std::iter::once(Line::new("custom_commands", Ok(told))).chain(custom.faults.iter().map(fault)).collect()
}

/// Whether the catalog, as it was read last, has those who may act; nothing where it has not been read yet.
fn check_admins(app: &crate::app::App) -> Option<Line> {
    let catalog = app.catalog.load();
    let admins = &app.settings.access.admins;
    if catalog.entries().is_empty() {
        return None;
    }
    if admins.is_empty() {
        let told =
            "none, so nobody may sync or remove from chat; access.admins takes teams and people, as in group:default/platform";
        return Some(Line::new("admins", Ok(told.to_owned())));
    }
    let is_known =
        |admin: &&String| EntityRef::parse(admin, Some("group"), "default").is_ok_and(|admin| catalog.find(&admin).is_some());
    let unknown: Vec<&str> = admins.iter().filter(|admin| !is_known(admin)).map(String::as_str).collect();
    let told = match unknown.as_slice() {
        [] => Ok(format!("{} in the catalog", if admins.len() == 1 { "is" } else { "all are" })),
        some => Err(format!("{} is not in the catalog; check access.admins", some.join(", "))),
    };
    Some(Line::new("admins", told))
}

async fn check_slack(app: &crate::app::App) -> Vec<Line> {
    let Some(client) = &app.outbox.slack else {
        return vec![Line::new("slack", Ok("is not set up; `steward manifest slack --socket` begins it".to_owned()))];
    };
    let asked = client.auth_test().await;
    let told = asked.map(|identity| format!("answers as {} in {}", identity.user, identity.team));
    let told = told.map_err(|error| format!("{error}; check slack.bot_token, and that the app is installed"));
    let mut lines = vec![Line::new("slack", told)];
    if lines.iter().all(|line| line.result.is_ok()) {
        lines.extend(check_scopes(client.scopes().await));
    }
    lines.push(check_ways_in(&app.settings).await);
    lines
}

/// Nothing where no token is set: most organisations have one chat.
#[cfg(feature = "discord")]
async fn check_discord(app: &crate::app::App) -> Option<Line> {
    let client = app.outbox.discord.as_ref()?;
    let told = match client.identity().await {
        Ok(identity) => Ok(format!("answers as {}; it connects by itself, and registers its commands", identity.username)),
        Err(error) => Err(format!("{error}; check discord.token, the bot's token and not the client's secret")),
    };
    Some(Line::new("discord", told))
}

/// Slack tells them only where one is lacking.
fn check_scopes(granted: Option<Vec<String>>) -> Option<Line> {
    let granted = granted?;
    let lacking: Vec<&str> = BOT_SCOPES.into_iter().filter(|scope| !granted.iter().any(|has| has == scope)).collect();
    let told = match lacking.as_slice() {
        [] => Ok(format!("has all {} that are used", BOT_SCOPES.len())),
        lacking => {
            let fix = "update the app from `steward manifest slack` and install it again";
            Err(format!("lacks {}; {fix}", lacking.join(", ")))
        }
    };
    Some(Line::new("slack: scopes", told))
}

async fn check_ways_in(settings: &settings::Settings) -> Line {
    let socket = match build::switchboard(settings) {
        Ok(Some(switchboard)) => switchboard.open().await.map(|_| true).map_err(|fault| fault.to_string()),
        Ok(None) => Ok(false),
        Err(error) => Err(format!("{error:#}")),
    };
    let by_http = settings.slack.as_ref().is_some_and(|slack| slack.signing_secret.is_some());
    let told = match (socket, by_http) {
        (Err(fault), _) => Err(fault),
        (Ok(true), _) => Ok("Socket Mode: Slack gives a socket".to_owned()),
        (Ok(false), true) => Ok("HTTP: Slack calls /slack/commands, /slack/interactions and /slack/events".to_owned()),
        (Ok(false), false) => {
            Err("there is none; set slack.app_token for Socket Mode, or slack.signing_secret for HTTP".to_owned())
        }
    };
    Line::new("slack: way in", told)
}

fn print(lines: &[Line]) -> std::io::Result<()> {
    for Line { name, result } in lines {
        match result {
            Ok(told) => super::print(format_args!("ok     {name}: {told}"))?,
            Err(how) => super::print(format_args!("FAULT  {name}: {how}"))?,
        }
    }
    Ok(())
}
