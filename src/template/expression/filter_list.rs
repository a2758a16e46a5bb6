//! The filters of lists and objects.

use super::{
    eval::{Evaluated, fault},
    filter::{Given, is_so},
    value::Value,
};

pub fn apply_list_filter(name: &str, subject: &Value, given: &Given<'_>) -> Evaluated<Option<Value>> {
    let items = || match subject {
        Value::Undefined | Value::Null => Ok(Vec::new()),
        _ => subject.items().ok_or_else(|| fault(format!("the filter {name} wants a list"))),
    };
    let at = |item: &Value, path: &str| path.split('.').fold(item.clone(), |found, step| found.member(&Value::text(step)));
    Ok(Some(match name {
        "first" | "last" if !subject.is_some() => return Err(fault(format!("the filter {name} wants a list"))),
        "first" => subject.member(&Value::Number(0.0)),
        "last" => {
            let length = subject.member(&Value::text("length")).to_number();
            subject.member(&Value::Number(length - 1.0))
        }
        "length" => match subject {
            Value::Map(entries) => Value::Number(entries.len() as f64),
            Value::Undefined | Value::Null | Value::Bool(false) => Value::Number(0.0),
            other => other.member(&Value::text("length")),
        },
        "join" if !matches!(subject, Value::List(_)) => return Err(fault("the filter join wants a list")),
        "join" => {
            let separator = given.text(0, "del").unwrap_or_default();
            let attribute = given.find(1, "attr").filter(|attribute| attribute.is_true()).map(Value::to_text);
            let texts = items()?.into_iter().map(|item| match &attribute {
                Some(attribute) => item.member(&Value::text(attribute)).printed(),
                None => item.printed(),
            });
            Value::text(texts.collect::<Vec<_>>().join(&separator))
        }
        "list" => match subject {
            Value::Map(entries) => Value::list(
                entries
                    .iter()
                    .map(|(key, value)| {
                        Value::map(vec![("key".to_owned(), Value::text(key)), ("value".to_owned(), value.clone())])
                    })
                    .collect(),
            ),
            Value::List(_) => subject.clone(),
            Value::Text(_) => Value::list(items()?),
            _ => return Err(fault("the filter list wants a list, a text or an object")),
        },
        "reverse" => {
            let mut items = items()?;
            items.reverse();
            match subject {
                Value::Text(_) => Value::text(items.iter().map(Value::to_text).collect::<String>()),
                _ => Value::list(items),
            }
        }
        "sum" => {
            let attribute = given.find(0, "attribute").filter(|attribute| attribute.is_true()).map(Value::to_text);
            let start = given.find(1, "start").cloned().unwrap_or(Value::Number(0.0));
            let summed = items()?.into_iter().fold(Value::Number(0.0), |sum, item| match &attribute {
                Some(attribute) => sum.plus(&item.member(&Value::text(attribute))),
                None => sum.plus(&item),
            });
            start.plus(&summed)
        }
        "sort" => sort(items()?, given),
        "select" | "reject" => {
            let test = given.text(0, "test").unwrap_or_else(|| "truthy".to_owned());
            let args: Vec<Value> = given.find(1, "second").cloned().into_iter().collect();
            let mut kept = Vec::new();
            for item in items()? {
                if is_so(&test, &item, &args)? == (name == "select") {
                    kept.push(item);
                }
            }
            Value::list(kept)
        }
        "selectattr" | "rejectattr" => {
            let attribute = given.text(0, "attr").unwrap_or_default();
            let is_kept = |item: &Value| item.member(&Value::text(&attribute)).is_true() == (name == "selectattr");
            Value::list(items()?.into_iter().filter(is_kept).collect())
        }
        "groupby" => {
            let attribute = given.text(0, "attr").unwrap_or_default();
            let mut groups: Vec<(String, Vec<Value>)> = Vec::new();
            for item in items()? {
                let key = at(&item, &attribute).to_text();
                match groups.iter_mut().find(|(known, _)| *known == key) {
                    Some((_, group)) => group.push(item),
                    None => groups.push((key, vec![item])),
                }
            }
            Value::map(groups.into_iter().map(|(key, group)| (key, Value::list(group))).collect())
        }
        "dictsort" => dictsort(subject, given)?,
        "batch" => {
            let size = given.count(0, "linecount").filter(|size| *size > 0).ok_or_else(|| fault("batch wants a number"))?;
            let fill = given.find(1, "fill_with").filter(|fill| fill.is_true());
            let rows = items()?.chunks(size).map(<[Value]>::to_vec).collect::<Vec<_>>();
            let rows = rows.into_iter().map(|mut row| {
                if let Some(fill) = fill {
                    row.resize(size.min(row.len() + MAX_FILL), fill.clone());
                }
                Value::list(row)
            });
            Value::list(rows.collect())
        }
        "slice" => {
            let slices = given.count(0, "slices").filter(|slices| (1..=MAX_FILL).contains(slices));
            let slices = slices.ok_or_else(|| fault("slice wants how many lists to make"))?;
            let (items, fill) = (items()?, given.find(1, "fill_with").filter(|fill| fill.is_true()));
            let (size, longer) = (items.len() / slices, items.len() % slices);
            let mut rest = items.into_iter();
            let rows = (0..slices).map(|row| {
                let mut made: Vec<Value> = rest.by_ref().take(size + usize::from(row < longer)).collect();
                if row >= longer {
                    made.extend(fill.cloned());
                }
                Value::list(made)
            });
            Value::list(rows.collect())
        }
        _ => return Ok(None),
    }))
}

