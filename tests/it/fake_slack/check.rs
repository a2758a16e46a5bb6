//! What Slack accepts, written from its documents and not from our constants, so that a slip there is seen here.
//! <https://docs.slack.dev/reference/block-kit>

use std::collections::BTreeSet;

use serde_json::Value;

/// Faults of a message's JSON; none if Slack would take it.
pub fn message_faults(message: &Value) -> Vec<String> {
    let mut faults = Faults::default();
    faults.text("text", message["text"].as_str(), 1, 40_000);
    let blocks = message["blocks"].as_array().map(Vec::as_slice).unwrap_or_default();
    faults.between("blocks", blocks.len(), 1, 50);
    faults.blocks(blocks);
    if faults.all_text > 13_200 {
        faults.say(format!("msg_blocks_too_long: {}", faults.all_text));
    }
    faults.found
}

/// Faults of a list of blocks.
pub fn blocks_faults(blocks: &Value, most: usize) -> Vec<String> {
    let mut faults = Faults::default();
    let blocks = blocks.as_array().map(Vec::as_slice).unwrap_or_default();
    faults.between("blocks", blocks.len(), 1, most);
    faults.blocks(blocks);
    faults.found
}

/// Faults of a modal view's JSON.
pub fn view_faults(view: &Value) -> Vec<String> {
    let mut faults = Faults::default();
    if view["type"] != "modal" {
        faults.say("a view that is no modal");
    }
    faults.plain("title", &view["title"], 24);
    for (name, most) in [("submit", 24), ("close", 24)] {
        if !view[name].is_null() {
            faults.plain(name, &view[name], most);
        }
    }
    if let Some(metadata) = view["private_metadata"].as_str().filter(|metadata| metadata.len() > 3_000) {
        faults.say(format!("private_metadata of {}", metadata.len()));
    }
    faults.text("callback_id", view["callback_id"].as_str().or(Some("-")), 1, 255);
    let blocks = view["blocks"].as_array().map(Vec::as_slice).unwrap_or_default();
    faults.between("blocks", blocks.len(), 0, 100);
    faults.blocks(blocks);
    if blocks.iter().any(|block| block["type"] == "input") && view["submit"].is_null() {
        faults.say("inputs without a submit");
    }
    if view.to_string().len() > 250_000 {
        faults.say("view_too_large");
    }
    faults.found
}

/// Faults of a home page's JSON.
pub fn home_faults(view: &Value) -> Vec<String> {
    let mut faults = Faults::default();
    let fields = view.as_object().cloned().unwrap_or_default();
    for key in fields.keys() {
        if !["type", "blocks", "private_metadata", "callback_id", "external_id"].contains(&key.as_str()) {
            faults.say(format!("a home page with {key}"));
        }
    }
    if view["type"] != "home" {
        faults.say("a view that is no home page");
    }
    let blocks = view["blocks"].as_array().map(Vec::as_slice).unwrap_or_default();
    faults.between("blocks", blocks.len(), 1, 100);
    faults.blocks(blocks);
    faults.found
}

/// Faults of the options answered to typeahead.
pub fn options_faults(answer: &Value) -> Vec<String> {
    let mut faults = Faults::default();
    let options = answer["options"].as_array().map(Vec::as_slice).unwrap_or_default();
    faults.between("options", options.len(), 0, 100);
    options.iter().for_each(|option| faults.option(option));
    faults.found
}

#[derive(Default)]
struct Faults {
    found: Vec<String>,
    block_ids: BTreeSet<String>,
    all_text: usize,
}

/// The length as Slack may count it at worst.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

impl Faults {
    fn say(&mut self, fault: impl Into<String>) {
        self.found.push(fault.into());
    }

    fn between(&mut self, what: &str, count: usize, least: usize, most: usize) {
        if !(least..=most).contains(&count) {
            self.say(format!("{what}: {count}, not {least} to {most}"));
        }
    }

    fn text(&mut self, what: &str, text: Option<&str>, least: usize, most: usize) {
        match text {
            Some(text) => self.between(&format!("length of {what}"), length(text), least, most),
            None => self.say(format!("{what} is no text")),
        }
    }

    fn plain(&mut self, what: &str, object: &Value, most: usize) {
        if object["type"] != "plain_text" {
            self.say(format!("{what} is no plain_text"));
        }
        self.object(what, object, most);
    }

