//! What a repository as it was read now changes against what is stored: plan first, apply later.
//! Must not write; the plan is a value.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    BrokenDocument, Contents, EntityRef, FileRole, Files, Kind, Relation, Repository, RepositoryRead, SourceFile,
    address::is_address,
    descriptor::{Document, Verdict},
    kinds::CustomKinds,
    wants::Gathered,
};

mod broken;
mod surroundings;

use broken::never_valid;
use surroundings::{Surroundings, keep_values, tell_lacking};

/// SHA-256.
pub type Hash = [u8; 32];

/// Enough of a stored repository to see that nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDigest {
    pub full_name: String,
    pub facts_hash: Hash,
    pub removed: bool,
    /// The commit whose files are stored whole, and how they were chosen; see [`super::Known`].
    pub head: Option<String>,
    pub reading: Option<String>,
    /// A filter keeps it out of answers.
    pub excluded: bool,
    /// When it was last asked about, in the database's time.
    pub read_at: Option<DateTime<Utc>>,
    /// How many entities it claims.
    pub claims: u64,
    pub files: Vec<StoredFile>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    pub path: String,
    pub role: FileRole,
    pub content_hash: Hash,
    /// The error it holds.
    pub problem: Option<FileProblem>,
}

impl StoredFile {
    /// Path with line, and message, where it holds an error.
    pub fn told_problem(&self) -> Option<(String, String)> {
        let problem = self.problem.as_ref()?;
        let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
        Some((format!("{}{line}", self.path), problem.message.clone()))
    }
}

/// One claim as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredClaim {
    pub path: String,
    pub entity_ref: EntityRef,
    pub content_hash: Hash,
    pub document: Value,
    pub relations: Vec<Relation>,
    pub former_names: Vec<String>,
    /// It is served although its file holds an error.
    pub kept: bool,
    pub removed: bool,
}

/// All that a repository's new state writes. Empty lists write nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct RepositoryChange {
    pub repository: Repository,
    pub facts_hash: Hash,
    pub files_after: FilesAfter,
    pub files: Vec<FileWrite>,
    pub removed_files: Vec<String>,
    pub claims: Vec<ClaimWrite>,
    pub kept: Vec<ClaimKept>,
    pub removed_claims: Vec<(String, EntityRef)>,
    pub history: Vec<HistoryLine>,
    pub tally: Tally,
    /// Errors in descriptors, for the summary: path with line, message.
    pub problems: Vec<(String, String)>,
}

/// Whether the files at the head are stored whole after the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilesAfter {
    /// They were not read; what was true of them stays true.
    AsBefore,
    Whole,
    /// Some could not be read and have to be asked for again.
    Partly,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FileWrite {
    pub path: String,
    pub role: FileRole,
    pub content_hash: Hash,
    /// Runbooks and docs only.
    pub text: Option<String>,
    pub problem: Option<FileProblem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileProblem {
    pub message: String,
    pub line: Option<usize>,
    /// Those that are invalid and of which no good version is kept; `None`: an older version of Steward did not write them down.
    #[serde(default)]
    pub documents: Option<Vec<Arc<BrokenDocument>>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ClaimWrite {
    pub path: String,
    pub entity_ref: EntityRef,
    pub document: Value,
    pub relations: Vec<Relation>,
    pub content_hash: Hash,
    /// Set where this is an entity that had another name; empty leaves what is stored.
    pub former_names: Vec<String>,
}

/// The last good version stays, marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimKept {
    pub path: String,
    pub entity_ref: EntityRef,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct HistoryLine {
    pub entity_ref: EntityRef,
    pub path: String,
    pub change: ChangeKind,
    /// `{field: {"from": …, "to": …}}`; empty for additions and removals. Of what is restored, against when it went.
    pub fields: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    Added,
    Changed,
    Removed,
    Restored,
}

impl ChangeKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Restored => "restored",
        }
    }
}

/// Entities by what happened to them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub added: u64,
    pub changed: u64,
    pub removed: u64,
    pub unchanged: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.changed += other.changed;
        self.removed += other.removed;
        self.unchanged += other.unchanged;
    }
}

