//! A running Backstage, read through its catalog API, for migration: its entities as one pseudo-repository.
//! Must not decide which of two claims to an entity counts; whatever has a file elsewhere comes first.

use std::time::Instant;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use url::Url;

use crate::{
    catalog::{Authority, Contents, FileRole, Files, Repository, RepositoryRead, SourceFile, SourcePage, SweepReport},
    web::{Get, Web, WebError},
};

/// Entities asked for at once.
const PAGE: usize = 500;
/// Pages at most: a quarter of a million entities, five times the largest catalog heard of.
const MAX_PAGES: usize = 500;
/// One page's answer: five hundred entities with descriptions of APIs in them.
const LONGEST_PAGE: usize = 64 * 1024 * 1024;
/// The pseudo-repository's number: the highest, so that its claims come last.
const REPOSITORY: i64 = i64::MAX;
/// What Backstage keeps in an entity for itself.
const OWN_METADATA: [&str; 3] = ["uid", "etag", "generation"];
const OWN_FIELDS: [&str; 2] = ["relations", "status"];

/// One Backstage.
#[derive(Debug)]
pub struct BackstageSource {
    id: String,
    url: Url,
    token: Option<SecretString>,
    web: Web,
}

#[derive(Debug, thiserror::Error)]
pub enum BackstageError {
    #[error("{url} is not the address of a Backstage: {why}")]
    BadUrl { url: String, why: String },
    #[error("Backstage at {url} cannot be read: {source}; check url and token of this source")]
    Unreadable { url: Box<Url>, source: WebError },
    #[error("Backstage at {url} answers something that is no catalog: {why}")]
    NoCatalog { url: Box<Url>, why: String },
    #[error("Backstage at {url} gave {got} of {total} entities; nothing was taken over")]
    CutShort { url: Box<Url>, got: usize, total: usize },
    #[error("Backstage at {url} gave no entities; nothing was taken over")]
    Empty { url: Box<Url> },
}

/// <https://backstage.io/docs/features/software-catalog/software-catalog-api#get-entitiesby-query>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    items: Vec<Value>,
    #[serde(default)]
    total_items: Option<usize>,
    #[serde(default)]
    page_info: PageInfo,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    #[serde(default)]
    next_cursor: Option<String>,
}

