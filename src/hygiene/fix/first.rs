//! The first descriptor of a repository that has none, written from what the repository shows.
//! Pure: facts in, text out, with where each was read. What nobody said is left out rather than made up.

mod ci;
mod manifest;
mod spec_type;

use std::fmt::Write;

use url::Url;

pub use self::{
    ci::find_ci,
    manifest::{MANIFESTS, MOST_MANIFEST_BYTES, Manifest, read_manifest},
    spec_type::find_type,
};
use super::LONGEST;
use crate::{
    catalog::{
        EntityRef,
        descriptor::{DOCS_ANNOTATION, RUNBOOK_ANNOTATION},
    },
    chat::limits::cut,
    store::Reading,
};

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
    /// Those that could be read, in the order of [`MANIFESTS`].
    pub manifests: &'a [Manifest],
}

/// What a person said of it; each as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told<'a> {
    pub owner: &'a str,
    /// Why them, where nobody said so: "wrote 34 of the last 40 commits".
    pub owner_evidence: Option<&'a str>,
    pub lifecycle: &'a str,
    pub system: Option<&'a str>,
    pub spec_type: Option<&'a str>,
    pub description: Option<&'a str>,
}

/// A descriptor, and where what nobody said was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct First {
    pub text: String,
    pub readings: Vec<Reading>,
}

/// Where runbooks lie.
const RUNBOOKS: [&str; 4] = ["docs/runbook.md", "runbook.md", "RUNBOOK.md", "docs/runbooks/README.md"];

/// The project at SonarQube (<https://github.com/backstage/community-plugins/tree/main/workspaces/sonarqube>).
const SONARQUBE: &str = "sonarqube.org/project-key";

/// What topics, which hold neither + nor #, call these languages.
const OTHER_NAMES: [(&str, &str); 6] =
    [("c++", "cpp"), ("c#", "csharp"), ("f#", "fsharp"), ("go", "golang"), ("javascript", "js"), ("typescript", "ts")];

const OWNER: &str = "owner";
const TYPE: &str = "type";

/// What a thing is where nothing tells.
const USUAL_TYPE: &str = "library";

/// GitHub allows twenty topics; more tags than that are no help.
const MOST_TAGS: usize = 20;

/// The descriptor's text, and what it was made of.
pub fn descriptor(shown: &Shown<'_>, told: &Told<'_>) -> First {
    let name = shown.full_name.rsplit('/').next().unwrap_or(shown.full_name);
    let mut readings = Vec::new();
    let mut read = |what: &str, value: &str, from: String| readings.push(Reading::new(what, value, from));
    let mut out = String::from("apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n");
    // Written to memory, which cannot fail.
    let mut line = |indent: usize, key: &str, value: &str| {
        let _ = writeln!(out, "{:indent$}{key}: {}", "", scalar(value));
    };
    line(2, "name", &entity_name(name));
    if entity_name(name) != name {
        line(2, "title", name);
    }
    if let Some((description, from)) = description(shown, told) {
        line(2, "description", &description);
        from.into_iter().for_each(|from| read("description", "", from));
    }
    out.push_str("  annotations:\n");
    for (what, key, value, from) in annotations(shown) {
        let _ = writeln!(out, "    {key}: {}", scalar(&value));
        if let Some(from) = from {
            read(what, &value, from);
        }
    }
    if let Some((address, from)) = homepage(shown) {
        let _ = writeln!(out, "  links:\n    - url: {}\n      title: Homepage", scalar(address));
        read("link", address, from.to_owned());
    }
    let (tags, from) = tags(shown);
    if !tags.is_empty() {
        out.push_str("  tags:\n");
        for tag in tags {
            let _ = writeln!(out, "    - {}", scalar(&tag));
        }
        read("tags", "", from);
    }
    out.push_str("spec:\n");
    let spec_type = match told.spec_type {
        Some(spec_type) => spec_type,
        None => {
            let (word, by) =
                find_type(shown).unwrap_or_else(|| (USUAL_TYPE, "nothing tells that it is anything else".to_owned()));
            read(TYPE, word, by);
            word
        }
    };
    for (key, value) in
        [("type", Some(spec_type)), ("lifecycle", Some(told.lifecycle)), ("owner", Some(told.owner)), ("system", told.system)]
    {
        if let Some(value) = value {
            let _ = writeln!(out, "  {key}: {}", scalar(value));
        }
    }
    if let Some(evidence) = told.owner_evidence {
        readings.push(Reading { is_guess: true, ..Reading::new(OWNER, told.owner, evidence.to_owned()) });
    }
    let ci: Vec<String> = find_ci(shown.paths).into_iter().map(|(name, path)| format!("{name} ({path})")).collect();
    if !ci.is_empty() {
        readings.push(Reading::new("CI", "", ci.join(", ")));
    }
    // What most hangs on comes first.
    readings.sort_by_key(|reading| match reading.what.as_str() {
        OWNER => 0,
        TYPE => 1,
        _ => 2,
    });
    First { text: out, readings }
}

