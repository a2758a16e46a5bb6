//! `/new [TEMPLATE]`: the templates there are, and the form of one; its last page shows what will happen, and starts it.
//! Must not run a template: a run is written down, and a job does it.

mod filling;
mod foresee;
mod given;
mod list;
mod pick;
mod question;
mod sheet;
mod taken;
mod words;

use serde_json::Value as Json;

use self::filling::{Filling, Shown};
use super::Asking;
use crate::{
    app::App,
    catalog::{Catalog, EntityRef},
    chat::{
        Arguments, Button, Choice, Reply, Response, Status, Submission, Text, complete as complete_choices,
        limits::{SLACK, cut},
        paging::take_page,
    },
    store::DraftId,
    template::{form::FieldKind, plan::plan, run::Given, shelf::Runnable},
};

/// The arguments of `commands/new.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct New {
    pub words: String,
    /// From 1.
    pub page: usize,
}

impl From<&Arguments> for New {
    fn from(arguments: &Arguments) -> Self {
        let written = arguments.find("template").unwrap_or_default().trim();
        let mut words: Vec<&str> = written.split_whitespace().collect();
        let page = take_page(&mut words);
        Self { words: words.join(" "), page }
    }
}

/// Shows what there is, or opens the form of the template that is named.
pub async fn new(app: &App, catalog: &Catalog, asking: &Asking<'_>, args: &New) -> Response {
    let exact = Some(args.words.as_str()).filter(|words| !words.is_empty()).and_then(|words| list::find_exact(app, words));
    let Some(shelved) = exact else {
        let Some(command) = app.commands.find("new") else { return Response::Reply(gone("new")) };
        let listing = list::Listing { words: &args.words, page: args.page };
        return Response::Reply(list::list(app, catalog, asking, command, &listing));
    };
    match Filling::begin(app, catalog, asking, shelved).await {
        Ok(filling) => filling.show(0, &Shown::default()).await,
        Err(reply) => Response::Reply(*reply),
    }
}

/// Goes on from a page that was sent: to itself with errors, to the next one, or to the run.
pub async fn submit(app: &App, catalog: &Catalog, asking: &Asking<'_>, sent: Submission) -> Response {
    let page = sent.page;
    match Filling::resume(app, catalog, asking, &sent.state).await {
        Ok(filling) => filling.submit(page, sent.values).await,
        Err(reply) => Response::Reply(*reply),
    }
}

/// Shows the page before, with what was answered on both.
pub async fn back(app: &App, catalog: &Catalog, asking: &Asking<'_>, sent: Submission) -> Response {
    match Filling::resume(app, catalog, asking, &sent.state).await {
        Ok(mut filling) => {
            // What cannot be read is lost with the page that is left.
            filling.take(sent.page, &sent.values);
            filling.show(sent.page.saturating_sub(1), &Shown::default()).await
        }
        Err(reply) => Response::Reply(*reply),
    }
}

/// What is offered for what is typed in a field of the form that `subject` is about.
pub fn complete(app: &App, catalog: &Catalog, asking: &Asking<'_>, subject: &str, field: &str, typed: &str) -> Vec<Choice> {
    let Some(shelved) = read_subject(subject).and_then(|(template, _)| app.live.templates().find(&template).cloned()) else {
        return Vec::new();
    };
    let Ok(Runnable { form, .. }) = &shelved.read else { return Vec::new() };
    // One property may be described several ways: what is asked for by a look-up is meant.
    let mut named = form.fields().filter(|known| question::name(known) == field);
    let offered = named.find_map(|field| match &field.kind {
        FieldKind::Entity { pick, .. } => Some(pick::offer(catalog, asking, pick, typed)),
        FieldKind::MyGroups => Some(pick::offer(catalog, asking, &question::any_group(), typed)),
        FieldKind::Select { choices, .. } | FieldKind::MultiSelect { choices, .. } => {
            let all: Vec<Choice> =
                (0..choices.len()).map(|at| Choice::new(question::key(choices, at), choices[at].label.as_str())).collect();
            Some(complete_choices(&all, typed).take(SLACK.options).cloned().collect())
        }
        _ => None,
    });
    offered.unwrap_or_default()
}

/// `template:default/shop`, or with the number of a draft: `template:default/shop 12`.
fn read_subject(subject: &str) -> Option<(EntityRef, Option<DraftId>)> {
    let (template, draft) = subject.split_once(' ').map_or((subject, None), |(template, draft)| (template, Some(draft)));
    let draft = match draft {
        Some(draft) => Some(DraftId(draft.parse().ok()?)),
        None => None,
    };
    Some((EntityRef::parse(template, Some("template"), "default").ok()?, draft))
}

fn gone(template: &str) -> Reply {
    let lead = format!("The template {} is not there any more. Nothing was started.", cut(template, 100));
    let mut reply = Reply::new(Status::NotFound, "new", lead.into());
    reply.buttons.push(Button::say("All templates", "new").primary());
    reply
}

/// What a run that is not begun yet would do, as its form's last page said; `None` where its template cannot be read here.
pub fn plan_text(catalog: &Catalog, document: &Json, given: &Given, approvers: Option<&str>) -> Option<Text> {
    let template = crate::template::definition::Template::read(document, &|_| 1).ok()?;
    let form = crate::template::form::Form::read(&template).ok()?;
    let planned = plan(&template, given);
    Some(foresee::foresee(&form, &given.parameters, &planned, approvers, catalog))
}
