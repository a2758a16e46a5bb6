//! What authors are told of when a default branch turns bad: new mistakes only, politely few.
//! Must not send anything; a job does.

use std::collections::HashMap;

use super::page::PageContext;
use crate::{
    catalog::{
        FileRole,
        diff::{ChangeKind, FilesAfter, RepositoryChange, StoredDigest},
    },
    store::{AuthorNote, BrokenPlace, Claimant, ClaimedTwice, NoteAbout, NoteDraft, Standing, StoreError, StoredSource},
};

/// Files named in one note.
const MOST_PLACES: usize = 5;
/// Notes that one page of repositories leads to: many at once have one cause, which is nobody's slip.
const MOST_AT_ONCE: usize = 5;
/// New entities whose rivals are looked for, of one page.
const MOST_NEW: usize = 500;

/// Tells authors of what turned bad with these changes, which are stored already. A fault here is no fault of the sync.
pub(super) async fn tell_authors(changes: &[RepositoryChange], page: &PageContext<'_>) {
    if let Err(fault) = draft_and_record(changes, page).await {
        let (source, fault) = (page.source.id(), format!("{:#}", anyhow::Error::from(fault)));
        tracing::warn!(source, fault, "authors could not be told of mistakes");
    }
}

async fn draft_and_record(changes: &[RepositoryChange], page: &PageContext<'_>) -> Result<(), StoreError> {
    let (source_id, store) = (page.source.id(), page.context.store);
    let mut drafts = notes(source_id, changes, page.stored, page.reading);
    let refs = new_refs(changes);
    if (drafts.is_empty() && refs.is_empty()) || !store.has_been_synced(source_id).await? {
        return Ok(());
    }
    if !refs.is_empty() {
        drafts.extend(conflict_notes(&store.load_claimants(&refs).await?));
    }
    drafts.truncate(MOST_AT_ONCE);
    if !drafts.is_empty() {
        store.record_notes(drafts, page.context.clock.now()).await?;
    }
    Ok(())
}

/// A note for each repository in which a descriptor turned bad, or came in bad.
pub(super) fn notes(source_id: &str, changes: &[RepositoryChange], stored: &StoredSource, reading: &str) -> Vec<NoteDraft> {
    let note = |change: &RepositoryChange| {
        let digest = stored.get(&change.repository.id);
        // Files chosen by other paths or filters than before: it is Steward that reads otherwise now.
        let is_read_anew = digest.and_then(|digest| digest.reading.as_deref()).is_some_and(|before| before != reading);
        if is_read_anew { None } else { broken_note(source_id, change, digest) }
    };
    changes.iter().filter_map(note).collect()
}

fn broken_note(source_id: &str, change: &RepositoryChange, digest: Option<&StoredDigest>) -> Option<NoteDraft> {
    let repository = &change.repository;
    let head = repository.head.as_ref();
    let known_head = digest.and_then(|digest| digest.head.as_deref());
    // With the head that was read before, it is Steward that reads otherwise now.
    let is_same_head = known_head.is_some() && known_head == head.map(|head| head.sha.as_str());
    if change.files_after == FilesAfter::AsBefore || repository.excluded.is_some() || is_same_head {
        return None;
    }
    let mut marks = Vec::new();
    let mut places = Vec::new();
    for file in change.files.iter().filter(|file| file.role == FileRole::Descriptor) {
        let Some(problem) = &file.problem else { continue };
        // What cannot be read at all has no contents to be wrong.
        let is_unread = file.content_hash == [0; 32];
        let before = digest.and_then(|digest| digest.files.iter().find(|known| known.path == file.path));
        let was_so = before.and_then(|known| known.problem.as_ref()).is_some_and(|known| known.message == problem.message);
        if is_unread || was_so {
            continue;
        }
        marks.push((file.path.clone(), format!("broken:{}", hex::encode(file.content_hash))));
        let place = BrokenPlace { path: file.path.clone(), line: problem.line, message: problem.message.clone() };
        if places.len() < MOST_PLACES {
            places.push(place);
        }
    }
    if places.is_empty() {
        return None;
    }
    let note = AuthorNote {
        source: source_id.to_owned(),
        repository_id: repository.id,
        repository: repository.full_name.clone(),
        url: repository.url.clone(),
        commit: head.map(|head| head.sha.clone()),
        author: head.and_then(|head| head.author.clone()),
        about: NoteAbout::Broken(places),
    };
    Some(NoteDraft { note, marks })
}

/// Entities that these changes claim and that were not claimed there before.
fn new_refs(changes: &[RepositoryChange]) -> Vec<String> {
    let lines = changes.iter().filter(|change| change.repository.excluded.is_none()).flat_map(|change| &change.history);
    let new = lines.filter(|line| matches!(line.change, ChangeKind::Added | ChangeKind::Restored));
    new.take(MOST_NEW).map(|line| line.entity_ref.to_string()).collect()
}

/// Two notes for each entity that several files claim: to the author of the one that answers, and of each that does not.
fn conflict_notes(claimants: &[Claimant]) -> Vec<NoteDraft> {
    let mut of_ref: HashMap<&str, Vec<&Claimant>> = HashMap::new();
    for claimant in claimants {
        of_ref.entry(claimant.entity_ref.as_str()).or_default().push(claimant);
    }
    let mut drafts = Vec::new();
    for claimants in of_ref.into_values() {
        let Some((first, others)) = claimants.split_first() else { continue };
        // A repository on its way from one source to another is in both for a while.
        let moved = |other: &&&Claimant| other.source != first.source && other.repository.id == first.repository.id;
        for other in others.iter().filter(|other| !moved(other)) {
            drafts.push(claimed_note(other, first, Standing::Theirs));
            drafts.push(claimed_note(first, other, Standing::Yours));
        }
    }
    drafts
}

fn claimed_note(reader: &Claimant, other: &Claimant, standing: Standing) -> NoteDraft {
    let repository = &reader.repository;
    let other_url = other.repository.url.as_ref().zip(other.commit.as_ref());
    let about = ClaimedTwice {
        entity_ref: reader.entity_ref.to_string(),
        path: reader.path.clone(),
        other_repository: other.repository.full_name.clone(),
        other_path: other.path.clone(),
        other_url: other_url.map(|(url, commit)| format!("{url}/blob/{commit}/{}", other.path)),
        standing,
    };
    let subject = format!("claimed:{}:{}:{}", reader.entity_ref, other.repository.id, other.path);
    let note = AuthorNote {
        source: reader.source.clone(),
        repository_id: repository.id,
        repository: repository.full_name.clone(),
        url: repository.url.clone(),
        commit: reader.commit.clone(),
        author: reader.author.clone(),
        about: NoteAbout::Claimed(about),
    };
    NoteDraft { note, marks: vec![(reader.path.clone(), subject)] }
}
