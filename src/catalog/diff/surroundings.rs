//! What a file's entities depend on besides the file: values in other files, and targets that are not there.
//! Must not compare with what is stored of the file itself; that is `diff`.

use std::collections::HashMap;

use serde_json::Value;

use super::{FileProblem, RepositoryChange, StoredClaim, StoredFile, find_file, hash};
use crate::catalog::{
    Contents, FileRole, Repository, SourceFile,
    address::locate,
    descriptor::{Document, NoValue, Unfilled, parse_descriptor_with_values},
    kinds::CustomKinds,
    wants::Gathered,
};

/// What a file's entities depend on besides the file.
pub(super) struct Surroundings<'a> {
    repository: &'a Repository,
    files: HashMap<&'a str, &'a SourceFile>,
    gathered: &'a Gathered,
    /// A file that placeholders may name differs from what is stored.
    pub(super) are_values_new: bool,
    custom_kinds: &'a CustomKinds,
}

impl<'a> Surroundings<'a> {
    pub(super) fn new(
        repository: &'a Repository,
        files: &'a [SourceFile],
        stored: &[StoredFile],
        gathered: &'a Gathered,
        custom_kinds: &'a CustomKinds,
    ) -> Self {
        let is_new = |file: &SourceFile| match &file.contents {
            Contents::Bytes(bytes) => find_file(stored, &file.path).is_none_or(|known| known.content_hash != hash(bytes)),
            Contents::Unreadable(_) => false,
        };
        let files: HashMap<&str, &SourceFile> = files.iter().map(|file| (file.path.as_str(), file)).collect();
        let is_gone = |known: &StoredFile| known.role == FileRole::Attachment && !files.contains_key(known.path.as_str());
        // A placeholder may name any file, a descriptor too.
        let are_values_new = files.values().any(|file| is_new(file)) || stored.iter().any(is_gone);
        Self { repository, files, gathered, are_values_new, custom_kinds }
    }

    pub(super) fn is_met(&self, path: &str) -> bool {
        !self.gathered.unmet.iter().any(|unmet| unmet.path == path)
    }

    /// The file's documents, where they were parsed before and hold no placeholder.
    pub(super) fn find_parsed(&self, path: &str) -> Option<&'a [Document]> {
        let documents = self.gathered.parsed.get(path)?;
        documents.iter().all(|document| !document.awaits_values).then_some(documents)
    }

    pub(super) fn parse(&self, path: &str, bytes: &[u8]) -> Vec<Document> {
        let read = |target: &str| {
            let place = locate(self.repository, path, target).map_err(NoValue::Absent)?;
            match self.files.get(place.path()) {
                Some(SourceFile { contents: Contents::Bytes(bytes), .. }) => Ok(bytes.as_slice()),
                Some(SourceFile { contents: Contents::Unreadable(why), .. }) => Err(NoValue::Away(why.clone())),
                None => Err(NoValue::Absent("there is no such file".to_owned())),
            }
        };
        parse_descriptor_with_values(bytes, self.custom_kinds, &read)
    }
}

/// Tells what a descriptor names and does not get; its entities stay. Gives the first of it.
pub(super) fn tell_lacking(
    change: &mut RepositoryChange,
    path: &str,
    documents: &[Document],
    surroundings: &Surroundings<'_>,
) -> Option<FileProblem> {
    let unfilled = documents.iter().flat_map(|document| &document.unfilled);
    let unfilled = unfilled.map(|unfilled| (unfilled.problem.line, unfilled.problem.to_string()));
    let unmet = surroundings.gathered.unmet.iter().filter(|unmet| unmet.path == path);
    let mut lacking: Vec<(usize, String)> = unfilled.chain(unmet.map(|unmet| (unmet.line, unmet.message.clone()))).collect();
    lacking.sort();
    change.problems.extend(lacking.iter().map(|(line, message)| (format!("{path}:{line}"), message.clone())));
    let first = lacking.into_iter().next();
    first.map(|(line, message)| FileProblem {
        message: message.replace('\0', "\\0"),
        line: Some(line),
        documents: Some(Vec::new()),
    })
}

/// Values that were there when the entity was last read, where the file that holds them cannot be read now.
pub(super) fn keep_values(document: &mut Value, unfilled: &[Unfilled], stored: Option<&&StoredClaim>) {
    let Some(stored) = stored else { return };
    for Unfilled { pointer, .. } in unfilled.iter().filter(|unfilled| unfilled.is_away) {
        let (Some(now), Some(before)) = (document.pointer_mut(pointer), stored.document.pointer(pointer)) else { continue };
        *now = before.clone();
    }
}
