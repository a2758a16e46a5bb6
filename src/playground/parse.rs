//! Posted fields to a chat request. Must not trust anything but their shape.

use std::collections::BTreeMap;

use crate::{
    catalog::{Catalog, Kind},
    chat::{Account, Act, FormState, Place, Platform, Request, Submission, Value, limits},
};

use super::channel_of;

/// The account of somebody the catalog does not know.
pub const GUEST: &str = "guest";

/// Longer account ids are cut: an id becomes a channel's name.
const ACCOUNT_ID: usize = 64;

/// A form as the browser sent it, in its order; names may repeat.
#[derive(Debug, Clone, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded`; what is not UTF-8 is replaced.
    pub fn parse(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    /// A single field.
    pub fn one(name: &str, value: &str) -> Self {
        Self(vec![(name.to_owned(), value.to_owned())])
    }

    /// The first value of this name, empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// Who is acting: the login that the person chose on the page, with the catalog's name for it where it has one.
pub fn parse_account(fields: &Fields, catalog: &Catalog) -> Account {
    let typed = fields.text("as").trim();
    let id = if typed.is_empty() { GUEST.to_owned() } else { limits::cut(typed, ACCOUNT_ID) };
    let user = catalog.entries().iter().map(|entry| &entry.entity);
    let mut user = user.filter(|entity| entity.kind == Kind::User && entity.entity_ref.name() == id.to_lowercase());
    let name = match user.next() {
        Some(entity) => entity.label().to_owned(),
        None if id == GUEST => "Guest".to_owned(),
        None => id.clone(),
    };
    Account { platform: Platform::Playground, id, name }
}

/// An act of an account in its own conversation with Steward.
pub fn request(account: Account, act: Act) -> Request {
    let place = Place { channel_id: channel_of(&account.id), channel_name: None };
    Request { account, place: Some(place), act, delivery: None }
}

/// A command line as the model has it: no slash, no `/steward`.
pub fn parse_line(typed: &str) -> String {
    let line = typed.trim();
    let line = line.strip_prefix('/').unwrap_or(line);
    match line.strip_prefix("steward") {
        Some("") => "help".to_owned(),
        Some(rest) if rest.starts_with(char::is_whitespace) => rest.trim_start().to_owned(),
        Some(_) | None => line.to_owned(),
    }
}

/// A page of a form as it came back; `None` where the form's own hidden fields are missing or broken.
pub fn parse_submission(fields: &Fields) -> Option<Submission> {
    let form = fields.text("form").to_owned();
    let page = fields.text("page").parse().ok()?;
    let state: FormState = serde_json::from_str(fields.text("state")).ok()?;
    let mut values = BTreeMap::new();
    for (name, value) in &fields.0 {
        if name == "list" {
            // No box ticked sends no field at all; this says that the question was there.
            values.entry(value.clone()).or_insert_with(|| Value::Many(Vec::new()));
        } else if let Some(name) = name.strip_prefix("one.") {
            // Browsers send every line break of a text area as CR LF.
            values.insert(name.to_owned(), Value::Text(value.replace("\r\n", "\n")));
        } else if let Some(name) = name.strip_prefix("many.") {
            match values.entry(name.to_owned()).or_insert_with(|| Value::Many(Vec::new())) {
                Value::Many(all) => all.push(value.clone()),
                Value::Text(_) => return None,
            }
        }
    }
    (!form.is_empty()).then_some(Submission { form, page, state, values })
}
