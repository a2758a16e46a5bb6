//! Fix: a form with what is missing, and the pull request that its answers ask for, one for each repository.
//! Must not make it: it is written down, and a job does.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;

use super::{
    Open, audit, describe, draw, find_open, find_repository, findings_of,
    mend_form::{Errors, Filled, Question},
    parse_key,
};
use crate::{
    app::App,
    catalog::{Catalog, EntityRef, Entry, RelationType},
    chat::{Button, Form, FormState, Reply, Response, Status, Submission, Text, Value},
    commands::{
        Asking, StoreHealth,
        answer::{age::count, failure, names::label},
    },
    hygiene::{
        check::{Check, Rules},
        fix::Blank,
    },
    store::{FixedFile, NewFix},
};

/// Questions that are about one entry each, in one form.
const MOST_NAMED: usize = 10;

/// Entries that one answer is for.
const MOST_ALIKE: usize = 50;

/// Letters of a name in a branch's.
const BRANCH_NAME: usize = 40;

/// What a form is about.
struct Mend {
    /// Of the form's state: `fix KEY`, `fixall CHECK:TEAM`, `adopt KEY`.
    subject: String,
    intro: Text,
    questions: Vec<Question>,
}

pub(super) async fn open(app: &App, catalog: &Catalog, asking: &Asking<'_>, key: &str) -> Response {
    if parse_key(key).is_some_and(|(check, _)| check.is_of_repositories()) {
        return match find_repository(app, catalog, asking, key) {
            Ok(of) => describe::open(app, catalog, asking, &of.repository.full_name).await,
            Err(reply) => Response::Reply(*reply),
        };
    }
    let mend = match of_finding(app, catalog, asking, key) {
        Ok(mend) => mend,
        Err(reply) => return Response::Reply(*reply),
    };
    show_new(app, asking, mend, FormState::default()).await
}

pub(super) async fn open_all(app: &App, catalog: &Catalog, asking: &Asking<'_>, key: &str) -> Response {
    match of_all(app, catalog, asking, key) {
        Ok(mend) => show_new(app, asking, mend, FormState::default()).await,
        Err(reply) => Response::Reply(*reply),
    }
}

/// The form of who takes a finding over, with themselves as the owner.
pub(super) async fn adopt(app: &App, catalog: &Catalog, asking: &Asking<'_>, key: &str, owner: Option<&EntityRef>) -> Response {
    let mend = match of_adoption(app, catalog, asking, key) {
        Ok(mend) => mend,
        Err(reply) => return Response::Reply(*reply),
    };
    let mut state = FormState::default();
    if let Some(owner) = owner {
        state.values.insert(Blank::Owner.as_str().to_owned(), Value::Text(owner.to_string()));
    }
    show_new(app, asking, mend, state).await
}

/// Before anybody types: what is proposed already is shown rather than asked for again.
async fn show_new(app: &App, asking: &Asking<'_>, mend: Mend, state: FormState) -> Response {
    if let Some(first) = mend.questions.first().filter(|first| first.entries.len() == 1)
        && let Some(reply) = proposed_already(app, asking, &first.keys).await
    {
        return Response::Reply(reply);
    }
    form(app, asking, &mend, state, &Errors::new())
}

/// The reply that shows the pull request which mends one of these findings, where there is one.
pub(super) async fn proposed_already(app: &App, asking: &Asking<'_>, keys: &[String]) -> Option<Reply> {
    if asking.store != StoreHealth::Reachable {
        return None;
    }
    let open = app.store.load_open_fixes().await.ok()?;
    let fix = open.iter().find(|fix| keys.iter().any(|key| fix.keys.contains(key)))?;
    let lead = match (&fix.url, fix.number) {
        (Some(url), Some(number)) => {
            Text::plain("A fix is proposed already: ").link(format!("{}#{number}", fix.repository), url.as_str()).say(".")
        }
        _ => "A fix is being proposed already; its message shows how that goes.".into(),
    };
    Some(Reply::new(Status::Answered, "hygiene", lead))
}

fn form(app: &App, asking: &Asking<'_>, mend: &Mend, mut state: FormState, errors: &Errors) -> Response {
    let rules = Rules::of(&app.settings.hygiene);
    let fields = mend.questions.iter().filter_map(|question| question.draw(asking, &rules, &state, errors)).collect();
    state.subject = mend.subject.clone();
    Response::Form(Box::new(Form {
        id: "hygiene".to_owned(),
        title: "Fix".to_owned(),
        page: 0,
        pages: 1,
        intro: mend.intro.clone(),
        fields,
        submit: "Propose".to_owned(),
        state,
    }))
}

fn of_finding(app: &App, catalog: &Catalog, asking: &Asking<'_>, key: &str) -> Result<Mend, Box<Reply>> {
    let found = find_open(app, catalog, asking, key)?;
    refuse_archived(&found)?;
    let mut questions = questions_of(app, catalog, asking, &found.entry);
    let own = Blank::of(found.finding.check);
    for question in &mut questions {
        question.is_required = Some(question.blank) == own;
    }
    questions.sort_by_key(|question| !question.is_required);
    if questions.is_empty() || !questions.iter().any(|question| question.is_required) && own.is_some() {
        return Err(Box::new(by_hand(&found)));
    }
    if own.is_none() {
        return Err(Box::new(by_hand(&found)));
    }
    let intro = intro(catalog, &found, questions.len());
    Ok(Mend { subject: format!("fix {}", found.key()), intro, questions })
}

