//! `/hygiene`: what is wrong with the entries of a team, and what its owners do about it.
//! Must not decide what is wrong, nor change a descriptor: it writes down what somebody wants, and a job does it.

mod course;
mod describe;
mod draw;
mod hand_over;
mod known;
mod mend;
mod mend_form;
pub mod progress;
mod rest;
mod round;
mod show;
mod week;

use std::sync::Arc;

use super::{
    Asking, Standing,
    access::{self, is_of},
    answer::names::label,
};
use crate::{
    app::App,
    catalog::{Catalog, EntityRef, Entry, live::Undescribed},
    chat::{Arguments, Button, Choice, Reply, Response, Status, Submission, limits::cut},
    hygiene::{
        check::{
            Check, Facts, Finding, Rules, Subject, check_beside, check_documents, check_entry, check_repositories, described_as,
            find_check,
        },
        fix::Way,
        standing::{owner_of, owner_of_finding},
    },
    store::{AuditEntry, HandOverId},
};

pub use hand_over::{asking_message, places_of_hand_over};

/// The arguments of `commands/hygiene.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hygiene {
    /// Of a team, an entity, nobody, or, with nothing typed, the asker's teams.
    Show { typed: String, page: usize },
    /// Something is done with the finding of this key.
    Act(Deed, String),
    /// A hand-over is answered.
    Answer(Answer, String),
    /// How the last quarter went, for a team or for all.
    Trend(String),
    /// How far the hygiene week is: of all, of a team, of the asker's own; or that one shall begin.
    Week { typed: String, page: usize },
    /// An entry is right.
    Right(String),
    /// All entries of an owner are.
    AllRight(String),
    /// An entry is not theirs.
    Disown(String),
    /// What a round now would say.
    Preview,
    /// Rounds are held from now on.
    Begin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Fix,
    /// All of a team with the same check: the key is CHECK:TEAM.
    FixAll,
    NotOurs,
    Snooze,
    Exempt,
    Wake,
    /// The key is a repository's name.
    Describe,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Accept,
    Decline,
}

impl From<&Arguments> for Hygiene {
    fn from(arguments: &Arguments) -> Self {
        let typed = arguments.find("subject").unwrap_or_default().trim().to_owned();
        let page = arguments.find("page").and_then(|page| page.parse().ok()).unwrap_or(1);
        match arguments.find("action") {
            Some("fix") => Self::Act(Deed::Fix, typed),
            Some("fixall") => Self::Act(Deed::FixAll, typed),
            Some("notours") => Self::Act(Deed::NotOurs, typed),
            Some("snooze") => Self::Act(Deed::Snooze, typed),
            Some("exempt") => Self::Act(Deed::Exempt, typed),
            Some("describe") => Self::Act(Deed::Describe, typed),
            Some("wake") => Self::Act(Deed::Wake, typed),
            Some("accept") => Self::Answer(Answer::Accept, typed),
            Some("preview") => Self::Preview,
            Some("begin") => Self::Begin,
            Some("decline") => Self::Answer(Answer::Decline, typed),
            Some("trend") => Self::Trend(typed),
            Some("week") => Self::Week { typed, page },
            Some("right") => Self::Right(typed),
            Some("allright") => Self::AllRight(typed),
            Some("disown") => Self::Disown(typed),
            Some(_) | None => Self::Show { typed, page },
        }
    }
}

pub async fn hygiene(app: &App, catalog: &Catalog, asking: &Asking<'_>, call: &Hygiene) -> Response {
    match call {
        Hygiene::Show { typed, page } => Response::Reply(show::show(app, catalog, asking, typed, *page).await),
        Hygiene::Act(Deed::Fix, key) => mend::open(app, catalog, asking, key).await,
        Hygiene::Act(Deed::FixAll, key) => mend::open_all(app, catalog, asking, key).await,
        Hygiene::Act(Deed::NotOurs, key) => hand_over::open(app, catalog, asking, key),
        Hygiene::Act(Deed::Snooze, key) => rest::open(app, catalog, asking, rest::Rest::Snooze, key),
        Hygiene::Act(Deed::Exempt, key) => rest::open(app, catalog, asking, rest::Rest::Exempt, key),
        Hygiene::Act(Deed::Describe, name) => describe::open(app, catalog, asking, name).await,
        Hygiene::Act(Deed::Wake, key) => Response::Reply(rest::wake(app, catalog, asking, key).await),
        Hygiene::Trend(typed) => Response::Reply(course::show(app, catalog, asking, typed).await),
        Hygiene::Week { typed, page } => Response::Reply(week::week(app, catalog, asking, typed, *page).await),
        Hygiene::Right(typed) => Response::Reply(week::right(app, catalog, asking, typed).await),
        Hygiene::AllRight(typed) => Response::Reply(week::all_right(app, catalog, asking, typed).await),
        Hygiene::Disown(typed) => week::disown(app, catalog, asking, typed).await,
        Hygiene::Preview => Response::Reply(round::preview(app, asking).await),
        Hygiene::Begin => Response::Reply(round::begin(app, asking).await),
        Hygiene::Answer(answer, number) => match number.trim_start_matches('#').parse() {
            Ok(number) => hand_over::answer(app, catalog, asking, *answer, HandOverId(number)).await,
            Err(_) => {
                let lead = "Say which hand-over, by its number: the buttons of its message do.";
                Response::Reply(Reply::new(Status::NotFound, "hygiene", lead.into()))
            }
        },
    }
}

