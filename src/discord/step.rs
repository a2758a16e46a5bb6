//! A form's page while somebody answers it, in steps of at most five questions: what was answered, what is offered, where
//! the person is. Pure: whoever holds it keeps it, so that any replica can go on after a restart.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::chat::{
    Choice, Field, FieldKind, Form, Required, Submission, Value, complete,
    limits::DISCORD,
    width::{clean, fit, width},
};

/// Questions of one step: what fits into a modal.
const STEP_FIELDS: usize = DISCORD.form_blocks;

/// Questions of one step that are answered by choosing: each takes a row, and one row has the buttons.
const STEP_SELECTS: usize = DISCORD.rows - 1;

/// A page of a form in the making.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sitting {
    pub form: Form,
    /// The page's answers so far, by question.
    pub values: BTreeMap<String, Value>,
    /// Zero-based, within the page.
    pub step: usize,
    /// What questions that are searched offer now.
    offered: BTreeMap<String, Vec<Choice>>,
    /// What was typed to search.
    typed: BTreeMap<String, String>,
    /// What to tell of the last act.
    pub note: Option<String>,
}

/// How a question is put to people at Discord.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In the modal.
    Written,
    /// From a menu.
    Chosen(Most),
    /// From a menu of what a search in the modal finds.
    Searched(Most),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Most {
    One,
    Several,
}

impl Way {
    pub fn of(field: &Field) -> Self {
        let by_number = |choices: &[Choice], most| {
            if choices.len() > DISCORD.options { Self::Searched(most) } else { Self::Chosen(most) }
        };
        match &field.kind {
            FieldKind::Line { .. } | FieldKind::Paragraph { .. } | FieldKind::Number { .. } | FieldKind::Date => Self::Written,
            FieldKind::Select { choices } | FieldKind::Radio { choices } => by_number(choices, Most::One),
            FieldKind::MultiSelect { choices } | FieldKind::Checkboxes { choices } => by_number(choices, Most::Several),
            FieldKind::Lookup { .. } => Self::Searched(Most::One),
        }
    }

    fn most(self) -> Option<Most> {
        match self {
            Self::Written => None,
            Self::Chosen(most) | Self::Searched(most) => Some(most),
        }
    }
}

/// A search that only the command can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    pub field: String,
    pub typed: String,
}

impl Sitting {
    /// Begins a page, where the first answer is that was not taken.
    pub fn new(form: Form) -> Self {
        let given = |field: &Field| field.value.clone().map(|value| (field.name.clone(), value));
        let values = asked(&form).filter_map(given).collect();
        let mut sitting = Self { form, values, step: 0, offered: BTreeMap::new(), typed: BTreeMap::new(), note: None };
        let steps = sitting.steps();
        let wrong = steps.iter().position(|step| step.iter().any(|(_, field)| field.error.is_some()));
        sitting.step = wrong.unwrap_or_default();
        sitting
    }

    /// The questions of each step, with their places on the page. A page without questions is one step.
    pub fn steps(&self) -> Vec<Vec<(usize, &Field)>> {
        let mut steps: Vec<Vec<(usize, &Field)>> = vec![Vec::new()];
        let mut selects = 0;
        for (index, field) in self.form.fields.iter().enumerate().filter(|(_, field)| field.is_shown(&self.form.state)) {
            let takes_row = usize::from(Way::of(field).most().is_some());
            let is_full = steps.last().is_some_and(|step| step.len() == STEP_FIELDS) || selects + takes_row > STEP_SELECTS;
            if is_full {
                steps.push(Vec::new());
                selects = 0;
            }
            selects += takes_row;
            if let Some(step) = steps.last_mut() {
                step.push((index, field));
            }
        }
        steps
    }

    /// The questions of the step that is shown.
    pub fn shown(&self) -> Vec<(usize, &Field)> {
        self.steps().into_iter().nth(self.step).unwrap_or_default()
    }

    /// Look-ups of this step of which nothing is known yet.
    pub fn wanted(&self) -> Vec<Search> {
        let is_wanted =
            |field: &&Field| matches!(field.kind, FieldKind::Lookup { .. }) && !self.offered.contains_key(&field.name);
        let shown = self.shown().into_iter().map(|(_, field)| field).filter(is_wanted);
        let typed = |field: &Field| self.typed.get(&field.name).cloned().unwrap_or_default();
        shown.map(|field| Search { field: field.name.clone(), typed: typed(field) }).collect()
    }

