//! Single files by their addresses, from wherever they are: GitHub's through a connection that may see private ones, others
//! over plain HTTP. Must not know why a file is read.

use futures_util::{StreamExt, stream};
use url::Url;

use crate::{
    catalog::{
        address::{GithubFile, is_glob, parse_github_file},
        descriptor::MAX_DESCRIPTOR_BYTES,
    },
    github::Connection,
    web::{Get, Web, WebError},
};

/// Addresses that are asked at once: they are of different hosts as a rule.
const AT_ONCE: usize = 8;
/// The longest file from elsewhere: descriptions of APIs are the longest, and few have more.
const LONGEST: usize = 5 * 1024 * 1024;
const _: () = assert!(LONGEST > MAX_DESCRIPTOR_BYTES, "a descriptor that is too long is refused with its true reason");
/// What a descriptor is asked for as.
const ACCEPT: &str = "text/plain, application/yaml, application/json;q=0.9, */*;q=0.8";

/// What reads addresses.
#[derive(Debug, Default)]
pub struct Elsewhere {
    web: Web,
    githubs: Vec<(String, Connection)>,
}

/// One file at its own address, or why it cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileElsewhere {
    pub address: String,
    pub contents: Result<Vec<u8>, String>,
}

impl Elsewhere {
    /// `githubs` are the hosts of GitHub's web pages, each with what speaks with it.
    pub fn new(web: Web, githubs: Vec<(String, Connection)>) -> Self {
        Self { web, githubs }
    }

    /// Whether an address may be read, as far as it can be told without asking for it.
    pub fn check(&self, url: &Url) -> Result<(), String> {
        if self.find_github(url).is_some() { Ok(()) } else { self.web.check(url).map_err(|error| error.to_string()) }
    }

    /// Reads addresses, in their order. One that holds a glob may give any number of files, others give one.
    pub async fn read(&self, addresses: &[String]) -> Vec<Vec<FileElsewhere>> {
        let reads: Vec<_> = addresses.iter().map(|address| self.read_address(address)).collect();
        stream::iter(reads).buffered(AT_ONCE).collect().await
    }

    async fn read_address(&self, address: &str) -> Vec<FileElsewhere> {
        let one = |contents| vec![FileElsewhere { address: address.to_owned(), contents }];
        let url = match Url::parse(address) {
            Ok(url) => url,
            Err(error) => return one(Err(format!("it is not an address: {error}"))),
        };
        match self.find_github(&url) {
            Some((connection, file)) if is_glob(&file.path) => match connection.find_files(&file).await {
                Ok(paths) => self.read_each(connection, &file, &paths).await,
                Err(error) => one(Err(error.to_string())),
            },
            Some((connection, file)) => one(read_from_github(connection, &file).await),
            None => {
                let get = Get { url: &raw_address(&url), bearer: None, accept: ACCEPT, max_bytes: LONGEST };
                one(self.web.get(&get).await.map_err(|error| error.to_string()))
            }
        }
    }

    async fn read_each(&self, connection: &Connection, glob: &GithubFile, paths: &[String]) -> Vec<FileElsewhere> {
        let read = paths.iter().map(|path| async move {
            let file = GithubFile { path: path.clone(), ..glob.clone() };
            let GithubFile { host, owner, repository, reference, .. } = glob;
            let address = format!("https://{host}/{owner}/{repository}/blob/{reference}/{path}");
            FileElsewhere { address, contents: read_from_github(connection, &file).await }
        });
        let reads: Vec<_> = read.collect();
        stream::iter(reads).buffered(AT_ONCE).collect().await
    }

    /// Whether anything answers at an address: the last status, or why there is none.
    pub async fn probe(&self, url: &Url) -> Result<u16, WebError> {
        self.web.probe(url).await
    }

    fn find_github(&self, url: &Url) -> Option<(&Connection, GithubFile)> {
        let file = parse_github_file(url)?;
        let (_, connection) = self.githubs.iter().find(|(host, _)| *host == file.host)?;
        Some((connection, file))
    }
}

async fn read_from_github(connection: &Connection, file: &GithubFile) -> Result<Vec<u8>, String> {
    match connection.read_file(file).await {
        Ok(Some(bytes)) if bytes.len() > LONGEST => Err(format!("it is longer than {LONGEST} bytes")),
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err("GitHub has no such file, or none that Steward may see".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The page of a file on github.com is HTML; its contents have an address of their own.
fn raw_address(url: &Url) -> Url {
    let file = parse_github_file(url).filter(|file| file.host == "github.com");
    let raw = file.and_then(|file| {
        let mut raw = Url::parse("https://raw.githubusercontent.com").ok()?;
        let names = [file.owner.as_str(), &file.repository, &file.reference];
        raw.path_segments_mut().ok()?.extend(names).extend(file.path.split('/'));
        Some(raw)
    });
    raw.unwrap_or_else(|| url.clone())
}
