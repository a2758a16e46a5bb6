//! A template's form while somebody fills it in: what is asked on a page, what was answered, and the run at its end.
//! Must not know how a line or a press led here.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{
    foresee,
    given::{self, Answers, Wrong, put},
    gone, list,
    question::{self, Around, draw},
    read_subject,
    sheet::{Sheet, carried, sheets},
    taken::{self, Standing, ToBeMade},
    words,
};
use crate::{
    app::App,
    catalog::{Catalog, EntityRef, Entry, Kind, RelationType},
    chat::{
        Button, Form, FormState, Reply, Response, Status, Text, Value,
        limits::{SLACK, cut},
    },
    commands::{Asking, access, answer::failure, tasks::approvers_named},
    settings::SourceSettings,
    store::{AuditEntry, DraftId, NewRun, NewStep, RunOrigin, StoreError, WantedSecret},
    template::{
        expression::{Context, Syntax, Template as Expression},
        form::{Field, FieldKind},
        plan::{Planned, plan},
        run::Given,
        shelf::{Runnable, Shelved},
    },
};

/// Answers longer than this wait in a row; a form carries a third as much besides.
const CARRIED: usize = 2_000;

/// Under this name a form carries the answers of earlier pages.
const VALUES: &str = "v";

/// What a door adds to the state it carries.
const AROUND: usize = 100;

/// What is shown of a page besides its questions.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) wrong: Wrong,
    /// What was just sent, where it is to be shown as it was written.
    pub(super) answers: Answers,
    /// What stands beside no question.
    pub(super) above: Option<String>,
}

/// A form that somebody is filling in.
pub(super) struct Filling<'a> {
    app: &'a App,
    catalog: &'a Catalog,
    asking: &'a Asking<'a>,
    shelved: Arc<Shelved>,
    /// Of all pages so far, with defaults.
    values: Json,
}

impl<'a> Filling<'a> {
    /// Asks whether this may be run, by whom asks, at all.
    pub(super) async fn begin(
        app: &'a App,
        catalog: &'a Catalog,
        asking: &'a Asking<'a>,
        shelved: Arc<Shelved>,
    ) -> Result<Self, Box<Reply>> {
        let title = shelved.title().to_owned();
        if let Some(refusal) = access::refuse_template(app, catalog, asking, &shelved.entity_ref).await {
            return Err(Box::new(refusal));
        }
        if let Some(reason) = list::reason(app, &shelved) {
            let lead = Text::new().bold(title).say(format!(" cannot be run: {reason}."));
            return Err(Box::new(Reply::new(Status::Refused, "new", lead)));
        }
        let values = match &shelved.read {
            Ok(runnable) => runnable.form.check(&json!({})).values,
            Err(_) => json!({}),
        };
        Ok(Self { app, catalog, asking, shelved, values })
    }

    /// The same with the answers that a form carries.
    pub(super) async fn resume(
        app: &'a App,
        catalog: &'a Catalog,
        asking: &'a Asking<'a>,
        state: &FormState,
    ) -> Result<Self, Box<Reply>> {
        let missing = || Box::new(gone(&state.subject));
        let (template, draft) = read_subject(&state.subject).ok_or_else(missing)?;
        let shelved = app.live.templates().find(&template).cloned().ok_or_else(missing)?;
        let mut filling = Self::begin(app, catalog, asking, shelved).await?;
        let given = match draft {
            None => {
                state.values.get(VALUES).and_then(|value| serde_json::from_str(value.as_text()).ok()).unwrap_or_else(|| json!({}))
            }
            Some(draft) => match app.store.load_draft(draft, asking.account).await {
                Ok(Some(given)) => given,
                Ok(None) => {
                    let said = "The answers of this form are gone: it was opened more than two days ago. Nothing was started.";
                    let mut reply = Reply::new(Status::NotFound, "new", said.into());
                    reply.buttons.push(Button::say("Begin anew", format!("new {template}")).primary());
                    return Err(Box::new(reply));
                }
                Err(error) => return Err(Box::new(failure::not_answered("new", "What was answered before", asking, &error))),
            },
        };
        if let Ok(runnable) = &filling.shelved.read {
            filling.values = runnable.form.check(&given).values;
        }
        Ok(filling)
    }

    fn runnable(&self) -> &Runnable {
        self.shelved.read.as_ref().expect("a filling is begun with what can be run")
    }

