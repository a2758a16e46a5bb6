//! The list of a team's steps, with what the asker has seen ticked. Must not answer a step.

use std::{collections::BTreeMap, sync::Arc};

use super::{key, person_key, trace::trace};
use crate::{
    app::App,
    catalog::{Catalog, EntityRef, Entry, Kind, RelationType, live::Step},
    chat::{Block, Button, Card, ListItem, ListStyle, Reply, Status, Text, Tone, limits::cut},
    commands::{Asking, StoreHealth, answer::subject, link},
    hygiene::{
        onboard::{choose, services},
        standing::owner_of,
    },
    store::{SeenStep, StoreError},
};

/// Teams that get a button.
const BUTTONS: usize = 5;

/// Of a service's name on a button.
const NAME_LETTERS: usize = 40;

pub(super) async fn show(app: &App, catalog: &Catalog, asking: &Asking<'_>, typed: &str) -> Reply {
    if !typed.is_empty() {
        let subject = match subject::resolve_of(catalog, asking, "onboard", typed, &[Kind::Group]) {
            Ok(subject) => subject,
            // Of a thing its team is meant.
            Err(reply) => match team_of(catalog, asking, typed) {
                Some(team) => return of_team(app, catalog, asking, &team).await,
                None => return *reply,
            },
        };
        let mut reply = of_team(app, catalog, asking, &subject.entry).await;
        subject.own_up(&mut reply);
        return reply;
    }
    let teams = asking.person.as_ref().map(|person| catalog.related(person, RelationType::MemberOf)).unwrap_or_default();
    let teams: Vec<&Arc<Entry>> = teams.iter().filter_map(|team| catalog.find(team)).collect();
    match teams.as_slice() {
        [] => no_team(app, asking),
        [team] => of_team(app, catalog, asking, team).await,
        several => of_several(app, catalog, asking, several).await,
    }
}

fn team_of(catalog: &Catalog, asking: &Asking<'_>, typed: &str) -> Option<Arc<Entry>> {
    let subject = subject::resolve(catalog, asking, "onboard", typed).ok()?;
    let owner = owner_of(catalog, &subject.entry.entity.entity_ref)?;
    catalog.find(&owner).filter(|owner| owner.entity.kind == Kind::Group).cloned()
}

/// What to do for whoever is in no team.
fn no_team(app: &App, asking: &Asking<'_>) -> Reply {
    let lead = match &asking.person {
        Some(_) => {
            "The catalog has you in no team yet. Ask your team to add you to its entry (or wherever your teams are kept); until \
             then name the team that you begin in, as in /onboard team-payments."
        }
        None if link::is_set_up(app) => {
            "The catalog does not know who you are, so it cannot know your team. Tie your account with /link, or name the team \
             that you begin in, as in /onboard team-payments."
        }
        None => {
            "The catalog does not know who you are, so it cannot know your team. Ask your team to add you to it, or name the \
             team that you begin in, as in /onboard team-payments."
        }
    };
    let mut reply = Reply::new(Status::NotFound, "onboard", lead.into());
    if asking.person.is_none() && link::is_set_up(app) {
        reply.buttons.push(Button::say("Tie my account", "link").primary());
    }
    reply.buttons.push(Button::say("Teams", "find kind:group"));
    reply
}

async fn of_team(app: &App, catalog: &Catalog, asking: &Asking<'_>, team: &Entry) -> Reply {
    let (team, name) = (&team.entity.entity_ref, team.entity.label());
    let seen = Seen::load(app, asking).await;
    let steps = steps_of(app, catalog, asking, team, &seen);
    if steps.is_empty() {
        let lead = Text::plain("The catalog knows nothing that ").bold(name).say(" runs, so there is nothing to show yet.");
        let mut reply = Reply::new(Status::NotFound, "onboard", lead);
        reply.refs.push(team.to_string());
        let said = "Where it does run something, its entry lacks this team as its owner, or it has none: /hygiene undescribed \
                    lists repositories without one.";
        let buttons = vec![Button::say("About the team", format!("owner {team}")), Button::say("Other teams", "find kind:group")];
        reply.cards.push(Card { body: vec![Block::Paragraph(said.into())], buttons, ..Card::default() });
        return reply;
    }
    let done = steps.iter().filter(|(step, _)| seen.has(team, *step)).count();
    let lead = Text::plain("Day one in ").bold(name);
    let lead = match done {
        0 => lead.say(format!(": {} things to find. Each button shows the answer.", steps.len())),
        all if all == steps.len() => lead.say(": ✓ you have seen all of it. Welcome."),
        some => lead.say(format!(": {some} of {} seen.", steps.len())),
    };
    let mut reply = Reply::new(Status::Answered, "onboard", lead);
    reply.refs.push(team.to_string());
    let item = |(step, entry): &(Step, Arc<Entry>)| {
        let text = Text::plain(question(*step)).say(" ").bold(entry.entity.label());
        let text = match asking.live.coverage.not_found.get(&entry.entity.entity_ref) {
            Some(missing) if missing.iter().any(|missing| missing.step == *step) => {
                text.say(" – was not found, its owner is asked")
            }
            Some(_) | None => text,
        };
        ListItem { depth: 0, checked: Some(seen.has(team, *step)), text }
    };
    let mut body: Vec<Block> = seen.missing.iter().map(|missing| Block::Warning(missing.as_str().into())).collect();
    body.push(Block::List { style: ListStyle::Bullets, items: steps.iter().map(item).collect() });
    let next = steps.iter().position(|(step, _)| !seen.has(team, *step));
    let buttons = steps.iter().enumerate().map(|(at, (step, entry))| {
        let button = Button::say(button_label(*step, entry), format!("onboard see {}", key(*step, &entry.entity.entity_ref)));
        if Some(at) == next { button.primary() } else { button }
    });
    let tone = if done == steps.len() { Tone::Good } else { Tone::Neutral };
    let footer = Text::plain("Only you see how far you are.");
    reply.cards.push(Card { tone, body, buttons: buttons.collect(), footer, ..Card::default() });
    reply
}

