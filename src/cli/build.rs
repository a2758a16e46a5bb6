//! From settings to the application and its parts.

use std::{collections::HashMap, path::Path, sync::Arc};

use anyhow::{Context, bail};
use include_dir::{Dir, include_dir};
use secrecy::ExposeSecret;
use url::Url;

use crate::{
    address_template::AddressTemplate,
    app::{App, Asked, CatalogHandle, Clock, LiveHandle, taste},
    backstage::BackstageSource,
    catalog::{
        Catalog, Parts, Visibility,
        kinds::{CustomKind, CustomKinds},
        links::{Host, LinkRule, LinkRules},
        live::{OnCall, ScheduleKey},
        people::{MappedPerson, parse_mapping, people_source},
    },
    chat::{BadCommandFile, CommandSet, CustomCommands},
    commands::{
        access::{self, BadRule},
        custom,
    },
    directory::{DirectorySource, Layout},
    discord::DiscordClient,
    github::{AppKey, Auth, Connection, Filters, GithubConfig, GithubSource, OrgSource, OrgWanted, Waits},
    on_call,
    outbox::Outbox,
    people::{PeopleSource, ScimConfig, ScimWaits},
    playground::Board,
    seal::Seal,
    search::SearchIndex,
    settings::{self, AppAuth, GithubAuth, GithubSettings, PeopleSettings, ScimSettings, Settings, SourceSettings, Whether},
    slack::{
        SlackClient, Switchboard,
        socket::{CONNECTIONS, Socket, SocketWaits},
    },
    store::{Database, Store, load_asked_from_disk, load_channels_from_disk, load_on_call_from_disk, load_parts_from_disk},
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
    let parts = Parts { mapping: mapping(&settings)?, verified_domains: verified_domains(&settings), ..parts };
    let slack = settings.slack.as_ref();
    let slack = slack.map(|slack| SlackClient::connect(&slack.api_url, &slack.bot_token)).transpose()?;
    let discord = discord(&settings)?;
    let board = (playground == Playground::Served).then(Board::default);
    let commands = crate::commands::load_definitions()?;
    access_rules(&settings, &commands).map_err(|BadRule { key, message }| anyhow::anyhow!("{key}: {message}"))?;
    let live = live(&settings);
    live.set_channels(load_channels_from_disk(&settings.data_dir));
    live.set_custom(custom_commands(&settings, &commands));
    let asked: Asked = load_asked_from_disk(&settings.data_dir).unwrap_or_default();
    live.set_taste(taste(&settings.search.weights, &asked));
    live.asks.restore(asked);
    let search = SearchIndex::at(&settings.data_dir);
    search.open_existing();
    Ok(App {
        custom_kinds: custom_kinds(&settings)?,
        commands,
        catalog: CatalogHandle::new(Catalog::build(parts)),
        store: Store::unopened(),
        outbox: Outbox { slack, discord, playground: board },
        clock: Clock::System,
        live,
        links: Arc::new(link_rules(&settings)?),
        search,
        seal: settings.scaffolder.secret_key.as_ref().map(Seal::new),
        githubs: Vec::new(),
        settings,
    })
}

/// Discord, where a token is set.
fn discord(settings: &Settings) -> anyhow::Result<Option<DiscordClient>> {
    let Some(discord) = &settings.discord else { return Ok(None) };
    #[cfg(feature = "discord")]
    return Ok(Some(DiscordClient::connect(&discord.api_url, &discord.token)?));
    #[cfg(not(feature = "discord"))]
    bail!("discord: this build of Steward has no Discord (address {}); build it with the feature discord", discord.api_url)
}

/// What each rule of access comes to, where all can be meant.
pub fn access_rules(settings: &Settings, commands: &CommandSet) -> Result<Vec<String>, BadRule> {
    let custom = custom_commands(settings, commands);
    // A command of the organisation's own may be broken now and mended while Steward runs.
    let broken = custom.faults.iter().filter_map(|fault| Some(Path::new(&fault.file).file_stem()?.to_str()?.to_owned()));
    access::check_rules(&settings.access.rules, &custom.all(commands).0, &broken.collect::<Vec<_>>())
}