/// The text on one line, and whose it is where nobody said it.
fn description(shown: &Shown<'_>, told: &Told<'_>) -> Option<(String, Option<String>)> {
    let is_said = |text: &&str| !text.trim().is_empty();
    let of_manifest = || {
        let mut said = shown.manifests.iter().filter_map(|manifest| Some((manifest.description.as_deref()?, manifest.path)));
        said.find(|(text, _)| is_said(text)).map(|(text, path)| (text, Some(path.to_owned())))
    };
    let (text, from) = told
        .description
        .filter(is_said)
        .map(|text| (text, None))
        .or_else(|| shown.description.filter(is_said).map(|text| (text, Some("the repository on GitHub".to_owned()))))
        .or_else(of_manifest)?;
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control() || !is_printable(letter));
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then(|| (cut(&line, LONGEST), from))
}

/// As YAML takes letters (<https://yaml.org/spec/1.2.2/#51-character-set>), without the mark of byte order.
fn is_printable(letter: char) -> bool {
    !matches!(letter, '\u{fdd0}'..='\u{fdef}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

type Annotation = (&'static str, &'static str, String, Option<String>);

/// Each with what it is for people and the file that proves it, where a file does.
fn annotations(shown: &Shown<'_>) -> Vec<Annotation> {
    let mut all: Vec<Annotation> = vec![("repository", "github.com/project-slug", shown.full_name.to_owned(), None)];
    if let Some(mkdocs) = ["mkdocs.yml", "mkdocs.yaml"].into_iter().find(|path| has(shown, path)) {
        all.push(("docs", DOCS_ANNOTATION, "dir:.".to_owned(), Some(mkdocs.to_owned())));
    }
    if let Some(runbook) = RUNBOOKS.iter().find(|path| has(shown, path)) {
        all.push(("runbook", RUNBOOK_ANNOTATION, (*runbook).to_owned(), Some((*runbook).to_owned())));
    }
    if let Some((slug, path)) = ci::circle_ci(shown.full_name, shown.paths) {
        all.push(("project at CircleCI", ci::CIRCLE_CI, slug, Some(path.to_owned())));
    }
    let sonar = shown.manifests.iter().find_map(|manifest| Some((manifest.sonar_key.clone()?, manifest.path)));
    all.extend(sonar.map(|(key, path)| ("project at SonarQube", SONARQUBE, key, Some(path.to_owned()))));
    all
}

/// Where a manifest says that its home is elsewhere than the repository.
fn homepage<'a>(shown: &Shown<'a>) -> Option<(&'a str, &'static str)> {
    let repository = format!("/{}", shown.full_name.to_lowercase());
    let is_elsewhere = |address: &str| {
        let path = Url::parse(address).map(|url| url.path().to_lowercase());
        path.is_ok_and(|path| path.strip_prefix(&repository).is_none_or(|rest| !rest.is_empty() && !rest.starts_with(['/', '.'])))
    };
    let mut named = shown.manifests.iter().filter_map(|manifest| Some((manifest.homepage.as_deref()?, manifest.path)));
    named.find(|(address, _)| is_elsewhere(address))
}

/// Topics and the main language, and which of them there are.
fn tags(shown: &Shown<'_>) -> (Vec<String>, String) {
    let mut tags: Vec<String> = Vec::new();
    for tag in shown.topics.iter().filter_map(|topic| tag(topic)).take(MOST_TAGS - 1) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let of_topics = (!tags.is_empty()).then_some("topics");
    let language = shown.language.and_then(language_tag).filter(|language| {
        let other = OTHER_NAMES.iter().find(|(name, _)| name == language).map(|(_, other)| *other);
        !tags.iter().any(|tag| tag == language || Some(tag.as_str()) == other)
    });
    let of_language = language.is_some().then_some("main language");
    tags.extend(language);
    let of: Vec<&str> = of_topics.into_iter().chain(of_language).collect();
    (tags, format!("{} on GitHub", of.join(" and ")))
}

/// "Jupyter Notebook" as a tag; `None` where nothing of it can be one.
fn language_tag(language: &str) -> Option<String> {
    let language = language.to_lowercase();
    let words = language.split(|letter: char| !(letter.is_ascii_lowercase() || letter.is_ascii_digit() || "+#".contains(letter)));
    tag(&words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-"))
}

/// A reference to an owner or a system as short as an entry of the namespace default may write it.
pub fn written(target: &EntityRef) -> String {
    if target.namespace() == "default" { target.name().to_owned() } else { format!("{}/{}", target.namespace(), target.name()) }
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