    fn object(&mut self, what: &str, object: &Value, most: usize) {
        if object["type"] != "plain_text" && object["type"] != "mrkdwn" {
            self.say(format!("{what} is no text object"));
        }
        if object["type"] == "mrkdwn" && !object["emoji"].is_null() {
            self.say(format!("{what}: emoji is for plain_text"));
        }
        self.text(what, object["text"].as_str(), 1, most);
        self.all_text += length(object["text"].as_str().unwrap_or_default());
    }

    fn blocks(&mut self, blocks: &[Value]) {
        for block in blocks {
            if let Some(id) = block["block_id"].as_str() {
                self.text("block_id", Some(id), 1, 255);
                if !self.block_ids.insert(id.to_owned()) {
                    self.say(format!("block_id {id} twice"));
                }
            }
            self.block(block);
        }
    }

    fn block(&mut self, block: &Value) {
        let list = |name: &str| block[name].as_array().cloned().unwrap_or_default();
        match block["type"].as_str().unwrap_or_default() {
            "divider" => {}
            "header" => self.plain("header", &block["text"], 150),
            "section" => {
                if !block["text"].is_null() {
                    self.object("section", &block["text"], 3_000);
                }
                if !block["fields"].is_null() {
                    self.between("fields", list("fields").len(), 1, 10);
                    list("fields").iter().for_each(|field| self.object("field", field, 2_000));
                }
                if block["text"].is_null() && block["fields"].is_null() {
                    self.say("a section with nothing");
                }
            }
            "context" => {
                self.between("context elements", list("elements").len(), 1, 10);
                list("elements").iter().for_each(|element| self.object("context", element, 3_000));
            }
            "actions" => self.actions(&list("elements")),
            "rich_text" => {
                self.between("rich_text elements", list("elements").len(), 1, usize::MAX);
                let before = self.all_text;
                list("elements").iter().for_each(|element| self.rich(element));
                self.between("rich_text", self.all_text - before, 0, 3_000);
            }
            "input" => self.input(block),
            other => self.say(format!("block type {other:?}")),
        }
    }

    fn actions(&mut self, elements: &[Value]) {
        self.between("elements", elements.len(), 1, 25);
        let mut ids = BTreeSet::new();
        for element in elements {
            if element["type"] != "button" {
                self.say(format!("{} in actions", element["type"]));
            }
            self.text("action_id", element["action_id"].as_str(), 1, 255);
            if !ids.insert(element["action_id"].to_string()) {
                self.say(format!("action_id {} twice", element["action_id"]));
            }
            self.plain("button", &element["text"], 75);
            if !element["value"].is_null() {
                self.text("value", element["value"].as_str(), 1, 2_000);
            }
            if let Some(url) = element["url"].as_str() {
                self.text("url", Some(url), 8, 3_000);
                if !url.starts_with("https://") && !url.starts_with("http://") {
                    self.say(format!("a button to {url}"));
                }
            }
            if !element["confirm"].is_null() {
                for (name, most) in [("title", 100), ("confirm", 30), ("deny", 30)] {
                    self.plain(name, &element["confirm"][name], most);
                }
                self.object("confirm text", &element["confirm"]["text"], 300);
            }
        }
    }

    fn rich(&mut self, element: &Value) {
        let inner = element["elements"].as_array().cloned().unwrap_or_default();
        self.between("rich elements", inner.len(), 1, usize::MAX);
        match element["type"].as_str().unwrap_or_default() {
            "rich_text_list" => {
                self.between("indent", element["indent"].as_u64().unwrap_or(0) as usize, 0, 8);
                inner.iter().for_each(|item| self.rich(item));
            }
            "rich_text_section" | "rich_text_quote" => inner.iter().for_each(|inline| self.inline(inline)),
            "rich_text_preformatted" => {
                for inline in &inner {
                    if inline["type"] != "text" && inline["type"] != "link" {
                        self.say(format!("{} in preformatted text", inline["type"]));
                    }
                    self.inline(inline);
                }
            }
            other => self.say(format!("rich text element {other:?}")),
        }
    }

