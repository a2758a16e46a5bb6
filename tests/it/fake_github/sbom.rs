//! The dependency graph: reports that are made and fetched from a storage of another name, or one answer with all of it.

use std::collections::{BTreeMap, HashMap};

use axum::{
    http::{HeaderMap, HeaderValue, Method},
    response::Response,
};
use serde_json::{Value as Json, json};

use super::{
    model::{Model, object_id},
    rest::Asked,
    serve::{message, respond},
};

/// What the graph knows, and how it is asked for.
#[derive(Debug, Default)]
pub struct Graph {
    pub kind: Kind,
    /// By the repository's name; one that is not here has its graph switched off.
    pub packages: BTreeMap<String, Vec<Listed>>,
    /// How often a report is looked for before it is ready.
    pub looks: u32,
    /// Reports that were asked for: repository, looks so far.
    reports: HashMap<String, (String, u32)>,
    /// Every question, as `acme/shop sbom`.
    pub asked: Vec<String>,
    /// The token may not read it.
    pub forbidden: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Reports,
    /// As an Enterprise Server has it.
    Whole,
}

/// One package of a repository.
#[derive(Debug, Clone)]
pub struct Listed {
    pub purl: String,
    /// Where the package URL has none.
    pub version: String,
    /// The package URL that brings it; the repository itself where there is none.
    pub through: Option<String>,
}

impl Model {
    /// Says what a repository ships: package URLs, or `pkg:npm/x <a range>` where no version is fixed.
    pub fn ship(&mut self, repository: &str, purls: &[&str]) {
        let listed = purls.iter().map(|written| {
            let (purl, version) = written.split_once(' ').unwrap_or((written, ""));
            let version = if version.is_empty() { purl.rsplit_once('@').map_or("", |(_, version)| version) } else { version };
            Listed { purl: purl.to_owned(), version: version.to_owned(), through: None }
        });
        let listed = listed.collect();
        self.graph.packages.insert(repository.to_owned(), listed);
    }
}

pub fn answer(model: &mut Model, asked: &Asked<'_>) -> Option<Response> {
    let segments = asked.segments();
    let ["repos", owner, name, "dependency-graph", rest @ ..] = &segments[..] else { return None };
    if asked.method != Method::GET || !owner.eq_ignore_ascii_case(&model.owner.login) {
        return Some(message(404, "Not Found"));
    }
    model.graph.asked.push(format!(
        "{name} {}",
        rest.first().copied().unwrap_or_default().to_owned() + if rest.len() > 1 { "/report" } else { "" }
    ));
    if model.graph.forbidden {
        return Some(message(403, "Resource not accessible by personal access token"));
    }
    let is_on = model.find_repo(name).is_some() && model.graph.packages.contains_key(*name);
    Some(match (rest, model.graph.kind) {
        (["sbom"], _) if is_on => respond(200, &json!({ "sbom": document(model, name) })),
        (["sbom", "generate-report"], Kind::Reports) if is_on => {
            let id = &object_id(format!("report {name} {}", model.graph.reports.len()).as_bytes())[..32];
            model.graph.reports.insert(id.to_owned(), ((*name).to_owned(), 0));
            let url = format!("{}/repos/{owner}/{name}/dependency-graph/sbom/fetch-report/{id}", asked.url);
            respond(201, &json!({ "sbom_url": url }))
        }
        (["sbom", "fetch-report", id], Kind::Reports) => {
            let needed = model.graph.looks;
            match model.graph.reports.get_mut(*id) {
                Some((_, looks)) if *looks < needed => {
                    *looks += 1;
                    respond(202, &Json::Null)
                }
                Some(_) => {
                    let mut response = respond(302, &Json::Null);
                    // The same machine by another name is another origin, as GitHub's storage is.
                    let storage = asked.url.replace("127.0.0.1", "localhost");
                    let location = format!("{storage}/storage/{id}?sig=secret");
                    response.headers_mut().insert("location", HeaderValue::from_str(&location).expect("an address"));
                    response
                }
                None => message(404, "Not Found"),
            }
        }
        _ => message(404, "Not Found"),
    })
}

/// A finished report; whoever sends a token there has given it away.
pub fn storage(model: &Model, path: &str, headers: &HeaderMap) -> Option<Response> {
    let id = path.strip_prefix("/storage/")?;
    if headers.contains_key("authorization") {
        return Some(message(400, "Only one auth mechanism allowed"));
    }
    let (name, _) = model.graph.reports.get(id)?;
    Some(respond(200, &document(model, name)))
}

/// SPDX as GitHub writes it.
fn document(model: &Model, name: &str) -> Json {
    let full_name = format!("{}/{name}", model.owner.login);
    let root = format!("SPDXRef-github-{}-{name}-main-0000", model.owner.login);
    let id = |purl: &str| format!("SPDXRef-{}", &object_id(purl.as_bytes())[..12]);
    let mut packages = vec![json!({
        "name": format!("com.github.{full_name}"), "SPDXID": root, "versionInfo": "main",
        "downloadLocation": format!("git+https://github.com/{full_name}"), "filesAnalyzed": false,
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
            "referenceLocator": format!("pkg:github/{full_name}@main"),
        }],
    })];
    let mut relationships = Vec::new();
    for Listed { purl, version, through } in &model.graph.packages[name] {
        packages.push(json!({
            "name": purl.trim_start_matches("pkg:").split('@').next(), "SPDXID": id(purl), "versionInfo": version,
            "downloadLocation": "NOASSERTION", "filesAnalyzed": false, "licenseConcluded": "NOASSERTION",
            "externalRefs": [{
                "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl,
            }],
        }));
        let from = through.as_deref().map_or_else(|| root.clone(), id);
        relationships.push(json!({ "relationshipType": "DEPENDS_ON", "spdxElementId": from, "relatedSpdxElement": id(purl) }));
    }
    relationships.push(json!({
        "relationshipType": "DESCRIBES", "spdxElementId": "SPDXRef-DOCUMENT", "relatedSpdxElement": root,
    }));
    json!({
        "SPDXID": "SPDXRef-DOCUMENT", "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0",
        "creationInfo": { "created": "2026-01-01T00:00:00Z", "creators": ["Tool: GitHub.com-Dependency-Graph"] },
        "name": format!("com.github.{full_name}"),
        "documentNamespace": format!("https://spdx.org/spdxdocs/protobom/{}", object_id(full_name.as_bytes())),
        "packages": packages, "relationships": relationships,
    })
}
