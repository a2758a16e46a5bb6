//! The filters of texts, numbers and repositories, and the tests of `is`; those of lists are in `filter_list`.
//! What each does is nunjucks' documentation, and Backstage's for `parseRepoUrl`, `parseEntityRef`, `pick` and
//! `projectSlug`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    eval::{Evaluated, Evaluator, check_size, fault},
    filter_list::apply_list_filter,
    method::replace_pattern,
    value::{Value, stringify},
};
use crate::nearest::nearest;

pub struct Given<'a> {
    by_place: &'a [Value],
    by_name: &'a [(String, Value)],
}

impl Given<'_> {
    /// By place, or under that name.
    pub fn find(&self, at: usize, name: &str) -> Option<&Value> {
        let named = || self.by_name.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        self.by_place.get(at).filter(|value| !matches!(value, Value::Undefined)).or_else(named)
    }

    pub fn is_true(&self, at: usize, name: &str) -> bool {
        self.find(at, name).is_some_and(Value::is_true)
    }

    pub fn text(&self, at: usize, name: &str) -> Option<String> {
        self.find(at, name).map(Value::to_text)
    }

    pub fn count(&self, at: usize, name: &str) -> Option<usize> {
        self.find(at, name).map(|value| value.to_number().max(0.0) as usize)
    }
}

/// All filters, for the did-you-mean.
const NAMES: [&str; 45] = [
    "abs",
    "batch",
    "capitalize",
    "center",
    "d",
    "default",
    "dictsort",
    "dump",
    "e",
    "escape",
    "first",
    "float",
    "forceescape",
    "groupby",
    "indent",
    "int",
    "join",
    "jsonify",
    "last",
    "length",
    "list",
    "lower",
    "nl2br",
    "parseEntityRef",
    "parseRepoUrl",
    "pick",
    "projectSlug",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "trim",
    "truncate",
    "upper",
    "urlencode",
];

pub fn apply_filter(
    evaluator: &mut Evaluator,
    name: &str,
    subject: &Value,
    by_place: &[Value],
    by_name: &[(String, Value)],
) -> Evaluated {
    let given = Given { by_place, by_name };
    if let Some(value) = apply_text_filter(name, subject, &given)? {
        return Ok(value);
    }
    if let Some(value) = apply_list_filter(name, subject, &given)? {
        return Ok(value);
    }
    Ok(match name {
        "default" | "d" => {
            let missing = if given.is_true(1, "bool") { !subject.is_true() } else { matches!(subject, Value::Undefined) };
            if missing { by_place.first().cloned().unwrap_or(Value::Undefined) } else { subject.clone() }
        }
        "dump" => dump(subject, &given),
        "jsonify" if evaluator.syntax.cookiecutter => dump(subject, &given),
        "abs" => Value::Number(subject.to_number().abs()),
        "round" => round(subject, &given),
        "int" => {
            let radix = given.count(1, "base").unwrap_or(10).clamp(2, 36) as u32;
            parse_int(&subject.to_text(), radix)
                .map_or_else(|| by_place.first().cloned().unwrap_or(Value::Undefined), Value::Number)
        }
        "float" => {
            parse_float(&subject.to_text()).map_or_else(|| by_place.first().cloned().unwrap_or(Value::Undefined), Value::Number)
        }
        "pick" => pick(subject, &given.text(0, "key").unwrap_or_default()),
        "parseRepoUrl" => {
            let parts = parse_repo_url(subject)?;
            Value::map(parts.into_iter().map(|(key, value)| (key.to_owned(), Value::text(value))).collect())
        }
        "projectSlug" => {
            let parts = parse_repo_url(subject)?;
            let part =
                |name: &str| parts.iter().find(|(known, _)| *known == name).map_or("undefined", |(_, value)| value.as_str());
            Value::text(format!("{}/{}", part("owner"), part("repo")))
        }
        "parseEntityRef" => parse_entity_ref(subject, by_place.first())?,
        _ => {
            let hint = nearest(name, NAMES).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            return Err(fault(format!("there is no filter {name}{hint}")));
        }
    })
}

fn dump(subject: &Value, given: &Given<'_>) -> Value {
    let indent = match given.find(0, "spaces") {
        Some(Value::Number(spaces)) => " ".repeat(spaces.clamp(0.0, 10.0) as usize),
        Some(Value::Text(text)) => text.chars().take(10).collect(),
        _ => String::new(),
    };
    subject.to_json().map_or(Value::Undefined, |json| Value::text(stringify(&json, &indent)))
}

