//! What manifests, names and languages are taken for, and that whatever they say makes a valid first descriptor.

use expect_test::expect;
use proptest::prelude::*;
use serde_json::json;
use steward::{
    catalog::{
        descriptor::{Verdict, parse_descriptor},
        kinds::CustomKinds,
    },
    hygiene::fix::first::{First, Manifest, Shown, Told, descriptor, find_type, read_manifest},
};

use crate::shop::check;

fn manifest(path: &str, text: &str) -> Manifest {
    read_manifest(path, text.as_bytes()).unwrap_or_else(|| panic!("{path} says something: {text}"))
}

#[test]
fn a_type_is_told_by_the_clearest_sign() {
    let told = |topics: &[&str], paths: &[&str], package: &str| {
        let topics: Vec<String> = topics.iter().map(|topic| (*topic).to_owned()).collect();
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let manifests: Vec<Manifest> = read_manifest("package.json", package.as_bytes()).into_iter().collect();
        let shown = Shown { topics: &topics, paths: &paths, language: Some("Go"), manifests: &manifests, ..Shown::default() };
        let (word, by) = find_type(&shown).unwrap_or(("nothing", "-".to_owned()));
        format!("{word}: {by}")
    };
    let all = [
        told(&[], &[], ""),
        told(&["library"], &["Dockerfile"], ""),
        told(&[], &["deploy/Dockerfile", "a/b/Dockerfile"], ""),
        told(&[], &[".devcontainer/Dockerfile", "tests/Dockerfile", "src/lib.rs"], ""),
        told(&[], &["Dockerfile"], r#"{"dependencies": {"next": "15"}}"#),
        told(&[], &[], r#"{"dependencies": {"express": "5"}, "main": "index.js", "scripts": {"start": "node ."}}"#),
        told(&[], &[], r#"{"dependencies": {"express": "5"}, "main": "index.js"}"#),
        told(&[], &[], r#"{"devDependencies": {"vite": "7"}, "private": true}"#),
        told(&[], &[], r#"{"devDependencies": {"vite": "7"}, "exports": {".": "./a.js"}}"#),
        told(&[], &[], r#"{"private": true, "scripts": {"start": "node ."}}"#),
        told(&[], &[], r#"{"bin": {"till": "cli.js"}}"#),
        told(&[], &["src/main.rs", "src/lib.rs", "Cargo.toml"], ""),
        told(&[], &["src/lib.rs", "Cargo.toml"], ""),
        told(&[], &["cmd/till/main.go", "go.mod"], ""),
        told(&[], &["till.gemspec"], ""),
        told(&[], &["vite.config.ts"], ""),
        told(&[], &["vite.config.ts"], r#"{"devDependencies": {"vite": "7"}, "main": "a.js"}"#),
        told(&["docs"], &[], ""),
    ];
    check(
        &all.join("\n"),
        expect![[r#"
            nothing: -
            library: the topic library
            service: deploy/Dockerfile
            library: src/lib.rs
            website: the dependency next in package.json
            service: the dependency express in package.json
            library: main in package.json
            website: the dependency vite in package.json
            library: exports in package.json
            service: the start script in package.json
            tool: bin in package.json
            service: src/main.rs
            library: src/lib.rs
            service: cmd/till/main.go
            library: till.gemspec
            website: vite.config.ts
            library: main in package.json
            documentation: the topic docs"#]],
    );
}

#[test]
fn a_manifest_says_only_what_is_clear() {
    let homepage = |text: &str| manifest("package.json", &json!({ "homepage": text, "description": "x" }).to_string()).homepage;
    assert_eq!(homepage("https://till.example.com").as_deref(), Some("https://till.example.com/"));
    for odd in [
        "http://till.example.com",
        "https://localhost/x",
        "https://a:b@till.example.com",
        "https://till.example.com/?t=1",
        "till",
        "",
    ] {
        assert_eq!(homepage(odd), None, "{odd}");
    }
    let sonar = |text: &str| read_manifest("sonar-project.properties", text.as_bytes()).and_then(|manifest| manifest.sonar_key);
    assert_eq!(sonar("a=b\r\nsonar.projectKey:acme:till\r\n").as_deref(), Some("acme:till"));
    for odd in [
        "#sonar.projectKey=a",
        "sonar.projectKey=${KEY}",
        "sonar.projectKey=a\nsonar.projectKey=b",
        "sonar.projectKey=",
        "sonar.projectKey=12",
        "sonar.projectKeys=a",
    ] {
        assert_eq!(sonar(odd), None, "{odd}");
    }
    for odd in ["", "[]", "{", "{}", r#"{"description": 3, "homepage": ["https://a.example"], "bin": 1}"#] {
        assert_eq!(read_manifest("package.json", odd.as_bytes()), None, "{odd}");
    }
    let long = format!(r#"{{"description": "{}"}}"#, "x".repeat(300 * 1024));
    assert_eq!(read_manifest("package.json", long.as_bytes()), None);
    assert_eq!(read_manifest("Cargo.toml", b"[package]"), None);
    assert_eq!(manifest("composer.json", r#"{"type": "library"}"#).spec_type.unwrap().0, "library");
    let crate_ = manifest(
        "Cargo.toml",
        "[package]\nname = 'till'\ndescription = ' Sells. '\nhomepage = 'https://till.example.com'\n[dependencies]\naxum = { version = '0.8' }\n",
    );
    assert_eq!((crate_.description.as_deref(), crate_.homepage.as_deref()), (Some("Sells."), Some("https://till.example.com/")));
    assert_eq!(crate_.spec_type, Some(("service", "the dependency axum in Cargo.toml".to_owned())));
    assert_eq!(read_manifest("Cargo.toml", b"[package]\ndescription = { workspace = true }\n"), None, "it is said elsewhere");
    assert_eq!(read_manifest("Cargo.toml", b"[package\n"), None);
    let python = "[project]\ndescription = 'Sells.'\ndependencies = ['FastAPI[all] >= 0.110', 'flask-like']\n[project.urls]\nHomepage = 'https://till.example.com/a'\n";
    let python = manifest("pyproject.toml", python);
    assert_eq!((python.description.as_deref(), python.homepage.as_deref()), (Some("Sells."), Some("https://till.example.com/a")));
    assert_eq!(python.spec_type, Some(("service", "the dependency fastapi in pyproject.toml".to_owned())));
    let poetry = manifest("pyproject.toml", "[tool.poetry]\ndescription = 'Sells.'\n[tool.poetry.dependencies]\nDjango = '^5'\n");
    assert_eq!(poetry.spec_type, Some(("service", "the dependency django in pyproject.toml".to_owned())));
    assert_eq!(manifest("pyproject.toml", "[project]\ndescription = 'x'\ndependencies = ['flask-like']\n").spec_type, None);
}

#[test]
fn a_home_that_is_the_repository_itself_is_no_link() {
    let has_link = |address: &str| {
        let manifests = [Manifest { path: "package.json", homepage: Some(address.to_owned()), ..Manifest::default() }];
        let shown = Shown { full_name: "acme/till", manifests: &manifests, ..Shown::default() };
        descriptor(&shown, &Told { owner: "a", lifecycle: "production", ..Told::default() }).text.contains("links:")
    };
    assert!(!has_link("https://github.com/acme/till#readme") && !has_link("https://github.com/Acme/Till.git"));
    assert!(!has_link("https://github.com/acme/till/tree/main") && has_link("https://github.com/acme/tiller"));
    assert!(has_link("https://till.example.com/"));
}

#[test]
fn a_language_is_a_tag_once() {
    let tags = |topics: &[&str], language: &str| {
        let topics: Vec<String> = topics.iter().map(|topic| (*topic).to_owned()).collect();
        let shown = Shown { full_name: "acme/till", topics: &topics, language: Some(language), ..Shown::default() };
        let First { text, .. } = descriptor(&shown, &Told { owner: "a", lifecycle: "production", ..Told::default() });
        valid(&text).tags.join(" ")
    };
    assert_eq!(tags(&["go"], "Go"), "go");
    assert_eq!(tags(&["golang", "x"], "Go"), "golang x");
    assert_eq!(tags(&["cpp"], "C++"), "cpp");
    assert_eq!(tags(&["x"], "C++"), "x c++");
    assert_eq!(tags(&[], "F#"), "f#");
    assert_eq!(tags(&[], "Jupyter Notebook"), "jupyter-notebook");
    assert_eq!(tags(&[], "Visual Basic .NET"), "visual-basic-net");
    assert_eq!(tags(&[], "…"), "");
}

fn valid(text: &str) -> std::sync::Arc<steward::catalog::Entity> {
    let documents = parse_descriptor(text.as_bytes(), &CustomKinds::default());
    let [document] = documents.as_slice() else { panic!("{text}") };
    match &document.verdict {
        Verdict::Valid { entity, .. } => entity.clone().into(),
        other => panic!("{text}: {other:?}"),
    }
}

const NASTY: [&str; 18] = [
    "plain",
    "with: colon",
    "# hash",
    "'quoted' \"twice\"",
    "- dash",
    "yes",
    "1.5",
    "a\nb",
    "{x}",
    "&a *b !c",
    "end:",
    "ü ✓",
    "@acme",
    "%x",
    "a #b",
    "👩‍🚀 launches",
    "back\\slash\u{7}\u{85}\u{feff}",
    "---",
];

/// Whatever a repository is called and says of itself, its first descriptor is valid and says the same.
#[test]
fn a_first_descriptor_is_valid_whatever_the_repository_says() {
    let long = "long ".repeat(100);
    for description in NASTY.into_iter().chain([long.as_str()]) {
        for name in ["shop", "Shop.Web", "_odd_", "a b", "…"] {
            let full_name = format!("acme/{name}");
            let topics = ["go".to_owned(), "Not A Tag".to_owned(), "c++".to_owned()];
            let paths = ["mkdocs.yml".to_owned(), ".circleci/config.yml".to_owned()];
            let shown = Shown {
                full_name: &full_name,
                description: Some(description),
                topics: &topics,
                paths: &paths,
                ..Shown::default()
            };
            let told = Told { owner: "team-a", lifecycle: "production", ..Told::default() };
            let entity = valid(&descriptor(&shown, &told).text);
            let kept = description.replace(['\u{7}', '\u{feff}'], " ");
            let said = kept.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(entity.description.as_deref(), Some(said.as_str()));
            assert_eq!(entity.tags, ["go", "c++"]);
            assert_eq!(entity.annotation("circleci.com/project-slug"), Some(format!("github/{full_name}").as_str()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_first_descriptor_is_valid_whatever_is_read(
        name in "[A-Za-z0-9._-]{1,100}", description in any::<String>(), of_package in any::<String>(),
        topics in prop::collection::vec("[a-z0-9-]{1,50}", 0..25), language in any::<String>(), home in any::<String>(), key in any::<String>(),
    ) {
        let full_name = format!("acme/{name}");
        let package = json!({ "description": of_package, "homepage": format!("https://till.example.com/{home}") }).to_string();
        let sonar = format!("sonar.projectKey={key}");
        let read = [("package.json", package), ("sonar-project.properties", sonar)];
        let manifests: Vec<Manifest> = read.iter().filter_map(|(path, text)| read_manifest(path, text.as_bytes())).collect();
        for description in [Some(description.as_str()), None] {
            let shown = Shown { full_name: &full_name, description, topics: &topics, language: Some(&language), paths: &[], manifests: &manifests };
            valid(&descriptor(&shown, &Told { owner: "team-a", lifecycle: "production", ..Told::default() }).text);
        }
    }
}
