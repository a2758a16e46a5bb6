//! From settings to the application and its parts.

use std::{collections::HashMap, path::Path, sync::Arc};

use anyhow::{Context, bail};
use include_dir::{Dir, include_dir};
use secrecy::ExposeSecret;

use crate::{
    app::{App, CatalogHandle, Clock},
    catalog::{
        Catalog, Parts,
        kinds::{CustomKind, CustomKinds},
        people::{MappedPerson, parse_mapping},
    },
    directory::DirectorySource,
    github::{AppKey, Auth, Connection, GithubConfig, GithubSource, OrgSource, OrgWanted, Waits},
    outbox::Outbox,
    people::{PeopleSource, ScimConfig, ScimWaits},
    playground::Board,
    settings::{AppAuth, GithubAuth, GithubSettings, PeopleSettings, ScimSettings, Settings, SourceSettings},
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
    let parts = Parts { mapping: mapping(&settings)?, verified_domains: verified_domains(&settings), ..parts };
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

/// The explicit ties between accounts of one person.
fn mapping(settings: &Settings) -> anyhow::Result<Vec<MappedPerson>> {
    let Some(path) = &settings.mapping.people else { return Ok(Vec::new()) };
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("mapping.people: {shown} cannot be read"))?;
    parse_mapping(&text).map_err(|why| anyhow::anyhow!("mapping.people: {shown}: {why}"))
}

/// Domains whose addresses are the organisation's own.
fn verified_domains(settings: &Settings) -> Vec<String> {
    let people = settings.sources.iter().filter_map(|source| match source {
        SourceSettings::People(people) => Some(&people.verified_domains),
        SourceSettings::Github(_) | SourceSettings::Directory(_) | SourceSettings::Url(_) | SourceSettings::Backstage(_) => None,
    });
    people.flatten().cloned().collect()
}

/// Needs a running tokio runtime.
pub fn sources(settings: &Settings) -> anyhow::Result<Vec<Source>> {
    let mut connections = Connections::default();
    let mut sources = Vec::new();
    for settings in &settings.sources {
        let source = source(settings, &mut connections)?;
        let organisation = match (settings, &source) {
            (SourceSettings::Github(github), Some(Source::Github(read))) => organisation(github, read),
            (_, _) => None,
        };
        sources.extend(source);
        sources.extend(organisation);
    }
    Ok(sources)
}

/// Teams and members of an organisation, where they are wanted: a source of its own, since a token that may not see them
/// must not keep the repositories from being read.
fn organisation(settings: &GithubSettings, repositories: &GithubSource) -> Option<Source> {
    let wanted = OrgWanted { teams: settings.org_data.teams, users: settings.org_data.users };
    let id = format!("{}-people", settings.id);
    let is_wanted = wanted.teams || wanted.users;
    is_wanted.then(|| Source::Organisation(OrgSource::new(id, settings.org.clone(), repositories.connection(), wanted)))
}

fn people(settings: &PeopleSettings) -> anyhow::Result<PeopleSource> {
    let id = settings.id.clone();
    match (&settings.file, &settings.scim) {
        (Some(file), None) => Ok(PeopleSource::of_file(id, file.clone())),
        (None, Some(ScimSettings { url, token })) => {
            let config = ScimConfig { url: url.clone(), token: token.clone(), waits: ScimWaits::default() };
            PeopleSource::of_scim(id, config).with_context(|| format!("source {}", settings.id))
        }
        (Some(_), Some(_)) => bail!("source {}: it has both `file` and `scim`; leave one out", settings.id),
        (None, None) => bail!("source {}: name a CSV file under `file`, or a service under `scim`", settings.id),
    }
}

/// `None` for a source that this version does not read.
fn source(settings: &SourceSettings, connections: &mut Connections) -> anyhow::Result<Option<Source>> {
    Ok(Some(match settings {
        SourceSettings::Url(_) | SourceSettings::Backstage(_) => {
            tracing::warn!(source = settings.id(), "this version does not read sources of this type yet; it is passed over");
            return Ok(None);
        }
        SourceSettings::Github(github) => {
            let config = GithubConfig {
                id: github.id.clone(),
                org: github.org.clone(),
                connection: connections.to(github).with_context(|| format!("source {}", github.id))?,
                catalog_paths: github.catalog_paths.clone(),
            };
            let source = GithubSource::new(config).with_context(|| format!("source {}", github.id))?;
            Source::Github(if github.packages { source } else { source.without_packages() })
        }
        SourceSettings::People(settings) => Source::People(people(settings)?),
        SourceSettings::Directory(directory) => Source::Directory {
            id: directory.id.clone(),
            directory: DirectorySource { path: directory.path.clone(), catalog_paths: directory.catalog_paths.clone() },
        },
    }))
}

/// One connection for all sources that speak with one GitHub as one identity, so that what they use up is known together.
#[derive(Default)]
struct Connections(HashMap<(String, String), Connection>);

impl Connections {
    fn to(&mut self, github: &GithubSettings) -> anyhow::Result<Connection> {
        let GithubSettings { org, api_url, auth: GithubAuth { token, app }, .. } = github;
        let (identity, auth) = match (app, token) {
            (Some(app), _) => {
                let file = app.private_key_file.display();
                let private_key = app.read_private_key();
                let private_key = private_key.with_context(|| format!("auth.app.private_key_file: reading {file}"))?;
                let AppAuth { id, installation_id, .. } = app.clone();
                let identity = format!("app {id} of {} {installation_id:?}", org.to_lowercase());
                let key = AppKey { id, private_key, owner: org.clone(), installation_id, now: || Clock::System.now() };
                (identity, Auth::App(key))
            }
            (None, Some(token)) => (format!("token {}", token.expose_secret()), Auth::Token(token.clone())),
            (None, None) => bail!("auth: holds neither token nor app"),
        };
        let key = (api_url.trim_end_matches('/').to_owned(), identity);
        if let Some(connection) = self.0.get(&key) {
            return Ok(connection.clone());
        }
        let connection = Connection::new(api_url, &auth, Waits::default())?;
        self.0.insert(key, connection.clone());
        Ok(connection)
    }
}

/// The database of these settings, not started yet.
pub fn database(settings: &Settings) -> Database {
    Database::new(settings.database.url.as_ref(), &settings.data_dir)
}

pub fn worker(app: App) -> anyhow::Result<Arc<Worker>> {
    let sources = sources(&app.settings)?;
    Ok(Arc::new(Worker::new(Arc::new(app), sources)))
}
