//! What a repository's component is, by what it shows: each guess with what it was guessed by, the clearest sign first.

use super::{Shown, has};

/// Topics that say it themselves.
const WORDS: [&str; 3] = ["service", "website", "library"];

/// Files in which a site is built.
const SITES: [&str; 7] = [
    "next.config.js",
    "next.config.mjs",
    "next.config.ts",
    "nuxt.config.ts",
    "astro.config.mjs",
    "angular.json",
    "gatsby-config.js",
];

/// The same, of what builds libraries, too.
const BUNDLES: [&str; 2] = ["vite.config.ts", "vite.config.js"];

/// Files by which a thing that runs is told from one that is built into others.
const RUNS: [&str; 6] = ["Dockerfile", "Procfile", "docker-compose.yml", "docker-compose.yaml", "Chart.yaml", "skaffold.yaml"];

/// Files, as whole paths, in which a program begins; a star stands for one folder.
const PROGRAMS: [&str; 11] = [
    "main.go",
    "cmd/main.go",
    "cmd/*/main.go",
    "src/main.rs",
    "manage.py",
    "config.ru",
    "artisan",
    "src/main/resources/application.yml",
    "src/main/resources/application.yaml",
    "src/main/resources/application.properties",
    "src/Program.cs",
];

/// Files at the root, as whole paths, of which a library is built where nothing runs.
const LIBRARIES: [&str; 9] = [
    "src/lib.rs",
    "go.mod",
    "setup.py",
    "pyproject.toml",
    "*.gemspec",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "*.csproj",
];

/// What lies in folders of these names is not what the repository is.
const ASIDE: [&str; 10] =
    ["test", "tests", "example", "examples", "fixtures", "testdata", "vendor", "node_modules", "docs", "third_party"];

/// What it is, and by what that was told; `None`: nothing tells.
pub fn find_type(shown: &Shown<'_>) -> Option<(&'static str, String)> {
    let topic = |word: &str| shown.topics.iter().any(|topic| topic == word);
    let told = |word: &str| {
        let mut types = shown.manifests.iter().filter_map(|manifest| manifest.spec_type.as_ref());
        types.find(|(known, _)| *known == word).cloned()
    };
    let named = |word: &'static str, names: &[&str]| Some((word, find_named(shown.paths, names)?.to_owned()));
    let at = |word: &'static str, patterns: &[&str]| Some((word, find_at(shown.paths, patterns)?.to_owned()));
    let docs = || {
        let mkdocs = ["mkdocs.yml", "mkdocs.yaml"].into_iter().find(|name| shown.language.is_none() && has(shown, name));
        topic("docs").then(|| "the topic docs".to_owned()).or_else(|| mkdocs.map(str::to_owned)).map(|by| ("documentation", by))
    };
    WORDS
        .into_iter()
        .find(|word| topic(word))
        .map(|word| (word, format!("the topic {word}")))
        .or_else(|| told("website"))
        .or_else(|| named("website", &SITES))
        .or_else(|| named("service", &RUNS))
        .or_else(|| told("service"))
        .or_else(|| at("service", &PROGRAMS))
        .or_else(|| told("tool"))
        .or_else(docs)
        .or_else(|| told("library"))
        .or_else(|| named("website", &BUNDLES))
        .or_else(|| at("library", &LIBRARIES))
}

/// The file of such a name that lies nearest to the root.
fn find_named<'p>(paths: &'p [String], names: &[&str]) -> Option<&'p str> {
    let is_aside = |folder: &str| folder.starts_with('.') || ASIDE.contains(&folder);
    let fits = |path: &&str| {
        let mut parts: Vec<&str> = path.split('/').collect();
        let name = parts.pop().unwrap_or_default();
        names.contains(&name) && !parts.into_iter().any(is_aside)
    };
    paths.iter().map(String::as_str).filter(fits).min_by_key(|path| path.matches('/').count())
}

fn find_at<'p>(paths: &'p [String], patterns: &[&str]) -> Option<&'p str> {
    let fits = |path: &str, pattern: &str| match pattern.split_once('*') {
        Some((before, after)) => {
            let between = path.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            between.is_some_and(|between| !between.is_empty() && !between.contains('/'))
        }
        None => path == pattern,
    };
    patterns.iter().find_map(|pattern| paths.iter().map(String::as_str).find(|path| fits(path, pattern)))
}
