//! From a repository as GitHub answers it to what the catalog takes of it: facts, filters, and the files of a new commit.
//! Must not decide which repositories are asked for.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::{
    GithubSource, WantedFile,
    ask::Asking,
    error::GithubError,
    node::{Blob, file_index, parse_facts, parse_files, parse_name},
    outline::NodeFault,
};
use crate::catalog::{
    Contents, FileRole, Files, FilesWanted, Known, Repository, RepositoryKey, RepositoryRead, SourceFile, SweepError,
    descriptor::MAX_DESCRIPTOR_BYTES,
};

/// What GraphQL cuts short or holds for binary is read whole up to here; a longer descriptor or runbook is no text for people.
const MAX_FILE_BYTES: u64 = MAX_DESCRIPTOR_BYTES as u64;
/// Whole reads in one sweep: each is a request, and a sweep must stay cheap whatever people commit.
const MAX_WHOLE_READS: usize = 200;

/// Reads repositories of one answer after another.
pub(super) struct Reader<'a> {
    pub(super) asking: &'a Asking<'a>,
    /// Commits whose files need not be read again.
    heads: Option<&'a HashMap<i64, Option<String>>>,
    whole_reads: usize,
    pub(super) errors: Vec<SweepError>,
}

impl<'a> Reader<'a> {
    /// `known` tells which commits need not be read again; without it all files are read.
    pub(super) fn new(asking: &'a Asking<'a>, known: Option<&'a Known>) -> Self {
        Self { asking, heads: known.map(|known| &known.heads), whole_reads: 0, errors: Vec::new() }
    }

