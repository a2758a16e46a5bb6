//! The methods of texts and lists that templates call, as JavaScript has them; where Jinja's words are understood, also
//! Python's of lists and objects, as nunjucks' `installJinjaCompat` adds them.

use super::{
    Syntax,
    eval::{Evaluated, check_size, fault},
    value::{Pattern, Value},
};

pub fn call_method(syntax: Syntax, subject: &Value, name: &str, args: &[Value]) -> Evaluated {
    let found = match subject {
        Value::Text(text) => text_method(text, name, args)?,
        Value::List(_) => {
            let found = if syntax.cookiecutter { python_list_method(subject, name, args)? } else { None };
            match found {
                Some(found) => Some(found),
                None => list_method(subject, name, args)?,
            }
        }
        Value::Map(entries) if syntax.cookiecutter => python_map_method(entries, name, args),
        Value::Number(number) => match name {
            "toString" => Some(Value::text(subject.to_text())),
            "toFixed" => {
                let digits = args.first().map_or(0.0, Value::to_number).clamp(0.0, 100.0);
                Some(Value::text(format!("{number:.0$}", digits as usize)))
            }
            _ => None,
        },
        Value::Bool(_) if name == "toString" => Some(Value::text(subject.to_text())),
        Value::Regex(pattern) if name == "test" => {
            Some(Value::Bool(pattern.regex.is_match(&args.first().map_or("undefined".to_owned(), Value::to_text))))
        }
        _ => None,
    };
    found.ok_or_else(|| fault(format!("there is no method {name}() here")))
}

/// A position as `slice` takes it: negative from the end.
fn place(value: Option<&Value>, length: usize, default: usize) -> usize {
    match value {
        None | Some(Value::Undefined) => default,
        Some(value) => {
            let number = value.to_number();
            let number = if number.is_nan() { 0.0 } else { number.trunc() };
            let number = if number < 0.0 { number + length as f64 } else { number };
            number.clamp(0.0, length as f64) as usize
        }
    }
}

/// A position as `substring` takes it: never before the start.
fn bound(value: Option<&Value>, length: usize, default: usize) -> usize {
    match value {
        None | Some(Value::Undefined) => default,
        Some(value) => value.to_number().max(0.0).min(length as f64) as usize,
    }
}

fn text_method(text: &str, name: &str, args: &[Value]) -> Evaluated<Option<Value>> {
    let first = || args.first().map_or("undefined".to_owned(), Value::to_text);
    let units = || text.encode_utf16().collect::<Vec<u16>>();
    let cut = |from: usize, to: usize| {
        let units = units();
        Value::text(if from < to { String::from_utf16_lossy(&units[from..to]) } else { String::new() })
    };
    let length = || text.encode_utf16().count();
    let index = |at: Option<usize>| Value::Number(at.map_or(-1.0, |at| text[..at].encode_utf16().count() as f64));
    Ok(Some(match name {
        "toUpperCase" | "toLocaleUpperCase" => Value::text(text.to_uppercase()),
        "toLowerCase" | "toLocaleLowerCase" => Value::text(text.to_lowercase()),
        "toString" => Value::text(text),
        "trim" => Value::text(text.trim()),
        "trimStart" | "trimLeft" => Value::text(text.trim_start()),
        "trimEnd" | "trimRight" => Value::text(text.trim_end()),
        "startsWith" => Value::Bool(text.starts_with(&first())),
        "endsWith" => Value::Bool(text.ends_with(&first())),
        "includes" => Value::Bool(text.contains(&first())),
        "indexOf" => index(text.find(&first())),
        "lastIndexOf" => index(text.rfind(&first())),
        "concat" => {
            let joined = text.to_owned() + &args.iter().map(Value::to_text).collect::<String>();
            check_size(joined.len())?;
            Value::text(joined)
        }
        "charAt" => {
            let at = args.first().map_or(0.0, Value::to_number);
            let at = if at.is_nan() { 0.0 } else { at };
            if at >= 0.0 && (at as usize) < length() { cut(at as usize, at as usize + 1) } else { Value::text("") }
        }
        "charCodeAt" => {
            let at = args.first().map_or(0.0, Value::to_number) as usize;
            Value::Number(units().get(at).map_or(f64::NAN, |unit| f64::from(*unit)))
        }
        "slice" => {
            let length = length();
            cut(place(args.first(), length, 0), place(args.get(1), length, length))
        }
        "substring" => {
            let length = length();
            let (a, b) = (bound(args.first(), length, 0), bound(args.get(1), length, length));
            cut(a.min(b), a.max(b))
        }
        "substr" => {
            let length = length();
            let from = place(args.first(), length, 0);
            let to = args.get(1).map_or(length, |count| (from + count.to_number().max(0.0) as usize).min(length));
            cut(from, to)
        }
        "repeat" => {
            let count = args.first().map_or(0.0, Value::to_number);
            if !(0.0..=1e9).contains(&count) {
                return Err(fault("repeat() wants a number from 0"));
            }
            check_size(text.len().saturating_mul(count as usize))?;
            Value::text(text.repeat(count as usize))
        }
        "padStart" | "padEnd" => {
            let missing = (args.first().map_or(0.0, Value::to_number).max(0.0) as usize).saturating_sub(length());
            check_size(missing)?;
            let fill: Vec<char> = args.get(1).map_or(" ".to_owned(), Value::to_text).chars().collect();
            let pad: String = fill.iter().cycle().take(if fill.is_empty() { 0 } else { missing }).collect();
            Value::text(if name == "padStart" { pad + text } else { text.to_owned() + &pad })
        }
        "split" => split(text, args),
        "replace" | "replaceAll" => {
            let with = args.get(1).map_or("undefined".to_owned(), Value::to_text);
            let replaced = match args.first() {
                Some(Value::Regex(pattern)) => replace_pattern(text, pattern, &with),
                _ if name == "replaceAll" => text.replace(&first(), &with),
                _ => text.replacen(&first(), &with, 1),
            };
            check_size(replaced.len())?;
            Value::text(replaced)
        }
        "match" => match args.first() {
            Some(Value::Regex(pattern)) if pattern.flags.contains('g') => {
                let found: Vec<Value> = pattern.regex.find_iter(text).map(|found| Value::text(found.as_str())).collect();
                if found.is_empty() { Value::Null } else { Value::list(found) }
            }
            Some(Value::Regex(pattern)) => match pattern.regex.captures(text) {
                Some(groups) => Value::list(
                    groups.iter().map(|group| group.map_or(Value::Undefined, |group| Value::text(group.as_str()))).collect(),
                ),
                None => Value::Null,
            },
            _ => return Err(fault("match() wants a regular expression r/…/")),
        },
        _ => return Ok(None),
    }))
}

