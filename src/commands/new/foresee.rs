//! The last page of a template's form: what will happen, before it does, in plain words.
//! Must not wait for anything: it is made of the answers alone.

use serde_json::Value as Json;

use super::{
    pick,
    question::{find, is_asked, plain},
    words::secrets,
};
use crate::{
    catalog::Catalog,
    chat::{Text, limits::cut},
    commands::tasks::approvers_named,
    template::{
        expression::read_repo_url,
        form::{Field, FieldKind, Form},
        plan::{Fate, LATER, Planned},
    },
};

/// The page is one text of Slack's; more nobody would read.
const STEPS: usize = 14;
const ANSWERS: usize = 12;
const LINE: usize = 90;

/// All of it.
pub fn foresee(form: &Form, values: &Json, planned: &[Planned<'_>], approvers: Option<&str>, catalog: &Catalog) -> Text {
    let mut text = Text::new().bold("What will happen");
    let told: Vec<String> = planned.iter().filter(|planned| planned.fate != Fate::LeftOut).map(say).collect();
    for (at, line) in told.iter().take(STEPS).enumerate() {
        text = text.line().say(format!("{}. {}", at + 1, cut(line, LINE)));
    }
    if told.is_empty() {
        text = text.line().say("Nothing: with these answers no step is done.");
    }
    if told.len() > STEPS {
        text = text.line().say(format!("+ {} more", told.len() - STEPS));
    }
    if let Some(approvers) = approvers {
        let who = approvers_named(catalog, approvers);
        text = text.line().line().bold(cut(&who, LINE)).say(" must agree before it begins.");
    }
    let secrets = secrets(form, values);
    if !secrets.is_empty() {
        let names = secrets.iter().map(|field| cut(&field.title, 40)).collect::<Vec<_>>().join(", ");
        text = text.line().line().say(format!("You will be asked on a web page for: {}.", cut(&names, 2 * LINE)));
    }
    let answers: Vec<(String, String)> = form.fields().filter_map(|field| answer(field, values, catalog)).collect();
    if !answers.is_empty() {
        text = text.line().line().bold("Your answers");
    }
    for (title, answer) in answers.iter().take(ANSWERS) {
        text = text.line().say(format!("{}: {}", cut(title, 40), cut(answer, LINE - 20)));
    }
    if answers.len() > ANSWERS {
        text = text.line().say(format!("+ {} more", answers.len() - ANSWERS));
    }
    text
}

fn answer(field: &Field, values: &Json, catalog: &Catalog) -> Option<(String, String)> {
    let value = find(values, &field.path).filter(|_| is_asked(field) && field.is_shown(values))?;
    let words = match &field.kind {
        FieldKind::Toggle { yes, no } => {
            if *value == Json::Bool(true) {
                yes.clone()
            } else {
                no.clone()
            }
        }
        FieldKind::Entity { .. } | FieldKind::MyGroups => match value {
            Json::Array(several) => several.iter().map(|one| pick::named(catalog, &plain(one))).collect::<Vec<_>>().join(", "),
            one => pick::named(catalog, &plain(one)),
        },
        FieldKind::RepoUrl { .. } => place(&plain(value)).unwrap_or_else(|| plain(value)),
        FieldKind::Select { choices, .. } => {
            choices.iter().find(|choice| choice.value == *value).map_or_else(|| plain(value), |choice| choice.label.clone())
        }
        _ => match value {
            Json::Array(items) if items.iter().all(Json::is_string) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
            Json::Array(items) if items.len() == 1 => "1 item".to_owned(),
            Json::Array(items) => format!("{} items", items.len()),
            other => plain(other),
        },
    };
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    (!words.is_empty()).then(|| (field.title.clone(), words))
}

/// One step in a sentence without its full stop.
fn say(planned: &Planned<'_>) -> String {
    let rounds = planned.inputs.len();
    let first = planned.inputs.first().unwrap_or(&Json::Null);
    let told = say_action(&planned.step.action.id, first).unwrap_or_else(|| planned.step.name.clone());
    let told = match rounds {
        0 | 1 => told,
        rounds => format!("{told}, and {} more", rounds - 1),
    };
    match planned.fate {
        Fate::Open => format!("{told}, if the steps before call for it"),
        Fate::Done | Fate::LeftOut => told,
    }
}

fn say_action(action: &str, input: &Json) -> Option<String> {
    let known = |key: &str| input[key].as_str().filter(|text| !text.is_empty() && !text.contains(LATER));
    let repository = || known("repoUrl").and_then(place);
    let of = |repository: Option<String>| repository.map(|name| format!(" of {name}")).unwrap_or_default();
    let into = |repository: Option<String>| repository.unwrap_or_else(|| "the repository".to_owned());
    let make = || {
        let visibility = known("repoVisibility").unwrap_or("private");
        repository().map_or_else(
            || format!("Make a repository, {visibility}"),
            |name| format!("Make the repository {name}, {visibility}"),
        )
    };
    let list = |key: &str, name: &str| {
        let items = input[key].as_array()?.iter();
        let names = items.map(|item| plain(if name.is_empty() { item } else { &item[name] })).collect::<Vec<_>>().join(", ");
        (!names.is_empty() && !names.contains(LATER)).then_some(names)
    };
    Some(match action {
        "fetch:template" => match known("url").filter(|url| url.contains("://")).map(last_part) {
            Some(url) => format!("Fill in the files of {url}"),
            None => "Fill in the template's files".to_owned(),
        },
        "fetch:plain" => format!("Copy the files of {}", known("url").map(last_part)?),
        "fetch:template:file" | "fetch:plain:file" | "catalog:write" => {
            let path = known("targetPath").or(known("filePath")).unwrap_or("catalog-info.yaml");
            format!("Write {}", path.trim_start_matches("./"))
        }
        "publish:github" => format!("{}, and put the files into it", make()),
        "github:repo:create" => make(),
        "github:repo:push" => format!("Put the files into {}", into(repository())),
        "publish:github:pull-request" => match known("title") {
            Some(title) => format!("Open a pull request in {}: {title}", into(repository())),
            None => format!("Open a pull request in {}", into(repository())),
        },
        "github:actions:dispatch" => format!("Start the workflow {}{}", known("workflowId")?, of(repository())),
        "github:issues:label" => format!("Label an issue{}: {}", of(repository()), list("labels", "")?),
        "github:webhook" => format!("Add a webhook to {}", into(repository())),
        "github:branch-protection:create" => {
            format!(
                "Protect {}{}",
                known("branch").map_or_else(|| "the default branch".to_owned(), |branch| format!("the branch {branch}")),
                of(repository())
            )
        }
        "catalog:register" => "Register it in the catalog".to_owned(),
        "catalog:fetch" => {
            format!("Look up {} in the catalog", known("entityRef").map(str::to_owned).or_else(|| list("entityRefs", ""))?)
        }
        "fs:delete" => format!("Leave out {}", list("files", "")?),
        "fs:rename" => format!("Rename {} to {}", list("files", "from")?, list("files", "to")?),
        "http:backstage:request" => format!("Send {} {}", known("method").unwrap_or("GET"), known("path")?),
        "slack:notify" => format!("Tell {}", known("channel")?),
        "debug:wait" => "Wait a moment".to_owned(),
        "debug:log" => "Note something in the log".to_owned(),
        _ => return None,
    })
}

/// `acme/shop` of `github.com?owner=acme&repo=shop`.
pub fn place(url: &str) -> Option<String> {
    let parts = read_repo_url(url).ok()?;
    let part = |name: &str| {
        parts.iter().find(|(known, _)| *known == name).map(|(_, part)| part.as_str()).filter(|part| !part.is_empty())
    };
    Some(match (part("owner"), part("repo")?) {
        (Some(owner), repo) => format!("{owner}/{repo}"),
        (None, repo) => repo.to_owned(),
    })
}

/// The end of an address; a folder beside the template by its name.
fn last_part(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    url.rsplit('/').next().filter(|part| !part.is_empty()).unwrap_or(url)
}