    fn around(&self) -> Around<'_> {
        let organisations = self.app.settings.sources.iter().filter_map(|source| match source {
            SourceSettings::Github(github) => Some(github.org.clone()),
            SourceSettings::Directory(_) | SourceSettings::Url(_) | SourceSettings::People(_) | SourceSettings::Backstage(_) => {
                None
            }
        });
        let naming = &self.app.settings.scaffolder.naming;
        Around {
            catalog: self.catalog,
            asking: self.asking,
            organisations: organisations.collect(),
            usual_name: naming.default.as_deref().and_then(|written| usual_name(written, &self.values)),
            naming,
            values: &self.values,
        }
    }

    /// Takes over the answers of a page; what cannot be read is told by question.
    pub(super) fn take(&mut self, page: usize, answers: &Answers) -> Wrong {
        let mut wrong = Wrong::new();
        let mut values = self.values.clone();
        let (runnable, around) = (self.runnable(), self.around());
        if let Some(sheet) = sheets(&runnable.form, &self.values).get(page) {
            for field in &sheet.fields {
                match given::read(field, answers, &around) {
                    Ok(value) => put(&mut values, &field.path, value),
                    Err(told) => {
                        put(&mut values, &field.path, None);
                        wrong.extend(told);
                    }
                }
            }
        }
        let settled = match sheets(&runnable.form, &self.values).get(page) {
            Some(sheet) => unsay_no(&runnable.form, sheet, values),
            None => values,
        };
        self.values = runnable.form.check(&settled).values;
        wrong
    }

    pub(super) async fn submit(mut self, page: usize, answers: Answers) -> Response {
        let asked = sheets(&self.runnable().form, &self.values).len();
        let mut shown = Shown::default();
        let mut wrong = self.take(page, &answers);
        let faults = words::faults(&self.runnable().form, &self.values);
        if page < asked {
            let runnable = self.runnable();
            let sheets = sheets(&runnable.form, &self.values);
            if let Some(sheet) = sheets.get(page) {
                for fault in &faults {
                    let Some(field) = sheet.field(&fault.path) else { continue };
                    let said = words::say(&runnable.form, &self.values, field, fault);
                    wrong.entry(question_of(field)).or_insert(said);
                }
            }
            if !wrong.is_empty() {
                return self.show(page, &Shown { wrong, answers, above: None }).await;
            }
            let (at, checked) = self.check_names(page, &sheets).await;
            if !checked.wrong.is_empty() {
                return self.show(at, &checked).await;
            }
            shown = checked;
            if page + 1 < sheets.len() {
                return self.show(page + 1, &shown).await;
            }
        }
        // Everything is answered; what a later answer made wrong leads back to where it is asked.
        if !faults.is_empty() {
            return self.lead_back(&faults).await;
        }
        let last = sheets(&self.runnable().form, &self.values).len();
        if page < last || page != asked {
            return self.show(last, &shown).await;
        }
        Response::Reply(self.start().await)
    }

    /// Asks whether what is named by now is still to be had: what is not stands beside its question, on the page that is given.
    async fn check_names(&self, page: usize, sheets: &[Sheet<'_>]) -> (usize, Shown) {
        let find = |made: &ToBeMade, wanted: Names| {
            let all = sheets.iter().enumerate().flat_map(|(at, sheet)| sheet.fields.iter().map(move |field| (at, *field)));
            all.into_iter().find(|(_, field)| names(field, &self.values, made) == wanted)
        };
        let last = sheets.len().saturating_sub(1);
        // A picker's answer is the place itself; a name alone may be asked for before the rest is known.
        let is_named = |made: &ToBeMade| find(made, Names::Place).map_or(last, |(at, _)| at) == page;
        let here: Vec<ToBeMade> = taken::to_be_made(&self.planned()).into_iter().filter(is_named).collect();
        let mut shown = Shown::default();
        for (made, standing) in here.iter().zip(taken::ask(self.app, self.catalog, &here).await) {
            match standing {
                Standing::Free => {}
                Standing::NotAsked(said) => shown.above = Some(said),
                Standing::Taken(said) => match find(made, Names::Place).or_else(|| find(made, Names::Name)) {
                    Some((at, field)) => return (at, Shown { wrong: [(question_of(field), said)].into(), ..Shown::default() }),
                    // Made of answers none of which is its name.
                    None => {
                        let first = sheets.get(page).and_then(|sheet| sheet.fields.first()).map(|field| question_of(field));
                        let wrong = first.map(|question| (question, said)).into_iter().collect();
                        return (page, Shown { wrong, ..Shown::default() });
                    }
                },
            }
        }
        (page, shown)
    }

    fn planned(&self) -> Vec<Planned<'_>> {
        let given = Given { parameters: self.values.clone(), user: user(self.catalog, self.asking), secrets: self.hidden() };
        plan(&self.runnable().template, &given)
    }

    /// Who has to agree: the organisation's rules decide, else the template's author.
    fn approvers(&self) -> Option<String> {
        let of_rules = access::approvers_of(&self.app.settings.access.rules, &self.shelved.entity_ref);
        of_rules.or_else(|| self.runnable().template.approvers.clone())
    }

    async fn lead_back(&self, faults: &[crate::template::form_check::Fault]) -> Response {
        let form = &self.runnable().form;
        let sheets = sheets(form, &self.values);
        let at = sheets.iter().position(|sheet| faults.iter().any(|fault| sheet.field(&fault.path).is_some()));
        let mut shown = Shown::default();
        let page = at.unwrap_or(sheets.len().saturating_sub(1));
        if let (Some(sheet), true) = (sheets.get(page), at.is_some()) {
            for fault in faults {
                let Some(field) = sheet.field(&fault.path) else { continue };
                shown.wrong.insert(question_of(field), words::say(form, &self.values, field, fault));
            }
        } else {
            shown.above = faults.first().map(words::say_of_all);
        }
        self.show(page, &shown).await
    }

    /// A page of questions, or the last one.
    pub(super) async fn show(&self, page: usize, shown: &Shown) -> Response {
        let runnable = self.runnable();
        let sheets = sheets(&runnable.form, &self.values);
        let around = self.around();
        let state = match self.state().await {
            Ok(state) => state,
            Err(reply) => return Response::Reply(*reply),
        };
        let page = page.min(sheets.len());
        let (intro, fields, submit) = match sheets.get(page) {
            Some(sheet) => {
                let mut fields: Vec<_> = sheet.fields.iter().flat_map(|field| draw(field, &self.values, &around)).collect();
                for field in &mut fields {
                    field.error = shown.wrong.get(&field.name).cloned();
                    if let Some(answer) = shown.answers.get(&field.name) {
                        field.value = Some(answer.clone());
                    }
                }
                (self.intro(sheet, page, shown), fields, "Next")
            }
            None => {
                let planned = self.planned();
                let told = foresee::foresee(&runnable.form, &self.values, &planned, self.approvers().as_deref(), self.catalog);
                let folder = taken::folder_for(self.app, &planned);
                let notes = folder.into_iter().chain(shown.above.clone());
                let told = notes.fold(told, |told, note| told.line().line().say(note));
                (told, Vec::new(), "Create")
            }
        };
        Response::Form(Box::new(Form {
            id: "new".to_owned(),
            title: cut(self.shelved.title(), SLACK.form_title),
            page,
            pages: sheets.len() + 1,
            intro,
            fields,
            submit: submit.to_owned(),
            state,
        }))
    }

    fn intro(&self, sheet: &Sheet<'_>, page: usize, shown: &Shown) -> Text {
        let runnable = self.runnable();
        let mut parts: Vec<Text> = Vec::new();
        let words = |words: &Option<String>| words.as_deref().map(|words| words.split_whitespace().collect::<Vec<_>>().join(" "));
        if let Some(above) = &shown.above {
            parts.push(Text::new().bold(above.as_str()));
        }
        if let Some(description) = words(&runnable.template.description).filter(|_| page == 0) {
            parts.push(Text::plain(cut(&description, 500)));
        }
        if let Some(of_page) = runnable.form.pages.get(sheet.page).filter(|_| sheet.is_first) {
            parts.push(Text::new().bold(cut(&of_page.title, 150)));
            parts.extend(words(&of_page.description).map(|description| Text::plain(cut(&description, 500))));
        }
        let is_secret = |field: &&crate::template::form::Field| matches!(field.kind, FieldKind::Secret);
        if sheet.is_first {
            let of_page = runnable.form.pages.get(sheet.page).map(|page| page.fields.as_slice()).unwrap_or_default();
            let secrets = of_page.iter().filter(is_secret).map(|field| cut(&field.title, 60)).collect::<Vec<_>>();
            if !secrets.is_empty() {
                let said = format!("{} is asked for later, on a web page: a chat shows what is typed.", secrets.join(", "));
                parts.push(Text::plain(said));
            }
        }
        let told = sheet.is_first.then(|| runnable.form.pages.get(sheet.page)).flatten();
        for field in told.iter().flat_map(|page| &page.fields) {
            let is_told = matches!(field.kind, FieldKind::Told) && field.is_shown(&self.values);
            parts.extend(words(&field.description).filter(|_| is_told).map(|words| Text::plain(cut(&words, 300))));
        }
        let mut intro = Text::new();
        for (at, part) in parts.into_iter().enumerate() {
            intro = if at == 0 { part } else { intro.line().join(part) };
        }
        intro
    }

    /// What the next page needs to know: in the form itself, or where that is too much, in a row.
    async fn state(&self) -> Result<FormState, Box<Reply>> {
        let template = self.shelved.entity_ref.to_string();
        let answers = carried(&self.runnable().form, &self.values);
        if answers.as_object().is_none_or(serde_json::Map::is_empty) {
            return Ok(FormState { subject: template, ..FormState::default() });
        }
        let values = [(VALUES.to_owned(), Value::Text(answers.to_string()))].into();
        let state = FormState { subject: template.clone(), values };
        let length = serde_json::to_string(&state).map_or(usize::MAX, |written| written.len());
        if length <= CARRIED {
            return Ok(state);
        }
        match self.app.store.save_draft(self.asking.account, &template, &answers, self.asking.now).await {
            Ok(DraftId(draft)) => Ok(FormState { subject: format!("{template} {draft}"), ..FormState::default() }),
            // Tight, but it goes without a row.
            Err(_) if length <= SLACK.form_state - AROUND => Ok(state),
            Err(error) => {
                Err(Box::new(failure::not_recorded("new", "Your answers are longer than a form can carry.", self.asking, &error)))
            }
        }
    }

    /// The names of the secrets that will be asked for; nothing else is known of them.
    fn hidden(&self) -> Json {
        let names = words::secrets(&self.runnable().form, &self.values);
        Json::Object(names.iter().filter_map(|field| Some((field.path.last()?.clone(), json!("***")))).collect())
    }

    /// Writes the run down: it begins at once, or when somebody has agreed.
    async fn start(&self) -> Reply {
        let (runnable, template) = (self.runnable(), &self.shelved.entity_ref);
        let Some(entry) = self.catalog.find(template) else { return gone(template.as_str()) };
        let commit = match self.app.store.load_head(&entry.origin.source, entry.origin.repository_id).await {
            Ok(commit) => commit,
            Err(error) => return self.not_started(&error),
        };
        let secrets = words::secrets(&runnable.form, &self.values);
        let run = NewRun {
            template: template.to_string(),
            title: self.run_title(),
            document: self.shelved.document.clone(),
            origin: origin(entry, commit),
            parameters: self.values.clone(),
            user: user(self.catalog, self.asking),
            place: self.asking.place.cloned(),
            approvers: self.approvers(),
            secrets: secrets
                .iter()
                .filter_map(|field| Some(WantedSecret { name: field.path.last()?.clone(), title: field.title.clone() }))
                .collect(),
            steps: runnable
                .template
                .steps
                .iter()
                .map(|step| NewStep { id: step.id.clone(), name: step.name.clone(), action: step.action.id.clone() })
                .collect(),
        };
        let needs_secrets = !run.secrets.is_empty();
        let approvers = run.approvers.clone();
        let audit = AuditEntry {
            at: self.asking.now,
            delivery: self.asking.delivery.clone(),
            account: self.asking.account.clone(),
            person: self.asking.person.clone(),
            command: "new".to_owned(),
            subject: template.to_string(),
            detail: json!({ "parameters": self.values }),
        };
        let id = match self.app.store.start_run(audit, run).await {
            Ok(id) => id,
            Err(error) => return self.not_started(&error),
        };
        let said = Text::plain("Run ").bold(id.to_string()).say(format!(", {}, ", self.run_title()));
        let lead = match approvers {
            Some(approvers) => said.say("waits for ").bold(approvers_named(self.catalog, &approvers)).say(" to agree."),
            None if needs_secrets => said.say("waits for its secrets."),
            None => said.say("has begun. How it goes on is shown here, step by step."),
        };
        let mut reply = Reply::new(Status::Answered, "new", lead);
        reply.refs.push(template.to_string());
        if needs_secrets && let Ok(Some(run)) = self.app.store.load_run(id).await {
            match self.app.secret_page(&run) {
                Ok(page) => reply.buttons.push(Button::open("Enter its secrets", page).primary()),
                Err(why) => tracing::warn!(%id, %why, "a run waits for secrets that cannot be entered"),
            }
        }
        reply.buttons.push(Button::say("Show the run", format!("tasks {id}")));
        reply
    }

    fn not_started(&self, error: &StoreError) -> Reply {
        failure::not_recorded("new", "Nothing was started.", self.asking, error)
    }

    /// "TypeScript service: acme/shop".
    fn run_title(&self) -> String {
        let form = &self.runnable().form;
        let place = form
            .fields()
            .filter(|field| matches!(field.kind, FieldKind::RepoUrl { .. }))
            .find_map(|field| foresee::place(&question::plain(question::find(&self.values, &field.path)?)));
        let name = || self.values["name"].as_str().map(str::to_owned);
        match place.or_else(name) {
            Some(name) => format!("{}: {}", self.shelved.title(), cut(&name, 100)),
            None => self.shelved.title().to_owned(),
        }
    }
}