/// With the replacement's `$1`, `$&` and `$$` as JavaScript reads them.
pub fn replace_pattern(text: &str, pattern: &Pattern, with: &str) -> String {
    let most = if pattern.flags.contains('g') { 0 } else { 1 };
    let expand = |groups: &regex::Captures<'_>| {
        let mut out = String::new();
        let mut rest = with;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let digits = after.len() - after.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
            let group = after[..digits.min(2)].parse::<usize>().ok().filter(|number| (1..groups.len()).contains(number));
            rest = match (after.chars().next(), group) {
                (Some('$'), _) => {
                    out.push('$');
                    &after[1..]
                }
                (Some('&'), _) => {
                    out.push_str(&groups[0]);
                    &after[1..]
                }
                (_, Some(number)) => {
                    out.push_str(groups.get(number).map_or("", |group| group.as_str()));
                    &after[digits.min(2)..]
                }
                _ => {
                    out.push('$');
                    after
                }
            };
        }
        out + rest
    };
    pattern.regex.replacen(text, most, expand).into_owned()
}

fn split(text: &str, args: &[Value]) -> Value {
    let parts: Vec<Value> = match args.first() {
        None | Some(Value::Undefined) => vec![Value::text(text)],
        Some(Value::Regex(pattern)) => pattern.regex.split(text).map(Value::text).collect(),
        Some(separator) => match separator.to_text() {
            separator if separator.is_empty() => text.chars().map(|letter| Value::text(letter.to_string())).collect(),
            separator => text.split(&separator).map(Value::text).collect(),
        },
    };
    let most = args.get(1).filter(|most| most.is_some()).map_or(usize::MAX, |most| most.to_number() as usize);
    Value::list(parts.into_iter().take(most).collect())
}

