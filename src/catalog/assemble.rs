//! A catalog straight from a sweep, without a store: everything read counts as new, nothing older is kept.

use std::sync::Arc;

use super::{BrokenFile, Entity, Entry, FileRole, Origin, Parts, Runbook, diff::RepositoryChange};

impl Parts {
    /// Adds what one repository holds. `change` is its difference to nothing.
    pub fn add_repository(&mut self, source: &str, change: RepositoryChange) {
        let repository = &change.repository;
        let head = repository.head.as_ref();
        let base = Origin {
            source: source.into(),
            repository_id: repository.id,
            repository: repository.full_name.as_str().into(),
            repository_url: repository.url.as_deref().map(Into::into),
            archived: repository.archived,
            language: repository.language.as_deref().map(Into::into),
            authority: repository.authority,
            path: "".into(),
            commit: head.map(|head| head.sha.as_str().into()),
            committed_at: head.and_then(|head| head.committed_at),
        };
        let at = |path: &str| Origin { path: path.into(), ..base.clone() };
        self.repositories += 1;
        if !change.files.iter().any(|file| file.role == FileRole::Descriptor) {
            self.without_descriptor += 1;
        }
        for claim in change.claims {
            let origin = at(&claim.path);
            let entity = Entity::from_document(claim.entity_ref, &claim.document, claim.relations);
            self.claims.push(Arc::new(Entry { entity, origin, problem: None }));
        }
        for file in change.files {
            let origin = at(&file.path);
            if let Some(problem) = file.problem {
                let broken = BrokenFile {
                    origin: origin.clone(),
                    message: problem.message,
                    line: problem.line,
                    documents: problem.documents.unwrap_or_default(),
                };
                self.broken.push(Arc::new(broken));
            }
            match (file.text, file.role) {
                (Some(text), FileRole::Runbook) => self.runbooks.push(Arc::new(Runbook { origin, text })),
                (Some(text), FileRole::Doc) => self.pages.push(Arc::new(Runbook { origin, text })),
                (_, FileRole::Runbook | FileRole::Doc | FileRole::Descriptor | FileRole::Attachment) => {}
            }
        }
    }
}
