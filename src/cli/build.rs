//! From settings to the application and its parts.

use std::{path::Path, sync::Arc};

use anyhow::{Context, bail};
use include_dir::{Dir, include_dir};

use crate::{
    app::{App, CatalogHandle, Clock},
    catalog::{
        Catalog, Parts,
        kinds::{CustomKind, CustomKinds},
    },
    directory::DirectorySource,
    github::{Auth, Connection, GithubConfig, GithubSource, Waits},
    outbox::Outbox,
    playground::Board,
    settings::{Settings, SourceSettings},
    slack::SlackClient,
    store::{Database, Store, load_parts_from_disk},
    sync::Source,
    worker::Worker,
};

/// The sample organisation travels in the binary, so that `steward demo` works wherever it is installed.
static SAMPLE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/org");

/// Writes the sample organisation into a folder, replacing an older copy.
pub fn unpack_sample(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).context("replacing the sample organisation")?;
    }
    std::fs::create_dir_all(folder)?;
    SAMPLE.extract(folder).context("unpacking the sample organisation")
}

pub fn custom_kinds(settings: &Settings) -> anyhow::Result<CustomKinds> {
    let declared = settings.kinds.iter().map(|kind| CustomKind {
        kind: kind.kind.clone(),
        api_versions: kind.api_versions.clone(),
        spec_schema: kind.spec.clone(),
        relations: Vec::new(),
    });
    Ok(CustomKinds::new(declared.collect())?)
}

/// Whether the playground's door is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Playground {
    Served,
    LeftOut,
}

/// Builds the application. The catalog comes from disk, so answers are there before the database is.
pub fn app(settings: Settings, playground: Playground) -> anyhow::Result<App> {
    let parts = load_parts_from_disk(&settings.data_dir).unwrap_or_default();
    app_with(settings, parts, playground)
}

/// The same around a catalog that is at hand.
pub fn app_with(settings: Settings, parts: Parts, playground: Playground) -> anyhow::Result<App> {
    let slack = settings.slack.as_ref();
    let slack = slack.map(|slack| SlackClient::connect(&slack.api_url, &slack.bot_token)).transpose()?;
    let board = (playground == Playground::Served).then(Board::default);
    Ok(App {
        custom_kinds: custom_kinds(&settings)?,
        commands: crate::commands::load_definitions()?,
        catalog: CatalogHandle::new(Catalog::build(parts)),
        store: Store::unopened(),
        outbox: Outbox { slack, playground: board },
        clock: Clock::System,
        settings,
    })
}

/// Needs a running tokio runtime.
pub fn sources(settings: &Settings) -> anyhow::Result<Vec<Source>> {
    settings.sources.iter().filter_map(|settings| source(settings).transpose()).collect()
}

/// `None` for a source that this version does not read.
fn source(settings: &SourceSettings) -> anyhow::Result<Option<Source>> {
    Ok(Some(match settings {
        SourceSettings::Url(_) | SourceSettings::People(_) | SourceSettings::Backstage(_) => {
            tracing::warn!(source = settings.id(), "this version does not read sources of this type yet; it is passed over");
            return Ok(None);
        }
        SourceSettings::Github(github) => {
            let Some(token) = github.auth.token.clone() else {
                bail!("source {}: this version does not sign in as a GitHub App yet; set auth.token", github.id);
            };
            let config = GithubConfig {
                id: github.id.clone(),
                org: github.org.clone(),
                connection: Connection::new(&github.api_url, &Auth::Token(token), Waits::default())
                    .with_context(|| format!("source {}", github.id))?,
                catalog_paths: github.catalog_paths.clone(),
            };
            let source = GithubSource::new(config).with_context(|| format!("source {}", github.id))?;
            Source::Github(if github.packages { source } else { source.without_packages() })
        }
        SourceSettings::Directory(directory) => Source::Directory {
            id: directory.id.clone(),
            directory: DirectorySource { path: directory.path.clone(), catalog_paths: directory.catalog_paths.clone() },
        },
    }))
}

/// The database of these settings, not started yet.
pub fn database(settings: &Settings) -> Database {
    Database::new(settings.database.url.as_ref(), &settings.data_dir)
}

pub fn worker(app: App) -> anyhow::Result<Arc<Worker>> {
    let sources = sources(&app.settings)?;
    Ok(Arc::new(Worker { app: Arc::new(app), sources }))
}
