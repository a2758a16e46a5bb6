//! `steward ask`: one chat command on the terminal, from the same code as every chat.
//! Must not answer anything itself.

mod terminal;

use std::{io::IsTerminal, path::PathBuf};

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{
    Outcome,
    build::{self, Playground},
};
use crate::{
    app::App,
    catalog::Parts,
    chat::{Account, Act, Platform, Request, Response, Status},
    commands::respond,
    directory::{DirectorySource, Layout},
    search::SearchIndex,
    settings::{Settings, catalog_paths},
    store::load_parts_from_disk,
    sync::{Source, read_without_store},
};

pub use terminal::{Colour, DEFAULT_WIDTH, render_text};

/// Commands that look into the search index.
const SEARCHING: [&str; 2] = ["find", "docs"];

/// What `steward ask` is asked.
#[derive(Debug, Args)]
pub struct AskArgs {
    /// The command line, as in chat: '/owner payments-api'
    #[arg(required = true, value_name = "LINE")]
    line: Vec<String>,
    /// Who asks: the name of a User in the catalog
    #[arg(long = "as", value_name = "USER", default_value = "guest")]
    asker: String,
    /// Read this folder (one folder a repository) instead of the snapshot on disk
    #[arg(long, value_name = "DIR")]
    source: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object
    Json,
}

/// Exit status 1 if nothing was found. Starts no PostgreSQL.
pub(super) async fn ask(args: &AskArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let parts = load_parts(args, &settings).await?;
    let mut app = build::app_with(settings, parts, Playground::LeftOut)?;
    index_for(&mut app, args);
    let name = args.asker.trim_start_matches("user:").trim_start_matches("default/").to_owned();
    let account = Account { platform: Platform::Terminal, id: name.clone(), name };
    let request = Request { account, place: None, act: Act::Say { line: args.line.join(" ") }, delivery: None };
    let response = respond(&app, request).await;
    match args.format {
        Format::Json => super::print(render_json(&response))?,
        Format::Text => {
            let is_terminal = std::io::stdout().is_terminal();
            let colour = if is_terminal { Colour::On } else { Colour::Off };
            super::print(render_text(&response, DEFAULT_WIDTH, colour).trim_end())?;
        }
    }
    Ok(is_success(&response).into())
}

/// A folder has no index of its own; a question of words gets one that lasts as long as the answer takes.
fn index_for(app: &mut App, args: &AskArgs) {
    let line = args.line.join(" ");
    let searches = app.commands.parse_line(&line).is_ok_and(|(command, _)| SEARCHING.contains(&command.name.as_str()));
    if args.source.is_none() && app.search.is_ready() || !searches {
        return;
    }
    app.search = SearchIndex::in_memory();
    if let Err(fault) = app.search.build(&app.catalog.load()) {
        tracing::warn!(fault = format!("{:#}", anyhow::Error::from(fault)), "answered without a search index");
    }
}

async fn load_parts(args: &AskArgs, settings: &Settings) -> anyhow::Result<Parts> {
    let Some(folder) = &args.source else {
        let Some(parts) = load_parts_from_disk(&settings.data_dir) else {
            bail!(
                "nothing has been synced into {} yet; run `steward sync` first, or read a folder with --source DIR",
                settings.data_dir.display()
            );
        };
        return Ok(parts);
    };
    let directory = DirectorySource { path: folder.clone(), catalog_paths: catalog_paths(), layout: Layout::Flat };
    let source = Source::Directory { id: "folder".to_owned(), directory };
    let kinds = build::custom_kinds(settings)?;
    // A folder can be read whatever is wrong with the sources of the configuration.
    let elsewhere = build::elsewhere(settings).unwrap_or_default();
    let read = read_without_store(&source, &kinds, &elsewhere, crate::app::Clock::System.now()).await;
    read.map_err(|error| anyhow::anyhow!("{}", error.message))
}

/// The object of `steward ask --format json`.
pub fn render_json(response: &Response) -> Value {
    let text = render_text(response, DEFAULT_WIDTH, Colour::Off);
    match response {
        Response::Reply(reply) => json!({
            "status": reply.status.as_str(),
            "command": reply.command,
            "refs": reply.refs,
            "text": text,
            "read_from": reply.provenance.as_ref().map(|provenance| &provenance.read_from),
            "synced_at": reply.provenance.as_ref().and_then(|provenance| provenance.synced_at).map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        }),
        Response::Form(form) => json!({
            "status": Status::Refused.as_str(),
            "command": form.id,
            "refs": [form.state.subject],
            "text": text,
            "read_from": null,
            "synced_at": null,
        }),
        Response::Choices(choices) => json!({
            "status": Status::Answered.as_str(),
            "command": "",
            "refs": choices.iter().map(|choice| &choice.value).collect::<Vec<_>>(),
            "text": text,
            "read_from": null,
            "synced_at": null,
        }),
    }
}

/// Whether something was found: the exit status of `steward ask`.
pub fn is_success(response: &Response) -> bool {
    match response {
        Response::Reply(reply) => match reply.status {
            Status::Answered | Status::Ambiguous => true,
            Status::NotFound | Status::Refused | Status::Error => false,
        },
        Response::Choices(_) => true,
        // A terminal cannot show one, so nothing was done.
        Response::Form(_) => false,
    }
}
