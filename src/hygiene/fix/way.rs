//! What helps most with a finding: a form, its file, or its entry. One rule for all that shows findings.
//! Must not draw anything but the button.

use super::Blank;
use crate::{
    catalog::{Catalog, EntityRef, Entry, address::is_address},
    chat::Button,
    hygiene::check::{Check, Finding, Subject},
};

/// The first thing to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// A form can mend it.
    Form,
    /// A form writes the first descriptor of this repository.
    Describe(String),
    /// A person mends it in the file at this address.
    File(String),
    /// Nothing of it can be opened: what is known of the entry.
    Entry(EntityRef),
}

impl Way {
    /// `None`: there is nothing to be opened.
    pub fn of(catalog: &Catalog, finding: &Finding) -> Option<Self> {
        match &finding.subject {
            Subject::Repository(of) => Some(Self::Describe(of.repository.full_name.clone())),
            Subject::Document(of) => of.url().map(Self::File),
            Subject::Entry => Self::of_entry(catalog.find(&finding.entity)?, finding.check),
        }
    }

    /// Of what a check finds wrong with an entry.
    pub fn of_entry(entry: &Entry, check: &Check) -> Option<Self> {
        let origin = &entry.origin;
        let is_writable = !origin.archived && origin.authority.is_descriptor() && !is_address(&origin.path);
        if is_writable && Blank::of(check).is_some() {
            return Some(Self::Form);
        }
        Some(origin.url().map_or_else(|| Self::Entry(entry.entity.entity_ref.clone()), Self::File))
    }

    /// `key`: of the finding.
    pub fn button(&self, key: &str) -> Button {
        match self {
            Self::Form => Button::say("Fix", format!("hygiene fix {key}")),
            Self::Describe(repository) => Button::say("Describe", format!("hygiene describe {repository}")),
            Self::File(url) => Button::open("The file", url),
            Self::Entry(entity) => Button::say("The entry", format!("owner {entity}")),
        }
    }
}