/// The act of `commands/hygiene.yaml` that a form of this subject is for.
pub fn act_of_form(subject: &str) -> Option<&str> {
    subject.split_whitespace().next().map(|word| if word == "adopt" { "accept" } else { word })
}

pub async fn submit(app: &App, catalog: &Catalog, asking: &Asking<'_>, sent: Submission) -> Response {
    match sent.state.subject.split_whitespace().next() {
        Some("fix" | "fixall" | "adopt") => mend::submit(app, catalog, asking, sent).await,
        Some("describe") => describe::submit(app, catalog, asking, sent).await,
        Some("snooze") => rest::submit(app, catalog, asking, rest::Rest::Snooze, sent).await,
        Some("exempt") => rest::submit(app, catalog, asking, rest::Rest::Exempt, sent).await,
        Some("notours") => hand_over::submit(app, catalog, asking, sent).await,
        Some(_) | None => {
            let lead = "This form belongs to another version of Steward. Nothing was changed; please open it again.";
            Response::Reply(Reply::new(Status::Error, "hygiene", lead.into()))
        }
    }
}

/// Options of the form's look-ups, by what was typed.
pub fn complete(catalog: &Catalog, asking: &Asking<'_>, field: &str, typed: &str) -> Vec<Choice> {
    mend_form::complete(catalog, asking, field, typed)
}

/// A finding that is open now, with its entry.
struct Open {
    finding: Finding,
    entry: Arc<Entry>,
}

impl Open {
    fn key(&self) -> String {
        self.finding.key()
    }
}

/// Check and entity of a key.
fn parse_key(key: &str) -> Option<(&'static Check, EntityRef)> {
    let (check, entity) = key.trim().split_once(':')?;
    let is_full = entity.contains(':') && entity.contains('/');
    let entity = EntityRef::parse(entity, None, "default").ok().filter(|_| is_full)?;
    Some((find_check(check)?, entity))
}

