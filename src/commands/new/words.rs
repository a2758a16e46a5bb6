//! What is wrong with an answer, as a person says it: what, and what to write instead.
//! Must not judge: the form does.

use serde_json::{Value as Json, json};

use super::{
    given::{dashed, put},
    question::{find, is_asked},
};
use crate::{
    chat::limits::cut,
    template::{
        form::{Field, FieldKind, Form},
        form_check::Fault,
    },
};

/// Faults of what the chat asks; secrets are asked for later, on a page of their own.
pub fn faults(form: &Form, values: &Json) -> Vec<Fault> {
    let mut faults = form.check(values).faults;
    let is_later = |fault: &Fault| form.fields().any(|field| field.path == fault.path && matches!(field.kind, FieldKind::Secret));
    faults.retain(|fault| !is_later(fault));
    faults
}

/// The words that stand beside the question.
pub fn say(form: &Form, values: &Json, field: &Field, fault: &Fault) -> String {
    if fault.message == "must be filled in" && fault.path == field.path {
        return match field.kind {
            FieldKind::Select { .. } | FieldKind::Toggle { .. } | FieldKind::MyGroups => "Choose one.".to_owned(),
            FieldKind::MultiSelect { .. } | FieldKind::Entity { many: true, .. } => "Choose at least one.".to_owned(),
            FieldKind::Entity { .. } => "Choose one from the list.".to_owned(),
            _ => "Please fill this in.".to_owned(),
        };
    }
    let message = cut(&fault.message, 200);
    let inside = place(&fault.path[field.path.len()..]);
    if let Some(instead) = better(form, values, fault) {
        let written = find(values, &fault.path).and_then(Json::as_str).unwrap_or_default();
        return format!("{inside}“{}” does not fit. Write it such as {instead}.", cut(written, 60));
    }
    match inside.as_str() {
        "" => format!("It {message}."),
        inside => format!("{inside}it {message}."),
    }
}

/// What nothing on any page stands for.
pub fn say_of_all(fault: &Fault) -> String {
    let place = if fault.path.is_empty() { "What was answered".to_owned() } else { fault.path.join(".") };
    format!("{place} {}.", cut(&fault.message, 200))
}

/// "Item 2, name: ".
fn place(inside: &[String]) -> String {
    let words = inside.iter().enumerate().map(|(at, step)| match step.parse::<usize>() {
        Ok(index) if at == 0 => format!("Item {}", index + 1),
        Ok(index) => format!("item {}", index + 1),
        Err(_) => step.clone(),
    });
    let words = words.collect::<Vec<_>>().join(", ");
    if words.is_empty() { words } else { format!("{words}: ") }
}

/// What was written, changed until the form takes it: the form itself is asked, since patterns have no words.
fn better(form: &Form, values: &Json, fault: &Fault) -> Option<String> {
    if !fault.message.starts_with("must match the pattern") {
        return None;
    }
    let written = find(values, &fault.path)?.as_str()?;
    let dashed = dashed(written);
    let kept = |is_kept: fn(char) -> bool| written.chars().filter(|letter| is_kept(*letter)).collect::<String>();
    let letters = kept(|letter| letter.is_ascii_alphanumeric());
    let candidates = [
        written.trim().to_owned(),
        written.to_lowercase(),
        dashed.clone(),
        dashed.replace('-', "_"),
        letters.to_lowercase(),
        letters.clone(),
        pascal(&dashed),
        dashed.split('-').filter(|part| !part.chars().all(|letter| letter.is_ascii_digit())).collect::<Vec<_>>().join("-"),
        written.to_uppercase(),
        dashed.replace('-', "_").to_uppercase(),
        kept(|letter| letter.is_ascii_digit()),
        format!("v{}", written.trim()),
        format!("https://{}", written.trim()),
    ];
    candidates.into_iter().filter(|candidate| !candidate.is_empty() && candidate != written).find(|candidate| {
        let mut tried = values.clone();
        put(&mut tried, &fault.path, Some(json!(candidate)));
        form.check(&tried).faults.iter().all(|other| other.path != fault.path)
    })
}

/// `my-shop` -> `MyShop`.
fn pascal(dashed: &str) -> String {
    let word = |word: &str| word.get(..1).map(|first| first.to_uppercase() + &word[1..]).unwrap_or_default();
    dashed.split('-').map(word).collect()
}

/// The secrets of the fields that are shown: name and title.
pub fn secrets<'f>(form: &'f Form, values: &Json) -> Vec<&'f Field> {
    form.fields().filter(|field| !is_asked(field) && matches!(field.kind, FieldKind::Secret) && field.is_shown(values)).collect()
}