/// A runbook or page of documentation larger than this is cut: it is read in chat, and runbooks are kept in memory.
const LONGEST_TEXT: usize = 128 * 1024;

pub fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

pub fn facts_hash(repository: &Repository) -> Hash {
    hash(&serde_json::to_vec(repository).expect("facts are plain data"))
}

/// What is stored of a runbook or page of documentation.
pub fn stored_text(bytes: &[u8]) -> String {
    let end = bytes.len().min(LONGEST_TEXT);
    // PostgreSQL stores no NUL in text.
    String::from_utf8_lossy(&bytes[..end]).replace('\0', "")
}

/// Whether nothing of a repository differs from what is stored; then nothing is written.
pub fn is_unchanged(stored: &StoredDigest, read: &RepositoryRead) -> bool {
    if stored.removed || stored.facts_hash != facts_hash(&read.repository) {
        return false;
    }
    let Files::Read(files) = &read.files else { return true };
    stored.files.len() == files.len()
        && files.iter().all(|file| match (&file.contents, find_file(&stored.files, &file.path)) {
            (_, None) => false,
            (Contents::Bytes(bytes), Some(known)) => known.content_hash == hash(bytes) && !is_away(known) && !is_untold(known),
            (Contents::Unreadable(why), Some(known)) => !is_address(&file.path) || told_away(known) == Some(why.as_str()),
        })
}

/// Whether a file elsewhere could not be read when it was last asked for. It may stay so for long, which is told;
/// a file of the repository itself comes back with the next sweep.
fn is_away(known: &StoredFile) -> bool {
    told_away(known).is_some()
}

/// Whether it is not written down which of its documents are broken.
fn is_untold(known: &StoredFile) -> bool {
    known.problem.as_ref().is_some_and(|problem| problem.documents.is_none())
}

fn told_away(known: &StoredFile) -> Option<&str> {
    let problem = known.problem.as_ref().filter(|problem| problem.line.is_none())?;
    is_address(&known.path).then_some(problem.message.as_str())
}

fn find_file<'a>(files: &'a [StoredFile], path: &str) -> Option<&'a StoredFile> {
    files.iter().find(|file| file.path == path)
}

/// Plans what to write for one repository. `claims` are those stored for it, removed ones included.
pub fn diff_repository(
    digest: Option<&StoredDigest>,
    claims: &[StoredClaim],
    read: &RepositoryRead,
    gathered: &Gathered,
    custom_kinds: &CustomKinds,
) -> RepositoryChange {
    let mut change = RepositoryChange {
        repository: read.repository.clone(),
        facts_hash: facts_hash(&read.repository),
        files_after: FilesAfter::AsBefore,
        files: Vec::new(),
        removed_files: Vec::new(),
        claims: Vec::new(),
        kept: Vec::new(),
        removed_claims: Vec::new(),
        history: Vec::new(),
        tally: Tally::default(),
        problems: Vec::new(),
    };
    let Files::Read(files) = &read.files else {
        change.tally.unchanged = claims.iter().filter(|claim| !claim.removed).count() as u64;
        return change;
    };
    // What is elsewhere does not belong to the head: it is asked for again in its own time.
    let is_whole = files.iter().all(|file| is_address(&file.path) || matches!(file.contents, Contents::Bytes(_)));
    change.files_after = if is_whole { FilesAfter::Whole } else { FilesAfter::Partly };
    let stored_files = digest.map_or(&[][..], |digest| &digest.files);
    let mut of_path: HashMap<&str, Vec<&StoredClaim>> = HashMap::new();
    for claim in claims {
        of_path.entry(&claim.path).or_default().push(claim);
    }
    let surroundings = Surroundings::new(&read.repository, files, stored_files, gathered, custom_kinds);
    for file in files {
        let stored = of_path.remove(file.path.as_str()).unwrap_or_default();
        // What a removed repository held was removed with it: the same file is new again.
        let known = find_file(stored_files, &file.path).filter(|_| !digest.is_some_and(|digest| digest.removed));
        diff_file(&mut change, file, known, &stored, &surroundings);
    }
    // Files that are gone take their claims with them, unless they seem to have moved into a file that cannot be read.
    let unreadable_newcomer = newcomer_problem(&change, files, stored_files, claims);
    for (path, stored) in of_path {
        for claim in stored.into_iter().filter(|claim| !claim.removed) {
            match &unreadable_newcomer {
                Some(message) => {
                    change.tally.unchanged += 1;
                    let (path, message) = (path.to_owned(), message.clone());
                    change.kept.push(ClaimKept { path, entity_ref: claim.entity_ref.clone(), message });
                }
                None => remove(&mut change, claim),
            }
        }
    }
    join_moves(&mut change, claims);
    let still_there: HashSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    change
        .removed_files
        .extend(stored_files.iter().map(|file| &file.path).filter(|path| !still_there.contains(path.as_str())).cloned());
    change
}

