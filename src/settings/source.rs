//! The settings of sources: where the catalog is read from.
//! Must not know how a source is read.

use std::{path::PathBuf, time::Duration};

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use super::read;

/// One place that descriptors are read from.
#[derive(Debug, Clone, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum SourceSettings {
    Github(Box<GithubSettings>),
    Directory(DirectorySettings),
    Url(UrlSettings),
    People(PeopleSettings),
    Backstage(BackstageSettings),
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
            Self::Url(url) => &url.id,
            Self::People(people) => &people.id,
            Self::Backstage(backstage) => &backstage.id,
        }
    }

    pub fn schedule(&self) -> ScheduleSettings {
        match self {
            Self::Github(github) => github.schedule,
            Self::Directory(directory) => directory.schedule,
            Self::Url(url) => url.schedule,
            Self::People(people) => people.schedule,
            Self::Backstage(backstage) => backstage.schedule,
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
    /// Which repositories are read; all of them without it.
    #[serde(default)]
    pub filters: Filters,
    /// GitHub's teams and members as Groups and Users; neither without it.
    #[serde(default)]
    pub org_data: OrgData,
    /// Which packages each repository ships, from its dependency graph, for `/uses`.
    #[serde(default = "yes", deserialize_with = "read::loose")]
    #[schemars(with = "bool")]
    pub packages: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GithubAuth {
    /// A fine-grained or classic token that can read the organisation's repositories.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub token: Option<SecretString>,
    /// A GitHub App in place of a token.
    #[serde(default)]
    pub app: Option<AppAuth>,
    /// The client id (`Iv…`) of the App by which people prove their login with `/link`; `app.id` where that is one.
    #[serde(default)]
    pub client_id: Option<String>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppAuth {
    /// The App's id or client id.
    #[serde(deserialize_with = "read::text_or_number")]
    #[schemars(with = "String")]
    pub id: String,
    /// The PEM file that GitHub gave.
    pub private_key_file: PathBuf,
    /// Found by the organisation's name without it.
    #[serde(default, deserialize_with = "read::loose_option")]
    #[schemars(with = "Option<u64>")]
    pub installation_id: Option<u64>,
}

impl GithubAuth {
    /// By which people prove who they are to GitHub; its numeric App id does not do for that.
    pub fn device_client_id(&self) -> Option<&str> {
        let of_app = self.app.as_ref().map(|app| app.id.as_str()).filter(|id| id.starts_with("Iv"));
        self.client_id.as_deref().or(of_app).map(str::trim).filter(|id| !id.is_empty())
    }
}

impl AppAuth {
    /// The key's text; a relative path begins in the working folder.
    pub fn read_private_key(&self) -> std::io::Result<SecretString> {
        std::fs::read_to_string(&self.private_key_file).map(SecretString::from)
    }
}

/// Which repositories are read. What is left out keeps its facts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filters {
    /// Regular expression that the whole name (without the owner) matches.
    pub repository: String,
    /// `default`: each repository's own default branch; else the name of a branch that is read where it exists.
    pub branch: String,
    pub archived: Whether,
    pub forks: Whether,
    /// One of these topics is needed; any will do where none is listed.
    pub topics: Vec<String>,
    /// `public`, `private`, `internal`; any will do where none is listed.
    pub visibility: Vec<String>,
}

impl Default for Filters {
    fn default() -> Self {
        Self {
            repository: ".*".to_owned(),
            branch: "default".to_owned(),
            archived: Whether::Include,
            forks: Whether::Include,
            topics: Vec::new(),
            visibility: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Whether {
    Include,
    Exclude,
}

/// What is read of an organisation besides its repositories.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OrgData {
    #[serde(deserialize_with = "read::loose")]
    pub teams: bool,
    #[serde(deserialize_with = "read::loose")]
    pub users: bool,
}

/// Single descriptors anywhere; more are added from chat.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UrlSettings {
    /// Unique among the sources.
    pub id: String,
    pub targets: Vec<String>,
    #[serde(default)]
    pub schedule: ScheduleSettings,
}

/// The HR system or identity provider: the truth about persons and teams.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeopleSettings {
    /// Unique among the sources.
    pub id: String,
    /// A CSV file with a header line.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// SCIM 2.0 in place of the file.
    #[serde(default)]
    pub scim: Option<ScimSettings>,
    /// Domains whose addresses are the organisation's own: an address in one of them ties accounts of one person.
    #[serde(default)]
    pub verified_domains: Vec<String>,
    #[serde(default)]
    pub schedule: ScheduleSettings,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScimSettings {
    pub url: String,
    #[schemars(with = "String")]
    pub token: SecretString,
}

/// A running Backstage, for migration.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackstageSettings {
    /// Unique among the sources.
    pub id: String,
    pub url: String,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub token: Option<SecretString>,
    #[serde(default)]
    pub schedule: ScheduleSettings,
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

pub(super) fn github_api() -> String {
    "https://api.github.com".to_owned()
}

/// Where descriptors are looked for unless a source says otherwise.
pub fn catalog_paths() -> Vec<String> {
    vec!["catalog-info.yaml".to_owned()]
}