/// The commands of the organisation's own; a folder that cannot be read is a fault among the others.
pub fn custom_commands(settings: &Settings, commands: &CommandSet) -> CustomCommands {
    let Some(folder) = &settings.custom_commands else { return CustomCommands::default() };
    match settings::read_yaml_folder(folder) {
        Ok(files) => custom::load(commands, &files),
        Err(error) => {
            let message = format!("custom_commands: the folder cannot be read: {error}");
            let fault = BadCommandFile { file: folder.display().to_string(), line: 1, message };
            CustomCommands::new(commands, Vec::new(), vec![fault])
        }
    }
}

/// Who was on call when the last process stopped, of the providers that are still set up.
fn live(settings: &Settings) -> LiveHandle {
    let providers = on_call::describe(&settings.on_call);
    let kept = load_on_call_from_disk(&settings.data_dir).unwrap_or_default();
    let is_set_up = |key: &ScheduleKey| providers.iter().any(|provider| provider.name == key.provider);
    let shifts = kept.shifts.into_iter().filter(|(key, _)| is_set_up(key)).collect();
    let live = LiveHandle::default();
    live.set_on_call(OnCall { providers, shifts });
    live
}

/// The configured links; what is built in comes with them.
fn link_rules(settings: &Settings) -> anyhow::Result<LinkRules> {
    let rules = settings.links.iter().enumerate().map(|(at, link)| {
        let url = AddressTemplate::parse(&link.url).map_err(|why| anyhow::anyhow!("links[{at}].url: {why}"))?;
        Ok(LinkRule { annotation: link.annotation.clone(), title: link.title.clone(), url })
    });
    let hosts = settings.link_hosts.named().into_iter();
    let hosts = hosts.filter_map(|(name, address)| Some((Host::by_key(name)?, address.to_owned())));
    Ok(LinkRules::new(rules.collect::<anyhow::Result<_>>()?, hosts.collect()))
}

/// Slack's Socket Mode, where an app token is set.
pub fn socket(settings: &Settings) -> anyhow::Result<Option<Socket>> {
    let switchboard = switchboard(settings)?;
    Ok(switchboard.map(|switchboard| Socket { switchboard, connections: CONNECTIONS, waits: SocketWaits::default() }))
}

/// What gives sockets.
pub fn switchboard(settings: &Settings) -> anyhow::Result<Option<Switchboard>> {
    let slack = settings.slack.as_ref();
    let app_token = slack.and_then(|slack| Some((slack, slack.app_token.as_ref()?)));
    Ok(app_token.map(|(slack, app_token)| Switchboard::new(&slack.api_url, app_token)).transpose()?)
}

/// The explicit ties between accounts of one person.
pub fn mapping(settings: &Settings) -> anyhow::Result<Vec<MappedPerson>> {
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
pub fn sources(settings: &Settings) -> anyhow::Result<Sources> {
    let mut connections = Connections::default();
    let elsewhere = elsewhere_by(settings, &mut connections)?;
    let mut sources = Vec::new();
    for settings in &settings.sources {
        let source = source(settings, &elsewhere, &mut connections)?;
        let organisation = match (settings, &source) {
            (SourceSettings::Github(github), Source::Github(read)) => organisation(github, read),
            (_, _) => None,
        };
        sources.push(source);
        sources.extend(organisation);
    }
    sources.extend(published(settings)?);
    Ok(Sources { sources, elsewhere })
}

/// The folder that stands for the code host; without it the first sync would find none.
fn published(settings: &Settings) -> anyhow::Result<Option<Source>> {
    let Some(folder) = &settings.scaffolder.publish_folder else { return Ok(None) };
    let shown = folder.display();
    std::fs::create_dir_all(folder).with_context(|| format!("scaffolder.publish_folder: {shown} cannot be made"))?;
    let directory = DirectorySource { path: folder.clone(), layout: Layout::Owners, catalog_paths: settings::catalog_paths() };
    Ok(Some(Source::Directory { id: settings::PUBLISHED.to_owned(), directory }))
}

/// The configured sources, and what reads the addresses that their files name.
#[derive(Debug)]
pub struct Sources {
    pub sources: Vec<Source>,
    pub elsewhere: Arc<Elsewhere>,
}

/// Teams and members of an organisation, where they are wanted: a source of its own, since a token that may not see them
/// must not keep the repositories from being read.
fn organisation(settings: &GithubSettings, repositories: &GithubSource) -> Option<Source> {
    let wanted = OrgWanted { teams: settings.org_data.teams, users: settings.org_data.users };
    let id = people_source(&settings.id);
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

/// What reads single addresses: GitHub's through the connections of the sources, and any host that a `url` source names.
///
/// Needs a running tokio runtime.
pub fn elsewhere(settings: &Settings) -> anyhow::Result<Arc<Elsewhere>> {
    elsewhere_by(settings, &mut Connections::default())
}

fn elsewhere_by(settings: &Settings, connections: &mut Connections) -> anyhow::Result<Arc<Elsewhere>> {
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
                let connection = connections.to(github).with_context(|| format!("source {}", github.id))?;
                githubs.push((crate::github::web_host(&github.api_url), connection));
            }
            SourceSettings::Directory(_) | SourceSettings::People(_) | SourceSettings::Backstage(_) => {}
        }
    }
    Ok(Arc::new(Elsewhere::new(Web::new(&trusted), githubs)))
}

