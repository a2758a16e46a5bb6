//! What a package is called: as its ecosystem writes it, and the key by which two writings are one package.
//! Must not read versions.

use std::str::FromStr;

use packageurl::PackageUrl;

use super::LONGEST;

/// A name that is longer is no package's; Go's paths come nearest.
const LONGEST_NAME: usize = 256;

/// One package in one version, as a list of packages names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The type of its package URL: `npm`, `maven`, `golang`.
    pub ecosystem: String,
    /// `org.apache.logging.log4j:log4j-core`, `@babel/core`, `github.com/gin-gonic/gin`.
    pub name: String,
    /// As given; empty where there is none.
    pub version: String,
    /// Whether it is asked for by the repository itself; `None` where the list does not tell.
    pub direct: Option<bool>,
}

impl Package {
    /// Reads `pkg:maven/org.apache.logging.log4j/log4j-core@2.17.1`; `None` where it is no package URL.
    pub fn parse_purl(text: &str) -> Option<Self> {
        if text.len() > 4 * LONGEST_NAME {
            return None;
        }
        let purl = PackageUrl::from_str(text).ok()?;
        let ecosystem = purl.ty().to_lowercase();
        let name = match (purl.namespace(), ecosystem.as_str()) {
            (Some(namespace), "maven") => format!("{namespace}:{}", purl.name()),
            (Some(namespace), _) => format!("{namespace}/{}", purl.name()),
            (None, _) => purl.name().to_owned(),
        };
        if name.len() > LONGEST_NAME {
            return None;
        }
        let mut package = Self { ecosystem, name, version: String::new(), direct: None };
        package.set_version(purl.version().unwrap_or_default());
        Some(package).filter(|package| !package.name.contains('\0'))
    }

    /// Reads `npm:lodash`, as lists without package URLs name them.
    pub fn parse_prefixed(text: &str) -> Option<Self> {
        let (before, name) = text.split_once(':')?;
        let ecosystem = purl_type(&before.to_lowercase())?.to_owned();
        let is_name = !name.is_empty() && name.len() <= LONGEST_NAME && !name.contains('\0');
        is_name.then(|| Self { ecosystem, name: name.to_owned(), version: String::new(), direct: None })
    }

    /// A longer one than any is cut.
    pub fn set_version(&mut self, version: &str) {
        self.version = version.chars().filter(|letter| *letter != '\0').take(LONGEST).collect();
    }

    /// The name by the rules of its ecosystem: two writings of one package have one key.
    pub fn key(&self) -> String {
        key(Some(&self.ecosystem), &self.name)
    }

    /// The last part of the key, by which people know it: `log4j-core`, `gin`.
    pub fn tail(&self) -> String {
        tail(&self.key()).to_owned()
    }
}

/// A package as somebody asks for it: whole or its last part, in one ecosystem or any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageQuery {
    pub ecosystem: Option<String>,
    pub key: String,
    /// A version that was written along, as in a package URL.
    pub version: Option<String>,
}

impl PackageQuery {
    /// Reads `log4j-core`, `maven:log4j-core`, `org.apache.logging.log4j:log4j-core`, `npm:@babel/core` or a package URL.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > LONGEST_NAME {
            return None;
        }
        if text.starts_with("pkg:") {
            let package = Package::parse_purl(text)?;
            let key = package.key();
            return Some(Self {
                key,
                version: Some(package.version).filter(|version| !version.is_empty()),
                ecosystem: Some(package.ecosystem),
            });
        }
        let (ecosystem, name) = match text.split_once(':') {
            Some((before, name)) if !name.is_empty() => match purl_type(&before.to_lowercase()) {
                Some(ecosystem) => (Some(ecosystem), name),
                // Group and artifact, which only Maven has.
                None => (Some("maven"), text),
            },
            _ => (None, text),
        };
        Some(Self { ecosystem: ecosystem.map(str::to_owned), key: key(ecosystem, name), version: None })
    }

    /// Keys that mean this package. Without an ecosystem its rules are not known, so both writings are looked for.
    pub fn keys(&self) -> Vec<String> {
        let mut keys = vec![self.key.clone()];
        if self.ecosystem.is_none() {
            keys.push(key(Some("pypi"), &self.key));
            keys.push(key(Some("cargo"), &self.key));
        }
        keys.sort();
        keys.dedup();
        keys
    }
}

/// The ecosystem as people call it, as package URLs do.
fn purl_type(written: &str) -> Option<&'static str> {
    Some(match written {
        "npm" | "node" => "npm",
        "maven" | "mvn" | "gradle" => "maven",
        "pypi" | "pip" | "python" => "pypi",
        "go" | "golang" => "golang",
        "gem" | "rubygems" | "ruby" => "gem",
        "cargo" | "crate" | "crates" | "rust" => "cargo",
        "nuget" => "nuget",
        "composer" | "packagist" | "php" => "composer",
        "github" => "github",
        "githubactions" | "actions" => "githubactions",
        "pub" => "pub",
        "swift" => "swift",
        "hex" => "hex",
        "docker" => "docker",
        _ => return None,
    })
}

fn key(ecosystem: Option<&str>, name: &str) -> String {
    let name = name.trim().trim_matches('/').to_lowercase();
    match ecosystem {
        // <https://packaging.python.org/en/latest/specifications/name-normalization/>
        Some("pypi") => {
            let mut key = String::with_capacity(name.len());
            for letter in name.chars() {
                let letter = if matches!(letter, '_' | '.') { '-' } else { letter };
                if letter != '-' || !key.ends_with('-') {
                    key.push(letter);
                }
            }
            key
        }
        // crates.io takes both writings for one.
        Some("cargo") => name.replace('_', "-"),
        _ => name,
    }
}

fn tail(key: &str) -> &str {
    let mut parts = key.rsplit([':', '/']);
    let last = parts.next().unwrap_or(key);
    // `github.com/go-chi/chi/v5` is known as chi.
    let is_major = last.strip_prefix('v').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()));
    if is_major { parts.next().unwrap_or(last) } else { last }
}