fn origin(entry: &Entry, commit: Option<String>) -> RunOrigin {
    let origin = &entry.origin;
    RunOrigin {
        source: origin.source.to_string(),
        repository_id: origin.repository_id,
        repository: origin.repository.to_string(),
        path: origin.path.to_string(),
        commit,
    }
}

/// In a browser a box that nobody ticks is no answer, and templates are written for that: where a "no" fits nothing, and no
/// answer does, there is none.
fn unsay_no(form: &crate::template::form::Form, sheet: &Sheet<'_>, mut values: Json) -> Json {
    let is_no = |field: &crate::template::form::Field, values: &Json| {
        matches!(field.kind, FieldKind::Toggle { .. }) && question::find(values, &field.path) == Some(&Json::Bool(false))
    };
    let around = |values: &Json, field: &crate::template::form::Field| {
        let faults = form.check(values).faults;
        faults.into_iter().filter(|fault| field.path.starts_with(&fault.path)).count()
    };
    for field in sheet.fields.iter().filter(|field| field.default.is_none()) {
        let before = if is_no(field, &values) { around(&values, field) } else { 0 };
        if before == 0 {
            continue;
        }
        let mut without = values.clone();
        put(&mut without, &field.path, None);
        if around(&without, field) < before {
            values = without;
        }
    }
    values
}

