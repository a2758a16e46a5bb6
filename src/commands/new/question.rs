//! How a template's question is asked in a chat: one field, or several where a value has parts.
//! Must not read answers (that is `given`) nor decide when a question is asked (`sheet`).

use serde_json::Value as Json;

use super::pick;
use crate::{
    catalog::{Catalog, EntityRef, Kind},
    chat::{
        self, Decimals, Value,
        limits::{SLACK, cut},
    },
    commands::{Asking, answer::names::label},
    settings::NamingSettings,
    template::{
        expression::{Context, Syntax, Template as Expression, is_template, read_repo_url, stringify_json},
        form::{Choice, EntityPick, Field, FieldKind, Required, Style},
    },
};

/// What stands around a form: the catalog, who answers, and what the organisation has settled.
#[derive(Debug, Clone)]
pub struct Around<'a> {
    pub catalog: &'a Catalog,
    pub asking: &'a Asking<'a>,
    /// Organisations on GitHub that are read: where repositories go unless the template says.
    pub organisations: Vec<String>,
    /// The name that the organisation's rule makes of the answers so far.
    pub usual_name: Option<String>,
    pub naming: &'a NamingSettings,
    /// Of all pages before.
    pub values: &'a Json,
}

/// The host of repositories where a template names none.
const HOST: &str = "github.com";

/// Behind a field's name: the parts of a repository's place.
pub const HOST_PART: &str = "#host";
pub const OWNER_PART: &str = "#owner";
pub const REPO_PART: &str = "#repo";

/// What a yes and a no are called in an answer.
pub const YES: &str = "yes";
pub const NO: &str = "no";

/// The name of a field among the answers.
pub fn name(field: &Field) -> String {
    field.path.join("/")
}

/// Whether it is asked in a chat at all.
pub fn is_asked(field: &Field) -> bool {
    !matches!(field.kind, FieldKind::Secret | FieldKind::Fixed(_) | FieldKind::Told | FieldKind::Hidden)
}

/// How many questions it becomes at most.
pub fn weight(field: &Field) -> usize {
    if matches!(field.kind, FieldKind::RepoUrl { .. }) { 3 } else { 1 }
}

/// The questions, with what is answered already, or the default.
pub fn draw(field: &Field, values: &Json, around: &Around<'_>) -> Vec<chat::Field> {
    let mut questions = draw_parts(field, values, around);
    let required = if must_be_answered(field, values) { chat::Required::Yes } else { chat::Required::No };
    questions.iter_mut().for_each(|question| question.required = required);
    questions
}

