//! Faults, split by audience: [`UserError`] is read by the person who asked, the log gets the chain.
//! Nothing here knows how either is shown.

use std::fmt;

/// What a person is told when something did not work: what happened, what is still true, what to do.
///
/// Each part is one sentence without a final line break. `what` is never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserError {
    pub what: String,
    pub kept: Option<String>,
    pub next: Option<String>,
}

impl UserError {
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), kept: None, next: None }
    }

    /// What was not lost.
    pub fn kept(mut self, kept: impl Into<String>) -> Self {
        self.kept = Some(kept.into());
        self
    }

    /// What the person can do now.
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        for part in [&self.kept, &self.next].into_iter().flatten() {
            write!(f, " {part}")?;
        }
        Ok(())
    }
}

impl std::error::Error for UserError {}

/// An error and its causes in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}
