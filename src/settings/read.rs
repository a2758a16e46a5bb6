//! From text and environment to [`Settings`], with errors that name the key, the line and what to write instead.

use std::{path::Path, time::Duration};

use regex::Regex;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::nearest::nearest;

use super::{DiscordSettings, Filters, GithubAuth, GithubSettings, OrgData, Settings, SlackSettings, SourceSettings};

/// What is wrong with the configuration. `line` counts from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.describe())]
pub struct ConfigError {
    pub file: String,
    pub line: Option<usize>,
    /// `sources[0].schedule.every`; empty where the whole file cannot be read.
    pub key: String,
    pub message: String,
}

impl ConfigError {
    fn describe(&self) -> String {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        let key = if self.key.is_empty() { String::new() } else { format!("{}: ", self.key) };
        format!("{}{line}: {key}{}", self.file, self.message)
    }
}

/// Reads the configuration: the file given, else `steward.yaml` in the working folder, else the environment alone.
pub fn load(file: Option<&Path>) -> Result<Settings, ConfigError> {
    load_with(file, Unset::IsFault)
}

/// The same for what connects to nothing: where a checkout is linted nobody has set tokens.
pub fn load_offline(file: Option<&Path>) -> Result<Settings, ConfigError> {
    load_with(file, Unset::StandsForItself)
}

/// What a variable without a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unset {
    IsFault,
    /// `${GITHUB_TOKEN}` stays as it is written.
    StandsForItself,
}

fn load_with(file: Option<&Path>, unset: Unset) -> Result<Settings, ConfigError> {
    let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let default = Path::new("steward.yaml");
    let file = file.or_else(|| default.exists().then_some(default));
    let Some(file) = file else { return from_environment(&environment, unset) };
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| ConfigError {
        file: name.clone(),
        line: None,
        key: String::new(),
        message: format!("cannot be read: {error}"),
    })?;
    check(&name, &text, &environment, unset)
}

/// A fault that whoever uses a value found in it, with the line on which its key stands.
pub fn fault_in(file: Option<&Path>, key: &str, message: String) -> ConfigError {
    let file = file.unwrap_or(Path::new("steward.yaml"));
    let line = std::fs::read_to_string(file).ok().and_then(|text| line_of(&text, key));
    ConfigError { file: file.display().to_string(), line, key: key.to_owned(), message }
}