fn draw_parts(field: &Field, values: &Json, around: &Around<'_>) -> Vec<chat::Field> {
    let answered = find(values, &field.path);
    let (kind, value, note) = match &field.kind {
        FieldKind::RepoUrl { hosts, owners, repos, .. } => {
            return draw_place(field, values, around, [hosts, owners, repos]);
        }
        FieldKind::Secret | FieldKind::Fixed(_) | FieldKind::Told | FieldKind::Hidden => return Vec::new(),
        FieldKind::Line(limits) => (line(field, limits.max), answered.map(text), format_note(limits.format.as_deref())),
        FieldKind::Paragraph { limits, .. } => (paragraph(field, None, limits.max), answered.map(text), None),
        FieldKind::Number { min, max, whole, .. } => {
            let decimals = if *whole { Decimals::No } else { Decimals::Yes };
            let (min, max) = (min.map(|min| min.floor() as i64), max.map(|max| max.ceil() as i64));
            (chat::FieldKind::Number { min, max, decimals }, answered.map(text), None)
        }
        FieldKind::Toggle { yes, no } => {
            let choices = vec![chat::Choice::new(YES, yes.as_str()), chat::Choice::new(NO, no.as_str())];
            let given = if answered == Some(&Json::Bool(true)) { YES } else { NO };
            // Nothing is chosen for somebody who has to choose.
            let value = (field.required != Required::Yes || answered.is_some()).then(|| Value::Text(given.to_owned()));
            (chat::FieldKind::Radio { choices }, value, None)
        }
        FieldKind::Date => (chat::FieldKind::Date, answered.map(text), None),
        FieldKind::DateTime => {
            let placeholder = Some("2026-03-31 14:00".to_owned());
            let note = "Date and time in UTC, such as 2026-03-31 14:00.";
            (chat::FieldKind::Line { placeholder, max: None }, answered.map(text), Some(note.to_owned()))
        }
        FieldKind::Select { choices, style } => {
            let chosen = answered.and_then(|value| choices.iter().position(|choice| &choice.value == value));
            let value = chosen.map(|at| Value::Text(key(choices, at)));
            (select(choices, *style), value, None)
        }
        FieldKind::MultiSelect { choices, style, .. } => {
            let is_chosen = |choice: &Choice| answered.and_then(Json::as_array).is_some_and(|all| all.contains(&choice.value));
            let chosen = (0..choices.len()).filter(|at| is_chosen(&choices[*at])).map(|at| key(choices, at));
            let value = answered.map(|_| Value::Many(chosen.collect()));
            let options = options(choices);
            let is_open = *style == Style::Open && choices.len() <= SLACK.radio_options;
            let kind = if is_open {
                chat::FieldKind::Checkboxes { choices: options }
            } else {
                chat::FieldKind::MultiSelect { choices: options }
            };
            (kind, value, None)
        }
        FieldKind::Texts { .. } => {
            let lines = answered.and_then(Json::as_array).map(|items| Value::Text(lines(items)));
            (paragraph(field, None, None), lines, Some("One on each line.".to_owned()))
        }
        FieldKind::Items { fields, .. } => {
            let note = format!("A list in YAML; each has {}.", item_words(fields));
            (paragraph(field, Some(item_example(fields)), None), answered.map(yaml), Some(note))
        }
        FieldKind::Yaml => (paragraph(field, None, None), answered.map(yaml), Some("Written as YAML.".to_owned())),
        FieldKind::Entity { pick, many: false } => {
            let is_empty = !pick.free && pick::all(around.catalog, around.asking, pick).is_empty();
            let note = format!("The catalog has no {} that fits here.", pick::wanted(&pick::kinds(pick)));
            (lookup(field, pick), answered.map(text), is_empty.then_some(note))
        }
        FieldKind::Entity { pick, many: true } => {
            let all = pick::all(around.catalog, around.asking, pick);
            let chosen = answered.and_then(Json::as_array).map(|all| all.iter().filter_map(Json::as_str).map(str::to_owned));
            let value = chosen.map(|chosen| Value::Many(chosen.collect()));
            let choices = all.iter().map(|entry| pick::choice(&entry.entity)).collect();
            (chat::FieldKind::MultiSelect { choices }, value, None)
        }
        FieldKind::EntityName => {
            let usual = || around.usual_name.clone().map(Value::Text);
            let note = around.naming.explanation.as_deref().unwrap_or("Letters, digits, -, _ and ., at most 63.");
            (line(field, Some(63)), answered.map(text).or_else(usual), Some(tidy(note)))
        }
        FieldKind::Tags { .. } => {
            let words = answered.and_then(Json::as_array).map(|tags| Value::Text(lines(tags).replace('\n', ", ")));
            let placeholder = Some("java, payments".to_owned());
            let note = "Lower case, with commas between them.";
            (chat::FieldKind::Line { placeholder, max: None }, words, Some(note.to_owned()))
        }
        FieldKind::MyGroups => draw_own_groups(field, answered, around),
    };
    vec![ask(name(field), field, field.title.clone(), kind, value, note)]
}