fn list_method(subject: &Value, name: &str, args: &[Value]) -> Evaluated<Option<Value>> {
    let Value::List(items) = subject else { return Ok(None) };
    let length = items.borrow().len();
    let wanted = || args.first().cloned().unwrap_or(Value::Undefined);
    let index = |at: Option<usize>| Value::Number(at.map_or(-1.0, |at| at as f64));
    Ok(Some(match name {
        "join" => {
            let separator = args.first().filter(|separator| separator.is_some()).map_or(",".to_owned(), Value::to_text);
            let joined = items.borrow().iter().map(Value::printed).collect::<Vec<_>>().join(&separator);
            check_size(joined.len())?;
            Value::text(joined)
        }
        "pop" => items.borrow_mut().pop().unwrap_or(Value::Undefined),
        "shift" if length == 0 => Value::Undefined,
        "shift" => items.borrow_mut().remove(0),
        "push" => {
            items.borrow_mut().extend(args.iter().cloned());
            Value::Number(items.borrow().len() as f64)
        }
        "unshift" => {
            items.borrow_mut().splice(0..0, args.iter().cloned());
            Value::Number(items.borrow().len() as f64)
        }
        "slice" => {
            let (from, to) = (place(args.first(), length, 0), place(args.get(1), length, length));
            Value::list(items.borrow().get(from..to).map(<[Value]>::to_vec).unwrap_or_default())
        }
        "splice" => {
            let from = place(args.first(), length, 0);
            let count = args.get(1).map_or(length - from, |count| count.to_number().max(0.0) as usize).min(length - from);
            let added: Vec<Value> = args.iter().skip(2).cloned().collect();
            Value::list(items.borrow_mut().splice(from..from + count, added).collect())
        }
        "concat" => {
            let mut all = items.borrow().clone();
            for arg in args {
                match arg {
                    Value::List(more) => all.extend(more.borrow().iter().cloned()),
                    other => all.push(other.clone()),
                }
            }
            Value::list(all)
        }
        "includes" => Value::Bool(items.borrow().iter().any(|item| item.is_same(&wanted()))),
        "indexOf" => index(items.borrow().iter().position(|item| item.is_same(&wanted()))),
        "lastIndexOf" => index(items.borrow().iter().rposition(|item| item.is_same(&wanted()))),
        "reverse" => {
            items.borrow_mut().reverse();
            subject.clone()
        }
        "sort" => {
            items.borrow_mut().sort_by_key(|item| item.to_text().encode_utf16().collect::<Vec<u16>>());
            subject.clone()
        }
        "toString" => Value::text(subject.to_text()),
        "keys" => Value::list((0..length).map(|at| Value::Number(at as f64)).collect()),
        _ => return Ok(None),
    }))
}

fn python_list_method(subject: &Value, name: &str, args: &[Value]) -> Evaluated<Option<Value>> {
    let Value::List(items) = subject else { return Ok(None) };
    let wanted = args.first().cloned().unwrap_or(Value::Undefined);
    let find = || items.borrow().iter().position(|item| item.is_same(&wanted));
    Ok(Some(match name {
        "pop" if !args.is_empty() => {
            let at = place(args.first(), items.borrow().len(), 0);
            if at >= items.borrow().len() {
                return Err(fault("pop() is beyond the list's end"));
            }
            items.borrow_mut().remove(at)
        }
        "append" => {
            items.borrow_mut().push(wanted);
            Value::Undefined
        }
        "remove" => {
            let at = find().ok_or_else(|| fault("remove() names nothing that is in the list"))?;
            items.borrow_mut().remove(at);
            Value::Undefined
        }
        "insert" => {
            let at = place(args.first(), items.borrow().len(), 0);
            items.borrow_mut().insert(at, args.get(1).cloned().unwrap_or(Value::Undefined));
            Value::Undefined
        }
        "count" => Value::Number(items.borrow().iter().filter(|item| item.is_same(&wanted)).count() as f64),
        "index" => Value::Number(find().ok_or_else(|| fault("index() names nothing that is in the list"))? as f64),
        "find" => Value::Number(find().map_or(-1.0, |at| at as f64)),
        "extend" => {
            let more = wanted.items().unwrap_or_default();
            items.borrow_mut().extend(more);
            Value::Undefined
        }
        _ => return Ok(None),
    }))
}

fn python_map_method(entries: &[(String, Value)], name: &str, args: &[Value]) -> Option<Value> {
    let key = args.first().map(Value::to_text);
    let found = || entries.iter().find(|(known, _)| Some(known) == key.as_ref()).map(|(_, value)| value.clone());
    let pairs = || entries.iter().map(|(key, value)| Value::list(vec![Value::text(key), value.clone()])).collect();
    Some(match name {
        "items" | "iteritems" => Value::list(pairs()),
        "keys" | "iterkeys" => Value::list(entries.iter().map(|(key, _)| Value::text(key)).collect()),
        "values" | "itervalues" => Value::list(entries.iter().map(|(_, value)| value.clone()).collect()),
        "get" => found().or_else(|| args.get(1).cloned()).unwrap_or(Value::Undefined),
        "has_key" => Value::Bool(found().is_some()),
        _ => return None,
    })
}
