//! The questions of a fix: what is asked for which entry, what is offered, how an answer becomes a change.
//! Must not decide what is wrong, nor write anything.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};

use crate::{
    catalog::{Catalog, EntityRef, Entry, Found, Kind, Level, Sought, address::join_path},
    chat::{Choice, Field, FieldKind, FormState, Value, limits::cut},
    commands::{Asking, answer::names::short_ref},
    hygiene::{
        check::Rules,
        edit::Change,
        fix::{Blank, on_call_annotation, written_ref},
    },
};

/// How many are offered for what was typed.
const OFFERED: usize = 50;

const DESCRIPTION_LETTERS: usize = 500;

/// A value that is asked for.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub blank: Blank,
    /// Whose: one, or all that share the answer.
    pub entries: Vec<Arc<Entry>>,
    /// Of the findings that it mends.
    pub keys: Vec<String>,
    pub is_required: bool,
    /// Whether others are asked the same beside it.
    pub is_named: bool,
}

/// What a question's answer changes.
#[derive(Debug, Clone)]
pub(super) struct Filled {
    pub entry: Arc<Entry>,
    pub change: Change,
    pub keys: Vec<String>,
}

pub(super) type Errors = BTreeMap<String, String>;

impl Question {
    /// Of the field.
    fn name(&self) -> String {
        match self.entries.first().filter(|_| self.is_named) {
            Some(entry) => format!("{} {}", self.blank.as_str(), entry.entity.entity_ref),
            None => self.blank.as_str().to_owned(),
        }
    }

    pub fn draw(&self, asking: &Asking<'_>, rules: &Rules, state: &FormState, errors: &Errors) -> Option<Field> {
        let (title, kind, help) = words(self.blank, asking, rules)?;
        let label = match self.entries.first().filter(|_| self.is_named) {
            Some(entry) => format!("{}: {}", cut(entry.entity.label(), 60), title.to_lowercase()),
            None => title.to_owned(),
        };
        let name = self.name();
        let mut field = Field::new(&name, label, kind);
        field.help = help;
        if !self.is_required {
            field = field.optional();
        }
        field.value = state.values.get(&name).cloned().or_else(|| self.preset(asking.now));
        field.error = errors.get(&name).cloned();
        Some(field)
    }

    /// What nearly everybody would write.
    fn preset(&self, now: DateTime<Utc>) -> Option<Value> {
        match self.blank {
            Blank::Docs if self.is_required => Some(Value::Text("dir:.".to_owned())),
            Blank::Verified if self.is_required => Some(Value::Text(now.date_naive().to_string())),
            _ => None,
        }
    }

    /// The changes that its answer makes; none where it was left out.
    pub fn read(&self, catalog: &Catalog, asking: &Asking<'_>, state: &FormState, errors: &mut Errors) -> Vec<Filled> {
        let name = self.name();
        let answer = state.values.get(&name).map_or("", Value::as_text).trim();
        if answer.is_empty() {
            if self.is_required {
                errors.insert(name, "This is what is missing: please fill it in.".to_owned());
            }
            return Vec::new();
        }
        let mut filled = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let read = match self.blank {
                Blank::Owner => pick(catalog, answer, &[Kind::Group, Kind::User])
                    .map(|owner| written_ref(&entry.entity, &owner, &Kind::Group)),
                Blank::System => {
                    pick(catalog, answer, &[Kind::System]).map(|system| written_ref(&entry.entity, &system, &Kind::System))
                }
                Blank::Runbook if leads_out(entry, answer) => Err("That path leads out of the repository. Write one inside \
                     it, as in docs/runbook.md, or an address, https://…."
                    .to_owned()),
                blank => blank.read(answer),
            };
            let change = read.and_then(|value| {
                let on_call = &asking.live.on_call;
                self.blank.change(&value, on_call).ok_or_else(|| "No on-call provider is set up here.".to_owned())
            });
            match change {
                Ok(change) => {
                    // With one entry all the keys are its; with several there is one each.
                    let keys = if self.entries.len() == 1 {
                        self.keys.clone()
                    } else {
                        self.keys.get(at).cloned().into_iter().collect()
                    };
                    filled.push(Filled { entry: Arc::clone(entry), change, keys });
                }
                Err(said) => {
                    errors.insert(name, said);
                    return Vec::new();
                }
            }
        }
        filled
    }
}

/// Whether a path is of nothing in the repository, from wherever it is read.
fn leads_out(entry: &Entry, path: &str) -> bool {
    let folder = entry.origin.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    !path.contains("://") && join_path(folder, path).is_err()
}

