//! From settings to the application and its parts.

use std::{path::Path, sync::Arc};

use anyhow::{Context, bail};
use include_dir::{Dir, include_dir};
use url::Url;

use crate::{
    app::{App, CatalogHandle, Clock},
    backstage::BackstageSource,
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
    sync::{ADDED, Elsewhere, Source, UrlSource},
    web::Web,
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
pub fn sources(settings: &Settings, elsewhere: &Arc<Elsewhere>) -> anyhow::Result<Vec<Source>> {
    settings.sources.iter().filter_map(|settings| source(settings, elsewhere).transpose()).collect()
}

/// What reads single addresses: GitHub's through the connections of the sources, and any host that a `url` source names.
///
/// Needs a running tokio runtime.
pub fn elsewhere(settings: &Settings) -> anyhow::Result<Arc<Elsewhere>> {
    let mut trusted = Vec::new();
    let mut githubs = Vec::new();
    for source in &settings.sources {
        match source {
            SourceSettings::Url(url) => {
                for target in &url.targets {
                    let target = Url::parse(target).with_context(|| format!("source {}: target {target}", url.id))?;
                    trusted.push(target);
                }
            }
            SourceSettings::Github(github) => {
                if let Some(token) = github.auth.token.clone() {
                    let connection = Connection::new(&github.api_url, &Auth::Token(token), Waits::default());
                    let connection = connection.with_context(|| format!("source {}", github.id))?;
                    githubs.push((web_host(&github.api_url), connection));
                }
            }
            SourceSettings::Directory(_) | SourceSettings::People(_) | SourceSettings::Backstage(_) => {}
        }
    }
    Ok(Arc::new(Elsewhere::new(Web::new(&trusted), githubs)))
}

/// The host of GitHub's web pages that goes with an API: an Enterprise Server's own, `github.com` for any other.
fn web_host(api_url: &str) -> String {
    let found = Url::parse(api_url).ok().and_then(|url| {
        let host = url.host_str()?;
        // Data residency: api.SUBDOMAIN.ghe.com.
        if host.ends_with(".ghe.com") {
            return Some(host.trim_start_matches("api.").to_owned());
        }
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        url.path().trim_end_matches('/').ends_with("/api/v3").then(|| format!("{host}{port}"))
    });
    found.unwrap_or_else(|| "github.com".to_owned())
}

/// `None` for a source that this version does not read.
fn source(settings: &SourceSettings, elsewhere: &Arc<Elsewhere>) -> anyhow::Result<Option<Source>> {
    Ok(Some(match settings {
        SourceSettings::Url(url) => Source::Url(UrlSource::new(&url.id, &url.targets, Arc::clone(elsewhere))),
        SourceSettings::Backstage(backstage) => {
            let source = BackstageSource::new(&backstage.id, &backstage.url, backstage.token.clone());
            Source::Backstage(source.with_context(|| format!("source {}", backstage.id))?)
        }
        SourceSettings::People(_) => {
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
            Source::Github(GithubSource::new(config).with_context(|| format!("source {}", github.id))?)
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
    let elsewhere = elsewhere(&app.settings)?;
    let mut sources = sources(&app.settings, &elsewhere)?;
    // Descriptors can be added from chat wherever Steward runs.
    if !sources.iter().any(|source| matches!(source, Source::Url(_))) {
        sources.push(Source::Url(UrlSource::new(ADDED, &[], Arc::clone(&elsewhere))));
    }
    Ok(Arc::new(Worker::new(Arc::new(app), sources).with_elsewhere(elsewhere)))
}
