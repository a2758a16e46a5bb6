//! Which documents of a file are invalid without a last good version, as they are told to whoever can mend them.
//! Must not decide what is kept.

use std::sync::Arc;

use crate::catalog::{BrokenDocument, EntityRef, descriptor::Document};

/// Broken documents of one file that are told one by one: who mends these sees the others.
const MOST_BROKEN: usize = 20;

/// Letters of a part of a reference, as Backstage allows them.
const LONGEST_PART: usize = 63;

/// Invalid documents that nothing stands in for. One whose name cannot be read may be any of those that are kept.
pub(super) fn never_valid(documents: &[Document], kept: &[&EntityRef]) -> Vec<Arc<BrokenDocument>> {
    let is_kept = |document: &Document| match document.entity_ref() {
        Some(entity_ref) => kept.contains(&entity_ref),
        None => !kept.is_empty(),
    };
    let invalid = documents.iter().filter(|document| !is_kept(document));
    let broken = invalid.filter_map(|document| {
        let problem = document.problem()?;
        Some(Arc::new(BrokenDocument {
            doc_index: document.doc_index,
            message: problem.to_string().replace('\0', "\\0"),
            line: problem.line,
            entity_ref: document.entity_ref().filter(|entity_ref| is_plain(entity_ref)).cloned(),
            owner: document.owner.as_ref().filter(|owner| is_plain(owner)).cloned(),
        }))
    });
    broken.take(MOST_BROKEN).collect()
}

/// Whether it can be stored, and be named in a line: that of an invalid document may be anything.
fn is_plain(entity_ref: &EntityRef) -> bool {
    let is_part = |part: &str| {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        !part.is_empty() && part.len() <= LONGEST_PART && part.chars().all(is_letter)
    };
    [entity_ref.kind(), entity_ref.namespace(), entity_ref.name()].into_iter().all(is_part)
}
