//! What the manifests at a repository's root say: of themselves, of what is built, of where its quality is measured.
//! Pure. A manifest that cannot be read says nothing; what one says is not believed further than it is clear.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value as Json;
use url::Url;

/// Those that are read; others tell by their name alone.
pub const MANIFESTS: [&str; 5] = [PACKAGE, COMPOSER, CARGO, PYTHON, SONAR];

const PACKAGE: &str = "package.json";
const COMPOSER: &str = "composer.json";
const CARGO: &str = "Cargo.toml";
const PYTHON: &str = "pyproject.toml";
const SONAR: &str = "sonar-project.properties";

/// Larger ones are none that a person has written.
pub const MOST_MANIFEST_BYTES: usize = 256 * 1024;

/// A homepage's address; a longer one is no homepage.
const LONGEST_ADDRESS: usize = 200;

/// Whoever runs on one of these is a site.
const SITE_FRAMEWORKS: [&str; 7] = ["next", "nuxt", "gatsby", "react-scripts", "astro", "@docusaurus/core", "@sveltejs/kit"];

/// Builds sites, and libraries too.
const BUNDLERS: [&str; 1] = ["vite"];

/// Whoever runs on one of these answers requests.
const SERVICE_FRAMEWORKS: [&str; 5] = ["express", "fastify", "koa", "@nestjs/core", "@hapi/hapi"];

/// The same in PHP.
const PHP_FRAMEWORKS: [&str; 3] = ["laravel/framework", "symfony/framework-bundle", "slim/slim"];

/// The same in Rust.
const CARGO_FRAMEWORKS: [&str; 5] = ["axum", "actix-web", "rocket", "tonic", "warp"];

/// The same in Python.
const PYTHON_FRAMEWORKS: [&str; 5] = ["fastapi", "flask", "django", "aiohttp", "starlette"];

/// What one manifest says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    pub path: &'static str,
    pub description: Option<String>,
    /// An https address without a name, a password or a query in it.
    pub homepage: Option<String>,
    /// "website", and by what: "the dependency next in package.json".
    pub spec_type: Option<(&'static str, String)>,
    pub sonar_key: Option<String>,
}

/// Reads one of [`MANIFESTS`]; `None` where it says nothing that can be used.
pub fn read_manifest(path: &str, bytes: &[u8]) -> Option<Manifest> {
    let path = MANIFESTS.into_iter().find(|known| *known == path)?;
    if bytes.len() > MOST_MANIFEST_BYTES {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?.trim_start_matches('\u{feff}');
    let manifest = match path {
        SONAR => Manifest { path, sonar_key: sonar_key(text), ..Manifest::default() },
        CARGO => {
            let json: Json = toml::from_str(text).ok()?;
            let framework = CARGO_FRAMEWORKS.into_iter().find(|name| !json["dependencies"][*name].is_null());
            of_package(path, &json["package"], json["package"]["homepage"].as_str(), framework.map(service_by))
        }
        PYTHON => {
            let json: Json = toml::from_str(text).ok()?;
            let (project, poetry) = (&json["project"], &json["tool"]["poetry"]);
            let about = if project.is_object() { project } else { poetry };
            let urls = about["urls"].as_object();
            let homepage = urls.and_then(|urls| urls.iter().find(|(name, _)| name.eq_ignore_ascii_case("homepage")));
            let homepage = homepage.map_or(&about["homepage"], |(_, url)| url).as_str();
            let framework = PYTHON_FRAMEWORKS.into_iter().find(|name| needs_of_python(about, name));
            of_package(path, about, homepage, framework.map(service_by))
        }
        _ => {
            let json: Json = serde_json::from_str(text).ok().filter(Json::is_object)?;
            let spec_type = if path == PACKAGE { package_type(&json) } else { composer_type(&json) };
            of_package(path, &json, json["homepage"].as_str(), spec_type)
        }
    };
    (manifest != Manifest { path, ..Manifest::default() }).then_some(manifest)
}

/// What most manifests call the same.
fn of_package(path: &'static str, about: &Json, homepage: Option<&str>, spec_type: Option<(&'static str, String)>) -> Manifest {
    let description = about["description"].as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let spec_type = spec_type.map(|(word, by)| (word, format!("{by} in {path}")));
    Manifest { path, description, homepage: homepage.and_then(address), spec_type, sonar_key: None }
}

