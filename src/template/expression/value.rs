//! The values of expressions, with the conversions, comparisons and printing of JavaScript (ECMA-262), since the
//! templates were written for a renderer that runs there. Must not know how an expression is written.

use std::{cell::RefCell, cmp::Ordering, rc::Rc};

use serde_json::Value as Json;

use super::tree::Macro;

/// Lists may hold themselves (`a.push(a)`); nothing a template needs nests deeper than this.
const MAX_DEPTH: usize = 64;

#[derive(Debug, Clone)]
pub enum Value {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    Text(Rc<str>),
    /// Shared and mutable, as in JavaScript: `list.push(x)` is seen under each name.
    List(Rc<RefCell<Vec<Value>>>),
    Map(Rc<Vec<(String, Value)>>),
    Regex(Rc<Pattern>),
    Function(Function),
}

/// A regular expression literal `r/…/flags`.
#[derive(Debug)]
pub struct Pattern {
    pub source: String,
    pub flags: String,
    pub regex: regex::Regex,
}

#[derive(Debug, Clone)]
pub enum Function {
    Macro(Rc<Macro>),
    /// The body of `{% call %}`, for `caller()`.
    Caller(Rc<str>),
    Range,
    Joiner,
    /// What `joiner()` gives: the separator, and whether it was called before.
    Joining(Rc<str>, Rc<RefCell<bool>>),
}

impl Value {
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Rc::from(text.as_ref()))
    }

    pub fn list(items: Vec<Value>) -> Self {
        Self::List(Rc::new(RefCell::new(items)))
    }

    /// Keys that are written as whole numbers come first, in their order, as in JavaScript; a later one replaces.
    pub fn map(entries: Vec<(String, Value)>) -> Self {
        let mut kept: Vec<(String, Value)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            match kept.iter_mut().find(|(known, _)| *known == key) {
                Some(entry) => entry.1 = value,
                None => kept.push((key, value)),
            }
        }
        Self::ordered(kept)
    }

    fn ordered(mut entries: Vec<(String, Value)>) -> Self {
        let index = |key: &str| key.parse::<u32>().ok().filter(|number| number.to_string() == key);
        if entries.iter().any(|(key, _)| index(key).is_some()) {
            entries.sort_by_key(|(key, _)| index(key).map_or(u64::MAX, u64::from));
        }
        Self::Map(Rc::new(entries))
    }

    pub fn from_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            Json::String(text) => Self::text(text),
            Json::Array(items) => Self::list(items.iter().map(Self::from_json).collect()),
            Json::Object(map) => Self::ordered(map.iter().map(|(key, value)| (key.clone(), Self::from_json(value))).collect()),
        }
    }

    /// What `JSON.stringify` keeps: none for what JSON has no word for.
    pub fn to_json(&self) -> Option<Json> {
        self.json_within(MAX_DEPTH)
    }

    fn json_within(&self, depth: usize) -> Option<Json> {
        if depth == 0 {
            return None;
        }
        Some(match self {
            Self::Undefined | Self::Function(_) => return None,
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Number(number) => json_number(*number),
            Self::Text(text) => Json::String(text.to_string()),
            Self::List(items) => {
                Json::Array(items.borrow().iter().map(|item| item.json_within(depth - 1).unwrap_or(Json::Null)).collect())
            }
            Self::Map(entries) => Json::Object(
                entries.iter().filter_map(|(key, value)| Some((key.clone(), value.json_within(depth - 1)?))).collect(),
            ),
            Self::Regex(_) => Json::Object(serde_json::Map::new()),
        })
    }

    /// A copy that shares no list with this one.
    pub fn detached(&self) -> Self {
        match self {
            Self::List(items) => Self::list(items.borrow().iter().map(Self::detached).collect()),
            Self::Map(entries) => {
                Self::Map(Rc::new(entries.iter().map(|(key, value)| (key.clone(), value.detached())).collect()))
            }
            other => other.clone(),
        }
    }

    pub fn is_true(&self) -> bool {
        match self {
            Self::Undefined | Self::Null => false,
            Self::Bool(value) => *value,
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Text(text) => !text.is_empty(),
            Self::List(_) | Self::Map(_) | Self::Regex(_) | Self::Function(_) => true,
        }
    }

    /// Neither undefined nor null.
    pub fn is_some(&self) -> bool {
        !matches!(self, Self::Undefined | Self::Null)
    }

    /// As JavaScript's `String(value)`.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write_text(&mut out, MAX_DEPTH);
        out
    }

    fn write_text(&self, out: &mut String, depth: usize) {
        match self {
            Self::Undefined => out.push_str("undefined"),
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => out.push_str(&print_number(*number)),
            Self::Text(text) => out.push_str(text),
            Self::List(items) => {
                for (index, item) in items.borrow().iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    // Elements that are nothing print as nothing.
                    if item.is_some() && depth > 0 {
                        item.write_text(out, depth - 1);
                    }
                }
            }
            Self::Map(_) => out.push_str("[object Object]"),
            Self::Regex(pattern) => {
                out.push_str(&format!("/{}/{}", pattern.source, pattern.flags));
            }
            Self::Function(_) => out.push_str("function () { }"),
        }
    }

    /// What a `${{ }}` prints: nothing for undefined and null.
    pub fn printed(&self) -> String {
        if self.is_some() { self.to_text() } else { String::new() }
    }

    pub fn to_number(&self) -> f64 {
        match self {
            Self::Undefined | Self::Map(_) | Self::Regex(_) | Self::Function(_) => f64::NAN,
            Self::Null => 0.0,
            Self::Bool(value) => f64::from(u8::from(*value)),
            Self::Number(number) => *number,
            Self::Text(text) => number_of_text(text),
            Self::List(_) => number_of_text(&self.to_text()),
        }
    }

    /// JavaScript's `===`.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Undefined, Self::Undefined) | (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::List(a), Self::List(b)) => Rc::ptr_eq(a, b),
            (Self::Map(a), Self::Map(b)) => Rc::ptr_eq(a, b),
            (Self::Regex(a), Self::Regex(b)) => Rc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// JavaScript's `==`.
    pub fn is_equal(&self, other: &Self) -> bool {
        let is_object = |value: &Self| matches!(value, Self::List(_) | Self::Map(_) | Self::Regex(_) | Self::Function(_));
        match (self, other) {
            (a, b) if !a.is_some() || !b.is_some() => !a.is_some() && !b.is_some(),
            (Self::Text(_), Self::Text(_)) => self.is_same(other),
            (a, b) if is_object(a) && is_object(b) => a.is_same(b),
            (a, Self::Text(b)) if is_object(a) => a.to_text() == **b,
            (Self::Text(a), b) if is_object(b) => **a == b.to_text(),
            (a, b) => {
                let number = |value: &Self| match is_object(value) {
                    true => number_of_text(&value.to_text()),
                    false => value.to_number(),
                };
                number(a) == number(b)
            }
        }
    }

    /// `<` and its kin; none where either is not a number.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        if let (Self::Text(a), Self::Text(b)) = (self, other) {
            return Some(a.encode_utf16().cmp(b.encode_utf16()));
        }
        self.to_number().partial_cmp(&other.to_number())
    }

    /// `+`: joins texts, adds the rest.
    pub fn plus(&self, other: &Self) -> Self {
        let joins = |value: &Self| !matches!(value, Self::Undefined | Self::Null | Self::Bool(_) | Self::Number(_));
        if joins(self) || joins(other) {
            return Self::text(self.to_text() + &other.to_text());
        }
        Self::Number(self.to_number() + other.to_number())
    }

    /// `value.key` and `value[key]`: undefined where there is none, also of nothing.
    pub fn member(&self, key: &Self) -> Self {
        let index = |length: usize| match key {
            Self::Number(number) if number.fract() == 0.0 && *number >= 0.0 && (*number as usize) < length => {
                Some(*number as usize)
            }
            Self::Text(text) => text.parse::<usize>().ok().filter(|at| *at < length && at.to_string() == **text),
            _ => None,
        };
        let asks_length = matches!(key, Self::Text(text) if **text == *"length");
        match self {
            Self::Map(entries) => {
                let key = key.to_text();
                entries.iter().find(|(known, _)| *known == key).map_or(Self::Undefined, |(_, value)| value.clone())
            }
            Self::List(items) if asks_length => Self::Number(items.borrow().len() as f64),
            Self::List(items) => {
                let items = items.borrow();
                index(items.len()).map_or(Self::Undefined, |at| items[at].clone())
            }
            Self::Text(text) if asks_length => Self::Number(text.encode_utf16().count() as f64),
            Self::Text(text) => {
                let units: Vec<u16> = text.encode_utf16().collect();
                index(units.len()).map_or(Self::Undefined, |at| Self::text(String::from_utf16_lossy(&units[at..=at])))
            }
            _ => Self::Undefined,
        }
    }

    /// The items of a list, or the characters of a text.
    pub fn items(&self) -> Option<Vec<Value>> {
        match self {
            Self::List(items) => Some(items.borrow().clone()),
            Self::Text(text) => Some(text.chars().map(|letter| Self::text(letter.to_string())).collect()),
            _ => None,
        }
    }
}