/// What filters of texts are given: nothing counts as an empty text, and what is no text is a fault.
fn text_of(name: &str, subject: &Value) -> Evaluated<String> {
    match subject {
        Value::Undefined | Value::Null | Value::Bool(false) => Ok(String::new()),
        Value::Text(text) => Ok(text.to_string()),
        _ => Err(fault(format!("the filter {name} wants a text; put the filter string before it"))),
    }
}

fn apply_text_filter(name: &str, subject: &Value, given: &Given<'_>) -> Evaluated<Option<Value>> {
    let text = || text_of(name, subject);
    let made = match name {
        "lower" => text()?.to_lowercase(),
        "upper" => text()?.to_uppercase(),
        "capitalize" => capitalize(&text()?),
        "title" => text()?.split(' ').map(capitalize).collect::<Vec<_>>().join(" "),
        "trim" => match subject {
            Value::Text(text) => text.trim().to_owned(),
            _ => return Err(fault("the filter trim wants a text")),
        },
        "string" if subject.is_some() => subject.to_text(),
        "string" => return Err(fault("the filter string wants a value")),
        "safe" => subject.printed(),
        "escape" | "e" | "forceescape" => escape(&subject.printed()),
        "nl2br" => subject.printed().replace("\r\n", "\n").replace('\n', "<br />\n"),
        "striptags" => strip_tags(&text()?, given.is_true(0, "preserve_linebreaks")),
        "center" => center(&text()?, given.count(0, "width").unwrap_or(80))?,
        "indent" => {
            let text = text()?;
            let (pad, first) = (given.count(0, "width").unwrap_or(4), given.is_true(1, "indentfirst"));
            let lines = text.split('\n').count();
            check_size(text.len().saturating_add(lines.saturating_mul(pad)))?;
            let pad = " ".repeat(pad);
            let lines = text.split('\n').enumerate();
            let empty = text.is_empty();
            let padded =
                lines.map(|(at, line)| if (at == 0 && !first) || empty { line.to_owned() } else { format!("{pad}{line}") });
            padded.collect::<Vec<_>>().join("\n")
        }
        "truncate" => truncate(&text()?, given),
        "replace" => return replace(subject, given).map(Some),
        "urlencode" => urlencode(subject),
        "wordcount" => {
            let text = text()?;
            let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            let words = text.split(|letter| !is_word(letter)).filter(|word| !word.is_empty()).count();
            return Ok(Some(if words == 0 { Value::Null } else { Value::Number(words as f64) }));
        }
        _ => return Ok(None),
    };
    check_size(made.len())?;
    Ok(Some(Value::text(made)))
}

fn capitalize(text: &str) -> String {
    let lower = text.to_lowercase();
    let mut letters = lower.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' => out.push_str("&#92;"),
            '`' => out.push_str("&#96;"),
            letter => out.push(letter),
        }
    }
    out
}

fn strip_tags(text: &str, keep_lines: bool) -> String {
    let pattern = |text: &str| regex::Regex::new(text).expect("a fixed pattern that compiles");
    let tags = pattern(r"(?i)</?([a-z][a-z0-9]*)\b[^>]*>|<!--[\s\S]*?-->");
    let stripped = tags.replace_all(text, "").trim().to_owned();
    if !keep_lines {
        return pattern(r"\s+").replace_all(&stripped, " ").into_owned();
    }
    let lines = pattern("(?m)^ +| +$").replace_all(&stripped, "").into_owned();
    let lines = pattern(" +").replace_all(&lines, " ").replace("\r\n", "\n");
    pattern("\n\n\n+").replace_all(&lines, "\n\n").into_owned()
}

fn center(text: &str, width: usize) -> Evaluated<String> {
    check_size(width)?;
    let length = text.encode_utf16().count();
    if length >= width {
        return Ok(text.to_owned());
    }
    let spaces = width - length;
    // As there: an odd number leaves more on the right.
    let (before, after) = (spaces / 2, spaces.div_ceil(2));
    Ok(format!("{}{text}{}", " ".repeat(before), " ".repeat(after)))
}