/// Checks the text of a configuration file against an environment.
pub fn check_text(file: &str, text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Settings, ConfigError> {
    check(file, text, environment, Unset::IsFault)
}

fn check(file: &str, text: &str, environment: &dyn Fn(&str) -> Option<String>, unset: Unset) -> Result<Settings, ConfigError> {
    let fault = |line, key: &str, message: String| ConfigError { file: file.to_owned(), line, key: key.to_owned(), message };
    let (marked, variables) = mark_variables(text);
    let parsed: serde_yaml::Value = serde_yaml::from_str(&marked).map_err(|error| {
        let line = error.location().map(|location| location.line());
        fault(line, "", format!("is not valid YAML: {error}"))
    })?;
    let mut value = serde_json::to_value(parsed).map_err(|error| fault(None, "", error.to_string()))?;
    if value.is_null() {
        value = Value::Object(serde_json::Map::new());
    }
    let environment_of = |text: &str| expand_text(text, &variables, environment, unset);
    let mut missing = Vec::new();
    expand(&mut value, "", &environment_of, &mut missing);
    if let Some((key, name)) = missing.first() {
        return Err(fault(line_of(text, key), key, not_set(name, &missing)));
    }
    drop_empty_optionals(&mut value);
    let mut settings: Settings = serde_path_to_error::deserialize(value).map_err(|error| {
        let (key, raw) = take_inner_path(error.path().to_string(), error.inner().to_string());
        let key = match unknown_key(&raw) {
            Some(unknown) if key != unknown && !key.ends_with(&format!(".{unknown}")) => join(&key, unknown),
            Some(_) | None => key,
        };
        fault(line_of(text, &key), &key, plain_words(&raw))
    })?;
    if settings.database.url.is_none() {
        settings.database.url = environment("DATABASE_URL").map(Into::into);
    }
    check_values(&settings).map_err(|(key, message)| fault(line_of(text, &key), &key, message))?;
    Ok(settings)
}

/// With no file: the variables of the contract are enough.
fn from_environment(environment: &dyn Fn(&str) -> Option<String>, unset: Unset) -> Result<Settings, ConfigError> {
    let mut settings = Settings::default();
    settings.database.url = environment("DATABASE_URL").map(Into::into);
    if let (Some(token), Some(org)) = (environment("GITHUB_TOKEN"), environment("GITHUB_ORG")) {
        settings.sources.push(SourceSettings::Github(Box::new(GithubSettings {
            id: org.clone(),
            org,
            api_url: environment("GITHUB_API_URL").unwrap_or_else(super::source::github_api),
            auth: GithubAuth { token: Some(token.into()), app: None, client_id: None },
            catalog_paths: super::catalog_paths(),
            schedule: super::ScheduleSettings::default(),
            webhook_secret: environment("GITHUB_WEBHOOK_SECRET").map(Into::into),
            filters: Filters::default(),
            org_data: OrgData::default(),
            packages: true,
        })));
    }
    for (set, missing) in [("GITHUB_ORG", "GITHUB_TOKEN"), ("GITHUB_TOKEN", "GITHUB_ORG")] {
        // A token alone is common where nobody thought of Steward.
        if unset == Unset::IsFault && environment(set).is_some() && environment(missing).is_none() {
            let message = format!("{set} is set and {missing} is not; set both, or neither");
            return Err(ConfigError { file: "environment".to_owned(), line: None, key: String::new(), message });
        }
    }
    if let Some(bot_token) = environment("SLACK_BOT_TOKEN") {
        settings.slack = Some(SlackSettings {
            bot_token: bot_token.into(),
            signing_secret: environment("SLACK_SIGNING_SECRET").map(Into::into),
            app_token: environment("SLACK_APP_TOKEN").map(Into::into),
            api_url: super::slack_api(),
        });
    }
    if let Some(token) = environment("DISCORD_TOKEN") {
        settings.discord = Some(DiscordSettings { token: token.into(), api_url: super::discord_api() });
    }
    Ok(settings)
}

/// A sync's lock and its writes, the listener, the queue's own two, and one to answer with.
const FEWEST_CONNECTIONS: u32 = 6;

/// Rules that types alone do not hold.
fn check_values(settings: &Settings) -> Result<(), (String, String)> {
    if settings.database.max_connections < FEWEST_CONNECTIONS {
        let message = format!("is under {FEWEST_CONNECTIONS}: sync, listening and the job queue hold five");
        return Err(("database.max_connections".to_owned(), message));
    }
    for (at, source) in settings.sources.iter().enumerate() {
        let key = |name: &str| format!("sources[{at}].{name}");
        if settings.sources[..at].iter().any(|earlier| earlier.id() == source.id()) {
            return Err((key("id"), format!("{:?} is used by an earlier source; give each its own id", source.id())));
        }
        if settings.scaffolder.publish_folder.is_some() && source.id() == super::PUBLISHED {
            let message = format!("{:?} is what scaffolder.publish_folder is read as; give this source another id", source.id());
            return Err((key("id"), message));
        }
        if let SourceSettings::Github(github) = source {
            if github.auth.token.is_none() && github.auth.app.is_none() {
                return Err((key("auth"), "holds neither token nor app; write token: ${GITHUB_TOKEN}".to_owned()));
            }
            let pattern = format!("^(?:{})$", github.filters.repository);
            if let Err(error) = Regex::new(&pattern) {
                let said = error.to_string();
                let why = said.lines().last().unwrap_or_default().trim_start_matches("error: ");
                let message = format!(
                    "{:?} is not a regular expression: {why}; write one for whole names, as in payments-.*",
                    github.filters.repository
                );
                return Err((key("filters.repository"), message));
            }
            let is_odd = |letter: char| letter.is_whitespace() || "~^:?*[\\".contains(letter);
            if github.filters.branch.contains(is_odd) || github.filters.branch.contains("..") {
                let message =
                    format!("{:?} is not the name of a branch; write default, or a name such as main", github.filters.branch);
                return Err((key("filters.branch"), message));
            }
            let is_known = |word: &&String| matches!(word.as_str(), "public" | "private" | "internal");
            if let Some(other) = github.filters.visibility.iter().find(|word| !is_known(word)) {
                let message = format!("there is no visibility {other:?}; write public, private or internal");
                return Err((key("filters.visibility"), message));
            }
        }
        if source.schedule().every < Duration::from_secs(10) {
            return Err((key("schedule.every"), "is under 10 seconds; write 1m or more".to_owned()));
        }
    }
    for (at, admin) in settings.access.admins.iter().enumerate() {
        let full = admin.split_once(':').is_some_and(|(kind, rest)| !kind.is_empty() && rest.contains('/'));
        if !full {
            let message = format!("{admin:?} is not a full reference; write group:default/platform or user:default/ada");
            return Err((format!("access.admins[{at}]"), message));
        }
    }
    super::scaffolder::check(&settings.scaffolder)?;
    super::hygiene::check(&settings.hygiene)?;
    super::on_call::check(&settings.on_call, &settings.links, &settings.link_hosts)
}

/// `${NAME}` or `${NAME:-default}` as it stood in the file.
struct Variable {
    name: String,
    default: Option<String>,
}

/// What stands for a variable while YAML is read: `{ url: ${DATABASE_URL} }` unquoted is no YAML, and a value put in
/// before reading could become structure.
const MARK: &str = "STEWARD-VARIABLE-";

fn mark_variables(text: &str) -> (String, Vec<Variable>) {
    let pattern = Regex::new(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}").expect("a fixed pattern");
    let mut variables = Vec::new();
    let marked = pattern.replace_all(text, |found: &regex::Captures<'_>| {
        variables.push(Variable { name: found[1].to_owned(), default: found.get(2).map(|text| text.as_str().to_owned()) });
        format!("{MARK}{}-", variables.len() - 1)
    });
    (marked.into_owned(), variables)
}