/// What an answer is of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Place,
    /// Of which, with other answers, its place is made.
    Name,
    Nothing,
}

fn names(field: &Field, values: &Json, made: &ToBeMade) -> Names {
    let Some(answer) = question::find(values, &field.path).map(question::plain) else { return Names::Nothing };
    match &field.kind {
        FieldKind::RepoUrl { .. } if ToBeMade::read(&answer).as_ref() == Some(made) => Names::Place,
        FieldKind::RepoUrl { .. } => Names::Nothing,
        _ if answer == made.name => Names::Name,
        _ => Names::Nothing,
    }
}

/// Where the words about a field stand.
fn question_of(field: &crate::template::form::Field) -> String {
    match field.kind {
        FieldKind::RepoUrl { .. } => question::named(field, question::REPO_PART),
        _ => question::name(field),
    }
}

/// `user` as expressions see it.
fn user(catalog: &Catalog, asking: &Asking<'_>) -> Json {
    let Some(person) = &asking.person else { return json!({}) };
    let Some(entry) = catalog.find(person) else { return json!({ "ref": person }) };
    let entity = &entry.entity;
    let member_of: Vec<String> = entity.targets(RelationType::MemberOf).map(EntityRef::to_string).collect();
    json!({
        "ref": person,
        "entity": {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": Kind::User.as_str(),
            "metadata": {
                "name": entity.name, "namespace": person.namespace(), "title": entity.title,
                "annotations": entity.annotations, "labels": entity.labels,
            },
            "spec": { "profile": { "displayName": entity.display_name, "email": entity.email }, "memberOf": member_of },
        },
    })
}

/// The name that the organisation's rule makes of the answers; none while a part of it is not answered.
fn usual_name(written: &str, values: &Json) -> Option<String> {
    let mut names = serde_json::Map::new();
    for (name, value) in values.as_object()? {
        let text = question::plain(value);
        // Of a reference the name alone is meant.
        let text = EntityRef::parse(&text, None, "default")
            .map_or(text.clone(), |parsed| if text.contains(':') { parsed.name().to_owned() } else { text });
        names.insert(name.clone(), json!(text));
    }
    let syntax = Syntax { cookiecutter: true, ..Syntax::default() };
    let expression = Expression::parse(written, syntax).ok()?;
    // A part that is not answered yet leaves nothing behind; then there is no name.
    let asked = written.split("{{").skip(1).filter_map(|part| part.split("}}").next());
    let is_answered = |asked: &str| {
        let name = asked.trim().split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default();
        names.get(name).and_then(Json::as_str).is_some_and(|text| !text.is_empty())
    };
    if !asked.into_iter().all(is_answered) {
        return None;
    }
    let name = given::dashed(&expression.render(&Context::new(&Json::Object(names.clone()))).ok()?);
    (!name.is_empty()).then_some(name)
}
