//! What mends a finding: which value is missing, how an answer is read, and what it changes in a descriptor.
//! Must not know how a form is drawn.

pub mod first;
pub mod owners;
pub mod propose;
mod way;

pub use way::Way;

use super::{check::Check, edit::Change};
use crate::{
    catalog::{
        Entity, EntityRef, Kind,
        descriptor::{DOCS_ANNOTATION, RUNBOOK_ANNOTATION},
        live::OnCall,
    },
    store::FixedValue,
};

/// The day on which its owners said that an entry is right.
pub const VERIFIED: &str = "steward.dev/verified";

/// Where a group is reached.
pub const CHANNEL: &str = "steward.dev/channel";

/// Longer ones belong into the documents.
const LONGEST: usize = 500;

/// Whether it is settled by somebody's word that it is still right.
pub fn is_settled_by_a_word(check: &Check) -> bool {
    matches!(check.id, "runbook-old" | "untouched")
}

/// A value that a form asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blank {
    Owner,
    Lifecycle,
    Type,
    Description,
    System,
    Runbook,
    OnCall,
    Docs,
    Channel,
    /// Somebody has looked and found it right.
    Verified,
}

impl Blank {
    const ALL: [Self; 10] = [
        Self::Owner,
        Self::Lifecycle,
        Self::Type,
        Self::Description,
        Self::System,
        Self::Runbook,
        Self::OnCall,
        Self::Docs,
        Self::Channel,
        Self::Verified,
    ];

    /// What mends what this check finds; `None`: no form can.
    pub fn of(check: &Check) -> Option<Self> {
        Some(match check.id {
            "owner-missing" | "owner-unknown" | "owner-left" | "owner-empty" | "owner-not-found" | "owner-denied" => Self::Owner,
            "lifecycle-missing" | "lifecycle-unknown" | "archived-production" => Self::Lifecycle,
            "type-unknown" => Self::Type,
            "description-missing" => Self::Description,
            "system-missing" | "orphan" => Self::System,
            "runbook-missing" | "runbook-not-found" | "runbook-old" => Self::Runbook,
            "on-call-missing" | "on-call-not-found" => Self::OnCall,
            "docs-missing" | "docs-not-found" => Self::Docs,
            "team-without-channel" => Self::Channel,
            "untouched" => Self::Verified,
            _ => return None,
        })
    }

    /// The word by which a form calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Lifecycle => "lifecycle",
            Self::Type => "type",
            Self::Description => "description",
            Self::System => "system",
            Self::Runbook => "runbook",
            Self::OnCall => "on-call",
            Self::Docs => "docs",
            Self::Channel => "channel",
            Self::Verified => "verified",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|blank| blank.as_str() == word)
    }

    /// Whether one answer fits many entries; the others are a matter of each.
    pub fn is_shared(self) -> bool {
        match self {
            Self::Owner | Self::Lifecycle | Self::Type | Self::System | Self::Docs | Self::Channel | Self::Verified => true,
            Self::Description | Self::Runbook | Self::OnCall => false,
        }
    }

    /// Where it is written; `None`: nothing is set up that could be named.
    pub fn change(self, value: &str, on_call: &OnCall) -> Option<Change> {
        Some(match self {
            Self::Owner => Change::new(["spec", "owner"], value),
            Self::Lifecycle => Change::new(["spec", "lifecycle"], value),
            Self::Type => Change::new(["spec", "type"], value),
            Self::Description => Change::new(["metadata", "description"], value),
            Self::System => Change::new(["spec", "system"], value),
            Self::Runbook => Change::annotate(RUNBOOK_ANNOTATION, value),
            Self::OnCall => Change::annotate(on_call_annotation(on_call)?, value),
            Self::Docs => Change::annotate(DOCS_ANNOTATION, value),
            Self::Channel => Change::annotate(CHANNEL, value),
            Self::Verified => Change::annotate(VERIFIED, value),
        })
    }

    /// An answer that is no reference, as it is written; `Err` says what to write instead.
    pub fn read(self, answer: &str) -> Result<String, String> {
        let text = answer.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.chars().count() > LONGEST {
            return Err(format!("At most {LONGEST} characters, please."));
        }
        match self {
            Self::Runbook if text.contains(' ') => {
                Err("Write a path in the repository, docs/runbook.md, or an address, https://….".to_owned())
            }
            Self::Runbook if text.contains("://") && !text.starts_with("https://") && !text.starts_with("http://") => {
                Err("Write an address that begins with https://, or a path in the repository.".to_owned())
            }
            Self::Docs if !text.starts_with("dir:") && !text.starts_with("url:") => {
                Err("Write dir: and a folder, as in dir:. for the one with mkdocs.yml, or url: and an address.".to_owned())
            }
            Self::OnCall if text.contains(' ') => Err("Write its id alone, without spaces.".to_owned()),
            Self::Verified if text.parse::<chrono::NaiveDate>().is_err() => Err("Write a day as in 2026-11-24.".to_owned()),
            Self::Channel if text.contains(' ') => Err("Write one channel, as in #team-payments.".to_owned()),
            _ => Ok(text),
        }
    }
}

/// The annotation that names a schedule, of the provider that is set up.
pub fn on_call_annotation(on_call: &OnCall) -> Option<&str> {
    on_call.providers.iter().find_map(|provider| provider.annotations.first()).map(String::as_str)
}

/// A reference as short as the entity's own file may write it: what is left out is what a reader would fill in.
pub fn written_ref(entity: &Entity, target: &EntityRef, usual: &Kind) -> String {
    let is_usual = target.kind().eq_ignore_ascii_case(usual.as_str());
    match (is_usual, target.namespace() == entity.entity_ref.namespace()) {
        (true, true) => target.name().to_owned(),
        (false, true) => format!("{}:{}", target.kind(), target.name()),
        (_, false) => target.to_string(),
    }
}

impl From<&FixedValue> for Change {
    fn from(value: &FixedValue) -> Self {
        Self { path: value.path.clone(), value: value.value.clone() }
    }
}

impl From<Change> for FixedValue {
    fn from(change: Change) -> Self {
        Self { path: change.path, value: change.value }
    }
}