/// Title, kind and help of a field; `None`: there is nothing that could be named.
fn words(blank: Blank, asking: &Asking<'_>, rules: &Rules) -> Option<(&'static str, FieldKind, Option<String>)> {
    let line = |placeholder: &str| FieldKind::Line { placeholder: Some(placeholder.to_owned()), max: Some(DESCRIPTION_LETTERS) };
    let lookup = |kinds: &[&str], placeholder: &str| FieldKind::Lookup {
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        placeholder: Some(placeholder.to_owned()),
    };
    let select = |known: &std::collections::BTreeSet<String>, usual: &[&str]| {
        let words: Vec<String> = if known.is_empty() {
            usual.iter().map(|word| (*word).to_owned()).collect()
        } else {
            known.iter().cloned().collect()
        };
        FieldKind::Select { choices: words.into_iter().map(|word| Choice::new(word.clone(), word)).collect() }
    };
    Some(match blank {
        Blank::Owner => ("Owner", lookup(&["group", "user"], "Type a team's name"), None),
        Blank::System => ("System", lookup(&["system"], "Type a system's name"), None),
        Blank::Lifecycle => {
            // From the most to the least to be relied on, not by the alphabet.
            let usual = ["production", "experimental", "deprecated"];
            let known = usual.iter().all(|word| rules.lifecycles.contains(*word)) && rules.lifecycles.len() == usual.len();
            let none = std::collections::BTreeSet::new();
            ("Lifecycle", select(if known { &none } else { &rules.lifecycles }, &usual), None)
        }
        Blank::Type if rules.types.is_empty() => ("Type", line("service"), None),
        Blank::Type => ("Type", select(&rules.types, &[]), None),
        Blank::Description => {
            let kind = FieldKind::Paragraph {
                placeholder: Some("What it is for, in a sentence".to_owned()),
                max: Some(DESCRIPTION_LETTERS),
            };
            ("Description", kind, None)
        }
        Blank::Runbook => ("Runbook", line("docs/runbook.md"), Some("A path in the repository, or an address.".to_owned())),
        Blank::OnCall => {
            let annotation = on_call_annotation(&asking.live.on_call)?;
            ("On-call schedule", line("PAY7Q2X"), Some(format!("What {annotation} shall hold.")))
        }
        Blank::Docs => {
            let help = "dir:. where mkdocs.yml lies beside the descriptor, or url: and an address.";
            ("Documentation", line("dir:."), Some(help.to_owned()))
        }
        Blank::Channel => ("Channel", line("#team-payments"), Some("Where the team is reached.".to_owned())),
        Blank::Verified => ("Looked at on", FieldKind::Date, Some("The day on which somebody found it right.".to_owned())),
    })
}

/// What was chosen, or typed in full where the platform has no typeahead.
pub(super) fn pick(catalog: &Catalog, written: &str, kinds: &[Kind]) -> Result<EntityRef, String> {
    let default_kind = kinds.first().map(Kind::as_str);
    let parsed = EntityRef::parse(written, default_kind, "default").ok().and_then(|parsed| catalog.find(&parsed));
    if let Some(entry) = parsed.filter(|entry| kinds.contains(&entry.entity.kind)) {
        return Ok(entry.entity.entity_ref.clone());
    }
    match catalog.look_up(Sought { kinds, ..Sought::any(written, &[]) }) {
        Found::One { entry, level: Level::Exact | Level::Alias, .. } => Ok(entry.entity.entity_ref.clone()),
        Found::One { .. } | Found::Several { .. } | Found::None { .. } => {
            Err(format!("Nothing is called “{}” there. Choose one from the list.", cut(written, 60)))
        }
    }
}

/// Options for an owner or a system, by what was typed; the asker's own teams first where nothing was.
pub(super) fn complete(catalog: &Catalog, asking: &Asking<'_>, field: &str, typed: &str) -> Vec<Choice> {
    let kinds: &[Kind] = match Blank::parse(field.split(' ').next().unwrap_or_default()) {
        Some(Blank::Owner) => &[Kind::Group, Kind::User],
        Some(Blank::System) => &[Kind::System],
        Some(_) | None => return Vec::new(),
    };
    let mut found: Vec<Arc<Entry>> = if typed.trim().is_empty() {
        // Teams come before people: a person leaves.
        let mut all: Vec<_> = catalog.entries().iter().filter(|entry| entry.entity.kind == kinds[0]).cloned().collect();
        let is_other = |entry: &Arc<Entry>| asking.groups.binary_search(&entry.entity.entity_ref).is_err();
        all.sort_by_cached_key(|entry| (is_other(entry), entry.entity.label().to_lowercase()));
        all
    } else {
        catalog.search(Sought { kinds, ..asking.sought(typed) })
    };
    found.truncate(OFFERED);
    let choice = |entry: Arc<Entry>| Choice {
        value: entry.entity.entity_ref.to_string(),
        label: entry.entity.label().to_owned(),
        note: Some(short_ref(&entry.entity.entity_ref)),
    };
    found.into_iter().map(choice).collect()
}
