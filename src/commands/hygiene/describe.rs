//! Repositories that somebody works on and that have no descriptor, and the form that writes their first one.
//! Must not write it, nor ask GitHub: what the repository shows is read by the job that proposes it.

use std::{collections::BTreeMap, sync::Arc};

use chrono::Months;
use serde_json::json;

use super::{
    audit,
    mend::{branch, proposed_already},
    mend_form::{Errors, pick},
};
use crate::{
    app::App,
    catalog::{Catalog, Kind, RelationType, Repository, live::Undescribed},
    chat::{
        Block, Button, Card, Choice, Field, FieldKind, Form, FormState, ListItem, ListStyle, Reply, Response, Status, Submission,
        Text, Value, limits::cut,
    },
    commands::{
        Asking,
        answer::{age::age, failure},
    },
    hygiene::{
        check::{ACTIVE, Rules, described_as, descriptor_key, without_entry},
        fix::{
            Blank,
            first::{Shown, find_type, written},
        },
        guess::{Guess, Home, guess_by_merges},
    },
    store::{FixState, FixedFile, FixedValue, NewFix},
};

const PAGE: usize = 10;

/// Where every source looks.
const PATH: &str = "catalog-info.yaml";

/// What components are in most organisations.
const TYPES: [&str; 6] = ["service", "website", "library", "worker", "tool", "documentation"];

const LIFECYCLES: [&str; 3] = ["experimental", "production", "deprecated"];

pub(super) async fn list(app: &App, catalog: &Catalog, asking: &Asking<'_>, page: usize) -> Reply {
    let known = match &asking.live.coverage.undescribed {
        Some(known) => known.clone(),
        None => match app.store.load_undescribed(asking.now - ACTIVE).await {
            Ok(all) => all.into_iter().map(Arc::new).collect(),
            Err(error) => return failure::not_answered("hygiene", "Which repositories have no descriptor", asking, &error),
        },
    };
    let all: Vec<Arc<Undescribed>> = known.into_iter().filter(|of| without_entry(of, catalog, asking.now)).collect();
    if all.is_empty() {
        let lead = "✓ Every repository that somebody works on has a descriptor.";
        return Reply::new(Status::Answered, "hygiene", lead.into());
    }
    let pages = all.len().div_ceil(PAGE);
    let page = page.clamp(1, pages);
    let lead = match all.len() {
        1 => "One repository that somebody works on has no descriptor.".to_owned(),
        many => format!("{many} repositories that somebody works on have no descriptor, the latest first."),
    };
    let lead = if pages > 1 { format!("{lead} Page {page} of {pages}.") } else { lead };
    let mut reply = Reply::new(Status::Answered, "hygiene", lead.into());
    let here: Vec<&Arc<Undescribed>> = all.iter().skip((page - 1) * PAGE).take(PAGE).collect();
    let item = |of: &&Arc<Undescribed>| {
        let Repository { full_name, url, description, pushed_at, .. } = &of.repository;
        let name = match url {
            Some(url) => Text::new().link(full_name, url.as_str()),
            None => Text::new().bold(full_name),
        };
        let name = match description.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            Some(description) => name.say(format!(": {}", cut(description, 150))),
            None => name,
        };
        ListItem::new(match pushed_at {
            Some(at) => name.say(format!(" (pushed to {})", age(*at, asking.now))),
            None => name,
        })
    };
    let body = vec![Block::List { style: ListStyle::Bullets, items: here.iter().map(item).collect() }];
    let describe = |of: &&Arc<Undescribed>| {
        let name = of.repository.full_name.as_str();
        let short = name.rsplit('/').next().unwrap_or(name);
        Button::say(cut(&format!("Describe {short}"), 60), format!("hygiene describe {name}"))
    };
    reply.cards.push(Card { body, buttons: here.iter().map(describe).collect(), ..Card::default() });
    if page > 1 {
        reply.buttons.push(Button::say("Back", format!("hygiene undescribed page {}", page - 1)));
    }
    if page < pages {
        reply.buttons.push(Button::say("Show more", format!("hygiene undescribed page {}", page + 1)));
    }
    reply
}

/// The repository of that name, where it has no descriptor yet.
async fn find(app: &App, catalog: &Catalog, asking: &Asking<'_>, name: &str) -> Result<Undescribed, Box<Reply>> {
    let since = asking.now.checked_sub_months(Months::new(12 * 100)).unwrap_or(asking.now);
    let all = match app.store.load_undescribed(since).await {
        Ok(all) => all,
        Err(error) => {
            return Err(Box::new(failure::not_answered("hygiene", "Which repositories have no descriptor", asking, &error)));
        }
    };
    let found = all.into_iter().find(|of| of.repository.full_name.eq_ignore_ascii_case(name));
    let found = found.ok_or_else(|| {
        let lead = format!("{} has a descriptor already, or Steward reads no repository of that name.", cut(name, 100));
        let mut reply = Reply::new(Status::NotFound, "hygiene", lead.into());
        reply.buttons.push(Button::say("Those without one", "hygiene undescribed"));
        Box::new(reply)
    })?;
    let entity = described_as(&found.repository);
    match catalog.find(&entity) {
        None => Ok(found),
        Some(entry) => {
            let lead = format!("{entity} is declared by {} already; two files cannot claim one name.", entry.origin.file());
            Err(Box::new(Reply::new(Status::Refused, "hygiene", lead.into())))
        }
    }
}