impl BackstageSource {
    /// Checks the address; sends nothing. `url` is where people open it. Its host may be anywhere: an operator named it.
    pub fn new(id: &str, url: &str, token: Option<SecretString>) -> Result<Self, BackstageError> {
        let bad = |why: String| BackstageError::BadUrl { url: url.to_owned(), why };
        let mut parsed = Url::parse(url).map_err(|error| bad(error.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(bad("it is neither http nor https".to_owned()));
        }
        if !parsed.path().ends_with('/') {
            parsed.set_path(&format!("{}/", parsed.path()));
        }
        let web = Web::new([&parsed]);
        Ok(Self { id: id.to_owned(), url: parsed, token, web })
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// Asks for a few entities: says how many came.
    pub async fn check(&self) -> Result<usize, BackstageError> {
        let page: Vec<Value> = self.ask("api/catalog/entities", &[("limit", "5")]).await?;
        Ok(page.len())
    }

    /// Reads all entities and hands them on as one repository with a file for each: whole, or not at all.
    pub async fn sweep(&self, pages: mpsc::Sender<SourcePage>) -> Result<SweepReport, BackstageError> {
        let asked_at = Instant::now();
        let entities = match self.read_by_query().await {
            // Before Backstage 1.15 there was no such query.
            Err(BackstageError::Unreadable { source: WebError::Missing { .. }, .. }) => self.read_by_offset().await?,
            read => read?,
        };
        if entities.is_empty() {
            return Err(BackstageError::Empty { url: Box::new(self.url.clone()) });
        }
        let files = entities.into_iter().filter_map(|entity| self.file(entity)).collect();
        let repository = self.repository();
        let page =
            SourcePage { repositories: vec![RepositoryRead { repository, files: Files::Read(files) }], total: Some(1), asked_at };
        // Whoever no longer listens has ended the sweep.
        let _ = pages.send(page).await;
        Ok(SweepReport { expected: Some(1), ..SweepReport::default() })
    }

    async fn read_by_query(&self) -> Result<Vec<Value>, BackstageError> {
        let mut entities: Vec<Value> = Vec::new();
        let mut cursor: Option<String> = None;
        let mut total = None;
        for _ in 0..MAX_PAGES {
            let limit = PAGE.to_string();
            let mut query = vec![("limit", limit.as_str())];
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page: Page = self.ask("api/catalog/entities/by-query", &query).await?;
            // The first page alone has to say how many there are.
            total = total.or(page.total_items);
            entities.extend(page.items);
            match page.page_info.next_cursor.filter(|next| !next.is_empty() && cursor.as_ref() != Some(next)) {
                Some(next) => cursor = Some(next),
                None => {
                    let got = entities.len();
                    return match total.filter(|total| got < *total) {
                        Some(total) => Err(BackstageError::CutShort { url: Box::new(self.url.clone()), got, total }),
                        None => Ok(entities),
                    };
                }
            }
        }
        let (got, total) = (entities.len(), total.unwrap_or(usize::MAX));
        Err(BackstageError::CutShort { url: Box::new(self.url.clone()), got, total })
    }

    async fn read_by_offset(&self) -> Result<Vec<Value>, BackstageError> {
        let mut entities: Vec<Value> = Vec::new();
        for _ in 0..MAX_PAGES {
            let (offset, limit) = (entities.len().to_string(), PAGE.to_string());
            let page: Vec<Value> = self.ask("api/catalog/entities", &[("offset", &offset), ("limit", &limit)]).await?;
            let is_last = page.len() < PAGE;
            entities.extend(page);
            if is_last {
                return Ok(entities);
            }
        }
        let got = entities.len();
        Err(BackstageError::CutShort { url: Box::new(self.url.clone()), got, total: usize::MAX })
    }

    async fn ask<T: serde::de::DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, BackstageError> {
        let no_catalog = |why: String| BackstageError::NoCatalog { url: Box::new(self.url.clone()), why };
        let mut url = self.url.join(path).map_err(|error| no_catalog(error.to_string()))?;
        url.query_pairs_mut().extend_pairs(query);
        let get = Get { url: &url, bearer: self.token.as_ref(), accept: "application/json", max_bytes: LONGEST_PAGE };
        let answer = self.web.get(&get).await;
        let answer = answer.map_err(|source| BackstageError::Unreadable { url: Box::new(self.url.clone()), source })?;
        serde_json::from_slice(&answer).map_err(|error| no_catalog(error.to_string()))
    }

    /// The entity as its author would write it, at the address of its page. Locations are left out: where they lead, Backstage
    /// has been.
    fn file(&self, entity: Value) -> Option<SourceFile> {
        let Value::Object(mut entity) = entity else { return None };
        let kind = entity.get("kind")?.as_str()?.to_lowercase();
        if kind == "location" {
            return None;
        }
        for field in OWN_FIELDS {
            entity.remove(field);
        }
        let metadata = entity.get_mut("metadata").and_then(Value::as_object_mut)?;
        for field in OWN_METADATA {
            metadata.remove(field);
        }
        let text = |metadata: &Map<String, Value>, key: &str| metadata.get(key).and_then(Value::as_str).map(str::to_lowercase);
        let namespace = text(metadata, "namespace").unwrap_or_else(|| "default".to_owned());
        let path = format!("catalog/{namespace}/{kind}/{}", text(metadata, "name")?);
        let address = self.url.join(&path).ok()?.to_string();
        let bytes = serde_json::to_vec(&Value::Object(entity)).expect("it was JSON before");
        Some(SourceFile { path: address, role: FileRole::Descriptor, contents: Contents::Bytes(bytes) })
    }

    fn repository(&self) -> Repository {
        let shown = self.url.as_str().trim_end_matches('/');
        Repository::without_git(
            REPOSITORY,
            shown.trim_start_matches("https://").trim_start_matches("http://").to_owned(),
            Some(shown.to_owned()),
            Authority::Migration,
        )
    }
}
