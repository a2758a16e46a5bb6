//! `catalog:register` and `catalog:fetch`. What is registered is looked at at once, by the same jobs as everything else, and
//! waited for: the run ends when the new entity answers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Map, Value as Json, json};
use url::Url;

use super::{
    doing::{Doing, Stop, Trouble, failed, pauses},
    folder::PublishFolder,
    outside::object,
};
use crate::{
    catalog::{
        Catalog, EntityRef, Entry, Kind, RepositoryKey,
        address::{GithubFile, parse_github_file},
        number_of,
    },
    github::GithubSource,
    settings::catalog_paths,
    store::{ChangeLocation, Job, LocationChange, LookAt},
};

/// How long an entity may take into the catalog.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// GitHub may not show a new repository to every part of itself at once.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Attempts to read a descriptor before it is called missing: some four seconds.
const LOOKS_FOR_FILE: usize = 4;
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Entities that one action reads.
const MOST_FETCHED: usize = 200;

/// Where a descriptor is in the catalog's eyes.
enum Seat {
    /// In a repository of a source.
    Repository { look: LookAt, path: String },
    /// At an address of its own.
    Address(String),
}

impl Doing<'_> {
    pub(super) async fn register(&mut self) -> Result<Map<String, Json>, Trouble> {
        let is_optional = self.is("optional").unwrap_or(false);
        let registered = self.register_at().await;
        match registered {
            Err(Trouble::Failed(reason)) if is_optional => {
                self.warnings.push(reason);
                Ok(Map::new())
            }
            registered => registered,
        }
    }

    async fn register_at(&mut self) -> Result<Map<String, Json>, Trouble> {
        let address = self.descriptor_address()?;
        let seat = self.find_seat(&address).await?;
        let job = match &seat {
            Seat::Repository { look, .. } => Job::LookAt(look.clone()),
            Seat::Address(url) => {
                let intent = self.intend("location", url, json!({})).await?;
                self.done(&intent, &json!({})).await?;
                let (requested_by, place) = (self.run.account.clone(), self.run.place.clone());
                Job::ChangeLocation(ChangeLocation { change: LocationChange::Add, url: url.clone(), requested_by, place })
            }
        };
        let began = Instant::now();
        let mut asked: Option<Instant> = None;
        let mut looked_at: Option<Arc<Catalog>> = None;
        loop {
            let is_due = match (&seat, asked) {
                (_, None) => true,
                (Seat::Repository { .. }, Some(at)) => at.elapsed() > LOOK_AGAIN,
                (Seat::Address(_), Some(_)) => false,
            };
            if is_due {
                asked = Some(Instant::now());
                self.bench.app.store.enqueue_job(job.clone()).await.map_err(Stop::Store)?;
            }
            let catalog = self.bench.app.catalog.load();
            // Thousands of entities are not gone through twenty times a second for nothing.
            if looked_at.as_ref().is_none_or(|before| !Arc::ptr_eq(before, &catalog)) {
                if let Some(first) = most_telling(&seat.entries(&catalog)) {
                    let entity_ref = first.entity.entity_ref.as_str();
                    self.say(format!("{entity_ref} is in the catalog"));
                    return Ok(object(json!({ "entityRef": entity_ref, "catalogInfoUrl": address })));
                }
                if let Some(fault) = seat.fault(&catalog) {
                    return failed(format!("{address} is not valid: {fault}"));
                }
                looked_at = Some(catalog);
            }
            if began.elapsed() > LONGEST_WAIT {
                return failed(format!("{address} did not come into the catalog within {} s", LONGEST_WAIT.as_secs()));
            }
            self.pause(LOOK_EVERY).await?;
        }
    }

    fn descriptor_address(&self) -> Result<String, Trouble> {
        if let Some(url) = self.text("catalogInfoUrl") {
            return Ok(url.to_owned());
        }
        let Some(contents) = self.text("repoContentsUrl") else {
            return failed("catalog:register wants repoContentsUrl or catalogInfoUrl");
        };
        let path = self.text("catalogInfoPath").unwrap_or("/catalog-info.yaml");
        Ok(format!("{}/{}", contents.trim_end_matches('/'), path.trim_start_matches("./").trim_start_matches('/')))
    }

    async fn find_seat(&self, address: &str) -> Result<Seat, Trouble> {
        let Ok(url) = Url::parse(address) else { return failed(format!("{address} is no address")) };
        if let Some((folder, path)) = self.find_published(&url) {
            return seat_in(&folder, path);
        }
        let elsewhere = || Ok(Seat::Address(url.to_string()));
        let Some(file) = parse_github_file(&url) else { return elsewhere() };
        let Some(github) = self.bench.find_github(&file.host, &file.owner) else { return elsewhere() };
        self.check_there(github, &file, address).await?;
        if !github.owner().eq_ignore_ascii_case(&file.owner) || !github.is_descriptor(&file.path) {
            return elsewhere();
        }
        let maker = github.connection().maker(None).map_err(|error| Trouble::Failed(error.to_string()))?;
        match self.again(|| maker.find_repository(&file.owner, &file.repository)).await? {
            Ok(Some(made)) => {
                let repository = RepositoryKey { id: made.id, node_id: None, full_name: Some(made.full_name) };
                Ok(Seat::Repository { look: LookAt { source: github.id().to_owned(), repository }, path: file.path })
            }
            Ok(None) => failed(format!("{}/{} is not there, or Steward may not see it", file.owner, file.repository)),
            Err(error) => failed(format!("{}/{} cannot be read: {error}", file.owner, file.repository)),
        }
    }

    /// Where in the folder that stands for the code host it is; templates may write its address as on GitHub.
    fn find_published(&self, url: &Url) -> Option<(PublishFolder, String)> {
        let root = self.bench.app.settings.scaffolder.publish_folder.as_ref()?;
        let on_github = || {
            let file = parse_github_file(url)?;
            let is_connected = self.bench.find_github(&file.host, &file.owner).is_some();
            let folder = PublishFolder::at(root, &file.owner, &file.repository).filter(|_| !is_connected)?;
            folder.find().is_some().then_some((folder, file.path))
        };
        PublishFolder::of_address(root, url).or_else(on_github)
    }

    /// What is not there is told at once, not after a wait for the catalog.
    async fn check_there(&self, github: &GithubSource, file: &GithubFile, address: &str) -> Result<(), Trouble> {
        let connection = github.connection();
        for pause in pauses().take(LOOKS_FOR_FILE) {
            match connection.read_file(file).await {
                Ok(Some(_)) => return Ok(()),
                // A new repository may not be seen at once; a fault of GitHub's passes.
                Ok(None) | Err(_) => self.pause(pause).await?,
            }
        }
        match connection.read_file(file).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => failed(format!("{address} is not there")),
            Err(error) => failed(format!("{address} cannot be read: {error}")),
        }
    }

    pub(super) async fn fetch_entities(&mut self) -> Result<Map<String, Json>, Trouble> {
        let (kind, namespace) = (self.text("defaultKind"), self.text("defaultNamespace").unwrap_or("default"));
        let is_optional = self.is("optional").unwrap_or(false);
        let several = self.texts("entityRefs");
        let written: Vec<String> = match self.text("entityRef") {
            Some(one) => vec![one.to_owned()],
            None if several.is_empty() => return failed("catalog:fetch wants entityRef or entityRefs"),
            None if several.len() > MOST_FETCHED => return failed(format!("more than {MOST_FETCHED} entities are not fetched")),
            None => several,
        };
        let mut found = Vec::new();
        for written in &written {
            match self.fetch_entity(written, kind, namespace).await? {
                Some(entity) => found.push(entity),
                None if is_optional => found.push(Json::Null),
                None => return failed(format!("the catalog has no {written}")),
            }
        }
        let output = match self.text("entityRef") {
            Some(_) => json!({ "entity": found.into_iter().next() }),
            None => json!({ "entities": found }),
        };
        Ok(object(output))
    }

    async fn fetch_entity(&self, written: &str, kind: Option<&str>, namespace: &str) -> Result<Option<Json>, Trouble> {
        let Ok(entity_ref) = EntityRef::parse(written, kind, namespace) else {
            return failed(format!("{written} is no reference of an entity; write kind:namespace/name"));
        };
        let catalog = self.bench.app.catalog.load();
        let Some(entry) = catalog.find(&entity_ref) else { return Ok(None) };
        let document = self.bench.app.store.load_entity_document(&entity_ref, &entry.origin).await.map_err(Stop::Store)?;
        let relation = |relation: &crate::catalog::Relation| json!({ "type": relation.relation_type.as_str(), "targetRef": relation.target.as_str() });
        Ok(document.map(|mut document| {
            document["relations"] = entry.entity.relations.iter().map(relation).collect();
            document
        }))
    }
}