fn truncate(text: &str, given: &Given<'_>) -> String {
    let length = given.count(0, "length").unwrap_or(255);
    let letters: Vec<u16> = text.encode_utf16().collect();
    if letters.len() <= length {
        return text.to_owned();
    }
    let space = u16::from(b' ');
    let cut = if given.is_true(1, "killwords") {
        length
    } else {
        letters[..=length].iter().rposition(|letter| *letter == space).unwrap_or(length)
    };
    let end = given.find(2, "end").filter(|end| end.is_some()).map_or("...".to_owned(), Value::to_text);
    String::from_utf16_lossy(&letters[..cut]) + &end
}

fn replace(subject: &Value, given: &Given<'_>) -> Evaluated {
    let with = given.text(1, "new").unwrap_or_else(|| "undefined".to_owned());
    let text = match (subject, given.find(0, "old")) {
        (Value::Text(text), _) => text.to_string(),
        (_, Some(Value::Regex(_))) => return Err(fault("the filter replace wants a text for a regular expression")),
        (Value::Number(_), _) => subject.to_text(),
        _ => return Ok(subject.clone()),
    };
    let old = match given.find(0, "old") {
        Some(Value::Regex(pattern)) => return Ok(Value::text(replace_pattern(&text, pattern, &with))),
        Some(old @ (Value::Text(_) | Value::Number(_))) => old.to_text(),
        _ => return Ok(subject.clone()),
    };
    if old.is_empty() {
        let letters: Vec<String> = text.chars().map(String::from).collect();
        check_size(text.len().saturating_add((letters.len() + 1).saturating_mul(with.len())))?;
        return Ok(Value::text(format!("{with}{}{with}", letters.join(&with))));
    }
    let most = match given.find(2, "count").map(Value::to_number) {
        Some(count) if count >= 0.0 => count as usize,
        _ => usize::MAX,
    };
    check_size(text.len().saturating_add(text.matches(&old).count().min(most).saturating_mul(with.len())))?;
    Ok(Value::text(text.replacen(&old, &with, most)))
}

/// What `encodeURIComponent` leaves as it is.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

fn urlencode(subject: &Value) -> String {
    let encode = |text: &str| utf8_percent_encode(text, KEPT).to_string();
    let pair = |key: &Value, value: &Value| format!("{}={}", encode(&key.to_text()), encode(&value.to_text()));
    match subject {
        Value::Map(entries) => entries.iter().map(|(key, value)| pair(&Value::text(key), value)).collect::<Vec<_>>().join("&"),
        Value::List(items) => {
            let at = |item: &Value, index: f64| item.member(&Value::Number(index));
            items.borrow().iter().map(|item| pair(&at(item, 0.0), &at(item, 1.0))).collect::<Vec<_>>().join("&")
        }
        other => encode(&other.printed()),
    }
}

fn round(subject: &Value, given: &Given<'_>) -> Value {
    let factor = 10_f64.powf(given.find(0, "precision").map_or(0.0, Value::to_number));
    let scaled = subject.to_number() * factor;
    let rounded = match given.text(1, "method").as_deref() {
        Some("ceil") => scaled.ceil(),
        Some("floor") => scaled.floor(),
        // Halves go up, also below zero.
        _ => (scaled + 0.5).floor(),
    };
    Value::Number(rounded / factor)
}

fn parse_int(text: &str, radix: u32) -> Option<f64> {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let found: Vec<u32> = digits.chars().map_while(|letter| letter.to_digit(radix)).collect();
    let number = found.iter().fold(0.0, |number, digit| number * f64::from(radix) + f64::from(*digit));
    (!found.is_empty()).then_some(sign * number)
}

fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim_start();
    let ends = (1..=text.len()).rev().filter(|end| text.is_char_boundary(*end));
    // The longest beginning that is a number; numbers are short.
    let mut ends = ends.filter(|end| *end <= 40);
    let written = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    ends.find_map(|end| text.get(..end).filter(|part| written(part)).and_then(|part| part.parse().ok()))
}

/// A key, or a path `a.b[0]` where there is no such key.
fn pick(subject: &Value, path: &str) -> Value {
    let direct = subject.member(&Value::text(path));
    if !matches!(direct, Value::Undefined) {
        return direct;
    }
    let path = path.replace('[', ".").replace(']', "");
    path.split('.').filter(|step| !step.is_empty()).fold(subject.clone(), |found, step| found.member(&Value::text(step)))
}

