//! What a person did in chat, parsed at the door into one closed enum.
//! Must not hold anything of a platform's wire format.

/// The chat platforms, and the two doors of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    Slack,
    Discord,
    Playground,
    Terminal,
}

impl Platform {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Playground => "playground",
            Self::Terminal => "terminal",
        }
    }
}

/// One thing a person did, with who and where. A channel is a place, never an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub account: Account,
    /// Where it was said; `None` where the platform did not tell.
    pub place: Option<Place>,
    pub act: Act,
    /// The platform's own number of this act, the same each time it is delivered. What changes something claims it, so
    /// that nothing is done twice; `None` where the platform delivers once.
    pub delivery: Option<String>,
}

/// A platform's account, as the platform vouches for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Account {
    pub platform: Platform,
    /// `U0123` on Slack; the login typed by the person in the playground and on the terminal.
    pub id: String,
    /// The name the platform gave along, for display only.
    pub name: String,
}

/// A conversation on the platform of the account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// `C0123` on Slack.
    pub channel_id: String,
    pub channel_name: Option<String>,
}

/// The closed set of acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// `owner payments-api`: a command line without the leading slash or `/steward`.
    Say { line: String },
    /// Words in a mention or a direct message: a command line or a plain question.
    Ask { text: String },
    /// "Who owns this?" about somebody's message; all texts that it holds, blocks and attachments included.
    Inspect { texts: Vec<String> },
    /// The person opened the page that the platform keeps for them.
    Visit,
    /// A button was pressed; `line` is the command line it stands for.
    Press { line: String },
    /// One page of a form was sent. `values` are those of that page.
    Submit(Submission),
    /// The person went back a page; values of the page they left are kept.
    Back(Submission),
    /// Typeahead in a look-up field.
    Complete {
        form: String,
        /// What [`super::FormState::subject`] holds; empty where the platform does not give the form's state along.
        subject: String,
        field: String,
        typed: String,
    },
}

/// A form page as it came back. The state travels in the form, so any replica can go on after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The command whose form it is, `report`.
    pub form: String,
    /// Zero-based page that was shown.
    pub page: usize,
    /// What [`super::Form::state`] held: subject and answers of earlier pages.
    pub state: super::FormState,
    pub values: std::collections::BTreeMap<String, Value>,
}

/// A field's answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Value {
    Text(String),
    Many(Vec<String>),
}

impl Value {
    /// The one answer; the first of many, empty if none.
    pub fn as_text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Many(texts) => texts.first().map_or("", String::as_str),
        }
    }
}
