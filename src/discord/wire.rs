//! Messages, components and modals as Discord's API takes them. Must not know what they say.
//!
//! Small structs of our own rather than serenity's builders: they can be compared, and are built without its code.
//! <https://discord.com/developers/docs/resources/message>, <https://discord.com/developers/docs/components/reference>.

use serde::Serialize;

/// Seen by whoever acted, and by nobody else.
pub const EPHEMERAL: u64 = 1 << 6;

/// A message, whole: what is left out would keep what an edited one had.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DiscordMessage {
    pub content: String,
    pub embeds: Vec<Embed>,
    pub components: Vec<Row>,
    pub allowed_mentions: AllowedMentions,
    /// [`EPHEMERAL`], or none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<u64>,
}

/// Nobody is ever called by what the catalog says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct AllowedMentions {
    /// Always empty: no kind of mention is obeyed.
    pub parse: [&'static str; 0],
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Embed {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<EmbedField>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<Footer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EmbedField {
    pub name: String,
    pub value: String,
    pub inline: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Image {
    pub url: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Footer {
    pub text: String,
}

/// An action row: up to five buttons, one select, or one text input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    #[serde(rename = "type")]
    kind: u8,
    pub components: Vec<Component>,
}

impl Row {
    pub fn new(components: Vec<Component>) -> Self {
        Self { kind: 1, components }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Component {
    Button(ButtonPart),
    Select(SelectPart),
    Input(InputPart),
}

/// <https://discord.com/developers/docs/components/reference#button-button-styles>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Primary,
    Secondary,
    Danger,
    Link,
}

impl Serialize for Style {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(match self {
            Self::Primary => 1,
            Self::Secondary => 2,
            Self::Danger => 4,
            Self::Link => 5,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ButtonPart {
    #[serde(rename = "type")]
    kind: u8,
    pub style: Style,
    pub label: String,
    /// What a press brings back; a link has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl ButtonPart {
    pub fn press(label: impl Into<String>, style: Style, custom_id: impl Into<String>) -> Self {
        Self { kind: 2, style, label: label.into(), custom_id: Some(custom_id.into()), url: None }
    }

    pub fn link(label: impl Into<String>, url: impl Into<String>) -> Self {
        Self { kind: 2, style: Style::Link, label: label.into(), custom_id: None, url: Some(url.into()) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SelectPart {
    #[serde(rename = "type")]
    kind: u8,
    pub custom_id: String,
    pub options: Vec<SelectOption>,
    pub placeholder: String,
    pub min_values: usize,
    pub max_values: usize,
}

impl SelectPart {
    pub fn new(custom_id: String, placeholder: String, options: Vec<SelectOption>, max_values: usize) -> Self {
        // None may be chosen, so that a choice can be taken back; whether one is needed is the command's to say.
        Self { kind: 3, custom_id, options, placeholder, min_values: 0, max_values }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SelectOption {
    pub label: String,
    pub value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(rename = "default")]
    pub is_chosen: bool,
}

/// A text input of a modal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputPart {
    #[serde(rename = "type")]
    kind: u8,
    pub custom_id: String,
    /// 1 for a line, 2 for a paragraph.
    pub style: u8,
    pub label: String,
    pub required: bool,
    pub max_length: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Whether an input takes several lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    One,
    Many,
}

impl InputPart {
    pub fn new(custom_id: String, lines: Lines, label: String, max_length: usize) -> Self {
        let style = match lines {
            Lines::One => 1,
            Lines::Many => 2,
        };
        Self { kind: 4, custom_id, style, label, required: false, max_length, placeholder: None, value: None }
    }
}

/// A window with text inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Modal {
    pub custom_id: String,
    pub title: String,
    pub components: Vec<Row>,
}
