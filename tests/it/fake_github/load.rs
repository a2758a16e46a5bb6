//! Organisations to start with: made up by number, or read from `fixtures/org`.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::model::{Commit, Model, OwnerKind, object_id};

const AREAS: [&str; 8] = ["payments", "search", "orders", "identity", "shipping", "catalog", "reviews", "billing"];
const SHAPES: [&str; 5] = ["api", "worker", "frontend", "importer", "gateway"];
const LANGUAGES: [&str; 5] = ["Rust", "Go", "TypeScript", "Kotlin", "Python"];

/// Of a hundred repositories, ten have no descriptor, two are empty, two are archived and a third has a runbook.
pub fn generated(login: &str, repositories: usize) -> Model {
    let mut model = Model::new(login, OwnerKind::Organization);
    for index in 0..repositories {
        let (area, shape) = (AREAS[index % AREAS.len()], SHAPES[index / AREAS.len() % SHAPES.len()]);
        let name = if index == 0 { "payments-api".to_owned() } else { format!("{area}-{shape}-{index:05}") };
        let repo = model.add_repo(&name);
        repo.description = Some(format!("The {shape} of {area}"));
        repo.topics = vec![area.to_owned(), shape.to_owned()];
        repo.language = Some(LANGUAGES[index % LANGUAGES.len()].to_owned());
        repo.archived = index % 50 == 49;
        if index % 50 == 48 {
            continue;
        }
        let mut files = vec![("README.md", format!("# {name}\n"))];
        if index % 10 != 7 {
            files.push(("catalog-info.yaml", descriptor(&name, area, index)));
        }
        if index % 3 == 0 {
            files.push(("docs/runbook.md", format!("# {name} is down\n\n## Restart\n\nRoll the deployment `{name}`.\n")));
        }
        let changes: Vec<_> = files.iter().map(|(path, text)| (*path, Some(text.as_bytes()))).collect();
        model.push(&name, &changes);
    }
    model.ship("payments-api", &["pkg:golang/github.com/jackc/pgx/v5@5.5.0", "pkg:golang/golang.org/x/net@0.17.0"]);
    model
}

fn descriptor(name: &str, area: &str, index: usize) -> String {
    let before = if index >= 8 { format!("  dependsOn: [component:{area}-before-{index}]\n") } else { String::new() };
    let group = if index < AREAS.len() {
        format!(
            "---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: team-{area}\nspec:\n  type: team\n  children: []\n"
        )
    } else {
        String::new()
    };
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\n  description: Part {index} of {area}\n  tags: [{area}]\nspec:\n  type: service\n  lifecycle: production\n  owner: team-{area}\n{before}{group}"
    )
}

#[derive(Deserialize)]
struct Facts {
    id: i64,
    description: Option<String>,
    default_branch: Option<String>,
    visibility: Option<String>,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    fork: bool,
    #[serde(default)]
    topics: Vec<String>,
    language: Option<String>,
    pushed_at: Option<DateTime<Utc>>,
    head: Option<String>,
    committed_at: Option<DateTime<Utc>>,
    committer: Option<String>,
}

pub fn fixtures(login: &str, folder: &Path) -> Model {
    let list = folder.join("repositories.yaml");
    let text = fs::read_to_string(&list).unwrap_or_else(|error| panic!("{}: {error}", list.display()));
    let unreadable = |error: serde_yaml::Error| -> Facts { panic!("{}: {error}", list.display()) };
    let entries: BTreeMap<String, serde_yaml::Value> = serde_yaml::from_str(&text).expect("the list is a mapping");
    let mut model = Model::new(login, OwnerKind::Organization);
    // What starts with a dot tells of the organisation.
    for (name, facts) in entries.into_iter().filter(|(name, _)| !name.starts_with('.')) {
        let facts: Facts = serde_yaml::from_value(facts).unwrap_or_else(unreadable);
        let now = model.now;
        let repo = model.add_repo(&name);
        repo.id = facts.id;
        repo.description = facts.description;
        repo.default_branch = facts.default_branch.unwrap_or_else(|| "main".to_owned());
        repo.visibility = facts.visibility.unwrap_or_else(|| "private".to_owned());
        (repo.archived, repo.fork) = (facts.archived, facts.fork);
        (repo.topics, repo.language, repo.pushed_at) = (facts.topics, facts.language, facts.pushed_at);
        let mut files = BTreeMap::new();
        read_folder(&folder.join(&name), "", &mut files);
        if files.is_empty() {
            continue;
        }
        let at = facts.committed_at.or(facts.pushed_at).unwrap_or(now);
        repo.commits.push(Commit {
            sha: facts.head.unwrap_or_else(|| object_id(name.as_bytes())),
            at,
            author: facts.committer.clone().unwrap_or_else(|| "Nobody".to_owned()),
            login: facts.committer,
            message: "Change files".to_owned(),
            files,
        });
    }
    model
}

fn read_folder(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Arc<Vec<u8>>>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            read_folder(&entry.path(), &format!("{path}/"), files);
        } else if let Ok(contents) = fs::read(entry.path()) {
            files.insert(path, Arc::new(contents));
        }
    }
}