/// Where the new repository goes; what is settled is not asked, but said.
fn draw_place(field: &Field, values: &Json, around: &Around<'_>, [hosts, owners, repos]: [&Vec<String>; 3]) -> Vec<chat::Field> {
    let parts = find(values, &field.path).and_then(Json::as_str).and_then(|url| read_repo_url(url).ok()).unwrap_or_default();
    let part = |name: &str| parts.iter().find(|(known, _)| *known == name).map(|(_, part)| Value::Text(part.clone()));
    let title = |of: &str| format!("{}: {of}", field.title);
    let several = |all: &[String]| chat::FieldKind::Select {
        choices: all.iter().map(|one| chat::Choice::new(one.as_str(), one.as_str())).collect(),
    };
    let first = |all: &[String]| all.first().cloned().map(Value::Text);
    let mut questions = Vec::new();
    if hosts.len() > 1 {
        let value = part("host").or_else(|| first(hosts));
        questions.push(ask(named(field, HOST_PART), field, title("host"), several(hosts), value, None));
    }
    let owners = self::owners(owners, around);
    match owners.as_slice() {
        [_] => {}
        [] => {
            let kind = chat::FieldKind::Line { placeholder: Some("acme".to_owned()), max: Some(100) };
            questions.push(ask(named(field, OWNER_PART), field, title("owner"), kind, part("owner"), None));
        }
        all => {
            let value = part("owner").or_else(|| first(all));
            questions.push(ask(named(field, OWNER_PART), field, title("owner"), several(all), value, None));
        }
    }
    let kind = match repos.as_slice() {
        [] => chat::FieldKind::Line { placeholder: field.placeholder.clone(), max: Some(100) },
        all => several(all),
    };
    let value = part("repo").or_else(|| around.usual_name.clone().filter(|_| repos.is_empty()).map(Value::Text));
    let place = match owners.as_slice() {
        [owner] => Some(format!("In {}/{owner}.", host(hosts))),
        _ => None,
    };
    let rule = around.naming.explanation.as_deref().map(tidy);
    let note = [place, rule].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let note = (!note.is_empty()).then_some(note);
    questions.push(ask(named(field, REPO_PART), field, title("name"), kind, value, note));
    // What explains the whole stands once.
    let whole = questions[0].help.clone();
    for later in questions.iter_mut().skip(1).filter(|later| later.help == whole) {
        later.help = None;
    }
    questions
}

/// Who may own the new repository.
pub fn owners(allowed: &[String], around: &Around<'_>) -> Vec<String> {
    // An owner may be an expression over the answers of earlier pages.
    let context = Context::new(&serde_json::json!({ "parameters": around.values }));
    let filled = |owner: &String| match is_template(owner) {
        false => Some(owner.clone()),
        true => Expression::parse(owner, Syntax::default()).and_then(|written| written.render(&context)).ok(),
    };
    let owners: Vec<String> = allowed.iter().filter_map(filled).filter(|owner| !owner.trim().is_empty()).collect();
    if owners.is_empty() { around.organisations.clone() } else { owners }
}

pub fn host(hosts: &[String]) -> &str {
    hosts.first().map_or(HOST, String::as_str)
}

/// The name of a part of a field.
pub fn named(field: &Field, part: &str) -> String {
    format!("{}{part}", name(field))
}

/// Teams that the asker is in; any team where none is known.
fn draw_own_groups(
    field: &Field,
    answered: Option<&Json>,
    around: &Around<'_>,
) -> (chat::FieldKind, Option<Value>, Option<String>) {
    let own: Vec<&EntityRef> = around.asking.groups.iter().filter(|group| around.catalog.find(group).is_some()).collect();
    if own.is_empty() {
        return (lookup(field, &any_group()), answered.map(text), Some("The catalog knows no team of yours.".to_owned()));
    }
    let choices: Vec<chat::Choice> =
        own.iter().map(|group| chat::Choice::new(group.to_string(), label(around.catalog, group))).collect();
    let only = match own.as_slice() {
        [one] => Some(Value::Text(one.to_string())),
        _ => None,
    };
    (chat::FieldKind::Select { choices }, answered.map(text).or(only), None)
}

/// What a question for a team of the asker's falls back to.
pub fn any_group() -> EntityPick {
    EntityPick { filter: serde_json::json!({ "kind": "Group" }), ..EntityPick::default() }
}

fn ask(
    name: String,
    field: &Field,
    title: String,
    kind: chat::FieldKind,
    value: Option<Value>,
    note: Option<String>,
) -> chat::Field {
    let label = match &field.group {
        Some(group) if !title.to_lowercase().starts_with(&group.to_lowercase()) => format!("{group}: {title}"),
        _ => title,
    };
    let shown = |words: &Option<String>| words.as_deref().map(tidy).filter(|words| !words.is_empty());
    let mut help: Vec<String> = Vec::new();
    for words in [shown(&field.description), shown(&field.help), note, shown(&field.note.as_ref().map(|note| format!("{note}.")))]
    {
        help.extend(words.filter(|words| !help.contains(words) && *words != label));
    }
    chat::Field {
        help: (!help.is_empty()).then(|| cut(&help.join(" "), SLACK.field_help)),
        value,
        ..chat::Field::new(name, cut(&label, SLACK.field_help), kind)
    }
}

/// One line, ended as a sentence is.
fn tidy(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let ends = line.is_empty() || line.ends_with(['.', '!', '?', ':', ')', '…']);
    if ends { line } else { format!("{line}.") }
}

