//! The only reader of the configuration file and of the environment; plain values go down.
//! Must not open connections nor know what the values are for.

mod read;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

pub use read::{ConfigError, check_text, load, path_folders, schema};

/// The whole configuration, checked. Every key has a default, so that an empty file is a valid one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the snapshot and the private PostgreSQL live.
    pub data_dir: PathBuf,
    pub database: DatabaseSettings,
    pub server: ServerSettings,
    /// Where the catalog is read from.
    pub sources: Vec<SourceSettings>,
    pub slack: Option<SlackSettings>,
    pub access: AccessSettings,
    pub hygiene: HygieneSettings,
    pub kinds: Vec<CustomKindSettings>,
    // Sections of the contract that later versions read; they are accepted so that one file serves both.
    pub discord: Option<serde_json::Value>,
    pub on_call: Option<serde_json::Value>,
    pub links: Option<serde_json::Value>,
    pub scaffolder: Option<serde_json::Value>,
    pub mapping: Option<serde_json::Value>,
}

impl Settings {
    /// Keys that are set, accepted, and not used yet.
    pub fn keys_of_later_versions(&self) -> Vec<String> {
        let Self { discord, on_call, links, scaffolder, mapping, server, access, hygiene, sources, slack, .. } = self;
        let mut keys = Vec::new();
        let mut note = |key: &str, is_set: bool| {
            if is_set {
                keys.push(key.to_owned());
            }
        };
        note("discord", discord.is_some());
        note("on_call", on_call.is_some());
        note("links", links.is_some());
        note("scaffolder", scaffolder.is_some());
        note("mapping", mapping.is_some());
        note("server.api", server.api.public || !server.api.tokens.is_empty());
        note("access.rules", !access.rules.is_empty());
        note("slack.app_token", slack.as_ref().is_some_and(|slack| slack.app_token.is_some()));
        for key in hygiene.later.keys() {
            note(&format!("hygiene.{key}"), true);
        }
        for (at, source) in sources.iter().enumerate() {
            let key = match source {
                SourceSettings::Url(_) => "url",
                SourceSettings::People(_) => "people",
                SourceSettings::Backstage(_) => "backstage",
                SourceSettings::Github(_) | SourceSettings::Directory(_) => "",
            };
            note(&format!("sources[{at}] (type {key})"), !key.is_empty());
            if let SourceSettings::Github(github) = source {
                note(&format!("sources[{at}].auth.app"), github.auth.app.is_some());
                note(&format!("sources[{at}].filters"), github.filters.is_some());
                note(&format!("sources[{at}].org_data"), github.org_data.is_some());
                note(&format!("sources[{at}].webhook_secret"), github.webhook_secret.is_some());
            }
        }
        keys
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("./data"),
            database: DatabaseSettings::default(),
            server: ServerSettings::default(),
            sources: Vec::new(),
            slack: None,
            access: AccessSettings::default(),
            hygiene: HygieneSettings::default(),
            kinds: Vec::new(),
            discord: None,
            on_call: None,
            links: None,
            scaffolder: None,
            mapping: None,
        }
    }
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseSettings {
    /// `postgres://user:password@host/name`; without it a private PostgreSQL is started under `data_dir`.
    #[schemars(with = "Option<String>")]
    pub url: Option<SecretString>,
    #[serde(deserialize_with = "read::loose")]
    pub max_connections: u32,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self { url: None, max_connections: 16 }
    }
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// How people and platforms reach this server from outside.
    pub public_url: Option<String>,
    pub api: ApiSettings,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([0, 0, 0, 0], 7007)), public_url: None, api: ApiSettings::default() }
    }
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApiSettings {
    #[serde(deserialize_with = "read::loose")]
    pub public: bool,
    #[schemars(with = "Vec<String>")]
    pub tokens: Vec<SecretString>,
}

/// One place that descriptors are read from.
#[derive(Debug, Clone, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum SourceSettings {
    Github(Box<GithubSettings>),
    Directory(DirectorySettings),
    Url(LaterSource),
    People(LaterSource),
    Backstage(LaterSource),
}