/// Puts the variables' values into every text; what has none is noted as key and name.
fn expand(value: &mut Value, key: &str, fill: &dyn Fn(&str) -> Result<String, String>, unset: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => match fill(text) {
            Ok(filled) => *text = filled,
            Err(name) => unset.push((key.to_owned(), name)),
        },
        Value::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                expand(item, &format!("{key}[{at}]"), fill, unset);
            }
        }
        Value::Object(fields) => {
            for (name, item) in fields.iter_mut() {
                expand(item, &join(key, name), fill, unset);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// All are named at once, so that nobody has to come back for each.
fn not_set(first: &str, unset: &[(String, String)]) -> String {
    let mut others: Vec<&str> = unset.iter().map(|(_, name)| name.as_str()).filter(|name| *name != first).collect();
    others.sort_unstable();
    others.dedup();
    let others = match others.as_slice() {
        [] => String::new(),
        [one] => format!("; nor is {one}"),
        [some @ .., last] => format!("; nor are {} and {last}", some.join(", ")),
    };
    format!("the environment variable {first} is not set; set it, or write ${{{first}:-}} where it may be empty{others}")
}

/// `Err`: the variable that has no value.
fn expand_text(
    text: &str,
    variables: &[Variable],
    environment: &dyn Fn(&str) -> Option<String>,
    unset: Unset,
) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(MARK) {
        let after = &rest[start + MARK.len()..];
        let digits = after.find('-').unwrap_or(after.len());
        let Some(variable) = after[..digits].parse().ok().and_then(|at: usize| variables.get(at)) else { break };
        let name = &variable.name;
        let stand_in = || (unset == Unset::StandsForItself).then(|| format!("${{{name}}}"));
        let Some(found) = environment(name).or_else(|| variable.default.clone()).or_else(stand_in) else {
            return Err(name.clone());
        };
        out.push_str(&rest[..start]);
        out.push_str(&found);
        rest = after[digits..].strip_prefix('-').unwrap_or_default();
    }
    out.push_str(rest);
    Ok(out)
}

/// `${VAR:-}` that came out empty means "not set" where a section allows that.
fn drop_empty_optionals(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, item| item.as_str() != Some(""));
            fields.values_mut().for_each(drop_empty_optionals);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_empty_optionals),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() || path == "." { name.to_owned() } else { format!("{path}.{name}") }
}

