//! Documents of descriptor files that are invalid, and of which the catalog has no last good version.
//! Must not parse anything: the sync did.

use std::{collections::BTreeSet, sync::Arc};

use sha2::{Digest, Sha256};

use super::Facts;
use crate::catalog::{BrokenDocument, BrokenFile, Catalog, EntityRef, Entry};

/// Of the one check.
pub(super) const ID: &str = "descriptor-invalid";

/// What stands for the kind of a document whose kind cannot be read.
const KIND: &str = "document";

/// Letters of a path in a key; the path may be longer.
const PATH_LETTERS: usize = 40;

/// A document that never was an entry, in the file that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misread {
    pub file: Arc<BrokenFile>,
    pub document: Arc<BrokenDocument>,
}

impl Misread {
    /// `gift-cards (acme/shop/catalog-info.yaml)`; without the name where it cannot be read.
    pub fn name(&self) -> String {
        let file = self.file.origin.file();
        match &self.document.entity_ref {
            Some(would_be) => format!("{} ({file})", would_be.name()),
            None => file,
        }
    }

    /// The line at fault, for people.
    pub fn url(&self) -> Option<String> {
        self.file.origin.url().map(|url| format!("{url}#L{}", self.document.line))
    }

    /// Whether it is meant by its name, its repository's, or its file's.
    pub fn is_called(&self, typed: &str) -> bool {
        let origin = &self.file.origin;
        let would_be = self.document.entity_ref.as_ref();
        let (file, stem) = (origin.file(), origin.repository.rsplit('/').next());
        let names =
            [would_be.map(EntityRef::as_str), would_be.map(EntityRef::name), Some(&*origin.repository), stem, Some(&file)];
        names.into_iter().flatten().any(|name| name.eq_ignore_ascii_case(typed))
    }
}

pub(super) fn kept(entry: &Entry, _: &Facts<'_>) -> Option<String> {
    let problem = entry.problem.as_ref()?;
    Some(format!("stands in a file with an error: {}", problem.message))
}

pub(super) fn never_valid(of: &Misread) -> String {
    let BrokenDocument { line, message, .. } = &*of.document;
    format!("is not in the catalog (line {line}: {})", message.trim().trim_end_matches('.'))
}

/// All of them, each with the reference that its finding has: the entity that it would be, where that can be read and is no
/// entry nor another's; else one made from its place.
pub(super) fn misread(catalog: &Catalog) -> Vec<(EntityRef, Misread)> {
    // What is archived cannot be mended.
    let with_documents = |file: &&Arc<BrokenFile>| !file.documents.is_empty() && !file.origin.archived;
    let mut files: Vec<&Arc<BrokenFile>> = catalog.broken().iter().filter(with_documents).collect();
    files.sort_by(|one, other| place(one).cmp(&place(other)));
    let mut taken = BTreeSet::new();
    let mut found = Vec::new();
    for file in files {
        for document in &file.documents {
            let would_be = document.entity_ref.as_ref().filter(|would_be| catalog.find(would_be).is_none());
            let key = match would_be.filter(|would_be| taken.insert((*would_be).clone())) {
                Some(would_be) => would_be.clone(),
                None => by_place(file, document),
            };
            found.push((key, Misread { file: Arc::clone(file), document: Arc::clone(document) }));
        }
    }
    found
}

fn place(file: &BrokenFile) -> (i64, &str, &str) {
    (file.origin.repository_id, &file.origin.source, &file.origin.path)
}

/// `document:acme-shop/catalog-info.yaml-0-1f2e3d4c`: the same for as long as it stands there.
fn by_place(file: &BrokenFile, document: &BrokenDocument) -> EntityRef {
    let plain = |text: &str| -> String {
        let letter = |letter: char| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' };
        text.chars().rev().take(PATH_LETTERS).collect::<Vec<_>>().into_iter().rev().map(letter).collect()
    };
    let (id, source, path) = place(file);
    let number = document.doc_index;
    let digest = hex::encode(Sha256::digest(format!("{source}\n{id}\n{path}\n{number}")));
    EntityRef::new(KIND, &plain(&file.origin.repository), &format!("{}-{number}-{}", plain(path), &digest[..8]))
}