fn json_number(number: f64) -> Json {
    /// Whole numbers are exact up to here (2^53).
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Json::from(number as i64);
    }
    serde_json::Number::from_f64(number).map_or(Json::Null, Json::Number)
}

/// As JavaScript prints numbers (ECMA-262, Number::toString).
pub fn print_number(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let size = number.abs();
    if number == 0.0 {
        return "0".to_owned();
    }
    if (1e-6..1e21).contains(&size) {
        return number.to_string();
    }
    let written = format!("{number:e}");
    match written.split_once("e-") {
        Some(_) => written,
        None => written.replace('e', "e+"),
    }
}

fn number_of_text(text: &str) -> f64 {
    let text = text.trim();
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u64::from_str_radix(digits, 16).map_or(f64::NAN, |number| number as f64);
    }
    match text {
        "" => 0.0,
        "Infinity" | "+Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        // Rust reads "inf" and "nan" too.
        _ if text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => text.parse().unwrap_or(f64::NAN),
        _ => f64::NAN,
    }
}

/// `JSON.stringify(value, null, indent)`.
pub fn stringify(json: &Json, indent: &str) -> String {
    let mut out = String::new();
    write_json(json, indent, 0, &mut out);
    out
}

fn write_json(json: &Json, indent: &str, depth: usize, out: &mut String) {
    let line = |out: &mut String, depth: usize| {
        if !indent.is_empty() {
            out.push('\n');
            out.push_str(&indent.repeat(depth));
        }
    };
    match json {
        Json::Number(number) => match number.as_f64() {
            Some(number) => out.push_str(&print_number(number)),
            None => out.push_str("null"),
        },
        Json::Array(items) if !items.is_empty() => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                write_json(item, indent, depth + 1, out);
            }
            line(out, depth);
            out.push(']');
        }
        Json::Object(map) if !map.is_empty() => {
            out.push('{');
            for (index, (key, value)) in map.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                out.push_str(&Json::String(key.clone()).to_string());
                out.push_str(if indent.is_empty() { ":" } else { ": " });
                write_json(value, indent, depth + 1, out);
            }
            line(out, depth);
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}