/// What is open of these entries, the gravest first.
fn findings_of(app: &App, catalog: &Catalog, asking: &Asking<'_>, entries: &[Arc<Entry>]) -> Vec<Finding> {
    let rules = Rules::of(&app.settings.hygiene);
    let facts = facts(catalog, asking, &rules);
    let mut findings: Vec<Finding> = entries.iter().flat_map(|entry| check_entry(entry, &facts)).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

fn facts<'a>(catalog: &'a Catalog, asking: &'a Asking<'_>, rules: &'a Rules) -> Facts<'a> {
    let live = &asking.live;
    Facts { catalog, on_call: &live.on_call, coverage: &live.coverage, rules, now: asking.now }
}

/// What is open of what is no entry: of repositories that nobody has described, and of documents that never were valid.
fn findings_beside(app: &App, catalog: &Catalog, asking: &Asking<'_>) -> Vec<Finding> {
    check_beside(&facts(catalog, asking, &Rules::of(&app.settings.hygiene)))
}

/// What is open of documents that never were valid and that name this owner.
fn findings_of_documents(app: &App, catalog: &Catalog, asking: &Asking<'_>, owner: &EntityRef) -> Vec<Finding> {
    let mut found = check_documents(&facts(catalog, asking, &Rules::of(&app.settings.hygiene)));
    found.retain(|finding| owner_of_finding(catalog, finding).as_ref() == Some(owner));
    found
}

/// The finding of a key; where it is not open, the reply that says so.
fn find_finding(app: &App, catalog: &Catalog, asking: &Asking<'_>, key: &str) -> Result<Finding, Box<Reply>> {
    let gone = |lead: String| Err(Box::new(Reply::new(Status::NotFound, "hygiene", lead.into())));
    let Some((check, entity)) = parse_key(key) else {
        return gone(format!("“{}” is no finding's key. /hygiene shows what is open, with buttons.", cut(key, 100)));
    };
    let entry = catalog.find(&entity);
    let rules = Rules::of(&app.settings.hygiene);
    let facts = facts(catalog, asking, &rules);
    let found = match (check.is_of_repositories(), entry) {
        (true, _) if asking.live.coverage.undescribed.is_none() => {
            return gone("It is not known yet which repositories have no descriptor. Please try again in a minute.".to_owned());
        }
        (true, _) => check_repositories(&facts),
        (false, Some(entry)) => check_entry(entry, &facts),
        (false, None) if check.is_of_documents() => check_documents(&facts),
        (false, None) => return gone(format!("{entity} is not in the catalog any more, so nothing is open there.")),
    };
    if let Some(finding) = found.into_iter().find(|finding| finding.check.id == check.id && finding.entity == entity) {
        return Ok(finding);
    }
    let lead = format!("✓ Not open any more: {} of {}.", check.title.to_lowercase(), name_of(catalog, asking, check, &entity));
    let mut reply = Reply::new(Status::Answered, "hygiene", lead.into());
    if entry.is_some() {
        reply.refs.push(entity.to_string());
        reply.buttons.push(Button::say("What is open there", format!("hygiene {entity}")));
    }
    Err(Box::new(reply))
}

/// What people call what a check is about, whether or not anything is wrong with it.
fn name_of(catalog: &Catalog, asking: &Asking<'_>, check: &Check, entity: &EntityRef) -> String {
    let is_it = |of: &&Arc<Undescribed>| described_as(&of.repository) == *entity;
    let known = asking.live.coverage.undescribed.iter().flatten().filter(|_| check.is_of_repositories()).find(is_it);
    known.map_or_else(|| label(catalog, entity), |of| of.repository.full_name.clone())
}

/// The finding of a key with its entry.
fn find_open(app: &App, catalog: &Catalog, asking: &Asking<'_>, key: &str) -> Result<Open, Box<Reply>> {
    let finding = find_finding(app, catalog, asking, key)?;
    match catalog.find(&finding.entity) {
        Some(entry) => Ok(Open { finding, entry: Arc::clone(entry) }),
        None => Err(Box::new(no_entry(catalog, &finding))),
    }
}

/// What is said where only an entry will do.
fn no_entry(catalog: &Catalog, finding: &Finding) -> Reply {
    let name = finding.name(catalog);
    let lead = match &finding.subject {
        Subject::Document(_) => format!(
            "No form can mend this, and nothing can be handed over before it is in the catalog. {name} {}. {}",
            finding.detail, finding.check.fix
        ),
        Subject::Entry | Subject::Repository(_) => {
            format!("Nobody owns {name} yet, since nobody has described it. Whoever describes it says whose it is.")
        }
    };
    let mut reply = Reply::new(Status::Refused, "hygiene", lead.into());
    reply.buttons.extend(Way::of(catalog, finding).map(|way| way.button(&finding.key()).primary()));
    reply
}

/// The repository that the finding of a key is about.
fn find_repository(app: &App, catalog: &Catalog, asking: &Asking<'_>, key: &str) -> Result<Arc<Undescribed>, Box<Reply>> {
    match find_finding(app, catalog, asking, key)?.subject {
        Subject::Repository(of) => Ok(of),
        Subject::Entry | Subject::Document(_) => {
            Err(Box::new(Reply::new(Status::NotFound, "hygiene", "That finding is about no repository.".into())))
        }
    }
}

/// The refusal for whoever is neither of the owning team nor an admin; where nobody owns it, all who are known may.
fn refuse_stranger(catalog: &Catalog, asking: &Asking<'_>, entity: &EntityRef, does: &str) -> Option<Reply> {
    refuse_other(catalog, asking, &owner_of(catalog, entity)?, Some(entity), does)
}

/// The same for what a finding is about, which may be no entry.
fn refuse_stranger_to(catalog: &Catalog, asking: &Asking<'_>, finding: &Finding, does: &str) -> Option<Reply> {
    refuse_other(catalog, asking, &owner_of_finding(catalog, finding)?, finding.entry(), does)
}

fn refuse_other(
    catalog: &Catalog,
    asking: &Asking<'_>,
    owner: &EntityRef,
    entity: Option<&EntityRef>,
    does: &str,
) -> Option<Reply> {
    if asking.standing == Standing::Admin || is_of(catalog, asking, owner) {
        return None;
    }
    let lead = format!("Only people of {} and admins may {does}. Nothing was changed.", label(catalog, owner));
    let mut reply = Reply::new(Status::Refused, "hygiene", lead.into());
    reply.refs.push(owner.to_string());
    reply.buttons.extend(entity.map(|entity| Button::say("Tell them", format!("report {entity}"))));
    Some(reply)
}

/// Whether the asker may do an act of `/hygiene` by the rules; nothing is written down.
fn may(app: &App, catalog: &Catalog, asking: &Asking<'_>, act: &str) -> bool {
    let Some(command) = app.commands.find("hygiene") else { return false };
    let gates = access::gates(&app.settings.access.rules, command, Some(act));
    gates.iter().all(|gate| access::is_allowed(catalog, asking, &gate.allow, &access::About::Nothing))
}

fn audit(asking: &Asking<'_>, act: &str, subject: &str, detail: serde_json::Value) -> AuditEntry {
    AuditEntry {
        at: asking.now,
        delivery: asking.delivery.clone(),
        account: asking.account.clone(),
        person: asking.person.clone(),
        command: format!("hygiene {act}"),
        subject: subject.to_owned(),
        detail,
    }
}