fn of_adoption(app: &App, catalog: &Catalog, asking: &Asking<'_>, key: &str) -> Result<Mend, Box<Reply>> {
    let found = find_open(app, catalog, asking, key)?;
    refuse_archived(&found)?;
    let mut questions = questions_of(app, catalog, asking, &found.entry);
    let keys = match questions.iter().position(|question| question.blank == Blank::Owner) {
        Some(at) => questions.remove(at).keys,
        None => Vec::new(),
    };
    let entries = vec![Arc::clone(&found.entry)];
    questions.insert(0, Question { blank: Blank::Owner, entries, keys, is_required: true, is_named: false });
    let intro = Text::plain("You take over ")
        .bold(label(catalog, &found.finding.entity))
        .say(". This proposes it to its repository: the owner, and what else is missing as far as you know it.");
    Ok(Mend { subject: format!("adopt {}", found.key()), intro, questions })
}

/// All of one entry that a form can mend, none required.
fn questions_of(app: &App, catalog: &Catalog, asking: &Asking<'_>, entry: &Arc<Entry>) -> Vec<Question> {
    let mut questions: Vec<Question> = Vec::new();
    for finding in findings_of(app, catalog, asking, std::slice::from_ref(entry)) {
        let Some(blank) = Blank::of(finding.check) else { continue };
        match questions.iter_mut().find(|question| question.blank == blank) {
            Some(question) => question.keys.push(finding.key()),
            None => questions.push(Question {
                blank,
                entries: vec![Arc::clone(entry)],
                keys: vec![finding.key()],
                is_required: false,
                is_named: false,
            }),
        }
    }
    questions
}

fn intro(catalog: &Catalog, found: &Open, questions: usize) -> Text {
    let name = label(catalog, &found.finding.entity);
    let text = Text::new().bold(&name).say(format!(" {}. {} ", found.finding.detail, found.finding.check.fix));
    let text = text
        .say("This proposes the change to ")
        .code(found.entry.origin.file())
        .say(" as a pull request; nothing else in it changes.");
    match questions {
        0 | 1 => text,
        _ => text.say(" What else is missing there can be filled in with it."),
    }
}

/// Everything of a team that fails the same check.
fn of_all(app: &App, catalog: &Catalog, asking: &Asking<'_>, key: &str) -> Result<Mend, Box<Reply>> {
    let not_found = |lead: &str| Box::new(Reply::new(Status::NotFound, "hygiene", lead.into()));
    let Some((check, team)) = parse_key(key) else { return Err(not_found("/hygiene shows what is open, with buttons.")) };
    let Some(blank) = Blank::of(check) else { return Err(not_found("No form can mend these: each is a matter of its own.")) };
    let owned = catalog.related(&team, RelationType::OwnerOf);
    let owned: Vec<Arc<Entry>> = owned.iter().filter_map(|entity| catalog.find(entity)).cloned().collect();
    let findings = findings_of(app, catalog, asking, &owned);
    let alike = findings.iter().filter(|finding| finding.check.id == check.id);
    let alike = alike.filter_map(|finding| Some((Arc::clone(catalog.find(&finding.entity)?), finding.key())));
    let mut alike: Vec<_> = alike.filter(|(entry, _)| !entry.origin.archived).collect();
    alike.truncate(if blank.is_shared() { MOST_ALIKE } else { MOST_NAMED });
    if alike.is_empty() {
        return Err(not_found("✓ Nothing of this kind is open any more."));
    }
    let intro = intro_all(catalog, check, &team, alike.len());
    let questions = match blank.is_shared() {
        true => {
            let (entries, keys) = alike.into_iter().unzip();
            vec![Question { blank, entries, keys, is_required: true, is_named: false }]
        }
        false => {
            let one =
                |(entry, key)| Question { blank, entries: vec![entry], keys: vec![key], is_required: false, is_named: true };
            alike.into_iter().map(one).collect()
        }
    };
    Ok(Mend { subject: format!("fixall {}:{team}", check.id), intro, questions })
}

fn intro_all(catalog: &Catalog, check: &Check, team: &EntityRef, number: usize) -> Text {
    let text = Text::plain(format!("{} of ", count(number, "entry").replace("entrys", "entries"))).bold(label(catalog, team));
    let text = text.say(format!(": {}. {} ", draw::lower(check.title), check.fix));
    text.say("One pull request is made for each repository; nothing else in the files changes.")
}

fn refuse_archived(found: &Open) -> Result<(), Box<Reply>> {
    if !found.entry.origin.archived {
        return Ok(());
    }
    let lead = format!(
        "{} is archived, so nothing can be changed there. Bring it back on GitHub first, or move the entry elsewhere.",
        found.entry.origin.repository
    );
    Err(Box::new(Reply::new(Status::Refused, "hygiene", lead.into())))
}

