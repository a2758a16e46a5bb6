//! The sample organisation's templates: each runs on its own answers, and what it makes is what a team would keep.

use std::{fs, path::Path};

use serde_json::Value as Json;
use steward::{
    catalog::kinds::CustomKinds,
    cli::{
        lint::{Colour, LintArgs, LintFormat, LintOutcome, lint},
        scaffold::{ScaffoldArgs, ScaffoldFormat, scaffold},
    },
};

fn make(template: &str, values: &Path, out: &Path) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/templates").join(template);
    let args = ScaffoldArgs {
        template: Some(folder),
        values: Some(values.to_owned()),
        dry_run: true,
        out: out.to_owned(),
        stand_ins: Vec::new(),
        actions: false,
        format: ScaffoldFormat::Text,
    };
    let mut told = Vec::new();
    let is_done = scaffold(&args, &mut told).unwrap();
    assert!(is_done, "{template}: {}", String::from_utf8_lossy(&told));
}

fn example(template: &str) -> Json {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/templates").join(template).join("example.yaml");
    serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn lint_all(path: &Path) {
    let paths = vec![path.to_owned()];
    let args = LintArgs { paths, format: LintFormat::Text, color: Colour::Never, no_color: None };
    let mut told = Vec::new();
    let outcome = lint(&args, &CustomKinds::default(), &mut told).unwrap();
    assert_eq!(outcome, LintOutcome::AllValid, "{}", String::from_utf8_lossy(&told));
}

/// Every text of it, with its path.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        match entry.is_dir() {
            true => found.extend(files(&entry).into_iter().map(|(path, text)| (format!("{name}/{path}"), text))),
            false => found.push((name, fs::read_to_string(&entry).unwrap())),
        }
    }
    found.sort();
    found
}

#[test]
fn sample_templates_are_valid_and_make_what_they_promise() {
    lint_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/templates"));
    let common = ["CODEOWNERS", "README.md", "catalog-info.yaml", "docs/index.md", "mkdocs.yml", ".github/workflows/ci.yaml"];
    let served = ["Dockerfile", "runbook.md", "alerts/rules.yaml"];
    for (template, own) in [
        ("typescript-service", ["package.json", "src/main.ts", "test/app.test.ts", "migrations/0001_begin.sql"].as_slice()),
        ("python-library", &["pyproject.toml", "src/ledger_client/__init__.py", "tests/test_ledger_client.py"]),
        ("static-website", &["public/index.html", "nginx.conf"]),
    ] {
        let out = tempfile::tempdir().unwrap();
        let values = out.path().join("values.yaml");
        fs::write(&values, example(template).to_string()).unwrap();
        let made = out.path().join("made");
        make(template, &values, &made);
        lint_all(&made);
        let files = files(&made);
        let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        let served = served.iter().filter(|_| template != "python-library");
        for wanted in common.iter().chain(own).chain(served) {
            assert!(paths.contains(wanted), "{template} makes no {wanted}: {paths:?}");
        }
        for (path, text) in &files {
            let is_filled = path.starts_with(".github/") || !(text.contains("${{") || text.contains("{%"));
            assert!(is_filled, "{template}: {path} is not filled in:\n{text}");
            let is_yaml = path.ends_with(".yaml") || path.ends_with(".yml");
            let documents = serde_yaml::Deserializer::from_str(text).map(<Json as serde::Deserialize>::deserialize);
            assert!(!is_yaml || documents.into_iter().all(|document| document.is_ok()), "{template}: {path}:\n{text}");
            assert!(!path.ends_with(".json") || serde_json::from_str::<Json>(text).is_ok(), "{template}: {path}:\n{text}");
        }
    }
}

#[test]
fn what_was_not_asked_for_is_not_made() {
    let out = tempfile::tempdir().unwrap();
    let mut values = example("typescript-service");
    for (name, value) in [("database", "none".into()), ("events", false.into())] {
        values[name] = value;
    }
    let path = out.path().join("values.yaml");
    fs::write(&path, values.to_string()).unwrap();
    let made = out.path().join("made");
    make("typescript-service", &path, &made);
    lint_all(&made);
    let files = files(&made);
    assert!(files.iter().all(|(path, _)| !path.contains("migrations") && !path.contains("database")), "{files:?}");
    let told = files.iter().filter(|(_, text)| text.contains("postgres") || text.contains("orders.placed")).collect::<Vec<_>>();
    assert!(told.is_empty(), "{told:?}");
    let package: Json = serde_json::from_str(&files.iter().find(|(path, _)| path == "package.json").unwrap().1).unwrap();
    assert_eq!(package["dependencies"], serde_json::json!({}));
}