/// What is filled up has at most so many: lists in templates are short.
const MAX_FILL: usize = 10_000;

fn sort(mut items: Vec<Value>, given: &Given<'_>) -> Value {
    let attribute = given.find(2, "attribute").filter(|attribute| attribute.is_true()).map(Value::to_text);
    let case_matters = given.is_true(1, "case_sensitive");
    let key = |item: &Value| {
        let value = match &attribute {
            Some(attribute) => attribute.split('.').fold(item.clone(), |found, step| found.member(&Value::text(step))),
            None => item.clone(),
        };
        match &value {
            Value::Text(text) if !case_matters => Value::text(text.to_lowercase()),
            _ => value,
        }
    };
    let reversed = given.is_true(0, "reverse");
    let compare = |a: &Value, b: &Value| {
        let order = key(a).order(&key(b)).unwrap_or(std::cmp::Ordering::Equal);
        if reversed { order.reverse() } else { order }
    };
    // Numbers among texts have no order; the standard library's sort may panic over such, a merge by hand cannot.
    let mut sorted: Vec<Value> = Vec::with_capacity(items.len());
    for item in items.drain(..) {
        let place = sorted.partition_point(|known| compare(known, &item).is_le());
        sorted.insert(place, item);
    }
    Value::list(sorted)
}

fn dictsort(subject: &Value, given: &Given<'_>) -> Evaluated {
    let Value::Map(entries) = subject else { return Err(fault("the filter dictsort wants an object")) };
    let by_value = match given.text(1, "by").as_deref() {
        None | Some("key") => false,
        Some("value") => true,
        Some(_) => return Err(fault("dictsort sorts by key or by value")),
    };
    let fold = |value: Value| match &value {
        Value::Text(text) if !given.is_true(0, "case_sensitive") => Value::text(text.to_uppercase()),
        _ => value,
    };
    let mut sorted: Vec<(String, Value)> = Vec::with_capacity(entries.len());
    for (key, value) in entries.iter() {
        let key_of = |key: &str, value: &Value| fold(if by_value { value.clone() } else { Value::text(key) });
        let mine = key_of(key, value);
        let place =
            sorted.partition_point(|(other, value)| key_of(other, value).order(&mine).is_none_or(std::cmp::Ordering::is_le));
        sorted.insert(place, (key.clone(), value.clone()));
    }
    Ok(Value::list(sorted.into_iter().map(|(key, value)| Value::list(vec![Value::text(key), value])).collect()))
}
