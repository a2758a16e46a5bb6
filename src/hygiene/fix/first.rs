//! The first descriptor of a repository that has none, written from what the repository shows.
//! Pure: facts in, text out. What nobody said is left out rather than made up.

use std::fmt::Write;

use crate::catalog::descriptor::{DOCS_ANNOTATION, RUNBOOK_ANNOTATION};

/// What a repository shows of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown<'a> {
    /// `acme/wish-list`.
    pub full_name: &'a str,
    pub description: Option<&'a str>,
    pub topics: &'a [String],
    /// The main language.
    pub language: Option<&'a str>,
    /// Of all files, relative to the root.
    pub paths: &'a [String],
}

/// What a person said of it; each as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told<'a> {
    pub owner: &'a str,
    pub lifecycle: &'a str,
    pub system: Option<&'a str>,
    pub spec_type: Option<&'a str>,
    pub description: Option<&'a str>,
}

/// Files by which a thing that runs is told from one that is built into others.
const RUNS: [&str; 6] = ["Dockerfile", "Procfile", "docker-compose.yml", "docker-compose.yaml", "Chart.yaml", "skaffold.yaml"];

/// Folders in which a site is built.
const SITES: [&str; 4] = ["next.config.js", "vite.config.ts", "angular.json", "gatsby-config.js"];

/// Where runbooks lie.
const RUNBOOKS: [&str; 4] = ["docs/runbook.md", "runbook.md", "RUNBOOK.md", "docs/runbooks/README.md"];

/// GitHub allows twenty topics; more tags than that are no help.
const MOST_TAGS: usize = 20;

/// The descriptor's text.
pub fn descriptor(shown: &Shown<'_>, told: &Told<'_>) -> String {
    let name = shown.full_name.rsplit('/').next().unwrap_or(shown.full_name);
    let mut out = String::from("apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n");
    // Written to memory, which cannot fail.
    let mut line = |indent: usize, key: &str, value: &str| {
        let _ = writeln!(out, "{:indent$}{key}: {}", "", scalar(value));
    };
    line(2, "name", &entity_name(name));
    if entity_name(name) != name {
        line(2, "title", name);
    }
    let description = told.description.or(shown.description).map(str::trim).filter(|text| !text.is_empty());
    if let Some(description) = description {
        line(2, "description", &description.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let mut annotations = vec![("github.com/project-slug", shown.full_name.to_owned())];
    if has(shown, "mkdocs.yml") || has(shown, "mkdocs.yaml") {
        annotations.push((DOCS_ANNOTATION, "dir:.".to_owned()));
    }
    if let Some(runbook) = RUNBOOKS.iter().find(|path| has(shown, path)) {
        annotations.push((RUNBOOK_ANNOTATION, (*runbook).to_owned()));
    }
    out.push_str("  annotations:\n");
    for (key, value) in annotations {
        let _ = writeln!(out, "    {key}: {}", scalar(&value));
    }
    let tags: Vec<String> = shown.topics.iter().filter_map(|topic| tag(topic)).take(MOST_TAGS).collect();
    if !tags.is_empty() {
        out.push_str("  tags:\n");
        for tag in tags {
            let _ = writeln!(out, "    - {}", scalar(&tag));
        }
    }
    out.push_str("spec:\n");
    let spec_type = told.spec_type.map_or_else(|| guess_type(shown), str::to_owned);
    for (key, value) in [
        ("type", Some(spec_type.as_str())),
        ("lifecycle", Some(told.lifecycle)),
        ("owner", Some(told.owner)),
        ("system", told.system),
    ] {
        if let Some(value) = value {
            let _ = writeln!(out, "  {key}: {}", scalar(value));
        }
    }
    out
}

/// "service", "website" or "library", by the files that are there.
pub fn guess_type(shown: &Shown<'_>) -> String {
    let topic = |word: &str| shown.topics.iter().any(|topic| topic == word);
    let ends = |name: &str| shown.paths.iter().any(|path| path.rsplit('/').next() == Some(name));
    let known = ["service", "website", "library"].into_iter().find(|word| topic(word));
    let kind = match known {
        Some(known) => known,
        None if SITES.iter().any(|name| ends(name)) => "website",
        None if RUNS.iter().any(|name| ends(name)) => "service",
        None if topic("docs") || shown.language.is_none() && ends("mkdocs.yml") => "documentation",
        None => "library",
    };
    kind.to_owned()
}

fn has(shown: &Shown<'_>, path: &str) -> bool {
    shown.paths.iter().any(|known| known == path)
}

/// As the catalog takes names: letters, digits and `-_.` between them, 63 at most.
pub fn entity_name(name: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '-' };
    let name: String = name.chars().take(63).map(plain).collect();
    let name = name.trim_matches(['-', '_', '.']);
    if name.is_empty() { "unnamed".to_owned() } else { name.to_owned() }
}

/// A topic as a tag; `None` where it cannot be one.
fn tag(topic: &str) -> Option<String> {
    let is_tag = !topic.is_empty()
        && topic.len() <= 63
        && topic.split('-').all(|part| {
            !part.is_empty()
                && part.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "+#".contains(letter))
        });
    is_tag.then(|| topic.to_owned())
}

/// A text on one line, quoted where YAML would read it as something else.
fn scalar(text: &str) -> String {
    let plain_letter = |letter: char| letter.is_alphanumeric() || " -_./,()'+".contains(letter);
    let begins_plain = text.chars().next().is_some_and(|letter| letter.is_alphabetic() || letter == '/');
    let is_word = matches!(text.to_lowercase().as_str(), "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n");
    // `dir:.` and `group:x` hold a colon that no space follows.
    let is_plain =
        text.chars().all(|letter| plain_letter(letter) || letter == ':') && !text.contains(": ") && !text.ends_with(':');
    match begins_plain && is_plain && !is_word && text.trim() == text && !text.contains(" #") {
        true => text.to_owned(),
        false => serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned()),
    }
}