fn service_by(framework: &str) -> (&'static str, String) {
    ("service", format!("the dependency {framework}"))
}

/// Requirements are lines such as `fastapi[all] >= 0.110` (PEP 508), or with Poetry names with their versions.
fn needs_of_python(about: &Json, name: &str) -> bool {
    let begins = |line: &str| {
        let end = line.find(|letter: char| !(letter.is_ascii_alphanumeric() || "-_.".contains(letter))).unwrap_or(line.len());
        line[..end].eq_ignore_ascii_case(name)
    };
    match &about["dependencies"] {
        Json::Array(lines) => lines.iter().filter_map(Json::as_str).any(|line| begins(line.trim())),
        Json::Object(names) => names.keys().any(|known| known.eq_ignore_ascii_case(name)),
        _ => false,
    }
}

fn address(text: &str) -> Option<String> {
    let text = text.trim();
    let url = Url::parse(text).ok().filter(|_| text.len() <= LONGEST_ADDRESS)?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    // One label alone, as in localhost, is nobody else's address.
    let is_elsewhere = url.domain().is_some_and(|domain| domain.contains('.'));
    (url.scheme() == "https" && is_plain && is_elsewhere).then(|| url.to_string())
}

fn package_type(json: &Json) -> Option<(&'static str, String)> {
    let has = |key: &str| json[key].as_str().is_some_and(|text| !text.is_empty()) || json[key].is_object();
    let needs = |group: &str, names: &[&'static str]| names.iter().copied().find(|name| json[group][*name].is_string());
    let is_private = json["private"] == true;
    let starts = json["scripts"]["start"].is_string();
    // `npm init` writes main into everything, so that it alone makes nothing a library that starts.
    let entry = ["exports", "module", "main"].into_iter().find(|key| has(key));
    let by_dependency = |name: &str| format!("the dependency {name}");
    if let Some(name) = needs("dependencies", &SITE_FRAMEWORKS) {
        return Some(("website", by_dependency(name)));
    }
    let bundler = needs("dependencies", &BUNDLERS).or_else(|| needs("devDependencies", &BUNDLERS));
    let framework = needs("dependencies", &SERVICE_FRAMEWORKS).filter(|_| starts || is_private || entry.is_none());
    if let Some(name) = framework {
        return Some(("service", by_dependency(name)));
    }
    if let Some(name) = bundler.filter(|_| entry.is_none()) {
        return Some(("website", by_dependency(name)));
    }
    match entry {
        _ if is_private && starts => Some(("service", "the start script".to_owned())),
        None if has("bin") => Some(("tool", "bin".to_owned())),
        Some(entry) => Some(("library", entry.to_owned())),
        None => None,
    }
}

fn composer_type(json: &Json) -> Option<(&'static str, String)> {
    let framework = PHP_FRAMEWORKS.into_iter().find(|name| json["require"][*name].is_string());
    match (json["type"].as_str(), framework) {
        (Some("project"), Some(name)) => Some(("service", format!("the dependency {name}"))),
        (Some("library"), _) => Some(("library", "type".to_owned())),
        _ => None,
    }
}

/// The key as SonarQube takes one: letters, digits and `-_.:`, not digits alone
/// (<https://docs.sonarsource.com/sonarqube-server/latest/project-administration/setting-up-project/>). What is put together
/// of other values, or stands there twice, is not certain.
fn sonar_key(text: &str) -> Option<String> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?m)^[ \t]*sonar\.projectKey[ \t]*[=:][ \t]*([A-Za-z0-9_.:-]{1,400})[ \t\r]*$").expect("a fixed pattern")
    });
    static ANY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)^[ \t]*sonar\.projectKey\b").expect("a fixed pattern"));
    if ANY.find_iter(text).count() != 1 {
        return None;
    }
    let key = LINE.captures(text)?.get(1)?.as_str();
    key.contains(|letter: char| !letter.is_ascii_digit()).then(|| key.to_owned())
}
