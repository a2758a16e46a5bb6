//! A YAML document as a tree in which every value and key knows its line and column.
//! Holds values only: knows neither the syntax they came from (`yaml`) nor what a descriptor must have (`check`).

use serde_json::Value as Json;

/// Line and column in the file, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub line: usize,
    pub column: usize,
}

/// A value and where it starts; an empty value stands where its key does.
#[derive(Debug, Clone)]
pub struct Node {
    pub mark: Mark,
    pub value: Value,
}

#[derive(Debug, Clone)]
pub enum Value {
    Null,
    Bool(bool),
    /// As written, such as `1.0` or `0x1F`, so that a hint can quote it.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Map),
}

#[derive(Debug, Clone, Default)]
pub struct Map {
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub key: String,
    pub key_mark: Mark,
    pub node: Node,
}

impl Map {
    /// The last entry of that name wins, as in JavaScript, where `1` and `"1"` become the same property.
    pub fn find_entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.key == key)
    }

    pub fn find(&self, key: &str) -> Option<&Node> {
        self.find_entry(key).map(|entry| &entry.node)
    }
}

impl Node {
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Text(_) => None,
        }
    }

    /// What JavaScript takes for false; Backstage reads some optional fields that way.
    pub fn is_falsy(&self) -> bool {
        match &self.value {
            Value::Null => true,
            Value::Bool(value) => !value,
            Value::Number(raw) => parse_number(raw).as_f64().is_none_or(|number| number == 0.0),
            Value::Text(text) => text.is_empty(),
            Value::List(_) | Value::Map(_) => false,
        }
    }

    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(raw) => parse_number(raw),
            Value::Text(text) => Json::String(text.clone()),
            Value::List(items) => Json::Array(items.iter().map(Node::to_json).collect()),
            Value::Map(map) => Json::Object(map.entries.iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect()),
        }
    }
}

/// Reads an unquoted scalar by the core schema of YAML 1.2: `yes`, `1_000` and dates stay texts
/// (<https://yaml.org/spec/1.2.2/#103-core-schema>).
pub fn resolve_plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_number(text) => Value::Number(text.to_owned()),
        _ => Value::Text(text.to_owned()),
    }
}

fn is_number(text: &str) -> bool {
    let all = |digits: &str, accept: fn(&u8) -> bool| !digits.is_empty() && digits.as_bytes().iter().all(|byte| accept(byte));
    if let Some(octal) = text.strip_prefix("0o") {
        return all(octal, |byte| (b'0'..=b'7').contains(byte));
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return all(hex, u8::is_ascii_hexdigit);
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let exponent_fits = exponent.is_none_or(|digits| all(digits.strip_prefix(['-', '+']).unwrap_or(digits), u8::is_ascii_digit));
    let digits_or_none = |digits: &str| digits.is_empty() || all(digits, u8::is_ascii_digit);
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => all(fraction, u8::is_ascii_digit),
        Some((whole, fraction)) => all(whole, u8::is_ascii_digit) && digits_or_none(fraction),
        None => all(mantissa, u8::is_ascii_digit),
    };
    exponent_fits && mantissa_fits
}

/// Numbers are doubles to the judge, so what fits no integer is rounded; not-a-number and infinity have no JSON.
fn parse_number(raw: &str) -> Json {
    let in_base = |digits: &str, base| i64::from_str_radix(digits, base).map(Json::from).ok();
    let parsed = if let Some(octal) = raw.strip_prefix("0o") {
        in_base(octal, 8)
    } else if let Some(hex) = raw.strip_prefix("0x") {
        in_base(hex, 16)
    } else {
        raw.parse::<i64>().map(Json::from).ok()
    };
    parsed.or_else(|| raw.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Json::Number)).unwrap_or(Json::Null)
}