/// The parts of `github.com?owner=acme&repo=shop`, which is what RepoUrlPicker gives.
pub fn parse_repo_url(subject: &Value) -> Evaluated<Vec<(&'static str, String)>> {
    let bad = || fault("a repository is written as github.com?owner=OWNER&repo=NAME");
    let Value::Text(text) = subject else { return Err(bad()) };
    let address = url::Url::parse(&format!("https://{text}")).map_err(|_| bad())?;
    let host = match (address.host_str(), address.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => return Err(bad()),
    };
    let find = |name: &str| {
        let found = address.query_pairs().find(|(key, _)| key == name);
        found.map(|(_, value)| value.trim_matches('/').to_owned())
    };
    let mut parts = vec![("host", host)];
    for name in ["owner", "repo", "organization", "workspace", "project"] {
        parts.extend(find(name).map(|value| (name, value)));
    }
    let has = |name: &str| parts.iter().any(|(known, value)| *known == name && !value.is_empty());
    let owned = has("owner") || has("project") || has("workspace") || has("organization");
    if !has("repo") && !has("project") || !owned {
        return Err(bad());
    }
    Ok(parts)
}

fn parse_entity_ref(subject: &Value, defaults: Option<&Value>) -> Evaluated {
    let default = |name: &str| defaults.map_or(Value::Undefined, |defaults| defaults.member(&Value::text(name)));
    let bad = || fault("an entity is written as kind:namespace/name");
    let (kind, namespace, name) = match subject {
        Value::Text(text) => {
            let (kind, rest) = match text.split_once(':') {
                Some((kind, rest)) => (Value::text(kind), rest),
                None => (Value::Undefined, &**text),
            };
            let (namespace, name) = match rest.split_once('/') {
                Some((namespace, name)) => (Value::text(namespace), name),
                None => (Value::Undefined, rest),
            };
            if name.is_empty()
                || name.contains([':', '/'])
                || [&kind, &namespace].iter().any(|part| matches!(part, Value::Text(part) if part.is_empty()))
            {
                return Err(bad());
            }
            (kind, namespace, Value::text(name))
        }
        Value::Map(_) => {
            let part = |name: &str| subject.member(&Value::text(name));
            (part("kind"), part("namespace"), part("name"))
        }
        _ => return Err(bad()),
    };
    let kind = if kind.is_true() { kind } else { default("defaultKind") };
    let namespace = if namespace.is_true() { namespace } else { default("defaultNamespace") };
    let namespace = if namespace.is_true() { namespace } else { Value::text("default") };
    if !kind.is_true() || !name.is_true() {
        return Err(bad());
    }
    Ok(Value::map(vec![("kind".to_owned(), kind), ("namespace".to_owned(), namespace), ("name".to_owned(), name)]))
}

/// `subject is name(args)`.
pub fn is_so(name: &str, subject: &Value, args: &[Value]) -> Evaluated<bool> {
    let other = args.first().cloned().unwrap_or(Value::Undefined);
    let number = || subject.to_number();
    Ok(match name {
        "defined" => !matches!(subject, Value::Undefined),
        "undefined" => matches!(subject, Value::Undefined),
        "null" | "none" => matches!(subject, Value::Null),
        "truthy" => subject.is_true(),
        "falsy" => !subject.is_true(),
        "string" => matches!(subject, Value::Text(_)),
        "number" => matches!(subject, Value::Number(_)),
        "iterable" => matches!(subject, Value::List(_) | Value::Text(_)),
        "mapping" => matches!(subject, Value::Map(_)),
        "callable" => matches!(subject, Value::Function(_)),
        "escaped" => false,
        "equalto" | "eq" | "sameas" => subject.is_same(&other),
        "ne" => !subject.is_same(&other),
        "even" => number() % 2.0 == 0.0,
        "odd" => number() % 2.0 == 1.0,
        "divisibleby" => number() % other.to_number() == 0.0,
        "gt" | "greaterthan" => subject.order(&other).is_some_and(std::cmp::Ordering::is_gt),
        "ge" => subject.order(&other).is_some_and(std::cmp::Ordering::is_ge),
        "lt" | "lessthan" => subject.order(&other).is_some_and(std::cmp::Ordering::is_lt),
        "le" => subject.order(&other).is_some_and(std::cmp::Ordering::is_le),
        "lower" => matches!(subject, Value::Text(text) if **text == *text.to_lowercase()),
        "upper" => matches!(subject, Value::Text(text) if **text == *text.to_uppercase()),
        _ => return Err(fault(format!("there is no test `is {name}`"))),
    })
}