impl<'de> Deserialize<'de> for SourceSettings {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let mut fields = serde_json::Map::deserialize(deserializer)?;
        let source_type = fields.remove("type").ok_or_else(|| D::Error::missing_field("type"))?;
        let fields = serde_json::Value::Object(fields);
        match source_type.as_str().unwrap_or_default() {
            "github" => read::inner(fields).map(Self::Github),
            "directory" => read::inner(fields).map(Self::Directory),
            "url" => read::inner(fields).map(Self::Url),
            "people" => read::inner(fields).map(Self::People),
            "backstage" => read::inner(fields).map(Self::Backstage),
            other => Err(D::Error::unknown_variant(other, &["github", "directory", "url", "people", "backstage"])),
        }
    }
}

impl SourceSettings {
    pub fn id(&self) -> &str {
        match self {
            Self::Github(github) => &github.id,
            Self::Directory(directory) => &directory.id,
            Self::Url(later) | Self::People(later) | Self::Backstage(later) => &later.id,
        }
    }

    pub fn schedule(&self) -> ScheduleSettings {
        match self {
            Self::Github(github) => github.schedule,
            Self::Directory(directory) => directory.schedule,
            Self::Url(_) | Self::People(_) | Self::Backstage(_) => ScheduleSettings::default(),
        }
    }
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GithubSettings {
    /// Unique among the sources.
    pub id: String,
    /// Organisation or user login.
    pub org: String,
    #[serde(default = "github_api")]
    pub api_url: String,
    pub auth: GithubAuth,
    #[serde(default = "catalog_paths")]
    pub catalog_paths: Vec<String>,
    #[serde(default)]
    pub schedule: ScheduleSettings,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub webhook_secret: Option<SecretString>,
    /// Read by later versions.
    #[serde(default)]
    pub filters: Option<serde_json::Value>,
    /// Read by later versions.
    #[serde(default)]
    pub org_data: Option<serde_json::Value>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GithubAuth {
    /// A fine-grained or classic token that can read the organisation's repositories.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub token: Option<SecretString>,
    /// A GitHub App; read by later versions.
    #[serde(default)]
    pub app: Option<serde_json::Value>,
}

/// A source of a type that the contract names and a later version reads.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct LaterSource {
    pub id: String,
    #[serde(flatten)]
    pub rest: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectorySettings {
    /// Unique among the sources.
    pub id: String,
    /// A folder that holds one folder a repository.
    pub path: PathBuf,
    #[serde(default = "catalog_paths")]
    pub catalog_paths: Vec<String>,
    #[serde(default)]
    pub schedule: ScheduleSettings,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSettings {
    /// `30m`, `2h`.
    #[serde(deserialize_with = "read::duration")]
    #[schemars(with = "String")]
    pub every: Duration,
}

impl Default for ScheduleSettings {
    fn default() -> Self {
        Self { every: Duration::from_secs(30 * 60) }
    }
}

fn github_api() -> String {
    "https://api.github.com".to_owned()
}

/// Where descriptors are looked for unless a source says otherwise.
pub fn catalog_paths() -> Vec<String> {
    vec!["catalog-info.yaml".to_owned()]
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlackSettings {
    /// `xoxb-…`
    #[schemars(with = "String")]
    pub bot_token: SecretString,
    /// For commands and buttons over HTTP.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub signing_secret: Option<SecretString>,
    /// For Socket Mode, which a later version speaks.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub app_token: Option<SecretString>,
    #[serde(default = "slack_api")]
    pub api_url: String,
}

fn slack_api() -> String {
    "https://slack.com/api".to_owned()
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccessSettings {
    /// References of groups and users: `group:default/platform`.
    pub admins: Vec<String>,
    /// Read by later versions.
    pub rules: Vec<serde_json::Value>,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HygieneSettings {
    /// The channel that hears what no team can be told.
    pub catch_all: Option<String>,
    /// Read by later versions.
    #[serde(flatten)]
    pub later: BTreeMap<String, serde_json::Value>,
}

/// A kind that the organisation adds to Backstage's own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomKindSettings {
    pub kind: String,
    pub api_versions: Vec<String>,
    /// JSON Schema of `spec`.
    #[serde(default)]
    pub spec: Option<serde_json::Value>,
}