pub(super) async fn open(app: &App, catalog: &Catalog, asking: &Asking<'_>, name: &str) -> Response {
    let found = match find(app, catalog, asking, name).await {
        Ok(found) => found,
        Err(reply) => return Response::Reply(*reply),
    };
    if let Some(reply) = proposed_already(app, asking, &[descriptor_key(&found.repository)]).await {
        return Response::Reply(reply);
    }
    let state = FormState { subject: format!("describe {}", found.repository.full_name), ..FormState::default() };
    let presets = match said_before(app, catalog, &found).await {
        Some(said) => Presets { said, guess: None },
        None => Presets::of(catalog, asking, &found),
    };
    form(app, asking, &found, state, &Errors::new(), Some(&presets))
}

/// What stands in the form before anybody has filled it in.
#[derive(Default)]
struct Presets {
    /// By the field's name.
    said: BTreeMap<String, String>,
    /// Of the owner among them.
    guess: Option<Guess>,
}

impl Presets {
    fn of(catalog: &Catalog, asking: &Asking<'_>, found: &Undescribed) -> Self {
        let repository = &found.repository;
        let home = Home { source: &found.source, repository_id: repository.id, repository: &repository.full_name };
        let guess = guess_by_merges(catalog, home, &asking.live.recent);
        // Whoever is in one team alone most likely speaks for it.
        let teams = asking.person.as_ref().map(|person| catalog.related(person, RelationType::MemberOf)).unwrap_or_default();
        let own = if let [team] = teams.as_slice() { Some(team) } else { None };
        let owner = guess.as_ref().map(|guess| &guess.owner).or(own).map(ToString::to_string);
        let shown = Shown {
            full_name: &repository.full_name,
            topics: &repository.topics,
            language: repository.language.as_deref(),
            ..Shown::default()
        };
        let presets = [
            (Blank::Owner, owner),
            (Blank::Type, find_type(&shown).map(|(word, _)| word.to_owned())),
            (Blank::Lifecycle, Some("experimental".to_owned())),
            (Blank::Description, repository.description.clone()),
        ];
        let said = presets.into_iter().filter_map(|(blank, value)| Some((blank.as_str().to_owned(), value?)));
        Self { said: said.collect(), guess }
    }
}

/// What was said in the form the last time, where nothing came of it.
async fn said_before(app: &App, catalog: &Catalog, found: &Undescribed) -> Option<BTreeMap<String, String>> {
    // An extra: without it the form is filled in anew.
    let last = app.store.load_last_fix(&found.source, found.repository.id).await.ok().flatten()?;
    let file = last.files.into_iter().find(|file| file.is_new).filter(|_| last.state == FixState::Failed)?;
    let said = file.changes.into_iter().filter_map(|FixedValue { path, value }| {
        let name = path.last()?.clone();
        let kinds: &[Kind] = match Blank::parse(&name)? {
            Blank::Owner => &[Kind::Group],
            Blank::System => &[Kind::System],
            _ => return Some((name, value)),
        };
        let picked = pick(catalog, &value, kinds).ok()?;
        Some((name, picked.to_string()))
    });
    Some(said.collect())
}

