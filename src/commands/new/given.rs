//! Answers of a chat -> values of a template. What cannot be read is told beside its question.
//! Must not judge a value against the template's schema: the form does.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use regex::Regex;
use serde_json::{Number, Value as Json, json};

use super::{
    pick,
    question::{self, Around, HOST_PART, OWNER_PART, REPO_PART, YES, find, host, named},
};
use crate::{
    chat::{Value, limits::cut},
    settings::NamingSettings,
    template::form::{Field, FieldKind},
};

pub type Answers = BTreeMap<String, Value>;

/// What is wrong, by the name of its question.
pub type Wrong = BTreeMap<String, String>;

/// Longest name of an entity.
const ENTITY_NAME: usize = 63;

/// Longest name of a repository on GitHub.
const REPO_NAME: usize = 100;

/// The value of a field; none where it is left empty.
pub fn read(field: &Field, answers: &Answers, around: &Around<'_>) -> Result<Option<Json>, Wrong> {
    let name = question::name(field);
    let answer = answers.get(&name);
    let text = answer.map_or("", Value::as_text).trim();
    let one = |value: Result<Json, String>| match text {
        "" => Ok(None),
        _ => value.map(Some).map_err(|wrong| Wrong::from([(name.clone(), wrong)])),
    };
    match &field.kind {
        FieldKind::Secret | FieldKind::Fixed(_) | FieldKind::Told | FieldKind::Hidden => Ok(None),
        // Spaces at the ends are nobody's wish; those inside a longer text may be.
        FieldKind::Line(_) => one(Ok(json!(text))),
        FieldKind::Paragraph { .. } => one(Ok(json!(answer.map_or("", Value::as_text).trim_end()))),
        FieldKind::Number { whole, .. } => one(read_number(text, *whole)),
        FieldKind::Toggle { .. } => one(Ok(json!(text == YES))),
        FieldKind::Date => one(match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            Ok(day) => Ok(json!(day.to_string())),
            Err(_) => Err("Write a date such as 2026-03-31.".to_owned()),
        }),
        FieldKind::DateTime => one(read_moment(text).map(Json::String)),
        FieldKind::Select { choices, .. } => {
            let chosen = (0..choices.len()).find(|at| question::key(choices, *at) == text);
            one(chosen.map(|at| choices[at].value.clone()).ok_or_else(not_offered))
        }
        FieldKind::MultiSelect { choices, .. } => {
            let Some(answer) = answer else { return Ok(None) };
            let chosen = many(answer).into_iter().map(|key| {
                let at = (0..choices.len()).find(|at| question::key(choices, *at) == key);
                at.map(|at| choices[at].value.clone())
            });
            list(field, chosen.collect::<Option<Vec<_>>>().ok_or_else(not_offered))
        }
        FieldKind::Texts { .. } => {
            let lines = answer.map_or("", Value::as_text).lines().map(str::trim).filter(|line| !line.is_empty());
            list(field, Ok(lines.map(|line| json!(line)).collect()))
        }
        FieldKind::Items { .. } => one(read_yaml(text).and_then(|value| match value {
            Json::Array(_) => Ok(value),
            _ => Err("Write a list: each item begins with - and a space.".to_owned()),
        })),
        FieldKind::Yaml => one(read_yaml(text)),
        FieldKind::RepoUrl { hosts, owners, repos, .. } => read_place(field, answers, around, [hosts, owners, repos]),
        FieldKind::Entity { pick, many: false } => {
            one(pick::resolve(around.catalog, around.asking, pick, text).map(Json::String))
        }
        FieldKind::Entity { pick, many: true } => {
            let Some(answer) = answer else { return Ok(None) };
            let chosen = many(answer).into_iter().map(|one| pick::resolve(around.catalog, around.asking, pick, one));
            list(field, chosen.map(|one| one.map(Json::String)).collect())
        }
        FieldKind::EntityName => one(match judge_name(text, ENTITY_NAME, around.naming) {
            None => Ok(json!(text)),
            Some(wrong) => Err(wrong),
        }),
        FieldKind::Tags { .. } => list(field, read_tags(text)),
        FieldKind::MyGroups => one(pick::resolve(around.catalog, around.asking, &question::any_group(), text).map(Json::String)),
    }
}

fn not_offered() -> String {
    "Choose one of those that are offered.".to_owned()
}

fn many(answer: &Value) -> Vec<&str> {
    match answer {
        Value::Many(all) => all.iter().map(String::as_str).collect(),
        Value::Text(text) => text.split([',', '\n']).map(str::trim).filter(|one| !one.is_empty()).collect(),
    }
}

/// An empty list is no answer, unless it takes the place of a default.
fn list(field: &Field, items: Result<Vec<Json>, String>) -> Result<Option<Json>, Wrong> {
    let items = items.map_err(|wrong| Wrong::from([(question::name(field), wrong)]))?;
    let replaces = field.default.as_ref().and_then(Json::as_array).is_some_and(|usual| !usual.is_empty());
    Ok((!items.is_empty() || replaces).then_some(Json::Array(items)))
}

fn read_number(text: &str, whole: bool) -> Result<Json, String> {
    let written = text.replace(',', ".");
    if let Ok(number) = written.parse::<i64>() {
        return Ok(json!(number));
    }
    let number = written.parse::<f64>().ok().filter(|_| !written.contains(char::is_alphabetic)).and_then(Number::from_f64);
    match number {
        Some(number) if !whole => Ok(Json::Number(number)),
        Some(number) => Err(format!("Write a whole number, such as {:.0}.", number.as_f64().unwrap_or_default())),
        None => Err("Write a number, such as 3.".to_owned()),
    }
}