fn diff_file(
    change: &mut RepositoryChange,
    file: &SourceFile,
    known: Option<&StoredFile>,
    stored: &[&StoredClaim],
    surroundings: &Surroundings<'_>,
) {
    let bytes = match &file.contents {
        Contents::Bytes(bytes) => bytes,
        Contents::Unreadable(why) => return keep_unreadable(change, file, why, known, stored),
    };
    let content_hash = hash(bytes);
    let is_same = known.is_some_and(|known| known.content_hash == content_hash);
    match file.role {
        FileRole::Runbook | FileRole::Doc | FileRole::Attachment if is_same => {}
        FileRole::Attachment => {
            let write = FileWrite { path: file.path.clone(), role: file.role, content_hash, text: None, problem: None };
            change.files.push(write);
        }
        FileRole::Runbook | FileRole::Doc => {
            let text = Some(stored_text(bytes));
            let write = FileWrite { path: file.path.clone(), role: file.role, content_hash, text, problem: None };
            change.files.push(write);
        }
        FileRole::Descriptor
            if is_same
                && !surroundings.are_values_new
                && surroundings.is_met(&file.path)
                && known.is_none_or(|known| known.problem.is_none()) =>
        {
            change.tally.unchanged += stored.iter().filter(|claim| !claim.removed).count() as u64;
        }
        FileRole::Descriptor => {
            let parsed_now;
            let documents = match surroundings.find_parsed(&file.path) {
                Some(documents) => documents,
                None => {
                    parsed_now = surroundings.parse(&file.path, bytes);
                    &parsed_now
                }
            };
            let broken = diff_descriptor(change, &file.path, documents, stored);
            let lacking = tell_lacking(change, &file.path, documents, surroundings);
            let problem = broken.or(lacking);
            if is_same && known.is_some_and(|known| known.problem == problem) {
                return;
            }
            let text = declares_template(documents).then(|| stored_text(bytes));
            let write = FileWrite { path: file.path.clone(), role: file.role, content_hash, text, problem };
            change.files.push(write);
        }
    }
}

/// Of a template the text is kept: what cannot be run in it is told with its line.
fn declares_template(documents: &[Document]) -> bool {
    let is_template =
        |document: &Document| matches!(&document.verdict, Verdict::Valid { entity, .. } if entity.kind == Kind::Template);
    documents.iter().any(is_template)
}

/// What was known of a file that cannot be read now stays, and says why where the file is elsewhere.
fn keep_unreadable(
    change: &mut RepositoryChange,
    file: &SourceFile,
    why: &str,
    known: Option<&StoredFile>,
    stored: &[&StoredClaim],
) {
    change.problems.push((file.path.clone(), why.to_owned()));
    let living = stored.iter().filter(|claim| !claim.removed);
    change.tally.unchanged += living.clone().count() as u64;
    if known.is_some() && !is_address(&file.path) {
        return;
    }
    let content_hash = known.map_or([0; 32], |known| known.content_hash);
    let problem = Some(FileProblem { message: why.to_owned(), line: None, documents: Some(Vec::new()) });
    change.files.push(FileWrite { path: file.path.clone(), role: file.role, content_hash, text: None, problem });
    let keep = |claim: &&StoredClaim| ClaimKept {
        path: claim.path.clone(),
        entity_ref: claim.entity_ref.clone(),
        message: why.to_owned(),
    };
    change.kept.extend(living.map(keep));
}

