//! What Discord refuses of messages, modals and commands, by its documents:
//! <https://discord.com/developers/docs/resources/message>, <https://discord.com/developers/docs/components/reference>,
//! <https://discord.com/developers/docs/interactions/application-commands>.

use std::collections::BTreeSet;

use serde_json::Value;

/// As Discord may count: in UTF-16 units.
fn width(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.encode_utf16().count())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

struct Faults(Vec<String>);

impl Faults {
    fn unless(&mut self, holds: bool, what: impl Into<String>) {
        if !holds {
            self.0.push(what.into());
        }
    }

    fn text(&mut self, value: &Value, least: usize, most: usize, what: &str) {
        let is_blank = least > 0 && value.as_str().is_none_or(|text| text.trim().is_empty());
        self.unless(!is_blank && (least..=most).contains(&width(value)), format!("{what} is {} wide", width(value)));
    }
}

pub fn message_faults(message: &Value) -> Vec<String> {
    let mut faults = Faults(Vec::new());
    faults.text(&message["content"], 0, 2_000, "content");
    let embeds = list(&message["embeds"]);
    faults.unless(embeds.len() <= 10, format!("{} embeds", embeds.len()));
    let total: usize = embeds.iter().map(|embed| embed_width(embed, &mut faults)).sum();
    faults.unless(total <= 6_000, format!("embeds of {total} letters"));
    let has_words = message["content"].as_str().is_some_and(|text| !text.trim().is_empty());
    faults.unless(has_words || !embeds.is_empty(), "an empty message");
    faults.unless(message["allowed_mentions"]["parse"] == serde_json::json!([]), "somebody may be called");
    let flags = message["flags"].as_u64().unwrap_or_default();
    faults.unless(flags & !68 == 0, format!("flags {flags}"));
    rows(&message["components"], &mut faults);
    faults.0
}

fn embed_width(embed: &Value, faults: &mut Faults) -> usize {
    let mut total = 0;
    for (key, most) in [("title", 256), ("description", 4_096)] {
        if !embed[key].is_null() {
            faults.text(&embed[key], 1, most, key);
            total += width(&embed[key]);
        }
    }
    if !embed["footer"].is_null() {
        faults.text(&embed["footer"]["text"], 1, 2_048, "footer");
        total += width(&embed["footer"]["text"]);
    }
    let fields = list(&embed["fields"]);
    faults.unless(fields.len() <= 25, "too many fields");
    for field in fields {
        faults.text(&field["name"], 1, 256, "a field's name");
        faults.text(&field["value"], 1, 1_024, "a field's value");
        total += width(&field["name"]) + width(&field["value"]);
    }
    let shows = ["title", "description", "image", "footer"].iter().any(|key| !embed[*key].is_null()) || !fields.is_empty();
    faults.unless(shows, "an embed without anything");
    if !embed["image"].is_null() {
        faults.unless(is_address(&embed["image"]["url"]), "a picture without an address");
    }
    total
}

fn is_address(value: &Value) -> bool {
    value.as_str().is_some_and(|url| url.starts_with("http://") || url.starts_with("https://"))
}

fn rows(rows: &Value, faults: &mut Faults) {
    let rows = list(rows);
    faults.unless(rows.len() <= 5, format!("{} rows", rows.len()));
    let mut ids = BTreeSet::new();
    for row in rows {
        let parts = list(&row["components"]);
        faults.unless(row["type"] == 1 && !parts.is_empty(), "an empty row");
        let buttons = parts.iter().filter(|part| part["type"] == 2).count();
        faults.unless(buttons <= 5 && (buttons == parts.len() || parts.len() == 1), "a row of too much");
        for part in parts {
            component(part, faults);
            if let Some(id) = part["custom_id"].as_str() {
                faults.unless(ids.insert(id.to_owned()), format!("{id} twice"));
            }
        }
    }
}

fn component(part: &Value, faults: &mut Faults) {
    match part["type"].as_u64() {
        Some(2) => {
            faults.text(&part["label"], 1, 80, "a button's label");
            if part["style"] == 5 {
                faults.unless(part["custom_id"].is_null() && is_address(&part["url"]), "a link that is none");
                faults.text(&part["url"], 1, 512, "a link's address");
            } else {
                faults.unless(part["url"].is_null() && (1..=4).any(|style| part["style"] == style), "a button that is none");
                faults.text(&part["custom_id"], 1, 100, "a button's id");
            }
        }
        Some(3) => {
            faults.text(&part["custom_id"], 1, 100, "a menu's id");
            faults.text(&part["placeholder"], 0, 150, "a menu's placeholder");
            let options = list(&part["options"]);
            faults.unless((1..=25).contains(&options.len()), format!("{} options", options.len()));
            let (least, most) = (part["min_values"].as_u64().unwrap_or(1), part["max_values"].as_u64().unwrap_or(1));
            faults.unless(least <= most && most >= 1 && most <= options.len() as u64, "a menu of which so many cannot be chosen");
            let chosen = options.iter().filter(|option| option["default"] == true).count() as u64;
            faults.unless(chosen <= most, "more chosen than can be");
            let values: BTreeSet<&str> = options.iter().filter_map(|option| option["value"].as_str()).collect();
            faults.unless(values.len() == options.len(), "an option's value twice");
            for option in options {
                faults.text(&option["label"], 1, 100, "an option's label");
                faults.text(&option["value"], 1, 100, "an option's value");
                if !option["description"].is_null() {
                    faults.text(&option["description"], 1, 100, "an option's note");
                }
            }
        }
        other => faults.0.push(format!("a component of type {other:?} in a message")),
    }
}

