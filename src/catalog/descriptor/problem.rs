//! What is wrong with a descriptor, said so that its author can put it right without looking anything up.
//! Must not decide what is wrong: that is `yaml`, `check` and `relations`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::node::Mark;

/// One fault of a descriptor.
///
/// Its `Display` is one sentence: what is wrong, then what to write instead. Where it is stands in the fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What is wrong, naming the key; no full stop at the end.
    pub message: String,
    /// In the file, from 1.
    pub line: usize,
    /// In the line, from 1; counts characters.
    pub column: usize,
    /// The path of the key, `metadata.name` or `spec.dependsOn[2]`; none where the fault is the document's.
    pub key: Option<String>,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Problem {
    pub(super) fn at(mark: Mark, message: impl Into<String>) -> Self {
        Self { message: message.into(), line: mark.line, column: mark.column, key: None, hint: None }
    }

    pub(super) fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// Cuts a value that is quoted in a message, which is read in a chat.
pub(super) fn shorten(text: &str) -> String {
    /// A name may have 63 characters; what is longer is wrong for that alone.
    const LONGEST_QUOTE: usize = 80;
    let line = text.lines().next().unwrap_or_default();
    let cut: String = line.chars().take(LONGEST_QUOTE).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}
