//! `/catalog add URL` and `/catalog remove-url URL`: single descriptors from anywhere, for admins.
//! Must not read the address: it records the wish, a job reads and tells what it found.

use std::collections::BTreeMap;

use url::Url;

use super::super::{Asking, answer::failure};
use crate::{
    app::App,
    chat::{Field, FieldKind, Form, FormState, Reply, Response, Status, Submission, Text, Value},
    settings::SourceSettings,
    store::{AuditEntry, ChangeLocation, Job, LocationChange},
    web::Web,
};

/// The form's only field.
const URL: &str = "url";
/// As long as an address may be that every browser takes.
const LONGEST: usize = 2_000;

/// Records that an address shall be read from now on, or asks for it. The caller has checked that an admin asks.
pub async fn add(app: &App, asking: &Asking<'_>, typed: &str) -> Response {
    if typed.trim().is_empty() {
        return Response::Form(Box::new(form("", None)));
    }
    Response::Reply(match check(app, typed) {
        Ok(url) => record(app, asking, url, LocationChange::Add).await,
        Err(why) => refused(&why),
    })
}

/// Goes on from the form. The caller has checked that the asker may.
pub async fn submit(app: &App, asking: &Asking<'_>, sent: Submission) -> Response {
    let typed = sent.values.get(URL).map(Value::as_text).unwrap_or_default();
    match check(app, typed) {
        Ok(url) => Response::Reply(record(app, asking, url, LocationChange::Add).await),
        Err(why) => Response::Form(Box::new(form(typed, Some(why)))),
    }
}

/// Records that an address shall no longer be read. The caller has checked that an admin asks.
pub async fn remove(app: &App, asking: &Asking<'_>, typed: &str) -> Reply {
    match Url::parse(typed.trim()) {
        Ok(url) => record(app, asking, url, LocationChange::Remove).await,
        Err(_) => {
            let said = "Name the address, as in /catalog remove-url https://example.com/catalog-info.yaml. Nothing was changed.";
            Reply::new(Status::NotFound, "catalog", said.into())
        }
    }
}

fn form(typed: &str, error: Option<String>) -> Form {
    let placeholder = Some("https://example.com/catalog-info.yaml".to_owned());
    let field = Field::new(URL, "Address of the descriptor", FieldKind::Line { placeholder, max: Some(LONGEST) });
    let field = field.help("A file on GitHub, in any repository that Steward may read, or any address with http or https");
    let value = (!typed.is_empty()).then(|| Value::Text(typed.to_owned()));
    Form {
        id: "catalog".to_owned(),
        title: "Add a descriptor".to_owned(),
        page: 0,
        pages: 1,
        intro: Text::plain("Its entities join the catalog, and it is read again with every sync."),
        fields: vec![Field { value, error, ..field }],
        submit: "Add".to_owned(),
        state: FormState { subject: String::new(), values: BTreeMap::new() },
    }
}

/// What can be told of an address without asking for it; the job judges what its name leads to.
fn check(app: &App, typed: &str) -> Result<Url, String> {
    let typed = typed.trim();
    if typed.chars().count() > LONGEST {
        return Err(format!("That is too long: an address has at most {LONGEST} characters."));
    }
    let mut url = Url::parse(typed)
        .map_err(|_| "That is not an address. Write it whole, as in https://example.com/catalog-info.yaml.".to_owned())?;
    url.set_fragment(None);
    let mut named: Vec<Url> = Vec::new();
    for source in &app.settings.sources {
        match source {
            SourceSettings::Url(source) => named.extend(source.targets.iter().filter_map(|target| target.parse().ok())),
            // An Enterprise Server may be inside of the network; it is read through its own connection.
            SourceSettings::Github(source) => {
                let host =
                    source.api_url.parse().ok().filter(|api: &Url| api.host() == url.host() && api.scheme() == url.scheme());
                named.extend(host);
            }
            SourceSettings::Directory(_) | SourceSettings::People(_) | SourceSettings::Backstage(_) => {}
        }
    }
    Web::new(&named).check(&url).map_err(|error| format!("{error}."))?;
    Ok(url)
}

fn refused(why: &str) -> Reply {
    Reply::new(Status::Refused, "catalog", Text::plain(format!("Nothing was added. {why}")))
}

async fn record(app: &App, asking: &Asking<'_>, url: Url, change: LocationChange) -> Reply {
    let (command, not_done) = match change {
        LocationChange::Add => ("catalog add", "Nothing was added."),
        LocationChange::Remove => ("catalog remove-url", "Nothing was removed."),
    };
    let url = url.to_string();
    let audit = AuditEntry {
        at: asking.now,
        delivery: asking.delivery.clone(),
        account: asking.account.clone(),
        person: asking.person.clone(),
        command: command.to_owned(),
        subject: url.clone(),
        detail: serde_json::json!({}),
    };
    let work = ChangeLocation { change, url: url.clone(), requested_by: asking.account.clone(), place: asking.place.cloned() };
    match app.store.record_action(audit, Some(Job::ChangeLocation(work))).await {
        Ok(()) => {
            let said = match change {
                LocationChange::Add => format!("{url} is being read. You will be told what was found."),
                LocationChange::Remove => format!("{url} is being taken out of the catalog. You will be told."),
            };
            Reply::new(Status::Answered, "catalog", said.into())
        }
        Err(error) => failure::not_recorded("catalog", not_done, asking, &error),
    }
}