fn seat_in(folder: &PublishFolder, path: String) -> Result<Seat, Trouble> {
    let shown = folder.place().join(&path);
    let shown = shown.display();
    if !folder.place().join(&path).is_file() {
        return failed(format!("{shown} is not there"));
    }
    let read = catalog_paths();
    if !read.contains(&path) {
        return failed(format!("{shown} is not read: in a folder descriptors are called {}", read.join(" or ")));
    }
    Ok(Seat::Repository { look: folder.look(), path })
}

impl Seat {
    fn holds(&self, origin: &crate::catalog::Origin) -> bool {
        match self {
            Self::Repository { look, path } => {
                origin.repository_id == look.repository.id && *origin.source == *look.source && *origin.path == **path
            }
            Self::Address(url) => origin.repository_id == number_of(url) && *origin.path == **url,
        }
    }

    fn entries(&self, catalog: &Catalog) -> Vec<Arc<Entry>> {
        catalog.entries().iter().filter(|entry| self.holds(&entry.origin)).cloned().collect()
    }

    fn fault(&self, catalog: &Catalog) -> Option<String> {
        catalog.broken().iter().find(|file| self.holds(&file.origin)).map(|file| file.message.clone())
    }
}

/// The entity by which people know what was made: as Backstage chooses it.
fn most_telling(entries: &[Arc<Entry>]) -> Option<&Arc<Entry>> {
    let is = |kind: Kind| move |entry: &&Arc<Entry>| entry.entity.kind == kind;
    let other = || entries.iter().find(|entry| entry.entity.kind != Kind::Location);
    entries.iter().find(is(Kind::Component)).or_else(other).or(entries.first())
}