    fn source(&self) -> &'a GithubSource {
        self.asking.source
    }

    pub(super) fn blame(&mut self, location: impl Into<String>, message: impl Into<String>) {
        self.errors.push(SweepError { location: location.into(), message: message.into() });
    }

    /// Where GitHub itself is meant, and no repository.
    pub(super) fn blame_github(&mut self, message: impl Into<String>) {
        self.blame(self.source().client.address.clone(), message);
    }

    /// The facts behind the filters; `None` where they cannot be read, which is in the errors then.
    pub(super) fn read_facts(&mut self, raw: Option<&RawValue>, faults: &[NodeFault]) -> Option<Repository> {
        let location = raw.and_then(parse_name).unwrap_or_else(|| format!("a repository of {}", self.source().org));
        let told: Vec<_> = faults.iter().filter(|fault| file_of(fault).is_none()).collect();
        for fault in &told {
            self.blame(&location, &fault.said);
        }
        // A field that an error emptied looks like one that is empty in truth, so the repository as a whole is not known.
        let Some(raw) = raw.filter(|_| told.is_empty()) else {
            if told.is_empty() {
                self.blame(location, "GitHub counts it and does not give it");
            }
            return None;
        };
        match parse_facts(raw) {
            Ok(facts) => Some(self.source().sieve.apply(facts)),
            Err(error) => {
                self.blame(location, format!("GitHub's answer cannot be read: {error}"));
                None
            }
        }
    }

    /// Whether there is nothing to read of it: its files are known, it has none, or a filter leaves it out.
    pub(super) fn known_files(&self, repository: &Repository) -> Option<Files> {
        let Some(head) = repository.head.as_ref().filter(|_| repository.excluded.is_none()) else {
            return Some(Files::Read(Vec::new()));
        };
        let is_known = |known: &Option<String>| known.as_ref() == Some(&head.sha);
        self.heads.and_then(|heads| heads.get(&repository.id)).is_some_and(is_known).then_some(Files::AsKnown)
    }

    /// Facts and files together.
    pub(super) async fn read_node(&mut self, raw: Option<&RawValue>, faults: &[NodeFault]) -> Option<RepositoryRead> {
        let repository = self.read_facts(raw, faults)?;
        self.read_files(repository, raw?, faults).await
    }

    /// The files that came with the facts.
    pub(super) async fn read_files(
        &mut self,
        repository: Repository,
        raw: &RawValue,
        faults: &[NodeFault],
    ) -> Option<RepositoryRead> {
        if let Some(files) = self.known_files(&repository) {
            return Some(RepositoryRead { repository, files });
        }
        let blobs = match parse_files(raw) {
            Ok(blobs) => blobs,
            Err(error) => {
                self.blame(&repository.full_name, format!("GitHub's answer cannot be read: {error}"));
                return None;
            }
        };
        let wanted = &self.source().files;
        let mut files = Vec::new();
        for fault in faults {
            let Some(file) = file_of(fault).and_then(|index| wanted.get(index)) else { continue };
            self.blame(&repository.full_name, format!("{}: {}", file.path, fault.said));
            files.push(source_file(file, Contents::Unreadable(format!("GitHub could not read it: {}", fault.said))));
        }
        for (index, blob) in blobs {
            let Some(file) = wanted.get(index) else { continue };
            let sha = repository.head.as_ref().map_or("HEAD", |head| &head.sha);
            let contents = self.contents(&repository.full_name, sha, &file.path, blob).await;
            files.push(source_file(file, contents));
        }
        Some(RepositoryRead { repository, files: Files::Read(files) })
    }

    /// The text that came, or the file by a read of its own where GraphQL does not give it whole.
    pub(super) async fn contents(&mut self, full_name: &str, sha: &str, path: &str, blob: Blob) -> Contents {
        let size = blob.byte_size.unwrap_or_default();
        match blob.text {
            Some(text) if !blob.is_truncated => return Contents::Bytes(text.into_bytes()),
            Some(_) | None => {}
        }
        if size > MAX_FILE_BYTES {
            return Contents::Unreadable(format!("it has {size} bytes; Steward reads files of up to {MAX_FILE_BYTES}"));
        }
        if self.whole_reads == MAX_WHOLE_READS {
            return Contents::Unreadable(format!(
                "{MAX_WHOLE_READS} files that are binary or long were read in this sweep already; this one was not"
            ));
        }
        self.whole_reads += 1;
        match self.load_file(full_name, sha, path).await {
            Ok(bytes) => Contents::Bytes(bytes),
            Err(error) => {
                self.blame(full_name, format!("{path}: {error}"));
                Contents::Unreadable(error.to_string())
            }
        }
    }

    /// A file as it is stored, by one REST read.
    async fn load_file(&self, full_name: &str, sha: &str, path: &str) -> Result<Vec<u8>, GithubError> {
        let mut address = url::Url::parse("http://github").expect("a fixed address");
        let repository = full_name.split('/');
        address
            .path_segments_mut()
            .expect("http addresses have segments")
            .push("repos")
            .extend(repository)
            .push("contents")
            .extend(path.split('/'));
        let request = format!("{}?ref={sha}", address.path());
        let mut patience = self.asking.patience();
        loop {
            match self.asking.rest(&request, "application/vnd.github.raw+json").await {
                Ok(answer) => return Ok(answer.body),
                Err(fault) => patience.bear(fault).await?,
            }
        }
    }

    /// Adds what the globs of `catalog_paths` lead to in the repositories whose files were read.
    pub(super) async fn add_globbed(&mut self, reads: &mut [RepositoryRead]) -> Result<(), GithubError> {
        let globs = &self.source().globs;
        if globs.is_empty() {
            return Ok(());
        }
        let is_read = |read: &&mut RepositoryRead| {
            let Files::Read(_) = read.files else { return false };
            read.repository.head.is_some() && read.repository.excluded.is_none()
        };
        let mut reads: Vec<_> = reads.iter_mut().filter(is_read).collect();
        let patterns: Vec<_> = globs.iter().map(|glob| (glob.clone(), FileRole::Descriptor)).collect();
        let wanted: Vec<_> = reads.iter().filter_map(|read| wish(&read.repository, &patterns)).collect();
        let found = self.find_files(&wanted).await?;
        for (read, found) in reads.iter_mut().zip(found) {
            let Files::Read(files) = &mut read.files else { continue };
            for file in found.files {
                if !files.iter().any(|known| known.path == file.path) {
                    files.push(file);
                }
            }
            // In the place of files that may be there, so that what was known of them is not taken for gone.
            if let Some(fault) = found.errors.into_iter().next() {
                let contents = Contents::Unreadable(fault.message);
                files.push(SourceFile { path: globs.join(" "), role: FileRole::Descriptor, contents });
            }
            files.sort_by_key(|file| file.role);
        }
        Ok(())
    }
}

fn wish(repository: &Repository, patterns: &[(String, FileRole)]) -> Option<FilesWanted> {
    let key =
        RepositoryKey { id: repository.id, node_id: repository.node_id.clone(), full_name: Some(repository.full_name.clone()) };
    let head = repository.head.as_ref()?.sha.clone();
    Some(FilesWanted { repository: key, head, patterns: patterns.to_vec() })
}

/// The wanted file that a fault is about.
fn file_of(fault: &NodeFault) -> Option<usize> {
    fault.field.as_deref().and_then(file_index)
}

fn source_file(file: &WantedFile, contents: Contents) -> SourceFile {
    SourceFile { path: file.path.clone(), role: file.role, contents }
}