/// `presets` where nobody has sent it yet: what was emptied since stays empty.
fn form(
    app: &App,
    asking: &Asking<'_>,
    found: &Undescribed,
    state: FormState,
    errors: &Errors,
    presets: Option<&Presets>,
) -> Response {
    let repository = &found.repository;
    let lookup = |kind: &str, placeholder: &str| FieldKind::Lookup {
        kinds: vec![kind.to_owned()],
        placeholder: Some(placeholder.to_owned()),
    };
    let rules = Rules::of(&app.settings.hygiene);
    let select = |words: &[&str]| FieldKind::Select { choices: words.iter().map(|word| Choice::new(*word, *word)).collect() };
    // What a repository shows is told in no organisation's own words.
    let types: Vec<&str> = if rules.types.is_empty() { TYPES.to_vec() } else { rules.types.iter().map(String::as_str).collect() };
    let field = Field::new(Blank::Type.as_str(), "Type", select(&types));
    let type_field = if rules.types.is_empty() { field.optional() } else { field };
    let description = FieldKind::Paragraph { placeholder: Some("What it is for, in a sentence".to_owned()), max: Some(500) };
    let is_offered = |name: &str, value: &str| name != Blank::Type.as_str() || types.contains(&value);
    let preset = |name: &str| presets?.said.get(name).filter(|value| is_offered(name, value)).cloned();
    let fields = vec![
        Field::new(Blank::Owner.as_str(), "Owner", lookup("group", "Type a team's name")).optional(),
        type_field,
        Field::new(Blank::Lifecycle.as_str(), "Lifecycle", select(&LIFECYCLES)),
        Field::new(Blank::Description.as_str(), "Description", description).optional(),
        Field::new(Blank::System.as_str(), "System", lookup("system", "Type a system's name")).optional(),
    ];
    let fields = fields.into_iter().map(|field| Field {
        value: state.values.get(&field.name).cloned().or_else(|| preset(&field.name).map(Value::Text)),
        error: errors.get(&field.name).cloned(),
        ..field
    });
    let pushed = repository.pushed_at.map(|at| format!("; it was pushed to {}", age(at, asking.now))).unwrap_or_default();
    let intro = Text::new().bold(&repository.full_name).say(format!(" has no descriptor{pushed}. This proposes "));
    let intro = intro.code(PATH).say(
        " with what you say here and what the repository shows. What you leave empty is read there: the owner is guessed from \
         CODEOWNERS, else from who wrote the last commits, and the pull request says so.",
    );
    let intro = match presets.and_then(|presets| presets.guess.as_ref()) {
        Some(Guess { owner, evidence }) => {
            intro.say(" The owner below is a guess: ").bold(written(owner)).say(format!(" {evidence}."))
        }
        None => intro,
    };
    Response::Form(Box::new(Form {
        id: "hygiene".to_owned(),
        title: "Describe".to_owned(),
        page: 0,
        pages: 1,
        intro,
        fields: fields.collect(),
        submit: "Propose".to_owned(),
        state,
    }))
}

pub(super) async fn submit(app: &App, catalog: &Catalog, asking: &Asking<'_>, sent: Submission) -> Response {
    let mut state = sent.state;
    let name = state.subject.split_once(' ').map(|(_, name)| name.to_owned()).unwrap_or_default();
    let found = match find(app, catalog, asking, &name).await {
        Ok(found) => found,
        Err(reply) => return Response::Reply(*reply),
    };
    state.values.extend(sent.values);
    let mut errors = Errors::new();
    let mut changes = Vec::new();
    let rules = Rules::of(&app.settings.hygiene);
    let needed = || "This is needed: please fill it in.".to_owned();
    for blank in [Blank::Owner, Blank::Type, Blank::Lifecycle, Blank::Description, Blank::System] {
        let answer = state.values.get(blank.as_str()).map_or("", Value::as_text).trim();
        let read = match (blank, answer.is_empty()) {
            (Blank::Lifecycle, true) => Err(needed()),
            (Blank::Type, true) if !rules.types.is_empty() => Err(needed()),
            (_, true) => continue,
            (Blank::Owner, _) => pick(catalog, answer, &[Kind::Group]).map(|owner| written(&owner)),
            (Blank::System, _) => pick(catalog, answer, &[Kind::System]).map(|system| written(&system)),
            (blank, _) => blank.read(answer),
        };
        match read.map(|value| blank.change(&value, &asking.live.on_call)) {
            Ok(change) => changes.extend(change.map(FixedValue::from)),
            Err(said) => {
                errors.insert(blank.as_str().to_owned(), said);
            }
        }
    }
    if !errors.is_empty() {
        return form(app, asking, &found, state, &errors, None);
    }
    Response::Reply(start(app, asking, found, changes).await)
}

async fn start(app: &App, asking: &Asking<'_>, found: Undescribed, changes: Vec<FixedValue>) -> Reply {
    let Undescribed { source, repository, consumers: _ } = found;
    let entity = described_as(&repository);
    let is_same = |fix: &crate::store::Fix| fix.source == source && fix.repository_id == repository.id;
    match app.store.load_open_fixes().await {
        Ok(open) if open.iter().any(is_same) => {
            let lead = "A pull request is proposed there already; its message shows how it goes.";
            return Reply::new(Status::Answered, "hygiene", lead.into());
        }
        Ok(_) => {}
        Err(error) => return failure::not_recorded("hygiene", "Nothing was proposed.", asking, &error),
    }
    let detail = json!({ "repository": repository.full_name, "changes": changes });
    let key = descriptor_key(&repository);
    let fix = NewFix {
        source,
        repository_id: repository.id,
        repository: repository.full_name.clone(),
        branch: branch(entity.name()),
        keys: vec![key],
        files: vec![FixedFile {
            path: PATH.to_owned(),
            entity: entity.clone(),
            changes,
            contents: None,
            is_new: true,
            readings: Vec::new(),
        }],
    };
    let audit = audit(asking, "describe", entity.as_str(), detail);
    if let Err(error) = app.store.start_fixes(&audit, asking.place, &[fix]).await {
        return failure::not_recorded("hygiene", "Nothing was proposed.", asking, &error);
    }
    let lead = Text::plain("A first descriptor is being proposed to ").code(&repository.full_name);
    Reply::new(Status::Answered, "hygiene", lead.say(". How it goes on is shown here."))
}
