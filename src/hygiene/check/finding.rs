//! What a check has found: of what, how grave it is, and in which words.
//! Must not decide what is wrong.

use std::sync::Arc;

use super::{Check, Misread, Severity};
use crate::catalog::{Catalog, EntityRef, live::Undescribed};

/// Something that is wrong.
#[derive(Debug, Clone)]
pub struct Finding {
    pub check: &'static Check,
    /// Of what is no entry, what stands for it in keys: the entity that it would be, as a rule. The catalog has none of it.
    pub entity: EntityRef,
    pub subject: Subject,
    /// The check's own, or what the organisation has made of it.
    pub severity: Severity,
    /// Half a sentence: "is owned by group:default/x, which is not in the catalog".
    pub detail: String,
}

/// With what something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// With the entry that the finding names.
    Entry,
    /// With a repository of which the catalog has no entry.
    Repository(Arc<Undescribed>),
    /// With a document of a descriptor file that never was valid.
    Document(Misread),
}

impl Finding {
    /// The same from round to round, for as long as the same thing is wrong.
    pub fn key(&self) -> String {
        format!("{}:{}", self.check.id, self.entity)
    }

    /// The entry that it is about; `None`: something that is none.
    pub fn entry(&self) -> Option<&EntityRef> {
        match self.subject {
            Subject::Entry => Some(&self.entity),
            Subject::Repository(_) | Subject::Document(_) => None,
        }
    }

    /// The repository that it is about, of which the catalog has no entry.
    pub fn repository(&self) -> Option<&Arc<Undescribed>> {
        match &self.subject {
            Subject::Repository(of) => Some(of),
            Subject::Entry | Subject::Document(_) => None,
        }
    }

    /// The document that it is about, which never was an entry.
    pub fn document(&self) -> Option<&Misread> {
        match &self.subject {
            Subject::Document(of) => Some(of),
            Subject::Entry | Subject::Repository(_) => None,
        }
    }

    /// What people call what is no entry: a repository by its full name, a document by its file; `None`: as the catalog does.
    pub fn own_name(&self) -> Option<String> {
        match &self.subject {
            Subject::Entry => None,
            Subject::Repository(of) => Some(of.repository.full_name.clone()),
            Subject::Document(of) => Some(of.name()),
        }
    }

    /// What people call what it is about.
    pub fn name(&self, catalog: &Catalog) -> String {
        let of_entry =
            || catalog.find(&self.entity).map_or_else(|| self.entity.to_string(), |entry| entry.entity.label().to_owned());
        self.own_name().unwrap_or_else(of_entry)
    }
}