async fn of_several(app: &App, catalog: &Catalog, asking: &Asking<'_>, teams: &[&Arc<Entry>]) -> Reply {
    let seen = Seen::load(app, asking).await;
    let lead = format!("You are in {} teams. Which one do you begin in?", teams.len());
    let mut reply = Reply::new(Status::Answered, "onboard", lead.into());
    let item = |team: &&Arc<Entry>| {
        let steps = steps_of(app, catalog, asking, &team.entity.entity_ref, &seen);
        let done = steps.iter().filter(|(step, _)| seen.has(&team.entity.entity_ref, *step)).count();
        let said = match (steps.len(), done) {
            (0, _) => ": it runs nothing that the catalog knows".to_owned(),
            (all, done) => format!(": {done} of {all} seen"),
        };
        ListItem::new(Text::new().bold(team.entity.label()).say(said))
    };
    let items = teams.iter().map(item).collect();
    let buttons = teams.iter().take(BUTTONS);
    let buttons =
        buttons.map(|team| Button::say(cut(team.entity.label(), 60), format!("onboard start {}", team.entity.entity_ref)));
    let body = vec![Block::List { style: ListStyle::Bullets, items }];
    reply.cards.push(Card { body, buttons: buttons.collect(), ..Card::default() });
    reply.refs = teams.iter().map(|team| team.entity.entity_ref.to_string()).collect();
    reply
}

/// The steps of a team, for the asker.
pub(super) fn steps_of(
    app: &App,
    catalog: &Catalog,
    asking: &Asking<'_>,
    team: &EntityRef,
    seen: &Seen,
) -> Vec<(Step, Arc<Entry>)> {
    let has = |step: Step, entry: &Entry| !trace(catalog, &asking.live, &app.links, step, entry).is_empty();
    let of_team = seen.steps.iter().filter(|seen| seen.team == *team).map(|seen| (seen.step, seen.entity.clone()));
    choose(&services(catalog, team), &of_team.collect::<BTreeMap<_, _>>(), has)
}

/// What the asker has seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    steps: Vec<SeenStep>,
    /// Why it is not known, for people.
    missing: Option<String>,
}

impl Seen {
    pub async fn load(app: &App, asking: &Asking<'_>) -> Self {
        let read = match asking.store {
            StoreHealth::Reachable => app.store.load_seen(&person_key(asking)).await,
            StoreHealth::AwaySince(_) | StoreHealth::Absent => Err(StoreError::Away("it is known to be".to_owned())),
        };
        match read {
            Ok(steps) => Self { steps, missing: None },
            Err(error) => {
                if let StoreError::Failed(fault) = &error {
                    tracing::error!(fault = format!("{fault:#}"), "what a newcomer has seen could not be read");
                }
                let missing = "What you have seen is kept in PostgreSQL, which does not answer now: nothing is ticked.";
                Self { steps: Vec::new(), missing: Some(missing.to_owned()) }
            }
        }
    }

    pub fn has(&self, team: &EntityRef, step: Step) -> bool {
        self.steps.iter().any(|seen| seen.team == *team && seen.step == step)
    }

    pub fn add(&mut self, seen: SeenStep) {
        if !self.has(&seen.team, seen.step) {
            self.steps.push(seen);
        }
    }
}

/// What is to be found, before the name of the service.
fn question(step: Step) -> &'static str {
    match step {
        Step::Owner => "Who answers for",
        Step::Runbook => "The runbook of",
        Step::Dashboard => "The dashboard of",
        Step::Docs => "The docs of",
        Step::Dependencies => "What it leans on:",
        Step::OnCall => "Who is on call for",
    }
}

pub(super) fn button_label(step: Step, entry: &Entry) -> String {
    let word = match step {
        Step::Owner => "Owner",
        Step::Runbook => "Runbook",
        Step::Dashboard => "Dashboard",
        Step::Docs => "Docs",
        Step::Dependencies => "Dependencies",
        Step::OnCall => "On call",
    };
    format!("{word}: {}", cut(entry.entity.label(), NAME_LETTERS))
}