    fn inline(&mut self, inline: &Value) {
        match inline["type"].as_str().unwrap_or_default() {
            "text" => self.text("run", inline["text"].as_str(), 1, 3_000),
            "link" => {
                let url = inline["url"].as_str().unwrap_or_default();
                if !["https://", "http://", "mailto:"].iter().any(|scheme| url.starts_with(scheme)) {
                    self.say(format!("a link to {url}"));
                }
                self.text("link text", inline["text"].as_str(), 1, 3_000);
                self.all_text += length(url);
            }
            "user" => self.id(&inline["user_id"]),
            "channel" => self.id(&inline["channel_id"]),
            "date" => {
                if inline["timestamp"].as_i64().is_none() {
                    self.say("a date without a time");
                }
                self.text("date format", inline["format"].as_str(), 1, 200);
            }
            other => self.say(format!("inline element {other:?}")),
        }
        self.all_text += length(inline["text"].as_str().unwrap_or_default());
    }

    fn id(&mut self, id: &Value) {
        let id = id.as_str().unwrap_or_default();
        if id.len() < 3 || !id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
            self.say(format!("id {id:?}"));
        }
    }

    fn option(&mut self, option: &Value) {
        self.object("option", &option["text"], 75);
        self.text("option value", option["value"].as_str(), 1, 150);
        if !option["description"].is_null() {
            self.plain("option description", &option["description"], 75);
        }
    }

    fn input(&mut self, block: &Value) {
        self.plain("label", &block["label"], 2_000);
        if !block["hint"].is_null() {
            self.plain("hint", &block["hint"], 2_000);
        }
        let element = &block["element"];
        self.text("action_id", element["action_id"].as_str(), 1, 255);
        if !element["placeholder"].is_null() {
            self.plain("placeholder", &element["placeholder"], 150);
        }
        match element["type"].as_str().unwrap_or_default() {
            "plain_text_input" => {
                let most = element["max_length"].as_u64().unwrap_or(3_000) as usize;
                self.between("max_length", most, 1, 3_000);
                if !element["initial_value"].is_null() {
                    self.text("initial_value", element["initial_value"].as_str(), 1, most);
                }
            }
            "number_input" => {
                let number = |name: &str| element[name].as_str().and_then(|text| text.parse::<f64>().ok());
                if !element["is_decimal_allowed"].is_boolean() {
                    self.say("is_decimal_allowed is missing");
                }
                if let Some(initial) = element["initial_value"].as_str() {
                    if element["is_decimal_allowed"] == false && initial.contains('.') {
                        self.say("initial_value has a fraction");
                    }
                    let initial: f64 = initial.parse().unwrap_or(f64::MIN);
                    if number("min_value").is_some_and(|min| initial < min)
                        || number("max_value").is_some_and(|max| initial > max)
                    {
                        self.say("initial_value out of bounds");
                    }
                }
            }
            "datepicker" => {
                if element["initial_date"].as_str().is_some_and(|day| day.len() != 10) {
                    self.say("initial_date");
                }
            }
            "external_select" => {
                if !element["initial_option"].is_null() {
                    self.option(&element["initial_option"]);
                }
            }
            "multi_external_select" => {
                let initial = element["initial_options"].as_array().cloned().unwrap_or_default();
                self.between("initial_options", initial.len(), 0, 100);
                initial.iter().for_each(|option| self.option(option));
            }
            "radio_buttons" | "checkboxes" => self.options(element, 10),
            "static_select" | "multi_static_select" => self.options(element, 100),
            other => self.say(format!("input element {other:?}")),
        }
    }

    fn options(&mut self, element: &Value, most: usize) {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let mut all = list(&element["options"]);
        let groups = list(&element["option_groups"]);
        self.between("option groups", groups.len(), 0, 100);
        for group in &groups {
            self.plain("group label", &group["label"], 75);
            self.between("options of a group", list(&group["options"]).len(), 1, 100);
            all.extend(list(&group["options"]));
        }
        if groups.is_empty() {
            self.between("options", all.len(), 1, most);
        }
        let values: BTreeSet<String> = all.iter().map(|option| option["value"].to_string()).collect();
        if values.len() < all.len() {
            self.say("an option's value twice");
        }
        all.iter().for_each(|option| self.option(option));
        let mut initial = list(&element["initial_options"]);
        if !element["initial_options"].is_null() {
            self.between("initial_options", initial.len(), 1, 100);
        }
        if !element["initial_option"].is_null() {
            initial.push(element["initial_option"].clone());
        }
        if initial.iter().any(|option| !all.contains(option)) {
            self.say("an initial option that is none of the options");
        }
    }
}
