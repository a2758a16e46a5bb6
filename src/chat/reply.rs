//! One neutral reply; every door projects it by exhaustive destructuring, so a new field breaks the build
//! there until someone decides how it is shown. Must not know any platform.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Choice, Form, Text};

/// What a door shows after an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    Reply(Reply),
    /// Opens the form, or replaces the page that is shown; fields may carry errors.
    Form(Box<Form>),
    /// Options of a look-up field, best first.
    Choices(Vec<Choice>),
}

/// An answer. References are in the order shown; the first is the best.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    pub status: Status,
    /// The command that answered, `owner`; empty where none was understood.
    pub command: String,
    pub refs: Vec<String>,
    pub audience: Audience,
    /// One line that says it all: the notification, the fallback, what a screen reader reads first.
    pub lead: Text,
    pub cards: Vec<Card>,
    /// Below all cards.
    pub buttons: Vec<Button>,
    pub provenance: Option<Provenance>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    Answered,
    Ambiguous,
    NotFound,
    Refused,
    Error,
}

impl Status {
    /// The word of the contract, `not_found`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Ambiguous => "ambiguous",
            Self::NotFound => "not_found",
            Self::Refused => "refused",
            Self::Error => "error",
        }
    }
}

/// Who sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    Asker,
    Everyone,
}

/// Where an answer was read and how fresh that is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// `acme/payments-api@3f2c1ab`; "the catalog" for answers over many entities.
    pub read_from: String,
    pub url: Option<String>,
    /// When the source was last read with success; `None`: never.
    pub synced_at: Option<DateTime<Utc>>,
    /// "synced 3 min ago".
    pub age: String,
    pub freshness: Freshness,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Freshness {
    Fresh,
    /// Older than the source's schedule allows, or read while the database is away: said loudly.
    Stale,
}

/// A block of related facts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Card {
    pub tone: Tone,
    /// May be empty where the lead line says it already.
    pub title: Text,
    /// Short facts in two columns, at most [`super::limits::CARD_FIELDS`]; a longer one belongs in `body`.
    pub fields: Vec<Fact>,
    pub body: Vec<Block>,
    pub buttons: Vec<Button>,
    /// Small print.
    pub footer: Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Tone {
    #[default]
    Neutral,
    Good,
    Warning,
    Critical,
}

impl Tone {
    /// The title with the mark of its tone; a tone without a title is said in a word, for those who cannot see the mark.
    pub fn heading(self, title: &Text) -> Option<Text> {
        let (mark, word) = match self {
            Self::Neutral if title.is_empty() => return None,
            Self::Neutral => return Some(title.clone()),
            Self::Good => ("✅ ", "All well"),
            Self::Warning => ("⚠️ ", "Warning"),
            Self::Critical => ("🚨 ", "Critical"),
        };
        let words = if title.is_empty() { Text::plain(word) } else { title.clone() };
        Some(Text::plain(mark).join(words))
    }
}

/// A name and what is so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub name: String,
    pub value: Text,
}

impl Fact {
    pub fn new(name: impl Into<String>, value: Text) -> Self {
        Self { name: name.into(), value }
    }
}

/// Longer content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Block {
    Heading(Text),
    Paragraph(Text),
    Quote(Text),
    /// Literal, copyable.
    Code {
        language: Option<String>,
        text: String,
    },
    List {
        style: ListStyle,
        items: Vec<ListItem>,
    },
    Table {
        header: Vec<Text>,
        rows: Vec<Vec<Text>>,
    },
    /// Something the reader must not miss.
    Warning(Text),
    /// A PNG at an address; `says` is what it shows, for whoever does not see it.
    Picture {
        url: String,
        says: String,
    },
    Divider,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ListStyle {
    Bullets,
    Numbers { start: u64 },
}

/// One item; `depth` 0 is the outermost level, whose marks are the list's; deeper ones have bullets. `checked` is set on task lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListItem {
    pub depth: u8,
    pub checked: Option<bool>,
    pub text: Text,
}

impl ListItem {
    pub fn new(text: Text) -> Self {
        Self { depth: 0, checked: None, text }
    }
}

/// Something to press. What it does is a command line, so a button needs no memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    pub label: String,
    pub does: Does,
    pub weight: Weight,
    /// Asked before it is done.
    pub confirm: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Does {
    /// The same as typing this line, `owner component:default/payments-api`.
    Say(String),
    /// Opens an address.
    Open(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Weight {
    Normal,
    Primary,
    Danger,
}

impl Button {
    pub fn say(label: impl Into<String>, line: impl Into<String>) -> Self {
        Self { label: label.into(), does: Does::Say(line.into()), weight: Weight::Normal, confirm: None }
    }

    pub fn open(label: impl Into<String>, url: impl Into<String>) -> Self {
        Self { label: label.into(), does: Does::Open(url.into()), weight: Weight::Normal, confirm: None }
    }

    #[must_use]
    pub fn primary(mut self) -> Self {
        self.weight = Weight::Primary;
        self
    }

    #[must_use]
    pub fn confirm(mut self, question: impl Into<String>) -> Self {
        self.confirm = Some(question.into());
        self
    }
}

impl Reply {
    /// An answer with only its lead line.
    pub fn new(status: Status, command: &str, lead: Text) -> Self {
        Self {
            status,
            command: command.to_owned(),
            refs: Vec::new(),
            audience: Audience::Asker,
            lead,
            cards: Vec::new(),
            buttons: Vec::new(),
            provenance: None,
        }
    }

    /// The same without pictures, for a chat that cannot fetch them; `None` where there are none.
    pub fn without_pictures(&self) -> Option<Self> {
        let is_picture = |block: &Block| matches!(block, Block::Picture { .. });
        if !self.cards.iter().any(|card| card.body.iter().any(is_picture)) {
            return None;
        }
        let mut plain = self.clone();
        for card in &mut plain.cards {
            card.body.retain(|block| !is_picture(block));
        }
        Some(plain)
    }

    /// A fault that the person can understand and act on.
    pub fn fault(command: &str, error: &crate::error::UserError) -> Self {
        Self::new(Status::Error, command, Text::plain(error.to_string()))
    }
}
