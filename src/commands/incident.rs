//! `/incident NAME`: attaches a link to an incident or postmortem, or closes one; cards show it while it is open.
//! Must not open an incident anywhere: it tells of one that stands elsewhere.

use std::collections::BTreeMap;

use url::Url;

use super::{
    Asking, StoreHealth,
    answer::{failure, names::short_ref, subject},
};
use crate::{
    app::App,
    catalog::{Catalog, Entity, EntityRef},
    chat::{
        Arguments, Button, Choice, Field, FieldKind, Form, FormState, Reply, Response, Status, Submission, Text, Value,
        limits::cut,
    },
    store::{AuditEntry, IncidentState, Job, NewIncident},
};

const LINK: &str = "link";
const TITLE: &str = "title";
const KIND: &str = "kind";
const STATE: &str = "state";
const TITLE_LETTERS: usize = 150;
/// With the title and everything around it, the form's state stays under Slack's 3,000 bytes.
const LINK_LETTERS: usize = 1_000;

/// The arguments of `commands/incident.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentCall {
    pub name: String,
    pub act: IncidentAct,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IncidentAct {
    #[default]
    Attach,
    Close,
}

impl From<&Arguments> for IncidentCall {
    fn from(arguments: &Arguments) -> Self {
        let act = if arguments.find("act") == Some("close") { IncidentAct::Close } else { IncidentAct::Attach };
        Self { name: arguments.find("name").unwrap_or_default().to_owned(), act }
    }
}

/// Opens the form; to close, with the newest open incident in it.
pub fn incident(catalog: &Catalog, asking: &Asking<'_>, args: &IncidentCall) -> Response {
    let subject = match subject::resolve(catalog, asking, "incident", &args.name) {
        Ok(subject) => subject,
        Err(reply) => return Response::Reply(*reply),
    };
    let entity = &subject.entry.entity;
    let mut values = BTreeMap::from([
        (KIND.to_owned(), Value::Text("incident".to_owned())),
        (STATE.to_owned(), Value::Text(IncidentState::Open.as_str().to_owned())),
    ]);
    if args.act == IncidentAct::Close {
        let open = asking.live.recent.open_incidents(entity.entity_ref.as_str());
        let Some((incident, url)) = open.first().and_then(|incident| Some((incident, incident.url.as_ref()?))) else {
            let lead = Text::plain("No open incident of ").bold(entity.label()).say(" is known.");
            return Response::Reply(Reply::new(Status::NotFound, "incident", lead));
        };
        values.insert(LINK.to_owned(), Value::Text(url.clone()));
        values.insert(TITLE.to_owned(), Value::Text(incident.title.clone()));
        values.insert(STATE.to_owned(), Value::Text(IncidentState::Closed.as_str().to_owned()));
    }
    if asking.store != StoreHealth::Reachable {
        let error = crate::store::StoreError::Away("not reachable".to_owned());
        return Response::Reply(failure::not_recorded("incident", "Nothing was attached.", asking, &error));
    }
    let state = FormState { subject: entity.entity_ref.to_string(), values };
    Response::Form(Box::new(form(entity, state, &BTreeMap::new())))
}

/// Checks what was written and has it stored.
pub async fn submit(app: &App, catalog: &Catalog, asking: &Asking<'_>, sent: Submission) -> Response {
    let found = EntityRef::parse(&sent.state.subject, None, "default").ok().and_then(|subject| catalog.find(&subject).cloned());
    let Some(entry) = found else {
        let lead = format!("{} is not in the catalog any more. Nothing was attached.", cut(&sent.state.subject, 100));
        return Response::Reply(Reply::new(Status::NotFound, "incident", lead.into()));
    };
    let entity = &entry.entity;
    let mut state = sent.state;
    state.values.extend(sent.values);
    let answer = |name: &str| state.values.get(name).map_or("", Value::as_text).trim();
    let mut errors = BTreeMap::new();
    let link = check_link(answer(LINK)).map_err(|why| errors.insert(LINK, why)).ok();
    let title = answer(TITLE);
    if title.is_empty() {
        errors.insert(TITLE, "Give it a title of a few words.".to_owned());
    } else if title.chars().count() > TITLE_LETTERS {
        errors.insert(TITLE, format!("At most {TITLE_LETTERS} characters, please."));
    }
    let is_postmortem = match answer(KIND) {
        "postmortem" => true,
        "incident" => false,
        _ => errors.insert(KIND, "Choose what it is.".to_owned()).is_some(),
    };
    let open_or_not = match answer(STATE) {
        "closed" => IncidentState::Closed,
        "open" => IncidentState::Open,
        _ => {
            errors.insert(STATE, "Choose how it stands.".to_owned());
            IncidentState::Open
        }
    };
    let Some(link) = link.filter(|_| errors.is_empty()) else {
        return Response::Form(Box::new(form(entity, state, &errors)));
    };
    let incident = NewIncident {
        entity: entity.entity_ref.to_string(),
        url: link,
        title: title.to_owned(),
        is_postmortem,
        // A postmortem is written when it is over.
        state: if is_postmortem { IncidentState::Closed } else { open_or_not },
        at: asking.now,
        by: asking.person.as_ref().map_or_else(|| asking.account.name.clone(), ToString::to_string),
    };
    Response::Reply(attach(app, asking, entity, incident).await)
}