    /// What the command found for a search. The one that was meant is the answer; what finds nothing is taken as it was
    /// typed, for the command to judge.
    pub fn found(&mut self, search: Search, choices: Vec<Choice>) {
        let Search { field, typed } = search;
        self.settle(&field, &typed, &choices);
        self.offered.insert(field, choices);
    }

    fn settle(&mut self, field: &str, typed: &str, choices: &[Choice]) {
        let typed = typed.trim();
        if typed.is_empty() {
            return;
        }
        let is_meant = |choice: &&Choice| choice.value.eq_ignore_ascii_case(typed) || choice.label.eq_ignore_ascii_case(typed);
        let value = match (choices.iter().find(is_meant), choices) {
            (Some(meant), _) => Some(meant.value.clone()),
            (None, [only]) => Some(only.value.clone()),
            (None, []) => Some(typed.to_owned()),
            (None, _) => None,
        };
        match value {
            Some(value) => self.values.insert(field.to_owned(), Value::Text(value)),
            None => self.values.remove(field),
        };
    }

    /// The menu of a question: what it offers, the chosen first where not all can be shown.
    pub fn offers(&self, field: &Field) -> Vec<Choice> {
        let chosen = self.values.get(&field.name);
        let is_chosen = |choice: &Choice| is_among(chosen, &choice.value);
        match (&field.kind, Way::of(field)) {
            (FieldKind::Lookup { .. }, _) => {
                let found = self.offered.get(&field.name).map(Vec::as_slice).unwrap_or_default();
                let known = |value: &str| found.iter().any(|choice| choice.value == value);
                let lone = chosen.map(Value::as_text).filter(|value| !value.is_empty() && !known(value));
                let lone = lone.map(|value| Choice::new(value, value));
                distinct(lone.into_iter().chain(found.iter().cloned()))
            }
            (
                FieldKind::Select { choices }
                | FieldKind::Radio { choices }
                | FieldKind::MultiSelect { choices }
                | FieldKind::Checkboxes { choices },
                way,
            ) => {
                if matches!(way, Way::Chosen(_)) {
                    return distinct(choices.iter().cloned());
                }
                let typed = self.typed.get(&field.name).map(String::as_str).unwrap_or_default();
                let first = choices.iter().filter(|choice| is_chosen(choice)).cloned();
                distinct(first.chain(complete(choices, typed).cloned()))
            }
            (FieldKind::Line { .. } | FieldKind::Paragraph { .. } | FieldKind::Number { .. } | FieldKind::Date, _) => Vec::new(),
        }
    }

    /// Takes what was chosen from the menu of the question at `index`.
    pub fn choose(&mut self, index: usize, chosen: &[String]) {
        let Some(field) = self.form.fields.get(index).cloned() else { return };
        let Some(most) = Way::of(&field).most() else { return };
        let offers = self.offers(&field);
        let value_of = |token: &String| {
            let at = offers.iter().enumerate().position(|(at, choice)| self::token(at, choice) == *token)?;
            Some(offers[at].value.clone())
        };
        let chosen: Vec<String> = chosen.iter().filter_map(value_of).collect();
        match most {
            Most::One => match chosen.into_iter().next() {
                Some(value) => self.values.insert(field.name, Value::Text(value)),
                None => self.values.remove(&field.name),
            },
            Most::Several => {
                // What the menu had no room for stays chosen.
                let before = self.values.get(&field.name).map(texts).unwrap_or_default();
                let kept = before.into_iter().filter(|value| !offers.iter().any(|choice| choice.value == *value));
                let all = kept.chain(chosen).collect();
                self.values.insert(field.name, Value::Many(all))
            }
        };
    }