/// The key's name in serde's "unknown field `x`, expected …".
fn unknown_key(message: &str) -> Option<&str> {
    message.strip_prefix("unknown field `")?.split('`').next()
}

/// serde's message with a did-you-mean where a name is unknown.
fn plain_words(message: &str) -> String {
    let (what, rest) = if let Some(rest) = message.strip_prefix("unknown field `") {
        ("key", rest)
    } else if let Some(rest) = message.strip_prefix("unknown variant `") {
        ("value", rest)
    } else {
        return message.replace("expected socket address", "write an address with its port, as in 0.0.0.0:7007");
    };
    let Some((unknown, expected)) = rest.split_once('`') else { return message.to_owned() };
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    let hint = match nearest(unknown, &known) {
        Some(name) => format!("did you mean {name}?"),
        None => format!("known here: {}", known.join(", ")),
    };
    format!("there is no {what} {unknown:?} here; {hint}")
}

/// Between a path inside a source and the message: serde reads a tagged value into a buffer and loses the path there.
const INNER_PATH: char = '\u{1f}';

/// Reads one kind of source, keeping in the error's text where below it the error stands.
pub(super) fn inner<T: serde::de::DeserializeOwned, E: serde::de::Error>(value: Value) -> Result<T, E> {
    serde_path_to_error::deserialize(value).map_err(|error| E::custom(format!("{}{INNER_PATH}{}", error.path(), error.inner())))
}

fn take_inner_path(path: String, message: String) -> (String, String) {
    match message.split_once(INNER_PATH) {
        Some((inner, message)) => (join(&path, inner), message.to_owned()),
        None => (path, message),
    }
}

/// The line on which a key stands: follows the path by indentation and list items.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let parts: Vec<&str> = key.split(['.', '[', ']']).filter(|part| !part.is_empty()).collect();
    let mut position = 0;
    let mut found = None;
    let lines: Vec<&str> = text.lines().collect();
    for part in parts {
        let start = position;
        let at = match part.parse::<usize>() {
            Ok(index) => {
                let is_item = |line: &&str| line.trim_start().starts_with("- ");
                let first = lines.get(start..).and_then(|rest| rest.iter().find(|line| is_item(line)));
                let indent = first.map_or(0, |first| first.len() - first.trim_start().len());
                let same = |line: &str| line.trim_start().starts_with("- ") && line.len() - line.trim_start().len() == indent;
                (start..lines.len()).filter(|at| same(lines[*at])).nth(index)
            }
            Err(_) => (start..lines.len()).find(|at| {
                let bare = lines[*at].trim_start().trim_start_matches("- ");
                let named = |text: &str| text.strip_prefix(part).is_some_and(|rest| rest.trim_start().starts_with(':'));
                named(bare) || bare.split(['{', ',']).any(|piece| named(piece.trim_start()))
            }),
        };
        // A list on one line has no line for each item: the key's own is near enough.
        let Some(at) = at else { break };
        position = at;
        found = Some(position + 1);
    }
    found
}

/// The JSON Schema of the configuration file.
pub fn schema() -> Value {
    serde_json::to_value(schemars::schema_for!(Settings)).expect("a schema is plain JSON")
}

/// A number or a word that an environment variable may have brought as text.
pub(super) fn loose<'de, D: Deserializer<'de>, T: std::str::FromStr + serde::de::DeserializeOwned>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match value.as_str().map(str::parse) {
        Some(Ok(parsed)) => Ok(parsed),
        Some(Err(_)) | None => T::deserialize(value).map_err(D::Error::custom),
    }
}

/// [`loose`] where the value may be absent.
pub(super) fn loose_option<'de, D: Deserializer<'de>, T: std::str::FromStr + serde::de::DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    loose(deserializer).map(Some)
}

/// A text, or a number that stands for one.
pub(super) fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(D::Error::custom(format!("{other} is neither a text nor a number"))),
    }
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(|_| D::Error::custom(format!("{text:?} is not a duration; write 30m, 2h or 1d")))
}

/// The folders of `PATH`.
pub fn path_folders() -> Vec<std::path::PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}