async fn attach(app: &App, asking: &Asking<'_>, entity: &Entity, incident: NewIncident) -> Reply {
    let audit = AuditEntry {
        at: asking.now,
        account: asking.account.clone(),
        delivery: asking.delivery.clone(),
        person: asking.person.clone(),
        command: "incident".to_owned(),
        subject: entity.entity_ref.to_string(),
        detail: serde_json::json!({ "url": incident.url, "title": incident.title, "state": incident.state }),
    };
    let link = Text::new().link(incident.title.as_str(), incident.url.as_str());
    let said = match (incident.is_postmortem, incident.state) {
        (true, _) => link.say(" is attached to "),
        (false, IncidentState::Open) => link.say(" is attached as an open incident to "),
        (false, IncidentState::Closed) => link.say(" is closed for "),
    };
    let shows = match incident.state {
        IncidentState::Open => ". Its card, and those of what depends on it, show it in a few seconds.",
        IncidentState::Closed => ". /history keeps it.",
    };
    match app.store.record_action(audit, Some(Job::AttachIncident(incident))).await {
        Ok(()) => {
            let mut reply = Reply::new(Status::Answered, "incident", said.bold(entity.label()).say(shows));
            reply.refs = vec![entity.entity_ref.to_string()];
            reply.buttons.push(Button::say("The card", format!("owner {}", entity.entity_ref)));
            reply
        }
        Err(error) => failure::not_recorded("incident", "Nothing was attached.", asking, &error),
    }
}

/// The address as it will be stored.
fn check_link(written: &str) -> Result<String, String> {
    if written.is_empty() {
        return Err("Paste the link to it.".to_owned());
    }
    if written.chars().count() > LINK_LETTERS {
        return Err(format!("A link of at most {LINK_LETTERS} characters, please."));
    }
    let url = Url::parse(written).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.filter(|url| url.username().is_empty() && url.password().is_none());
    url.map(|url| url.to_string()).ok_or_else(|| "That is not a link. Paste one that begins with https://.".to_owned())
}

fn form(entity: &Entity, state: FormState, errors: &BTreeMap<&'static str, String>) -> Form {
    let intro = Text::plain("About ").bold(entity.label()).say(" ").code(short_ref(&entity.entity_ref)).say(":");
    let kinds = vec![Choice::new("incident", "An incident"), Choice::new("postmortem", "A postmortem")];
    let states = vec![Choice::new("open", "It is open"), Choice::new("closed", "It is over")];
    let link =
        FieldKind::Line { placeholder: Some("https://status.example.com/incidents/42".to_owned()), max: Some(LINK_LETTERS) };
    let fields = vec![
        Field::new(LINK, "Link", link).help("A link that is attached already takes the new title and state."),
        Field::new(TITLE, "Title", FieldKind::Line { placeholder: None, max: Some(TITLE_LETTERS) }),
        Field::new(KIND, "What it is", FieldKind::Radio { choices: kinds }),
        Field::new(STATE, "How it stands", FieldKind::Radio { choices: states }),
    ];
    let fields = fields.into_iter().map(|field| Field {
        value: state.values.get(&field.name).cloned(),
        error: errors.get(field.name.as_str()).cloned(),
        ..field
    });
    Form {
        id: "incident".to_owned(),
        title: "Incident or postmortem".to_owned(),
        page: 0,
        pages: 1,
        intro,
        fields: fields.collect(),
        submit: "Attach".to_owned(),
        state,
    }
}