    /// Takes what was written into the modal, by the questions' places. What has to be looked up is told by
    /// [`Sitting::wanted`] next.
    pub fn write(&mut self, inputs: &BTreeMap<usize, String>) {
        let shown: Vec<(usize, Field)> = self.shown().into_iter().map(|(index, field)| (index, field.clone())).collect();
        for (index, field) in shown {
            let Some(input) = inputs.get(&index) else { continue };
            let input = clean(input).replace("\r\n", "\n");
            match Way::of(&field) {
                Way::Chosen(_) => {}
                Way::Written => {
                    self.values.insert(field.name, Value::Text(input));
                }
                // Left empty, nothing was searched.
                Way::Searched(_) if input.trim().is_empty() => {}
                Way::Searched(most) => {
                    self.offered.remove(&field.name);
                    self.typed.insert(field.name.clone(), input.trim().to_owned());
                    if let (Most::One, FieldKind::Select { choices } | FieldKind::Radio { choices }) = (most, &field.kind) {
                        let found: Vec<Choice> = complete(choices, input.trim()).cloned().collect();
                        match found.as_slice() {
                            // Nothing else can be chosen.
                            [] => {}
                            found => self.settle(&field.name, &input, found),
                        }
                    }
                }
            }
        }
    }

    /// What was typed to search.
    pub fn typed(&self, field: &Field) -> Option<&str> {
        self.typed.get(&field.name).map(String::as_str)
    }

    pub fn is_last_step(&self) -> bool {
        self.step + 1 >= self.steps().len()
    }

    /// The page, answered as far as it is: what the other doors send too.
    pub fn submission(&self) -> Submission {
        let answer = |field: &Field| {
            let given = self.values.get(&field.name);
            let value = match &field.kind {
                FieldKind::MultiSelect { .. } | FieldKind::Checkboxes { .. } => Value::Many(given.map(texts).unwrap_or_default()),
                // Nothing chosen of these is nothing sent.
                FieldKind::Radio { .. } => Value::Text(given.filter(|value| !value.as_text().is_empty())?.as_text().to_owned()),
                FieldKind::Line { .. }
                | FieldKind::Paragraph { .. }
                | FieldKind::Number { .. }
                | FieldKind::Date
                | FieldKind::Select { .. }
                | FieldKind::Lookup { .. } => Value::Text(given.map_or("", Value::as_text).to_owned()),
            };
            Some((field.name.clone(), value))
        };
        let values = asked(&self.form).filter_map(answer).collect();
        Submission { form: self.form.id.clone(), page: self.form.page, state: self.form.state.clone(), values }
    }

    /// Required questions of the step that have no answer, by their labels.
    pub fn missing(&self) -> Vec<String> {
        let is_missing = |field: &&Field| {
            let is_empty = |value: &Value| match value {
                Value::Text(text) => text.trim().is_empty(),
                Value::Many(all) => all.is_empty(),
            };
            field.required == Required::Yes && self.values.get(&field.name).is_none_or(is_empty)
        };
        self.shown().into_iter().map(|(_, field)| field).filter(is_missing).map(|field| label(field).to_owned()).collect()
    }
}

/// What a question is called.
pub(super) fn label(field: &Field) -> &str {
    if field.label.trim().is_empty() { &field.name } else { &field.label }
}

/// What stands for a choice in a menu: its value, or its place where Discord cannot carry that.
pub(super) fn token(at: usize, choice: &Choice) -> String {
    let value = &choice.value;
    let fits = !value.trim().is_empty() && width(value) <= DISCORD.option_value && !value.starts_with('#');
    if fits { value.clone() } else { format!("#{at}") }
}

pub(super) fn is_among(value: Option<&Value>, one: &str) -> bool {
    match value {
        None => false,
        Some(Value::Text(text)) => text == one,
        Some(Value::Many(texts)) => texts.iter().any(|text| text == one),
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Text(text) if text.is_empty() => Vec::new(),
        Value::Text(text) => vec![text.clone()],
        Value::Many(all) => all.clone(),
    }
}

/// The first of each value, as many as a menu has.
fn distinct(choices: impl Iterator<Item = Choice>) -> Vec<Choice> {
    let mut kept: Vec<Choice> = Vec::new();
    for choice in choices {
        if kept.len() == DISCORD.options {
            break;
        }
        if !kept.iter().any(|other| other.value == choice.value) {
            kept.push(choice);
        }
    }
    kept
}

fn asked(form: &Form) -> impl Iterator<Item = &Field> {
    form.fields.iter().filter(|field| field.is_shown(&form.state))
}

/// A label as an option or an input shows it.
pub(super) fn shown_label(words: &str, max: usize) -> String {
    let fitted = fit(words, max);
    if fitted.trim().is_empty() { "–".to_owned() } else { fitted.into_owned() }
}