fn source(settings: &SourceSettings, elsewhere: &Arc<Elsewhere>, connections: &mut Connections) -> anyhow::Result<Source> {
    Ok(match settings {
        SourceSettings::Url(url) => Source::Url(UrlSource::new(&url.id, &url.targets, Arc::clone(elsewhere))),
        SourceSettings::Backstage(backstage) => {
            let source = BackstageSource::new(&backstage.id, &backstage.url, backstage.token.clone());
            Source::Backstage(source.with_context(|| format!("source {}", backstage.id))?)
        }
        SourceSettings::Github(github) => {
            let config = GithubConfig {
                id: github.id.clone(),
                org: github.org.clone(),
                connection: connections.to(github).with_context(|| format!("source {}", github.id))?,
                catalog_paths: github.catalog_paths.clone(),
                filters: filters(&github.filters),
            };
            let source = GithubSource::new(config).with_context(|| format!("source {}", github.id))?;
            Source::Github(Box::new(if github.packages { source } else { source.without_packages() }))
        }
        SourceSettings::People(settings) => Source::People(people(settings)?),
        SourceSettings::Directory(directory) => Source::Directory {
            id: directory.id.clone(),
            directory: DirectorySource {
                path: directory.path.clone(),
                layout: Layout::Flat,
                catalog_paths: directory.catalog_paths.clone(),
            },
        },
    })
}

/// One connection for all sources that speak with one GitHub as one identity, so that what they use up is known together.
#[derive(Debug, Default)]
pub struct Connections(HashMap<(String, String), Connection>);

impl Connections {
    fn to(&mut self, github: &GithubSettings) -> anyhow::Result<Connection> {
        let GithubSettings { org, api_url, auth: GithubAuth { token, app, client_id: _ }, .. } = github;
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

fn filters(settings: &settings::Filters) -> Filters {
    let settings::Filters { repository, branch, archived, forks, topics, visibility } = settings;
    Filters {
        repository: Some(repository.clone()).filter(|pattern| pattern != ".*"),
        branch: Some(branch.clone()).filter(|branch| branch != "default"),
        leave_archived: *archived == Whether::Exclude,
        leave_forks: *forks == Whether::Exclude,
        topics: topics.clone(),
        visibility: visibility.iter().filter_map(|word| parse_visibility(word)).collect(),
    }
}

/// The settings were checked to hold no other words.
fn parse_visibility(word: &str) -> Option<Visibility> {
    match word {
        "public" => Some(Visibility::Public),
        "private" => Some(Visibility::Private),
        "internal" => Some(Visibility::Internal),
        _ => None,
    }
}

/// The database of these settings, not started yet.
pub fn database(settings: &Settings) -> Database {
    Database::new(settings.database.url.as_ref(), &settings.data_dir)
}

pub fn worker(app: App) -> anyhow::Result<Arc<Worker>> {
    let Sources { mut sources, elsewhere } = sources(&app.settings)?;
    let githubs =
        sources.iter().filter_map(|source| if let Source::Github(github) = source { Some((**github).clone()) } else { None });
    let app = App { githubs: githubs.collect(), ..app };
    // Descriptors can be added from chat wherever Steward runs.
    if !sources.iter().any(|source| matches!(source, Source::Url(_))) {
        sources.push(Source::Url(UrlSource::new(ADDED, &[], Arc::clone(&elsewhere))));
    }
    Ok(Arc::new(Worker::new(Arc::new(app), sources).with_elsewhere(elsewhere)))
}