/// Compares the documents of one descriptor with its stored claims; returns the file's first problem.
fn diff_descriptor(
    change: &mut RepositoryChange,
    path: &str,
    documents: &[Document],
    stored: &[&StoredClaim],
) -> Option<FileProblem> {
    let mut first_problem: Option<FileProblem> = None;
    // Of two documents with one reference the later replaces the earlier, as in Backstage.
    let mut valid: BTreeMap<&EntityRef, ClaimWrite> = BTreeMap::new();
    for Document { verdict, unfilled, .. } in documents {
        match verdict {
            Verdict::Valid { entity, document } => {
                let relations = entity.relations.clone();
                let mut document = without_nul(document.clone());
                keep_values(&mut document, unfilled, stored.iter().find(|claim| claim.entity_ref == entity.entity_ref));
                let content_hash = hash(json!([document, relations]).to_string().as_bytes());
                let entity_ref = entity.entity_ref.clone();
                let path = path.to_owned();
                let claim = ClaimWrite { path, entity_ref, document, relations, content_hash, former_names: Vec::new() };
                valid.insert(&entity.entity_ref, claim);
            }
            Verdict::Invalid { problem, .. } | Verdict::YamlError { problem } => {
                change.problems.push((format!("{path}:{}", problem.line), problem.to_string()));
                let message = problem.to_string().replace('\0', "\\0");
                let this = FileProblem { message, line: Some(problem.line), documents: Some(Vec::new()) };
                first_problem.get_or_insert(this);
            }
        }
    }
    let mut gone: Vec<&StoredClaim> = Vec::new();
    for claim in stored {
        match (valid.remove(&claim.entity_ref), &first_problem) {
            (Some(new), _) if claim.removed => {
                change.history.push(line(&new, ChangeKind::Restored, changed_fields(claim, &new)));
                change.tally.added += 1;
                change.claims.push(new);
            }
            (Some(new), _) if new.content_hash != claim.content_hash => {
                let fields = changed_fields(claim, &new);
                change.history.push(line(&new, ChangeKind::Changed, fields));
                change.tally.changed += 1;
                change.claims.push(new);
            }
            (Some(new), _) => {
                change.tally.unchanged += 1;
                if claim.kept {
                    change.claims.push(new);
                }
            }
            (None, _) if claim.removed => {}
            (None, Some(problem)) => {
                change.tally.unchanged += 1;
                let message = problem.message.clone();
                change.kept.push(ClaimKept { path: path.to_owned(), entity_ref: claim.entity_ref.clone(), message });
            }
            (None, None) => {
                gone.push(claim);
                remove(change, claim);
            }
        }
    }
    let added_kinds: Vec<String> = valid.keys().map(|new| new.kind().to_owned()).collect();
    for mut new in valid.into_values() {
        new.former_names = former_names(&new, &gone, &added_kinds);
        change.history.push(line(&new, ChangeKind::Added, json!({})));
        change.tally.added += 1;
        change.claims.push(new);
    }
    if let Some(problem) = &mut first_problem {
        let kept: Vec<&EntityRef> = change.kept.iter().filter(|kept| kept.path == path).map(|kept| &kept.entity_ref).collect();
        problem.documents = Some(never_valid(documents, &kept));
    }
    first_problem
}

/// One entity of a kind gone from a file and one new there, in one commit: it was renamed.
fn former_names(new: &ClaimWrite, gone: &[&StoredClaim], added_kinds: &[String]) -> Vec<String> {
    let kind = new.entity_ref.kind();
    let mut same_kind = gone.iter().filter(|old| old.entity_ref.kind() == kind);
    let is_only_one = added_kinds.iter().filter(|added| *added == kind).count() == 1;
    match (same_kind.next(), same_kind.next()) {
        (Some(old), None) if is_only_one => {
            let names = old.former_names.iter().cloned();
            names.chain([old.entity_ref.name().to_owned()]).filter(|name| name != new.entity_ref.name()).collect()
        }
        (Some(_) | None, _) => Vec::new(),
    }
}