fn line(field: &Field, max: Option<u64>) -> chat::FieldKind {
    chat::FieldKind::Line { placeholder: field.placeholder.clone(), max: length(max) }
}

fn paragraph(field: &Field, example: Option<String>, max: Option<u64>) -> chat::FieldKind {
    chat::FieldKind::Paragraph { placeholder: field.placeholder.clone().or(example), max: length(max) }
}

/// As many letters as every chat takes.
fn length(max: Option<u64>) -> Option<usize> {
    max.and_then(|max| usize::try_from(max).ok()).filter(|max| (1..=SLACK.text_input).contains(max))
}

fn format_note(format: Option<&str>) -> Option<String> {
    Some(match format? {
        "email" => "An e-mail address.".to_owned(),
        "uri" | "url" => "An address, such as https://example.com.".to_owned(),
        "time" => "A time, such as 14:00:00Z.".to_owned(),
        _ => return None,
    })
}

fn lookup(field: &Field, pick: &EntityPick) -> chat::FieldKind {
    let kinds = pick::kinds(pick);
    let placeholder = field.placeholder.clone().or_else(|| Some(format!("Type the name of a {}", pick::wanted(&kinds))));
    chat::FieldKind::Lookup { kinds: kinds.iter().map(|kind: &Kind| kind.as_str().to_lowercase()).collect(), placeholder }
}

fn select(choices: &[Choice], style: Style) -> chat::FieldKind {
    let options = options(choices);
    match style {
        Style::Open if choices.len() <= SLACK.radio_options => chat::FieldKind::Radio { choices: options },
        Style::Open | Style::Usual => chat::FieldKind::Select { choices: options },
    }
}

fn options(choices: &[Choice]) -> Vec<chat::Choice> {
    (0..choices.len()).map(|at| chat::Choice::new(key(choices, at), option_label(&choices[at]))).collect()
}

fn option_label(choice: &Choice) -> String {
    if choice.label.trim().is_empty() { "(empty)".to_owned() } else { choice.label.clone() }
}

/// What stands for a choice in an answer: its value where a chat can carry it, else its place.
pub fn key(choices: &[Choice], at: usize) -> String {
    let plain = |choice: &Choice| match &choice.value {
        Json::String(text) => text.clone(),
        other => stringify_json(other, ""),
    };
    let key = plain(&choices[at]);
    let is_first = choices.iter().position(|choice| plain(choice) == key) == Some(at);
    let carries =
        !key.trim().is_empty() && key.len() <= SLACK.option_value && key.trim() == key && !key.chars().any(char::is_control);
    if carries && is_first { key } else { format!("#{}", at + 1) }
}

fn text(value: &Json) -> Value {
    Value::Text(plain(value))
}

/// A value as a person would write it.
pub fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => stringify_json(other, ""),
    }
}

fn lines(items: &[Json]) -> String {
    items.iter().map(plain).collect::<Vec<_>>().join("\n")
}

fn yaml(value: &Json) -> Value {
    let is_empty = value.is_null()
        || value.as_array().is_some_and(Vec::is_empty)
        || value.as_object().is_some_and(serde_json::Map::is_empty);
    let written = if is_empty { String::new() } else { serde_yaml::to_string(value).unwrap_or_default() };
    Value::Text(written.trim_end().to_owned())
}

/// "name, size and public".
fn item_words(fields: &[Field]) -> String {
    let names: Vec<String> = fields.iter().filter(|field| is_asked(field)).map(|field| field.path.join(".")).collect();
    match names.as_slice() {
        [] => "names and values".to_owned(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// `- name: …`.
fn item_example(fields: &[Field]) -> String {
    let lines = fields.iter().filter(|field| is_asked(field)).map(|field| format!("{}: …", field.path.join(".")));
    cut(&format!("- {}", lines.take(4).collect::<Vec<_>>().join("\n  ")), SLACK.placeholder)
}

/// The value at a path.
pub fn find<'v>(values: &'v Json, path: &[String]) -> Option<&'v Json> {
    path.iter().try_fold(values, |found, key| found.get(key)).filter(|found| !found.is_null())
}

/// Whether a question must be answered, as far as earlier answers tell.
fn must_be_answered(field: &Field, values: &Json) -> bool {
    match &field.required {
        Required::Yes => true,
        Required::No => false,
        Required::When(conditions) => conditions.iter().all(|condition| condition.holds(values)),
    }
}