pub fn modal_faults(modal: &Value) -> Vec<String> {
    let mut faults = Faults(Vec::new());
    faults.text(&modal["title"], 1, 45, "title");
    faults.text(&modal["custom_id"], 1, 100, "id");
    let rows = list(&modal["components"]);
    faults.unless((1..=5).contains(&rows.len()), format!("{} rows", rows.len()));
    let mut ids = BTreeSet::new();
    for row in rows {
        let [input] = list(&row["components"]) else {
            faults.0.push("a row of a modal has one input".to_owned());
            continue;
        };
        faults.unless(input["type"] == 4 && (input["style"] == 1 || input["style"] == 2), "no text input");
        faults.text(&input["custom_id"], 1, 100, "an input's id");
        faults.unless(ids.insert(input["custom_id"].to_string()), "an input twice");
        faults.text(&input["label"], 1, 45, "an input's label");
        faults.text(&input["placeholder"], 0, 100, "an input's placeholder");
        let most = input["max_length"].as_u64().unwrap_or(4_000);
        faults.unless((1..=4_000).contains(&most), "max_length");
        faults.text(&input["value"], 0, usize::try_from(most).unwrap(), "what is written already");
    }
    faults.0
}

pub fn command_faults(commands: &Value) -> Vec<String> {
    let mut faults = Faults(Vec::new());
    let commands = list(commands);
    faults.unless(!commands.is_empty() && commands.len() <= 100, format!("{} commands", commands.len()));
    let is_name = |name: &str| {
        let fits = |letter: char| letter.is_lowercase() || letter.is_ascii_digit() || letter == '-' || letter == '_';
        !name.is_empty() && name.chars().count() <= 32 && name.chars().all(fits)
    };
    let names: BTreeSet<String> = commands.iter().map(|command| format!("{} {}", command["type"], command["name"])).collect();
    faults.unless(names.len() == commands.len(), "a name twice");
    for command in commands {
        let name = command["name"].as_str().unwrap_or_default();
        if command["type"] == 3 {
            faults.text(&command["name"], 1, 32, name);
            faults.unless(command["description"] == "" && list(&command["options"]).is_empty(), "a menu entry has no more");
            continue;
        }
        faults.unless(is_name(name), format!("the name {name}"));
        faults.text(&command["description"], 1, 100, name);
        let options = list(&command["options"]);
        faults.unless(options.len() <= 25, format!("{name}: {} options", options.len()));
        let first_optional = options.iter().position(|option| option["required"] != true).unwrap_or(options.len());
        let is_ordered = options[first_optional..].iter().all(|option| option["required"] != true);
        faults.unless(is_ordered, format!("{name}: what is required comes first"));
        for option in options {
            let of = format!("{name} {}", option["name"]);
            faults.unless(is_name(option["name"].as_str().unwrap_or_default()), of.clone());
            faults.text(&option["description"], 1, 100, &of);
            let choices = list(&option["choices"]);
            faults.unless(choices.len() <= 25, format!("{of}: choices"));
            faults.unless(choices.is_empty() || option["autocomplete"] != true, format!("{of}: choices and completion"));
            for choice in choices {
                faults.text(&choice["name"], 1, 100, &of);
                faults.text(&choice["value"], 1, 100, &of);
            }
        }
    }
    faults.0
}

/// Whatever a message says, in one text.
pub fn words(message: &Value) -> String {
    let mut words = vec![message["content"].as_str().unwrap_or_default().to_owned()];
    for embed in list(&message["embeds"]) {
        let fields = list(&embed["fields"]).iter().flat_map(|field| [&field["name"], &field["value"]]);
        let parts = [&embed["title"], &embed["description"]].into_iter().chain(fields).chain([&embed["footer"]["text"]]);
        words.extend(parts.filter_map(Value::as_str).map(str::to_owned));
    }
    words.join("\n")
}

/// The buttons and menus of a message, in order.
pub fn parts(message: &Value) -> Vec<Value> {
    list(&message["components"]).iter().flat_map(|row| list(&row["components"]).to_vec()).collect()
}

/// The button with this label.
pub fn button(message: &Value, label: &str) -> Value {
    let found = parts(message).into_iter().find(|part| part["label"] == label);
    found.unwrap_or_else(|| panic!("no button {label} in {message:#}"))
}