fn read_moment(text: &str) -> Result<String, String> {
    let spaced = text.replace('T', " ");
    let spaced = spaced.trim_end_matches("UTC").trim_end_matches('Z').trim();
    let at = DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc)).ok();
    let at = at.or_else(|| {
        let minute = NaiveDateTime::parse_from_str(spaced, "%Y-%m-%d %H:%M");
        let moment = minute.or_else(|_| NaiveDateTime::parse_from_str(spaced, "%Y-%m-%d %H:%M:%S"));
        let day = || NaiveDate::parse_from_str(spaced, "%Y-%m-%d").map(|day| day.and_time(NaiveTime::MIN));
        moment.or_else(|_| day()).ok().map(|at| at.and_utc())
    });
    at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
        .ok_or_else(|| "Write date and time such as 2026-03-31 14:00.".to_owned())
}

fn read_yaml(text: &str) -> Result<Json, String> {
    serde_yaml::from_str(text).map_err(|error| {
        let place = error.location().map(|at| format!(" in line {}", at.line())).unwrap_or_default();
        format!("This cannot be read as YAML{place}: {}", cut(&error.to_string(), 120))
    })
}

fn read_tags(text: &str) -> Result<Vec<Json>, String> {
    let tags = text.split([',', ' ', '\n', ';']).map(str::trim).filter(|tag| !tag.is_empty());
    let read = tags.map(|tag| {
        let is_letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "+#:-".contains(letter);
        match tag.len() <= ENTITY_NAME && tag.chars().all(is_letter) {
            true => Ok(json!(tag)),
            false => Err(format!("“{}” is no tag: write lower-case letters, digits and -, such as java-21.", cut(tag, 40))),
        }
    });
    read.collect()
}

fn read_place(
    field: &Field,
    answers: &Answers,
    around: &Around<'_>,
    [hosts, owners, repos]: [&[String]; 3],
) -> Result<Option<Json>, Wrong> {
    let part = |part: &str| answers.get(&named(field, part)).map_or("", Value::as_text).trim();
    let host = match part(HOST_PART) {
        "" => host(hosts),
        host => host,
    };
    let owners = question::owners(owners, around);
    let owner = match (part(OWNER_PART), owners.as_slice()) {
        ("", [only]) => only.as_str(),
        (owner, _) => owner,
    };
    let repo = part(REPO_PART);
    // An owner may have been chosen for them already.
    if repo.is_empty() {
        return Ok(None);
    }
    let mut wrong = Wrong::new();
    // One of a list is there already, and may be older than the rule.
    let naming = if repos.is_empty() { around.naming } else { &NamingSettings::default() };
    if let Some(told) = judge_name(repo, REPO_NAME, naming) {
        wrong.insert(named(field, REPO_PART), told);
    }
    if owner.is_empty() {
        wrong.insert(named(field, OWNER_PART), "Write the organisation that is to own it.".to_owned());
    } else if !is_name(owner, REPO_NAME) {
        wrong.insert(named(field, OWNER_PART), better_name(owner, REPO_NAME));
    }
    if wrong.is_empty() { Ok(Some(json!(format!("{host}?owner={owner}&repo={repo}")))) } else { Err(wrong) }
}

/// What is wrong with a name: for the catalog and GitHub, or by the organisation's rule.
fn judge_name(text: &str, longest: usize, naming: &NamingSettings) -> Option<String> {
    if !is_name(text, longest) {
        return Some(better_name(text, longest));
    }
    let pattern = naming.pattern.as_deref()?;
    // The settings were checked: a rule that is none is not here.
    let rule = Regex::new(&format!("^(?:{pattern})$")).ok()?;
    if rule.is_match(text) {
        return None;
    }
    let instead = Some(dashed(text)).filter(|instead| rule.is_match(instead));
    let told = match (&naming.explanation, instead) {
        (_, Some(instead)) => format!("Names here follow a rule: write {instead}, for instance."),
        (Some(explanation), None) => explanation.clone(),
        (None, None) => format!("Names here follow a rule: {pattern}"),
    };
    Some(told)
}

fn is_name(text: &str, longest: usize) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    text.len() <= longest && text.chars().all(is_letter) && !text.starts_with('.')
}

/// What to write instead of a name that cannot be one.
fn better_name(text: &str, longest: usize) -> String {
    let instead: String = dashed(text).chars().take(longest).collect();
    match instead.is_empty() {
        true => format!("Use letters, digits, -, _ and ., at most {longest} of them."),
        false => format!("Use letters, digits, -, _ and ., at most {longest} of them: {instead}, for instance."),
    }
}

/// Lower case, with `-` for everything else: `My Shop!` -> `my-shop`.
pub fn dashed(text: &str) -> String {
    let letters =
        text.to_lowercase().chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { ' ' }).collect::<String>();
    letters.split_whitespace().collect::<Vec<_>>().join("-")
}

/// Sets or clears the value at a path.
pub fn put(values: &mut Json, path: &[String], value: Option<Json>) {
    let Some((last, around)) = path.split_last() else { return };
    if value.is_none() && find(values, path).is_none() {
        return;
    }
    let mut place = values;
    for key in around {
        let Json::Object(map) = place else { return };
        place = map.entry(key.clone()).or_insert_with(|| json!({}));
    }
    if let Json::Object(map) = place {
        match value {
            Some(value) => {
                map.insert(last.clone(), value);
            }
            None => {
                map.shift_remove(last);
            }
        }
    }
}