/// The error of a descriptor that has never been good: what a file that is gone now held may stand there.
fn newcomer_problem(
    change: &RepositoryChange,
    files: &[SourceFile],
    stored_files: &[StoredFile],
    claims: &[StoredClaim],
) -> Option<String> {
    let is_newcomer = |path: &str| !claims.iter().any(|claim| claim.path == path && !claim.removed);
    let descriptors = files.iter().filter(|file| file.role == FileRole::Descriptor && is_newcomer(&file.path));
    let problem = |path: &str| match change.files.iter().find(|write| write.path == path) {
        Some(write) => write.problem.as_ref(),
        None => find_file(stored_files, path).and_then(|known| known.problem.as_ref()),
    };
    descriptors.filter_map(|file| problem(&file.path)).map(|problem| problem.message.clone()).next()
}

/// An entity that left one file and came in another of the same repository has moved: one change, no gap in its history.
fn join_moves(change: &mut RepositoryChange, stored: &[StoredClaim]) {
    let removed = std::mem::take(&mut change.removed_claims);
    for (path, entity_ref) in &removed {
        let Some(new) = change.claims.iter_mut().find(|new| new.entity_ref == *entity_ref && new.path != *path) else { continue };
        let is_arrival = |line: &HistoryLine| {
            line.entity_ref == *entity_ref
                && line.path == new.path
                && matches!(line.change, ChangeKind::Added | ChangeKind::Restored)
        };
        let Some(arrival) = change.history.iter().position(is_arrival) else { continue };
        let Some(old) = stored.iter().find(|claim| claim.path == *path && claim.entity_ref == *entity_ref) else { continue };
        if new.former_names.is_empty() {
            new.former_names.clone_from(&old.former_names);
        }
        let mut fields = changed_fields(old, new);
        fields["file"] = json!({ "from": path, "to": new.path });
        change.history[arrival].change = ChangeKind::Changed;
        change.history[arrival].fields = fields;
        let is_departure =
            |line: &HistoryLine| line.change == ChangeKind::Removed && line.path == *path && line.entity_ref == *entity_ref;
        change.history.retain(|line| !is_departure(line));
        change.tally.added -= 1;
        change.tally.removed -= 1;
        change.tally.changed += 1;
    }
    change.removed_claims = removed;
}

fn remove(change: &mut RepositoryChange, claim: &StoredClaim) {
    change.tally.removed += 1;
    change.removed_claims.push((claim.path.clone(), claim.entity_ref.clone()));
    let gone = HistoryLine {
        entity_ref: claim.entity_ref.clone(),
        path: claim.path.clone(),
        change: ChangeKind::Removed,
        fields: json!({}),
    };
    change.history.push(gone);
}

fn line(claim: &ClaimWrite, change: ChangeKind, fields: Value) -> HistoryLine {
    HistoryLine { entity_ref: claim.entity_ref.clone(), path: claim.path.clone(), change, fields }
}

/// Fields that history tells about, by JSON pointer, with the name they have there.
const TOLD_FIELDS: [(&str, &str); 9] = [
    ("owner", "/spec/owner"),
    ("lifecycle", "/spec/lifecycle"),
    ("system", "/spec/system"),
    ("type", "/spec/type"),
    ("title", "/metadata/title"),
    ("description", "/metadata/description"),
    ("dependsOn", "/spec/dependsOn"),
    ("providesApis", "/spec/providesApis"),
    ("consumesApis", "/spec/consumesApis"),
];

/// The fields of a document that history tells about; those it does not have are null.
pub fn told_fields(document: &Value) -> serde_json::Map<String, Value> {
    let field = |(name, pointer): (&str, &str)| (name.to_owned(), document.pointer(pointer).cloned().unwrap_or_default());
    TOLD_FIELDS.into_iter().map(field).collect()
}

fn changed_fields(old: &StoredClaim, new: &ClaimWrite) -> Value {
    let mut fields = serde_json::Map::new();
    for (name, pointer) in TOLD_FIELDS {
        let (from, to) = (old.document.pointer(pointer), new.document.pointer(pointer));
        if from != to {
            fields.insert(name.to_owned(), json!({ "from": from, "to": to }));
        }
    }
    Value::Object(fields)
}

/// PostgreSQL's jsonb refuses `\u0000`; a NUL in a descriptor's text says nothing to a reader.
fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) if text.contains('\0') => Value::String(text.replace('\0', "")),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nul).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(key, value)| (key.replace('\0', ""), without_nul(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}