/// What no form can mend: how it is mended, and where.
fn by_hand(found: &Open) -> Reply {
    let name = found.entry.entity.label();
    let lead =
        Text::plain("No form can mend this. ").bold(name).say(format!(" {}. {}", found.finding.detail, found.finding.check.fix));
    let mut reply = Reply::new(Status::Answered, "hygiene", lead);
    reply.refs.push(found.finding.entity.to_string());
    reply.buttons.extend(found.entry.origin.url().map(|url| Button::open("The file", url).primary()));
    reply
}

pub(super) async fn submit(app: &App, catalog: &Catalog, asking: &Asking<'_>, sent: Submission) -> Response {
    let mut state = sent.state;
    let (verb, key) = state.subject.split_once(' ').unwrap_or_default();
    let mend = match verb {
        "fixall" => of_all(app, catalog, asking, key),
        "adopt" => of_adoption(app, catalog, asking, key),
        _ => of_finding(app, catalog, asking, key),
    };
    let mend = match mend {
        Ok(mend) => mend,
        Err(reply) => return Response::Reply(*reply),
    };
    state.values.extend(sent.values);
    let mut errors = Errors::new();
    let filled: Vec<Filled> =
        mend.questions.iter().flat_map(|question| question.read(catalog, asking, &state, &mut errors)).collect();
    if errors.is_empty() && filled.is_empty() {
        let Some(first) = mend.questions.first() else { return form(app, asking, &mend, state, &errors) };
        let name = first.draw(asking, &Rules::of(&app.settings.hygiene), &state, &errors).map(|field| field.name);
        errors.extend(name.map(|name| (name, "Fill in one at least.".to_owned())));
    }
    if !errors.is_empty() {
        return form(app, asking, &mend, state, &errors);
    }
    Response::Reply(start(app, catalog, asking, &mend.subject, filled).await)
}

/// Writes the pull requests down, one for each repository.
async fn start(app: &App, catalog: &Catalog, asking: &Asking<'_>, subject: &str, filled: Vec<Filled>) -> Reply {
    let mut fixes: BTreeMap<(String, i64), NewFix> = BTreeMap::new();
    for Filled { entry, change, keys } in filled {
        let origin = &entry.origin;
        let fix = fixes.entry((origin.source.to_string(), origin.repository_id)).or_insert_with(|| NewFix {
            source: origin.source.to_string(),
            repository_id: origin.repository_id,
            repository: origin.repository.to_string(),
            branch: branch(&entry.entity.name),
            keys: Vec::new(),
            files: Vec::new(),
        });
        fix.keys.extend(keys);
        let entity = &entry.entity.entity_ref;
        match fix.files.iter_mut().find(|file| file.entity == *entity) {
            Some(file) => file.changes.push(change.into()),
            None => fix.files.push(FixedFile {
                path: origin.path.to_string(),
                entity: entity.clone(),
                changes: vec![change.into()],
                contents: None,
                is_new: false,
                readings: Vec::new(),
            }),
        }
    }
    let fixes: Vec<NewFix> = fixes.into_values().collect();
    let entities: Vec<&EntityRef> = fixes.iter().flat_map(|fix| &fix.files).map(|file| &file.entity).collect();
    let about = match entities.as_slice() {
        [one] => one.to_string(),
        _ => subject.split_once(' ').map_or_else(String::new, |(_, key)| key.to_owned()),
    };
    let detail = json!({
        "repositories": fixes.iter().map(|fix| fix.repository.as_str()).collect::<Vec<_>>(),
        "changes": fixes.iter().flat_map(|fix| &fix.files).collect::<Vec<_>>(),
    });
    let audit = audit(asking, "fix", &about, detail);
    if let Err(error) = app.store.start_fixes(&audit, asking.place, &fixes).await {
        return failure::not_recorded("hygiene", "Nothing was proposed.", asking, &error);
    }
    let names = match entities.as_slice() {
        [one] => Text::new().bold(label(catalog, one)),
        several => Text::plain(count(several.len(), "entry").replace("entrys", "entries")),
    };
    let lead = match fixes.as_slice() {
        [one] => Text::plain("A change of ").join(names).say(" is being proposed to ").code(&one.repository),
        several => Text::plain("Changes of ").join(names).say(format!(" are being proposed to {} repositories", several.len())),
    };
    let mut reply = Reply::new(Status::Answered, "hygiene", lead.say(". How it goes on is shown here."));
    reply.refs = entities.iter().map(ToString::to_string).collect();
    reply
}

/// `steward/fix-payments-api-m3x9k2`: a name of its own for each, which a person can tell from another.
pub(super) fn branch(name: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().take(BRANCH_NAME).map(plain).collect();
    let mut number = rand::random::<u32>();
    let mut digits = Vec::new();
    while number > 0 {
        digits.push(char::from_digit(number % 36, 36).unwrap_or('0'));
        number /= 36;
    }
    let digits: String = digits.into_iter().rev().collect();
    format!("steward/fix-{}-{digits}", name.trim_matches('-'))
}
