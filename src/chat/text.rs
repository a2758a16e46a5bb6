//! Text as spans: what is said, not how a platform writes it.
//! Must not escape anything: each door does, once, so nothing from the catalog can become markup.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A run of spans on one or more lines.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Text(pub Vec<Span>);

/// One piece of text. Strings are literal: `<!channel>` in them is shown, never obeyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Span {
    Plain(String),
    Bold(String),
    Italic(String),
    Strike(String),
    Code(String),
    /// `url` is http(s) or mailto; a door shows other schemes as plain text.
    Link {
        label: String,
        url: String,
    },
    Person(Person),
    Channel(Channel),
    /// An instant, shown in the reader's own time zone where the platform can.
    Time(DateTime<Utc>),
    LineBreak,
}

/// Somebody, with the ids by which platforms can mention them without a notification going astray.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub name: String,
    pub slack_id: Option<String>,
    pub discord_id: Option<String>,
}

/// Where a team is reached. At least `name` is shown; ids make it a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// `#team-payments`, or the id where no name is known.
    pub name: String,
    pub slack_id: Option<String>,
    pub discord_id: Option<String>,
}

impl Text {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn plain(text: impl Into<String>) -> Self {
        Self(vec![Span::Plain(text.into())])
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn push(mut self, span: Span) -> Self {
        self.0.push(span);
        self
    }

    #[must_use]
    pub fn say(self, text: impl Into<String>) -> Self {
        self.push(Span::Plain(text.into()))
    }

    #[must_use]
    pub fn bold(self, text: impl Into<String>) -> Self {
        self.push(Span::Bold(text.into()))
    }

    #[must_use]
    pub fn italic(self, text: impl Into<String>) -> Self {
        self.push(Span::Italic(text.into()))
    }

    #[must_use]
    pub fn code(self, text: impl Into<String>) -> Self {
        self.push(Span::Code(text.into()))
    }

    #[must_use]
    pub fn link(self, label: impl Into<String>, url: impl Into<String>) -> Self {
        self.push(Span::Link { label: label.into(), url: url.into() })
    }

    #[must_use]
    pub fn line(self) -> Self {
        self.push(Span::LineBreak)
    }

    #[must_use]
    pub fn join(mut self, other: Text) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Joins texts with a separator between them.
    pub fn list(texts: impl IntoIterator<Item = Text>, separator: &str) -> Self {
        let mut all = Text::new();
        for (index, text) in texts.into_iter().enumerate() {
            if index > 0 {
                all = all.say(separator);
            }
            all = all.join(text);
        }
        all
    }

    /// The words alone: for notifications, logs of tests and search.
    pub fn to_plain(&self) -> String {
        let mut out = String::new();
        for span in &self.0 {
            match span {
                Span::Plain(text) | Span::Bold(text) | Span::Italic(text) | Span::Strike(text) | Span::Code(text) => {
                    out.push_str(text)
                }
                Span::Link { label, .. } => out.push_str(label),
                Span::Person(person) => out.push_str(&person.name),
                Span::Channel(channel) => out.push_str(&channel.name),
                Span::Time(at) => out.push_str(&at.format("%Y-%m-%d %H:%M UTC").to_string()),
                Span::LineBreak => out.push('\n'),
            }
        }
        out
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::plain(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::plain(text)
    }
}
