//! The only reader of the configuration file and of the environment; plain values go down.
//! Must not open connections nor know what the values are for.

mod folder;
mod hygiene;
mod on_call;
mod read;
mod scaffolder;
mod search;
mod source;

use std::{net::SocketAddr, path::PathBuf};

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

pub use folder::{FolderFile, read_yaml_folder};
pub use hygiene::{
    CheckSetting, HygieneSettings, LevelSettings, QuietHours, Rhythm, RoundSettings, RuleSettings, TeamRoundSettings,
    TrackSettings, WeekSettings,
};
pub use on_call::{HttpOnCallSettings, LinkHosts, LinkSettings, OnCallSettings, PagerDutySettings};
pub use read::{ConfigError, check_text, fault_in, load, load_offline, path_folders, schema};
pub use scaffolder::{NamingSettings, PUBLISHED, ScaffolderSettings};
pub use search::{LinkCheckSettings, SearchSettings, WeightSettings};
pub use source::{
    AppAuth, BackstageSettings, DirectorySettings, Filters, GithubAuth, GithubSettings, OrgData, PeopleSettings,
    ScheduleSettings, ScimSettings, SourceSettings, UrlSettings, Whether, catalog_paths,
};

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
    pub mapping: MappingSettings,
    /// Who is asked who is on call.
    pub on_call: OnCallSettings,
    /// Annotations that become titled links, besides those that are built in and before them.
    pub links: Vec<LinkSettings>,
    /// Where the organisation runs what the built-in links lead to: `grafana: https://grafana.example.com`.
    pub link_hosts: LinkHosts,
    /// How what is found is put into order.
    pub search: SearchSettings,
    /// How it is found out which links are dead.
    pub link_checks: LinkCheckSettings,
    /// A folder of YAML files, each a command of the organisation's own.
    pub custom_commands: Option<PathBuf>,
    pub discord: Option<DiscordSettings>,
    /// How Software Templates are run.
    pub scaffolder: ScaffolderSettings,
}

impl Settings {
    /// Keys that are set, accepted, and not used yet.
    pub fn keys_of_later_versions(&self) -> Vec<String> {
        let Self { server, .. } = self;
        let mut keys = Vec::new();
        let mut note = |key: &str, is_set: bool| {
            if is_set {
                keys.push(key.to_owned());
            }
        };
        note("server.api", server.api.public || !server.api.tokens.is_empty());
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
            mapping: MappingSettings::default(),
            on_call: OnCallSettings::default(),
            links: Vec::new(),
            link_hosts: LinkHosts::default(),
            search: SearchSettings::default(),
            link_checks: LinkCheckSettings::default(),
            custom_commands: None,
            discord: None,
            scaffolder: ScaffolderSettings::default(),
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
    /// `xapp-…`, for Socket Mode: Steward connects to Slack.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub app_token: Option<SecretString>,
    #[serde(default = "slack_api")]
    pub api_url: String,
}

fn slack_api() -> String {
    "https://slack.com/api".to_owned()
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscordSettings {
    /// The bot's token. Steward connects to Discord, so that no public address is needed.
    #[schemars(with = "String")]
    pub token: SecretString,
    #[serde(default = "discord_api")]
    pub api_url: String,
}

fn discord_api() -> String {
    "https://discord.com".to_owned()
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccessSettings {
    /// References of groups and users: `group:default/platform`.
    pub admins: Vec<String>,
    /// The first that names a command decides who may use it.
    pub rules: Vec<AccessRule>,
}

/// Who may use one command, template or act.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessRule {
    /// `catalog`, or an act of it, `catalog add`; `template:default/NAME` for a template.
    pub command: String,
    /// Any of these is enough: `everyone`, `members` (people the catalog knows), `owners` (of the entity it is about),
    /// `admins`, or a reference of a group or user.
    pub allow: Vec<String>,
    /// Of a rule for a template, or for `new`: any of these groups and users must agree before a run begins, whatever the
    /// template itself says of approval.
    #[serde(default)]
    pub approvers: Vec<String>,
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

/// Explicit ties between the accounts of one person.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MappingSettings {
    /// A YAML file; see deploy/people-mapping.example.yaml.
    pub people: Option<PathBuf>,
}
